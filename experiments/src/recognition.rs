//! How well the code of each family tells what is in an image.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, line, number, table};
use crate::lab::{
    Known, Lab, Mode, bare, every_row, first_filters, linear, parameters, part, pixels,
};
use autoencoders::data::Dataset;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Classes;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::nearest_accuracy;
use autoencoders::study::principal_codes;
use autoencoders::{Activation, Config, FAMILIES, Matrix, Model};
use serde_json::{Value, json};

pub(crate) const TITLE: &str = "Recognition: how well each family's code tells what is in an image, though it was learned without labels";

/// In the manner of a family's paper, for codes of this size; everything else is the default.
fn manner(family: &str) -> Vec<(&'static str, Value)> {
    match family {
        "sparse" => vec![("rho", json!(0.05)), ("beta", json!(0.5))],
        "contractive" => vec![("lambda", json!(0.3))],
        "denoising" => vec![("level", json!(0.5))],
        "k-sparse" => vec![("k", json!(25)), ("alpha", json!(3.0))],
        "winner-take-all" => vec![("winners", json!(false))],
        _ => Vec::new(),
    }
}

/// Learning rates that are tried, the rows of these trainings, which take half as many epochs, and
/// the steps of the probe that judges them.
const RATES: [f64; 3] = [1e-3, 3e-3, 1e-2];
const FEW: usize = 10_000;
const FEW_STEPS: usize = 150;
/// Weights of a probe's squared weights that are tried.
const L2: [f64; 2] = [1e-5, 1e-4];

/// Numbers of a code.
fn units(lab: &Lab) -> usize {
    lab.pick(1000, 200)
}

/// Rows for validation.
fn held_out(lab: &Lab) -> usize {
    lab.pick(5000, 1000)
}

/// Passes over the images: fewer where one takes longer.
fn epochs(family: &str) -> usize {
    match family {
        "vae" => 8,
        "iwae" => 3,
        _ => 12,
    }
}

/// Images with their classes.
struct Images {
    data: Dataset,
    classes: Classes,
}

impl Images {
    fn new(data: Dataset) -> Outcome<Self> {
        Ok(Self { classes: Classes::new(&data)?, data })
    }
}

/// A set of images in three parts.
struct Set {
    name: &'static str,
    train: Images,
    /// For validation.
    held_out: Images,
    test: Images,
}

impl Set {
    fn read(lab: &Lab, name: &'static str) -> Outcome<Self> {
        let (all, test) = lab.images(name, 5000)?;
        let seen = all.rows() - held_out(lab);
        Ok(Self {
            name,
            train: Images::new(part(&all, 0..seen)?)?,
            held_out: Images::new(part(&all, seen..all.rows())?)?,
            test: Images::new(test)?,
        })
    }
}

fn config(lab: &Lab, family: &str, learning_rate: f64) -> Config {
    let distribution = ["vae", "iwae"].contains(&family);
    let units = units(lab);
    bare()
        .family(family)
        .parameters(parameters(manner(family)))
        // A code that is a distribution cannot be rectified: one hidden layer stands before it.
        .net(if distribution { Net::Mlp(vec![units / 2]) } else { Net::Shallow })
        .latent(units)
        .code_activation(["plain", "denoising"].contains(&family).then_some(Activation::Relu))
        .tied(!distribution)
        .likelihood(Likelihood::Bernoulli)
        .batch(100)
        .learning_rate(learning_rate)
        .epochs(lab.pick(epochs(family), 6))
}

/// A linear probe: softmax regression on codes.
fn probe(lab: &Lab, l2: f64, steps: usize, known: Known) -> Outcome<Linear> {
    linear(&lab.linear_head(HeadKind::Linear, l2, steps), known, 0..known.0.rows())
}

/// The learning rate of a family, and what it was chosen by: the right of validation rows in
/// percent for each that was tried.
struct Rate {
    family: &'static str,
    right: Vec<f64>,
    best: f64,
}

/// Chooses a learning rate by short trainings on few rows; a quick run takes the middle one.
fn rate(lab: &Lab, family: &'static str, set: &Set) -> Outcome<Rate> {
    if lab.mode == Mode::Quick {
        return Ok(Rate { family, right: Vec::new(), best: RATES[1] });
    }
    let few = Images::new(part(&set.train.data, 0..FEW)?)?;
    let right = |rate: f64| -> Outcome<f64> {
        let short = config(lab, family, rate).epochs(epochs(family).div_ceil(2));
        let model = lab.fit(&format!("{family}, rate {rate}"), &short, &few.data)?.model;
        let known = model.encode(&few.data)?;
        let probe = probe(lab, L2[0], FEW_STEPS, (&known, &few.classes))?;
        Ok(100.0 * probe.accuracy(&model.encode(&set.held_out.data)?, &set.held_out.classes)?)
    };
    let right = RATES.into_iter().map(right).collect::<Outcome<Vec<_>>>()?;
    let best = RATES.into_iter().zip(&right).max_by(|a, b| a.1.total_cmp(b.1));
    Ok(Rate { family, best: best.map_or(RATES[0], |(rate, _)| rate), right })
}

/// The codes of the three parts of a set.
struct Codes {
    train: Matrix,
    held_out: Matrix,
    test: Matrix,
}

impl Codes {
    fn of(set: &Set, code: impl Fn(&Dataset) -> Outcome<Matrix>) -> Outcome<Self> {
        Ok(Self {
            train: code(&set.train.data)?,
            held_out: code(&set.held_out.data)?,
            test: code(&set.test.data)?,
        })
    }
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
        let linear = probe(lab, *l2, lab.pick(300, 60), known)?;
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

/// How well a code tells what is in an image: right rows in percent.
struct Judged {
    /// The weight of the probe's squared weights.
    l2: f64,
    /// Validation rows that the probe reads rightly, and test rows.
    validation: f64,
    test: f64,
    /// Test rows whose nearest training rows are of their class.
    nearest: f64,
}

fn judge(lab: &Lab, set: &Set, codes: &Codes, among: &[f64]) -> Outcome<Judged> {
    let known = (&codes.train, &set.train.classes);
    let unseen = (&codes.test, &set.test.classes);
    let held_out = (&codes.held_out, &set.held_out.classes);
    let Probe { linear, l2, validation } = best_probe(lab, among, known, held_out)?;
    Ok(Judged {
        l2,
        validation,
        test: 100.0 * linear.accuracy(unseen.0, unseen.1)?,
        nearest: by_nearest(known, unseen)?,
    })
}

/// What was learned from a set: the model of each family, and how well its code reads; after these
/// codes, the principal components and the pixels themselves.
struct Learned {
    models: Vec<Model>,
    judged: Vec<Judged>,
}

/// Trains every family on a set and judges each code. Where another set was judged before, probes
/// are regularised as it was best there.
fn learned(lab: &Lab, set: &Set, rates: &[Rate], before: Option<&Learned>) -> Outcome<Learned> {
    let fit = |rate: &Rate| -> Outcome<Model> {
        let name = format!("{}: {}", set.name, rate.family);
        Ok(lab.fit(&name, &config(lab, rate.family, rate.best), &set.train.data)?.model)
    };
    let models = rates.iter().map(fit).collect::<Outcome<Vec<_>>>()?;
    let mut judged: Vec<Judged> = Vec::new();
    // One code at a time, for each takes much memory.
    let mut add = |codes: Codes| -> Outcome<()> {
        let among = before.map_or(L2.to_vec(), |before| vec![before.judged[judged.len()].l2]);
        judged.push(judge(lab, set, &codes, &among)?);
        Ok(())
    };
    for model in &models {
        add(Codes::of(set, |data| Ok(model.encode(data)?))?)?;
    }
    // Every model has these beside its own code.
    add(Codes::of(set, |data| Ok(principal_codes(&models[0], data, &every_row(data))?))?)?;
    add(Codes::of(set, pixels)?)?;
    Ok(Learned { models, judged })
}

/// The table of how well each code reads, on sets of these names.
fn reads(sets: &[(&str, &Learned)]) -> String {
    let columns =
        |name: &str| [format!("{name}: linear probe, %"), format!("{name}: 10 nearest, %")];
    let mut lines = vec![line("code", sets.iter().flat_map(|(name, _)| columns(name)))];
    let families = FAMILIES.iter().map(|entry| entry.name);
    for (at, code) in families.chain(["principal components", "raw pixels"]).enumerate() {
        let cells = sets.iter().flat_map(|(_, Learned { judged, .. })| {
            [judged[at].test, judged[at].nearest].map(number)
        });
        lines.push(line(code, cells));
    }
    table(&lines)
}

/// How the learning rates were chosen, where they were.
fn choice(lab: &Lab, rates: &[Rate]) -> String {
    if lab.mode == Mode::Quick {
        return String::new();
    }
    let mut lines = vec![line("code", RATES.map(number))];
    lines
        .extend(rates.iter().map(|rate| line(rate.family, rate.right.iter().copied().map(number))));
    format!(
        "The learning rate was chosen for each family on MNIST, by a linear probe on {} validation digits after half as many epochs on {FEW} \
         others: right validation digits, in percent, at each rate.\n\n{}\n",
        held_out(lab),
        table(&lines)
    )
}

/// What some units of each family look for.
fn picture(lab: &Lab, digits: &Set, models: &[Model]) -> Outcome<String> {
    let names = FAMILIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let filters =
        models.iter().map(|model| first_filters(model, 20)).collect::<Outcome<Vec<_>>>()?.concat();
    lab.picture(
        "recognition.png",
        &format!("What twenty units of each family look for in digits, a line for each of {names}; those of vae and iwae are of the layer before the code"),
        &filters,
        &digits.test.data.shape,
        20,
        2,
    )
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let digits = Set::read(lab, "mnist")?;
    let rates =
        FAMILIES.iter().map(|entry| rate(lab, entry.name, &digits)).collect::<Outcome<Vec<_>>>()?;
    let of_digits = learned(lab, &digits, &rates, None)?;
    let of_clothes = match lab.mode {
        Mode::Full => {
            Some(learned(lab, &Set::read(lab, "fashion-mnist")?, &rates, Some(&of_digits))?)
        }
        Mode::Quick => None,
    };
    let mut sets = vec![("mnist", &of_digits)];
    sets.extend(of_clothes.as_ref().map(|of_clothes| ("fashion", of_clothes)));
    let (best, family) = of_digits
        .judged
        .iter()
        .zip(FAMILIES)
        .max_by(|a, b| a.0.validation.total_cmp(&b.0.validation))
        .ok_or("no family")?;
    let words = format!(
        "Every family learns a code of {} numbers from images alone: one layer each way with shared weights (codes that are distributions have \
         a layer of {} more, and weights of their own each way), the same loss, and parameters in the manner of its paper; {}. Then the code is \
         asked what it knows: by a linear probe, which is a softmax regression on it, and by the ten nearest training codes, which vote. Labels \
         train the probe alone; through {} validation digits they also choose its regularisation and the family's learning rate, on MNIST. \
         The table has the right test images, in percent. The principal components are all that there are, at most 784: pixels seen \
         from another side, whose nearest neighbours are the same.\n\n{}\n\
         The best family is the one whose code the probe reads best on validation digits, so that test digits have no part in this choice: {}, with \
         {} % of validation digits right and {} % of test digits.\n\n{}{}",
        units(lab),
        units(lab) / 2,
        lab.pick("12 epochs, of vae 8 and of iwae 3, which take longer", "6 epochs"),
        held_out(lab),
        reads(&sets),
        family.name,
        number(best.validation),
        number(best.test),
        choice(lab, &rates),
        picture(lab, &digits, &of_digits.models)?,
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
