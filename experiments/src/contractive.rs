//! Codes that do not move when the input does.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, first_filters, told};
use autoencoders::data::Dataset;
use autoencoders::optimise::Method;
use autoencoders::recognise::{Classifier, Head};
use autoencoders::split::Split;
use autoencoders::{Activation, Config, Model};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Contractive autoencoders: a code that moves little, but for the few ways in which digits differ";

/// Rows whose Jacobian is decomposed.
const DECOMPOSED: usize = 20;

/// Weights of the contraction that are tried, and the training rows that they are tried on.
const LAMBDAS: [f64; 3] = [0.3, 0.7, 1.5];
const FEW: usize = 10_000;
/// Learning rates of the fine-tuning that are tried.
const RATES: [f64; 2] = [0.1, 0.3];

struct Made {
    name: &'static str,
    rate: f64,
    model: Model,
    jacobian: f64,
    saturated: f64,
    validation: f64,
    test: f64,
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let all: Vec<usize> = (0..test.rows()).collect();
    let held_out = lab.pick(10_000, 1000);
    let split = Split {
        train: (0..train.rows() - held_out).collect(),
        validation: (train.rows() - held_out..train.rows()).collect(),
        test: Vec::new(),
    };
    let seen = train.select(&split.train)?;
    let units = lab.pick(1000, 300);
    let sample: Vec<usize> = (0..test.rows().min(2000)).collect();
    let config = |family: &str, parameters: &[(&str, Value)], weight_decay: f64| -> Outcome<Config> {
        Ok(Config {
            family: family.to_owned(),
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            net: "shallow".parse()?,
            latent: units,
            code_activation: Some(Activation::Sigmoid),
            tied: true,
            likelihood: "bernoulli".parse()?,
            batch: lab.pick(128, 32),
            learning_rate: 1e-2,
            epochs: Some(lab.pick(40, 15)),
            l2: weight_decay,
            validation: 0.0,
            test: 0.0,
            density: "none".parse()?,
            ..Config::default()
        })
    };
    // A classifier that has learned from some rows with a copy of the encoder, by gradient descent as in the paper, to the last epoch: so
    // no row has to be kept for stopping.
    let tuned = |model: &Model, rows: &[usize], learning_rate: f64| -> Outcome<Classifier> {
        let optimiser = Some(Method::Sgd);
        let head = Head { optimiser, epochs: Some(lab.pick(30, 15)), batch: 20, learning_rate, seed: lab.seed, ..Head::default() };
        let split = Split { train: rows.to_vec(), validation: Vec::new(), test: Vec::new() };
        Ok(Classifier::fit(model, &train, &split, &head, &mut |event| told("fine-tuning", event))?)
    };
    let wrong =
        |classifier: &Classifier, data: &Dataset, rows: &[usize]| -> Outcome<f64> { Ok(100.0 * (1.0 - classifier.accuracy(data, rows)?)) };
    let few = &split.train[..lab.pick(FEW, 0)];
    let mut lambdas = Vec::new();
    // With one there is nothing to choose.
    for lambda in lab.pick(LAMBDAS.to_vec(), Vec::new()) {
        let config = config("contractive", &[("lambda", json!(lambda))], 0.0)?;
        let model = lab.fit(&format!("lambda {lambda}"), &config, &train.select(few)?)?.model;
        lambdas.push((lambda, wrong(&tuned(&model, few, RATES[0])?, &train, &split.validation)?));
    }
    let lambda = lambdas.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.7, |(lambda, _)| *lambda);
    let rates = lab.pick(RATES.to_vec(), RATES[..1].to_vec());
    let one = |name: &'static str, config: &Config| -> Outcome<Made> {
        let model = lab.fit(name, config, &seen)?.model;
        let mut tried = Vec::new();
        for rate in &rates {
            tried.push((*rate, wrong(&tuned(&model, &split.train, *rate)?, &train, &split.validation)?));
        }
        let (rate, validation) = tried.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).ok_or("no rate was tried")?;
        let model = lab.fit(&format!("{name}, every row"), config, &train)?.model;
        let classifier = tuned(&model, &(0..train.rows()).collect::<Vec<_>>(), rate)?;
        let codes = model.encode_rows(&test, &sample)?.values;
        let ends = codes.iter().filter(|unit| !(0.05..=0.95).contains(*unit)).count();
        Ok(Made {
            name,
            rate,
            jacobian: model.jacobian_norm(&test, &sample)?,
            saturated: 100.0 * ends as f64 / codes.len() as f64,
            validation,
            test: wrong(&classifier, &test, &all)?,
            model,
        })
    };
    let made = [
        one("contractive", &config("contractive", &[("lambda", json!(lambda))], 0.0)?)?,
        one("plain", &config("plain", &[], 0.0)?)?,
        one("weight decay", &config("plain", &[], 1e-3)?)?,
        one("denoising", &config("denoising", &[("noise", json!("masking")), ("level", json!(0.3))], 0.0)?)?,
    ];
    let (ours, plain) = (&made[0], &made[1]);

    let rows: Vec<usize> = (0..lab.pick(DECOMPOSED, 3)).collect();
    let mut spectra = vec![["singular value number", "1", "5", "10", "20", "50", "100", "200"].map(str::to_owned).to_vec()];
    let (mut curves, mut filters) = (Vec::new(), Vec::new());
    for of in &made {
        let spectrum = of.model.jacobian_spectrum(&test, &rows)?;
        filters.extend(first_filters(&of.model, 20)?);
        let at = |which: usize| spectrum.get(which - 1).map_or_else(|| "-".to_owned(), |value| number(*value));
        spectra.push(std::iter::once(of.name.to_owned()).chain([1, 5, 10, 20, 50, 100, 200].map(at)).collect());
        curves.push((of.name, spectrum));
    }
    let curves: Vec<(&str, &[f64])> = curves.iter().map(|(name, spectrum)| (*name, spectrum.as_slice())).collect();
    let chart = lab.chart(
        "contractive-spectrum.svg",
        "How far the code follows the input in each direction, from the one that it follows most; both axes are logarithmic",
        &curves,
        ["direction", "singular value of the Jacobian"],
    )?;
    let picture = lab.picture(
        "contractive.png",
        "What twenty units of each code look for before the fine-tuning: contractive, plain, weight decay, denoising",
        &filters,
        &test.shape,
        20,
        2,
    )?;
    let mut rows = vec![
        [
            "code",
            "learning rate of fine-tuning",
            "validation digits read wrongly, %",
            "test digits read wrongly, %",
            "mean norm of the Jacobian",
            "saturated units, %",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(made.iter().map(|of| {
        vec![of.name.to_owned(), number(of.rate), number(of.validation), number(of.test), number(of.jacobian), number(of.saturated)]
    }));
    let choice = match lambdas.len() {
        0 => String::new(),
        _ => {
            let mut rows = vec![["weight of the contraction", "validation digits read wrongly, %"].map(str::to_owned).to_vec()];
            rows.extend(lambdas.iter().map(|(lambda, wrong)| vec![number(*lambda), number(*wrong)]));
            format!(
                "The weight of the contraction was chosen by the same {held_out} digits, after training on {FEW}:\n\n{}\n",
                table(&rows)
            )
        }
    };
    let words = format!(
        "Four autoencoders with {units} sigmoid units and tied weights learn from {} digits; then a softmax on top of each is fine-tuned with it. \
         The learning rate of this is chosen for each by {held_out} of the digits, after training on the others; then all of them train. The contractive one \
         pays for every direction in which its code follows \
         the input. Norm and saturation (units below 0.05 or above 0.95) are those of the code before fine-tuning. Set-up: Rifai et al. 2011.\n\n\
         {}\n{choice}The singular values of the Jacobian, averaged over {} test digits: in how many directions, and how far, the code \
         follows.\n\n{}\n{chart}{picture}",
        train.rows(),
        table(&rows),
        lab.pick(DECOMPOSED, 3),
        table(&spectra)
    );
    Ok(Finding {
        checks: vec![
            Check::new("test digits read wrongly, %", Some(1.14), Target::AtMost(lab.pick(1.3, 6.0)), ours.test),
            Check::new("less than plain's by, percentage points", Some(0.64), Target::AtLeast(lab.pick(0.0, -0.5)), plain.test - ours.test),
            Check::new(
                "norm of plain's Jacobian, as a multiple of its own",
                Some(24.0),
                Target::AtLeast(lab.pick(10.0, 3.0)),
                plain.jacobian / ours.jacobian,
            ),
        ],
        words,
    })
}
