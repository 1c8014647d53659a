//! Contractive autoencoder: the code is made to move little when the input moves.
//!
//! Rifai et al., "Contractive auto-encoders: explicit invariance during feature extraction", ICML
//! 2011.

use crate::blueprint::{Blueprint, Net, Norm};
use crate::family::family::{Choice, Family, Step};
use crate::family::registry::Entry;
use crate::family::terms::Terms;
use crate::net::jacobian;
use kernels::Activation;
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
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
    fn choose(&self, choice: &mut Choice) {
        choice.net = Net::Shallow;
        choice.code_activation = Activation::Sigmoid;
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
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
        if blueprint.norm == Norm::Batch {
            return Err(Error::setting(
                "norm",
                "batch",
                "none or layer: a batch norm mixes the rows, and the Jacobian of one row means nothing",
            ));
        }
        // Beyond this a step's directions no longer fit in memory.
        let deep = !matches!(blueprint.net, Net::Linear | Net::Shallow);
        if deep && self.probes == 0 && blueprint.width() > 1024 {
            return Err(Error::setting(
                "probes",
                0,
                format!(
                    "for example 4: the exact norm of a deep encoder takes {} directions for each row",
                    blueprint.width()
                ),
            ));
        }
        Ok(())
    }

    fn constrains(&self) -> bool {
        self.lambda > 0.0
    }

    fn directions(&self, blueprint: &Blueprint) -> usize {
        match blueprint.net {
            Net::Linear | Net::Shallow => 1,
            _ if self.probes == 0 => blueprint.width(),
            _ => self.probes,
        }
    }

    fn terms(&self, step: &Step) -> Result<Terms> {
        let latent = step.parts.blueprint.latent;
        let (x, head) = (step.batch.input.clone(), Some(step.code.mean()));
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
