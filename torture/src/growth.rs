//! More of everything.

use crate::program::{Program, finished};
use crate::tally::Tally;
use crate::world::World;
use crate::{Outcome, Torture};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

pub(crate) const TITLE: &str = "rows, columns, levels of a column, fields of records, arrays of an archive, files of a folder, pictures, machines and points of a series, lines of a log, each twice and four times as many: the processor's time grows as they do, not as their square";

/// Four times as much takes what is linear four times as long, what is quadratic sixteen times.
const MOST: f64 = 8.0;
/// Shorter times say nothing: what grows is hidden by what does not.
const LEAST: f64 = 0.3;
const PATIENCE: Duration = Duration::from_secs(120);

/// What there is more and more of.
struct Law {
    name: &'static str,
    /// How many there are at first; then twice and four times as many.
    from: usize,
    /// Makes the input, by its number.
    make: fn(&Path, usize) -> Outcome<()>,
    /// Commands, a line of the shell each, in which AE is the program. Each is timed by itself.
    commands: &'static [&'static str],
}

const TRAIN: &str = "AE train in.csv --epochs 1 --latent 1 --net linear -o m.ae --force --quiet";

const LAWS: &[Law] = &[
    Law {
        name: "rows",
        from: 20_000,
        make: |folder, rows| table(folder, rows, 6),
        commands: &[
            "AE data in.csv",
            TRAIN,
            "AE score m.ae in.csv -o out.csv --force",
            "AE reconstruct m.ae in.csv -o out.csv --force",
            "AE score m.ae - < in.csv > out.txt",
        ],
    },
    Law {
        name: "columns",
        from: 10_000,
        make: |folder, columns| table(folder, 4, columns),
        commands: &[
            "AE data in.csv",
            TRAIN,
            "AE encode m.ae in.csv -o out.csv --force",
            "AE eval m.ae in.csv",
            "AE train in.csv --hidden 0.2 --epochs 1 --latent 1 --net linear -o m.ae --force --quiet && AE reconstruct m.ae in.csv --fill -o out.csv --force",
            "AE score m.ae - < in.csv > out.txt",
        ],
    },
    Law {
        name: "levels of a column",
        from: 20_000,
        make: |folder, levels| {
            lines(&folder.join("in.csv"), "a,b", 4 * levels, |row| {
                format!("{},level{}", row % 17, row % levels)
            })
        },
        commands: &["AE data in.csv", "AE data in.csv --column b=categorical"],
    },
    Law {
        name: "classes",
        from: 5000,
        make: |folder, classes| {
            lines(&folder.join("in.csv"), "a,b,kind", 20 * classes, |row| {
                format!("{},{},class{}", row % 17, row % 5, row % classes)
            })
        },
        commands: &["AE data in.csv --label kind"],
    },
    Law {
        name: "fields of records",
        from: 10_000,
        make: |folder, fields| {
            lines(&folder.join("in.jsonl"), "", 6, |row| {
                let field = |at: usize| format!("\"f{at}\": {}", row * at % 7);
                format!("{{{}}}", (0..fields).map(field).collect::<Vec<_>>().join(", "))
            })
        },
        commands: &["AE data in.jsonl"],
    },
    Law {
        name: "arrays of an archive",
        from: 15_000,
        make: |folder, arrays| {
            let one = fs::read(folder.join("array.npy"))?;
            let mut out = zip::ZipWriter::new(File::create(folder.join("in.npz"))?);
            let how = zip::write::SimpleFileOptions::default();
            for at in 0..arrays {
                out.start_file(format!("a{at}.npy"), how)?;
                out.write_all(&one[..one.len().min(208)])?;
            }
            out.finish()?;
            Ok(())
        },
        commands: &["AE data in.npz || test $? = 2"],
    },
    Law {
        name: "files of a folder",
        from: 800,
        make: |folder, files| {
            let inside = anew(folder)?;
            (0..files).try_for_each(|at| {
                lines(&inside.join(format!("{at}.csv")), "a,b", 5, |row| format!("{row},{at}"))
            })
        },
        commands: &["AE data 'many/*.csv'"],
    },
    Law {
        name: "pictures",
        from: 3000,
        make: |folder, files| {
            let inside = anew(folder)?;
            let picture = fs::read(folder.join("picture.png"))?;
            (0..files).try_for_each(|at| {
                fs::write(inside.join(format!("{at}.png")), &picture).map_err(Into::into)
            })
        },
        commands: &["AE data many"],
    },
    Law {
        name: "machines of a series",
        from: 1500,
        make: |folder, groups| {
            lines(&folder.join("in.csv"), "time,machine,v", 40 * groups, |at| {
                let (group, minute) = (at / 40, at % 40);
                format!("2024-01-01 00:{minute:02}:00,unit{group},{}", (at * 7) % 11)
            })
        },
        commands: &["AE data in.csv --time time --group machine --window 8"],
    },
    Law {
        name: "points of a series",
        from: 20_000,
        make: |folder, points| {
            lines(&folder.join("in.csv"), "v,w", points, |at| {
                format!("{:.3},{}", (at as f64 / 9.0).sin(), at % 5)
            })
        },
        commands: &[
            "AE train in.csv --window 16 --epochs 1 --latent 1 --net linear -o m.ae --force --quiet",
            "AE score m.ae in.csv -o out.csv --force",
        ],
    },
    Law {
        name: "lines of a log",
        from: 30_000,
        make: |folder, count| {
            lines(&folder.join("in.log"), "", count, |at| {
                format!(
                    "2024-01-01 {:02}:{:02}:00 INFO unit{} said {at}",
                    at / 60 % 24,
                    at % 60,
                    at % 9
                )
            })
        },
        commands: &["AE data in.log"],
    },
];

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_files()?;
    let mut tally = Tally::default();
    let (mut worst, mut seen) = ((0.0, String::new()), 0);
    for law in LAWS.iter().take_while(|_| torture.goes_on(0)) {
        for (command, times) in law.commands.iter().zip(times(&world, law)?) {
            if !torture.goes_on(tally.tried) {
                return Ok(tally);
            }
            let case = format!("{}: {command}", law.name);
            match times {
                Err(wrong) => tally.add(case, Some(wrong)),
                Ok(times) => {
                    let ratio = times[2] / times[0].max(0.01);
                    let long = times[2] > LEAST;
                    let slow = long && ratio > MOST;
                    seen += usize::from(long);
                    if long && ratio > worst.0 {
                        worst = (ratio, case.clone());
                    }
                    tally.add(case, slow.then(|| format!("takes {times:.2?} s")));
                }
            }
        }
    }
    tally.note(format!("{seen} take long enough to tell more than that they are quick"));
    if worst.0 > 0.0 {
        tally.note(format!(
            "four times as much takes at most {:.1} times as long ({})",
            worst.0, worst.1
        ));
    }
    Ok(tally)
}

/// How long each command takes with one, two and four times as many, of three tries the shortest.
fn times(world: &World, law: &Law) -> Outcome<Vec<Result<[f64; 3], String>>> {
    let told = std::env::var_os("TORTURE_TIMES").is_some();
    let mut all = vec![Ok([f64::INFINITY; 3]); law.commands.len()];
    for (at, times) in [1, 2, 4].into_iter().enumerate() {
        (law.make)(world.root(), times * law.from)?;
        for (command, times) in law.commands.iter().zip(&mut all) {
            let Ok(known) = times else { continue };
            for _ in 0..3 {
                let before = processor_time()?;
                if let Some(wrong) = shell(&world.program, world.root(), command)? {
                    *times = Err(wrong);
                    break;
                }
                known[at] = known[at].min(processor_time()? - before);
                // Too short to be wrong, or seen well enough.
                if known[at] < LEAST {
                    break;
                }
            }
        }
    }
    for (command, times) in law.commands.iter().zip(&all).filter(|_| told) {
        println!("  {}: {command}: {times:.2?}", law.name);
    }
    Ok(all)
}

fn shell(program: &Program, folder: &Path, line: &str) -> Outcome<Option<String>> {
    let script = format!("AE() {{ \"$PROGRAM\" \"$@\"; }}; {line}");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env("PROGRAM", &program.path).env("NO_COLOR", "1");
    command.current_dir(folder).stdin(Stdio::null());
    Ok(finished(command, PATIENCE)?.not_done())
}

/// The processor time of all children that have ended, in seconds.
fn processor_time() -> Outcome<f64> {
    let told = fs::read_to_string("/proc/self/stat")?;
    // The name, in brackets, may hold blanks.
    let fields = told.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        fields.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let [own, system] = [12, 13].map(|at| ticks.get(at).copied().unwrap_or(0.0));
    Ok((own + system) / 100.0)
}

/// A table of numbers with a name for each column.
fn table(folder: &Path, rows: usize, columns: usize) -> Outcome<()> {
    let names: Vec<String> = (0..columns).map(|at| format!("level_of_the_gene_{at}")).collect();
    lines(&folder.join("in.csv"), &names.join(","), rows, |row| {
        let mut line = String::new();
        for at in 0..columns {
            // Writing to a String cannot fail.
            let _ =
                write!(line, "{}{}", if at > 0 { "," } else { "" }, (at * row % 7 + row) % 1000);
        }
        line
    })
}

fn lines(path: &Path, head: &str, count: usize, line: impl Fn(usize) -> String) -> Outcome<()> {
    let mut out = std::io::BufWriter::new(File::create(path)?);
    if !head.is_empty() {
        writeln!(out, "{head}")?;
    }
    for at in 0..count {
        writeln!(out, "{}", line(at))?;
    }
    out.flush()?;
    Ok(())
}

/// The folder of many files, empty.
fn anew(folder: &Path) -> Outcome<std::path::PathBuf> {
    let inside = folder.join("many");
    let _ = fs::remove_dir_all(&inside);
    fs::create_dir(&inside)?;
    Ok(inside)
}
