//! Whether a model's scores can be trusted: rows that are certainly anomalies must be scored as
//! such.
//!
//! An autoencoder can rebuild rows far from all that it has seen (Bouman and Heskes, "Autoencoders
//! for anomaly detection are unreliable", arXiv 2501.13864, 2025), and then calls them normal.

use super::{Detector, Kind};
use crate::model::Model;
use rows::{ColumnKind, Dataset, Result, Rng, Values};
use serde::{Deserialize, Serialize};

/// Rows that are certainly no rows of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Ten times as far from the middle as real rows, each column to a side drawn by seed.
    Far,
    /// Each column from another row, so that columns no longer fit each other.
    Shuffled,
    /// One number in every column: two deviations above the mean of all numbers. The mean itself is
    /// the very middle of columns that are centred. Not for tables with other columns than numbers,
    /// where there is no such row.
    Constant,
}

/// Rows of each probe.
const ROWS: usize = 100;
/// The quantile of normal rows that probes must exceed.
const ABOVE: f64 = 0.99;
/// The fraction of probes that must.
const ENOUGH: f64 = 0.5;

/// How the probes came out, for every kind of score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// For each probe and kind the fraction of rows above the 99th percentile of normal rows.
    pub above: Vec<(Probe, Kind, f64)>,
}

impl Probed {
    /// The fraction of a probe's rows that a kind of score puts above the 99th percentile of normal
    /// rows; 1 for a probe that does not apply.
    pub fn fraction(&self, probe: Probe, kind: Kind) -> f64 {
        self.above
            .iter()
            .find(|(p, k, _)| *p == probe && *k == kind)
            .map_or(1.0, |(_, _, fraction)| *fraction)
    }

    /// Whether a kind of score finds at least half of each probe's rows.
    pub fn passes(&self, kind: Kind) -> bool {
        Probe::ALL.iter().all(|probe| self.fraction(*probe, kind) >= ENOUGH)
    }

    /// What the user should know about scores of this kind: each probe that is not found, and the
    /// kind that finds it, if any does.
    pub fn advice(&self, kind: Kind) -> Vec<String> {
        let mut advice = Vec::new();
        for probe in Probe::ALL.into_iter().filter(|probe| self.fraction(*probe, kind) < ENOUGH) {
            let percent = |kind| (100.0 * self.fraction(probe, kind)).round();
            let best = Kind::ALL.into_iter().filter(|other| self.fraction(probe, *other) >= ENOUGH);
            let best =
                best.max_by(|a, b| self.fraction(probe, *a).total_cmp(&self.fraction(probe, *b)));
            let remedy = match best {
                Some(best) => format!("--kind {best} finds {} %, checked on the same rows", percent(best)),
                None => match probe {
                    Probe::Shuffled => {
                        "no kind of score does: the columns hardly depend on each other, or the model has not learned how".to_owned()
                    }
                    _ => "no kind of score does: train with a smaller latent or the denoising family, and probe again".to_owned(),
                },
            };
            advice.push(format!(
                "{}: only {} % score above 99 % of normal rows; {remedy}",
                probe.what(),
                percent(kind)
            ));
        }
        advice
    }
}

impl Probe {
    /// Every probe.
    pub const ALL: [Self; 3] = [Self::Far, Self::Shuffled, Self::Constant];

    /// In words.
    pub fn what(self) -> &'static str {
        match self {
            Self::Far => "rows far outside the training range",
            Self::Shuffled => "rows with shuffled columns",
            Self::Constant => "a constant row",
        }
    }

    /// The probe's rows, made from real ones.
    fn rows(self, model: &Model, data: &Dataset) -> Result<Dataset> {
        let (features, rows) = (data.features(), data.rows());
        let mut rng = Rng::new(model.parts.plan.config.seed).split("probe");
        let count = rows.min(ROWS);
        let values = data.gather(0..count)?;
        let at = |row: usize, column: usize| values.get(row * features + column);
        let of = |numbers: &mut dyn Iterator<Item = f64>| {
            let numbers: Vec<f64> = numbers.filter(|number| !number.is_nan()).collect();
            let count = numbers.len().max(1) as f64;
            let mean = numbers.iter().sum::<f64>() / count;
            (
                mean,
                (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt(),
            )
        };
        let columns: Vec<(f64, f64)> =
            (0..features).map(|column| of(&mut (0..count).map(|row| at(row, column)))).collect();
        let number = |column: usize| {
            !matches!(
                data.kind(column),
                ColumnKind::Categorical | ColumnKind::Text | ColumnKind::Boolean
            )
        };
        let values = match self {
            Self::Far => {
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
            Self::Shuffled => {
                (0..count * features).map(|place| at(rng.below(count), place % features)).collect()
            }
            Self::Constant => {
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
}

impl Detector {
    /// Scores rows that are certainly anomalies, made from these real ones, by every kind.
    pub fn probe(&self, model: &Model, data: &Dataset) -> Result<Probed> {
        let mut above = Vec::new();
        let numbers = (0..data.fields.len()).all(|column| data.kind(column).is_number());
        for probe in Probe::ALL.into_iter().filter(|probe| numbers || *probe != Probe::Constant) {
            let rows = probe.rows(model, data)?;
            for kind in Kind::ALL {
                let limit = self.calibration(kind).quantile(ABOVE);
                let scores = self.opinions(model, &rows, kind, 0)?;
                let found = scores.iter().filter(|row| row.score > limit).count();
                above.push((probe, kind, found as f64 / scores.len().max(1) as f64));
            }
        }
        Ok(Probed { above })
    }
}
