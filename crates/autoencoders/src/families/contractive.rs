//! Contractive autoencoder: the code is made to move little when the input moves.
//!
//! Rifai et al., "Contractive auto-encoders: explicit invariance during feature extraction", ICML
//! 2011.

use crate::config::{Auto, Plan};
use crate::family::{Entry, Family, Step, Terms};
use crate::jacobian;
use crate::net::{Net, Norm};
use autoencoders_kernels::Activation;
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry =
    Entry::of::<Contractive>("contractive", "Contractive autoencoder", "Rifai et al. 2011");

/// Parameters of the contractive autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contractive {
    /// Weight of the squared Frobenius norm of the encoder's Jacobian.
    pub lambda: f64,
    /// Random directions that estimate the norm of a deep encoder; 0 computes it exactly, at the
    /// price of as many passes as the input is wide. One dense layer has a closed form and takes
    /// neither.
    pub probes: usize,
}

impl Default for Contractive {
    fn default() -> Self {
        Self { lambda: 0.1, probes: 0 }
    }
}

impl Family for Contractive {
    fn auto(&self, auto: &mut Auto) {
        auto.net = Net::Shallow;
        auto.code_activation = Activation::Sigmoid;
    }

    fn check(&self, plan: &Plan) -> Result<()> {
        if !(0.0..=1e6).contains(&self.lambda) {
            return Err(Error::setting("lambda", self.lambda, "a number from 0 to 1e6"));
        }
        if self.probes > 10_000 {
            return Err(Error::setting(
                "probes",
                self.probes,
                "0 for the exact norm, or 1 to 10000 random directions",
            ));
        }
        if plan.blueprint.norm == Norm::Batch {
            return Err(Error::setting(
                "norm",
                "batch",
                "none or layer: a batch norm mixes the rows, and the Jacobian of one row means nothing",
            ));
        }
        // Beyond this a step's directions no longer fit in memory.
        let deep = !matches!(plan.blueprint.net, Net::Linear | Net::Shallow);
        if deep && self.probes == 0 && plan.width() > 1024 {
            return Err(Error::setting(
                "probes",
                0,
                format!(
                    "for example 4: the exact norm of a deep encoder takes {} directions for each row",
                    plan.width()
                ),
            ));
        }
        Ok(())
    }

    fn constrains(&self) -> bool {
        self.lambda > 0.0
    }

    fn directions(&self, plan: &Plan) -> usize {
        match plan.blueprint.net {
            Net::Linear | Net::Shallow => 1,
            _ if self.probes == 0 => plan.width(),
            _ => self.probes,
        }
    }

    fn terms(&self, step: &Step) -> Result<Terms> {
        let latent = step.parts.plan.config.latent;
        let (x, head) = (step.batch.input.clone(), Some(step.code.mean.clone()));
        let norm = jacobian::squared_norm(
            &step.parts.network,
            step.values,
            x,
            head,
            latent,
            self.probes,
            &mut step.pass.clone(),
        );
        Ok(Terms::one("contraction", self.lambda, norm.mean()))
    }
}
