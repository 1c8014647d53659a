//! Three denoising layers against three that copy.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, told};
use autoencoders::data::Dataset;
use autoencoders::recognise::{Classifier, Head};
use autoencoders::rng::Rng;
use autoencoders::split::Split;
use autoencoders::{Activation, Config};
use serde_json::json;

pub(crate) const TITLE: &str = "Stacked denoising autoencoders: layers that undo noise are a better start than layers that copy";

/// Rows that train and rows that validate, as many as in the paper's small set of digits.
const ROWS: (usize, usize) = (10_000, 2000);

struct Tried {
    noise: f64,
    validation: f64,
    test: f64,
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (all, test) = lab.images("mnist", 5000)?;
    let (train, validation) = lab.pick(ROWS, (2500, 500));
    // Drawn from all writers, as the paper's are: the first rows of the file are of few, and others' digits are then harder to read.
    let drawn = Rng::new(lab.seed).split("digits").permutation(all.rows());
    let known = all.select(&drawn[..train + validation])?;
    let split = Split { train: (0..train).collect(), validation: (train..train + validation).collect(), test: Vec::new() };
    // What is left of the training file is unseen, too.
    let rest = all.select(&drawn[train + validation..])?;
    let width = lab.pick(1000, 400);
    let one = |noise: f64| -> Outcome<Tried> {
        let parameters = [("noise", json!("masking")), ("level", json!(noise))].map(|(name, value)| (name.to_owned(), value));
        let config = Config {
            family: "denoising".to_owned(),
            parameters: parameters.into_iter().collect(),
            net: format!("mlp:{width},{width}").parse()?,
            latent: width,
            activation: Activation::Sigmoid,
            code_activation: Some(Activation::Sigmoid),
            tied: true,
            likelihood: "bernoulli".parse()?,
            batch: 50,
            pretrain: "greedy".parse()?,
            pretrain_epochs: Some(lab.pick(25, 8)),
            epochs: Some(0),
            validation: 0.0,
            test: 0.0,
            density: "none".parse()?,
            ..Config::default()
        };
        let model = lab.fit(&format!("noise {noise}"), &config, &known.select(&split.train)?)?.model;
        let head = Head { epochs: Some(lab.pick(40, 15)), batch: 50, learning_rate: 5e-4, seed: lab.seed, ..Head::default() };
        let classifier = Classifier::fit(&model, &known, &split, &head, &mut |event| told("fine-tuning", event))?;
        let wrong = |data: &Dataset, rows: &[usize]| -> Outcome<f64> { Ok(100.0 * (1.0 - classifier.accuracy(data, rows)?)) };
        let whole = |data: &Dataset| (0..data.rows()).collect::<Vec<_>>();
        let (a, b) = (rest.rows() as f64, test.rows() as f64);
        let on_test = (wrong(&rest, &whole(&rest))? * a + wrong(&test, &whole(&test))? * b) / (a + b);
        Ok(Tried { noise, validation: wrong(&known, &split.validation)?, test: on_test })
    };
    let tried = lab.pick(vec![0.0, 0.1, 0.25, 0.4], vec![0.0, 0.25]).into_iter().map(one).collect::<Outcome<Vec<_>>>()?;
    let chosen = tried[1..].iter().min_by(|a, b| a.validation.total_cmp(&b.validation)).ok_or("no noise was tried")?;
    let mut rows = vec![["pixels hidden", "wrong of validation, %", "wrong of test, %"].map(str::to_owned).to_vec()];
    rows.extend(tried.iter().map(|tried| vec![number(tried.noise), number(tried.validation), number(tried.test)]));
    let unseen = rest.rows() + test.rows();
    let words = format!(
        "Three layers of {width} sigmoid units are trained one after the other on {train} digits, each to recreate what the layer below gives \
         although a part of it is hidden; then a softmax is put on top and all is fine-tuned. How much is hidden is chosen on {validation} \
         other digits; the test is on {unseen} that nothing has seen. Set-up: Vincent et al. 2010, whose ten thousand digits are drawn from \
         MNIST too, but are not the same.\n\n{}\nChosen: {}.",
        table(&rows),
        number(chosen.noise)
    );
    Ok(Finding {
        checks: vec![
            Check::new("wrong of test digits, %", Some(2.84), Target::AtMost(lab.pick(3.0, 6.5)), chosen.test),
            Check::new("less than without noise by, %", Some(0.62), Target::AtLeast(lab.pick(0.3, 0.0)), tried[0].test - chosen.test),
        ],
        words,
    })
}
