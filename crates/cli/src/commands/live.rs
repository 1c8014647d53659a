//! `ae score MODEL -`: rows on standard input, one answer a line, at once.

use super::score::reason;
use crate::Exit;
use crate::args::Score;
use crate::show::{self, Show};
use autoencoders::data::{Dataset, Values};
use autoencoders::score::Threshold;
use autoencoders::{Error, Model, Result, among_workers};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

/// A longer line is no row of numbers; without a bound one line could take all memory.
const LONGEST: u64 = 1 << 24;

/// The columns of CSV lines: for each of the model's columns its place in a line.
type Places = Vec<usize>;

pub(crate) fn run(model: &Model, args: &Score, show: &Show) -> Result<Exit> {
    if args.output.is_some() || args.drift || args.threshold == Threshold::F1 {
        return Err(Error::setting(
            "DATA",
            "-",
            "a file for --output, --drift or --threshold f1: rows that come one by one are answered on standard output",
        ));
    }
    let threshold = model.detector()?.threshold(args.kind, args.threshold, model.parts.plan.config.contamination)?;
    if let Some(probed) = &model.detector()?.probed {
        probed.advice(args.kind).into_iter().for_each(|advice| show.warn(advice));
    }
    among_workers(|| answer(model, args, threshold, &mut io::stdin().lock(), &mut io::stdout().lock()))?;
    Ok(Exit::Done)
}

fn answer(model: &Model, args: &Score, threshold: f64, input: &mut impl BufRead, output: &mut impl Write) -> Result<()> {
    let fail = |error| Error::io(Path::new("standard input"), error);
    let (mut line, mut places) = (Vec::new(), None::<Places>);
    let mut first = true;
    for number in 1.. {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(fail)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if std::mem::take(&mut first)
            && let Some(found) = header(model, text)?
        {
            places = Some(found);
            continue;
        }
        let result = numbers(model, text, places.as_ref()).and_then(|row| {
            let data = Dataset::new("row", model.parts.plan.shape.clone(), Values::F64(row))?;
            model.score(&data, args.kind, args.reasons)
        });
        let object = match result {
            Ok(rows) => {
                let row = &rows[0];
                let reasons: Vec<Value> = row.reasons.iter().map(|why| reason(why, &column(model, why.column))).collect();
                json!({ "score": row.score, "probability": row.probability, "anomaly": u8::from(row.score > threshold), "reasons": reasons })
            }
            // One wrong line must not end the watch.
            Err(error) => {
                show::say(&format!("line {number}: {error}"));
                json!({ "line": number, "error": error.to_string() })
            }
        };
        writeln!(output, "{object}").and_then(|()| output.flush()).map_err(|error| Error::io(Path::new("standard output"), error))?;
    }
    Ok(())
}

fn column(model: &Model, at: usize) -> String {
    model.columns.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1))
}

/// The places of the model's columns, where a first line of CSV names columns.
fn header(model: &Model, line: &str) -> Result<Option<Places>> {
    if line.starts_with(['{', '[']) || cells(line).iter().all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok()) {
        return Ok(None);
    }
    let names = cells(line);
    if model.columns.is_empty() {
        return Ok(Some((0..model.parts.plan.features()).collect()));
    }
    let place = |wanted: &String| {
        names.iter().position(|name| name == wanted).ok_or_else(|| {
            Error::data(
                "the first line",
                format!("names no column {wanted:?}; wanted the columns of the training: {}", model.columns.join(", ")),
            )
        })
    };
    model.columns.iter().map(place).collect::<Result<_>>().map(Some)
}

fn cells(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(line.as_bytes());
    let record = reader.records().next();
    record.and_then(|record| record.ok()).map(|record| record.iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// The model's columns of one line: a JSON object by names, a JSON array or CSV in order.
fn numbers(model: &Model, line: &str, places: Option<&Places>) -> Result<Vec<f64>> {
    let features = model.parts.plan.features();
    let wrong = |at: usize, got: &dyn std::fmt::Display| Error::data(column(model, at), format!("is {got}; wanted a finite number"));
    let finite = |at: usize, number: Option<f64>, got: &dyn std::fmt::Display| {
        number.filter(|number| number.is_finite()).ok_or_else(|| wrong(at, got))
    };
    let width = |got: usize| Error::shape("row", format!("{got} numbers"), format!("{features}, as in training"));
    if line.starts_with(['{', '[']) {
        let value: Value = serde_json::from_str(line).map_err(|error| Error::data("row", format!("is no JSON ({error})")))?;
        return match &value {
            Value::Array(numbers) if numbers.len() == features => {
                numbers.iter().enumerate().map(|(at, value)| finite(at, value.as_f64(), value)).collect()
            }
            Value::Array(numbers) => Err(width(numbers.len())),
            object => (0..features)
                .map(|at| match &object[column(model, at)] {
                    Value::Null => Err(Error::data(column(model, at), "is missing; wanted all columns of the training")),
                    value => finite(at, value.as_f64().or_else(|| value.as_bool().map(f64::from)), value),
                })
                .collect(),
        };
    }
    let cells = cells(line);
    match places {
        Some(places) => places
            .iter()
            .enumerate()
            .map(|(at, place)| cells.get(*place).ok_or_else(|| width(cells.len())).and_then(|cell| finite(at, cell.parse().ok(), cell)))
            .collect(),
        None if cells.len() == features => cells.iter().enumerate().map(|(at, cell)| finite(at, cell.parse().ok(), cell)).collect(),
        None => Err(width(cells.len())),
    }
}
