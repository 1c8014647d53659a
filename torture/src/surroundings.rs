//! Names, devices, pipes, disks, limits, signals, and others who do the same at the same time.

use crate::program::{Run, Started, finished};
use crate::tally::Tally;
use crate::world::{hash, orphans};
use crate::{Outcome, Torture, World};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) const TITLE: &str = "pipes, devices, links to nothing, names that are no text or steer a terminal, closed streams, full disks, few file handles, bombs of files, signals in the middle of writing, older processors, and several commands that write one name: done or refused in words, whole files only, memory within 200 MB, nothing left behind";

/// The memory that a small file may take.
const MOST: u64 = 200 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// A situation, and what is wrong with how it ended.
type Situation = fn(&World) -> Outcome<Option<String>>;

const SITUATIONS: &[(&str, Situation)] = &[
    ("a pipe as a table", |world| {
        shell(world, "cat table.csv | AE data /dev/stdin", refused("read only once"))
    }),
    ("a named pipe as a table", |world| {
        shell(world, "mkfifo p.csv; AE data p.csv", refused("read only once"))
    }),
    ("a pipe as labels", |world| {
        shell(world, "AE data table.csv --labels /dev/stdin < /dev/null", refused("read only once"))
    }),
    ("a device as a model", |world| shell(world, "AE info /dev/zero", refused("read only once"))),
    ("a device as a recipe", |world| {
        shell(
            world,
            "ln -s /dev/zero z.toml; AE train table.csv --config z.toml",
            refused("read only once"),
        )
    }),
    ("a device as output", |world| {
        shell(world, "AE encode plain.ae table.csv --label kind -o /dev/full", refused("device"))
    }),
    ("a full device as standard output", |world| {
        shell(world, "AE info plain.ae > /dev/full", refused("standard output"))
    }),
    ("standard output that is closed", |world| shell(world, "AE info plain.ae >&-", ended)),
    ("all streams closed", |world| {
        shell(
            world,
            "AE encode plain.ae table.csv --label kind -o closed.csv <&- >&- 2>&- && test -s closed.csv",
            done,
        )
    }),
    ("a reader that has seen enough", |world| shell(world, "AE families | head -1", done)),
    ("a folder as output", |world| {
        shell(
            world,
            "mkdir f.csv; AE encode plain.ae table.csv --label kind -o f.csv",
            refused("is a folder"),
        )
    }),
    ("a folder that is missing", |world| {
        shell(
            world,
            "AE encode plain.ae table.csv --label kind -o no/f.csv",
            refused("create it first"),
        )
    }),
    ("a link to nothing as output", |world| {
        shell(
            world,
            "ln -s nowhere l.csv; AE encode plain.ae table.csv --label kind -o l.csv",
            refused("is a link"),
        )
    }),
    ("an input as output", |world| {
        shell(
            world,
            "AE encode plain.ae table.csv --label kind -o table.csv --force",
            refused("is read by this very command"),
        )
    }),
    ("permissions of a file that is replaced", |world| {
        shell(
            world,
            "echo x > m.csv; chmod 600 m.csv; AE encode plain.ae table.csv --label kind -o m.csv --force && test $(stat -c %a m.csv) = 600",
            done,
        )
    }),
    ("a disk that is full", |world| {
        shell(
            world,
            "trap '' XFSZ; ulimit -f 4; AE encode digits.ae digits -o full.csv",
            refused("File too large"),
        )
    }),
    ("a disk that is full, with rows that do not fit into memory", |world| {
        shell(
            world,
            "trap '' XFSZ; ulimit -f 512; seq 1 200000 > seq.csv; AE train seq.csv --memory 1MB --epochs 1 -o full.ae",
            ended,
        )
    }),
    ("few file handles", |world| {
        shell(world, "ulimit -n 7; AE encode plain.ae table.csv --label kind -o few.csv", ended)
    }),
    ("no folder for temporary files", |world| {
        shell(
            world,
            "TMPDIR=/nowhere AE encode plain.ae table.csv --label kind -o notmp.csv --memory 1MB",
            ended,
        )
    }),
    ("names that steer a terminal", steering),
    ("words that steer a terminal", |world| {
        // As they get there by a pattern of names, or by a slip.
        let line = r#"e="$(printf '1\033]0;x\007\342\200\256')"; for w in --epochs --net --seed --memory; do AE train table.csv $w "$e"; done; AE "$e"; AE train table.csv "$e""#;
        let steers = |run: &Run| {
            let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            run.err.contains(steers).then(|| "steers the terminal".to_owned())
        };
        shell(world, line, move |run| run.not_refused("error: ").or_else(|| steers(run)))
    }),
    ("help that cannot be written", |world| {
        shell(world, "AE --help > /dev/full; test $? = 2", done)
    }),
    ("millions of blank lines", |world| {
        let line = "(printf 'a,b\\n1,2\\n'; yes '' | head -2000000; printf '3,4\\n') > blank.csv; AE data blank.csv";
        shell(world, line, done)
    }),
    ("a name without end", |world| {
        fs::write(
            world.path("name.csv"),
            format!("a,{}\n1,{}\n2,y\n", "n".repeat(70_000), "x".repeat(70_000)),
        )?;
        shell(world, "AE data name.csv", done)
    }),
    ("a first line that is no row", |world| {
        let line = "for first in 'starting up' null sep=\\; '\\0'; do printf \"$first\\n0.1,0.2,0.3,0.4\\n\" | AE score anomalies.ae - --quiet | tail -1 | grep -q '\"score\":' || exit 9; done";
        shell(world, line, done)
    }),
    ("a terminal that closes behind nohup", |world| {
        let line = "trap '' HUP; \"$PROGRAM\" train digits --epochs 100000 -o hup.ae --quiet & sleep 2; kill -HUP $!; sleep 1; kill -TERM $! || exit 9; wait $!";
        shell(world, line, |run| (run.code != 130).then(|| format!("ended with {}", run.code)))
    }),
    ("a folder of the explorer that was not finished", |world| {
        let line = "AE explore plain.ae table.csv --label kind -o site && ! AE explore plain.ae table.csv --label kind -o site && rm site/index.html && AE explore plain.ae table.csv --label kind -o site && test -s site/index.html";
        shell(world, line, done)
    }),
    ("a folder with files of others by the explorer's names", |world| {
        let line = "mkdir theirs && echo mine > theirs/style.css && ! AE explore plain.ae table.csv --label kind -o theirs && grep -q mine theirs/style.css";
        shell(world, line, done)
    }),
    ("two trainings to one model by two names", |world| {
        let line = "cp plain.ae one.ae; ln -s one.ae two.ae; \"$PROGRAM\" train digits --epochs 100000 -o one.ae --force --quiet & sleep 2; AE train digits --epochs 1 -o two.ae --force; code=$?; kill -TERM $!; wait $!; exit $code";
        shell(world, line, refused("by another training"))
    }),
    ("two names of columns exchanged behind a checkpoint", |world| {
        let line = "\"$PROGRAM\" train table.csv --label kind --epochs 100000 -o names.ae --quiet & sleep 2; kill -TERM $!; wait $!; \
                    sed '1s/a,b/b,a/' table.csv > names.csv; AE train names.csv --label kind --resume names.ae.run";
        shell(world, line, refused("belongs to other rows"))
    }),
    ("names that are no text", no_text),
    ("names of every kind", names),
    ("a file that appears while another is made", appeared),
    ("two trainings to one name", two_trainings),
    ("several commands that write one name", several),
    ("signals in the middle of writing", signals),
    ("an interrupted training", interrupted),
    ("a bomb of commas", commas),
    ("labels without characters", |world| {
        let header = b"\x93NUMPY\x01\x00\x46\x00{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,), }\n";
        let mut bytes = header[..10].to_vec();
        let text = &header[10..];
        bytes[8] = text.len() as u8;
        bytes.extend(text);
        fs::write(world.path("labels.npy"), bytes)?;
        shell(world, "AE data table.csv --labels labels.npy", refused("labels for"))
    }),
    ("a checkpoint with a number that is none", |world| {
        shell(world, "AE train digits --resume not-finite.ae.run -o nf.ae", refused("not finite"))
    }),
    ("a file that its decoder gives up", |world| {
        shell(world, "AE data decoder-gives-up.parquet", refused("is damaged"))
    }),
    ("no more threads", no_threads),
    ("a table that ends in the middle of its archive", |world| {
        shell(world, "AE data ends-in-the-middle.ods", refused("is damaged"))
    }),
    ("a value far from all others", |world| shell(world, "AE data value-far-away.xlsx", done)),
    ("a bomb of pixels", pixels),
    ("windows over more than memory", windows),
    ("wide tables", wide),
    ("archives of thousands of arrays", arrays),
    ("one value and nothing else", |world| {
        fs::write(world.path("same.csv"), "a,b\n".to_owned() + &"7,7\n".repeat(50))?;
        shell(
            world,
            "AE train same.csv --latent 1 --epochs 1 --quiet -o same.ae && AE explore same.ae same.csv -o same.d --quiet && AE report same.ae same.csv -o same.html",
            done,
        )
    }),
    ("numbers beyond single precision", |world| {
        let row = |at: usize| format!("{}e39,{}\n", 1.0 + (at % 7) as f64 / 10.0, at % 5);
        fs::write(
            world.path("huge.csv"),
            "a,b\n".to_owned() + &(0..100).map(row).collect::<String>(),
        )?;
        shell(
            world,
            "AE train huge.csv --latent 1 --epochs 2 --quiet -o huge.ae && AE reconstruct huge.ae huge.csv -o back.csv --quiet && ! grep -q inf back.csv",
            done,
        )
    }),
];

/// Situations that want an emulator.
const EMULATED: &[(&str, Situation)] = &[
    ("a processor with AVX2 and no more", |world| {
        let own = trained_on(world, Command::new(&world.program.path), "own")?;
        let narrow = trained_on(world, emulated(world, "max"), "avx2")?;
        // The manual says what of a model is the same everywhere: its weights, and so its codes.
        Ok((own != narrow).then(|| "other codes of a model that was trained there".to_owned()))
    }),
    ("a processor without AVX", |world| {
        let own = trained_on(world, Command::new(&world.program.path), "own")?;
        let narrow = trained_on(world, emulated(world, "Nehalem"), "sse")?;
        let numbers = |text: &str| -> Vec<f64> {
            text.split([',', '\n']).filter_map(|cell| cell.parse().ok()).collect()
        };
        let (own, narrow) = (numbers(&own), numbers(&narrow));
        let far = own.iter().zip(&narrow).any(|(a, b)| (a - b).abs() > 1e-2 * (1.0 + a.abs()));
        Ok((far || own.len() != narrow.len()).then(|| "codes far from those of here".to_owned()))
    }),
];

/// The program on another processor.
fn emulated(world: &World, processor: &str) -> Command {
    let mut command = Command::new("qemu-x86_64");
    command.args(["-cpu", processor]).arg(&world.program.path);
    command
}

/// The codes, as this processor makes them, of a model that another one trained.
fn trained_on(world: &World, mut program: Command, name: &str) -> Outcome<String> {
    let words = format!(
        "train series.csv --window 24 --family vae --net conv:4,4 --latent 3 --epochs 1 --threads 2 --quiet --force -o {name}.ae"
    );
    program.args(words.split_whitespace()).current_dir(world.root());
    let encoded = format!("encode {name}.ae series.csv --force -o {name}.csv");
    for run in [finished(program, PATIENCE)?, world.program.run(world.root(), &encoded)?] {
        if let Some(wrong) = run.not_done() {
            return Err(wrong.into());
        }
    }
    Ok(fs::read_to_string(world.path(&format!("{name}.csv")))?)
}

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_models()?;
    let mut tally = Tally::default();
    let emulates = Command::new("qemu-x86_64").arg("--version").output().is_ok();
    if !emulates {
        tally.note("left out: older processors, because qemu-x86_64 is not installed");
    }
    for (what, situation) in SITUATIONS.iter().chain(EMULATED.iter().filter(|_| emulates)) {
        if !torture.goes_on(tally.tried) {
            break;
        }
        tally.add(*what, situation(&world)?);
        let left = orphans(world.root());
        if !left.is_empty() {
            tally.found(format!("{what}: left behind: {}", left.join(", ")));
            left.iter().for_each(|name| drop(fs::remove_file(world.path(name))));
        }
    }
    Ok(tally)
}

fn ended(run: &Run) -> Option<String> {
    run.wrong()
}

fn done(run: &Run) -> Option<String> {
    run.not_done()
}

fn refused(said: &'static str) -> impl Fn(&Run) -> Option<String> {
    move |run| run.not_refused(said)
}

/// Runs a line of the shell, in which AE is the program.
fn shell(
    world: &World,
    line: &str,
    judge: impl Fn(&Run) -> Option<String>,
) -> Outcome<Option<String>> {
    let run = said(world, line)?;
    let memory = (run.peak > MOST).then(|| format!("took {} MB", run.peak >> 20));
    Ok(judge(&run).or(memory))
}

fn said(world: &World, line: &str) -> Outcome<Run> {
    let mut command = Command::new("sh");
    let script = format!("AE() {{ \"$PROGRAM\" \"$@\"; }}; ulimit -v 4000000; {line}");
    command
        .arg("-c")
        .arg(script)
        .env("PROGRAM", &world.program.path)
        .env("NO_COLOR", "1")
        .current_dir(world.root());
    finished(command, PATIENCE)
}

/// Nothing that a terminal obeys is said.
fn steering(world: &World) -> Outcome<Option<String>> {
    fs::write(
        world.path("steers.csv"),
        "\u{1b}[31mred\u{1b}]0;title\u{7},\u{202e}b,\"two\nlines\"\n1,2,3\n3,4,5\n5,6,8\n9,1,2\n",
    )?;
    for words in [
        "data steers.csv",
        "data steers.csv --label q",
        "train steers.csv --latent 1 --epochs 1 -o steers.ae --force",
        "info steers.ae",
        "data steers.csv --json",
    ] {
        let run = world.program.run(world.root(), words)?;
        let obeyed = |text: &str| {
            text.contains(|c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}')
        };
        if obeyed(&run.out) || obeyed(&run.err) {
            return Ok(Some(format!("ae {words} steers the terminal")));
        }
        if let Some(wrong) = run.wrong() {
            return Ok(Some(wrong));
        }
    }
    Ok(None)
}

/// File names of bytes that are no UTF-8.
fn no_text(world: &World) -> Outcome<Option<String>> {
    let name = OsStr::from_bytes(b"bad\xff.csv");
    for json in [false, true] {
        let mut command = world.program.command(
            world.root(),
            &["encode", "plain.ae", "table.csv", "--label", "kind", "--force", "-o"],
            "",
        );
        command.arg(name);
        if json {
            command.arg("--json");
        }
        let run = finished(command, PATIENCE)?;
        if let Some(wrong) = run.not_done() {
            return Ok(Some(wrong));
        }
    }
    let mut command = world.program.command(world.root(), &["data"], "");
    command.arg(name);
    Ok(finished(command, PATIENCE)?.wrong())
}

fn names(world: &World) -> Outcome<Option<String>> {
    let long = "n".repeat(200);
    for name in [
        "with blank.csv",
        "new\nline.csv",
        "ünï.csv",
        "'quote'.csv",
        "$(x).csv",
        "-dash.csv",
        "a;b.csv",
        "*.csv",
        "\u{202e}x.csv",
        &format!("{long}.csv"),
    ] {
        fs::copy(world.path("table.csv"), world.path(name))?;
        let output = format!("-o=./codes-{name}");
        let given = format!("./{name}");
        let words = [
            "encode",
            "plain.ae",
            &given,
            "--label",
            "kind",
            "--force",
            &output.replacen("-o=", "--output=", 1),
        ];
        let run = finished(world.program.command(world.root(), &words, ""), PATIENCE)?;
        if let Some(wrong) = run.not_done() {
            return Ok(Some(format!("{name:?}: {wrong}")));
        }
        fs::remove_file(world.path(name))?;
    }
    Ok(None)
}

/// Waits until a command has made a file; whether it did before it ended.
fn appears(started: &mut Started, path: &Path) -> Outcome<bool> {
    while !started.ended_within(Duration::from_millis(5))? {
        if path.exists() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A training does not replace what was not there when it began, and can be written elsewhere.
fn appeared(world: &World) -> Outcome<Option<String>> {
    let words =
        ["train", "digits", "--net", "mlp:16", "--epochs", "120", "--quiet", "-o", "late.ae"];
    let mut started = Started::new(world.program.command(world.root(), &words, ""))?;
    if !appears(&mut started, &world.path("late.ae.run"))? {
        return Ok(Some("the training ended too soon to tell".into()));
    }
    fs::write(world.path("late.ae"), "of another")?;
    let run = started.wait(PATIENCE)?;
    if let Some(wrong) = run.not_refused("is there by now") {
        return Ok(Some(wrong));
    }
    if fs::read(world.path("late.ae"))? != b"of another" {
        return Ok(Some("what appeared was replaced".into()));
    }
    let again =
        world.program.run(world.root(), "train digits --resume late.ae.run -o later.ae --quiet")?;
    Ok(again.not_done())
}

/// One of two trainings to one name is refused, and the other's model is whole.
fn two_trainings(world: &World) -> Outcome<Option<String>> {
    let words =
        ["train", "digits", "--net", "mlp:16", "--epochs", "60", "--quiet", "-o", "both.ae"];
    let mut first = Started::new(world.program.command(world.root(), &words, ""))?;
    if !appears(&mut first, &world.path("both.ae.run"))? {
        return Ok(Some("the training ended too soon to tell".into()));
    }
    // Even one that may replace a file may not take another's.
    let words = [&words[..], &["--force"]].concat();
    let second = Started::new(world.program.command(world.root(), &words, ""))?.wait(PATIENCE)?;
    if let Some(wrong) = second.not_refused("is written by another training") {
        return Ok(Some(format!("the second: {wrong}")));
    }
    let first = first.wait(PATIENCE)?;
    if let Some(wrong) = first.not_done() {
        return Ok(Some(format!("the first: {wrong}")));
    }
    Ok(world.program.run(world.root(), "info both.ae")?.not_done())
}

/// Of several that write one name without --force one does, with --force all, and the file is whole.
fn several(world: &World) -> Outcome<Option<String>> {
    world.program.run(world.root(), "encode digits.ae digits -o alone.csv")?;
    let whole = hash(&world.path("alone.csv"));
    for force in [false, true] {
        let mut words = vec!["encode", "digits.ae", "digits", "-o", "shared.csv", "--quiet"];
        words.extend(force.then_some("--force"));
        let all: Vec<Started> = (0..6)
            .map(|_| Started::new(world.program.command(world.root(), &words, "")))
            .collect::<Outcome<_>>()?;
        let mut wrote = 0;
        for started in all {
            let run = started.wait(PATIENCE)?;
            wrote += usize::from(run.code == 0);
            if let Some(wrong) = run.wrong() {
                return Ok(Some(wrong));
            }
        }
        if wrote != if force { 6 } else { 1 } {
            return Ok(Some(format!("{wrote} of 6 wrote it, force {force}")));
        }
        if hash(&world.path("shared.csv")) != whole {
            return Ok(Some("the file is not whole".into()));
        }
    }
    Ok(None)
}

/// SIGTERM and SIGINT leave nothing behind, whatever is being written.
fn signals(world: &World) -> Outcome<Option<String>> {
    let numbers: Vec<f32> = (0..300_000 * 8).map(|at| (at as f32 * 0.7).sin()).collect();
    autoencoders::data::write_npy(world.path("long.npy"), &[300_000, 8], &numbers)?;
    world.program.run(
        world.root(),
        "train long.npy --latent 2 --net linear --epochs 1 --batch 4096 -o long.ae --quiet",
    )?;
    for (signal, after) in
        [(Signal::TERM, 300), (Signal::INT, 400), (Signal::TERM, 600), (Signal::HUP, 500)]
    {
        for words in [
            "encode long.ae long.npy -o long.csv --force --quiet",
            "reconstruct long.ae long.npy -o long.csv --force --quiet",
        ] {
            let words: Vec<&str> = words.split_whitespace().collect();
            let mut started = Started::new(world.program.command(world.root(), &words, ""))?;
            started.ended_within(Duration::from_millis(after))?;
            started.signal(signal);
            let run = started.wait(PATIENCE)?;
            let left = orphans(world.root());
            if run.hung || !left.is_empty() {
                return Ok(Some(format!("{signal:?} left {left:?}, hung: {}", run.hung)));
            }
        }
    }
    Ok(None)
}

/// The first signal saves, and what was saved goes on.
fn interrupted(world: &World) -> Outcome<Option<String>> {
    let words = ["train", "digits", "--net", "mlp:16", "--epochs", "400", "-o", "stop.ae"];
    let mut started = Started::new(world.program.command(world.root(), &words, ""))?;
    if !appears(&mut started, &world.path("stop.ae.run"))? {
        return Ok(Some("the training ended too soon to tell".into()));
    }
    started.signal(Signal::INT);
    let run = started.wait(PATIENCE)?;
    if run.code != 130 || !run.err.contains("--resume stop.ae.run") {
        return Ok(Some(format!("ended with {}: {}", run.code, run.err.trim())));
    }
    Ok(world.program.run(world.root(), "train digits --resume stop.ae.run --quiet")?.not_done())
}

/// Twenty kilobytes that are twenty million empty columns.
fn commas(world: &World) -> Outcome<Option<String>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..20 {
        packed.write_all(&vec![b','; 1 << 20])?;
    }
    fs::write(world.path("commas.csv.gz"), packed.finish()?)?;
    shell(world, "AE data commas.csv.gz", refused("fields"))
}

/// A small picture that says to be large.
fn pixels(world: &World) -> Outcome<Option<String>> {
    let mut picture = fs::read(world.path("picture.png"))?;
    picture[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let sum = crc32fast::hash(&picture[12..29]);
    picture[29..33].copy_from_slice(&sum.to_be_bytes());
    fs::create_dir_all(world.path("bomb"))?;
    fs::write(world.path("bomb/a.png"), picture)?;
    shell(world, "AE data bomb", refused("pixels"))
}

/// Windows of a file of six megabytes.
fn windows(world: &World) -> Outcome<Option<String>> {
    let numbers: Vec<f32> = (0..150_000 * 10).map(|at| (at as f32 * 0.3).sin()).collect();
    autoencoders::data::write_npy(world.path("points.npy"), &[150_000, 10], &numbers)?;
    let said = shell(world, "AE data points.npy --window 48 --memory 20MB", done)?;
    if said.is_some() {
        return Ok(said);
    }
    let lines: String = (0..20_000).map(|at| format!("{},{}\n", at, at % 7)).collect();
    fs::write(world.path("points.csv"), lines)?;
    shell(
        world,
        "AE train points.csv --window 400 --epochs 1 --net linear --latent 2 -o windows.ae --memory 1MB --quiet && \
         AE score windows.ae points.csv --memory 1MB -o windows.csv && \
         AE report windows.ae points.csv --memory 1MB -o windows.html",
        done,
    )
}

/// Twice the columns take some twice as long, not four times.
fn wide(world: &World) -> Outcome<Option<String>> {
    let mut times = Vec::new();
    for columns in [10_000, 20_000, 40_000] {
        let names: Vec<String> = (0..columns).map(|at| format!("level_of_the_gene_{at}")).collect();
        let row = |row: usize| {
            (0..columns).map(|at| (at * row % 7 + row).to_string()).collect::<Vec<_>>().join(",")
        };
        fs::write(
            world.path("wide.csv"),
            names.join(",") + "\n" + &(0..4).map(row).collect::<Vec<_>>().join("\n"),
        )?;
        let trained = world.program.run(
            world.root(),
            "train wide.csv --epochs 1 --latent 1 --net linear -o wide.ae --force --quiet",
        )?;
        if let Some(wrong) = trained.not_done() {
            return Ok(Some(wrong));
        }
        let begun = Instant::now();
        if let Some(wrong) =
            world.program.run(world.root(), "eval wide.ae wide.csv --quiet")?.not_done()
        {
            return Ok(Some(wrong));
        }
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok((times[2] > 4.0 * times[1] && times[2] > 2.0)
        .then(|| format!("10, 20, 40 thousand columns take {times:.2?} s")))
}

/// An archive of nine thousand arrays is looked through in a moment.
fn arrays(world: &World) -> Outcome<Option<String>> {
    let one = fs::read(world.path("array.npy"))?;
    let mut out = zip::ZipWriter::new(fs::File::create(world.path("many.npz"))?);
    for at in 0..9000 {
        out.start_file(
            format!("a{at}.npy"),
            zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Deflated),
        )?;
        out.write_all(&one)?;
    }
    out.finish()?;
    let begun = Instant::now();
    let wrong = shell(world, "AE data many.npz", refused("several arrays"))?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(wrong.or((seconds > 10.0).then(|| format!("took {seconds:.1} s"))))
}

/// Only root may become one who may start no thread more.
fn no_threads(world: &World) -> Outcome<Option<String>> {
    let root = rustix::process::geteuid().is_root();
    if !root || Command::new("setpriv").arg("--version").output().is_err() {
        return Ok(None);
    }
    let line = "cp \"$PROGRAM\" ./own && chmod 755 . own && mkdir free && chmod 777 free && cd free && \
                for most in 1 2 3 4; do setpriv --reuid 65534 --clear-groups bash -c \
                \"ulimit -u $most; exec ../own train digits --epochs 1 --net mlp:4 -o alone.ae --force\" || exit 9; done";
    shell(world, line, done)
}
