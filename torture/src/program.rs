//! Runs `ae` under limits of memory and time, and judges how it ended.

use crate::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The address space that a command may take, in kB: threads and the allocator set some aside that they
/// never use.
const SPACE: u64 = 6_000_000;
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what is said is read.
const HEARD: u64 = 1 << 22;

/// Whether system calls can be looked at, and made to fail.
pub(crate) fn traces() -> bool {
    let probe = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    probe.is_ok_and(|probe| probe.status.success())
}

/// The program that is tried.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code, or minus the signal.
    pub(crate) code: i32,
    /// Whether it took too long and was ended.
    pub(crate) hung: bool,
    pub(crate) out: String,
    pub(crate) err: String,
    /// The most memory that it was seen to have, in bytes.
    pub(crate) peak: u64,
}

impl Run {
    /// Why this is no end that the manual knows: 0 done, 1 a check failed, 2 an error, 130 interrupted.
    pub(crate) fn wrong(&self) -> Option<String> {
        let last =
            || self.err.lines().last().unwrap_or_default().chars().take(200).collect::<String>();
        if self.hung {
            return Some("did not end".into());
        }
        if self.err.contains("panicked") {
            return Some(format!("panicked: {}", last()));
        }
        match self.code {
            0 | 1 | 130 => None,
            2 if self.err.contains("error:") => None,
            2 => Some("ended with 2 and no message".into()),
            code if code < 0 => Some(format!("died of signal {}: {}", -code, last())),
            code => Some(format!("ended with {code}: {}", last())),
        }
    }

    /// The same, where nothing but success is right.
    pub(crate) fn not_done(&self) -> Option<String> {
        self.wrong().or_else(|| {
            let said = || self.err.lines().last().unwrap_or_default().to_owned();
            (self.code != 0).then(|| format!("ended with {}: {}", self.code, said()))
        })
    }

    /// The same, where nothing but an error that holds this text is right.
    pub(crate) fn not_refused(&self, said: &str) -> Option<String> {
        self.wrong().or_else(|| match self.code {
            2 if self.err.contains(said) => None,
            2 => Some(format!("did not say {said:?}: {}", self.err.trim())),
            code => Some(format!("ended with {code}, and was to be refused")),
        })
    }
}

impl Program {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// A command in a folder, under the limits; `limits` are further ones, as `ulimit` takes them.
    pub(crate) fn command(&self, folder: &Path, words: &[&str], limits: &str) -> Command {
        let mut command = Command::new("sh");
        let script = format!("ulimit -c 0; ulimit -v {SPACE}; {limits} exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(&self.path).args(words).current_dir(folder);
        command.env_remove("RUST_BACKTRACE").env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Runs words separated by blanks to their end.
    pub(crate) fn run(&self, folder: &Path, words: &str) -> Outcome<Run> {
        let words: Vec<&str> = words.split_whitespace().collect();
        finished(self.command(folder, &words, ""), PATIENCE)
    }
}

/// Runs a command to its end, or ends it.
pub(crate) fn finished(command: Command, patience: Duration) -> Outcome<Run> {
    Started::new(command)?.wait(patience)
}

/// A command that runs.
pub(crate) struct Started {
    pub(crate) child: Child,
    heard: [tempfile::NamedTempFile; 2],
    peak: u64,
}

impl Started {
    /// Starts a command; what it says goes into files, so that it never waits for a reader.
    pub(crate) fn new(mut command: Command) -> Outcome<Self> {
        let heard = [tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?];
        command.stdout(heard[0].reopen()?).stderr(heard[1].reopen()?);
        Ok(Self { child: command.spawn()?, heard, peak: 0 })
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended already.
        let _ = process.map(|process| kill_process(process, signal));
    }

    /// Waits at most so long; whether it has ended.
    pub(crate) fn ended_within(&mut self, patience: Duration) -> Outcome<bool> {
        let end = Instant::now() + patience;
        loop {
            self.peak = self.peak.max(memory_of_all(self.child.id()));
            if self.child.try_wait()?.is_some() {
                return Ok(true);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(Duration::from_millis(2)));
        }
    }

    /// Waits for the end, or makes one.
    pub(crate) fn wait(mut self, patience: Duration) -> Outcome<Run> {
        let hung = !self.ended_within(patience)?;
        if hung {
            self.child.kill()?;
        }
        let status = self.child.wait()?;
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
        let [out, err] = self.heard.map(|file| text(file.path()));
        Ok(Run { code, hung, out, err, peak: self.peak })
    }
}

fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(HEARD).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The most memory that a process or one of those that it started has had, in bytes.
fn memory_of_all(process: u32) -> u64 {
    let children = format!("/proc/{process}/task/{process}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.map(memory_of_all).max().unwrap_or(0).max(memory(process, "VmHWM:"))
}

/// What the system says of the memory of a process, in bytes: the most (`VmHWM:`) or what it has now
/// (`VmRSS:`).
pub(crate) fn memory(process: u32, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    let kilobytes =
        line.and_then(|line| line.split_whitespace().next()).and_then(|it| it.parse().ok());
    1024 * kilobytes.unwrap_or(0u64)
}
