//! k-sparse autoencoder: of each row's code only the k largest numbers are kept.
//!
//! Makhzani and Frey, "k-sparse autoencoders", ICLR 2014. Meant for codes wider than the row.

use crate::blueprint::{Blueprint, Net};
use crate::family::code::Code;
use crate::family::family::{Choice, Family};
use crate::family::registry::Entry;
use crate::net::pass::{Mode, Pass};
use crate::net::vars::Weights;
use crate::parts::Parts;
use burn_tensor::Tensor;
use kernels::largest_in_rows;
use rows::{Error, Message, Result};
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<KSparse>("k-sparse", "k-sparse autoencoder", "Makhzani and Frey 2014");

/// Parameters of the k-sparse autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KSparse {
    /// Numbers of a code that are kept; all where a code has no more.
    pub k: usize,
    /// As many times more are kept once training is over: the paper's classifiers see more than the
    /// decoder saw. 1 gives the decoder what it knows.
    pub alpha: f64,
    /// The fraction of the training over which k falls from all to its value; without, units that
    /// are never among the largest learn nothing.
    pub warm_up: f64,
}

impl Default for KSparse {
    fn default() -> Self {
        Self { k: 25, alpha: 1.0, warm_up: 0.5 }
    }
}

impl Family for KSparse {
    fn choose(&self, choice: &mut Choice) {
        choice.net = Net::Shallow;
    }

    fn check(&self, _: &Blueprint) -> Result<()> {
        if !(1..=1 << 20).contains(&self.k) {
            return Err(Error::setting("k", self.k, "a whole number from 1 to 1048576"));
        }
        if !(1.0..=1e3).contains(&self.alpha) {
            return Err(Error::setting("alpha", self.alpha, "a number from 1 to 1000"));
        }
        if !(0.0..=1.0).contains(&self.warm_up) {
            return Err(Error::setting("warm_up", self.warm_up, "a fraction from 0 to 1"));
        }
        Ok(())
    }

    fn warning(&self, blueprint: &Blueprint) -> Option<Message> {
        let (k, latent) = (self.k, blueprint.latent);
        let idle = format!("k is {k} and a code has {latent} numbers: nothing is left out. ");
        let smaller = || Message::from(idle).text("Choose a smaller k (").set("parameters.k", "N");
        (k >= latent).then(|| smaller().text(") or a larger latent"))
    }

    fn code(&self, _: &Parts, _: &Weights, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        let latent = h.dims()[1];
        let k = if pass.sampling {
            // As the loss has it, in training and in validation.
            let left = if self.warm_up > 0.0 {
                (1.0 - pass.progress.fraction / self.warm_up).max(0.0)
            } else {
                0.0
            };
            let left = if pass.mode == Mode::Training { left } else { 0.0 };
            self.k as f64 + left * latent.saturating_sub(self.k) as f64
        } else {
            self.k as f64 * self.alpha
        };
        let kept = largest_in_rows(h.clone(), (k.round() as usize).clamp(1, latent));
        Ok(Code::point(h * kept))
    }
}
