//! From words to a configuration: the library's defaults, then the recipe, then the flags.

use crate::args::{Purpose, Settings, Train};
use autoencoders::run::State;
use autoencoders::schema::{Field, Shape};
use autoencoders::stack::Pretraining;
use autoencoders::{Config, Error, Result};
use std::path::Path;

/// The configuration that was asked for on rows of this shape, or that of the checkpoint to go on
/// from.
pub(crate) fn config(args: &Train, shape: &Shape, fields: &[Field]) -> Result<Config> {
    if let Some(run) = &args.resume {
        return State::config_of(run);
    }
    let settings = &args.settings;
    let mut config = match (settings.purpose, &settings.config) {
        (Some(Purpose::Anomalies), _) => Config::for_anomalies(shape, fields),
        (Some(Purpose::Gaps), _) => Config::for_gaps(shape, fields),
        (None, Some(recipe)) => read(recipe)?,
        (None, None) => Config::default(),
    };
    apply(settings, &mut config)?;
    config.freeze_encoder |= args.freeze_encoder;
    if args.test_data.is_some() {
        // The rows for the final table are in a file of their own.
        config.test = 0.0;
    }
    config.entry()?;
    Ok(config)
}

/// Reads a recipe; a field that does not exist is refused by its name.
fn read(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
    let wrong = |error: String| Error::data(path.display(), error);
    match path.extension().unwrap_or_default().to_string_lossy().to_lowercase().as_str() {
        "json" => serde_json::from_str(&text).map_err(|error| wrong(error.to_string())),
        "toml" => toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            wrong(format!("line {line}: {}", error.message()))
        }),
        other => Err(Error::unknown("kind of recipe", other, ["toml", "json"])),
    }
}

fn apply(settings: &Settings, config: &mut Config) -> Result<()> {
    set(&mut config.family, &settings.family);
    if settings.family.is_some() && settings.purpose.is_some() {
        // The parameters were those of another family.
        config.parameters.clear();
    }
    config.parameters.extend(settings.parameters.iter().cloned());
    set(&mut config.latent, &settings.latent);
    set(&mut config.net, &settings.net);
    if let Some(widths) = &settings.stack {
        config.net = format!("mlp:{widths}").parse().map_err(|_| {
            Error::setting("stack", widths, "widths of hidden layers, as in 1000,500,250")
        })?;
        config.pretrain = Pretraining::Greedy;
    }
    set(&mut config.pretrain, &settings.pretrain);
    config.pretrain_epochs = settings.pretrain_epochs.or(config.pretrain_epochs);
    set(&mut config.activation, &settings.activation);
    config.code_activation = settings.code_activation.or(config.code_activation);
    config.tied |= settings.tied;
    set(&mut config.dropout, &settings.dropout);
    set(&mut config.norm, &settings.norm);
    set(&mut config.likelihood, &settings.likelihood);
    config.binarise |= settings.binarise;
    set(&mut config.scale, &settings.scale);
    config.hidden = settings.hidden.or(config.hidden);
    config.epochs = settings.epochs.or(config.epochs);
    set(&mut config.batch, &settings.batch);
    set(&mut config.learning_rate, &settings.lr);
    set(&mut config.optimiser, &settings.optimiser);
    set(&mut config.momentum, &settings.momentum);
    set(&mut config.weight_decay, &settings.weight_decay);
    set(&mut config.l2, &settings.l2);
    set(&mut config.schedule, &settings.schedule);
    set(&mut config.warm_up, &settings.warm_up);
    set(&mut config.clip, &settings.clip);
    set(&mut config.patience, &settings.patience);
    set(&mut config.density, &settings.density);
    set(&mut config.members, &settings.members);
    set(&mut config.contamination, &settings.contamination);
    set(&mut config.seed, &settings.seed);
    set(&mut config.validation, &settings.validation);
    set(&mut config.test, &settings.test);
    Ok(())
}

fn set<T: Clone>(field: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        *field = value.clone();
    }
}
