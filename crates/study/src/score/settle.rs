//! Points that are odd only because of one beside them.
//!
//! A spike leaves every window odd that holds it, and with these all of their points. So where a point
//! is odd by itself, what was expected is put in its place, and the points beside it that are usual
//! then are.

use crate::score::calibration::Threshold;
use crate::score::detector::{Detector, score};
use crate::score::kind::ScoreKind;
use crate::score::point_judge::PointJudge;
use crate::score::stretches::stretches_of;
use model::Model;
use rows::{Dataset, Result, Values, Windows};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Points of a stretch that are put right at most, one after the other.
const ROUNDS: usize = 4;
/// How often what is expected of an odd point is asked for, which its own error spoils until it stands
/// in its place.
const AGAIN: usize = 5;
/// Numbers of windows that a round looks at, about.
const NUMBERS: usize = 1 << 24;

/// Lowers the scores of points that are usual once what was expected stands in the place of the oddest
/// points near them; `own` are the distances of all points.
pub(crate) fn settle(
    model: &Model,
    data: &Dataset,
    kind: ScoreKind,
    detector: &Detector,
    (scores, own): (&mut [Option<f64>], &[Option<f64>]),
) -> Result<()> {
    let (Some(judge), Some(windows)) = (&detector.points, &data.windows) else { return Ok(()) };
    let contamination = model.plan().blueprint.contamination;
    let threshold = detector.point_threshold(kind, Threshold::Auto, contamination)?;
    let mut settled = Settled { judge, points: BTreeMap::new() };
    // The points that changed nothing: what is odd about their stretches is not a point.
    let mut in_vain = BTreeSet::new();
    for _ in 0..ROUNDS {
        let odd = oddest(windows, scores, own, (threshold, data.features()), (&settled, &in_vain));
        if odd.is_empty() {
            break;
        }
        let near = |row: &usize| {
            let start = windows.starts[*row];
            odd.range(reach(start, windows.length, 2 * windows.length - 1)).next().is_some()
        };
        let rows: Vec<usize> = (0..data.rows()).filter(near).collect();
        let mut part = data.select(&rows)?;
        for _ in 0..AGAIN {
            settled.expect(model, &part, &odd)?;
            part = settled.put_into(part)?;
        }
        let changed = settled.scores(model, part, kind)?;
        for point in odd {
            let beside = reach(point, windows.length, windows.length).filter(|at| {
                let above = |scores: &[Option<f64>]| {
                    scores.get(*at).copied().flatten().is_some_and(|score| score > threshold)
                };
                let usual = changed.get(*at).copied().flatten().is_some() && !above(&changed);
                above(scores) && usual && !settled.points.contains_key(at)
            });
            let beside: Vec<usize> = beside.collect();
            if beside.is_empty() {
                // It stays as it is for the stretches beside it, too.
                settled.points.remove(&point);
                in_vain.insert(point);
            }
            beside.into_iter().for_each(|at| scores[at] = changed[at]);
        }
    }
    Ok(())
}

/// The places from which a window reaches a place, and to which one of so many points does.
fn reach(place: usize, length: usize, points: usize) -> RangeInclusive<usize> {
    (place + 1).saturating_sub(length)..=place + points.max(1) - 1
}

/// Of each stretch of several points above the threshold the one with the largest error of its own that
/// has not been put right.
fn oddest(
    windows: &Windows,
    scores: &[Option<f64>],
    own: &[Option<f64>],
    (threshold, features): (f64, usize),
    (settled, in_vain): (&Settled, &BTreeSet<usize>),
) -> BTreeSet<usize> {
    let mut found = Vec::new();
    for stretch in stretches_of(windows, scores, threshold) {
        let whole = stretch.start..=stretch.end;
        let above = |at: &usize| scores[*at].is_some_and(|score| score > threshold);
        let rest = whole.clone().filter(|at| above(at) && !settled.points.contains_key(at));
        let rest: Vec<usize> = rest.collect();
        let distance = |at: usize| own[at].unwrap_or(0.0);
        let peak = rest.iter().copied().max_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        if let Some(peak) = peak
            && stretch.end > stretch.start
            && in_vain.range(whole).next().is_none()
        {
            found.push((distance(peak), peak));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most = NUMBERS / (3 * windows.length * features).max(1);
    found.into_iter().take(most.max(1)).map(|(_, peak)| peak).collect()
}

/// What was expected of points, by their measured channels.
struct Settled<'a> {
    judge: &'a PointJudge,
    points: BTreeMap<usize, Vec<f64>>,
}

impl Settled<'_> {
    /// Notes what windows expect of points in the mean.
    fn expect(&mut self, model: &Model, part: &Dataset, odd: &BTreeSet<usize>) -> Result<()> {
        let Some(windows) = &part.windows else { return Ok(()) };
        let (measured, features) = (self.judge.channels(), part.features());
        let width = features / windows.length.max(1);
        let rebuilt = model.reconstruct(part)?;
        let mut sums: BTreeMap<usize, (usize, Vec<f64>)> = BTreeMap::new();
        for (start, rebuilt) in windows.starts.iter().zip(rebuilt.values.chunks(features.max(1))) {
            for point in odd.range(*start..start + windows.length) {
                let place = (point - start) * width;
                let (count, sum) = sums.entry(*point).or_insert((0, vec![0.0; measured]));
                *count += 1;
                sum.iter_mut().zip(&rebuilt[place..]).for_each(|(sum, number)| *sum += number);
            }
        }
        let mean = |(point, (count, sum)): (usize, (usize, Vec<f64>))| {
            (point, sum.into_iter().map(|sum| sum / count as f64).collect())
        };
        self.points.extend(sums.into_iter().map(mean));
        Ok(())
    }

    /// Windows with what was expected in the place of those points.
    fn put_into(&self, mut part: Dataset) -> Result<Dataset> {
        let Some(windows) = &part.windows else { return Ok(part) };
        let features = part.features();
        let width = features / windows.length.max(1);
        let values = part.gather(0..part.rows())?;
        let mut values: Vec<f64> = (0..values.len()).map(|at| values.get(at)).collect();
        for (start, window) in windows.starts.iter().zip(values.chunks_mut(features.max(1))) {
            for (point, expected) in self.points.range(*start..start + windows.length) {
                let place = (point - start) * width;
                window[place..place + expected.len()].copy_from_slice(expected);
            }
        }
        part.values = Values::F64(values).into();
        Ok(part)
    }

    /// The scores of the points of such windows.
    fn scores(&self, model: &Model, part: Dataset, kind: ScoreKind) -> Result<Vec<Option<f64>>> {
        let Some(windows) = &part.windows else { return Ok(Vec::new()) };
        let rows = score(model, &part, kind, 0)?;
        let means = windows.mean(|window, _| rows[window].score);
        let own = self.judge.own(model, &part, windows)?;
        Ok(self.judge.scores(kind, &means, &own))
    }
}
