//! The page itself.

use crate::report::facts::Facts;
use crate::report::figure::Section;
use crate::report::hourglass;
use crate::show;
use crate::show::model_words;
use autoencoders::Result;
use autoencoders::study::levels;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Light, dark and on paper. Charts are drawn in black: their ink follows the page.
const STYLE: &str = include_str!("page.css");

/// The page on these models.
pub(super) fn html(all: &[Facts], sections: &[Section]) -> Result<String> {
    let names = all.iter().map(|facts| facts.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut headers = Vec::new();
    for facts in all {
        headers.push(header(facts, all.len() == 1)?);
    }
    let body = html! {
        header {
            h1 { (names) }
            @for header in &headers { (header) }
        }
        nav { @for section in sections { a href={ "#" (anchor(section)) } { (section.title) } } }
        main { @for section in sections { (part(section)) } }
    };
    let data = all.first().map_or("", |facts| facts.data.name.as_str());
    Ok(frame(&format!("{names} on {data}"), &body).into_string())
}

/// What a model is; alone on its page also its numbers.
fn header(facts: &Facts, alone: bool) -> Result<Markup> {
    let hourglass = hourglass::drawing(&levels(facts.model, facts.data, 0)?);
    Ok(html! {
        @if alone { (numbers(facts)) } @else { h2.model { (facts.name) } }
        (PreEscaped(hourglass))
        (settings(facts))
    })
}

/// What is the same on every page: nothing comes from elsewhere, and nothing runs.
fn frame(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

fn part(section: &Section) -> Markup {
    html! {
        section id=(anchor(section)) {
            h2 { (section.title) }
            div.words { (section.words) }
            div.figures { @for figure in &section.figures { (figure.markup()) } }
        }
    }
}

fn anchor(section: &Section) -> String {
    section.title.to_lowercase().replace(' ', "-")
}

/// The numbers of `ae eval`, to their last digit in `data-value`.
fn numbers(facts: &Facts) -> Markup {
    let of = &facts.evaluation;
    let mut all = vec![
        ("mse", "mean squared error", Some(of.mse)),
        ("pca_mse", "of principal components", Some(of.pca_mse)),
        ("mae", "mean absolute error", Some(of.mae)),
        ("explained_variance", "explained variance", of.explained_variance),
        ("active_units", "active units", Some(of.active_units as f64)),
        ("mean_activation", "mean activation", Some(of.mean_activation)),
        ("rows", "rows", Some(of.rows as f64)),
    ];
    all.retain(|(_, _, value)| value.is_some());
    html! {
        dl.numbers {
            @for (key, name, value) in all {
                @let value = value.unwrap_or_default();
                div { dt { (name) } dd data-key=(key) data-value=(value) { (shown(value)) } }
            }
            @for term in &of.terms.0 {
                div { dt { "loss: " (term.name) } dd data-key={ "terms." (term.name) } data-value=(term.value) { (show::term(term)) } }
            }
        }
    }
}

fn shown(value: f64) -> String {
    match value.abs() {
        size if value.fract() == 0.0 && size < 1e9 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.3}"),
        size if size >= 1e-4 => format!("{value:.5}"),
        _ => format!("{value:.2e}"),
    }
}

fn settings(facts: &Facts) -> Markup {
    let (model, config) = (facts.model, &facts.model.plan().settings);
    html! {
        p {
            (model_words(model)) " Shown here on " (facts.data.name) ", " (facts.data.rows()) " rows."
        }
        @if !config.parameters.is_empty() {
            p { "Parameters: " @for (name, value) in &config.parameters { code { (name) "=" (value.to_string()) } " " } }
        }
        p { "The same again, where these are the rows it was trained on: " code.command { (facts.command) } }
    }
}
