//! Codes of which little is on at a time, told apart by a straight line.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Known, Lab, bare, every_row, linear, parameters, pixels};
use autoencoders::data::Dataset;
use autoencoders::data::Split;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Classes;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::decoder_filters;
use autoencoders::{Config, Matrix, Model};
use draw::colour::around_grey;
use serde_json::{Value, json};

pub(crate) const TITLE: &str =
    "Winner-take-all and k-sparse autoencoders: sparse codes that a linear classifier can read";

/// The weights of the squared weights that are tried on validation rows.
const L2: [f64; 3] = [1e-5, 1e-4, 1e-3];

/// Steps of a classifier to choose how a code is trained.
fn few_steps(lab: &Lab) -> usize {
    lab.pick(300, 60)
}

/// Steps of a classifier at the end: it goes on getting better until then.
fn steps(lab: &Lab) -> usize {
    lab.pick(1000, 60)
}

/// How a code is trained.
#[derive(Clone, Copy)]
struct Way {
    tied: bool,
    learning_rate: f64,
    /// The weight of the squared weights in the loss.
    l2: f64,
    epochs: usize,
}

impl Way {
    /// How its weights are told.
    fn weights(self) -> &'static str {
        if self.tied { "shared by encoder and decoder" } else { "separate" }
    }
}

/// How a code is trained in a quick run.
const QUICK: Way = Way { tied: true, learning_rate: 3e-3, l2: 1e-4, epochs: 20 };

/// A code of the paper.
struct Code {
    family: &'static str,
    parameters: Vec<(&'static str, Value)>,
    units: usize,
    kind: HeadKind,
    /// How it may be trained.
    ways: Vec<Way>,
}

impl Code {
    fn winner_take_all(lab: &Lab) -> Self {
        let short = Way { tied: true, learning_rate: 1e-3, l2: 1e-4, epochs: 5 };
        let ways = vec![
            Way { tied: false, learning_rate: 1e-3, l2: 0.0, epochs: 10 },
            Way { tied: true, learning_rate: 1e-3, l2: 0.0, epochs: 10 },
            short,
            Way { epochs: 10, ..short },
            Way { epochs: 20, ..short },
        ];
        Self {
            family: "winner-take-all",
            parameters: vec![("lifetime", json!(0.05)), ("winners", json!(false))],
            units: lab.pick(2000, 400),
            kind: HeadKind::Svm,
            ways: lab.pick(ways, vec![QUICK]),
        }
    }

    fn k_sparse(lab: &Lab) -> Self {
        let ways = vec![
            Way { tied: false, learning_rate: 1e-3, l2: 0.0, epochs: 40 },
            Way { tied: true, learning_rate: 1e-3, l2: 0.0, epochs: 40 },
            Way { tied: true, learning_rate: 3e-3, l2: 1e-4, epochs: 40 },
        ];
        Self {
            family: "k-sparse",
            parameters: vec![("k", json!(25)), ("alpha", json!(3.0)), ("warm_up", json!(0.5))],
            units: lab.pick(1000, 400),
            kind: HeadKind::Linear,
            ways: lab.pick(ways, vec![QUICK]),
        }
    }

    fn config(&self, way: Way) -> Config {
        bare()
            .family(self.family)
            .parameters(parameters(self.parameters.clone()))
            .net(Net::Shallow)
            .latent(self.units)
            .tied(way.tied)
            .l2(way.l2)
            .likelihood(Likelihood::Gaussian)
            .batch(100)
            .learning_rate(way.learning_rate)
            .epochs(way.epochs)
    }
}

/// The digits with their classes; the last of those for training validate.
struct Digits {
    train: Dataset,
    classes: Classes,
    split: Split,
    /// The rows for training that do not validate.
    seen: Dataset,
    test: Dataset,
    truth: Classes,
}

impl Digits {
    fn read(lab: &Lab) -> Outcome<Self> {
        let (train, test) = lab.images("mnist", 6000)?;
        let seen = train.rows() - lab.pick(10_000, 1000);
        let split = Split {
            train: (0..seen).collect(),
            validation: (seen..train.rows()).collect(),
            test: Vec::new(),
        };
        Ok(Self {
            classes: Classes::new(&train)?,
            truth: Classes::new(&test)?,
            seen: train.select(&split.train)?,
            split,
            train,
            test,
        })
    }
}

/// A way that was tried.
struct Tried {
    way: Way,
    model: Model,
    /// Validation digits read wrongly, in percent.
    wrong: f64,
}

/// The classifier that suits a code best on validation rows, which it reads wrongly so often.
struct Chosen {
    head: Head,
    validation: f64,
}

/// A code as its classifier reads it, with the wrong test digits in percent.
struct Read {
    chosen: Chosen,
    test: f64,
}

/// A code in the way that suits it best.
struct Made {
    code: Code,
    tried: Vec<Tried>,
    /// Trained in the best way on every row.
    model: Model,
    read: Read,
}

/// How many of some rows a classifier reads wrongly, in percent.
fn wrong(machine: &Linear, (codes, classes): Known, rows: &[usize]) -> Outcome<f64> {
    let values = rows.iter().flat_map(|row| codes.row(*row).iter().copied()).collect();
    let truth =
        Classes { of: rows.iter().map(|row| classes.of[*row]).collect(), ..classes.clone() };
    Ok(100.0 * (1.0 - machine.accuracy(&Matrix { columns: codes.columns, values }, &truth)?))
}

/// How many validation rows a classifier reads wrongly that has learned from the others, in percent.
fn validated(digits: &Digits, head: &Head, codes: &Matrix) -> Outcome<f64> {
    let known = (codes, &digits.classes);
    let machine = linear(head, known, digits.split.train.clone())?;
    wrong(&machine, known, &digits.split.validation)
}

/// A code trained in one way.
fn tried(lab: &Lab, digits: &Digits, code: &Code, way: Way) -> Outcome<Tried> {
    let name = format!(
        "{}, {}, rate {}, l2 {}, {} epochs",
        code.family,
        way.weights(),
        way.learning_rate,
        way.l2,
        way.epochs
    );
    let model = lab.fit(&name, &code.config(way), &digits.seen)?.model;
    let head = lab.linear_head(code.kind, L2[1], few_steps(lab));
    let wrong = validated(digits, &head, &model.encode(&digits.train)?)?;
    Ok(Tried { way, model, wrong })
}

/// The classifier of a kind with the weight of its squared weights that is best on validation rows.
fn regularised(lab: &Lab, digits: &Digits, kind: HeadKind, codes: &Matrix) -> Outcome<Chosen> {
    let one = |l2: f64| -> Outcome<Chosen> {
        let head = lab.linear_head(kind, l2, steps(lab));
        Ok(Chosen { validation: validated(digits, &head, codes)?, head })
    };
    let tried = L2.into_iter().map(one).collect::<Outcome<Vec<_>>>()?;
    let best = tried.into_iter().min_by(|a, b| a.validation.total_cmp(&b.validation));
    Ok(best.ok_or("nothing was tried")?)
}

/// What was chosen learns from every row of the training file before it sees the test.
fn read(digits: &Digits, chosen: Chosen, known: &Matrix, unseen: &Matrix) -> Outcome<Read> {
    let machine = linear(&chosen.head, (known, &digits.classes), every_row(&digits.train))?;
    let test = wrong(&machine, (unseen, &digits.truth), &every_row(&digits.test))?;
    Ok(Read { chosen, test })
}

/// Tries each way to train a code, and trains it in the best on every row.
fn made(lab: &Lab, digits: &Digits, code: Code) -> Outcome<Made> {
    let one = |way: &Way| tried(lab, digits, &code, *way);
    let tried = code.ways.iter().map(one).collect::<Outcome<Vec<_>>>()?;
    let best =
        tried.iter().min_by(|a, b| a.wrong.total_cmp(&b.wrong)).ok_or("nothing was tried")?;
    let chosen = regularised(lab, digits, code.kind, &best.model.encode(&digits.train)?)?;
    let name = format!("{}, every row", code.family);
    let model = lab.fit(&name, &code.config(best.way), &digits.train)?.model;
    let (known, unseen) = (model.encode(&digits.train)?, model.encode(&digits.test)?);
    let read = read(digits, chosen, &known, &unseen)?;
    Ok(Made { code, tried, model, read })
}

/// The pixels themselves, read in the same way.
fn raw(lab: &Lab, digits: &Digits) -> Outcome<Read> {
    let (known, unseen) = (pixels(&digits.train)?, pixels(&digits.test)?);
    let chosen = regularised(lab, digits, HeadKind::Svm, &known)?;
    read(digits, chosen, &known, &unseen)
}

/// The table of how well each code reads.
fn reads(winners: &Made, sparse: &Made, raw: &Read) -> String {
    let row = |name: &str, Read { chosen: Chosen { head, validation }, test }: &Read| {
        let classifier = match head.kind {
            HeadKind::Svm => "linear support vector machines",
            _ => "softmax regression",
        };
        let numbers = [head.l2, *validation, *test].map(number);
        line(name, std::iter::once(classifier.to_owned()).chain(numbers))
    };
    let of_winners =
        format!("winner-take-all, {} units, each kept on 5 % of a batch", winners.code.units);
    let of_sparse = format!("k-sparse, {} units, 25 of them kept for a row", sparse.code.units);
    table(&[
        head([
            "code",
            "classifier",
            "price of the classifier's squared weights",
            "validation digits read wrongly, %",
            "test digits read wrongly, %",
        ]),
        row(&of_winners, &winners.read),
        row(&of_sparse, &sparse.read),
        row("raw pixels", raw),
    ])
}

/// The table of what was tried.
fn ways(made: [&Made; 2]) -> String {
    let mut lines = vec![head([
        "code",
        "weights",
        "learning rate",
        "price of the autoencoder's squared weights",
        "epochs",
        "validation digits read wrongly, %",
    ])];
    for of in made {
        lines.extend(of.tried.iter().map(|Tried { way, wrong, .. }| {
            let cells = [
                way.weights().to_owned(),
                number(way.learning_rate),
                number(way.l2),
                way.epochs.to_string(),
                number(*wrong),
            ];
            line(of.code.family, cells)
        }));
    }
    table(&lines)
}

/// What units of the winner-take-all code draw.
fn picture(lab: &Lab, digits: &Digits, winners: &Made) -> Outcome<String> {
    let filters = decoder_filters(&winners.model)?.ok_or("no filters")?;
    let images: Vec<f32> =
        filters.weights.values.chunks_exact(784).take(200).flat_map(around_grey).collect();
    lab.picture(
        "winner-take-all.png",
        "What 200 of the units of the winner-take-all code draw",
        &images,
        &digits.test.shape,
        20,
        2,
    )
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let digits = Digits::read(lab)?;
    let winners = made(lab, &digits, Code::winner_take_all(lab))?;
    let sparse = made(lab, &digits, Code::k_sparse(lab))?;
    let raw = raw(lab, &digits)?;
    let words = format!(
        "Two codes wider than the image, kept sparse by selection alone, without a penalty: of each unit the rows that excite it most, or of each row \
         the units that it excites most. A linear classifier on the code then reads the digit. How a code is trained, and how its classifier is \
         regularised, is chosen on {} validation digits after training on the {} others; what was chosen is then trained on all of them. \
         Set-up: Makhzani and Frey 2014 and 2015.\n\n{}\nWhat was tried, with classifiers of {} steps at a price of {} where those above have {} steps:\n\n{}\n{}",
        digits.split.validation.len(),
        digits.split.train.len(),
        reads(&winners, &sparse, &raw),
        few_steps(lab),
        number(L2[1]),
        steps(lab),
        ways([&winners, &sparse]),
        picture(lab, &digits, &winners)?,
    );
    Ok(Finding {
        checks: vec![
            Check::new(
                "test digits read wrongly by winner-take-all, %",
                Some(1.2),
                Target::AtMost(lab.pick(1.45, 8.0)),
                winners.read.test,
            ),
            Check::new(
                "test digits read wrongly by k-sparse, %",
                Some(1.35),
                Target::AtMost(lab.pick(1.45, 9.0)),
                sparse.read.test,
            ),
        ],
        words,
    })
}
