//! How training went, and how far principal components get.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use autoencoders::{Numbers, Result};
use draw::chart::{self, Line, color};
use maud::html;

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let mut figures = Vec::new();
    figures.extend(curves(facts)?);
    figures.push(components(facts)?);
    Ok(Some(Section {
        title: "Training",
        words: html! { "What the loss was made of, epoch by epoch, and what a linear code of the same size would reach." },
        figures,
    }))
}

/// Every named term and, where there is more than one, their sum.
fn curves(facts: &Facts) -> Result<Option<Figure>> {
    let history = &facts.model.provenance().history;
    let Some(first) = history.first() else { return Ok(None) };
    let mut names: Vec<&str> = first.train.0.iter().map(|term| term.name.as_str()).collect();
    if names.len() > 1 {
        names.insert(0, "loss");
    }
    let of = |numbers: &Numbers, name: &str| {
        if name == "loss" { Some(numbers.sum()) } else { numbers.get(name) }
    };
    let mut lines = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let train =
            history.iter().filter_map(|epoch| Some((epoch.epoch as f64, of(&epoch.train, name)?)));
        let validation = history
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64, of(epoch.validation.as_ref()?, name)?)));
        lines.push(Line {
            name: format!("{name}, training"),
            points: train.collect(),
            color: color(at),
            thin: true,
        });
        let validation: Vec<(f64, f64)> = validation.collect();
        if !validation.is_empty() {
            lines.push(Line {
                name: format!("{name}, validation"),
                points: validation,
                color: color(at),
                thin: false,
            });
        }
    }
    let chosen = facts.model.provenance().chosen;
    let marked = (chosen > 0).then(|| (chosen as f64, format!("epoch {chosen} chosen")));
    let svg = chart::lines(&lines, ["epoch", "summed over a row, averaged over rows"], marked)?;
    Ok(Some(Figure::new(
        "learning-curves",
        "Learning curves",
        "Thin lines are averages over each epoch's training steps, thick ones the validation rows after it. The model has the weights \
         of the marked epoch.",
        Picture::Svg(svg),
    )))
}

fn components(facts: &Facts) -> Result<Figure> {
    let (errors, latent) = (&facts.errors, facts.model.latent());
    let pca = errors.pca.iter().enumerate().map(|(size, error)| (size as f64, *error)).collect();
    let family = facts.model.plan().settings.family.clone();
    let lines = [
        Line { name: "principal components".to_owned(), points: pca, color: color(8), thin: false },
        Line {
            name: family,
            points: vec![(latent as f64, errors.mean())],
            color: color(0),
            thin: false,
        },
    ];
    Ok(Figure::new(
        "components",
        "The error beside principal components",
        "The mean squared error on these rows, in scaled units, of principal components of each code size, fitted on the training \
         rows; the dot is the model.",
        Picture::Svg(chart::lines(&lines, ["numbers in the code", "mean squared error"], None)?),
    ))
}
