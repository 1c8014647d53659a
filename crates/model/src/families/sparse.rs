//! Sparse autoencoder: many code units, each active on few rows.
//!
//! Ng, "Sparse autoencoder", CS294A lecture notes, and the UFLDL tutorial. The cost there carries a
//! factor one half on the squared error; here it does not, so a beta of 3 there is 6 here. Meant
//! for codes wider than the row.

use crate::blueprint::{Blueprint, Net};
use crate::family::family::{Choice, Family, Step};
use crate::family::registry::Entry;
use crate::family::terms::Terms;
use kernels::{Activation, sparsity};
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<Sparse>("sparse", "Sparse autoencoder", "Ng 2011, CS294A");

/// Parameters of the sparse autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sparse {
    /// What keeps the code sparse.
    pub penalty: Penalty,
    /// Target mean activation of each unit, between 0 and 1; only for `kl`.
    pub rho: f64,
    /// Weight of the penalty.
    pub beta: f64,
}

/// The kinds of penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Divergence of each unit's mean activation from `rho`; for sigmoid and tanh codes.
    Kl,
    /// Sum of the absolute activations; for rectified codes.
    L1,
}

impl Default for Sparse {
    fn default() -> Self {
        Self { penalty: Penalty::Kl, rho: 0.05, beta: 0.5 }
    }
}

impl Family for Sparse {
    fn target_activation(&self) -> Option<f64> {
        Some(self.rho)
    }

    fn choose(&self, choice: &mut Choice) {
        choice.net = Net::Shallow;
        choice.code_activation = match self.penalty {
            Penalty::Kl => Activation::Sigmoid,
            Penalty::L1 => Activation::Relu,
        };
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
        if !(0.0..=1e6).contains(&self.beta) {
            return Err(Error::setting("beta", self.beta, "a number from 0 to 1e6"));
        }
        if !(self.rho > 0.0 && self.rho < 1.0) {
            return Err(Error::setting("rho", self.rho, "a mean activation between 0 and 1"));
        }
        let activation = blueprint.code_activation;
        let fits = match self.penalty {
            Penalty::Kl => matches!(activation, Activation::Sigmoid | Activation::Tanh),
            Penalty::L1 => matches!(activation, Activation::Relu | Activation::Softplus),
        };
        if !fits {
            let wanted = match self.penalty {
                Penalty::Kl => {
                    "sigmoid or tanh for the kl penalty, whose target is a mean between 0 and 1"
                }
                Penalty::L1 => "relu or softplus for the l1 penalty",
            };
            return Err(Error::setting("code activation", activation.name(), wanted));
        }
        Ok(())
    }

    fn constrains(&self) -> bool {
        self.beta > 0.0
    }

    fn terms(&self, step: &Step) -> Result<Terms> {
        let code = step.code.mean();
        Ok(match self.penalty {
            Penalty::L1 => Terms::one("sparsity", self.beta, code.abs().sum_dim(1).mean()),
            Penalty::Kl => {
                let active = match step.parts.blueprint.code_activation {
                    Activation::Tanh => (code + 1.0) * 0.5,
                    _ => code,
                };
                // The mean over the batch, not a running mean: the gradient is then the exact one
                // of the loss that is reported, and nothing has to be stored. Its noise falls with
                // the root of the batch: a few hundred rows are a good one.
                Terms::one("sparsity", self.beta, sparsity(active, self.rho).sum())
            }
        })
    }
}
