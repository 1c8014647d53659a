//! The state of a training: what a step changes, and what a checkpoint must hold.

use crate::lbfgs::MEMORY;
use crate::method::Method;
use crate::optimise::Optimiser;
use crate::settings::Settings;
use model::{
    ArchiveKind, EpochRecord, NamedTensor, Preparation, Sums, Vars, Waiting, hexadecimal,
    read_archive, take, write_archive,
};
use rows::{Dataset, Error, Message, Result, Values, open_file};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// No training lives to see more steps.
const MOST_STEPS: u64 = 1 << 48;

/// The best weights so far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Best {
    /// Their validation loss.
    pub loss: f64,
    /// After how many epochs.
    pub epoch: usize,
    /// The variables.
    pub vars: Vars,
}

/// Everything a training changes.
#[derive(Clone, Debug)]
pub struct State {
    /// The variables.
    pub vars: Vars,
    /// The optimiser's moments.
    pub optimiser: Optimiser,
    /// How rows are scaled, where that came with weights to begin with.
    pub preparation: Option<Preparation>,
    /// Layers that are made ready.
    pub pretrained: usize,
    /// Epochs done.
    pub epoch: usize,
    /// Steps done in the running epoch.
    pub step: usize,
    /// The loss of the very first step.
    pub first: Option<f64>,
    /// The running epoch's terms.
    pub sums: Sums,
    /// Epochs since the best one.
    pub waited: usize,
    /// Times a plateau reduced the step size.
    pub reductions: u32,
    /// The best weights.
    pub best: Option<Best>,
    /// Every epoch.
    pub history: Vec<EpochRecord>,
    /// Where the checkpoint goes and the rows it belongs to; none where no checkpoint is wanted.
    checkpoint: Option<(Arc<Reserved>, String)>,
}

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointHeader {
    config: Map<String, Value>,
    data: String,
    #[serde(default)]
    preparation: Option<Preparation>,
    #[serde(default)]
    converged: bool,
    #[serde(default)]
    pretrained: usize,
    epoch: usize,
    step: usize,
    first: Option<f64>,
    sums: Sums,
    waited: usize,
    reductions: u32,
    best: Option<(f64, usize)>,
    times: Vec<u64>,
    history: Vec<EpochRecord>,
}

impl CheckpointHeader {
    fn read(path: &Path) -> Result<(Self, BTreeMap<String, NamedTensor>)> {
        if std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() == 0) {
            let why = Message::from("holds nothing yet; start anew without ").setting("resume");
            return Err(Error::model(path.display(), why));
        }
        let (header, tensors) = read_archive(path, ArchiveKind::Run)?;
        let strange = |error| {
            Error::model(path.display(), format!("not a checkpoint of this version: {error}"))
        };
        Ok((header.read().map_err(strange)?, tensors))
    }
}

impl CheckpointHeader {
    fn settings(&self, path: &Path) -> Result<Settings> {
        let strange =
            |error| Error::model(path.display(), format!("has strange settings: {error}"));
        Settings::of_names(self.config.clone()).map_err(strange)
    }
}

/// The name of a checkpoint while a training has it for itself: the file under it is locked, from
/// before the first checkpoint is written, and an empty one stands for none.
#[derive(Debug)]
pub struct Reserved {
    path: PathBuf,
    locked: Mutex<File>,
}

impl Reserved {
    /// Errors: another training has the name, or there can be no such file.
    fn new(path: &Path) -> Result<Self> {
        let fail = |error| Error::io(path, error);
        loop {
            if path.exists() {
                // Neither a folder nor a device.
                drop(open_file(path)?);
            }
            let mut open = OpenOptions::new();
            let file = open.read(true).write(true).create(true).truncate(false).open(path);
            let file = file.map_err(fail)?;
            Self::lock(&file, path)?;
            // Another training may have ended, and taken the file away, before it was locked.
            if is_still(&file, path) {
                return Ok(Self { path: path.to_owned(), locked: Mutex::new(file) });
            }
        }
    }

    fn lock(file: &File, path: &Path) -> Result<()> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::data(
                path.display(),
                "is written by another training that is running; wait for it, or name another model",
            )),
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Writes the file anew; the new one is locked before it takes the name of the old.
    fn replace(&self, write: impl FnOnce(&Path) -> Result<File>) -> Result<()> {
        let new = write(&self.path)?;
        *self.locked.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl Drop for Reserved {
    /// Nothing was written: the name is free again.
    fn drop(&mut self) {
        let file = self.locked.get_mut().unwrap_or_else(PoisonError::into_inner);
        if file.metadata().is_ok_and(|it| it.len() == 0) && is_still(file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether a path leads to this very file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata().map(|it| (it.dev(), it.ino()));
    let there = std::fs::metadata(path).map(|it| (it.dev(), it.ino()));
    matches!((own, there), (Ok(own), Ok(there)) if own == there)
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}

impl State {
    /// A training at its start.
    ///
    /// An error where a checkpoint is wanted and the rows it belongs to cannot be read.
    pub fn new(
        vars: Vars,
        settings: &Settings,
        checkpoint: Option<(&Path, &Dataset)>,
    ) -> Result<Self> {
        let reserved = |(path, data)| Ok((Arc::new(Reserved::new(path)?), fingerprint(data)?));
        let checkpoint = checkpoint.map(reserved).transpose()?;
        let optimiser = Optimiser::of(&settings.train, &vars);
        Ok(Self {
            vars,
            optimiser,
            preparation: None,
            pretrained: 0,
            epoch: 0,
            step: 0,
            first: None,
            sums: Sums::default(),
            waited: 0,
            reductions: 0,
            best: None,
            history: Vec::new(),
            checkpoint,
        })
    }

    /// The error of a training that left the finite numbers.
    pub(crate) fn diverged(&self, settings: &Settings, what: String) -> Error {
        let rate = settings.train.learning_rate / 10.0;
        let rate: f64 = format!("{rate:.0e}").parse().unwrap_or(rate);
        let advice = Message::from("try ").set("learning_rate", rate).text(", ").set("clip", 1);
        let advice = advice.text(", or look for extreme values in the data");
        Error::Diverged { epoch: self.epoch + 1, step: self.step, what, advice }
    }

    /// Writes the checkpoint, where one is wanted.
    ///
    /// Errors: it cannot be written, or the training diverged.
    pub fn save(&self, settings: &Settings) -> Result<()> {
        let Some((reserved, data)) = &self.checkpoint else { return Ok(()) };
        let header = CheckpointHeader {
            config: settings.by_name(),
            data: data.clone(),
            preparation: self.preparation.clone(),
            converged: self.optimiser.converged,
            pretrained: self.pretrained,
            epoch: self.epoch,
            step: self.step,
            first: self.first,
            sums: self.sums.clone(),
            waited: self.waited,
            reductions: self.reductions,
            best: self.best.as_ref().map(|best| (best.loss, best.epoch)),
            times: self.optimiser.times.clone(),
            history: self.history.clone(),
        };
        let mut tensors = Vec::new();
        for (index, (_, var)) in self.vars.iter().enumerate() {
            tensors.push(Waiting::matrix(format!("now.{}", var.name), &var.value));
            for (which, moment) in self.optimiser.moments[index].iter().enumerate() {
                tensors.push(Waiting::matrix(format!("moment{which}.{}", var.name), moment));
            }
        }
        for (_, var) in self.best.iter().flat_map(|best| best.vars.iter()) {
            tensors.push(Waiting::matrix(format!("best.{}", var.name), &var.value));
        }
        let saved =
            reserved.replace(|to| write_archive(to, ArchiveKind::Run, json!(header), tensors));
        // What cannot be written are numbers that are none: of weights, or of moments, whose weights
        // would never move again.
        saved.map_err(|error| match error {
            Error::Model { message, .. } => {
                self.diverged(settings, format!("the checkpoint {message}"))
            }
            other => other,
        })
    }

    /// The name of the checkpoint, to be held for longer than the training.
    pub fn reserved(&self) -> Option<Arc<Reserved>> {
        self.checkpoint.as_ref().map(|(reserved, _)| Arc::clone(reserved))
    }

    /// Takes over a checkpoint of the same training: the same configuration on the same rows.
    pub fn restore(&mut self, settings: &Settings) -> Result<()> {
        let Some((reserved, data)) = self.checkpoint.clone() else { return Ok(()) };
        let path = reserved.path.as_path();
        let (header, mut tensors) = CheckpointHeader::read(path)?;
        if header.settings(path)? != *settings {
            return Err(Error::model(
                path.display(),
                Message::from("belongs to another configuration; ")
                    .text("resume without changing options, or start anew without ")
                    .setting("resume"),
            ));
        }
        if header.data != data {
            return Err(Error::model(
                path.display(),
                "belongs to other rows; resume with the data that it was begun with",
            ));
        }
        let remembers = settings.train.optimiser == Method::Lbfgs
            && header.times.iter().any(|time| *time > MEMORY as u64);
        let counts = [header.step as u64, header.waited as u64];
        let beyond = counts.iter().chain(&header.times).any(|count| *count > MOST_STEPS);
        if header.times.len() != self.vars.len()
            || remembers
            || beyond
            || header.epoch > settings.train.passes()
        {
            return Err(Error::model(
                path.display(),
                "is damaged: its counters do not fit its configuration",
            ));
        }
        restore_vars(&mut self.vars, "now", &mut tensors, path)?;
        for (index, (_, var)) in self.vars.iter().enumerate() {
            for (which, moment) in self.optimiser.moments[index].iter_mut().enumerate() {
                *moment = take(&mut tensors, &format!("moment{which}.{}", var.name), moment, path)?;
            }
        }
        if let Some((loss, epoch)) = header.best {
            let mut vars = self.vars.clone();
            restore_vars(&mut vars, "best", &mut tensors, path)?;
            self.best = Some(Best { loss, epoch, vars });
        }
        self.optimiser.times = header.times;
        (self.preparation, self.pretrained, self.optimiser.converged) =
            (header.preparation, header.pretrained, header.converged);
        (self.epoch, self.step, self.first, self.sums) =
            (header.epoch, header.step, header.first, header.sums);
        (self.waited, self.reductions, self.history) =
            (header.waited, header.reductions, header.history);
        Ok(())
    }

    /// The settings that a checkpoint was written with.
    ///
    /// Errors: the file cannot be read, or is no checkpoint.
    pub fn settings_of(path: &Path) -> Result<Settings> {
        CheckpointHeader::read(path)?.0.settings(path)
    }

    /// The scaling that a checkpoint has, where its training began with other weights.
    pub(crate) fn preparation_of(path: &Path) -> Result<Option<Preparation>> {
        CheckpointHeader::read(path).map(|(header, _)| header.preparation)
    }
}

fn restore_vars(
    vars: &mut Vars,
    prefix: &str,
    tensors: &mut BTreeMap<String, NamedTensor>,
    path: &Path,
) -> Result<()> {
    let ids: Vec<_> = vars.iter().map(|(id, _)| id).collect();
    for id in ids {
        let var = vars.get(id);
        let value = take(tensors, &format!("{prefix}.{}", var.name), &var.value, path)?;
        vars.set(id, value);
    }
    Ok(())
}

/// Recognises the same rows: a hash over their number, shape, columns and values.
fn fingerprint(data: &Dataset) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?}", data.rows(), data.shape, data.columns));
    for block in data.blocks() {
        match &*block? {
            Values::U8(values) => hash.update(values),
            Values::F32(values) => values.iter().for_each(|value| hash.update(value.to_le_bytes())),
            Values::F64(values) => values.iter().for_each(|value| hash.update(value.to_le_bytes())),
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}
