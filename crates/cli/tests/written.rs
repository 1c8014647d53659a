//! Models that an earlier version wrote: they load for ever and give the same bits, and the same
//! training gives the same model. `written/make.sh` says how they were made.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A line of `written/commands`.
struct Line {
    name: String,
    rows: String,
    how: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/written")
}

fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string(folder().join("commands")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<String> = line.split(" | ").map(str::to_owned).collect();
            let [name, rows, how] = parts.try_into().unwrap();
            Line { name, rows, how }
        })
        .collect()
}

fn ae(words: &str) {
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args(words.split_whitespace())
        .current_dir(folder())
        .output()
        .unwrap();
    assert!(run.status.success(), "ae {words}: {}", String::from_utf8_lossy(&run.stderr));
}

/// What models give that are trained today: their detectors leave copies out.
const SCORES_TODAY: &str = "scores-today.csv";
/// Behind the name of a model whose training has changed on purpose: windows are parted in time, and
/// tables keep the ranges of their columns, for rows that are generated.
const TODAY: &str = "-today";

/// An error for each file that `model` gives otherwise than the one beside the models, its scores
/// than those of this name.
fn differences(line: &Line, model: &Path, scores: &str) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let path = |what: &str| out.path().join(format!("{}.{what}", line.name));
    let (model, rows) = (model.display(), &line.rows);
    let asked = [
        ("codes.npy", format!("encode {model} {rows}")),
        ("rebuilt.npy", format!("reconstruct {model} {rows}")),
        ("generated.npy", format!("generate {model} -n 4")),
        (scores, format!("score {model} {rows}")),
        ("classes.csv", format!("classify {model} {rows}")),
    ];
    let known = |what: &str| {
        let changed = folder().join(format!("{}{TODAY}.{what}", line.name));
        let same = folder().join(format!("{}.{what}", line.name));
        if scores == SCORES_TODAY && changed.exists() { changed } else { same }
    };
    let today =
        |what: &str| what == SCORES_TODAY || known(what).display().to_string().contains(TODAY);
    let mut wrong = Vec::new();
    for (what, words) in asked.iter().filter(|(what, _)| known(what).exists()) {
        ae(&format!("{words} --quiet -o {}", path(what).display()));
        if std::env::var_os("AE_WRITE_SCORES").is_some() && today(what) {
            std::fs::copy(path(what), known(what)).unwrap();
        }
        if told(&path(what)) != told(&known(what)) {
            wrong.push(format!("{}.{what}", line.name));
        }
    }
    wrong
}

/// What must stay the same of a file: all of it, or of a table what it says of rows, which earlier
/// versions counted from 0; of scores without the reasons, whose words may become better.
fn told(path: &Path) -> Vec<u8> {
    const NUMBERS: usize = 4;
    let (bytes, name) = (std::fs::read(path).unwrap(), path.to_string_lossy());
    if !name.ends_with(".csv") {
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let most = if name.contains(".scores") { NUMBERS } else { usize::MAX };
    let numbers = |line: &str| line.split(',').take(most).skip(1).collect::<Vec<_>>().join(",");
    text.lines().map(numbers).collect::<Vec<_>>().join("\n").into_bytes()
}

#[test]
fn models_of_earlier_versions_give_the_same_bits() {
    let lines = lines();
    assert!(lines.len() >= 16);
    let wrong: Vec<String> = (lines.iter())
        .flat_map(|line| {
            differences(line, &folder().join(format!("{}.ae", line.name)), "scores.csv")
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_same_training_gives_the_same_bits_as_earlier_versions() {
    let out = tempfile::tempdir().unwrap();
    let again = |line: &Line| {
        let model = out.path().join(format!("{}.ae", line.name));
        let settings = "--epochs 3 --batch 16 --seed 5 --threads 2 --quiet";
        ae(&format!("train {} {} {settings} -o {}", line.rows, line.how, model.display()));
        differences(line, &model, SCORES_TODAY)
    };
    let wrong: Vec<String> = lines().iter().flat_map(again).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
