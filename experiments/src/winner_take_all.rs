//! Codes of which little is on at a time, told apart by a straight line.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Known, Lab, linear, pixels};
use autoencoders::data::Split;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Classes;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::decoder_filters;
use autoencoders::{Config, Matrix, Model};
use draw::colour::around_grey;
use serde_json::{Value, json};

pub(crate) const TITLE: &str =
    "Winner-take-all and k-sparse autoencoders: sparse codes that a linear classifier can read";

/// The weights of the squared weights that are tried on validation rows.
const L2: [f64; 3] = [1e-5, 1e-4, 1e-3];

/// Steps of the linear machines: to choose how a code is trained, and at the end. They go on
/// getting better until then.
const STEPS: (usize, usize) = (300, 1000);

/// How a code is trained.
#[derive(Clone, Copy)]
struct Way {
    tied: bool,
    learning_rate: f64,
    /// The weight of the squared weights in the loss.
    l2: f64,
    epochs: usize,
}

impl Way {
    /// How its weights are told.
    fn weights(self) -> &'static str {
        if self.tied { "shared by encoder and decoder" } else { "separate" }
    }
}

/// A code of the paper.
struct Code {
    family: &'static str,
    parameters: Vec<(&'static str, Value)>,
    units: usize,
    kind: HeadKind,
    /// How it may be trained.
    ways: Vec<Way>,
}

impl Code {
    fn config(&self, way: Way) -> Outcome<Config> {
        Ok(Config::default()
            .family(self.family.to_owned())
            .parameters(
                self.parameters
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect::<serde_json::Map<_, _>>(),
            )
            .net("shallow".parse::<Net>()?)
            .latent(self.units)
            .tied(way.tied)
            .l2(way.l2)
            .likelihood("gaussian".parse::<Likelihood>()?)
            .batch(100)
            .learning_rate(way.learning_rate)
            .epochs(way.epochs)
            .validation(0.0)
            .test(0.0)
            .density("none".parse::<DensityChoice>()?))
    }
}

struct Made {
    model: Model,
    /// Each way that was tried, and how wrong validation rows were with it.
    tried: Vec<(Way, f64)>,
    l2: f64,
    validation: f64,
    test: f64,
}

/// How many of some rows a classifier reads wrongly, in percent.
fn wrong(machine: &Linear, (codes, classes): Known, rows: &[usize]) -> Outcome<f64> {
    let values = rows.iter().flat_map(|row| codes.row(*row).iter().copied()).collect();
    let truth =
        Classes { of: rows.iter().map(|row| classes.of[*row]).collect(), ..classes.clone() };
    Ok(100.0 * (1.0 - machine.accuracy(&Matrix { columns: codes.columns, values }, &truth)?))
}

/// The weight of the squared weights that is best on validation rows, with how wrong the machine
/// then is of them.
fn regularised(lab: &Lab, kind: HeadKind, known: Known, split: &Split) -> Outcome<(f64, f64)> {
    let one = |l2: f64| -> Outcome<(f64, f64)> {
        let machine = linear(lab, kind, l2, lab.pick(STEPS.1, 60), known, split.train.clone())?;
        Ok((l2, wrong(&machine, known, &split.validation)?))
    };
    let tried = L2.into_iter().map(one).collect::<Outcome<Vec<_>>>()?;
    Ok(tried.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).ok_or("nothing was tried")?)
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let (classes, truth) = (Classes::new(&train)?, Classes::new(&test)?);
    let held_out = lab.pick(10_000, 1000);
    let split = Split {
        train: (0..train.rows() - held_out).collect(),
        validation: (train.rows() - held_out..train.rows()).collect(),
        test: Vec::new(),
    };
    let seen = train.select(&split.train)?;
    // What was chosen learns from every row of the training file before it sees the test.
    let tested = |kind: HeadKind, l2: f64, known: &Matrix, unseen: &Matrix| -> Outcome<f64> {
        let machine = linear(
            lab,
            kind,
            l2,
            lab.pick(STEPS.1, 60),
            (known, &classes),
            (0..train.rows()).collect(),
        )?;
        wrong(&machine, (unseen, &truth), &(0..test.rows()).collect::<Vec<_>>())
    };
    let one = |code: &Code| -> Outcome<Made> {
        let mut tried = Vec::new();
        for way in &code.ways {
            let name = format!(
                "{}, {}, rate {}, l2 {}, {} epochs",
                code.family,
                way.weights(),
                way.learning_rate,
                way.l2,
                way.epochs
            );
            let model = lab.fit(&name, &code.config(*way)?, &seen)?.model;
            let codes = model.encode(&train)?;
            let machine = linear(
                lab,
                code.kind,
                L2[1],
                lab.pick(STEPS.0, 60),
                (&codes, &classes),
                split.train.clone(),
            )?;
            tried.push((*way, wrong(&machine, (&codes, &classes), &split.validation)?, model));
        }
        let (way, _, model) =
            tried.iter().min_by(|a, b| a.1.total_cmp(&b.1)).ok_or("nothing was tried")?;
        let (l2, validation) =
            regularised(lab, code.kind, (&model.encode(&train)?, &classes), &split)?;
        let model =
            lab.fit(&format!("{}, every row", code.family), &code.config(*way)?, &train)?.model;
        let test = tested(code.kind, l2, &model.encode(&train)?, &model.encode(&test)?)?;
        Ok(Made {
            model,
            tried: tried.into_iter().map(|(way, wrong, _)| (way, wrong)).collect(),
            l2,
            validation,
            test,
        })
    };
    let way = |tied: bool, learning_rate: f64, l2: f64, epochs: usize| Way {
        tied,
        learning_rate,
        l2,
        epochs,
    };
    let winners = one(&Code {
        family: "winner-take-all",
        parameters: vec![("lifetime", json!(0.05)), ("winners", json!(false))],
        units: lab.pick(2000, 400),
        kind: HeadKind::Svm,
        ways: lab.pick(
            vec![
                way(false, 1e-3, 0.0, 10),
                way(true, 1e-3, 0.0, 10),
                way(true, 1e-3, 1e-4, 5),
                way(true, 1e-3, 1e-4, 10),
                way(true, 1e-3, 1e-4, 20),
            ],
            vec![way(true, 3e-3, 1e-4, 20)],
        ),
    })?;
    let sparse = one(&Code {
        family: "k-sparse",
        parameters: vec![("k", json!(25)), ("alpha", json!(3.0)), ("warm_up", json!(0.5))],
        units: lab.pick(1000, 400),
        kind: HeadKind::Linear,
        ways: lab.pick(
            vec![way(false, 1e-3, 0.0, 40), way(true, 1e-3, 0.0, 40), way(true, 3e-3, 1e-4, 40)],
            vec![way(true, 3e-3, 1e-4, 20)],
        ),
    })?;
    let (known, unseen) = (pixels(&train)?, pixels(&test)?);
    let (raw_l2, raw_validation) = regularised(lab, HeadKind::Svm, (&known, &classes), &split)?;
    let raw = tested(HeadKind::Svm, raw_l2, &known, &unseen)?;

    let filters = decoder_filters(&winners.model)?.ok_or("no filters")?;
    let images: Vec<f32> =
        filters.weights.values.chunks_exact(784).take(200).flat_map(around_grey).collect();
    let picture = lab.picture(
        "winner-take-all.png",
        "What 200 of the units of the winner-take-all code draw",
        &images,
        &test.shape,
        20,
        2,
    )?;
    let rows = [
        [
            "code",
            "classifier",
            "price of the classifier's squared weights",
            "validation digits read wrongly, %",
            "test digits read wrongly, %",
        ]
        .map(str::to_owned)
        .to_vec(),
        vec![
            format!("winner-take-all, {} units, each kept on 5 % of a batch", lab.pick(2000, 400)),
            "linear support vector machines".to_owned(),
            number(winners.l2),
            number(winners.validation),
            number(winners.test),
        ],
        vec![
            format!("k-sparse, {} units, 25 of them kept for a row", lab.pick(1000, 400)),
            "softmax regression".to_owned(),
            number(sparse.l2),
            number(sparse.validation),
            number(sparse.test),
        ],
        vec![
            "raw pixels".to_owned(),
            "linear support vector machines".to_owned(),
            number(raw_l2),
            number(raw_validation),
            number(raw),
        ],
    ];
    let mut ways = vec![
        [
            "code",
            "weights",
            "learning rate",
            "price of the autoencoder's squared weights",
            "epochs",
            "validation digits read wrongly, %",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (name, made) in [("winner-take-all", &winners), ("k-sparse", &sparse)] {
        ways.extend(made.tried.iter().map(|(way, wrong)| {
            vec![
                name.to_owned(),
                way.weights().to_owned(),
                number(way.learning_rate),
                number(way.l2),
                way.epochs.to_string(),
                number(*wrong),
            ]
        }));
    }
    let words = format!(
        "Two codes wider than the image, kept sparse by selection alone, without a penalty: of each unit the rows that excite it most, or of each row \
         the units that it excites most. A linear classifier on the code then reads the digit. How a code is trained, and how its classifier is \
         regularised, is chosen on {held_out} validation digits after training on the {} others; what was chosen is then trained on all of them. \
         Set-up: Makhzani and Frey 2014 and 2015.\n\n{}\nWhat was tried, with classifiers of {} steps at a price of {} where those above have {} steps:\n\n{}\n{picture}",
        split.train.len(),
        table(&rows),
        lab.pick(STEPS.0, 60),
        number(L2[1]),
        lab.pick(STEPS.1, 60),
        table(&ways)
    );
    Ok(Finding {
        checks: vec![
            Check::new(
                "test digits read wrongly by winner-take-all, %",
                Some(1.2),
                Target::AtMost(lab.pick(1.45, 8.0)),
                winners.test,
            ),
            Check::new(
                "test digits read wrongly by k-sparse, %",
                Some(1.35),
                Target::AtMost(lab.pick(1.45, 9.0)),
                sparse.test,
            ),
        ],
        words,
    })
}
