//! How likely rows are under a generative model: `ln p(x) = ln ∫ p(z) p(x | z) dz`, estimated from
//! below; `x` is a prepared row.

use burn_tensor::Tensor;
use kernels::{LOG_VARIANCE, among_workers, side_by_side};
use model::Engine;
use model::{Draw, Drawn, Inside, Model, Plan, Prior, Weights, known, read};
use rows::{Dataset, Error, Result, Rng};
use serde::{Deserialize, Serialize};

/// How annealed importance sampling is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Annealing {
    /// Chains for each row, whose weights are averaged.
    pub chains: usize,
    /// Temperatures from the prior to the posterior.
    pub temperatures: usize,
    /// Steps of Hamiltonian dynamics at each of them.
    pub leaps: usize,
}

impl Default for Annealing {
    fn default() -> Self {
        Self { chains: 16, temperatures: 500, leaps: 10 }
    }
}

/// The share of proposals that the step size is led to accept.
const ACCEPTED: f64 = 0.65;
/// Rows times draws that go through the decoder at once on each core, and numbers in its widest
/// layer for these.
const TOGETHER: (usize, usize) = (500, 1 << 22);

fn together(plan: &Plan) -> usize {
    (TOGETHER.1 / plan.blueprint.widest().max(1)).clamp(1, TOGETHER.0)
}

/// `ln p(x)` of each row in nats by importance sampling from the encoder's distribution: `ln
/// 1/k Σ p(x | z) p(z) / q(z | x)` over `samples` draws (Burda et al. 2016). Its expectation is
/// below the true number and rises with the draws.
///
/// Pixels are drawn by the seed where the model was trained on such draws. An error for a
/// family without a distribution over codes, or a table with texts.
pub fn importance_weighted(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    samples: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    if !(1..=10_000_000).contains(&samples) {
        return Err(Error::setting("samples", samples, "a whole number from 1 to 10000000"));
    }
    generative(model)?;
    let rng = Rng::new(seed).split("importance");
    let most = together(model.plan());
    by_rows(model, data, rows, most / samples.min(most), |values, x, rows| {
        let x = drawn(model, x, rows, seed)?;
        importance(model, values, &x, samples, &rng.at(rows.first().copied().unwrap_or(0)), false)
    })
}

/// The same by annealed importance sampling from the prior to the posterior, with Hamiltonian
/// dynamics (Neal 2001; Wu et al., "On the quantitative analysis of decoder-based generative
/// models", 2017): nearer the truth where the encoder is far from the posterior, and far more
/// work.
pub fn annealed(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    annealing: Annealing,
    seed: u64,
) -> Result<Vec<f64>> {
    for (name, value, most) in [
        ("chains", annealing.chains, 10_000),
        ("temperatures", annealing.temperatures, 1_000_000),
        ("leaps", annealing.leaps, 1000),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Error::setting(name, value, format!("a whole number from 1 to {most}")));
        }
    }
    generative(model)?;
    let rng = Rng::new(seed).split("annealing");
    let most = together(model.plan());
    by_rows(model, data, rows, most / annealing.chains, |_, x, rows| {
        let (x, rng) = (drawn(model, x, rows, seed)?, rng.at(rows.first().copied().unwrap_or(0)));
        let mut weights = vec![Vec::new(); rows.len()];
        for first in (0..annealing.chains).step_by(most) {
            let some = Annealing { chains: most.min(annealing.chains - first), ..annealing };
            let rng = if first == 0 { rng.clone() } else { rng.split("further").at(first) };
            let found = anneal(model, &x, some, &rng)?;
            weights.iter_mut().zip(found).for_each(|(weights, found)| weights.extend(found));
        }
        Ok(weights.iter().map(|weights| mean_of_logarithms(weights)).collect())
    })
}

/// An error for a family without a distribution over codes, or rows without one.
fn generative(model: &Model) -> Result<()> {
    let plan = &model.plan();
    prior_of(model, &model.vars().values())?;
    if plan.blueprint.layout.as_ref().is_some_and(|layout| !layout.texts.is_empty()) {
        Err(Error::setting(
            "columns",
            "texts",
            "a table without any: the distance between texts is no likelihood",
        ))
    } else {
        Ok(())
    }
}

/// Whether rows have a likelihood: it has a prior over codes, and its rows no texts.
pub fn is_generative(model: &Model) -> bool {
    generative(model).is_ok()
}

/// Prepared rows as the loss compares with them: where the model was trained so drawn black and
/// white, each row by its number alone.
fn drawn(model: &Model, x: Tensor<2>, rows: &[usize], seed: u64) -> Result<Tensor<2>> {
    let rng = Rng::new(seed).split("pixels");
    let one = |(at, row): (usize, &usize)| {
        Ok(model.coder().batch(x.clone().narrow(0, at, 1), &rng.at(*row))?.target)
    };
    Ok(Tensor::cat(rows.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?, 0))
}

/// What `of` gives for blocks of rows, side by side; it gets the values, the prepared rows and
/// their numbers.
fn by_rows(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    most: usize,
    of: impl Fn(&Weights, Tensor<2>, &[usize]) -> Result<Vec<f64>> + Send + Sync,
) -> Result<Vec<f64>> {
    model.signature().accept(data)?;
    rows.iter().try_for_each(|row| data.require_row(*row))?;
    let (values, prepared) = (model.vars().values(), model.signature().preparation.on(data)?);
    let size = most.min(model.plan().block()).max(1);
    let blocks: Vec<&[usize]> = rows.chunks(size).collect();
    let one = |rows: &[usize]| -> Result<Vec<f64>> {
        let x = prepared.tensor(rows.iter().copied(), &model.engine())?;
        let constants = constants(model, &x)?;
        Ok(of(&values, x, rows)?
            .into_iter()
            .zip(constants)
            .map(|(logarithm, constant)| logarithm - constant)
            .collect())
    };
    let all = among_workers(|| side_by_side(blocks.len(), |at| one(blocks[at])));
    Ok(all.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// What the loss of each row leaves out of `-ln p(x | z)`, in nats, as it does not depend on the
/// model.
///
/// Errors as [`Model::encode`].
pub fn likelihood_constants(model: &Model, data: &Dataset) -> Result<Vec<f64>> {
    let rows: Vec<usize> = (0..data.rows()).collect();
    let mut all = Vec::with_capacity(rows.len());
    model.blocks(data, &rows, |_, _, x| {
        all.extend(constants(model, &x)?);
        Ok(())
    })?;
    Ok(all)
}

/// The constants of prepared rows.
fn constants(model: &Model, x: &Tensor<2>) -> Result<Vec<f64>> {
    let plan = &model.plan();
    let each = plan.blueprint.likelihood.constant();
    let known = plan
        .blueprint
        .layout
        .as_ref()
        .filter(|layout| !layout.reals.is_empty())
        .and_then(|layout| known(layout, x, &layout.reals));
    let numbers = match (known, &plan.blueprint.layout) {
        (Some(known), _) => read(known.sum_dim(1))?.into_iter().map(f64::from).collect(),
        (None, Some(layout)) => vec![layout.reals.len() as f64; x.dims()[0]],
        (None, None) => vec![x.dims()[1] as f64; x.dims()[0]],
    };
    Ok(numbers.into_iter().map(|numbers| each * numbers).collect())
}

/// `ln 1/k Σ w` of logarithms of weights.
fn mean_of_logarithms(weights: &[f64]) -> f64 {
    let highest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return highest;
    }
    highest
        + (weights.iter().map(|weight| (weight - highest).exp()).sum::<f64>()
            / weights.len() as f64)
            .ln()
}

/// The model's distribution over codes; an error for a family without.
fn prior_of<'a>(model: &'a Model, values: &'a Weights) -> Result<Box<dyn Prior + 'a>> {
    let family = || model.plan().settings.family.clone();
    model.coder().prior(values).ok_or_else(|| Error::NoPrior { family: family() })
}

/// Importance sampling on prepared rows; with `alike` each draw has the same noise for every row,
/// so that what comes out for a row does not depend on the rows beside it. Codes without a
/// distribution are their one draw, whose density is left out.
pub(crate) fn importance(
    model: &Model,
    values: &Weights,
    x: &Tensor<2>,
    samples: usize,
    rng: &Rng,
    alike: bool,
) -> Result<Vec<f64>> {
    let parts = &model.coder().parts;
    let code = model.coder().code(values, x.clone(), &mut model.coder().pass())?;
    let mean = code.mean();
    let [rows, latent] = mean.dims();
    let losses = |z: Tensor<2>, x: Tensor<2>| -> Result<Vec<f32>> {
        let output = parts.network.decode(values, z, &mut model.coder().pass());
        read(parts.row_losses(values, output, x))
    };
    let Some(posterior) = code.posterior().cloned() else {
        return Ok(losses(mean, x.clone())?.into_iter().map(|loss| -f64::from(loss)).collect());
    };
    let prior = prior_of(model, values)?;
    let log_variance = posterior.narrow(1, latent, latent).clamp(-LOG_VARIANCE, LOG_VARIANCE);
    let deviation = (log_variance.clone() * 0.5).exp();
    let mut weights = vec![Vec::with_capacity(samples); rows];
    // So many draws of all rows together, one below the other.
    let at_once = if alike { 1 } else { (together(model.plan()) / rows).clamp(1, samples) };
    let repeat = |t: &Tensor<2>, times: usize| {
        if times == 1 { t.clone() } else { t.clone().repeat_dim(0, times) }
    };
    for first in (0..samples).step_by(at_once) {
        let times = at_once.min(samples - first);
        let noise =
            rng.at(first).normal([if alike { 1 } else { rows * times }, latent], &Engine::of(x));
        let drawn = Drawn {
            codes: repeat(&mean, times) + repeat(&deviation, times) * noise.clone(),
            log_variance: repeat(&log_variance, times),
            noise,
        };
        let surprise = read(prior.log_ratio(&drawn)?)?;
        let z = drawn.codes;
        let losses = losses(z, repeat(x, times))?;
        for (at, (loss, surprise)) in losses.into_iter().zip(surprise).enumerate() {
            weights[at % rows].push(-f64::from(loss) - f64::from(surprise));
        }
    }
    Ok(weights.iter().map(|weights| mean_of_logarithms(weights)).collect())
}

/// The chains of a block of rows, all rows of the first chain before those of the second.
struct Chains<'a> {
    model: &'a Model,
    values: &'a Weights,
    prior: Box<dyn Prior + 'a>,
    x: Tensor<2>,
}

impl Chains<'_> {
    /// `-ln p(x | z)` of each chain.
    fn losses(&self, z: &Tensor<2>) -> Result<Vec<f64>> {
        let output = self.model.coder().parts.network.decode(
            self.values,
            z.clone(),
            &mut self.model.coder().pass(),
        );
        Ok(read(self.model.coder().parts.row_losses(self.values, output, self.x.clone()))?
            .into_iter()
            .map(f64::from)
            .collect())
    }

    /// The gradient of `-β ln p(x | z) - ln p(z)` by the codes.
    fn slope(&self, z: &Tensor<2>, beta: f64) -> Result<Tensor<2>> {
        let leaf = z.clone().autodiff().require_grad();
        let parts = &self.model.coder().parts;
        let output =
            parts.network.decode(self.values, leaf.clone(), &mut self.model.coder().pass());
        let losses = parts.row_losses(self.values, output, self.x.clone().autodiff());
        let before = self.prior.log_density(leaf.clone())?;
        let mut gradients = (losses.sum() * beta - before.sum()).backward();
        leaf.grad_remove(&mut gradients)
            .ok_or_else(|| Error::model("prior", "its density does not depend on the code"))
    }

    /// `-β ln p(x | z) - ln p(z) + ½ |momentum|²` of each chain, which moving does not change.
    fn energy(
        &self,
        beta: f64,
        losses: &[f64],
        z: &Tensor<2>,
        momentum: &Tensor<2>,
    ) -> Result<Vec<f64>> {
        let still = read(self.prior.log_density(z.clone())?)?;
        let moving = read(momentum.clone().square().sum_dim(1) * 0.5)?;
        let others = still.into_iter().zip(moving);
        Ok(losses
            .iter()
            .zip(others)
            .map(|(loss, (still, moving))| beta * loss - f64::from(still) + f64::from(moving))
            .collect())
    }
}

/// The logarithms of the weights of each row's chains.
fn anneal(model: &Model, x: &Tensor<2>, annealing: Annealing, rng: &Rng) -> Result<Vec<Vec<f64>>> {
    let ([rows, _], latent, engine) = (x.dims(), model.latent(), Engine::of(x));
    let count = rows * annealing.chains;
    let values = model.vars().leaves(|_| false);
    let chains = Chains {
        model,
        values: &values,
        prior: prior_of(model, &values)?,
        x: x.clone().repeat_dim(0, annealing.chains),
    };
    let column = |values: Vec<f32>| engine.tensor(values, [count, 1]);
    let mut z = chains.prior.draw(count, &mut rng.split("start"))?;
    let mut losses = chains.losses(&z)?;
    let (mut weights, mut step) = (vec![0.0; count], vec![0.1f64; count]);
    // Denser where the likelihood begins to matter and where it is whole: a sigmoid between -4 and
    // 4.
    let sigmoid = |at: f64| 1.0 / (1.0 + (-8.0 * at + 4.0).exp());
    let beta = |at: usize| {
        (sigmoid(at as f64 / annealing.temperatures as f64) - sigmoid(0.0))
            / (sigmoid(1.0) - sigmoid(0.0))
    };
    for at in 1..=annealing.temperatures {
        let mut rng = rng.split("step").at(at);
        weights
            .iter_mut()
            .zip(&losses)
            .for_each(|(weight, loss)| *weight -= (beta(at) - beta(at - 1)) * loss);
        if at == annealing.temperatures {
            break;
        }
        let momentum = rng.normal([count, latent], &engine);
        let sizes = column(step.iter().map(|step| *step as f32).collect());
        let before = chains.energy(beta(at), &losses, &z, &momentum)?;
        let mut place = z.clone();
        let mut moved = momentum - chains.slope(&place, beta(at))? * sizes.clone() * 0.5;
        for leap in 0..annealing.leaps {
            place = place + moved.clone() * sizes.clone();
            let half = if leap + 1 == annealing.leaps { 0.5 } else { 1.0 };
            moved = moved - chains.slope(&place, beta(at))? * sizes.clone() * half;
        }
        let reached = chains.losses(&place)?;
        let after = chains.energy(beta(at), &reached, &place, &moved)?;
        let chance = read(rng.uniform([count, 1], &engine))?;
        let mut taken = vec![0f32; count];
        for chain in 0..count {
            let accept = f64::from(chance[chain]).ln() < before[chain] - after[chain];
            taken[chain] = f32::from(u8::from(accept));
            if accept {
                losses[chain] = reached[chain];
            }
            // Over the chain's own past, so that no chain depends on others.
            step[chain] = (step[chain] * (0.05 * (f64::from(u8::from(accept)) - ACCEPTED)).exp())
                .clamp(1e-4, 2.0);
        }
        // Selected, not multiplied: a proposal that left the finite numbers must leave no trace.
        z = z.mask_where(column(taken).repeat_dim(1, latent).greater_elem(0.5), place);
    }
    let of = |row: usize| {
        (0..annealing.chains).map(|chain| weights[chain * rows + row]).collect::<Vec<f64>>()
    };
    Ok((0..rows).map(of).collect())
}
