//! The process is killed at random instants, and goes on.

use crate::program::Started;
use crate::tally::{Tally, keep};
use crate::world::{hash, orphans};
use crate::{Outcome, Torture};
use autoencoders::Rng;
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

pub(crate) const TITLE: &str = "SIGKILL at random instants of trainings of every kind, resumed on other numbers of threads, and of every command that writes: the bytes are those of a run that was left alone, a name holds a whole file or none, and nothing is left behind once the command was run again";

/// Trainings: a name, the words behind `train`, and those that a resumed one needs again.
const TRAININGS: [(&str, &str, &str); 14] = [
    ("plain", "digits --epochs 30 --net mlp:24", ""),
    ("vae", "digits --epochs 20 --net mlp:24 --family vae --set warm_up=0.5", ""),
    (
        "denoising",
        "digits --epochs 20 --net mlp:24,12 --family denoising --dropout 0.2 --norm batch",
        "",
    ),
    ("stack", "digits --stack 24,12 --pretrain-epochs 6 --epochs 10", ""),
    (
        "rbm",
        "digits --net mlp:16 --activation sigmoid --pretrain rbm:persistent --pretrain-epochs 6 --epochs 10",
        "",
    ),
    ("lbfgs", "digits --net mlp:12 --optimiser lbfgs --epochs 25", ""),
    ("members", "mixed.csv --for anomalies --epochs 20 --net mlp:8 --members 2", ""),
    (
        "head",
        "digits --epochs 10 --net mlp:16 --head softmax --head-epochs 6",
        "--head softmax --head-epochs 6",
    ),
    (
        "k-sparse",
        "digits --family k-sparse --set k=5 --latent 30 --epochs 20 --net shallow --schedule plateau:2,0.5 --patience 8 --optimiser sgd",
        "",
    ),
    ("iwae", "digits --epochs 12 --net mlp:24 --family iwae", ""),
    ("contractive", "digits --epochs 20 --net shallow --latent 24 --family contractive", ""),
    ("sparse", "digits --epochs 30 --net shallow --latent 40 --family sparse", ""),
    (
        "winner-take-all",
        "digits --epochs 20 --net shallow --latent 40 --family winner-take-all",
        "",
    ),
    ("series", "series.csv --window 24 --epochs 5 --net conv:4,4", "--window 24"),
];

/// Commands that write: what they write, and the words.
const WRITING: [(&str, &str); 9] = [
    ("codes.csv", "encode digits.ae digits"),
    ("codes.parquet", "encode digits.ae digits"),
    ("rows.npy", "reconstruct digits.ae digits"),
    ("rows.png", "generate images.ae -n 64"),
    ("filled.csv", "reconstruct mixed.ae mixed.csv --fill"),
    ("classes.csv", "classify head.ae digits"),
    ("between.png", "interpolate images.ae digits --rows 3,17"),
    ("scores.csv", "score anomalies.ae table.csv --label kind"),
    ("page.html", "report plain.ae table.csv --label kind"),
];

/// What a run that is left alone writes, and how long it takes.
struct Alone {
    hash: Option<String>,
    time: Duration,
}

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let torture = &Torture {
        world: crate::World::new(torture.world.program.clone())?.with_models()?,
        kept: torture.kept.clone(),
        ..*torture
    };
    let mut tally = Tally::default();
    let mut rng = Rng::new(torture.seed).split("kills");
    let alone = all_alone(torture)?;
    let (alone, written) = alone.split_at(TRAININGS.len());
    let (mut resumed, mut round) = (0, 0);
    while torture.goes_on(tally.tried) {
        let at = round % (TRAININGS.len() + WRITING.len());
        round += 1;
        match at.checked_sub(TRAININGS.len()) {
            None => resumed += training(torture, &mut tally, &mut rng, at, &alone[at])?,
            Some(at) => writing(torture, &mut tally, &mut rng, at, &written[at])?,
        }
    }
    tally.note(format!("{resumed} resumed"));
    // What a kill at the instant of a second name left goes with the next of that name (decision 25).
    all_alone(torture)?;
    let left = orphans(torture.world.root());
    if !left.is_empty() {
        tally.found(format!("left behind: {}", left.join(", ")));
    }
    Ok(tally)
}

/// Every training, then every command that writes, left alone.
fn all_alone(torture: &Torture) -> Outcome<Vec<Alone>> {
    let trainings = TRAININGS.iter().map(|(name, words, _)| {
        let words = format!("train {words} -o k-{name}.ae --quiet --threads 1 --force");
        alone_of(torture, &words, &format!("k-{name}.ae"))
    });
    let writing = WRITING
        .iter()
        .map(|(name, words)| alone_of(torture, &format!("{words} -o {name} --force"), name));
    trainings.chain(writing).collect()
}

fn alone_of(torture: &Torture, words: &str, output: &str) -> Outcome<Alone> {
    let begun = Instant::now();
    let run = torture.world.program.run(torture.world.root(), words)?;
    if let Some(wrong) = run.not_done() {
        return Err(format!("ae {words}: {wrong}").into());
    }
    Ok(Alone { hash: hash(&torture.world.path(output)), time: begun.elapsed() })
}

/// Kills one training until it ends; tells how often it was resumed.
fn training(
    torture: &Torture,
    tally: &mut Tally,
    rng: &mut Rng,
    at: usize,
    alone: &Alone,
) -> Outcome<usize> {
    let (name, words, again) = TRAININGS[at];
    let world = &torture.world;
    let [model, checkpoint] =
        [format!("k-{name}.ae"), format!("k-{name}.ae.run")].map(|name| world.path(&name));
    for path in [&model, &checkpoint] {
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    let mut resumed = 0;
    for _ in 0..12 {
        let threads = 1 + rng.below(2);
        // A training that saved nothing yet leaves an empty file, and is begun anew.
        let saved = fs::metadata(&checkpoint).is_ok_and(|it| it.len() > 0);
        let words = if saved {
            resumed += 1;
            let data = words.split_whitespace().next().unwrap_or_default();
            format!("train {data} --resume k-{name}.ae.run {again} --quiet --threads {threads}")
        } else {
            format!("train {words} -o k-{name}.ae --quiet --threads {threads}")
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut started = Started::new(world.program.command(world.root(), &words, ""))?;
        let limit = alone.time.mul_f64(1.2 * f64::from(rng.unit())) + Duration::from_millis(2);
        if started.ended_within(limit)? {
            let run = started.wait(Duration::from_secs(60))?;
            if let Some(wrong) = run.not_done() {
                tally.found(format!("{name}, resumed {resumed} times: {wrong}"));
            } else if hash(&model) != alone.hash {
                keep(&torture.kept, &format!("kills-{name}.ae"), &model);
                tally.found(format!("{name}, resumed {resumed} times: other bytes"));
            } else if checkpoint.exists() {
                tally.found(format!("{name}: a checkpoint beside the model that is done"));
            }
            return Ok(resumed);
        }
        started.signal(Signal::KILL);
        started.wait(Duration::from_secs(60))?;
        let wrong = hash(&model).filter(|now| Some(now) != alone.hash.as_ref());
        tally.add(name, wrong.map(|_| "half a model".to_owned()));
        if model.exists() && !checkpoint.exists() {
            return Ok(resumed);
        }
        if model.exists() {
            // It was killed between the two; what is there is whole, and resuming wants its name.
            fs::remove_file(&model)?;
        }
    }
    Ok(resumed)
}

/// Kills one command that writes; what it replaces is there before or whole after.
fn writing(
    torture: &Torture,
    tally: &mut Tally,
    rng: &mut Rng,
    at: usize,
    alone: &Alone,
) -> Outcome<()> {
    let (name, words) = WRITING[at];
    let world = &torture.world;
    let path = world.path(name);
    fs::write(&path, "old")?;
    let old = hash(&path);
    let words = format!("{words} -o {name} --force");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut started = Started::new(world.program.command(world.root(), &words, ""))?;
    let limit = alone.time.mul_f64(1.1 * f64::from(rng.unit())) + Duration::from_millis(1);
    let ended = started.ended_within(limit)?;
    started.signal(Signal::KILL);
    started.wait(Duration::from_secs(60))?;
    let now = hash(&path);
    let whole = now == alone.hash;
    if ended {
        if !whole {
            tally.found(format!("{name}: other bytes"));
        }
    } else {
        tally.add(
            name,
            (!whole && now != old).then(|| "neither the old file nor the whole new one".to_owned()),
        );
    }
    Ok(())
}
