//! How well the code of each family tells what is in an image.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Known, Lab, first_filters, linear, pixels};
use autoencoders::data::Dataset;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Classes;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::nearest_accuracy;
use autoencoders::study::principal_codes;
use autoencoders::{Activation, Config, FAMILIES, Matrix};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Recognition: how well each family's code tells what is in an image, though it was learned without labels";

/// In the manner of a family's paper, for codes of this size; everything else is the default.
fn parameters(family: &str) -> Vec<(&'static str, Value)> {
    match family {
        "sparse" => vec![("rho", json!(0.05)), ("beta", json!(0.5))],
        "contractive" => vec![("lambda", json!(0.3))],
        "denoising" => vec![("level", json!(0.5))],
        "k-sparse" => vec![("k", json!(25)), ("alpha", json!(3.0))],
        "winner-take-all" => vec![("winners", json!(false))],
        _ => Vec::new(),
    }
}

/// Learning rates that are tried, and the rows of these trainings, which take half as many epochs.
const RATES: [f64; 3] = [1e-3, 3e-3, 1e-2];
const FEW: usize = 10_000;
/// Rows for validation.
const HELD_OUT: usize = 5000;
/// Weights of a probe's squared weights that are tried.
const L2: [f64; 2] = [1e-5, 1e-4];
/// Steps of a probe: to choose a learning rate, and at the end.
const STEPS: (usize, usize) = (150, 300);
/// Passes over the images: fewer where one takes longer.
fn epochs(family: &str) -> usize {
    match family {
        "vae" => 8,
        "iwae" => 3,
        _ => 12,
    }
}

/// A family's code of MNIST as the probe reads it: right rows in percent.
struct Judged {
    family: &'static str,
    validation: f64,
    test: f64,
}

fn config(lab: &Lab, family: &str, units: usize, learning_rate: f64) -> Outcome<Config> {
    let distribution = ["vae", "iwae"].contains(&family);
    Ok(Config::default()
        .family(family.to_owned())
        .parameters(
            parameters(family)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>(),
        )
        // A code that is a distribution cannot be rectified: one hidden layer stands before it.
        .net(
            (if distribution { format!("mlp:{}", units / 2) } else { "shallow".to_owned() })
                .parse::<Net>()?,
        )
        .latent(units)
        .code_activation(["plain", "denoising"].contains(&family).then_some(Activation::Relu))
        .tied(!distribution)
        .likelihood("bernoulli".parse::<Likelihood>()?)
        .batch(100)
        .learning_rate(learning_rate)
        .epochs(lab.pick(epochs(family), 6))
        .validation(0.0)
        .test(0.0)
        .density("none".parse::<DensityChoice>()?))
}

/// A linear probe: softmax regression on codes.
fn probe(lab: &Lab, l2: f64, steps: usize, known: Known) -> Outcome<Linear> {
    linear(lab, HeadKind::Linear, l2, steps, known, (0..known.0.rows()).collect())
}

/// A probe with its weight of the squared weights, and the right validation rows in percent.
struct Probe {
    linear: Linear,
    l2: f64,
    validation: f64,
}

/// The probe that is best on validation rows, among those with some weights of their squared
/// weights.
fn best_probe(lab: &Lab, among: &[f64], known: Known, held_out: Known) -> Outcome<Probe> {
    let one = |l2: &f64| -> Outcome<Probe> {
        let linear = probe(lab, *l2, lab.pick(STEPS.1, 60), known)?;
        Ok(Probe { validation: 100.0 * linear.accuracy(held_out.0, held_out.1)?, linear, l2: *l2 })
    };
    let tried = among.iter().map(one).collect::<Outcome<Vec<_>>>()?;
    Ok(tried
        .into_iter()
        .max_by(|a, b| a.validation.total_cmp(&b.validation))
        .ok_or("no weight was tried")?)
}

/// Right of rows in percent by the ten nearest of those that are known.
fn by_nearest(known: Known, asked: Known) -> Outcome<f64> {
    let of = |classes: &Classes| classes.of.iter().flatten().copied().collect::<Vec<_>>();
    Ok(100.0 * nearest_accuracy((known.0, &of(known.1)), (asked.0, &of(asked.1)), 10)?)
}

/// The right of validation rows for each learning rate after a short training on few rows.
fn rates(
    lab: &Lab,
    family: &str,
    units: usize,
    train: &Dataset,
    held_out: &Dataset,
) -> Outcome<Vec<f64>> {
    let few = train.select(&(0..FEW).collect::<Vec<_>>())?;
    let (own, truth) = (Classes::new(&few)?, Classes::new(held_out)?);
    let right = |rate: f64| -> Outcome<f64> {
        let short = config(lab, family, units, rate)?.epochs(epochs(family).div_ceil(2));
        let model = lab.fit(&format!("{family}, rate {rate}"), &short, &few)?.model;
        let probe = probe(lab, L2[0], STEPS.0, (&model.encode(&few)?, &own))?;
        Ok(100.0 * probe.accuracy(&model.encode(held_out)?, &truth)?)
    };
    RATES.into_iter().map(right).collect()
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let units = lab.pick(1000, 200);
    let mut rows = vec![
        [
            "code",
            "mnist: linear probe, %",
            "mnist: 10 nearest, %",
            "fashion: linear probe, %",
            "fashion: 10 nearest, %",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(FAMILIES.iter().map(|entry| vec![entry.name.to_owned()]));
    rows.extend([vec!["principal components".to_owned()], vec!["raw pixels".to_owned()]]);
    let mut codes_of_mnist: Vec<Judged> = Vec::new();
    let mut images = Vec::new();
    let mut tried =
        vec![std::iter::once("code".to_owned()).chain(RATES.map(number)).collect::<Vec<_>>()];
    // The learning rate of each family, and the probe's regularisation for each code: chosen on
    // MNIST, and kept.
    let mut chosen = Vec::new();
    let mut among = vec![L2.to_vec(); rows.len() - 1];
    let mut shape = None;
    for set in lab.pick(vec!["mnist", "fashion-mnist"], vec!["mnist"]) {
        let (all, test) = lab.images(set, 5000)?;
        let seen = all.rows() - lab.pick(HELD_OUT, 1000);
        let (train, held_out) = (
            all.select(&(0..seen).collect::<Vec<_>>())?,
            all.select(&(seen..all.rows()).collect::<Vec<_>>())?,
        );
        let classes = [Classes::new(&train)?, Classes::new(&held_out)?, Classes::new(&test)?];
        // Reads codes of the three sets, and adds to the row of the table.
        let mut judge = |at: usize, codes: [Matrix; 3]| -> Outcome<()> {
            let [known, held_out, unseen] = [0, 1, 2].map(|which| (&codes[which], &classes[which]));
            let best = best_probe(lab, &among[at], known, held_out)?;
            among[at] = vec![best.l2];
            let test =
                [100.0 * best.linear.accuracy(unseen.0, unseen.1)?, by_nearest(known, unseen)?];
            rows[at + 1].extend(test.map(number));
            if let Some(family) = FAMILIES.get(at).filter(|_| set == "mnist") {
                codes_of_mnist.push(Judged {
                    family: family.name,
                    validation: best.validation,
                    test: test[0],
                });
            }
            Ok(())
        };
        for (at, entry) in FAMILIES.iter().enumerate() {
            if set == "mnist" && lab.pick(true, false) {
                let right = rates(lab, entry.name, units, &train, &held_out)?;
                let best = RATES.into_iter().zip(&right).max_by(|a, b| a.1.total_cmp(b.1));
                chosen.push(best.map_or(RATES[0], |(rate, _)| rate));
                tried.push(
                    std::iter::once(entry.name.to_owned())
                        .chain(right.into_iter().map(number))
                        .collect(),
                );
            }
            let rate = chosen.get(at).copied().unwrap_or(RATES[1]);
            let model = lab
                .fit(
                    &format!("{set}: {}", entry.name),
                    &config(lab, entry.name, units, rate)?,
                    &train,
                )?
                .model;
            judge(at, [model.encode(&train)?, model.encode(&held_out)?, model.encode(&test)?])?;
            if set == "mnist" {
                images.extend(first_filters(&model, 20)?);
            }
            // Every model has these beside its own code.
            if at == 0 {
                let principal = |data: &Dataset| {
                    principal_codes(&model, data, &(0..data.rows()).collect::<Vec<_>>())
                };
                judge(
                    FAMILIES.len(),
                    [principal(&train)?, principal(&held_out)?, principal(&test)?],
                )?;
            }
        }
        judge(FAMILIES.len() + 1, [pixels(&train)?, pixels(&held_out)?, pixels(&test)?])?;
        shape = Some(test.shape.clone());
    }
    if lab.pick(false, true) {
        rows.iter_mut().for_each(|row| row.truncate(3));
    }
    let best = codes_of_mnist
        .iter()
        .max_by(|a, b| a.validation.total_cmp(&b.validation))
        .ok_or("no family")?;
    let names = FAMILIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let picture = lab.picture(
        "recognition.png",
        &format!("What twenty units of each family look for in digits, a line for each of {names}; those of vae and iwae are of the layer before the code"),
        &images,
        &shape.ok_or("no set")?,
        20,
        2,
    )?;
    let tried = match tried.len() {
        1 => String::new(),
        _ => format!(
            "The learning rate was chosen for each family on MNIST, by a linear probe on {HELD_OUT} validation digits after half as many epochs on {FEW} \
             others: right validation digits, in percent, at each rate.\n\n{}\n",
            table(&tried)
        ),
    };
    let words = format!(
        "Every family learns a code of {units} numbers from images alone: one layer each way with shared weights (codes that are distributions have \
         a layer of {} more, and weights of their own each way), the same loss, and parameters in the manner of its paper; {}. Then the code is \
         asked what it knows: by a linear probe, which is a softmax regression on it, and by the ten nearest training codes, which vote. Labels \
         train the probe alone; through {} validation digits they also choose its regularisation and the family's learning rate, on MNIST. \
         The table has the right test images, in percent. The principal components are all that there are, at most 784: pixels seen \
         from another side, whose nearest neighbours are the same.\n\n{}\n\
         The best family is the one whose code the probe reads best on validation digits, so that test digits have no part in this choice: {}, with \
         {} % of validation digits right and {} % of test digits.\n\n{tried}{picture}",
        units / 2,
        lab.pick("12 epochs, of vae 8 and of iwae 3, which take longer", "6 epochs"),
        lab.pick(HELD_OUT, 1000),
        table(&rows),
        best.family,
        number(best.validation),
        number(best.test),
    );
    Ok(Finding {
        checks: vec![Check::new(
            "test digits read rightly by the best family, %",
            None,
            Target::AtLeast(lab.pick(98.0, 88.0)),
            best.test,
        )],
        words,
    })
}
