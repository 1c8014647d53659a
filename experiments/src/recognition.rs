//! How well the code of each family tells what is in an image.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, first_filters, pixels};
use autoencoders::data::Dataset;
use autoencoders::recognise::{Classes, Head, Kind, Linear, nearest_accuracy};
use autoencoders::split::Split;
use autoencoders::{Activation, Config, FAMILIES, Matrix};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Recognition: how well each family's code tells what is in an image, without ever having seen a label";

/// What a family's paper would have for codes of this size; everything else is the default.
fn parameters(family: &str) -> Vec<(&'static str, Value)> {
    match family {
        "sparse" => vec![("rho", json!(0.05)), ("beta", json!(0.5))],
        "contractive" => vec![("lambda", json!(0.1))],
        "denoising" => vec![("level", json!(0.5))],
        "k-sparse" => vec![("k", json!(25)), ("alpha", json!(3.0))],
        "winner-take-all" => vec![("winners", json!(false))],
        _ => Vec::new(),
    }
}

/// Learning rates that are tried, and the rows and epochs of these trainings.
const RATES: [f64; 3] = [1e-3, 3e-3, 1e-2];
const SHORT: (usize, usize) = (10_000, 6);
/// Rows for validation.
const HELD_OUT: usize = 5000;

/// A code read by a probe: right rows in percent.
struct Judged {
    family: &'static str,
    probe: &'static str,
    validation: f64,
    test: f64,
}

fn config(lab: &Lab, family: &str, units: usize, learning_rate: f64) -> Outcome<Config> {
    let distribution = ["vae", "iwae"].contains(&family);
    Ok(Config {
        family: family.to_owned(),
        parameters: parameters(family).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        // A code that is a distribution cannot be rectified: one hidden layer stands before it.
        net: if distribution { format!("mlp:{units}") } else { "shallow".to_owned() }.parse()?,
        latent: units,
        code_activation: ["plain", "denoising"].contains(&family).then_some(Activation::Relu),
        tied: !distribution,
        likelihood: "bernoulli".parse()?,
        batch: 100,
        learning_rate,
        epochs: Some(lab.pick(if family == "iwae" { 4 } else { 10 }, 6)),
        validation: 0.0,
        test: 0.0,
        density: "none".parse()?,
        ..Config::default()
    })
}

/// Right of rows in percent by a linear probe: softmax regression on codes.
fn by_probe(lab: &Lab, codes: [&Matrix; 2], classes: [&Classes; 2]) -> Outcome<f64> {
    let all = Split { train: (0..codes[0].rows()).collect(), validation: Vec::new(), test: Vec::new() };
    let head = Head { kind: Kind::Linear, l2: 1e-5, epochs: Some(lab.pick(150, 60)), seed: lab.seed, ..Head::default() };
    let linear = Linear::fit(codes[0], classes[0], &all, &head, &mut |_| autoencoders::Flow::Continue)?;
    Ok(100.0 * linear.accuracy(codes[1], classes[1])?)
}

/// Right of test rows in percent, by a linear probe and by the ten nearest rows.
fn probed(lab: &Lab, codes: [&Matrix; 2], classes: [&Classes; 2]) -> Outcome<[f64; 2]> {
    let of = |classes: &Classes| classes.of.iter().flatten().copied().collect::<Vec<_>>();
    let nearest = nearest_accuracy((codes[0], &of(classes[0])), (codes[1], &of(classes[1])), 10)?;
    Ok([by_probe(lab, codes, classes)?, 100.0 * nearest])
}

/// The right of validation rows for each learning rate after a short training on few rows.
fn rates(lab: &Lab, family: &str, units: usize, train: &Dataset, held_out: &Dataset) -> Outcome<Vec<f64>> {
    let few = train.select(&(0..SHORT.0).collect::<Vec<_>>())?;
    let (own, truth) = (Classes::new(&few)?, Classes::new(held_out)?);
    let right = |rate: f64| -> Outcome<f64> {
        let short = Config { epochs: Some(SHORT.1), ..config(lab, family, units, rate)? };
        let model = lab.fit(&format!("{family}, rate {rate}"), &short, &few)?.model;
        by_probe(lab, [&model.encode(&few)?, &model.encode(held_out)?], [&own, &truth])
    };
    RATES.into_iter().map(right).collect()
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let units = lab.pick(1000, 200);
    let mut rows = vec![
        ["code", "mnist: linear probe, %", "mnist: 10 nearest, %", "fashion: linear probe, %", "fashion: 10 nearest, %"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(FAMILIES.iter().map(|entry| vec![entry.name.to_owned()]));
    rows.extend([vec!["principal components".to_owned()], vec!["raw pixels".to_owned()]]);
    let mut codes_of_mnist: Vec<Judged> = Vec::new();
    let mut images = Vec::new();
    let mut tried = vec![std::iter::once("code".to_owned()).chain(RATES.map(number)).collect::<Vec<_>>()];
    let mut chosen = Vec::new();
    let mut shape = None;
    for set in ["mnist", "fashion-mnist"] {
        if set == "fashion-mnist" && lab.pick(false, true) {
            continue;
        }
        let (all, test) = lab.images(set, 5000)?;
        let seen = all.rows() - lab.pick(HELD_OUT, 1000);
        let (train, held_out) = (all.select(&(0..seen).collect::<Vec<_>>())?, all.select(&(seen..all.rows()).collect::<Vec<_>>())?);
        let (own, truth, held_truth) = (Classes::new(&train)?, Classes::new(&test)?, Classes::new(&held_out)?);
        let mut principal = None;
        for (at, entry) in FAMILIES.iter().enumerate() {
            if set == "mnist" && lab.pick(true, false) {
                let right = rates(lab, entry.name, units, &train, &held_out)?;
                let best = RATES.into_iter().zip(&right).max_by(|a, b| a.1.total_cmp(b.1));
                chosen.push(best.map_or(RATES[0], |(rate, _)| rate));
                tried.push(std::iter::once(entry.name.to_owned()).chain(right.into_iter().map(number)).collect());
            }
            let rate = chosen.get(at).copied().unwrap_or(RATES[1]);
            let model = lab.fit(&format!("{set}: {}", entry.name), &config(lab, entry.name, units, rate)?, &train)?.model;
            let codes = [model.encode(&train)?, model.encode(&test)?];
            let right = probed(lab, [&codes[0], &codes[1]], [&own, &truth])?;
            rows[at + 1].extend(right.map(number));
            if set == "mnist" {
                let validation = probed(lab, [&codes[0], &model.encode(&held_out)?], [&own, &held_truth])?;
                let probes = ["a linear probe", "the ten nearest"].into_iter().zip(validation.into_iter().zip(right));
                codes_of_mnist.extend(probes.map(|(probe, (validation, test))| Judged { family: entry.name, probe, validation, test }));
                images.extend(first_filters(&model, 20)?);
            }
            if principal.is_none() {
                let all = |data: &Dataset| (0..data.rows()).collect::<Vec<_>>();
                principal = Some([model.principal_codes(&train, &all(&train))?, model.principal_codes(&test, &all(&test))?]);
            }
        }
        let [known, asked] = principal.ok_or("no family")?;
        let [linear, nearest] = probed(lab, [&known, &asked], [&own, &truth])?;
        rows[FAMILIES.len() + 1].extend([number(linear), number(nearest)]);
        let [linear, nearest] = probed(lab, [&pixels(&train)?, &pixels(&test)?], [&own, &truth])?;
        rows[FAMILIES.len() + 2].extend([number(linear), number(nearest)]);
        shape = Some(test.shape.clone());
    }
    if lab.pick(false, true) {
        rows.iter_mut().for_each(|row| row.truncate(3));
    }
    let best = codes_of_mnist.iter().max_by(|a, b| a.validation.total_cmp(&b.validation)).ok_or("no family")?;
    let names = FAMILIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let picture = lab.picture(
        "recognition.png",
        &format!("What twenty units of each family look for in digits, a line for each of {names}"),
        &images,
        &shape.ok_or("no set")?,
        20,
        1,
    )?;
    let tried = match tried.len() {
        1 => String::new(),
        _ => format!(
            "How far a step goes was chosen for each family on MNIST, by a linear probe on {} validation digits after {} epochs on {} others (right, \
             in percent, at each learning rate):\n\n{}\n",
            HELD_OUT,
            SHORT.1,
            SHORT.0,
            table(&tried)
        ),
    };
    let words = format!(
        "Every family learns a code of {units} numbers from images alone, with one layer each way whose weights are shared (codes that are \
         distributions have two layers, and do not share them), the same loss, and parameters of its paper; {} epochs, of iwae {}. Then the code is asked: by a linear \
         probe, a softmax regression on it, and by the ten nearest training codes. Numbers are right test images, in percent.\n\n{}\n\
         Best on {} validation digits is the code of {}, read by {}: {} % of them, and {} % of the test digits.\n\n{tried}{picture}",
        lab.pick(10, 6),
        lab.pick(4, 6),
        table(&rows),
        lab.pick(HELD_OUT, 1000),
        best.family,
        best.probe,
        number(best.validation),
        number(best.test),
    );
    Ok(Finding {
        checks: vec![Check::new(
            "right of test digits by the code that is best on validation digits, %",
            None,
            Target::AtLeast(lab.pick(98.0, 88.0)),
            best.test,
        )],
        words,
    })
}
