//! Features learned without labels from some digits help to tell others apart.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, first_filters, pixels, told};
use autoencoders::data::Shape;
use autoencoders::data::Split;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Method;
use autoencoders::study::Classes;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::{Activation, Config, Matrix};
use serde_json::json;

pub(crate) const TITLE: &str =
    "Self-taught learning: strokes learned from the digits 5 to 9 tell the digits 0 to 4 apart";

/// UFLDL's sparse autoencoder. Its cost has a factor one half that ours has not: lambda stands on
/// the squared weights as it is, beta is twice theirs.
pub(crate) fn sparse(latent: usize, steps: usize) -> Config {
    Config::default()
        .family("sparse")
        .parameters(
            [("rho", json!(0.1)), ("beta", json!(6.0))]
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect::<serde_json::Map<_, _>>(),
        )
        .latent(latent)
        .activation(Activation::Sigmoid)
        .l2(3e-3)
        .optimiser(Method::Lbfgs)
        .epochs(steps)
        .validation(0.0)
        .test(0.0)
        .density("none".parse::<DensityChoice>().unwrap_or_default())
}

/// Softmax regression on the code of a model.
pub(crate) fn softmax(lambda: f64, steps: usize) -> Head {
    // The cross-entropy has no factor one half, lambda there has.
    Head { kind: HeadKind::Linear, l2: lambda / 2.0, epochs: Some(steps), ..Head::default() }
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, _) = lab.images("mnist", 6000)?;
    let labels = train.labels.clone().ok_or("no labels")?;
    let rows = |low: bool| -> Vec<usize> {
        (0..train.rows()).filter(|row| (labels[*row].as_str() < "5") == low).collect()
    };
    let (unlabelled, labelled) = (train.select(&rows(false))?, train.select(&rows(true))?);
    let half = labelled.rows() / 2;
    let split = Split {
        train: (0..half).collect(),
        validation: Vec::new(),
        test: (half..labelled.rows()).collect(),
    };

    let model = lab.fit("features", &sparse(200, lab.pick(400, 60)), &unlabelled)?.model;
    let head = softmax(1e-4, lab.pick(400, 100));
    let classes = Classes::new(&labelled)?;
    let test = Classes { of: classes.of[half..].to_vec(), ..classes.clone() };
    let accuracy = |codes: &Matrix| -> Outcome<f64> {
        let linear =
            Linear::fit(codes, &classes, &split, &head, &mut |event| told("softmax", event))?;
        let unseen = Matrix {
            columns: codes.columns,
            values: codes.values[half * codes.columns..].to_vec(),
        };
        Ok(100.0 * linear.accuracy(&unseen, &test)?)
    };
    let ours = accuracy(&model.encode(&labelled)?)?;
    let raw = accuracy(&pixels(&labelled)?)?;

    let images = first_filters(&model, 200)?;
    let picture = lab.picture(
        "self-taught.png",
        "What each of the 200 units looks for, learned from the digits 5 to 9 alone",
        &images,
        &Shape::Image { height: 28, width: 28, channels: 1 },
        20,
        1,
    )?;
    let rows = [
        ["features for softmax regression", "read rightly, %"].map(str::to_owned).to_vec(),
        vec!["200 learned from unlabelled 5 to 9".to_owned(), number(ours)],
        vec!["784 raw pixels".to_owned(), number(raw)],
    ];
    let words = format!(
        "A sparse autoencoder (784-200-784, each unit active on a tenth of the rows) sees {} images of the digits 5 to 9, without their \
         labels. Its encoder then describes the digits 0 to 4, which it has never seen, to a softmax regression: {} labelled rows train it, {} \
         others test it. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{picture}",
        unlabelled.rows(),
        split.train.len(),
        split.test.len(),
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
