//! A sparse code for patches of photographs: edges.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, head, line, number, table};
use crate::lab::{Lab, Mode, every_row, parameters};
use crate::self_taught::sparse;
use autoencoders::data::Dataset;
use autoencoders::data::Patches;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Whitening;
use autoencoders::data::read;
use autoencoders::engine::Bounds;
use autoencoders::engine::Settings;
use autoencoders::engine::Whiten;
use autoencoders::engine::gradient_check;
use autoencoders::study::Gabor;
use autoencoders::study::encoder_filters;
use autoencoders::{Config, Matrix, Model};
use draw::colour::around_grey;
use serde_json::json;

pub(crate) const TITLE: &str =
    "Edges: a sparse code for patches of photographs is a set of edge detectors";

/// A filter is an edge where a Gabor function explains so much of it.
const EXPLAINED: f64 = 0.6;
/// How often a unit is to be active.
const RHO: f64 = 0.01;

fn patches(lab: &Lab, side: usize) -> Outcome<Dataset> {
    let patches = Patches {
        count: lab.pick(10_000, 5000),
        size: (side, side),
        whiten: Whitening::LowPass,
        seed: lab.seed,
    };
    let folder = lab.path("kodak").display().to_string();
    Ok(read(&folder, &ReadOptions { patches: Some(patches), ..ReadOptions::default() })?)
}

/// UFLDL's settings for patches: rho 0.01, lambda 1e-4, beta 3, which is 6 here.
fn config(units: usize, steps: usize) -> Config {
    let own = parameters([("rho", json!(RHO)), ("beta", json!(6.0))]);
    sparse(units, steps).parameters(own).l2(1e-4)
}

/// Units that have learned from patches of one size.
struct Learned {
    side: usize,
    shape: Shape,
    /// What they look for, the best explained first.
    images: Vec<f32>,
    edges: usize,
    /// The mean activation of all of them.
    active: f64,
    laziest: f64,
    busiest: f64,
}

impl Learned {
    fn from(lab: &Lab, patches: &Dataset, side: usize, config: &Config) -> Outcome<Self> {
        let model = lab.fit(&format!("{side}x{side}"), config, patches)?.model;
        let codes = model.encode(patches)?;
        let mut sums = vec![0.0; codes.columns];
        for row in codes.values.chunks_exact(codes.columns) {
            sums.iter_mut().zip(row).for_each(|(sum, unit)| *sum += f64::from(*unit));
        }
        let means = sums.iter().map(|sum| sum / patches.rows() as f64);
        let (images, edges) = filters(&model, side)?;
        Ok(Self {
            side,
            shape: patches.shape.clone(),
            images,
            edges,
            active: means.clone().sum::<f64>() / codes.columns as f64,
            laziest: means.clone().fold(f64::INFINITY, f64::min),
            busiest: means.fold(0.0, f64::max),
        })
    }

    /// Its line in the table.
    fn line(&self) -> Vec<String> {
        let units = self.images.len() / (self.side * self.side);
        let counts = [units.to_string(), self.edges.to_string()];
        let activations = [self.active, self.laziest, self.busiest].map(number);
        line(&format!("{0}x{0}", self.side), counts.into_iter().chain(activations))
    }
}

/// The filters, the best explained first, with how many of them are edges.
fn filters(model: &Model, side: usize) -> Outcome<(Vec<f32>, usize)> {
    let filters = encoder_filters(model)?.ok_or("no filters")?;
    let explained =
        |filter: &[f32]| Gabor::fit(filter, side, side).map_or(0.0, |gabor| gabor.explained);
    let mut all: Vec<(f64, Vec<f32>)> = filters
        .weights
        .values
        .chunks_exact(side * side)
        .map(|filter| (explained(filter), around_grey(filter)))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let edges = all.iter().filter(|(explained, _)| *explained >= EXPLAINED).count();
    Ok((all.into_iter().flat_map(|(_, image)| image).collect(), edges))
}

/// How far gradients are off finite differences, in f64, on ten patches.
fn gradient_error(lab: &Lab, patches: &Dataset) -> Outcome<f64> {
    let rows = every_row(patches);
    let whiten = Whiten::fit(patches, &rows)?.ok_or("the patches ask for no whitening")?;
    let some = patches.select(&rows[..10])?;
    let ten = Matrix::of(&*whiten.apply(&some)?, 0..10)?.narrow();
    let settings = settings(&config(25, 1).seed(lab.seed));
    Ok(gradient_check(&settings, &patches.shape, Bounds::Unit, &ten, 1e-4, 0.0)?.relative)
}

/// What the engine asks of a configuration.
fn settings(config: &Config) -> Settings {
    Settings { model: config.model.clone(), train: config.train.clone(), ..Settings::default() }
}

/// What the units look for.
fn pictures(lab: &Lab, small: &Learned, large: Option<&Learned>) -> Outcome<String> {
    let mut pictures = lab.picture(
        "edges-8.png",
        "What each of 25 units looks for in patches of 8x8 pixels, best explained first: white adds, black takes away",
        &small.images,
        &small.shape,
        5,
        8,
    )?;
    if let Some(large) = large {
        let what = format!(
            "The same with 196 units in patches of 16x16 pixels: after the first {}, units look for several lines at once, or for little that \
             has a name",
            large.edges
        );
        pictures += &lab.picture("edges-16.png", &what, &large.images, &large.shape, 14, 3)?;
    }
    Ok(pictures)
}

fn checks(lab: &Lab, small: &Learned, gradient_error: f64) -> Vec<Check> {
    vec![
        Check::new(
            "edges among 25 units",
            None,
            Target::AtLeast(lab.pick(22.0, 18.0)),
            small.edges as f64,
        ),
        Check::new(
            "difference of gradients from finite differences, f64",
            Some(1e-9),
            Target::AtMost(1e-9),
            gradient_error,
        ),
        Check::new(
            "mean activation of all units off its target of 0.01, %",
            None,
            Target::AtMost(lab.pick(10.0, 20.0)),
            100.0 * (small.active / RHO - 1.0).abs(),
        ),
    ]
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let patches_of_8 = patches(lab, 8)?;
    let gradient_error = gradient_error(lab, &patches_of_8)?;
    let small = Learned::from(lab, &patches_of_8, 8, &config(25, lab.pick(400, 200)))?;
    let large = match lab.mode {
        Mode::Full => Some(Learned::from(lab, &patches(lab, 16)?, 16, &config(196, 400))?),
        Mode::Quick => None,
    };
    let names = [
        "patches",
        "units",
        "edges",
        "mean activation of all units",
        "of the laziest",
        "of the busiest",
    ];
    let mut rows = vec![head(names), small.line()];
    rows.extend(large.as_ref().map(Learned::line));
    let words = format!(
        "{} patches of photographs, whitened so that their fine detail counts as much as their coarse, train a sparse autoencoder \
         (64-25-64, each unit active one time in a hundred) with L-BFGS on all patches at once. Nobody tells it of edges, which are what \
         cells of the visual cortex look for. A unit counts as an edge where a Gabor function, a wave under a hill, explains at least 60 % of the \
         variance of its weights. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{}",
        patches_of_8.rows(),
        table(&rows),
        pictures(lab, &small, large.as_ref())?,
    );
    Ok(Finding { checks: checks(lab, &small, gradient_error), words })
}
