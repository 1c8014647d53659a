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

fn config(lab: &Lab, family: &str, units: usize) -> Outcome<Config> {
    let distribution = ["vae", "iwae"].contains(&family);
    Ok(Config {
        family: family.to_owned(),
        parameters: parameters(family).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        // A code that is a distribution cannot be rectified: one hidden layer stands before it.
        net: if distribution { format!("mlp:{units}") } else { "shallow".to_owned() }.parse()?,
        latent: units,
        code_activation: ["plain", "denoising"].contains(&family).then_some(Activation::Relu),
        likelihood: "bernoulli".parse()?,
        batch: 100,
        epochs: Some(lab.pick(if family == "iwae" { 5 } else { 15 }, 6)),
        validation: 0.0,
        test: 0.0,
        density: "none".parse()?,
        ..Config::default()
    })
}

/// Right of test rows in percent, by a linear probe and by the ten nearest rows.
fn probed(lab: &Lab, codes: [&Matrix; 2], classes: [&Classes; 2]) -> Outcome<[f64; 2]> {
    let all = Split { train: (0..codes[0].rows()).collect(), validation: Vec::new(), test: Vec::new() };
    let head = Head { kind: Kind::Linear, l2: 1e-5, epochs: Some(lab.pick(150, 60)), seed: lab.seed, ..Head::default() };
    let linear = Linear::fit(codes[0], classes[0], &all, &head, &mut |_| autoencoders::Flow::Continue)?.accuracy(codes[1], classes[1])?;
    let of = |classes: &Classes| classes.of.iter().flatten().copied().collect::<Vec<_>>();
    let nearest = nearest_accuracy((codes[0], &of(classes[0])), (codes[1], &of(classes[1])), 10)?;
    Ok([100.0 * linear, 100.0 * nearest])
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let units = lab.pick(500, 200);
    let mut rows = vec![
        ["code", "mnist: linear probe, %", "mnist: 10 nearest, %", "fashion: linear probe, %", "fashion: 10 nearest, %"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(FAMILIES.iter().map(|entry| vec![entry.name.to_owned()]));
    rows.extend([vec!["principal components".to_owned()], vec!["raw pixels".to_owned()]]);
    let (mut best, mut images) = (0.0f64, Vec::new());
    let mut shape = None;
    for set in ["mnist", "fashion-mnist"] {
        if set == "fashion-mnist" && lab.pick(false, true) {
            continue;
        }
        let (train, test) = lab.images(set, 5000)?;
        let (own, truth) = (Classes::new(&train)?, Classes::new(&test)?);
        let mut principal = None;
        for (at, entry) in FAMILIES.iter().enumerate() {
            let model = lab.fit(&format!("{set}: {}", entry.name), &config(lab, entry.name, units)?, &train)?.model;
            let codes = [model.encode(&train)?, model.encode(&test)?];
            let [linear, nearest] = probed(lab, [&codes[0], &codes[1]], [&own, &truth])?;
            rows[at + 1].extend([number(linear), number(nearest)]);
            if set == "mnist" {
                best = best.max(linear).max(nearest);
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
    let names = FAMILIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let picture = lab.picture(
        "recognition.png",
        &format!("What twenty units of each family look for in digits, a line for each of {names}"),
        &images,
        &shape.ok_or("no set")?,
        20,
        1,
    )?;
    let words = format!(
        "Every family learns a code of {units} numbers from images alone, with one layer each way (two for codes that are distributions), the same \
         loss, and settings of its paper. Then the code is asked: by a linear probe, a softmax regression on it, and by the ten nearest \
         training codes. Numbers are right test images, in percent; nothing was chosen by them.\n\n{}\n{picture}",
        table(&rows)
    );
    Ok(Finding {
        checks: vec![Check::new("right of test digits by the best code, %", None, Target::AtLeast(lab.pick(98.0, 88.0)), best)],
        words,
    })
}
