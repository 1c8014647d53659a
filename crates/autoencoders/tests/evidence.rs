//! How likely rows are, beside what is known of them.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::data::{self, ReadOptions, read};
use autoencoders::engine::Batch;
use autoencoders::engine::Draw;
use autoencoders::engine::Engine;
use autoencoders::engine::Json;
use autoencoders::engine::Pass;
use autoencoders::engine::read as numbers;
use autoencoders::engine::{Family, Inside, Phase};
use autoencoders::families::iwae::Iwae;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Scale;
use autoencoders::study::Annealing;
use autoencoders::study::annealed;
use autoencoders::study::importance_weighted;
use autoencoders::study::is_generative;
use autoencoders::study::likelihood_constants;
use autoencoders::{Config, Flow, Model, Rng, fit};
use burn_tensor::Tensor;
use serde_json::Value;

/// A model whose rows are `w z + b` and noise of a known variance, so that `ln p(x)` is that of
/// a normal distribution.
fn linear() -> (Model, Dataset) {
    let mut rng = Rng::new(1);
    let values: Vec<f32> = (0..400)
        .flat_map(|_| {
            let z = rng.standard_normal();
            [z, 0.5 * z, -z].map(|number| number + 0.3 * rng.standard_normal())
        })
        .collect();
    let data = Dataset::new("line", Shape::Flat { width: 3 }, Values::F32(values)).unwrap();
    let config = Config::default()
        .family("vae")
        .latent(1)
        .net("linear".parse::<Net>().unwrap())
        .likelihood("gaussian:0.1".parse::<Likelihood>().unwrap())
        .scale(Scale::None)
        .epochs(60)
        .learning_rate(1e-2);
    (fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model, data)
}

/// The exact likelihood: a normal distribution with covariance `w wᵀ + V`.
fn exact(model: &Model, row: &[f64]) -> f64 {
    let get = |name: &str| {
        numbers(model.vars().iter().find(|(_, var)| var.name == name).unwrap().1.value.clone())
            .unwrap()
    };
    let (w, b, variance) = (get("decoder.0.weight"), get("decoder.0.bias"), 0.1);
    let d: Vec<f64> = row.iter().zip(&b).map(|(x, b)| x - f64::from(*b)).collect();
    let square: f64 = w.iter().map(|w| f64::from(*w).powi(2)).sum();
    let along: f64 = w.iter().zip(&d).map(|(w, d)| f64::from(*w) * d).sum();
    // Woodbury and the determinant lemma for a matrix of rank one.
    let distance = d.iter().map(|d| d * d).sum::<f64>() / variance
        - along * along / (variance * (variance + square));
    let determinant = variance.powi(3) * (1.0 + square / variance);
    -0.5 * (distance + determinant.ln() + 3.0 * (2.0 * std::f64::consts::PI).ln())
}

#[test]
fn both_estimates_agree_with_a_model_whose_likelihood_is_known() {
    let (model, data) = linear();
    let rows: Vec<usize> = (0..40).collect();
    let values = data.gather(rows.iter().copied()).unwrap();
    let truth: Vec<f64> = rows
        .iter()
        .map(|row| exact(&model, &(0..3).map(|at| values.get(row * 3 + at)).collect::<Vec<f64>>()))
        .collect();
    let apart = |estimate: Vec<f64>| {
        estimate.iter().zip(&truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / truth.len() as f64
    };
    let importance = apart(importance_weighted(&model, &data, &rows, 2000, 3).unwrap());
    let annealed = apart(
        annealed(&model, &data, &rows, Annealing { chains: 20, temperatures: 500, leaps: 5 }, 3)
            .unwrap(),
    );
    assert!(importance < 0.02 && annealed < 0.05, "{importance} {annealed}");
}

#[test]
fn what_a_loss_leaves_out_of_a_likelihood_is_not_left_out_of_its_logarithm() {
    // The squared error alone is a normal distribution of variance one half.
    let (model, data) = linear();
    let rows: Vec<usize> = (0..40).collect();
    let likely = |likelihood: &str| {
        let mut section = model.section().unwrap();
        let mut content: Value = section.content.read().unwrap();
        content["config"]["likelihood"] = likelihood.into();
        section.content = Json::of(&content);
        let model = Model::of_section(section).unwrap();
        let all = importance_weighted(&model, &data, &rows, 50, 1).unwrap();
        all.iter().sum::<f64>() / all.len() as f64
    };
    let (bare, fixed) = (likely("gaussian"), likely("gaussian:0.5"));
    assert!((bare - fixed).abs() < 1e-4, "{bare} {fixed}");
    // One half of the exponential function of the distance, on each side of it.
    let constant = "laplace".parse::<Likelihood>().unwrap().constant();
    assert!((constant - 2f64.ln()).abs() < 1e-12);
}

#[test]
fn only_the_numbers_of_a_table_that_are_there_have_a_constant() {
    let mut values: Vec<f32> = (0..120).map(|at| (at % 7) as f32).collect();
    values[4] = f32::NAN;
    let data = Dataset::new("gaps", Shape::Flat { width: 3 }, Values::F32(values)).unwrap();
    let config = Config::default()
        .family("vae")
        .latent(1)
        .likelihood("gaussian".parse::<Likelihood>().unwrap())
        .epochs(1);
    let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
    let each = 0.5 * std::f64::consts::PI.ln();
    let got = likelihood_constants(&model, &data).unwrap();
    assert!(
        got.iter().zip([3.0, 2.0, 3.0]).all(|(got, numbers)| (got - numbers * each).abs() < 1e-6),
        "{got:?}"
    );
}

#[test]
fn rows_of_texts_have_no_likelihood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("texts.csv");
    let rows: String = (0..40).map(|at| format!("the pump of hall {at} hums\n")).collect();
    std::fs::write(&path, format!("note\n{rows}")).unwrap();
    let options = data::ReadOptions {
        columns: vec![("note".to_owned(), rows::ColumnKind::Text)],
        ..Default::default()
    };
    let data = data::read(path.to_str().unwrap(), &options).unwrap();
    let config = Config::default().family("vae").latent(2).epochs(1);
    let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
    assert!(!is_generative(&model));
    assert!(
        importance_weighted(&model, &data, &[0], 10, 1).unwrap_err().to_string().contains("texts")
    );
}

#[test]
fn chains_that_do_not_fit_together_are_annealed_in_turns() {
    let (model, data) = linear();
    let likely = |chains: usize| {
        annealed(&model, &data, &[0, 1], Annealing { chains, temperatures: 100, leaps: 3 }, 1)
            .unwrap()
    };
    // Two turns alike would have the mean of one; two of their own change it a little.
    let (two, one) = (likely(2 * 500), likely(500));
    let apart: Vec<f64> = two.iter().zip(&one).map(|(two, one)| (two - one).abs()).collect();
    assert!(apart.iter().all(|apart| (1e-6..0.2).contains(apart)), "{two:?} {one:?}");
}

#[test]
fn more_draws_give_a_higher_bound_and_the_same_seed_the_same_number() {
    let (model, data) = linear();
    let rows: Vec<usize> = (0..100).collect();
    let mean = |samples| {
        let all = importance_weighted(&model, &data, &rows, samples, 1).unwrap();
        all.iter().sum::<f64>() / all.len() as f64
    };
    assert!(
        mean(1) < mean(50) + 0.02 && mean(50) < mean(1000) + 0.02,
        "{} {} {}",
        mean(1),
        mean(50),
        mean(1000)
    );
    assert_eq!(mean(50), mean(50));
    assert!(importance_weighted(&model, &data, &rows, 0, 1).is_err());
    assert!(
        annealed(&model, &data, &rows, Annealing { leaps: 0, ..Annealing::default() }, 1).is_err()
    );
}

#[test]
fn a_family_without_a_prior_has_no_likelihood() {
    let (_, data) = linear();
    let model =
        fit(&Config::default().latent(2).epochs(1), &data, None, false, &mut |_| Flow::Continue)
            .unwrap()
            .model;
    assert!(
        importance_weighted(&model, &data, &[0], 10, 1)
            .unwrap_err()
            .to_string()
            .contains("no prior")
    );
}

#[test]
fn the_loss_of_a_row_is_minus_the_logarithm_of_the_mean_weight_of_its_different_draws() {
    let data = read("digits", &ReadOptions::default()).unwrap();
    let config = Config::default()
        .family("iwae")
        .latent(4)
        .likelihood("bernoulli".parse::<Likelihood>().unwrap())
        .epochs(2);
    let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
    let (parts, values) = (&model.coder().parts, model.vars().leaves(|_| false));
    let x = model
        .signature()
        .preparation
        .on(&data)
        .unwrap()
        .tensor([7].into_iter(), &model.engine())
        .unwrap();
    let noise = numbers(Rng::new(3).split("posterior").normal([5, 4], &Engine::of(&x))).unwrap();
    let code = numbers(parts.network.encode(&values, x.clone(), &mut Pass::training(Rng::new(3))))
        .unwrap();
    let weight = |noise: &[f32]| {
        let z: Vec<f32> =
            (0..4).map(|at| code[at] + (0.5 * code[4 + at]).exp() * noise[at]).collect();
        let z = Tensor::<2>::from_data(burn_tensor::TensorData::new(z, [1, 4]), &x.device());
        let drawn = numbers(z.clone()).unwrap();
        let output = parts.network.decode(&values, z, &mut Pass::training(Rng::new(3)));
        let loss = f64::from(numbers(parts.row_losses(&values, output, x.clone())).unwrap()[0]);
        // ln p(z) - ln q(z | x), each without its ½ ln 2π.
        let codes: f64 = (0..4)
            .map(|at| {
                f64::from(-0.5 * drawn[at].powi(2) + 0.5 * noise[at].powi(2) + 0.5 * code[4 + at])
            })
            .sum();
        (codes - loss).exp()
    };
    let weights: Vec<f64> = noise.chunks_exact(4).map(weight).collect();
    let wanted = -(weights.iter().sum::<f64>() / 5.0).ln();
    let batch = Batch::of(x.clone());
    let terms = Iwae::default()
        .loss(&Phase::all()[0], parts, &values, &batch, &mut Pass::training(Rng::new(3)))
        .unwrap()
        .unwrap()
        .terms;
    let got = terms.sum().unwrap().into_scalar::<f64>();
    let spread = weights.iter().fold(0.0f64, |most, weight| most.max(*weight))
        / weights.iter().fold(f64::INFINITY, |least, weight| least.min(*weight));
    assert!((got - wanted).abs() < 1e-3 && spread > 1.5, "{got} {wanted} {spread}");
}
