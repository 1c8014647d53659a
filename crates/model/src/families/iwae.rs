//! Importance-weighted autoencoder: a variational one whose bound takes several codes for each row,
//! the likely ones most.
//!
//! Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", ICLR 2016.

use crate::blueprint::Blueprint;
use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use crate::family::code::{Batch, Code, CodeKind};
use crate::family::family::{Choice, Family, check_distribution};
use crate::family::phase::Phase;
use crate::family::prior::{Prior, StandardNormal};
use crate::family::registry::Entry;
use crate::family::terms::{Loss, Terms};
use crate::likelihood::kind::Likelihood;
use crate::net::pass::Pass;
use crate::net::vars::Weights;
use crate::parts::Parts;
use burn_tensor::Tensor;
use kernels::{LOG_VARIANCE, draw_normal};
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<Iwae>("iwae", "Importance-weighted autoencoder", "Burda et al. 2016");

/// Parameters of the importance-weighted autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Iwae {
    /// Codes drawn for each row; with 1 it is the variational autoencoder. A step costs as many
    /// times more.
    pub samples: usize,
}

impl Default for Iwae {
    fn default() -> Self {
        Self { samples: 5 }
    }
}

impl Family for Iwae {
    fn choose(&self, choice: &mut Choice) {
        if choice.likelihood == Likelihood::Gaussian {
            choice.likelihood = Likelihood::GaussianLearned;
        }
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
        if !(1..=1000).contains(&self.samples) {
            return Err(Error::setting("samples", self.samples, "a whole number from 1 to 1000"));
        }
        check_distribution(blueprint)
    }

    fn code_kind(&self, _: usize) -> CodeKind {
        CodeKind::Distribution
    }

    fn head(&self, latent: usize) -> usize {
        2 * latent
    }

    fn directions(&self, _: &Blueprint) -> usize {
        self.samples
    }

    fn code(&self, _: &Parts, _: &Weights, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        Ok(Code::normal(h, pass))
    }

    /// `-ln 1/k Σ_i p(x, z_i) / q(z_i | x)`; the part called reconstruction is the mean of `-ln p(x
    /// | z_i)`, and what the rest of the bound adds is called kl, which with one sample it
    /// estimates.
    fn loss(
        &self,
        _: &Phase,
        parts: &Parts,
        values: &Weights,
        batch: &Batch,
        pass: &mut Pass,
    ) -> Result<Option<Loss>> {
        let h = parts.network.encode(values, batch.input.clone(), pass);
        let ([rows, width], samples) = (h.dims(), self.samples);
        // All draws of a row stand together.
        let repeat = |x: Tensor<2>| {
            let columns = x.dims()[1];
            x.unsqueeze_dim::<3>(1).repeat_dim(1, samples).reshape([rows * samples, columns])
        };
        let posterior = repeat(h);
        let shape = [rows * samples, width / 2];
        let engine = Engine::of(&posterior);
        let noise = if pass.sampling {
            pass.rng.split("posterior").normal(shape, &engine)
        } else {
            engine.zeros(shape)
        };
        let z = draw_normal(posterior.clone(), noise.clone());
        let output = parts.network.decode(values, z.clone(), pass);
        let losses = parts.row_losses(values, output, repeat(batch.target.clone()));
        let log_variance =
            posterior.narrow(1, width / 2, width / 2).clamp(-LOG_VARIANCE, LOG_VARIANCE);
        // ln q - ln p of the code: the constants of both cancel.
        let surprise = (z.square() - noise.square() - log_variance).sum_dim(1) * 0.5;
        let reconstruction = losses.clone().reshape([rows, samples]).mean_dim(1);
        let weights = (losses + surprise).neg().reshape([rows, samples]);
        let largest = weights.clone().detach().max_dim(1);
        let bound = (weights - largest.clone()).exp().mean_dim(1).log() + largest;
        // Rows that are left out for their errors are left out of the whole bound.
        let [errors, whole] = parts.means_over_rows([reconstruction, bound.neg()]);
        let terms = Terms::one("reconstruction", 1.0, errors.clone());
        Ok(Some(terms.with(Terms::one("kl", 1.0, whole - errors)).into()))
    }

    fn prior<'a>(&'a self, parts: &'a Parts, values: &'a Weights) -> Option<Box<dyn Prior + 'a>> {
        let (latent, engine) = (parts.blueprint.latent, values.engine());
        Some(Box::new(StandardNormal { latent, engine }))
    }
}
