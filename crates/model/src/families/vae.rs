//! Variational autoencoder: the code is a distribution, kept near a standard normal one.
//!
//! Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; beta: Higgins et al., ICLR
//! 2017; warm-up: Sønderby et al., NeurIPS 2016; free bits: Kingma et al., NeurIPS 2016.

use crate::blueprint::Blueprint;
use crate::family::code::{Code, CodeKind};
use crate::family::family::{Choice, Family, Step, check_distribution};
use crate::family::prior::{Prior, StandardNormal};
use crate::family::registry::Entry;
use crate::family::terms::Terms;
use crate::likelihood::kind::Likelihood;
use crate::net::pass::Pass;
use crate::net::vars::Weights;
use crate::parts::Parts;
use burn_tensor::Tensor;
use kernels::kl_normal;
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<Vae>("vae", "Variational autoencoder", "Kingma and Welling 2014");

/// Parameters of the variational autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vae {
    /// Weight of the divergence from the prior; 1 is the evidence lower bound.
    pub beta: f64,
    /// The fraction of the training over which beta rises from zero; 0 starts with all of it.
    pub warm_up: f64,
    /// Nats of each unit, averaged over the batch, that cost nothing; keeps units from falling
    /// silent.
    pub free_bits: f64,
}

impl Default for Vae {
    fn default() -> Self {
        Self { beta: 1.0, warm_up: 0.0, free_bits: 0.0 }
    }
}

impl Family for Vae {
    fn choose(&self, choice: &mut Choice) {
        if choice.likelihood == Likelihood::Gaussian {
            // At the variance of one half that a squared error stands for, the prior would silence
            // most units of scaled data.
            choice.likelihood = Likelihood::GaussianLearned;
        }
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
        for (name, value, most) in [
            ("beta", self.beta, 1e6),
            ("warm_up", self.warm_up, 1.0),
            ("free_bits", self.free_bits, 1e3),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(Error::setting(name, value, format!("a number from 0 to {most}")));
            }
        }
        check_distribution(blueprint)
    }

    fn constrains(&self) -> bool {
        self.beta > 0.0
    }

    fn code_kind(&self, _: usize) -> CodeKind {
        CodeKind::Distribution
    }

    fn head(&self, latent: usize) -> usize {
        2 * latent
    }

    fn code(&self, _: &Parts, _: &Weights, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        Ok(Code::normal(h, pass))
    }

    fn terms(&self, step: &Step) -> Result<Terms> {
        let Some(posterior) = step.code.posterior().cloned() else {
            return Ok(Terms::none());
        };
        let units = kl_normal(posterior);
        let units = if self.free_bits > 0.0 { units.clamp_min(self.free_bits) } else { units };
        let warmed = if self.warm_up > 0.0 {
            (step.pass.progress.fraction / self.warm_up).min(1.0)
        } else {
            1.0
        };
        Ok(Terms::one("kl", self.beta * warmed, units.sum()))
    }

    fn prior<'a>(&'a self, parts: &'a Parts, values: &'a Weights) -> Option<Box<dyn Prior + 'a>> {
        let (latent, engine) = (parts.blueprint.latent, values.engine());
        Some(Box::new(StandardNormal { latent, engine }))
    }
}
