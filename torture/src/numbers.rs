//! Numbers at the edges of what numbers are.

use crate::choices::Choices;
use crate::tally::Tally;
use crate::worker::{self, Taken, Try, case, write};
use crate::{Outcome, Torture};
use autoencoders::data::{Dataset, Shape, Values, write_table};
use autoencoders::{Config, Error, FAMILIES, Flow, fit, load};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

pub(crate) const TITLE: &str = "tables of numbers from 1e-320 to 1e308, of offsets, constants, steps and single wild cells, train every family at learning rates up to 1000: the model's codes are finite, its rows too or they are not written, and it is loaded again as it was saved; or training is refused or said to diverge";

/// What columns are scaled by.
const SCALES: [f64; 14] =
    [1e-320, 1e-300, 1e-100, 1e-38, 1e-12, 1e-3, 1.0, 1e3, 1e7, 1e15, 1e38, 1e100, 1e250, 1e307];
/// What is added to them.
const OFFSETS: [f64; 8] = [0.0, 0.0, 0.0, 1.0, -1e6, 1e9, 1e15, -1e300];

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    worker::all(torture, "numbers")
}

/// Each case is a table and a training.
pub(crate) fn tries(folder: &Path) -> Outcome<Box<Try>> {
    let folder = folder.to_owned();
    Ok(Box::new(move |choices: &mut Choices| {
        let columns = 1 + choices.below(5);
        let data = table(choices, columns).map_err(|error| error.to_string())?;
        let family = FAMILIES[choices.below(FAMILIES.len())].name;
        let mut settings = Map::from_iter([
            ("family".to_owned(), json!(family)),
            ("latent".to_owned(), json!(1 + choices.below(3))),
            ("net".to_owned(), json!(["linear", "mlp:4", "mlp:6,4"][choices.below(3)])),
            ("epochs".to_owned(), json!(3)),
            ("learning_rate".to_owned(), json!([1e-4, 1e-3, 0.1, 10.0, 1000.0][choices.below(5)])),
        ]);
        if choices.below(3) == 0 {
            let scale = ["none", "standard", "robust", "quantile", "unit"][choices.below(5)];
            settings.insert("scale".to_owned(), json!(scale));
        }
        // The finding, where the process dies.
        let all = (0..data.values.len())
            .map(|at| data.gather(0..data.rows()).map(|values| values.get(at)));
        let all: Vec<f64> = all.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let kept = json!({ "settings": settings, "columns": columns, "numbers": all });
        worker::clear(&folder);
        write(&case(&folder, "json"), kept.to_string().as_bytes())?;
        let taken = Taken::from_here();
        let outcome = trained(settings, &data, &folder);
        taken.by(outcome?, data.values.len() * size_of::<f64>(), Duration::from_secs(20))
    }))
}

fn table(choices: &mut Choices, columns: usize) -> Result<Dataset, Error> {
    let rows = [3, 10, 40][choices.below(3)];
    let mut made = Vec::new();
    let mut normal = choices.rng();
    for _ in 0..columns {
        let (scale, offset) =
            (SCALES[choices.below(SCALES.len())], OFFSETS[choices.below(OFFSETS.len())]);
        let kind = choices.below(5);
        let wild = (choices.below(rows), SCALES[choices.below(SCALES.len())]);
        made.push(
            (0..rows)
                .map(|row| {
                    let plain = f64::from(normal.standard_normal());
                    let number = match kind {
                        0 => offset,
                        1 => offset + scale * (row % 2) as f64,
                        2 if row == wild.0 => wild.1,
                        3 => scale * row as f64,
                        _ => offset + scale * plain,
                    };
                    number.clamp(-f64::MAX, f64::MAX)
                })
                .collect::<Vec<f64>>(),
        );
    }
    let values = (0..rows).flat_map(|row| made.iter().map(move |column| column[row])).collect();
    Dataset::new("edges", Shape::Flat { width: columns }, Values::F64(values))
}

fn trained(
    settings: Map<String, Value>,
    data: &Dataset,
    folder: &Path,
) -> Result<&'static str, String> {
    let Ok(config) = Config::of_names(settings) else { return Ok("refused") };
    let trained = match fit(&config, data, None, false, &mut |_| Flow::Continue) {
        Ok(trained) => trained,
        Err(Error::Diverged { .. }) => return Ok("diverged"),
        Err(_) => return Ok("refused"),
    };
    let wrong = |what: &str| Err(what.to_owned());
    let model = trained.model;
    let fail = |error: Error| error.to_string();
    let codes = model.encode(data).map_err(fail)?;
    if codes.values.iter().any(|code| !code.is_finite()) {
        return wrong("a code is not finite");
    }
    let rows = model.reconstruct(data).map_err(fail)?;
    // A number beyond what a double holds is none that is written.
    let names: Vec<String> = (0..rows.columns).map(|at| format!("c{at}")).collect();
    let finite = rows.values.iter().all(|number| number.is_finite());
    let written = write_table(case(folder, "csv"), None, &names, rows.rows(), &rows.values);
    if written.is_ok() != finite {
        return wrong("rows that are not finite were written, or such as are were not");
    }
    let path = &case(folder, "ae");
    if model.save(path).is_err() {
        return wrong("the model cannot be saved");
    }
    match load(path) {
        Ok(again) if again.encode(data).map_err(fail)?.values == codes.values => {
            Ok(if finite { "trained" } else { "trained, beyond numbers" })
        }
        Ok(_) => wrong("the model that was saved has other codes"),
        Err(error) => Err(format!("the model that was saved is not loaded: {error}")),
    }
}
