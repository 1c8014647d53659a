//! The one training loop. It prints nothing, reads no clock, and tells what happens through events.

use crate::ahead::ahead;
use crate::config::{Config, Plan};
use crate::density::DensityChoice;
use crate::event::{Event, Flow, Outcome, Trained};
use crate::family::Batch;
use crate::layer::Progress;
use crate::model::{Model, block};
use crate::objective::{Objective, mean_terms};
use crate::optimise::{Method, Schedule, descend};
use crate::parts::Parts;
use crate::prepare::{Preparation, Whiten};
use crate::run::{Best, EpochRecord, State};
use crate::score::{Detector, Member};
use crate::stack::{self, Pretraining};
use crate::vars::{Group, Init, Vars};
use autoencoders_kernels::{among_workers, side_by_side};
use burn::tensor::{DType, Device};
use rows::{Dataset, Error, Result, Rng, Shape, Split};
use std::borrow::Cow;
use std::path::Path;

/// Weights to begin with: those of a trained model, or of a classifier.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Taken over where name and shape agree.
    pub vars: &'a Vars,
    /// How the rows that they know are scaled.
    pub preparation: &'a Preparation,
    /// What they are the weights of.
    pub parts: &'a Parts,
    /// The names of the columns that they know; empty where there are none.
    pub columns: &'a [String],
}

impl Start<'_> {
    /// Refuses what these weights cannot begin.
    fn check(&self, config: &Config, data: &Dataset) -> Result<()> {
        let own = &self.parts.plan.shape;
        if own.features()? != data.features()
            || (data.columns.len() == self.columns.len() && data.columns != self.columns)
        {
            let got = format!("{} with other columns than the weights to begin with", data.shape);
            return Err(Error::shape(
                format!("rows of {}", data.name),
                got,
                format!("{own}, with the same columns in the same order"),
            ));
        }
        for (name, given) in
            [("pretrain", config.pretrain != Pretraining::None), ("members", config.members > 1)]
        {
            if given {
                return Err(Error::setting(name, "given", "nothing beside weights to begin with"));
            }
        }
        Ok(())
    }

    /// The configuration with what makes a frozen encoder the one that it was.
    fn frozen(&self, config: &Config) -> Config {
        let own = &self.parts.plan.config;
        let code_activation =
            if own.net == config.net { own.code_activation } else { config.code_activation };
        Config { activation: own.activation, norm: own.norm, code_activation, ..config.clone() }
    }
}

impl<'a> From<&'a Model> for Start<'a> {
    fn from(model: &'a Model) -> Self {
        Self {
            vars: &model.vars,
            preparation: &model.preparation,
            parts: &model.parts,
            columns: &model.columns,
        }
    }
}

/// Trains a model, or goes on with the training of a checkpoint.
///
/// `checkpoint` is written after each epoch and on [`Flow::Stop`]; with `resume` training goes on
/// from it, bit for bit as if it had never stopped. Errors: data or settings that make no sense;
/// divergence before the first epoch's end.
pub fn fit(
    config: &Config,
    data: &Dataset,
    checkpoint: Option<&Path>,
    resume: bool,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    among_workers(|| train(config, data, &Begin { checkpoint, resume, ..Begin::default() }, on))
}

/// The same from weights that are there: every variable that the start has too, by name and shape,
/// begins with its value, and rows are scaled as there. [`Config::freeze_encoder`] keeps the
/// encoder so, with its activation and norm.
///
/// Errors besides: nothing fits; rows of other columns; or the encoder is to be frozen and not all
/// of it is there.
pub fn fit_from(
    start: Start,
    config: &Config,
    data: &Dataset,
    checkpoint: Option<&Path>,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    among_workers(|| {
        train(config, data, &Begin { checkpoint, start: Some(start), ..Begin::default() }, on)
    })
}

/// What a training begins with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Begin<'a> {
    pub checkpoint: Option<&'a Path>,
    pub resume: bool,
    pub start: Option<Start<'a>>,
    /// How rows are scaled, where that is not to be fitted on them.
    pub preparation: Option<Preparation>,
    /// How the rows have been whitened.
    pub whiten: Option<Whiten>,
}

impl Begin<'_> {
    /// The preparation that comes with weights to begin with, or with a checkpoint of a training
    /// that began with some.
    fn known(&self) -> Result<Option<Preparation>> {
        if let Some(start) = &self.start {
            return Ok(Some(start.preparation.clone()));
        }
        let kept = self.checkpoint.filter(|_| self.resume).map(State::preparation_of);
        Ok(self.preparation.clone().or(kept.transpose()?.flatten()))
    }
}

fn train(
    config: &Config,
    data: &Dataset,
    begin: &Begin,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    if begin.resume && begin.checkpoint.is_none() {
        return Err(Error::setting(
            "resume",
            "without a checkpoint",
            "the path of the checkpoint to go on from",
        ));
    }
    if config.freeze_encoder && begin.start.is_none() && !begin.resume {
        return Err(Error::setting(
            "freeze_encoder",
            true,
            "weights to begin with (--from MODEL), or the encoder would stay random",
        ));
    }
    data.require_rows(2)?;
    data.check_finite()?;
    let split = Split::new(data.rows(), config.fractions(), config.seed)?;
    let whiten = match begin.known()? {
        Some(known) => known.whiten,
        None => Whiten::fit(data, &split.train)?,
    };
    let whitened = whiten.as_ref().map(|whiten| whiten.apply(data)).transpose()?;
    let data = whitened.as_deref().unwrap_or(data);
    let begin = &Begin { whiten, ..begin.clone() };
    let (mut model, mut outcome) = one(config, data, &split, begin, on)?;
    if !matches!(outcome, Outcome::Interrupted) {
        model.complete(data, &split)?;
    }
    if matches!(outcome, Outcome::Finished | Outcome::Stopped | Outcome::Converged) {
        match ensemble(&model, data, &split, on)? {
            Some(members) => {
                model.members = members;
                model.detector = Detector::fit(&model, data, &split)?;
            }
            None => outcome = Outcome::Interrupted,
        }
    }
    Ok(Trained { model, split, outcome })
}

/// Trains one model, which still lacks what [`Model::complete`] adds.
pub(crate) fn one(
    config: &Config,
    data: &Dataset,
    split: &Split,
    begin: &Begin,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<(Model, Outcome)> {
    let gaps = config.hidden.is_some_and(|hidden| hidden > 0.0);
    if let Some(start) = &begin.start {
        start.check(config, data)?;
    }
    let preparation = match begin.known()? {
        Some(known) => known,
        None => Preparation {
            whiten: begin.whiten.clone(),
            ..Preparation::fit(config.scale, data, &split.train, gaps)?
        },
    };
    preparation.check(data.features())?;
    let frozen =
        begin.start.as_ref().filter(|_| config.freeze_encoder).map(|start| start.frozen(config));
    let config = frozen.as_ref().unwrap_or(config);
    let plan = Plan::of(config, &data.shape, &preparation, split.train.len())?;
    stack::check(&plan)?;
    let mut init = Init::random(&Rng::new(config.seed), &Device::default(), DType::F32);
    let parts = Parts::build(plan, &mut init)?;
    let mut vars = init.finish();
    if let Some(start) = &begin.start {
        vars.take_over(start.vars, config.freeze_encoder)?;
    }
    if config.freeze_encoder {
        vars.freeze(Group::Encoder);
    }
    let mut state =
        State::new(vars, &parts.plan.config, begin.checkpoint.map(|path| (path, data)))?;
    state.preparation = begin.start.as_ref().map(|start| start.preparation.clone());
    if begin.resume {
        state.restore(&parts.plan.config)?;
    }
    on(&Event::Start {
        plan: &parts.plan,
        weights: state.vars.weights(),
        rows: split.train.len(),
        epoch: state.epoch,
    });
    let prepared = preparation.on(data)?;
    if parts.plan.config.pretrain != Pretraining::None
        && stack::pretrain(&parts, &mut state, &prepared, split, on)? == Flow::Stop
    {
        state.save(&parts.plan.config)?;
        return Ok((Model::trained(parts, state, preparation, data, split), Outcome::Interrupted));
    }
    let job = Job {
        objective: &parts,
        config: &parts.plan.config,
        split,
        batch: &|rows, rng| parts.batch(prepared.tensor(rows.iter().copied())?, rng),
        width: parts.plan.width(),
        block: block(&parts.plan),
        name: &data.name,
        rng: Rng::new(config.seed),
    };
    let outcome = match job.run(&mut state, on) {
        Err(error @ Error::Diverged { .. }) if state.best.is_some() => Outcome::Diverged(error),
        other => other?,
    };
    Ok((Model::trained(parts, state, preparation, data, split), outcome))
}

/// Each further member of an ensemble leaves out one of so many columns of a table: in narrow
/// tables one column may be all that tells an anomaly.
const LEFT_OUT: usize = 10;

/// Trains the further members of an ensemble side by side, each on its own columns from its own
/// weights; none where that was stopped.
fn ensemble(
    model: &Model,
    data: &Dataset,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Option<Vec<Member>>> {
    let config = &model.parts.plan.config;
    let begin = Begin { whiten: model.preparation.whiten.clone(), ..Begin::default() };
    let features = data.features();
    let rng = Rng::new(config.seed).split("member");
    let on = std::sync::Mutex::new(on);
    let trained = side_by_side(config.members - 1, |at| {
        let mut rng = rng.at(at);
        let seed = rng.below(1 << 31) as u64;
        let seen = features - features / LEFT_OUT;
        // The columns of a table stand in no order; those of images and series do. A table on
        // disk is not copied.
        let narrow = matches!(data.shape, Shape::Flat { .. })
            && data.values.in_memory().is_some()
            && seen < features;
        let mut columns: Vec<usize> = if narrow {
            rng.permutation(features)[..seen].to_vec()
        } else {
            (0..features).collect()
        };
        columns.sort_unstable();
        let narrowed =
            if narrow { Cow::Owned(data.narrowed(&columns)?) } else { Cow::Borrowed(data) };
        let latent = if narrow { config.latent.min(columns.len()) } else { config.latent };
        let own =
            Config { seed, latent, members: 1, density: DensityChoice::None, ..config.clone() };
        let (model, outcome) =
            one(&own, &narrowed, &split.of_member(at + 1), &begin, &mut |event| match (
                event,
                on.lock(),
            ) {
                (Event::Epoch(record) | Event::Layer { record, .. }, Ok(mut on)) => {
                    on(&Event::Member { member: at + 1, of: config.members, record })
                }
                _ => Flow::Continue,
            })?;
        match outcome {
            Outcome::Interrupted => Ok(None),
            Outcome::Diverged(error) => Err(error),
            Outcome::Finished | Outcome::Stopped | Outcome::Converged => {
                Ok(Some(Member { columns, model }))
            }
        }
    });
    trained.into_iter().collect()
}

/// Numbers that take about as long to make ready as to hand over to another thread.
pub(crate) const HANDED_OVER: usize = 1 << 14;

/// What stays the same throughout a training.
pub(crate) struct Job<'a> {
    /// What is lowered.
    pub objective: &'a dyn Objective,
    /// Decided in full.
    pub config: &'a Config,
    /// The rows that train and those that validate.
    pub split: &'a Split,
    /// Makes a batch of some rows; everything random in it comes from the numbers given.
    pub batch: &'a (dyn Fn(&[usize], &Rng) -> Result<Batch> + Sync),
    /// Numbers in a row of a batch.
    pub width: usize,
    /// Rows that are validated at once.
    pub block: usize,
    /// The name of the data.
    pub name: &'a str,
    /// Decides every random number.
    pub rng: Rng,
}

impl Job<'_> {
    pub(crate) fn run(
        &self,
        state: &mut State,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Outcome> {
        // A full batch is made once; nothing waits for the next.
        let together = if self.whole() {
            0
        } else {
            HANDED_OVER.div_ceil(self.config.batch.saturating_mul(self.width).max(1))
        };
        ahead(self.batches(state.epoch, state.step), together, |batches| {
            self.follow(state, batches, on)
        })
    }

    fn epochs(&self) -> usize {
        self.config.epochs.unwrap_or(0)
    }

    /// Whether each step sees all training rows, and sees them alike.
    fn whole(&self) -> bool {
        self.config.optimiser == Method::Lbfgs
    }

    /// Every batch from a step of an epoch to the end of the training.
    fn batches(
        &self,
        epoch: usize,
        step: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch>> + Send + '_> {
        let (rows, size, epochs) = (&self.split.train, self.config.batch, self.epochs());
        let batch = |rows: &[usize], epoch: usize, step: usize| {
            (self.batch)(rows, &self.rng.split("batch").at(epoch).at(step))
        };
        if self.whole() {
            // It stays the same, to the order of its rows and its noise.
            let mut made = None;
            return Box::new((epoch..epochs).map(move |_| match &made {
                Some(made) => Ok(Batch::clone(made)),
                None => Ok(made.insert(batch(rows, 0, 0)?).clone()),
            }));
        }
        Box::new((epoch..epochs).flat_map(move |now| {
            let order = self.rng.split("order").at(now).permutation(rows.len());
            let first = if now == epoch { step } else { 0 };
            (first..order.len().div_ceil(size)).map(move |step| {
                let at = &order[step * size..order.len().min((step + 1) * size)];
                batch(&at.iter().map(|at| rows[*at]).collect::<Vec<_>>(), now, step)
            })
        }))
    }

    fn follow(
        &self,
        state: &mut State,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Outcome> {
        let epochs = self.epochs();
        let steps = self.split.train.len().div_ceil(self.config.batch);
        while state.epoch < epochs {
            if self.config.patience > 0 && state.waited >= self.config.patience {
                return Ok(Outcome::Stopped);
            }
            if state.optimiser.converged {
                return Ok(Outcome::Converged);
            }
            while state.step < steps {
                let Some(batch) = batches.next() else {
                    return Err(Error::data(
                        self.name,
                        "its batches ended before the epoch did; resume from the checkpoint",
                    ));
                };
                self.step(state, batch?, steps)?;
                let mean = state.sums.mean();
                if on(&Event::Step { epoch: state.epoch, step: state.step, steps, terms: &mean })
                    == Flow::Stop
                {
                    state.save(self.config)?;
                    return Ok(Outcome::Interrupted);
                }
            }
            self.close_epoch(state)?;
            state.save(self.config)?;
            let flow = state.history.last().map(|record| on(&Event::Epoch(record)));
            if flow == Some(Flow::Stop) && state.epoch < epochs {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    fn step(&self, state: &mut State, batch: Batch, steps: usize) -> Result<()> {
        let (rows, config) = (batch.input.dims()[0], self.config);
        let total = self.epochs();
        let epochs = state.epoch as f64 + state.step as f64 / steps as f64;
        let progress = Progress { fraction: epochs / total as f64 };
        let rate = config.learning_rate
            * config.schedule.factor(epochs, total, config.warm_up, state.reductions);
        let rng = match self.whole() {
            true => self.rng.split("step").at(0).at(0),
            false => self.rng.split("step").at(state.epoch).at(state.step),
        };
        let numbers = descend(
            self.objective,
            &mut state.vars,
            &mut state.optimiser,
            batch,
            &rng,
            progress,
            rate,
        )?;
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
        let rate = self.config.learning_rate / 10.0;
        let advice = format!("try --lr {rate}, --clip 1, or look for extreme values with ae data");
        Error::Diverged { epoch: state.epoch + 1, step: state.step, what, advice }
    }

    /// Validates, remembers the best weights, and writes the epoch into the history.
    fn close_epoch(&self, state: &mut State) -> Result<()> {
        let train = state.sums.mean();
        // Without validation rows some training rows stand in: the epoch's own losses are those of
        // weights that are gone.
        let (training, validation) = (&self.split.train, &self.split.validation);
        let rows = if validation.is_empty() {
            &training[..training.len().min(self.block)]
        } else {
            validation
        };
        let rng = self.rng.split("validation");
        let batches =
            rows.chunks(self.block).enumerate().map(|(at, rows)| (self.batch)(rows, &rng.at(at)));
        let seen = mean_terms(self.objective, &state.vars.values(), batches, &rng)?;
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
            if let Schedule::Plateau { patience, .. } = self.config.schedule {
                state.reductions += u32::from(state.waited.is_multiple_of(patience));
            }
        }
        state.history.push(EpochRecord {
            epoch: state.epoch,
            of: self.epochs(),
            train,
            validation,
            best: better,
        });
        state.step = 0;
        state.sums = Default::default();
        Ok(())
    }
}

/// Whether a loss is beyond recovery: far above the first one is as lost as infinite.
fn lost(loss: f64, first: Option<f64>) -> bool {
    !loss.is_finite() || first.is_some_and(|first| loss.abs() > 1e4 * (first.abs() + 1.0))
}
