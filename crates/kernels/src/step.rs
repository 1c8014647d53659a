//! The numbers of optimiser steps, and their loops over one piece of a parameter.

use crate::pieces::Real;

/// The numbers of one step of Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and
/// Hutter 2019).
///
/// `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`,
/// `p ← p - rate decay p - rate (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub decay: f64,
    /// Number of this step, from 1.
    pub time: u64,
}

impl AdamStep {
    pub(crate) fn correction1(&self) -> f64 {
        1.0 / (1.0 - power(self.beta1, self.time))
    }

    pub(crate) fn correction2(&self) -> f64 {
        1.0 / (1.0 - power(self.beta2, self.time))
    }

    /// Steps over one piece; `numbers` come from [`AdamStep::numbers`].
    #[inline(always)]
    pub(crate) fn piece<T: Real>(numbers: [T; 7], p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]) {
        let [beta1, rest1, beta2, rest2, epsilon, change, keep] = numbers;
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            *m = beta1 * *m + rest1 * *g;
            *v = beta2 * *v + rest2 * *g * *g;
            *p = keep * *p - change * *m / (T::sqrt(*v) + epsilon);
        }
    }

    /// β₁, 1 - β₁, β₂, 1 - β₂, ε, rate and kept fraction; both bias corrections are moved into ε and
    /// the rate.
    pub(crate) fn numbers<T: Real>(&self) -> [T; 7] {
        let root = self.correction2().sqrt();
        [
            self.beta1,
            1.0 - self.beta1,
            self.beta2,
            1.0 - self.beta2,
            self.epsilon / root,
            self.rate * self.correction1() / root,
            1.0 - self.rate * self.decay,
        ]
        .map(T::of)
    }
}

/// `base` to a whole power; a fraction to more than 2³¹ is nothing.
fn power(base: f64, exponent: u64) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

/// The numbers of one step of gradient descent with momentum and decoupled weight decay.
///
/// `velocity ← momentum velocity + g`, `p ← p - rate decay p - rate velocity`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub rate: f64,
    /// Fraction of the velocity that is kept.
    pub momentum: f64,
    /// Decoupled weight decay.
    pub decay: f64,
}

impl SgdStep {
    #[inline(always)]
    pub(crate) fn piece<T: Real>(
        [rate, momentum, keep]: [T; 3],
        p: &mut [T],
        g: &[T],
        velocity: &mut [T],
    ) {
        for ((p, g), velocity) in p.iter_mut().zip(g).zip(velocity) {
            *velocity = momentum * *velocity + *g;
            *p = keep * *p - rate * *velocity;
        }
    }
}
