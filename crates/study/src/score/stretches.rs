//! Stretches of points above a threshold, and how they lie to those that labels call anomalies.

use crate::metrics::Alarms;
use rows::Windows;
use serde::Serialize;
use std::ops::Range;

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

/// The stretches of points of [`Dataset::windows`](rows::Dataset::windows) above a threshold, which
/// lie in one series each; those that are nearer than a window are one.
pub fn stretches_of(windows: &Windows, scores: &[Option<f64>], threshold: f64) -> Vec<Stretch> {
    let in_one = |points: Range<usize>| {
        let found = stretches(&scores[points.clone()], threshold, windows.length);
        found.into_iter().map(move |stretch| Stretch {
            start: points.start + stretch.start,
            end: points.start + stretch.end,
            peak: points.start + stretch.peak,
        })
    };
    windows.series_points().into_iter().flat_map(in_one).collect()
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

/// How alarms lie to events: successive points that labels call anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventFigures {
    /// How many events there are.
    pub events: usize,
    /// Those of which some point is in a stretch of alarms.
    pub found: usize,
    /// How many stretches of alarms there are.
    pub stretches: usize,
    /// Those of which some point is in an event.
    pub right: usize,
    /// The harmonic mean of the part of the events that are found and of the stretches that are
    /// right; 0 where either is none.
    pub f1: f64,
    /// The figures of points where one alarm in an event counts as an alarm at each of its points
    /// (Xu et al. 2018). Scores drawn at random do well by it where events are long (Kim et al.
    /// 2022).
    pub adjusted: Alarms,
}

impl EventFigures {
    /// Of the scores of points, none of which need have one, and whether each is an anomaly.
    pub fn of(
        windows: &Windows,
        scores: &[Option<f64>],
        anomaly: &[bool],
        threshold: f64,
        found: &[Stretch],
    ) -> Self {
        let mut events: Vec<Range<usize>> = Vec::new();
        for series in windows.series_points() {
            let mut from = series.start;
            for same in anomaly[series].chunk_by(|a, b| a == b) {
                if same[0] {
                    events.push(from..from + same.len());
                }
                from += same.len();
            }
        }
        let touch = |event: &Range<usize>, stretch: &Stretch| {
            stretch.start < event.end && stretch.end >= event.start
        };
        let above = |point: usize| scores[point].is_some_and(|score| score > threshold);
        let hit = |event: &&Range<usize>| found.iter().any(|stretch| touch(event, stretch));
        let right = |stretch: &&Stretch| events.iter().any(|event| touch(event, stretch));
        let mut called: Vec<f64> =
            (0..scores.len()).map(|point| f64::from(u8::from(above(point)))).collect();
        for event in events.iter().filter(|event| (*event).clone().any(above)) {
            called[event.clone()].fill(1.0);
        }
        let (hits, right) = (events.iter().filter(hit).count(), found.iter().filter(right).count());
        let part = |some: usize, all: usize| some as f64 / all.max(1) as f64;
        let (recall, precision) = (part(hits, events.len()), part(right, found.len()));
        Self {
            events: events.len(),
            found: hits,
            stretches: found.len(),
            right,
            f1: 2.0 * recall * precision / (recall + precision).max(1e-300),
            adjusted: Alarms { threshold, ..Alarms::at(0.5, &called, anomaly) },
        }
    }
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

    fn windows(points: usize, groups: Option<Vec<String>>) -> Windows {
        let stamps = (0..points).map(|point| point.to_string()).collect();
        let series = rows::Series::of(2);
        Windows { stamps, groups, labels: None, starts: vec![0], length: 2, series }
    }

    #[test]
    fn a_stretch_ends_with_its_series() {
        let scores = [0.0, 0.0, 5.0, 6.0, 0.0].map(Some);
        let groups = ["a", "a", "a", "b", "b"].map(str::to_owned).to_vec();
        let found = stretches_of(&windows(5, Some(groups)), &scores, 1.0);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].end, found[1].start), (2, 3));
        assert_eq!(stretches_of(&windows(5, None), &scores, 1.0).len(), 1);
    }

    #[test]
    fn events_are_found_where_some_point_of_theirs_is_in_a_stretch() {
        //                       --------------                    -----
        let scores = [0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0];
        let anomaly: Vec<bool> =
            (0..10).map(|point| (1..4).contains(&point) || (8..10).contains(&point)).collect();
        let (windows, scores) = (windows(10, None), scores.map(Some));
        let found = stretches_of(&windows, &scores, 1.0);
        let figures = EventFigures::of(&windows, &scores, &anomaly, 1.0, &found);
        assert_eq!(
            (figures.events, figures.found, figures.stretches, figures.right, figures.f1),
            (2, 1, 2, 1, 0.5)
        );
        // All three points of the first event count as called, and one that is none.
        assert_eq!((figures.adjusted.recall, figures.adjusted.precision), (0.6, 0.75));
    }
}
