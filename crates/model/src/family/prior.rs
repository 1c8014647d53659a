//! What codes are like before any row is seen.

use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use burn_tensor::Tensor;
use rows::{Result, Rng};
use std::f64::consts::PI;

/// A distribution over codes that a family was trained towards.
pub trait Prior {
    /// Codes [n, latent].
    fn draw(&self, n: usize, rng: &mut Rng) -> Result<Tensor<2>>;

    /// The logarithm of the density at each code [rows, latent]: [rows, 1].
    fn log_density(&self, codes: Tensor<2>) -> Result<Tensor<2>>;

    /// How much likelier each of these codes was where it was drawn than it is here: `ln q(z) - ln
    /// p(z)`, [rows, 1].
    fn log_ratio(&self, drawn: &Drawn) -> Result<Tensor<2>> {
        Ok(drawn.log_density() - self.log_density(drawn.codes.clone())?)
    }
}

/// Codes `z = mean + e^{log_variance / 2} noise` of normal distributions; all [rows, latent].
#[derive(Clone, Debug)]
pub struct Drawn {
    /// `z`.
    pub codes: Tensor<2>,
    /// The logarithms of the variances of the distributions.
    pub log_variance: Tensor<2>,
    /// Drawn from the standard normal distribution.
    pub noise: Tensor<2>,
}

impl Drawn {
    /// `ln q(z)`: `-½ Σ (noise² + log_variance) - ½ latent ln 2π`, [rows, 1].
    pub fn log_density(&self) -> Tensor<2> {
        let constant = constant(self.noise.dims()[1]);
        (self.noise.clone().square() + self.log_variance.clone()).sum_dim(1) * -0.5 - constant
    }
}

/// `½ latent ln 2π`.
fn constant(latent: usize) -> f64 {
    0.5 * latent as f64 * (2.0 * PI).ln()
}

/// The normal distribution of mean zero and variance one in each direction.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardNormal {
    /// Numbers in a code.
    pub latent: usize,
    /// Where codes are drawn.
    pub engine: Engine,
}

impl Prior for StandardNormal {
    fn draw(&self, n: usize, rng: &mut Rng) -> Result<Tensor<2>> {
        Ok(rng.normal([n, self.latent], &self.engine))
    }

    /// `-½ Σ z² - ½ latent ln 2π`.
    fn log_density(&self, codes: Tensor<2>) -> Result<Tensor<2>> {
        Ok(codes.square().sum_dim(1) * -0.5 - constant(self.latent))
    }

    /// Both densities have the same constant, which is left out, and with it its rounding.
    fn log_ratio(&self, drawn: &Drawn) -> Result<Tensor<2>> {
        let squares = drawn.codes.clone().square();
        let of_noise = drawn.noise.clone().square();
        Ok((squares - drawn.log_variance.clone() - of_noise).sum_dim(1) * 0.5)
    }
}
