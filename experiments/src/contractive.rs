//! Codes that do not move when the input does.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, Mode, first_filters, told, wrong};
use autoencoders::data::Split;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Method;
use autoencoders::settings::Net;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::jacobian_norm;
use autoencoders::study::jacobian_spectrum;
use autoencoders::{Activation, Config, Model};
use serde_json::{Map, json};
use std::ops::Range;

pub(crate) const TITLE: &str = "Contractive autoencoders: a code that moves little, but for the few ways in which digits differ";

/// Rows whose Jacobian is decomposed.
const DECOMPOSED: usize = 20;

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

struct Made {
    name: &'static str,
    tried: Vec<Way>,
    best: Way,
    model: Model,
    jacobian: f64,
    saturated: f64,
    test: f64,
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let all: Vec<usize> = (0..test.rows()).collect();
    let units = lab.pick(1000, 300);
    let sample: Vec<usize> = (0..test.rows().min(2000)).collect();
    let config = |kind: &Kind, strength: f64| -> Outcome<Config> {
        let mut parameters = Map::new();
        match kind.what {
            "lambda" => parameters.extend([("lambda".to_owned(), json!(strength))]),
            "level" => parameters.extend([
                ("noise".to_owned(), json!("masking")),
                ("level".to_owned(), json!(strength)),
            ]),
            _ => {}
        }
        Ok(Config::default()
            .family(kind.family.to_owned())
            .parameters(parameters)
            .net("shallow".parse::<Net>()?)
            .latent(units)
            .code_activation(Activation::Sigmoid)
            .tied(true)
            .likelihood("bernoulli".parse::<Likelihood>()?)
            .batch(lab.pick(128, 32))
            .learning_rate(1e-2)
            .epochs(lab.pick(40, 25))
            .l2(if kind.what == "l2" { strength } else { 0.0 })
            .validation(0.0)
            .test(0.0)
            .density("none".parse::<DensityChoice>()?))
    };
    // A classifier that has learned from some rows with a copy of the encoder, by gradient descent
    // as in the paper, to the last epoch: so no row has to be kept for stopping.
    let tuned = |model: &Model, rows: Range<usize>, learning_rate: f64| -> Outcome<Classifier> {
        let optimiser = Some(Method::Sgd);
        let head = Head {
            optimiser,
            epochs: Some(lab.pick(30, 20)),
            batch: 20,
            learning_rate,
            seed: lab.seed,
            ..Head::default()
        };
        let split = Split { train: rows.collect(), validation: Vec::new(), test: Vec::new() };
        Ok(Classifier::fit(model, &train, &split, &head, &mut |event| told("fine-tuning", event))?)
    };
    let tried = |kind: &Kind| -> Outcome<Vec<Way>> {
        let few = train.select(&(0..FEW).collect::<Vec<_>>())?;
        let validation: Vec<usize> = (train.rows() - HELD_OUT..train.rows()).collect();
        let mut tried = Vec::new();
        for strength in kind.strengths {
            let model = lab
                .fit(&format!("{} {strength}", kind.name), &config(kind, *strength)?, &few)?
                .model;
            for rate in RATES {
                tried.push(Way {
                    strength: *strength,
                    rate,
                    wrong: wrong(&tuned(&model, 0..FEW, rate)?, &train, &validation)?,
                });
            }
        }
        Ok(tried)
    };
    let one = |kind: &Kind| -> Outcome<Made> {
        let tried = match lab.mode {
            Mode::Full => tried(kind)?,
            Mode::Quick => Vec::new(),
        };
        let usual = Way { strength: kind.strengths[0], rate: RATES[0], wrong: f64::NAN };
        let best =
            tried.iter().copied().min_by(|a, b| a.wrong.total_cmp(&b.wrong)).unwrap_or(usual);
        let model = lab.fit(kind.name, &config(kind, best.strength)?, &train)?.model;
        let classifier = tuned(&model, 0..train.rows(), best.rate)?;
        let codes = model.encode_rows(&test, &sample)?.values;
        let ends = codes.iter().filter(|unit| !(0.05..=0.95).contains(*unit)).count();
        Ok(Made {
            name: kind.name,
            tried,
            best,
            jacobian: jacobian_norm(&model, &test, &sample)?,
            saturated: 100.0 * ends as f64 / codes.len() as f64,
            test: wrong(&classifier, &test, &all)?,
            model,
        })
    };
    let made = KINDS.iter().map(one).collect::<Outcome<Vec<_>>>()?;
    let (ours, plain) = (&made[0], &made[1]);

    let rows: Vec<usize> = (0..lab.pick(DECOMPOSED, 3)).collect();
    let mut spectra = vec![
        ["singular value number", "1", "5", "10", "20", "50", "100", "200"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let (mut curves, mut filters) = (Vec::new(), Vec::new());
    for of in &made {
        let spectrum = jacobian_spectrum(&of.model, &test, &rows)?;
        filters.extend(first_filters(&of.model, 20)?);
        let at = |which: usize| {
            spectrum.get(which - 1).map_or_else(|| "-".to_owned(), |value| number(*value))
        };
        spectra.push(
            std::iter::once(of.name.to_owned())
                .chain([1, 5, 10, 20, 50, 100, 200].map(at))
                .collect(),
        );
        curves.push((of.name, spectrum));
    }
    let curves: Vec<(&str, &[f64])> =
        curves.iter().map(|(name, spectrum)| (*name, spectrum.as_slice())).collect();
    let chart = lab.chart(
        "contractive-spectrum.svg",
        "How far the code follows the input in each direction, from the one that it follows most, averaged over the same digits; both axes are logarithmic",
        &curves,
        ["direction", "singular value of the Jacobian"],
    )?;
    let picture = lab.picture(
        "contractive.png",
        "What twenty units of each code look for before the fine-tuning, a line for each of contractive, plain, weight decay, denoising",
        &filters,
        &test.shape,
        20,
        2,
    )?;
    let mut rows = vec![
        [
            "code",
            "strength",
            "learning rate of fine-tuning",
            "test digits read wrongly, %",
            "mean norm of the Jacobian",
            "saturated units, %",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let strength =
        |way: &Way| if way.strength > 0.0 { number(way.strength) } else { "-".to_owned() };
    rows.extend(made.iter().map(|of| {
        vec![
            of.name.to_owned(),
            strength(&of.best),
            number(of.best.rate),
            number(of.test),
            number(of.jacobian),
            number(of.saturated),
        ]
    }));
    let mut ways = vec![
        std::iter::once("code, strength".to_owned()).chain(RATES.map(number)).collect::<Vec<_>>(),
    ];
    for of in &made {
        ways.extend(of.tried.chunks(RATES.len()).map(|ways| {
            let name = format!("{}, {}", of.name, strength(&ways[0]));
            std::iter::once(name).chain(ways.iter().map(|way| number(way.wrong))).collect()
        }));
    }
    let choice = match ways.len() {
        1 => String::new(),
        _ => format!(
            "Strengths and rates were chosen by {HELD_OUT} of the digits, after training on {FEW} others: validation digits read wrongly, in percent, \
             at each rate.\n\n{}\n",
            table(&ways)
        ),
    };
    let words = format!(
        "Four autoencoders with {units} sigmoid units and tied weights learn from {} digits; then a softmax on top of each is fine-tuned with it, by \
         gradient descent. The contractive one pays for every direction in which its code follows the input. The strength is the weight of \
         this, of weight decay that of the squared weights, of denoising the share of pixels hidden. Norm and saturation (units below 0.05 or \
         above 0.95) are those of the code before fine-tuning. Set-up: Rifai et al. 2011.\n\n\
         {}\n{choice}The singular values of the Jacobian, averaged over {} test digits: in how many directions, and how far, the code \
         follows.\n\n{}\n{chart}{picture}",
        train.rows(),
        table(&rows),
        lab.pick(DECOMPOSED, 3),
        table(&spectra)
    );
    Ok(Finding {
        checks: vec![
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
        ],
        words,
    })
}
