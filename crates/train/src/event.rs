//! What a training tells while it runs, and what comes back.

use crate::checkpoint::Reserved;
use crate::settings::Settings;
use model::{EpochRecord, Model, Numbers, Plan};
use rows::{Error, Split};
use std::sync::Arc;

/// What happens during a training.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan is made and training is about to begin, from `epoch` where it is resumed.
    Start {
        /// What was decided.
        plan: &'a Plan,
        /// All settings, with nothing open.
        settings: &'a Settings,
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
    /// One epoch of the training of one layer alone, before all are trained together.
    Layer {
        /// Which, from 0.
        layer: usize,
        /// Layers in all.
        of: usize,
        /// What the epoch came to.
        record: &'a EpochRecord,
    },
    /// One epoch of a further member of the ensemble is done; members are trained side by side.
    Member {
        /// Which, from 1; the model itself is 0.
        member: usize,
        /// Members in all.
        of: usize,
        /// What the epoch came to.
        record: &'a EpochRecord,
    },
}

/// What the receiver of an event wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// After [`Event::Step`]: write the checkpoint, where one was asked for, and go on. So long
    /// epochs are saved by the caller's clock; everywhere else it is [`Flow::Continue`].
    Save,
    /// Finish this step, save the checkpoint, and stop; at [`Event::Start`] there is nothing to
    /// stop yet, and training begins.
    Stop,
}

/// How a training ended.
#[derive(Debug)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The validation loss had not become better for as many epochs as the patience.
    Stopped,
    /// L-BFGS finds nothing lower.
    Converged,
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
    /// The name of the checkpoint, which no other training has before this is dropped.
    pub checkpoint: Option<Arc<Reserved>>,
}
