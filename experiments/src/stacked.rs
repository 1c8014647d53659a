//! Two layers learned one after the other, then fine-tuned together with a classifier.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, classifier, every_row, right, unit};
use crate::self_taught::{softmax, sparse};
use autoencoders::data::Dataset;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::settings::Pretraining;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::{Activation, Matrix, Model};

pub(crate) const TITLE: &str = "Stacked autoencoders: layers learned greedily are a good start, and fine-tuning finishes the work";

/// Steps of the softmax regression before the fine-tuning.
fn regression_steps(lab: &Lab) -> usize {
    lab.pick(100, 60)
}

/// Steps of the fine-tuning at most.
fn tuning_steps(lab: &Lab) -> usize {
    lab.pick(400, 60)
}

/// The two layers.
fn layers(lab: &Lab, train: &Dataset) -> Outcome<Model> {
    let steps = lab.pick(400, 60);
    // The second layer and nothing after it: the classifier does the rest.
    let config = sparse(200, steps)
        .net(Net::Mlp(vec![200]))
        .code_activation(Activation::Sigmoid)
        .pretrain(Pretraining::Greedy)
        .pretrain_epochs(steps)
        .epochs(0);
    Ok(lab.fit("layers", &config, train)?.model)
}

/// What the fine-tuning changes: the rows of test digits.
struct Changed {
    /// Read wrongly before it and rightly after it.
    mended: Vec<usize>,
    /// The other way round.
    spoiled: Vec<usize>,
}

impl Changed {
    fn of(early: &Classifier, late: &Classifier, test: &Dataset) -> Outcome<Self> {
        let rows = every_row(test);
        let truth = Classes::named(early.names.clone(), test)?.of;
        let (before, after) = (early.predict(test, &rows)?, late.predict(test, &rows)?);
        let right = |predicted: &[usize], row: usize| truth[row] == Some(predicted[row]);
        let (mended, spoiled) = rows
            .into_iter()
            .filter(|row| right(&before, *row) != right(&after, *row))
            .partition(|row| right(&after, *row));
        Ok(Self { mended, spoiled })
    }

    /// The first of each.
    fn picture(&self, lab: &Lab, test: &Dataset) -> Outcome<String> {
        let mended = &self.mended[..self.mended.len().min(40)];
        let spoiled = &self.spoiled[..self.spoiled.len().min(20)];
        let what = format!(
            "The first {} test digits that are read wrongly before the fine-tuning and rightly after it; then the first {} of those that it spoils",
            mended.len(),
            spoiled.len()
        );
        let images = unit(Matrix::of(test, [mended, spoiled].concat())?.narrow().values);
        lab.picture("stacked.png", &what, &images, &test.shape, 20, 2)
    }
}

fn checks(lab: &Lab, before: f64, after: f64) -> Vec<Check> {
    vec![
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
    ]
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let model = layers(lab, &train)?;
    let regression = classifier(&model, &train, &softmax(3e-3, regression_steps(lab)))?;
    let tuning = Head {
        kind: HeadKind::Softmax,
        optimiser: Some(Method::Lbfgs),
        ..softmax(3e-3, tuning_steps(lab))
    };
    let tuned = classifier(&model, &train, &tuning)?;
    let (before, after) = (right(&regression, &test)?, right(&tuned, &test)?);
    let changed = Changed::of(&regression, &tuned, &test)?;
    let rows = [
        head(["classifier", "test digits read rightly, %"]),
        line("softmax regression on the second layer's code", [number(before)]),
        line("both layers fine-tuned with it", [number(after)]),
    ];
    let words = format!(
        "Two sparse layers of 200 units are trained one after the other on {} images of MNIST, each to recreate what it is given. A softmax \
         regression, strongly regularised as in the tutorial, is trained on the second one's code for {} steps, and then together with both layers for up to {}, \
         which spoils {} test digits that were read rightly. The figure before has a limit above, too: much more than the tutorial's would be another set-up than the tutorial's. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{}",
        train.rows(),
        regression_steps(lab),
        tuning_steps(lab),
        changed.spoiled.len(),
        table(&rows),
        changed.picture(lab, &test)?,
    );
    Ok(Finding { checks: checks(lab, before, after), words })
}
