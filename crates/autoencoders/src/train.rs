//! The one training loop. It prints nothing, reads no clock, and tells what happens through events.

use crate::config::{Config, Plan};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::family::Batch;
use crate::layer::Pass;
use crate::model::Model;
use crate::optimise::{Optimiser, Schedule};
use crate::parts::{Parts, Progress};
use crate::prepare::Preparation;
use crate::rng::Rng;
use crate::run::{Best, EpochRecord, Numbers, State};
use crate::split::Split;
use crate::vars::{Init, Vars};
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::path::Path;

/// What happens during a training.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan is made and training is about to begin, from `epoch` where it is resumed.
    Start {
        /// What was decided.
        plan: &'a Plan,
        /// Numbers that training moves.
        weights: usize,
        /// Training rows.
        rows: usize,
        /// Epochs already done.
        epoch: usize,
    },
    /// One step is done.
    Step {
        /// Zero-based epoch.
        epoch: usize,
        /// Steps done in it.
        step: usize,
        /// Steps in an epoch.
        steps: usize,
        /// The terms of the loss, averaged over the epoch so far.
        terms: &'a Numbers,
    },
    /// One epoch is done.
    Epoch(&'a EpochRecord),
}

/// What the receiver of an event wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Finish this step, save the checkpoint, and stop.
    Stop,
}

/// How a training ended.
#[derive(Debug)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The validation loss had not become better for as many epochs as the patience.
    Stopped,
    /// A [`Flow::Stop`] came; the checkpoint, where one was asked for, resumes it.
    Interrupted,
    /// The loss left the finite numbers; the weights are the best from before.
    Diverged(Error),
}

/// A training's result.
#[derive(Debug)]
pub struct Trained {
    /// The model with the best weights.
    pub model: Model,
    /// Which rows it has seen.
    pub split: Split,
    /// How training ended.
    pub outcome: Outcome,
}

/// Trains a model, or goes on with the training of a checkpoint.
///
/// `checkpoint` is written after each epoch and on [`Flow::Stop`]; where it exists and `resume` holds, training goes on from it,
/// bit for bit as if it had never stopped. Errors: data or settings that make no sense; divergence before the first epoch's end.
pub fn fit(config: &Config, data: &Dataset, checkpoint: Option<&Path>, resume: bool, on: &mut dyn FnMut(&Event) -> Flow) -> Result<Trained> {
    data.require_rows(2)?;
    let split = Split::new(config, data.rows())?;
    let preparation = Preparation::fit(config.scale, data, &split.train)?;
    let plan = Plan::new(config, &data.shape, preparation.range, split.train.len())?;
    let mut init = Init::random(&Rng::new(config.seed), &Device::default(), DType::F32);
    let parts = Parts::build(plan, &mut init)?;
    let mut state = State::new(init.finish(), &parts.plan.config, checkpoint, data);
    if resume {
        state.restore(&parts.plan)?;
    }
    on(&Event::Start { plan: &parts.plan, weights: state.vars.weights(), rows: split.train.len(), epoch: state.epoch });
    let job = Job { parts: &parts, data, preparation: &preparation, split: &split, rng: Rng::new(config.seed) };
    let outcome = match job.run(&mut state, on) {
        Err(error @ Error::Diverged { .. }) if state.best.is_some() => Outcome::Diverged(error),
        other => other?,
    };
    let model = Model::trained(parts, state, preparation, data, &split)?;
    Ok(Trained { model, split, outcome })
}

/// What stays the same throughout a training.
struct Job<'a> {
    parts: &'a Parts,
    data: &'a Dataset,
    preparation: &'a Preparation,
    split: &'a Split,
    rng: Rng,
}

impl Job<'_> {
    fn run(&self, state: &mut State, on: &mut dyn FnMut(&Event) -> Flow) -> Result<Outcome> {
        let (plan, rows) = (&self.parts.plan, &self.split.train);
        let steps = rows.len().div_ceil(plan.config.batch);
        while state.epoch < plan.epochs() {
            if plan.config.patience > 0 && state.waited >= plan.config.patience {
                return Ok(Outcome::Stopped);
            }
            let order = self.rng.split("order").at(state.epoch).permutation(rows.len());
            for at in order.chunks(plan.config.batch).skip(state.step) {
                let batch = self.batch(at.iter().map(|at| rows[*at]));
                self.step(state, batch, at.len(), steps)?;
                let mean = state.sums.mean();
                if on(&Event::Step { epoch: state.epoch, step: state.step, steps, terms: &mean }) == Flow::Stop {
                    state.save(plan)?;
                    return Ok(Outcome::Interrupted);
                }
            }
            self.close_epoch(state)?;
            state.save(plan)?;
            if let Some(record) = state.history.last() {
                on(&Event::Epoch(record));
            }
        }
        Ok(Outcome::Finished)
    }

    fn batch(&self, rows: impl ExactSizeIterator<Item = usize>) -> Batch {
        let shape = [rows.len(), self.parts.plan.features()];
        let values = self.preparation.apply(self.data, rows, shape[1]);
        let x = Tensor::from_data(TensorData::new(values, shape), (&Device::default(), DType::F32));
        Batch { input: x.clone(), target: x }
    }

    fn step(&self, state: &mut State, batch: Batch, rows: usize, steps: usize) -> Result<()> {
        let plan = &self.parts.plan;
        let epochs = state.epoch as f64 + state.step as f64 / steps as f64;
        let progress = Progress { epochs, fraction: epochs / plan.epochs() as f64 };
        let rate = plan.config.learning_rate * plan.config.schedule.factor(epochs, plan.epochs(), plan.config.warm_up, state.reductions);
        let rng = self.rng.split("step").at(state.epoch).at(state.step);
        let numbers = descend(self.parts, &mut state.vars, &mut state.optimiser, batch, &rng, progress, rate)?;
        state.step += 1;
        let sum = numbers.sum();
        // Far above the start is as lost as infinite: the weights will not come back from there.
        let lost = !sum.is_finite() || state.first.is_some_and(|first| sum.abs() > 1e4 * (first.abs() + 1.0));
        if lost {
            let advice = format!("try --lr {:e}, --clip 1, or look for extreme values with ae data", plan.config.learning_rate / 10.0);
            return Err(Error::Diverged { epoch: state.epoch + 1, step: state.step, what: format!("the loss is {sum}"), advice });
        }
        state.first.get_or_insert(sum);
        state.sums.add(&numbers, rows);
        Ok(())
    }

    /// Validates, remembers the best weights, and writes the epoch into the history.
    fn close_epoch(&self, state: &mut State) -> Result<()> {
        let plan = &self.parts.plan;
        let train = state.sums.mean();
        let seen = if self.split.validation.is_empty() { train.clone() } else { self.validate(&state.vars)? };
        let loss = seen.sum();
        let better = state.best.as_ref().is_none_or(|best| loss < best.loss);
        state.epoch += 1;
        if better {
            state.best = Some(Best { loss, epoch: state.epoch, vars: state.vars.clone() });
            state.waited = 0;
        } else {
            state.waited += 1;
            if let Schedule::Plateau { patience, .. } = plan.config.schedule {
                state.reductions += u32::from(state.waited.is_multiple_of(patience));
            }
        }
        let validation = (!self.split.validation.is_empty()).then_some(seen);
        state.history.push(EpochRecord { epoch: state.epoch, of: plan.epochs(), train, validation, best: better });
        state.step = 0;
        state.sums = Default::default();
        Ok(())
    }

    /// The terms over the validation rows, with the same random numbers after every epoch and every warm-up over.
    fn validate(&self, vars: &Vars) -> Result<Numbers> {
        let rng = self.rng.split("validation");
        let mut total = crate::run::Sums::default();
        for (index, rows) in self.split.validation.chunks(crate::model::block(self.parts.plan.features())).enumerate() {
            let batch = self.batch(rows.iter().copied());
            let terms = self.parts.terms(&vars.values(), batch, &mut Pass::sampling(rng.at(index)), Progress::DONE)?;
            total.add(&Numbers::read(&terms), rows.len());
        }
        Ok(total.mean())
    }
}

/// One step on one batch: for each phase a forward pass, its gradients and a move of its variables.
///
/// Returns the terms of the last phase.
pub fn descend(parts: &Parts, vars: &mut Vars, optimiser: &mut Optimiser, batch: Batch, rng: &Rng, progress: Progress, rate: f64) -> Result<Numbers> {
    let family = parts.plan.family.as_ref();
    let mut numbers = Numbers::default();
    for phase in family.phases() {
        let values = vars.leaves(|var| phase.groups.contains(&var.group));
        let mut pass = Pass::training(rng.split(phase.name));
        let terms = parts.terms(&values, batch.clone(), &mut pass, progress)?;
        numbers = Numbers::read(&terms);
        let gradients = values.gradients(terms);
        // The leaves go first, so that the optimiser owns the memory alone and works in place.
        drop(values);
        optimiser.step(vars, gradients, rate);
        pass.commit(vars);
    }
    family.after_step(parts, vars)?;
    Ok(numbers)
}
