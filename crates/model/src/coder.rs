//! What a model computes: its plan and its parts joined.

use crate::family::code::{Batch, Code, CodeKind};
use crate::family::family::Step;
use crate::family::phase::Phase;
use crate::family::prior::Prior;
use crate::family::terms::{Loss, Terms};
use crate::net::pass::Pass;
use crate::net::vars::{Init, Weights};
use crate::parts::Parts;
use crate::plan::Plan;
use burn_tensor::Tensor;
use rows::{Result, Rng};

/// A family with its networks: encodes, decodes, and says how far off that is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Coder {
    /// What was decided.
    pub plan: Plan,
    /// What was built.
    pub parts: Parts,
}

impl Coder {
    /// Builds what a plan says, from random numbers or from a file.
    ///
    /// Errors as [`Parts::build`].
    pub fn build(plan: Plan, init: &mut Init) -> Result<Self> {
        let blueprint = plan.blueprint.clone();
        let parts = Parts::build(blueprint, init, |blueprint, init| {
            plan.family.variables(blueprint, init)
        })?;
        Ok(Self { plan, parts })
    }

    /// Numbers in a code.
    pub fn latent(&self) -> usize {
        self.parts.blueprint.latent
    }

    /// What a code is.
    pub fn code_kind(&self) -> CodeKind {
        self.plan.family.code_kind(self.latent())
    }

    /// The code of prepared rows [rows, width].
    pub fn code(&self, values: &Weights, x: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        let h = self.parts.network.encode(values, x, pass);
        self.plan.family.code(&self.parts, values, h, pass)
    }

    /// The deterministic reconstruction of prepared rows [rows, width].
    pub fn rebuilt(&self, values: &Weights, x: Tensor<2>) -> Result<Tensor<2>> {
        let code = self.code(values, x, &mut self.pass())?;
        Ok(self.parts.decode(values, code.mean(), &mut self.pass()))
    }

    /// What a step, or the terms of an evaluation, gets of prepared rows [rows, width]: drawn and
    /// corrupted as the plan says.
    ///
    /// Everything random here comes from `rng`, so that a batch can be made long before its step.
    pub fn batch(&self, x: Tensor<2>, rng: &Rng) -> Result<Batch> {
        let batch = self.parts.drawn(x, rng);
        let mut pass = Pass::training(rng.clone());
        self.plan.family.corrupt(batch, &self.parts.blueprint, &mut pass)
    }

    /// The loss of a batch in one phase: the family's own, or reconstruction and the family's terms.
    pub fn loss(
        &self,
        phase: &Phase,
        values: &Weights,
        batch: &Batch,
        pass: &mut Pass,
    ) -> Result<Loss> {
        let (family, parts) = (self.plan.family.as_ref(), &self.parts);
        if let Some(loss) = family.loss(phase, parts, values, batch, pass)? {
            return Ok(loss);
        }
        let code = self.code(values, batch.input.clone(), pass)?;
        let output = parts.network.decode(values, code.sample(), pass);
        let losses = parts.batch_losses(values, output.clone(), batch);
        let reconstruction = match &batch.weight {
            None => parts.mean_over_rows(losses),
            Some(weight) => (losses * weight.clone()).sum() / weight.clone().sum(),
        };
        let terms = Terms::one("reconstruction", 1.0, reconstruction);
        let step = Step { phase, parts, values, batch, code: &code, output: &output, pass };
        let terms = terms.with(family.terms(&step)?);
        Ok(Loss { terms, code: Some(code) })
    }

    /// The distribution of codes that the family was trained towards, for families that have one.
    pub fn prior<'a>(&'a self, values: &'a Weights) -> Option<Box<dyn Prior + 'a>> {
        self.plan.family.prior(&self.parts, values)
    }

    /// A pass whose result depends on the rows alone.
    pub fn pass(&self) -> Pass {
        Pass::deterministic(Rng::new(self.plan.settings.seed).split("evaluation"))
    }
}
