//! What the training loop lowers: a loss of batches.

use crate::ahead::ahead;
use crate::family::{ALL, Batch, Phase, Terms};
use crate::layer::Pass;
use crate::run::{Numbers, Sums};
use crate::vars::{Values, Vars};
use rows::{Result, Rng};

/// A loss of batches, as the loop and the optimisers see it.
pub trait Objective: Sync {
    /// The named terms of the loss of a batch, averaged over its rows; their sum is the loss.
    fn terms(&self, values: &Values, batch: Batch, pass: &mut Pass) -> Result<Terms>;

    /// Groups of variables moved in turn on each batch.
    fn phases(&self) -> &'static [Phase] {
        ALL
    }

    /// After each step.
    fn after_step(&self, _vars: &mut Vars) -> Result<()> {
        Ok(())
    }
}

/// The terms averaged over batches, with noise by `rng` and every warm-up over.
///
/// The same `rng` gives the same noise, so that two evaluations differ by the variables alone.
pub(crate) fn mean_terms(
    objective: &dyn Objective,
    values: &Values,
    batches: impl Iterator<Item = Result<Batch>> + Send,
    rng: &Rng,
) -> Result<Numbers> {
    let together = usize::from(batches.size_hint().0 > 1);
    ahead(batches, together, |batches| {
        let mut total = Sums::default();
        for (index, batch) in batches.enumerate() {
            let batch = batch?;
            let rows = batch.input.dims()[0];
            let terms = objective.terms(values, batch, &mut Pass::sampling(rng.at(index)))?;
            total.add(&Numbers::read(&terms), rows);
        }
        Ok(total.mean())
    })
}
