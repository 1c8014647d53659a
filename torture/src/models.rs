//! Models and checkpoints that say nonsense, with a hash that fits.

use crate::choices::Choices;
use crate::tally::Tally;
use crate::worker::{self, Taken, Try, case};
use crate::{Outcome, Torture, World, mutate};
use autoencoders::data::{Dataset, ReadOptions, Series, read};
use autoencoders::engine::{ArchiveKind, NamedTensor, read_archive, write_archive};
use autoencoders::families::plain::Plain;
use autoencoders::study::{Source, generate, score};
use autoencoders::{Config, Flow, Trainer, fit, load};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const TITLE: &str = "models and checkpoints whose settings, shapes and numbers are nonsense under a hash that fits, and such with damaged bytes, are loaded and used: refused, or used without a panic, within 20 s each, and twice their size and 200 MB of memory";

/// A model may take so long.
const LONGEST: Duration = Duration::from_secs(20);

/// What is loaded: a model, or the checkpoint of a training.
struct Whole {
    kind: ArchiveKind,
    bytes: Vec<u8>,
    content: Value,
    tensors: Vec<NamedTensor>,
    /// Rows that it takes.
    data: Dataset,
}

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_models()?;
    worker::all(&Torture { world, kept: torture.kept.clone(), ..*torture }, "models")
}

/// Each case is a model or a checkpoint of the folder, with other content.
pub(crate) fn tries(folder: &Path) -> Outcome<Box<Try>> {
    let folder = folder.to_owned();
    let mut all = Vec::new();
    for (name, _) in crate::world::MODELS {
        let path = folder.join(format!("{name}.ae"));
        let model = load(&path)?;
        let data = rows_of(&folder, name, model.signature().series.as_ref())?;
        all.push(whole(&path, ArchiveKind::Model, data)?);
    }
    let digits = read("digits", &ReadOptions::default())?.select(&(0..60).collect::<Vec<_>>())?;
    all.push(whole(&checkpoint(&folder, &digits)?, ArchiveKind::Run, digits)?);
    Ok(Box::new(move |choices: &mut Choices| {
        let one = &all[choices.below(all.len())];
        worker::clear(&folder);
        let path = case(&folder, if one.kind == ArchiveKind::Model { "ae" } else { "run" });
        if choices.below(8) == 0 {
            worker::write(&path, &mutate::bytes(choices, &one.bytes))?;
        } else if !nonsense(choices, one, &path) {
            return Taken::from_here().by("not to be written", 0, LONGEST);
        }
        let taken = Taken::from_here();
        let used = match one.kind {
            ArchiveKind::Model => use_model(&path, &one.data),
            ArchiveKind::Run => resume(&path, &one.data),
        };
        let bytes = std::fs::metadata(&path).map_or(0, |it| it.len() as usize);
        taken.by(used?, bytes, LONGEST)
    }))
}

fn whole(path: &Path, kind: ArchiveKind, data: Dataset) -> Outcome<Whole> {
    let (content, tensors) = read_archive(path, kind)?;
    let tensors: BTreeMap<String, NamedTensor> = tensors;
    Ok(Whole {
        kind,
        bytes: std::fs::read(path)?,
        content: content.read()?,
        tensors: tensors.into_values().collect(),
        data,
    })
}

/// Some rows that a model takes.
fn rows_of(folder: &Path, name: &str, series: Option<&Series>) -> Outcome<Dataset> {
    let (file, label) = match name {
        "mixed" => ("mixed.csv", None),
        "series" => ("series.csv", None),
        "digits" | "images" | "head" => ("digits", None),
        _ => ("table.csv", Some("kind".to_owned())),
    };
    let source =
        if file == "digits" { file.to_owned() } else { folder.join(file).display().to_string() };
    let data =
        read(&source, &ReadOptions { label, series: series.cloned(), ..ReadOptions::default() })?;
    let few: Vec<usize> = (0..data.rows().min(12)).collect();
    Ok(data.select(&few)?)
}

/// A checkpoint of a training that was stopped.
fn checkpoint(folder: &Path, data: &Dataset) -> Outcome<PathBuf> {
    let path = folder.join("digits.ae.run");
    let mut steps = 0;
    let training = Trainer::new(Plain {})
        .latent(3)
        .net("mlp:6".parse::<autoencoders::settings::Net>()?)
        .epochs(4)
        .checkpoint(&path);
    training
        .on(move |_| {
            steps += 1;
            if steps > 3 { Flow::Stop } else { Flow::Continue }
        })
        .fit(data)?;
    Ok(path)
}

/// Writes an archive with other content; whether there can be such a one.
fn nonsense(choices: &mut Choices, whole: &Whole, path: &Path) -> bool {
    let content = if choices.below(4) > 0 {
        mutate::json(choices, &whole.content)
    } else {
        whole.content.clone()
    };
    let mut tensors = whole.tensors.clone();
    for _ in 0..choices.below(3) {
        let at = choices.below(tensors.len());
        let other = choices.below(tensors.len());
        match choices.below(6) {
            0 => drop(tensors.remove(at)),
            1 => {
                let name = tensors[other].name.clone();
                if !tensors.iter().any(|tensor| tensor.name == format!("{name}?")) {
                    tensors[at].name = format!("{name}?");
                }
            }
            2 => tensors[at].shape.reverse(),
            3 => {
                // Another shape of as many numbers, or with fewer.
                let count = tensors[at].values.len();
                tensors[at].shape = vec![count];
            }
            4 => {
                let tensor = &mut tensors[at];
                let place = choices.below(tensor.values.len());
                tensor.values[place] = [0.0, -1.0, 1e38, -1e38, 1e-40, 1e20][choices.below(6)];
            }
            _ => {
                let number = [0.0, 1.0, -1e30, 3e38][choices.below(4)];
                tensors[at].values.fill(number);
            }
        }
        if tensors.is_empty() {
            break;
        }
    }
    let waiting = tensors.iter().map(|tensor| tensor.waiting(tensor.name.clone())).collect();
    write_archive(path, whole.kind, content, waiting).is_ok()
}

/// Everything that a model is asked for.
fn use_model(path: &Path, data: &Dataset) -> Result<&'static str, String> {
    let Ok(model) = load(path) else { return Ok("refused") };
    let codes = model.encode(data);
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let mut used = "used";
    match &codes {
        Ok(codes) if !finite(&codes.values) => used = "used, beyond numbers",
        Ok(codes) => drop(model.decode(codes)),
        Err(_) => used = "loaded, and refused its rows",
    }
    drop(model.reconstruct(data));
    drop(generate(&model, 3, 1, Source::Auto));
    for kind in autoencoders::study::ScoreKind::ALL {
        drop(score(&model, data, kind, 2));
    }
    // What it loads it can save, and load again.
    let again = path.with_extension("again.ae");
    if model.save(&again).is_ok() && load(&again).is_err() {
        return Err("what was loaded and saved is not loaded again".into());
    }
    Ok(used)
}

/// A training that goes on from the checkpoint.
fn resume(path: &Path, data: &Dataset) -> Result<&'static str, String> {
    let Ok(config) = Config::of_checkpoint(path) else { return Ok("refused") };
    // Nonsense may ask for any number of epochs.
    let mut steps = 0;
    let mut on = |_: &autoencoders::Event| {
        steps += 1;
        if steps > 20 { Flow::Stop } else { Flow::Continue }
    };
    match fit(&config, data, Some(path), true, &mut on) {
        Ok(_) => Ok("resumed"),
        Err(_) => Ok("refused"),
    }
}
