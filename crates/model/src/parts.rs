//! The networks, the likelihood and what a family adds, joined: from codes to rows and losses.

use crate::blueprint::Blueprint;
use crate::engine::noise::Draw;
use crate::engine::tensors::{Engine, read};
use crate::family::code::Batch;
use crate::likelihood::kind::Likelihood;
use crate::likelihood::table::{hide, known};
use crate::net::network::Network;
use crate::net::pass::Pass;
use crate::net::vars::{EXTRA, FileLayout, Fill, Init, Role, VarId, Weights};
use crate::prepare::scale::Bounds;
use burn_tensor::Tensor;
use kernels::trimmed_weights;
use rows::{Error, Result, Rng};
use std::collections::BTreeMap;

/// Everything that a model computes with but its numbers and its family.
#[derive(Debug)]
pub struct Parts {
    /// What it was built from.
    pub blueprint: Blueprint,
    /// Encoder and decoder.
    pub network: Network,
    /// The learned variance of the likelihood.
    pub log_variance: Option<VarId>,
    /// The learned dispersions of counts.
    pub log_dispersion: Option<VarId>,
    /// What the family added, by name.
    extra: BTreeMap<String, VarId>,
}

impl Parts {
    /// Builds the networks and their variables, from random numbers or from a file, and what `more`
    /// adds.
    ///
    /// Errors: a file that lacks a variable, or too many numbers in one.
    pub fn build(
        blueprint: Blueprint,
        init: &mut Init,
        more: impl FnOnce(&Blueprint, &mut Init) -> Result<()>,
    ) -> Result<Self> {
        let network = Network::build(&blueprint, init)?;
        init.group(EXTRA);
        let learned = blueprint.likelihood == Likelihood::GaussianLearned;
        let log_variance = if learned {
            let fill = Fill::Constant(log_variance_at_start(blueprint.bounds));
            let name = "likelihood.log_variance";
            Some(init.variable(name, [1, 1], fill, Role::Bias, FileLayout::Vector)?)
        } else {
            None
        };
        let counts = blueprint.layout.as_ref().map_or(0, |layout| layout.counts.len());
        let log_dispersion = if counts > 0 {
            let (name, fill) = ("likelihood.log_dispersion", Fill::Constant(0.0));
            Some(init.variable(name, [1, counts], fill, Role::Bias, FileLayout::Vector)?)
        } else {
            None
        };
        let before = init.len();
        more(&blueprint, init)?;
        let extra = init.since(before);
        Ok(Self { blueprint, network, log_variance, log_dispersion, extra })
    }

    /// A variable that the family added, by its name.
    ///
    /// An error where the family added none of this name.
    pub fn var(&self, name: &str) -> Result<VarId> {
        let known = || self.extra.keys().map(String::as_str);
        self.extra.get(name).copied().ok_or_else(|| Error::unknown("variable", name, known()))
    }

    /// The learned standard deviation of prepared numbers, where the likelihood has one for all.
    ///
    /// An error where it cannot be read off its device.
    pub fn deviation(&self, values: &Weights) -> Result<Option<f64>> {
        let Some(id) = self.log_variance else { return Ok(None) };
        let logarithm = read(values.get(id))?;
        Ok(logarithm.first().map(|logarithm| (0.5 * f64::from(*logarithm)).exp()))
    }

    /// The dispersions of counts with a free variance.
    ///
    /// An error as of [`Parts::deviation`].
    pub fn dispersions(&self, values: &Weights) -> Result<Vec<f64>> {
        let Some(id) = self.log_dispersion else { return Ok(Vec::new()) };
        Ok(read(values.get(id))?.into_iter().map(|logarithm| f64::from(logarithm).exp()).collect())
    }

    /// The variables that the likelihood and the family added.
    pub fn beside_the_network(&self) -> impl Iterator<Item = VarId> {
        let likelihood = [self.log_variance, self.log_dispersion].into_iter().flatten();
        self.extra.values().copied().chain(likelihood)
    }

    /// The expected rows [rows, width] of codes [rows, latent], prepared.
    pub fn decode(&self, values: &Weights, z: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.mean(self.network.decode(values, z, pass))
    }

    /// The expected rows [rows, width] from the decoder's output, prepared.
    pub fn mean(&self, output: Tensor<2>) -> Tensor<2> {
        let likelihood = self.blueprint.likelihood;
        match &self.blueprint.layout {
            Some(layout) => likelihood.mean_of_table(layout, output),
            None => likelihood.mean(output),
        }
    }

    /// The reconstruction loss of each row [rows, 1].
    pub fn row_losses(&self, values: &Weights, output: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
        let log_variance = self.log_variance.map(|id| values.get(id));
        let likelihood = self.blueprint.likelihood;
        match &self.blueprint.layout {
            Some(layout) => {
                let log_dispersion = self.log_dispersion.map(|id| values.get(id));
                likelihood.rows_of_table(layout, output, target, log_variance, log_dispersion)
            }
            None => likelihood.rows(output, target, log_variance),
        }
    }

    /// The reconstruction loss of each row of a batch [rows, 1], where a number counts if the
    /// batch's mask says so.
    pub fn batch_losses(&self, values: &Weights, output: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let target = batch.target.clone();
        match &batch.mask {
            None => self.row_losses(values, output, target),
            Some(mask) => {
                let log_variance = self.log_variance.map(|id| values.get(id));
                self.blueprint.likelihood.rows_masked(output, target, log_variance, mask)
            }
        }
    }

    /// The mean of row losses [rows, 1] without the largest, of which as many are left out as there
    /// are expected anomalies.
    pub fn mean_over_rows(&self, losses: Tensor<2>) -> Tensor<1> {
        let [mean] = self.means_over_rows([losses]);
        mean
    }

    /// The means of several losses [rows, 1] of the same rows: where some are left out, those whose
    /// first loss is largest, of all.
    pub fn means_over_rows<const N: usize>(&self, losses: [Tensor<2>; N]) -> [Tensor<1>; N] {
        let left_out = self.blueprint.contamination;
        let first = losses.first().filter(|_| left_out > 0.0).cloned();
        let weights = first.map(|first| trimmed_weights(first, left_out));
        losses.map(|losses| match &weights {
            Some(weights) => (losses * weights.clone()).sum(),
            None => losses.mean(),
        })
    }

    /// Reconstructions less prepared rows [rows, width]; zero where a row has no value, and for the
    /// numbers that tell so.
    pub fn difference(&self, rebuilt: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        match self.observed(&x) {
            Some(observed) => (rebuilt - x) * observed,
            None => rebuilt - x,
        }
    }

    /// How many numbers of prepared rows [rows, width] have a value.
    pub fn observed_numbers(&self, x: &Tensor<2>) -> f64 {
        match self.observed(x) {
            Some(observed) => observed.sum().into_scalar::<f64>(),
            None => x.dims().iter().product::<usize>() as f64,
        }
    }

    /// 1 for each number of prepared rows [rows, width] that has a value, else 0; none where all have.
    pub fn observed(&self, x: &Tensor<2>) -> Option<Tensor<2>> {
        let layout = self.blueprint.layout.as_ref()?;
        let known = known(layout, x, &(0..layout.width))?;
        let value = |at: usize| f32::from(u8::from(!layout.gaps.contains(&at)));
        let values: Vec<f32> = (0..layout.width).map(value).collect();
        Some(known * Engine::of(x).tensor(values, [1, layout.width]))
    }

    /// Prepared rows [rows, width] as the encoder sees them in training and as the loss compares
    /// them: drawn as 0 or 1, and with hidden cells, where the blueprint says so.
    ///
    /// Everything random here comes from `rng`, so that a batch can be made long before its step.
    pub fn drawn(&self, x: Tensor<2>, rng: &Rng) -> Batch {
        let x = if self.blueprint.binarise { binarise(x, rng) } else { x };
        Batch::towards(self.hidden(x.clone(), rng), x)
    }

    /// Prepared rows in which some values are missing that were there, drawn anew each time.
    fn hidden(&self, x: Tensor<2>, rng: &Rng) -> Tensor<2> {
        let share = self.blueprint.hidden;
        match &self.blueprint.layout {
            Some(layout) if share > 0.0 => {
                let shape = [x.dims()[0], layout.gaps.len()];
                let uniform = rng.split("hide").uniform(shape, &Engine::of(&x));
                let hit = (uniform.neg() + share).sign().clamp_min(0.0);
                hide(layout, x, hit)
            }
            _ => x,
        }
    }
}

/// Near the variance that a first reconstruction leaves: a start far above it would silence the
/// code before it learns anything.
fn log_variance_at_start(bounds: Bounds) -> f64 {
    match bounds {
        Bounds::Unit => 0.05f64.ln(),
        Bounds::Real => 0.5f64.ln(),
    }
}

/// Draws each number from the Bernoulli distribution whose mean it is.
fn binarise(x: Tensor<2>, rng: &Rng) -> Tensor<2> {
    let uniform = rng.split("binarise").uniform(x.dims(), &Engine::of(&x));
    (x - uniform).sign().clamp_min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::settings::ModelSettings;
    use rows::Shape;

    #[test]
    fn rows_that_are_left_out_for_their_first_loss_are_left_out_of_all() {
        let settings = ModelSettings::default().contamination(0.25);
        let plan = Plan::new(&settings, &Shape::Flat { width: 3 }, Bounds::Real).unwrap();
        let mut init = Init::random(&Rng::new(0), &Engine::default());
        let parts = Parts::build(plan.blueprint, &mut init, |_, _| Ok(())).unwrap();
        let column = |values: [f32; 4]| Engine::default().tensor(values.to_vec(), [4, 1]);
        let losses = [column([3.0, 9.0, 3.0, 3.0]), column([9.0, 1.0, 0.0, 3.0])];
        let [first, second] = parts.means_over_rows(losses);
        assert_eq!((first.into_scalar::<f32>(), second.into_scalar::<f32>()), (3.0, 4.0));
    }
}
