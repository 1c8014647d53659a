//! Denoising autoencoder: encodes a corrupted row and is compared with the clean one.
//!
//! Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML
//! 2008; the other kinds of noise: Vincent et al., JMLR 11, 2010.

use crate::blueprint::Blueprint;
use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use crate::family::code::Batch;
use crate::family::family::Family;
use crate::family::registry::Entry;
use crate::net::pass::Pass;
use crate::prepare::scale::Bounds;
use burn_tensor::Tensor;
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<Denoising>("denoising", "Denoising autoencoder", "Vincent et al. 2008");

/// Parameters of the denoising autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Denoising {
    /// What is done to the input.
    pub noise: Noise,
    /// How much of it: the fraction of the numbers for masking and salt-and-pepper, the standard
    /// deviation of gaussian noise, half the width of uniform noise, in prepared units.
    pub level: f64,
}

/// The kinds of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Numbers set to zero: black in an image, the mean in a standardised table.
    Masking,
    /// Normal noise added.
    Gaussian,
    /// Numbers set to the lowest or the highest value, evenly: 0 or 1, and -3 or 3 standard
    /// deviations in unbounded data.
    SaltAndPepper,
    /// Uniform noise added.
    Uniform,
}

impl Default for Denoising {
    fn default() -> Self {
        Self { noise: Noise::Masking, level: 0.3 }
    }
}

impl Family for Denoising {
    fn check(&self, _: &Blueprint) -> Result<()> {
        let (most, wanted) = match self.noise {
            Noise::Masking | Noise::SaltAndPepper => (0.99, "a fraction from 0 to 0.99"),
            Noise::Gaussian | Noise::Uniform => (100.0, "a number from 0 to 100"),
        };
        if !(0.0..=most).contains(&self.level) {
            return Err(Error::setting("level", self.level, wanted));
        }
        Ok(())
    }

    fn constrains(&self) -> bool {
        self.level > 0.0
    }

    fn corrupt(&self, batch: Batch, blueprint: &Blueprint, pass: &mut Pass) -> Result<Batch> {
        let x = batch.input;
        let (shape, engine) = (x.dims(), Engine::of(&x));
        let mut rng = pass.rng.split("corrupt");
        // One with probability `level`, zero elsewhere.
        let hit = |uniform: Tensor<2>| (uniform.neg() + self.level).sign().clamp_min(0.0);
        let input = match self.noise {
            Noise::Masking => x * (hit(rng.uniform(shape, &engine)).neg() + 1.0),
            Noise::Gaussian => x + rng.normal(shape, &engine) * self.level,
            Noise::Uniform => x + (rng.uniform(shape, &engine) * 2.0 - 1.0) * self.level,
            Noise::SaltAndPepper => {
                let (low, high) = match blueprint.bounds {
                    Bounds::Unit => (0.0, 1.0),
                    Bounds::Real => (-3.0, 3.0),
                };
                let hit = hit(rng.uniform(shape, &engine));
                let salt =
                    (rng.uniform(shape, &engine) - 0.5).sign().clamp_min(0.0) * (high - low) + low;
                x * (hit.clone().neg() + 1.0) + salt * hit
            }
        };
        Ok(Batch { input, ..batch })
    }
}
