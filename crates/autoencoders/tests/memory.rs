//! Rows on disk: the same bits as from memory, and errors where the file does not stay what it was.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::read;
use autoencoders::data::write_npy_blocks;
use autoencoders::data::write_table;
use autoencoders::data::write_table_blocks;
use autoencoders::settings::Net;
use autoencoders::settings::Scale;
use autoencoders::study::evaluate;
use autoencoders::study::interpolate;
use autoencoders::study::jacobian_norm;
use autoencoders::{Config, Event, Flow, Model, Outcome, Rng, fit};
use std::path::Path;
use tempfile::TempDir;

/// More than one block of everything that is done in blocks.
const ROWS: usize = 15_000;
const WIDTH: usize = 10;

/// A folder with the same table as `t.npy`, `t.csv` and `t.parquet`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut rng = Rng::new(4);
    let numbers: Vec<f32> =
        (0..ROWS * WIDTH).map(|at| rng.standard_normal() + (at % WIDTH) as f32).collect();
    let names: Vec<String> = (0..WIDTH).map(|column| format!("c{column}")).collect();
    for name in ["t.npy", "t.csv", "t.parquet"] {
        write_table(folder.path().join(name), None, &names, ROWS, &numbers).unwrap();
    }
    folder
}

fn rows(folder: &Path, name: &str, memory: Option<u64>) -> Dataset {
    let id = (!name.ends_with("npy")).then(|| "row".to_owned()).into_iter().collect();
    let data = read(
        &folder.join(name).display().to_string(),
        &ReadOptions { memory, id, ..ReadOptions::default() },
    )
    .unwrap();
    assert_eq!(data.values.in_memory().is_none(), memory.is_some());
    data
}

/// Everything on disk.
const DISK: Option<u64> = Some(0);

fn config(family: &str) -> Config {
    Config::default()
        .family(family.to_owned())
        .latent(3)
        .epochs(1)
        .batch(128)
        .net("mlp:16".parse::<Net>().unwrap())
}

fn trained(config: &Config, data: &Dataset) -> Model {
    fit(config, data, None, false, &mut |_| Flow::Continue).unwrap().model
}

/// The bytes of the model file.
fn bytes(model: &Model, folder: &Path) -> Vec<u8> {
    let path = folder.join("m.ae");
    model.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_model_trained_from_disk_has_the_bits_of_one_trained_from_memory() {
    let folder = folder();
    for (name, family, scale) in [
        ("t.npy", "plain", Scale::Standard),
        ("t.npy", "denoising", Scale::Unit),
        ("t.parquet", "vae", Scale::MinMax),
        ("t.parquet", "denoising", Scale::Auto),
        ("t.csv", "plain", Scale::None),
    ] {
        let config = config(family).scale(scale);
        let [memory, disk] = [None, DISK].map(|memory| {
            bytes(&trained(&config, &rows(folder.path(), name, memory)), folder.path())
        });
        assert!(memory == disk, "{family} on {name}");
    }
}

#[test]
fn an_evaluation_from_disk_has_the_same_numbers() {
    let folder = folder();
    let [memory, disk] = [None, DISK].map(|memory| rows(folder.path(), "t.npy", memory));
    let model = trained(&config("denoising"), &memory);
    let all: Vec<usize> = (0..ROWS).rev().collect();
    assert_eq!(evaluate(&model, &memory, &all).unwrap(), evaluate(&model, &disk, &all).unwrap());
    assert_eq!(
        jacobian_norm(&model, &memory, &all[..2000]).unwrap(),
        jacobian_norm(&model, &disk, &all[..2000]).unwrap()
    );
    assert_eq!(model.encode(&memory).unwrap(), model.encode(&disk).unwrap());
    assert_eq!(
        interpolate(&model, &memory, 3, 17, 5).unwrap(),
        interpolate(&model, &disk, 3, 17, 5).unwrap()
    );
}

#[test]
fn codes_and_rows_are_the_same_files_from_disk_and_from_memory() {
    let folder = folder();
    let [memory, disk] = [None, DISK].map(|memory| rows(folder.path(), "t.parquet", memory));
    let model = trained(&config("plain"), &memory);
    let codes: Vec<String> = (0..3).map(|unit| format!("code_{unit}")).collect();
    for extension in ["npy", "csv", "parquet"] {
        let [from_memory, from_disk] = [&memory, &disk].map(|data| {
            let (path, ids) = (folder.path().join(format!("out.{extension}")), data.ids.as_deref());
            model
                .encode_blocks(data, 0..ROWS, |blocks| {
                    write_table_blocks(&path, ids, &codes, &[], ROWS, blocks)
                })
                .unwrap();
            let codes = std::fs::read(&path).unwrap();
            model
                .reconstruct_blocks(data, 0..ROWS, |blocks| match extension {
                    "npy" => write_npy_blocks(&path, &[ROWS, WIDTH], blocks),
                    _ => write_table_blocks(&path, ids, &data.columns, &[], ROWS, blocks),
                })
                .unwrap();
            (codes, std::fs::read(&path).unwrap())
        });
        assert!(from_memory == from_disk, "{extension}");
        // What is written in blocks is what is computed at once.
        let whole = folder.path().join(format!("whole.{extension}"));
        write_table(
            &whole,
            memory.ids.as_deref(),
            &codes,
            ROWS,
            &model.encode(&memory).unwrap().values,
        )
        .unwrap();
        assert!(std::fs::read(whole).unwrap() == from_disk.0, "{extension}");
    }
}

#[test]
fn a_training_begun_in_memory_goes_on_from_disk() {
    let folder = folder();
    let [memory, disk] = [None, DISK].map(|memory| rows(folder.path(), "t.npy", memory));
    let config = config("denoising").epochs(2);
    let run = folder.path().join("m.ae.run");
    let stopped = fit(&config, &memory, Some(&run), false, &mut |event| match event {
        Event::Step { step: 30, .. } => Flow::Stop,
        _ => Flow::Continue,
    });
    assert!(matches!(stopped.unwrap().outcome, Outcome::Interrupted));
    let resumed = fit(&config, &disk, Some(&run), true, &mut |_| Flow::Continue).unwrap().model;
    assert!(bytes(&resumed, folder.path()) == bytes(&trained(&config, &memory), folder.path()));
}

#[test]
fn a_file_that_is_cut_short_ends_the_training_with_an_error() {
    let folder = folder();
    let data = rows(folder.path(), "t.npy", DISK);
    let file = std::fs::File::options().write(true).open(folder.path().join("t.npy")).unwrap();
    let error = fit(&config("plain"), &data, None, false, &mut |event| {
        if let Event::Step { step: 3, .. } = event {
            file.set_len(1000).unwrap();
        }
        Flow::Continue
    });
    let error = error.unwrap_err().to_string();
    // Found before a read, or by a read that was under way.
    assert!(
        ["t.npy: was changed or cut short", "t.npy: is cut short"]
            .iter()
            .any(|words| error.contains(words)),
        "{error}"
    );
}
