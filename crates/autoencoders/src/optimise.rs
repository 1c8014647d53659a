//! Optimisers, learning-rate schedules, and the step that both serve.

use crate::family::Batch;
use crate::layer::{Pass, Progress};
use crate::lbfgs::{self, MEMORY, Pair, Point};
use crate::objective::Objective;
use crate::run::Numbers;
use crate::tensors::read;
use crate::vars::{Role, Var, VarId, Vars};
use autoencoders_kernels::{AdamStep, SgdStep, adam, sgd, sum_squares};
use burn::tensor::{Device, Tensor, TensorData};
use rows::{Error, Result, Rng};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

/// The optimisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Adam, or with weight decay AdamW: β₁ 0.9, β₂ 0.999, ε 1e-8.
    #[default]
    Adam,
    /// Gradient descent with momentum.
    Sgd,
    /// `lbfgs`: limited-memory BFGS on all training rows at once, an epoch a step. Noise and draws
    /// are the same at every step, because the loss must be one function; rate, schedule and batch
    /// say nothing, weight decay, clipping and warm-up are refused.
    Lbfgs,
}

/// Step size over the epochs, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// `constant`
    Constant,
    /// `cosine`: from the full rate to zero along half a cosine (Loshchilov and Hutter 2017).
    #[default]
    Cosine,
    /// `step:EVERY,FACTOR`: times the factor each so many epochs.
    Step {
        /// Epochs.
        every: usize,
        /// Factor.
        factor: f64,
    },
    /// `plateau:PATIENCE,FACTOR`: times the factor when so many epochs brought no better validation
    /// loss.
    Plateau {
        /// Epochs.
        patience: usize,
        /// Factor.
        factor: f64,
    },
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let pair = || {
            let wanted = || {
                Error::setting(
                    "schedule",
                    text,
                    format!("{kind}:EPOCHS,FACTOR with a factor below 1, as in {kind}:10,0.5"),
                )
            };
            let (epochs, factor) = rest.split_once(',').ok_or_else(wanted)?;
            let epochs = epochs
                .trim()
                .parse::<usize>()
                .ok()
                .filter(|epochs| *epochs > 0)
                .ok_or_else(wanted)?;
            let factor = factor
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|factor| *factor > 0.0 && *factor < 1.0)
                .ok_or_else(wanted)?;
            Ok::<_, Error>((epochs, factor))
        };
        match kind {
            "constant" if rest.is_empty() => Ok(Self::Constant),
            "cosine" if rest.is_empty() => Ok(Self::Cosine),
            "step" => pair().map(|(every, factor)| Self::Step { every, factor }),
            "plateau" => pair().map(|(patience, factor)| Self::Plateau { patience, factor }),
            _ => Err(Error::unknown(
                "schedule",
                text,
                ["constant", "cosine", "step:EVERY,FACTOR", "plateau:PATIENCE,FACTOR"],
            )),
        }
    }
}

rows::as_text!(Schedule);

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine => f.write_str("cosine"),
            Self::Step { every, factor } => write!(f, "step:{every},{factor}"),
            Self::Plateau { patience, factor } => write!(f, "plateau:{patience},{factor}"),
        }
    }
}

impl Schedule {
    /// The factor on the step size after `epochs` of `total`; `reductions` is how often a plateau
    /// was met.
    pub fn factor(self, epochs: f64, total: usize, warm_up: f64, reductions: u32) -> f64 {
        let factor = match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                0.5 * (1.0 + (std::f64::consts::PI * (epochs / total as f64).min(1.0)).cos())
            }
            Self::Step { every, factor } => factor.powi((epochs / every as f64) as i32),
            Self::Plateau { factor, .. } => factor.powi(reductions as i32),
        };
        // The first step of a warm-up is small but not zero.
        let warming = if warm_up > 0.0 { ((epochs + 1e-3) / warm_up).min(1.0) } else { 1.0 };
        factor * warming
    }
}

/// An optimiser with its state: for each variable that training moves, its moments.
#[derive(Clone, Debug)]
pub struct Optimiser {
    method: Method,
    momentum: f64,
    decay: f64,
    clip: f64,
    /// First and second moment for Adam, the velocity alone for sgd, the last steps and changes of
    /// the gradient for lbfgs; in the order of [`Vars`].
    pub moments: Vec<Vec<Tensor<2>>>,
    /// Steps done, for each variable: in a training of several phases they differ; for lbfgs the
    /// steps that are remembered.
    pub times: Vec<u64>,
    /// Where lbfgs is, so that a step need not look again.
    here: Option<Point>,
    /// Whether lbfgs finds nothing lower.
    pub converged: bool,
    /// Lies in a variable's place while its value is moved.
    empty: Tensor<2>,
}

impl Optimiser {
    /// An optimiser at its start.
    pub fn new(method: Method, momentum: f64, decay: f64, clip: f64, vars: &Vars) -> Self {
        let each = match method {
            Method::Adam => 2,
            Method::Sgd => 1,
            Method::Lbfgs => 2 * MEMORY,
        };
        let zeros = |value: &Tensor<2>| (0..each).map(|_| value.zeros_like()).collect::<Vec<_>>();
        let moments = vars
            .iter()
            .map(|(_, var)| if var.role == Role::Buffer { Vec::new() } else { zeros(&var.value) })
            .collect();
        let empty = Tensor::empty([0, 0], &Device::default());
        Self {
            method,
            momentum,
            decay,
            clip,
            moments,
            times: vec![0; vars.len()],
            here: None,
            converged: false,
            empty,
        }
    }

    /// Moves each variable that has a gradient.
    ///
    /// Returns the norm of all gradients together before clipping, where clipping asks for it.
    pub fn step(
        &mut self,
        vars: &mut Vars,
        gradients: Vec<Option<Tensor<2>>>,
        rate: f64,
    ) -> Option<f64> {
        let norm = (self.clip > 0.0)
            .then(|| gradients.iter().flatten().map(sum_squares).sum::<f64>().sqrt());
        let scale = norm.filter(|norm| *norm > self.clip).map_or(1.0, |norm| self.clip / norm);
        for ((index, id), gradient) in vars.ids().enumerate().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            self.times[index] += 1;
            let decay = if vars.get(id).role == Role::Weight { self.decay } else { 0.0 };
            let moments = std::mem::take(&mut self.moments[index]);
            let step = AdamStep {
                rate,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                decay,
                time: self.times[index],
                scale,
            };
            let (value, moments) = self.moved(vars.take(id, &self.empty), gradient, moments, step);
            vars.set(id, value);
            self.moments[index] = moments;
        }
        norm
    }

    /// The variable after a step; gradient descent takes rate, decay and scale of the same numbers.
    fn moved(
        &self,
        p: Tensor<2>,
        g: Tensor<2>,
        moments: Vec<Tensor<2>>,
        step: AdamStep,
    ) -> (Tensor<2>, Vec<Tensor<2>>) {
        let mut moments = moments.into_iter();
        let mut next = || moments.next().unwrap_or_else(|| g.zeros_like());
        match self.method {
            Method::Adam => {
                let (m, v) = (next(), next());
                let [p, m, v] = adam(p, g, m, v, step);
                (p, vec![m, v])
            }
            Method::Sgd => {
                let AdamStep { rate, decay, scale, .. } = step;
                let [p, velocity] = sgd(
                    p,
                    g.clone(),
                    next(),
                    SgdStep { rate, momentum: self.momentum, decay, scale },
                );
                (p, vec![velocity])
            }
            Method::Lbfgs => (p, moments.collect()),
        }
    }

    /// One step of lbfgs to a lower loss; [`Optimiser::converged`] where there is none.
    fn lower(
        &mut self,
        vars: &mut Vars,
        moved: &[VarId],
        evaluate: &dyn Fn(&Vars) -> Result<Point>,
    ) -> Result<Numbers> {
        let place = flat(moved.iter().map(|id| &vars.get(*id).value))?;
        let here = match self.here.take() {
            Some(here) => here,
            None => evaluate(vars)?,
        };
        let remembered = moved.first().map_or(0, |id| self.times[id.index()] as usize);
        let mut pairs: Vec<Pair> = (0..remembered)
            .map(|at| Ok((self.flat_moment(moved, at)?, self.flat_moment(moved, MEMORY + at)?)))
            .collect::<Result<_>>()?;
        let mut trial = vars.clone();
        let mut look = |at: &[f32]| {
            scatter(&mut trial, moved, at);
            evaluate(&trial)
        };
        let mut found = None;
        // Should what is remembered lead nowhere, then once more along the gradient.
        for fresh in [false, true] {
            if fresh {
                pairs.clear();
            }
            let along = lbfgs::direction(&here.gradient, &pairs);
            let first = if pairs.is_empty() {
                (1.0 / lbfgs::dot(&along, &along).sqrt()).min(1.0)
            } else {
                1.0
            };
            found = lbfgs::search(&place, &here, &along, first, &mut look)?;
            if found.is_some() || pairs.is_empty() {
                break;
            }
        }
        let numbers = here.numbers.clone();
        let Some((at, next)) = found else {
            (self.converged, self.here) = (true, Some(here));
            return Ok(numbers);
        };
        let difference =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f32>>();
        let pair = (difference(&at, &place), difference(&next.gradient, &here.gradient));
        if lbfgs::bends(&pair) {
            pairs.push(pair);
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        // What rounding hides is no progress.
        self.converged = here.value - next.value <= lbfgs::ROUNDING * here.value.abs();
        scatter(vars, moved, &at);
        self.remember(vars, moved, &pairs);
        self.here = Some(next);
        Ok(numbers)
    }

    /// The numbers of one moment of some variables, one after the other.
    fn flat_moment(&self, moved: &[VarId], which: usize) -> Result<Vec<f32>> {
        flat(moved.iter().map(|id| &self.moments[id.index()][which]))
    }

    fn remember(&mut self, vars: &Vars, moved: &[VarId], pairs: &[Pair]) {
        for (at, (step, change)) in pairs.iter().enumerate() {
            for (which, numbers) in [(at, step), (MEMORY + at, change)] {
                cut(vars, moved, numbers)
                    .into_iter()
                    .for_each(|(id, part)| self.moments[id.index()][which] = part);
            }
        }
        moved.iter().for_each(|id| self.times[id.index()] = pairs.len() as u64);
    }
}

/// The numbers of some tensors, one after the other.
fn flat<'a>(tensors: impl Iterator<Item = &'a Tensor<2>>) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    for tensor in tensors {
        all.extend(read(tensor.clone())?);
    }
    Ok(all)
}

/// The inverse of [`flat`]: for each of some variables its numbers in its shape.
fn cut(vars: &Vars, moved: &[VarId], numbers: &[f32]) -> Vec<(VarId, Tensor<2>)> {
    let mut rest = numbers;
    let mut part = |id: &VarId| {
        let value = &vars.get(*id).value;
        let (own, behind) = rest.split_at(value.dims().iter().product());
        rest = behind;
        (
            *id,
            Tensor::from_data(
                TensorData::new(own.to_vec(), value.dims()),
                (&value.device(), value.dtype()),
            ),
        )
    };
    moved.iter().map(&mut part).collect()
}

fn scatter(vars: &mut Vars, moved: &[VarId], numbers: &[f32]) {
    cut(vars, moved, numbers).into_iter().for_each(|(id, value)| vars.set(id, value));
}

/// One step on one batch: for each phase a forward pass, its gradients and a move of its variables.
///
/// Returns the terms of the last phase, before the move.
pub fn descend(
    objective: &dyn Objective,
    vars: &mut Vars,
    optimiser: &mut Optimiser,
    batch: Batch,
    rng: &Rng,
    progress: Progress,
    rate: f64,
) -> Result<Numbers> {
    let mut numbers = Numbers::default();
    for phase in objective.phases() {
        let mut pass = Pass { progress, ..Pass::training(rng.split(phase.name)) };
        let moves = |var: &Var| phase.groups.contains(&var.group);
        if optimiser.method == Method::Lbfgs {
            let moved: Vec<VarId> = vars
                .iter()
                .filter(|(_, var)| var.role != Role::Buffer && moves(var))
                .map(|(id, _)| id)
                .collect();
            // One loss for all steps.
            pass.progress = Progress::DONE;
            let last = RefCell::new(pass.clone());
            let evaluate = |vars: &Vars| {
                let values = vars.leaves(moves);
                let mut pass = pass.clone();
                let terms = objective.terms(&values, batch.clone(), &mut pass)?;
                last.replace(pass);
                let numbers = Numbers::read(&terms);
                let gradients = values.gradients(terms);
                let zero = |id: &VarId| {
                    gradients[id.index()]
                        .clone()
                        .unwrap_or_else(|| vars.get(*id).value.zeros_like())
                };
                Ok(Point {
                    value: numbers.sum(),
                    gradient: flat(moved.iter().map(zero).collect::<Vec<_>>().iter())?,
                    numbers,
                })
            };
            numbers = optimiser.lower(vars, &moved, &evaluate)?;
            // What a pass gathers beside the loss is that of the last look, which mostly is where
            // the step ends.
            last.into_inner().commit(vars);
            continue;
        }
        let values = vars.leaves(moves);
        let terms = objective.terms(&values, batch.clone(), &mut pass)?;
        numbers = Numbers::read(&terms);
        let gradients = values.gradients(terms);
        // The leaves go first, so that the optimiser owns the memory alone and works in place.
        drop(values);
        optimiser.step(vars, gradients, rate);
        pass.commit(vars);
    }
    objective.after_step(vars)?;
    Ok(numbers)
}
