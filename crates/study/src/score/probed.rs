//! Whether a model's scores can be trusted: rows that are certainly anomalies must be scored as
//! such.
//!
//! An autoencoder can rebuild rows far from all that it has seen (Bouman and Heskes, "Autoencoders
//! for anomaly detection are unreliable", arXiv 2501.13864, 2025), and then calls them normal.

use crate::score::kind::ScoreKind;
use rows::Message;
use serde::{Deserialize, Serialize};

/// Rows that are certainly no rows of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Ten times as far from the middle as real rows, each column to a side drawn by seed.
    Far,
    /// Each column from another row, so that columns no longer fit each other. Not where only one tells
    /// anything.
    Shuffled,
    /// One number in every column: two deviations above the mean of all numbers. The mean itself is
    /// the very middle of columns that are centred. Not for tables with other columns than numbers,
    /// where there is no such row.
    Constant,
}

/// The fraction of probes that must.
const ENOUGH: f64 = 0.5;

/// How the probes came out, for every kind of score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Probed {
    /// For each probe and kind the fraction of rows above the 99th percentile of normal rows.
    pub above: Vec<(Probe, ScoreKind, f64)>,
}

impl Probed {
    /// The fraction of a probe's rows that a kind of score puts above the 99th percentile of normal
    /// rows; 1 for a probe that does not apply.
    pub fn fraction(&self, probe: Probe, kind: ScoreKind) -> f64 {
        self.above
            .iter()
            .find(|(p, k, _)| *p == probe && *k == kind)
            .map_or(1.0, |(_, _, fraction)| *fraction)
    }

    /// Whether a kind of score finds at least half of each probe's rows.
    pub fn passes(&self, kind: ScoreKind) -> bool {
        Probe::ALL.iter().all(|probe| self.fraction(*probe, kind) >= ENOUGH)
    }

    /// What the user should know about scores of this kind: each probe that is not found, and the
    /// kind that finds it, if any does.
    pub fn advice(&self, kind: ScoreKind) -> Vec<Message> {
        let mut advice = Vec::new();
        for probe in Probe::ALL.into_iter().filter(|probe| self.fraction(*probe, kind) < ENOUGH) {
            let percent = |kind| (100.0 * self.fraction(probe, kind)).round();
            let best =
                ScoreKind::ALL.into_iter().filter(|other| self.fraction(probe, *other) >= ENOUGH);
            let best =
                best.max_by(|a, b| self.fraction(probe, *a).total_cmp(&self.fraction(probe, *b)));
            let remedy = match best {
                Some(best) => {
                    let finds = format!(" finds {} %, checked on the same rows", percent(best));
                    Message::default().set("kind", best).text(finds)
                }
                None => match probe {
                    Probe::Shuffled => {
                        "no kind of score does: the columns hardly depend on each other, or the model has not learned how, and usual values in unusual company stay unseen".into()
                    }
                    _ => "no kind of score does: train with a smaller latent or the denoising family, and probe again".into(),
                },
            };
            let (what, found) = (probe.what(), percent(kind));
            let only = format!("{what}: only {found} % score above 99 % of normal rows; ");
            advice.push(Message::from(only).then(remedy));
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
}
