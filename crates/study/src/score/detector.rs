//! Anomaly scores: how unlike the training rows a row is, how sure that is, and which columns say
//! so.
//!
//! A trained model keeps a [`Detector`]: for itself and each member of its ensemble how residuals
//! vary together and which codes training rows have, and the scores of rows that trained nothing.

use crate::score::calibration::{Calibration, KNOWN, Threshold, at_least};
use crate::score::copies::without_copies;
use crate::score::judge::{Judge, Opinion, Ruler, joined};
use crate::score::kind::{Reason, RowScore, ScoreKind, as_means};
use crate::score::members::Ensemble;
use crate::score::point_judge::PointJudge;
use crate::score::probed::Probed;
use crate::score::reference::Reference;
use crate::score::whiten::Whitener;
use model::{Attachment, Inside, Model, NamedTensor, Section, vector};
use rows::{ColumnKind, Dataset, Error, Matrix, Result, Split, Values};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a model keeps to score rows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Detector {
    /// The model's own judge, then one for each member.
    pub judges: Vec<Judge>,
    /// The scores of rows that trained nothing, in the order of [`ScoreKind::ALL`]; of windows no lower
    /// than those of windows that trained.
    pub calibrations: Vec<Calibration>,
    /// How rows that are certainly anomalies were scored when the model was new.
    pub probed: Option<Probed>,
    /// What judges the points of a series, where rows are windows; none in models of earlier versions.
    pub(crate) points: Option<PointJudge>,
}

/// Rows that are scored at a time, so that the columns which members see are few in memory.
const TOGETHER: usize = 1 << 16;
/// And so many of their numbers, about.
const NUMBERS: usize = 1 << 20;
/// Words of a text that explain a score at most.
const WORDS: usize = 3;
/// Rows that calibrate at most.
const HELD_OUT: usize = 4096;
/// Fewer held-out rows cannot set a ruler; then the training rows must.
const FEWEST: usize = 20;
/// Fewer rows that one member holds out set none beside those of others either.
const FEWEST_OF_ONE: usize = 5;
/// Parts of few held-out rows, each of which the others measure.
const FOLDS: usize = 10;
/// Members that hold out fewer rows each have rulers together.
const FEW: usize = 200;

/// Whether enough rows trained nothing to calibrate so many judges by, each of which holds out others,
/// if not windows of a series; else the training rows must, as if each had been left out.
fn enough(split: &Split, judges: usize, data: &Dataset) -> bool {
    let held_out = split.validation.len();
    let all = if data.windows.is_some() { held_out } else { held_out * judges };
    held_out >= FEWEST_OF_ONE && all >= FEWEST
}

/// The rows of a split that calibrate so many judges.
pub(crate) fn calibrating<'a>(split: &'a Split, judges: usize, data: &Dataset) -> &'a [usize] {
    let rows = if enough(split, judges, data) { &split.validation } else { &split.train };
    &rows[..rows.len().min(HELD_OUT)]
}

/// Gives judges rulers that the rows of all set, of each of which all is measured.
fn rule_together(judges: &mut [Judge], measured: &[Vec<Vec<f64>>]) {
    for kind in 0..ScoreKind::MEASURES.len() {
        let of: Vec<&Vec<f64>> = measured.iter().map(|own| &own[kind]).collect();
        let rulers = Ruler::together(&of);
        judges.iter_mut().zip(rulers).for_each(|(judge, ruler)| judge.rulers[kind] = ruler);
    }
}

/// What is measured of held-out rows.
struct Measured {
    /// Whether each member holds out rows of its own.
    own: bool,
    /// Whether they are few.
    few: bool,
    /// By member, one line for each of [`ScoreKind::MEASURES`].
    of: Vec<Vec<Vec<f64>>>,
}

/// The scores of the rows of which all is measured, by member, each by rulers that it did not set: those
/// of the rows of the other folds.
fn by_rulers_of_others(measured: &[Vec<Vec<f64>>], kind: ScoreKind) -> Vec<Vec<f64>> {
    let kinds: &[ScoreKind] = match kind {
        ScoreKind::Joined => &[ScoreKind::Reconstruction, ScoreKind::Code],
        _ => &[kind],
    };
    let mut scores: Vec<Vec<f64>> = measured.iter().map(|own| vec![0.0; own[0].len()]).collect();
    // Neighbours share points where they are windows.
    let part = |fold: usize, rows: usize| fold * rows / FOLDS..(fold + 1) * rows / FOLDS;
    for fold in 0..FOLDS {
        let others = |values: &Vec<f64>| -> Vec<f64> {
            let own = part(fold, values.len());
            values[..own.start].iter().chain(&values[own.end..]).copied().collect()
        };
        let rulers = |kind: &ScoreKind| {
            let of: Vec<Vec<f64>> =
                measured.iter().map(|own| others(&own[*kind as usize])).collect();
            Ruler::together(&of.iter().collect::<Vec<_>>())
        };
        let rulers: Vec<Vec<Ruler>> = kinds.iter().map(rulers).collect();
        for (member, (own, scores)) in measured.iter().zip(&mut scores).enumerate() {
            let ruled =
                |at: usize, row: usize| rulers[at][member].measure(own[kinds[at] as usize][row]);
            for row in part(fold, scores.len()) {
                scores[row] = match kinds {
                    [_] => ruled(0, row),
                    _ => joined(ruled(0, row), ruled(1, row)),
                };
            }
        }
    }
    scores
}

impl Detector {
    /// Learns from the rows that a model was trained on, and from those that it was not; none where
    /// its numbers are not finite.
    pub(crate) fn fit(model: &Model, data: &Dataset, split: &Split) -> Result<Option<Self>> {
        let ensemble = Ensemble::of(model)?;
        let members = &ensemble.members;
        let splits: Vec<Split> =
            (0..=members.len()).map(|member| split.of_member(member, data)).collect();
        let count = splits.len();
        let enough = enough(split, count, data);
        fn train(split: &Split, enough: bool) -> &[usize] {
            if enough { &split.train } else { &[] }
        }
        // Copies of rows that train would call fresh rows anomalies too often.
        let hashes = data.hashes()?;
        let held_out: Vec<Vec<usize>> = splits
            .iter()
            .map(|split| {
                without_copies(&hashes, train(split, enough), calibrating(split, count, data))
            })
            .collect();
        let (judge, own) = Judge::fit(model, data, train(&splits[0], enough), &held_out[0])?;
        let (mut judges, mut measured) = (vec![judge], vec![own]);
        for (member, (split, held_out)) in members.iter().zip(splits.iter().zip(&held_out).skip(1))
        {
            let narrowed = member.narrowed(data)?;
            let (judge, own) =
                Judge::fit(&member.model, &narrowed, train(split, enough), held_out)?;
            judges.push(judge);
            measured.push(own);
        }
        let own = enough && held_out.iter().any(|other| *other != held_out[0]);
        let few = enough && held_out.iter().all(|rows| rows.len() < FEW);
        let measured = Measured { own, few, of: measured };
        if own && few {
            rule_together(&mut judges, &measured.of);
        }
        if !judges.iter().all(Judge::is_finite) {
            return Ok(None);
        }
        let mut detector = Self { judges, calibrations: Vec::new(), probed: None, points: None };
        let known = train(&splits[0], enough);
        let known = &known[..known.len().min(KNOWN)];
        let series = data.windows.is_some() && !known.is_empty();
        let known = series.then(|| data.select(known)).transpose()?;
        let mut all = Vec::new();
        for kind in ScoreKind::ALL {
            let scores = detector.fresh_scores(model, data, &held_out, &measured, kind)?;
            // Few stretches of a series may happen to be its calmest: later windows are no less strange
            // than those that trained.
            let known = match &known {
                Some(known) => {
                    let opinions = detector.opinions(model, known, kind, 0)?;
                    opinions.into_iter().map(|row| row.score).collect()
                }
                None => Vec::new(),
            };
            detector.calibrations.push(Calibration::new(at_least(scores.clone(), known.clone())));
            all.push([scores, known]);
        }
        if !own {
            let (train, held_out) = (train(&splits[0], enough), &held_out[0]);
            detector.points = PointJudge::fit(model, data, train, held_out, &all)?;
        }
        Ok(Some(detector))
    }

    /// The scores of rows that trained nothing.
    pub fn calibration(&self, kind: ScoreKind) -> &Calibration {
        let at = ScoreKind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
        &self.calibrations[at]
    }

    /// The score from which rows are anomalies; `contamination` is the training's.
    ///
    /// An error for [`Threshold::F1`], which takes labels: [`best_f1`](crate::best_f1).
    pub fn threshold(
        &self,
        kind: ScoreKind,
        threshold: Threshold,
        contamination: f64,
    ) -> Result<f64> {
        by(self.calibration(kind), threshold, contamination)
    }

    /// The scores of windows of a series, each with its most extreme point, with which points are
    /// compared.
    pub fn point_calibration(&self, kind: ScoreKind) -> &Calibration {
        let at = ScoreKind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
        let own = self.points.as_ref().and_then(|points| points.calibrations.get(at));
        own.unwrap_or_else(|| self.calibration(kind))
    }

    /// The score from which points of a series are anomalies, as [`Detector::threshold`].
    pub fn point_threshold(
        &self,
        kind: ScoreKind,
        threshold: Threshold,
        contamination: f64,
    ) -> Result<f64> {
        by(self.point_calibration(kind), threshold, contamination)
    }

    /// Scores of rows; reasons are those of the model's own judge.
    pub(crate) fn opinions(
        &self,
        model: &Model,
        data: &Dataset,
        kind: ScoreKind,
        reasons: usize,
    ) -> Result<Vec<Opinion>> {
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

/// The score that a threshold is.
fn by(known: &Calibration, threshold: Threshold, contamination: f64) -> Result<f64> {
    known.threshold(threshold, contamination).ok_or_else(|| {
        Error::setting("threshold", threshold, "rows with labels, or another threshold")
    })
}

impl Detector {
    /// The scores of held-out rows as those of fresh rows would be.
    fn fresh_scores(
        &self,
        model: &Model,
        data: &Dataset,
        held_out: &[Vec<usize>],
        measured: &Measured,
        kind: ScoreKind,
    ) -> Result<Vec<f64>> {
        // Few rows set rulers by which they are themselves as usual as can be.
        let fresh = || measured.few.then(|| by_rulers_of_others(&measured.of, kind));
        if measured.own {
            return self.held_out_scores(model, data, held_out, kind, fresh());
        }
        if let [judge] = self.judges.as_slice() {
            // One model has measured these rows already.
            return Ok(
                fresh().map_or_else(|| judge.scores(&measured.of[0], kind), |all| all.concat())
            );
        }
        let opinions = self.opinions(model, &data.select(&held_out[0])?, kind, 0)?;
        Ok(opinions.into_iter().map(|row| row.score).collect())
    }

    /// The scores of held-out rows, each by the member that it did not train, or those that are given,
    /// as near to each other as means over all members would be.
    fn held_out_scores(
        &self,
        model: &Model,
        data: &Dataset,
        held_out: &[Vec<usize>],
        kind: ScoreKind,
        fresh: Option<Vec<Vec<f64>>>,
    ) -> Result<Vec<f64>> {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (member, rows) in held_out.iter().enumerate() {
            let rows = data.select(rows)?;
            let mut by_row = vec![Vec::new(); rows.rows()];
            for other in 0..held_out.len() {
                let opinions = self.opinions_of(model, other, &rows, kind, 0)?;
                let scores = opinions.into_iter().map(|row| row.score);
                if other == member {
                    own.extend(scores)
                } else {
                    by_row.iter_mut().zip(scores).for_each(|(row, score)| row.push(score))
                }
            }
            others.extend(by_row);
        }
        let own = fresh.map_or(own, |fresh| fresh.concat());
        Ok(as_means(&own, &others))
    }

    /// Scores of rows by one member alone, the first of which is the model itself.
    fn opinions_of(
        &self,
        model: &Model,
        member: usize,
        data: &Dataset,
        kind: ScoreKind,
        reasons: usize,
    ) -> Result<Vec<Opinion>> {
        let judge = &self.judges[member];
        let ensemble = Ensemble::of(model)?;
        let (model, data) = match member.checked_sub(1).map(|at| &ensemble.members[at]) {
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

/// What the model keeps to score rows.
///
/// An error for a model that was interrupted, or is of an older version.
pub fn detector(model: &Model) -> Result<Arc<Detector>> {
    let how = "its training was interrupted, or it is of an older version; train it again";
    model.find::<Detector>()?.ok_or_else(|| Error::NotFitted { what: "detector", how: how.into() })
}

/// Rows that are looked at together, of so many columns.
pub(super) fn together(columns: usize) -> usize {
    (NUMBERS / columns.max(1)).clamp(1, TOGETHER)
}

/// Scores all rows, each with at most so many reasons.
///
/// A row's score does not depend on the rows beside it, and is the same at every call.
pub fn score(
    model: &Model,
    data: &Dataset,
    kind: ScoreKind,
    reasons: usize,
) -> Result<Vec<RowScore>> {
    let data = &*model.signature().whitened(data)?;
    let detector = detector(model)?;
    let calibration = detector.calibration(kind);
    let mut all = Vec::with_capacity(data.rows());
    let rows: Vec<usize> = (0..data.rows()).collect();
    for chunk in rows.chunks(together(data.features())) {
        let part = if chunk.len() == rows.len() {
            Cow::Borrowed(data)
        } else {
            Cow::Owned(data.select(chunk)?)
        };
        let opinions = detector.opinions(model, &part, kind, reasons)?;
        let observed =
            if reasons > 0 { part.gather(0..part.rows())? } else { Values::U8(Vec::new()) };
        all.extend(opinions.into_iter().enumerate().map(
            |(row, Opinion { score, mut reasons })| {
                let score = score.clamp(-1e300, 1e300);
                // As the data has it, not as it comes back from single precision.
                reasons.iter_mut().for_each(|why| {
                    observe(why, observed.get(row * data.features() + why.column), model, data)
                });
                // A weekday that was expected tells nobody anything.
                reasons.retain(|why| why.phase.is_none() || why.observed != why.expected);
                // A missing value is no reason.
                reasons.retain(|why| !why.observed.is_nan());
                RowScore { score, probability: calibration.probability(score), reasons }
            },
        ));
    }
    Ok(all)
}

/// Fills in what a row has in the column of a reason.
fn observe(why: &mut Reason, value: f64, model: &Model, data: &Dataset) {
    const DAY: f64 = 86_400e9;
    // Beyond these years are no dates that anybody means.
    let nanos = (value.clamp(-1e7, 1e7) * DAY) as i128;
    why.observed = why.phase.map_or(value, |cycle| cycle.place(cycle.phase(nanos)));
    if data.kind(why.column) == ColumnKind::Text
        && let Some(table) = &model.signature().preparation.table
    {
        why.words = table.odd_words(why.column, &data.text(why.column, value), WORDS);
    }
}

impl Attachment for Detector {
    const NAME: &'static str = "detector";
    const WHAT: &'static str = "detector";

    fn store(&self) -> Result<Section> {
        let content = DetectorContent {
            rulers: self.judges.iter().map(|judge| judge.rulers.clone()).collect(),
            scores: self.calibrations.iter().map(|known| known.scores().to_vec()).collect(),
            floors: self.judges.iter().map(|judge| judge.reference.floor).collect(),
            probed: self.probed.clone(),
            points: self.points.as_ref().map(|points| PointContent {
                ruler: points.ruler,
                scores: points.calibrations.iter().map(|known| known.scores().to_vec()).collect(),
            }),
        };
        let mut section = Section::new(&json!(content));
        if let Some(points) = &self.points {
            let PointJudge { deviations, errors, .. } = points;
            for (name, of) in
                [("deviations", deviations), ("mean", &errors.mean), ("factor", &errors.factor)]
            {
                section.add(&format!("points.{name}"), of, &[of.len()]);
            }
        }
        for (at, judge) in self.judges.iter().enumerate() {
            for (name, of) in [("residuals", &judge.residuals), ("codes", &judge.codes)] {
                section.add(&format!("{at}.{name}.mean"), &of.mean, &[of.mean.len()]);
                section.add(&format!("{at}.{name}.factor"), &of.factor, &[of.factor.len()]);
            }
            let codes = &judge.reference.codes;
            let shape = [codes.rows(), codes.columns];
            section.add(&format!("{at}.reference"), &codes.values, &shape);
        }
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let damaged = |why: &str| Error::model("", format!("its detector {why}"));
        let content: DetectorContent =
            section.content.read().map_err(|error| Error::model("", error.to_string()))?;
        let ensemble = Ensemble::of(model)?;
        // The columns and code sizes of all members.
        let widths: Vec<(usize, usize)> = std::iter::once((model.features(), model.latent()))
            .chain(
                ensemble.members.iter().map(|member| (member.columns.len(), member.model.latent())),
            )
            .collect();
        let rulers_fit = content.rulers.iter().all(|rulers| {
            rulers.len() == ScoreKind::MEASURES.len() && rulers.iter().all(Ruler::is_sound)
        });
        // Older files have no floors, and score as they did.
        let floors =
            if content.floors.is_empty() { vec![None; widths.len()] } else { content.floors };
        let counts_fit = content.rulers.len() == widths.len()
            && floors.len() == widths.len()
            && content.scores.len() == ScoreKind::ALL.len();
        if !counts_fit || !rulers_fit {
            return Err(damaged("does not fit its members"));
        }
        let coarse = model.plan().blueprint.contamination > 0.0;
        let mut tensors = section.tensors.clone();
        let mut judges = Vec::new();
        for (at, ((columns, latent), rulers)) in widths.iter().zip(content.rulers).enumerate() {
            let mut whitening = |name: &str, width: usize| -> Result<Whitener> {
                let mean = format!("{at}.{name}.mean");
                let mean = vector(&mut tensors, &mean, &[Some(width)])?.values;
                let factor = format!("{at}.{name}.factor");
                let factor = vector(&mut tensors, &factor, &[None])?.values;
                if factor.len() != width && factor.len() != width.saturating_mul(width) {
                    return Err(damaged("has a factor of another width"));
                }
                Ok(Whitener { mean, factor })
            };
            let (residuals, codes) =
                (whitening("residuals", *columns)?, whitening("codes", *latent)?);
            let reference = format!("{at}.reference");
            let values = vector(&mut tensors, &reference, &[None, Some(*latent)])?.values;
            let codes_known = Matrix { columns: *latent, values };
            let reference = Reference::new(codes_known, coarse, floors[at]);
            judges.push(Judge { residuals, codes, reference, rulers });
        }
        let points = content.points.map(|content| points(content, &mut tensors, model));
        let points = points.transpose()?;
        let calibrations = content.scores.into_iter().map(Calibration::new).collect();
        Ok(Self { judges, calibrations, probed: content.probed, points })
    }
}

/// The JSON of a detector; its tensors are named `N.` for each judge.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectorContent {
    rulers: Vec<Vec<Ruler>>,
    scores: Vec<Vec<f64>>,
    #[serde(default)]
    floors: Vec<Option<f32>>,
    probed: Option<Probed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    points: Option<PointContent>,
}

/// The JSON of what judges points; its tensors are named `points.`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointContent {
    ruler: Ruler,
    scores: Vec<Vec<f64>>,
}

/// What judges points, as a file has it.
fn points(
    content: PointContent,
    tensors: &mut BTreeMap<String, NamedTensor>,
    model: &Model,
) -> Result<PointJudge> {
    let window = model.signature().series.as_ref().map_or(0, |series| series.window);
    let mut numbers = |name: &str, width: Option<usize>| -> Result<Vec<f32>> {
        Ok(vector(tensors, &format!("points.{name}"), &[width])?.values)
    };
    let mean = numbers("mean", None)?;
    let (channels, factor) = (mean.len(), numbers("factor", None)?);
    let deviations = numbers("deviations", Some(window.saturating_mul(channels)))?;
    let fits = window > 0
        && model.features().is_multiple_of(window)
        && (1..=model.features() / window).contains(&channels)
        && (factor.len() == channels || factor.len() == channels * channels)
        && content.scores.len() == ScoreKind::ALL.len()
        && deviations.iter().all(|deviation| *deviation > 0.0);
    if !fits || !content.ruler.is_sound() {
        return Err(Error::model("", "its detector does not fit its points"));
    }
    let calibrations = content.scores.into_iter().map(Calibration::new).collect();
    let errors = Whitener { mean, factor };
    Ok(PointJudge { deviations, errors, ruler: content.ruler, calibrations })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    #[test]
    fn scores_by_one_member_are_narrowed_to_what_means_vary_by() {
        let mut rng = Rng::new(1);
        let mut normal = || f64::from(rng.standard_normal());
        // Whoever knows a row finds it less strange.
        let rows: Vec<(f64, Vec<f64>)> = (0..4000)
            .map(|_| {
                let all = 2.0 * normal();
                (all + normal(), (0..4).map(|_| all + normal() - 0.7).collect())
            })
            .collect();
        let (own, others): (Vec<f64>, Vec<Vec<f64>>) = rows.into_iter().unzip();
        let scores = as_means(&own, &others);
        let mean = |of: &[f64]| of.iter().sum::<f64>() / 4000.0;
        assert!((mean(&scores) - mean(&own)).abs() < 1e-9);
        let squares: Vec<f64> = scores.iter().map(|score| score.powi(2)).collect();
        // The mean of five, each of deviation 1 about what all say.
        let deviation = mean(&squares).sqrt();
        assert!((deviation / 4.2f64.sqrt() - 1.0).abs() < 0.03, "{deviation}");
    }

    #[test]
    fn few_rows_are_measured_by_rulers_that_they_did_not_set() {
        let mut rng = Rng::new(3);
        let mut normal = |count: usize| -> Vec<f64> {
            (0..count).map(|_| f64::from(rng.standard_normal())).collect()
        };
        // Twelve rows of each of five members, many times, beside fresh rows of the same.
        let (mut within, mut across, mut fresh) = (0, 0, 0);
        for _ in 0..200 {
            let measured: Vec<Vec<Vec<f64>>> =
                (0..5).map(|_| ScoreKind::MEASURES.iter().map(|_| normal(12)).collect()).collect();
            let of: Vec<&Vec<f64>> = measured.iter().map(|own| &own[0]).collect();
            let ruler = Ruler::together(&of)[0];
            let above = |scores: &mut dyn Iterator<Item = f64>| scores.filter(|s| *s > 1.5).count();
            within += above(&mut measured[0][0].iter().map(|value| ruler.measure(*value)));
            let kind = ScoreKind::MEASURES[0];
            across += above(&mut by_rulers_of_others(&measured, kind)[0].iter().copied());
            fresh += above(&mut normal(12).into_iter().map(|value| ruler.measure(value)));
        }
        assert!(within < fresh, "{within} {fresh}");
        let near = (across as f64 / fresh as f64 - 1.0).abs();
        assert!(near < 0.25, "{within} {across} {fresh}");
    }

    #[test]
    fn scores_without_other_members_or_without_spread_stay_as_they_are() {
        let near = |a: Vec<f64>, b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(as_means(&[1.0, -2.0], &[vec![], vec![]]), [1.0, -2.0]));
        assert!(near(as_means(&[1.0, 1.0], &[vec![3.0], vec![4.0]]), [1.0, 1.0]));
        let opposed = as_means(&[1.0, -1.0], &[vec![-9.0, -9.0], vec![9.0, 9.0]]);
        assert!(opposed.iter().all(|score| score.is_finite()));
        assert!(as_means(&[], &[]).is_empty());
    }
}
