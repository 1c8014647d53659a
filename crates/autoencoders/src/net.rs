//! Encoder and decoder: described as data, built as layers.

use crate::layer::{Layer, Pass};
use crate::vars::{Group, Init, Values, VarId};
use autoencoders_kernels::{Activation, Geometry};
use burn::tensor::Tensor;
use rows::{Error, Result, Shape};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The network, as written on the command line and in files: `auto`, `linear`, `mlp:512,256`,
/// `shallow`, `conv:32,64`, `maps:32,64`.
///
/// The decoder mirrors the encoder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Net {
    /// Chosen from the data and the family.
    #[default]
    Auto,
    /// One matrix each way and no activation at all.
    Linear,
    /// One layer each way, with the code's activation.
    Shallow,
    /// Hidden layers of these widths between input and code.
    Mlp(Vec<usize>),
    /// Strided convolutions with these channels, each halving the image, and a dense layer to the
    /// code.
    Conv(Vec<usize>),
    /// The same without the dense layer: the code is what the last convolution gives, an image of
    /// so many channels.
    Maps(Vec<usize>),
}

/// Wider layers than this are a slip of the finger.
const WIDEST: usize = 1 << 20;

impl FromStr for Net {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, widths) = text.split_once(':').unwrap_or((text, ""));
        let numbers = || -> Result<Vec<usize>> {
            let width =
                |part: &str| part.trim().parse().ok().filter(|width| (1..=WIDEST).contains(width));
            let wanted = || {
                Error::setting(
                    "net",
                    text,
                    format!(
                        "{kind}: and widths from 1 to {WIDEST} separated by commas, as in {kind}:64,32"
                    ),
                )
            };
            widths.split(',').map(|part| width(part).ok_or_else(wanted)).collect()
        };
        match kind {
            "auto" if widths.is_empty() => Ok(Self::Auto),
            "linear" if widths.is_empty() => Ok(Self::Linear),
            "shallow" if widths.is_empty() => Ok(Self::Shallow),
            "mlp" => numbers().map(Self::Mlp),
            "conv" => numbers().map(Self::Conv),
            "maps" => numbers().map(Self::Maps),
            "auto" | "linear" | "shallow" => Err(Error::setting(
                "net",
                text,
                format!("{kind} without widths; hidden layers are mlp:{widths}"),
            )),
            _ => Err(Error::unknown(
                "net",
                kind,
                ["auto", "linear", "shallow", "mlp:WIDTHS", "conv:CHANNELS", "maps:CHANNELS"],
            )),
        }
    }
}

rows::as_text!(Net);

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join =
            |widths: &[usize]| widths.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Linear => f.write_str("linear"),
            Self::Shallow => f.write_str("shallow"),
            Self::Mlp(widths) => write!(f, "mlp:{}", join(widths)),
            Self::Conv(channels) => write!(f, "conv:{}", join(channels)),
            Self::Maps(channels) => write!(f, "maps:{}", join(channels)),
        }
    }
}

/// What stands between a layer's sum and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nothing.
    #[default]
    None,
    /// Batch norm.
    Batch,
    /// Layer norm.
    Layer,
}

/// Everything that decides the layers; nothing in it is `auto` any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// The network.
    pub net: Net,
    /// The shape of a row.
    pub shape: Shape,
    /// Numbers of a row that are embedded before the first layer, block by block: choices between
    /// many levels.
    pub embedded: Vec<Range<usize>>,
    /// Width of the encoder's output.
    pub head: usize,
    /// Width of the decoder's input.
    pub latent: usize,
    /// Of the hidden layers.
    pub activation: Activation,
    /// Of the encoder's last layer.
    pub code_activation: Activation,
    /// Of the decoder's last layer.
    pub output_activation: Activation,
    /// Whether the decoder uses the encoder's matrices.
    pub tied: bool,
    /// Fraction of hidden units dropped in training.
    pub dropout: f64,
    /// Norm of the hidden layers.
    pub norm: Norm,
}

/// The encoder's and the decoder's layers.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// From a row to the head.
    pub encoder: Vec<Layer>,
    /// From a code to the output.
    pub decoder: Vec<Layer>,
}

impl Network {
    /// Builds the layers and their variables.
    pub fn build(blueprint: &Blueprint, init: &mut Init) -> Result<Self> {
        match &blueprint.net {
            Net::Auto => Err(Error::setting("net", "auto", "a network decided by Config::check")),
            Net::Linear | Net::Shallow => dense_network(blueprint, &[], init),
            Net::Mlp(widths) => dense_network(blueprint, widths, init),
            Net::Conv(channels) => convolutional_network(blueprint, channels, true, init),
            Net::Maps(channels) => convolutional_network(blueprint, channels, false, init),
        }
    }

    /// From rows [rows, features] to the encoder's output [rows, head].
    pub fn encode(&self, values: &Values, x: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.encoder.iter().fold(x, |x, layer| layer.forward(values, x, pass))
    }

    /// From codes [rows, latent] to the decoder's output.
    pub fn decode(&self, values: &Values, z: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.decoder.iter().fold(z, |z, layer| layer.forward(values, z, pass))
    }

    /// The derivative of the encoder's output along `directions` [rows or 1, k, features]: [rows,
    /// k, head].
    pub fn encoder_tangent(
        &self,
        values: &Values,
        x: Tensor<2>,
        directions: Tensor<3>,
        pass: &mut Pass,
    ) -> Tensor<3> {
        let start = (x, directions);
        self.encoder.iter().fold(start, |(x, d), layer| layer.tangent(values, x, d, pass)).1
    }

    /// Every weight matrix, each once even when it is shared.
    pub fn weights(&self) -> impl Iterator<Item = VarId> {
        self.encoder.iter().chain(&self.decoder).filter_map(|layer| match layer {
            Layer::Dense { weight, transposed: false, .. }
            | Layer::Convolution { weight, .. }
            | Layer::TransposedConvolution { weight, .. } => Some(*weight),
            _ => None,
        })
    }

    /// Weight, bias and activation of an encoder that is one dense layer.
    pub fn single_dense(&self) -> Option<(VarId, VarId, Activation)> {
        match self.encoder.as_slice() {
            [Layer::Dense { weight, bias, activation, .. }] => Some((*weight, *bias, *activation)),
            _ => None,
        }
    }
}

/// Adds norm, activation and dropout behind a layer that was built without an activation where
/// there is a norm.
struct Behind<'a> {
    blueprint: &'a Blueprint,
    dropouts: usize,
}

impl Behind<'_> {
    /// The activation inside the layer itself.
    fn inside(&self) -> Activation {
        match self.blueprint.norm {
            Norm::None => self.blueprint.activation,
            _ => Activation::Identity,
        }
    }

    fn add(
        &mut self,
        layers: &mut Vec<Layer>,
        init: &mut Init,
        name: &str,
        width: usize,
        channels: usize,
    ) -> Result<()> {
        match self.blueprint.norm {
            Norm::None => {}
            Norm::Batch => layers.push(Layer::batch_norm(init, name, channels)?),
            Norm::Layer => layers.push(Layer::layer_norm(init, name, width)?),
        }
        if self.blueprint.norm != Norm::None {
            layers.push(Layer::Activation(self.blueprint.activation));
        }
        if self.blueprint.dropout > 0.0 {
            layers.push(Layer::Dropout { rate: self.blueprint.dropout, index: self.dropouts });
            self.dropouts += 1;
        }
        Ok(())
    }
}

fn dense_network(blueprint: &Blueprint, hidden: &[usize], init: &mut Init) -> Result<Network> {
    let features = blueprint.shape.features()?;
    let mut behind = Behind { blueprint, dropouts: 0 };
    let mut network = Network::default();
    let mut matrices = Vec::new();

    init.group(Group::Encoder);
    let mut width = features;
    if !blueprint.embedded.is_empty() {
        let (layer, out) =
            Layer::embedding(init, "encoder.embedding", features, &blueprint.embedded)?;
        network.encoder.push(layer);
        width = out;
    }
    for (index, out) in hidden.iter().chain([&blueprint.head]).enumerate() {
        let last = index == hidden.len();
        let name = format!("encoder.{index}");
        let (inside, follows) = if last {
            (blueprint.code_activation, blueprint.code_activation)
        } else {
            (behind.inside(), blueprint.activation)
        };
        let layer = Layer::dense(init, &name, width, *out, inside, follows)?;
        if let Layer::Dense { weight, .. } = layer {
            matrices.push(weight);
        }
        network.encoder.push(layer);
        if !last {
            behind.add(&mut network.encoder, init, &format!("{name}.norm"), *out, *out)?;
        }
        width = *out;
    }

    init.group(Group::Decoder);
    let mut width = blueprint.latent;
    for (index, out) in hidden.iter().rev().chain([&features]).enumerate() {
        let last = index == hidden.len();
        let name = format!("decoder.{index}");
        let (inside, follows) = if last {
            (blueprint.output_activation, blueprint.output_activation)
        } else {
            (behind.inside(), blueprint.activation)
        };
        network.decoder.push(match blueprint.tied {
            true => Layer::tied(init, &name, matrices[hidden.len() - index], *out, inside)?,
            false => Layer::dense(init, &name, width, *out, inside, follows)?,
        });
        if !last {
            behind.add(&mut network.decoder, init, &format!("{name}.norm"), *out, *out)?;
        }
        width = *out;
    }
    Ok(network)
}

/// Images and series as height, width, channels; a series is an image one pixel wide.
pub(crate) fn image_sides(shape: &Shape) -> Option<([usize; 2], usize)> {
    match *shape {
        Shape::Flat { .. } => None,
        Shape::Image { height, width, channels } => Some(([height, width], channels)),
        Shape::Series { length, channels } => Some(([length, 1], channels)),
    }
}

/// Numbers in the code of [`Net::Maps`] with these channels; none for rows that are neither images
/// nor series.
pub(crate) fn map_width(shape: &Shape, channels: &[usize]) -> Option<usize> {
    let (mut sides, mut depth) = image_sides(shape)?;
    for out in channels {
        let geometry = Geometry::halving(sides, depth, *out);
        (sides, depth) = (geometry.output, *out);
    }
    sides[0].checked_mul(sides[1])?.checked_mul(depth)
}

/// Convolutions, with `dense` layers between the last of them and the code.
fn convolutional_network(
    blueprint: &Blueprint,
    channels: &[usize],
    dense: bool,
    init: &mut Init,
) -> Result<Network> {
    let (mut sides, mut depth) = image_sides(&blueprint.shape).ok_or_else(|| {
        Error::setting(
            "net",
            &blueprint.net,
            "mlp:WIDTHS for rows that are neither images nor series",
        )
    })?;
    let mut behind = Behind { blueprint, dropouts: 0 };
    let mut network = Network::default();
    let mut geometries = Vec::new();

    init.group(Group::Encoder);
    for (index, out) in channels.iter().enumerate() {
        let geometry = Geometry::halving(sides, depth, *out);
        let name = format!("encoder.{index}");
        let code = blueprint.code_activation;
        let last = !dense && index + 1 == channels.len();
        let (inside, follows) =
            if last { (code, code) } else { (behind.inside(), blueprint.activation) };
        network.encoder.push(Layer::convolution(init, &name, geometry, inside, follows, false)?);
        if !last {
            behind.add(
                &mut network.encoder,
                init,
                &format!("{name}.norm"),
                geometry.output_width(),
                *out,
            )?;
        }
        (sides, depth) = (geometry.output, *out);
        geometries.push(geometry);
    }
    let width = sides[0] * sides[1] * depth;
    if dense {
        let code = blueprint.code_activation;
        network.encoder.push(Layer::dense(
            init,
            &format!("encoder.{}", channels.len()),
            width,
            blueprint.head,
            code,
            code,
        )?);
    }

    init.group(Group::Decoder);
    if dense {
        let name = "decoder.0";
        network.decoder.push(Layer::dense(
            init,
            name,
            blueprint.latent,
            width,
            behind.inside(),
            blueprint.activation,
        )?);
        behind.add(&mut network.decoder, init, &format!("{name}.norm"), width, depth)?;
    }
    for (index, geometry) in geometries.iter().rev().enumerate() {
        let last = index + 1 == geometries.len();
        let name = format!("decoder.{}", index + usize::from(dense));
        let (inside, follows) = if last {
            (blueprint.output_activation, blueprint.output_activation)
        } else {
            (behind.inside(), blueprint.activation)
        };
        network.decoder.push(Layer::convolution(init, &name, *geometry, inside, follows, true)?);
        if !last {
            behind.add(
                &mut network.decoder,
                init,
                &format!("{name}.norm"),
                geometry.input_width(),
                geometry.channels_in,
            )?;
        }
    }
    Ok(network)
}
