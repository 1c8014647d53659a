//! The system refuses.

use crate::program::{Run, finished, traces};
use crate::tally::Tally;
use crate::world::{hash, orphans};
use crate::{Outcome, Torture, World};
use autoencoders::Rng;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

pub(crate) const TITLE: &str = "every system call of commands that read and write fails once (no space, an input error, no file handle, no memory, no thread, an interruption), or the process is killed at it, or has ever less address space: the outputs are whole or what they were, nothing else is left, and an end with an error says so";

/// Commands: what they write, and the words. All replace what is there.
const COMMANDS: [(&str, &str); 20] = [
    (
        "out.ae",
        "train table.csv --label kind --epochs 2 --net mlp:4 --latent 2 --threads 1 --quiet",
    ),
    ("out.csv", "encode plain.ae table.csv --label kind --threads 1"),
    ("out.parquet", "encode plain.ae table.csv --label kind --threads 1"),
    ("out.npy", "encode plain.ae table.csv --label kind --threads 1 --memory 1MB"),
    ("out.csv", "score anomalies.ae table.csv --label kind --threads 1"),
    ("out.png", "generate images.ae -n 16 --threads 1"),
    ("out.csv", "reconstruct mixed.ae mixed.csv --fill --threads 1"),
    ("out.png", "reconstruct images.ae digits --threads 1"),
    ("out.png", "interpolate images.ae digits --rows 3,17 --threads 1"),
    ("out.csv", "generate vae.ae -n 50 --threads 1"),
    ("out.csv", "classify head.ae digits --threads 1"),
    ("out.csv", "score series.ae series.csv --threads 1"),
    ("out.jsonl", "score mixed.ae mixed.csv --threads 1"),
    ("out.jsonl", "score anomalies.ae table.csv --label kind --threads 1"),
    ("out.npy", "encode mixed.ae mixed.csv --threads 1"),
    ("out.npy", "reconstruct digits.ae digits --threads 1"),
    ("out.csv", "encode series.ae series.csv --threads 1"),
    ("out.html", "report plain.ae table.csv --label kind --threads 1"),
    (
        "out.ae",
        "train series.csv --window 24 --epochs 1 --net mlp:4 --latent 2 --threads 1 --quiet",
    ),
    (
        "out.ae",
        "train digits --net mlp:8 --epochs 1 --head softmax --head-epochs 1 --threads 1 --quiet",
    ),
];

/// Calls and how they fail; a signal where the process is killed at one.
const FAILURES: [(&str, &[&str]); 18] = [
    ("openat", &["error=EMFILE", "error=EACCES", "signal=SIGKILL"]),
    ("read", &["error=EIO", "error=EINTR", "error=EAGAIN"]),
    ("pread64", &["error=EIO", "error=EINTR"]),
    ("write", &["error=ENOSPC", "error=EIO", "error=EINTR", "error=EAGAIN", "signal=SIGKILL"]),
    ("mmap", &["error=ENOMEM"]),
    ("clone3", &["error=EAGAIN"]),
    ("pwrite64", &["error=ENOSPC"]),
    ("lseek", &["error=EIO"]),
    ("linkat", &["error=ENOSPC", "error=EPERM", "signal=SIGKILL"]),
    ("rename", &["error=EACCES", "signal=SIGKILL"]),
    ("renameat", &["error=EACCES", "signal=SIGKILL"]),
    ("renameat2", &["error=EACCES", "signal=SIGKILL"]),
    ("fsync", &["error=EIO", "signal=SIGKILL"]),
    ("unlink", &["error=EACCES", "signal=SIGKILL"]),
    ("statx", &["error=EACCES"]),
    ("fchmod", &["error=EPERM"]),
    ("flock", &["error=ENOLCK"]),
    ("ftruncate", &["error=EIO"]),
];
/// Of calls that many commands make by the hundred, so many are tried.
const MOST: usize = 120;

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let mut tally = Tally::default();
    if !traces() {
        tally.note("left out: strace is not installed, or may not trace here");
        return Ok(tally);
    }
    let world = World::new(torture.world.program.clone())?.with_models()?;
    let mut cases = Vec::new();
    let mapped_first = made(&world, "--version")?.get("mmap").copied().unwrap_or(0);
    let least = begins_in(&world)?;
    for (at, (output, words)) in COMMANDS.iter().enumerate() {
        let words = format!("{words} -o {output} --force");
        let run = world.program.run(world.root(), &words)?;
        if let Some(wrong) = run.not_done() {
            return Err(format!("ae {words}: {wrong}").into());
        }
        let whole = hash(&world.path(output));
        for (call, count) in made(&world, &words)? {
            let Some((_, failures)) = FAILURES.iter().find(|(name, _)| *name == call) else {
                continue;
            };
            // What maps memory before the program's own first line is the loader's.
            let first = if call == "mmap" { mapped_first } else { 0 };
            for when in spread(count).into_iter().filter(|when| *when > first) {
                let failure = |how: &&'static str| Failure::Call(call.clone(), when, how);
                cases.extend(failures.iter().map(|how| (at, failure(how), whole.clone())));
            }
        }
        let spaces = (least..130).step_by(4).chain((130..700).step_by(15));
        cases.extend(spaces.map(|most| (at, Failure::Space(most), whole.clone())));
    }
    // Some of everything, where not all can be tried.
    let order = Rng::new(torture.seed).split("calls").permutation(cases.len());
    let mut ways = BTreeMap::<String, usize>::new();
    for at in order {
        if !torture.goes_on(tally.tried) {
            break;
        }
        let (at, failure, whole) = &cases[at];
        match one(&world, *at, failure, whole.as_ref(), &mut ways)? {
            Ended::Missed => *ways.entry("not reached".into()).or_default() += 1,
            Ended::Right => tally.add("", None),
            Ended::Wrong(wrong) => {
                tally.add(format!("ae {}: {failure:?}", COMMANDS[*at].1), Some(wrong));
            }
        }
    }
    tally.note(format!("of {} places", cases.len()));
    tally.notes.extend(ways.into_iter().map(|(way, count)| format!("{count} {way}")));
    Ok(tally)
}

/// The megabytes of address space in which the program begins at all: with less the loader ends it.
fn begins_in(world: &World) -> Outcome<usize> {
    for most in (20..400).step_by(4) {
        let limit = format!("ulimit -v {};", most << 10);
        let command = world.program.command(world.root(), &["--version"], &limit);
        if finished(command, Duration::from_secs(60))?.code == 0 {
            return Ok(most);
        }
    }
    Err("the program does not begin within 400 MB of address space".into())
}

/// How often each call is made.
fn made(world: &World, words: &str) -> Outcome<BTreeMap<String, usize>> {
    let names: Vec<&str> = FAILURES.iter().map(|(name, _)| *name).collect();
    let traced = format!("trace={}", names.join(","));
    traced_run(world, words, &["-o", "calls.txt", "-e", &traced])?;
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(world.path("calls.txt"))?.lines() {
        let call = line.split_whitespace().nth(1).and_then(|word| word.split_once('('));
        if let Some((call, _)) = call {
            *counts.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(counts)
}

fn traced_run(world: &World, words: &str, how: &[&str]) -> Outcome<Run> {
    let mut command = Command::new("strace");
    command.arg("-f").args(how).arg(&world.program.path).args(words.split_whitespace());
    command.current_dir(world.root()).env("NO_COLOR", "1").stdin(std::process::Stdio::null());
    finished(command, Duration::from_secs(60))
}

/// The last places of a call, which are those of the files that count, and some before.
fn spread(count: usize) -> Vec<usize> {
    let last = count.saturating_sub(MOST * 2 / 3) + 1..=count;
    let before = *last.start() - 1;
    let step = before.div_ceil(MOST / 3).max(1);
    (1..=before).step_by(step).chain(last).collect()
}

/// What fails.
#[derive(Debug)]
enum Failure {
    /// A call, the one of this number in its thread, and how.
    Call(String, usize, &'static str),
    /// The process may have this many megabytes of address space, and no more.
    Space(usize),
}

/// What came of a failure.
struct Failed {
    run: Run,
    /// Whether there was one.
    reached: bool,
    /// Whether the process was killed on purpose, and at what.
    killed_at: Option<String>,
    /// Whether a message was what could not be written.
    silenced: bool,
}

impl Failure {
    fn make(&self, world: &World, words: &str) -> Outcome<Failed> {
        let (call, when, how) = match self {
            Self::Call(call, when, how) => (call, when, how),
            Self::Space(most) => {
                let words: Vec<&str> = words.split_whitespace().collect();
                let limit = format!("ulimit -v {};", most << 10);
                let command = world.program.command(world.root(), &words, &limit);
                let run = finished(command, Duration::from_secs(60))?;
                return Ok(Failed { run, reached: true, killed_at: None, silenced: false });
            }
        };
        let injected = format!("inject={call}:{how}:when={when}");
        let traced = format!("trace={call}");
        let run =
            traced_run(world, words, &["-o", "injected.txt", "-e", &traced, "-e", &injected])?;
        let killed = how.starts_with("signal");
        let traced = fs::read_to_string(world.path("injected.txt")).unwrap_or_default();
        let reached = if killed { run.code != 0 } else { traced.contains("(INJECTED)") };
        let silenced = run.err.is_empty()
            && traced.lines().any(|line| line.contains(" write(2") && line.contains("(INJECTED)"));
        Ok(Failed { run, reached, killed_at: killed.then(|| call.clone()), silenced })
    }
}

/// How a command ended with one failure.
enum Ended {
    /// The call was not made so often by one thread.
    Missed,
    Right,
    Wrong(String),
}

/// What came of one failure.
fn one(
    world: &World,
    at: usize,
    failure: &Failure,
    whole: Option<&String>,
    ways: &mut BTreeMap<String, usize>,
) -> Outcome<Ended> {
    let (output, words) = COMMANDS[at];
    let path = world.path(output);
    fs::write(&path, "old")?;
    let old = hash(&path);
    let Failed { run, reached, killed_at, silenced } =
        failure.make(world, &format!("{words} -o {output} --force"))?;
    let now = hash(&path);
    let left = orphans(world.root());
    for name in &left {
        fs::remove_file(world.path(name))?;
    }
    let _ = fs::remove_file(world.path("out.ae.run"));
    // What fails before the program's own first line is the loader's.
    if !reached || run.err.contains("shared librar") || run.code == 127 {
        return Ok(Ended::Missed);
    }
    // An abort in words: the allocator has no way to give an error.
    let no_memory = run.code == -6 && run.err.contains("memory allocation");
    let way = match run.code {
        0 => "done all the same",
        _ if killed_at.is_some() => "killed",
        _ if no_memory => "out of memory, and said so",
        _ => "refused",
    };
    *ways.entry(way.into()).or_default() += 1;
    let renames = killed_at.as_deref().is_some_and(|call| call.starts_with("rename"));
    Ok(if run.hung {
        Ended::Wrong("did not end".into())
    } else if now.as_ref() != whole && now != old {
        Ended::Wrong(format!("the output is neither old nor whole: {}", run.err.trim()))
    } else if run.code == 0 && now.as_ref() != whole {
        Ended::Wrong("ended well, and wrote nothing".into())
    } else if !(left.is_empty() || renames) {
        // Between a second name and its renaming there is an instant.
        Ended::Wrong(format!("left behind: {}", left.join(", ")))
    } else if killed_at.is_some() || silenced || no_memory {
        Ended::Right
    } else {
        run.wrong().map_or(Ended::Right, Ended::Wrong)
    })
}
