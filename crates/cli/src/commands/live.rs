//! `ae score MODEL -`: rows on standard input, one answer a line, at once.

use crate::args::Score;
use crate::commands::reason::reason;
use crate::exit::Exit;
use crate::show::{self, Show};
use crate::wording::worded;
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::Field;
use autoencoders::data::Values;
use autoencoders::data::{lenient_json, read_cell};
use autoencoders::study::Threshold;
use autoencoders::study::detector;
use autoencoders::study::score;
use autoencoders::{Error, Model, Result, among_workers};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::sync::Arc;

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
    if let Some(series) = &model.signature().series {
        show.note(format!(
            "each line is a whole window of {} points, the channels of a point side by side",
            series.window
        ));
    }
    let threshold = detector(model)?.threshold(
        args.kind,
        args.threshold,
        model.plan().blueprint.contamination,
    )?;
    if let Some(probed) = &detector(model)?.probed {
        probed.advice(args.kind).into_iter().for_each(|advice| show.warn(advice));
    }
    among_workers(|| {
        answer(model, args, threshold, &mut io::stdin().lock(), &mut io::stdout().lock())
    })?;
    Ok(Exit::Done)
}

fn answer(
    model: &Model,
    args: &Score,
    threshold: f64,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<()> {
    let fail = |error| Error::io(Path::new("standard input"), error);
    let (mut line, mut places) = (Vec::new(), None::<Places>);
    let mut first = true;
    let known = model.signature().preparation.fields();
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
        let result = row(model, &known, text, places.as_ref()).and_then(|data| {
            Ok((score(model, &data, args.kind, args.reasons)?, [data.fields, known.clone()]))
        });
        let object = match result {
            Ok((rows, fields)) => {
                let row = &rows[0];
                let reasons: Vec<Value> = row
                    .reasons
                    .iter()
                    .map(|why| reason(why, &column(model, why.column), &fields))
                    .collect();
                json!({ "score": row.score, "probability": row.probability, "anomaly": u8::from(row.score > threshold), "reasons": reasons })
            }
            // One wrong line must not end the watch.
            Err(error) => {
                let error = worded(&error);
                show::say(&format!("line {number}: {error}"));
                json!({ "line": number, "error": error })
            }
        };
        writeln!(output, "{object}")
            .and_then(|()| output.flush())
            .map_err(|error| Error::io(Path::new("standard output"), error))?;
    }
    Ok(())
}

fn column(model: &Model, at: usize) -> String {
    model.signature().columns.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1))
}

/// The places of the model's columns, where a first line of CSV names columns.
fn header(model: &Model, line: &str) -> Result<Option<Places>> {
    let names = cells(line);
    let numbers = names.iter().all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok());
    if line.starts_with(['{', '[']) || numbers {
        return Ok(None);
    }
    if model.signature().columns.is_empty() {
        // Where rows hold words, words are no sign of names.
        let words =
            model.signature().preparation.fields().iter().any(|field| !field.kind.is_number());
        return Ok((!words).then(|| (0..model.features()).collect()));
    }
    if model.signature().preparation.table.is_some()
        && !names.iter().any(|name| model.signature().columns.contains(name))
    {
        return Ok(None);
    }
    let place = |wanted: &String| {
        names.iter().position(|name| name == wanted).ok_or_else(|| {
            Error::data(
                "the first line",
                format!(
                    "names no column {wanted:?}; wanted the columns of the training: {}",
                    model.signature().columns.join(", ")
                ),
            )
        })
    };
    model.signature().columns.iter().map(place).collect::<Result<_>>().map(Some)
}

fn cells(line: &str) -> Vec<String> {
    if !line.contains('"') {
        return line.split(',').map(|cell| cell.trim().to_owned()).collect();
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    let record = reader.records().next();
    record
        .and_then(|record| record.ok())
        .map(|record| record.iter().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// The row of one line: a JSON object by names, a JSON array or CSV in order.
fn row(model: &Model, fields: &[Field], line: &str, places: Option<&Places>) -> Result<Dataset> {
    let features = model.features();
    let width = |got: usize| {
        Error::shape("row", format!("{got} values"), format!("{features}, as in training"))
    };
    let texts: Vec<String> = if line.starts_with(['{', '[']) {
        let value: Value = serde_json::from_str(&lenient_json(line))
            .map_err(|error| Error::data("row", format!("is no JSON ({error})")))?;
        match &value {
            Value::Array(values) if values.len() == features => values.iter().map(text).collect(),
            Value::Array(values) => return Err(width(values.len())),
            object => (0..features)
                .map(|at| match object.get(column(model, at)) {
                    Some(value) => Ok(text(value)),
                    None => Err(Error::data(
                        column(model, at),
                        "is missing; wanted all columns of the training",
                    )),
                })
                .collect::<Result<_>>()?,
        }
    } else {
        let cells = cells(line);
        match places {
            Some(places) => places
                .iter()
                .map(|place| cells.get(*place).cloned().ok_or_else(|| width(cells.len())))
                .collect::<Result<_>>()?,
            None if cells.len() == features => cells,
            None => return Err(width(cells.len())),
        }
    };
    let knows_gaps = model.signature().preparation.table.as_ref().is_some_and(|table| table.gaps);
    let mut own = fields.to_vec();
    let mut values = Vec::with_capacity(features);
    for (at, text) in texts.iter().enumerate() {
        let field = own.get(at).cloned().unwrap_or_default();
        let notation = &model.signature().notation;
        let value = read_cell(&column(model, at), &field, notation, text)?;
        if value.is_nan() && !knows_gaps {
            return Err(Error::data(
                column(model, at),
                "has no value; the model was trained on complete rows",
            ));
        }
        if value == field.levels.len() as f64
            && matches!(field.kind, ColumnKind::Categorical | ColumnKind::Text)
        {
            // A word of its own, so that the answer can name it.
            let levels = field.levels.iter().cloned().chain([text.clone()]).collect();
            own[at] = Field { kind: field.kind, levels: Arc::new(levels) };
        }
        values.push(value);
    }
    let mut data = Dataset::new("row", model.signature().shape.clone(), Values::F64(values))?;
    data.fields = own;
    Ok(data)
}

/// A JSON value as a cell of CSV.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
