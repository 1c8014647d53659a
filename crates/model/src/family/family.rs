//! What a family may change.

use crate::blueprint::{Blueprint, Net};
use crate::family::code::{Batch, Code, CodeKind};
use crate::family::phase::Phase;
use crate::family::prior::Prior;
use crate::family::terms::{Loss, Numbers, Terms};
use crate::likelihood::kind::Likelihood;
use crate::net::pass::Pass;
use crate::net::vars::{Init, Vars, Weights};
use crate::parts::Parts;
use burn_tensor::Tensor;
use kernels::Activation;
use rows::{Error, Message, Result, Rng};
use std::fmt::Debug;

/// What `auto` stands for; a family changes what its paper does otherwise.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The network.
    pub net: Net,
    /// Of the code.
    pub code_activation: Activation,
    /// What a reconstruction error is.
    pub likelihood: Likelihood,
}

/// Refuses what no distribution over codes can be made of: an activation of the code, or tied
/// weights.
pub fn check_distribution(blueprint: &Blueprint) -> Result<()> {
    let activation = blueprint.code_activation;
    if activation != Activation::Identity {
        return Err(Error::setting(
            "code activation",
            activation.name(),
            "identity: mean and log-variance are unbounded",
        ));
    }
    if blueprint.tied {
        let wanted =
            "false: the encoder's last layer gives a mean and a variance, the decoder takes a code";
        return Err(Error::setting("tied", true, wanted));
    }
    Ok(())
}

/// One forward pass, as the terms of a loss see it.
#[non_exhaustive]
pub struct Step<'a> {
    /// The phase of the training step.
    pub phase: &'a Phase,
    /// The networks and the likelihood.
    pub parts: &'a Parts,
    /// The variables' values.
    pub values: &'a Weights,
    /// The rows.
    pub batch: &'a Batch,
    /// Their code.
    pub code: &'a Code,
    /// The decoder's output [rows, width].
    pub output: &'a Tensor<2>,
    /// Mode, random numbers and progress of the pass.
    pub pass: &'a Pass,
}

/// What a phase of a training step has done, and what may still be changed.
pub struct Done<'a> {
    /// The phase.
    pub phase: &'a Phase,
    /// The variables after the step.
    pub vars: &'a mut Vars,
    /// The optimiser's moments of each variable, in the order of the variables; none for a buffer.
    pub moments: &'a mut [Vec<Tensor<2>>],
    /// The rows of the step.
    pub batch: &'a Batch,
    /// Their code, if the loss has met one; outside autodiff only after `inner`.
    pub code: Option<&'a Code>,
    /// Random numbers of this step.
    pub rng: &'a Rng,
}

/// One family of autoencoders.
///
/// Every default is the plain autoencoder; a family overrides only what its paper changes.
pub trait Family: Debug + Send + Sync {
    /// What `auto` means for this family, where it differs.
    fn choose(&self, _choice: &mut Choice) {}

    /// Refuses what makes no sense for this network, before anything is built.
    fn check(&self, _blueprint: &Blueprint) -> Result<()> {
        Ok(())
    }

    /// What the user should know of these parameters with this network.
    fn warning(&self, _blueprint: &Blueprint) -> Option<Message> {
        None
    }

    /// The mean activation that each unit is held to, where there is one.
    fn target_activation(&self) -> Option<f64> {
        None
    }

    /// Whether something other than its width keeps the code from copying the input.
    fn constrains(&self) -> bool {
        true
    }

    /// What a code of so many numbers is.
    fn code_kind(&self, _latent: usize) -> CodeKind {
        CodeKind::Point
    }

    /// Width of the encoder's output: `2 * latent` for a Gaussian code.
    fn head(&self, latent: usize) -> usize {
        latent
    }

    /// Directions in which the loss follows each row through the encoder; memory grows with them.
    fn directions(&self, _blueprint: &Blueprint) -> usize {
        1
    }

    /// Variables beside the two networks: a codebook, a critic, a running mean.
    fn variables(&self, _blueprint: &Blueprint, _init: &mut Init) -> Result<()> {
        Ok(())
    }

    /// What training does to an input before encoding it.
    fn corrupt(&self, batch: Batch, _blueprint: &Blueprint, _pass: &mut Pass) -> Result<Batch> {
        Ok(batch)
    }

    /// From the encoder's output [rows, head] to the code; deterministic unless the pass samples.
    fn code(
        &self,
        _parts: &Parts,
        _values: &Weights,
        h: Tensor<2>,
        _pass: &mut Pass,
    ) -> Result<Code> {
        Ok(Code::point(h))
    }

    /// Named terms added to the reconstruction.
    fn terms(&self, _step: &Step) -> Result<Terms> {
        Ok(Terms::none())
    }

    /// The whole loss of a phase, for the few families that are not reconstruction plus terms; the
    /// plain loss where it returns `None`.
    fn loss(
        &self,
        _phase: &Phase,
        _parts: &Parts,
        _values: &Weights,
        _batch: &Batch,
        _pass: &mut Pass,
    ) -> Result<Option<Loss>> {
        Ok(None)
    }

    /// The forward passes of a training step, each with the variables that it moves.
    fn phases(&self) -> Vec<Phase> {
        Phase::all()
    }

    /// The number that early stopping and schedules judge by, from the mean terms on validation
    /// rows: their sum, unless some of them are another player's.
    fn judged_by(&self, numbers: &Numbers) -> f64 {
        numbers.sum()
    }

    /// After each phase: renormalise a decoder, move a codebook, revive dead units.
    fn after_step(&self, _parts: &Parts, _done: &mut Done) -> Result<()> {
        Ok(())
    }

    /// The distribution of codes that the family was trained towards, for families that have one.
    fn prior<'a>(&'a self, _parts: &'a Parts, _values: &'a Weights) -> Option<Box<dyn Prior + 'a>> {
        None
    }
}
