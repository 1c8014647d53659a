//! What in a table is worth a look before anything is trained on it.

use crate::stamps;
use crate::summary::Summary;
use crate::tables::column::Column;
use rows::{ColumnKind, Dataset, Message, Result, Shape, Span};
use std::collections::BTreeSet;

/// An end of the values that occurs so often may be a code for something ...
const OFTEN: usize = 3;
/// ... where it lies so many times further from the others than the tenth of these does.
const APART: f64 = 3.0;
/// A number is wild where it is so many times larger than nearly all others.
const WILD: f64 = 1e4;
/// Counts take more different values than codes do.
const FEW: usize = 3;
/// Columns and rows that are compared with each other at most.
const COLUMNS: usize = 200;
const ROWS: usize = 2000;
/// Columns that correlate so much say the same.
const SAME: f64 = 0.9999;
/// Fewer steps from one time to the next do not tell that all are even ...
const STEPS: usize = 30;
/// ... and of more than these, this part must be.
const EVEN: f64 = 0.9;
/// Points of a day that are a window, at least and at most.
const DAY_OF: (i64, i64) = (12, 96);
/// Columns named in one message at most.
const SHOWN: usize = 5;

/// Looks at a table whose columns are summed up.
pub(crate) fn check(
    data: &Dataset,
    columns: &[Column],
    summaries: &[Summary],
) -> Result<Vec<Message>> {
    if !matches!(data.shape, Shape::Flat { .. }) || columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let (mut counts, mut wild) = (Vec::new(), Vec::new());
    for (at, (column, summary)) in columns.iter().zip(summaries).enumerate() {
        if column.kind() != ColumnKind::Numeric || column.strays() > 0 {
            continue;
        }
        let name = data.column_name(at);
        if let Some((value, times, side)) = summary.code(OFTEN, APART) {
            let looks = format!(
                "{name} looks like it has a code for missing: {times} times exactly {value}, far {side} the rest; "
            );
            found.push(Message::from(looks).set("missing", value).text(" would count it so"));
        } else if summary.is_wild(WILD) {
            wild.push(name.clone());
        }
        let unit = summary.min.zip(summary.max).filter(|_| summary.whole);
        let unit = unit.and_then(|(min, max)| stamps::since_1970(min, max));
        if let Some(unit) = unit {
            let first = summary.min.and_then(stamps::of_number).map(rows::calendar::date_time);
            let looks = format!(
                "{name} looks like {unit} since 1970 (from {}); ",
                first.unwrap_or_default()
            );
            let kind = format!("{name}=date");
            found.push(Message::from(looks).set("column", kind).text(" reads it so"));
        } else if column.asked.is_none() && summary.counts(FEW) {
            counts.push(name);
        }
    }
    if !counts.is_empty() {
        let names: Vec<String> =
            counts.iter().take(SHOWN).map(|name| format!("{name}=count")).collect();
        let whole = format!("whole numbers from 0: {}; if they count something, ", listed(&counts));
        let kinds = Message::from(whole).set("column", names.join(","));
        found.push(kinds.text(" scores and generates them as counts"));
    }
    if !wild.is_empty() {
        let why = format!(
            "some numbers are ten thousand times larger than nearly all others: {}; correct them, or try ",
            listed(&wild)
        );
        found.push(Message::from(why).set("scale", "quantile"));
    }
    found.extend(series(data, columns)?);
    found.extend(copied_rows(data)?);
    found.extend(same_columns(data, columns)?);
    Ok(found)
}

/// The part of the rows by which times may be repeated unevenly where rows are points of several series.
const UNEVEN: f64 = 0.05;

fn listed(names: &[String]) -> String {
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// That the rows follow each other in even steps of time, by their only column of dates.
fn series(data: &Dataset, columns: &[Column]) -> Result<Option<Message>> {
    let dates = |at: &usize| columns[*at].kind() == ColumnKind::Date;
    let dates: Vec<usize> = (0..columns.len()).filter(dates).collect();
    let numbers = columns.iter().any(|column| column.kind().is_number());
    let ([date], true) = (dates.as_slice(), numbers) else { return Ok(None) };
    let values = data.gather(0..data.rows().min(ROWS))?;
    let times = (*date..values.len()).step_by(data.features()).map(|at| values.get(at));
    // In seconds, several machines at one time as once.
    let times: BTreeSet<i64> =
        times.filter(|day| day.is_finite()).map(|day| (day * 86_400.0).round() as i64).collect();
    // Several machines at one time are many rows of it, each time about as many.
    let rows = (values.len() / data.features().max(1)) as f64;
    let machines = (rows / times.len().max(1) as f64).round();
    if (machines * times.len() as f64 - rows).abs() > UNEVEN * rows {
        return Ok(None);
    }
    let steps: Vec<i64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let Some(step) = sorted.get(sorted.len() / 2).copied() else { return Ok(None) };
    let (day, month) = (86_400, 28 * 86_400..=31 * 86_400);
    let is_even = |own: &&i64| **own == step || month.contains(&step) && month.contains(own);
    let even = steps.iter().filter(is_even).count() as f64;
    if steps.len() < STEPS || even < EVEN * steps.len() as f64 {
        return Ok(None);
    }
    let window = match step {
        step if step < day && (DAY_OF.0..=DAY_OF.1).contains(&(day / step)) => day / step,
        step if step == day => 14,
        step if month.contains(&step) => 12,
        _ => 32,
    };
    let apart = if month.contains(&step) {
        "a month".to_owned()
    } else {
        Span { nanos: step.saturating_mul(1_000_000_000) }.to_string()
    };
    let looks = format!("the rows are {apart} apart by {}; ", data.column_name(*date));
    // Some windows must find room.
    let windows = Message::from(looks).set("window", window.min(times.len() as i64 / 3));
    Ok(Some(windows.text(" reads them as a series, in windows of so many points")))
}

/// How many rows are exact copies of others.
fn copied_rows(data: &Dataset) -> Result<Option<Message>> {
    let mut known = BTreeSet::new();
    let copies = data.hashes()?.into_iter().filter(|hash| !known.insert(*hash)).count();
    let all = data.rows();
    Ok(match copies {
        0 => None,
        1 => Some(format!("1 of {all} rows is an exact copy of another").into()),
        _ => Some(format!("{copies} of {all} rows are exact copies of others").into()),
    })
}

/// Columns of numbers of which one is as good as the other, among the first of each.
fn same_columns(data: &Dataset, columns: &[Column]) -> Result<Option<Message>> {
    let numeric = |at: &usize| columns[*at].kind() == ColumnKind::Numeric;
    let numeric: Vec<usize> = (0..columns.len()).filter(numeric).take(COLUMNS).collect();
    let values = data.gather(0..data.rows().min(ROWS))?;
    let features = data.features();
    // Each less its mean, divided by its length; none where it never changes.
    let unit = |column: &usize| {
        let numbers: Vec<f64> =
            (*column..values.len()).step_by(features).map(|at| values.get(at)).collect();
        let known: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let centred: Vec<f64> =
            numbers.iter().map(|x| if x.is_finite() { x - mean } else { 0.0 }).collect();
        let length = centred.iter().map(|x| x * x).sum::<f64>().sqrt();
        (length > 0.0).then(|| centred.into_iter().map(|x| x / length).collect::<Vec<f64>>())
    };
    let units: Vec<Option<Vec<f64>>> = numeric.iter().map(unit).collect();
    let mut pairs = Vec::new();
    for (a, one) in units.iter().enumerate() {
        for (b, other) in units.iter().enumerate().skip(a + 1) {
            let (Some(one), Some(other)) = (one, other) else { continue };
            let product: f64 = one.iter().zip(other).map(|(x, y)| x * y).sum();
            if product.abs() > SAME && values.len() / features.max(1) > 2 {
                let names = [a, b].map(|at| data.column_name(numeric[at]));
                pairs.push(names.join(" and "));
            }
        }
    }
    let why = |pairs: &[String]| {
        format!("columns that say the same: {}; leave one out with ", listed(pairs))
    };
    Ok((!pairs.is_empty()).then(|| Message::from(why(&pairs)).setting("drop")))
}
