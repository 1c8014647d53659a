//! The first layer's weights and the last layer's, as images of what they look at.

use model::{Inside, Layer, Model, read};
use rows::{Matrix, Result, Shape};

/// Weights in the shape of what they are applied to.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// The shape of one: a row's for dense layers, the kernel's for convolutions.
    pub shape: Shape,
    /// One a row: [filters, numbers of one].
    pub weights: Matrix,
}

/// What each unit of the first layer takes in; none where the network does not begin with
/// weights.
pub fn encoder_filters(model: &Model) -> Result<Option<Filters>> {
    filters(model, model.coder().parts.network.encoder.first(), true)
}

/// What each unit before the last layer puts out.
pub fn decoder_filters(model: &Model) -> Result<Option<Filters>> {
    filters(
        model,
        model.coder().parts.network.decoder.iter().rev().find(|layer| layer.has_weights()),
        false,
    )
}

fn filters(model: &Model, layer: Option<&Layer>, incoming: bool) -> Result<Option<Filters>> {
    let features = model.plan().blueprint.width();
    match layer {
        Some(Layer::Dense { weight, transposed, .. }) => {
            let weight = model.vars().get(*weight).value.clone();
            // Inside a weight is [in, out]: its columns are what each unit takes in, its rows
            // what each puts out.
            let weight = if *transposed == incoming { weight } else { weight.transpose() };
            let weights = Matrix { columns: features, values: read(weight)? };
            Ok(Some(Filters { shape: model.plan().blueprint.shape.clone(), weights }))
        }
        Some(
            Layer::Convolution { weight, geometry, .. }
            | Layer::TransposedConvolution { weight, geometry, .. },
        ) => {
            let weight = model.vars().get(*weight).value.clone();
            let [height, width] = geometry.kernel();
            let shape = Shape::Image { height, width, channels: geometry.channels()[0] };
            Ok(Some(Filters {
                shape,
                weights: Matrix { columns: geometry.patch(), values: read(weight.transpose())? },
            }))
        }
        _ => Ok(None),
    }
}
