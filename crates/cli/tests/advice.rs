//! Every option that a message advises works as it is printed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Options that are advised without a value.
const BARE: [&str; 2] = ["--lines", "--month-first"];

/// What gives advice, and the command that the advice is for, where that is another one.
struct Situation {
    words: &'static str,
    follow: Option<&'static str>,
}

const fn at(words: &'static str) -> Situation {
    Situation { words, follow: None }
}

const fn of(words: &'static str, follow: &'static str) -> Situation {
    Situation { words, follow: Some(follow) }
}

const SITUATIONS: &[Situation] = &[
    // What cells hold.
    at("train 09_euro_is_text.csv --epochs 1"),
    at("train 09_thousands_integers.csv --epochs 1"),
    at("train 09_dash_is_missing.csv --epochs 1"),
    at("train infinite.csv --epochs 1"),
    at("train words.csv --epochs 1"),
    at("train empty.csv --epochs 1"),
    at("train stray.csv --epochs 1"),
    at("train strange-date.csv --epochs 1"),
    at("train nested.jsonl --epochs 1"),
    at("train constant.csv --epochs 1"),
    at("train 08_us_monthly_read_as_days.csv --epochs 1"),
    at("train compact.csv --epochs 1"),
    at("train years-first.csv --epochs 1"),
    at("train 04_fill_changes_known_cells.csv --epochs 1"),
    at("train report03_comma-decimals.csv --delimiter semicolon --decimal . --epochs 1"),
    // How files are laid out.
    at("train ragged.csv --epochs 1"),
    at("train latin.csv --epochs 1"),
    at("train titles.csv --epochs 1"),
    at("train named-rows.csv --epochs 1"),
    // Pictures.
    at("train pictures --epochs 1"),
    of("train cubes.npy --epochs 1 --label 1", "train cubes.npy --epochs 1"),
    // Series.
    of(
        "train 11_panel_of_sensors.csv --group sensor --window 12 --stride 6 --epochs 1",
        "train 11_panel_of_sensors.csv --group sensor --window 12 --epochs 1",
    ),
    at("train 11_series_with_empty_cells.csv --window 12 --epochs 1"),
    at("train 11_jitter_resample_ns.csv --window 12 --epochs 1"),
    at("train 11_panel_of_sensors.csv --window 12 --epochs 1"),
    of(
        "train 11_panel_of_sensors.csv --window 12 --id sensor --epochs 1",
        "train 11_panel_of_sensors.csv --window 12 --group sensor --epochs 1",
    ),
    at("train twice.csv --window 4 --epochs 1"),
    at("train gap.csv --window 4 --epochs 1"),
    at("train seconds.csv --window 4 --epochs 1"),
    at("train channels.csv --window 4 --epochs 1"),
    at("train sites.csv --window 4 --group site --epochs 1"),
    of("data hours.csv", "train hours.csv --epochs 1"),
    of("data millis.csv", "train millis.csv --epochs 1"),
    at("score hours.ae minutes.csv"),
    // Settings that do not go together.
    at("train numbers.csv --net linear --code-activation sigmoid --epochs 1"),
    at("train numbers.csv --family vae --likelihood bernoulli --scale standard --epochs 1"),
    at(
        "train numbers.csv --net linear --latent 2 --pretrain rbm --code-activation identity --scale minmax --epochs 1",
    ),
    at("train numbers.csv --net mlp:8 --activation relu --pretrain rbm --latent 2 --epochs 1"),
    at("train digits --net conv:4 --pretrain greedy --epochs 1"),
    at("train numbers.csv --family k-sparse --set k=4 --latent 4 --epochs 1"),
    at("train numbers.csv --optimiser sgd --lr 2 --schedule constant --latent 2 --epochs 4"),
    // What a model says of itself and of other rows.
    at("train few.csv --latent 2 --epochs 1"),
    of("score plain.ae holes.csv", "train holes.csv --latent 2 --epochs 1"),
    of("generate bare.ae -n 2 -o new.csv --force", "train numbers.csv --latent 2 --epochs 1"),
    of(
        "train slow.npy --latent 2 --net linear --lr 0.0003 --batch 16 --epochs 12",
        "train slow.npy --latent 2 --net linear --batch 16",
    ),
    at("score line.ae line.csv --kind mahalanobis"),
];

/// A number that comes back again.
fn wave(row: usize, speed: f64) -> f64 {
    (row as f64 * speed).sin()
}

/// A line of three numbers.
fn numbers(row: usize) -> String {
    format!("{:.3},{:.3},{:.3}", wave(row, 1.7), 5.0 * wave(row, 0.3), wave(row, 2.9))
}

/// A folder with everything that the situations name.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let field = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field");
        for entry in std::fs::read_dir(field).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, place.path(path.file_name().unwrap().to_str().unwrap()))
                    .unwrap();
            }
        }
        place.numbers();
        place.cells();
        place.series();
        place.layouts();
        place.pictures();
        place.models();
        place
    }

    fn numbers(&self) {
        self.table("numbers.csv", "a,b,c", 120, &numbers);
        self.table("few.csv", "a,b,c", 20, &numbers);
        self.table("holes.csv", "a,b,c", 120, &|row| {
            if row % 9 == 2 { format!("{:.3},,1", wave(row, 1.7)) } else { numbers(row) }
        });
        self.table("line.csv", "a,b,c", 200, &|row| {
            let (at, noise) = (wave(row, 0.7), 0.02 * wave(row, 3.1));
            format!("{:.3},{:.3},{:.3}", at + noise, 2.0 * at - noise, 1.0 - at)
        });
        self.array("slow.npy", 400, 6, &|row, column| {
            [1.0, 0.3, -2.0][column % 3] * wave(row, 0.7) + [0.5, 2.0][column % 2] * wave(row, 2.3)
        });
        let cubes: Vec<f64> = (0..60 * 16).map(|at| wave(at, 0.7)).collect();
        autoencoders::data::write_npy(self.path("cubes.npy"), &[60, 4, 4], &cubes).unwrap();
        self.write("labels.csv", "0\n1\n2\n".repeat(20).as_bytes());
    }

    fn cells(&self) {
        self.table("infinite.csv", "a,b", 60, &|row| {
            if row == 7 { "inf,1".into() } else { format!("{:.3},{row}", wave(row, 0.7)) }
        });
        self.table("years-first.csv", "when,a", 60, &|row| {
            format!("23-{:02}-{:02},{:.3}", 1 + row / 28, 1 + row % 28, wave(row, 0.7))
        });
        self.table("words.csv", "a,name,b", 60, &|row| {
            format!("{:.3},name{row},{}", wave(row, 0.7), row % 5)
        });
        self.table("empty.csv", "a,nothing,b", 60, &|row| {
            format!("{:.3},,{}", wave(row, 0.7), row % 5)
        });
        self.table("stray.csv", "a,b", 60, &|row| {
            if row == 7 { "oops,1".into() } else { format!("{:.3},{}", wave(row, 0.7), row % 5) }
        });
        self.table("strange-date.csv", "when,b", 60, &|row| {
            if row == 7 {
                "yesterday,1".into()
            } else {
                format!("{:02}/{:02}/2024,{}", row % 28 + 1, row % 12 + 1, row % 5)
            }
        });
        self.table("constant.csv", "a,same,b", 60, &|row| {
            format!("{:.3},7,{}", wave(row, 0.7), row % 5)
        });
        self.table("compact.csv", "day,b", 60, &|row| {
            format!("202401{:02},{}", row % 28 + 1, row % 5)
        });
    }

    fn series(&self) {
        self.table("twice.csv", "time,v", 60, &|row| {
            format!("2024-01-{:02},{:.3}", row.div_ceil(2) % 28 + 1, wave(row, 0.7))
        });
        self.table("seconds.csv", "ts,v", 60, &|row| {
            format!("{},{:.3}", 1_704_067_200 + 60 * row, wave(row, 0.7))
        });
        let hour = |row: usize| format!("2024-01-{:02} {:02}:00", row / 24 + 1, row % 24);
        self.table("hours.csv", "time,v", 60, &|row| {
            format!("{},{:.3}", hour(row), wave(row, 0.7))
        });
        self.table("minutes.csv", "time,v", 900, &|row| {
            format!("2024-01-01 {:02}:{:02},{:.3}", row / 60, row % 60, wave(row, 0.7))
        });
        self.table("millis.csv", "ts,v", 60, &|row| {
            format!("{},{:.3}", 1_704_067_200_000_i64 + 60_017 * row as i64, wave(row, 0.7))
        });
        self.table("sites.csv", "time,site,pump,v", 120, &|row| {
            let (site, pump) = (row % 2, row / 2 % 2);
            format!("{},s{site},p{pump},{:.3}", hour(row / 4), wave(row, 0.7))
        });
        self.table("gap.csv", "time,v", 28, &|row| {
            format!("2024-01-{:02},{:.3}", if row < 9 { row + 1 } else { row + 3 }, wave(row, 0.7))
        });
        self.table("channels.csv", "time,v,note", 28, &|row| {
            format!("2024-01-{:02},{:.3},some words of day {row}", row + 1, wave(row, 0.7))
        });
    }

    fn layouts(&self) {
        self.table("ragged.csv", "level,message", 40, &|row| {
            if row % 5 == 3 {
                "warn,one, two, three".into()
            } else {
                format!("info,message {row} is long")
            }
        });
        self.table("named-rows.csv", "a,b,c", 40, &|row| {
            format!("row{},{}", row % 3, numbers(row))
        });
        self.table("titles.csv", "A report\nof all machines\n\na,b,c", 40, &numbers);
        let lines: String = (0..40)
            .map(|row| format!("{{\"a\":{:.3},\"deep\":{{\"b\":1}}}}\n", wave(row, 0.7)))
            .collect();
        self.write("nested.jsonl", lines.as_bytes());
        // Its one strange letter lies beyond what is looked at before.
        let mut latin = "name,v\n".to_owned()
            + &"a long enough name of nobody,1\nanother long name,2\n".repeat(7000);
        latin += "M";
        self.write("latin.csv", &[latin.as_bytes(), b"\xfcller,3\n"].concat());
    }

    fn models(&self) {
        for (name, how) in [
            ("m", "numbers.csv --net shallow --latent 8 --epochs 1"),
            ("plain", "numbers.csv --latent 2 --epochs 1"),
            ("bare", "numbers.csv --latent 2 --density none --epochs 1"),
            ("hours", "hours.csv --window 6 --latent 2 --epochs 1"),
            ("line", "line.csv --family denoising --latent 1 --epochs 200 --batch 16"),
        ] {
            let (good, said) = self.run(&format!("train {how} -o {name}.ae --force --quiet"));
            assert!(good, "{said}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn table(&self, name: &str, header: &str, rows: usize, line: &dyn Fn(usize) -> String) {
        let lines: Vec<String> = (0..rows).map(line).collect();
        self.write(name, format!("{header}\n{}\n", lines.join("\n")).as_bytes());
    }

    fn array(&self, name: &str, rows: usize, columns: usize, of: &dyn Fn(usize, usize) -> f64) {
        let numbers: Vec<f64> =
            (0..rows * columns).map(|place| of(place / columns, place % columns)).collect();
        autoencoders::data::write_npy(self.path(name), &[rows, columns], &numbers).unwrap();
    }

    /// Pictures of which one is wider.
    fn pictures(&self) {
        std::fs::create_dir(self.path("pictures")).unwrap();
        for (at, (width, height)) in [(8, 8), (10, 8), (8, 8), (8, 8)].into_iter().enumerate() {
            let pixel = |place: usize| (place * (at + 7) % 251) as u8;
            let pixels: Vec<u8> = (0..width * height).map(pixel).collect();
            let bytes = draw::png(&pixels, width, 1).unwrap();
            self.write(&format!("pictures/{at}.png"), &bytes);
        }
    }

    /// Whether a command succeeds, and what it says.
    fn run(&self, words: &str) -> (bool, String) {
        let run = Command::new(env!("CARGO_BIN_EXE_ae"))
            .args(parted(words))
            .current_dir(self.0.path())
            .output()
            .unwrap();
        (run.status.success(), String::from_utf8_lossy(&run.stderr).into_owned())
    }
}

/// Words as a shell parts them; only single quotes keep blanks together.
fn parted(words: &str) -> Vec<String> {
    let parts = words.split('\'').enumerate();
    let mut all: Vec<String> = vec![String::new()];
    for (at, part) in parts {
        if at % 2 == 1 {
            all.last_mut().unwrap().push_str(part);
            continue;
        }
        for (at, word) in part.split(' ').enumerate() {
            if at > 0 {
                all.push(String::new());
            }
            all.last_mut().unwrap().push_str(word);
        }
    }
    all.retain(|word| !word.is_empty());
    all
}

/// The options that a message advises, each as it is printed; such as stand together with "and" are
/// one.
fn advised(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut end = 0;
    let starts = said
        .match_indices("--")
        .map(|(at, _)| at)
        .filter(|at| said[..*at].ends_with([' ', '(', '`']));
    for start in starts.collect::<Vec<_>>() {
        let rest = &said[start..];
        let name = rest.split([' ', ',', ';', ':', '`', ')', '\n', '.']).next().unwrap();
        let option = if BARE.contains(&name) {
            name.to_owned()
        } else {
            let Some(value) = rest[name.len()..].strip_prefix(' ') else { continue };
            let value = match value.strip_prefix('\'') {
                Some(quoted) => format!("'{}'", quoted.split('\'').next().unwrap()),
                None => value
                    .split([' ', ';', '\n', ')', '`'])
                    .next()
                    .unwrap()
                    .trim_end_matches([',', ':'])
                    .to_owned(),
            };
            // Not advice, but what it is about.
            if value == "is" {
                continue;
            }
            format!("{name} {value}")
        };
        let joined = start >= end && said[end..start].trim_matches([',', ' ']) == "and";
        end = start + option.len();
        match found.last_mut().filter(|_| joined) {
            Some(last) => *last += &format!(" {option}"),
            None => found.push(option),
        }
    }
    found
}

/// What stands for something of the user's.
fn meant(option: &str) -> String {
    option
        .replace("mlp:WIDTHS", "mlp:5")
        .replace("WxH", "8x8")
        .replace(" MODEL", " m.ae")
        .replace(" FILE", " labels.csv")
        .replace("k=N", "k=2")
}

/// The words with an option, in the place of the same one.
fn with(words: &str, option: &str) -> String {
    let mut all = parted(words);
    for name in parted(option).iter().filter(|word| word.starts_with("--")) {
        let gives_name = |word: &String| word == name;
        while let (Some(place), false) = (all.iter().position(gives_name), name == "--column") {
            all.drain(place..(place + 2).min(all.len()));
        }
    }
    let quoted: Vec<String> = all.iter().map(|word| format!("'{word}'")).collect();
    format!("{} {option}", quoted.join(" "))
}

#[test]
fn every_option_that_a_message_advises_works_as_it_is_printed() {
    let place = Place::new();
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for (number, Situation { words, follow }) in SITUATIONS.iter().enumerate() {
        let output = if words.starts_with("train") {
            format!(" -o {number}.ae --force")
        } else {
            String::new()
        };
        let (_, said) = place.run(&format!("{words}{output}"));
        let options: Vec<String> = said
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("warning"))
            .flat_map(advised)
            .collect();
        if options.is_empty() {
            wrong.push(format!("ae {words}: advises nothing: {said}"));
        }
        for option in options {
            names.extend(parted(&option).into_iter().filter(|word| word.starts_with("--")));
            let output = if follow.unwrap_or(words).starts_with("train") {
                format!(" -o {number}.ae --force --quiet")
            } else {
                String::new()
            };
            let followed = with(follow.unwrap_or(words), &meant(&option)) + &output;
            let (good, now) = place.run(&followed);
            // Another column may come next.
            let refused = now.lines().find(|line| line.starts_with("error")).unwrap_or_default();
            let usage = ["invalid value", "unexpected argument", "required arguments"];
            let usage = usage.iter().any(|words| refused.contains(words));
            if !good && (usage || said.contains(refused)) {
                wrong.push(format!("ae {words}\n  says {said}  ae {followed}\n  says {now}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown: Vec<String> = in_the_sources().difference(&names).cloned().collect();
    assert!(unknown.is_empty(), "no situation here advises {unknown:?}");
}

/// The options that some message of the sources advises.
fn in_the_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir()
                && !["tests", "target", "node_modules"].iter().any(|name| path.ends_with(name))
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("message.rs")
                && !path.ends_with("wording.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let names = text.split(".set(\"").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.filter(|name| !name.contains('.')).map(flag));
            }
        }
    }
    // A file beyond all memory does not fit here; the command itself requires the other.
    ["--memory", "--from"].iter().for_each(|name| {
        found.remove(*name);
    });
    found
}

/// The flag of a setting.
fn flag(name: &str) -> String {
    match name {
        "learning_rate" => "--lr".to_owned(),
        name => format!("--{}", name.replace('_', "-")),
    }
}
