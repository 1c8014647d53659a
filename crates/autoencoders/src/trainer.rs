//! A training put together step by step, with the family as a type.

use crate::config::Config;
use crate::fit::{fit, fit_from};
use kernels::Activation;
use model::{Family, Likelihood, Model, Net, Norm, Scale, model_settings};
use rows::{Dataset, Error, Given, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;
use study::{DensityChoice, after_settings};
use train::{Event, Flow, Method, Pretraining, Schedule, Trained, train_settings};

/// What is called with each event, and says whether to go on.
type Follower<'a> = dyn FnMut(&Event) -> Flow + Send + 'a;

/// A training of one family, whose parameters are a type of its own.
///
/// ```
/// use autoencoders::families::vae::Vae;
/// use autoencoders::{Trainer, data};
///
/// let digits = data::read("digits", &data::ReadOptions::default())?;
/// let vae = Vae { beta: 4.0, ..Vae::default() };
/// let trained = Trainer::new(vae).latent(8).epochs(3).fit(&digits)?;
/// assert_eq!(trained.model.encode(&digits)?.columns, 8);
/// # Ok::<(), autoencoders::Error>(())
/// ```
pub struct Trainer<'a> {
    config: Result<Config>,
    checkpoint: Option<PathBuf>,
    resume: bool,
    from: Option<&'a Model>,
    on: Option<Box<Follower<'a>>>,
}

impl<'a> Trainer<'a> {
    /// A training of a family with these parameters.
    pub fn new<F: Family + Serialize + 'static>(family: F) -> Self {
        let entry = model::FAMILIES.iter().find(|entry| entry.is::<F>());
        let config = match (entry, serde_json::to_value(&family)) {
            (Some(entry), Ok(Value::Object(parameters))) => {
                Ok(Config::default().family(entry.name).parameters(parameters))
            }
            (Some(entry), _) => Ok(Config::default().family(entry.name)),
            (None, _) => {
                let known = model::FAMILIES.iter().map(|entry| entry.name);
                Err(Error::unknown("family", std::any::type_name::<F>(), known))
            }
        };
        Self { config, checkpoint: None, resume: false, from: None, on: None }
    }

    /// Writes a checkpoint here after each epoch.
    #[must_use]
    pub fn checkpoint(self, path: impl Into<PathBuf>) -> Self {
        Self { checkpoint: Some(path.into()), ..self }
    }

    /// Continues from the checkpoint.
    #[must_use]
    pub fn resume(self) -> Self {
        Self { resume: true, ..self }
    }

    /// Begins with the weights and the scaling of a model.
    #[must_use]
    pub fn from(self, model: &'a Model) -> Self {
        Self { from: Some(model), ..self }
    }

    /// Is told what happens, and may stop the training.
    #[must_use]
    pub fn on(self, on: impl FnMut(&Event) -> Flow + Send + 'a) -> Self {
        Self { on: Some(Box::new(on)), ..self }
    }

    /// Trains.
    ///
    /// Errors as [`fit`](crate::fit) and [`fit_from`].
    pub fn fit(self, data: &Dataset) -> Result<Trained> {
        let config = self.config?;
        let mut silent = |_: &Event| Flow::Continue;
        let mut given = self.on;
        let on: &mut (dyn FnMut(&Event) -> Flow + Send) = match &mut given {
            Some(on) => on,
            None => &mut silent,
        };
        let checkpoint = self.checkpoint.as_deref();
        match self.from {
            Some(model) => fit_from(model.into(), &config, data, checkpoint, on),
            None => fit(&config, data, checkpoint, self.resume, on),
        }
    }
}

/// A setter for each setting.
macro_rules! setters {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty;)+) => {
        impl Trainer<'_> {
            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $field(self, value: impl Given<$type>) -> Self {
                    Self { config: self.config.map(|config| config.$field(value)), ..self }
                }
            )+
        }
    };
}

model_settings!(setters,);
train_settings!(setters,);
after_settings!(setters,);
