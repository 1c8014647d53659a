//! Reconstruction losses of single elements: values and slopes.

use crate::pieces::{Real, simd};
use serde::{Deserialize, Serialize};
use std::mem::MaybeUninit;

/// A loss summed over the elements of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowLoss {
    /// `(output - target)²`, without a factor one half
    Squared,
    /// `|output - target|`
    Absolute,
    /// `-ln p(target)` of a Bernoulli variable whose logit is the output: `ln(1 + exp(output)) -
    /// output * target`
    BernoulliLogits,
}

/// Independent partial sums; also the number of f32 in the widest register.
const LANES: usize = 16;

impl RowLoss {
    #[inline(always)]
    fn value<T: Real>(self, output: T, target: T) -> T {
        let difference = output - target;
        match self {
            Self::Squared => difference * difference,
            Self::Absolute => T::abs(difference),
            Self::BernoulliLogits => {
                T::max(output, T::of(0.0)) + T::ln_1p(T::exp(T::of(0.0) - T::abs(output)))
                    - output * target
            }
        }
    }

    #[inline(always)]
    fn slope<T: Real>(self, output: T, target: T) -> T {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        match self {
            Self::Squared => T::of(2.0) * (output - target),
            Self::Absolute => {
                T::select(output > target, one, zero) - T::select(output < target, one, zero)
            }
            Self::BernoulliLogits => one / (one + T::exp(zero - output)) - target,
        }
    }

    /// The sum of the losses of one row. The order of additions is fixed by the row's length alone.
    pub(crate) fn sum<T: Real>(self, output: &[T], target: &[T]) -> T {
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || {
                        let mut sums = [T::of(0.0); LANES];
                        let mut outputs = output.chunks_exact(LANES);
                        let mut targets = target.chunks_exact(LANES);
                        for (o, t) in (&mut outputs).zip(&mut targets) {
                            for lane in 0..LANES {
                                sums[lane] = sums[lane] + Self::$name.value(o[lane], t[lane]);
                            }
                        }
                        let rest = outputs.remainder().iter().zip(targets.remainder());
                        let rest = rest.fold(T::of(0.0), |sum, (o, t)| {
                            sum + Self::$name.value(*o, *t)
                        });
                        sums.iter().fold(rest, |sum, lane| sum + *lane)
                    }),)*
                }
            };
        }
        each!(Squared, Absolute, BernoulliLogits)
    }

    /// Writes `g` times the slope of each element into `gradient`.
    pub(crate) fn gradient<T: Real>(
        self,
        gradient: &mut [MaybeUninit<T>],
        output: &[T],
        target: &[T],
        g: T,
    ) {
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || {
                        for ((d, o), t) in gradient.iter_mut().zip(output).zip(target) {
                            d.write(g * Self::$name.slope(*o, *t));
                        }
                    }),)*
                }
            };
        }
        each!(Squared, Absolute, BernoulliLogits);
    }
}
