//! Tables of Python packages with injected anomalies and gaps, beside what PyOD and scikit-learn make
//! of them.

use crate::{Options, mean, trained};
use autoencoders::data::{Dataset, ReadOptions, read};
use autoencoders::study::{ScoreKind, auroc, filled, score};
use autoencoders::{Config, Error, Flow, Result, fit};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script beside this file.
const SCRIPT: &str = include_str!("peers.py");

/// A folder with the tables that the script writes.
struct Tables {
    folder: tempfile::TempDir,
    python: PathBuf,
}

impl Tables {
    /// None where no Python is named.
    fn written(options: &Options) -> Result<Option<Self>> {
        let Some(python) = options.peers.clone() else {
            println!("left out: AE_PEERS names no Python");
            return Ok(None);
        };
        let folder =
            tempfile::tempdir().map_err(|error| Error::io(Path::new("a folder"), error))?;
        let tables = Self { folder, python };
        tables.run("tables")?;
        Ok(Some(tables))
    }

    /// What the script prints.
    fn run(&self, what: &str) -> Result<String> {
        let fail = |error| Error::io(&self.python, error);
        let mut command = Command::new(&self.python);
        command.arg("-c").arg(SCRIPT).arg(what).arg(self.folder.path());
        let run = command.output().map_err(fail)?;
        if !run.status.success() {
            let error = String::from_utf8_lossy(&run.stderr).into_owned();
            return Err(Error::data(self.python.display(), error));
        }
        Ok(String::from_utf8_lossy(&run.stdout).into_owned())
    }

    /// The JSON that it prints.
    fn told(&self, what: &str) -> Result<Value> {
        let text = self.run(what)?;
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|error| Error::data(what, error.to_string()))
    }

    /// The tables whose names end so, without the ending.
    fn names(&self, ending: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> =
            names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str, options: &ReadOptions) -> Result<Dataset> {
        read(&self.folder.path().join(name).display().to_string(), options)
    }
}

/// The area under the curve on tables with injected anomalies.
pub(crate) fn injected(options: &Options) -> Result<()> {
    println!(
        "\ninjected: AUROC on tables with numbers ten times as large, exchanged, of another row, and other categories"
    );
    let Some(tables) = Tables::written(options)? else { return Ok(()) };
    let mut ours: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for name in tables.names("-train.csv") {
        let train = tables.read(&format!("{name}-train.csv"), &ReadOptions::default())?;
        let model = trained(&train, 0.0, 0)?;
        let reading = ReadOptions {
            label: Some("anomaly".to_owned()),
            expected: model.signature().kinds(),
            known: model.signature().notation.clone(),
            ..ReadOptions::default()
        };
        let test = tables.read(&format!("{name}-test.csv"), &reading)?;
        let truth = test.labels.iter().flatten().map(|label| label == "1").collect::<Vec<bool>>();
        let scores = score(&model, &test, ScoreKind::Joined, 0)?;
        let scores: Vec<f64> = scores.into_iter().map(|row| row.score).collect();
        let table = name.rsplit_once('-').map_or(name.as_str(), |(table, _)| table).to_owned();
        ours.entry(table).or_default().push(auroc(&scores, &truth).unwrap_or(f64::NAN));
    }
    let ours = ours.into_iter().map(|(name, areas)| (name, mean(&areas))).collect();
    print(&ours, &tables.told("detectors")?);
    Ok(())
}

/// The error of filled cells: their mean absolute error over that of filling with the mean.
pub(crate) fn gaps(options: &Options) -> Result<()> {
    println!("\ngaps: error of a fifth of the cells, filled, over that of the columns' means");
    let Some(tables) = Tables::written(options)? else { return Ok(()) };
    let mut ours = BTreeMap::new();
    for name in tables.names("-whole.csv") {
        let whole = tables.read(&format!("{name}-whole.csv"), &ReadOptions::default())?;
        let holed = tables.read(&format!("{name}-holed.csv"), &ReadOptions::default())?;
        let config = Config::for_gaps(&holed.shape, &holed.fields).test(0.0);
        let model = fit(&config, &holed, None, false, &mut |_| Flow::Continue)?.model;
        let table = name.trim_start_matches("gaps-").to_owned();
        ours.insert(table, error(&whole, &holed, &filled(&model, &holed)?.values)?);
    }
    print(&ours, &tables.told("imputers")?);
    Ok(())
}

/// The absolute error of all hidden cells in standard deviations of their columns, over that of the
/// means.
fn error(whole: &Dataset, holed: &Dataset, filled: &[f64]) -> Result<f64> {
    let (whole, seen) = (whole.gather(0..whole.rows())?, holed.gather(0..holed.rows())?);
    let (mut ours, mut means) = (0.0, 0.0);
    for column in 0..holed.features() {
        let places = || (column..seen.len()).step_by(holed.features());
        let known: Vec<f64> = places().map(|at| seen.get(at)).filter(|x| !x.is_nan()).collect();
        let middle = mean(&known);
        let squares: Vec<f64> = known.iter().map(|number| (number - middle).powi(2)).collect();
        let spread = mean(&squares).sqrt();
        let spread = if spread > 0.0 { spread } else { 1.0 };
        for at in places().filter(|at| seen.get(*at).is_nan()) {
            ours += ((filled[at] - whole.get(at)) / spread).abs();
            means += ((middle - whole.get(at)) / spread).abs();
        }
    }
    Ok(ours / means)
}

/// A table of our figures beside the peers', which are numbers or lists of them by table.
fn print(ours: &BTreeMap<String, f64>, peers: &Value) {
    let peers: Vec<(&String, &Value)> = peers.as_object().into_iter().flatten().collect();
    let of = |value: &Value| match value {
        Value::Array(all) => mean(&all.iter().filter_map(Value::as_f64).collect::<Vec<f64>>()),
        other => other.as_f64().unwrap_or(f64::NAN),
    };
    let names: Vec<&str> = peers.iter().map(|(name, _)| name.as_str()).collect();
    println!("| table | ours | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    let mut all = vec![Vec::new(); names.len() + 1];
    for (table, figure) in ours {
        let line: Vec<f64> = std::iter::once(*figure)
            .chain(peers.iter().map(|(_, peer)| of(&peer[table])))
            .collect();
        all.iter_mut().zip(&line).for_each(|(all, figure)| all.push(*figure));
        let cells: Vec<String> = line.iter().map(|figure| format!("{figure:.3}")).collect();
        println!("| {table} | {} |", cells.join(" | "));
    }
    let means: Vec<String> = all.iter().map(|all| format!("{:.3}", mean(all))).collect();
    println!("| mean | {} |", means.join(" | "));
}
