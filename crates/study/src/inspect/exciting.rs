//! The inputs that excite the units of a code most.

use crate::baseline::Pca;
use crate::inspect::filters::encoder_filters;
use burn_tensor::Tensor;
use model::{Inside, Layer, Model, read};
use rows::{Error, Matrix, Result};

/// Steps of the ascent.
const STEPS: usize = 100;
/// Units that climb together.
const TOGETHER: usize = 64;

/// For each of `units` the row [units, features], in scaled units, that excites it most among
/// those at most `radius` from the mean training row;
/// [`typical_distance`](crate::typical_distance) is a good radius.
///
/// One dense layer has a closed form: `x_j = W_ij / sqrt(Σ_j W_ij²)` times the radius, for unit
/// i (UFLDL, "Visualizing a trained autoencoder"). Through deeper encoders gradient ascent,
/// whose steps shrink to nothing, from the direction in which the unit grows fastest.
pub fn most_exciting(model: &Model, units: &[usize], radius: f64) -> Result<Matrix> {
    let (plan, features) = (&model.plan(), model.plan().blueprint.width());
    if let Some(unit) = units.iter().find(|unit| **unit >= plan.blueprint.latent) {
        return Err(Error::setting(
            "unit",
            unit,
            format!("below {}, the code size", plan.blueprint.latent),
        ));
    }
    if !(radius > 0.0 && radius.is_finite()) {
        return Err(Error::setting("radius", radius, "a positive number"));
    }
    let mut rows = Vec::with_capacity(units.len() * features);
    for units in units.chunks(TOGETHER) {
        rows.extend(match model.coder().parts.network.encoder.as_slice() {
            [Layer::Dense { .. }] => along_weights(model, units, radius)?,
            _ => climb(model, units, radius)?,
        });
    }
    Ok(Matrix { columns: features, values: rows })
}

fn along_weights(model: &Model, units: &[usize], radius: f64) -> Result<Vec<f32>> {
    let filters = encoder_filters(model)?;
    let pca = Pca::of(model)?;
    let mean = &pca.mean;
    let mut rows = Vec::new();
    for unit in units {
        let weights = filters.iter().flat_map(|filters| filters.weights.row(*unit));
        let norm =
            weights.clone().map(|weight| f64::from(*weight).powi(2)).sum::<f64>().sqrt().max(1e-30);
        rows.extend(
            weights
                .zip(mean)
                .map(|(weight, mean)| mean + (f64::from(*weight) / norm * radius) as f32),
        );
    }
    Ok(rows)
}

fn climb(model: &Model, units: &[usize], radius: f64) -> Result<Vec<f32>> {
    let (latent, features) = (model.latent(), model.plan().blueprint.width());
    let engine = model.engine();
    let mut wanted = vec![0f32; units.len() * latent];
    units.iter().enumerate().for_each(|(row, unit)| wanted[row * latent + unit] = 1.0);
    let wanted = engine.tensor(wanted, [units.len(), latent]);
    let pca = Pca::of(model)?;
    let mean = engine.tensor(pca.mean.clone(), [1, features]);
    // Constants without arranged weights: only the input wants a gradient.
    let values = model.vars().leaves(|_| false);
    let mut moved = engine.zeros::<2>([units.len(), features]);
    for step in 0..STEPS {
        let x = (mean.clone() + moved.clone()).autodiff().require_grad();
        let code = model.coder().code(&values, x.clone(), &mut model.coder().pass())?.mean();
        let mut gradients = (code * wanted.clone().autodiff()).sum().backward();
        let Some(gradient) = x.grad_remove(&mut gradients) else { break };
        let length = |t: Tensor<2>| t.square().sum_dim(1).sqrt().clamp_min(1e-12);
        // First as far as allowed along the steepest direction, then ever smaller corrections
        // on the ball.
        let size = radius * if step == 0 { 1.0 } else { 0.3 * (1.0 - step as f64 / STEPS as f64) };
        moved = moved + gradient.clone() / length(gradient) * size;
        let shrink = (length(moved.clone()).recip() * radius).clamp_max(1.0);
        moved = moved * shrink;
    }
    read(mean + moved)
}
