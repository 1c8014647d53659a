//! The command from outside: words in, files and numbers out.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder in which `ae` is run.
struct Folder(TempDir);

/// What a run came to.
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A folder with a small model of the digits, `digits.ae`.
    fn with_digits() -> Self {
        let place = Self::new();
        place.ok("train digits --epochs 2 --quiet");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        String::from_utf8(self.bytes(name)).unwrap().lines().map(str::to_owned).collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `ae` with words separated by blanks.
    fn ae(&self, words: &str) -> Run {
        command(self.0.path(), words).output().unwrap().into()
    }

    fn ok(&self, words: &str) -> Run {
        let run = self.ae(words);
        assert_eq!(run.code, 0, "ae {words}\n{}\n{}", run.out, run.err);
        run
    }

    /// Runs `ae` until it tells where it serves; tests in a browser are elsewhere.
    fn served(&self, words: &str) {
        let mut child = command(self.0.path(), &format!("{words} --no-browser"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.starts_with("http://127.0.0.1:"), "{line}");
    }

    fn json(&self, words: &str) -> Value {
        let run = self.ok(&format!("{words} --json --quiet"));
        assert_eq!(run.out.lines().count(), 1, "{}", run.out);
        assert_eq!(run.err, "");
        serde_json::from_str(&run.out).unwrap()
    }

    /// Runs `ae`, which must end with an error that holds all of `parts`; no file may appear.
    fn refused(&self, words: &str, parts: &[&str]) {
        let before = self.names();
        let run = self.ae(words);
        assert_eq!(run.code, 2, "ae {words}\n{}\n{}", run.out, run.err);
        assert!(run.err.starts_with("error: "), "{}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        for part in parts {
            assert!(run.err.contains(part), "ae {words}\n{}\nlacks {part}", run.err);
        }
        assert_eq!(run.out, "");
        assert_eq!(self.names(), before);
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn command(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ae"));
    command.current_dir(folder).args(words.split_whitespace());
    command
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Thirty rows near a line in three columns, with a name and a kind.
fn table() -> String {
    let row = |i: usize| {
        let t = i as f64 / 10.0;
        format!("n{i},{t},{},{},{}\n", 2.0 * t + (t * 7.0).sin(), 1.0 - t, ["a", "b"][i % 2])
    };
    "name,x,y,z,kind\n".to_owned() + &(0..30).map(row).collect::<String>()
}

const READING: &str = "--id name --label kind";

#[test]
fn training_writes_a_model_and_shows_pca_beside_it() {
    let place = Folder::new();
    let run = place.ok("train digits --epochs 2");
    assert_eq!(place.names(), ["digits.ae"]);
    for part in [
        "180 test rows",
        "plain",
        "pca",
        "ratio",
        "mse",
        "mae",
        "explained variance",
        "active units",
        "loss: reconstruction",
        "next:",
    ] {
        assert!(run.out.contains(part), "{}\nlacks {part}", run.out);
    }
    assert!(run.err.contains("epoch 2/2  reconstruction "), "{}", run.err);
}

#[test]
fn the_next_commands_work() {
    let place = Folder::new();
    place.write("a table.csv", table());
    for train in [
        &["train", "digits", "--epochs", "1"][..],
        &[
            "train",
            "a table.csv",
            "--id",
            "name",
            "--label",
            "kind",
            "--epochs",
            "2",
            "--latent",
            "2",
        ],
    ] {
        let run = Run::from(
            Command::new(env!("CARGO_BIN_EXE_ae"))
                .current_dir(place.0.path())
                .args(train)
                .output()
                .unwrap(),
        );
        let next: Vec<&str> = run.out.split("next:\n").nth(1).unwrap().lines().collect();
        assert!(next.len() >= 3, "{}", run.out);
        for line in next {
            let words = shell_words(line.trim().strip_prefix("ae ").unwrap());
            let run = Run::from(
                Command::new(env!("CARGO_BIN_EXE_ae"))
                    .current_dir(place.0.path())
                    .args(&words)
                    .output()
                    .unwrap(),
            );
            assert_eq!(run.code, 0, "{line}\n{}", run.err);
        }
    }
}

/// The lines of a document's shell blocks that call `ae`, without their comments.
fn documented(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("ae "));
    lines.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    let place = Folder::new();
    let rows: Vec<String> = (0..40)
        .map(|row| format!("{},{},{},{},{}", row, row * row, 40 - row * row, row % 7, row % 3))
        .collect();
    place.write("table.csv", format!("a,b,c,d,e\n{}\n", rows.join("\n")));
    let commands = documented(include_str!("../../../README.md"));
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        if command.starts_with("explore") {
            place.served(&command)
        } else {
            drop(place.ok(&command))
        }
    }
}

#[test]
fn the_recipe_of_the_manual_is_read() {
    let manual = include_str!("../../../docs/manual.md");
    let recipe = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let place = Folder::new();
    place.write("recipe.toml", recipe);
    let model = place.json("train digits --config recipe.toml --epochs 1");
    assert_eq!((model["family"].as_str(), model["latent"].as_u64()), (Some("denoising"), Some(16)));
}

/// Splits words as a shell does, single quotes included.
fn shell_words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let words =
        pieces.flat_map(
            |(at, piece)| {
                if at % 2 == 1 { vec![piece] } else { piece.split_whitespace().collect() }
            },
        );
    words.map(str::to_owned).collect()
}

#[test]
fn the_json_of_train_has_these_keys() {
    let json = Folder::new().json("train digits --epochs 2 --family vae --latent 4");
    let expected = [
        "active_units",
        "epochs",
        "family",
        "features",
        "latent",
        "model",
        "pca",
        "rows",
        "seconds",
        "terms",
        "test",
        "train",
        "validation",
    ];
    assert_eq!(keys(&json), expected);
    assert_eq!(keys(&json["test"]), ["explained_variance", "mse"]);
    for part in ["train", "validation", "pca"] {
        assert_eq!(keys(&json[part]), ["mse"]);
        assert!(json[part]["mse"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(keys(&json["terms"]), ["kl", "reconstruction"]);
    let exact = json!([
        json["family"],
        json["latent"],
        json["rows"],
        json["features"],
        json["epochs"],
        json["model"]
    ]);
    assert_eq!(exact, json!(["vae", 4, 1797, 64, 2, "digits.ae"]));
}

#[test]
fn a_default_name_is_the_next_free_one() {
    let place = Folder::new();
    place.write("digits.ae", "mine").write("digits-2.ae.run", "of another training");
    place.ok("train digits --epochs 1 --quiet");
    assert_eq!(place.names(), ["digits-2.ae.run", "digits-3.ae", "digits.ae"]);
    assert_eq!(place.bytes("digits.ae"), b"mine");
}

#[test]
fn an_existing_output_is_replaced_only_with_force() {
    let place = Folder::new();
    place.write("m.ae", "mine");
    place.refused("train digits --epochs 1 -o m.ae", &["m.ae", "exists already", "--force"]);
    assert_eq!(place.bytes("m.ae"), b"mine");
    place.ok("train digits --epochs 1 -o m.ae --force");
    place.write("codes.csv", "mine");
    place.refused("encode m.ae digits -o codes.csv", &["codes.csv", "exists already"]);
    place.ok("encode m.ae digits -o codes.csv --force");
    assert_ne!(place.bytes("codes.csv"), b"mine");
}

#[test]
fn an_interrupted_training_is_not_overwritten() {
    let place = Folder::new();
    place.write("m.ae.run", "state");
    place.refused("train digits --epochs 1 -o m.ae", &["m.ae.run", "--resume m.ae.run"]);
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_training() {
    let place = Folder::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.refused("train digits -o folder", &["folder", "wanted the name of a file"]);
    place.refused("train digits -o none/m.ae", &["there is no folder none"]);
}

#[test]
fn what_a_command_reads_is_never_overwritten() {
    let place = Folder::new();
    place.write("t.csv", "a,b\n1,2\n3,5\n5,6\n7,9\n");
    place.ok("train t.csv --latent 1 --epochs 2 -o m.ae");
    for words in [
        "train t.csv -o t.csv --force",
        "encode m.ae t.csv -o t.csv --force",
        "encode m.ae t.csv -o m.ae --force",
        "train t.csv --test-data m.ae -o m.ae --force",
    ] {
        place.refused(words, &["choose another name"]);
    }
    assert!(place.lines("t.csv").len() == 5);
    place.refused("train t.csv -o model.txt", &["ends in .ae"]);
}

#[test]
fn negative_numbers_are_refused_as_numbers() {
    let place = Folder::new();
    for (words, part) in [
        ("train digits --lr -1", "lr is -1"),
        ("train digits --l2 -1", "l2 is -1"),
        ("train digits --latent -1", "-1"),
    ] {
        let run = place.ae(words);
        assert_eq!(run.code, 2);
        assert!(run.err.contains(part) && !run.err.contains("unexpected argument"), "{}", run.err);
    }
}

#[test]
fn data_tells_what_training_would_refuse() {
    let place = Folder::new();
    place.write("stray.csv", "a,b\n1,2\n3,hello\n5,6\n7,8\n");
    let run = place.ok("data stray.csv");
    assert!(
        run.err.contains("training would refuse this")
            && run.err.contains("row 2")
            && run.err.contains("hello"),
        "{}",
        run.err
    );
    assert!(place.json("data stray.csv")["refused"].as_str().unwrap().contains("hello"));
    assert!(place.json("data digits")["refused"].is_null());
}

#[test]
fn evaluation_has_these_keys() {
    let place = Folder::with_digits();
    let json = place.json("eval digits.ae digits --beside digits.ae");
    let expected = [
        "active_units",
        "beside",
        "code_change",
        "explained_variance",
        "jacobian_norm",
        "mae",
        "mean_activation",
        "mse",
        "pca",
        "rows",
        "terms",
    ];
    assert_eq!(keys(&json), expected);
    assert_eq!(json["beside"]["mse"], json["mse"]);
    assert_eq!(json["rows"], 1797);
    let text = place.ok("eval digits.ae digits --beside digits.ae").out;
    let line = text.lines().find(|line| line.starts_with("mse ")).unwrap();
    assert_eq!(line.split_whitespace().count(), 3, "{text}");
}

#[test]
fn the_evaluation_on_test_rows_is_kept_in_the_model() {
    let place = Folder::new();
    let trained = place.json("train digits --epochs 1");
    let info = place.json("info digits.ae");
    assert_eq!(info["evaluation"]["mse"], trained["test"]["mse"]);
}

#[test]
fn codes_go_out_and_come_back() {
    let place = Folder::with_digits();
    for ending in ["npy", "csv", "parquet"] {
        place.ok(&format!("encode digits.ae digits -o codes.{ending}"));
        place.ok(&format!("decode digits.ae codes.{ending} -o from-{ending}.npy"));
    }
    place.ok("reconstruct digits.ae digits -o rows.npy");
    let rows = place.bytes("rows.npy");
    for ending in ["npy", "csv", "parquet"] {
        assert_eq!(place.bytes(&format!("from-{ending}.npy")), rows, "{ending}");
    }
    let header = &place.lines("codes.csv")[0];
    assert_eq!(header, "row,code_0,code_1,code_2,code_3,code_4,code_5,code_6,code_7");
}

#[test]
fn identifiers_stay_beside_codes_and_rows() {
    let place = Folder::new();
    place.write("t.csv", table());
    place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2"));
    place.ok(&format!("encode t.ae t.csv {READING} -o codes.csv"));
    place.ok("decode t.ae codes.csv -o rows.csv");
    let (codes, rows) = (place.lines("codes.csv"), place.lines("rows.csv"));
    assert_eq!((codes[0].as_str(), rows[0].as_str()), ("row,code_0,code_1", "row,x,y,z"));
    assert!(codes[17].starts_with("n16,") && rows[17].starts_with("n16,"));
}

/// An npy file of so many rows of `width` numbers.
fn npy(rows: usize, width: usize) -> Vec<u8> {
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend((0..rows * width).flat_map(|at| ((at % 1013) as f32 / 1013.0).to_le_bytes()));
    bytes
}

#[test]
fn rows_that_stay_on_disk_give_the_same_files() {
    let place = Folder::new();
    // Twice the least memory.
    place.write("t.npy", npy(25_000, 20));
    place.ok("train t.npy --epochs 1 --net mlp:16 --batch 256 -o memory.ae");
    place.ok("train t.npy --epochs 1 --net mlp:16 --batch 256 -o disk.ae --memory 1MB");
    assert!(place.bytes("memory.ae") == place.bytes("disk.ae"));
    for ending in ["npy", "csv", "parquet"] {
        for command in ["encode", "reconstruct"] {
            place.ok(&format!("{command} disk.ae t.npy -o memory.{ending} --force"));
            place.ok(&format!("{command} disk.ae t.npy -o disk.{ending} --force --memory 1MB"));
            assert!(
                place.bytes(&format!("memory.{ending}")) == place.bytes(&format!("disk.{ending}")),
                "{command} {ending}"
            );
        }
    }
    assert_eq!(place.json("eval disk.ae t.npy"), place.json("eval disk.ae t.npy --memory 1MB"));
    let search = "search disk.ae t.npy --row 3 --count 2";
    assert_eq!(place.json(search), place.json(&format!("{search} --memory 1MB")));
    place.ok("reconstruct disk.ae t.npy -o r.csv --rows 7 --memory 1MB");
    assert_eq!(place.lines("r.csv").len(), 8);
    assert_eq!(place.json("data t.npy"), place.json("data t.npy --memory 1MB"));
}

#[test]
fn a_budget_of_memory_is_a_size() {
    let place = Folder::new();
    for (size, part) in [
        ("lots", "as in 512MB"),
        ("1.5GB", "as in 512MB"),
        ("300KB", "at least 1MB"),
        ("0", "at least 1MB"),
    ] {
        place.refused(&format!("train digits --memory {size}"), &["--memory", part]);
    }
    place.ok("train digits --epochs 1 --memory 512MB --quiet");
}

/// The most memory, in kB, that a run of `ae` has held at once.
#[cfg(target_os = "linux")]
fn peak(place: &Folder, words: &str) -> u64 {
    let mut child =
        command(place.0.path(), words).stderr(std::process::Stdio::null()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    // The system keeps the peak only as long as the process lives.
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success(), "ae {words}");
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_larger_than_the_memory_is_encoded_without_being_held() {
    let place = Folder::new();
    place.write("small.npy", npy(500, 100)).write("large.npy", npy(150_000, 100));
    place.ok("train small.npy --epochs 1 --net mlp:16 --latent 2 -o m.ae");
    // 60 MB of numbers; whatever else a process takes, it takes both times.
    let [whole, streamed] = ["", "--memory 8MB"]
        .map(|memory| peak(&place, &format!("encode m.ae large.npy -o c.npy --force {memory}")));
    assert!(streamed + 30_000 < whole, "{streamed} kB with --memory 8MB, {whole} kB without");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_a_file_that_is_larger_than_it() {
    let place = Folder::new();
    place.write("few.npy", npy(60_000, 100)).write("many.npy", npy(180_000, 100));
    place.ok("train few.npy --epochs 1 --net mlp:16 --latent 2 -o m.ae --memory 8MB");
    for name in ["few", "many"] {
        place.ok(&format!("reconstruct m.ae {name}.npy -o {name}.parquet --memory 8MB"));
    }
    for ending in ["npy", "parquet"] {
        place.ok(&format!(
            "train few.{ending} --epochs 1 --net mlp:16 --latent 2 -o m.ae --force --memory 8MB"
        ));
        for words in [
            "encode m.ae FILE -o c.npy --force",
            "train FILE --epochs 1 --net mlp:16 --latent 2 -o t.ae --force",
        ] {
            let [few, many] = ["few", "many"].map(|name| {
                let file = format!("{name}.{ending}");
                peak(&place, &format!("{} --memory 8MB", words.replace("FILE", &file)))
            });
            // 24 and 72 MB of numbers, 48 MB more if they were held; a training remembers 16 bytes
            // of each row, 2 MB, and what an allocator keeps varies by some.
            assert!(
                many < few + 24_000,
                "{words} with {ending}: {few} kB for the small file, {many} kB for the large one"
            );
        }
    }
}

#[test]
fn pictures_are_written_for_images() {
    let place = Folder::with_digits();
    place.ok("reconstruct digits.ae digits -o r.png");
    place.ok("reconstruct digits.ae digits --rows 20 -o r20.png");
    place.ok("generate digits.ae -n 9 -o g.png");
    place.ok("interpolate digits.ae digits --rows 3,17 -o i.png");
    for name in ["r.png", "r20.png", "g.png", "i.png"] {
        assert!(place.bytes(name).starts_with(b"\x89PNG"), "{name}");
    }
}

#[test]
fn a_picture_of_a_table_is_refused() {
    let place = Folder::new();
    place.write("t.csv", table());
    place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2"));
    place.refused("generate t.ae -o g.png", &["write .npy, .csv or .parquet instead"]);
    place.refused(
        &format!("reconstruct t.ae t.csv {READING} -o g.jpg"),
        &["unknown format \"jpg\""],
    );
    place.ok("generate t.ae -n 5 -o g.csv");
    assert_eq!(place.lines("g.csv").len(), 6);
}

#[test]
fn generated_rows_depend_on_the_seed_alone() {
    let place = Folder::with_digits();
    for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        place.ok(&format!("generate digits.ae -n 4 --seed {seed} --source density -o {name}.npy"));
    }
    assert_eq!(place.bytes("a.npy"), place.bytes("b.npy"));
    assert_ne!(place.bytes("a.npy"), place.bytes("c.npy"));
    place.refused("generate digits.ae --source prior -o d.npy", &["prior"]);
}

#[test]
fn the_ends_of_an_interpolation_are_the_reconstructions() {
    let place = Folder::with_digits();
    place.ok("interpolate digits.ae digits --rows 3,17 --steps 5 -o i.csv");
    place.ok("reconstruct digits.ae digits --rows 18 -o r.csv");
    let (between, rows) = (place.lines("i.csv"), place.lines("r.csv"));
    assert_eq!(between.len(), 6);
    let numbers = |line: &str| {
        line.split_once(',')
            .unwrap()
            .1
            .split(',')
            .map(|n| n.parse::<f64>().unwrap())
            .collect::<Vec<_>>()
    };
    for (one, other) in [(&between[1], &rows[3]), (&between[5], &rows[17])] {
        assert!(numbers(one).iter().zip(numbers(other)).all(|(a, b)| (a - b).abs() < 1e-3));
    }
    place.refused("interpolate digits.ae digits --rows 3,5000 -o j.csv", &["5000", "1 to 1797"]);
}

#[test]
fn neighbours_are_listed_nearest_first_and_without_the_row_itself() {
    let place = Folder::with_digits();
    let json = place.json("search digits.ae digits --row 17 --count 5");
    let near = json["neighbours"].as_array().unwrap();
    assert_eq!(near.len(), 5);
    assert!(near.iter().all(|near| near["row"] != 17 && near["label"].is_string()));
    let distances: Vec<f64> = near.iter().map(|near| near["distance"].as_f64().unwrap()).collect();
    assert!(distances.is_sorted());
    assert_eq!(place.ok("search digits.ae digits --row 17 --count 5").out.lines().count(), 6);
    place.refused("search digits.ae digits --row 1798", &["1798", "1 to 1797"]);
    place.refused("search digits.ae digits --row 0", &["counted from 1"]);
}

#[test]
fn a_row_of_a_file_finds_itself() {
    let place = Folder::new();
    place.write("t.csv", table());
    let lines = place.lines("t.csv");
    place.write("one.csv", format!("{}\n{}\n", lines[0], lines[8]));
    place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2"));
    let json = place.json(&format!("search t.ae t.csv {READING} --like one.csv --count 1"));
    assert_eq!(
        (&json["neighbours"][0]["row"], &json["neighbours"][0]["id"]),
        (&json!(8), &json!("n7"))
    );
    place.refused(&format!("search t.ae t.csv {READING} --like t.csv"), &["has 30 rows"]);
}

#[test]
fn a_model_tells_what_it_is() {
    let place = Folder::with_digits();
    let json = place.json("info digits.ae");
    for key in [
        "format",
        "family",
        "parameters",
        "weights",
        "net",
        "latent",
        "features",
        "preparation",
        "history",
        "config",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!((&json["latent"], json["history"].as_array().unwrap().len()), (&json!(8), 2));
    assert!(place.ok("info digits.ae").out.contains("plain"));
}

#[test]
fn families_are_listed_with_their_parameters() {
    let place = Folder::new();
    let json = place.json("families");
    for family in json.as_array().unwrap() {
        assert_eq!(keys(family), ["name", "paper", "parameters", "title"]);
        assert!(family["parameters"].is_object());
        let name = family["name"].as_str().unwrap();
        assert!(place.ok("families").out.contains(name));
    }
}

#[test]
fn every_family_trains_from_the_command_line() {
    let place = Folder::new();
    for family in place.json("families").as_array().unwrap() {
        let name = family["name"].as_str().unwrap();
        let json = place
            .json(&format!("train digits --family {name} --epochs 1 --net mlp:16 -o {name}.ae"));
        assert_eq!(json["family"], name);
    }
}

#[test]
fn data_is_described_even_where_it_cannot_be_trained_on() {
    let place = Folder::new();
    place.write("t.csv", "x,y\n1,red\n2,\n");
    let json = place.json("data t.csv");
    assert_eq!((&json["rows"], &json["missing"]), (&json!(2), &json!(1)));
    assert!(place.ok("data t.csv").out.contains("red (1)"));
    assert_eq!(place.json("data digits")["rows"], 1797);
}

#[test]
fn a_recipe_is_read_and_flags_win() {
    let place = Folder::new();
    place.write(
        "r.toml",
        "family = \"vae\"\nlatent = 3\nepochs = 1\nnet = \"mlp:16\"\n[parameters]\nbeta = 0.5\n",
    );
    let json = place.json("train digits --config r.toml --latent 2 --set free_bits=0.1");
    assert_eq!((&json["family"], &json["latent"]), (&json!("vae"), &json!(2)));
    let info = place.json("info digits.ae");
    assert_eq!(
        (&info["parameters"]["beta"], &info["parameters"]["free_bits"]),
        (&json!(0.5), &json!(0.1))
    );
    // What a model tells of its configuration is a recipe.
    place.write("r.json", info["config"].to_string());
    place.ok("train digits --config r.json -o again.ae --quiet");
    assert_eq!(place.bytes("again.ae"), place.bytes("digits.ae"));
    place.write("bad.toml", "latent = 3\nlatnet = 4\n");
    place.refused("train digits --config bad.toml", &["bad.toml", "line 2", "latnet"]);
    place.refused("train digits --config r.yaml", &["r.yaml"]);
}

#[test]
fn unknown_words_are_answered_with_the_nearest() {
    let place = Folder::new();
    place.refused(
        "train digits --family plian",
        &["unknown family \"plian\"", "did you mean \"plain\""],
    );
    place.refused(
        "train digits --family vae --set bata=2",
        &["unknown parameter \"bata\"", "did you mean \"beta\""],
    );
    place.refused(
        "train digits --activation rleu",
        &["unknown activation \"rleu\"", "did you mean \"relu\""],
    );
    place.refused("train digits --net mpl:3", &["unknown net", "mlp"]);
    place.refused("train digits --device cuda", &["unknown device \"cuda\"", "cpu"]);
    place.refused("train digits --latnet 3", &["--latnet", "--latent"]);
}

#[test]
fn settings_outside_their_bounds_are_refused() {
    let place = Folder::new();
    place.refused("train digits --latent 0", &["latent is 0"]);
    place.refused("train digits --lr NaN", &["--lr"]);
    place.refused("train digits --family vae --set beta=-1", &["beta is -1"]);
    place.refused("train digits --set beta", &["NAME=VALUE"]);
    place.refused("train digits --threads 0", &["--threads"]);
}

#[test]
fn data_that_cannot_be_used_is_refused_by_place() {
    let place = Folder::new();
    place.refused("train nowhere.csv", &["nowhere.csv", "no such file"]);
    for (text, parts) in [
        ("a,b\n", &["t.csv"][..]),
        ("a,b\n1,2\n3\n", &["t.csv", "3"]),
        ("a,b\n1,2\n3,old\n5,6\n", &["row 2", "b"]),
        ("a,b\n1,\n3,\n5,\n", &["b", "empty in every row"]),
        ("a,b\n1,2\n", &["t.csv", "1 row"]),
        ("a,b\n1,2024-01-01\n2,2024-13-01\n3,2024-01-02\n", &["row 2", "b", "2024-13-01"]),
    ] {
        place.write("t.csv", text);
        place.refused("train t.csv", parts);
    }
}

#[test]
fn rows_unlike_the_training_rows_are_refused() {
    let place = Folder::new();
    place.write("t.csv", table());
    place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2"));
    place.refused("eval t.ae digits", &["8x8", "3 columns"]);
    place.write("u.csv", "x,w,z\n1,2,3\n3,4,5\n");
    place.refused("eval t.ae u.csv", &["\"w\"", "\"y\""]);
    place.refused("train digits --test-data u.csv", &["u.csv"]);
    place.write("c.csv", "a,b,c\n1,2,3\n");
    place.refused("decode t.ae c.csv -o r.csv", &["codes", "2"]);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let place = Folder::new();
    place.write("m.ae", "hello");
    place.refused("info m.ae", &["m.ae", "not a model file"]);
    place.refused("info none.ae", &["none.ae"]);
}

#[test]
fn without_test_rows_the_table_says_what_it_is_on() {
    let place = Folder::new();
    let run = place.ok("train digits --epochs 1 --test 0");
    assert!(run.out.contains("180 validation rows"), "{}", run.out);
    let run = place.ok("train digits --epochs 1 --test 0 --validation 0");
    assert!(
        run.out.contains("1797 training rows") && run.err.contains("no test rows"),
        "{}",
        run.out
    );
    let json = place.json("train digits --epochs 1 --test 0");
    assert_eq!(json["test"]["mse"], Value::Null);
}

#[test]
fn test_rows_may_be_in_a_file_of_their_own() {
    let place = Folder::new();
    place.write("t.csv", table()).write("u.csv", table());
    let run = place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2 --test-data u.csv"));
    assert!(run.out.contains("30 test rows"), "{}", run.out);
}

#[test]
fn a_training_that_stops_early_says_so() {
    let run = Folder::new()
        .ok("train digits --epochs 200 --lr 0.1 --net mlp:8 --patience 1 --schedule constant");
    assert!(run.err.contains("stopped early"), "{}", run.err);
}

#[test]
fn a_training_that_diverges_ends_with_one() {
    let place = Folder::new();
    let run =
        place.ae("train digits --epochs 50 --lr 900 --optimiser sgd --net linear --scale none");
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(run.err.contains("error: training diverged in epoch 1"), "{}", run.err);
    assert!(place.names().is_empty());
}

#[test]
fn the_best_weights_before_a_divergence_are_saved() {
    let place = Folder::new();
    let run = place.ae("train digits --epochs 100 --lr 3 --warm-up 500 --schedule constant --optimiser sgd --net linear");
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    assert!(
        run.err.contains("error: training diverged") && run.err.contains("are saved in digits.ae"),
        "{}",
        run.err
    );
    assert_eq!(place.names(), ["digits.ae"]);
    assert!(place.json("info digits.ae")["chosen"].as_u64().unwrap() >= 1);
}

#[test]
fn a_model_with_one_test_row_can_be_read() {
    let place = Folder::new();
    place.write("t.csv", table().lines().take(9).collect::<Vec<_>>().join("\n"));
    let run = place.ok(&format!("train t.csv {READING} --latent 2 --epochs 2"));
    assert!(run.out.contains("1 test row"), "{}", run.out);
    place.ok("info t.ae");
}

#[test]
fn quiet_leaves_standard_error_empty() {
    let run = Folder::new().ok("train digits --epochs 1 --latent 64 --quiet");
    assert_eq!(run.err, "");
}

#[test]
fn threads_do_not_change_the_model() {
    let place = Folder::new();
    for threads in [1, 2] {
        place.ok(&format!("train digits --epochs 1 --threads {threads} -o {threads}.ae"));
    }
    assert_eq!(place.bytes("1.ae"), place.bytes("2.ae"));
}

#[test]
fn every_command_shows_an_example() {
    let place = Folder::new();
    let commands = place.ok("--help").out;
    let listed = commands
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<&str> = listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert_eq!(names.len(), 16, "{commands}");
    for name in names {
        let help = place.ok(&format!("{name} --help")).out;
        assert!(help.contains("Example:\n  ae ") || help.contains("Examples:\n  ae "), "{help}");
    }
}

#[test]
fn a_head_tells_the_labels_and_classify_writes_them() {
    let place = Folder::new();
    let trained =
        place.json("train digits --latent 16 --epochs 20 --head softmax --head-epochs 20 -o d.ae");
    assert!(trained["accuracy"].as_f64().unwrap() > 0.85, "{trained}");
    let classified = place.json("classify d.ae digits -o classes.csv");
    assert!(classified["accuracy"].as_f64().unwrap() > 0.9, "{classified}");
    let lines = place.lines("classes.csv");
    assert_eq!(
        (lines.len(), lines[0].as_str()),
        (1798, "row,class,is_0,is_1,is_2,is_3,is_4,is_5,is_6,is_7,is_8,is_9")
    );
    assert!(place.ok("info d.ae").out.contains("softmax, 10 classes"));
    place.ok("report d.ae digits -o d.html");
    let page = std::fs::read_to_string(place.path("d.html")).unwrap();
    assert!(
        page.contains("--head softmax --head-epochs 20"),
        "the words that train it again leave the classifier out"
    );
    place.ok("train digits --epochs 1 --quiet -o plain.ae");
    for (words, part) in [
        ("classify plain.ae digits -o x.csv", "--head softmax"),
        ("classify d.ae digits -o x.npy", "csv"),
        ("train digits --head tree", "softmax"),
        ("train digits --head-epochs 3", "--head"),
    ] {
        let run = place.ae(words);
        assert!(run.code == 2 && run.err.contains(part), "ae {words}: {}", run.err);
    }
    // Labels that are not there are missed before the training.
    place.write("table.csv", "a,b\n1,2\n3,4\n5,6\n7,8\n");
    let run = place.ae("train table.csv --latent 1 --head softmax");
    assert!(
        run.code == 2 && run.err.contains("--label") && !run.err.contains("epoch"),
        "{}",
        run.err
    );
}

#[test]
fn eval_tells_on_request_how_well_the_code_recognises_and_how_likely_rows_are() {
    let place = Folder::new();
    place.ok("train digits --family vae --epochs 5 --quiet -o v.ae");
    let plain = place.json("eval v.ae digits");
    assert!(plain.get("recognition").is_none() && plain.get("importance").is_none());
    let told = place.json("eval v.ae digits --recognise --importance 20 --annealing 5");
    assert!(
        told["recognition"]["linear"].as_f64().unwrap() > 0.5
            && told["recognition"]["neighbours"] == 10,
        "{told}"
    );
    assert!(
        told["importance"].is_number()
            && told["annealing"].is_number()
            && told["likelihood_rows"] == 100,
        "{told}"
    );
    place.ok("train digits --epochs 1 --quiet -o p.ae");
    assert!(place.ae("eval p.ae digits --importance 20").err.contains("no prior"));
}

#[test]
fn layers_are_trained_one_by_one_and_weights_are_taken_over() {
    let place = Folder::new();
    let run = place.ok(
        "train digits --stack 40,20 --activation sigmoid --pretrain-epochs 2 --epochs 2 -o s.ae",
    );
    assert!(
        run.err.contains("layer 1 of 3: 2 epochs") && run.err.contains("layer 3 of 3: 2 epochs"),
        "{}",
        run.err
    );
    let config = &place.json("info s.ae")["config"];
    assert_eq!((&config["net"], &config["pretrain"]), (&"mlp:40,20".into(), &"greedy".into()));
    place.ok("train digits --stack 40 --pretrain rbm:2 --activation sigmoid --pretrain-epochs 1 --epochs 0 --quiet -o r.ae");
    place.ok("train digits --from s.ae --freeze-encoder --net mlp:40,20 --activation sigmoid --epochs 1 --quiet -o t.ae");
    place.ok("encode s.ae digits -o s.csv");
    place.ok("encode t.ae digits -o t.csv");
    assert_eq!(place.bytes("s.csv"), place.bytes("t.csv"));
    for (words, part) in [
        ("train digits --stack 40,x", "1000,500,250"),
        ("train digits --stack 40 --net mlp:40", "--net"),
        ("train digits --freeze-encoder", "--from"),
        ("train digits --pretrain rbm:0", "rbm:K"),
        ("train digits --from s.ae --freeze-encoder", "encoder.0.weight"),
        ("train digits --epochs 0", "epochs"),
    ] {
        let run = place.ae(words);
        assert!(run.code == 2 && run.err.contains(part), "ae {words}: {}", run.err);
    }
}

#[test]
fn patches_are_cut_from_photographs_of_different_sizes() {
    let place = Folder::new();
    std::fs::create_dir(place.path("photos")).unwrap();
    for (name, width, height) in [("a", 40usize, 30usize), ("b", 33, 50)] {
        let pixels: Vec<u8> = (0..width * height)
            .map(|at| ((at % width) * 3 + (at / width) * at % 50) as u8)
            .collect();
        place.write(&format!("photos/{name}.png"), draw::png(&pixels, width, 1).unwrap());
    }
    assert!(place.ae("train photos").err.contains("--resize"));
    let run = place.ok(
        "train photos --patches 200 --patch 6x5 --whiten lowpass --epochs 1 --latent 3 -o p.ae",
    );
    // The words that go on read the same patches.
    assert!(run.out.contains("--patches 200 --patch 6x5 --whiten lowpass"), "{}", run.out);
    assert_eq!(place.json("info p.ae")["features"], 30);
    for (words, part) in [
        ("train photos --patch 6x5", "--patches"),
        ("train digits --patches 5", "patches"),
        ("train photos --patches 5 --whiten blue", "lowpass"),
        ("train photos --patches 5 --patch 90x90", "90x90"),
    ] {
        let run = place.ae(words);
        assert!(run.code == 2 && run.err.contains(part), "ae {words}: {}", run.err);
    }
}

#[test]
fn completions_know_the_commands() {
    let place = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(place.ok(&format!("completions {shell}")).out.contains("reconstruct"), "{shell}");
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(Folder::new().ok("--version").out, format!("ae {}\n", env!("CARGO_PKG_VERSION")));
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    /// Starts a training, sends a signal once it runs, and waits for its end.
    fn interrupted(place: &Folder, words: &str, signal: &str) -> Run {
        let mut child = command(place.0.path(), words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        // The second line comes with the end of the first epoch.
        for _ in 0..2 {
            err.read_line(&mut text).unwrap();
        }
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        std::io::Read::read_to_string(&mut err, &mut text).unwrap();
        let mut run = Run::from(child.wait_with_output().unwrap());
        run.err = text;
        run
    }

    #[test]
    fn an_interrupted_training_goes_on_to_the_same_model() {
        for (signal, family) in [("-INT", "plain"), ("-TERM", "denoising")] {
            let place = Folder::new();
            let words =
                format!("train digits --family {family} --epochs 40 --batch 16 --net mlp:64");
            place.ok(&format!("{words} -o whole.ae --quiet"));
            let run = interrupted(&place, &format!("{words} -o part.ae"), signal);
            assert_eq!((run.code, run.out.as_str()), (130, ""), "{}", run.err);
            assert_eq!(place.names(), ["part.ae.run", "whole.ae"]);
            let resume =
                run.err.lines().last().unwrap().strip_prefix("go on with: ae ").unwrap().to_owned();
            assert_eq!(resume, "train digits --resume part.ae.run");
            place.refused(&format!("{resume} --epochs 50"), &["--resume", "--epochs"]);
            place.ok(&resume);
            assert_eq!(place.names(), ["part.ae", "whole.ae"]);
            assert_eq!(place.bytes("part.ae"), place.bytes("whole.ae"));
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error() {
        let place = Folder::new();
        let mut child = command(place.0.path(), "completions zsh")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (0, ""));
    }
}
