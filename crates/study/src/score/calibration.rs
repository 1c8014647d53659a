//! From a score to a probability and a threshold, by the scores of rows that trained nothing.

use crate::score::tail::{Tail, quantile};
use rows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where scores begin to be anomalies, as written on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Threshold {
    /// `contamination` of the training where that is above zero, else `pot:0.01`; where fewer than
    /// 300 rows trained nothing, `pot` at three of them, because fewer tell nothing rarer.
    #[default]
    Auto,
    /// `contamination:F`: the fraction F of rows like the training's lies above.
    Contamination(f64),
    /// `pot:F`: peaks over threshold: the fraction F by a generalised Pareto tail (Siffer et al.
    /// 2017), also where F is smaller than one of so many rows.
    Peaks(f64),
    /// `deviations:K`: mean and K standard deviations of the scores.
    Deviations(f64),
    /// `f1`: the best F1 on labelled rows.
    F1,
    /// `at:S`: this very score.
    At(f64),
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, number) = text.split_once(':').unwrap_or((text, ""));
        let between = |low: f64, high: f64, wanted: &str| match number.parse::<f64>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(Error::setting("threshold", text, wanted)),
        };
        match name {
            "auto" if number.is_empty() => Ok(Self::Auto),
            "f1" if number.is_empty() => Ok(Self::F1),
            "contamination" => between(1e-6, 0.5, "contamination:F with F from 0.000001 to 0.5")
                .map(Self::Contamination),
            "pot" => between(1e-9, 0.1, "pot:F with F up to 0.1, as in pot:0.01").map(Self::Peaks),
            "deviations" => {
                between(0.0, 100.0, "deviations:K with K from 0 to 100, as in deviations:3")
                    .map(Self::Deviations)
            }
            "at" => between(f64::MIN, f64::MAX, "at:S with a score S").map(Self::At),
            _ => Err(Error::unknown(
                "threshold",
                text,
                ["auto", "contamination:0.05", "pot:0.01", "deviations:3", "f1", "at:SCORE"],
            )),
        }
    }
}

rows::as_text!(Threshold);

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Contamination(fraction) => write!(f, "contamination:{fraction}"),
            Self::Peaks(fraction) => write!(f, "pot:{fraction}"),
            Self::Deviations(count) => write!(f, "deviations:{count}"),
            Self::F1 => f.write_str("f1"),
            Self::At(score) => write!(f, "at:{score}"),
        }
    }
}

/// Scores of rows that trained nothing, which other scores are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Ascending; never empty.
    scores: Vec<f64>,
    tail: Tail,
}

/// Windows that trained by which errors are measured and scores calibrated, at most.
pub(crate) const KNOWN: usize = 2048;
/// Scores kept at most, evenly over the ranks; the highest, which decide about the tail, all.
const MOST: usize = 2000;

impl Calibration {
    /// Of finite scores, at least one.
    pub fn new(mut scores: Vec<f64>) -> Self {
        scores.sort_by(f64::total_cmp);
        if scores.len() > MOST {
            let last = scores.len() - 1;
            scores = (0..MOST).map(|at| scores[at * last / (MOST - 1)]).collect();
        }
        if scores.is_empty() {
            scores.push(0.0);
        }
        let tail = Tail::fit(&scores);
        Self { scores, tail }
    }

    /// The scores, ascending.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The score below which this fraction of the rows lies.
    pub fn quantile(&self, fraction: f64) -> f64 {
        quantile(&self.scores, fraction)
    }

    /// The fraction of normal rows with a smaller score: by their ranks, and in the highest tenth
    /// by a generalised Pareto tail.
    pub fn probability(&self, score: f64) -> f64 {
        if score > self.tail.start {
            return 1.0 - self.tail.fraction * self.tail.beyond(score - self.tail.start);
        }
        let below = self.scores.partition_point(|known| *known < score);
        let same = self.scores[below..].partition_point(|known| *known <= score);
        ((below as f64 + 0.5 * same as f64) / (self.scores.len() as f64 + 1.0))
            .min(1.0 - self.tail.fraction)
    }

    /// The score from which rows are anomalies; `contamination` is the training's. None for
    /// [`Threshold::F1`], which takes labels.
    pub fn threshold(&self, threshold: Threshold, contamination: f64) -> Option<f64> {
        match threshold {
            Threshold::Auto if contamination > 0.0 => Some(self.quantile(1.0 - contamination)),
            Threshold::Auto => Some(self.peak((3.0 / self.scores.len() as f64).clamp(0.01, 0.1))),
            Threshold::Contamination(fraction) => Some(self.quantile(1.0 - fraction)),
            Threshold::Peaks(fraction) => Some(self.peak(fraction)),
            Threshold::Deviations(count) => {
                let n = self.scores.len() as f64;
                let mean = self.scores.iter().sum::<f64>() / n;
                let variance =
                    self.scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / n;
                Some(mean + count * variance.sqrt())
            }
            Threshold::F1 => None,
            Threshold::At(score) => Some(score),
        }
    }

    /// How a batch's scores differ from these.
    pub fn drift(&self, scores: &[f64]) -> Drift {
        let mut batch = scores.to_vec();
        batch.sort_by(f64::total_cmp);
        let below = |sorted: &[f64], score: f64| {
            sorted.partition_point(|known| *known <= score) as f64 / sorted.len().max(1) as f64
        };
        let gap = |score: &f64| (below(&batch, *score) - below(&self.scores, *score)).abs();
        // No row differs from none.
        let all = if batch.is_empty() { &[] } else { self.scores.as_slice() };
        let distance = all.iter().chain(&batch).map(gap).fold(0.0, f64::max);
        let (a, b) = (self.scores.len() as f64, batch.len() as f64);
        let root = (a * b / (a + b).max(1.0)).sqrt();
        let lambda = (root + 0.12 + 0.11 / root.max(1e-9)) * distance;
        let term = |k: i32| {
            2.0 * f64::from(1 - 2 * ((k + 1) % 2))
                * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
        };
        // The series does not converge near zero, where nothing differs.
        let chance =
            if lambda < 0.3 { 1.0 } else { (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0) };
        let limit = self.quantile(0.99);
        let above = batch.iter().filter(|score| **score > limit).count() as f64 / b.max(1.0);
        Drift {
            distance,
            chance,
            above,
            median: quantile_or_zero(&batch, 0.5),
            reference_median: self.quantile(0.5),
        }
    }

    fn peak(&self, fraction: f64) -> f64 {
        if fraction < self.tail.fraction {
            self.tail.start + self.tail.inverse(fraction / self.tail.fraction)
        } else {
            self.quantile(1.0 - fraction)
        }
    }
}

/// How a batch's scores differ from those of rows that trained nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// The largest difference between both distribution functions (Kolmogorov and Smirnov), from 0
    /// to 1.
    pub distance: f64,
    /// How probable a difference as large would be between rows of one kind (Stephens 1970).
    pub chance: f64,
    /// The fraction of the batch above the 99th percentile of the others; 0.01 without drift.
    pub above: f64,
    /// The batch's median score.
    pub median: f64,
    /// That of the others.
    pub reference_median: f64,
}

impl Drift {
    /// Whether the difference is larger than chance would make it more than once in a thousand
    /// times.
    pub fn found(&self) -> bool {
        self.chance < 1e-3
    }
}

fn quantile_or_zero(sorted: &[f64], fraction: f64) -> f64 {
    if sorted.is_empty() { 0.0 } else { quantile(sorted, fraction) }
}

/// Numbers, each of which is raised to what is as high among `others`, where there are any.
pub(crate) fn at_least(mut numbers: Vec<f64>, mut others: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    others.sort_by(f64::total_cmp);
    let (count, all) = (numbers.len(), others.len());
    for (at, number) in numbers.iter_mut().enumerate() {
        if let Some(other) = others.get((2 * at + 1) * all / (2 * count)) {
            *number = number.max(*other);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    fn normal(count: usize, seed: u64) -> Vec<f64> {
        let mut rng = Rng::new(seed);
        (0..count).map(|_| f64::from(rng.standard_normal())).collect()
    }

    #[test]
    fn numbers_are_no_lower_than_others_of_their_rank() {
        assert_eq!(at_least(vec![3.0, 1.0], vec![0.0, 9.0, 2.0, 5.0]), [2.0, 9.0]);
        assert_eq!(at_least(vec![3.0, 1.0], Vec::new()), [1.0, 3.0]);
        assert_eq!(at_least(vec![4.0, 2.0, 3.0], vec![1.0]), [2.0, 3.0, 4.0]);
    }

    #[test]
    fn thresholds_are_read_and_written_as_text() {
        for text in ["auto", "contamination:0.05", "pot:0.001", "deviations:3", "f1", "at:-2.5"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
        for text in ["pot:2", "pot", "contamination:0.9", "deviations:x", "f1:3", "at:nan", "mean"]
        {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_probability_is_the_fraction_of_fresh_rows_below() {
        let calibration = Calibration::new(normal(1000, 1));
        let fresh = normal(20_000, 2);
        for wanted in [0.5, 0.9, 0.95, 0.99] {
            let below =
                fresh.iter().filter(|score| calibration.probability(**score) < wanted).count()
                    as f64
                    / 20_000.0;
            assert!((below - wanted).abs() < 0.02, "{wanted}: {below}");
        }
    }

    #[test]
    fn probabilities_rise_with_the_score_and_end_below_one() {
        let calibration = Calibration::new(normal(200, 3));
        let grid: Vec<f64> =
            (-400..2000).map(|at| calibration.probability(f64::from(at) / 100.0)).collect();
        assert!(grid.windows(2).all(|pair| pair[0] <= pair[1]), "{grid:?}");
        assert!(grid[0] >= 0.0 && *grid.last().unwrap() <= 1.0 && *grid.last().unwrap() > 0.9999);
    }

    #[test]
    fn a_rare_alarm_is_set_beyond_the_last_known_score() {
        let scores = normal(300, 4);
        let last = scores.iter().copied().fold(f64::MIN, f64::max);
        let calibration = Calibration::new(scores);
        let threshold = calibration.threshold(Threshold::Peaks(1e-5), 0.0).unwrap();
        assert!(threshold > last && threshold < last + 5.0, "{threshold} after {last}");
        let alarms = normal(100_000, 5)
            .iter()
            .filter(|score| **score > calibration.threshold(Threshold::Peaks(0.01), 0.0).unwrap())
            .count();
        assert!((500..2000).contains(&alarms), "{alarms} of 100000 instead of 1000");
    }

    #[test]
    fn the_expected_fraction_lies_above_by_contamination() {
        let calibration = Calibration::new(normal(1000, 6));
        let threshold = calibration.threshold(Threshold::Auto, 0.1).unwrap();
        assert_eq!(calibration.scores().iter().filter(|score| **score > threshold).count(), 100);
    }

    #[test]
    fn rows_of_one_kind_do_not_drift_and_shifted_ones_do() {
        let calibration = Calibration::new(normal(1000, 7));
        for seed in 8..20 {
            let drift = calibration.drift(&normal(500, seed));
            assert!(!drift.found(), "{drift:?}");
        }
        let shifted: Vec<f64> = normal(500, 20).iter().map(|score| score + 0.5).collect();
        let drift = calibration.drift(&shifted);
        assert!(drift.found() && (drift.median - 0.5).abs() < 0.2, "{drift:?}");
        assert!(!calibration.drift(&[]).found());
    }

    #[test]
    fn equal_scores_and_few_scores_give_numbers() {
        for scores in [vec![1.0; 50], vec![2.0], vec![]] {
            let calibration = Calibration::new(scores);
            for score in [-1.0, 1.0, 2.0, 1e9] {
                assert!((0.0..=1.0).contains(&calibration.probability(score)));
            }
            assert!(calibration.threshold(Threshold::Auto, 0.0).unwrap().is_finite());
        }
    }
}
