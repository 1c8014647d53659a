//! What each family and the training promise.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::data::Whitening;
use autoencoders::data::read;
use autoencoders::engine::Batch;
use autoencoders::engine::Bounds;
use autoencoders::engine::Coder;
use autoencoders::engine::Draw;
use autoencoders::engine::Engine;
use autoencoders::engine::Init;
use autoencoders::engine::Inside;
use autoencoders::engine::Pass;
use autoencoders::engine::Phase;
use autoencoders::engine::Preparation;
use autoencoders::engine::Progress;
use autoencoders::engine::Vars;
use autoencoders::engine::read as numbers;
use autoencoders::engine::squared_norm;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::settings::Norm;
use autoencoders::settings::Scale;
use autoencoders::settings::Schedule;
use autoencoders::study::Pca;
use autoencoders::study::ScoreKind;
use autoencoders::study::code_change_under_normal_noise;
use autoencoders::study::evaluate;
use autoencoders::study::score;
use autoencoders::{
    Activation, Config, Error, Flow, Matrix, Numbers, Outcome, Plan, Rng, Trained, fit,
};
use burn_tensor::{DType, Device, Tensor, TensorData};
use serde_json::{Map, Value, json};

fn digits() -> Dataset {
    read("digits", &ReadOptions::default()).unwrap()
}

fn parameters(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn trained(config: &Config, data: &Dataset) -> Trained {
    fit(config, data, None, false, &mut |_| Flow::Continue).unwrap()
}

/// Rows of a table whose columns depend on three hidden numbers.
fn table(rows: usize) -> Dataset {
    let mut rng = Rng::new(11);
    let mut values = Vec::new();
    for _ in 0..rows {
        let hidden: Vec<f32> =
            (0..3).map(|which| rng.standard_normal() * [3.0, 2.0, 1.0][which]).collect();
        for column in 0..10 {
            let mix = (0..3)
                .map(|which| hidden[which] * ((column * 3 + which * 7) as f32).sin())
                .sum::<f32>();
            values.push(mix + 0.1 * rng.standard_normal());
        }
    }
    Dataset::new("table", Shape::Flat { width: 10 }, Values::F32(values)).unwrap()
}

fn coder(config: &Config, shape: &Shape) -> (Coder, Vars) {
    let plan = Plan::new(&config.model, shape, Bounds::Unit).unwrap();
    let mut init = Init::random(&Rng::new(1), &Engine { dtype: DType::F64, ..Engine::default() });
    let coder = Coder::build(plan, &mut init).unwrap();
    (coder, init.finish())
}

fn uniform(rows: usize, columns: usize) -> Tensor<2> {
    Rng::new(2).uniform([rows, columns], &Engine { dtype: DType::F64, ..Engine::default() })
}

#[test]
fn a_linear_autoencoder_reaches_the_principal_subspace() {
    let data = table(500);
    let config = Config::default()
        .net("linear".parse::<Net>().unwrap())
        .latent(3)
        .batch(32)
        .epochs(1000)
        .learning_rate(1e-2);
    let Trained { model, split, .. } = trained(&config, &data);
    let evaluation = evaluate(&model, &data, &split.train).unwrap();
    // Principal components are the optimum on the training rows (Baldi and Hornik 1989): never
    // below it, and nearly at it.
    assert!(
        (0.9999..1.005).contains(&(evaluation.mse / evaluation.pca_mse)),
        "{} {}",
        evaluation.mse,
        evaluation.pca_mse
    );
}

#[test]
fn a_code_as_wide_as_the_row_draws_the_copy_warning_unless_something_constrains_it() {
    let warns = |family: &str, latent, set: Value| {
        let config =
            Config::default().family(family.to_owned()).latent(latent).parameters(parameters(set));
        !Plan::new(&config.model, &Shape::Flat { width: 10 }, Bounds::Unit)
            .unwrap()
            .warnings
            .is_empty()
    };
    assert!(warns("plain", 10, json!({})) && warns("plain", 20, json!({})));
    assert!(!warns("plain", 9, json!({})));
    assert!(!warns("denoising", 20, json!({})) && warns("denoising", 20, json!({"level": 0.0})));
    assert!(!warns("sparse", 20, json!({})) && warns("sparse", 20, json!({"beta": 0.0})));
    assert!(
        !warns("contractive", 20, json!({})) && warns("contractive", 20, json!({"lambda": 0.0}))
    );
}

#[test]
fn a_deep_network_beats_principal_components_on_the_digits() {
    let data = digits();
    let Trained { model, split, .. } = trained(&Config::default().epochs(100), &data);
    let evaluation = evaluate(&model, &data, &split.test).unwrap();
    assert!(
        evaluation.mse < 0.75 * evaluation.pca_mse,
        "{} {}",
        evaluation.mse,
        evaluation.pca_mse
    );
    assert_eq!(evaluation.active_units, 8);
}

#[test]
fn denoising_without_noise_is_the_plain_autoencoder_bit_for_bit() {
    let data = table(60);
    let config = Config::default().latent(3).epochs(3);
    let silent = config.clone().family("denoising").parameters(parameters(json!({"level": 0.0})));
    assert_eq!(
        trained(&config, &data).model.encode(&data).unwrap(),
        trained(&silent, &data).model.encode(&data).unwrap()
    );
}

#[test]
fn each_kind_of_noise_does_what_its_name_says() {
    let corrupted = |noise: &str, level: f64| {
        let config = Config::default()
            .family("denoising")
            .parameters(parameters(json!({"noise": noise, "level": level})));
        let plan = Plan::new(&config.model, &Shape::Flat { width: 50 }, Bounds::Unit).unwrap();
        let x = uniform(200, 50) * 0.5 + 0.25;
        let batch = Batch::of(x.clone());
        let batch =
            plan.family.corrupt(batch, &plan.blueprint, &mut Pass::training(Rng::new(3))).unwrap();
        let clean = x.into_data().try_into_vec::<f64>().unwrap();
        assert_eq!(
            batch.target.into_data().try_into_vec::<f64>().unwrap(),
            clean,
            "the target stays clean"
        );
        let noisy = batch.input.into_data().try_into_vec::<f64>().unwrap();
        noisy.into_iter().zip(clean).collect::<Vec<(f64, f64)>>()
    };
    let share = |pairs: &[(f64, f64)], hit: fn(&(f64, f64)) -> bool| {
        pairs.iter().filter(|pair| hit(pair)).count() as f64 / pairs.len() as f64
    };

    let masked = corrupted("masking", 0.3);
    assert!((share(&masked, |(noisy, _)| *noisy == 0.0) - 0.3).abs() < 0.02);
    assert!(masked.iter().all(|(noisy, clean)| *noisy == 0.0 || noisy == clean));
    let salted = corrupted("salt_and_pepper", 0.3);
    assert!(
        (share(&salted, |(noisy, _)| *noisy == 0.0) - 0.15).abs() < 0.02
            && (share(&salted, |(noisy, _)| *noisy == 1.0) - 0.15).abs() < 0.02
    );
    let spread = |pairs: &[(f64, f64)]| {
        (pairs.iter().map(|(noisy, clean)| (noisy - clean).powi(2)).sum::<f64>()
            / pairs.len() as f64)
            .sqrt()
    };
    assert!((spread(&corrupted("gaussian", 0.2)) - 0.2).abs() < 0.01);
    let uniform = corrupted("uniform", 0.2);
    // The standard deviation of a uniform draw of half-width w is w / sqrt(3).
    assert!(
        (spread(&uniform) - 0.2 / 3f64.sqrt()).abs() < 0.01
            && uniform.iter().all(|(noisy, clean)| (noisy - clean).abs() <= 0.2 + 1e-7)
    );
}

#[test]
fn a_sparse_code_reaches_its_target_activation() {
    let data = digits();
    for (rho, activation) in [(0.05, Activation::Sigmoid), (0.2, Activation::Tanh)] {
        let config = Config::default()
            .family("sparse")
            .parameters(parameters(json!({"rho": rho, "beta": 1.0})))
            .code_activation(activation)
            .latent(100)
            .epochs(60)
            .learning_rate(5e-3);
        let Trained { model, split, .. } = trained(&config, &data);
        let mean = evaluate(&model, &data, &split.test).unwrap().mean_activation;
        let mean = if activation == Activation::Tanh { (1.0 + mean) / 2.0 } else { mean };
        assert!((mean - rho).abs() < 0.2 * rho, "{activation:?}: {mean}");
    }
}

#[test]
fn an_l1_penalty_silences_a_rectified_code() {
    let data = digits();
    let zeros = |beta: f64| {
        let config = Config::default()
            .family("sparse")
            .parameters(parameters(json!({"penalty": "l1", "beta": beta})))
            .latent(100)
            .epochs(20);
        let codes = trained(&config, &data).model.encode(&data).unwrap().values;
        codes.iter().filter(|value| **value == 0.0).count() as f64 / codes.len() as f64
    };
    assert!(zeros(0.1) > zeros(0.0) + 0.1, "{} {}", zeros(0.1), zeros(0.0));
}

/// The squared Frobenius norm of the encoder's Jacobian at each row by central differences.
fn norm_by_differences(coder: &Coder, vars: &Vars, x: &Tensor<2>) -> Vec<f64> {
    let [rows, features] = x.dims();
    let code = |x: Tensor<2>| {
        coder.parts.network.encode(&vars.values(), x, &mut Pass::deterministic(Rng::new(1)))
    };
    let mut norms = vec![0.0; rows];
    for feature in 0..features {
        let step = 1e-5;
        let direction: Vec<f64> =
            (0..features).map(|at| if at == feature { step } else { 0.0 }).collect();
        let direction = Tensor::<2>::from_data(
            TensorData::new(direction, [1, features]),
            (&Device::default(), DType::F64),
        );
        let difference =
            (code(x.clone() + direction.clone()) - code(x.clone() - direction)) / (2.0 * step);
        let squares = difference.square().sum_dim(1).into_data().try_into_vec::<f64>().unwrap();
        norms.iter_mut().zip(squares).for_each(|(norm, square)| *norm += square);
    }
    norms
}

#[test]
fn the_contractive_penalty_equals_finite_differences_shallow_and_deep_and_convolved() {
    let image = Shape::Image { height: 4, width: 3, channels: 1 };
    let flat = Shape::Flat { width: 12 };
    for (net, norm, shape) in [
        ("shallow", "none", &flat),
        ("linear", "none", &flat),
        ("mlp:7,5", "none", &flat),
        ("mlp:7", "layer", &flat),
        ("conv:3,2", "none", &image),
    ] {
        let code_activation = (net != "linear").then_some(Activation::Sigmoid);
        let norm: Norm = serde_json::from_value(json!(norm)).unwrap();
        let config = Config::default()
            .net(net.parse::<Net>().unwrap())
            .norm(norm)
            .latent(4)
            .activation(Activation::Tanh)
            .code_activation(code_activation);
        let (coder, vars) = coder(&config, shape);
        let x = uniform(5, 12);
        let wanted = norm_by_differences(&coder, &vars, &x);
        let exact = squared_norm(
            &coder.parts.network,
            &vars.values(),
            x,
            None,
            4,
            0,
            &mut Pass::deterministic(Rng::new(1)),
        );
        for (norm, wanted) in exact.into_data().try_into_vec::<f64>().unwrap().iter().zip(wanted) {
            assert!((norm - wanted).abs() < 1e-7 * wanted, "{net}: {norm} {wanted}");
        }
    }
}

#[test]
fn random_probes_estimate_the_exact_norm() {
    let config = Config::default().net("mlp:8".parse::<Net>().unwrap()).latent(4);
    let (coder, vars) = coder(&config, &Shape::Flat { width: 12 });
    let norm = |probes| {
        squared_norm(
            &coder.parts.network,
            &vars.values(),
            uniform(5, 12),
            None,
            4,
            probes,
            &mut Pass::deterministic(Rng::new(1)),
        )
        .mean()
        .into_scalar::<f64>()
    };
    let exact = norm(0);
    assert!((norm(4000) - exact).abs() < 0.05 * exact, "{} {exact}", norm(4000));
}

#[test]
fn contraction_makes_the_code_move_less() {
    let data = digits();
    let change = |lambda: f64| {
        let config = Config::default()
            .family("contractive")
            .parameters(parameters(json!({"lambda": lambda})))
            .latent(30)
            .epochs(30);
        let Trained { model, split, .. } = trained(&config, &data);
        code_change_under_normal_noise(&model, &data, &split.test, 0.1).unwrap()
    };
    assert!(change(0.3) < 0.7 * change(0.0));
}

#[test]
fn a_variational_code_without_data_to_code_falls_to_the_prior_and_free_bits_hold_it_up() {
    let mut rng = Rng::new(5);
    let noise = Dataset::new(
        "noise",
        Shape::Flat { width: 6 },
        Values::F32((0..1200).map(|_| rng.standard_normal()).collect()),
    )
    .unwrap();
    // Computed here from the posterior, because the term that is reported is the one with the free
    // bits.
    let kl = |free_bits: f64| {
        let parameters = parameters(json!({"free_bits": free_bits}));
        let likelihood = "gaussian:10".parse::<Likelihood>().unwrap();
        let config = Config::default()
            .family("vae")
            .parameters(parameters)
            .latent(2)
            .likelihood(likelihood)
            .epochs(60)
            .learning_rate(1e-2);
        let Trained { model, split, .. } = trained(&config, &noise);
        let x = model
            .signature()
            .preparation
            .tensor(&noise, split.test.iter().copied(), &model.engine())
            .unwrap();
        let code = model
            .coder()
            .code(&model.vars().values(), x, &mut Pass::deterministic(Rng::new(1)))
            .unwrap();
        let (mean, log_variance) = (code.mean(), code.posterior().unwrap().clone().narrow(1, 2, 2));
        ((mean.square() + log_variance.clone().exp() - log_variance - 1.0) * 0.5)
            .sum_dim(1)
            .mean()
            .into_scalar::<f64>()
    };
    assert!(kl(0.0) < 0.3, "{}", kl(0.0));
    assert!(kl(0.5) > 0.5, "two units of half a nat: {}", kl(0.5));
}

#[test]
fn a_collapsed_posterior_has_no_active_unit() {
    let mut rng = Rng::new(7);
    let nearly_nothing: Vec<f32> = (0..300).map(|_| 0.003 * rng.standard_normal()).collect();
    assert_eq!(autoencoders::study::active_units(&nearly_nothing, 3, true), 0);
    assert_eq!(autoencoders::study::active_units(&nearly_nothing, 3, false), 3);
    let one: Vec<f32> = (0..300)
        .map(|at| if at % 3 == 0 { rng.standard_normal() } else { 0.003 * rng.standard_normal() })
        .collect();
    assert_eq!(autoencoders::study::active_units(&one, 3, true), 1);
}

#[test]
fn principal_components_of_wide_data_reconstruct_what_has_their_rank() {
    // Forty rows of a hundred columns that three hidden numbers make: three components suffice,
    // five more add nothing.
    let mut rng = Rng::new(8);
    let hidden: Vec<[f32; 3]> = (0..40).map(|_| [(); 3].map(|()| rng.standard_normal())).collect();
    let mix: Vec<[f32; 3]> = (0..100).map(|_| [(); 3].map(|()| rng.standard_normal())).collect();
    let values = hidden
        .iter()
        .flat_map(|h| mix.iter().map(move |m| h.iter().zip(m).map(|(a, b)| a * b).sum()))
        .collect();
    let data = Dataset::new("wide", Shape::Flat { width: 100 }, Values::F32(values)).unwrap();
    let rows: Vec<usize> = (0..40).collect();
    let preparation = Preparation::fit(Scale::Standard, &data, &rows, false).unwrap();
    let error = |latent| {
        let pca = Pca::fit(&preparation, &data, &rows, latent, &Rng::new(1)).unwrap();
        let x = preparation.tensor(&data, rows.iter().copied(), &Engine::default()).unwrap();
        let x = Matrix { columns: 100, values: numbers(x).unwrap() };
        let rebuilt = pca.reconstruct(&x).unwrap().values;
        let squares = rebuilt.iter().zip(&x.values).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>() / x.values.len() as f64
    };
    assert!(
        error(2) > 0.05 && error(3) < 1e-9 && error(8) < 1e-9,
        "{} {} {}",
        error(2),
        error(3),
        error(8)
    );
}

#[test]
fn warm_up_begins_without_the_divergence() {
    let config =
        Config::default().family("vae").parameters(parameters(json!({"warm_up": 0.5}))).latent(2);
    let (coder, vars) = coder(&config, &Shape::Flat { width: 6 });
    let kl = |fraction| {
        let batch = Batch::of(uniform(8, 6));
        let mut pass = Pass { progress: Progress { fraction }, ..Pass::training(Rng::new(1)) };
        let phase = &Phase::all()[0];
        let terms = coder.loss(phase, &vars.values(), &batch, &mut pass).unwrap().terms;
        let numbers = Numbers::read(&terms);
        let kl = numbers.0.iter().find(|number| number.name == "kl").unwrap();
        assert!(kl.value > 0.0, "it is shown as it is");
        kl.weight * kl.value
    };
    assert_eq!(kl(0.0), 0.0);
    assert!((kl(0.25) - 0.5 * kl(1.0)).abs() < 1e-12 && kl(0.5) == kl(1.0) && kl(1.0) > 0.0);
}

#[test]
fn encoding_is_deterministic_also_for_distributions() {
    let data = digits();
    let model = trained(&Config::default().family("vae").epochs(2), &data).model;
    // In another order every row would get other noise, if there were any.
    let forth = model.encode_rows(&data, &[0, 1, 2]).unwrap();
    let back = model.encode_rows(&data, &[2, 1, 0]).unwrap();
    for (row, other) in [(0, 2), (1, 1), (2, 0)] {
        let differences = forth.row(row).iter().zip(back.row(other)).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-5);
    }
}

#[test]
fn images_of_any_size_go_through_convolutions_and_back() {
    for (height, width, channels) in
        [(1, 1, 1), (1, 9, 2), (5, 4, 3), (7, 7, 1), (28, 27, 1), (13, 2, 3)]
    {
        let shape = Shape::Image { height, width, channels };
        let mut rng = Rng::new(6);
        let values = (0..6 * shape.features().unwrap()).map(|_| rng.unit()).collect();
        let data = Dataset::new("images", shape.clone(), Values::F32(values)).unwrap();
        let config = Config::default()
            .net("conv:4,6,5".parse::<Net>().unwrap())
            .latent(3)
            .epochs(1)
            .validation(0.2)
            .test(0.0);
        let model = trained(&config, &data).model;
        let rebuilt = model.reconstruct(&data).unwrap();
        assert_eq!((rebuilt.rows(), rebuilt.columns), (6, shape.features().unwrap()), "{shape}");
        assert!(rebuilt.values.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn early_stopping_keeps_the_best_weights() {
    let data = table(60);
    let config = Config::default()
        .latent(5)
        .net("mlp:200".parse::<Net>().unwrap())
        .epochs(300)
        .learning_rate(1e-2)
        .schedule("constant".parse::<Schedule>().unwrap())
        .patience(5);
    let Trained { model, outcome, .. } = trained(&config, &data);
    assert!(matches!(outcome, Outcome::Stopped));
    let losses: Vec<f64> = model
        .provenance()
        .history
        .iter()
        .map(|record| record.validation.as_ref().unwrap().sum())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[model.provenance().chosen - 1], best);
    assert_eq!(model.provenance().history.len(), model.provenance().chosen + 5);
}

#[test]
fn a_rate_that_is_too_high_is_told_with_advice_and_never_kept() {
    let data = table(60);
    let config = Config::default().learning_rate(1e3).optimiser(Method::Sgd).epochs(5);
    match fit(&config, &data, None, false, &mut |_| Flow::Continue) {
        Err(error @ Error::Diverged { .. }) => {
            assert!(error.to_string().contains("learning_rate = "), "{error}")
        }
        Ok(Trained { model, outcome: Outcome::Diverged(_), .. }) => {
            assert!(model.encode(&data).unwrap().values.iter().all(|value| value.is_finite()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_families_that_rebuild_and_nothing_else_are_measured_by_principal_components() {
    let data = table(200);
    let told = |family: &str| {
        let config = Config::default().family(family.to_owned()).latent(2).epochs(1);
        let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
        let rows: Vec<usize> = (0..200).collect();
        let advice = evaluate(&model, &data, &rows).unwrap().advice(&model);
        advice.iter().any(|advice| advice.to_string().contains("principal components"))
    };
    assert!(told("plain") && !told("denoising") && !told("vae"));
}

#[test]
fn clipping_tames_a_rate_that_diverges_without_it() {
    let data = table(200);
    let finishes = |clip| {
        let sgd = Method::Sgd;
        let config = Config::default()
            .latent(3)
            .learning_rate(0.5)
            .optimiser(sgd)
            .epochs(5)
            .clip(clip)
            .momentum(0.0);
        matches!(
            fit(&config, &data, None, false, &mut |_| Flow::Continue),
            Ok(Trained { outcome: Outcome::Finished, .. })
        )
    };
    assert!(finishes(0.1) && !finishes(0.0));
}

#[test]
fn weights_that_exploded_are_never_the_best_ones_also_without_validation_rows() {
    let data = table(40);
    let sgd = Method::Sgd;
    let config = Config::default().learning_rate(1e3).optimiser(sgd).validation(0.0).epochs(5);
    assert!(matches!(
        fit(&config, &data, None, false, &mut |_| Flow::Continue),
        Err(Error::Diverged { .. })
    ));
}

#[test]
fn stopping_at_the_end_of_an_epoch_stops() {
    let stop = &mut |event: &autoencoders::Event| {
        if matches!(event, autoencoders::Event::Epoch(_)) { Flow::Stop } else { Flow::Continue }
    };
    let trained =
        fit(&Config::default().latent(2).epochs(5), &table(40), None, false, stop).unwrap();
    assert!(matches!(trained.outcome, Outcome::Interrupted));
    assert_eq!(trained.model.provenance().history.len(), 1);
}

#[test]
fn constant_columns_are_scaled_safely() {
    let values = (0..40).flat_map(|row| [row as f32, 7.0]).collect();
    let data = Dataset::new("constant", Shape::Flat { width: 2 }, Values::F32(values)).unwrap();
    let rows: Vec<usize> = (0..40).collect();
    let large = Dataset::new("large", Shape::Flat { width: 1 }, Values::F64(vec![1.7e9 + 0.1; 81]))
        .unwrap();
    assert_eq!(
        Preparation::fit(Scale::Standard, &large, &(0..81).collect::<Vec<_>>(), false)
            .unwrap()
            .scale,
        [1.0]
    );
    for scale in [Scale::Standard, Scale::MinMax, Scale::Unit, Scale::None] {
        let preparation = Preparation::fit(scale, &data, &rows, false).unwrap();
        let prepared = preparation.on(&data).unwrap().apply(rows.iter().copied()).unwrap();
        assert!(prepared.iter().all(|value| value.is_finite()));
        let back = preparation.undo(&prepared);
        let values = data.values.in_memory().unwrap();
        assert!(
            back.iter().enumerate().all(|(at, value)| (*value - values.get(at)).abs() < 1e-4),
            "{scale:?}"
        );
    }
}

#[test]
fn scaling_sees_the_training_rows_only() {
    let mut values: Vec<f32> = (0..20).map(|row| row as f32).collect();
    values[19] = 1e6;
    let data = Dataset::new("outlier", Shape::Flat { width: 1 }, Values::F32(values)).unwrap();
    let preparation =
        Preparation::fit(Scale::Standard, &data, &(0..19).collect::<Vec<_>>(), false).unwrap();
    assert_eq!(preparation.offset, [9.0]);
}

#[test]
fn a_model_refuses_rows_of_another_shape_and_other_columns() {
    let named =
        |names: [&str; 10]| Dataset { columns: names.map(str::to_owned).to_vec(), ..table(30) };
    let data = named(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
    let model = trained(&Config::default().latent(2).epochs(1), &data).model;
    assert!(model.encode(&data).is_ok() && model.encode(&table(30)).is_ok());
    let error = model
        .encode(&named(["a", "x", "c", "d", "e", "f", "g", "h", "i", "j"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column 2") && error.contains("\"x\"") && error.contains("\"b\""),
        "{error}"
    );
    let error = model.encode(&digits()).unwrap_err().to_string();
    assert!(error.contains("8x8 grey image") && error.contains("10 columns"), "{error}");
}

#[test]
fn too_few_rows_to_split_are_refused() {
    let error = fit(&Config::default(), &table(1), None, false, &mut |_| Flow::Continue)
        .unwrap_err()
        .to_string();
    assert!(error.contains("table"), "{error}");
    let config = Config::default().validation(0.4).test(0.5);
    let error =
        fit(&config, &table(3), None, false, &mut |_| Flow::Continue).unwrap_err().to_string();
    assert!(error.contains("training rows"), "{error}");
}

#[test]
fn patches_go_through_the_whitening_of_the_model_wherever_it_meets_them() {
    let mut rng = Rng::new(7);
    let values = (0..200 * 16).map(|at| 90.0 + (at % 4) as f32 * 20.0 * rng.standard_normal());
    let shape = Shape::Image { height: 4, width: 4, channels: 1 };
    let cut = Dataset::new("patches", shape, Values::F32(values.collect())).unwrap();
    for how in [Whitening::LowPass, Whitening::ZCA] {
        let patches = Dataset { whitening: how, ..cut.clone() };
        let model = trained(&Config::default().latent(2).epochs(2), &patches).model;
        let whitened = model.signature().whitened(&patches).unwrap().into_owned();
        assert_eq!(model.encode(&patches).unwrap(), model.encode(&whitened).unwrap(), "{how}");
        assert_eq!(
            model.reconstruct(&patches).unwrap(),
            model.reconstruct(&whitened).unwrap(),
            "{how}"
        );
        let scores = |data: &Dataset| score(&model, data, ScoreKind::Reconstruction, 2).unwrap();
        assert_eq!(scores(&patches), scores(&whitened), "{how}");
        // A model without a whitening refuses them, and one with another too.
        let plain = trained(&Config::default().latent(2).epochs(1), &cut).model;
        assert!(plain.encode(&patches).unwrap_err().to_string().contains("without whitening"));
    }
    let low = Dataset { whitening: Whitening::LowPass, ..cut.clone() };
    let model = trained(&Config::default().latent(2).epochs(1), &low).model;
    let zca = Dataset { whitening: Whitening::ZCA, ..cut };
    assert!(model.encode(&zca).unwrap_err().to_string().contains("lowpass, as in training"));
}
