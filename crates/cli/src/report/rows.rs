//! Rows and what the model gives back: the best, the middling and the worst.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use crate::show;
use autoencoders::data::Shape;
use autoencoders::study::corrupted_rows;
use autoencoders::study::original_rows;
use autoencoders::{Matrix, Result};
use draw::chart::{self, Line, color};
use maud::{Markup, html};

/// Rows of each kind.
const EACH: usize = 8;
/// Columns with bars of their own.
const MOST_COLUMNS: usize = 20;
/// Columns without names that are drawn as a curve.
const CURVE: usize = 32;
/// Bars of the distribution of errors.
const BARS: usize = 60;

/// Some rows, and what became of them.
struct Kind {
    name: &'static str,
    rows: Vec<usize>,
    /// In the units of the data.
    originals: Matrix<f64>,
    rebuilt: Matrix<f64>,
}

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let order = facts.errors.order();
    let count = EACH.min(order.len());
    let middle = (order.len() - count) / 2;
    let worst = order[order.len() - count..].iter().rev().copied().collect::<Vec<_>>();
    let kinds = [
        ("best", order[..count].to_vec()),
        ("middling", order[middle..middle + count].to_vec()),
        ("worst", worst),
    ];
    let kinds = kinds
        .into_iter()
        .map(|(name, rows)| Kind::of(facts, name, rows))
        .collect::<Result<Vec<_>>>()?;
    let mut figures = Vec::new();
    match &facts.model.signature().shape {
        Shape::Image { channels: 1 | 3, .. } => {
            for kind in &kinds {
                figures.push(images(facts, kind)?);
            }
        }
        shape if is_curve(shape, facts.data.columns.is_empty()) => {
            for kind in &kinds {
                figures.push(overlay(facts, kind, 0)?);
            }
            figures.push(overlay(facts, &kinds[2], 1)?);
        }
        _ => figures.push(columns(facts)?),
    }
    figures.push(distribution(facts)?);
    let words = html! {
        "Errors are mean squared differences in scaled units. "
        @if figures.iter().any(|figure| figure.name == "columns") { (worst_table(facts, &kinds[2])) }
    };
    Ok(Some(Section { title: "Reconstructions", words, figures }))
}

/// Whether rows are drawn as curves: many columns without names are mostly points in time, or of a
/// spectrum.
pub(crate) fn is_curve(shape: &Shape, nameless: bool) -> bool {
    match shape {
        Shape::Series { .. } => true,
        Shape::Flat { width } => nameless && *width >= CURVE,
        Shape::Image { .. } => false,
    }
}

impl Kind {
    fn of(facts: &Facts, name: &'static str, rows: Vec<usize>) -> Result<Self> {
        let originals = original_rows(facts.model, facts.data, &rows)?;
        let rebuilt = facts.model.reconstruct_rows(facts.data, &rows)?;
        Ok(Self { name, rows, originals, rebuilt })
    }
}

/// Originals, reconstructions and errors below each other.
fn images(facts: &Facts, kind: &Kind) -> Result<Figure> {
    let (model, shape) = (facts.model, &facts.model.signature().shape);
    let (above, below) =
        (model.signature().pixels(&kind.originals), model.signature().pixels(&kind.rebuilt));
    // Around mid-grey: darker where the reconstruction is too dark.
    let errors = above.iter().zip(&below).map(|(above, below)| 0.5 + 0.5 * (below - above));
    let mut pixels = above.clone();
    pixels.extend(&below);
    pixels.extend(errors);
    if let Some(corrupted) = corrupted_rows(model, facts.data, &kind.rows, &facts.rng())? {
        let noisy = model.signature().pixels(&corrupted.0);
        let cleaned = model.signature().pixels(&corrupted.1);
        pixels.extend(noisy);
        pixels.extend(cleaned);
    }
    let lines = pixels.len() / above.len().max(1);
    let scale = (if let Shape::Image { width, .. } = shape { 64 / width } else { 1 }).max(1);
    let caption = match lines {
        3 => "From above: the rows, what the model gives back, and the difference around mid-grey.",
        _ => {
            "From above: the rows, what the model gives back, the difference around mid-grey, the rows corrupted as in training, and \
             what the model makes of those."
        }
    };
    let name = format!("rows-{}", kind.name);
    let title = format!("The {} rows: {}", kind.name, numbers(&kind.rows));
    Ok(Figure::new(&name, title, caption, Picture::images(&pixels, shape, kind.rows.len(), scale)?))
}

fn numbers(rows: &[usize]) -> String {
    rows.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// A series and its reconstruction over each other.
fn overlay(facts: &Facts, kind: &Kind, at: usize) -> Result<Figure> {
    let channels = if let Shape::Series { channels, .. } = facts.model.signature().shape {
        channels
    } else {
        1
    };
    let at = at.min(kind.rows.len() - 1);
    let of = |matrix: &Matrix<f64>| {
        let points = matrix.row(at).iter().step_by(channels).enumerate();
        points.map(|(time, value)| (time as f64, *value)).collect::<Vec<_>>()
    };
    let lines = [
        Line { name: "row".to_owned(), points: of(&kind.originals), color: color(8), thin: false },
        Line {
            name: "reconstruction".to_owned(),
            points: of(&kind.rebuilt),
            color: color(0),
            thin: false,
        },
    ];
    let row = kind.rows[at];
    // All channels on one axis would be no picture.
    let first = facts.data.channels.first().filter(|_| channels > 1);
    let shown = first.map_or(String::new(), |name| format!(" Of {channels} channels: {name}."));
    let axis = first.map_or("value", String::as_str);
    Ok(Figure::new(
        &format!("rows-{}-{at}", kind.name),
        format!("One of the {} rows: {}", kind.name, facts.data.row_name(row)),
        format!("Its mean squared error is {:.4} in scaled units.{shown}", facts.errors.rows[row]),
        Picture::Svg(chart::lines(&lines, ["point", axis], None)?),
    ))
}

fn columns(facts: &Facts) -> Result<Figure> {
    let mut all: Vec<(String, f64)> = facts
        .errors
        .columns
        .iter()
        .enumerate()
        .map(|(column, error)| (facts.data.column_name(column), *error))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shown = all.len().min(MOST_COLUMNS);
    let title = if shown == all.len() {
        "The error of each column".to_owned()
    } else {
        format!("The {shown} of {} columns with the largest errors", all.len())
    };
    let caption = "A column with an error near 1 (for standard scaling) is not in the code at all.";
    Ok(Figure::new(
        "columns",
        title,
        caption,
        Picture::Svg(chart::bars(&all[..shown], "mean squared error, scaled units")?),
    ))
}

/// The worst rows with their worst columns.
fn worst_table(facts: &Facts, worst: &Kind) -> Markup {
    let fields = facts.model.signature().preparation.fields();
    html! {
        "The worst rows and the columns that are to blame:"
        table {
            thead { tr { th { "row" } th { "error" } th { "column: value, given back as" } } }
            tbody {
                @for (at, row) in worst.rows.iter().enumerate() {
                    @let (original, rebuilt) = (worst.originals.row(at), worst.rebuilt.row(at));
                    @let order = {
                        let squares = facts.model.signature().preparation.squared_differences(original, rebuilt);
                        let mut order: Vec<usize> = (0..original.len()).collect();
                        order.sort_by(|a, b| squares[*b].total_cmp(&squares[*a]));
                        order
                    };
                    tr {
                        td { (facts.data.row_name(*row)) }
                        td { (format!("{:.4}", facts.errors.rows[*row])) }
                        td {
                            @for column in order.iter().take(3) {
                                @let text = |value: f64| show::value(fields.get(*column), value);
                                span.part { (facts.data.column_name(*column)) ": " (text(original[*column])) ", " (text(rebuilt[*column])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn distribution(facts: &Facts) -> Result<Figure> {
    let errors = &facts.errors.rows;
    let most = errors.iter().copied().fold(0f64, f64::max);
    let mut counts = vec![0usize; BARS];
    for error in errors {
        let bar = if most > 0.0 { (error / most * BARS as f64) as usize } else { 0 };
        counts[bar.min(BARS - 1)] += 1;
    }
    Ok(Figure::new(
        "errors",
        "How the errors of the rows are distributed",
        "A long tail to the right are rows unlike the others.",
        Picture::Svg(chart::histogram(
            &counts,
            [0.0, most],
            ["mean squared error of a row, scaled units", "rows"],
            None,
        )?),
    ))
}
