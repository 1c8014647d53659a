//! The public face is listed in `docs/public-api.txt`, so that no change of it goes unseen.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The crates whose public items make the face of the library.
const CRATES: [&str; 6] = ["autoencoders", "rows", "readers", "model", "train", "study"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The public items of a file, each on one line: what stands before its body or its end; of enums
/// the variants too, of traits the functions.
fn items(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let (mut found, mut open, mut inner) = (Vec::new(), None::<String>, None::<Inner>);
    for line in code.lines().filter(|line| !line.trim().starts_with("//")) {
        if inner.as_ref().is_some_and(|inner| line == inner.end) {
            inner = None;
        }
        let whole_line = line;
        let line = line.trim();
        let listed = inner.as_ref().is_some_and(|inner| inner.lists(whole_line));
        let begins = line.starts_with("pub ")
            || line.starts_with("impl")
            || line.contains("> for ")
            || listed;
        let item = match open.take() {
            Some(item) => format!("{item} {line}"),
            None if begins => line.to_owned(),
            None => continue,
        };
        let use_list = item.starts_with("pub use") && !item.ends_with(';');
        let whole = [";", "{", "}", ","].iter().any(|end| item.ends_with(end));
        // Arguments over several lines end with commas of their own.
        let inside = item.matches(['(', '<', '[']).count()
            > item.matches([')', '>', ']']).count() + item.matches("->").count();
        if use_list || !whole || inside {
            open = Some(item);
            continue;
        }
        inner = Inner::of(&item, whole_line).or(inner);
        found.push(item.trim_end_matches(['{', ' ', ',', ';']).to_owned());
    }
    found
}

/// The body of an enum or a trait that is public.
struct Inner {
    /// Its last line.
    end: String,
    /// What its items begin with: the indentation, and of a trait the word.
    begin: String,
    words: &'static [&'static str],
}

impl Inner {
    fn of(item: &str, last: &str) -> Option<Self> {
        let words: &[_] = match item {
            item if !item.ends_with('{') => return None,
            item if item.starts_with("pub enum ") => &[""],
            item if item.starts_with("pub trait ") => &["fn ", "const ", "type "],
            _ => return None,
        };
        let indent = &last[..last.len() - last.trim_start().len()];
        Some(Self { end: format!("{indent}}}"), begin: format!("{indent}    "), words })
    }

    fn lists(&self, line: &str) -> bool {
        let item = line.strip_prefix(&self.begin).filter(|item| !item.starts_with([' ', '#', '}']));
        item.is_some_and(|item| self.words.iter().any(|word| item.starts_with(word)))
    }
}

fn listing() -> String {
    let mut all = String::new();
    for name in CRATES {
        let folder = root().join("crates").join(name).join("src");
        let mut paths = Vec::new();
        files(&folder, &mut paths);
        paths.sort();
        for path in paths {
            let items = items(&std::fs::read_to_string(&path).unwrap());
            let place = path.strip_prefix(&folder).unwrap().with_extension("");
            let place = place.to_string_lossy().replace(['/', '\\'], "::");
            if items.iter().any(|item| item.starts_with("pub ")) {
                writeln!(all, "# {name}::{place}").unwrap();
                items.iter().for_each(|item| writeln!(all, "{item}").unwrap());
            }
        }
    }
    all
}

#[test]
fn the_public_face_is_the_one_that_is_listed() {
    let path = root().join("docs/public-api.txt");
    let now = listing();
    if std::env::var_os("AE_WRITE_API").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    let new: Vec<&str> =
        now.lines().filter(|line| !listed.lines().any(|known| known == *line)).collect();
    let gone: Vec<&str> =
        listed.lines().filter(|line| !now.lines().any(|known| known == *line)).collect();
    assert!(
        now == listed,
        "new: {new:#?}\ngone: {gone:#?}\nif that is meant, run the test with AE_WRITE_API=1"
    );
}

#[test]
fn at_most_eight_modules_are_public() {
    let text = std::fs::read_to_string(root().join("crates/autoencoders/src/lib.rs")).unwrap();
    let modules = text.lines().filter(|line| line.starts_with("pub mod ")).count();
    // `families` and `study` are handed on as modules.
    assert!((3..=6).contains(&modules), "{modules}");
}
