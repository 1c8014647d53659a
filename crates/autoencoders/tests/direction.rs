//! Imports run one way: no crate knows one above it, and inside a crate no circle of modules.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The crates from the ground up; those on one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["rows", "kernels"],
    &["draw", "readers", "model"],
    &["train"],
    &["study"],
    &["autoencoders"],
    &["cli", "web"],
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// The crates of this workspace that a crate's program code depends on.
fn dependencies(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let own = text.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let names = own.lines().filter_map(|line| {
        let name = line.split(['.', ' ', '=']).next()?;
        floor_of(name).map(|_| name.to_owned())
    });
    names.collect()
}

#[test]
fn no_crate_knows_one_above_it() {
    let folders: BTreeSet<String> = std::fs::read_dir(crates())
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let placed: BTreeSet<String> = FLOORS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(folders, placed, "every crate has a floor");
    for name in FLOORS.concat() {
        for other in dependencies(name) {
            assert!(floor_of(&other) < floor_of(name), "upward: {name} -> {other}");
        }
    }
}

/// The Rust files of a folder, with their module paths.
fn modules(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            modules(root, &path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let relative = path.strip_prefix(root).unwrap().with_extension("");
        let parts: Vec<String> =
            relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let text = std::fs::read_to_string(&path).unwrap();
        found.insert(parts.join("::"), text);
    }
}

/// The code of a file without its tests and comments.
fn program(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of a crate that a file names as `crate::a::b`, as far as they are files.
fn imports(code: &str, known: &BTreeSet<&String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let path: String = code[at + "crate::".len()..]
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_' || *letter == ':')
            .collect();
        let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
        let module = (1..=parts.len()).rev().map(|length| parts[..length].join("::"));
        let module = module.into_iter().find(|path| known.contains(path));
        found.extend(module);
    }
    found
}

/// A way along arrows that comes back to where it began.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &str,
        arrows: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|before| before == at) {
            way.push(at.to_owned());
            return Some(way[start..].to_vec());
        }
        if done.contains(at) {
            return None;
        }
        way.push(at.to_owned());
        let next = arrows.get(at).into_iter().flatten();
        let found = next.into_iter().find_map(|next| walk(next, arrows, way, done));
        if found.is_none() {
            way.pop();
            done.insert(at.to_owned());
        }
        found
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|start| walk(start, arrows, &mut Vec::new(), &mut done))
}

#[test]
fn inside_a_crate_no_modules_import_each_other_in_a_circle() {
    for name in FLOORS.concat() {
        let root = crates().join(name).join("src");
        let mut files = BTreeMap::new();
        modules(&root, &root, &mut files);
        // The root and the indices of folders hand on what is below them, and nobody asks them.
        files.retain(|path, _| path != "lib" && path != "main" && !path.ends_with("_tests"));
        for (path, text) in &files {
            assert!(
                !program(text).contains("super::"),
                "{name}::{path}: name modules from the root"
            );
        }
        let known: BTreeSet<&String> = files.keys().collect();
        let arrows: BTreeMap<String, BTreeSet<String>> = files
            .iter()
            .map(|(path, text)| {
                let mut imported = imports(&program(text), &known);
                imported.remove(path);
                (path.clone(), imported)
            })
            .collect();
        assert!(arrows.values().any(|imported| !imported.is_empty()), "{name}: nothing was read");
        if let Some(circle) = circle(&arrows) {
            panic!("{name}: a circle of modules: {}", circle.join(" -> "));
        }
    }
}

#[test]
fn a_circle_is_found_and_named() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a")]
        .map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    let circle = circle(&arrows.into_iter().collect()).unwrap();
    assert_eq!(circle, ["a", "b", "c", "a"]);
    let known = ["a::b".to_owned(), "c".to_owned()];
    let known = known.iter().collect();
    let code = "use crate::a::b::{X, Y};\nlet z = crate::c::d();";
    let found: Vec<String> = imports(code, &known).into_iter().collect();
    assert_eq!(found, ["a::b", "c"]);
}

/// A flag in a text of the code: two dashes and a letter, behind a quote, a space or a bracket.
fn names_a_flag(line: &str) -> bool {
    line.match_indices("--").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = line[at + 2..].chars().next();
        before.is_none_or(|before| " \"(`=".contains(before))
            && behind.is_some_and(|behind| behind.is_ascii_lowercase())
    })
}

#[test]
fn only_the_command_words_settings_as_flags() {
    assert!(names_a_flag(r#"    "choose --gaps fill""#));
    for name in FLOORS[..FLOORS.len() - 1].concat() {
        let root = crates().join(name).join("src");
        let mut files = BTreeMap::new();
        modules(&root, &root, &mut files);
        for (path, text) in files {
            let found = program(&text).lines().find(|line| names_a_flag(line)).map(str::to_owned);
            assert_eq!(found, None, "{name}::{path}: say it with Message::set");
        }
    }
}
