//! Can the convolutions of a classifier be the encoder of an autoencoder?

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{
    Lab, Mode, bare, classifier, every_row, linear, one_of_each_digit, part, right, told, unit,
};
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::settings::DensityChoice;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Scale;
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
/// Numbers that the feature maps hold at most from which a density is learned: they take much
/// memory.
const MAPS: usize = 75_300_000;
/// Learning rates that are tried for each decoder, the rows and epochs of these trainings, and the
/// rows that judge them.
const RATES: [f64; 4] = [1e-3, 3e-3, 1e-2, 3e-2];
const SHORT_ROWS: usize = 10_000;
const SHORT_EPOCHS: usize = 3;
const HELD_OUT: usize = 5000;

/// Passes over the images by each decoder, alone or with its encoder.
fn epochs(lab: &Lab) -> usize {
    lab.pick(12, 6)
}

/// Rows that a density on feature maps is learned from, where memory bears as many.
fn rows_of_maps(lab: &Lab) -> usize {
    lab.pick(24_000, 2000)
}

/// Images that are drawn from each.
fn drawn_images(lab: &Lab) -> usize {
    lab.pick(5000, 500)
}

/// Channels of the convolutions.
fn channels(lab: &Lab) -> Vec<usize> {
    lab.pick(vec![32, 64, 128], vec![8, 16])
}

fn convolutional(lab: &Lab, latent: usize, epochs: usize) -> Config {
    Config::default()
        .net(Net::Conv(channels(lab)))
        .latent(latent)
        .code_activation(Activation::Relu)
        .likelihood(Likelihood::Gaussian)
        .batch(128)
        .epochs(epochs)
        .validation(0.0)
        .test(0.0)
        .seed(lab.seed)
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

/// An encoder and its decoder, the loss at each learning rate that was tried, and a density to draw
/// codes from where the model has none.
struct Made {
    name: String,
    model: Model,
    tried: Vec<f64>,
    density: Option<Model>,
}

/// What is asked of each code and of the images that are made from it.
struct Subject {
    name: String,
    numbers: usize,
    /// The squared error of a test image.
    error: f64,
    /// The Fréchet distance of new images from real ones.
    distance: f64,
    /// Test rows that a linear probe reads rightly, in percent.
    known: f64,
    /// How far new images are from the nearest training image.
    nearest: f64,
    drawn: Matrix,
    rebuilt: Matrix,
}

/// What real images have of this, to measure the others by.
struct Real {
    distance: f64,
    nearest: f64,
}

struct Question<'a> {
    lab: &'a Lab,
    train: &'a Dataset,
    test: &'a Dataset,
    classifier: &'a Classifier,
    /// What the classifier sees in test images.
    features: Matrix,
    pixels: Matrix,
    /// Test images for the page.
    shown: Vec<usize>,
}

impl<'a> Question<'a> {
    fn of(
        lab: &'a Lab,
        train: &'a Dataset,
        test: &'a Dataset,
        classifier: &'a Classifier,
    ) -> Outcome<Self> {
        Ok(Self {
            lab,
            train,
            test,
            classifier,
            features: classifier.encode(test, &every_row(test))?,
            pixels: Matrix::of(train, 0..train.rows())?.narrow(),
            shown: one_of_each_digit(test)?,
        })
    }

    /// Judges a model that draws images by itself, or from the codes of its density.
    fn judge(&self, made: &Made) -> Outcome<Subject> {
        let model = &made.model;
        let drawn = self.drawn(made)?;
        let images = dataset(self.test, &drawn)?;
        let seen = self.classifier.encode(&images, &every_row(&images))?;
        Ok(Subject {
            name: made.name.clone(),
            numbers: model.latent(),
            error: evaluate(model, self.test, &every_row(self.test))?.mse * 784.0,
            distance: frechet_distance(&self.features, &seen)?,
            known: self.known(model)?,
            nearest: self.apart(&drawn),
            rebuilt: model.reconstruct_rows(self.test, &self.shown)?.narrow(),
            drawn,
        })
    }

    /// New images.
    fn drawn(&self, Made { model, density, .. }: &Made) -> Outcome<Matrix> {
        let (count, seed) = (drawn_images(self.lab), self.lab.seed);
        let Some(density) = density else {
            return Ok(generate(model, count, seed, Source::Auto)?.narrow());
        };
        let codes = generate(density, count, seed, Source::Auto)?.narrow();
        // What a rectified layer gives is never below zero.
        Ok(model
            .decode(&Matrix {
                columns: codes.columns,
                values: codes.values.iter().map(|number| number.max(0.0)).collect(),
            })?
            .narrow())
    }

    /// How many test rows a linear probe reads rightly that has learned from some codes, in
    /// percent.
    fn known(&self, model: &Model) -> Outcome<f64> {
        let some = part(self.train, 0..self.lab.pick(12_000, 2000).min(self.train.rows()))?;
        let (own, truth) = (Classes::new(&some)?, Classes::new(self.test)?);
        let head = self.lab.linear_head(HeadKind::Linear, 1e-4, self.lab.pick(100, 40));
        let probe = linear(&head, (&model.encode(&some)?, &own), 0..some.rows())?;
        Ok(100.0 * probe.accuracy(&model.encode(self.test)?, &truth)?)
    }

    /// How far new images are from the nearest of the training images, in units of a white pixel:
    /// the mean over the first of them.
    fn apart(&self, images: &Matrix) -> f64 {
        let count = self.lab.pick(200, 50).min(images.rows());
        let one = |row: usize| {
            let nearest = nearest(&self.pixels, images.row(row), 1);
            nearest.first().map_or(0.0, |found| found.distance / 255.0)
        };
        (0..count).map(one).sum::<f64>() / count as f64
    }

    /// Training images against test ones.
    fn real(&self) -> Outcome<Real> {
        let count = drawn_images(self.lab);
        let seen = self.classifier.encode(self.train, &(0..count).collect::<Vec<_>>())?;
        let digits = Matrix::of(self.test, 0..count.min(self.test.rows()))?.narrow();
        Ok(Real {
            distance: frechet_distance(&self.features, &seen)?,
            nearest: self.apart(&digits),
        })
    }

    /// What comes back through each encoder, and new images from each.
    fn pictures(&self, subjects: &[Subject]) -> Outcome<String> {
        let lines = subjects.iter().map(|of| of.name.as_str()).collect::<Vec<_>>().join("; ");
        let mut rebuilt = Matrix::of(self.test, self.shown.iter().copied())?.narrow().values;
        subjects.iter().for_each(|of| rebuilt.extend(&of.rebuilt.values));
        let rebuilt = self.lab.picture(
            "open-question-rebuilt.png",
            &format!("First test digits; below them what comes back through each encoder: {lines}"),
            &unit(rebuilt),
            &self.test.shape,
            10,
            2,
        )?;
        let drawn = subjects.iter().flat_map(|of| &of.drawn.values[..20 * 784]).copied().collect();
        let drawn = self.lab.picture(
            "open-question-new.png",
            &format!("New digits, twenty from each: {lines}"),
            &unit(drawn),
            &self.test.shape,
            20,
            2,
        )?;
        Ok(format!("{rebuilt}\n{drawn}"))
    }
}

/// A convolutional classifier.
fn recogniser(lab: &Lab, train: &Dataset) -> Outcome<Classifier> {
    let model = lab.fit("start", &convolutional(lab, LATENT, 1), train)?.model;
    let head = Head { epochs: Some(12), dropout: Some(0.3), seed: lab.seed, ..Head::default() };
    classifier(&model, train, &head)
}

/// What such a one reads rightly of Fashion-MNIST, in percent; a quick run does not ask.
fn right_of_fashion(lab: &Lab) -> Outcome<Option<f64>> {
    if lab.mode == Mode::Quick {
        return Ok(None);
    }
    let (train, test) = lab.images("fashion-mnist", 6000)?;
    Ok(Some(right(&recogniser(lab, &train)?, &test)?))
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
        let rows = part(train, 0..rows)?;
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
        let short = config.clone().learning_rate(learning_rate).epochs(SHORT_EPOCHS);
        let model = one(&format!("{what},rate{learning_rate}"), &short, SHORT_ROWS)?;
        losses.push(evaluate(&model, train, &held_out)?.terms.sum());
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

/// A density on what the convolutions up to a depth give.
fn density_of_maps(lab: &Lab, depth: usize, codes: Matrix) -> Outcome<Model> {
    let shape = Shape::Flat { width: codes.columns };
    let data = Dataset::new("maps", shape, Values::F32(codes.values))?;
    let config = bare()
        .family("vae")
        .net(Net::Mlp(vec![lab.pick(512, 128)]))
        .latent(64)
        .scale(Scale::Unit)
        .batch(128)
        .epochs(lab.pick(15, 6));
    Ok(lab.fit(&format!("density of {depth}"), &config, &data)?.model)
}

/// Decoders of the frozen convolutions up to each depth, and a density on what these give.
fn cut(lab: &Lab, classifier: &Classifier, train: &Dataset) -> Outcome<Vec<Made>> {
    let channels = channels(lab);
    let mut made = Vec::new();
    for depth in 1..=channels.len() {
        let config = convolutional(lab, LATENT, epochs(lab))
            .net(Net::Maps(channels[..depth].to_vec()))
            .freeze_encoder(true)
            .density(DensityChoice::None);
        let name = match depth {
            1 => "classifier's first convolution, frozen".to_owned(),
            _ => format!("classifier's first {depth} convolutions, frozen"),
        };
        let (model, tried) = trained(lab, &name, &config, train, Some(classifier))?;
        let rows = rows_of_maps(lab).min(MAPS / model.latent()).min(train.rows());
        let codes = model.encode(&part(train, 0..rows)?)?;
        let density = Some(density_of_maps(lab, depth, codes)?);
        made.push(Made { name, model, tried, density });
    }
    Ok(made)
}

/// Autoencoders of the same layers, trained as a whole; one has as many numbers as the deepest cut.
fn whole(lab: &Lab, train: &Dataset, deepest: usize) -> Outcome<Vec<Made>> {
    let plain = |latent: usize| convolutional(lab, latent, epochs(lab));
    let vae = plain(LATENT).family("vae").code_activation(None).likelihood(Likelihood::Bernoulli);
    let mut made = Vec::new();
    for (name, config) in [
        ("autoencoder, trained as a whole", plain(LATENT)),
        ("the same with as many numbers as the deepest cut", plain(deepest)),
        ("variational autoencoder", vae),
    ] {
        let (model, tried) = trained(lab, name, &config, train, None)?;
        made.push(Made { name: name.to_owned(), model, tried, density: None });
    }
    Ok(made)
}

/// How the learning rate of each was chosen, with the losses at each, where any was tried.
fn rates(lab: &Lab, made: &[Made], train: &Dataset) -> Outcome<String> {
    if lab.mode == Mode::Quick {
        return Ok(String::new());
    }
    let held_out = Matrix::of(train, train.rows() - HELD_OUT..train.rows())?.narrow();
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
    let mut rows = vec![line("encoder", RATES.map(number))];
    rows.extend(made.iter().map(|made| line(&made.name, made.tried.iter().map(loss))));
    let rows = table(&rows);
    let died = if rows.contains("(black)") {
        " Black: the steps were so long that the network died, and black images come back whatever goes in."
    } else {
        ""
    };
    Ok(format!(
        "The learning rate was chosen for each by {HELD_OUT} digits kept from the decoders, after {SHORT_EPOCHS} epochs on {SHORT_ROWS} others. The table has their loss \
         at each rate, which is that of each model's own training: it compares along a line.{died}\n\n{rows}\n"
    ))
}

/// The table of what each subject has, and real images.
fn results(subjects: &[Subject], real: &Real) -> String {
    let mut lines = vec![head([
        "encoder",
        "numbers in a code",
        "squared error a test image",
        "Fréchet distance of new images",
        "distance of new images to the nearest training image",
        "read rightly by a linear probe, %",
    ])];
    lines.extend(subjects.iter().map(|of| {
        let numbers = [of.error, of.distance, of.nearest, of.known].map(number);
        line(&of.name, std::iter::once(of.numbers.to_string()).chain(numbers))
    }));
    let none = || "-".to_owned();
    lines.push(line(
        "real digits: training ones against test ones",
        [none(), "0".to_owned(), number(real.distance), number(real.nearest), none()],
    ));
    table(&lines)
}

/// How cuts compare with models trained as a whole.
struct Compared {
    /// Errors as multiples: of the first cut's by the autoencoder's, of the deepest's by that of an
    /// autoencoder of as many numbers.
    first_error: f64,
    deepest_error: f64,
    /// The least distances of new images from real ones.
    from_cuts: f64,
    from_whole: f64,
}

impl Compared {
    fn of(cuts: &[Subject], whole: &[Subject]) -> Self {
        let least = |of: &[Subject]| of.iter().map(|of| of.distance).fold(f64::INFINITY, f64::min);
        Self {
            first_error: cuts[0].error / whole[0].error,
            deepest_error: cuts[cuts.len() - 1].error / whole[1].error,
            from_cuts: least(cuts),
            from_whole: least(whole),
        }
    }

    fn as_code(&self) -> &'static str {
        match (self.first_error <= 1.0, self.deepest_error <= 1.0) {
            (true, true) => "**As a code: yes.**",
            (true, false) => "**As a code: yes, but not a small one.**",
            (false, _) => "**As a code: not as well.**",
        }
    }

    fn as_generator(&self) -> &'static str {
        if self.from_cuts <= self.from_whole {
            "**To make new images: yes.** The best cut's are nearer to real ones than those of models trained as a whole"
        } else {
            "**To make new images: not as well.** New images come out, but those of a model trained as a whole are nearer to real ones"
        }
    }

    /// The answer to the question.
    fn words(&self, cuts: &[Subject], real: &Real) -> String {
        format!(
            "{} From the first cut, {} numbers, images come back with {} times the error of the autoencoder, which has {LATENT}; from the deepest, \
             with {} times that of an autoencoder of as many numbers, {}. {} (Fréchet distance {} against {}; real digits have {}).",
            self.as_code(),
            cuts[0].numbers,
            number(self.first_error),
            number(self.deepest_error),
            cuts[cuts.len() - 1].numbers,
            self.as_generator(),
            number(self.from_cuts),
            number(self.from_whole),
            number(real.distance),
        )
    }
}

/// What classifiers read rightly, in percent.
struct Right {
    digits: f64,
    /// A full run alone asks.
    fashion: Option<f64>,
    /// Digits, by a probe on the deepest cut.
    deepest: f64,
}

/// The main figure answers the question; that the classifier is a good one is what it is asked of.
fn checks(lab: &Lab, first_error: f64, right: &Right) -> Vec<Check> {
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
            right.digits,
        ),
        Check::new(
            "test digits read rightly by a probe on the deepest cut, %",
            None,
            Target::AtLeast(lab.pick(98.0, 85.0)),
            right.deepest,
        ),
    ];
    checks.extend(right.fashion.map(|right| {
        Check::new(
            "Fashion-MNIST read rightly by the classifier, %",
            None,
            Target::AtLeast(91.0),
            right,
        )
    }));
    checks
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 6000)?;
    let found = recogniser(lab, &train)?;
    let (digits, fashion) = (right(&found, &test)?, right_of_fashion(lab)?);
    let question = Question::of(lab, &train, &test, &found)?;
    let mut made = cut(lab, &found, &train)?;
    let cuts = made.len();
    made.extend(whole(lab, &train, made[cuts - 1].model.latent())?);
    let subjects = made.iter().map(|made| question.judge(made)).collect::<Outcome<Vec<_>>>()?;
    let real = question.real()?;
    let (cut, whole) = subjects.split_at(cuts);
    let compared = Compared::of(cut, whole);
    let words = format!(
        "A convolutional network learns to tell digits apart ({} % are read rightly{}). Its convolutions are cut off after each layer and frozen; a \
         decoder learns to undo what they give, and a variational autoencoder with a code of 64 numbers learns what such feature maps look like, from \
         {} digits or as many as memory bears, so that new ones can be drawn. Beside it autoencoders and a variational one of the same layers, trained as a whole; a Gaussian on the \
         codes of the former draws new ones. All decoders have {} epochs. What the probe reads in a cut was learned with labels, which the other codes never saw; and what comes out of a cut, {} numbers \
         at the first, is not small beside the {} pixels of an image.\n\n{}\n{}\n\n{}{}",
        number(digits),
        fashion.map(|right| format!("; {} % on Fashion-MNIST", number(right))).unwrap_or_default(),
        rows_of_maps(lab),
        epochs(lab),
        cut[0].numbers,
        test.features(),
        results(&subjects, &real),
        compared.words(cut, &real),
        rates(lab, &made, &train)?,
        question.pictures(&subjects)?,
    );
    let right = Right { digits, fashion, deepest: cut[cuts - 1].known };
    Ok(Finding { checks: checks(lab, compared.first_error, &right), words })
}
