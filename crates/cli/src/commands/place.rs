//! Where a training writes.

use crate::args::Train;
use crate::files::refuse_input;
use autoencoders::data::Destination;
use autoencoders::{Error, Result};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The ending of a checkpoint's name, after the model's.
const RUN: &str = "run";
/// Endings that say how rows are stored, not what they are.
const STORAGE: [&str; 20] = [
    "csv", "tsv", "txt", "data", "log", "json", "jsonl", "ndjson", "parquet", "arrow", "feather",
    "xlsx", "xls", "ods", "db", "npy", "npz", "idx", "png", "jpg",
];

/// The files of a training.
#[derive(Debug)]
pub(crate) struct Place {
    /// The model.
    pub model: Destination,
    /// The checkpoint, until the model is there.
    pub run: PathBuf,
}

impl Place {
    /// Decides and checks, before anything is computed.
    pub(crate) fn of(args: &Train) -> Result<Self> {
        let model = match (&args.output, &args.resume) {
            (Some(output), _) => output.clone(),
            (None, Some(run)) => model_of(run)?,
            (None, None) => free(&stem(&args.rows.data), "ae"),
        };
        let inputs = [
            Some(Path::new(&args.rows.data)),
            args.from.as_deref(),
            args.test_data.as_ref().map(Path::new),
            args.rows.reading.labels.as_deref(),
        ];
        refuse_input(&model, &inputs.into_iter().flatten().collect::<Vec<_>>())?;
        let model = Destination::new(model, args.force);
        model.check()?;
        let name = model.path();
        if name.extension().is_none_or(|extension| extension != "ae") {
            return Err(Error::setting("model file", name.display(), "a name that ends in .ae"));
        }
        let run = args.resume.clone().unwrap_or_else(|| run_of(name));
        if args.resume.is_none() && holds(&run) && !args.force {
            let running = File::open(&run).map(|file| file.try_lock_shared());
            if matches!(running, Ok(Err(TryLockError::WouldBlock))) {
                let why = "is written by another training that is running; wait for it, or name another model";
                return Err(Error::data(run.display(), why));
            }
            let advice = format!(
                "holds an interrupted training; go on with `--resume {0}`, or start anew with `--force`",
                run.display()
            );
            return Err(Error::data(run.display(), advice));
        }
        Ok(Self { model, run })
    }
}

/// Whether there is a checkpoint: an empty one is of a training that began, and saved nothing.
fn holds(run: &Path) -> bool {
    run.metadata().is_ok_and(|it| it.len() > 0)
}

fn run_of(model: &Path) -> PathBuf {
    // Beside the file itself: whoever names it by a link writes the same one.
    let file = if model.is_symlink() { model.canonicalize().ok() } else { None };
    let mut name = OsString::from(file.as_deref().unwrap_or(model));
    name.push(".");
    name.push(RUN);
    name.into()
}

/// The name of a checkpoint without its ending.
pub(crate) fn model_of(run: &Path) -> Result<PathBuf> {
    let named = run.extension().is_some_and(|extension| extension == RUN);
    let nameless =
        || Error::data(run.display(), format!("does not end in .{RUN}; name the model with `-o`"));
    named.then(|| run.with_extension("")).ok_or_else(nameless)
}

/// What the rows are called: the name of their file without folder and endings.
fn stem(data: &str) -> String {
    let (path, array) = data.split_once(".npz:").unwrap_or((data, ""));
    let name = Path::new(path)
        .file_name()
        .map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
    let bare = name.strip_suffix(".gz").unwrap_or(&name);
    let bare = bare
        .rsplit_once('.')
        .filter(|(_, ending)| STORAGE.contains(ending))
        .map_or(bare, |(bare, _)| bare);
    match array {
        "" => bare.to_owned(),
        array => format!("{bare}-{array}"),
    }
}

/// The first of `stem.ending`, `stem-2.ending`, ... where there is neither a file nor a checkpoint.
pub(crate) fn free(stem: &str, ending: &str) -> PathBuf {
    let names = std::iter::once(format!("{stem}.{ending}"))
        .chain((2..).map(|count| format!("{stem}-{count}.{ending}")));
    let mut paths = names.map(PathBuf::from);
    let free = |path: &PathBuf| !path.exists() && !holds(&run_of(path));
    paths.find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_after_its_rows() {
        let names = [
            "digits",
            "a/train-images-idx3-ubyte.gz",
            "t.csv.gz",
            "b/x.npz:train",
            "faces/",
            "v1.2.csv",
        ]
        .map(stem);
        assert_eq!(names, ["digits", "train-images-idx3-ubyte", "t", "x-train", "faces", "v1.2"]);
    }

    #[test]
    fn a_checkpoint_names_its_model() {
        assert_eq!(model_of(&run_of(Path::new("a/b.ae"))).unwrap(), Path::new("a/b.ae"));
        assert!(model_of(Path::new("checkpoint")).is_err());
    }
}
