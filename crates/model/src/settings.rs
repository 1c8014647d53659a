//! What a model is to be: one section of the settings.

use crate::blueprint::{Net, Norm};
use crate::likelihood::kind::Likelihood;
use crate::prepare::scale::Scale;
use kernels::Activation;
use rows::{ColumnKind, Error, Field, Result, Shape, settings};
use serde_json::{Map, Value};

settings! {
    $ model_settings
    /// What a model is to be; a setting that is `auto` or absent is decided by
    /// [`Plan`](crate::Plan) from the data and the family.
    pub struct ModelSettings {
        /// Kind of autoencoder; `ae families` tells more.
        family: String = "plain".to_owned(), "NAME";
        /// The family's own parameters; those left out take their defaults.
        parameters: Map<String, Value> = Map::new(), "NAME=VALUE";
        /// Numbers in a code; decided by the network `maps`.
        latent: usize = 8, "N";
        /// Network: auto, linear, shallow, mlp:512,256, conv:32,64 or maps:32,64.
        net: Net = Net::Auto, "NET";
        /// Activation of the hidden layers.
        activation: Activation = Activation::Relu, "NAME";
        /// Activation of the code.
        code_activation: Option<Activation> = None, "NAME", "decided by the family";
        /// Let the decoder use the encoder's matrices, transposed.
        tied: bool = false, "";
        /// Fraction of hidden units dropped in training, below 1.
        dropout: f64 = 0.0, "X";
        /// Norm of the hidden layers: none, batch or layer.
        norm: Norm = Norm::None, "NORM";
        /// Reconstruction error: auto, gaussian, gaussian:V, gaussian:learned, bernoulli or laplace.
        likelihood: Likelihood = Likelihood::Auto, "NAME";
        /// Replace pixels between 0 and 1 by draws of 0 or 1, redrawn each epoch; codes and mean
        /// errors use the grey values.
        binarise: bool = false, "";
        /// Scaling of the numbers: auto, none, minmax, standard, unit or quantile.
        scale: Scale = Scale::Auto, "SCALE";
        /// Fraction of a table's cells that training hides from the encoder, so that the model
        /// learns to fill in missing values.
        hidden: Option<f64> = None, "FRACTION", "0.2 where values are missing, else 0";
        /// Expected fraction of anomalies among the training rows, at most 0.5: as many rows of a
        /// batch, those with the largest errors, are left out of the loss, and scores allow for them.
        contamination: f64 = 0.0, "FRACTION";
        /// Decides every random number.
        seed: u64 = 0, "N";
    }
}

/// The largest code: beyond it a number is a slip of the finger.
pub(crate) const MOST: usize = 1 << 20;
/// Points of a window that one number of the code stands for.
const POINTS_A_NUMBER: usize = 16;

impl ModelSettings {
    /// Settings to find anomalies with: models that undo noise, with a code as wide as the prepared
    /// row up to 64 numbers. `fields` are those of the data ([`rows::Dataset::fields`]).
    ///
    /// What keeps such a code from copying is the noise; a narrow one would lose what makes a rare
    /// row rare.
    pub fn for_anomalies(shape: &Shape, fields: &[Field]) -> Self {
        let wide = as_wide(shape, fields);
        // Points of a series nearly repeat each other: as much noise on each as on a table's
        // columns would drown what is particular. For the same reason few numbers tell a window.
        let (level, latent) = match shape {
            Shape::Series { .. } => {
                (0.1, wide.min((shape.features().unwrap_or(1) / POINTS_A_NUMBER).max(4)))
            }
            _ => (0.3, wide),
        };
        let noise = ("noise".to_owned(), Value::from("gaussian"));
        let parameters: Map<String, Value> =
            [noise, ("level".to_owned(), Value::from(level))].into_iter().collect();
        Self::default().family("denoising").parameters(parameters).latent(latent)
    }

    /// Settings to fill in the missing values of a table with: a code as wide as the row up to 64
    /// numbers, because what keeps it from copying are the hidden cells, and more of them than
    /// there are missing ones.
    pub fn for_gaps(shape: &Shape, fields: &[Field]) -> Self {
        Self::default().latent(as_wide(shape, fields)).hidden(0.3)
    }

    /// Refuses numbers outside their bounds, whatever the data.
    pub fn check(&self) -> Result<()> {
        within("latent", self.latent, 1, MOST)?;
        between("dropout", self.dropout, 0.0, 0.99)?;
        between("hidden", self.hidden.unwrap_or(0.0), 0.0, 0.95)?;
        between("contamination", self.contamination, 0.0, 0.5)?;
        // What a program put together is held to the bounds of what a user writes.
        self.net.to_string().parse::<Net>()?;
        self.likelihood.to_string().parse::<Likelihood>()?;
        Ok(())
    }
}

/// Refuses a whole number outside its bounds.
pub fn within(name: &str, value: usize, low: usize, high: usize) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(name, value, format!("a whole number from {low} to {high}")))
}

/// Refuses a number outside its bounds; NaN lies within none.
pub fn between(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(name, value, format!("a number from {low} to {high}")))
}

/// Numbers in a prepared row, up to 64.
fn as_wide(shape: &Shape, fields: &[Field]) -> usize {
    let wider = |field: &Field| match field.kind {
        ColumnKind::Categorical => field.levels.len(),
        ColumnKind::Text => 64,
        _ => 0,
    };
    let wider: usize = fields.iter().map(wider).sum();
    (shape.features().unwrap_or(1) + wider).clamp(1, 64)
}
