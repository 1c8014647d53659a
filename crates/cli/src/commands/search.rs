//! `ae search`: the rows nearest in code.

use crate::args::{Rows, Search};
use crate::commands::reading::{known_row, read_for};
use crate::show::{self, Show};
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Values;
use autoencoders::data::read;
use autoencoders::study::Neighbour;
use autoencoders::study::nearest;
use autoencoders::{Error, Matrix, Model, Result, load};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn run(args: &Search, show: &Show) -> Result<()> {
    let model = load(&args.model)?;
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let mut codes = model.encode(&data)?;
    let mut query = match (args.row, &args.text) {
        (Some(row), _) => codes.row(known_row(&data, row)?).to_vec(),
        (None, Some(text)) => model.encode(&only_text(&model, text)?)?.values,
        (None, None) => {
            model
                .encode(&one_row(args.like.as_deref().unwrap_or_default(), &args.rows, &model)?)?
                .values
        }
    };
    if args.text.is_some() {
        // Words alone make a short code: what counts is where it points to.
        let middle = middle(&codes);
        codes.values.chunks_mut(codes.columns).for_each(|code| point(code, &middle));
        point(&mut query, &middle);
    }
    // A row is no neighbour of itself, nor are its copies; one more is asked for in its place.
    let count = args.count as usize;
    let mut found = nearest(&codes, &query, count + usize::from(args.row.is_some()));
    found.retain(|neighbour| args.row.is_none() || codes.row(neighbour.row) != query);
    found.truncate(count);
    let neighbours: Vec<Value> = found.iter().map(|near| object(near, &data)).collect();
    let json = json!({ "row": args.row.map(|row| row + 1), "like": args.like, "text": args.text, "neighbours": neighbours });
    show.result(&json, table(&found, &data))
}

/// The mean code.
fn middle(codes: &Matrix) -> Vec<f32> {
    let mut sums = vec![0f64; codes.columns];
    codes.values.chunks(codes.columns).for_each(|code| {
        sums.iter_mut().zip(code).for_each(|(sum, number)| *sum += f64::from(*number))
    });
    sums.into_iter().map(|sum| (sum / codes.rows().max(1) as f64) as f32).collect()
}

/// The direction of a code from the middle.
fn point(code: &mut [f32], middle: &[f32]) {
    code.iter_mut().zip(middle).for_each(|(number, middle)| *number -= middle);
    let length = code.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-12);
    code.iter_mut().for_each(|number| *number /= length);
}

/// The row that has this text and nothing else.
fn only_text(model: &Model, text: &str) -> Result<Dataset> {
    let mut fields = model.signature().preparation.fields();
    let wanted =
        || Error::setting("text", format!("{text:?}"), "a model of a table with a column of text");
    let column =
        fields.iter().position(|field| field.kind == ColumnKind::Text).ok_or_else(wanted)?;
    let mut row = vec![f64::NAN; fields.len()];
    row[column] = 0.0;
    fields[column].levels = Arc::new(vec![text.to_owned()]);
    let mut data = Dataset::new("the words", model.signature().shape.clone(), Values::F64(row))?;
    data.fields = fields;
    Ok(data)
}

/// Reads the row whose neighbours are sought; a file of its own may lack the label and id of the
/// others.
fn one_row(file: &str, rows: &Rows, model: &Model) -> Result<Dataset> {
    let expected = model.signature().kinds();
    let known = model.signature().notation.clone();
    let set_aside = ReadOptions { labels: None, expected, known, ..rows.reading.options() };
    let bare =
        ReadOptions { label: None, id: Vec::new(), columns: Vec::new(), ..set_aside.clone() };
    let data = read(file, &set_aside).or_else(|error| read(file, &bare).map_err(|_| error))?;
    match data.rows() {
        1 => Ok(model.signature().aligned(data)?.0),
        count => Err(Error::data(
            file,
            format!("has {count} rows, wanted the one whose neighbours are sought"),
        )),
    }
}

fn object(near: &Neighbour, data: &Dataset) -> Value {
    let of = |all: &Option<Vec<String>>| all.as_ref().map(|all| all[near.row].clone());
    let mut object =
        json!({ "row": near.row + 1, "distance": near.distance, "copies": near.copies });
    for (name, value) in [("id", of(&data.ids)), ("label", of(&data.labels))] {
        if let Some(value) = value {
            object[name] = value.into();
        }
    }
    object
}

fn table(found: &[Neighbour], data: &Dataset) -> String {
    let beside = [("id", data.ids.clone()), ("label", data.labels.clone()), ("text", texts(data))];
    let mut rows = vec![show::cells([&"row", &"distance"])];
    rows.extend(
        found.iter().map(|near| show::cells([&(near.row + 1), &show::number(near.distance)])),
    );
    if found.iter().any(|near| near.copies > 0) {
        rows[0].push("copies".to_owned());
        rows[1..].iter_mut().zip(found).for_each(|(row, near)| row.push(near.copies.to_string()));
    }
    for (name, all) in beside {
        let Some(all) = all else { continue };
        rows[0].push(name.to_owned());
        for (row, near) in rows[1..].iter_mut().zip(found) {
            row.push(all[near.row].clone());
        }
    }
    show::table(&rows)
}

/// The first column of text, where there is one.
fn texts(data: &Dataset) -> Option<Vec<String>> {
    let column = data.fields.iter().position(|field| field.kind == ColumnKind::Text)?;
    let values = data.gather(0..data.rows()).ok()?;
    let text = |row: usize| {
        show::value(data.fields.get(column), values.get(row * data.features() + column))
    };
    Some((0..data.rows()).map(text).collect())
}
