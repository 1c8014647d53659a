//! Two layers learned one after the other, then fine-tuned together with a classifier.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, told};
use crate::self_taught::{softmax, sparse};
use autoencoders::Config;
use autoencoders::optimise::Method;
use autoencoders::recognise::{Classifier, Head, Kind};
use autoencoders::split::Split;

pub(crate) const TITLE: &str = "Stacked autoencoders: layers learned greedily are a good start, and fine-tuning finishes the work";

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let steps = lab.pick(400, 60);
    // The second layer and nothing after it: the classifier does the rest.
    let config = Config {
        net: "mlp:200".parse()?,
        code_activation: Some(autoencoders::Activation::Sigmoid),
        pretrain: "greedy".parse()?,
        pretrain_epochs: Some(steps),
        epochs: Some(0),
        ..sparse(200, steps)
    };
    let model = lab.fit("layers", &config, &train)?.model;
    let all = Split { train: (0..train.rows()).collect(), validation: Vec::new(), test: Vec::new() };
    let rows: Vec<usize> = (0..test.rows()).collect();
    let accuracy = |head: &Head| -> Outcome<f64> {
        let classifier = Classifier::fit(&model, &train, &all, head, &mut |event| told("classifier", event))?;
        Ok(100.0 * classifier.accuracy(&test, &rows)?)
    };
    let before = accuracy(&softmax(3e-3, lab.pick(100, 60)))?;
    let tuned = Head { kind: Kind::Softmax, optimiser: Some(Method::Lbfgs), ..softmax(3e-3, lab.pick(400, 60)) };
    let after = accuracy(&tuned)?;
    let rows = [
        ["classifier", "right of the test rows, %"].map(str::to_owned).to_vec(),
        vec!["softmax regression on the second layer's code".to_owned(), number(before)],
        vec!["both layers fine-tuned with it".to_owned(), number(after)],
    ];
    let words = format!(
        "Two sparse layers of 200 units are trained one after the other on {} images of MNIST, each to recreate what it is given. A softmax \
         regression, strongly regularised as in the tutorial, is trained on the second one's code, and then together with both layers. \
         Set-up: the UFLDL tutorial of Ng and others.\n\n{}",
        train.rows(),
        table(&rows)
    );
    Ok(Finding {
        checks: vec![
            Check::new("right after fine-tuning, %", Some(97.6), Target::AtLeast(lab.pick(97.4, 92.0)), after),
            Check::new("right before, %: not above", Some(87.7), Target::AtMost(lab.pick(90.0, 92.0)), before),
            Check::new("right before, %: not below", Some(87.7), Target::AtLeast(lab.pick(85.0, 60.0)), before),
        ],
        words,
    })
}
