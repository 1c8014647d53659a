//! What scores measure, and what a scored row has.
use burn_tensor::Tensor;
use model::Engine;
use rows::{Cycle, Error, Result};
use serde::Deserialize;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a score measures; a higher one is more anomalous.
///
/// All are in one unit: 0 is the middle of rows that trained nothing, 1 their ninth tenth, and each
/// unit beyond it is ten times rarer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ScoreKind {
    /// `reconstruction`: the error of the reconstruction, whitened by how the training rows' errors
    /// vary together.
    Reconstruction,
    /// `code`: the distance of the code to the nearest of those of training rows
    /// ([`Reference`](crate::Reference)).
    Code,
    /// `mahalanobis`: the distance of the code to the middle of those of training rows, whitened.
    Mahalanobis,
    /// `denoising`: the mean whitened error over eight draws of noise, the same for every row.
    Denoising,
    /// `likelihood`: the negative log-likelihood; for codes with a posterior weighted by importance
    /// over 16 draws.
    Likelihood,
    /// `joined`: of reconstruction and code the more extreme, and `√(r² + c²)` where both are above 0;
    /// in models that earlier versions wrote their mean.
    #[default]
    Joined,
}

impl ScoreKind {
    /// The kinds that are measured by themselves; [`ScoreKind::Joined`] is made of two of them.
    pub const MEASURES: [Self; 5] =
        [Self::Reconstruction, Self::Code, Self::Mahalanobis, Self::Denoising, Self::Likelihood];
    /// Every kind, the default first.
    pub const ALL: [Self; 6] = [
        Self::Joined,
        Self::Reconstruction,
        Self::Code,
        Self::Mahalanobis,
        Self::Denoising,
        Self::Likelihood,
    ];

    /// Its word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reconstruction => "reconstruction",
            Self::Code => "code",
            Self::Mahalanobis => "mahalanobis",
            Self::Denoising => "denoising",
            Self::Likelihood => "likelihood",
            Self::Joined => "joined",
        }
    }
}

impl FromStr for ScoreKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::unknown("kind of score", text, Self::ALL.map(Self::name)))
    }
}

rows::as_text!(ScoreKind);

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row's score.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScore {
    /// Higher is more anomalous; finite.
    pub score: f64,
    /// The fraction of normal rows with a smaller score
    /// ([`Calibration::probability`](crate::Calibration::probability)).
    pub probability: f64,
    /// The columns that say so, the first the most.
    pub reasons: Vec<Reason>,
}

/// A column with a smaller share in all that differs is no reason beside others.
pub(crate) const LEAST: f64 = 0.05;

/// A column that differs from what was expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// Zero-based column.
    pub column: usize,
    /// What the row has there, in the units of the data.
    pub observed: f64,
    /// What the model expected.
    pub expected: f64,
    /// Its share in the whole difference, from 0 to 1; of standardised data unusual numbers count
    /// more.
    pub share: f64,
    /// Of a date that is odd by its place in a cycle, this cycle: then observed and expected are
    /// those of [`Cycle::field`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Cycle>,
    /// Of a text those words that training rows had the least, at most three.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

impl Reason {
    /// Of a column that is neither a date nor a text.
    pub(crate) fn of(column: usize, observed: f64, expected: f64, share: f64) -> Self {
        Self { column, observed, expected, share, phase: None, words: Vec::new() }
    }
}

/// Scores of held-out rows, each by the member that does not know it, narrowed around their mean to
/// what the mean over all members would vary by.
///
/// Of members that agree in a part of variance `a` of their `v`, the mean varies by
/// `a + (v - a) / members`; `a` is the covariance with what the `others` say of each row, who know it.
pub(crate) fn as_means(own: &[f64], others: &[Vec<f64>]) -> Vec<f64> {
    let count = own.len().max(1) as f64;
    let mean = own.iter().sum::<f64>() / count;
    let told = others.iter().flatten().count();
    let known = others.iter().flatten().sum::<f64>() / told.max(1) as f64;
    let whole = own.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
    let common = own
        .iter()
        .zip(others)
        .map(|(own, others)| (own - mean) * others.iter().map(|other| other - known).sum::<f64>());
    let common = (common.sum::<f64>() / told.max(1) as f64).clamp(0.0, whole);
    let members = 1.0 + told as f64 / count;
    let narrower = if whole > 0.0 && told > 0 {
        ((common + (whole - common) / members) / whole).sqrt()
    } else {
        1.0
    };
    own.iter().map(|score| mean + (score - mean) * narrower).collect()
}

/// Rows of so many columns.
pub(crate) fn matrix(values: Vec<f32>, columns: usize, engine: &Engine) -> Tensor<2> {
    let rows = values.len() / columns.max(1);
    engine.tensor(values, [rows, columns])
}
