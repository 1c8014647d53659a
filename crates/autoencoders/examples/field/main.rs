#![allow(clippy::print_stdout, clippy::disallowed_methods)] // an example prints and takes the time

//! Figures on tables as people have them.
//!
//! `cargo run --release --example field [-- --quick] [--only PART] [--set NAME]` with the variable
//! AE_DATA naming the folder that holds `adbench/` and `ecg5000/`, and AE_PEERS a Python with pyod,
//! scikit-learn, pandas, statsmodels and vega_datasets. Parts are alarms, injected, heartbeats, gaps,
//! copies-normal and copies-all; `--quick` takes one seed instead of five, `--set` only the sets of
//! ADBench whose names have NAME in them.

mod alarms;
mod copies;
mod heartbeats;
mod peers;

use autoencoders::data::{Dataset, ReadOptions, read};
use autoencoders::{Config, Error, Flow, Model, Result, fit};
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The sets of ADBench.
const SETS: [&str; 14] = [
    "2_annthyroid",
    "4_breastw",
    "6_cardio",
    "14_glass",
    "18_Ionosphere",
    "20_letter",
    "23_mammography",
    "25_musk",
    "26_optdigits",
    "28_pendigits",
    "30_satellite",
    "32_shuttle",
    "38_thyroid",
    "40_vowels",
];

/// What the command line says.
pub(crate) struct Options {
    folder: PathBuf,
    peers: Option<PathBuf>,
    seeds: u64,
    only: Option<String>,
    set: String,
}

impl Options {
    /// The sets of ADBench that are asked for.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &'static str> {
        SETS.into_iter().filter(|set| set.contains(&self.set))
    }
}

/// A part of the figures.
type Part = (&'static str, fn(&Options) -> Result<()>);

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut quick, mut only, mut set) = (false, None, String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--only" => only = arguments.next(),
            "--set" => set = arguments.next().unwrap_or_default(),
            other => {
                let wanted = "wanted --quick, --only PART or --set NAME";
                return Err(format!("unknown argument {other}; {wanted}").into());
            }
        }
    }
    let folder = std::env::var("AE_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let options = Options {
        folder: PathBuf::from(folder),
        peers: std::env::var_os("AE_PEERS").map(PathBuf::from),
        seeds: if quick { 1 } else { 5 },
        only,
        set,
    };
    let parts: [Part; 6] = [
        ("alarms", alarms::alarms),
        ("injected", peers::injected),
        ("heartbeats", heartbeats::heartbeats),
        ("gaps", peers::gaps),
        ("copies-normal", copies::on_normal),
        ("copies-all", copies::on_all),
    ];
    for (name, part) in parts {
        if options.only.as_ref().is_none_or(|only| only == name) {
            part(&options)?;
        }
    }
    Ok(())
}

/// A set of ADBench, and which of its rows are anomalies.
pub(crate) fn adbench(options: &Options, set: &str) -> Result<(Dataset, Vec<bool>)> {
    let path = options.folder.join(format!("adbench/{set}.npz")).display().to_string();
    let (label, array) = (Some("y".to_owned()), Some("X".to_owned()));
    let mut data = read(&path, &ReadOptions { label, array, ..ReadOptions::default() })?;
    let labels = data.labels.take();
    let labels = labels.ok_or_else(|| Error::data(&data.name, "has no array y"))?;
    let anomaly =
        labels.iter().map(|label| label.parse::<f64>().is_ok_and(|label| label > 0.5)).collect();
    Ok((data, anomaly))
}

/// The one configuration for every table.
pub(crate) fn trained(data: &Dataset, contamination: f64, seed: u64) -> Result<Model> {
    let config = Config::for_anomalies(&data.shape, &data.fields)
        .contamination(contamination)
        .seed(seed)
        .test(0.0);
    Ok(fit(&config, data, None, false, &mut |_| Flow::Continue)?.model)
}

/// The mean of some numbers.
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}
