//! The one training loop. It prints nothing, reads no clock, and tells what happens through events.

use crate::ahead::ahead;
use crate::config::{Config, Plan};
use crate::data::Dataset;
use crate::density::DensityChoice;
use crate::error::{Error, Result};
use crate::event::{Event, Flow, Outcome, Trained};
use crate::family::Batch;
use crate::model::{Model, block};
use crate::optimise::{Schedule, descend};
use crate::parts::{Parts, Progress};
use crate::prepare::{Preparation, Prepared};
use crate::rng::Rng;
use crate::run::{Best, EpochRecord, State};
use crate::schema::Shape;
use crate::score::{Detector, Member};
use crate::split::Split;
use crate::vars::Init;
use autoencoders_kernels::{among_workers, side_by_side};
use burn::tensor::{DType, Device};
use std::borrow::Cow;
use std::path::Path;

/// Trains a model, or goes on with the training of a checkpoint.
///
/// `checkpoint` is written after each epoch and on [`Flow::Stop`]; with `resume` training goes on from it, bit for bit as if it had
/// never stopped. Errors: data or settings that make no sense; divergence before the first epoch's end.
pub fn fit(
    config: &Config,
    data: &Dataset,
    checkpoint: Option<&Path>,
    resume: bool,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    among_workers(|| train(config, data, checkpoint, resume, on))
}

fn train(
    config: &Config,
    data: &Dataset,
    checkpoint: Option<&Path>,
    resume: bool,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    if resume && checkpoint.is_none() {
        return Err(Error::setting("resume", "without a checkpoint", "the path of the checkpoint to go on from"));
    }
    data.require_rows(2)?;
    data.check_finite()?;
    let split = Split::new(config, data.rows())?;
    let (mut model, mut outcome) = one(config, data, &split, (checkpoint, resume), true, on)?;
    if let Outcome::Finished | Outcome::Stopped = outcome {
        match ensemble(&model.parts.plan.config, data, &split, on)? {
            Some(members) => {
                model.members = members;
                model.detector = Detector::fit(&model, data, &split)?;
            }
            None => outcome = Outcome::Interrupted,
        }
    }
    Ok(Trained { model, split, outcome })
}

/// Trains one model; `whole` is one with principal components and a density beside it.
fn one(
    config: &Config,
    data: &Dataset,
    split: &Split,
    (checkpoint, resume): (Option<&Path>, bool),
    whole: bool,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<(Model, Outcome)> {
    let gaps = config.hidden.is_some_and(|hidden| hidden > 0.0);
    let preparation = Preparation::fit(config.scale, data, &split.train, gaps)?;
    let plan = Plan::of(config, &data.shape, &preparation, split.train.len())?;
    let mut init = Init::random(&Rng::new(config.seed), &Device::default(), DType::F32);
    let parts = Parts::build(plan, &mut init)?;
    let mut state = State::new(init.finish(), &parts.plan.config, checkpoint, data)?;
    if resume {
        state.restore(&parts.plan)?;
    }
    on(&Event::Start { plan: &parts.plan, weights: state.vars.weights(), rows: split.train.len(), epoch: state.epoch });
    let job = Job { parts: &parts, data, prepared: preparation.on(data)?, split, rng: Rng::new(config.seed) };
    let outcome = match job.run(&mut state, on) {
        Err(error @ Error::Diverged { .. }) if state.best.is_some() => Outcome::Diverged(error),
        other => other?,
    };
    // Whoever stops a training waits for its checkpoint, not for what a finished model has.
    let whole = whole && !matches!(outcome, Outcome::Interrupted);
    let model = Model::trained(parts, state, preparation, data, split, whole)?;
    Ok((model, outcome))
}

/// Each further member of an ensemble leaves out one of so many columns of a table: in narrow tables one column may be all that tells
/// an anomaly.
const LEFT_OUT: usize = 10;

/// Trains the further members of an ensemble side by side, each on its own columns from its own weights; none where that was stopped.
fn ensemble(config: &Config, data: &Dataset, split: &Split, on: &mut (dyn FnMut(&Event) -> Flow + Send)) -> Result<Option<Vec<Member>>> {
    let features = data.features();
    let rng = Rng::new(config.seed).split("member");
    let on = std::sync::Mutex::new(on);
    let trained = side_by_side(config.members - 1, |at| {
        let mut rng = rng.at(at);
        let seed = rng.below(1 << 31) as u64;
        let seen = features - features / LEFT_OUT;
        // The columns of a table stand in no order; those of images and series do. A table on disk is not copied.
        let narrow = matches!(data.shape, Shape::Flat { .. }) && data.values.in_memory().is_some() && seen < features;
        let mut columns: Vec<usize> = if narrow { rng.permutation(features)[..seen].to_vec() } else { (0..features).collect() };
        columns.sort_unstable();
        let narrowed = if narrow { Cow::Owned(data.narrowed(&columns)?) } else { Cow::Borrowed(data) };
        let latent = if narrow { config.latent.min(columns.len()) } else { config.latent };
        let own = Config { seed, latent, members: 1, density: DensityChoice::None, ..config.clone() };
        let (model, outcome) =
            one(&own, &narrowed, &split.of_member(at + 1), (None, false), false, &mut |event| match (event, on.lock()) {
                (Event::Epoch(record), Ok(mut on)) => on(&Event::Member { member: at + 1, of: config.members, record }),
                _ => Flow::Continue,
            })?;
        match outcome {
            Outcome::Interrupted => Ok(None),
            Outcome::Diverged(error) => Err(error),
            Outcome::Finished | Outcome::Stopped => Ok(Some(Member { columns, model })),
        }
    });
    trained.into_iter().collect()
}

/// Numbers that take about as long to make ready as to hand over to another thread.
pub(crate) const HANDED_OVER: usize = 1 << 14;

/// What stays the same throughout a training.
struct Job<'a> {
    parts: &'a Parts,
    data: &'a Dataset,
    prepared: Prepared<'a>,
    split: &'a Split,
    rng: Rng,
}

impl Job<'_> {
    fn run(&self, state: &mut State, on: &mut (dyn FnMut(&Event) -> Flow + Send)) -> Result<Outcome> {
        let together = HANDED_OVER.div_ceil(self.parts.plan.config.batch.saturating_mul(self.parts.plan.width()).max(1));
        ahead(self.batches(state.epoch, state.step), together, |batches| self.follow(state, batches, on))
    }

    /// Every batch from a step of an epoch to the end of the training.
    fn batches(&self, epoch: usize, step: usize) -> impl Iterator<Item = Result<Batch>> + Send {
        let (plan, rows) = (&self.parts.plan, &self.split.train);
        let size = plan.config.batch;
        (epoch..plan.epochs()).flat_map(move |now| {
            let order = self.rng.split("order").at(now).permutation(rows.len());
            let first = if now == epoch { step } else { 0 };
            (first..order.len().div_ceil(size)).map(move |step| {
                let at = &order[step * size..order.len().min((step + 1) * size)];
                let x = self.prepared.tensor(at.iter().map(|at| rows[*at]))?;
                self.parts.batch(x, &self.rng.split("batch").at(now).at(step))
            })
        })
    }

    fn follow(
        &self,
        state: &mut State,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Outcome> {
        let plan = &self.parts.plan;
        let steps = self.split.train.len().div_ceil(plan.config.batch);
        while state.epoch < plan.epochs() {
            if plan.config.patience > 0 && state.waited >= plan.config.patience {
                return Ok(Outcome::Stopped);
            }
            while state.step < steps {
                let Some(batch) = batches.next() else {
                    return Err(Error::data(&self.data.name, "its batches ended before the epoch did; resume from the checkpoint"));
                };
                self.step(state, batch?, steps)?;
                let mean = state.sums.mean();
                if on(&Event::Step { epoch: state.epoch, step: state.step, steps, terms: &mean }) == Flow::Stop {
                    state.save(plan)?;
                    return Ok(Outcome::Interrupted);
                }
            }
            self.close_epoch(state)?;
            state.save(plan)?;
            let flow = state.history.last().map(|record| on(&Event::Epoch(record)));
            if flow == Some(Flow::Stop) && state.epoch < plan.epochs() {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    fn step(&self, state: &mut State, batch: Batch, steps: usize) -> Result<()> {
        let rows = batch.input.dims()[0];
        let plan = &self.parts.plan;
        let epochs = state.epoch as f64 + state.step as f64 / steps as f64;
        let progress = Progress { fraction: epochs / plan.epochs() as f64 };
        let rate = plan.config.learning_rate * plan.config.schedule.factor(epochs, plan.epochs(), plan.config.warm_up, state.reductions);
        let rng = self.rng.split("step").at(state.epoch).at(state.step);
        let numbers = descend(self.parts, &mut state.vars, &mut state.optimiser, batch, &rng, progress, rate)?;
        state.step += 1;
        let sum = numbers.sum();
        if lost(sum, state.first) {
            return Err(self.diverged(state, format!("the loss is {sum}")));
        }
        state.first.get_or_insert(sum);
        state.sums.add(&numbers, rows);
        Ok(())
    }

    fn diverged(&self, state: &State, what: String) -> Error {
        let rate = self.parts.plan.config.learning_rate / 10.0;
        let advice = format!("try --lr {rate}, --clip 1, or look for extreme values with ae data");
        Error::Diverged { epoch: state.epoch + 1, step: state.step, what, advice }
    }

    /// Validates, remembers the best weights, and writes the epoch into the history.
    fn close_epoch(&self, state: &mut State) -> Result<()> {
        let plan = &self.parts.plan;
        let train = state.sums.mean();
        let size = block(plan);
        // Without validation rows some training rows stand in: the epoch's own losses are those of weights that are gone.
        let (training, validation) = (&self.split.train, &self.split.validation);
        let rows = if validation.is_empty() { &training[..training.len().min(size)] } else { validation };
        let blocks = rows.chunks(size).map(|rows| self.prepared.tensor(rows.iter().copied()));
        let seen = self.parts.mean_terms(&state.vars.values(), blocks, &self.rng.split("validation"))?;
        let loss = seen.sum();
        if lost(loss, state.first) {
            return Err(self.diverged(state, format!("the loss after the epoch is {loss}")));
        }
        let validation = (!validation.is_empty()).then_some(seen);
        let better = state.best.as_ref().is_none_or(|best| loss < best.loss);
        state.epoch += 1;
        if better {
            state.best = Some(Best { loss, epoch: state.epoch, vars: state.vars.copied() });
            state.waited = 0;
        } else {
            state.waited += 1;
            if let Schedule::Plateau { patience, .. } = plan.config.schedule {
                state.reductions += u32::from(state.waited.is_multiple_of(patience));
            }
        }
        state.history.push(EpochRecord { epoch: state.epoch, of: plan.epochs(), train, validation, best: better });
        state.step = 0;
        state.sums = Default::default();
        Ok(())
    }
}

/// Whether a loss is beyond recovery: far above the first one is as lost as infinite.
fn lost(loss: f64, first: Option<f64>) -> bool {
    !loss.is_finite() || first.is_some_and(|first| loss.abs() > 1e4 * (first.abs() + 1.0))
}
