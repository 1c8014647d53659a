//! From scores of windows to scores of the points they hold.

use crate::score::detector::{detector, score};
use crate::score::kind::{Reason, ScoreKind};
use model::Model;
use rows::{Dataset, Error, Message, Result, Windows};

/// A point's score.
#[derive(Clone, Debug, PartialEq)]
pub struct PointScore {
    /// The mean score of the windows that hold the point; none where no window does.
    pub score: Option<f64>,
    /// The fraction of normal windows with a smaller score.
    pub probability: Option<f64>,
    /// The channels that differ most from what was expected; `column` is the channel.
    pub reasons: Vec<Reason>,
}

/// Points in a row whose scores are above a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stretch {
    /// The first point.
    pub start: usize,
    /// The last point.
    pub end: usize,
    /// The point with the highest score.
    pub peak: usize,
}

/// Scores the points of a series whose rows are windows ([`Dataset::windows`]), each with at
/// most so many reasons.
///
/// What is expected of a point is the mean of the reconstructions of its windows.
pub fn score_points(
    model: &Model,
    data: &Dataset,
    kind: ScoreKind,
    reasons: usize,
) -> Result<Vec<PointScore>> {
    let windows = data.windows.as_ref().ok_or_else(|| {
        let wanted = Message::from("holds no windows of a series; read it with ");
        Error::data(&data.name, wanted.setting("window"))
    })?;
    let rows = score(model, data, kind, 0)?;
    let scores = windows.mean(|window, _| rows[window].score);
    let detector = detector(model)?;
    let calibration = detector.calibration(kind);
    let points = scores.into_iter().map(|score| PointScore {
        score,
        probability: score.map(|score| calibration.probability(score)),
        reasons: Vec::new(),
    });
    let mut points: Vec<PointScore> = points.collect();
    if reasons > 0 {
        explain(model, data, windows, reasons, &mut points)?;
    }
    Ok(points)
}

fn explain(
    model: &Model,
    data: &Dataset,
    windows: &Windows,
    most: usize,
    points: &mut [PointScore],
) -> Result<()> {
    let channels = data.features() / windows.length;
    let rebuilt = model.reconstruct(data)?;
    let observed = data.gather(0..data.rows())?;
    let at = |window: usize, place: usize, channel: usize| {
        window * data.features() + place * channels + channel
    };
    let means = |of: &dyn Fn(usize) -> f64, channel: usize| {
        windows.mean(|window, place| of(at(window, place, channel)))
    };
    let mut pairs = Vec::new();
    for channel in 0..channels {
        let signature = model.signature();
        let kept = |at: usize| signature.kept_value(at % data.features(), rebuilt.values[at]);
        let expected = means(&kept, channel);
        let observed = means(&|at| observed.get(at), channel);
        let both: Vec<Option<(f64, f64)>> = observed
            .into_iter()
            .zip(expected)
            .map(|(observed, expected)| observed.zip(expected))
            .collect();
        // Channels have scales of their own: differences count in units of the channel's usual
        // one.
        let squares: Vec<f64> = both
            .iter()
            .flatten()
            .map(|(observed, expected)| (observed - expected).powi(2))
            .collect();
        let usual = (squares.iter().sum::<f64>() / squares.len().max(1) as f64).max(1e-300);
        pairs.push((both, usual));
    }
    for (place, point) in points.iter_mut().enumerate() {
        let mut found: Vec<Reason> = pairs
            .iter()
            .enumerate()
            .filter_map(|(column, (both, usual))| {
                let (observed, expected) = both[place]?;
                Some(Reason {
                    column,
                    observed,
                    expected,
                    share: (observed - expected).powi(2) / usual,
                })
            })
            .collect();
        let total: f64 = found.iter().map(|why| why.share).sum();
        found
            .iter_mut()
            .for_each(|why| why.share = if total > 0.0 { why.share / total } else { 0.0 });
        found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.column.cmp(&b.column)));
        found.truncate(most);
        point.reasons = found;
    }
    Ok(())
}

/// The stretches of points above a threshold; those that fewer than `apart` points part are one.
pub fn stretches(scores: &[Option<f64>], threshold: f64, apart: usize) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let above = scores
        .iter()
        .enumerate()
        .filter_map(|(at, score)| Some((at, score.filter(|score| *score > threshold)?)));
    for (at, score) in above {
        match found.last_mut().filter(|last| at - last.end <= apart.max(1)) {
            Some(last) => {
                last.end = at;
                if scores[last.peak].is_none_or(|peak| score > peak) {
                    last.peak = at;
                }
            }
            None => found.push(Stretch { start: at, end: at, peak: at }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_above_the_threshold_that_are_near_each_other_are_one_stretch() {
        let scores = [0.0, 5.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 9.0];
        let points = scores.map(Some);
        assert_eq!(
            stretches(&points, 1.0, 2),
            [Stretch { start: 1, end: 3, peak: 3 }, Stretch { start: 8, end: 8, peak: 8 }]
        );
        assert_eq!(stretches(&points, 1.0, 1).len(), 3);
        assert!(stretches(&points, 10.0, 1).is_empty());
    }
}
