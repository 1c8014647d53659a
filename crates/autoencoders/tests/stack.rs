//! Layers trained one after the other, weights to begin with, and classifiers on codes.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::data::read;
use autoencoders::engine::Inside;
use autoencoders::engine::Vars;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Pretraining;
use autoencoders::settings::Scale;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::evaluate;
use autoencoders::study::importance_weighted;
use autoencoders::study::recognition;
use autoencoders::{
    Activation, Config, Event, FAMILIES, Flow, Outcome, Rng, Trained, fit, fit_from, load,
};
use serde_json::json;

fn digits() -> Dataset {
    read("digits", &ReadOptions::default()).unwrap()
}

fn trained(config: &Config, data: &Dataset) -> Trained {
    fit(config, data, None, false, &mut |_| Flow::Continue)
        .unwrap_or_else(|error| panic!("{}: {error}", config.model.family))
}

fn bits(vars: &Vars, group: &str) -> Vec<Vec<u32>> {
    let own = vars.iter().filter(|(_, var)| var.name.starts_with(group));
    own.map(|(_, var)| {
        var.value.to_data().try_into_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    })
    .collect()
}

fn stacked(pretrain: &str) -> Config {
    Config::default()
        .net("mlp:40,20".parse::<Net>().unwrap())
        .activation(Activation::Sigmoid)
        .pretrain(pretrain.parse::<Pretraining>().unwrap())
        .pretrain_epochs(15)
        .epochs(8)
        .batch(32)
}

#[test]
fn layers_that_were_trained_alone_are_a_better_start_for_deep_sigmoids() {
    let data = digits();
    let first = |pretrain: &str| {
        trained(&stacked(pretrain), &data).model.provenance().history[0]
            .validation
            .as_ref()
            .unwrap()
            .sum()
    };
    let bare = first("none");
    for pretrain in ["greedy", "rbm", "rbm:2", "rbm:persistent"] {
        assert!(first(pretrain) < 0.9 * bare, "{pretrain}: {} against {bare}", first(pretrain));
    }
}

#[test]
fn every_family_can_be_stacked() {
    let data = digits().select(&(0..300).collect::<Vec<_>>()).unwrap();
    for entry in FAMILIES {
        // Each family's own activation in all layers, so that its constraint makes sense there.
        let auto = trained(&Config::default().family(entry.name.to_owned()).epochs(1), &data)
            .model
            .plan()
            .blueprint
            .code_activation;
        let hidden = if auto == Activation::Identity { Activation::Relu } else { auto };
        let config = stacked("greedy")
            .family(entry.name.to_owned())
            .activation(hidden)
            .pretrain_epochs(2)
            .epochs(0);
        let mut layers = Vec::new();
        let model = fit(&config, &data, None, false, &mut |event| {
            if let Event::Layer { layer, of, record } = event {
                layers.push((*layer, *of, record.epoch));
            }
            Flow::Continue
        });
        let model = model.unwrap_or_else(|error| panic!("{}: {error}", entry.name)).model;
        assert_eq!(
            layers,
            [(0, 3, 1), (0, 3, 2), (1, 3, 1), (1, 3, 2), (2, 3, 1), (2, 3, 2)],
            "{}",
            entry.name
        );
        assert!(
            model.encode(&data).unwrap().values.iter().all(|number| number.is_finite()),
            "{}",
            entry.name
        );
    }
}

#[test]
fn a_stack_that_was_interrupted_goes_on_to_the_same_bits() {
    let (data, folder) =
        (digits().select(&(0..300).collect::<Vec<_>>()).unwrap(), tempfile::tempdir().unwrap());
    for pretrain in ["greedy", "rbm"] {
        let config = stacked(pretrain).pretrain_epochs(3).epochs(2);
        let whole = trained(&config, &data).model;
        for stop_at in [2, 5, 8] {
            let path = folder.path().join(format!("{pretrain}-{stop_at}.ae.run"));
            let mut seen = 0;
            let part = fit(&config, &data, Some(&path), false, &mut |event| {
                seen += usize::from(matches!(event, Event::Layer { .. }));
                if seen >= stop_at && matches!(event, Event::Layer { .. }) {
                    Flow::Stop
                } else {
                    Flow::Continue
                }
            });
            assert!(matches!(part.unwrap().outcome, Outcome::Interrupted), "{pretrain} {stop_at}");
            let resumed =
                fit(&Config::of_checkpoint(&path).unwrap(), &data, Some(&path), true, &mut |_| {
                    Flow::Continue
                })
                .unwrap()
                .model;
            assert!(
                bits(resumed.vars(), "") == bits(whole.vars(), ""),
                "{pretrain} stopped at {stop_at}"
            );
        }
    }
}

#[test]
fn what_cannot_be_stacked_is_refused_by_name() {
    let data = Dataset::new(
        "images",
        Shape::Image { height: 8, width: 8, channels: 1 },
        Values::F32(vec![0.5; 64 * 20]),
    )
    .unwrap();
    let config = stacked("greedy").net("conv:4".parse::<Net>().unwrap());
    let error = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap_err().to_string();
    assert!(error.contains("pretrain"), "{error}");
    let config = Config::default().epochs(0);
    assert!(
        fit(&config, &data, None, false, &mut |_| Flow::Continue)
            .unwrap_err()
            .to_string()
            .contains("epochs")
    );
}

#[test]
fn a_boltzmann_machine_fills_no_layer_of_units_that_it_does_not_have() {
    let data = digits().select(&(0..100).collect::<Vec<_>>()).unwrap();
    let error = |config: Config| {
        fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap_err().to_string()
    };
    let hidden = error(stacked("rbm").activation(Activation::Relu));
    assert!(hidden.contains("relu") && hidden.contains("(activation = sigmoid)"), "{hidden}");
    let code = error(stacked("rbm").code_activation(Activation::Tanh));
    assert!(code.contains("tanh") && code.contains("code_activation = sigmoid"), "{code}");
    let linear = error(stacked("rbm").net("linear".parse::<Net>().unwrap()));
    assert!(linear.contains("linear") && linear.contains("scale = standard"), "{linear}");
}

#[test]
fn a_machine_rebuilds_rows_as_the_network_that_it_fills_does() {
    let data = digits();
    for pretrain in ["rbm", "rbm:2", "rbm:persistent"] {
        // Pixels that come back between 0 and 1, as logits, and standardised as they are.
        for (net, likelihood, scale) in [
            ("shallow", "gaussian", Scale::MinMax),
            ("shallow", "bernoulli", Scale::MinMax),
            ("linear", "gaussian", Scale::Standard),
        ] {
            let config = stacked(pretrain)
                .net(net.parse::<Net>().unwrap())
                .likelihood(likelihood.parse::<Likelihood>().unwrap())
                .scale(scale)
                .code_activation(if net == "linear" {
                    Activation::Identity
                } else {
                    Activation::Sigmoid
                })
                .latent(30)
                .epochs(0)
                .pretrain_epochs(30);
            let model = trained(&config, &data).model;
            let evaluation =
                evaluate(&model, &data, &(0..data.rows()).collect::<Vec<_>>()).unwrap();
            // The mean of all rows explains nothing.
            let explained = evaluation.explained_variance.unwrap();
            assert!(explained > 0.2, "{pretrain} {net} {likelihood}: {explained}");
        }
    }
}

#[test]
fn a_stack_keeps_what_its_family_learned_of_the_code() {
    let data = digits();
    let config = stacked("greedy").family("winner-take-all").activation(Activation::Relu).epochs(0);
    let model = trained(&config, &data).model;
    let (_, threshold) =
        model.vars().iter().find(|(_, var)| var.name == "winner.threshold").unwrap();
    let lowest = threshold.value.to_data().try_into_vec::<f32>().unwrap();
    assert!(lowest.iter().any(|number| *number > 0.0), "{lowest:?}");
    // Nearly as few numbers are kept as the decoder has seen.
    let codes = model.encode(&data).unwrap();
    let kept = codes.values.iter().filter(|number| **number > 0.0).count() as f64
        / codes.values.len() as f64;
    assert!(kept < 0.15, "{kept}");
}

#[test]
fn a_frozen_encoder_stays_and_the_decoder_learns() {
    let data = digits();
    let model = trained(&Config::default().epochs(3), &data).model;
    let config = Config::default().epochs(5).freeze_encoder(true).seed(9);
    let next =
        fit_from((&model).into(), &config, &data, None, &mut |_| Flow::Continue).unwrap().model;
    assert!(bits(next.vars(), "encoder") == bits(model.vars(), "encoder"));
    assert!(bits(next.vars(), "decoder") != bits(model.vars(), "decoder"));
    assert_eq!(next.signature().preparation, model.signature().preparation);
    let rows: Vec<usize> = (0..data.rows()).collect();
    assert!(
        evaluate(&next, &data, &rows).unwrap().mse < evaluate(&model, &data, &rows).unwrap().mse
    );
    // What is loaded is no longer frozen.
    let folder = tempfile::tempdir().unwrap();
    next.save(folder.path().join("next.ae")).unwrap();
    let loaded = load(&folder.path().join("next.ae")).unwrap();
    let free = config.clone().freeze_encoder(false);
    let tuned =
        fit_from((&loaded).into(), &free, &data, None, &mut |_| Flow::Continue).unwrap().model;
    assert!(bits(tuned.vars(), "encoder") != bits(model.vars(), "encoder"));
    let other = config.net("mlp:33".parse::<Net>().unwrap());
    let error = fit_from((&model).into(), &other, &data, None, &mut |_| Flow::Continue)
        .unwrap_err()
        .to_string();
    assert!(error.contains("encoder.0.weight"), "{error}");
    assert!(
        fit(&Config::default().freeze_encoder(true), &data, None, false, &mut |_| {
            Flow::Continue
        })
        .is_err()
    );
}

#[test]
fn a_training_from_other_weights_goes_on_with_their_scaling() {
    let folder = tempfile::tempdir().unwrap();
    let table = |scale: f32| {
        let mut rng = Rng::new(7);
        let values = (0..200 * 5).map(|_| scale * rng.standard_normal()).collect();
        Dataset::new("table", Shape::Flat { width: 5 }, Values::F32(values)).unwrap()
    };
    let model = trained(&Config::default().latent(2).epochs(2), &table(1.0)).model;
    // Rows of another scale, which a scaling of their own would hide.
    let data = table(3.0);
    let config = Config::default().latent(2).epochs(6).seed(3);
    let whole =
        fit_from((&model).into(), &config, &data, None, &mut |_| Flow::Continue).unwrap().model;
    let path = folder.path().join("from.ae.run");
    let mut epochs = 0;
    let part = fit_from((&model).into(), &config, &data, Some(&path), &mut |event| {
        epochs += usize::from(matches!(event, Event::Epoch(_)));
        if epochs == 3 { Flow::Stop } else { Flow::Continue }
    });
    assert!(matches!(part.unwrap().outcome, Outcome::Interrupted));
    let resumed =
        fit(&Config::of_checkpoint(&path).unwrap(), &data, Some(&path), true, &mut |_| {
            Flow::Continue
        })
        .unwrap()
        .model;
    assert!(bits(resumed.vars(), "") == bits(whole.vars(), ""));
    assert_eq!(
        (&resumed.signature().preparation, &whole.signature().preparation),
        (&model.signature().preparation, &model.signature().preparation)
    );
    // What does not fit is refused by name, and not found out by a file that cannot be read.
    let wider =
        Dataset::new("wider", Shape::Flat { width: 6 }, Values::F32(vec![0.5; 600])).unwrap();
    assert!(
        fit_from((&model).into(), &config, &wider, None, &mut |_| Flow::Continue)
            .unwrap_err()
            .to_string()
            .contains("rows of wider")
    );
    let stacked = config.clone().pretrain("greedy".parse::<Pretraining>().unwrap());
    assert!(
        fit_from((&model).into(), &stacked, &data, None, &mut |_| Flow::Continue)
            .unwrap_err()
            .to_string()
            .contains("pretrain")
    );
}

#[test]
fn a_classifier_of_other_rows_is_refused_and_rows_without_labels_have_no_accuracy() {
    let mut data = digits();
    let found = trained(&Config::default().latent(16).epochs(3), &data);
    let head = Head { kind: HeadKind::Linear, ..Head::default() };
    let classifier =
        Classifier::fit(&found.model, &data, &found.split, &head, &mut |_| Flow::Continue).unwrap();
    let narrow =
        Dataset::new("narrow", Shape::Flat { width: 5 }, Values::F32(vec![0.5; 50])).unwrap();
    assert!(
        classifier.scores(&narrow, &[0, 1]).unwrap_err().to_string().contains("rows of narrow")
    );
    assert!(classifier.recognised(&data, &found.split.test).unwrap().is_some());
    data.labels.as_mut().unwrap().iter_mut().for_each(String::clear);
    assert_eq!(classifier.recognised(&data, &found.split.test).unwrap(), None);
    assert!(classifier.accuracy(&data, &found.split.test).is_err());
}

#[test]
fn a_classifier_learns_leaves_the_model_as_it_is_and_survives_the_file() {
    let (data, folder) = (digits(), tempfile::tempdir().unwrap());
    let mut found = trained(&Config::default().latent(16).epochs(30), &data);
    let before = bits(found.model.vars(), "");
    let rows = found.split.test.clone();
    for (kind, least) in [(HeadKind::Softmax, 0.93), (HeadKind::Linear, 0.9), (HeadKind::Svm, 0.88)]
    {
        let head = Head { kind, ..Head::default() };
        let classifier =
            Classifier::fit(&found.model, &data, &found.split, &head, &mut |_| Flow::Continue)
                .unwrap();
        let accuracy = classifier.accuracy(&data, &rows).unwrap();
        assert!(accuracy > least, "{kind}: {accuracy}");
        assert_eq!(
            bits(&classifier.vars, "encoder") == bits(found.model.vars(), "encoder"),
            kind != HeadKind::Softmax
        );
        let scores = classifier.scores(&data, &rows).unwrap();
        found.model.attach(classifier).unwrap();
        let path = folder.path().join(format!("{kind}.ae"));
        found.model.save(&path).unwrap();
        let loaded = load(&path).unwrap().attached::<Classifier>().unwrap();
        assert_eq!(loaded.scores(&data, &rows).unwrap(), scores, "{kind}");
        assert_eq!((loaded.names.len(), loaded.head.kind), (10, kind));
    }
    assert!(bits(found.model.vars(), "") == before);
}

#[test]
fn rows_without_a_label_train_no_classifier_and_one_class_is_refused() {
    let mut data = digits();
    let found = trained(&Config::default().latent(16).epochs(10), &data);
    // Half of the labels are lost.
    data.labels.as_mut().unwrap().iter_mut().step_by(2).for_each(String::clear);
    let classes = Classes::new(&data).unwrap();
    assert_eq!((classes.names.len(), classes.of[0], classes.of[2]), (10, None, None));
    let head = Head { kind: HeadKind::Linear, ..Head::default() };
    let classifier =
        Classifier::fit(&found.model, &data, &found.split, &head, &mut |_| Flow::Continue).unwrap();
    assert!(classifier.accuracy(&data, &found.split.test).unwrap() > 0.8);
    data.labels.as_mut().unwrap().iter_mut().for_each(|label| *label = "same".to_owned());
    let error = Classifier::fit(&found.model, &data, &found.split, &head, &mut |_| Flow::Continue)
        .unwrap_err()
        .to_string();
    assert!(error.contains("two at least"), "{error}");
    data.labels = None;
    assert!(
        Classifier::fit(&found.model, &data, &found.split, &head, &mut |_| Flow::Continue)
            .unwrap_err()
            .to_string()
            .contains("(label)")
    );
}

#[test]
fn a_code_tells_classes_better_than_chance_and_the_same_at_every_call() {
    let data = digits();
    let found = trained(&Config::default().latent(16).epochs(20), &data);
    let recognition = recognition(&found.model, &data, &found.split).unwrap();
    assert!(recognition.linear > 0.85 && recognition.nearest > 0.9, "{recognition:?}");
    assert_eq!(
        recognition,
        autoencoders::study::recognition(&found.model, &data, &found.split).unwrap()
    );
}

#[test]
fn k_sparse_codes_have_k_numbers_and_winners_win_as_often_as_they_may() {
    let data = digits();
    let config = |family: &str, parameters: serde_json::Value| {
        Config::default()
            .family(family.to_owned())
            .parameters(parameters.as_object().cloned().unwrap())
            .latent(60)
            .epochs(10)
    };
    let model = trained(&config("k-sparse", json!({"k": 7})), &data).model;
    let codes = model.encode(&data).unwrap();
    assert!(
        (0..codes.rows())
            .all(|row| codes.row(row).iter().filter(|number| **number != 0.0).count() == 7)
    );
    let wider = trained(&config("k-sparse", json!({"k": 7, "alpha": 3.0})), &data)
        .model
        .encode(&data)
        .unwrap();
    assert!(
        (0..wider.rows())
            .all(|row| wider.row(row).iter().filter(|number| **number != 0.0).count() == 21)
    );

    let share = |winners: bool| {
        let model = trained(
            &config("winner-take-all", json!({"lifetime": 0.1, "winners": winners})),
            &data,
        )
        .model;
        let codes = model.encode(&data).unwrap();
        codes.values.iter().filter(|number| **number != 0.0).count() as f64
            / codes.values.len() as f64
    };
    let (kept, all) = (share(true), share(false));
    assert!((0.05..0.15).contains(&kept) && all > 2.0 * kept, "{kept} {all}");
}

#[test]
fn one_draw_makes_an_importance_weighted_autoencoder_a_variational_one() {
    let data = digits();
    let config = |family: &str, parameters: serde_json::Value| {
        Config::default()
            .family(family.to_owned())
            .parameters(parameters.as_object().cloned().unwrap())
            .likelihood("bernoulli".parse::<Likelihood>().unwrap())
            .epochs(40)
    };
    let rows: Vec<usize> = (0..data.rows()).collect();
    let bound = |config: &Config| {
        let model = trained(config, &data).model;
        let all = importance_weighted(&model, &data, &rows, 100, 1).unwrap();
        all.iter().sum::<f64>() / all.len() as f64
    };
    let (vae, one) =
        (bound(&config("vae", json!({}))), bound(&config("iwae", json!({"samples": 1}))));
    assert!((vae - one).abs() < 0.02 * vae.abs(), "{vae} {one}");
    assert!(bound(&config("iwae", json!({"samples": 5}))) > vae - 0.1);
}
