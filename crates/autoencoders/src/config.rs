//! What to train: one struct, checked against the data before anything is built.

use crate::density::DensityChoice;
use crate::families::FAMILIES;
use crate::family::{Entry, Family};
use crate::likelihood::Likelihood;
use crate::net::{Blueprint, Net, Norm, image_sides, map_width};
use crate::optimise::{Method, Schedule};
use crate::prepare::{Layout, MOST_LEVELS, Preparation, Range, Scale};
use crate::stack::Pretraining;
use autoencoders_kernels::Activation;
use rows::{ColumnKind, Error, Field, Fractions, Result, Shape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything that decides a training.
///
/// A field that is `auto` or absent is decided by [`Plan::new`] from the data and the family; a
/// model file holds the decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A name from `ae families`.
    pub family: String,
    /// The family's own parameters; those left out take their defaults.
    pub parameters: Map<String, Value>,
    /// Numbers in a code; decided by the network `maps`.
    pub latent: usize,
    /// The network.
    pub net: Net,
    /// Of the hidden layers.
    pub activation: Activation,
    /// Of the code; decided by the family where absent.
    pub code_activation: Option<Activation>,
    /// Whether the decoder uses the encoder's matrices, transposed.
    pub tied: bool,
    /// Fraction of hidden units dropped in training, below 1.
    pub dropout: f64,
    /// Norm of the hidden layers.
    pub norm: Norm,
    /// What a reconstruction error is.
    pub likelihood: Likelihood,
    /// Whether pixels between 0 and 1 are replaced by draws of 0 or 1: a fresh draw each epoch, one
    /// by seed for the terms of an evaluation; codes and mean errors see the grey pixels.
    pub binarise: bool,
    /// How numbers are scaled.
    pub scale: Scale,
    /// Fraction of the cells of a table that training hides from the encoder, which so learns to
    /// fill gaps; a fifth where absent and the training rows have gaps, else none.
    pub hidden: Option<f64>,
    /// Fraction of the rows that early stopping and schedules see.
    pub validation: f64,
    /// Fraction of the rows that only the final table sees.
    pub test: f64,
    /// Passes over the training rows; decided from their number where absent.
    pub epochs: Option<usize>,
    /// Rows in a step; lbfgs takes all.
    pub batch: usize,
    /// The optimiser.
    pub optimiser: Method,
    /// Step size.
    pub learning_rate: f64,
    /// Fraction of the velocity that sgd keeps, below 1.
    pub momentum: f64,
    /// Decoupled weight decay: each step shrinks the weights by rate times this; biases are left
    /// alone.
    pub weight_decay: f64,
    /// Weight of a named term of the loss: the sum of the squared weights; biases are left alone.
    pub l2: f64,
    /// How the step size changes.
    pub schedule: Schedule,
    /// Epochs over which the step size rises from zero.
    pub warm_up: f64,
    /// Largest norm of the gradient of all variables together; 0 does not clip.
    pub clip: f64,
    /// Epochs without a better validation loss before training stops; 0 never stops early. The best
    /// weights are kept either way.
    pub patience: usize,
    /// What is fitted on the codes of the trained model, to generate from.
    pub density: DensityChoice,
    /// The expected fraction of anomalies among the training rows: as many rows of a batch, those
    /// with the largest errors, are left out of the reconstruction, and scores allow for them. 0
    /// for clean rows, at most 0.5.
    pub contamination: f64,
    /// Models of an ensemble whose scores are averaged: each starts from other weights and sees
    /// other columns of a table.
    pub members: usize,
    /// How the layers of a dense network are made ready, one after the other.
    pub pretrain: Pretraining,
    /// Epochs of each of these layers; 20 where absent.
    pub pretrain_epochs: Option<usize>,
    /// Whether the encoder keeps the weights that training begins with ([`crate::fit_from`]), so
    /// that only the decoder learns.
    pub freeze_encoder: bool,
    /// Decides every random number.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            family: "plain".to_owned(),
            parameters: Map::new(),
            latent: 8,
            net: Net::Auto,
            activation: Activation::Relu,
            code_activation: None,
            tied: false,
            dropout: 0.0,
            norm: Norm::None,
            likelihood: Likelihood::Auto,
            binarise: false,
            scale: Scale::Auto,
            hidden: None,
            validation: 0.1,
            test: 0.1,
            epochs: None,
            batch: 64,
            optimiser: Method::Adam,
            learning_rate: 1e-3,
            momentum: 0.9,
            weight_decay: 0.0,
            l2: 0.0,
            schedule: Schedule::Cosine,
            warm_up: 0.0,
            clip: 0.0,
            patience: 0,
            density: DensityChoice::Auto,
            contamination: 0.0,
            members: 1,
            pretrain: Pretraining::None,
            pretrain_epochs: None,
            freeze_encoder: false,
            seed: 0,
        }
    }
}

impl Config {
    /// Settings to find anomalies with: an ensemble of five that undo noise, with a code as wide as
    /// the prepared row up to 64 numbers. `fields` are those of the data
    /// ([`rows::Dataset::fields`]). What keeps such a code from copying is the noise; a
    /// narrow one would lose what makes a rare row rare.
    pub fn for_anomalies(shape: &Shape, fields: &[Field]) -> Self {
        // Points of a series nearly repeat each other: as much noise on each as on a table's
        // columns would drown what is particular. For the same reason few numbers tell a window.
        let (level, latent) = match shape {
            Shape::Series { .. } => (
                0.1,
                as_wide(shape, fields)
                    .min((shape.features().unwrap_or(1) / POINTS_A_NUMBER).max(4)),
            ),
            _ => (0.3, as_wide(shape, fields)),
        };
        let parameters = [("noise", Value::from("gaussian")), ("level", Value::from(level))];
        Self {
            family: "denoising".to_owned(),
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            latent,
            batch: 128,
            members: 5,
            ..Self::default()
        }
    }

    /// Settings to fill the gaps of a table with: a code as wide as the row up to 64 numbers,
    /// because what keeps it from copying are the hidden cells, and more of them than there are
    /// gaps.
    pub fn for_gaps(shape: &Shape, fields: &[Field]) -> Self {
        Self { latent: as_wide(shape, fields), hidden: Some(0.3), batch: 128, ..Self::default() }
    }
}

/// Points of a window that one number of the code stands for.
const POINTS_A_NUMBER: usize = 16;

/// Numbers in a prepared row, up to 64.
fn as_wide(shape: &Shape, fields: &[Field]) -> usize {
    let wider: usize = fields
        .iter()
        .map(|field| match field.kind {
            ColumnKind::Categorical => field.levels.len(),
            ColumnKind::Text => 64,
            _ => 0,
        })
        .sum();
    (shape.features().unwrap_or(1) + wider).clamp(1, 64)
}

/// What `auto` stands for; a family changes what its paper does otherwise.
#[derive(Clone, Debug)]
pub struct Auto {
    /// The network.
    pub net: Net,
    /// Of the code.
    pub code_activation: Activation,
    /// What a reconstruction error is.
    pub likelihood: Likelihood,
}

/// A configuration decided in full for one kind of data; only a plan can train.
#[derive(Debug)]
pub struct Plan {
    /// The configuration without `auto`.
    pub config: Config,
    /// The family with its parameters.
    pub family: Box<dyn Family>,
    /// The shape of a row.
    pub shape: Shape,
    /// The range of prepared numbers.
    pub range: Range,
    /// How the numbers of a prepared row lie, where rows are those of a table of several kinds of
    /// columns.
    pub layout: Option<Layout>,
    /// The network.
    pub blueprint: Blueprint,
    /// What the user should know before training.
    pub warnings: Vec<String>,
}

/// The largest code and batch: beyond these a number is a slip of the finger.
const MOST: usize = 1 << 20;
/// Steps that train a small network well; the default number of epochs reaches them.
const STEPS: usize = 6000;

impl Config {
    /// The registered family of this name.
    pub fn entry(&self) -> Result<&'static Entry> {
        let found = FAMILIES.iter().find(|entry| entry.name == self.family);
        found.ok_or_else(|| {
            Error::unknown("family", &self.family, FAMILIES.iter().map(|entry| entry.name))
        })
    }

    /// The fractions of the rows that do not train.
    pub fn fractions(&self) -> Fractions {
        Fractions { validation: self.validation, test: self.test }
    }

    /// Refuses numbers outside their bounds, whatever the data.
    pub(crate) fn check_numbers(&self) -> Result<()> {
        let whole = |name, value: usize, low, high| match (low..=high).contains(&value) {
            true => Ok(()),
            false => {
                Err(Error::setting(name, value, format!("a whole number from {low} to {high}")))
            }
        };
        whole("latent", self.latent, 1, MOST)?;
        whole("batch", self.batch, 1, MOST)?;
        if let Some(epochs) = self.epochs {
            // Layers that are made ready one by one are a model already.
            whole("epochs", epochs, usize::from(self.pretrain == Pretraining::None), 1_000_000)?;
        }
        whole("pretrain_epochs", self.pretrain_epochs.unwrap_or(1), 1, 1_000_000)?;
        // NaN lies in no range, so that it is refused with the rest.
        let real = |name, value: f64, low: f64, high: f64| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(Error::setting(name, value, format!("a number from {low} to {high}"))),
        };
        real("lr", self.learning_rate, 1e-12, 1e3)?;
        real("dropout", self.dropout, 0.0, 0.99)?;
        real("momentum", self.momentum, 0.0, 0.9999)?;
        real("weight_decay", self.weight_decay, 0.0, 1e3)?;
        real("l2", self.l2, 0.0, 1e6)?;
        real("warm_up", self.warm_up, 0.0, 1e6)?;
        real("clip", self.clip, 0.0, 1e9)?;
        if self.optimiser == Method::Lbfgs {
            let idle = [
                ("weight_decay", self.weight_decay),
                ("clip", self.clip),
                ("warm_up", self.warm_up),
            ];
            if let Some((name, value)) = idle.into_iter().find(|(_, value)| *value > 0.0) {
                return Err(Error::setting(
                    name,
                    value,
                    "0 with the optimiser lbfgs, which has no use for it; --l2 is a term of the loss",
                ));
            }
        }
        real("hidden", self.hidden.unwrap_or(0.0), 0.0, 0.95)?;
        real("contamination", self.contamination, 0.0, 0.5)?;
        whole("members", self.members, 1, 100)?;
        // What a program put together is held to the bounds of what a user writes.
        self.net.to_string().parse::<Net>()?;
        self.likelihood.to_string().parse::<Likelihood>()?;
        self.schedule.to_string().parse::<Schedule>()?;
        self.density.to_string().parse::<DensityChoice>()?;
        self.pretrain.to_string().parse::<Pretraining>()?;
        real("validation", self.validation, 0.0, 0.9)?;
        real("test", self.test, 0.0, 0.9)?;
        real("validation and test together", self.validation + self.test, 0.0, 0.95)
    }
}

impl Plan {
    /// Decides what is open in a configuration for complete numbers, and refuses what makes no
    /// sense.
    ///
    /// `rows` is the number of training rows; it decides the number of epochs where that is open,
    /// and nothing else.
    pub fn new(config: &Config, shape: &Shape, range: Range, rows: usize) -> Result<Self> {
        Self::decided(config, shape, range, None, rows)
    }

    /// The same for rows of this shape that are prepared so.
    pub fn of(
        config: &Config,
        shape: &Shape,
        preparation: &Preparation,
        rows: usize,
    ) -> Result<Self> {
        let layout = preparation.table.as_ref().map(|table| table.layout());
        Self::decided(config, shape, preparation.range, layout, rows)
    }

    fn decided(
        config: &Config,
        shape: &Shape,
        range: Range,
        layout: Option<Layout>,
        rows: usize,
    ) -> Result<Self> {
        config.check_numbers()?;
        let entry = config.entry()?;
        let family = (entry.parse)(&config.parameters)?;
        let prepared = layout
            .as_ref()
            .map_or_else(|| shape.clone(), |layout| Shape::Flat { width: layout.width });
        let features = prepared.features()?;

        let mut auto = Auto {
            net: auto_net(shape, layout.as_ref().map_or(features, dense_numbers)),
            code_activation: Activation::Identity,
            likelihood: Likelihood::Gaussian,
        };
        family.auto(&mut auto);
        let mut config = config.clone();
        let mut parameters = (entry.defaults)();
        parameters.extend(config.parameters);
        config.parameters = parameters;
        if config.net == Net::Auto {
            config.net = auto.net;
        }
        if let Net::Maps(channels) = &config.net {
            // The code is as wide as the network makes it.
            config.latent = map_width(&prepared, channels).unwrap_or(config.latent);
            if config.latent > MOST {
                return Err(Error::setting(
                    "net",
                    &config.net,
                    format!("fewer channels or more layers: a code has {MOST} numbers at most"),
                ));
            }
            if family.head(config.latent) != config.latent {
                return Err(Error::setting(
                    "net",
                    &config.net,
                    "conv:CHANNELS for a family whose code is a distribution",
                ));
            }
        }
        if config.likelihood == Likelihood::Auto {
            config.likelihood =
                if config.binarise { Likelihood::Bernoulli } else { auto.likelihood };
        }
        if config.optimiser == Method::Lbfgs {
            if !(1..=MOST).contains(&rows) {
                return Err(Error::setting(
                    "optimiser",
                    "lbfgs",
                    format!(
                        "adam or sgd for {rows} training rows: it takes all at once, up to {MOST}"
                    ),
                ));
            }
            config.batch = rows;
        }
        let steps = rows.div_ceil(config.batch).max(1);
        config.epochs = Some(config.epochs.unwrap_or_else(|| match config.optimiser {
            Method::Lbfgs => 200,
            Method::Adam | Method::Sgd => (STEPS / steps).clamp(10, 1000),
        }));

        let linear = config.net == Net::Linear;
        let code_activation = config.code_activation.unwrap_or(if linear {
            Activation::Identity
        } else {
            auto.code_activation
        });
        config.code_activation = Some(code_activation);
        let gaps = layout.as_ref().is_some_and(|layout| !layout.gaps.is_empty());
        config.hidden = Some(config.hidden.unwrap_or(if gaps { HIDDEN } else { 0.0 }));
        let output_activation = match config.likelihood {
            // Each block of a table has a range of its own.
            _ if layout.is_some() => Activation::Identity,
            // Linear means linear to the end, also for images.
            Likelihood::Gaussian | Likelihood::Laplace if linear => Activation::Identity,
            likelihood => likelihood.output_activation(range),
        };
        let blueprint = Blueprint {
            net: config.net.clone(),
            shape: prepared,
            embedded: embedded(layout.as_ref(), &config),
            head: family.head(config.latent),
            latent: config.latent,
            activation: config.activation,
            code_activation,
            output_activation,
            tied: config.tied,
            dropout: config.dropout,
            norm: config.norm,
        };
        let mut plan = Self {
            config,
            family,
            shape: shape.clone(),
            range,
            layout,
            blueprint,
            warnings: Vec::new(),
        };
        plan.check()?;
        plan.family.check(&plan)?;
        plan.warn();
        Ok(plan)
    }

    /// Numbers in a row.
    pub fn features(&self) -> usize {
        // `new` has refused shapes without this number.
        self.shape.features().unwrap_or(1)
    }

    /// Numbers in a prepared row.
    pub fn width(&self) -> usize {
        self.layout.as_ref().map_or_else(|| self.features(), |layout| layout.width)
    }

    /// Numbers that the widest layer holds for one row, for every direction that a family's loss
    /// follows.
    pub fn numbers_per_row(&self) -> usize {
        self.widest().saturating_mul(self.family.directions(self))
    }

    /// Numbers that the widest layer holds for one row.
    pub fn widest(&self) -> usize {
        let widest = match &self.config.net {
            Net::Mlp(widths) => widths.iter().copied().max().unwrap_or(1),
            // The first convolution is the widest: each halving of both sides leaves a quarter of
            // the pixels.
            Net::Conv(channels) | Net::Maps(channels) => channels
                .iter()
                .zip(0u32..)
                .map(|(c, depth)| (self.features() * c) >> (2 * (depth + 1)).min(40))
                .max()
                .unwrap_or(1),
            _ => 1,
        };
        widest.max(self.width()).max(self.blueprint.head)
    }

    /// Passes over the training rows.
    pub fn epochs(&self) -> usize {
        self.config.epochs.unwrap_or(1)
    }

    fn check(&self) -> Result<()> {
        let config = &self.config;
        let conv = matches!(config.net, Net::Conv(_) | Net::Maps(_));
        if conv && image_sides(&self.shape).is_none() {
            return Err(Error::setting(
                "net",
                &config.net,
                "mlp:WIDTHS for rows that are neither images nor series",
            ));
        }
        if conv && config.tied {
            return Err(Error::setting(
                "tied",
                true,
                "false for a conv net; tied weights exist for linear, shallow and mlp",
            ));
        }
        if matches!(config.net, Net::Linear | Net::Shallow)
            && (config.dropout > 0.0 || config.norm != Norm::None)
        {
            return Err(Error::setting(
                "net",
                &config.net,
                "mlp:WIDTHS or conv:CHANNELS for dropout and norms, which act on hidden layers",
            ));
        }
        if config.pretrain != Pretraining::None
            && (conv || config.norm != Norm::None || !self.blueprint.embedded.is_empty())
        {
            let wanted = "none, or a dense network without norms and embeddings (--net mlp:WIDTHS), whose layers can be trained alone";
            return Err(Error::setting("pretrain", config.pretrain, wanted));
        }
        if config.freeze_encoder && config.pretrain != Pretraining::None {
            return Err(Error::setting(
                "pretrain",
                config.pretrain,
                "none: a frozen encoder has its weights",
            ));
        }
        if config.freeze_encoder
            && (config.norm == Norm::Batch || config.members > 1 || config.tied)
        {
            let wanted = "false with batch norm, tied weights, or several members";
            return Err(Error::setting("freeze_encoder", true, wanted));
        }
        if config.optimiser == Method::Lbfgs && self.family.phases().len() > 1 {
            return Err(Error::setting(
                "optimiser",
                "lbfgs",
                "adam or sgd for a family that is trained in turns",
            ));
        }
        if config.latent > 2048
            && matches!(config.density, DensityChoice::Gaussian | DensityChoice::Mixture(_))
        {
            return Err(Error::setting(
                "density",
                config.density,
                "none for codes of more than 2048 numbers: a covariance has the square of that",
            ));
        }
        let together = self.numbers_per_row().saturating_mul(config.batch);
        if together > 1 << 31 {
            return Err(Error::setting(
                "batch",
                config.batch,
                format!(
                    "fewer rows, narrower layers or fewer probes: a step would hold {together} numbers in one layer"
                ),
            ));
        }
        if config.net == Net::Linear && config.code_activation != Some(Activation::Identity) {
            return Err(Error::setting(
                "code activation",
                self.blueprint.code_activation.name(),
                "identity for the linear net; --net shallow has one layer and an activation",
            ));
        }
        if config.hidden.is_some_and(|hidden| hidden > 0.0)
            && self.layout.as_ref().is_none_or(|layout| layout.gaps.is_empty())
        {
            return Err(Error::setting(
                "hidden",
                config.hidden.unwrap_or(0.0),
                "0, or a table whose preparation knows gaps",
            ));
        }
        let unit = self.range == Range::Unit;
        if config.likelihood == Likelihood::Bernoulli && !unit {
            return Err(Error::setting(
                "likelihood",
                config.likelihood,
                "gaussian or laplace for data outside 0..1, or --scale minmax",
            ));
        }
        if config.binarise && (!unit || config.likelihood != Likelihood::Bernoulli) {
            return Err(Error::setting(
                "binarise",
                true,
                "data in 0..1 and the bernoulli likelihood",
            ));
        }
        Ok(())
    }

    fn warn(&mut self) {
        let features = self.width();
        if self.config.latent >= features && !self.family.constrains() && self.config.dropout == 0.0
        {
            self.warnings.push(format!(
                "the code has {} numbers for {features} in a row and nothing constrains it: it can copy its input and learn nothing. \
                 Choose a smaller latent, or a family that constrains the code (denoising, sparse, contractive)",
                self.config.latent
            ));
        }
        self.warnings.extend(self.family.warning(self));
        let layout = self.layout.clone().unwrap_or_default();
        for (column, place) in
            layout.columns.iter().enumerate().filter(|(_, place)| layout.choices.contains(place))
        {
            let (number, levels) = (column + 1, place.len() - 1);
            if levels == 0 {
                self.warnings.push(format!(
                    "column {number} holds categories of which none comes twice: to the model they are all one. If it identifies rows, set \
                     it aside with --id"
                ));
            } else if levels == MOST_LEVELS {
                self.warnings
                    .push(format!("of the categories of column {number} the {levels} most frequent are told apart, all others are one"));
            }
        }
    }
}

/// Fraction of the cells hidden in training where the rows have gaps.
const HIDDEN: f64 = 0.2;
/// Choices between more levels than this go through an embedding.
const NARROW: usize = 32;

/// The choices that are embedded before the first layer: those of many levels, where a hidden layer
/// follows.
fn embedded(layout: Option<&Layout>, config: &Config) -> Vec<std::ops::Range<usize>> {
    let layers = matches!(config.net, Net::Mlp(_)) && !config.tied;
    let choices = layout.filter(|_| layers).map_or(&[][..], |layout| layout.choices.as_slice());
    choices.iter().filter(|block| block.len() > NARROW).cloned().collect()
}

/// Numbers of a prepared row that a network must tell apart: few of those of a text or of a choice
/// between many levels are ever set together.
fn dense_numbers(layout: &Layout) -> usize {
    let sparse = layout.texts.iter().map(|block| (block.len(), 64)).chain(
        layout
            .choices
            .iter()
            .filter(|block| block.len() > NARROW)
            .map(|block| (block.len(), NARROW)),
    );
    sparse.fold(layout.width, |numbers, (all, counted)| numbers - all + counted.min(all))
}

/// Two hidden layers that narrow towards the code, or convolutions for pictures too large for them.
fn auto_net(shape: &Shape, features: usize) -> Net {
    match image_sides(shape) {
        Some(([height, width], _)) if height.min(width) >= 48 => {
            let halvings = (height.min(width) / 8).ilog2().clamp(2, 5);
            Net::Conv((0..halvings).map(|depth| 32 << depth.min(3)).collect())
        }
        _ => {
            let first = (2 * features).clamp(128, 512);
            Net::Mlp(vec![first, first / 2])
        }
    }
}
