//! Hinton and Salakhutdinov's deep autoencoder, with and without Boltzmann machines before it.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::Lab;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Pretraining;
use autoencoders::study::evaluate;
use autoencoders::study::principal_rows;
use autoencoders::{Activation, Config, Matrix, Model};

pub(crate) const TITLE: &str = "Deep autoencoders: thirty numbers for a digit, with a fraction of the error of principal components";

/// Pixels in an image: the paper sums over them.
const PIXELS: f64 = 784.0;

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let all: Vec<usize> = (0..test.rows()).collect();
    let bare = Config::default()
        .net(lab.pick("mlp:1000,500,250", "mlp:400,200,100").parse::<Net>()?)
        .latent(30)
        .activation(Activation::Sigmoid)
        .likelihood("bernoulli".parse::<Likelihood>()?)
        .batch(100)
        .epochs(lab.pick(40, 15))
        .validation(0.05)
        .test(0.0)
        .density("none".parse::<DensityChoice>()?);
    let pretrained =
        bare.clone().pretrain("rbm".parse::<Pretraining>()?).pretrain_epochs(lab.pick(15, 10));
    let mut rows = vec![
        ["model", "squared error a test image", "cross-entropy, nats"].map(str::to_owned).to_vec(),
    ];
    let mut judged = |name: &str, model: &Model| -> Outcome<(f64, f64)> {
        let of = evaluate(model, &test, &all)?;
        let error = of.mse * PIXELS;
        rows.push(vec![
            name.to_owned(),
            number(error),
            number(of.terms.get("reconstruction").unwrap_or(f64::NAN)),
        ]);
        Ok((error, of.pca_mse * PIXELS))
    };
    let with = lab.fit("with machines", &pretrained, &train)?.model;
    let (error, pca) = judged("made ready by Boltzmann machines, then fine-tuned", &with)?;
    let without = lab.fit("without", &bare, &train)?.model;
    let (plain, _) = judged("the same network from random weights", &without)?;
    rows.push(vec!["30 principal components".to_owned(), number(pca), "-".to_owned()]);

    let shown: Vec<usize> = (0..10)
        .map(|digit| first(&test, digit))
        .collect::<Option<_>>()
        .ok_or("a digit is missing")?;
    let mut images = with.signature().pixels(&Matrix::of(&test, shown.iter().copied())?);
    images.extend(with.signature().pixels(&with.reconstruct_rows(&test, &shown)?));
    images.extend(without.signature().pixels(&without.reconstruct_rows(&test, &shown)?));
    images.extend(with.signature().pixels(&principal_rows(&with, &test, &shown)?));
    let picture = lab.picture(
        "deep.png",
        "Test digits; below them what comes back from 30 numbers: with Boltzmann machines, without, and from principal components",
        &images,
        &test.shape,
        10,
        2,
    )?;
    let against = if plain > pca {
        "does worse than principal components, which have no layers at all"
    } else {
        "does better than principal components"
    };
    let words = format!(
        "A network of {} and its mirror image, all units sigmoid but the {} of the code, trained on {} digits, one in twenty of which decides which \
         epoch is kept. First each layer is a restricted Boltzmann machine that learns to model what the one below gives; then all are unrolled \
         into an autoencoder and fine-tuned, here with Adam for {} epochs after {} for each machine, where the paper took 200 of conjugate \
         gradients. The network from random weights has the same {} epochs and no more, and {against}: that deep networks train badly from random \
         weights is why the paper has its machines. Set-up: Hinton and Salakhutdinov, Science 2006.\n\n{}\n{picture}",
        lab.pick("784-1000-500-250-30", "784-400-200-100-30"),
        30,
        train.rows(),
        bare.train.passes(),
        pretrained.train.layer_passes(),
        bare.train.passes(),
        table(&rows)
    );
    Ok(Finding {
        checks: vec![
            Check::new(
                "squared error a test image",
                Some(3.0),
                Target::AtMost(lab.pick(6.0, 14.0)),
                error,
            ),
            Check::new(
                "error of 30 principal components, off the published 13.87 by",
                None,
                Target::AtMost(lab.pick(0.1, 1.0)),
                (pca - 13.87).abs(),
            ),
            Check::new(
                "error that Boltzmann machines save",
                None,
                Target::AtLeast(0.0),
                plain - error,
            ),
        ],
        words,
    })
}

/// The first row of a digit.
pub(crate) fn first(data: &autoencoders::data::Dataset, digit: usize) -> Option<usize> {
    data.labels.as_ref()?.iter().position(|label| *label == digit.to_string())
}
