//! Optimisers: they move variables along their gradients.

use crate::lbfgs::{self, MEMORY, Pair, Point};
use crate::method::Method;
use crate::objective::Objective;
use crate::settings::TrainSettings;
use burn_tensor::{Tensor, TensorData};
use kernels::{AdamStep, SgdStep, adam, sgd, sum_squares};
use model::{
    Batch, Code, Done, Loss, Numbers, Pass, Phase, Progress, Role, Tuning, Var, VarId, Vars, read,
};
use rows::{Result, Rng};
use std::cell::RefCell;

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
    /// The optimiser that settings ask for, at its start.
    pub fn of(settings: &TrainSettings, vars: &Vars) -> Self {
        let TrainSettings { optimiser, momentum, weight_decay, clip, .. } = *settings;
        Self::new(optimiser, momentum, weight_decay, clip, vars)
    }

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
        let empty = vars.engine().zeros([0, 0]);
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
    /// Returns the norm of all gradients together before clipping, where clipping asks for it: one
    /// number, still on its device.
    pub fn step(
        &mut self,
        vars: &mut Vars,
        mut gradients: Vec<Option<Tensor<2>>>,
        rate: f64,
        tuning: Tuning,
    ) -> Option<Tensor<1>> {
        let norm = if self.clip > 0.0 { clip(&mut gradients, self.clip) } else { None };
        for ((index, id), gradient) in vars.ids().enumerate().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            self.times[index] += 1;
            let decays = vars.get(id).role == Role::Weight && tuning.decay;
            let decay = if decays { self.decay } else { 0.0 };
            let moments = std::mem::take(&mut self.moments[index]);
            let step = AdamStep {
                rate: rate * tuning.rate_factor,
                beta1: tuning.beta1,
                beta2: tuning.beta2,
                epsilon: 1e-8,
                decay,
                time: self.times[index],
            };
            let (value, moments) = self.moved(vars.take(id, &self.empty), gradient, moments, step);
            vars.set(id, value);
            self.moments[index] = moments;
        }
        norm
    }

    /// The variable after a step; gradient descent takes rate and decay of the same numbers.
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
                let AdamStep { rate, decay, .. } = step;
                let [p, velocity] =
                    sgd(p, g.clone(), next(), SgdStep { rate, momentum: self.momentum, decay });
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

/// Where a training step stands.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// How far the training is.
    pub progress: Progress,
    /// The learning rate.
    pub rate: f64,
    /// The number of the step in the whole training, from 0: phases may sit out some.
    pub step: usize,
}

/// One step on one batch: for each phase a forward pass, its gradients and a move of its variables.
///
/// Returns the terms of all phases, before their moves.
pub fn descend(
    objective: &dyn Objective,
    vars: &mut Vars,
    optimiser: &mut Optimiser,
    batch: &Batch,
    rng: &Rng,
    moment: Moment,
) -> Result<Numbers> {
    let mut numbers = Numbers::default();
    for phase in objective.phases() {
        if !moment.step.is_multiple_of(phase.every) {
            continue;
        }
        let rng = rng.split(phase.name);
        let pass = Pass { progress: moment.progress, ..Pass::training(rng.clone()) };
        let (seen, code) = if optimiser.method == Method::Lbfgs {
            (lower(objective, vars, optimiser, batch, &phase, pass)?, None)
        } else {
            follow(objective, vars, optimiser, batch, &phase, pass, moment.rate)?
        };
        numbers.0.extend(seen.0);
        let moments = optimiser.moments.as_mut_slice();
        let code = code.as_ref();
        objective.after_step(&mut Done { phase: &phase, vars, moments, batch, code, rng: &rng })?;
    }
    Ok(numbers)
}

/// Scales gradients so that the norm of all together is at most `limit` (Pascanu et al. 2013), and
/// gives the norm that they had; nothing is read off the device. None where there are none.
fn clip(gradients: &mut [Option<Tensor<2>>], limit: f64) -> Option<Tensor<1>> {
    let squares = gradients.iter().flatten().map(sum_squares);
    let norm = squares.reduce(|sum, square| sum + square)?.sqrt();
    let factor = (norm.ones_like() * limit / norm.clone()).clamp_max(1.0).reshape([1, 1]);
    for gradient in gradients.iter_mut().flatten() {
        let dtype = gradient.dtype();
        *gradient = gradient.clone() * factor.clone().cast(dtype);
    }
    Some(norm)
}

/// A step of a phase along the gradient.
fn follow(
    objective: &dyn Objective,
    vars: &mut Vars,
    optimiser: &mut Optimiser,
    batch: &Batch,
    phase: &Phase,
    mut pass: Pass,
    rate: f64,
) -> Result<(Numbers, Option<Code>)> {
    let values = vars.leaves(|var: &Var| phase.moves.contains(&var.group));
    let Loss { terms, code } = objective.loss(phase, &values, batch, &mut pass)?;
    let told = terms.detached();
    let loss = terms.sum();
    drop(terms);
    let gradients = values.gradients(loss);
    // The leaves go first, so that the optimiser owns the memory alone and works in place.
    drop(values);
    optimiser.step(vars, gradients, rate, phase.tuning.unwrap_or_default());
    pass.commit(vars);
    // Last, because it waits until the device has done all of the step.
    Ok((Numbers::read(&told), code))
}

/// A step of a phase to a lower loss, by lbfgs.
fn lower(
    objective: &dyn Objective,
    vars: &mut Vars,
    optimiser: &mut Optimiser,
    batch: &Batch,
    phase: &Phase,
    mut pass: Pass,
) -> Result<Numbers> {
    let moves = |var: &Var| phase.moves.contains(&var.group);
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
        let terms = objective.loss(phase, &values, batch, &mut pass)?.terms;
        last.replace(pass);
        let numbers = Numbers::read(&terms);
        let gradients = values.gradients(terms.sum());
        let zero = |id: &VarId| {
            gradients[id.index()].clone().unwrap_or_else(|| vars.get(*id).value.zeros_like())
        };
        let gradient = flat(moved.iter().map(zero).collect::<Vec<_>>().iter())?;
        Ok(Point { value: numbers.sum(), gradient, numbers })
    };
    let numbers = optimiser.lower(vars, &moved, &evaluate)?;
    // What a pass gathers beside the loss is that of the last look, which mostly is where the step
    // ends.
    last.into_inner().commit(vars);
    Ok(numbers)
}
