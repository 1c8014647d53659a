//! Trains a model from rows: layers one by one where that is asked for, then all together.

use crate::event::{Event, Flow, Outcome, Trained};
use crate::pretraining::Pretraining;
use crate::settings::Settings;
use crate::single::{Begin, Single};
use crate::stack;
use kernels::among_workers;
use model::{Model, Whiten};
use rows::{Dataset, Error, Message, Result, Split};

/// Trains a model, or continues the training of a checkpoint.
///
/// The checkpoint is written after each epoch, on [`Flow::Save`] and on [`Flow::Stop`]; a resumed training gives the
/// same bits as one that was never stopped. From weights that are there, every variable that the
/// start has too, by name and shape, begins with its value, and rows are scaled as there.
///
/// Errors: data or settings that make no sense; weights of which nothing fits; divergence before
/// the first epoch's end.
pub fn train(
    settings: &Settings,
    data: &Dataset,
    begin: &Begin,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    among_workers(|| {
        if begin.resume && begin.checkpoint.is_none() {
            let wanted = "the path of the checkpoint to continue from";
            return Err(Error::setting("resume", "without a checkpoint", wanted));
        }
        if settings.train.freeze_encoder && begin.start.is_none() && !begin.resume {
            let wanted = Message::from("weights to begin with (").set("from", "MODEL");
            let wanted = wanted.text("), or the encoder would stay random");
            return Err(Error::setting("freeze_encoder", true, wanted));
        }
        data.require_rows(2)?;
        data.check_finite()?;
        settings.train.check()?;
        let split = Split::of(data, settings.train.fractions(), settings.model.seed)?;
        let whiten = match begin.known()? {
            Some(known) => known.whiten,
            None => Whiten::fit(data, &split.train)?,
        };
        let whitened = whiten.as_ref().map(|whiten| whiten.apply(data)).transpose()?;
        let data = whitened.as_deref().unwrap_or(data);
        let begin = Begin { whiten, ..begin.clone() };
        let mut single = Single::ready(settings, data, &split, &begin)?;
        let outcome = whole(&mut single, &split, on)?;
        let checkpoint = single.state.reserved();
        Ok(Trained { model: single.model(), split, outcome, checkpoint })
    })
}

/// Trains one model on rows that are split and whitened already.
///
/// Errors as [`train`].
pub fn one(
    settings: &Settings,
    data: &Dataset,
    split: &Split,
    begin: &Begin,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<(Model, Outcome)> {
    let mut single = Single::ready(settings, data, split, begin)?;
    let outcome = whole(&mut single, split, on)?;
    Ok((single.model(), outcome))
}

/// A training from its first layer to its end.
fn whole(
    single: &mut Single,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Outcome> {
    stack::check(&single.coder.plan, &single.settings)?;
    on(&Event::Start {
        plan: &single.coder.plan,
        settings: &single.settings,
        weights: single.state.vars.weights(),
        rows: split.train.len(),
        epoch: single.state.epoch,
    });
    if single.settings.train.pretrain != Pretraining::None
        && stack::pretrain(single, split, on)? == Flow::Stop
    {
        single.state.save(&single.settings)?;
        return Ok(Outcome::Interrupted);
    }
    single.run(on)
}
