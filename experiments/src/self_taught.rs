//! Features learned without labels from some digits help to tell others apart.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, bare, first_filters, linear, parameters, pixels};
use autoencoders::data::Dataset;
use autoencoders::settings::Method;
use autoencoders::study::Classes;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::{Activation, Config, Matrix};
use serde_json::json;

pub(crate) const TITLE: &str =
    "Self-taught learning: strokes learned from the digits 5 to 9 tell the digits 0 to 4 apart";

/// UFLDL's sparse autoencoder. Its cost has a factor one half that ours has not: lambda stands on
/// the squared weights as it is, beta is twice theirs.
pub(crate) fn sparse(latent: usize, steps: usize) -> Config {
    bare()
        .family("sparse")
        .parameters(parameters([("rho", json!(0.1)), ("beta", json!(6.0))]))
        .latent(latent)
        .activation(Activation::Sigmoid)
        .l2(3e-3)
        .optimiser(Method::Lbfgs)
        .epochs(steps)
}

/// Softmax regression on the code of a model.
pub(crate) fn softmax(lambda: f64, steps: usize) -> Head {
    // The cross-entropy has no factor one half, lambda there has.
    Head { kind: HeadKind::Linear, l2: lambda / 2.0, epochs: Some(steps), ..Head::default() }
}

struct Digits {
    /// 5 to 9, whose labels nobody sees.
    unlabelled: Dataset,
    /// 0 to 4, the first half of which trains a classifier; the others test it.
    labelled: Dataset,
    half: usize,
}

impl Digits {
    fn read(lab: &Lab) -> Outcome<Self> {
        let (all, _) = lab.images("mnist", 6000)?;
        let labels = all.labels.clone().ok_or("no labels")?;
        let (low, high): (Vec<usize>, Vec<usize>) =
            (0..all.rows()).partition(|row| labels[*row].as_str() < "5");
        let labelled = all.select(&low)?;
        Ok(Self { unlabelled: all.select(&high)?, half: labelled.rows() / 2, labelled })
    }

    /// How many of those that test a softmax regression on codes reads rightly, in percent.
    fn right(&self, lab: &Lab, codes: &Matrix) -> Outcome<f64> {
        let classes = Classes::new(&self.labelled)?;
        let head = softmax(1e-4, lab.pick(400, 100));
        let regression = linear(&head, (codes, &classes), 0..self.half)?;
        let unseen = Matrix {
            columns: codes.columns,
            values: codes.values[self.half * codes.columns..].to_vec(),
        };
        let truth = Classes { of: classes.of[self.half..].to_vec(), ..classes };
        Ok(100.0 * regression.accuracy(&unseen, &truth)?)
    }
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let digits = Digits::read(lab)?;
    let model = lab.fit("features", &sparse(200, lab.pick(400, 60)), &digits.unlabelled)?.model;
    let ours = digits.right(lab, &model.encode(&digits.labelled)?)?;
    let raw = digits.right(lab, &pixels(&digits.labelled)?)?;
    let picture = lab.picture(
        "self-taught.png",
        "What each of the 200 units looks for, learned from the digits 5 to 9 alone",
        &first_filters(&model, 200)?,
        &digits.labelled.shape,
        20,
        1,
    )?;
    let rows = [
        head(["features for softmax regression", "read rightly, %"]),
        line("200 learned from unlabelled 5 to 9", [number(ours)]),
        line("784 raw pixels", [number(raw)]),
    ];
    let words = format!(
        "A sparse autoencoder (784-200-784, each unit active on a tenth of the rows) sees {} images of the digits 5 to 9, without their \
         labels. Its encoder then describes the digits 0 to 4, which it has never seen, to a softmax regression: {} labelled rows train it, {} \
         others test it. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{picture}",
        digits.unlabelled.rows(),
        digits.half,
        digits.labelled.rows() - digits.half,
        table(&rows)
    );
    Ok(Finding {
        checks: vec![
            Check::new(
                "digits 0 to 4 read rightly, %",
                Some(98.3),
                Target::AtLeast(lab.pick(98.0, 96.0)),
                ours,
            ),
            Check::new(
                "better than raw pixels by, percentage points",
                Some(2.3),
                Target::AtLeast(lab.pick(1.0, 0.0)),
                ours - raw,
            ),
        ],
        words,
    })
}
