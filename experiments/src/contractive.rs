//! Codes that do not move when the input does.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, Mode, bare, classifier, every_row, first_filters, parameters, part, wrong};
use autoencoders::data::Dataset;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::jacobian_norm;
use autoencoders::study::jacobian_spectrum;
use autoencoders::{Activation, Config, Model};
use serde_json::json;

pub(crate) const TITLE: &str = "Contractive autoencoders: a code that moves little, but for the few ways in which digits differ";

/// The training rows that settings are tried on, those that judge them, and learning rates of the
/// fine-tuning.
const FEW: usize = 10_000;
const HELD_OUT: usize = 10_000;
const RATES: [f64; 2] = [0.1, 0.3];

/// A kind of autoencoder.
struct Kind {
    name: &'static str,
    family: &'static str,
    /// What of it has a strength, and the strengths that are tried; the first alone in a quick run.
    what: &'static str,
    strengths: &'static [f64],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "contractive",
        family: "contractive",
        what: "lambda",
        strengths: &[0.7, 0.3, 1.5],
    },
    Kind { name: "plain", family: "plain", what: "", strengths: &[0.0] },
    Kind { name: "weight decay", family: "plain", what: "l2", strengths: &[1e-3, 1e-4] },
    Kind { name: "denoising", family: "denoising", what: "level", strengths: &[0.3, 0.5] },
];

/// A way to train and to fine-tune.
#[derive(Clone, Copy)]
struct Way {
    strength: f64,
    rate: f64,
    /// Wrong of the validation rows in percent, where it was tried.
    wrong: f64,
}

impl Way {
    /// How its strength is told: a plain autoencoder has none.
    fn strength(self) -> String {
        if self.strength > 0.0 { number(self.strength) } else { "-".to_owned() }
    }
}

/// An autoencoder of a kind, trained in the best of the ways that were tried.
struct Made {
    name: &'static str,
    tried: Vec<Way>,
    best: Way,
    model: Model,
    /// The mean norm of the Jacobian.
    jacobian: f64,
    /// Saturated units, in percent.
    saturated: f64,
    /// Test digits read wrongly, in percent.
    test: f64,
}

fn units(lab: &Lab) -> usize {
    lab.pick(1000, 300)
}

/// Test digits whose Jacobian is decomposed.
fn decomposed(lab: &Lab) -> usize {
    lab.pick(20, 3)
}

fn config(lab: &Lab, kind: &Kind, strength: f64) -> Config {
    let parameters = match kind.what {
        "lambda" => parameters([("lambda", json!(strength))]),
        "level" => parameters([("noise", json!("masking")), ("level", json!(strength))]),
        _ => parameters([]),
    };
    bare()
        .family(kind.family)
        .parameters(parameters)
        .net(Net::Shallow)
        .latent(units(lab))
        .code_activation(Activation::Sigmoid)
        .tied(true)
        .likelihood(Likelihood::Bernoulli)
        .batch(lab.pick(128, 32))
        .learning_rate(1e-2)
        .epochs(lab.pick(40, 25))
        .l2(if kind.what == "l2" { strength } else { 0.0 })
}

/// A classifier that has learned with a copy of the encoder, by gradient descent as in the paper,
/// to the last epoch: so no row has to be kept for stopping.
fn tuned(lab: &Lab, model: &Model, data: &Dataset, learning_rate: f64) -> Outcome<Classifier> {
    let head = Head {
        optimiser: Some(Method::Sgd),
        epochs: Some(lab.pick(30, 20)),
        batch: 20,
        learning_rate,
        seed: lab.seed,
        ..Head::default()
    };
    classifier(model, data, &head)
}

/// Every way to train a kind, tried on few rows.
fn tried(lab: &Lab, kind: &Kind, train: &Dataset) -> Outcome<Vec<Way>> {
    let few = part(train, 0..FEW)?;
    let validation = part(train, train.rows() - HELD_OUT..train.rows())?;
    let mut tried = Vec::new();
    for strength in kind.strengths.iter().copied() {
        let name = format!("{} {strength}", kind.name);
        let model = lab.fit(&name, &config(lab, kind, strength), &few)?.model;
        for rate in RATES {
            let wrong = wrong(&tuned(lab, &model, &few, rate)?, &validation)?;
            tried.push(Way { strength, rate, wrong });
        }
    }
    Ok(tried)
}

/// A kind, trained on every row in the way that is best on few; then the test digits are read.
fn made(lab: &Lab, kind: &Kind, train: &Dataset, test: &Dataset) -> Outcome<Made> {
    let tried = match lab.mode {
        Mode::Full => tried(lab, kind, train)?,
        Mode::Quick => Vec::new(),
    };
    let usual = Way { strength: kind.strengths[0], rate: RATES[0], wrong: f64::NAN };
    let best = tried.iter().copied().min_by(|a, b| a.wrong.total_cmp(&b.wrong)).unwrap_or(usual);
    let model = lab.fit(kind.name, &config(lab, kind, best.strength), train)?.model;
    let classifier = tuned(lab, &model, train, best.rate)?;
    let sample: Vec<usize> = every_row(test).into_iter().take(2000).collect();
    let codes = model.encode_rows(test, &sample)?.values;
    let ends = codes.iter().filter(|unit| !(0.05..=0.95).contains(*unit)).count();
    Ok(Made {
        name: kind.name,
        tried,
        best,
        jacobian: jacobian_norm(&model, test, &sample)?,
        saturated: 100.0 * ends as f64 / codes.len() as f64,
        test: wrong(&classifier, test)?,
        model,
    })
}

/// The table of what each code is like, and how well it reads.
fn codes(made: &[Made]) -> String {
    let mut lines = vec![head([
        "code",
        "strength",
        "learning rate of fine-tuning",
        "test digits read wrongly, %",
        "mean norm of the Jacobian",
        "saturated units, %",
    ])];
    lines.extend(made.iter().map(|of| {
        let numbers = [of.best.rate, of.test, of.jacobian, of.saturated].map(number);
        line(of.name, std::iter::once(of.best.strength()).chain(numbers))
    }));
    table(&lines)
}

/// How strengths and rates were chosen, where they were.
fn choice(made: &[Made]) -> String {
    let ways = made.iter().flat_map(|of| {
        of.tried.chunks(RATES.len()).map(|ways| {
            let name = format!("{}, {}", of.name, ways[0].strength());
            line(&name, ways.iter().map(|way| number(way.wrong)))
        })
    });
    let mut lines = vec![line("code, strength", RATES.map(number))];
    lines.extend(ways);
    if lines.len() == 1 {
        return String::new();
    }
    format!(
        "Strengths and rates were chosen by {HELD_OUT} of the digits, after training on {FEW} others: validation digits read wrongly, in percent, \
         at each rate.\n\n{}\n",
        table(&lines)
    )
}

/// The singular values of each code's Jacobian: some as a table, all as curves.
fn spectra(lab: &Lab, made: &[Made], test: &Dataset) -> Outcome<String> {
    const SHOWN: [usize; 7] = [1, 5, 10, 20, 50, 100, 200];
    let rows: Vec<usize> = (0..decomposed(lab)).collect();
    let mut lines = vec![line("singular value number", SHOWN.map(|which| which.to_string()))];
    let mut spectra = Vec::new();
    for of in made {
        let spectrum = jacobian_spectrum(&of.model, test, &rows)?;
        let at = |which: usize| {
            spectrum.get(which - 1).map_or_else(|| "-".to_owned(), |value| number(*value))
        };
        lines.push(line(of.name, SHOWN.map(at)));
        spectra.push(spectrum);
    }
    let curves: Vec<(&str, &[f64])> =
        made.iter().zip(&spectra).map(|(of, spectrum)| (of.name, spectrum.as_slice())).collect();
    let chart = lab.chart(
        "contractive-spectrum.svg",
        "How far the code follows the input in each direction, from the one that it follows most, averaged over the same digits; both axes are logarithmic",
        &curves,
        ["direction", "singular value of the Jacobian"],
    )?;
    Ok(format!("{}\n{chart}", table(&lines)))
}

/// What some units of each code look for.
fn filters(lab: &Lab, made: &[Made], test: &Dataset) -> Outcome<String> {
    let filters =
        made.iter().map(|of| first_filters(&of.model, 20)).collect::<Outcome<Vec<_>>>()?.concat();
    lab.picture(
        "contractive.png",
        "What twenty units of each code look for before the fine-tuning, a line for each of contractive, plain, weight decay, denoising",
        &filters,
        &test.shape,
        20,
        2,
    )
}

fn checks(lab: &Lab, ours: &Made, plain: &Made) -> Vec<Check> {
    vec![
        Check::new(
            "test digits read wrongly, %",
            Some(1.14),
            Target::AtMost(lab.pick(1.3, 6.5)),
            ours.test,
        ),
        Check::new(
            "less than plain's by, percentage points",
            Some(0.64),
            Target::AtLeast(lab.pick(0.0, 0.5)),
            plain.test - ours.test,
        ),
        Check::new(
            "norm of plain's Jacobian, as a multiple of its own",
            Some(24.0),
            Target::AtLeast(lab.pick(10.0, 2.5)),
            plain.jacobian / ours.jacobian,
        ),
    ]
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let made =
        KINDS.iter().map(|kind| made(lab, kind, &train, &test)).collect::<Outcome<Vec<_>>>()?;
    let words = format!(
        "Four autoencoders with {} sigmoid units and tied weights learn from {} digits; then a softmax on top of each is fine-tuned with it, by \
         gradient descent. The contractive one pays for every direction in which its code follows the input. The strength is the weight of \
         this, of weight decay that of the squared weights, of denoising the share of pixels hidden. Norm and saturation (units below 0.05 or \
         above 0.95) are those of the code before fine-tuning. Set-up: Rifai et al. 2011.\n\n\
         {}\n{}The singular values of the Jacobian, averaged over {} test digits: in how many directions, and how far, the code \
         follows.\n\n{}{}",
        units(lab),
        train.rows(),
        codes(&made),
        choice(&made),
        decomposed(lab),
        spectra(lab, &made, &test)?,
        filters(lab, &made, &test)?,
    );
    Ok(Finding { checks: checks(lab, &made[0], &made[1]), words })
}
