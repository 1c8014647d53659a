//! What holds for every family.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::engine::Autoencoding;
use autoencoders::engine::Batch;
use autoencoders::engine::Bounds;
use autoencoders::engine::Coder;
use autoencoders::engine::DECODER;
use autoencoders::engine::Draw;
use autoencoders::engine::ENCODER;
use autoencoders::engine::EXTRA;
use autoencoders::engine::Engine;
use autoencoders::engine::Init;
use autoencoders::engine::Inside;
use autoencoders::engine::Moment;
use autoencoders::engine::Objective;
use autoencoders::engine::Optimiser;
use autoencoders::engine::Pass;
use autoencoders::engine::Progress;
use autoencoders::engine::Role;
use autoencoders::engine::Settings;
use autoencoders::engine::Vars;
use autoencoders::engine::descend;
use autoencoders::engine::gradient_check;
use autoencoders::engine::mean_terms;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::settings::Norm;
use autoencoders::settings::Schedule;
use autoencoders::study::Density;
use autoencoders::study::Pca;
use autoencoders::study::generate;
use autoencoders::{
    Activation, Config, Error, Event, FAMILIES, FamilyEntry, Flow, Matrix, Numbers, Outcome, Plan,
    Rng, Source, Trained, fit, load,
};
use burn_tensor::DType;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Rows of six numbers near a noisy circle, between 0 and 1.
fn circle(rows: usize) -> Dataset {
    let mut rng = Rng::new(3);
    let mut values = Vec::new();
    for _ in 0..rows {
        let angle = rng.unit() * std::f32::consts::TAU;
        for column in 0..6 {
            values.push(
                0.5 + 0.4
                    * (angle + column as f32).cos()
                    * if column % 2 == 0 { 1.0 } else { angle.sin() }
                    + 0.01 * rng.standard_normal(),
            );
        }
    }
    let values = values.into_iter().map(|value| value.clamp(0.0, 1.0)).collect();
    let circle = Dataset::new("circle", Shape::Flat { width: 6 }, Values::F32(values)).unwrap();
    Dataset { full_scale: Some(1.0), ..circle }
}

/// A small configuration with smooth activations.
fn small(entry: &FamilyEntry) -> Config {
    Config::default()
        .family(entry.name.to_owned())
        .latent(2)
        .activation(Activation::Tanh)
        .epochs(3)
        .batch(16)
        .seed(5)
}

/// What a training of 100 rows between 0 and 1 would decide.
fn decided(config: &Config, shape: &Shape) -> autoencoders::Result<Plan> {
    let plan = Plan::new(&config.model, shape, Bounds::Unit)?;
    config.train.decided(&plan, 100)?;
    Ok(plan)
}

fn plan(config: &Config, shape: &Shape) -> Plan {
    decided(config, shape).unwrap_or_else(|error| panic!("{}: {error}", config.model.family))
}

fn build(config: &Config, shape: &Shape, dtype: DType) -> (Coder, Vars) {
    let rng = Rng::new(config.model.seed);
    let mut init = Init::random(&rng, &Engine { dtype, ..Engine::default() });
    let coder = Coder::build(plan(config, shape), &mut init).unwrap();
    (coder, init.finish())
}

fn rows(shape: &Shape, rows: usize, dtype: DType) -> Batch {
    let values = Rng::new(9)
        .uniform([rows, shape.features().unwrap()], &Engine { dtype, ..Engine::default() });
    Batch::of(values)
}

fn trained(config: &Config, data: &Dataset) -> Trained {
    fit(config, data, None, false, &mut |_| Flow::Continue)
        .unwrap_or_else(|error| panic!("{}: {error}", config.model.family))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn weight_bits(vars: &Vars) -> Vec<Vec<u32>> {
    vars.iter().map(|(_, var)| bits(&var.value.to_data().try_into_vec::<f32>().unwrap())).collect()
}

#[test]
fn the_folder_and_the_list_agree() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/src/families");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "mod")
        .collect();
    let listed: BTreeSet<String> =
        FAMILIES.iter().map(|entry| entry.name.replace('-', "_")).collect();
    assert_eq!(files, listed, "families/*.rs and FAMILIES");
    assert_eq!(listed.len(), FAMILIES.len(), "names are unique");
    assert!(FAMILIES.iter().all(|entry| !entry.title.is_empty() && !entry.paper.is_empty()));
}

#[test]
fn defaults_are_valid_and_survive_json() {
    for entry in FAMILIES {
        let mut config = small(entry);
        config.model = plan(&config, &Shape::Flat { width: 6 }).settings;
        let text = serde_json::to_string(&config).unwrap();
        let back: Config = serde_json::from_str(&text).unwrap();
        assert_eq!(config, back);
        // A decided configuration decides the same again: that is how a file is loaded.
        assert_eq!(plan(&back, &Shape::Flat { width: 6 }).settings, back.model);
    }
}

#[test]
fn nonsense_parameters_are_refused_by_name() {
    let shape = Shape::Flat { width: 6 };
    for entry in FAMILIES {
        for (name, default) in (entry.defaults)() {
            for nonsense in [json!(-1), json!(1e30), json!("nonsense"), json!(null), json!([1])] {
                let mut config = small(entry);
                config.model.parameters.insert(name.clone(), nonsense.clone());
                match decided(&config, &shape) {
                    Err(error) => assert!(
                        error.to_string().contains(&name),
                        "{}: {name} = {nonsense}: {error}",
                        entry.name
                    ),
                    Ok(_) => panic!(
                        "{}: {name} = {nonsense} was accepted in place of {default}",
                        entry.name
                    ),
                }
            }
        }
        let mut config = small(entry);
        config.model.parameters.insert("no_such_parameter".to_owned(), json!(1));
        let error = decided(&config, &shape).unwrap_err();
        assert!(
            matches!(&error, Error::Unknown { name, .. } if name == "no_such_parameter"),
            "{error}"
        );
    }
}

#[test]
fn nonsense_settings_are_refused_by_name() {
    let shape = Shape::Flat { width: 6 };
    type Set<T> = fn(&mut Config, T);
    let real: [(&str, Set<f64>); 8] = [
        ("learning_rate", |c, v| c.train.learning_rate = v),
        ("dropout", |c, v| c.model.dropout = v),
        ("momentum", |c, v| c.train.momentum = v),
        ("weight_decay", |c, v| c.train.weight_decay = v),
        ("l2", |c, v| c.train.l2 = v),
        ("clip", |c, v| c.train.clip = v),
        ("validation", |c, v| c.train.validation = v),
        ("test", |c, v| c.train.test = v),
    ];
    for (name, set) in real {
        for nonsense in [f64::NAN, -1.0, 1e30, f64::INFINITY] {
            let mut config = small(&FAMILIES[0]);
            set(&mut config, nonsense);
            let error = decided(&config, &shape).unwrap_err().to_string();
            assert!(error.contains(name), "{name} = {nonsense}: {error}");
        }
    }
    for (name, set) in [
        ("latent", (|c, v| c.model.latent = v) as Set<usize>),
        ("batch", |c, v| c.train.batch = v),
        ("epochs", |c, v| c.train.epochs = Some(v)),
    ] {
        for nonsense in [0, usize::MAX] {
            let mut config = small(&FAMILIES[0]);
            set(&mut config, nonsense);
            let error = decided(&config, &shape).unwrap_err().to_string();
            assert!(error.contains(name), "{name} = {nonsense}: {error}");
        }
    }
}

#[test]
fn every_variable_gets_a_gradient_in_some_phase() {
    let shape = Shape::Flat { width: 6 };
    for entry in FAMILIES {
        let (coder, vars) = build(&small(entry), &shape, DType::F32);
        let mut moved: Vec<bool> = vars.iter().map(|(_, var)| var.role == Role::Buffer).collect();
        let objective = Autoencoding { coder: &coder, l2: 0.0 };
        for phase in objective.phases() {
            let values = vars.leaves(|var| phase.moves.contains(&var.group));
            let (batch, mut pass) = (rows(&shape, 8, DType::F32), Pass::training(Rng::new(1)));
            let loss = objective.loss(&phase, &values, &batch, &mut pass).unwrap();
            let gradients = values.gradients(loss.terms.sum());
            for (moved, gradient) in moved.iter_mut().zip(gradients) {
                *moved |= gradient
                    .is_some_and(|gradient| gradient.abs().sum().into_scalar::<f64>() > 0.0);
            }
        }
        for ((_, var), moved) in vars.iter().zip(moved) {
            assert!(moved, "{}: {} has no gradient", entry.name, var.name);
        }
    }
}

fn settings(config: &Config) -> Settings {
    Settings { model: config.model.clone(), train: config.train.clone(), ..Settings::default() }
}

/// The largest difference between gradients and central differences, relative to the largest
/// gradient.
fn gradient_error(config: &Config, shape: &Shape) -> f64 {
    // A rectified code has no derivative where a dropout leaves nothing of its input.
    let rectified = plan(config, shape).blueprint.code_activation == Activation::Relu;
    let smooth = config.clone().code_activation(
        rectified.then_some(Activation::Softplus).or(config.model.code_activation),
    );
    let columns = shape.features().unwrap();
    let mut rng = Rng::new(9);
    let rows = Matrix { columns, values: (0..5 * columns).map(|_| rng.unit()).collect() };
    gradient_check(&settings(&smooth), shape, Bounds::Unit, &rows, 1e-5, 0.2).unwrap().worst
}

#[test]
fn gradients_match_finite_differences() {
    let shape = Shape::Flat { width: 6 };
    for entry in FAMILIES {
        for net in ["shallow", "mlp:5,4"] {
            for likelihood in ["gaussian", "gaussian:learned", "bernoulli"] {
                for (norm, dropout) in [(Norm::None, 0.0), (Norm::Layer, 0.2)] {
                    if net == "shallow" && norm != Norm::None {
                        continue; // there is no hidden layer to norm
                    }
                    let config = small(entry)
                        .net(net.parse::<Net>().unwrap())
                        .likelihood(likelihood.parse::<Likelihood>().unwrap())
                        .norm(norm)
                        .dropout(dropout)
                        .l2(0.1);
                    let error = gradient_error(&config, &shape);
                    assert!(error < 1e-6, "{} {net} {likelihood} {norm:?}: {error:e}", entry.name);
                }
            }
        }
    }
}

#[test]
fn gradients_of_every_activation_and_layer_match_finite_differences() {
    let smooth = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Elu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Softplus,
    ];
    for activation in smooth {
        for family in ["plain", "contractive"] {
            let entry = FAMILIES.iter().find(|entry| entry.name == family).unwrap();
            let config = small(entry).net("mlp:5".parse::<Net>().unwrap()).activation(activation);
            let error = gradient_error(&config, &Shape::Flat { width: 6 });
            assert!(error < 1e-6, "{family} {activation:?}: {error:e}");
        }
    }
    let image = Shape::Image { height: 5, width: 4, channels: 2 };
    for family in ["plain", "contractive", "vae"] {
        let entry = FAMILIES.iter().find(|entry| entry.name == family).unwrap();
        let config = small(entry).net("conv:3,2".parse::<Net>().unwrap());
        let error = gradient_error(&config, &image);
        assert!(error < 1e-6, "{family} conv: {error:e}");
    }
    let normed = small(&FAMILIES[0]).net("mlp:5".parse::<Net>().unwrap()).norm(Norm::Batch);
    assert!(gradient_error(&normed, &Shape::Flat { width: 6 }) < 1e-6);
    let tied = small(&FAMILIES[0]).net("mlp:5,4".parse::<Net>().unwrap()).tied(true);
    assert!(gradient_error(&tied, &Shape::Flat { width: 6 }) < 1e-6);
}

#[test]
fn thirty_steps_lower_the_loss() {
    let shape = Shape::Flat { width: 6 };
    for entry in FAMILIES {
        let config = small(entry).learning_rate(1e-2);
        let (coder, mut vars) = build(&config, &shape, DType::F32);
        let objective = Autoencoding { coder: &coder, l2: 0.0 };
        let mut optimiser = Optimiser::of(&config.train, &vars);
        let batch = rows(&shape, 32, DType::F32);
        let loss = |vars: &Vars| {
            let batches = std::iter::once(Ok(batch.clone()));
            mean_terms(&objective, &vars.values(), batches, &Rng::new(1)).unwrap().sum()
        };
        let before = loss(&vars);
        for step in 0..30 {
            let rng = Rng::new(1).at(step);
            let moment = Moment { progress: Progress::DONE, rate: 1e-2, step };
            descend(&objective, &mut vars, &mut optimiser, &batch, &rng, moment).unwrap();
        }
        assert!(loss(&vars) < before, "{}: {before} to {}", entry.name, loss(&vars));
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_one_and_two_threads_and_another_seed_gives_others() {
    // Wide enough that products and passes really are cut into pieces for two threads.
    let mut values = Vec::new();
    let mut rng = Rng::new(4);
    for _ in 0..300 * 400 {
        values.push(rng.unit());
    }
    let data = Dataset {
        shape: Shape::Flat { width: 400 },
        values: Values::F32(values).into(),
        ..circle(1)
    };
    for entry in FAMILIES {
        let config = small(entry)
            .net("mlp:300".parse::<Net>().unwrap())
            .parameters(cheap(entry))
            .latent(20)
            .epochs(2)
            .batch(128);
        let on = |threads, config: &Config| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let model = trained(config, &data).model;
                (
                    weight_bits(model.vars()),
                    Pca::of(&model).unwrap(),
                    model.find::<Density>().unwrap(),
                    model.provenance().history.clone(),
                )
            })
        };
        let one = on(1, &config);
        assert!(one == on(2, &config), "{}: threads change the bits", entry.name);
        assert!(one != on(1, &config.seed(6)), "{}: the seed changes nothing", entry.name);
    }
}

/// Parameters that keep a wide network affordable.
fn cheap(entry: &FamilyEntry) -> serde_json::Map<String, Value> {
    let mut parameters = serde_json::Map::new();
    if (entry.defaults)().contains_key("probes") {
        parameters.insert("probes".to_owned(), json!(2));
    }
    parameters
}

#[test]
fn encoding_a_batch_equals_encoding_its_rows() {
    let data = circle(40);
    for entry in FAMILIES {
        for norm in [Norm::None, Norm::Layer, Norm::Batch] {
            let config = small(entry).norm(norm).net("mlp:8".parse::<Net>().unwrap());
            if decided(&config, &data.shape).is_err() {
                continue; // contractive refuses a batch norm
            }
            let model = trained(&config, &data).model;
            let together = model.encode(&data).unwrap();
            for row in 0..data.rows() {
                let alone = model.encode_rows(&data, &[row]).unwrap();
                // To the bit where products are our own; elsewhere they round as their sizes have
                // it.
                if kernels::native() {
                    assert_eq!(
                        bits(&alone.values),
                        bits(together.row(row)),
                        "{} row {row}",
                        entry.name
                    );
                }
                for (a, b) in alone.values.iter().zip(together.row(row)) {
                    assert!(
                        (a - b).abs() <= 1e-5 * b.abs().max(1.0),
                        "{} row {row}: {a} {b}",
                        entry.name
                    );
                }
            }
        }
    }
}

#[test]
fn saved_and_loaded_encodes_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let data = circle(40);
    let image = Dataset { shape: Shape::Image { height: 3, width: 2, channels: 1 }, ..circle(40) };
    for entry in FAMILIES {
        for (net, data) in [("shallow", &data), ("mlp:8,5", &data), ("conv:3,4", &image)] {
            let model = trained(&small(entry).net(net.parse::<Net>().unwrap()), data).model;
            let path =
                folder.path().join(format!("{}-{net}.ae", entry.name).replace([':', ','], "-"));
            model.save(&path).unwrap();
            let loaded = load(&path).unwrap();
            assert_eq!(
                bits(&model.encode(data).unwrap().values),
                bits(&loaded.encode(data).unwrap().values),
                "{} {net}",
                entry.name
            );
            assert_eq!(
                bits(&generate(&model, 3, 1, Source::Auto).unwrap().narrow().values),
                bits(&generate(&loaded, 3, 1, Source::Auto).unwrap().narrow().values)
            );
            assert_eq!(loaded.plan().settings, model.plan().settings);
            assert_eq!(loaded.provenance().history, model.provenance().history);
        }
    }
}

#[test]
fn resumed_equals_uninterrupted() {
    let folder = tempfile::tempdir().unwrap();
    let data = circle(90);
    for entry in FAMILIES {
        let adam = small(entry).net("mlp:8".parse::<Net>().unwrap()).norm(Norm::Layer).dropout(0.1);
        // A high rate that no epoch improves on: the counters of patience and plateau and the
        // running statistics matter.
        let sgd = adam
            .clone()
            .optimiser(Method::Sgd)
            .schedule("plateau:1,0.5".parse::<Schedule>().unwrap())
            .norm(if entry.name == "contractive" { Norm::Layer } else { Norm::Batch })
            .learning_rate(0.02)
            .clip(1.0)
            .patience(4)
            .epochs(12)
            .warm_up(1.5);
        // What it remembers must be in the checkpoint; norms and dropout are frozen with the rest.
        let lbfgs = adam.clone().optimiser(Method::Lbfgs).epochs(8).dropout(0.0);
        for (which, config, stops) in
            [("adam", adam, [2, 5, 7]), ("sgd", sgd, [5, 12, 18]), ("lbfgs", lbfgs, [1, 3, 6])]
        {
            let whole = trained(&config, &data).model;
            for stop_at in stops {
                let path = folder.path().join(format!("{}-{which}-{stop_at}.ae.run", entry.name));
                let mut steps = 0;
                let part = fit(&config, &data, Some(&path), false, &mut |event| {
                    steps += usize::from(matches!(event, Event::Step { .. }));
                    if steps == stop_at { Flow::Stop } else { Flow::Continue }
                });
                assert!(
                    matches!(part.unwrap().outcome, Outcome::Interrupted),
                    "{} {which} {stop_at}",
                    entry.name
                );
                assert_eq!(Config::of_checkpoint(&path).unwrap(), Config::of(&whole).unwrap());
                let resumed = fit(
                    &Config::of_checkpoint(&path).unwrap(),
                    &data,
                    Some(&path),
                    true,
                    &mut |_| Flow::Continue,
                )
                .unwrap();
                assert!(
                    weight_bits(resumed.model.vars()) == weight_bits(whole.vars()),
                    "{} {which} stopped at {stop_at}",
                    entry.name
                );
                assert_eq!(resumed.model.provenance().history, whole.provenance().history);
            }
        }
    }
}

#[test]
fn a_checkpoint_that_was_asked_for_within_an_epoch_resumes_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let data = circle(90);
    for entry in FAMILIES {
        let config = small(entry)
            .net("mlp:8".parse::<Net>().unwrap())
            .optimiser(Method::Adam)
            .batch(20)
            .dropout(0.1)
            .epochs(6);
        let whole = trained(&config, &data).model;
        let path = folder.path().join(format!("{}.ae.run", entry.name));
        let copy = folder.path().join(format!("{}-copy.ae.run", entry.name));
        let mut steps = 0;
        let on = &mut |event: &Event| {
            let Event::Step { step, .. } = event else { return Flow::Continue };
            steps += 1;
            match steps {
                5 => Flow::Save,
                // The file of a process that was killed one step later.
                6 => {
                    assert!(*step > 1, "the checkpoint is to be from within an epoch");
                    std::fs::copy(&path, &copy).unwrap();
                    Flow::Continue
                }
                _ => Flow::Continue,
            }
        };
        fit(&config, &data, Some(&path), false, on).unwrap();
        let resumed = fit(&config, &data, Some(&copy), true, &mut |_| Flow::Continue).unwrap();
        assert!(weight_bits(resumed.model.vars()) == weight_bits(whole.vars()), "{}", entry.name);
        assert_eq!(resumed.model.provenance().history, whole.provenance().history);
    }
}

#[test]
fn generating_works_from_the_prior_or_from_a_density_on_the_codes() {
    let data = circle(80);
    for entry in FAMILIES {
        for density in ["gaussian", "mixture:3"] {
            let model =
                trained(&small(entry).density(density.parse::<DensityChoice>().unwrap()), &data)
                    .model;
            for source in [Source::Auto, Source::Density] {
                let rows = generate(&model, 50, 1, source).unwrap();
                assert_eq!((rows.rows(), rows.columns), (50, 6));
                assert!(rows.values.iter().all(|value| value.is_finite()));
                assert!(
                    rows.values[..6] != rows.values[6..12],
                    "{}: every row is the same",
                    entry.name
                );
            }
        }
        let none =
            trained(&small(entry).density("none".parse::<DensityChoice>().unwrap()), &data).model;
        let has_prior = none.coder().prior(&none.vars().values()).is_some();
        assert_eq!(generate(&none, 1, 1, Source::Auto).is_ok(), has_prior);
    }
}

#[test]
fn terms_are_named_and_sum_to_the_loss() {
    let shape = Shape::Flat { width: 6 };
    for entry in FAMILIES {
        let (coder, vars) = build(&small(entry).l2(0.1), &shape, DType::F64);
        let objective = Autoencoding { coder: &coder, l2: 0.1 };
        let (phase, batch) = (&objective.phases()[0], rows(&shape, 8, DType::F64));
        let mut pass = Pass::training(Rng::new(1));
        let terms = objective.loss(phase, &vars.values(), &batch, &mut pass).unwrap().terms;
        let numbers = Numbers::read(&terms);
        let names: BTreeSet<&str> = numbers.0.iter().map(|number| number.name.as_str()).collect();
        assert!(
            names.contains("reconstruction") && names.contains("l2"),
            "{}: {names:?}",
            entry.name
        );
        assert_eq!(names.len(), numbers.0.len(), "names are unique");
        let sum = terms.sum().unwrap().into_scalar::<f64>();
        assert!((sum - numbers.sum()).abs() < 1e-12 * sum.abs());
    }
}

#[test]
fn groups_say_where_a_variable_belongs() {
    for entry in FAMILIES {
        let (_, vars) = build(&small(entry), &Shape::Flat { width: 6 }, DType::F32);
        for (_, var) in vars.iter() {
            let by_name = match var.name.split('.').next() {
                Some("encoder") => ENCODER,
                Some("decoder") => DECODER,
                _ => EXTRA,
            };
            assert_eq!(var.group, by_name, "{}", var.name);
        }
    }
}

#[test]
fn a_model_computes_where_it_is_told_and_as_exactly() {
    let shape = Shape::Flat { width: 9 };
    for entry in FAMILIES {
        let config = Config::default().family(entry.name).latent(4).epochs(2);
        let values = Rng::new(5).split("rows").split(entry.name);
        let values: Vec<f32> = (0..60 * 9).map(|at| values.at(at).unit()).collect();
        let data = Dataset::new("rows", shape.clone(), Values::F32(values)).unwrap();
        let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
        assert_eq!(model.engine(), Engine::default());
        let (codes, rebuilt) = (model.encode(&data).unwrap(), model.reconstruct(&data).unwrap());
        let double = Engine { dtype: DType::F64, ..Engine::default() };
        let exact = model.on(&double);
        assert_eq!(exact.engine(), double, "{}", entry.name);
        for (own, other) in [
            (codes, exact.encode(&data).unwrap()),
            (rebuilt.narrow(), exact.reconstruct(&data).unwrap().narrow()),
        ] {
            let apart = own.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-4, "{}", entry.name);
        }
    }
}
