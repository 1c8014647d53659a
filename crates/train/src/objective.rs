//! What the training loop lowers: a loss of batches.

use model::{Batch, Done, Loss, Numbers, Pass, Phase, Sums, Weights, ahead};
use rows::{Result, Rng};

/// A loss of batches, as the loop and the optimisers see it.
pub trait Objective: Sync {
    /// The loss of a batch in one phase: named terms, averaged over its rows, whose sum it is.
    fn loss(&self, phase: &Phase, values: &Weights, batch: &Batch, pass: &mut Pass)
    -> Result<Loss>;

    /// The forward passes of a training step, each with the variables that it moves.
    fn phases(&self) -> Vec<Phase> {
        Phase::all()
    }

    /// The number that early stopping and schedules judge by.
    fn judged_by(&self, numbers: &Numbers) -> f64 {
        numbers.sum()
    }

    /// After each phase.
    fn after_step(&self, _done: &mut Done) -> Result<()> {
        Ok(())
    }
}

/// The terms of all phases averaged over batches, with noise by `rng` and every warm-up over.
///
/// The same `rng` gives the same noise, so that two evaluations differ by the variables alone.
pub fn mean_terms(
    objective: &dyn Objective,
    values: &Weights,
    batches: impl Iterator<Item = Result<Batch>> + Send,
    rng: &Rng,
) -> Result<Numbers> {
    let together = usize::from(batches.size_hint().0 > 1);
    let phases = objective.phases();
    ahead(batches, together, |batches| {
        let mut total = Sums::default();
        for (index, batch) in batches.enumerate() {
            let batch = batch?;
            let mut numbers = Numbers::default();
            for phase in &phases {
                let mut pass = Pass::sampling(rng.at(index));
                let loss = objective.loss(phase, values, &batch, &mut pass)?;
                numbers.0.extend(Numbers::read(&loss.terms).0);
            }
            total.add(&numbers, batch.rows());
        }
        Ok(total.mean())
    })
}
