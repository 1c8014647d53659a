//! Anomaly scores: how unlike the training rows a row is, how sure that is, and which columns say
//! so.
//!
//! A trained model keeps a [`Detector`]: for itself and each member of its ensemble how residuals
//! vary together and which codes training rows have, and the scores of rows that trained nothing.
//!
//! ```
//! use autoencoders::score::{Kind, Threshold};
//! use autoencoders::{Config, Flow, data, fit};
//!
//! let digits = data::read("digits", &data::ReadOptions::default())?;
//! let config = Config { epochs: Some(5), ..Config::default() };
//! let model = fit(&config, &digits, None, false, &mut |_| Flow::Continue)?.model;
//! let detector = model.detector()?;
//! let alarm = detector.threshold(Kind::Joined, Threshold::Auto, 0.0)?;
//! let scores = model.score(&digits, Kind::Joined, 3)?;
//! let anomalies = scores.iter().filter(|row| row.score > alarm).count();
//! # assert!(anomalies < 360 && scores[0].reasons.len() <= 3);
//! # Ok::<(), autoencoders::Error>(())
//! ```

mod calibration;
mod judge;
mod points;
mod probe;
mod reference;
mod whiten;

pub use calibration::{Calibration, Drift, Threshold};
pub use judge::{Judge, Ruler};
pub use points::{PointScore, Stretch, stretches};
pub use probe::{Probe, Probed};
pub use reference::Reference;
pub use whiten::Whitening;

use crate::model::Model;
use burn::tensor::{Device, Tensor, TensorData};
use rows::{Dataset, Error, Result, Split, Values};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What a score measures; a higher one is more anomalous.
///
/// All are in one unit: 0 is the middle of rows that trained nothing, 1 their ninth tenth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// `reconstruction`: the error of the reconstruction, whitened by how the training rows' errors
    /// vary together.
    Reconstruction,
    /// `code`: the distance of the code to the nearest of those of training rows ([`Reference`]).
    Code,
    /// `mahalanobis`: the distance of the code to the middle of those of training rows, whitened.
    Mahalanobis,
    /// `denoising`: the mean whitened error over eight draws of noise, the same for every row.
    Denoising,
    /// `likelihood`: the negative log-likelihood; for codes with a posterior weighted by importance
    /// over 16 draws.
    Likelihood,
    /// `joined`: the mean of reconstruction and code.
    #[default]
    Joined,
}

impl Kind {
    /// The kinds that are measured by themselves; [`Kind::Joined`] is made of two of them.
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

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::unknown("kind of score", text, Self::ALL.map(Self::name)))
    }
}

rows::as_text!(Kind);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row's score.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScore {
    /// Higher is more anomalous; finite.
    pub score: f64,
    /// The fraction of normal rows with a smaller score ([`Calibration::probability`]).
    pub probability: f64,
    /// The columns that say so, the first the most.
    pub reasons: Vec<Reason>,
}

/// A column that differs from what was expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
}

/// Another model of an ensemble.
#[derive(Debug)]
pub struct Member {
    /// The columns that it sees, ascending.
    pub columns: Vec<usize>,
    /// The model of those columns.
    pub model: Model,
}

impl Member {
    /// The rows as this member sees them.
    fn narrowed<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        match self.columns.len() == data.features() {
            true => Ok(Cow::Borrowed(data)),
            false => data.narrowed(&self.columns).map(Cow::Owned),
        }
    }
}

/// What a model keeps to score rows.
#[derive(Debug)]
pub struct Detector {
    /// The model's own judge, then one for each member.
    pub judges: Vec<Judge>,
    /// The scores of rows that trained nothing, in the order of [`Kind::ALL`].
    pub calibrations: Vec<Calibration>,
    /// How rows that are certainly anomalies were scored when the model was new.
    pub probed: Option<Probed>,
}

/// Rows that are scored at a time, so that the columns which members see are few in memory.
const TOGETHER: usize = 1 << 16;
/// Rows that calibrate at most.
const HELD_OUT: usize = 4096;
/// Fewer held-out rows cannot set a ruler; then the training rows must.
const FEWEST: usize = 20;

impl Detector {
    /// Learns from the rows that a model was trained on, and from those that it was not; none where
    /// its numbers are not finite.
    pub(crate) fn fit(model: &Model, data: &Dataset, split: &Split) -> Result<Option<Self>> {
        let splits: Vec<Split> =
            (0..=model.members.len()).map(|member| split.of_member(member)).collect();
        // Too few: then the training rows, as if each had been left out.
        let enough = split.validation.len() >= FEWEST;
        fn held_out(split: &Split, enough: bool) -> &[usize] {
            let rows = if enough { &split.validation } else { &split.train };
            &rows[..rows.len().min(HELD_OUT)]
        }
        fn train(split: &Split, enough: bool) -> &[usize] {
            if enough { &split.train } else { &[] }
        }
        let (judge, measured) =
            Judge::fit(model, data, train(&splits[0], enough), held_out(&splits[0], enough))?;
        let mut judges = vec![judge];
        for (member, split) in model.members.iter().zip(&splits[1..]) {
            judges.push(
                Judge::fit(
                    &member.model,
                    &*member.narrowed(data)?,
                    train(split, enough),
                    held_out(split, enough),
                )?
                .0,
            );
        }
        if !judges.iter().all(Judge::is_finite) {
            return Ok(None);
        }
        let mut detector = Self { judges, calibrations: Vec::new(), probed: None };
        let rows = data.select(held_out(&splits[0], enough))?;
        for kind in Kind::ALL {
            let own = enough && splits.iter().any(|other| other.validation != splits[0].validation);
            let scores = match own {
                true => detector.held_out_scores(model, data, &splits, kind)?,
                // One model has measured these rows already.
                false if model.members.is_empty() => detector.judges[0].scores(&measured, kind),
                false => detector
                    .opinions(model, &rows, kind, 0)?
                    .into_iter()
                    .map(|row| row.score)
                    .collect(),
            };
            detector.calibrations.push(Calibration::new(scores));
        }
        detector.probed = Some(detector.probe(model, &rows)?);
        Ok(Some(detector))
    }

    /// The scores of rows that trained nothing.
    pub fn calibration(&self, kind: Kind) -> &Calibration {
        let at = Kind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
        &self.calibrations[at]
    }

    /// The score from which rows are anomalies; `contamination` is the training's.
    ///
    /// An error for [`Threshold::F1`], which takes labels: [`crate::metrics::best_f1`].
    pub fn threshold(&self, kind: Kind, threshold: Threshold, contamination: f64) -> Result<f64> {
        let found = self.calibration(kind).threshold(threshold, contamination);
        found.ok_or_else(|| {
            Error::setting("threshold", threshold, "rows with labels, or another threshold")
        })
    }

    /// Scores of rows; reasons are those of the model's own judge.
    fn opinions(
        &self,
        model: &Model,
        data: &Dataset,
        kind: Kind,
        reasons: usize,
    ) -> Result<Vec<judge::Opinion>> {
        let mut all = self.opinions_of(model, 0, data, kind, reasons)?;
        for member in 1..self.judges.len() {
            let others = self.opinions_of(model, member, data, kind, 0)?;
            all.iter_mut().zip(others).for_each(|(row, other)| row.score += other.score);
        }
        let count = self.judges.len() as f64;
        all.iter_mut().for_each(|row| row.score /= count);
        Ok(all)
    }
}

impl Detector {
    /// The score of each held-out row by the member that it did not train, as near to the middle as
    /// the mean of all members would be.
    fn held_out_scores(
        &self,
        model: &Model,
        data: &Dataset,
        splits: &[Split],
        kind: Kind,
    ) -> Result<Vec<f64>> {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (member, split) in splits.iter().enumerate() {
            let rows = data.select(&split.validation)?;
            let mut by_row = vec![Vec::new(); rows.rows()];
            for other in 0..splits.len() {
                let scores = self
                    .opinions_of(model, other, &rows, kind, 0)?
                    .into_iter()
                    .map(|row| row.score);
                match other == member {
                    true => own.extend(scores),
                    false => by_row.iter_mut().zip(scores).for_each(|(row, score)| row.push(score)),
                }
            }
            others.extend(by_row);
        }
        Ok(as_means(own, &others))
    }

    /// Scores of rows by one member alone, the first of which is the model itself.
    fn opinions_of(
        &self,
        model: &Model,
        member: usize,
        data: &Dataset,
        kind: Kind,
        reasons: usize,
    ) -> Result<Vec<judge::Opinion>> {
        let judge = &self.judges[member];
        let (model, data) = match member.checked_sub(1).map(|at| &model.members[at]) {
            None => (model, Cow::Borrowed(data)),
            Some(member) => (&member.model, member.narrowed(data)?),
        };
        model.each_block(
            &data,
            0..data.rows(),
            |blocks| {
                let mut all = Vec::with_capacity(data.rows());
                for block in blocks {
                    all.extend(block?);
                }
                Ok(all)
            },
            |values, x| judge.opinions(model, values, &x, kind, reasons),
        )
    }
}

impl Model {
    /// What the model keeps to score rows; an error for a model that was interrupted, or is of an
    /// older version.
    pub fn detector(&self) -> Result<&Detector> {
        let wanted = "a model that was trained to its end by this version; train it again";
        self.detector
            .as_ref()
            .ok_or_else(|| Error::setting("the model's detector", "missing", wanted))
    }

    /// Scores all rows, each with at most so many reasons.
    ///
    /// A row's score does not depend on the rows beside it, and is the same at every call.
    pub fn score(&self, data: &Dataset, kind: Kind, reasons: usize) -> Result<Vec<RowScore>> {
        let detector = self.detector()?;
        let calibration = detector.calibration(kind);
        let mut all = Vec::with_capacity(data.rows());
        let rows: Vec<usize> = (0..data.rows()).collect();
        for chunk in rows.chunks(TOGETHER) {
            let part = match chunk.len() == rows.len() {
                true => Cow::Borrowed(data),
                false => Cow::Owned(data.select(chunk)?),
            };
            let opinions = detector.opinions(self, &part, kind, reasons)?;
            let observed =
                if reasons > 0 { part.gather(0..part.rows())? } else { Values::U8(Vec::new()) };
            all.extend(opinions.into_iter().enumerate().map(
                |(row, judge::Opinion { score, mut reasons })| {
                    let score = score.clamp(-1e300, 1e300);
                    // As the data has it, not as it comes back from single precision.
                    reasons.iter_mut().for_each(|why| {
                        why.observed = observed.get(row * data.features() + why.column)
                    });
                    RowScore { score, probability: calibration.probability(score), reasons }
                },
            ));
        }
        Ok(all)
    }
}

/// Scores that one member each gave, narrowed around 0 to what a mean over all members would vary
/// by.
///
/// A score is what all members say of a row, and what the one alone says, whose variance is smaller
/// in a mean by their number. It is taken from the `others` of each row, which a row did train:
/// their mean would call it too normal, but their disagreement is the same in kind.
fn as_means(mut scores: Vec<f64>, others: &[Vec<f64>]) -> Vec<f64> {
    let members = others.first().map_or(1, |row| row.len() + 1) as f64;
    let whole = variance(&scores);
    let alone = others.iter().map(|row| variance(row)).sum::<f64>() / others.len().max(1) as f64;
    if whole > 0.0 {
        let narrower = (1.0 - alone.min(whole) / whole * (1.0 - 1.0 / members)).sqrt();
        scores.iter_mut().for_each(|score| *score *= narrower);
    }
    scores
}

/// The variance of some numbers around their mean, 0 of fewer than two.
fn variance(numbers: &[f64]) -> f64 {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    if count < 2.0 {
        0.0
    } else {
        numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0)
    }
}

/// Rows of so many columns.
fn matrix(values: Vec<f32>, columns: usize) -> Tensor<2> {
    let rows = values.len() / columns.max(1);
    Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    #[test]
    fn scores_by_one_member_are_narrowed_to_what_means_vary_by() {
        let mut rng = Rng::new(1);
        let mut normal = || f64::from(rng.standard_normal());
        let rows: Vec<Vec<f64>> = (0..4000)
            .map(|_| {
                let all = 2.0 * normal();
                (0..5).map(|_| all + normal()).collect()
            })
            .collect();
        let means: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / 5.0).collect();
        let own = rows.iter().map(|row| row[0]).collect();
        let others: Vec<Vec<f64>> = rows.iter().map(|row| row[1..].to_vec()).collect();
        let narrowed = variance(&as_means(own, &others)).sqrt();
        assert!((narrowed / variance(&means).sqrt() - 1.0).abs() < 0.03, "{narrowed}");
    }

    #[test]
    fn scores_without_other_members_or_without_spread_stay_as_they_are() {
        assert_eq!(as_means(vec![1.0, -2.0], &[vec![], vec![]]), [1.0, -2.0]);
        assert_eq!(as_means(vec![1.0, 1.0], &[vec![3.0], vec![4.0]]), [1.0, 1.0]);
        assert!(
            as_means(vec![1.0, -1.0], &[vec![9.0, -9.0], vec![9.0, -9.0]])
                .iter()
                .all(|score| score.is_finite())
        );
    }
}
