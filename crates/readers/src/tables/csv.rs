//! Tables as text: CSV and its relatives, plain or gzip, and files of which each line is a text.

use crate::names::Names;
use crate::options::ReadOptions;
use crate::tables::cell::Cell;
use crate::tables::table::{Loaded, Table};
use crate::text::layout::FirstRecord;
use crate::text::lines::Lines;
use rows::{Error, Message, Result};
use std::io::Read;
use std::path::Path;

/// What the columns of lines are called.
const OF_LINES: [&str; 2] = ["time", "line"];

/// Reads a table, with NaN where a cell is no number; what the columns hold is told beside it.
pub(crate) fn load(path: &Path, options: &ReadOptions) -> Result<Loaded> {
    parse(Lines::open(path, options)?, &path.display().to_string(), options)
}

fn parse<R: Read>(mut lines: Lines<R>, place: &str, options: &ReadOptions) -> Result<Loaded> {
    let layout = lines.layout.clone();
    let Some(first) = lines.next()? else {
        return Err(Error::data(place, "is empty"));
    };
    let first: Vec<String> = first.texts().map(|text| text.trim().to_owned()).collect();
    let mut notation = options.written(layout.decimal);
    notation.lines = layout.lines.is_some();
    let decimal = notation.decimal.unwrap_or_default();
    let width = if layout.lines.is_some() { first.len() } else { layout.width };
    let unnamed = layout.row_names.then(String::new);
    let names = match &layout.first {
        _ if layout.lines.is_some() => {
            Names::new(OF_LINES[2 - width..].iter().map(|name| (*name).to_owned()))
        }
        FirstRecord::Data => Names::default(),
        FirstRecord::AfterNames(names) => Names::new(names.iter().cloned()),
        FirstRecord::Names | FirstRecord::Counted => {
            let empty_last = layout.trailing && first.len() > width;
            let own = first[..first.len() - usize::from(empty_last)].iter().cloned();
            Names::new(unnamed.into_iter().chain(own))
        }
    };
    let is_data = matches!(layout.first, FirstRecord::Data | FirstRecord::AfterNames(_))
        || layout.lines.is_some();
    if !is_data && names.names.len() != width {
        return Err(ragged(place, lines.line(), names.names.len(), width));
    }
    let mut table = Table::new(place, names, width, options, notation)?;
    if is_data {
        if first.len() != width {
            return Err(ragged(place, lines.line(), first.len(), width));
        }
        table.add(first.iter().map(|text| Cell::Written(text)))?;
    }
    while let Some(fields) = lines.next()? {
        let count = fields.texts().count();
        if count != width {
            return Err(ragged(place, lines.line(), count, width));
        }
        table.add(fields.texts().map(Cell::Written))?;
    }
    if table.rows() == 0 {
        return Err(Error::data(place, "has a header but no rows"));
    }
    let zeros = lines.zeros();
    let mut loaded = table.finish()?;
    loaded.settings = layout.settings(decimal);
    let mut notes = layout.notes;
    if zeros > 0 {
        notes.push(format!("{zeros} zero bytes are left out").into());
    }
    if layout.first == FirstRecord::Counted {
        notes.push("the first line counts 0, 1, 2, ... and was taken for column names".into());
    }
    if layout.row_names {
        let why = "the first column has no name and is called \"column 1\"; if it names the rows, ";
        notes.push(Message::from(why).set("id", "column 1").text(" sets it aside"));
    }
    loaded.dataset.warnings.splice(0..0, notes);
    Ok(loaded)
}

fn ragged(place: &str, line: usize, fields: usize, width: usize) -> Error {
    let why = format!(
        "line {line} has {fields} fields, wanted {width} as most have; correct it, quote cells that contain the delimiter, name the delimiter with "
    );
    let advice = Message::from(why).setting("delimiter").text(", leave out first lines with ");
    let advice = advice.setting("skip").text(", or take each line for one text with ");
    Error::data(place, advice.set("lines", "true"))
}

/// Reads the one column of a file of labels; a header, if any, comes first.
pub(crate) fn read_labels(path: &Path) -> Result<Vec<String>> {
    let place = path.display().to_string();
    let mut lines = Lines::open(path, &ReadOptions::default())?;
    let mut labels = Vec::new();
    while let Some(fields) = lines.next()? {
        let texts: Vec<&str> = fields.texts().collect();
        let [label] = texts[..] else {
            return Err(Error::data(
                &place,
                format!("has {} columns; wanted one label a row", texts.len()),
            ));
        };
        labels.push(label.trim().to_owned());
    }
    Ok(labels)
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
