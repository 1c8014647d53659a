//! The one training loop: batches, epochs, validation, the best weights.

use crate::checkpoint::{Best, State};
use crate::event::{Event, Flow, Outcome};
use crate::method::{Method, Schedule};
use crate::objective::{Objective, mean_terms};
use crate::optimise::{Moment, descend};
use crate::settings::Settings;
use model::{Batch, EpochRecord, HANDED_OVER, Progress, ahead};
use rows::{Error, Order, Result, Rng, Split};

/// What stays the same throughout a training.
pub struct Job<'a> {
    /// What is lowered.
    pub objective: &'a dyn Objective,
    /// Decided in full.
    pub settings: &'a Settings,
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
    /// Trains to the end, or until `on` stops it.
    ///
    /// Errors: batches that cannot be made, a checkpoint that cannot be written, or divergence.
    pub fn run(
        &self,
        state: &mut State,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Outcome> {
        // A full batch is made once; nothing waits for the next.
        let together = if self.whole() {
            0
        } else {
            HANDED_OVER.div_ceil(self.settings.train.batch.saturating_mul(self.width).max(1))
        };
        ahead(self.batches(state.epoch, state.step), together, |batches| {
            self.follow(state, batches, on)
        })
    }

    fn epochs(&self) -> usize {
        self.settings.train.passes()
    }

    /// Whether each step sees all training rows, and sees them alike.
    fn whole(&self) -> bool {
        self.settings.train.optimiser == Method::Lbfgs
    }

    /// Every batch from a step of an epoch to the end of the training.
    fn batches(
        &self,
        epoch: usize,
        step: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch>> + Send + '_> {
        let (rows, size, epochs) = (&self.split.train, self.settings.train.batch, self.epochs());
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
            let order = Order::new(rows.len(), &mut self.rng.split("order").at(now));
            let first = if now == epoch { step } else { 0 };
            (first..order.len().div_ceil(size)).map(move |step| {
                let places = step * size..order.len().min((step + 1) * size);
                batch(&places.map(|place| rows[order.at(place)]).collect::<Vec<_>>(), now, step)
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
        let steps = self.split.train.len().div_ceil(self.settings.train.batch);
        while state.epoch < epochs {
            let patience = self.settings.train.waits();
            if patience > 0 && state.waited >= patience {
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
                let (epoch, step) = (state.epoch, state.step);
                match on(&Event::Step { epoch, step, steps, terms: &mean }) {
                    Flow::Continue => {}
                    Flow::Save => state.save(self.settings)?,
                    Flow::Stop => {
                        state.save(self.settings)?;
                        return Ok(Outcome::Interrupted);
                    }
                }
            }
            self.close_epoch(state)?;
            state.save(self.settings)?;
            let flow = state.history.last().map(|record| on(&Event::Epoch(record)));
            if flow == Some(Flow::Stop) && state.epoch < epochs {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    fn step(&self, state: &mut State, batch: Batch, steps: usize) -> Result<()> {
        let (rows, train) = (batch.rows(), &self.settings.train);
        let total = self.epochs();
        let epochs = state.epoch as f64 + state.step as f64 / steps as f64;
        let progress = Progress { fraction: epochs / total as f64 };
        let rate = train.learning_rate
            * train.schedule.factor(epochs, total, train.warm_up, state.reductions);
        let (epoch, at) = if self.whole() { (0, 0) } else { (state.epoch, state.step) };
        let rng = self.rng.split("step").at(epoch).at(at);
        let step = state.epoch * steps + state.step;
        let moment = Moment { progress, rate, step };
        let (vars, optimiser) = (&mut state.vars, &mut state.optimiser);
        let numbers = descend(self.objective, vars, optimiser, &batch, &rng, moment)?;
        state.step += 1;
        let sum = numbers.sum();
        if lost(sum, state.first) {
            return Err(state.diverged(self.settings, format!("the loss is {sum}")));
        }
        state.first.get_or_insert(sum);
        state.sums.add(&numbers, rows);
        Ok(())
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
        let sum = seen.sum();
        if lost(sum, state.first) {
            return Err(state.diverged(self.settings, format!("the loss after the epoch is {sum}")));
        }
        let loss = self.objective.judged_by(&seen);
        let validation = (!validation.is_empty()).then_some(seen);
        let better = state.best.as_ref().is_none_or(|best| loss < best.loss);
        state.epoch += 1;
        if better {
            state.best = Some(Best { loss, epoch: state.epoch, vars: state.vars.copied() });
            state.waited = 0;
        } else {
            state.waited += 1;
            if let Schedule::Plateau { patience, .. } = self.settings.train.schedule {
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
