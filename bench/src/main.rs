//! The side-by-side benchmark: each case in our program and in the peer in turn, on the same data
//! with the same number of threads.
//!
//! `cargo run --profile dist -p bench -- [--quick] [--json FILE] [--only WORDS]`; `--growth` measures
//! how cost grows instead.

#![allow(clippy::disallowed_methods)] // a benchmark reads the clock

mod case;
mod encode;
mod growth;
mod measure;
mod operations;
mod ours;
mod peer;
mod process;

use measure::{Pairs, Row};
use peer::Peer;
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure, said in words.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Fewer pairs, shorter runs.
    pub(crate) quick: bool,
    json: Option<PathBuf>,
    only: String,
    growth: bool,
    operations: bool,
    alone: bool,
    /// The folder of real data.
    pub(crate) data: Option<PathBuf>,
    threads: Option<usize>,
}

const USAGE: &str = "usage: bench [--quick] [--json FILE] [--only WORDS] [--data FOLDER] [--threads N] [--alone] [--operations] [--growth]
  --quick       5 short pairs a case, in all some minutes
  --json FILE   the table as JSON too
  --only WORDS  the cases whose names hold these words
  --data FOLDER real data (mnist/train-images-idx3-ubyte.gz); without, the variable AE_DATA
  --threads N   threads of both sides, 2 unless said; ours reads and writes on one more: on a machine of more cores
                than N, hold both to N with taskset
  --alone       no peers, only our own figures
  --operations  only each fused operation against its default body
  --growth      how cost grows with width, batch, depth, rows and threads; writes docs/growth-figures.md and its picture";

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            data: std::env::var_os("AE_DATA").filter(|data| !data.is_empty()).map(PathBuf::from),
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--quick" => options.quick = true,
                "--growth" => options.growth = true,
                "--operations" => options.operations = true,
                "--alone" => options.alone = true,
                "--json" => options.json = Some(value()?.into()),
                "--only" => options.only = value()?,
                "--data" => options.data = Some(value()?.into()),
                "--threads" => {
                    let threads =
                        value()?.parse().ok().filter(|threads| (1..=1024).contains(threads));
                    options.threads =
                        Some(threads.ok_or("--threads: wanted a number from 1 to 1024")?);
                }
                _ => return Err(format!("unknown word {word:?}\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// Threads of both sides.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or(2)
    }

    /// Whether a case is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Progress goes to standard error, results to standard output.
#[allow(clippy::print_stderr)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

#[allow(clippy::print_stdout)]
pub(crate) fn print(line: &str) {
    println!("{line}");
}

fn run(options: &Options) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads()).build_global();
    pool.map_err(|error| format!("threads: {error}"))?;
    if options.growth {
        return growth::run(options);
    }
    let peak = ours::peak();
    if options.operations {
        return operations::run(options);
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |row: Row| {
        say(&row.text(peak));
        rows.push(row);
    };
    let mut peer = if options.alone { Err("not wanted".to_owned()) } else { Peer::start() };
    match &peer {
        Ok(peer) => say(&peer.versions),
        Err(reason) => say(&format!("peers: only our own figures follow: {reason}")),
    }
    for training in case::trainings().iter().filter(|training| options.wants(training.name)) {
        add(ours::side_by_side(training, peer.as_mut().ok(), options)?);
    }
    for rows in [1, 32, 1024, 10_000].into_iter().filter(|rows| options.wants(&encode::name(*rows)))
    {
        add(encode::side_by_side(rows, peer.as_mut().ok(), options)?);
    }
    let python = peer.as_ref().ok().map(|peer| peer.python.clone());
    // The worker's memory and threads must not lie beside whole processes.
    drop(peer);
    for row in process::side_by_side(python.as_deref(), options)? {
        add(row);
    }
    print(&measure::table(&rows, peak));
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(
            &rows.iter().map(|row| row.json(peak)).collect::<Vec<_>>(),
        )
        .map_err(|e| e.to_string())?;
        std::fs::write(path, json + "\n")
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if options.only.is_empty() {
        operations::run(options)?;
    }
    Ok(())
}

/// How many pairs, and for how long each side of one runs.
pub(crate) fn plan(options: &Options) -> Pairs {
    if options.quick {
        Pairs { count: 5, milliseconds: 250.0 }
    } else {
        Pairs { count: 9, milliseconds: 1000.0 }
    }
}
