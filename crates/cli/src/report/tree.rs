//! A row's way through a convolutional network: a tree of its strongest feature maps, down to the
//! code and out again.

use crate::report::facts::Facts;
use crate::report::figure::data_uri;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::Result;
use autoencoders::data::Shape;
use autoencoders::study::Branch;
use autoencoders::study::Level;
use autoencoders::study::levels;
use autoencoders::study::tree;
use draw::colour::viridis;
use draw::png;
use maud::html;

/// Feature maps of a level that are shown.
const SHOWN: usize = 8;
const WIDTH: f64 = 860.0;
const SIDE: f64 = 76.0;
const DOWN: f64 = 128.0;

/// A feature map on the page.
struct Tile {
    branch: Branch,
    /// Its middle.
    x: f64,
    image: String,
}

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let order = facts.errors.order();
    let row = order[order.len() / 2];
    let levels = levels(facts.model, facts.data, row)?;
    let deep = levels.iter().filter(|level| matches!(level.shape, Shape::Image { .. })).count();
    if facts.image().is_none() || deep < 3 {
        return Ok(None);
    }
    let words = html! {
        "How row " (row) " goes through the network. Each level shows its strongest feature maps, dark for nothing and yellow for most; \
         a line leads from each to the map above that it listens to most."
    };
    let caption = "Maps are ordered by strength from left to right (their number below them); the code stands as bars, up for positive.";
    let figure = Figure::new(
        "tree",
        "From the image to the code and back",
        caption,
        Picture::Svg(drawing(&levels)?),
    );
    Ok(Some(Section { title: "The way through the layers", words, figures: vec![figure] }))
}

fn drawing(levels: &[Level]) -> Result<String> {
    let rows = tree(levels, SHOWN)
        .iter()
        .zip(levels)
        .map(|(branches, level)| tiles(level, branches))
        .collect::<Result<Vec<_>>>()?;
    let height = DOWN * levels.len() as f64;
    let top = |at: usize| DOWN * at as f64 + 22.0;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) {
            @for (at, tiles) in rows.iter().enumerate().skip(1) {
                @for tile in tiles {
                    @if let Some(parent) = tile.branch.parent.and_then(|parent| rows[at - 1].get(parent)) {
                        @let (from, to) = (top(at - 1) + SIDE + 14.0, top(at));
                        path.branch fill="none" stroke="#888888" stroke-width="1.2"
                            d={ "M" (parent.x) " " (from) " C" (parent.x) " " ((from + to) / 2.0) " " (tile.x) " " ((from + to) / 2.0) " " (tile.x) " " (to) } {}
                    }
                }
            }
            @for (at, (tiles, level)) in rows.iter().zip(levels).enumerate() {
                text.faint x="4" y=(top(at) + SIDE / 2.0) font-size="13" { (level.name) }
                @for tile in tiles {
                    image x=(tile.x - SIDE / 2.0) y=(top(at)) width=(SIDE) height=(SIDE) preserveAspectRatio="none"
                        style="image-rendering:pixelated" href=(tile.image) {}
                    @if tiles.len() > 1 {
                        text.faint x=(tile.x) y=(top(at) + SIDE + 11.0) font-size="10" text-anchor="middle" {
                            (tile.branch.map) @if tile.branch.strength == 0.0 { " silent" }
                        }
                    }
                }
            }
        }
    };
    Ok(markup.into_string())
}

fn tiles(level: &Level, branches: &[Branch]) -> Result<Vec<Tile>> {
    let place = |at: usize| 90.0 + (WIDTH - 90.0) * (at as f64 + 0.5) / branches.len() as f64;
    let most = branches
        .iter()
        .flat_map(|branch| level.map(branch.map))
        .fold(0f32, |most, value| most.max(value.abs()));
    let image = |branch: &Branch| match level.shape {
        Shape::Image { width, channels, .. }
            if matches!(level.name.as_str(), "input" | "output") =>
        {
            let (low, high) = level
                .values
                .iter()
                .fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
            let byte = |value: f32| ((value - low) / (high - low).max(1e-12) * 255.0) as u8;
            let colours =
                |pixel: &[f32]| [0, 1, 2].map(|channel| byte(pixel[channel.min(channels - 1)]));
            png(
                &level.values.chunks_exact(channels).flat_map(colours).collect::<Vec<_>>(),
                width,
                3,
            )
        }
        Shape::Image { width, .. } => {
            let pixels: Vec<u8> = level
                .map(branch.map)
                .iter()
                .flat_map(|value| viridis(value.abs() / most.max(1e-12)))
                .collect();
            png(&pixels, width, 3)
        }
        _ => png(&bars(&level.values), BARS.0, 3),
    };
    let tile = |(at, branch): (usize, &Branch)| {
        Ok(Tile { branch: *branch, x: place(at), image: data_uri(&image(branch)?) })
    };
    branches.iter().enumerate().map(tile).collect()
}

/// Pixels of the picture of a code.
const BARS: (usize, usize) = (128, 64);

/// A code as bars, up for positive, down for negative.
fn bars(values: &[f32]) -> Vec<u8> {
    let (wide, high) = BARS;
    let most = values.iter().fold(0f32, |most, value| most.max(value.abs())).max(1e-12);
    let mut pixels = vec![235u8; wide * high * 3];
    for x in 0..wide {
        let value = values[x * values.len() / wide];
        let length = (value.abs() / most * (high / 2) as f32) as usize;
        for step in 0..length {
            let y = if value > 0.0 {
                high / 2 - 1 - step.min(high / 2 - 1)
            } else {
                (high / 2 + step).min(high - 1)
            };
            pixels[(y * wide + x) * 3..][..3].copy_from_slice(&[0, 114, 178]);
        }
    }
    pixels
}
