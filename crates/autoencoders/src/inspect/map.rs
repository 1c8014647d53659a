//! A plane through the codes.

use crate::baseline::principal;
use crate::model::Matrix;

/// The plane along which codes vary most: a map of them, and the way back from a place on it to a code.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeMap {
    /// The mean code, the middle of the map [latent].
    pub mean: Vec<f32>,
    /// The directions to the right and upwards, orthonormal [2, latent]; the second is zero for codes of one unit.
    pub axes: Vec<f32>,
    /// The variance along each of them, over the variance of all units together.
    pub shares: [f64; 2],
}

impl CodeMap {
    /// The plane of codes [rows, latent].
    pub fn of(codes: &Matrix) -> Self {
        let (mean, components, variances, total) = principal(&codes.values, codes.columns, 2);
        let mut axes = components;
        axes.resize(2 * codes.columns, 0.0);
        let share = |at: usize| variances.get(at).copied().unwrap_or(0.0) / if total > 0.0 { total } else { 1.0 };
        Self { mean, axes, shares: [share(0), share(1)] }
    }

    /// Where a code lies.
    pub fn place(&self, code: &[f32]) -> [f32; 2] {
        let latent = self.mean.len();
        let along = |axis: usize| {
            let axis = &self.axes[axis * latent..][..latent];
            axis.iter().zip(code).zip(&self.mean).map(|((axis, value), mean)| axis * (value - mean)).sum()
        };
        [along(0), along(1)]
    }

    /// The code at a place: the one in the plane.
    pub fn code(&self, [right, up]: [f32; 2]) -> Vec<f32> {
        let (first, second) = self.axes.split_at(self.mean.len());
        self.mean.iter().zip(first).zip(second).map(|((mean, a), b)| mean + right * a + up * b).collect()
    }
}
