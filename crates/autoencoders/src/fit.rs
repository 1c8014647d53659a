//! From rows to a finished model: trained, then given what is made of a trained one.

use crate::config::Config;
use model::Model;
use rows::{Dataset, Error, Result, Rng, Split};
use std::path::Path;
use study::{Density, DensityChoice, Filler, MOST_ROWS, Pca, ensemble, fit_detector};
use train::{Begin, Event, Flow, Outcome, Start, Trained, train};

/// Trains a model, or continues the training of a checkpoint.
///
/// `checkpoint` is written after each epoch, on [`Flow::Save`] and on [`Flow::Stop`]; with `resume` training continues
/// from it, with the same bits as if it had never stopped. A model of a training that was
/// interrupted has nothing attached.
///
/// Errors: data or settings that make no sense; divergence before the first epoch's end.
pub fn fit(
    config: &Config,
    data: &Dataset,
    checkpoint: Option<&Path>,
    resume: bool,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    finished(config, data, &Begin { checkpoint, resume, ..Begin::default() }, on)
}

/// The same from weights that are there: every variable that the start has too, by name and shape,
/// begins with its value, and rows are scaled as there. With `freeze_encoder` the encoder stays so,
/// with its activation and norm.
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
    if config.after.members > 1 {
        let wanted = "nothing beside weights to begin with";
        return Err(Error::setting("members", "given", wanted));
    }
    finished(config, data, &Begin { checkpoint, start: Some(start), ..Begin::default() }, on)
}

fn finished(
    config: &Config,
    data: &Dataset,
    begin: &Begin,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Trained> {
    config.after.check(config.model.latent)?;
    if config.train.freeze_encoder && config.after.members > 1 {
        return Err(Error::setting("freeze_encoder", true, "false with several members"));
    }
    let mut trained = train(&config.training(), data, begin, on)?;
    let Trained { model, split, outcome, .. } = &mut trained;
    if matches!(outcome, Outcome::Interrupted) {
        return Ok(trained);
    }
    kernels::among_workers(|| -> Result<()> {
        let data = model.signature().whitened(data)?;
        complete(model, config, &data, split)?;
        if matches!(outcome, Outcome::Diverged(_)) {
            return Ok(());
        }
        match ensemble(model, config.after.members, &data, split, on)? {
            Some(others) => {
                if !others.members.is_empty() {
                    model.attach(others)?;
                }
                if let Some(detector) = fit_detector(model, &data, split)? {
                    model.attach(detector)?;
                }
            }
            None => *outcome = Outcome::Interrupted,
        }
        Ok(())
    })?;
    Ok(trained)
}

/// Principal components, what fills in missing values, and a density on the codes, from the same
/// rows.
fn complete(model: &mut Model, config: &Config, data: &Dataset, split: &Split) -> Result<()> {
    let rng = Rng::new(model.plan().settings.seed);
    let preparation = &model.signature().preparation;
    let pca = Pca::fit(preparation, data, &split.train, model.latent(), &rng)?;
    model.attach(pca)?;
    if let Some(filler) = Filler::fit(model, data, split)? {
        model.attach(filler)?;
    }
    if config.after.density != DensityChoice::None {
        // The density is fitted on no more rows than these, and the training rows are in random
        // order: the others need no codes.
        let rows = &split.train[..split.train.len().min(MOST_ROWS)];
        let codes = model.encode_rows(data, rows)?;
        let density = Density::fit(config.after.density, &codes.values, codes.columns, &rng);
        if let Some(density) = density {
            model.attach(density)?;
        }
    }
    Ok(())
}
