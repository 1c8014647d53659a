//! Can the convolutions of a classifier be the encoder of an autoencoder?

use crate::Outcome;
use crate::deep::first;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::{Lab, Mode, linear, told};
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Split;
use autoencoders::data::Values;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::Classes;
use autoencoders::study::Classifier;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::study::evaluate;
use autoencoders::study::frechet_distance;
use autoencoders::study::generate;
use autoencoders::study::nearest;
use autoencoders::{Activation, Config, Matrix, Model, Source, Start, fit_from};

pub(crate) const TITLE: &str = "The open question: can a classifier's convolutions be cut off and used as a code to make new images from?";

/// Numbers in the code of the classifier, the autoencoder and the variational one.
const LATENT: usize = 128;
/// Passes over the images by each decoder, alone or with its encoder: in a full run and in a quick
/// one.
const EPOCHS: (usize, usize) = (12, 6);
/// Rows that a probe learns from.
const SOME: usize = 12_000;
/// Rows that a density on feature maps is learned from, and the numbers that these hold at most:
/// maps take much memory.
const MAPS: (usize, usize) = (24_000, 75_300_000);
/// Learning rates that are tried for each decoder, the rows and epochs of these trainings, and the
/// rows that judge them.
const RATES: [f64; 4] = [1e-3, 3e-3, 1e-2, 3e-2];
const SHORT: (usize, usize) = (10_000, 3);
const HELD_OUT: usize = 5000;

fn convolutional(lab: &Lab, latent: usize, epochs: usize) -> Outcome<Config> {
    Ok(Config::default()
        .net(lab.pick("conv:32,64,128", "conv:8,16").parse::<Net>()?)
        .latent(latent)
        .code_activation(Activation::Relu)
        .likelihood("gaussian".parse::<Likelihood>()?)
        .batch(128)
        .epochs(epochs)
        .validation(0.0)
        .test(0.0)
        .seed(lab.seed))
}

/// Rows from pixels, as the classifier sees them.
fn dataset(like: &Dataset, rows: &Matrix) -> Outcome<Dataset> {
    let data = Dataset::new(
        "drawn",
        like.shape.clone(),
        Values::F32(rows.values.iter().map(|pixel| pixel.clamp(0.0, 255.0)).collect()),
    )?;
    Ok(Dataset { full_scale: Some(255.0), ..data })
}

struct Subject {
    name: String,
    numbers: usize,
    error: f64,
    distance: f64,
    known: f64,
    nearest: f64,
    drawn: Matrix,
    rebuilt: Matrix,
}

/// How far new images are from the nearest of the training images, in units of a white pixel: the
/// mean over the first of them.
fn apart(pixels: &Matrix, images: &Matrix, count: usize) -> f64 {
    let count = count.min(images.rows());
    let one = |row: usize| {
        nearest(pixels, images.row(row), 1).first().map_or(0.0, |found| found.distance / 255.0)
    };
    (0..count).map(one).sum::<f64>() / count as f64
}

struct Question<'a> {
    lab: &'a Lab,
    train: &'a Dataset,
    test: &'a Dataset,
    classifier: &'a Classifier,
    /// What the classifier sees in test images.
    features: &'a Matrix,
    pixels: &'a Matrix,
    shown: &'a [usize],
}

impl Question<'_> {
    /// Judges a model that draws images by itself, or from the codes of `density`.
    fn judge(&self, Made { name, model, density, .. }: &Made) -> Outcome<Subject> {
        let lab = self.lab;
        let all: Vec<usize> = (0..self.test.rows()).collect();
        let count = lab.pick(5000, 500);
        let drawn = match density {
            Some(density) => {
                let codes = generate(density, count, lab.seed, Source::Auto)?;
                // What a rectified layer gives is never below zero.
                model.decode(&Matrix {
                    columns: codes.columns,
                    values: codes.values.iter().map(|number| number.max(0.0)).collect(),
                })?
            }
            None => generate(model, count, lab.seed, Source::Auto)?,
        };
        let images = dataset(self.test, &drawn)?;
        let seen = self.classifier.encode(&images, &(0..count).collect::<Vec<_>>())?;
        let some: Vec<usize> = (0..lab.pick(SOME, 2000).min(self.train.rows())).collect();
        let (own, truth) = (Classes::new(&self.train.select(&some)?)?, Classes::new(self.test)?);
        let probe = linear(
            lab,
            HeadKind::Linear,
            1e-4,
            lab.pick(100, 40),
            (&model.encode_rows(self.train, &some)?, &own),
            some,
        )?;
        Ok(Subject {
            name: name.clone(),
            numbers: model.latent(),
            error: evaluate(model, self.test, &all)?.mse * 784.0,
            distance: frechet_distance(self.features, &seen)?,
            known: 100.0 * probe.accuracy(&model.encode(self.test)?, &truth)?,
            nearest: apart(self.pixels, &drawn, lab.pick(200, 50)),
            rebuilt: model.reconstruct_rows(self.test, self.shown)?,
            drawn,
        })
    }
}

/// Right of the test rows of a set by a convolutional classifier, with it.
fn classifier(lab: &Lab, train: &Dataset, test: &Dataset) -> Outcome<(Classifier, f64)> {
    let model = lab.fit("start", &convolutional(lab, LATENT, 1)?, train)?.model;
    let head = Head { epochs: Some(12), dropout: Some(0.3), seed: lab.seed, ..Head::default() };
    let classifier =
        Classifier::fit(&model, train, &Split::all(train.rows()), &head, &mut |event| {
            told("classifier", event)
        })?;
    let right = 100.0 * classifier.accuracy(test, &(0..test.rows()).collect::<Vec<_>>())?;
    Ok((classifier, right))
}

/// A model trained at the learning rate that is best on rows that no decoder learns from (a
/// classifier has), and the loss of these for each rate, after a short training. With an encoder,
/// that one stays as it is.
fn trained(
    lab: &Lab,
    what: &str,
    config: &Config,
    train: &Dataset,
    encoder: Option<&Classifier>,
) -> Outcome<(Model, Vec<f64>)> {
    let seen = train.rows() - lab.pick(HELD_OUT, 0);
    let held_out: Vec<usize> = (seen..train.rows()).collect();
    let one = |what: &str, config: &Config, rows: usize| -> Outcome<Model> {
        let rows = train.select(&(0..rows).collect::<Vec<_>>())?;
        match encoder {
            Some(encoder) => {
                Ok(fit_from(Start::from(encoder), config, &rows, None, &mut |event| {
                    told(what, event)
                })?
                .model)
            }
            None => Ok(lab.fit(what, config, &rows)?.model),
        }
    };
    let mut losses = Vec::new();
    for learning_rate in lab.pick(RATES.to_vec(), Vec::new()) {
        let short = config.clone().learning_rate(learning_rate).epochs(SHORT.1);
        losses.push(
            evaluate(
                &one(&format!("{what},rate{learning_rate}"), &short, SHORT.0)?,
                train,
                &held_out,
            )?
            .terms
            .sum(),
        );
    }
    // With none tried, what full runs choose: a decoder alone bears longer steps.
    let usual = if encoder.is_some() { 1e-2 } else { 1e-3 };
    let best = RATES
        .into_iter()
        .zip(&losses)
        .min_by(|a, b| a.1.total_cmp(b.1))
        .map_or(usual, |(rate, _)| rate);
    Ok((one(what, &config.clone().learning_rate(best), seen)?, losses))
}

/// An encoder and its decoder, the loss at each learning rate that was tried, and a density to draw
/// codes from where the model has none.
struct Made {
    name: String,
    model: Model,
    tried: Vec<f64>,
    density: Option<Model>,
}

/// Decoders of the frozen convolutions up to each depth, and a density on what these give.
fn cut(lab: &Lab, classifier: &Classifier, train: &Dataset) -> Outcome<Vec<Made>> {
    let channels = lab.pick(vec![32, 64, 128], vec![8, 16]);
    let mut made = Vec::new();
    for depth in 1..=channels.len() {
        let text: Vec<String> = channels[..depth].iter().map(usize::to_string).collect();
        let config = convolutional(lab, LATENT, lab.pick(EPOCHS.0, EPOCHS.1))?
            .net(format!("maps:{}", text.join(",")).parse::<autoencoders::settings::Net>()?)
            .freeze_encoder(true)
            .density("none".parse::<DensityChoice>()?);
        let name = match depth {
            1 => "classifier's first convolution, frozen".to_owned(),
            _ => format!("classifier's first {depth} convolutions, frozen"),
        };
        let (model, tried) = trained(lab, &name, &config, train, Some(classifier))?;
        let rows = lab.pick(MAPS.0.min(MAPS.1 / model.latent()), 2000).min(train.rows());
        let codes = model.encode_rows(train, &(0..rows).collect::<Vec<_>>())?;
        let data =
            Dataset::new("maps", Shape::Flat { width: codes.columns }, Values::F32(codes.values))?;
        let density = Config::default()
            .family("vae")
            .net(lab.pick("mlp:512", "mlp:128").parse::<Net>()?)
            .latent(64)
            .scale(autoencoders::settings::Scale::Unit)
            .batch(128)
            .epochs(lab.pick(15, 6))
            .validation(0.0)
            .test(0.0)
            .density("none".parse::<DensityChoice>()?);
        let density = Some(lab.fit(&format!("density of {depth}"), &density, &data)?.model);
        made.push(Made { name, model, tried, density });
    }
    Ok(made)
}

/// How the learning rate of each was chosen, with the losses at each.
fn rates(made: &[Made], train: &Dataset) -> Outcome<String> {
    let held_out = Matrix::of(train, train.rows() - HELD_OUT..train.rows())?;
    // The squared error of an image that is black whatever goes in.
    let black = held_out.values.iter().map(|pixel| f64::from(pixel / 255.0).powi(2)).sum::<f64>()
        / HELD_OUT as f64;
    let loss = |loss: &f64| {
        if (loss / black - 1.0).abs() < 1e-3 {
            format!("{} (black)", number(*loss))
        } else {
            number(*loss)
        }
    };
    let mut rows =
        vec![std::iter::once("encoder".to_owned()).chain(RATES.map(number)).collect::<Vec<_>>()];
    rows.extend(made.iter().map(|made| {
        std::iter::once(made.name.clone()).chain(made.tried.iter().map(loss)).collect()
    }));
    let rows = table(&rows);
    let died = if rows.contains("(black)") {
        " Black: the steps were so long that the network died, and black images come back whatever goes in."
    } else {
        ""
    };
    Ok(format!(
        "The learning rate was chosen for each by {HELD_OUT} digits kept from the decoders, after {} epochs on {} others. The table has their loss \
         at each rate, which is that of each model's own training: it compares along a line.{died}\n\n{rows}\n",
        SHORT.1, SHORT.0,
    ))
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let (found, right) = classifier(lab, &train, &test)?;
    let fashion = if lab.pick(true, false) {
        let (train, test) = lab.images("fashion-mnist", 6000)?;
        Some(classifier(lab, &train, &test)?.1)
    } else {
        None
    };
    let all: Vec<usize> = (0..test.rows()).collect();
    let (features, pixels) = (found.encode(&test, &all)?, Matrix::of(&train, 0..train.rows())?);
    let shown: Vec<usize> = (0..10)
        .map(|digit| first(&test, digit))
        .collect::<Option<_>>()
        .ok_or("a digit is missing")?;
    let question = Question {
        lab,
        train: &train,
        test: &test,
        classifier: &found,
        features: &features,
        pixels: &pixels,
        shown: &shown,
    };
    let mut made = cut(lab, &found, &train)?;
    let cuts = made.len();
    let deepest = made[cuts - 1].model.latent();
    let plain = |latent: usize| convolutional(lab, latent, lab.pick(EPOCHS.0, EPOCHS.1));
    let vae = plain(LATENT)?
        .family("vae")
        .code_activation(None)
        .likelihood("bernoulli".parse::<Likelihood>()?);
    for (name, config) in [
        ("autoencoder, trained as a whole", plain(LATENT)?),
        ("the same with as many numbers as the deepest cut", plain(deepest)?),
        ("variational autoencoder", vae),
    ] {
        let (model, tried) = trained(lab, name, &config, &train, None)?;
        made.push(Made { name: name.to_owned(), model, tried, density: None });
    }
    let subjects = made.iter().map(|made| question.judge(made)).collect::<Outcome<Vec<_>>>()?;

    let mut rows = vec![
        [
            "encoder",
            "numbers in a code",
            "squared error a test image",
            "Fréchet distance of new images",
            "distance of new images to the nearest training image",
            "read rightly by a linear probe, %",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(subjects.iter().map(|of| {
        vec![
            of.name.clone(),
            of.numbers.to_string(),
            number(of.error),
            number(of.distance),
            number(of.nearest),
            number(of.known),
        ]
    }));
    // What real images have, to measure the others by.
    let count = lab.pick(5000, 500);
    let real =
        frechet_distance(&features, &found.encode(&train, &(0..count).collect::<Vec<_>>())?)?;
    let digits = Matrix::of(&test, 0..count.min(test.rows()))?;
    rows.push(vec![
        "real digits: training ones against test ones".to_owned(),
        "-".to_owned(),
        "0".to_owned(),
        number(real),
        number(apart(&pixels, &digits, lab.pick(200, 50))),
        "-".to_owned(),
    ]);
    let mut rebuilt = Matrix::of(&test, shown.iter().copied())?.values;
    subjects.iter().for_each(|of| rebuilt.extend(&of.rebuilt.values));
    let mut drawn = Vec::new();
    subjects.iter().for_each(|of| drawn.extend(&of.drawn.values[..20 * 784]));
    let unit =
        |values: Vec<f32>| values.into_iter().map(|pixel| pixel / 255.0).collect::<Vec<f32>>();
    let lines = subjects.iter().map(|of| of.name.as_str()).collect::<Vec<_>>().join("; ");
    let first_picture = lab.picture(
        "open-question-rebuilt.png",
        &format!("First test digits; below them what comes back through each encoder: {lines}"),
        &unit(rebuilt),
        &test.shape,
        10,
        2,
    )?;
    let second_picture = lab.picture(
        "open-question-new.png",
        &format!("New digits, twenty from each: {lines}"),
        &unit(drawn),
        &test.shape,
        20,
        2,
    )?;
    let (cut, whole) = subjects.split_at(cuts);
    let nearest_to_real =
        |of: &[Subject]| of.iter().map(|of| of.distance).fold(f64::INFINITY, f64::min);
    let (from_cuts, from_whole) = (nearest_to_real(cut), nearest_to_real(whole));
    let first_error = cut[0].error / whole[0].error;
    let deepest_error = cut[cuts - 1].error / whole[1].error;
    let as_code = match (first_error <= 1.0, deepest_error <= 1.0) {
        (true, true) => "**As a code: yes.**",
        (true, false) => "**As a code: yes, but not a small one.**",
        (false, _) => "**As a code: not as well.**",
    };
    let as_generator = if from_cuts <= from_whole {
        "**To make new images: yes.** The best cut's are nearer to real ones than those of models trained as a whole"
    } else {
        "**To make new images: not as well.** New images come out, but those of a model trained as a whole are nearer to real ones"
    };
    let tried = match lab.mode {
        Mode::Full => rates(&made, &train)?,
        Mode::Quick => String::new(),
    };
    let words = format!(
        "A convolutional network learns to tell digits apart ({} % are read rightly{}). Its convolutions are cut off after each layer and frozen; a \
         decoder learns to undo what they give, and a variational autoencoder with a code of 64 numbers learns what such feature maps look like, from \
         {} digits or as many as memory bears, so that new ones can be drawn. Beside it autoencoders and a variational one of the same layers, trained as a whole; a Gaussian on the \
         codes of the former draws new ones. All decoders have {} epochs. What the probe reads in a cut was learned with labels, which the other codes never saw; and what comes out of a cut, {} numbers \
         at the first, is not small beside the {} pixels of an image.\n\n{}\n\
         {as_code} From the first cut, {} numbers, images come back with {} times the error of the autoencoder, which has {LATENT}; from the deepest, \
         with {} times that of an autoencoder of as many numbers, {deepest}. {as_generator} (Fréchet distance {} against {}; real digits have {}).\n\n\
         {tried}{first_picture}\n{second_picture}",
        number(right),
        fashion.map(|right| format!("; {} % on Fashion-MNIST", number(right))).unwrap_or_default(),
        lab.pick(MAPS.0, 2000),
        lab.pick(EPOCHS.0, EPOCHS.1),
        cut[0].numbers,
        pixels.columns,
        table(&rows),
        cut[0].numbers,
        number(first_error),
        number(deepest_error),
        number(from_cuts),
        number(from_whole),
        number(real),
    );
    // The main figure answers the question; that the classifier is a good one is what it is asked
    // of.
    let mut checks = vec![
        Check::new(
            "squared error from the first cut, as a share of that of an autoencoder of 128 numbers",
            None,
            Target::AtMost(lab.pick(1.0, 3.0)),
            first_error,
        ),
        Check::new(
            "test digits read rightly by the classifier, %",
            None,
            Target::AtLeast(lab.pick(99.0, 92.0)),
            right,
        ),
        Check::new(
            "test digits read rightly by a probe on the deepest cut, %",
            None,
            Target::AtLeast(lab.pick(98.0, 85.0)),
            cut[cut.len() - 1].known,
        ),
    ];
    checks.extend(fashion.map(|right| {
        Check::new(
            "Fashion-MNIST read rightly by the classifier, %",
            None,
            Target::AtLeast(91.0),
            right,
        )
    }));
    Ok(Finding { checks, words })
}
