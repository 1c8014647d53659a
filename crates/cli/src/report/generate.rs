//! What the decoder draws: new rows, walks through the code.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::data::Shape;
use autoencoders::study::generate;
use autoencoders::study::manifold;
use autoencoders::study::spherical;
use autoencoders::study::straight;
use autoencoders::study::traversal;
use autoencoders::{Matrix, Result, Source};
use maud::html;

const SAMPLES: usize = 60;
const STEPS: usize = 11;
/// Units with a walk of their own.
const WALKED: usize = 16;
const MANIFOLD: usize = 20;

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let Some(shape @ &Shape::Image { width, .. }) = facts.image() else { return Ok(None) };
    let (model, units) = (facts.model, &facts.statistics.units);
    let scale = (36 / width).max(1);
    let picture = |rows: &Matrix<f64>, per_row: usize| {
        Picture::images(&model.signature().pixels(rows), shape, per_row, scale)
    };
    let mut figures = Vec::new();
    if let Ok(rows) = generate(model, SAMPLES, 0, Source::Auto) {
        figures.push(Figure::new(
            "samples",
            "New rows",
            "Decoded from random codes, by seed 0.",
            picture(&rows, 20)?,
        ));
    }
    if units.len() == 2 {
        let rows = manifold(model, units, MANIFOLD)?;
        let caption = "Every code on a grid, 2 standard deviations to each side: unit 0 to the right, unit 1 upwards.";
        figures.push(Figure::new(
            "manifold",
            "All that the code can say",
            caption,
            picture(&rows, MANIFOLD)?,
        ));
    }
    let mut order: Vec<usize> = (0..units.len()).collect();
    // Those that the decoder hears most: by divergence where there is one, else by how much they
    // vary.
    let weight = |unit: usize| facts.kl.as_ref().map_or(units[unit].deviation, |kl| kl[unit]);
    order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
    order.truncate(WALKED);
    let mut walks = Matrix { columns: model.features(), values: Vec::new() };
    for unit in &order {
        walks.values.extend(traversal(model, units, *unit, STEPS)?.values);
    }
    let named = order.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let caption = format!(
        "Each line moves one unit through 2.5 standard deviations to both sides, the others at their means. From above: unit {named}."
    );
    figures.push(Figure::new("traversal", "One unit at a time", caption, picture(&walks, STEPS)?));
    figures.push(between(facts, &picture)?);
    Ok(Some(Section {
        title: "What the decoder draws",
        words: html! { "Codes in, rows out." },
        figures,
    }))
}

/// Straight and along the arc, between some of the rows that are reconstructed best.
fn between(
    facts: &Facts,
    picture: &dyn Fn(&Matrix<f64>, usize) -> Result<Picture>,
) -> Result<Figure> {
    let order = facts.errors.order();
    let ends: Vec<usize> = (0..4).map(|at| order[at * (order.len() / 2) / 4]).collect();
    let mut codes = Matrix { columns: facts.codes.columns, values: Vec::new() };
    for pair in ends.chunks_exact(2) {
        let (a, b) = (facts.codes.row(pair[0]), facts.codes.row(pair[1]));
        for step in 0..STEPS {
            codes.values.extend(straight(a, b, step as f32 / (STEPS - 1) as f32));
        }
        for step in 0..STEPS {
            codes.values.extend(spherical(a, b, step as f32 / (STEPS - 1) as f32));
        }
    }
    let caption = "Two pairs of rows; of each pair the straight line between their codes, and below it the arc, which keeps as far from the origin.";
    Ok(Figure::new(
        "between",
        "From one row to another",
        caption,
        picture(&facts.model.decode(&codes)?, STEPS)?,
    ))
}
