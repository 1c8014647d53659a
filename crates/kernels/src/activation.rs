//! The activations: names, values, derivatives.

use crate::pieces::{Real, simd};
use serde::{Deserialize, Serialize};

/// A function applied to each unit.
///
/// Each value and derivative is written once; the bodies for single and double precision share
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `z`
    Identity,
    /// `1 / (1 + exp(-z))`
    Sigmoid,
    /// `tanh(z)`
    Tanh,
    /// `max(z, 0)`
    Relu,
    /// `z` where positive, `0.01 z` elsewhere (Maas et al. 2013)
    LeakyRelu,
    /// `z` where positive, `exp(z) - 1` elsewhere (Clevert et al. 2016)
    Elu,
    /// `z Φ(z)` with the normal distribution function Φ (Hendrycks and Gimpel 2016), exact, not the
    /// tanh approximation
    Gelu,
    /// `z sigmoid(z)` (Elfwing et al. 2018)
    Silu,
    /// `ln(1 + exp(z))`
    Softplus,
}

/// Slope of the leaky rectifier on the negative side.
const LEAK: f64 = 0.01;

impl Activation {
    /// Every activation, in the order of the manual.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::Sigmoid,
        Self::Tanh,
        Self::Relu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Gelu,
        Self::Silu,
        Self::Softplus,
    ];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Softplus => "softplus",
        }
    }

    /// Whether the derivative needs the input; the others find it from the output alone.
    pub fn needs_input(self) -> bool {
        matches!(self, Self::Gelu | Self::Silu)
    }

    /// The function's value at `z`.
    #[inline(always)]
    pub(crate) fn value<T: Real>(self, z: T) -> T {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        match self {
            Self::Identity => z,
            Self::Sigmoid => one / (one + T::exp(zero - z)),
            Self::Tanh => T::tanh(z),
            Self::Relu => T::max(z, zero),
            Self::LeakyRelu => T::max(z, zero) + T::of(LEAK) * T::min(z, zero),
            Self::Elu => T::max(z, zero) + T::exp_m1(T::min(z, zero)),
            Self::Gelu => z * T::normal_cdf(z),
            Self::Silu => {
                // The exponential of a negative number, which never overflows: far to the left it
                // is all of the value.
                let e = T::exp(zero - T::abs(z));
                z * T::select(z > zero, one, e) / (one + e)
            }
            Self::Softplus => T::max(z, zero) + T::ln_1p(T::exp(zero - T::abs(z))),
        }
    }

    /// The derivative, from the input for gelu and silu and from the output for the others
    /// ([`Activation::needs_input`]).
    ///
    /// At the kink of a rectifier the derivative is the one of the negative side.
    #[inline(always)]
    pub(crate) fn slope<T: Real>(self, saved: T) -> T {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        match self {
            Self::Identity => one,
            Self::Sigmoid => saved * (one - saved),
            Self::Tanh => one - saved * saved,
            Self::Relu => T::select(saved > zero, one, zero),
            Self::LeakyRelu => T::select(saved > zero, one, T::of(LEAK)),
            Self::Elu => T::select(saved > zero, one, saved + one),
            Self::Gelu => T::normal_cdf(saved) + saved * T::normal_density(saved),
            Self::Silu => {
                let s = one / (one + T::exp(zero - saved));
                s * (one + saved * (one - s))
            }
            Self::Softplus => zero - T::exp_m1(zero - saved),
        }
    }

    /// The derivative of [`Activation::slope`] by what was saved; zero at the kink of a rectifier.
    #[inline(always)]
    pub(crate) fn bend<T: Real>(self, saved: T) -> T {
        let (zero, one, two) = (T::of(0.0), T::of(1.0), T::of(2.0));
        match self {
            Self::Identity | Self::Relu | Self::LeakyRelu => zero,
            Self::Sigmoid => one - two * saved,
            Self::Tanh => zero - two * saved,
            Self::Elu => T::select(saved > zero, zero, one),
            Self::Gelu => T::normal_density(saved) * (two - saved * saved),
            Self::Silu => {
                let s = one / (one + T::exp(zero - saved));
                s * (one - s) * (two + saved * (one - two * s))
            }
            Self::Softplus => T::exp(zero - saved),
        }
    }

    /// Replaces each `z` by the function of `z + bias`, row by row; without a bias, of `z`.
    ///
    /// The last row may be cut short.
    pub(crate) fn apply<T: Real>(self, values: &mut [T], bias: Option<&[T]>) {
        // The match stands outside the loops, so that each loop is one vectorised function.
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || match bias {
                        Some(bias) => {
                            for row in values.chunks_mut(bias.len()) {
                                for (z, b) in row.iter_mut().zip(bias) {
                                    *z = Self::$name.value(*z + *b);
                                }
                            }
                        }
                        None => {
                            for z in values.iter_mut() {
                                *z = Self::$name.value(*z);
                            }
                        }
                    }),)*
                }
            };
        }
        each!(Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu, Gelu, Silu, Softplus);
    }

    /// Writes each direction times the slope at what was saved.
    pub(crate) fn steer<T: Real>(
        self,
        out: &mut [std::mem::MaybeUninit<T>],
        directions: &[T],
        saved: &[T],
    ) {
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || {
                        for ((out, d), s) in out.iter_mut().zip(directions).zip(saved) {
                            out.write(*d * Self::$name.slope(*s));
                        }
                    }),)*
                }
            };
        }
        each!(Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu, Gelu, Silu, Softplus);
    }

    /// Multiplies each gradient by the bend at what was saved.
    pub(crate) fn multiply_bend<T: Real>(self, gradient: &mut [T], saved: &[T]) {
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || {
                        for (g, s) in gradient.iter_mut().zip(saved) {
                            *g = *g * Self::$name.bend(*s);
                        }
                    }),)*
                }
            };
        }
        each!(Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu, Gelu, Silu, Softplus);
    }

    /// Multiplies each gradient by the slope at what was saved.
    pub(crate) fn multiply_slope<T: Real>(self, gradient: &mut [T], saved: &[T]) {
        macro_rules! each {
            ($($name:ident),*) => {
                match self {
                    $(Self::$name => simd(#[inline(always)] || {
                        for (g, s) in gradient.iter_mut().zip(saved) {
                            *g = *g * Self::$name.slope(*s);
                        }
                    }),)*
                }
            };
        }
        each!(Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu, Gelu, Silu, Softplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(activation: Activation, z: f64) -> f64 {
        match activation {
            Activation::Identity => z,
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Activation::Tanh => z.tanh(),
            Activation::Relu => z.max(0.0),
            Activation::LeakyRelu => z.max(0.01 * z),
            Activation::Elu => {
                if z > 0.0 {
                    z
                } else {
                    z.exp_m1()
                }
            }
            Activation::Gelu => 0.5 * z * libm::erfc(-z / 2f64.sqrt()),
            Activation::Silu => z / (1.0 + (-z).exp()),
            Activation::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
        }
    }

    /// Within 1e-6 of the number, where it is one that single precision holds in full; below that,
    /// within the smallest such number.
    fn assert_accurate(got: f32, wanted: f64, slack: f64, what: &str) {
        let error = (f64::from(got) - wanted).abs();
        let smallest = f64::from(f32::MIN_POSITIVE);
        // The last term: silu multiplies a number below the smallest full one, which has fewer
        // digits.
        assert!(
            error <= 1e-6 * wanted.abs() + slack + 1e-43
                || (wanted.abs() < smallest && error <= smallest),
            "{what} = {got} wanted {wanted}"
        );
    }

    #[test]
    fn values_in_single_precision_agree_with_double_precision_over_the_range() {
        for activation in Activation::ALL {
            // Whole registers, as in use, and an odd rest.
            let inputs: Vec<f32> = (-110_000..=110_000).map(|step| step as f32 * 1e-3).collect();
            let mut values = inputs.clone();
            activation.apply(&mut values, None);
            for (z, value) in inputs.into_iter().zip(values) {
                assert_accurate(
                    value,
                    reference(activation, f64::from(z)),
                    0.0,
                    &format!("{activation:?}({z})"),
                );
            }
        }
    }

    #[test]
    fn slopes_and_bends_in_single_precision_agree_with_double_precision() {
        for activation in Activation::ALL {
            let inputs: Vec<f32> =
                (-30_000..=30_000).map(|step| step as f32 * 1e-3 + 3e-4).collect();
            let mut saved = inputs.clone();
            if !activation.needs_input() {
                activation.apply(&mut saved, None);
            }
            let (mut slopes, mut bends) = (vec![1f32; saved.len()], vec![1f32; saved.len()]);
            activation.multiply_slope(&mut slopes, &saved);
            activation.multiply_bend(&mut bends, &saved);
            for ((saved, slope), bend) in saved.into_iter().zip(slopes).zip(bends) {
                // Sums of parts that cancel: absolute, beside numbers around one.
                let exact = f64::from(saved);
                assert_accurate(
                    slope,
                    activation.slope(exact),
                    1e-6,
                    &format!("slope of {activation:?} at {saved}"),
                );
                assert_accurate(
                    bend,
                    activation.bend(exact),
                    2e-6,
                    &format!("bend of {activation:?} at {saved}"),
                );
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none_and_infinities_go_where_they_should() {
        for activation in Activation::ALL {
            let mut values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
            activation.apply(&mut values, None);
            assert!(values[0].is_nan(), "{activation:?}(NaN) = {}", values[0]);
            assert!(
                values[1] == f32::INFINITY || values[1] == 1.0,
                "{activation:?}(inf) = {}",
                values[1]
            );
        }
    }

    #[test]
    fn bends_agree_with_differences_of_slopes() {
        for activation in Activation::ALL {
            for step in -600..600 {
                let z = f64::from(step) * 1e-2 + 3e-3;
                // By the input where that is saved; by the output elsewhere, within the range of
                // outputs.
                let saved = if activation.needs_input() { z } else { activation.value(z) };
                let step = 1e-6;
                // Outputs of rectifiers lie on their kink itself.
                if f64::abs(saved) < step {
                    continue;
                }
                let wanted = (activation.slope(saved + step) - activation.slope(saved - step))
                    / (2.0 * step);
                let bend = activation.bend(saved);
                assert!(
                    (bend - wanted).abs() < 1e-6,
                    "{activation:?}''({z}) = {bend} wanted {wanted}"
                );
            }
        }
    }

    #[test]
    fn slopes_agree_with_differences_of_values() {
        for activation in Activation::ALL {
            for step in -600..600 {
                let z = f64::from(step) * 1e-2 + 3e-3;
                let step = 1e-6;
                let wanted = (reference(activation, z + step) - reference(activation, z - step))
                    / (2.0 * step);
                let saved = if activation.needs_input() { z } else { activation.value(z) };
                let slope = activation.slope(saved);
                assert!(
                    (slope - wanted).abs() < 1e-7,
                    "{activation:?}'({z}) = {slope} wanted {wanted}"
                );
            }
        }
    }
}
