//! Whole processes, from the shell's point of view: time and peak memory.

use crate::measure::{Pairs, Row};
use crate::peer::scripts;
use crate::{Options, Result, say};
use autoencoders::data;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The command `ae`, built in the profile of the benchmark, beside which it lies.
pub(crate) fn command() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // Cargo names the folder after the profile, but for `dev`.
    let folder = own.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let profile = match folder {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--profile", profile, "-p", "ae", "--manifest-path"])
        .arg(manifest)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(format!("cargo build --profile {profile} -p ae failed"));
    }
    Ok(own.with_file_name(format!("ae{}", std::env::consts::EXE_SUFFIX)))
}

/// What a process took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) milliseconds: f64,
    /// The most memory that it held.
    pub(crate) megabytes: f64,
}

/// What one process takes; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result<Cost> {
    let start = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().map_err(|error| format!("{command:?}: {error}"))?;
    let mut peak = 0.0;
    loop {
        // The high-water mark never falls, so that looking now and then misses at most what the
        // last moments added.
        peak = resident(child.id()).unwrap_or(peak).max(peak);
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => {
                let milliseconds = start.elapsed().as_secs_f64() * 1e3;
                return Ok(Cost { milliseconds, megabytes: peak });
            }
            Some(status) => return Err(format!("{command:?}: {status}")),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// The most memory a process has held so far, in megabytes; none where the system does not tell.
fn resident(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1e3)
}

/// The built-in digits as an array, so that no peer has to import another library only to find
/// them.
fn write_digits(path: &Path) -> Result<()> {
    let digits =
        data::read("digits", &data::ReadOptions::default()).map_err(|error| error.to_string())?;
    let values: Vec<f32> = match digits.values.in_memory() {
        Some(data::Values::U8(values)) => values.iter().map(|value| f32::from(*value)).collect(),
        _ => return Err("the digits are bytes in memory".to_owned()),
    };
    data::write_npy(path, &[digits.rows(), digits.features()], &values)
        .map_err(|error| error.to_string())
}

/// What is compared of two processes.
#[derive(Clone, Copy)]
enum Figure {
    Time,
    Memory,
}

impl Figure {
    fn of(self, cost: Cost) -> f64 {
        match self {
            Self::Time => cost.milliseconds,
            Self::Memory => cost.megabytes,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Time => "ms",
            Self::Memory => "MB",
        }
    }
}

/// A case: what is compared in how many pairs.
struct Case {
    name: &'static str,
    figure: Figure,
    pairs: usize,
}

impl Case {
    /// Measures our command beside that of a peer, where there is one.
    fn beside(&self, peer: &str, ours: &mut Command, theirs: Option<Command>) -> Result<Row> {
        let pairs = Pairs { count: self.pairs, milliseconds: 0.0 };
        let figure = |command: &mut Command| run(command).map(|cost| self.figure.of(cost));
        let (ours, peers) = match theirs {
            Some(mut theirs) => {
                // Once unseen, so that the disk's caches are warm for both.
                run(ours)?;
                run(&mut theirs)?;
                Row::measure(pairs, || figure(ours), Some(&mut || figure(&mut theirs)))?
            }
            None => Row::measure(pairs, || figure(ours), None)?,
        };
        Ok(Row {
            case: self.name.to_owned(),
            peer: peer.to_owned(),
            ours,
            peers,
            operations: None,
            unit: self.figure.unit(),
        })
    }
}

/// The programs of both sides, and a folder for their files.
struct Programs<'a> {
    ae: PathBuf,
    python: Option<&'a Path>,
    threads: String,
    folder: tempfile::TempDir,
}

impl<'a> Programs<'a> {
    fn find(python: Option<&'a Path>, options: &Options) -> Result<Self> {
        Ok(Self {
            ae: command()?,
            python,
            threads: options.threads().to_string(),
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
        })
    }

    /// Our training on some data.
    fn train(&self, data: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.ae);
        command
            .args(["--threads", &self.threads, "--quiet", "train", data, "--force", "-o"])
            .arg(self.folder.path().join("model.ae"))
            .args(words);
        command
    }

    /// A script of a peer.
    fn script(&self, name: &str, words: &[&str]) -> Option<Command> {
        let mut command = Command::new(self.python?);
        command
            .arg(scripts().join(name))
            .args(words)
            .env("OMP_NUM_THREADS", &self.threads)
            .env("OPENBLAS_NUM_THREADS", &self.threads);
        // Some systems pin these for old libraries; a peer shall choose its own best.
        command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
        Some(command)
    }
}

const DIGITS: &str = "digits, whole process, 50 epochs of 64-32-8-32-64 b64";
const MEMORY: &str = "peak memory of the MNIST training";

pub(crate) fn side_by_side(python: Option<&Path>, options: &Options) -> Result<Vec<Row>> {
    if !options.wants(DIGITS) && !options.wants(MEMORY) {
        return Ok(Vec::new());
    }
    let programs = Programs::find(python, options)?;
    let mut rows = Vec::new();
    if options.wants(DIGITS) {
        rows.extend(digits(&programs)?);
    }
    if options.wants(MEMORY) {
        rows.extend(memory(&programs, options)?);
    }
    Ok(rows)
}

/// The time of a small training, from the start of a process to its end.
fn digits(programs: &Programs) -> Result<[Row; 2]> {
    let case = Case { name: DIGITS, figure: Figure::Time, pairs: 5 };
    let images = programs.folder.path().join("digits.npy");
    write_digits(&images)?;
    let images = images.display().to_string();
    let mut ours = programs
        .train("digits", &["--net", "mlp:32", "--latent", "8", "--epochs", "50", "--batch", "64"]);
    let torch = programs.script("digits_torch.py", &[&images, &programs.threads]);
    let sklearn = programs.script("digits_sklearn.py", &[&images]);
    Ok([
        case.beside("PyTorch", &mut ours, torch)?,
        case.beside("scikit-learn", &mut ours, sklearn)?,
    ])
}

/// The memory of a training on MNIST, where that is there.
fn memory(programs: &Programs, options: &Options) -> Result<Option<Row>> {
    let images = options.data.as_ref().map(|data| data.join("mnist/train-images-idx3-ubyte.gz"));
    let Some(images) = images.filter(|path| path.exists()) else {
        say(&format!(
            "{MEMORY}: left out, there is no mnist/train-images-idx3-ubyte.gz; name its folder with --data"
        ));
        return Ok(None);
    };
    let case =
        Case { name: MEMORY, figure: Figure::Memory, pairs: if options.quick { 1 } else { 3 } };
    let images = images.display().to_string();
    let mut ours = programs.train(
        &images,
        &["--net", "mlp:512,256", "--latent", "32", "--epochs", "2", "--batch", "64"],
    );
    let theirs = programs.script("mnist_torch.py", &[&images, &programs.threads]);
    case.beside("PyTorch", &mut ours, theirs).map(Some)
}
