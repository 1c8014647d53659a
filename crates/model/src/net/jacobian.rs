//! The size of the encoder's derivative.

use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use crate::net::network::Network;
use crate::net::pass::Pass;
use crate::net::vars::Weights;
use burn_tensor::Tensor;
use kernels::{Activation, column_squares, dense, steer};

/// The squared Frobenius norm of the encoder's Jacobian at each row, [rows, 1], itself
/// differentiable.
///
/// Of the encoder's output the first `latent` numbers count: the code, or its mean.
///
/// One dense layer: `Σ_j (act'(z_j))² Σ_i W_ij²` (Rifai et al. 2011, equation 7). Deeper: `Σ_i |J
/// e_i|²` over all inputs, or with `probes` directions `v` of random signs the mean of `|J v|²`,
/// whose expectation is the norm (Hutchinson 1990).
///
/// `head` is the encoder's output at these rows where it is known already: it saves the closed form
/// its product.
pub fn squared_norm(
    network: &Network,
    values: &Weights,
    x: Tensor<2>,
    head: Option<Tensor<2>>,
    latent: usize,
    probes: usize,
    pass: &mut Pass,
) -> Tensor<2> {
    if let Some(norm) = closed_form(network, values, x.clone(), head, latent) {
        return norm;
    }
    let [rows, features] = x.dims();
    let engine = Engine::of(&x);
    let directions: Tensor<3> = match probes {
        0 => Tensor::<2>::eye(features, &engine.device).cast(engine.dtype).unsqueeze_dim(0),
        _ => {
            let uniform = pass.rng.split("probes").uniform([rows * probes, features], &engine);
            // Never exactly one half, whose sign would be zero.
            (uniform - 0.5 + 1e-9).sign().reshape([rows, probes, features])
        }
    };
    let moved = network.encoder_tangent(values, x, directions, pass).narrow(2, 0, latent);
    let [some, k, width] = moved.dims();
    let norm = (moved.clone() * moved).reshape([some, k * width]).sum_dim(1)
        * (1.0 / probes.max(1) as f64);
    // A linear encoder has one Jacobian for all rows.
    norm.repeat_dim(0, rows / some)
}

fn closed_form(
    network: &Network,
    values: &Weights,
    x: Tensor<2>,
    head: Option<Tensor<2>>,
    latent: usize,
) -> Option<Tensor<2>> {
    let (weight, bias, activation) = network.single_dense()?;
    let (weight, rows) = (values.get(weight), x.dims()[0]);
    let squares = column_squares(weight.clone()).narrow(1, 0, latent);
    if activation == Activation::Identity {
        return Some(squares.sum_dim(1).repeat_dim(0, rows));
    }
    let saved = match (activation.needs_input(), head) {
        (false, Some(head)) => head,
        (false, None) => dense(x, weight, values.get(bias), false, activation),
        (true, _) => dense(x, weight, values.get(bias), false, Activation::Identity),
    };
    let saved = saved.narrow(1, 0, latent);
    // The squares go through the activation as a direction does, once for each factor of the
    // squared slope.
    let steered = steer(squares.unsqueeze_dim::<3>(0), saved.clone(), activation);
    Some(steer(steered, saved, activation).sum_dim(2).squeeze_dim::<2>(2))
}
