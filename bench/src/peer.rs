//! The peers: a virtual environment of their own, and one worker process that trains and encodes on
//! request.

use crate::{Result, say};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The folder of the peers' scripts.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// The environment lies beside the build, where cleaning the build cleans it too.
fn environment() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")).join("peers")
}

/// Makes the environment where it is missing, and gives its Python.
fn python() -> Result<PathBuf> {
    let folder = environment();
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = scripts().join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|error| format!("{}: {error}", requirements.display()))?;
    let done = folder.join("installed.txt");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say(&format!(
        "peers: installing PyTorch, scikit-learn and ONNX Runtime into {} (once, some minutes)",
        folder.display()
    ));
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    std::fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    Err(format!("{command:?} failed: {}", lines[lines.len().saturating_sub(5)..].join(" / ")))
}

/// The worker process.
pub(crate) struct Peer {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// The Python that it runs on.
    pub(crate) python: PathBuf,
    /// One line on what it is.
    pub(crate) versions: String,
}

impl Peer {
    /// Starts the worker; an error says why there is none.
    pub(crate) fn start() -> Result<Self> {
        let python = python()?;
        let mut command = Command::new(&python);
        command
            .arg(scripts().join("worker.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process =
            command.spawn().map_err(|error| format!("{}: {error}", python.display()))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the worker has no pipes".to_owned());
        };
        let mut peer = Self {
            process,
            to: Some(to),
            from: BufReader::new(from),
            python,
            versions: String::new(),
        };
        let versions = peer.ask(json!({"do": "version"}))?;
        let part = |name: &str| versions[name].as_str().unwrap_or("?").to_owned();
        peer.versions = format!(
            "peers: PyTorch {}, ONNX Runtime {}, scikit-learn {}",
            part("torch"),
            part("onnxruntime"),
            part("sklearn")
        );
        Ok(peer)
    }

    /// One request, one answer.
    pub(crate) fn ask(&mut self, request: Value) -> Result<Value> {
        let to = self.to.as_mut().ok_or("the worker is closed")?;
        writeln!(to, "{request}")
            .and_then(|()| to.flush())
            .map_err(|error| format!("the worker ended: {error}"))?;
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|error| format!("the worker: {error}"))?;
        serde_json::from_str(&line).map_err(|_| {
            format!("the worker gave up on {request}; run bench/peers/worker.py by hand to see why")
        })
    }

    /// The milliseconds that an answer holds.
    pub(crate) fn milliseconds(&mut self, request: Value) -> Result<f64> {
        let answer = self.ask(request)?;
        answer["ms"].as_f64().ok_or(format!("the worker answered {answer}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Without input it ends by itself.
        self.to = None;
        let _ = self.process.wait();
    }
}
