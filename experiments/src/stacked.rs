//! Two layers learned one after the other, then fine-tuned together with a classifier.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, told};
use crate::self_taught::{softmax, sparse};
use autoencoders::Matrix;
use autoencoders::data::Split;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::settings::Pretraining;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;

pub(crate) const TITLE: &str = "Stacked autoencoders: layers learned greedily are a good start, and fine-tuning finishes the work";

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let steps = lab.pick(400, 60);
    // The second layer and nothing after it: the classifier does the rest.
    let config = sparse(200, steps)
        .net("mlp:200".parse::<Net>()?)
        .code_activation(autoencoders::Activation::Sigmoid)
        .pretrain("greedy".parse::<Pretraining>()?)
        .pretrain_epochs(steps)
        .epochs(0);
    let model = lab.fit("layers", &config, &train)?.model;
    let all = Split::all(train.rows());
    let rows: Vec<usize> = (0..test.rows()).collect();
    let trained = |head: &Head| {
        Classifier::fit(&model, &train, &all, head, &mut |event| told("classifier", event))
    };
    let accuracy = |classifier: &Classifier| -> Outcome<f64> {
        Ok(100.0 * classifier.accuracy(&test, &rows)?)
    };
    let probe = trained(&softmax(3e-3, lab.pick(100, 60)))?;
    let tuned = Head {
        kind: HeadKind::Softmax,
        optimiser: Some(Method::Lbfgs),
        ..softmax(3e-3, lab.pick(400, 60))
    };
    let tuned = trained(&tuned)?;
    let (before, after) = (accuracy(&probe)?, accuracy(&tuned)?);
    let truth = Classes::named(probe.names.clone(), &test)?.of;
    let (early, late) = (probe.predict(&test, &rows)?, tuned.predict(&test, &rows)?);
    let right = |predicted: &[usize], row: usize| truth[row] == Some(predicted[row]);
    let mended: Vec<usize> = rows
        .iter()
        .copied()
        .filter(|row| !right(&early, *row) && right(&late, *row))
        .take(40)
        .collect();
    let spoiled: Vec<usize> =
        rows.iter().copied().filter(|row| right(&early, *row) && !right(&late, *row)).collect();
    let also = spoiled.len().min(20);
    let what = format!(
        "The first {} test digits that are read wrongly before the fine-tuning and rightly after it; then the first {also} of those that it spoils",
        mended.len()
    );
    let shown = [mended.as_slice(), &spoiled[..also]].concat();
    let images =
        Matrix::of(&test, shown)?.values.into_iter().map(|pixel| pixel / 255.0).collect::<Vec<_>>();
    let picture = lab.picture("stacked.png", &what, &images, &test.shape, 20, 2)?;
    let rows = [
        ["classifier", "test digits read rightly, %"].map(str::to_owned).to_vec(),
        vec!["softmax regression on the second layer's code".to_owned(), number(before)],
        vec!["both layers fine-tuned with it".to_owned(), number(after)],
    ];
    let words = format!(
        "Two sparse layers of 200 units are trained one after the other on {} images of MNIST, each to recreate what it is given. A softmax \
         regression, strongly regularised as in the tutorial, is trained on the second one's code for {} steps, and then together with both layers for up to {}, \
         which spoils {} test digits that were read rightly. The figure before has a limit above, too: much more than the tutorial's would be another set-up than the tutorial's. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{picture}",
        train.rows(),
        lab.pick(100, 60),
        lab.pick(400, 60),
        spoiled.len(),
        table(&rows)
    );
    Ok(Finding {
        checks: vec![
            Check::new(
                "test digits read rightly after fine-tuning, %",
                Some(97.6),
                Target::AtLeast(lab.pick(97.4, 92.0)),
                after,
            ),
            Check::new(
                "before it, %: no more",
                Some(87.7),
                Target::AtMost(lab.pick(90.0, 92.0)),
                before,
            ),
            Check::new(
                "before it, %: no less",
                Some(87.7),
                Target::AtLeast(lab.pick(85.0, 60.0)),
                before,
            ),
        ],
        words,
    })
}
