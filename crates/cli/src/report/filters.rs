//! The filters: what the first layer looks for, what the last one draws, and what excites each
//! unit.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::Result;
use autoencoders::data::Shape;
use autoencoders::study::Filters;
use autoencoders::study::Gabor;
use autoencoders::study::decoder_filters;
use autoencoders::study::encoder_filters;
use autoencoders::study::most_exciting;
use autoencoders::study::nearest_rows;
use autoencoders::study::typical_distance;
use autoencoders::study::unprepared;
use draw::colour::around_grey;
use maud::html;

/// Filters shown.
const MOST: usize = 100;
const ACROSS: usize = 20;
/// Rows among which the nearest to an exciting input are sought, and by which a typical distance is
/// found.
const SOUGHT: usize = 10_000;
/// Gabor functions that explain less of a filter are no description of it.
const EXPLAINED: f64 = 0.5;

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let mut figures = Vec::new();
    if let Some(filters) = encoder_filters(facts.model)? {
        figures.extend(weights("filters", "What the units of the first layer look for", &filters)?);
        figures.extend(gabors(&filters)?);
    }
    if let Some(filters) = decoder_filters(facts.model)? {
        figures.extend(weights(
            "decoder-filters",
            "What the units before the last layer draw",
            &filters,
        )?);
    }
    figures.extend(exciting(facts)?);
    if figures.is_empty() {
        return Ok(None);
    }
    let words = html! {
        "Weights as images: white adds, black takes away, mid-grey does nothing; each on its own scale."
    };
    Ok(Some(Section { title: "The filters", words, figures }))
}

/// Each image on its own scale.
fn grey(weights: &[f32], columns: usize) -> Vec<f32> {
    weights.chunks_exact(columns.max(1)).flat_map(around_grey).collect()
}

fn weights(name: &str, title: &str, filters: &Filters) -> Result<Option<Figure>> {
    let (all, columns) = (filters.weights.rows(), filters.weights.columns);
    let shown = all.min(MOST);
    let title = if shown < all { format!("{title}: {shown} of {all}") } else { title.to_owned() };
    let weights = &filters.weights.values[..shown * columns];
    Ok(match filters.shape {
        Shape::Image { width, height, channels: 1 | 3 } => {
            let scale = (56 / width.max(height)).max(1);
            let picture = Picture::images(&grey(weights, columns), &filters.shape, ACROSS, scale)?;
            Some(Figure::new(name, title, "One image a unit.", picture))
        }
        Shape::Flat { .. } | Shape::Series { .. } if columns <= 4096 => {
            // One line a unit, one column a feature.
            let (tall, wide) = ((360 / shown).clamp(1, 16), (640 / columns).clamp(1, 24));
            let image = grey(weights, columns);
            let pixel = |at: usize| {
                let (line, column) = (at / (columns * wide) / tall, at % (columns * wide) / wide);
                [(image[line * columns + column] * 255.0) as u8; 3]
            };
            let pixels: Vec<u8> = (0..shown * tall * columns * wide).flat_map(pixel).collect();
            Some(Figure::new(
                name,
                title,
                "One line a unit, one column a feature.",
                Picture::pixels(&pixels, columns * wide, columns * wide)?,
            ))
        }
        _ => None,
    })
}

/// Where filters look, at which angle and scale, drawn over the frame of a row.
fn gabors(filters: &Filters) -> Result<Option<Figure>> {
    let Shape::Image { height, width, channels: 1 } = filters.shape else { return Ok(None) };
    if height.min(width) < 8 {
        return Ok(None);
    }
    let shown = filters.weights.rows().min(MOST);
    let fits: Vec<Gabor> = (0..shown)
        .filter_map(|unit| Gabor::fit(filters.weights.row(unit), height, width))
        .collect();
    let described: Vec<&Gabor> = fits.iter().filter(|gabor| gabor.explained >= EXPLAINED).collect();
    if described.is_empty() {
        return Ok(None);
    }
    const SCALE: f64 = 14.0;
    let (wide, high) = (width as f64 * SCALE, height as f64 * SCALE);
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (wide) " " (high) } width=(wide) height=(high) {
            rect.frame x="0.5" y="0.5" width=(wide - 1.0) height=(high - 1.0) fill="none" stroke="#888888" {}
            @for gabor in &described {
                @let [x, y] = gabor.centre.map(|at| (at + 0.5) * SCALE);
                @let (sine, cosine) = gabor.angle.sin_cos();
                @let half = gabor.spread[0].min(gabor.spread[1] * 4.0) * SCALE;
                ellipse cx=(round(x)) cy=(round(y)) rx=(round(gabor.spread[0] * SCALE)) ry=(round(gabor.spread[1] * SCALE))
                    transform={ "rotate(" (round(gabor.angle.to_degrees())) " " (round(x)) " " (round(y)) ")" }
                    fill="#0072b2" fill-opacity="0.07" stroke="none" {}
                line x1=(round(x - half * cosine)) y1=(round(y - half * sine)) x2=(round(x + half * cosine)) y2=(round(y + half * sine))
                    stroke="#0072b2" stroke-width="2" stroke-opacity="0.7" {}
            }
        }
    };
    let caption = format!(
        "{} of {shown} filters are edges: a Gabor function explains at least half of each. A line stands where its filter looks, along its \
         stripes, as long as it is; the pale shape is its reach across.",
        described.len()
    );
    Ok(Some(Figure::new(
        "gabors",
        "Where the filters look, and at which angle",
        caption,
        Picture::Svg(svg.into_string()),
    )))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The input that excites each unit of the code most, and the nearest row below it.
fn exciting(facts: &Facts) -> Result<Option<Figure>> {
    let Some(shape @ &Shape::Image { width, .. }) = facts.image() else { return Ok(None) };
    let units: Vec<usize> = (0..facts.codes.columns.min(ACROSS * 2)).collect();
    let rows: Vec<usize> = (0..facts.data.rows().min(SOUGHT)).collect();
    let radius = typical_distance(facts.model, facts.data, &rows)?;
    let inputs = most_exciting(facts.model, &units, radius)?;
    let nearest = nearest_rows(facts.model, facts.data, &rows, &inputs)?;
    let columns = inputs.columns;
    let found = facts.pixels_of(&nearest)?;
    let shown = facts.model.signature().pixels(&unprepared(facts.model, inputs));
    let mut images = Vec::new();
    for line in 0..units.len().div_ceil(ACROSS) {
        for part in [&shown, &found] {
            let end = ((line + 1) * ACROSS * columns).min(part.len());
            images.extend_from_slice(&part[line * ACROSS * columns..end]);
            // The last line is filled up, so that partners stay below each other.
            images.resize(images.len().next_multiple_of(ACROSS.min(units.len()) * columns), 0.5);
        }
    }
    let across = ACROSS.min(units.len());
    let scale = ((if across < ACROSS { 72 } else { 36 }) / width).max(1);
    let picture = Picture::images(&images, shape, across, scale)?;
    let caption = format!(
        "For each unit of the code the input that excites it most, among those as far from the mean row as rows are, and below it the \
         most similar of the first {} rows.",
        rows.len()
    );
    Ok(Some(Figure::new("exciting", "What excites each unit of the code", caption, picture)))
}
