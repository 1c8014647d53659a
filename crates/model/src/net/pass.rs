//! One pass through the layers.

use crate::net::vars::{VarId, Vars};
use burn_tensor::Tensor;
use rows::Rng;

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The fraction of the whole training, from 0 to 1.
    pub fraction: f64,
}

impl Progress {
    /// After training: every warm-up is over.
    pub const DONE: Self = Self { fraction: 1.0 };
}

/// What a pass through the layers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, dropout, corruption.
    Training,
    /// Running statistics, no dropout: a row's result depends on that row alone.
    Evaluation,
}

/// One pass: its mode, its random numbers, and what it wants changed afterwards.
#[derive(Clone, Debug)]
pub struct Pass {
    /// What the pass is for.
    pub mode: Mode,
    /// Whether the code is drawn from its distribution or is that distribution's mean.
    pub sampling: bool,
    /// The random numbers of this pass.
    pub rng: Rng,
    /// How far training is.
    pub progress: Progress,
    /// New values of running statistics, to be written once the step is done.
    pub updates: Vec<(VarId, Tensor<2>)>,
}

impl Pass {
    /// A training step's pass, at the training's end.
    pub fn training(rng: Rng) -> Self {
        Self {
            mode: Mode::Training,
            sampling: true,
            rng,
            progress: Progress::DONE,
            updates: Vec::new(),
        }
    }

    /// A pass whose result depends on the rows alone.
    pub fn deterministic(rng: Rng) -> Self {
        Self { mode: Mode::Evaluation, sampling: false, ..Self::training(rng) }
    }

    /// An evaluation with codes drawn from their distribution.
    pub fn sampling(rng: Rng) -> Self {
        Self { mode: Mode::Evaluation, ..Self::training(rng) }
    }

    /// Writes the running statistics that the pass has gathered.
    pub fn commit(self, vars: &mut Vars) {
        for (id, value) in self.updates {
            vars.set(id, value.inner());
        }
    }
}
