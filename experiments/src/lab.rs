//! What experiments share: data, sizes, and where pictures go.

use crate::Outcome;
use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Split;
use autoencoders::data::read;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::Linear;
use autoencoders::study::encoder_filters;
use autoencoders::{Config, Event, Flow, Matrix, Model, Trained, fit};
use draw::colour::around_grey;
use draw::png_grid;
use std::io::{IsTerminal, Write};
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
            Ok(if rows < data.rows() { data.select(&(0..rows).collect::<Vec<_>>())? } else { data })
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

/// A classifier on codes of known classes, after so many steps from those of some rows.
pub(crate) fn linear(
    lab: &Lab,
    kind: HeadKind,
    l2: f64,
    steps: usize,
    (codes, classes): Known,
    rows: Vec<usize>,
) -> Outcome<Linear> {
    let head = Head { kind, l2, epochs: Some(steps), seed: lab.seed, ..Head::default() };
    let split = Split { train: rows, validation: Vec::new(), test: Vec::new() };
    Ok(Linear::fit(codes, classes, &split, &head, &mut |event| told("linear", event))?)
}

/// How many of some rows a classifier reads wrongly, in percent.
pub(crate) fn wrong(classifier: &Classifier, data: &Dataset, rows: &[usize]) -> Outcome<f64> {
    Ok(100.0 * (1.0 - classifier.accuracy(data, rows)?))
}

/// What the first units of the first layer of a model look for: grey where a pixel does not matter.
pub(crate) fn first_filters(model: &Model, count: usize) -> Outcome<Vec<f32>> {
    let filters = encoder_filters(model)?.ok_or("the first layer has no weights")?.weights;
    Ok(filters.values.chunks_exact(filters.columns).take(count).flat_map(around_grey).collect())
}

/// The pixels of images of bytes, between 0 and 1: a code that nothing was learned for.
pub(crate) fn pixels(images: &Dataset) -> Outcome<Matrix> {
    let bytes = Matrix::of(images, 0..images.rows())?;
    Ok(Matrix {
        columns: bytes.columns,
        values: bytes.values.iter().map(|byte| byte / 255.0).collect(),
    })
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
