//! The code: what each unit does, how units go together, and a map of the rows.

use crate::report::facts::Facts;
use crate::report::figure::Legend;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::data::Shape;
use autoencoders::study::MOST_PLACED;
use autoencoders::study::UnitState;
use autoencoders::study::neighbour_map;
use autoencoders::{Matrix, Result};
use draw::chart::RGBColor;
use draw::chart::{self, Line, color};
use draw::colour::{GROUPS, diverging, groups};
use maud::{Markup, html};

/// Units with a chart of their own.
const MOST_UNITS: usize = 64;
/// Units in the picture of correlations.
const MOST_CORRELATED: usize = 256;
/// Pixels of the map's sides.
const MAP: usize = 720;
/// Cells of a side of the map in pictures.
const CELLS: usize = 16;

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let mut figures = vec![units(facts)?];
    if let Some(target) = facts.model.plan().family.target_activation() {
        figures.push(activations(facts, target)?);
    }
    if let Some(kl) = &facts.kl {
        let mut bars: Vec<(String, f64)> =
            kl.iter().enumerate().map(|(unit, kl)| (format!("unit {unit}"), *kl)).collect();
        bars.sort_by(|a, b| b.1.total_cmp(&a.1));
        bars.truncate(32);
        let caption = "A unit near zero tells the decoder nothing: its distribution is the prior whatever the row is.";
        let svg = chart::bars(&bars, "nats a row")?;
        figures.push(Figure::new(
            "divergence",
            "How far each unit's distribution is from the prior",
            caption,
            Picture::Svg(svg),
        ));
    }
    if facts.codes.columns > 1 {
        figures.push(correlation(facts)?);
    }
    let (colors, legend) = labelled(facts);
    let places: Vec<[f32; 2]> =
        (0..facts.codes.rows()).map(|row| facts.map.place(facts.codes.row(row))).collect();
    let [right, up] = facts.map.shares.map(|share| 100.0 * share);
    let caption = format!(
        "Each of the {} rows by the two directions in which codes vary most: {right:.0} % of their variance to the right, {up:.0} % upwards.",
        facts.codes.rows()
    );
    figures.push(map("map", "A map of the codes", caption, &places, &colors, &legend)?);
    figures.extend(neighbours(facts, &colors, &legend)?);
    figures.extend(pictures(facts, &places)?);
    Ok(Some(Section { title: "The code", words: words(facts), figures }))
}

fn words(facts: &Facts) -> Markup {
    let of = |state: UnitState| {
        let units =
            facts.statistics.units.iter().enumerate().filter(|(_, unit)| unit.state == state);
        units.map(|(unit, _)| unit.to_string()).collect::<Vec<_>>()
    };
    let (dead, saturated) = (of(UnitState::Dead), of(UnitState::Saturated));
    let list = |units: &[String]| match units.len() {
        0..=40 => units.join(", "),
        more => format!("{}, and {} more", units[..40].join(", "), more - 40),
    };
    html! {
        (facts.codes.columns) " numbers stand for " (facts.model.features()) "; their mean over all rows is "
        (format!("{:.4}", facts.evaluation.mean_activation)) ". "
        @if dead.is_empty() && saturated.is_empty() { "Every unit tells rows apart." }
        @if !dead.is_empty() { "Dead, the same for all rows or nearly: unit " (list(&dead)) ". " }
        @if !saturated.is_empty() { "Saturated, at an end of their range for nearly all rows: unit " (list(&saturated)) ". " }
    }
}

fn units(facts: &Facts) -> Result<Figure> {
    let all = &facts.statistics.units;
    let shown = &all[..all.len().min(MOST_UNITS)];
    let chart = shown.iter().enumerate().map(|(at, unit)| {
        let (word, color): (&str, RGBColor) = match unit.state {
            UnitState::Active => ("", color(0)),
            UnitState::Dead => (" dead", color(8)),
            UnitState::Saturated => (" saturated", color(5)),
        };
        (format!("{at}{word}"), unit.histogram.as_slice(), color)
    });
    let title = if shown.len() == all.len() {
        "Each unit over all rows".to_owned()
    } else {
        format!("The first {} of {} units over all rows", shown.len(), all.len())
    };
    let caption = "How many rows have which value, each unit from its smallest to its largest; grey units are dead, red ones saturated.";
    Ok(Figure::new(
        "units",
        title,
        caption,
        Picture::Svg(chart::small(&chart.collect::<Vec<_>>())?),
    ))
}

/// The mean activation of each unit, beside what it is held to.
fn activations(facts: &Facts, target: f64) -> Result<Figure> {
    let mut means: Vec<f64> = facts.statistics.units.iter().map(|unit| unit.mean).collect();
    means.sort_by(|a, b| b.total_cmp(a));
    let count = means.len() as f64;
    let lines = [
        Line {
            name: "units".to_owned(),
            points: means.into_iter().enumerate().map(|(at, mean)| (at as f64, mean)).collect(),
            color: color(0),
            thin: false,
        },
        Line {
            name: format!("target {target}"),
            points: vec![(0.0, target), (count - 1.0, target)],
            color: color(5),
            thin: false,
        },
    ];
    let caption = "The mean activation of each unit over all rows, the busiest first, beside the target that training holds them to.";
    let svg = chart::lines(&lines, ["units", "mean activation"], None)?;
    Ok(Figure::new("activations", "Activity against its target", caption, Picture::Svg(svg)))
}

fn correlation(facts: &Facts) -> Result<Figure> {
    let units = facts.codes.columns;
    let shown = units.min(MOST_CORRELATED);
    let scale = (384 / shown).max(1);
    let side = shown * scale;
    let pixel = |at: usize| {
        diverging(facts.statistics.correlation[at / side / scale * units + at % side / scale])
    };
    let pixels: Vec<u8> = (0..side * side).flat_map(pixel).collect();
    let strongest = (0..units).flat_map(|i| (0..i).map(move |j| (i, j)));
    let strongest = strongest.max_by(|a, b| {
        let size = |(i, j): &(usize, usize)| facts.statistics.correlation[i * units + j].abs();
        size(a).total_cmp(&size(b))
    });
    let pair = strongest.map_or(String::new(), |(i, j)| {
        format!(
            " The two that go together most are {j} and {i}: {:.2}.",
            facts.statistics.correlation[i * units + j]
        )
    });
    let some =
        if shown < units { format!(" The first {shown} of {units} units.") } else { String::new() };
    let caption = format!(
        "Unit by unit: orange rise and fall together, blue one against the other, white have nothing to do with each other.{pair}{some}"
    );
    Ok(Figure::new(
        "correlation",
        "Correlation between units",
        caption,
        Picture::pixels(&pixels, side, side)?,
    ))
}

/// The colour of each row by its label, and what the colours mean.
fn labelled(facts: &Facts) -> (Vec<[u8; 3]>, Legend) {
    let Some(labels) = &facts.data.labels else {
        return (vec![GROUPS[0]; facts.codes.rows()], Vec::new());
    };
    let (of, names) = groups(labels);
    (of.into_iter().map(|group| GROUPS[group]).collect(), names.into_iter().zip(GROUPS).collect())
}

/// Places as fractions of the map's sides, to the right and downwards; the two in a thousand
/// furthest out on each side, which could make a point of all others, stand at its edge.
fn fractions(places: &[[f32; 2]]) -> Vec<[f64; 2]> {
    let ends = [0, 1].map(|axis| {
        let mut along: Vec<f32> = places.iter().map(|place| place[axis]).collect();
        along.sort_by(f32::total_cmp);
        let cut = along.len() / 500;
        match (along.get(cut), along.get(along.len().saturating_sub(cut + 1))) {
            (Some(low), Some(high)) => (low - 0.05 * (high - low), high + 0.05 * (high - low)),
            _ => (0.0, 0.0),
        }
    });
    let at = |value: f32, (low, high): (f32, f32)| {
        if high > low { f64::from((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    };
    places.iter().map(|place| [at(place[0], ends[0]), 1.0 - at(place[1], ends[1])]).collect()
}

/// Rows as dots in the colours of their labels.
fn map(
    name: &str,
    title: &str,
    caption: String,
    places: &[[f32; 2]],
    colors: &[[u8; 3]],
    legend: &[(String, [u8; 3])],
) -> Result<Figure> {
    let mut pixels = vec![255f64; MAP * MAP * 3];
    // Many rows are faint dots, few are strong ones.
    let (ink, reach) = match places.len() {
        0..=2_000 => (0.8, 2),
        2_001..=20_000 => (0.5, 1),
        _ => (0.35, 1),
    };
    for (place, color) in fractions(places).iter().zip(colors) {
        let [x, y] = place.map(|at| (8.0 + at * (MAP - 17) as f64) as usize);
        for (y, x) in
            (y - reach..=y + reach).flat_map(|y| (x - reach..=x + reach).map(move |x| (y, x)))
        {
            for (channel, value) in color.iter().enumerate() {
                let pixel = &mut pixels[(y * MAP + x) * 3 + channel];
                *pixel += (f64::from(*value) - *pixel) * ink;
            }
        }
    }
    let bytes: Vec<u8> = pixels.into_iter().map(|value| value as u8).collect();
    Ok(Figure {
        legend: legend.to_vec(),
        ..Figure::new(name, title, caption, Picture::pixels(&bytes, MAP, MAP)?)
    })
}

/// A map that keeps neighbours together, of some rows by seed.
fn neighbours(
    facts: &Facts,
    colors: &[[u8; 3]],
    legend: &[(String, [u8; 3])],
) -> Result<Option<Figure>> {
    let (all, columns) = (facts.codes.rows(), facts.codes.columns);
    let mut rows = facts.rng().permutation(all);
    rows.truncate(MOST_PLACED);
    let codes = Matrix {
        columns,
        values: rows.iter().flat_map(|row| facts.codes.row(*row)).copied().collect(),
    };
    let Some(places) = neighbour_map(&codes)? else { return Ok(None) };
    let colors: Vec<[u8; 3]> = rows.iter().map(|row| colors[*row]).collect();
    let some = if rows.len() < all {
        format!("{} of the {all} rows, drawn by seed", rows.len())
    } else {
        format!("All {all} rows")
    };
    let caption = format!(
        "{some}, placed by t-SNE: rows with similar codes stand together; how far groups are apart says little."
    );
    Ok(Some(map("neighbours", "Neighbours in code", caption, &places, &colors, legend)?))
}

/// The map with the row nearest to the middle of each cell, as a picture.
fn pictures(facts: &Facts, places: &[[f32; 2]]) -> Result<Option<Figure>> {
    let Some(shape @ &Shape::Image { height, width, channels }) = facts.image() else {
        return Ok(None);
    };
    let mut nearest: Vec<Option<(usize, f64)>> = vec![None; CELLS * CELLS];
    for (row, place) in fractions(places).iter().enumerate() {
        let cell = place.map(|at| ((at * CELLS as f64) as usize).min(CELLS - 1));
        let off = |axis: usize| place[axis] * CELLS as f64 - cell[axis] as f64 - 0.5;
        let distance = off(0).powi(2) + off(1).powi(2);
        let best = &mut nearest[cell[1] * CELLS + cell[0]];
        if best.is_none_or(|(_, least)| distance < least) {
            *best = Some((row, distance));
        }
    }
    let found: Vec<usize> = nearest.iter().flatten().map(|(row, _)| *row).collect();
    let images = facts.pixels_of(&found)?;
    let size = height * width * channels;
    let mut images = images.chunks_exact(size);
    let empty = vec![1.0; size];
    let cells = nearest.iter().flat_map(|cell| {
        if cell.is_some() { images.next().unwrap_or(&empty) } else { &empty }.to_vec()
    });
    let scale = (44 / width.max(height)).max(1);
    let caption =
        "The same map: in each cell the row nearest to its middle; cells without rows are white.";
    let picture = Picture::images(&cells.collect::<Vec<_>>(), shape, CELLS, scale)?;
    Ok(Some(Figure::new("map-pictures", "The map in pictures", caption, picture)))
}
