//! Tables as text: CSV and its relatives, plain or gzip, and files of which each line is a text.

use crate::names::Names;
use crate::options::ReadOptions;
use crate::tables::cell::Cell;
use crate::tables::records::{Add, Records};
use crate::text::layout::FirstRecord;
use crate::text::layout::{STAMP_WORDS, split_stamp};
use crate::text::lines::Lines;
use rows::{DecimalMark, Error, Message, Notation, Result};
use std::io::Read;
use std::path::Path;

/// What the columns of lines are called.
const OF_LINES: [&str; 2] = ["time", "line"];

/// A line that comes alone as the cells that it would be in a file of lines, by the names of their
/// columns: the stamp at its beginning, empty where there is none, and the text behind it.
pub fn read_line(line: &str, notation: &Notation) -> [(String, String); 2] {
    let line = line.trim_end();
    let split = |words| split_stamp(line, words, notation.date_format.as_deref());
    let (stamp, text) = (1..=STAMP_WORDS).rev().find_map(split).unwrap_or(("", line));
    let [time, name] = OF_LINES.map(str::to_owned);
    [(time, stamp.to_owned()), (name, text.to_owned())]
}

/// A file of text.
pub(crate) struct CsvRecords<R> {
    lines: Lines<R>,
    place: String,
    names: Names,
    width: usize,
    /// The first record, where it is one of data.
    first: Option<Vec<String>>,
    /// Lines of text behind the table, once it is read.
    footnotes: usize,
}

/// Lines of text behind a table at most that are left out.
const MOST_FOOTNOTES: usize = 30;

impl CsvRecords<Box<dyn Read>> {
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        Self::new(Lines::open(path, options)?, &path.display().to_string())
    }
}

impl<R: Read> CsvRecords<R> {
    fn new(mut lines: Lines<R>, place: &str) -> Result<Self> {
        let layout = lines.layout.clone();
        let Some(first) = lines.next()? else {
            return Err(Error::data(place, "is empty"));
        };
        let first: Vec<String> = first.texts().map(|text| text.trim().to_owned()).collect();
        let is_lines = layout.lines.is_some();
        let width = if is_lines { first.len() } else { layout.width };
        let unnamed = layout.row_names.then(String::new);
        let names = match &layout.first {
            _ if is_lines => {
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
        let is_data =
            matches!(layout.first, FirstRecord::Data | FirstRecord::AfterNames(_)) || is_lines;
        let fields = if is_data { first.len() } else { names.names.len() };
        if fields != width {
            return Err(ragged(place, lines.line(), fields, width));
        }
        let first = is_data.then_some(first);
        Ok(Self { lines, place: place.to_owned(), names, width, first, footnotes: 0 })
    }
}

impl<R: Read> CsvRecords<R> {
    /// How many footnotes a table ends with, the first of which was just read; 0 where records follow,
    /// which one of them then is.
    fn footnotes(&mut self) -> Result<usize> {
        let mut count = 1;
        while let Some(fields) = self.lines.next()? {
            count += 1;
            if fields.texts().count() == self.width || count > MOST_FOOTNOTES {
                return Ok(0);
            }
        }
        Ok(count)
    }
}

/// Whether a record of a table of so many columns is a footnote: a text that is no number alone, or
/// several words where commas part it.
fn is_note(cells: &[Cell<'_>], width: usize) -> bool {
    match cells {
        [Cell::Written(text)] => text.parse::<f64>().is_err() && !text.trim().is_empty(),
        [Cell::Written(text), ..] if cells.len() < width => {
            let words = text.split_whitespace().count() > 1 || text.trim().ends_with(':');
            words && text.chars().any(char::is_alphabetic)
        }
        _ => false,
    }
}

impl<R: Read> Records for CsvRecords<R> {
    fn names(&self) -> &Names {
        &self.names
    }

    fn width(&self) -> usize {
        self.width
    }

    fn decimal(&self) -> Option<DecimalMark> {
        self.lines.layout.decimal
    }

    fn is_lines(&self) -> bool {
        self.lines.layout.lines.is_some()
    }

    fn feed(&mut self, add: &mut Add<'_>) -> Result<()> {
        if let Some(first) = &self.first {
            let cells: Vec<Cell<'_>> = first.iter().map(|text| Cell::Written(text)).collect();
            add(&cells)?;
        }
        while let Some(fields) = self.lines.next()? {
            let cells: Vec<Cell<'_>> = fields.texts().map(Cell::Written).collect();
            if cells.len() != self.width {
                let (count, begins) = (cells.len(), is_note(&cells, self.width));
                let line = self.lines.line();
                self.footnotes = if begins { self.footnotes()? } else { 0 };
                if self.footnotes == 0 {
                    return Err(ragged(&self.place, line, count, self.width));
                }
                return Ok(());
            }
            add(&cells)?;
        }
        Ok(())
    }

    fn notes(&self) -> Vec<Message> {
        let (layout, zeros) = (&self.lines.layout, self.lines.zeros());
        let mut notes = layout.notes.clone();
        if zeros > 0 {
            notes.push(format!("{zeros} zero bytes are left out").into());
        }
        if self.footnotes > 0 {
            let what = if self.footnotes == 1 { "line is" } else { "lines are" };
            let last =
                format!("the last {} {what} no part of the table and left out", self.footnotes);
            notes.push(last.into());
        }
        if layout.first == FirstRecord::Counted {
            notes.push("the first line counts 0, 1, 2, ... and was taken for column names".into());
        }
        if layout.row_names {
            let why =
                "the first column has no name and is called \"column 1\"; if it names the rows, ";
            notes.push(Message::from(why).set("id", "column 1").text(" sets it aside"));
        }
        notes
    }

    fn settings(&self, decimal: DecimalMark) -> Vec<(&'static str, String)> {
        self.lines.layout.settings(decimal)
    }
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
