//! What the hand-written bodies share: the two float types, run-time SIMD, and the cutting of work into pieces.

/// Elements in a piece of work: 64 KB of f32 stay in the second-level cache of any processor of the last ten years.
///
/// Pieces never depend on the number of threads, so that sums over pieces come out the same for any number.
pub(crate) const PIECE: usize = 16 * 1024;

/// Runs `work` with the widest SIMD instructions of this processor; loops inlined into it are vectorised for them.
#[inline(always)]
pub(crate) fn simd<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Calls `work(index, piece)` for each piece of `values`, on all cores where there are more than two pieces.
///
/// `length` is the elements in a piece.
pub(crate) fn for_each_piece<T: Send>(values: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    #[cfg(feature = "threads")]
    if values.len() > 2 * length {
        use rayon::prelude::*;
        values.par_chunks_mut(length).enumerate().for_each(|(index, piece)| work(index, piece));
        return;
    }
    values.chunks_mut(length).enumerate().for_each(|(index, piece)| work(index, piece));
}

/// As many rows of this width as make a piece.
pub(crate) fn rows_per_piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1)
}

/// f32 or f64, with the functions the activations need.
///
/// The f32 versions are branch-free polynomials, so that loops over them vectorise; the f64 versions serve gradient checks and
/// take the standard library's.
pub(crate) trait Real:
    burn::tensor::Element
    + bytemuck::Pod
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    fn of(value: f64) -> Self;
    fn as_f64(self) -> f64;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn select(condition: bool, yes: Self, no: Self) -> Self;
    fn exp(self) -> Self;
    /// `exp(self) - 1` for arguments at most zero.
    fn exp_m1(self) -> Self;
    /// `ln(1 + self)` for arguments from zero to one.
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    /// The distribution function of the standard normal.
    fn normal_cdf(self) -> Self;
    /// The density of the standard normal.
    fn normal_density(self) -> Self;
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn as_f64(self) -> f64 {
        self
    }
    fn max(self, other: Self) -> Self {
        f64::max(self, other)
    }
    fn min(self, other: Self) -> Self {
        f64::min(self, other)
    }
    fn abs(self) -> Self {
        f64::abs(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn normal_cdf(self) -> Self {
        0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }
    fn normal_density(self) -> Self {
        (-0.5 * self * self).exp() * 0.398_942_280_401_432_7
    }
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn as_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // NaN in `self` must come through: a rectifier that swallows it would hide a diverged training.
        if self < other { other } else { self }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self > other { other } else { self }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        // Two roundings of the exponent's scale, so that results below the smallest normal number still come out.
        let (r, n) = reduce(Real::min(Real::max(self, -103.0), 88.8));
        let p = exp_polynomial(r);
        let half = (n * 0.5).floor();
        (1.0 + (r + r * r * p)) * power_of_two(half) * power_of_two(n - half)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        let (r, n) = reduce(Real::max(self, -40.0));
        let p = exp_polynomial(r);
        let scale = power_of_two(n);
        // scale * (1 + q) - 1 with q = r + r²p: exact where scale is one, and no cancellation elsewhere.
        (r + r * r * p) * scale + (scale - 1.0)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        // ln(1 + u) = 2 artanh(s) with s = u / (2 + u) in [0, 1/3]; the odd series converges fast there.
        let s = self / (2.0 + self);
        let q = s * s;
        let series = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0];
        let p = series.iter().fold(1.0f32 / 15.0, |p, c| p * q + c);
        2.0 * s + 2.0 * s * q * p
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        // tanh|z| = -m / (2 + m) with m = exp(-2|z|) - 1: keeps its relative accuracy down to zero.
        let m = Real::exp_m1(-2.0 * self.abs());
        (-m / (2.0 + m)).copysign(self)
    }
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        // In double precision: rounding the argument would cost up to 1e-5 of the tail.
        f64::from(self).normal_cdf() as f32
    }
    #[inline(always)]
    fn normal_density(self) -> Self {
        Real::exp(-0.5 * self * self) * 0.398_942_3
    }
}

/// `(r, n)` with `x = r + n ln 2` and `|r|` at most half of `ln 2`; `n` is whole.
#[inline(always)]
fn reduce(x: f32) -> (f32, f32) {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number without a function call.
    const ROUND: f32 = 12_582_912.0;
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    // ln 2 in two parts: the first has few enough bits that its product with n is exact.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    (r, n)
}

/// `(exp(r) - 1 - r) / r²` for `|r|` at most half of `ln 2`: the Taylor series, whose remainder is below 3e-9 there.
#[inline(always)]
fn exp_polynomial(r: f32) -> f32 {
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0];
    series.iter().fold(1.0f32 / 40320.0, |p, c| p * r + c)
}

/// Two to the power of a whole number between -126 and 127.
#[inline(always)]
fn power_of_two(n: f32) -> f32 {
    f32::from_bits(((n as i32 + 127) << 23) as u32)
}
