//! The classic results of autoencoders, reproduced with the library alone.
//!
//! `cargo run --release -p experiments -- NAME... [--quick] [--json FILE] [--seed N]`, where NAME
//! is one of the names below or `all`, with the variable AE_DATA naming the folder that holds
//! `mnist/`, `fashion-mnist/` and `kodak/`. A full run writes what came out to `docs/results/` and
//! makes `docs/results.md` anew; `--quick` takes fewer rows and epochs, has looser targets of its
//! own, and writes nothing but the file of `--json`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)] // a program that prints and takes the time

mod contractive;
mod deep;
mod denoising;
mod edges;
mod finding;
mod lab;
mod memory;
mod open_question;
mod page;
mod recognition;
mod self_taught;
mod stacked;
mod vae;
mod winner_take_all;

use finding::{Cost, Finding, Row};
use lab::{Lab, Mode};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// An experiment.
struct Experiment {
    /// Its name on the command line.
    name: &'static str,
    /// One line for people.
    title: &'static str,
    /// Where the set-up and the published figures are from: Markdown.
    source: &'static str,
    run: fn(&Lab) -> Outcome<Finding>,
}

/// Every experiment, in the order of the page.
const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "edges",
        title: edges::TITLE,
        source: "[UFLDL tutorial](http://ufldl.stanford.edu/wiki/index.php/Exercise:Sparse_Autoencoder); 1e-9 is how near its gradients are asked to be",
        run: edges::run,
    },
    Experiment {
        name: "self-taught",
        title: self_taught::TITLE,
        source: "[UFLDL tutorial](http://ufldl.stanford.edu/wiki/index.php/Exercise:Self-Taught_Learning)",
        run: self_taught::run,
    },
    Experiment {
        name: "stacked",
        title: stacked::TITLE,
        source: "[UFLDL tutorial](http://ufldl.stanford.edu/wiki/index.php/Exercise:_Implement_deep_networks_for_digit_classification)",
        run: stacked::run,
    },
    Experiment {
        name: "deep",
        title: deep::TITLE,
        source: "[Hinton and Salakhutdinov 2006](https://doi.org/10.1126/science.1127647)",
        run: deep::run,
    },
    Experiment {
        name: "denoising",
        title: denoising::TITLE,
        source: "[Vincent et al. 2010](https://jmlr.org/papers/v11/vincent10a.html), their set \"basic\"",
        run: denoising::run,
    },
    Experiment {
        name: "contractive",
        title: contractive::TITLE,
        source: "[Rifai et al. 2011](https://icml.cc/2011/papers/455_icmlpaper.pdf)",
        run: contractive::run,
    },
    Experiment {
        name: "vae",
        title: vae::TITLE,
        source: "[Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), [Burda et al. 2016](https://arxiv.org/abs/1509.00519); the figures are those of a re-implementation with the same network and as many epochs, as the papers show curves or train for much longer",
        run: vae::run,
    },
    Experiment {
        name: "winner-take-all",
        title: winner_take_all::TITLE,
        source: "[Makhzani and Frey 2014](https://arxiv.org/abs/1312.5663) and [2015](https://arxiv.org/abs/1409.2752)",
        run: winner_take_all::run,
    },
    Experiment {
        name: "open-question",
        title: open_question::TITLE,
        source: "a question of our own",
        run: open_question::run,
    },
    Experiment {
        name: "recognition",
        title: recognition::TITLE,
        source: "a comparison of our own",
        run: recognition::run,
    },
];

struct Arguments {
    help: bool,
    names: Vec<String>,
    mode: Mode,
    json: Option<PathBuf>,
    seed: u64,
}

fn arguments() -> Outcome<Arguments> {
    let mut given = std::env::args().skip(1);
    let mut arguments =
        Arguments { help: false, names: Vec::new(), mode: Mode::Full, json: None, seed: 0 };
    while let Some(word) = given.next() {
        match word.as_str() {
            "--help" | "-h" => arguments.help = true,
            "--quick" => arguments.mode = Mode::Quick,
            "--json" => arguments.json = Some(given.next().ok_or("--json wants a file")?.into()),
            "--seed" => arguments.seed = given.next().ok_or("--seed wants a number")?.parse()?,
            _ => arguments.names.push(word),
        }
    }
    let known = |name: &String| {
        name == "all" || EXPERIMENTS.iter().any(|experiment| experiment.name == name)
    };
    let names: Vec<&str> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
    match arguments.names.iter().find(|name| !known(name)) {
        Some(name) => {
            Err(format!("unknown experiment {name}; wanted all or some of {}", names.join(", "))
                .into())
        }
        None if arguments.help => Ok(arguments),
        None if arguments.names.is_empty() => {
            Err(format!("wanted all or some of {}", names.join(", ")).into())
        }
        None => Ok(arguments),
    }
}

fn main() -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs what was asked for; whether every target was met.
fn work() -> Outcome<bool> {
    let arguments = arguments()?;
    if arguments.help {
        println!(
            "cargo run --release -p experiments -- NAME... [--quick] [--json FILE] [--seed N]\n\nall: every one of\n"
        );
        EXPERIMENTS
            .iter()
            .for_each(|experiment| println!("{:16} {}", experiment.name, experiment.title));
        println!("\nThe variable AE_DATA names the folder with mnist, fashion-mnist and kodak.");
        return Ok(true);
    }
    let lab = Lab::new(arguments.mode, arguments.seed)?;
    let wanted = |experiment: &&Experiment| {
        arguments.names.iter().any(|name| name == "all" || name == experiment.name)
    };
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for experiment in EXPERIMENTS.iter().filter(wanted) {
        // What one has found stays, whatever becomes of the next.
        match one(&lab, experiment) {
            Ok(row) => rows.push(row),
            Err(error) => failed.push(format!("{}: {error}", experiment.name)),
        }
    }
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    }
    println!(
        "\n{} of {} met",
        rows.iter().filter(|row| row.met).count(),
        rows.len() + failed.len()
    );
    if failed.is_empty() {
        Ok(rows.iter().all(|row| row.met))
    } else {
        Err(failed.join("; ").into())
    }
}

/// Runs one experiment, shows what it found and, where it ran in full, writes it to the page.
fn one(lab: &Lab, experiment: &Experiment) -> Outcome<Row> {
    println!("\n== {}: {}", experiment.name, experiment.title);
    memory::begin();
    let begun = Instant::now();
    let finding = (experiment.run)(lab)?;
    let cost = Cost { seconds: begun.elapsed().as_secs_f64(), memory: memory::most() };
    let row = Row::new(experiment.name, &finding, cost, lab.seed);
    // Pictures and what stands below them are for the page.
    let shown =
        |line: &&str| !line.starts_with("![") && (!line.starts_with('*') || line.starts_with("**"));
    let words: Vec<&str> = finding.words.lines().filter(shown).collect();
    println!("{}", words.join("\n").trim_end());
    println!("\n{}", finding::checks(&finding.checks));
    println!("{}", row.line());
    if lab.mode == Mode::Full {
        page::keep(&finding, &row)?;
        page::write(EXPERIMENTS)?;
    }
    Ok(row)
}
