//! Codes of which little is on at a time, told apart by a straight line.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, pixels, told};
use autoencoders::data::Dataset;
use autoencoders::inspect::colour::around_grey;
use autoencoders::recognise::{Classes, Head, Kind, Linear};
use autoencoders::split::Split;
use autoencoders::{Config, Matrix, Model};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Winner-take-all and k-sparse autoencoders: sparse codes that a linear classifier can read";

/// The weights of the squared weights that are tried on validation rows.
const L2: [f64; 3] = [1e-5, 1e-4, 1e-3];

struct Made {
    model: Model,
    l2: f64,
    validation: f64,
    test: f64,
}

fn config(lab: &Lab, family: &str, parameters: &[(&str, Value)], units: usize, epochs: usize) -> Outcome<Config> {
    Ok(Config {
        family: family.to_owned(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        net: "shallow".parse()?,
        latent: units,
        likelihood: "gaussian".parse()?,
        batch: 100,
        learning_rate: lab.pick(1e-3, 3e-3),
        epochs: Some(epochs),
        validation: 0.0,
        test: 0.0,
        density: "none".parse()?,
        ..Config::default()
    })
}

/// The wrong of validation and of test rows by the linear machine that is best on validation rows.
pub(crate) fn linear(
    lab: &Lab,
    kind: Kind,
    codes: &Matrix,
    classes: &Classes,
    split: &Split,
    unseen: (&Matrix, &Classes),
) -> Outcome<(f64, f64, f64)> {
    let mut best: Option<(f64, f64, Linear)> = None;
    let part =
        |rows: &[usize]| Matrix { columns: codes.columns, values: rows.iter().flat_map(|row| codes.row(*row).iter().copied()).collect() };
    let own = Classes { of: split.validation.iter().map(|row| classes.of[*row]).collect(), ..classes.clone() };
    let held_out = part(&split.validation);
    for l2 in L2 {
        let head = Head { kind, l2, epochs: Some(lab.pick(150, 60)), seed: lab.seed, ..Head::default() };
        let machine =
            Linear::fit(codes, classes, &Split { validation: Vec::new(), ..split.clone() }, &head, &mut |event| told("linear", event))?;
        let wrong = 100.0 * (1.0 - machine.accuracy(&held_out, &own)?);
        if best.as_ref().is_none_or(|best| wrong < best.0) {
            best = Some((wrong, l2, machine));
        }
    }
    let (validation, l2, machine) = best.ok_or("nothing was tried")?;
    Ok((l2, validation, 100.0 * (1.0 - machine.accuracy(unseen.0, unseen.1)?)))
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
    let one = |what: &str, config: &Config, kind: Kind, train: &Dataset, test: &Dataset| -> Outcome<Made> {
        let model = lab.fit(what, config, &train.select(&split.train)?)?.model;
        let (codes, unseen) = (model.encode(train)?, model.encode(test)?);
        let (l2, validation, test) = linear(lab, kind, &codes, &classes, &split, (&unseen, &truth))?;
        Ok(Made { model, l2, validation, test })
    };
    let winners = [("lifetime", json!(0.05)), ("winners", json!(false))];
    let winners = one(
        "winner-take-all",
        &config(lab, "winner-take-all", &winners, lab.pick(2000, 400), lab.pick(40, 20))?,
        Kind::Svm,
        &train,
        &test,
    )?;
    let sparse = [("k", json!(25)), ("alpha", json!(3.0)), ("warm_up", json!(0.5))];
    let sparse = one("k-sparse", &config(lab, "k-sparse", &sparse, lab.pick(1000, 400), lab.pick(30, 20))?, Kind::Linear, &train, &test)?;
    let (_, _, raw) = linear(lab, Kind::Svm, &pixels(&train)?, &classes, &split, (&pixels(&test)?, &truth))?;

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
        vec!["raw pixels".to_owned(), "linear support vector machines".to_owned(), "-".to_owned(), "-".to_owned(), number(raw)],
    ];
    let words = format!(
        "Two codes wider than the image, kept sparse by selection alone, without a penalty: of each unit the rows that excite it most, or of each row \
         the units that it excites most. A linear classifier on the code, whose regularisation is chosen on {held_out} validation digits, then \
         reads the digit. Set-up: Makhzani and Frey 2014 and 2015.\n\n{}\n{picture}",
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
