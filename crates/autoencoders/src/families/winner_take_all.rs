//! Winner-take-all autoencoder: each unit of the code is kept only on the few rows that excite it
//! most.
//!
//! Makhzani and Frey, "Winner-take-all autoencoders", NeurIPS 2015: lifetime sparsity within each
//! batch. Meant for codes wider than the row.

use crate::config::{Auto, Plan};
use crate::family::{Code, Entry, Family};
use crate::layer::{Mode, Pass};
use crate::net::Net;
use crate::parts::Parts;
use crate::vars::{Fill, Init, Layout, Role, Values, VarId};
use autoencoders_kernels::{Activation, largest_in_columns};
use burn::tensor::Tensor;
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry = Entry::of::<WinnerTakeAll>(
    "winner-take-all",
    "Winner-take-all autoencoder",
    "Makhzani and Frey 2015",
);

/// Parameters of the winner-take-all autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WinnerTakeAll {
    /// The fraction of a batch's rows on which a unit is kept.
    pub lifetime: f64,
    /// Whether encoding keeps a number only above what it takes to be among those of a batch, so
    /// that the decoder sees what it knows. The paper's classifiers see every rectified number:
    /// `false`.
    pub winners: bool,
}

impl Default for WinnerTakeAll {
    fn default() -> Self {
        Self { lifetime: 0.05, winners: true }
    }
}

/// The part of each batch in a unit's usual threshold.
const MOMENTUM: f64 = 0.1;

impl Family for WinnerTakeAll {
    fn auto(&self, auto: &mut Auto) {
        auto.net = Net::Shallow;
        auto.code_activation = Activation::Relu;
    }

    fn check(&self, plan: &Plan) -> Result<()> {
        if !(self.lifetime > 0.0 && self.lifetime <= 1.0) {
            return Err(Error::setting(
                "lifetime",
                self.lifetime,
                "a fraction of the rows, above 0 and up to 1",
            ));
        }
        let activation = plan.blueprint.code_activation;
        match activation {
            Activation::Relu | Activation::Softplus | Activation::Sigmoid => Ok(()),
            _ => Err(Error::setting(
                "code activation",
                activation.name(),
                "relu, softplus or sigmoid: the largest numbers win, and losers are zero",
            )),
        }
    }

    fn variables(&self, plan: &Plan, init: &mut Init) -> Result<Vec<VarId>> {
        let threshold = init.variable(
            "winner.threshold",
            [1, plan.config.latent],
            Fill::Constant(0.0),
            Role::Buffer,
            Layout::Vector,
        )?;
        Ok(vec![threshold])
    }

    fn code(&self, parts: &Parts, values: &Values, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        let usual = parts.extra.first().copied();
        if pass.sampling {
            // As the loss has it, in training and in validation.
            let rows = h.dims()[0];
            let winners = ((rows as f64 * self.lifetime).ceil() as usize).clamp(1, rows);
            let (kept, lowest) = largest_in_columns(h.clone(), winners);
            if let Some(id) = usual.filter(|_| pass.mode == Mode::Training) {
                pass.updates
                    .push((id, values.get(id).inner() * (1.0 - MOMENTUM) + lowest * MOMENTUM));
            }
            return Ok(Code::point(h * kept));
        }
        Ok(Code::point(match usual.filter(|_| self.winners) {
            Some(id) => {
                let below = (h.clone() - values.get(id)).sign().clamp_max(0.0);
                h * (below + 1.0)
            }
            None => h,
        }))
    }
}
