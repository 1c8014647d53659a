//! From scores of windows to scores of the points they hold.

use crate::score::detector::{detector, score, together};
use crate::score::kind::{LEAST, Reason, ScoreKind};
use crate::score::point_judge::tells;
use crate::score::settle::settle;
use model::Model;
use rows::{ColumnKind, Dataset, Error, Message, Part, Result, Windows};

/// A point's score.
#[derive(Clone, Debug, PartialEq)]
pub struct PointScore {
    /// Of the mean score of the windows that hold the point, and by kinds that measure errors of its own
    /// error over them, the more extreme, joined as in [`ScoreKind::Joined`]; none where no window
    /// holds it.
    pub score: Option<f64>,
    /// The fraction of normal windows with a smaller score, each with its most extreme point.
    pub probability: Option<f64>,
    /// What differs most from what was expected; `column` is the place among
    /// [`Series::parts`](rows::Series::parts).
    pub reasons: Vec<Reason>,
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
    let scores = match &detector.points {
        Some(points) if tells(kind) => {
            let own = points.own(model, data, windows)?;
            let mut scores = points.scores(kind, &scores, &own);
            settle(model, data, kind, &detector, (&mut scores, &own))?;
            scores
        }
        _ => scores,
    };
    let calibration = detector.point_calibration(kind);
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

/// For each channel what is expected of points, in the mean of their windows; none for a point that no
/// window holds.
///
/// Some windows at a time: all of them hold each point as often as a window has points.
fn expected(model: &Model, data: &Dataset, windows: &Windows) -> Result<Vec<Vec<Option<f64>>>> {
    let features = data.features();
    let channels = features / windows.length.max(1);
    let mut sums = vec![vec![(0.0, 0usize); windows.stamps.len()]; channels];
    let rows: Vec<usize> = (0..data.rows()).collect();
    for rows in rows.chunks(together(features)) {
        let rebuilt = model.reconstruct(&data.select(rows)?)?.values;
        for (at, number) in rebuilt.iter().enumerate() {
            let (start, at) = (windows.starts[rows[at / features]], at % features);
            let (sum, count) = &mut sums[at % channels][start + at / channels];
            *sum += model.signature().kept_value(at, *number);
            *count += 1;
        }
    }
    let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
    Ok(sums.into_iter().map(|sums| sums.into_iter().map(mean).collect()).collect())
}

fn explain(
    model: &Model,
    data: &Dataset,
    windows: &Windows,
    most: usize,
    points: &mut [PointScore],
) -> Result<()> {
    let (observed, expected) = (data.points()?, expected(model, data, windows)?);
    let both = observed.into_iter().zip(expected);
    let channels: Vec<_> = both.map(|(observed, expected)| [observed, expected]).collect();
    let compared =
        |part: &Part| Compared::of(part, &channels[part.channels.clone()], windows.stamps.len());
    let pairs: Vec<Compared> = windows.series.parts().iter().map(compared).collect();
    for (at, point) in points.iter_mut().enumerate() {
        let mut found: Vec<Reason> = pairs
            .iter()
            .enumerate()
            .filter_map(|(column, of)| {
                let (observed, expected, square) = of.points[at].filter(|_| of.tells(at))?;
                Some(Reason::of(column, observed, expected, square / of.usual))
            })
            .collect();
        let all: f64 = found.iter().map(|why| why.share).sum();
        // What training never had explains more than anything that it had.
        let unknown = found.iter_mut().filter(|why| pairs[why.column].unknown(why.observed));
        unknown.for_each(|why| why.share += all);
        let total: f64 = found.iter().map(|why| why.share).sum();
        found
            .iter_mut()
            .for_each(|why| why.share = if total > 0.0 { why.share / total } else { 0.0 });
        found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.column.cmp(&b.column)));
        found.retain(|why| why.share >= LEAST);
        found.truncate(most);
        point.reasons = found;
    }
    Ok(())
}

/// Beyond this the squares of errors are all as large, and their sums numbers.
const MOST: f64 = 1e280;
/// Of the mean error, what is usual at least.
const FEW: f64 = 0.1;
/// Phases nearer than this part of their cycle are the same to whoever reads them.
const NEAR: f64 = 1.0 / 24.0;

/// A part of a series' channels, observed and expected.
struct Compared {
    /// Whether its numbers are measured, or those of a phase or the place of a level.
    measured: bool,
    /// The levels that training knew; none of numbers and phases.
    levels: usize,
    /// For each point what was observed, what was expected, and how far they are apart, squared; none
    /// where no window holds the point.
    points: Vec<Option<(f64, f64, f64)>>,
    /// Channels have scales of their own: differences count in units of the part's usual one.
    usual: f64,
}

impl Compared {
    /// Of the observed and the expected numbers of each of its channels.
    fn of(part: &Part, channels: &[[Vec<Option<f64>>; 2]], points: usize) -> Self {
        let numbers = |point: usize, side: usize| -> Option<Vec<f64>> {
            channels.iter().map(|channel| channel[side][point]).collect()
        };
        let point = |point: usize| {
            let (observed, expected) = (numbers(point, 0)?, numbers(point, 1)?);
            let square = |(a, b): (&f64, &f64)| (a - b).powi(2).min(MOST);
            let squares = observed.iter().zip(&expected).map(square);
            Some((part.value(&observed), part.value(&expected), squares.sum::<f64>()))
        };
        let points: Vec<Option<(f64, f64, f64)>> = (0..points).map(point).collect();
        let mut squares: Vec<f64> = points.iter().flatten().map(|(_, _, square)| *square).collect();
        squares.sort_by(f64::total_cmp);
        let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
        // One wild value would make itself usual in a mean, and states are mostly rebuilt without error.
        let middle = squares.get(squares.len() / 2).copied().unwrap_or(0.0);
        let usual = middle.max(FEW * mean).max(1e-300);
        let levels = if part.field.kind == ColumnKind::Categorical { channels.len() } else { 0 };
        Self { measured: part.field.kind.is_number(), levels, points, usual }
    }

    /// Whether a number is the place of a category that training did not know.
    fn unknown(&self, observed: f64) -> bool {
        self.levels > 0 && observed >= self.levels as f64
    }

    /// Whether a point is there another than was expected to whoever reads it.
    fn tells(&self, point: usize) -> bool {
        self.points[point].is_some_and(|(observed, expected, _)| {
            let apart = (observed - expected).abs();
            // A time of day is a part of a day, which begins anew behind its end.
            self.measured || apart > NEAR && apart < 1.0 - NEAR || apart >= 1.0
        })
    }
}
