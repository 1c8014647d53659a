//! Anomalies among the rows: how scores are distributed, which rows stand out and why, and where in
//! a series they lie.

use crate::reason::Told;
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Picture, Section};
use crate::show;
use crate::wording::all_worded;
use autoencoders::Result;
use autoencoders::data::Dataset;
use autoencoders::data::Field;
use autoencoders::data::Windows;
use autoencoders::study::Detector;
use autoencoders::study::PointScore;
use autoencoders::study::Reason;
use autoencoders::study::RowScore;
use autoencoders::study::ScoreKind;
use autoencoders::study::Stretch;
use autoencoders::study::Threshold;
use autoencoders::study::score;
use autoencoders::study::score_points;
use autoencoders::study::stretches_of;
use draw::chart::{self, color};
use maud::{Markup, html};

/// Rows, or stretches of a series, in the table.
const SHOWN: usize = 8;
/// Columns that explain each.
const REASONS: usize = 3;
/// Bars of the distribution.
const BARS: usize = 60;
/// Channels of a series that are drawn.
const CHANNELS: usize = 4;
/// Series that a caption names.
const NAMED: usize = 8;
/// Points of a curve at most; longer ones are drawn by the lowest and the highest of every few.
const POINTS: usize = 3000;

/// One line of the table.
struct Found<'a> {
    name: String,
    score: f64,
    probability: f64,
    reasons: &'a [Reason],
}

pub(super) fn section(facts: &Facts) -> Result<Option<Section>> {
    let Some(detector) = facts.model.find::<Detector>()? else { return Ok(None) };
    let contamination = facts.model.plan().blueprint.contamination;
    let kind = ScoreKind::Joined;
    let threshold = match &facts.data.windows {
        Some(_) => detector.point_threshold(kind, Threshold::Auto, contamination)?,
        None => detector.threshold(kind, Threshold::Auto, contamination)?,
    };
    let probed = detector.probed.as_ref();
    let advice = probed.map(|probed| probed.advice(ScoreKind::Joined)).unwrap_or_default();
    let advice = all_worded(&advice);
    let Scored { scores, table, series } = match &facts.data.windows {
        Some(windows) => of_points(facts, windows, threshold)?,
        None => of_rows(facts, threshold)?,
    };
    let above = scores.iter().filter(|score| **score > threshold).count();
    let mut figures = vec![distribution(
        &scores,
        threshold,
        if facts.data.windows.is_some() { "points" } else { "rows" },
    )?];
    figures.extend(series);
    let words = html! {
        (show::number(100.0 * above as f64 / scores.len().max(1) as f64)) " % of these " (if facts.data.windows.is_some() { "points" } else { "rows" })
        " score above the threshold, which few normal rows exceed (one in a hundred, or as the training expected). Of each part of a score 0 is the middle of rows that trained nothing, and 1 their ninth tenth. "
        @for advice in &advice { p { "Beware: " (advice) "." } }
        (table)
    };
    Ok(Some(Section { title: "Anomalies", words, figures }))
}

/// What the detector makes of the rows or points.
struct Scored {
    /// Those of all that have one.
    scores: Vec<f64>,
    /// The most anomalous.
    table: Markup,
    /// The channels with what was found; none where the rows are no series.
    series: Vec<Figure>,
}

fn of_rows(facts: &Facts, threshold: f64) -> Result<Scored> {
    // Single pixels explain nothing.
    let reasons = if facts.image().is_some() { 0 } else { REASONS };
    let rows = score(facts.model, facts.data, ScoreKind::Joined, reasons)?;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| rows[*b].score.total_cmp(&rows[*a].score).then(a.cmp(b)));
    let found = order.iter().take(SHOWN).map(|row| {
        let RowScore { score, probability, reasons } = &rows[*row];
        let name = facts.data.row_name(*row);
        Found { name, score: *score, probability: *probability, reasons }
    });
    let names: Vec<String> =
        (0..facts.data.features()).map(|column| facts.data.column_name(column)).collect();
    let fields = [facts.data.fields.as_slice(), &facts.model.signature().preparation.fields()];
    let table = table(facts, ("row", found.collect()), &names, fields, threshold);
    let scores = rows.iter().map(|row| row.score).collect();
    Ok(Scored { scores, table, series: Vec::new() })
}

fn of_points(facts: &Facts, windows: &Windows, threshold: f64) -> Result<Scored> {
    let points = score_points(facts.model, facts.data, ScoreKind::Joined, REASONS)?;
    let scores: Vec<Option<f64>> = points.iter().map(|point| point.score).collect();
    let mut found = stretches_of(windows, &scores, threshold);
    let series = series(facts.data, windows, &found)?;
    let peak = |stretch: &Stretch| points[stretch.peak].score.unwrap_or(f64::NEG_INFINITY);
    found.sort_by(|a, b| peak(b).total_cmp(&peak(a)).then(a.start.cmp(&b.start)));
    let line = |stretch: &Stretch| {
        let PointScore { score, probability, reasons } = &points[stretch.peak];
        let name = format!("{} to {}", windows.name(stretch.start), windows.stamps[stretch.end]);
        Found {
            name,
            score: score.unwrap_or(0.0),
            probability: probability.unwrap_or(0.0),
            reasons,
        }
    };
    let parts = windows.series.parts();
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let fields: Vec<Field> = parts.into_iter().map(|part| part.field).collect();
    let found = found.iter().take(SHOWN).map(line).collect();
    let table = table(facts, ("from, to", found), &names, [&fields, &fields], threshold);
    Ok(Scored { scores: scores.into_iter().flatten().collect(), table, series })
}

fn channel_name(data: &Dataset, channel: usize) -> String {
    data.channels.get(channel).cloned().unwrap_or_else(|| format!("channel {channel}"))
}

/// `fields` are those of the data and of the model.
fn table(
    facts: &Facts,
    (what, found): (&str, Vec<Found>),
    names: &[String],
    [data, expected]: [&[Field]; 2],
    threshold: f64,
) -> Markup {
    if found.is_empty() {
        return html! { p { "None is above it." } };
    }
    let explained = facts.image().is_none();
    html! {
        table {
            thead { tr { th { (what) } th { "score" } th { "probability" } @if explained { th { "column: value (expected)" } } } }
            tbody {
                @for found in &found {
                    tr {
                        td { (found.name) @if found.score <= threshold { " (below the threshold)" } }
                        td { (show::number(found.score)) }
                        td { (format!("{:.4}", found.probability)) }
                        @if explained { td {
                            @for why in found.reasons {
                                span.part { (Told::of(why, &names[why.column], [data, expected]).words()) }
                            }
                        } }
                    }
                }
            }
        }
    }
}

fn distribution(scores: &[f64], threshold: f64, what: &str) -> Result<Figure> {
    let low = scores.iter().copied().fold(threshold, f64::min);
    // A single row far out must not press all others into one bar.
    let high = scores
        .iter()
        .copied()
        .fold(threshold, f64::max)
        .min(threshold + 2.0 * (threshold - low).max(1e-6));
    let mut counts = vec![0usize; BARS];
    for score in scores {
        let place = (score - low) / (high - low).max(1e-300) * BARS as f64;
        counts[(place.max(0.0) as usize).min(BARS - 1)] += 1;
    }
    let marked = Some((threshold, "threshold".to_owned()));
    Ok(Figure::new(
        "scores",
        "How the scores are distributed",
        "To the right of the line are anomalies; the last bar holds all that lie beyond it.",
        Picture::Svg(chart::histogram(&counts, [low, high], ["score", what], marked)?),
    ))
}

/// Each channel over time, with the stretches above the threshold shaded.
fn series(data: &Dataset, windows: &Windows, found: &[Stretch]) -> Result<Vec<Figure>> {
    let channels = data.points()?;
    let shaded: Vec<(f64, f64)> =
        found.iter().map(|stretch| (stretch.start as f64, stretch.end as f64)).collect();
    channels
        .into_iter()
        .take(CHANNELS)
        .enumerate()
        .map(|(channel, points)| {
            let points: Vec<(f64, f64)> = points
                .into_iter()
                .enumerate()
                .filter_map(|(at, value)| Some((at as f64, value?)))
                .collect();
            let name = channel_name(data, channel);
            let span = span(windows);
            Ok(Figure::new(
                &format!("series-{channel}"),
                format!("{name} over time"),
                format!("{span}Shaded: stretches that score above the threshold."),
                Picture::Svg(chart::series(
                    &thinned(&points),
                    &shaded,
                    ["point", &name],
                    color(0),
                )?),
            ))
        })
        .collect()
}

/// From when to when the points are, and where each of several series begins among them.
fn span(windows: &Windows) -> String {
    let stamps = || windows.stamps.iter();
    // Those of several series follow each other.
    let ends = if windows.groups.is_some() {
        stamps().min().zip(stamps().max())
    } else {
        stamps().next().zip(stamps().next_back())
    };
    let span = ends.map_or(String::new(), |(first, last)| format!("From {first} to {last}. "));
    let groups = windows.groups.as_deref().unwrap_or_default();
    let begins = |at: &usize| *at == 0 || groups[*at] != groups[at - 1];
    let begins: Vec<usize> = (0..groups.len()).filter(begins).collect();
    let begin = |at: &usize| format!("{} from point {at}", groups[*at]);
    let named: Vec<String> = begins.iter().take(NAMED).map(begin).collect();
    let more = if begins.len() > NAMED { ", ..." } else { "" };
    match named.as_slice() {
        [] | [_] => span,
        named => format!("{span}One behind the other: {}{more}. ", named.join(", ")),
    }
}

/// At most so many points that a curve looks the same: of every few the lowest and the highest.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let together = points.len().div_ceil(POINTS / 2).max(1);
    if together < 3 {
        return points.to_vec();
    }
    let ends = |few: &[(f64, f64)]| {
        let by = |wanted: fn(f64, f64) -> bool| {
            few.iter()
                .copied()
                .fold(few[0], |best, point| if wanted(point.1, best.1) { point } else { best })
        };
        let (low, high) = (by(|a, b| a < b), by(|a, b| a > b));
        if low.0 <= high.0 { [low, high] } else { [high, low] }
    };
    points.chunks(together).flat_map(ends).collect()
}
