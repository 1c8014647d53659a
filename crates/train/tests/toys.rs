//! The family trait carries what no family here has yet: phases that play against each other, codes
//! of which most is zero, targets of another width than the row. Three toy families hold it to that.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders_train::{Autoencoding, Method, Moment, Objective, Optimiser, descend};
use burn_tensor::{DType, Device, Int, Tensor, TensorData};
use model::Engine;
use model::{
    Batch, Bounds, Code, CodeKind, Coder, DECODER, Done, ENCODER, Family, FileLayout, Fill, Group,
    Init, Lists, Loss, ModelSettings, Numbers, Parts, Pass, Phase, Plan, Progress, Role, Step,
    Terms, Tuning, Vars, Weights, read,
};
use rows::{Result, Rng, Shape};

const CRITIC: Group = Group("critic");
const WEIGHT: &str = "critic.weight";

/// A critic tells codes by a number, which it raises and the encoder lowers.
#[derive(Debug)]
struct TwoPlayers;

impl Family for TwoPlayers {
    fn variables(&self, blueprint: &model::Blueprint, init: &mut Init) -> Result<()> {
        let shape = [blueprint.latent, 1];
        init.group(CRITIC);
        let fill = Fill::Uniform(0.5);
        init.variable(WEIGHT, shape, fill, Role::Weight, FileLayout::Dense).map(|_| ())
    }

    fn phases(&self) -> Vec<Phase> {
        vec![
            Phase::new("rebuild", &[ENCODER, DECODER]),
            Phase::new("critic", &[CRITIC]).every(2).tuned(Tuning {
                rate_factor: 0.1,
                beta1: 0.5,
                ..Tuning::default()
            }),
            Phase::new("fool", &[ENCODER]),
        ]
    }

    fn loss(
        &self,
        phase: &Phase,
        parts: &Parts,
        values: &Weights,
        batch: &Batch,
        pass: &mut Pass,
    ) -> Result<Option<Loss>> {
        if phase.name == "rebuild" {
            return Ok(None);
        }
        let z = parts.network.encode(values, batch.input.clone(), pass);
        let told = z.matmul(values.get(parts.var(WEIGHT)?)).mean();
        let (name, weight) = if phase.name == "fool" { ("fool", 1.0) } else { ("critic", -1.0) };
        Ok(Some(Terms::one(name, weight, told).into()))
    }

    fn judged_by(&self, numbers: &Numbers) -> f64 {
        numbers.get("reconstruction").unwrap_or(f64::INFINITY)
    }

    fn after_step(&self, parts: &Parts, done: &mut Done) -> Result<()> {
        // What a family changes after its own phase alone: the critic's weights are clipped.
        if done.phase.name == "critic" {
            let id = parts.var(WEIGHT)?;
            assert!(!done.moments[id.index()].is_empty() && done.batch.rows() > 0);
            let clipped = done.vars.get(id).value.clone().clamp(-0.4, 0.4);
            done.vars.set(id, clipped);
        }
        Ok(())
    }
}

/// Keeps the largest numbers of a code, as lists.
#[derive(Debug)]
struct Few {
    kept: usize,
    dense: bool,
}

impl Family for Few {
    fn code_kind(&self, _: usize) -> CodeKind {
        CodeKind::Sparse { at_most: Some(self.kept) }
    }

    fn code(&self, _: &Parts, _: &Weights, h: Tensor<2>, _: &mut Pass) -> Result<Code> {
        let ([_, width], kept) = (h.dims(), self.kept);
        if self.dense {
            return Ok(Code::point(h.clone() * kernels::largest_in_rows(h, kept)));
        }
        let (values, indices) = h.topk_with_indices(kept, 1);
        Ok(Code::Sparse(Lists { indices, values, width }))
    }
}

/// Tells rows of another width.
#[derive(Debug)]
struct Elsewhere;

impl Family for Elsewhere {
    fn terms(&self, step: &Step) -> Result<Terms> {
        let size = step.code.mean().square().sum_dim(1).mean();
        Ok(Terms::one("size", 0.1, size))
    }
}

fn coder(family: impl Family + 'static, target: Option<usize>, dtype: DType) -> (Coder, Vars) {
    let settings = ModelSettings::default().latent(4).net(model::Net::Mlp(vec![5]));
    let settings = settings.activation(kernels::Activation::Tanh);
    let mut plan = Plan::new(&settings, &Shape::Flat { width: 6 }, Bounds::Real).unwrap();
    plan.family = Box::new(family);
    let plan = match target {
        Some(target) => plan.towards(target),
        None => plan,
    };
    let mut init = Init::random(&Rng::new(3), &Engine { dtype, ..Engine::default() });
    let coder = Coder::build(plan, &mut init).unwrap();
    (coder, init.finish())
}

fn uniform(rows: usize, columns: usize, seed: u64, dtype: DType) -> Tensor<2> {
    let mut rng = Rng::new(seed);
    let values: Vec<f32> = (0..rows * columns).map(|_| rng.unit()).collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), (&Device::default(), dtype))
}

fn objective(coder: &Coder) -> Autoencoding<'_> {
    Autoencoding { coder, l2: 0.0 }
}

fn moment(step: usize) -> Moment {
    Moment { progress: Progress::DONE, rate: 1e-2, step }
}

fn numbers(vars: &Vars) -> Vec<Vec<f32>> {
    vars.iter().map(|(_, var)| read(var.value.clone()).unwrap()).collect()
}

/// The largest difference between the gradient of a phase's loss and central differences, beside
/// the largest gradient.
fn gradient_error(coder: &Coder, vars: &mut Vars, batch: &Batch, phase: &Phase) -> f64 {
    let objective = objective(coder);
    let loss = |values: &Weights| {
        objective.loss(phase, values, batch, &mut Pass::training(Rng::new(1))).unwrap().terms
    };
    let values = vars.leaves(|var| phase.moves.contains(&var.group));
    let gradients = values.gradients(loss(&values).sum());
    let (mut largest, mut worst) = (0f64, 0f64);
    for (id, gradient) in vars.ids().zip(gradients).collect::<Vec<_>>() {
        let Some(gradient) = gradient else { continue };
        let gradient = gradient.into_data().try_into_vec::<f64>().unwrap();
        let value = vars.get(id).value.clone();
        let start = value.to_data().try_into_vec::<f64>().unwrap();
        for (at, gradient) in gradient.iter().enumerate() {
            let mut moved = |by: f64| {
                let mut numbers = start.clone();
                numbers[at] += by;
                let data = TensorData::new(numbers, value.dims());
                vars.set(id, Tensor::from_data(data, (&Device::default(), DType::F64)));
                Numbers::read(&loss(&vars.values())).sum()
            };
            let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            largest = largest.max(gradient.abs());
            worst = worst.max((gradient - difference).abs());
        }
        vars.set(id, value);
    }
    assert!(largest > 0.0, "{}: no gradient", phase.name);
    worst / largest
}

#[test]
fn each_of_two_players_moves_only_its_own_variables_and_their_losses_are_opposite() {
    let (coder, mut vars) = coder(TwoPlayers, None, DType::F32);
    let objective = objective(&coder);
    let batch = Batch::of(uniform(16, 6, 1, DType::F32));
    for phase in objective.phases() {
        let values = vars.leaves(|var| phase.moves.contains(&var.group));
        let mut pass = Pass::training(Rng::new(1));
        let loss = objective.loss(&phase, &values, &batch, &mut pass).unwrap();
        let gradients = values.gradients(loss.terms.sum());
        for ((_, var), gradient) in vars.iter().zip(gradients) {
            let own = phase.moves.contains(&var.group);
            assert!(own || gradient.is_none(), "{} moves {}", phase.name, var.name);
        }
    }
    let mut optimiser = Optimiser::new(Method::Adam, 0.0, 0.0, 0.0, &vars);
    let before = numbers(&vars);
    // The second step is the first in which the critic sits out.
    let all = descend(&objective, &mut vars, &mut optimiser, &batch, &Rng::new(1), moment(0));
    let all = all.unwrap();
    assert!(all.get("reconstruction").is_some());
    let counted = |name: &str| {
        let number = all.0.iter().find(|number| number.name == name).unwrap();
        number.weight * number.value
    };
    assert!((counted("fool") + counted("critic")).abs() < 0.1);
    let after = numbers(&vars);
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    let critic = vars.named(WEIGHT).unwrap().index();
    let few = descend(&objective, &mut vars, &mut optimiser, &batch, &Rng::new(2), moment(1));
    assert!(few.unwrap().get("critic").is_none());
    assert_eq!(numbers(&vars)[critic], after[critic], "the critic sat out");
    assert!(after[critic].iter().all(|weight| weight.abs() <= 0.4), "it was clipped");
    // Early stopping judges by the reconstruction alone.
    assert_eq!(objective.judged_by(&all), all.get("reconstruction").unwrap());
}

#[test]
fn a_players_own_rate_is_a_tenth_of_the_others() {
    let (coder, mut vars) = coder(TwoPlayers, None, DType::F32);
    // Far from where they are clipped.
    let critic = vars.named(WEIGHT).unwrap();
    let smaller = vars.get(critic).value.clone() * 0.5;
    vars.set(critic, smaller);
    let mut optimiser = Optimiser::new(Method::Adam, 0.0, 0.0, 0.0, &vars);
    let before = numbers(&vars);
    let batch = Batch::of(uniform(16, 6, 1, DType::F32));
    let rng = Rng::new(1);
    descend(&objective(&coder), &mut vars, &mut optimiser, &batch, &rng, moment(0)).unwrap();
    // The first step of Adam is as long as the rate.
    let moved = |name: &str| {
        let at = vars.named(name).unwrap().index();
        let after = read(vars.get(vars.named(name).unwrap()).value.clone()).unwrap();
        after.iter().zip(&before[at]).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max)
    };
    assert!((moved(WEIGHT) - 1e-3).abs() < 1e-4, "{}", moved(WEIGHT));
    assert!((moved("decoder.0.weight") - 1e-2).abs() < 1e-3, "{}", moved("decoder.0.weight"));
}

#[test]
fn gradients_of_every_toy_match_finite_differences_in_every_phase() {
    let rows = uniform(5, 6, 2, DType::F64);
    let (two, mut vars) = coder(TwoPlayers, None, DType::F64);
    for phase in objective(&two).phases() {
        let error = gradient_error(&two, &mut vars, &Batch::of(rows.clone()), &phase);
        assert!(error < 1e-6, "two players, {}: {error:e}", phase.name);
    }
    let (few, mut vars) = coder(Few { kept: 2, dense: false }, None, DType::F64);
    let error = gradient_error(&few, &mut vars, &Batch::of(rows.clone()), &Phase::all()[0]);
    assert!(error < 1e-6, "lists: {error:e}");
    let (other, mut vars) = coder(Elsewhere, Some(3), DType::F64);
    let batch = Batch::towards(rows, uniform(5, 3, 4, DType::F64));
    let error = gradient_error(&other, &mut vars, &batch, &Phase::all()[0]);
    assert!(error < 1e-6, "another width: {error:e}");
}

#[test]
fn lists_are_the_dense_code_forward_and_backward() {
    let batch = Batch::of(uniform(7, 6, 5, DType::F64));
    let of = |dense: bool| {
        let (coder, vars) = coder(Few { kept: 2, dense }, None, DType::F64);
        let values = vars.leaves(|_| true);
        let mut pass = Pass::training(Rng::new(1));
        let loss = objective(&coder).loss(&Phase::all()[0], &values, &batch, &mut pass).unwrap();
        let code = loss.code.unwrap().mean().into_data().try_into_vec::<f64>().unwrap();
        let gradients = values.gradients(loss.terms.sum());
        let gradients: Vec<Vec<f64>> = gradients
            .into_iter()
            .map(|gradient| gradient.unwrap().into_data().try_into_vec::<f64>().unwrap())
            .collect();
        (code, gradients)
    };
    let (lists, dense) = (of(false), of(true));
    assert_eq!(lists.0, dense.0);
    assert!(lists.0.chunks_exact(4).all(|row| row.iter().filter(|x| **x != 0.0).count() <= 2));
    for (lists, dense) in lists.1.iter().zip(&dense.1) {
        for (a, b) in lists.iter().zip(dense) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} {b}");
        }
    }
}

#[test]
fn a_target_of_another_width_is_learned() {
    let (coder, mut vars) = coder(Elsewhere, Some(3), DType::F32);
    let input = uniform(32, 6, 1, DType::F32);
    let batch = Batch::towards(input.clone(), input.narrow(1, 0, 3) * 2.0);
    let objective = objective(&coder);
    let mut optimiser = Optimiser::new(Method::Adam, 0.0, 0.0, 0.0, &vars);
    let mut losses = Vec::new();
    for step in 0..200 {
        let rng = Rng::new(1).at(step);
        let numbers =
            descend(&objective, &mut vars, &mut optimiser, &batch, &rng, moment(step)).unwrap();
        losses.push(numbers.get("reconstruction").unwrap());
    }
    assert!(losses[199] < 0.2 * losses[0], "{} to {}", losses[0], losses[199]);
}

#[test]
fn only_what_a_mask_lets_count_and_what_has_weight_is_in_a_loss() {
    let (coder, vars) = coder(Elsewhere, None, DType::F64);
    let rows = uniform(4, 6, 1, DType::F64);
    let loss = |batch: &Batch| {
        let mut pass = Pass::training(Rng::new(1));
        let values = vars.values();
        let loss = objective(&coder).loss(&Phase::all()[0], &values, batch, &mut pass).unwrap();
        Numbers::read(&loss.terms).get("reconstruction").unwrap()
    };
    let whole = loss(&Batch::of(rows.clone()));
    let half = |first: f64| {
        let row: Vec<f64> = (0..6).map(|at| if at < 3 { first } else { 1.0 - first }).collect();
        Tensor::<2>::from_data(TensorData::new(row.repeat(4), [4, 6]), &Device::default())
            .cast(DType::F64)
    };
    let masked = |first: f64| loss(&Batch { mask: Some(half(first)), ..Batch::of(rows.clone()) });
    assert!((masked(1.0) + masked(0.0) - whole).abs() < 1e-12 * whole);
    let one = Tensor::<2>::from_data(
        TensorData::new(vec![0.0, 0.0, 5.0, 0.0], [4, 1]),
        &Device::default(),
    );
    let weighted = loss(&Batch { weight: Some(one.cast(DType::F64)), ..Batch::of(rows.clone()) });
    let alone = loss(&Batch::of(rows.narrow(0, 2, 1)));
    assert!((weighted - alone).abs() < 1e-12 * alone);
}

#[test]
fn codes_of_several_levels_and_of_words_stand_side_by_side() {
    let numbers = |values: Vec<f32>, shape| {
        Tensor::<2>::from_data(TensorData::new(values, shape), &Device::default())
    };
    let indices = Tensor::<2, Int>::from_data(
        TensorData::new(vec![3i64, 0, 1, 2], [2, 2]),
        &Device::default(),
    );
    let lists = Lists { indices, values: numbers(vec![5.0, 6.0, 7.0, 8.0], [2, 2]), width: 4 };
    let words = Code::Tokens {
        indices: Tensor::<2, Int>::from_data(
            TensorData::new(vec![1i64, 0], [2, 1]),
            &Device::default(),
        ),
        embedded: numbers(vec![9.0, 10.0], [2, 1]),
    };
    let levels = Code::Levels(vec![Code::Sparse(lists), words]);
    assert_eq!(read(levels.sample()).unwrap(), [6.0, 0.0, 0.0, 5.0, 9.0, 0.0, 7.0, 8.0, 0.0, 10.0]);
    assert!(levels.posterior().is_none());
}
