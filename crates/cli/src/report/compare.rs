//! Several models on the same rows.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::data::Shape;
use autoencoders::{Error, Result};
use draw::chart::{self, Line, color};
use maud::{Markup, html};

/// Rows that every model gives back.
const ROWS: usize = 16;
/// Steps of the distribution of errors.
const STEPS: usize = 60;

/// What stands only on a page of several models.
pub(super) fn sections(all: &[Facts]) -> Result<Vec<Section>> {
    for facts in &all[1..] {
        let (first, other) = (all[0].model.features(), facts.model.features());
        if first != other {
            return Err(Error::shape(
                format!("rows of {}", facts.name),
                other,
                format!("{first}, as {} takes", all[0].name),
            ));
        }
    }
    let mut figures = vec![components(all)?, errors(all)?];
    figures.extend(curves(all)?);
    figures.extend(images(all)?);
    Ok(vec![Section { title: "Side by side", words: table(all), figures }])
}

fn table(all: &[Facts]) -> Markup {
    let best = |of: fn(&Facts) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
    let (mse, mae) = (best(|facts| facts.evaluation.mse), best(|facts| facts.evaluation.mae));
    let number = |value: f64| format!("{value:.5}");
    html! {
        table {
            thead { tr {
                th { "model" } th { "family" } th { "network" } th { "code" } th { "mse" } th { "pca" } th { "mae" } th { "explained variance" }
                th { "active units" } th { "weights" }
            } }
            tbody {
                @for facts in all {
                    @let (of, config) = (&facts.evaluation, &facts.model.plan().settings);
                    tr {
                        td { (facts.name) }
                        td { (config.family) }
                        td { (config.net.to_string()) }
                        td { (config.latent) }
                        td.best[of.mse == mse] { (number(of.mse)) }
                        td { (number(of.pca_mse)) }
                        td.best[of.mae == mae] { (number(of.mae)) }
                        td { (of.explained_variance.map_or("-".to_owned(), number)) }
                        td { (of.active_units) " of " (config.latent) }
                        td { (facts.model.weights()) }
                    }
                }
            }
        }
    }
}

fn components(all: &[Facts]) -> Result<Figure> {
    let longest = all.iter().map(|facts| &facts.errors.pca).max_by_key(|pca| pca.len());
    let pca = longest
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(size, error)| (size as f64, *error))
        .collect();
    let mut lines = vec![Line {
        name: "principal components".to_owned(),
        points: pca,
        color: color(8),
        thin: false,
    }];
    for (at, facts) in all.iter().enumerate() {
        let points = vec![(facts.codes.columns as f64, facts.errors.mean())];
        lines.push(Line { name: facts.name.clone(), points, color: color(at), thin: false });
    }
    let svg = chart::lines(&lines, ["numbers in the code", "mean squared error"], None)?;
    let caption = "The mean squared error on these rows, in scaled units; each dot is a model, at its code size.";
    Ok(Figure::new(
        "components",
        "The errors beside principal components",
        caption,
        Picture::Svg(svg),
    ))
}

fn errors(all: &[Facts]) -> Result<Figure> {
    let most =
        all.iter().flat_map(|facts| &facts.errors.rows).copied().fold(0f64, f64::max).max(1e-300);
    let line = |(at, facts): (usize, &Facts)| {
        let mut counts = vec![0.0; STEPS];
        facts.errors.rows.iter().for_each(|error| {
            counts[((error / most * STEPS as f64) as usize).min(STEPS - 1)] += 1.0
        });
        let points = counts
            .into_iter()
            .enumerate()
            .map(|(step, count)| ((step as f64 + 0.5) / STEPS as f64 * most, count));
        Line { name: facts.name.clone(), points: points.collect(), color: color(at), thin: false }
    };
    let lines: Vec<Line> = all.iter().enumerate().map(line).collect();
    let svg = chart::lines(&lines, ["mean squared error of a row, scaled units", "rows"], None)?;
    Ok(Figure::new(
        "errors",
        "How the errors of the rows are distributed",
        "Further to the left is better.",
        Picture::Svg(svg),
    ))
}

/// The validation loss of each, where there is one.
fn curves(all: &[Facts]) -> Result<Option<Figure>> {
    let line = |(at, facts): (usize, &Facts)| {
        let points = facts
            .model
            .provenance()
            .history
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation.as_ref()?.sum())));
        Line { name: facts.name.clone(), points: points.collect(), color: color(at), thin: false }
    };
    let lines: Vec<Line> =
        all.iter().enumerate().map(line).filter(|line| !line.points.is_empty()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let svg = chart::lines(&lines, ["epoch", "validation loss"], None)?;
    let caption = "Each on its own validation rows and with its own terms: curves of different families are not to be compared by height.";
    Ok(Some(Figure::new("learning-curves", "Learning curves", caption, Picture::Svg(svg))))
}

/// The same rows given back by each.
fn images(all: &[Facts]) -> Result<Option<Figure>> {
    let first = &all[0];
    let Some(shape @ &Shape::Image { width, .. }) = first.image() else { return Ok(None) };
    let order = first.errors.order();
    let count = ROWS.min(order.len());
    let rows: Vec<usize> =
        (0..count).map(|at| order[at * (order.len() - 1) / (count - 1).max(1)]).collect();
    let mut pixels = first.pixels_of(&rows)?;
    for facts in all {
        pixels.extend(
            facts.model.signature().pixels(&facts.model.reconstruct_rows(facts.data, &rows)?),
        );
    }
    let names = all.iter().map(|facts| facts.name.as_str()).collect::<Vec<_>>().join(", ");
    let caption = format!(
        "From above: the rows, then {names}. From the left: from the row that {} gives back best to its worst.",
        first.name
    );
    let picture = Picture::images(&pixels, shape, count, (56 / width).max(1))?;
    Ok(Some(Figure::new("rows", "The same rows", caption, picture)))
}
