//! Encoder and decoder: described as data, built as layers.

use crate::blueprint::{Blueprint, Net, Norm, image_sides};
use crate::net::layer::Layer;
use crate::net::pass::Pass;
use crate::net::vars::{DECODER, ENCODER, Init, VarId, Weights};
use burn_tensor::Tensor;
use kernels::{Activation, Geometry};
use rows::{Error, Result};

/// The encoder's and the decoder's layers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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
    pub fn encode(&self, values: &Weights, x: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.encoder.iter().fold(x, |x, layer| layer.forward(values, x, pass))
    }

    /// From codes [rows, latent] to the decoder's output.
    pub fn decode(&self, values: &Weights, z: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        self.decoder.iter().fold(z, |z, layer| layer.forward(values, z, pass))
    }

    /// The derivative of the encoder's output along `directions` [rows or 1, k, features]: [rows,
    /// k, head].
    pub fn encoder_tangent(
        &self,
        values: &Weights,
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
    /// The activation inside a layer, and the one behind it and its norm; the last layer has its
    /// `own` for both.
    fn activations(&self, own: Option<Activation>) -> (Activation, Activation) {
        let follows = own.unwrap_or(self.blueprint.activation);
        match self.blueprint.norm {
            Norm::Batch | Norm::Layer if own.is_none() => (Activation::Identity, follows),
            _ => (follows, follows),
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
    let (features, target) = (blueprint.shape.features()?, blueprint.target);
    if blueprint.tied && target != features {
        let wanted = "false where a target has another width than a row";
        return Err(Error::setting("tied", true, wanted));
    }
    let mut behind = Behind { blueprint, dropouts: 0 };
    let mut network = Network::default();
    let mut matrices = Vec::new();

    init.group(ENCODER);
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
        let (inside, follows) = behind.activations(last.then_some(blueprint.code_activation));
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

    init.group(DECODER);
    let mut width = blueprint.latent;
    for (index, out) in hidden.iter().rev().chain([&target]).enumerate() {
        let last = index == hidden.len();
        let name = format!("decoder.{index}");
        let (inside, follows) = behind.activations(last.then_some(blueprint.output_activation));
        network.decoder.push(if blueprint.tied {
            Layer::tied(init, &name, matrices[hidden.len() - index], *out, inside)?
        } else {
            Layer::dense(init, &name, width, *out, inside, follows)?
        });
        if !last {
            behind.add(&mut network.decoder, init, &format!("{name}.norm"), *out, *out)?;
        }
        width = *out;
    }
    Ok(network)
}

/// Convolutions, with `dense` layers between the last of them and the code.
fn convolutional_network(
    blueprint: &Blueprint,
    channels: &[usize],
    dense: bool,
    init: &mut Init,
) -> Result<Network> {
    let (sides, depth) = image_sides(&blueprint.shape).ok_or_else(|| {
        Error::setting(
            "net",
            &blueprint.net,
            "mlp:WIDTHS for rows that are neither images nor series",
        )
    })?;
    let mut maps = Maps { geometries: Vec::new(), sides, depth };
    for out in channels {
        let [height, width] = maps.sides;
        let geometry = Geometry::halving(maps.sides, maps.depth, *out).ok_or_else(|| {
            let what = format!("{height}x{width} with {} channels", maps.depth);
            Error::shape("a convolution", what, "images whose numbers can be counted")
        })?;
        maps.geometries.push(geometry);
        (maps.sides, maps.depth) = (geometry.output(), *out);
    }
    let mut behind = Behind { blueprint, dropouts: 0 };
    init.group(ENCODER);
    let encoder = convolutional_encoder(&maps, dense, &mut behind, init)?;
    init.group(DECODER);
    let decoder = convolutional_decoder(&maps, dense, &mut behind, init)?;
    Ok(Network { encoder, decoder })
}

/// The convolutions of a network, and the image behind the last of them.
struct Maps {
    geometries: Vec<Geometry>,
    sides: [usize; 2],
    depth: usize,
}

impl Maps {
    /// Numbers in the image.
    fn width(&self) -> usize {
        self.sides[0] * self.sides[1] * self.depth
    }
}

fn convolutional_encoder(
    maps: &Maps,
    dense: bool,
    behind: &mut Behind,
    init: &mut Init,
) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    let code = behind.blueprint.code_activation;
    for (index, geometry) in maps.geometries.iter().enumerate() {
        let last = !dense && index + 1 == maps.geometries.len();
        let name = format!("encoder.{index}");
        let (inside, follows) = behind.activations(last.then_some(code));
        layers.push(Layer::convolution(init, &name, *geometry, inside, follows, false)?);
        if !last {
            let (width, [_, channels]) = (geometry.output_width(), geometry.channels());
            behind.add(&mut layers, init, &format!("{name}.norm"), width, channels)?;
        }
    }
    if dense {
        let name = format!("encoder.{}", maps.geometries.len());
        let head = behind.blueprint.head;
        layers.push(Layer::dense(init, &name, maps.width(), head, code, code)?);
    }
    Ok(layers)
}

fn convolutional_decoder(
    maps: &Maps,
    dense: bool,
    behind: &mut Behind,
    init: &mut Init,
) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    if dense {
        let name = "decoder.0";
        let (latent, width) = (behind.blueprint.latent, maps.width());
        let (inside, follows) = behind.activations(None);
        layers.push(Layer::dense(init, name, latent, width, inside, follows)?);
        behind.add(&mut layers, init, &format!("{name}.norm"), width, maps.depth)?;
    }
    let output = behind.blueprint.output_activation;
    for (index, geometry) in maps.geometries.iter().rev().enumerate() {
        let last = index + 1 == maps.geometries.len();
        let name = format!("decoder.{}", index + usize::from(dense));
        let (inside, follows) = behind.activations(last.then_some(output));
        layers.push(Layer::convolution(init, &name, *geometry, inside, follows, true)?);
        if !last {
            let (width, [channels, _]) = (geometry.input_width(), geometry.channels());
            behind.add(&mut layers, init, &format!("{name}.norm"), width, channels)?;
        }
    }
    Ok(layers)
}
