//! Hinton and Salakhutdinov's deep autoencoder, with and without Boltzmann machines before it.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, bare, every_row, one_of_each_digit};
use autoencoders::data::Dataset;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Pretraining;
use autoencoders::study::evaluate;
use autoencoders::study::principal_rows;
use autoencoders::{Activation, Config, Matrix, Model};

pub(crate) const TITLE: &str = "Deep autoencoders: thirty numbers for a digit, with a fraction of the error of principal components";

/// Pixels in an image: the paper sums over them.
const PIXELS: f64 = 784.0;

/// The network from random weights.
fn config(lab: &Lab) -> Config {
    bare()
        .net(Net::Mlp(lab.pick(vec![1000, 500, 250], vec![400, 200, 100])))
        .latent(30)
        .activation(Activation::Sigmoid)
        .likelihood(Likelihood::Bernoulli)
        .batch(100)
        .epochs(lab.pick(40, 15))
        .validation(0.05)
}

/// What comes back of test digits: errors of a digit.
struct Judged {
    squared: f64,
    cross_entropy: f64,
    /// The squared error of as many principal components.
    principal: f64,
}

fn judge(model: &Model, test: &Dataset) -> Outcome<Judged> {
    let of = evaluate(model, test, &every_row(test))?;
    Ok(Judged {
        squared: of.mse * PIXELS,
        cross_entropy: of.terms.get("reconstruction").unwrap_or(f64::NAN),
        principal: of.pca_mse * PIXELS,
    })
}

/// Some digits, and what comes back of them.
fn picture(lab: &Lab, test: &Dataset, with: &Model, without: &Model) -> Outcome<String> {
    let shown = one_of_each_digit(test)?;
    let mut images = with.signature().pixels(&Matrix::of(test, shown.iter().copied())?);
    images.extend(with.signature().pixels(&with.reconstruct_rows(test, &shown)?));
    images.extend(without.signature().pixels(&without.reconstruct_rows(test, &shown)?));
    images.extend(with.signature().pixels(&principal_rows(with, test, &shown)?));
    lab.picture(
        "deep.png",
        "Test digits; below them what comes back from 30 numbers: with Boltzmann machines, without, and from principal components",
        &images,
        &test.shape,
        10,
        2,
    )
}

/// The table of errors.
fn errors(with: &Judged, without: &Judged) -> String {
    let row = |name: &str, of: &Judged| line(name, [of.squared, of.cross_entropy].map(number));
    table(&[
        head(["model", "squared error a test image", "cross-entropy, nats"]),
        row("made ready by Boltzmann machines, then fine-tuned", with),
        row("the same network from random weights", without),
        line("30 principal components", [number(with.principal), "-".to_owned()]),
    ])
}

fn checks(lab: &Lab, with: &Judged, without: &Judged) -> Vec<Check> {
    vec![
        Check::new(
            "squared error a test image",
            Some(3.0),
            Target::AtMost(lab.pick(6.0, 14.0)),
            with.squared,
        ),
        Check::new(
            "error of 30 principal components, off the published 13.87 by",
            None,
            Target::AtMost(lab.pick(0.1, 1.0)),
            (with.principal - 13.87).abs(),
        ),
        Check::new(
            "error that Boltzmann machines save",
            None,
            Target::AtLeast(0.0),
            without.squared - with.squared,
        ),
    ]
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let bare = config(lab);
    let pretrained = bare
        .clone()
        .pretrain(Pretraining::Rbm { steps: 1, persistent: false })
        .pretrain_epochs(lab.pick(15, 10));
    let with = lab.fit("with machines", &pretrained, &train)?.model;
    let without = lab.fit("without", &bare, &train)?.model;
    let (of_with, of_without) = (judge(&with, &test)?, judge(&without, &test)?);
    let against = if of_without.squared > of_with.principal {
        "does worse than principal components, which have no layers at all"
    } else {
        "does better than principal components"
    };
    let words = format!(
        "A network of {} and its mirror image, all units sigmoid but the {} of the code, trained on {} digits, one in twenty of which decides which \
         epoch is kept. First each layer is a restricted Boltzmann machine that learns to model what the one below gives; then all are unrolled \
         into an autoencoder and fine-tuned, here with Adam for {} epochs after {} for each machine, where the paper took 200 of conjugate \
         gradients. The network from random weights has the same {} epochs and no more, and {against}: that deep networks train badly from random \
         weights is why the paper has its machines. Set-up: Hinton and Salakhutdinov, Science 2006.\n\n{}\n{}",
        lab.pick("784-1000-500-250-30", "784-400-200-100-30"),
        30,
        train.rows(),
        bare.train.passes(),
        pretrained.train.layer_passes(),
        bare.train.passes(),
        errors(&of_with, &of_without),
        picture(lab, &test, &with, &without)?,
    );
    Ok(Finding { checks: checks(lab, &of_with, &of_without), words })
}
