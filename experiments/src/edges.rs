//! A sparse code for patches of photographs: edges.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::Lab;
use crate::self_taught::sparse;
use autoencoders::data::{Dataset, Patches, ReadOptions, Whitening, read};
use autoencoders::gradient::gradient_check;
use autoencoders::inspect::Gabor;
use autoencoders::inspect::colour::around_grey;
use autoencoders::prepare::Range;
use autoencoders::{Config, Matrix, Model};
use serde_json::json;

pub(crate) const TITLE: &str = "Edges: a sparse code for patches of photographs is a set of edge detectors";

/// A filter is an edge where a Gabor function explains so much of it.
const EXPLAINED: f64 = 0.6;

fn patches(lab: &Lab, side: usize) -> Outcome<Dataset> {
    let patches = Patches { count: lab.pick(10_000, 5000), size: (side, side), whiten: Whitening::LowPass, seed: lab.seed };
    let folder = lab.path("kodak").display().to_string();
    Ok(read(&folder, &ReadOptions { patches: Some(patches), ..ReadOptions::default() })?)
}

/// UFLDL's settings for patches: rho 0.01, lambda 1e-4, beta 3, which is 6 here.
fn config(units: usize, steps: usize) -> Config {
    let parameters = [("rho", json!(0.01)), ("beta", json!(6.0))].map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    Config { parameters, l2: 1e-4, ..sparse(units, steps) }
}

/// The filters, the best explained first, with how many of them are edges.
fn filters(model: &Model, side: usize) -> Outcome<(Vec<f32>, usize)> {
    let filters = model.encoder_filters()?.ok_or("no filters")?;
    let explained = |filter: &[f32]| Gabor::fit(filter, side, side).map_or(0.0, |gabor| gabor.explained);
    let mut all: Vec<(f64, Vec<f32>)> =
        filters.weights.values.chunks_exact(side * side).map(|filter| (explained(filter), around_grey(filter))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let edges = all.iter().filter(|(explained, _)| *explained >= EXPLAINED).count();
    Ok((all.into_iter().flat_map(|(_, image)| image).collect(), edges))
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let small = patches(lab, 8)?;
    let ten = Matrix::of(&small, 0..10)?;
    let gradient = gradient_check(&Config { seed: lab.seed, ..config(25, 1) }, &small.shape, Range::Unit, &ten, 1e-4, 0.0)?.relative;

    let model = lab.fit("8x8", &config(25, lab.pick(400, 200)), &small)?.model;
    let all: Vec<usize> = (0..small.rows()).collect();
    let active = model.evaluate(&small, &all)?.mean_activation;
    let (images, edges) = filters(&model, 8)?;
    let first = lab.picture(
        "edges-8.png",
        "What each of 25 units looks for in patches of 8x8 pixels: white adds, black takes away",
        &images,
        &small.shape,
        5,
        8,
    )?;
    let mut pictures = first;
    let mut rows = vec![["patches", "units", "edges", "mean activation"].map(str::to_owned).to_vec()];
    rows.push(vec!["8x8".to_owned(), "25".to_owned(), edges.to_string(), number(active)]);
    if lab.pick(true, false) {
        let large = patches(lab, 16)?;
        let model = lab.fit("16x16", &config(196, 400), &large)?.model;
        let (images, edges) = filters(&model, 16)?;
        let active = model.evaluate(&large, &(0..large.rows()).collect::<Vec<_>>())?.mean_activation;
        rows.push(vec!["16x16".to_owned(), "196".to_owned(), edges.to_string(), number(active)]);
        let what = format!(
            "The same with 196 units in patches of 16x16 pixels, best explained first: after the first {edges}, units look for several lines at \
             once, or for little that has a name"
        );
        pictures += &lab.picture("edges-16.png", &what, &images, &large.shape, 14, 3)?;
    }
    let words = format!(
        "{} patches of eight photographs, whitened so that their fine detail counts as much as their coarse, train a sparse autoencoder \
         (64-25-64, each unit active one time in a hundred) with L-BFGS on all patches at once. Nobody tells it of edges, which are what \
         cells of the visual cortex look for. A unit counts as an edge where a Gabor function, a wave under a hill, explains at least 60 % of its \
         weights. Set-up: the UFLDL tutorial of Ng and others.\n\n{}\n{pictures}",
        small.rows(),
        table(&rows)
    );
    let rho = 0.01;
    Ok(Finding {
        checks: vec![
            Check::new("edges among 25 units", None, Target::AtLeast(lab.pick(22.0, 18.0)), edges as f64),
            Check::new("difference of gradients from finite differences, f64", Some(1e-9), Target::AtMost(1e-9), gradient),
            Check::new(
                "mean activation off its target of 0.01, %",
                None,
                Target::AtMost(lab.pick(10.0, 20.0)),
                100.0 * (active / rho - 1.0).abs(),
            ),
        ],
        words,
    })
}
