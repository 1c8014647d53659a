//! A family, its networks and its likelihood joined: from rows to codes, outputs and losses.

use crate::config::Plan;
use crate::family::{Batch, Code, Phase, Step, Terms};
use crate::layer::Pass;
use crate::likelihood::{Likelihood, hide, known};
use crate::net::Network;
use crate::noise::Draw;
use crate::objective::{Objective, mean_terms};
use crate::prepare::Range;
use crate::run::Numbers;
use crate::vars::{Fill, Group, Init, Layout, Role, Values, VarId, Vars};
use autoencoders_kernels::trimmed_weights;
use burn::tensor::Tensor;
use rows::{Result, Rng};

/// Everything of a model but its numbers.
#[derive(Debug)]
pub struct Parts {
    /// What was asked for, decided in full.
    pub plan: Plan,
    /// Encoder and decoder.
    pub network: Network,
    /// The learned variance of the likelihood.
    pub log_variance: Option<VarId>,
    /// The learned dispersions of counts.
    pub log_dispersion: Option<VarId>,
    /// What the family added.
    pub extra: Vec<VarId>,
}

impl Parts {
    /// Builds the networks and their variables, from random numbers or from a file.
    pub fn build(plan: Plan, init: &mut Init) -> Result<Self> {
        let network = Network::build(&plan.blueprint, init)?;
        init.group(Group::Extra);
        let log_variance = match plan.config.likelihood {
            Likelihood::GaussianLearned => Some(init.variable(
                "likelihood.log_variance",
                [1, 1],
                Fill::Constant(log_variance_at_start(plan.range)),
                Role::Bias,
                Layout::Vector,
            )?),
            _ => None,
        };
        let counts = plan.layout.as_ref().map_or(0, |layout| layout.counts.len());
        let log_dispersion = match counts {
            0 => None,
            _ => Some(init.variable(
                "likelihood.log_dispersion",
                [1, counts],
                Fill::Constant(0.0),
                Role::Bias,
                Layout::Vector,
            )?),
        };
        let extra = plan.family.variables(&plan, init)?;
        Ok(Self { plan, network, log_variance, log_dispersion, extra })
    }

    /// The code of prepared rows [rows, features].
    pub fn code(&self, values: &Values, x: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        let h = self.network.encode(values, x, pass);
        self.plan.family.code(self, values, h, pass)
    }

    /// The expected rows [rows, features] of codes [rows, latent], prepared.
    pub fn decode(&self, values: &Values, z: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.mean(self.network.decode(values, z, pass))
    }

    /// The expected rows [rows, width] from the decoder's output, prepared.
    pub fn mean(&self, output: Tensor<2>) -> Tensor<2> {
        let likelihood = self.plan.config.likelihood;
        match &self.plan.layout {
            Some(layout) => likelihood.mean_of_table(layout, output),
            None => likelihood.mean(output),
        }
    }

    /// The reconstruction loss of each row [rows, 1].
    pub fn row_losses(&self, values: &Values, output: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
        let log_variance = self.log_variance.map(|id| values.get(id));
        let likelihood = self.plan.config.likelihood;
        match &self.plan.layout {
            Some(layout) => likelihood.rows_of_table(
                layout,
                output,
                target,
                log_variance,
                self.log_dispersion.map(|id| values.get(id)),
            ),
            None => likelihood.rows(output, target, log_variance),
        }
    }

    /// The mean of row losses [rows, 1] without the largest, of which as many are left out as there
    /// are expected anomalies.
    pub fn mean_over_rows(&self, losses: Tensor<2>) -> Result<Tensor<1>> {
        let [mean] = self.means_over_rows([losses])?;
        Ok(mean)
    }

    /// The means of several losses [rows, 1] of the same rows: where some are left out, those whose
    /// first loss is largest, of all.
    pub fn means_over_rows<const N: usize>(
        &self,
        losses: [Tensor<2>; N],
    ) -> Result<[Tensor<1>; N]> {
        let weights = match losses.first() {
            Some(first) if self.plan.config.contamination > 0.0 => {
                Some(trimmed_weights(first.clone(), self.plan.config.contamination))
            }
            _ => None,
        };
        Ok(losses.map(|losses| match &weights {
            Some(weights) => (losses * weights.clone()).sum(),
            None => losses.mean(),
        }))
    }

    /// Reconstructions less prepared rows [rows, width]; zero where a row has no value.
    pub fn difference(&self, rebuilt: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let known =
            self.plan.layout.as_ref().and_then(|layout| known(layout, &x, &(0..layout.width)));
        match known {
            Some(known) => (rebuilt - x) * known,
            None => rebuilt - x,
        }
    }

    /// What a step, or the terms of an evaluation, gets of prepared rows [rows, features]: drawn
    /// and corrupted as the plan says.
    ///
    /// Everything random here comes from `rng`, so that a batch can be made long before its step.
    pub fn batch(&self, x: Tensor<2>, rng: &Rng) -> Result<Batch> {
        let x = if self.plan.config.binarise { binarise(x, rng) } else { x };
        let batch = Batch { input: self.hide(x.clone(), rng), target: x };
        self.plan.family.corrupt(batch, &self.plan, &mut Pass::training(rng.clone()))
    }

    /// Prepared rows in which some values are missing that were there: as many of the cells as the
    /// plan says, drawn anew each time.
    fn hide(&self, x: Tensor<2>, rng: &Rng) -> Tensor<2> {
        let share = self.plan.config.hidden.unwrap_or(0.0);
        match &self.plan.layout {
            Some(layout) if share > 0.0 => {
                let [rows, _] = x.dims();
                let uniform =
                    rng.split("hide").uniform([rows, layout.gaps.len()], &x.device(), x.dtype());
                let hit = (uniform.neg() + share).sign().clamp_min(0.0);
                hide(layout, x, hit)
            }
            _ => x,
        }
    }

    /// The terms averaged over blocks of prepared rows, with noise by `rng` and every warm-up over.
    pub fn mean_terms(
        &self,
        values: &Values,
        blocks: impl Iterator<Item = Result<Tensor<2>>> + Send,
        rng: &Rng,
    ) -> Result<Numbers> {
        mean_terms(
            self,
            values,
            blocks.enumerate().map(|(index, x)| self.batch(x?, &rng.at(index))),
            rng,
        )
    }

    // Rows first: a sum over a whole matrix is taken in an order that depends on the threads.
    /// The sum of the squares of all weights, biases left out.
    fn l2(&self, values: &Values) -> Tensor<1> {
        let squares = self.network.weights().map(|id| values.get(id).square().sum_dim(1).sum());
        squares
            .reduce(|sum, square| sum + square)
            .unwrap_or_else(|| Tensor::zeros([1], &Default::default()))
    }
}

impl Objective for Parts {
    fn terms(&self, values: &Values, batch: Batch, pass: &mut Pass) -> Result<Terms> {
        let family = self.plan.family.as_ref();
        let mut terms = match family.loss(self, values, &batch, pass)? {
            Some(terms) => terms,
            None => {
                let code = self.code(values, batch.input.clone(), pass)?;
                let output = self.network.decode(values, code.sample.clone(), pass);
                let losses = self.row_losses(values, output.clone(), batch.target.clone());
                let mut terms = Terms::one("reconstruction", 1.0, self.mean_over_rows(losses)?);
                let step =
                    Step { parts: self, values, batch: &batch, code: &code, output: &output, pass };
                terms.0.extend(family.terms(&step)?.0);
                terms
            }
        };
        if self.plan.config.l2 > 0.0 {
            terms.0.push(("l2", self.l2(values) * self.plan.config.l2));
        }
        Ok(terms)
    }

    fn phases(&self) -> &'static [Phase] {
        self.plan.family.phases()
    }

    fn after_step(&self, vars: &mut Vars) -> Result<()> {
        self.plan.family.after_step(self, vars)
    }
}

/// Near the variance that a first reconstruction leaves: a start far above it would silence the
/// code before it learns anything.
fn log_variance_at_start(range: Range) -> f64 {
    match range {
        Range::Unit => 0.05f64.ln(),
        Range::Real => 0.5f64.ln(),
    }
}

/// Draws each number from the Bernoulli distribution whose mean it is.
fn binarise(x: Tensor<2>, rng: &Rng) -> Tensor<2> {
    let uniform = rng.split("binarise").uniform(x.dims(), &x.device(), x.dtype());
    (x - uniform).sign().clamp_min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use burn::tensor::{DType, Device, TensorData};
    use rows::Shape;

    #[test]
    fn rows_that_are_left_out_for_their_first_loss_are_left_out_of_all() {
        let config = Config { contamination: 0.25, ..Config::default() };
        let plan = Plan::new(&config, &Shape::Flat { width: 3 }, Range::Real, 100).unwrap();
        let parts =
            Parts::build(plan, &mut Init::random(&Rng::new(0), &Device::default(), DType::F32))
                .unwrap();
        let column = |values: [f32; 4]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [4, 1]), &Device::default())
        };
        let [first, second] = parts
            .means_over_rows([column([3.0, 9.0, 3.0, 3.0]), column([9.0, 1.0, 0.0, 3.0])])
            .unwrap();
        assert_eq!((first.into_scalar::<f32>(), second.into_scalar::<f32>()), (3.0, 4.0));
    }
}
