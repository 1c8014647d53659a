//! Numbers that the norms and penalties share, and their loops over columns and rows.

use crate::pieces::{Real, simd};

/// Added to a variance before its root is taken, as in PyTorch.
pub const EPSILON: f64 = 1e-5;
/// A mean activation is kept this far from 0 and 1, where its divergence would be infinite.
pub(crate) const CLIPPED: f64 = 1e-6;
/// A logarithm of a variance is kept within this of zero, so that its exponential stays finite in
/// f32.
pub const LOG_VARIANCE: f64 = 20.0;

/// `Σ f(x)` down each column of `x`, rows of `sum.len()` numbers, added to `sum`; `f` must be
/// `#[inline(always)]`.
#[inline(always)]
pub(crate) fn add_columns<T: Real>(sum: &mut [T], x: &[T], f: impl Fn(usize, T) -> T) {
    simd(
        #[inline(always)]
        || {
            for row in x.chunks(sum.len().max(1)) {
                for (column, (sum, x)) in sum.iter_mut().zip(row).enumerate() {
                    *sum = *sum + f(column, *x);
                }
            }
        },
    );
}

/// The sums of each column from those of rows that were `repeats` rows side by side.
pub(crate) fn gathered<T: Real>(wide: Vec<T>, columns: usize) -> Vec<T> {
    let mut total = vec![T::of(0.0); columns];
    for row in wide.chunks_exact(columns.max(1)) {
        for (total, value) in total.iter_mut().zip(row) {
            *total = *total + *value;
        }
    }
    total
}

/// A row repeated, so that loops over it are long enough to vectorise.
pub(crate) fn repeated<T: Real>(row: &[T], repeats: usize) -> Vec<T> {
    row.iter().copied().cycle().take(row.len() * repeats).collect()
}

/// `-½ (1 + l - m² - exp(l))` of a mean and a clipped logarithm of a variance.
#[inline(always)]
pub(crate) fn divergence<T: Real>(mean: T, log_variance: T) -> T {
    let l = clipped(log_variance);
    T::of(0.5) * (mean * mean + T::exp(l) - l - T::of(1.0))
}

/// A logarithm of a variance within its bounds.
#[inline(always)]
pub(crate) fn clipped<T: Real>(log_variance: T) -> T {
    T::min(T::max(log_variance, T::of(-LOG_VARIANCE)), T::of(LOG_VARIANCE))
}

/// One within the bounds of a logarithm of a variance, zero beyond.
#[inline(always)]
pub(crate) fn unclipped<T: Real>(log_variance: T) -> T {
    let bound = T::of(LOG_VARIANCE);
    T::select(T::abs(log_variance) > bound, T::of(0.0), T::of(1.0))
}
