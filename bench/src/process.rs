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

/// Milliseconds and peak megabytes of one process; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result<(f64, f64)> {
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
                return Ok((start.elapsed().as_secs_f64() * 1e3, peak));
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

pub(crate) fn side_by_side(python: Option<&Path>, options: &Options) -> Result<Vec<Row>> {
    let digits = "digits, whole process, 50 epochs of 64-32-8-32-64 b64";
    let memory = "peak memory of the MNIST training";
    if !options.wants(digits) && !options.wants(memory) {
        return Ok(Vec::new());
    }
    let ae = command()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let model = folder.path().join("model.ae");
    let threads = options.threads().to_string();
    let train = |data: &str, words: &[&str]| {
        let mut command = Command::new(&ae);
        command
            .args(["--threads", &threads, "--quiet", "train", data, "--force", "-o"])
            .arg(&model)
            .args(words);
        command
    };
    let script = |name: &str, words: &[&str]| {
        python.map(|python| {
            let mut command = Command::new(python);
            command
                .arg(scripts().join(name))
                .args(words)
                .env("OMP_NUM_THREADS", &threads)
                .env("OPENBLAS_NUM_THREADS", &threads);
            // Some systems pin these for old libraries; a peer shall choose its own best.
            command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
            command
        })
    };
    let images = folder.path().join("digits.npy");
    write_digits(&images)?;
    let images = images.display().to_string();
    let mut rows = Vec::new();
    let mut add = |case: &str,
                   peer: &str,
                   unit,
                   ours: &mut Command,
                   theirs: Option<Command>,
                   pairs: Pairs,
                   first: bool|
     -> Result<()> {
        let pick =
            |(milliseconds, megabytes): (f64, f64)| if first { milliseconds } else { megabytes };
        let (ours, peers) = match theirs {
            Some(mut theirs) => {
                // Once unseen, so that the disk's caches are warm for both.
                run(ours)?;
                run(&mut theirs)?;
                Row::measure(
                    pairs,
                    || run(ours).map(pick),
                    Some(&mut || run(&mut theirs).map(pick)),
                )?
            }
            None => Row::measure(pairs, || run(ours).map(pick), None)?,
        };
        rows.push(Row {
            case: case.to_owned(),
            peer: peer.to_owned(),
            ours,
            peers,
            operations: None,
            unit,
        });
        Ok(())
    };
    if options.wants(digits) {
        let pairs = Pairs { count: 5, milliseconds: 0.0 };
        let mut ours = train(
            "digits",
            &["--net", "mlp:32", "--latent", "8", "--epochs", "50", "--batch", "64"],
        );
        add(
            digits,
            "PyTorch",
            "ms",
            &mut ours,
            script("digits_torch.py", &[&images, &threads]),
            pairs,
            true,
        )?;
        add(
            digits,
            "scikit-learn",
            "ms",
            &mut ours,
            script("digits_sklearn.py", &[&images]),
            pairs,
            true,
        )?;
    }
    if options.wants(memory) {
        let images = options
            .data
            .as_ref()
            .map(|data| data.join("mnist/train-images-idx3-ubyte.gz"))
            .filter(|path| path.exists());
        match images {
            Some(images) => {
                let images = images.display().to_string();
                let mut ours = train(
                    &images,
                    &["--net", "mlp:512,256", "--latent", "32", "--epochs", "2", "--batch", "64"],
                );
                let theirs = script("mnist_torch.py", &[&images, &threads]);
                add(
                    memory,
                    "PyTorch",
                    "MB",
                    &mut ours,
                    theirs,
                    Pairs { count: if options.quick { 1 } else { 3 }, milliseconds: 0.0 },
                    false,
                )?;
            }
            None => say(&format!(
                "{memory}: left out, there is no mnist/train-images-idx3-ubyte.gz; name its folder with --data"
            )),
        }
    }
    Ok(rows)
}
