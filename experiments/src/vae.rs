//! How likely digits are under variational autoencoders.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, Mode, every_row, parameters};
use autoencoders::data::Dataset;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Annealing;
use autoencoders::study::annealed;
use autoencoders::study::evaluate;
use autoencoders::study::generate;
use autoencoders::study::importance_weighted;
use autoencoders::{Activation, Config, Model, Source};
use serde_json::json;

pub(crate) const TITLE: &str = "Variational autoencoders: how likely a digit is, and that several draws for each row tell more than one";

/// How likely test digits are under a model, in nats a digit.
struct Judged {
    name: String,
    bound: f64,
    likelihood: f64,
    annealed: Option<f64>,
    /// Units that vary between digits.
    active: usize,
}

/// Units of the hidden layer.
fn hidden(lab: &Lab) -> usize {
    lab.pick(500, 200)
}

/// Draws by which likelihoods are estimated.
fn draws(lab: &Lab) -> usize {
    lab.pick(5000, 200)
}

/// Test digits whose likelihood is estimated.
fn some(lab: &Lab) -> usize {
    lab.pick(1000, 200)
}

/// Those of them whose likelihood is estimated by annealing too, which takes longer.
fn few(lab: &Lab) -> usize {
    lab.pick(50, 10)
}

fn config(lab: &Lab, samples: Option<usize>, epochs: usize) -> Config {
    Config::default()
        .family(if samples.is_some() { "iwae" } else { "vae" })
        .parameters(parameters(samples.map(|samples| ("samples", json!(samples)))))
        .net(Net::Mlp(vec![hidden(lab)]))
        .activation(Activation::Tanh)
        .latent(20)
        .likelihood(Likelihood::Bernoulli)
        .binarise(true)
        .batch(lab.pick(100, 50))
        .epochs(epochs)
        .validation(0.0)
        .test(0.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The logarithm of the likelihood of the first test digits, by importance sampling.
fn likelihood(lab: &Lab, model: &Model, test: &Dataset, count: usize) -> Outcome<f64> {
    let rows: Vec<usize> = (0..count).collect();
    Ok(mean(&importance_weighted(model, test, &rows, draws(lab), lab.seed)?))
}

/// The same by annealing.
fn by_annealing(lab: &Lab, model: &Model, test: &Dataset) -> Outcome<f64> {
    let rows: Vec<usize> = (0..few(lab)).collect();
    let annealing = Annealing { chains: 10, temperatures: lab.pick(400, 50), leaps: 5 };
    Ok(mean(&annealed(model, test, &rows, annealing, lab.seed)?))
}

fn judge(lab: &Lab, name: &str, model: &Model, test: &Dataset) -> Outcome<Judged> {
    let of = evaluate(model, test, &every_row(test))?;
    Ok(Judged {
        name: name.to_owned(),
        bound: -of.terms.sum(),
        likelihood: likelihood(lab, model, test, some(lab))?,
        annealed: None,
        active: of.active_units,
    })
}

/// The table of what was judged.
fn likelihoods(judged: &[Judged]) -> String {
    let mut lines = vec![head([
        "model",
        "bound that it trains on",
        "ln p by importance",
        "ln p by annealing",
        "units that vary between digits, of 20",
    ])];
    lines.extend(judged.iter().map(|of| {
        let cells = [
            number(of.bound),
            number(of.likelihood),
            of.annealed.map_or_else(|| "-".to_owned(), number),
            of.active.to_string(),
        ];
        line(&of.name, cells)
    }));
    table(&lines)
}

/// Digits that the model draws.
fn picture(lab: &Lab, vae: &Model, test: &Dataset) -> Outcome<String> {
    let drawn = generate(vae, 50, lab.seed, Source::Prior)?;
    lab.picture(
        "vae.png",
        "Fifty digits that the VAE draws from its prior",
        &vae.signature().pixels(&drawn),
        &test.shape,
        10,
        2,
    )
}

/// Against the published figures; `few` is the likelihood of the digits that were annealed by
/// importance sampling.
fn checks(lab: &Lab, vae: &Judged, iwae: &Judged, few: f64) -> Vec<Check> {
    vec![
        Check::new(
            "bound of the VAE, nats",
            Some(-103.1),
            Target::AtLeast(lab.pick(-103.5, -150.0)),
            vae.bound,
        ),
        Check::new(
            "ln p of the VAE, nats",
            Some(-97.8),
            Target::AtLeast(lab.pick(-98.5, -145.0)),
            vae.likelihood,
        ),
        Check::new(
            "IWAE with 5 draws is better by, nats",
            Some(0.8),
            Target::AtLeast(lab.pick(0.7, -1.0)),
            iwae.likelihood - vae.likelihood,
        ),
        Check::new(
            "annealing and importance apart, nats",
            None,
            Target::AtMost(lab.pick(1.0, 5.0)),
            (vae.annealed.unwrap_or(f64::NAN) - few).abs(),
        ),
    ]
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 5000)?;
    let epochs = lab.pick(50, 15);
    let vae = lab.fit("vae", &config(lab, None, epochs), &train)?.model;
    let five = lab.fit("iwae 5", &config(lab, Some(5), epochs), &train)?.model;
    let in_both_ways = |name: &str, model: &Model| -> Outcome<Judged> {
        let annealed = Some(by_annealing(lab, model, &test)?);
        Ok(Judged { annealed, ..judge(lab, name, model, &test)? })
    };
    let mut judged = vec![in_both_ways("VAE", &vae)?, in_both_ways("IWAE, 5 draws", &five)?];
    if lab.mode == Mode::Full {
        let fifty = lab.fit("iwae 50", &config(lab, Some(50), 1), &train)?.model;
        judged.push(judge(lab, "IWAE, 50 draws, one epoch alone", &fifty, &test)?);
    }
    let of_few = likelihood(lab, &vae, &test, few(lab))?;
    let words = format!(
        "A network 784-{}-20 with tanh units and its mirror image learn {} digits whose pixels are drawn black or white anew in each epoch; {epochs} \
         epochs with Adam. All numbers are nats a digit on test digits: the bound on all of them, the logarithm of the likelihood by {} draws on {}, \
         by annealing on the first {} (where importance sampling has {} for the VAE). IWAE weighs several draws for each digit, which brings its bound nearer to ln p: \
         bounds of different numbers of draws do not compare, ln p does. With one draw it is the VAE.{} \
         Set-up: Kingma and Welling 2014; Burda et al. 2016.\n\n{}\n{}",
        hidden(lab),
        train.rows(),
        draws(lab),
        some(lab),
        few(lab),
        number(of_few),
        lab.pick(" With 50 draws an epoch takes about ten times as long as with 5: that model has one epoch where the others have 50, which is why it lies behind.", ""),
        likelihoods(&judged),
        picture(lab, &vae, &test)?,
    );
    Ok(Finding { checks: checks(lab, &judged[0], &judged[1], of_few), words })
}
