//! What a point of a series says of itself, beside the windows that hold it.
//!
//! A window's score is about all of its points: one that is odd alone is little among many.

use crate::score::calibration::{Calibration, KNOWN, at_least};
use crate::score::judge::{Judge, Ruler, joined};
use crate::score::kind::ScoreKind;
use crate::score::whiten::Whitener;
use model::{Inside, Model};
use rows::{ColumnKind, Dataset, Matrix, Part, Result, Windows};
use std::collections::BTreeSet;

/// What a category that training did not know adds to the distance of a point, in deviations.
const UNKNOWN: f64 = 30.0;

/// Judges points by their own errors.
///
/// A window has as many points as chances that one of them is extreme. So a point's own error counts
/// by how rare it is in a window, and thresholds are of windows: one in a hundred points would be
/// an alarm every few windows.
#[derive(Debug)]
pub(crate) struct PointJudge {
    /// How large errors are at each place of a window [length, channels]: at its ends they are larger.
    /// Channels are those that are measured, without the phases of the calendar.
    pub(crate) deviations: Vec<f32>,
    /// How the errors of channels vary together, in such units.
    pub(crate) errors: Whitener,
    /// For distances of points.
    pub(crate) ruler: Ruler,
    /// Of windows, each with its most extreme point, in the order of [`ScoreKind::ALL`].
    pub(crate) calibrations: Vec<Calibration>,
}

/// The measured channels of a point, which stand before its phases.
fn measured(windows: &Windows, features: usize) -> usize {
    let phases = 2 * windows.series.cycles().len();
    (features / windows.length.max(1)).saturating_sub(phases)
}

impl PointJudge {
    /// Learns from windows how errors vary, and what is usual from `held_out` and the first of `train`,
    /// of which `scores` are what the windows score by each of [`ScoreKind::ALL`]; none for rows that
    /// are no windows.
    pub(crate) fn fit(
        model: &Model,
        data: &Dataset,
        train: &[usize],
        held_out: &[usize],
        scores: &[[Vec<f64>; 2]],
    ) -> Result<Option<Self>> {
        let Some(windows) = &data.windows else { return Ok(None) };
        let channels = measured(windows, data.features());
        let known = &train[..train.len().min(KNOWN)];
        let sample = if known.is_empty() { &held_out[..held_out.len().min(KNOWN)] } else { known };
        if channels == 0 || sample.is_empty() {
            return Ok(None);
        }
        let width = windows.length * channels;
        let mut errors = Vec::with_capacity(sample.len() * width);
        model.blocks(data, sample, |_, values, x| {
            let residuals = Judge::see(model, values, x)?.residuals;
            errors.extend(own_errors(&residuals, windows.length, channels));
            Ok(())
        })?;
        let mut deviations = vec![0f64; width];
        for window in errors.chunks(width) {
            let squares = window.iter().map(|error| f64::from(*error).powi(2));
            deviations.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
        }
        let deviations: Vec<f32> = deviations
            .into_iter()
            .map(|sum| (sum / sample.len() as f64).sqrt().max(1e-9) as f32)
            .collect();
        for window in errors.chunks_mut(width) {
            window.iter_mut().zip(&deviations).for_each(|(error, deviation)| *error /= deviation);
        }
        let contamination = model.plan().blueprint.contamination;
        let errors = Whitener::fit(&errors, channels, contamination);
        let ruler = Ruler::of(Vec::new());
        let mut judge = Self { deviations, errors, ruler, calibrations: Vec::new() };
        let [(own, most), (known, most_known)] =
            [judge.most(model, data, held_out)?, judge.most(model, data, known)?];
        judge.ruler = Ruler::of(at_least(own, known));
        for (kind, [scores, known]) in ScoreKind::ALL.into_iter().zip(scores) {
            let joined = |scores: &[f64], most: &[f64]| -> Vec<f64> {
                scores
                    .iter()
                    .zip(most)
                    .map(|(score, own)| judge.score(kind, *score, *own))
                    .collect()
            };
            let all = at_least(joined(scores, &most), joined(known, &most_known));
            judge.calibrations.push(Calibration::new(all));
        }
        Ok(Some(judge))
    }

    /// The distances of the points of some windows, and of the most extreme of each window.
    fn most(&self, model: &Model, data: &Dataset, rows: &[usize]) -> Result<(Vec<f64>, Vec<f64>)> {
        if rows.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let data = data.select(rows)?;
        let Some(windows) = &data.windows else { return Ok((Vec::new(), Vec::new())) };
        let own = self.distances(model, &data, windows)?;
        let most = |start: &usize| {
            let points = own[*start..*start + windows.length].iter().flatten();
            points.copied().fold(0.0, f64::max)
        };
        let most = windows.starts.iter().map(most).collect();
        Ok((own.into_iter().flatten().collect(), most))
    }

    /// The scores of points, of which `windows` is what their windows score in the mean, and `own` their
    /// own distances.
    pub(crate) fn scores(
        &self,
        kind: ScoreKind,
        windows: &[Option<f64>],
        own: &[Option<f64>],
    ) -> Vec<Option<f64>> {
        let both = windows.iter().zip(own);
        both.map(|(score, own)| Some(self.score(kind, (*score)?, (*own)?))).collect()
    }

    /// The distances of points; a category that training did not know lies far off.
    pub(crate) fn own(
        &self,
        model: &Model,
        data: &Dataset,
        of: &Windows,
    ) -> Result<Vec<Option<f64>>> {
        let mut own = self.distances(model, data, of)?;
        for point in unknown(data, of)? {
            own[point] = own[point].map(|distance| distance + UNKNOWN);
        }
        Ok(own)
    }

    /// The measured channels of a point.
    pub(crate) fn channels(&self) -> usize {
        self.errors.columns()
    }

    /// The points of a window.
    fn length(&self) -> usize {
        self.deviations.len() / self.errors.columns().max(1)
    }

    /// A point's score, of what its windows score and its own distance.
    fn score(&self, kind: ScoreKind, windows: f64, own: f64) -> f64 {
        if !tells(kind) {
            return windows;
        }
        // In so many points what is rare is as many times less rare.
        let chances = (self.length().max(1) as f64).log10();
        joined(windows, self.ruler.measure(own) - chances)
    }

    /// The mean distance of each point's error over the windows that hold it.
    fn distances(
        &self,
        model: &Model,
        data: &Dataset,
        windows: &Windows,
    ) -> Result<Vec<Option<f64>>> {
        let (channels, length) = (self.errors.columns(), self.length());
        let sums = model.each_block(
            data,
            0..data.rows(),
            |blocks| {
                let mut sums = vec![(0.0, 0usize); windows.stamps.len()];
                let mut starts = windows.starts.iter();
                for block in blocks {
                    let block: Vec<f64> = block?;
                    for (distances, start) in block.chunks(length).zip(&mut starts) {
                        for (sum, distance) in sums[*start..].iter_mut().zip(distances) {
                            *sum = (sum.0 + distance, sum.1 + 1);
                        }
                    }
                }
                Ok(sums)
            },
            |values, x| {
                let residuals = Judge::see(model, values, x)?.residuals;
                let mut errors = own_errors(&residuals, length, channels);
                for window in errors.chunks_mut(self.deviations.len()) {
                    let pairs = window.iter_mut().zip(&self.deviations);
                    pairs.for_each(|(error, deviation)| *error /= deviation);
                }
                let distance = |error: &[f32]| {
                    let square = self.errors.distance(error);
                    if square.is_nan() { 1e150 } else { square.clamp(0.0, 1e300).sqrt() }
                };
                Ok(errors.chunks(channels).map(distance).collect())
            },
        )?;
        let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
        Ok(sums.into_iter().map(mean).collect())
    }
}

/// The points that have a category which training did not know.
fn unknown(data: &Dataset, windows: &Windows) -> Result<BTreeSet<usize>> {
    let mut parts = windows.series.parts();
    parts.retain(|part| part.field.kind == ColumnKind::Categorical);
    if parts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (features, mut starts) = (data.features(), windows.starts.iter());
    let width = features / windows.length.max(1);
    let mut found = BTreeSet::new();
    for block in data.blocks() {
        let block = block?;
        for (row, start) in (0..block.len() / features.max(1)).zip(&mut starts) {
            for place in 0..windows.length {
                let at = |channel: usize| block.get(row * features + place * width + channel);
                // It has no channel of its own.
                let none = |part: &Part| part.channels.clone().all(|channel| at(channel) == 0.0);
                if parts.iter().any(none) {
                    found.insert(start + place);
                }
            }
        }
    }
    Ok(found)
}

/// Whether a point's own error has a part in scores of a kind.
pub(crate) fn tells(kind: ScoreKind) -> bool {
    matches!(kind, ScoreKind::Joined | ScoreKind::Reconstruction)
}

/// The errors of the measured channels [windows * length, channels].
fn own_errors(residuals: &Matrix, length: usize, channels: usize) -> Vec<f32> {
    let width = residuals.columns / length.max(1);
    residuals.values.chunks(width.max(1)).flat_map(|point| &point[..channels]).copied().collect()
}
