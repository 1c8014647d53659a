#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used)] // an example prints and takes the time

//! Anomaly detection beside what it must be better than, on real data.
//!
//! `cargo run --release --example anomalies [-- --quick] [--json FILE] [--data DIR] [--only PART]`
//! with the variable AE_DATA naming the folder that holds `adbench/`, `ecg5000/` and `nab/`; parts
//! are semi, unsupervised, ecg5000, nab, shuttle, gaps. `--data DIR` takes a folder of `.npz` files
//! with arrays X and y (1 is an anomaly) instead of adbench, for the parts semi and unsupervised.
//! `--quick` takes one seed instead of five.

mod baselines;
mod gaps;
mod series;

use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::read;
use autoencoders::study::Ensemble;
use autoencoders::study::ScoreKind;
use autoencoders::study::auroc;
use autoencoders::study::score;
use autoencoders::{Config, Error, Flow, Model, Result, Rng, fit};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The kinds of score in the table.
const KINDS: [ScoreKind; 5] = [
    ScoreKind::Joined,
    ScoreKind::Reconstruction,
    ScoreKind::Code,
    ScoreKind::Mahalanobis,
    ScoreKind::Denoising,
];
/// The fraction of anomalies that is expected where nobody knows it.
const CONTAMINATION: f64 = 0.1;

struct Options {
    folder: PathBuf,
    other: Option<PathBuf>,
    seeds: u64,
    only: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    /// Train on a random half of the normal rows, test on the other half and all anomalies.
    Semi,
    /// Train and test on all rows.
    Unsupervised,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Semi => "semi_supervised",
            Self::Unsupervised => "unsupervised",
        }
    }

    fn published(self) -> &'static str {
        match self {
            Self::Semi => "semi-supervised",
            Self::Unsupervised => "unsupervised",
        }
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.remove(at);
        (at < arguments.len()).then(|| arguments.remove(at))
    };
    let (json, other, only) =
        (value("--json"), value("--data").map(PathBuf::from), value("--only"));
    let quick = arguments
        .iter()
        .position(|argument| argument == "--quick")
        .map(|at| arguments.remove(at))
        .is_some();
    if let Some(unknown) = arguments.first() {
        return Err(format!(
            "unknown argument {unknown}; wanted --quick, --json FILE, --data DIR or --only PART"
        )
        .into());
    }
    let folder =
        PathBuf::from(std::env::var("AE_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let options = Options { folder, other, seeds: if quick { 1 } else { 5 }, only };
    let mut result = Map::new();
    for protocol in [Protocol::Semi, Protocol::Unsupervised] {
        if options.wants(protocol.name()) {
            result.insert(protocol.name().to_owned(), tables(&options, protocol)?);
        }
    }
    if options.other.is_none() && options.wants("ecg5000") {
        result.insert("ecg5000".to_owned(), series::ecg5000(&options)?);
    }
    if options.other.is_none() && options.wants("nab") {
        result.insert("nab".to_owned(), series::nab(&options)?);
    }
    if options.other.is_none() && options.wants("shuttle") {
        result.insert("shuttle".to_owned(), shuttle(&options)?);
    }
    if options.other.is_none() && options.wants("gaps") {
        result.insert("gaps".to_owned(), gaps::gaps(&options)?);
    }
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_string_pretty(&Value::Object(result))?)?;
    }
    Ok(())
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| part.starts_with(only.as_str()))
    }
}

/// Every set by every score under one protocol, as a table and as JSON.
fn tables(options: &Options, protocol: Protocol) -> Result<Value> {
    let folder = options.other.clone().unwrap_or_else(|| options.folder.join("adbench"));
    let sets = sets(&folder)?;
    let names: Vec<String> = KINDS
        .iter()
        .map(|kind| format!("ours, {kind}"))
        .chain(baselines::NAMES.map(str::to_owned))
        .collect();
    let mut table = vec![vec![0.0; sets.len()]; names.len()];
    let begun = Instant::now();
    for (at, (_, path)) in sets.iter().enumerate() {
        let data = read(
            &path.display().to_string(),
            &ReadOptions {
                label: Some("y".to_owned()),
                array: Some("X".to_owned()),
                ..ReadOptions::default()
            },
        )?;
        for seed in 0..options.seeds {
            for (line, area) in areas(&data, protocol, seed)?.into_iter().enumerate() {
                table[line][at] += 100.0 * area / options.seeds as f64;
            }
        }
    }
    let published = published(&folder, protocol, &sets);
    println!(
        "\n{}: mean AUROC in %, {} seeds, {:.0} s",
        protocol.published(),
        options.seeds,
        begun.elapsed().as_secs_f64()
    );
    print_table(
        &sets.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        &names,
        &table,
        &published,
    );
    let mean = |line: &[f64]| line.iter().sum::<f64>() / line.len().max(1) as f64;
    let by_set = |line: &[f64]| -> Map<String, Value> {
        sets.iter().zip(line).map(|((name, _), area)| (name.clone(), json!(area))).collect()
    };
    let others: Map<String, Value> = names
        .iter()
        .zip(&table)
        .skip(1)
        .map(|(name, line)| (name.clone(), json!({ "mean": mean(line), "sets": by_set(line) })))
        .collect();
    Ok(
        json!({ "mean": mean(&table[0]), "sets": by_set(&table[0]), "seeds": options.seeds, "others": others }),
    )
}

/// The areas of every score on one set, ours first.
fn areas(data: &Dataset, protocol: Protocol, seed: u64) -> Result<Vec<f64>> {
    let labels = data.labels.as_ref().ok_or_else(|| {
        Error::data(&data.name, "has no array y; wanted 1 for anomalies and 0 for the others")
    })?;
    let anomaly: Vec<bool> =
        labels.iter().map(|label| label.parse::<f64>().is_ok_and(|label| label > 0.5)).collect();
    let all: Vec<usize> = (0..data.rows()).collect();
    let (train, test) = match protocol {
        Protocol::Unsupervised => (all.clone(), all),
        Protocol::Semi => {
            let normal: Vec<usize> = all.iter().copied().filter(|row| !anomaly[*row]).collect();
            let order = Rng::new(seed).split("protocol").permutation(normal.len());
            let (half, rest) = order.split_at(normal.len() / 2);
            let test = rest
                .iter()
                .map(|at| normal[*at])
                .chain(all.into_iter().filter(|row| anomaly[*row]))
                .collect();
            (half.iter().map(|at| normal[*at]).collect(), test)
        }
    };
    let truth: Vec<bool> = test.iter().map(|row| anomaly[*row]).collect();
    let (train, test) = (baselines::subset(data, &train)?, baselines::subset(data, &test)?);
    let contamination = if protocol == Protocol::Unsupervised { CONTAMINATION } else { 0.0 };
    let model = trained(&train, contamination, seed)?;
    let mut areas = Vec::new();
    for kind in KINDS {
        let scores: Vec<f64> =
            score(&model, &test, kind, 0)?.into_iter().map(|row| row.score).collect();
        areas.push(auroc(&scores, &truth).unwrap_or(f64::NAN));
    }
    for scores in baselines::all(&train, &test, protocol == Protocol::Unsupervised, seed)? {
        areas.push(auroc(&scores, &truth).unwrap_or(f64::NAN));
    }
    Ok(areas)
}

/// How long it takes to train five members on all rows of the largest set, and to score them.
fn shuttle(options: &Options) -> Result<Value> {
    let path = options.folder.join("adbench/32_shuttle.npz").display().to_string();
    let data = read(
        &path,
        &ReadOptions {
            label: Some("y".to_owned()),
            array: Some("X".to_owned()),
            ..ReadOptions::default()
        },
    )?;
    let begun = Instant::now();
    let model = trained(&data, CONTAMINATION, 0)?;
    let training = begun.elapsed().as_secs_f64();
    let rows = score(&model, &data, ScoreKind::Joined, 3)?;
    let all = begun.elapsed().as_secs_f64();
    let members = Ensemble::of(&model)?.members.len() + 1;
    println!(
        "\nshuttle, {} rows of {}: {members} members trained in {training:.1} s, scored in {:.1} s, {all:.1} s in all",
        rows.len(),
        data.features(),
        all - training
    );
    Ok(
        json!({ "rows": rows.len(), "members": members, "training_seconds": training, "seconds": all }),
    )
}

/// The one configuration for every set.
fn trained(data: &Dataset, contamination: f64, seed: u64) -> Result<Model> {
    let config = Config::for_anomalies(&data.shape, &data.fields)
        .contamination(contamination)
        .seed(seed)
        .test(0.0);
    Ok(fit(&config, data, None, false, &mut |_| Flow::Continue)?.model)
}

/// The sets of a folder by name, in order.
fn sets(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let mut sets: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "npz"))
        .map(|path| (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path))
        // ADBench numbers its files: 14_glass.
        .map(|(name, path)| {
            (
                name.split_once('_')
                    .filter(|(number, _)| number.parse::<u32>().is_ok())
                    .map_or(name.clone(), |(_, name)| name.to_lowercase()),
                path,
            )
        })
        .collect();
    sets.sort();
    if sets.is_empty() {
        Err(Error::data(
            folder.display(),
            "holds no .npz file; wanted a folder of them, each with arrays X and y",
        ))
    } else {
        Ok(sets)
    }
}

/// For each set the best of the published figures, with its detector.
fn published(folder: &Path, protocol: Protocol, sets: &[(String, PathBuf)]) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("published_auroc.csv")).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let lines: Vec<Vec<&str>> = lines.collect();
    let best = |name: &str| {
        let line = lines.iter().find(|line| line[0] == name && line[1] == protocol.published())?;
        let figures = line
            .iter()
            .zip(&header)
            .skip(2)
            .filter_map(|(figure, name)| Some((figure.parse::<f64>().ok()?, name)));
        figures
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(figure, name)| format!("{figure:.1} {name}"))
    };
    sets.iter().map(|(name, _)| best(name).unwrap_or_else(|| "-".to_owned())).collect()
}

fn print_table(sets: &[&str], names: &[String], table: &[Vec<f64>], published: &[String]) {
    let mut cells: Vec<Vec<String>> = vec![
        std::iter::once("set".to_owned())
            .chain(names.iter().cloned())
            .chain(["best published".to_owned()])
            .collect(),
    ];
    for (at, set) in sets.iter().enumerate() {
        let figures = table.iter().map(|line| format!("{:.1}", line[at]));
        cells.push(
            std::iter::once((*set).to_owned())
                .chain(figures)
                .chain([published[at].clone()])
                .collect(),
        );
    }
    let means = table
        .iter()
        .map(|line| format!("{:.2}", line.iter().sum::<f64>() / line.len().max(1) as f64));
    cells.push(std::iter::once("mean".to_owned()).chain(means).chain(["-".to_owned()]).collect());
    let widths: Vec<usize> = (0..cells[0].len())
        .map(|at| cells.iter().map(|line| line[at].len()).max().unwrap_or(0))
        .collect();
    for (at, line) in cells.iter().enumerate() {
        let padded: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", padded.join(" | "));
        if at == 0 {
            println!(
                "|{}|",
                widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|")
            );
        }
    }
}
