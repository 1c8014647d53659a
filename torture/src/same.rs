//! The same words and the same seed.

use crate::program::finished;
use crate::tally::{Tally, keep};
use crate::world::hash;
use crate::{Outcome, Torture, World};
use std::time::Duration;

pub(crate) const TITLE: &str = "trainings of every kind on one, two, three and five threads, within little memory, in other surroundings (language, time zone, few files and small stacks allowed): the same bits each time";

/// Trainings: the words behind `train`.
const TRAININGS: [&str; 8] = [
    "table.csv --label kind --latent 2 --net mlp:16 --epochs 8",
    "table.csv --label kind --latent 2 --net mlp:8 --epochs 8 --family vae",
    "mixed.csv --for anomalies --members 2 --net mlp:8 --epochs 3",
    "digits --net mlp:32,16 --epochs 2 --dropout 0.2 --norm batch",
    "digits --net conv:4,8 --epochs 1 --family vae",
    "digits --family iwae --net mlp:16 --activation tanh --epochs 1",
    "series.csv --window 24 --net conv:4,4 --epochs 1",
    "digits --stack 16,8 --pretrain-epochs 2 --epochs 2",
];

/// Surroundings: a variable and its value, further words, further limits.
const SURROUNDINGS: [(&str, &str, &str, &str); 9] = [
    ("LANG", "C", "--threads 1", ""),
    ("LANG", "de_DE.UTF-8", "--threads 2", ""),
    ("TZ", "Pacific/Apia", "--threads 5", ""),
    ("RAYON_NUM_THREADS", "3", "", ""),
    ("HOME", "/nowhere", "--memory 1MB", ""),
    ("COLUMNS", "1", "--threads 2 --memory 1MB", ""),
    ("MALLOC_ARENA_MAX", "1", "", "ulimit -n 24;"),
    ("TERM", "dumb", "", "ulimit -s 512;"),
    ("RUST_MIN_STACK", "300000", "--threads 2", ""),
];

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_files()?;
    let mut tally = Tally::default();
    let mut first = Vec::new();
    let mut round = 0;
    while torture.goes_on(tally.tried) {
        let at = round % TRAININGS.len();
        let (variable, value, further, limits) =
            SURROUNDINGS[round / TRAININGS.len() % SURROUNDINGS.len()];
        // Another seed once all surroundings had one.
        let seed = round / (TRAININGS.len() * SURROUNDINGS.len());
        round += 1;
        let further = if TRAININGS[at].contains("digits") {
            further.replace("--memory 1MB", "")
        } else {
            further.to_owned()
        };
        let words =
            format!("train {} --seed {seed} -o m.ae --force --quiet {further}", TRAININGS[at]);
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = world.program.command(world.root(), &words, limits);
        command.env(variable, value);
        let run = finished(command, Duration::from_secs(120))?;
        let found = hash(&world.path("m.ae"));
        let wrong = run.not_done().or_else(|| {
            let known = first.iter().find(|(of, _)| *of == (at, seed));
            match known {
                Some((_, hash)) => (*hash != found).then(|| "other bits".to_owned()),
                None => {
                    first.push(((at, seed), found));
                    None
                }
            }
        });
        if wrong.is_some() {
            keep(&torture.kept, &format!("same-{at}-{round}.ae"), &world.path("m.ae"));
        }
        tally.add(format!("{} ({variable}={value} {further})", TRAININGS[at]), wrong);
    }
    Ok(tally)
}
