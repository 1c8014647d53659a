//! The loss of an autoencoder as an objective of the loop.

use crate::objective::{Objective, mean_terms};
use burn_tensor::Tensor;
use model::{Batch, Coder, Done, Loss, Numbers, Pass, Phase, Terms, Weights};
use rows::{Result, Rng};

/// An autoencoder with the weight of the squared weights in its loss.
#[derive(Clone, Copy, Debug)]
pub struct Autoencoding<'a> {
    /// What is trained.
    pub coder: &'a Coder,
    /// Weight of the squared weights.
    pub l2: f64,
}

impl Autoencoding<'_> {
    /// The terms averaged over blocks of prepared rows, with noise by `rng` and every warm-up over.
    ///
    /// Errors as the blocks'.
    pub fn mean_terms(
        &self,
        values: &Weights,
        blocks: impl Iterator<Item = Result<Tensor<2>>> + Send,
        rng: &Rng,
    ) -> Result<Numbers> {
        let batch = |(index, x): (usize, Result<_>)| self.coder.batch(x?, &rng.at(index));
        mean_terms(self, values, blocks.enumerate().map(batch), rng)
    }

    /// The sum of the squares of all weights, biases left out.
    fn squares(&self, values: &Weights) -> Tensor<1> {
        // Rows first: a sum over a whole matrix is taken in an order that depends on the threads.
        let weights = self.coder.parts.network.weights();
        let squares = weights.map(|id| values.get(id).square().sum_dim(1).sum());
        squares
            .reduce(|sum, square| sum + square)
            .unwrap_or_else(|| Tensor::zeros([1], &Default::default()))
    }
}

impl Objective for Autoencoding<'_> {
    fn loss(
        &self,
        phase: &Phase,
        values: &Weights,
        batch: &Batch,
        pass: &mut Pass,
    ) -> Result<Loss> {
        let mut loss = self.coder.loss(phase, values, batch, pass)?;
        if self.l2 > 0.0 {
            loss.terms = loss.terms.with(Terms::one("l2", self.l2, self.squares(values)));
        }
        Ok(loss)
    }

    fn phases(&self) -> Vec<Phase> {
        self.coder.plan.family.phases()
    }

    fn judged_by(&self, numbers: &Numbers) -> f64 {
        self.coder.plan.family.judged_by(numbers)
    }

    fn after_step(&self, done: &mut Done) -> Result<()> {
        self.coder.plan.family.after_step(&self.coder.parts, done)
    }
}
