//! Files that are one table together: those of a folder or of a pattern.

use crate::hold::source::{self, Format};
use rows::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders within folders at most.
const DEEPEST: usize = 16;
/// Files of one table at most.
const MOST_FILES: usize = 100_000;

/// A file of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    /// The parts of its path that name a value: `year=2024`.
    pub(crate) keys: Vec<(String, String)>,
}

impl Piece {
    /// A file that is a table alone.
    pub(crate) fn alone(path: &Path) -> Self {
        Self { path: path.to_owned(), keys: Vec::new() }
    }
}

/// The files that a pattern with `*`, `?` or `[...]` means; none where the source is no pattern.
pub(crate) fn of_pattern(source: &str) -> Result<Option<Vec<Piece>>> {
    if !source.contains(['*', '?', '[']) || Path::new(source).exists() {
        return Ok(None);
    }
    let wrong = |why: String| Error::data(source, why);
    let paths = glob::glob(source).map_err(|error| wrong(format!("is no pattern: {error}")))?;
    let mut pieces = Vec::new();
    for path in paths {
        let path = path.map_err(|error| wrong(error.to_string()))?;
        if path.is_file() {
            pieces.push(Piece { keys: keys(&path), path });
        }
        if pieces.len() > MOST_FILES {
            return Err(wrong(format!("means more than {MOST_FILES} files")));
        }
    }
    if pieces.is_empty() { Err(wrong("means no file".to_owned())) } else { Ok(Some(pieces)) }
}

/// The tables of a folder and of the folders in it, in the order of their names; none where it holds
/// no table. What begins with `.` or `_` is none: programs leave their notes so.
pub(crate) fn of_folder(folder: &Path) -> Result<Option<Vec<Piece>>> {
    let mut pieces = Vec::new();
    add(folder, folder, DEEPEST, &mut pieces)?;
    Ok((!pieces.is_empty()).then_some(pieces))
}

fn add(root: &Path, folder: &Path, depth: usize, pieces: &mut Vec<Piece>) -> Result<()> {
    let fail = |error| Error::io(folder, error);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(fail)?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                add(root, &path, depth - 1, pieces)?;
            }
        } else if source::format_of_name(&path).is_some_and(Format::is_table) {
            let keys = path.strip_prefix(root).map_or_else(|_| Vec::new(), keys);
            pieces.push(Piece { keys, path });
            if pieces.len() > MOST_FILES {
                let why = format!("holds more than {MOST_FILES} tables");
                return Err(Error::data(root.display(), why));
            }
        }
    }
    Ok(())
}

/// The parts of a path that name a value, without the file itself.
fn keys(path: &Path) -> Vec<(String, String)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let parts = folders.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let named = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        // What Hive writes where there is no value.
        let value = if value == "__HIVE_DEFAULT_PARTITION__" { "" } else { value };
        (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_a_folder_are_found_with_the_values_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["year=2024/month=1/b.csv", "year=2023/a.csv", "_SUCCESS", ".x.csv", "note.md"]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a,b\n1,2\n").unwrap();
        }
        let pieces = of_folder(folder.path()).unwrap().unwrap();
        let key = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pieces[0].keys, [key("year", "2023")]);
        assert_eq!(pieces[1].keys, [key("year", "2024"), key("month", "1")]);
        assert_eq!(pieces.len(), 2);
        let pattern = folder.path().join("year=*/*.csv").display().to_string();
        let found = of_pattern(&pattern).unwrap().unwrap();
        assert_eq!((found.len(), found[0].keys.len()), (1, 1));
        assert_eq!(of_pattern("digits").unwrap(), None);
        assert!(of_pattern("none*.csv").unwrap_err().to_string().contains("means no file"));
        fs::remove_dir_all(folder.path().join("year=2023")).unwrap();
        fs::remove_dir_all(folder.path().join("year=2024")).unwrap();
        assert_eq!(of_folder(folder.path()).unwrap(), None);
    }
}
