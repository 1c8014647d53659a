//! Damaged files of every format are read.

use crate::choices::Choices;
use crate::tally::Tally;
use crate::worker::{self, Taken, Try, case, write};
use crate::{Outcome, Torture, World, mutate};
use autoencoders::Error;
use autoencoders::data::{ReadOptions, describe, read};
use std::path::Path;
use std::time::Duration;

pub(crate) const TITLE: &str = "files of every format, damaged in their bytes and behind their checksums and compression, are read and described: rows of finite numbers or an error that names the file, within 10 s each, and twice their size and 200 MB of memory";

/// A file may take so long.
const LONGEST: Duration = Duration::from_secs(10);

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_files()?;
    worker::all(&Torture { world, kept: torture.kept.clone(), ..*torture }, "files")
}

/// Each case is a file of the folder, damaged.
pub(crate) fn tries(folder: &Path) -> Outcome<Box<Try>> {
    let folder = folder.to_owned();
    let mut whole = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let recipe = name.starts_with("recipe");
        if path.is_file() && !recipe && !name.starts_with("case.") && !name.ends_with(".ae") {
            whole.push((name, std::fs::read(&path)?));
        }
    }
    whole.sort();
    Ok(Box::new(move |choices: &mut Choices| {
        let (name, bytes) = &whole[choices.below(whole.len())];
        let damaged = mutate::file(choices, name, bytes);
        // Some are to be told by their first bytes alone.
        let ending = name.split_once('.').map_or("", |(_, ending)| ending);
        let path = case(&folder, if choices.below(10) == 0 { "dat" } else { ending });
        worker::clear(&folder);
        write(&path, &damaged)?;
        let source = path.display().to_string();
        let taken = Taken::from_here();
        let options = ReadOptions {
            memory: [None, Some(1 << 20)][choices.below(2)],
            id: if choices.below(5) == 0 { vec!["a".to_owned()] } else { Vec::new() },
            ..ReadOptions::default()
        };
        let told = describe(&source, &options);
        let data = read(&source, &options);
        for error in [data.as_ref().err(), told.as_ref().err()].into_iter().flatten() {
            if let Error::Data { place, .. } = error
                && !place.contains("case.")
            {
                return Err(format!("an error names {place:?}, not the file"));
            }
        }
        let error = match &data {
            Ok(data) => {
                let values = data.gather(0..data.rows()).map_err(|error| error.to_string())?;
                let all = (0..values.len()).map(|at| values.get(at));
                if all.into_iter().any(f64::is_infinite) {
                    return Err("an infinite value was read".into());
                }
                return taken.by("read", damaged.len(), LONGEST);
            }
            Err(error) => error.to_string(),
        };
        // It may name every column of a table, to be left out by one option.
        if error.len() > 1 << 20 {
            return Err(format!("an error of {} characters", error.len()));
        }
        taken.by("refused", damaged.len(), LONGEST)
    }))
}
