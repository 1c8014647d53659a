//! What a family may change, and how it is registered.

use crate::config::{Auto, Plan};
use crate::layer::Pass;
use crate::noise::Draw;
use crate::parts::Parts;
use crate::vars::{Group, Init, Values, VarId, Vars};
use autoencoders_kernels::{Activation, draw_normal};
use burn::tensor::Tensor;
use rows::{Error, Result, Rng};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt::Debug;

/// Rows to train on: what the encoder sees and what the output is compared with.
#[derive(Clone, Debug)]
pub struct Batch {
    /// [rows, features], corrupted where a family corrupts.
    pub input: Tensor<2>,
    /// [rows, features], always clean.
    pub target: Tensor<2>,
}

/// A code: where it is, and for a distribution what was drawn from it.
#[derive(Clone, Debug)]
pub struct Code {
    /// What encoding gives: the code itself, or its posterior mean [rows, latent].
    pub mean: Tensor<2>,
    /// What the decoder gets [rows, latent].
    pub sample: Tensor<2>,
    /// The posterior [rows, 2 latent], where there is one: its means, and behind them the
    /// logarithms of its variances.
    pub posterior: Option<Tensor<2>>,
}

impl Code {
    /// A code without a distribution.
    pub fn point(code: Tensor<2>) -> Self {
        Self { mean: code.clone(), sample: code, posterior: None }
    }

    /// A normal distribution from its means and, behind them, the logarithms of its variances
    /// [rows, 2 latent]; drawn from where the pass samples.
    pub fn normal(h: Tensor<2>, pass: &Pass) -> Self {
        let [rows, width] = h.dims();
        let mean = h.clone().narrow(1, 0, width / 2);
        let sample = if pass.sampling {
            let noise = pass.rng.split("posterior").normal(
                [rows, width / 2],
                &h.device().inner(),
                h.dtype(),
            );
            draw_normal(h.clone(), noise)
        } else {
            mean.clone()
        };
        Self { mean, sample, posterior: Some(h) }
    }
}

/// Refuses what no distribution over codes can be made of: an activation of the code, or tied
/// weights.
pub fn check_distribution(plan: &Plan) -> Result<()> {
    let activation = plan.blueprint.code_activation;
    if activation != Activation::Identity {
        return Err(Error::setting(
            "code activation",
            activation.name(),
            "identity: mean and log-variance are unbounded",
        ));
    }
    if plan.blueprint.tied {
        let wanted =
            "false: the encoder's last layer gives a mean and a variance, the decoder takes a code";
        return Err(Error::setting("tied", true, wanted));
    }
    Ok(())
}

/// Named parts of a loss, each of one element; their sum is the loss.
#[derive(Clone, Debug, Default)]
pub struct Terms(pub Vec<(&'static str, Tensor<1>)>);

impl Terms {
    /// No term.
    pub fn none() -> Self {
        Self::default()
    }

    /// One term: a value of one element times its weight.
    pub fn one(name: &'static str, weight: f64, value: Tensor<1>) -> Self {
        // Most weights are one, and each operation costs a small network more than its arithmetic.
        Self(vec![(name, if weight == 1.0 { value } else { value * weight })])
    }

    /// The sum; none when there is no term.
    pub fn sum(&self) -> Option<Tensor<1>> {
        self.0.iter().map(|(_, value)| value.clone()).reduce(|sum, value| sum + value)
    }
}

/// One forward pass, as the terms of a loss see it.
pub struct Step<'a> {
    /// The plan, the networks, the likelihood.
    pub parts: &'a Parts,
    /// The variables' values.
    pub values: &'a Values,
    /// The rows.
    pub batch: &'a Batch,
    /// Their code.
    pub code: &'a Code,
    /// The decoder's output [rows, width].
    pub output: &'a Tensor<2>,
    /// Mode, random numbers and progress of the pass.
    pub pass: &'a Pass,
}

/// Groups of variables that one phase of a training step moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name in messages.
    pub name: &'static str,
    /// What it moves.
    pub groups: &'static [Group],
}

/// The one phase of every family without a critic.
pub const ALL: &[Phase] =
    &[Phase { name: "all", groups: &[Group::Encoder, Group::Decoder, Group::Extra] }];

/// One family of autoencoders.
///
/// Every default is the plain autoencoder; a family overrides only what its paper changes.
pub trait Family: Debug + Send + Sync {
    /// What `auto` means for this family, where it differs.
    fn auto(&self, _auto: &mut Auto) {}

    /// Refuses what makes no sense for this plan, before anything is built.
    fn check(&self, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    /// What the user should know of these parameters with this plan.
    fn warning(&self, _plan: &Plan) -> Option<String> {
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

    /// Width of the encoder's output: `2 * latent` for a Gaussian code.
    fn head(&self, latent: usize) -> usize {
        latent
    }

    /// Directions in which the loss follows each row through the encoder; memory grows with them.
    fn directions(&self, _plan: &Plan) -> usize {
        1
    }

    /// Variables beside the two networks: a codebook, a critic, a running mean.
    fn variables(&self, _plan: &Plan, _init: &mut Init) -> Result<Vec<VarId>> {
        Ok(Vec::new())
    }

    /// What training does to an input before encoding it.
    fn corrupt(&self, batch: Batch, _plan: &Plan, _pass: &mut Pass) -> Result<Batch> {
        Ok(batch)
    }

    /// From the encoder's output [rows, head] to the code; deterministic unless the pass samples.
    fn code(
        &self,
        _parts: &Parts,
        _values: &Values,
        h: Tensor<2>,
        _pass: &mut Pass,
    ) -> Result<Code> {
        Ok(Code::point(h))
    }

    /// Named terms added to the reconstruction.
    fn terms(&self, _step: &Step) -> Result<Terms> {
        Ok(Terms::none())
    }

    /// The whole loss, for the few families that are not reconstruction plus terms.
    fn loss(
        &self,
        _parts: &Parts,
        _values: &Values,
        _batch: &Batch,
        _pass: &mut Pass,
    ) -> Result<Option<Terms>> {
        Ok(None)
    }

    /// Groups of variables trained in turn on each batch.
    fn phases(&self) -> &'static [Phase] {
        ALL
    }

    /// After each step: renormalise a decoder, move a codebook.
    fn after_step(&self, _parts: &Parts, _vars: &mut Vars) -> Result<()> {
        Ok(())
    }

    /// Codes [n, latent] drawn from the prior, for families that have one.
    fn prior(&self, _plan: &Plan, _n: usize, _rng: &mut Rng) -> Option<Tensor<2>> {
        None
    }
}

/// Makes a family from its parameters.
pub type Parse = fn(&Map<String, Value>) -> Result<Box<dyn Family>>;

/// A registered family.
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Where it comes from.
    pub paper: &'static str,
    /// Its parameters with their defaults.
    pub defaults: fn() -> Map<String, Value>,
    /// The family with these parameters; those left out take their defaults.
    pub parse: Parse,
}

impl Entry {
    /// The entry of a family whose struct is its parameters.
    pub const fn of<F>(name: &'static str, title: &'static str, paper: &'static str) -> Self
    where
        F: Family + Default + Serialize + DeserializeOwned + 'static,
    {
        Self { name, title, paper, defaults: defaults::<F>, parse: parse::<F> }
    }
}

fn defaults<F: Default + Serialize>() -> Map<String, Value> {
    match serde_json::to_value(F::default()) {
        Ok(Value::Object(map)) => map,
        // A parameter struct is a JSON object; a unit struct has none.
        _ => Map::new(),
    }
}

fn parse<F: Family + Default + Serialize + DeserializeOwned + 'static>(
    parameters: &Map<String, Value>,
) -> Result<Box<dyn Family>> {
    let known = defaults::<F>();
    if let Some(name) = parameters.keys().find(|name| !known.contains_key(*name)) {
        return Err(Error::unknown("parameter", name, known.keys().map(String::as_str)));
    }
    let mut all = known.clone();
    for (name, value) in parameters {
        all.insert(name.clone(), value.clone());
        // One at a time, so that the error names the parameter.
        let alone = serde_json::from_value::<F>(Value::Object(Map::from_iter([(
            name.clone(),
            value.clone(),
        )])));
        if let Err(error) = alone {
            return Err(Error::setting(
                name,
                value,
                format!("a value like {} ({error})", known[name]),
            ));
        }
    }
    match serde_json::from_value::<F>(Value::Object(all)) {
        Ok(family) => Ok(Box::new(family)),
        Err(error) => Err(Error::setting("parameters", Value::Object(parameters.clone()), error)),
    }
}
