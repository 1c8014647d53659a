//! The power fails.

use crate::program::{finished, traces};
use crate::tally::Tally;
use crate::{Outcome, Torture, World};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

pub(crate) const TITLE: &str = "the calls of commands that write, as they were recorded, are replayed on a disk that forgets at each of them what it was not told to keep: a result's name leads to the whole of it or to what was there, nothing that was told to be done is lost, and a checkpoint goes only once the model is there for good";

/// Commands: what they write, and the words.
const COMMANDS: [(&str, &str); 6] = [
    ("out.ae", "train digits --epochs 2 --net mlp:4 --threads 1 --quiet"),
    ("out.ae", "train mixed.csv --for anomalies --members 2 --epochs 2 --net mlp:4 --quiet"),
    ("out.csv", "encode plain.ae table.csv --label kind"),
    ("out.parquet", "reconstruct mixed.ae mixed.csv"),
    ("out.html", "report plain.ae table.csv --label kind"),
    ("out.png", "generate images.ae -n 16"),
];
const CALLS: &str =
    "trace=write,pwrite64,fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat";

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let mut tally = Tally::default();
    if !traces() {
        tally.note("left out: strace is not installed, or may not trace here");
        return Ok(tally);
    }
    let world = World::new(torture.world.program.clone())?.with_models()?;
    for (output, words) in COMMANDS {
        for force in ["", "--force"] {
            let mut command = Command::new("strace");
            command.args(["-f", "-y", "-s", "0", "-o", "calls.txt", "-e", CALLS]);
            command.arg(&world.program.path).args(words.split_whitespace());
            command.args(["-o", output]).args(force.split_whitespace());
            command.current_dir(world.root()).stdin(std::process::Stdio::null());
            let run = finished(command, Duration::from_secs(60))?;
            if let Some(wrong) = run.not_done() {
                return Err(format!("ae {words}: {wrong}").into());
            }
            let calls = fs::read_to_string(world.path("calls.txt"))?;
            replayed(&mut tally, &format!("{words} {force}"), output, &calls);
        }
        fs::remove_file(world.path(output))?;
    }
    Ok(tally)
}

/// A disk that keeps only what it was told to.
#[derive(Default)]
struct Disk {
    /// Files, by the path that they had when they were written to, with bytes that were not kept.
    dirty: BTreeSet<String>,
    /// Names, and whether their file has bytes that were not kept.
    torn: BTreeMap<String, bool>,
    /// Names that were given since the folder was last kept.
    fleeting: BTreeSet<String>,
}

/// Replays calls, each of which may be the last.
fn replayed(tally: &mut Tally, words: &str, output: &str, calls: &str) {
    let mut disk = Disk::default();
    for line in calls.lines().filter(|line| !line.contains(" = -1 ")) {
        let call = line.split_once(' ').and_then(|(_, call)| call.trim_start().split_once('('));
        let Some((call, inner)) = call else { continue };
        let names: Vec<&str> = inner.split('"').skip(1).step_by(2).collect();
        let wrong = match call {
            "write" | "pwrite64" => {
                disk.dirty.extend(path_of(inner));
                None
            }
            "fsync" | "fdatasync" => {
                disk.keep(path_of(inner).unwrap_or_default());
                None
            }
            "link" | "linkat" | "rename" | "renameat" | "renameat2" => disk.name(&names, output),
            "unlink" | "unlinkat" => {
                let checkpoint = names.first().is_some_and(|name| name.ends_with(".run"));
                let kept = disk.torn.contains_key(output) && !disk.fleeting.contains(output);
                let early = checkpoint && !kept;
                early.then(|| "the checkpoint goes before the model's name is kept".to_owned())
            }
            _ => continue,
        };
        tally.add(format!("ae {words}: {line}"), wrong);
    }
    if disk.fleeting.contains(output) {
        tally.found(format!("ae {words}: done, and the name {output} is not kept"));
    }
    if !disk.torn.contains_key(output) {
        tally.found(format!("ae {words}: {output} never got its name"));
    }
}

/// The path of the open file that a call is about, as `strace -y` tells it; none of devices and pipes.
fn path_of(inner: &str) -> Option<String> {
    let (_, behind) = inner.split_once('<')?;
    let (path, _) = behind.split_once('>')?;
    let ordinary = path.starts_with('/') && !path.starts_with("/dev/");
    ordinary.then(|| path.to_owned())
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

impl Disk {
    /// A file's bytes, or a folder's names, are kept.
    fn keep(&mut self, path: String) {
        // A file without a name is `#` and a number; all others are names that were given, or folders.
        let known = self.torn.contains_key(&last(&path));
        let is_file = self.dirty.remove(&path) || path.contains("/#") || known;
        if is_file {
            self.torn.entry(last(&path)).and_modify(|torn| *torn = false);
        } else {
            self.fleeting.clear();
        }
    }

    /// A file gets a name, from an open one or from another name.
    fn name(&mut self, names: &[&str], output: &str) -> Option<String> {
        let [from, .., to] = names else { return None };
        let (from_name, to) = (last(from), last(to));
        // What a handle leads to is the file without a name that was written to last: its path is used
        // again once it has one.
        let nameless = from.starts_with("/proc/self/fd/");
        let is_it = |path: &String| {
            if nameless { path.contains("/#") } else { last(path) == from_name }
        };
        let dirty = self.dirty.iter().any(is_it);
        self.dirty.retain(|path| !is_it(path));
        let torn = dirty || self.torn.remove(&from_name).unwrap_or(false);
        self.fleeting.remove(&from_name);
        self.fleeting.insert(to.clone());
        self.torn.insert(to.clone(), torn);
        (torn && to == output).then(|| "has its name before its bytes are kept".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(calls: &str) -> Vec<String> {
        let mut tally = Tally::default();
        replayed(&mut tally, "train", "out.ae", calls);
        tally.findings
    }

    const WRITE: &str = "7 write(3</d/#1>(deleted), \"\"..., 8) = 8\n";
    const SYNC: &str = "7 fsync(3</d/#1>(deleted)) = 0\n";
    const LINK: &str = "7 linkat(AT_FDCWD</d>, \"/proc/self/fd/3\", AT_FDCWD</d>, \"out.ae\", AT_SYMLINK_FOLLOW) = 0\n";
    const KEEP: &str = "7 fsync(4</d>) = 0\n";
    const GONE: &str = "7 unlink(\"out.ae.run\") = 0\n";
    const WRITE_NAMED: &str = "7 write(3</d/.ae-1>, \"\"..., 8) = 8\n";
    const SYNC_NAMED: &str = "7 fsync(3</d/.ae-1>) = 0\n";
    const RENAME: &str =
        "7 renameat(AT_FDCWD</d>, \"/d/.ae-1\", AT_FDCWD</d>, \"/d/out.ae\") = 0\n";
    const SYNC_AFTER: &str = "7 fsync(3</d/out.ae>) = 0\n";

    #[test]
    fn each_order_that_could_lose_something_is_found() {
        assert!(wrong(&[WRITE, SYNC, LINK, KEEP, GONE].concat()).is_empty());
        assert!(wrong(&[WRITE_NAMED, SYNC_NAMED, RENAME, KEEP, GONE].concat()).is_empty());
        for (order, what) in [
            ([WRITE, LINK, SYNC, KEEP, GONE], "before its bytes"),
            ([WRITE, SYNC, LINK, GONE, KEEP], "before the model's name"),
            ([WRITE, SYNC, LINK, GONE, ""], "is not kept"),
            ([WRITE, SYNC, KEEP, GONE, ""], "never got its name"),
            ([GONE, WRITE, SYNC, LINK, KEEP], "before the model's name"),
            ([WRITE_NAMED, RENAME, KEEP, GONE, ""], "before its bytes"),
            ([WRITE_NAMED, SYNC_NAMED, RENAME, SYNC_AFTER, GONE], "before the model's name"),
        ] {
            let found = wrong(&order.concat());
            assert!(found.iter().any(|line| line.contains(what)), "{what}: {found:?}");
        }
    }
}
