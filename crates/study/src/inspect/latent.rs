//! Walks through the code.

use crate::inspect::code::Unit;
use model::Model;
use rows::{Matrix, Result};

/// Rows decoded while one unit moves and the others stand at their means: `steps` values from
/// 2.5 standard deviations below its mean to as many above, within its range; [steps,
/// features].
pub fn traversal(model: &Model, units: &[Unit], unit: usize, steps: usize) -> Result<Matrix<f64>> {
    let middle: Vec<f32> = units.iter().map(|unit| unit.mean as f32).collect();
    let Unit { mean, deviation, range: [low, high], .. } = units[unit];
    let (from, to) = ((mean - 2.5 * deviation).max(low), (mean + 2.5 * deviation).min(high));
    let codes = (0..steps).flat_map(|step| {
        let mut code = middle.clone();
        code[unit] =
            (from + (to - from) * step as f64 / steps.saturating_sub(1).max(1) as f64) as f32;
        code
    });
    model.decode(&Matrix { columns: middle.len(), values: codes.collect() })
}

/// Codes of two units on a square grid, decoded: `side` by `side` rows [side², features], the
/// first from the upper left.
///
/// The grid spans 2 standard deviations of each unit to both sides of its mean.
pub fn manifold(model: &Model, units: &[Unit], side: usize) -> Result<Matrix<f64>> {
    let at = |unit: &Unit, step: usize| {
        (unit.mean + unit.deviation * (4.0 * step as f64 / (side - 1).max(1) as f64 - 2.0)) as f32
    };
    let codes = (0..side)
        .rev()
        .flat_map(|up| (0..side).flat_map(move |right| [at(&units[0], right), at(&units[1], up)]));
    model.decode(&Matrix { columns: 2, values: codes.collect() })
}

/// A code on the straight line from `a` to `b`, at `share` of the way: `a + t (b - a)`.
pub fn straight(a: &[f32], b: &[f32], share: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + (b - a) * share).collect()
}

/// A code on the arc from `a` to `b`, at `share` of the way: `sin((1 - t) θ) / sin θ a + sin(t θ) /
/// sin θ b` with the angle `θ` between them (Shoemake 1985).
///
/// Draws from a normal prior lie near a sphere; the straight line between two of them leaves it.
/// Where the two point the same way or one is nothing, the straight line.
pub fn spherical(a: &[f32], b: &[f32], share: f32) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let share = f64::from(share);
    let (from, to) = match angle.sin() {
        sine if sine > 1e-6 => (((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine),
        _ => (1.0 - share, share),
    };
    a.iter().zip(b).map(|(a, b)| (from * f64::from(*a) + to * f64::from(*b)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_arc_between_two_unit_vectors_has_length_one() {
        let middle = spherical(&[1.0, 0.0], &[0.0, 1.0], 0.5);
        assert!(
            (middle[0] - 0.5f32.sqrt()).abs() < 1e-6 && (middle[1] - 0.5f32.sqrt()).abs() < 1e-6,
            "{middle:?}"
        );
        assert_eq!(spherical(&[1.0, 0.0], &[0.0, 1.0], 0.0), [1.0, 0.0]);
    }

    #[test]
    fn codes_that_point_the_same_way_are_joined_by_a_line() {
        assert_eq!(spherical(&[1.0, 1.0], &[3.0, 3.0], 0.5), [2.0, 2.0]);
        assert_eq!(spherical(&[0.0, 0.0], &[2.0, 0.0], 0.25), [0.5, 0.0]);
    }
}
