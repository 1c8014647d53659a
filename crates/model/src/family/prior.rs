//! What codes are like before any row is seen.

use crate::engine::noise::Draw;
use burn_tensor::{DType, Device, Tensor};
use rows::{Result, Rng};
use std::f64::consts::PI;

/// A distribution over codes that a family was trained towards.
pub trait Prior {
    /// Codes [n, latent].
    fn draw(&self, n: usize, rng: &mut Rng) -> Result<Tensor<2>>;

    /// The logarithm of the density at each code [rows, latent]: [rows, 1].
    fn log_density(&self, codes: Tensor<2>) -> Result<Tensor<2>>;
}

/// The normal distribution of mean zero and variance one in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardNormal {
    /// Numbers in a code.
    pub latent: usize,
}

impl Prior for StandardNormal {
    fn draw(&self, n: usize, rng: &mut Rng) -> Result<Tensor<2>> {
        Ok(rng.normal([n, self.latent], &Device::default(), DType::F32))
    }

    /// `-½ Σ z² - ½ latent ln 2π`.
    fn log_density(&self, codes: Tensor<2>) -> Result<Tensor<2>> {
        let constant = 0.5 * self.latent as f64 * (2.0 * PI).ln();
        Ok(codes.square().sum_dim(1) * -0.5 - constant)
    }
}
