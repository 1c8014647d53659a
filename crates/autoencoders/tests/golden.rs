//! Losses, gradients and optimiser steps against PyTorch in double precision.
//!
//! The numbers and what they stand for come from `golden/make.py`; each file of `golden/` is the
//! function of that name there.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Shape;
use autoencoders::engine::Autoencoding;
use autoencoders::engine::Batch;
use autoencoders::engine::Bounds;
use autoencoders::engine::Coder;
use autoencoders::engine::Engine;
use autoencoders::engine::FileLayout;
use autoencoders::engine::Fill;
use autoencoders::engine::Init;
use autoencoders::engine::Objective;
use autoencoders::engine::Optimiser;
use autoencoders::engine::Pass;
use autoencoders::engine::Progress;
use autoencoders::engine::Role;
use autoencoders::engine::Tuning;
use autoencoders::engine::VarId;
use autoencoders::engine::Vars;
use autoencoders::engine::{Term, Terms};
use autoencoders::settings::Method;
use autoencoders::settings::Schedule;
use autoencoders::{Config, Plan, Rng};
use burn_tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers in PyTorch's layout.
#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

type Named = BTreeMap<String, Numbers>;

/// A model on one batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    config: Config,
    shape: Shape,
    range: Bounds,
    /// Whether the pass is a training step's.
    training: bool,
    /// How far training is.
    fraction: f64,
    input: Numbers,
    /// Absent where it is the input.
    target: Option<Numbers>,
    variables: Named,
    terms: BTreeMap<String, f64>,
    /// Of the sum of the terms.
    gradients: Named,
    /// The variables without a gradient after the pass.
    after: Named,
}

fn golden<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/../../golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let cases: Vec<T> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(!cases.is_empty(), "{path} is empty");
    cases
}

fn matrix(values: &[f64], shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&Device::default(), DType::F64))
}

fn plain(numbers: &Numbers) -> Tensor<2> {
    matrix(&numbers.values, [numbers.shape[0], numbers.shape[1]])
}

/// The numbers as a variable of this layout has them inside.
fn inside(numbers: &Numbers, layout: FileLayout) -> Tensor<2> {
    let Numbers { shape, values } = numbers;
    match (layout, shape.as_slice()) {
        (FileLayout::Vector, &[n]) => matrix(values, [1, n]),
        (FileLayout::Dense, &[out, width]) => matrix(values, [out, width]).transpose(),
        (FileLayout::Convolution { kernel, channels_in }, &[out, channels, height, width]) => {
            assert_eq!((kernel, channels_in), ([height, width], channels));
            let patch = channels * height * width;
            matrix(values, [out, patch])
                .reshape([out, channels, height, width])
                .permute([2, 3, 1, 0])
                .reshape([patch, out])
        }
        (layout, shape) => panic!("{layout:?} with the shape {shape:?}"),
    }
}

fn values(tensor: &Tensor<2>) -> Vec<f64> {
    tensor.to_data().try_into_vec().unwrap_or_else(|error| panic!("{error:?}"))
}

fn largest(tensor: &Tensor<2>) -> f64 {
    values(tensor).into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// Panics unless both are equal up to `tolerance`.
fn agree(what: &str, got: &Tensor<2>, wanted: &Tensor<2>, tolerance: f64) {
    assert_eq!(got.dims(), wanted.dims(), "{what}");
    for (index, (got, wanted)) in values(got).into_iter().zip(values(wanted)).enumerate() {
        assert!(
            (got - wanted).abs() <= tolerance,
            "{what}[{index}]: {got} wanted {wanted}, tolerance {tolerance:e}"
        );
    }
}

/// Panics unless terms, gradients and running statistics of a case are those of its file.
fn check(case: &Case) {
    let fail = |error| -> ! { panic!("{}: {error}", case.name) };
    let plan = Plan::new(&case.config.model, &case.shape, case.range);
    let plan = plan.unwrap_or_else(|error| fail(error));
    let mut init = Init::random(&Rng::new(0), &Engine { dtype: DType::F64, ..Engine::default() });
    let coder = Coder::build(plan, &mut init).unwrap_or_else(|error| fail(error));
    let mut vars = init.finish();
    case.set(&mut vars);

    let target = plain(case.target.as_ref().unwrap_or(&case.input));
    let batch = Batch::towards(plain(&case.input), target);
    let mut pass =
        if case.training { Pass::training(Rng::new(0)) } else { Pass::deterministic(Rng::new(0)) };
    let leaves = vars.leaves(|_| true);
    pass.progress = Progress { fraction: case.fraction };
    let objective = Autoencoding { coder: &coder, l2: case.config.train.l2 };
    let phase = &objective.phases()[0];
    let loss = objective.loss(phase, &leaves, &batch, &mut pass);
    let terms = loss.unwrap_or_else(|error| fail(error)).terms;

    case.check_terms(&terms);
    case.check_gradients(&vars, &leaves.gradients(terms.sum()));
    pass.commit(&mut vars);
    for (_, var) in vars.iter().filter(|(_, var)| var.role == Role::Buffer) {
        agree(
            &format!("{}: {}", case.name, var.name),
            &var.value,
            &inside(&case.after[&var.name], var.layout),
            1e-12,
        );
    }
}

impl Case {
    /// Gives the variables of a model, which must be those of the file, their numbers.
    fn set(&self, vars: &mut Vars) {
        let built: BTreeSet<&str> = vars.iter().map(|(_, var)| var.name.as_str()).collect();
        let wanted = self.variables.keys().map(String::as_str).collect();
        assert_eq!(built, wanted, "{}: variables", self.name);
        let ids: Vec<VarId> = vars.iter().map(|(id, _)| id).collect();
        for id in ids {
            let var = vars.get(id);
            let value = inside(&self.variables[&var.name], var.layout);
            assert_eq!(value.dims(), var.value.dims(), "{}: {}", self.name, var.name);
            vars.set(id, value);
        }
    }

    fn check_terms(&self, terms: &Terms) {
        let weighted = |term: &Term| term.weight * term.value.clone().into_scalar::<f64>();
        let named: BTreeMap<String, f64> =
            terms.0.iter().map(|term| (term.name.to_owned(), weighted(term))).collect();
        assert!(
            named.keys().eq(self.terms.keys()),
            "{}: terms {named:?} wanted {:?}",
            self.name,
            self.terms
        );
        for (name, wanted) in &self.terms {
            let got = named[name];
            assert!(
                (got - wanted).abs() <= 1e-10 * wanted.abs(),
                "{}: {name} is {got} wanted {wanted}",
                self.name
            );
        }
    }

    fn check_gradients(&self, vars: &Vars, gradients: &[Option<Tensor<2>>]) {
        let wanted =
            |name: &str, layout| self.gradients.get(name).map(|numbers| inside(numbers, layout));
        let overall = vars
            .iter()
            .filter_map(|(_, var)| wanted(&var.name, var.layout))
            .map(|gradient| largest(&gradient))
            .fold(0.0, f64::max);
        for ((_, var), got) in vars.iter().zip(gradients) {
            let what = format!("{}: gradient of {}", self.name, var.name);
            match (got, wanted(&var.name, var.layout)) {
                // A bias in front of a batch norm has the gradient zero up to rounding: nothing of
                // its own to measure by.
                (Some(got), Some(wanted)) => {
                    agree(&what, got, &wanted, 1e-9 * largest(&wanted).max(1e-4 * overall))
                }
                (None, None) => {}
                (got, _) => panic!("{what} is {}", if got.is_some() { "there" } else { "missing" }),
            }
        }
    }
}

#[test]
fn each_activation_has_the_loss_and_the_gradients_of_pytorch() {
    golden("activations").iter().for_each(check);
}

#[test]
fn networks_linear_tied_normed_and_decayed_have_the_loss_and_the_gradients_of_pytorch() {
    golden("networks").iter().for_each(check);
}

#[test]
fn each_likelihood_has_the_value_and_the_gradients_of_pytorch() {
    golden("likelihoods").iter().for_each(check);
}

#[test]
fn a_denoising_autoencoder_encodes_the_corrupted_row_and_is_compared_with_the_clean_one() {
    golden("denoising").iter().for_each(check);
}

#[test]
fn sparsity_penalties_have_the_values_and_the_gradients_of_pytorch() {
    golden("sparse").iter().for_each(check);
}

#[test]
fn the_contraction_has_the_value_and_the_gradients_of_a_jacobian_by_pytorch() {
    golden("contractive").iter().for_each(check);
}

#[test]
fn the_variational_bound_has_the_value_and_the_gradients_of_pytorch() {
    golden("vae").iter().for_each(check);
}

#[test]
fn the_importance_weighted_bound_has_the_value_and_the_gradients_of_pytorch() {
    golden("iwae").iter().for_each(check);
}

#[test]
fn the_largest_of_rows_and_of_columns_are_those_of_pytorch() {
    ["k_sparse", "winner_take_all"].iter().for_each(|name| golden(name).iter().for_each(check));
}

#[test]
fn convolutions_of_any_size_have_the_loss_and_the_gradients_of_pytorch() {
    golden("convolution").iter().for_each(check);
}

/// Numbers of a weight, which decays, and a bias, which does not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    weight: Numbers,
    bias: Option<Numbers>,
}

impl Pair {
    fn tensors(&self) -> Vec<Option<Tensor<2>>> {
        vec![
            Some(inside(&self.weight, FileLayout::Dense)),
            self.bias.as_ref().map(|bias| inside(bias, FileLayout::Vector)),
        ]
    }

    /// Variables with these values.
    fn variables(&self) -> Vars {
        let mut init =
            Init::random(&Rng::new(0), &Engine { dtype: DType::F64, ..Engine::default() });
        for ((name, role, layout), value) in
            [("weight", Role::Weight, FileLayout::Dense), ("bias", Role::Bias, FileLayout::Vector)]
                .into_iter()
                .zip(self.tensors())
        {
            let shape = value.unwrap_or_else(|| panic!("{name} without a value")).dims();
            init.variable(name, shape, Fill::Constant(0.0), role, layout)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        let mut vars = init.finish();
        let ids: Vec<VarId> = vars.iter().map(|(id, _)| id).collect();
        for (id, value) in ids.into_iter().zip(self.tensors().into_iter().flatten()) {
            vars.set(id, value);
        }
        vars
    }

    fn check(&self, what: &str, vars: &Vars) {
        for ((_, var), wanted) in vars.iter().zip(self.tensors().into_iter().flatten()) {
            agree(&format!("{what}: {}", var.name), &var.value, &wanted, 1e-12);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    name: String,
    method: Method,
    momentum: f64,
    decay: f64,
    rates: Vec<f64>,
    start: Pair,
    gradients: Vec<Pair>,
    after: Vec<Pair>,
}

#[test]
fn five_steps_of_each_optimiser_are_those_of_pytorch() {
    for case in golden::<Steps>("steps") {
        let mut vars = case.start.variables();
        let mut optimiser = Optimiser::new(case.method, case.momentum, case.decay, 0.0, &vars);
        for (step, ((rate, gradients), after)) in
            case.rates.iter().zip(&case.gradients).zip(&case.after).enumerate()
        {
            let norm = optimiser.step(&mut vars, gradients.tensors(), *rate, Tuning::default());
            assert!(norm.is_none(), "no norm where nothing is clipped");
            after.check(&format!("{} after step {}", case.name, step + 1), &vars);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clipping {
    name: String,
    bound: f64,
    norm: f64,
    gradients: Pair,
    clipped: Pair,
}

#[test]
fn clipping_shrinks_the_gradient_of_all_variables_together() {
    for case in golden::<Clipping>("clipping") {
        // From zero, one step of rate -1 without momentum lands on the gradient.
        let mut vars = case.clipped.variables();
        let zeros: Vec<_> = vars.iter().map(|(id, var)| (id, var.value.zeros_like())).collect();
        zeros.into_iter().for_each(|(id, zeros)| vars.set(id, zeros));
        let norm = Optimiser::new(Method::Sgd, 0.0, 0.0, case.bound, &vars).step(
            &mut vars,
            case.gradients.tensors(),
            -1.0,
            Tuning::default(),
        );
        let norm = norm.unwrap().into_scalar::<f64>();
        assert!(
            (norm - case.norm).abs() < 1e-12,
            "{}: norm {norm} wanted {}",
            case.name,
            case.norm
        );
        case.clipped.check(&case.name, &vars);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Factors {
    schedule: Schedule,
    total: usize,
    /// At the start of each epoch, and at the end of the last.
    factors: Vec<f64>,
}

#[test]
fn schedules_have_the_factors_of_pytorch() {
    for case in golden::<Factors>("schedules") {
        for (epoch, wanted) in case.factors.iter().enumerate() {
            let got = case.schedule.factor(epoch as f64, case.total, 0.0, 0);
            assert!(
                (got - wanted).abs() < 1e-12,
                "{} after {epoch} epochs: {got} wanted {wanted}",
                case.schedule
            );
        }
    }
}
