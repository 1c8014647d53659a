//! Scores rows that are certainly anomalies.

use crate::score::detector::{Detector, calibrating};
use crate::score::kind::ScoreKind;
use crate::score::probed::{Probe, Probed};
use model::Model;
use rows::{ColumnKind, Dataset, Result, Rng, Split, Values};

/// Rows of each probe.
const ROWS: usize = 100;
/// The quantile of normal rows that probes must exceed.
const ABOVE: f64 = 0.99;
/// The probe's rows, made from real ones.
fn rows_of(probe: Probe, model: &Model, data: &Dataset) -> Result<Dataset> {
    let (features, rows) = (data.features(), data.rows());
    let mut rng = Rng::new(model.plan().settings.seed).split("probe");
    let count = rows.min(ROWS);
    let values = data.gather(0..count)?;
    let at = |row: usize, column: usize| values.get(row * features + column);
    let of = |numbers: &mut dyn Iterator<Item = f64>| {
        let numbers: Vec<f64> = numbers.filter(|number| !number.is_nan()).collect();
        let count = numbers.len().max(1) as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        (mean, (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt())
    };
    let columns: Vec<(f64, f64)> =
        (0..features).map(|column| of(&mut (0..count).map(|row| at(row, column)))).collect();
    let number = |column: usize| {
        !matches!(
            data.kind(column),
            ColumnKind::Categorical | ColumnKind::Text | ColumnKind::Boolean
        )
    };
    let values = match probe {
        Probe::Far => {
            let mut far = |column: usize| {
                let side = if rng.unit() < 0.5 { -1.0 } else { 1.0 };
                let (mean, spread) = columns[column];
                // A column that does not vary moves by units.
                mean + side
                    * if spread > 0.0 { spread } else { 1.0 }
                    * 10.0
                    * f64::from(1.0 + rng.unit())
            };
            // Categories have no far side; one that nobody knows is the farthest there is.
            let unknown = |column: usize| {
                if matches!(data.kind(column), ColumnKind::Categorical | ColumnKind::Text) {
                    f64::MAX
                } else {
                    0.0
                }
            };
            (0..count * features)
                .map(|place| place % features)
                .map(|column| if number(column) { far(column) } else { unknown(column) })
                .collect()
        }
        Probe::Shuffled => {
            (0..count * features).map(|place| at(rng.below(count), place % features)).collect()
        }
        Probe::Constant => {
            let (mean, deviation) = of(&mut (0..count * features)
                .filter(|place| number(place % features))
                .map(|place| values.get(place)));
            (0..features)
                .map(|column| if number(column) { mean + 2.0 * deviation } else { 0.0 })
                .collect()
        }
    };
    let mut probe = Dataset::new(data.name.clone(), data.shape.clone(), Values::F64(values))?;
    probe.columns.clone_from(&data.columns);
    probe.fields.clone_from(&data.fields);
    Ok(probe)
}

/// Learns to score from the rows that a model was trained on, and from those that it was not, and
/// probes what it learned; `None` if the numbers of the model are not finite.
///
/// Errors as [`Dataset::gather`].
pub fn fit_detector(model: &Model, data: &Dataset, split: &Split) -> Result<Option<Detector>> {
    let Some(mut detector) = Detector::fit(model, data, split)? else { return Ok(None) };
    let rows = data.select(calibrating(split, detector.judges.len(), data))?;
    detector.probed = Some(probe(&detector, model, &rows)?);
    Ok(Some(detector))
}

/// Scores rows that are certainly anomalies, made from these real ones, by every kind.
pub fn probe(detector: &Detector, model: &Model, data: &Dataset) -> Result<Probed> {
    let data = &*model.signature().whitened(data)?;
    let mut above = Vec::new();
    let numbers = (0..data.fields.len()).all(|column| data.kind(column).is_number());
    let table = model.signature().preparation.table.as_ref();
    let tells = |column: &usize| table.is_none_or(|table| table.tells(*column));
    // A column alone has none that it could fit.
    let several = (0..data.features()).filter(tells).nth(1).is_some();
    let applies = |probe: &Probe| match probe {
        Probe::Far => true,
        Probe::Shuffled => several,
        Probe::Constant => numbers,
    };
    for probe in Probe::ALL.into_iter().filter(applies) {
        let rows = rows_of(probe, model, data)?;
        for kind in ScoreKind::ALL {
            let limit = detector.calibration(kind).quantile(ABOVE);
            let scores = detector.opinions(model, &rows, kind, 0)?;
            let found = scores.iter().filter(|row| row.score > limit).count();
            above.push((probe, kind, found as f64 / scores.len().max(1) as f64));
        }
    }
    Ok(Probed { above })
}
