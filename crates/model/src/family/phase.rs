//! Phases of a training step: which variables move, how often, and how fast.

use crate::net::vars::{DECODER, ENCODER, EXTRA, Group};

/// One of the forward passes of a training step, and the groups of variables that it moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name in messages; it also names the phase's stream of random numbers.
    pub name: &'static str,
    /// The groups whose variables it moves.
    pub moves: Vec<Group>,
    /// It takes part in every step whose number is divisible by this; at least 1.
    pub every: usize,
    /// How it moves them, if otherwise than the training says.
    pub tuning: Option<Tuning>,
}

/// How a phase moves its variables beside the settings of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// The learning rate is multiplied by this.
    pub rate_factor: f64,
    /// Decay of Adam's first moment.
    pub beta1: f64,
    /// Decay of Adam's second moment.
    pub beta2: f64,
    /// Whether weights decay as the training says; if not, they do not decay.
    pub decay: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { rate_factor: 1.0, beta1: 0.9, beta2: 0.999, decay: true }
    }
}

impl Phase {
    /// A phase that moves some groups in every step.
    pub fn new(name: &'static str, moves: &[Group]) -> Self {
        Self { name, moves: moves.to_vec(), every: 1, tuning: None }
    }

    /// The one phase of a family without a critic: everything moves.
    pub fn all() -> Vec<Self> {
        vec![Self::new("all", &[ENCODER, DECODER, EXTRA])]
    }

    /// The same in every `steps`-th step alone.
    #[must_use]
    pub fn every(self, steps: usize) -> Self {
        Self { every: steps.max(1), ..self }
    }

    /// The same with a tuning of its own.
    #[must_use]
    pub fn tuned(self, tuning: Tuning) -> Self {
        Self { tuning: Some(tuning), ..self }
    }
}
