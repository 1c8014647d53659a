//! Codes of which little is on at a time, told apart by a straight line.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, pixels, told};
use autoencoders::inspect::colour::around_grey;
use autoencoders::recognise::{Classes, Head, Kind, Linear};
use autoencoders::split::Split;
use autoencoders::{Config, Matrix, Model};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Winner-take-all and k-sparse autoencoders: sparse codes that a linear classifier can read";

/// The weights of the squared weights that are tried on validation rows.
const L2: [f64; 3] = [1e-5, 1e-4, 1e-3];

/// Rows and epochs of the short trainings that decide how a code is trained.
const SHORT: (usize, usize) = (20_000, 10);
/// Steps of the linear machines: to choose how a code is trained, and at the end. They go on getting better until then.
const STEPS: (usize, usize) = (300, 1000);

/// How a code is trained.
#[derive(Clone, Copy)]
struct Way {
    tied: bool,
    learning_rate: f64,
    /// The weight of the squared weights in the loss.
    l2: f64,
}

const WAYS: [Way; 4] = [
    Way { tied: false, learning_rate: 1e-3, l2: 0.0 },
    Way { tied: true, learning_rate: 1e-3, l2: 0.0 },
    Way { tied: true, learning_rate: 1e-3, l2: 1e-4 },
    Way { tied: true, learning_rate: 3e-3, l2: 1e-4 },
];

impl Way {
    /// How its weights are told.
    fn weights(self) -> &'static str {
        if self.tied { "one set both ways" } else { "a set each way" }
    }
}

/// A code of the paper.
struct Code {
    family: &'static str,
    parameters: Vec<(&'static str, Value)>,
    units: usize,
    epochs: usize,
    kind: Kind,
}

impl Code {
    fn config(&self, way: Way, epochs: usize) -> Outcome<Config> {
        Ok(Config {
            family: self.family.to_owned(),
            parameters: self.parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            net: "shallow".parse()?,
            latent: self.units,
            tied: way.tied,
            l2: way.l2,
            likelihood: "gaussian".parse()?,
            batch: 100,
            learning_rate: way.learning_rate,
            epochs: Some(epochs),
            validation: 0.0,
            test: 0.0,
            density: "none".parse()?,
            ..Config::default()
        })
    }
}

struct Made {
    model: Model,
    /// Each way that was tried, and how wrong validation rows were after a short training.
    tried: Vec<(Way, f64)>,
    l2: f64,
    validation: f64,
    test: f64,
}

/// A linear machine on codes, and how wrong it is on validation rows in percent.
fn machine(lab: &Lab, kind: Kind, l2: f64, steps: usize, codes: &Matrix, classes: &Classes, split: &Split) -> Outcome<(Linear, f64)> {
    let head = Head { kind, l2, epochs: Some(steps), seed: lab.seed, ..Head::default() };
    let own = Split { validation: Vec::new(), ..split.clone() };
    let machine = Linear::fit(codes, classes, &own, &head, &mut |event| told("linear", event))?;
    let values = split.validation.iter().flat_map(|row| codes.row(*row).iter().copied()).collect();
    let truth = Classes { of: split.validation.iter().map(|row| classes.of[*row]).collect(), ..classes.clone() };
    let wrong = 100.0 * (1.0 - machine.accuracy(&Matrix { columns: codes.columns, values }, &truth)?);
    Ok((machine, wrong))
}

/// The regularisation of the linear machine that is best on validation rows, and its wrong of validation and of test rows.
pub(crate) fn linear(
    lab: &Lab,
    kind: Kind,
    codes: &Matrix,
    classes: &Classes,
    split: &Split,
    unseen: (&Matrix, &Classes),
) -> Outcome<(f64, f64, f64)> {
    let tried = L2
        .into_iter()
        .map(|l2| machine(lab, kind, l2, lab.pick(STEPS.1, 60), codes, classes, split).map(|(found, wrong)| (l2, wrong, found)));
    let tried = tried.collect::<Outcome<Vec<_>>>()?;
    let (l2, validation, best) = tried.iter().min_by(|a, b| a.1.total_cmp(&b.1)).ok_or("nothing was tried")?;
    Ok((*l2, *validation, 100.0 * (1.0 - best.accuracy(unseen.0, unseen.1)?)))
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
    let short = Split { train: split.train[..lab.pick(SHORT.0, 0)].to_vec(), ..split.clone() };
    let ways = lab.pick(WAYS.to_vec(), Vec::new());
    let one = |code: &Code| -> Outcome<Made> {
        let mut tried = Vec::new();
        for way in &ways {
            let name = format!("{}, {}, rate {}, l2 {}", code.family, way.weights(), way.learning_rate, way.l2);
            let model = lab.fit(&name, &code.config(*way, SHORT.1)?, &train.select(&short.train)?)?.model;
            tried.push((*way, machine(lab, code.kind, L2[1], STEPS.0, &model.encode(&train)?, &classes, &short)?.1));
        }
        // With one way there is nothing to choose.
        let best = tried.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(WAYS[3], |(way, _)| *way);
        let config = code.config(best, code.epochs)?;
        let model = lab.fit(code.family, &config, &train.select(&split.train)?)?.model;
        let (l2, validation, test) = linear(lab, code.kind, &model.encode(&train)?, &classes, &split, (&model.encode(&test)?, &truth))?;
        Ok(Made { model, tried, l2, validation, test })
    };
    let winners = one(&Code {
        family: "winner-take-all",
        parameters: vec![("lifetime", json!(0.05)), ("winners", json!(false))],
        units: lab.pick(2000, 400),
        // As many as it is chosen by.
        epochs: lab.pick(SHORT.1, 20),
        kind: Kind::Svm,
    })?;
    let sparse = one(&Code {
        family: "k-sparse",
        parameters: vec![("k", json!(25)), ("alpha", json!(3.0)), ("warm_up", json!(0.5))],
        units: lab.pick(1000, 400),
        epochs: lab.pick(40, 20),
        kind: Kind::Linear,
    })?;
    let (raw_l2, raw_validation, raw) = linear(lab, Kind::Svm, &pixels(&train)?, &classes, &split, (&pixels(&test)?, &truth))?;

    let filters = winners.model.decoder_filters()?.ok_or("no filters")?;
    let images: Vec<f32> = filters.weights.values.chunks_exact(784).take(200).flat_map(around_grey).collect();
    let picture =
        lab.picture("winner-take-all.png", "What 200 of the units of the winner-take-all code draw", &images, &test.shape, 20, 1)?;
    let rows = [
        ["code", "classifier", "squared weights times", "wrong of validation, %", "wrong of test, %"].map(str::to_owned).to_vec(),
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
        vec!["raw pixels".to_owned(), "linear support vector machines".to_owned(), number(raw_l2), number(raw_validation), number(raw)],
    ];
    let mut ways =
        vec![["code", "weights", "learning rate", "squared weights times", "wrong of validation, %"].map(str::to_owned).to_vec()];
    for (name, made) in [("winner-take-all", &winners), ("k-sparse", &sparse)] {
        ways.extend(made.tried.iter().map(|(way, wrong)| {
            vec![name.to_owned(), way.weights().to_owned(), number(way.learning_rate), number(way.l2), number(*wrong)]
        }));
    }
    let ways = match ways.len() {
        1 => String::new(),
        _ => format!(
            "How each was trained was chosen by the same validation digits, after {} epochs on {} training digits:\n\n{}\n",
            SHORT.1,
            SHORT.0,
            table(&ways)
        ),
    };
    let words = format!(
        "Two codes wider than the image, kept sparse by selection alone, without a penalty: of each unit the rows that excite it most, or of each row \
         the units that it excites most. A linear classifier on the code, whose regularisation is chosen on {held_out} validation digits, then \
         reads the digit. Set-up: Makhzani and Frey 2014 and 2015.\n\n{}\n{ways}{picture}",
        table(&rows)
    );
    Ok(Finding {
        checks: vec![
            Check::new("wrong of test digits by winner-take-all, %", Some(1.2), Target::AtMost(lab.pick(1.45, 8.0)), winners.test),
            Check::new("wrong of test digits by k-sparse, %", Some(1.35), Target::AtMost(lab.pick(1.45, 9.0)), sparse.test),
        ],
        words,
    })
}
