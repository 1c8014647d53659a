//! Cases tried in a process of their own, thousands in a row: one that dies takes no other with it.
//!
//! The worker writes the case that it is about to try to a file, and tells on standard output each
//! that was wrong. Where it dies, that file is the finding, and another worker goes on behind it. A
//! case is all that some bytes choose, so that a fuzzer tries the same ones by its own bytes.

use crate::choices::{self, Choices};
use crate::program::Program;
use crate::tally::{Tally, keep};
use crate::{Outcome, Torture, files, models, numbers};
use autoencoders::Rng;
use peak_alloc::PeakAlloc;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What tries the cases of a class, made for a folder.
type Tries = fn(&Path) -> Outcome<Box<Try>>;

/// The classes that work so.
const WORK: [(&str, Tries); 3] =
    [("files", files::tries), ("models", models::tries), ("numbers", numbers::tries)];
/// The memory that a case may take besides twice its size.
const MOST: usize = 200 << 20;
/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries a case, and gives a word for how it went; an error is a finding, a panic too.
pub(crate) type Try = dyn FnMut(&mut Choices) -> Result<Tried, String>;

/// How a case went that was as it should be.
pub(crate) struct Tried {
    way: &'static str,
    /// What it was read from.
    bytes: usize,
    /// What it took.
    memory: usize,
}

/// The time and the memory that a case takes, once it is made.
pub(crate) struct Taken {
    begun: Instant,
    held: usize,
}

impl Taken {
    /// From here on.
    pub(crate) fn from_here() -> Self {
        PeakAlloc.reset_peak_usage();
        Self { begun: Instant::now(), held: PeakAlloc.current_usage() }
    }

    /// How a case went that was read from so many bytes; an error where it took too much.
    pub(crate) fn by(
        &self,
        way: &'static str,
        bytes: usize,
        longest: Duration,
    ) -> Result<Tried, String> {
        let time = self.begun.elapsed();
        let memory = PeakAlloc.peak_usage().saturating_sub(self.held);
        if time > longest {
            return Err(format!("took {:.1} s", time.as_secs_f64()));
        }
        if memory > 2 * bytes + MOST {
            return Err(format!("{bytes} bytes took {} MB", memory >> 20));
        }
        Ok(Tried { way, bytes, memory })
    }
}

/// `worker CLASS FOLDER KEPT SEED FIRST COUNT`.
pub(crate) fn run(words: Vec<String>) -> Outcome<()> {
    let [class, folder, kept, seed, first, count] = words.as_slice() else {
        return Err("a worker wants its class, folders, seed, first case and count".into());
    };
    let (mut attempt, rng) =
        (tries(class, Path::new(folder))?, Rng::new(seed.parse()?).split(class));
    let (first, count): (usize, usize) = (first.parse()?, count.parse()?);
    // What is wrong is told once, by the parent.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    for number in first..first + count {
        let (ended, what) = match one(&mut *attempt, &choices::bytes(&rng, number)) {
            Ok(tried) => ("ok", format!("{} {} {}", tried.bytes, tried.memory, tried.way)),
            Err(wrong) => ("wrong", wrong),
        };
        if ended == "wrong" {
            keep_case(Path::new(folder), Path::new(kept), &format!("{class}-{seed}-{number}"));
        }
        writeln!(out, "{number} {ended} {}", what.replace('\n', " "))?;
    }
    Ok(())
}

/// What tries the cases of a class.
pub(crate) fn tries(class: &str, folder: &Path) -> Outcome<Box<Try>> {
    let (_, tries) = WORK.iter().find(|(name, _)| *name == class).ok_or("no such class")?;
    tries(folder)
}

/// Tries the case that some bytes choose; a panic is a finding like others.
pub(crate) fn one(attempt: &mut Try, bytes: &[u8]) -> Result<Tried, String> {
    let tried = catch_unwind(AssertUnwindSafe(|| attempt(&mut Choices::of(bytes))));
    tried.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

/// Where a worker writes the case that it tries, for files of this ending.
pub(crate) fn case(folder: &Path, ending: &str) -> PathBuf {
    folder.join(format!("case.{ending}"))
}

/// Has all cases of a class tried.
pub(crate) fn all(torture: &Torture, class: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let mut ways = std::collections::BTreeMap::<String, usize>::new();
    let folder = torture.world.root();
    let (mut next, mut bytes, mut most) = (0, 0, 0);
    while torture.goes_on(next) {
        let count = (torture.count - next).min(20_000);
        let mut worker = started(torture, class, next, count)?;
        let Some(out) = worker.stdout.take() else { return Err("the worker says nothing".into()) };
        let (give, take) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if give.send(line).is_err() {
                    return;
                }
            }
        });
        let begun = next;
        let ended = loop {
            match take.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let mut parts = line.splitn(3, ' ');
                    let number: usize = parts.next().unwrap_or_default().parse()?;
                    let (ended, what) =
                        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                    let wrong = (ended == "wrong").then(|| what.to_owned());
                    if wrong.is_none() {
                        let mut parts = what.splitn(3, ' ');
                        bytes += parts.next().unwrap_or_default().parse::<usize>()?;
                        most = most.max(parts.next().unwrap_or_default().parse::<usize>()?);
                        *ways.entry(parts.next().unwrap_or_default().to_owned()).or_default() += 1;
                    }
                    tally.add(format!("case {number}"), wrong);
                    next = number + 1;
                    if !torture.goes_on(next) {
                        worker.kill()?;
                        break None;
                    }
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    worker.kill()?;
                    break Some("did not end".to_owned());
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    let status = worker.wait()?;
                    break (!status.success()).then(|| format!("the process died ({status})"));
                }
            }
        };
        worker.wait()?;
        if let Some(wrong) = ended {
            keep_case(folder, &torture.kept, &format!("{class}-{}-{next}", torture.seed));
            tally.add(format!("case {next}"), Some(wrong));
            next += 1;
        } else if next == begun {
            return Err("the worker does nothing".into());
        }
    }
    tally.note(format!("{:.1} MB", bytes as f64 / 1e6));
    tally.note(format!("at most {} MB of memory", most >> 20));
    tally.notes.extend(ways.into_iter().map(|(way, count)| format!("{count} {way}")));
    Ok(tally)
}

/// The case that a worker is at, in one or more files.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.file_stem().is_some_and(|stem| stem == "case")).collect()
}

/// Removes the case before.
pub(crate) fn clear(folder: &Path) {
    cases(folder).iter().for_each(|path| drop(std::fs::remove_file(path)));
}

/// Keeps what a worker was at.
fn keep_case(folder: &Path, kept: &Path, name: &str) {
    for path in cases(folder) {
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        keep(kept, &format!("{name}.{ending}"), &path);
    }
}

fn started(torture: &Torture, class: &str, first: usize, count: usize) -> Outcome<Child> {
    let own = Program::new(std::env::current_exe()?);
    let (folder, kept) = (torture.world.root(), torture.kept.to_string_lossy());
    let numbers = [torture.seed.to_string(), first.to_string(), count.to_string()];
    let folder_text = folder.to_string_lossy();
    let words = ["worker", class, &folder_text, &kept, &numbers[0], &numbers[1], &numbers[2]];
    let mut command = own.command(folder, &words, "");
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
}

/// Writes the case that is about to be tried.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(|error| error.to_string())
}
