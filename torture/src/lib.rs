//! What a hostile world does to the program, done to it on purpose, within limits of memory and time.
//!
//! `cargo run --release -p torture -- NAME...|all [--count N] [--minutes N] [--seed S] [--quick] [--write]`.
//! A class does as much as its figure asks for, or `--count`, and no longer than its share of
//! `--minutes`; `--quick` is a few seconds of each. `--write` makes `docs/reliability.md` anew. What a
//! class finds is kept in `target/torture/`, with the words that show it again. The program that is
//! tried is `ae` of the variable AE, else one built from these sources.
//!
//! `sanitise` beside this crate has a fuzzer choose the cases of the classes files and models, and
//! runs the kernels where every access to memory is watched.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)] // a program that prints and takes the time

mod calls;
mod choices;
mod files;
mod growth;
mod kills;
mod live;
mod models;
mod mutate;
mod numbers;
mod page;
mod power;
mod program;
mod same;
mod serving;
mod surroundings;
mod tally;
mod worker;
mod world;

use program::Program;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tally::Tally;
use world::World;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A kind of hostility.
struct Class {
    /// Its name on the command line.
    name: &'static str,
    /// What is done, and what must hold.
    title: &'static str,
    /// What is counted.
    unit: &'static str,
    /// How many the figure asks for.
    figure: usize,
    /// How many take a few seconds.
    quick: usize,
    run: fn(&Torture) -> Outcome<Tally>,
}

/// Every class, in the order of the page.
const CLASSES: &[Class] = &[
    Class {
        name: "kills",
        title: kills::TITLE,
        unit: "kills",
        figure: 1000,
        quick: 24,
        run: kills::run,
    },
    Class {
        name: "calls",
        title: calls::TITLE,
        unit: "failing calls",
        figure: 5000,
        quick: 40,
        run: calls::run,
    },
    Class {
        name: "power",
        title: power::TITLE,
        unit: "cuts",
        figure: usize::MAX,
        quick: usize::MAX,
        run: power::run,
    },
    Class {
        name: "files",
        title: files::TITLE,
        unit: "files",
        figure: 100_000,
        quick: 3000,
        run: files::run,
    },
    Class {
        name: "models",
        title: models::TITLE,
        unit: "models and checkpoints",
        figure: 10_000,
        quick: 300,
        run: models::run,
    },
    Class {
        name: "numbers",
        title: numbers::TITLE,
        unit: "tables",
        figure: 2000,
        quick: 60,
        run: numbers::run,
    },
    Class {
        name: "same",
        title: same::TITLE,
        unit: "trainings",
        figure: 500,
        quick: 14,
        run: same::run,
    },
    Class {
        name: "surroundings",
        title: surroundings::TITLE,
        unit: "situations",
        figure: usize::MAX,
        quick: usize::MAX,
        run: surroundings::run,
    },
    Class {
        name: "growth",
        title: growth::TITLE,
        unit: "laws",
        figure: usize::MAX,
        quick: 1,
        run: growth::run,
    },
    Class {
        name: "live",
        title: live::TITLE,
        unit: "lines",
        figure: 10_000_000,
        quick: 20_000,
        run: live::run,
    },
    Class {
        name: "serving",
        title: serving::TITLE,
        unit: "requests",
        figure: 1_000_000,
        quick: 500,
        run: serving::run,
    },
];

/// What a class works with.
struct Torture {
    world: World,
    /// Where findings are kept.
    kept: PathBuf,
    seed: u64,
    /// How many it does at most, and until when.
    count: usize,
    until: Instant,
}

impl Torture {
    fn goes_on(&self, done: usize) -> bool {
        done < self.count && Instant::now() < self.until
    }
}

/// The words of the command line.
struct Asked {
    classes: Vec<&'static Class>,
    count: Option<usize>,
    minutes: f64,
    seed: u64,
    quick: bool,
    write: bool,
}

impl Asked {
    fn read(words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut asked = Self {
            classes: Vec::new(),
            count: None,
            minutes: 110.0,
            seed: 1,
            quick: false,
            write: false,
        };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a number"));
            match word.as_str() {
                "--count" => asked.count = Some(value()?.parse()?),
                "--minutes" => asked.minutes = value()?.parse()?,
                "--seed" => asked.seed = value()?.parse()?,
                "--quick" => asked.quick = true,
                "--write" => asked.write = true,
                "all" => asked.classes = CLASSES.iter().collect(),
                name => {
                    let known = CLASSES.iter().find(|class| class.name == name);
                    let names: Vec<&str> = CLASSES.iter().map(|class| class.name).collect();
                    let unknown =
                        || format!("there is no class {name}; there are all, {}", names.join(", "));
                    asked.classes.push(known.ok_or_else(unknown)?);
                }
            }
        }
        if asked.write && (asked.quick || asked.classes.len() < CLASSES.len()) {
            return Err("--write is for all classes, as much as their figures ask for".into());
        }
        if asked.classes.is_empty() {
            return Err("name a class, or all".into());
        }
        Ok(asked)
    }
}

/// The command.
pub fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let worked = if words.first().is_some_and(|word| word == "worker") {
        worker::run(words.split_off(1)).map(|()| true)
    } else if let [word, folder] = words.as_slice()
        && word == "world"
    {
        world::of_fuzzers(Path::new(folder)).map(|()| true)
    } else {
        Asked::read(words.into_iter()).and_then(|asked| torture(&asked))
    };
    match worked {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Tries the case that a fuzzer's bytes choose, among the files that `torture world FOLDER` made in the
/// folder of the variable TORTURE_WORLD; dies where something is wrong with it.
pub fn fuzz(class: &str, bytes: &[u8]) {
    thread_local! {
        static ATTEMPT: RefCell<Option<Box<worker::Try>>> = const { RefCell::new(None) };
    }
    let wrong = ATTEMPT.with_borrow_mut(|attempt| {
        if attempt.is_none() {
            let folder = std::env::var_os("TORTURE_WORLD").unwrap_or_default();
            // Panics that are caught where a decoder gives up are none that a fuzzer is to count.
            std::panic::set_hook(Box::new(|_| {}));
            *attempt = Some(worker::tries(class, Path::new(&folder)).map_err(|it| it.to_string())?);
        }
        attempt.as_mut().map_or(Ok(()), |attempt| worker::one(&mut **attempt, bytes).map(drop))
    });
    if let Err(wrong) = wrong {
        eprintln!("wrong: {wrong}");
        std::process::abort();
    }
}

/// Whether nothing was found.
fn torture(asked: &Asked) -> Outcome<bool> {
    let root = root();
    let program = Program::new(built(root)?);
    let start = Instant::now();
    let kept = root.join("target/torture");
    std::fs::create_dir_all(&kept)?;
    let mut told = Vec::new();
    let shares: f64 = asked.classes.len() as f64;
    let whole = Duration::from_secs_f64(60.0 * asked.minutes);
    for (at, class) in asked.classes.iter().enumerate() {
        // What the classes before left over is shared among those that follow.
        let left = whole.saturating_sub(start.elapsed());
        let share = left.div_f64(shares - at as f64);
        let count = if asked.quick { class.quick } else { class.figure };
        let torture = Torture {
            world: World::new(program.clone())?,
            kept: kept.clone(),
            seed: asked.seed,
            count: asked.count.unwrap_or(count),
            until: Instant::now() + share,
        };
        let begun = Instant::now();
        let mut tally = (class.run)(&torture)?;
        tally.seconds = begun.elapsed().as_secs_f64();
        println!("{}", tally.line(class));
        told.push((*class, tally));
    }
    if asked.write {
        std::fs::write(
            root.join("docs/reliability.md"),
            page::of(&told, asked.seed, start.elapsed()),
        )?;
    }
    Ok(told.iter().all(|(_, tally)| tally.findings.is_empty()))
}

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The program that is tried.
fn built(root: &Path) -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("AE") {
        return Ok(std::path::absolute(named)?);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--bin", "ae"])
        .current_dir(root)
        .status()?;
    if !built.success() {
        return Err("ae could not be built".into());
    }
    Ok(root.join("target/release/ae"))
}
