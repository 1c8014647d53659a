//! What experiments share: data, sizes, trainings, and where pictures go.

use crate::Outcome;
use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Split;
use autoencoders::data::read;
use autoencoders::settings::DensityChoice;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::encoder_filters;
use autoencoders::{Config, Event, Flow, Matrix, Model, Trained, fit};
use draw::colour::around_grey;
use draw::png_grid;
use serde_json::{Map, Value};
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As the papers do it, as far as two cores and half an hour reach.
    Full,
    /// Enough to see that nothing is broken.
    Quick,
}

/// Codes and what they are of.
pub(crate) type Known<'a> = (&'a Matrix, &'a Classes);

pub(crate) struct Lab {
    pub mode: Mode,
    pub seed: u64,
    data: PathBuf,
}

impl Lab {
    pub(crate) fn new(mode: Mode, seed: u64) -> Outcome<Self> {
        let data =
            PathBuf::from(std::env::var("AE_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
        if !data.is_dir() {
            return Err(format!(
                "{} is no folder; set AE_DATA to one that holds mnist, fashion-mnist and kodak",
                data.display()
            )
            .into());
        }
        Ok(Self { mode, seed, data })
    }

    /// One of two numbers, by how much is done.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.mode == Mode::Full { full } else { quick }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// The training and the test rows of `mnist` or `fashion-mnist`, with labels; a quick run takes
    /// the first rows alone.
    pub(crate) fn images(&self, set: &str, quick_rows: usize) -> Outcome<(Dataset, Dataset)> {
        let one = |which: &str, rows: usize| -> Outcome<Dataset> {
            let file = |what: &str| self.path(&format!("{set}/{which}-{what}-ubyte.gz"));
            let options =
                ReadOptions { labels: Some(file("labels-idx1")), ..ReadOptions::default() };
            let data = read(&file("images-idx3").display().to_string(), &options)?;
            let rows = self.pick(data.rows(), rows.min(data.rows()));
            if rows < data.rows() { part(&data, 0..rows) } else { Ok(data) }
        };
        Ok((one("train", quick_rows)?, one("t10k", quick_rows / 3)?))
    }

    /// Trains, and tells on one line how far it is and at its end how long it took.
    pub(crate) fn fit(&self, what: &str, config: &Config, data: &Dataset) -> Outcome<Trained> {
        let config = config.clone().seed(self.seed);
        let begun = Instant::now();
        let trained = fit(&config, data, None, false, &mut |event| told(what, event))?;
        eprintln!(
            "{}{what}: {:.0} s",
            if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" },
            begun.elapsed().as_secs_f64()
        );
        Ok(trained)
    }

    /// The settings of a linear classifier on codes.
    pub(crate) fn linear_head(&self, kind: HeadKind, l2: f64, steps: usize) -> Head {
        Head { kind, l2, epochs: Some(steps), seed: self.seed, ..Head::default() }
    }

    /// Makes one picture of images from 0 to 1, and gives the Markdown that shows it; only a full
    /// run keeps it.
    pub(crate) fn picture(
        &self,
        name: &str,
        what: &str,
        images: &[f32],
        shape: &Shape,
        per_row: usize,
        scale: usize,
    ) -> Outcome<String> {
        self.shown(name, what, &png_grid(images, shape, per_row, Some(scale))?)
    }

    /// The same for curves.
    pub(crate) fn chart(
        &self,
        name: &str,
        what: &str,
        curves: &[(&str, &[f64])],
        [across, up]: [&str; 2],
    ) -> Outcome<String> {
        self.shown(name, what, draw::chart::curves(curves, across, up)?.as_bytes())
    }

    fn shown(&self, name: &str, what: &str, picture: &[u8]) -> Outcome<String> {
        if self.mode == Mode::Full {
            std::fs::write(crate::page::folder()?.join(name), picture)?;
        }
        Ok(format!("![{what}](results/{name})\n\n*{what}*\n\n"))
    }
}

/// Every row of a set, by its number.
pub(crate) fn every_row(data: &Dataset) -> Vec<usize> {
    (0..data.rows()).collect()
}

/// The rows of a range.
pub(crate) fn part(data: &Dataset, rows: Range<usize>) -> Outcome<Dataset> {
    Ok(data.select(&rows.collect::<Vec<_>>())?)
}

/// The first row of each digit.
pub(crate) fn one_of_each_digit(data: &Dataset) -> Outcome<Vec<usize>> {
    let labels = data.labels.as_ref().ok_or("no labels")?;
    let first = |digit: usize| labels.iter().position(|label| *label == digit.to_string());
    Ok((0..10).map(first).collect::<Option<_>>().ok_or("a digit is missing")?)
}

/// A training on every row to its last epoch, after which no density of the codes is learned.
pub(crate) fn bare() -> Config {
    Config::default().validation(0.0).test(0.0).density(DensityChoice::None)
}

/// Parameters of a family.
pub(crate) fn parameters(
    named: impl IntoIterator<Item = (&'static str, Value)>,
) -> Map<String, Value> {
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A classifier on codes of known classes, which learns from some of their rows.
pub(crate) fn linear(
    head: &Head,
    (codes, classes): Known,
    rows: impl IntoIterator<Item = usize>,
) -> Outcome<Linear> {
    let rows = rows.into_iter().collect();
    let split = Split { train: rows, validation: Vec::new(), test: Vec::new() };
    Ok(Linear::fit(codes, classes, &split, head, &mut |event| told("linear", event))?)
}

/// A classifier on the code of a model, or fine-tuned with a copy of its encoder, as the head says:
/// every row trains, to the last epoch.
pub(crate) fn classifier(model: &Model, data: &Dataset, head: &Head) -> Outcome<Classifier> {
    let all = Split::all(data.rows());
    Ok(Classifier::fit(model, data, &all, head, &mut |event| told("classifier", event))?)
}

/// How many rows a classifier reads rightly, in percent.
pub(crate) fn right(classifier: &Classifier, data: &Dataset) -> Outcome<f64> {
    Ok(100.0 * classifier.accuracy(data, &every_row(data))?)
}

/// How many rows a classifier reads wrongly, in percent.
pub(crate) fn wrong(classifier: &Classifier, data: &Dataset) -> Outcome<f64> {
    Ok(100.0 * (1.0 - classifier.accuracy(data, &every_row(data))?))
}

/// What the first units of the first layer of a model look for: grey where a pixel does not matter.
pub(crate) fn first_filters(model: &Model, count: usize) -> Outcome<Vec<f32>> {
    let filters = encoder_filters(model)?.ok_or("the first layer has no weights")?.weights;
    Ok(filters.values.chunks_exact(filters.columns).take(count).flat_map(around_grey).collect())
}

/// The pixels of images of bytes, between 0 and 1: a code that nothing was learned for.
pub(crate) fn pixels(images: &Dataset) -> Outcome<Matrix> {
    let bytes = Matrix::of(images, 0..images.rows())?.narrow();
    Ok(Matrix { columns: bytes.columns, values: unit(bytes.values) })
}

/// Pixels between 0 and 1, of bytes.
pub(crate) fn unit(bytes: Vec<f32>) -> Vec<f32> {
    bytes.into_iter().map(|byte| byte / 255.0).collect()
}

/// Tells on a terminal what happens.
pub(crate) fn told(what: &str, event: &Event) -> Flow {
    if !std::io::stderr().is_terminal() {
        return Flow::Continue;
    }
    let (part, record) = match event {
        Event::Epoch(record) => (String::new(), record),
        Event::Layer { layer, of, record } => (format!(" layer {} of {of}", layer + 1), record),
        _ => return Flow::Continue,
    };
    let loss = record.validation.as_ref().unwrap_or(&record.train).sum();
    eprint!("\r{what}{part}: epoch {} of {}, loss {loss:.4}   ", record.epoch, record.of);
    std::io::stderr().flush().ok();
    Flow::Continue
}
