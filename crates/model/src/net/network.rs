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

    init.group(DECODER);
    let mut width = blueprint.latent;
    for (index, out) in hidden.iter().rev().chain([&target]).enumerate() {
        let last = index == hidden.len();
        let name = format!("decoder.{index}");
        let (inside, follows) = if last {
            (blueprint.output_activation, blueprint.output_activation)
        } else {
            (behind.inside(), blueprint.activation)
        };
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

    init.group(ENCODER);
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

    init.group(DECODER);
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
