//! The tail of numbers of which few lie far out.

use serde::{Deserialize, Serialize};

/// The fraction of the numbers that a tail describes.
const TAIL: f64 = 0.1;

/// What lies beyond the ninth tenth: `P(excess > y) = (1 + shape y / scale)^(-1 / shape)`, the
/// generalised Pareto distribution (Pickands 1975).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tail {
    /// Where it begins.
    pub start: f64,
    /// The fraction of the numbers that lie in it.
    pub fraction: f64,
    /// How heavy it is: 0 for an exponential one.
    pub shape: f64,
    /// How long it is; above zero.
    pub scale: f64,
}

/// Excesses from which a shape can be told; fewer get an exponential tail.
const TELLING: usize = 20;

impl Tail {
    /// Fits by probability-weighted moments (Hosking and Wallis 1987).
    ///
    /// Of ascending numbers, at least one.
    pub(crate) fn fit(scores: &[f64]) -> Self {
        let start = quantile(scores, 1.0 - TAIL);
        let excess: Vec<f64> =
            scores.iter().map(|score| score - start).filter(|excess| *excess > 0.0).collect();
        let n = excess.len() as f64;
        let fraction = if excess.is_empty() { TAIL } else { n / (scores.len() as f64 + 1.0) };
        let mean = (excess.iter().sum::<f64>() / n.max(1.0)).max(1e-9 * (1.0 + start.abs()));
        // The excesses ascend, as the scores do.
        let weighted = excess
            .iter()
            .enumerate()
            .map(|(at, excess)| (1.0 - (at as f64 + 0.65) / n) * excess)
            .sum::<f64>()
            / n.max(1.0);
        let shape = 2.0 - mean / (mean - 2.0 * weighted);
        if excess.len() >= TELLING && shape.is_finite() {
            // A bounded tail would call everything beyond the last score impossible, a heavier
            // one nothing an anomaly.
            let shape = shape.clamp(0.0, 0.5);
            Self { start, fraction, shape, scale: mean * (1.0 - shape) }
        } else {
            Self { start, fraction, shape: 0.0, scale: mean }
        }
    }

    /// The fraction of the tail that lies farther than this beyond its start.
    pub(crate) fn beyond(&self, excess: f64) -> f64 {
        if self.shape > 1e-6 {
            (1.0 + self.shape * excess / self.scale).powf(-1.0 / self.shape)
        } else {
            (-excess / self.scale).exp()
        }
    }

    /// How far beyond its start this fraction of the tail lies.
    pub(crate) fn inverse(&self, beyond: f64) -> f64 {
        if self.shape > 1e-6 {
            self.scale / self.shape * (beyond.powf(-self.shape) - 1.0)
        } else {
            -self.scale * beyond.ln()
        }
    }

    /// How many times ten times rarer than the tail's start a number beyond it is: the logarithm of
    /// [`Tail::beyond`] to the base of a tenth.
    pub(crate) fn rarity(&self, excess: f64) -> f64 {
        let nats = if self.shape > 1e-6 {
            (self.shape * excess / self.scale).ln_1p() / self.shape
        } else {
            excess / self.scale
        };
        nats / std::f64::consts::LN_10
    }
}

/// The value at a fraction of ascending numbers, between two of them in proportion.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let place = fraction.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    sorted[low] + part * (sorted[(low + 1).min(sorted.len() - 1)] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_ten_times_rarer_for_each_unit_of_rarity() {
        for shape in [0.0, 0.2, 0.5] {
            let tail = Tail { start: 0.0, fraction: 0.1, shape, scale: 0.7 };
            for excess in [0.0, 0.1, 1.0, 5.0] {
                let expected = -tail.beyond(excess).log10();
                assert!((tail.rarity(excess) - expected).abs() < 1e-9, "{shape} {excess}");
            }
        }
    }
}
