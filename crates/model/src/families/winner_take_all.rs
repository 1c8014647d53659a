//! Winner-take-all autoencoder: each unit of the code is kept only on the few rows that excite it
//! most.
//!
//! Makhzani and Frey, "Winner-take-all autoencoders", NeurIPS 2015: lifetime sparsity within each
//! batch. Meant for codes wider than the row.

use crate::blueprint::{Blueprint, Net};
use crate::family::code::Code;
use crate::family::family::{Choice, Family};
use crate::family::registry::Entry;
use crate::net::pass::{Mode, Pass};
use crate::net::vars::{FileLayout, Fill, Init, Role, Weights};
use crate::parts::Parts;
use burn_tensor::Tensor;
use kernels::{Activation, largest_in_columns};
use rows::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry = Entry::of::<WinnerTakeAll>(
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

/// What a winner usually has of each unit [1, latent].
const THRESHOLD: &str = "winner.threshold";
/// The part of each batch in a unit's usual threshold.
const MOMENTUM: f64 = 0.1;

impl Family for WinnerTakeAll {
    fn choose(&self, choice: &mut Choice) {
        choice.net = Net::Shallow;
        choice.code_activation = Activation::Relu;
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
        if !(self.lifetime > 0.0 && self.lifetime <= 1.0) {
            return Err(Error::setting(
                "lifetime",
                self.lifetime,
                "a fraction of the rows, above 0 and up to 1",
            ));
        }
        let activation = blueprint.code_activation;
        match activation {
            Activation::Relu | Activation::Softplus | Activation::Sigmoid => Ok(()),
            _ => Err(Error::setting(
                "code activation",
                activation.name(),
                "relu, softplus or sigmoid: the largest numbers win, and losers are zero",
            )),
        }
    }

    fn variables(&self, blueprint: &Blueprint, init: &mut Init) -> Result<()> {
        init.variable(
            THRESHOLD,
            [1, blueprint.latent],
            Fill::Constant(0.0),
            Role::Buffer,
            FileLayout::Vector,
        )?;
        Ok(())
    }

    fn code(&self, parts: &Parts, values: &Weights, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        let usual = parts.var(THRESHOLD)?;
        if pass.sampling {
            // As the loss has it, in training and in validation.
            let rows = h.dims()[0];
            let winners = ((rows as f64 * self.lifetime).ceil() as usize).clamp(1, rows);
            let (kept, lowest) = largest_in_columns(h.clone(), winners);
            if pass.mode == Mode::Training {
                let before = values.get(usual).inner();
                pass.updates.push((usual, before * (1.0 - MOMENTUM) + lowest * MOMENTUM));
            }
            return Ok(Code::point(h * kept));
        }
        if !self.winners {
            return Ok(Code::point(h));
        }
        let below = (h.clone() - values.get(usual)).sign().clamp_max(0.0);
        Ok(Code::point(h * (below + 1.0)))
    }
}
