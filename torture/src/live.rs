//! Lines that never end.

use crate::program::memory;
use crate::tally::Tally;
use crate::{Outcome, Torture, World};
use autoencoders::Rng;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Instant;

pub(crate) const TITLE: &str = "lines of 30 columns to the live scorer, one in fifty of them nonsense (words, other widths, JSON that breaks off, 20 MB without an end, bytes that are no text): one answer for each, in order, and memory that does not grow";

/// Columns of the rows.
const WIDTH: usize = 30;
/// A scorer may have grown by so much between its first answers and its last.
const GROWTH: u64 = 16 << 20;

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?;
    let lines = trained(&world, &mut Rng::new(torture.seed).split("live"))?;
    let words = ["score", "wide.ae", "-", "--quiet", "--reasons", "1"];
    let mut command = world.program.command(world.root(), &words, "");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut scorer = command.spawn()?;
    let (Some(mut input), Some(output)) = (scorer.stdin.take(), scorer.stdout.take()) else {
        return Err("the scorer has no pipes".into());
    };
    let (count, until, process) = (torture.count, torture.until, scorer.id());
    let begun = Instant::now();
    let feeding = std::thread::spawn(move || {
        let text = |at: usize| &lines[at % lines.len()];
        let mut given = 0;
        while given < count && Instant::now() < until {
            let sent = if nonsense(given) {
                input.write_all(&strange(given / 50, text(given)))
            } else {
                input.write_all(text(given).as_bytes())
            };
            if sent.is_err() {
                break;
            }
            given += 1;
        }
        given
    });
    let mut tally = Tally::default();
    let (mut early, mut last) = (0, 0);
    for answer in BufReader::new(output).lines() {
        let answer: Value = serde_json::from_str(&answer?)?;
        let failed = answer.get("error").is_some();
        let wrong = (failed != nonsense(tally.tried)).then(|| format!("answered {answer}"));
        tally.add(format!("line {}", tally.tried), wrong);
        if tally.tried == 2000.min(count / 2) {
            early = memory(process, "VmRSS:");
        } else if tally.tried.is_multiple_of(500) {
            // Zero once the scorer has ended.
            last = last.max(memory(process, "VmRSS:"));
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let given = feeding.join().map_err(|_| "the feeder gave up")?;
    let status = scorer.wait()?;
    if !status.success() || tally.tried != given {
        tally.found(format!("{} answers to {given} lines; it ended with {status}", tally.tried));
    }
    if early > 0 && last > early + GROWTH {
        tally.found(format!("grew from {} to {} MB", early >> 20, last >> 20));
    }
    tally.note(format!("{:.0} lines a second", tally.tried as f64 / seconds));
    tally.note(format!("{} MB early on, {} MB late", early >> 20, last >> 20));
    Ok(tally)
}

/// Whether the line of a number is nonsense, which both sides know.
fn nonsense(number: usize) -> bool {
    number % 50 == 49
}

/// Trains the scorer's model; further rows like those that trained.
fn trained(world: &World, rng: &mut Rng) -> Outcome<Vec<String>> {
    let names: Vec<String> = (0..WIDTH).map(|at| format!("c{at}")).collect();
    let row = |rng: &mut Rng| {
        let common = rng.standard_normal();
        let cells =
            (0..WIDTH).map(|at| format!("{:.3}", common * (at % 3) as f32 + rng.standard_normal()));
        cells.collect::<Vec<_>>().join(",") + "\n"
    };
    let table = names.join(",") + "\n" + &(0..600).map(|_| row(rng)).collect::<String>();
    std::fs::write(world.path("wide.csv"), table)?;
    let words = "train wide.csv --for anomalies --members 1 --epochs 5 -o wide.ae --quiet";
    match world.program.run(world.root(), words)?.not_done() {
        Some(wrong) => Err(wrong.into()),
        None => Ok((0..4096).map(|_| row(rng)).collect()),
    }
}

/// A line that is no row.
fn strange(which: usize, line: &str) -> Vec<u8> {
    match which % 9 {
        0 => b"one,two\n".to_vec(),
        1 => line.replacen(',', ",x", 1).into_bytes(),
        2 => b"{\"c0\": 1\n".to_vec(),
        3 => b"[1, 2, 3]\n".to_vec(),
        4 if which % 90 == 4 => [vec![b'7'; 20 << 20], b"\n".to_vec()].concat(),
        4 => b"\xff\xfe\x00,\n".to_vec(),
        5 => b"{\"c0\": {\"c0\": [[[[[[\n".to_vec(),
        6 => format!("{},1\n", line.trim_end()).into_bytes(),
        7 => b"\"\n".to_vec(),
        _ => line.replacen(',', ",1e999,", 1).into_bytes(),
    }
}
