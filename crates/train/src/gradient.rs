//! Gradients checked against finite differences, in double precision.

use crate::autoencoding::Autoencoding;
use crate::objective::Objective;
use crate::settings::Settings;
use burn_tensor::{DType, Tensor, TensorData};
use model::Engine;
use model::{Bounds, Coder, Draw, Init, Numbers, Pass, Plan, Progress, VarId, Vars, Weights};
use rows::{Error, Matrix, Result, Rng, Shape};

/// How far gradients are from finite differences.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// `|g - d| / |g + d|` over all numbers together, with gradients `g` and differences `d`.
    pub relative: f64,
    /// The largest difference of one number over the largest gradient.
    pub worst: f64,
}

/// Compares the gradient of each variable of a new model with central differences at `step`, on
/// prepared rows; noise is frozen, and a rise that takes a training is half done.
///
/// A central difference is `(f(x + h) - f(x - h)) / 2h`, off by about `h²` (UFLDL, "Gradient
/// checking"). Errors: settings or rows that no training would take.
///
/// `spread` moves every variable from its start by a random number up to it, because some starts
/// are no common places: biases of zero.
pub fn gradient_check(
    settings: &Settings,
    shape: &Shape,
    bounds: Bounds,
    rows: &Matrix,
    step: f64,
    spread: f64,
) -> Result<GradientCheck> {
    let plan = Plan::new(&settings.model, shape, bounds)?;
    if rows.columns != plan.blueprint.width() || rows.rows() == 0 {
        return Err(Error::shape(
            "rows of a gradient check",
            format!("{} numbers a row", rows.columns),
            plan.blueprint.width(),
        ));
    }
    let engine = Engine { dtype: DType::F64, ..Engine::default() };
    let rng = Rng::new(settings.model.seed).split("gradient check");
    let mut init = Init::random(&Rng::new(settings.model.seed), &engine);
    let coder = Coder::build(plan, &mut init)?;
    let objective = Autoencoding { coder: &coder, l2: settings.train.l2 };
    let phases = objective.phases();
    let mut vars = init.finish();
    let ids: Vec<VarId> = vars.ids().collect();
    for id in &ids {
        let value = vars.get(*id).value.clone();
        let by = rng.at(id.index()).uniform(value.dims(), &engine) * spread;
        vars.set(*id, value + by);
    }
    let rows = engine.rows(rows, 0..rows.rows());
    let batch = coder.batch(rows, &rng.split("batch"))?;
    let pass =
        || Pass { progress: Progress { fraction: 0.5 }, ..Pass::training(rng.split("pass")) };
    let mut differences = Differences::default();
    for phase in &phases {
        let loss = |values: &Weights| objective.loss(phase, values, &batch, &mut pass());
        let value_of =
            |vars: &Vars| -> Result<f64> { Ok(Numbers::read(&loss(&vars.values())?.terms).sum()) };
        let values = vars.leaves(|var| phase.moves.contains(&var.group));
        let gradients = values.gradients(loss(&values)?.terms.sum());
        for (id, gradient) in ids.iter().copied().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let (gradient, value) = (numbers(gradient)?, vars.get(id).value.clone());
            let start = numbers(value.clone())?;
            for (at, gradient) in gradient.iter().enumerate() {
                let mut moved = |by: f64| {
                    let mut numbers = start.clone();
                    numbers[at] += by;
                    let numbers = TensorData::new(numbers, value.dims());
                    vars.set(id, Tensor::from_data(numbers, (&engine.device, engine.dtype)));
                    value_of(&vars)
                };
                let difference = (moved(step)? - moved(-step)?) / (2.0 * step);
                differences.add(*gradient, difference);
            }
            vars.set(id, value);
        }
    }
    Ok(differences.check())
}

/// What is gathered of gradients `g` and differences `d`.
#[derive(Default)]
struct Differences {
    /// `Σ (g - d)²`.
    apart: f64,
    /// `Σ (g + d)²`.
    together: f64,
    /// The largest gradient, and the largest difference of one number.
    largest: f64,
    worst: f64,
}

impl Differences {
    fn add(&mut self, gradient: f64, difference: f64) {
        self.apart += (gradient - difference).powi(2);
        self.together += (gradient + difference).powi(2);
        self.largest = self.largest.max(gradient.abs());
        self.worst = self.worst.max((gradient - difference).abs());
    }

    fn check(&self) -> GradientCheck {
        GradientCheck {
            relative: (self.apart / self.together.max(f64::MIN_POSITIVE)).sqrt(),
            worst: self.worst / self.largest.max(f64::MIN_POSITIVE),
        }
    }
}

fn numbers(tensor: Tensor<2>) -> Result<Vec<f64>> {
    let data = tensor.into_data().convert::<f64>();
    data.try_into_vec::<f64>()
        .map_err(|error| Error::shape("gradient", format!("{error:?}"), "numbers"))
}
