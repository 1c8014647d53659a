//! What a model is to be, decided in full for one kind of data.

use crate::blueprint::{Blueprint, Net, Norm, image_sides, map_width};
use crate::families::FAMILIES;
use crate::family::family::{Choice, Family};
use crate::family::registry::Entry;
use crate::likelihood::kind::Likelihood;
use crate::prepare::layout::Layout;
use crate::prepare::preparation::Preparation;
use crate::prepare::scale::Bounds;
use crate::prepare::table::MOST_LEVELS;
use crate::settings::{MOST, ModelSettings};
use kernels::Activation;
use rows::{Error, Message, Result, Shape};

/// A model that is decided in full for one kind of data, and not yet built.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The settings without `auto`.
    pub settings: ModelSettings,
    /// The family with its parameters.
    pub family: Box<dyn Family>,
    /// The network and what else its losses need to know.
    pub blueprint: Blueprint,
    /// What the user should know before training.
    pub warnings: Vec<Message>,
}

/// The registered family of this name.
pub fn entry(family: &str) -> Result<&'static Entry> {
    let found = FAMILIES.iter().find(|entry| entry.name == family);
    found.ok_or_else(|| Error::unknown("family", family, FAMILIES.iter().map(|entry| entry.name)))
}

impl Plan {
    /// Decides what is open in settings for complete numbers, and refuses what makes no sense.
    pub fn new(settings: &ModelSettings, shape: &Shape, bounds: Bounds) -> Result<Self> {
        Self::decided(settings, shape, bounds, None)
    }

    /// The same for rows of this shape that are prepared so.
    pub fn of(settings: &ModelSettings, shape: &Shape, preparation: &Preparation) -> Result<Self> {
        let layout = preparation.table.as_ref().map(|table| table.layout());
        Self::decided(settings, shape, preparation.range, layout)
    }

    fn decided(
        settings: &ModelSettings,
        shape: &Shape,
        bounds: Bounds,
        layout: Option<Layout>,
    ) -> Result<Self> {
        settings.check()?;
        let entry = entry(&settings.family)?;
        let family = (entry.parse)(&settings.parameters)?;
        let prepared = match &layout {
            Some(layout) => Shape::Flat { width: layout.width },
            None => shape.clone(),
        };
        let features = prepared.features()?;
        let net = auto_net(shape, layout.as_ref().map_or(features, dense_numbers));
        let choice = choice(&*family, net);
        let mut parameters = (entry.defaults)();
        parameters.extend(settings.parameters.clone());
        let mut settings = ModelSettings { parameters, ..settings.clone() };
        if settings.net == Net::Auto {
            settings.net = choice.net;
        }
        settings.latent = latent(&settings, &*family, &prepared)?;
        if settings.likelihood == Likelihood::Auto {
            let bernoulli = settings.binarise;
            settings.likelihood = if bernoulli { Likelihood::Bernoulli } else { choice.likelihood };
        }
        let code_activation = settings.code_activation.unwrap_or(match settings.net {
            Net::Linear => Activation::Identity,
            _ => choice.code_activation,
        });
        settings.code_activation = Some(code_activation);
        let missing = layout.as_ref().is_some_and(|layout| !layout.gaps.is_empty());
        let hidden = settings.hidden.unwrap_or(if missing { HIDDEN } else { 0.0 });
        settings.hidden = Some(hidden);
        let output_activation = output_activation(&settings, layout.as_ref(), bounds);
        let blueprint = Blueprint {
            net: settings.net.clone(),
            source: shape.clone(),
            shape: prepared,
            target: features,
            bounds,
            embedded: embedded(layout.as_ref(), &settings),
            layout,
            head: family.head(settings.latent),
            latent: settings.latent,
            activation: settings.activation,
            code_activation,
            output_activation,
            tied: settings.tied,
            dropout: settings.dropout,
            norm: settings.norm,
            likelihood: settings.likelihood,
            binarise: settings.binarise,
            hidden,
            contamination: settings.contamination,
        };
        let mut plan = Self { settings, family, blueprint, warnings: Vec::new() };
        plan.check()?;
        plan.family.check(&plan.blueprint)?;
        plan.warn();
        Ok(plan)
    }

    /// The same with a target of another width, for dense networks.
    #[must_use]
    pub fn towards(mut self, target: usize) -> Self {
        self.blueprint.target = target;
        self
    }

    /// Numbers that the widest layer holds for one row, for every direction that a family's loss
    /// follows.
    pub fn numbers_per_row(&self) -> usize {
        self.blueprint.widest().saturating_mul(self.family.directions(&self.blueprint))
    }

    /// Rows that go through the network at once when nothing is trained: few enough to stay small,
    /// enough to fill the cores.
    pub fn block(&self) -> usize {
        ((1 << 22) / self.numbers_per_row().max(1)).clamp(1, 1000)
    }

    fn check(&self) -> Result<()> {
        let blueprint = &self.blueprint;
        let net = &blueprint.net;
        let convolutional = matches!(net, Net::Conv(_) | Net::Maps(_));
        if convolutional && image_sides(&blueprint.source).is_none() {
            let wanted = "mlp:WIDTHS for rows that are neither images nor series";
            return Err(Error::setting("net", net, wanted));
        }
        if convolutional && blueprint.tied {
            let wanted = "false for a conv net; tied weights exist for linear, shallow and mlp";
            return Err(Error::setting("tied", true, wanted));
        }
        if matches!(net, Net::Linear | Net::Shallow)
            && (blueprint.dropout > 0.0 || blueprint.norm != Norm::None)
        {
            let wanted =
                "mlp:WIDTHS or conv:CHANNELS for dropout and norms, which act on hidden layers";
            return Err(Error::setting("net", net, wanted));
        }
        if *net == Net::Linear && blueprint.code_activation != Activation::Identity {
            return Err(Error::setting(
                "code activation",
                blueprint.code_activation.name(),
                Message::from("identity for the linear net; ")
                    .set("net", "shallow")
                    .text(" has one layer and an activation"),
            ));
        }
        let missing = blueprint.layout.as_ref().is_some_and(|layout| !layout.gaps.is_empty());
        if blueprint.hidden > 0.0 && !missing {
            let wanted = "0, or a table whose preparation knows gaps";
            return Err(Error::setting("hidden", blueprint.hidden, wanted));
        }
        let unit = blueprint.bounds == Bounds::Unit;
        if blueprint.likelihood == Likelihood::Bernoulli && !unit {
            let wanted = Message::from("gaussian or laplace for data outside 0..1, or ");
            let wanted = wanted.set("scale", "minmax");
            return Err(Error::setting("likelihood", blueprint.likelihood, wanted));
        }
        if blueprint.binarise && (!unit || blueprint.likelihood != Likelihood::Bernoulli) {
            let wanted = "data in 0..1 and the bernoulli likelihood";
            return Err(Error::setting("binarise", true, wanted));
        }
        Ok(())
    }

    fn warn(&mut self) {
        let features = self.blueprint.width();
        if self.blueprint.latent >= features
            && !self.family.constrains()
            && self.blueprint.dropout == 0.0
        {
            let latent = self.blueprint.latent;
            let copies = format!(
                "the code has {latent} numbers for {features} in a row and nothing constrains it: it can copy its input and learn nothing. \
                 Choose a smaller latent, or a family that constrains the code (denoising, sparse, contractive)",
            );
            self.warnings.push(copies.into());
        }
        self.warnings.extend(self.family.warning(&self.blueprint));
        let layout = self.blueprint.layout.clone().unwrap_or_default();
        for (column, place) in
            layout.columns.iter().enumerate().filter(|(_, place)| layout.choices.contains(place))
        {
            let (number, levels) = (column + 1, place.len() - 1);
            if levels == 0 {
                let alone = format!(
                    "column {number} holds categories of which none comes twice: to the model they are all one. If it identifies rows, set \
                     it aside with "
                );
                self.warnings.push(Message::from(alone).setting("id"));
            } else if levels == MOST_LEVELS {
                let rare = format!(
                    "of the categories of column {number} the {levels} most frequent are told apart, all others are one"
                );
                self.warnings.push(rare.into());
            }
        }
    }
}

/// Fraction of the cells hidden in training where the rows have gaps.
const HIDDEN: f64 = 0.2;
/// Choices between more levels than this go through an embedding.
const NARROW: usize = 32;

/// What suits a family where the settings leave it open.
fn choice(family: &dyn Family, net: Net) -> Choice {
    let mut choice =
        Choice { net, code_activation: Activation::Identity, likelihood: Likelihood::Gaussian };
    family.choose(&mut choice);
    choice
}

/// Numbers in a code: for maps as many as the network makes.
fn latent(settings: &ModelSettings, family: &dyn Family, prepared: &Shape) -> Result<usize> {
    let Net::Maps(channels) = &settings.net else { return Ok(settings.latent) };
    let latent = map_width(prepared, channels).unwrap_or(settings.latent);
    if latent > MOST {
        let wanted = format!("fewer channels or more layers: a code has {MOST} numbers at most");
        return Err(Error::setting("net", &settings.net, wanted));
    }
    if family.head(latent) != latent {
        let wanted = "conv:CHANNELS for a family whose code is a distribution";
        return Err(Error::setting("net", &settings.net, wanted));
    }
    Ok(latent)
}

/// The activation of the last layer.
fn output_activation(
    settings: &ModelSettings,
    layout: Option<&Layout>,
    bounds: Bounds,
) -> Activation {
    match settings.likelihood {
        // Each block of a table has bounds of its own.
        _ if layout.is_some() => Activation::Identity,
        // Linear means linear to the end, also for images.
        Likelihood::Gaussian | Likelihood::Laplace if settings.net == Net::Linear => {
            Activation::Identity
        }
        likelihood => likelihood.output_activation(bounds),
    }
}

/// The choices that are embedded before the first layer: those of many levels, where a hidden layer
/// follows.
fn embedded(layout: Option<&Layout>, settings: &ModelSettings) -> Vec<std::ops::Range<usize>> {
    let layers = matches!(settings.net, Net::Mlp(_)) && !settings.tied;
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
