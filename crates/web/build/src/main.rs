//! Builds the explorer's page into the command's assets: `cargo run -p build-explorer`.
//!
//! With `--check` it builds nothing and fails where the assets were built from other sources than
//! these.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for the terminal")]

use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};
use wasm_bindgen_cli_support::Bindgen;

type Done<T> = Result<T, Box<dyn Error>>;

const TARGET: &str = "wasm32-unknown-unknown";
/// Where the command takes the page from.
const ASSETS: &str = "crates/cli/explorer";
/// The file beside them that tells what they were built from.
const HASH: &str = "SOURCES.sha256";
/// What the page is made of.
const SOURCES: [&str; 21] = [
    "crates/autoencoders/Cargo.toml",
    "crates/autoencoders/src",
    "crates/draw/Cargo.toml",
    "crates/draw/src",
    "crates/kernels/Cargo.toml",
    "crates/kernels/src",
    "crates/model/Cargo.toml",
    "crates/model/src",
    "crates/rows/Cargo.toml",
    "crates/rows/src",
    "crates/study/Cargo.toml",
    "crates/study/src",
    "crates/train/Cargo.toml",
    "crates/train/src",
    "crates/web/Cargo.toml",
    "crates/web/build/src",
    "crates/web/package.json",
    "crates/web/package-lock.json",
    "crates/web/page",
    "crates/web/src",
    "crates/web/tsconfig.json",
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let run = || match env::args().nth(1).as_deref() {
        None => build(&root),
        Some("--check") => check(&root),
        Some(other) => Err(format!("{other} is no option; wanted none, or --check").into()),
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(root: &Path) -> Done<()> {
    let known = fs::read_to_string(root.join(ASSETS).join(HASH)).unwrap_or_default();
    if known.trim() != hash(root)? {
        return Err(format!("the page in {ASSETS} is stale; build it with `cargo run -p build-explorer` and commit it").into());
    }
    println!("the page in {ASSETS} was built from these sources");
    Ok(())
}

fn build(root: &Path) -> Done<()> {
    let root = &root.canonicalize()?;
    let generated = root.join("target/explorer");
    webassembly(root, &generated)?;
    let web = root.join("crates/web");
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&web))?;
    let assets = root.join(ASSETS);
    if assets.is_dir() {
        fs::remove_dir_all(&assets)?;
    }
    fs::create_dir_all(&assets)?;
    run(Command::new("npx")
        .args(["--no-install", "tsc", "--outDir"])
        .arg(&assets)
        .current_dir(&web))?;
    for name in ["index.html", "style.css"] {
        fs::copy(web.join("page").join(name), assets.join(name))?;
    }
    for name in ["model.js", "model_bg.wasm"] {
        fs::copy(generated.join(name), assets.join(name))?;
    }
    fs::write(assets.join(HASH), hash(root)? + "\n")?;
    println!(
        "{ASSETS}: {} kB of WebAssembly",
        fs::metadata(assets.join("model_bg.wasm"))?.len() / 1000
    );
    Ok(())
}

/// The library as WebAssembly, with the JavaScript and the types by which the page calls it.
fn webassembly(root: &Path, generated: &Path) -> Done<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--package", "autoencoders-web", "--profile", "web", "--target", TARGET]);
    run(cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root)?.join("\u{1f}")).current_dir(root))?;
    let compiled = root.join("target").join(TARGET).join("web/autoencoders_web.wasm");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(compiled)
        .out_name("model")
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen.web(true)?.generate(generated).map_err(|error| format!("{error:#}"))?;
    Ok(())
}

/// Vectors of 128 bits, which every browser has known since 2023; no source of random numbers,
/// which the library never asks for; and no path of this machine, so that the same sources give the
/// same bytes anywhere.
fn flags(root: &Path) -> Done<Vec<String>> {
    let mut flags = vec![
        "-Ctarget-feature=+simd128".to_owned(),
        "--cfg=getrandom_backend=\"unsupported\"".to_owned(),
    ];
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    if let Some(registries) =
        home.map(|home| home.join("registry/src")).filter(|folder| folder.is_dir())
    {
        for registry in fs::read_dir(registries)? {
            flags.push(format!("--remap-path-prefix={}=crates", registry?.path().display()));
        }
    }
    flags.push(format!("--remap-path-prefix={}=autoencoders", root.display()));
    Ok(flags)
}

fn run(command: &mut Command) -> Done<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}").into()) }
}

/// The hash of all sources, of their names too.
fn hash(root: &Path) -> Done<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        list(root, Path::new(source), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = fs::read(root.join(&file))?;
        hash.update(file.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn list(root: &Path, source: &Path, files: &mut Vec<PathBuf>) -> Done<()> {
    let path = root.join(source);
    if !path.is_dir() {
        files.push(source.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        list(root, &source.join(entry?.file_name()), files)?;
    }
    Ok(())
}
