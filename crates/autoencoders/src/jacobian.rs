//! The size of the encoder's derivative.

use crate::layer::{Pass, slope};
use crate::net::Network;
use crate::vars::Values;
use autoencoders_kernels::{Activation, activate};
use burn::tensor::Tensor;

/// The squared Frobenius norm of the encoder's Jacobian at each row, [rows, 1], itself differentiable.
///
/// Of the encoder's output the first `latent` numbers count: the code, or its mean.
///
/// One dense layer: `Σ_j (act'(z_j))² Σ_i W_ij²` (Rifai et al. 2011, equation 7). Deeper: `Σ_i |J e_i|²` over all inputs, or with
/// `probes` directions `v` of random signs the mean of `|J v|²`, whose expectation is the norm (Hutchinson 1990).
pub fn squared_norm(network: &Network, values: &Values, x: Tensor<2>, latent: usize, probes: usize, pass: &mut Pass) -> Tensor<2> {
    if let Some(norm) = closed_form(network, values, x.clone(), latent) {
        return norm;
    }
    let [rows, features] = x.dims();
    let (device, dtype) = (x.device().inner(), x.dtype());
    let directions: Tensor<3> = match probes {
        0 => Tensor::<2>::eye(features, &device).cast(dtype).unsqueeze_dim(0),
        _ => {
            let uniform = pass.rng.split("probes").uniform([rows * probes, features], &device, dtype);
            // Never exactly one half, whose sign would be zero.
            (uniform - 0.5 + 1e-9).sign().reshape([rows, probes, features])
        }
    };
    let moved = network.encoder_tangent(values, x, directions, pass).narrow(2, 0, latent);
    let [some, k, width] = moved.dims();
    let norm = (moved.clone() * moved).reshape([some, k * width]).sum_dim(1) * (1.0 / probes.max(1) as f64);
    // A linear encoder has one Jacobian for all rows.
    norm.repeat_dim(0, rows / some)
}

fn closed_form(network: &Network, values: &Values, x: Tensor<2>, latent: usize) -> Option<Tensor<2>> {
    let (weight, bias, activation) = network.single_dense()?;
    let weight = values.get(weight).narrow(1, 0, latent);
    let rows = x.dims()[0];
    let squares = (weight.clone() * weight.clone()).sum_dim(0);
    let z = x.matmul(weight) + values.get(bias).narrow(1, 0, latent);
    let y = match activation {
        Activation::Identity => z.clone(),
        _ => activate(z.clone(), activation),
    };
    Some(match slope(z, y, activation) {
        Some(slope) => (slope.clone() * slope * squares).sum_dim(1),
        None => squares.sum_dim(1).repeat_dim(0, rows),
    })
}
