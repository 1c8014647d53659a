//! Tables as text: CSV with comma, semicolon or tab, with or without a header, plain or gzip.

use crate::hold::sink::Sink;
use crate::hold::source::{Peeked, Stream, failed, peek};
use crate::names::find_column;
use crate::options::{ReadOptions, Wanted};
use crate::tables::cell::Cell;
use crate::tables::column::Loaded;
use crate::tables::column::{self, Column};
use csv::{ByteRecord, Reader, ReaderBuilder};
use rows::{Dataset, Error, Result, Shape};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

/// Bytes looked at to find out the delimiter.
const HEAD: u64 = 1 << 16;
/// A longer line is no line of a table; without a bound, one open quote would read a whole file
/// into one cell.
const LONGEST_LINE: usize = 1 << 26;

/// Reads a table, with NaN where a cell is no number; what the columns hold is told beside it.
pub(crate) fn load(path: &Path, options: &ReadOptions) -> Result<Loaded> {
    parse(Stream::open(path)?.reader, &path.display().to_string(), options)
}

fn parse(reader: impl Read, place: &str, options: &ReadOptions) -> Result<Loaded> {
    let mut lines = Lines::new(reader, place)?;
    let mut record = ByteRecord::new();
    let mut second = ByteRecord::new();
    if !lines.next(&mut record)? {
        return Err(Error::data(place, "is empty"));
    }
    let has_second = lines.next(&mut second)?;
    let header = header(&record, has_second.then_some(&second));
    let mut table = CsvTable::new(place, &record, &header, options)?;
    if header == FirstLine::None {
        table.add(&record, || 1)?;
    }
    if has_second {
        table.add(&second, || lines.line(&second))?;
    }
    while lines.next(&mut record)? {
        table.add(&record, || lines.line(&record))?;
    }
    table.finish(header == FirstLine::Counted)
}

/// Reads the one column of a file of labels; a header, if any, comes first.
pub(crate) fn read_labels(path: &Path) -> Result<Vec<String>> {
    let place = path.display().to_string();
    let mut lines = Lines::new(Stream::open(path)?.reader, &place)?;
    let mut record = ByteRecord::new();
    let mut labels = Vec::new();
    while lines.next(&mut record)? {
        if record.len() != 1 {
            return Err(Error::data(
                &place,
                format!("has {} columns; wanted one label a row", record.len()),
            ));
        }
        labels.push(text(&record[0]));
    }
    Ok(labels)
}

/// The records of a text file.
struct Lines<R> {
    reader: Reader<Text<R>>,
    place: String,
}

impl<R: Read> Lines<Peeked<R>> {
    fn new(reader: R, place: &str) -> Result<Self> {
        let (head, reader) = peek(reader, HEAD).map_err(|error| failed(place, error))?;
        if head.contains(&0) {
            return Err(Error::data(
                place,
                "is no UTF-8 text (it has zero bytes); save it as UTF-8",
            ));
        }
        let reader = ReaderBuilder::new()
            .delimiter(delimiter(&head))
            .has_headers(false)
            .flexible(true)
            .from_reader(Text {
                reader,
                left: LONGEST_LINE,
                returns: head.windows(2).any(|pair| pair == b"\r\n"),
                ended: false,
            });
        Ok(Self { reader, place: place.to_owned() })
    }
}

impl<R: Read> Lines<R> {
    /// Reads the next record; false at the end.
    fn next(&mut self, record: &mut ByteRecord) -> Result<bool> {
        self.reader.get_mut().left = LONGEST_LINE;
        self.reader.read_byte_record(record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => failed(&self.place, error),
            _ => Error::data(&self.place, "is no CSV file"),
        })
    }

    /// The one-based line on which the record just read begins.
    fn line(&self, record: &ByteRecord) -> usize {
        // The reader's own word for it is off after blank lines; where the record ends is certain.
        let within = record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        usize::try_from(self.reader.position().line())
            .unwrap_or(usize::MAX)
            .saturating_sub(1 + within)
    }
}

/// Text whose lines all end with a line feed alone, and which gives up when one record takes more
/// than its budget.
struct Text<R> {
    reader: R,
    left: usize,
    /// Whether lines end with carriage return and line feed.
    returns: bool,
    ended: bool,
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line of more than 64 MiB; is a quote not closed?",
            ));
        }
        let length = buffer.len().min(self.left);
        while !self.ended && length > 0 {
            let read = self.reader.read(&mut buffer[..length])?;
            self.left -= read;
            if read == 0 {
                self.ended = true;
                buffer[0] = b'\n';
                return Ok(1);
            }
            let mut kept = 0;
            for position in 0..read {
                buffer[kept] = buffer[position];
                kept += usize::from(!(self.returns && buffer[position] == b'\r'));
            }
            if kept > 0 {
                return Ok(kept);
            }
        }
        Ok(0)
    }
}

/// The delimiter that parts the first lines into equally many fields; a comma where there is none.
fn delimiter(head: &[u8]) -> u8 {
    let mut lines: Vec<&[u8]> =
        head.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(21).collect();
    // The last line may be cut off.
    if lines.len() > 1 {
        lines.pop();
    }
    let count = |line: &[u8], delimiter: u8| {
        let mut quoted = false;
        line.iter()
            .filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && **byte == delimiter
            })
            .count()
    };
    // Commas come last: they also part decimals.
    let even = [b'\t', b';', b','].into_iter().find(|delimiter| {
        let mut counts = lines.iter().map(|line| count(line, *delimiter));
        let first = counts.next().unwrap_or(0);
        first > 0 && counts.all(|count| count == first)
    });
    let most = || {
        [b',', b';', b'\t']
            .into_iter()
            .rev()
            .max_by_key(|delimiter| lines.first().map(|line| count(line, *delimiter)))
    };
    even.or_else(most).unwrap_or(b',')
}

/// What the first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstLine {
    /// Data already.
    None,
    /// Names.
    Names,
    /// The numbers 0, 1, 2, ..., as pandas names columns without names.
    Counted,
}

fn header(first: &ByteRecord, second: Option<&ByteRecord>) -> FirstLine {
    let cells: Vec<Cell> = first.iter().map(Cell::read).collect();
    let texts = cells.iter().filter(|cell| **cell == Cell::Text).count();
    let known =
        cells.iter().any(|cell| matches!(cell, Cell::Number(_) | Cell::Date | Cell::Boolean(_)));
    if texts > 0 && !known {
        return FirstLine::Names;
    }
    let unnamed = usize::from(cells.first() == Some(&Cell::Missing));
    let counted =
        cells[unnamed..].iter().enumerate().all(|(i, cell)| *cell == Cell::Number(i as f64));
    if counted && cells.len() - unnamed >= 4 {
        return FirstLine::Counted;
    }
    let Some(second) = second else {
        return FirstLine::None;
    };
    let over_value = |(cell, below): (&Cell, &[u8])| {
        *cell == Cell::Text && !matches!(Cell::read(below), Cell::Text | Cell::Missing)
    };
    // Names may be whole numbers (years, pixel numbers), each once.
    let mut numbers: Vec<f64> = cells
        .iter()
        .filter(|cell| matches!(cell, Cell::Number(_)))
        .map(|cell| cell.value())
        .collect();
    numbers.sort_by(f64::total_cmp);
    let all = numbers.len();
    numbers.dedup();
    let nameable = numbers.len() == all
        && numbers.iter().all(|number| *number >= 0.0 && number.fract() == 0.0);
    if nameable && cells.iter().zip(second).any(over_value) {
        FirstLine::Names
    } else {
        FirstLine::None
    }
}

/// The table as it is read.
struct CsvTable<'a> {
    place: &'a str,
    names: Vec<String>,
    /// The names that the header has more than once.
    repeated: Vec<String>,
    width: usize,
    label: Option<usize>,
    id: Option<usize>,
    columns: Vec<Column>,
    values: Sink<f64>,
    labels: Vec<String>,
    ids: Vec<String>,
    rows: usize,
}

impl<'a> CsvTable<'a> {
    fn new(
        place: &'a str,
        first: &ByteRecord,
        header: &FirstLine,
        options: &ReadOptions,
    ) -> Result<Self> {
        let width = first.len();
        let mut names = Vec::new();
        if *header != FirstLine::None {
            names.extend(first.iter().map(text));
            for (j, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
                *name = format!("column {}", j + 1);
            }
        }
        let find = |option: &str, wanted: &Option<String>| {
            wanted
                .as_ref()
                .map(|wanted| find_column(place, option, wanted, &names, width))
                .transpose()
        };
        let (label, id) = (find("label", &options.label)?, find("id", &options.id)?);
        let aside = |j: &usize| Some(*j) == label || Some(*j) == id;
        let kept: Vec<usize> = (0..width).filter(|j| !aside(j)).collect();
        let Wanted { kinds, known_only } = options.kinds(place, &names, width, &kept)?;
        let repeated = tell_apart(&mut names);
        // Without the columns that are set aside the others keep their numbers.
        if names.is_empty() && kept.len() < width {
            names.extend((1..=width).map(|number| format!("column {number}")));
        }
        if kept.is_empty() {
            return Err(Error::data(
                place,
                "no column is left beside label and id; wanted at least one of numbers",
            ));
        }
        Ok(Self {
            place,
            names,
            repeated,
            width,
            label,
            id,
            columns: kept.iter().map(|j| Column::wanted(kinds[*j], known_only)).collect(),
            values: Sink::new(place, options.memory, usize::MAX),
            labels: Vec::new(),
            ids: Vec::new(),
            rows: 0,
        })
    }

    fn add(&mut self, record: &ByteRecord, line: impl FnOnce() -> usize) -> Result<()> {
        if record.len() != self.width {
            return Err(Error::data(
                self.place,
                format!(
                    "line {} has {} fields, wanted {} as in the first line; correct it, or quote cells that contain the delimiter",
                    line(),
                    record.len(),
                    self.width
                ),
            ));
        }
        self.values.room(self.columns.len())?;
        let mut column = self.columns.iter_mut();
        for (j, bytes) in record.iter().enumerate() {
            let aside = Some(j) == self.label || Some(j) == self.id;
            if Some(j) == self.label {
                self.labels.push(text(bytes));
            }
            if Some(j) == self.id {
                self.ids.push(text(bytes));
            }
            if aside {
                continue;
            }
            if let Some(column) = column.next() {
                self.values.push(column.take(self.rows, Cell::read(bytes), || text(bytes)));
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(self, counted: bool) -> Result<Loaded> {
        if self.rows == 0 {
            return Err(Error::data(self.place, "has a header but no rows"));
        }
        let shape = Shape::Flat { width: self.columns.len() };
        let mut dataset = Dataset::new(self.place, shape, self.values.finish()?)?;
        let aside = |j: &usize| Some(*j) == self.label || Some(*j) == self.id;
        dataset.columns = self
            .names
            .iter()
            .enumerate()
            .filter(|(j, _)| !aside(j))
            .map(|(_, name)| name.clone())
            .collect();
        dataset.fields = column::fields(&self.columns);
        dataset.labels = self.label.map(|_| self.labels);
        dataset.ids = self.id.map(|_| self.ids);
        if let Some(name) = self.repeated.first() {
            dataset.warnings.push(
                format!("several columns are named {name:?}; they are told apart as {name:?} and \"{name} (2)\"")
                    .into(),
            );
        }
        if counted {
            dataset
                .warnings
                .push("the first line counts 0, 1, 2, ... and was taken for column names".into());
        }
        Ok(Loaded { dataset, columns: self.columns })
    }
}

/// Makes names different that occur more than once, and gives these.
fn tell_apart(names: &mut [String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let all: BTreeSet<String> = names.iter().cloned().collect();
    let mut repeated = Vec::new();
    for name in names {
        if known.insert(name.clone()) {
            continue;
        }
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = numbered.into_iter().find(|new| !known.contains(new) && !all.contains(new));
        repeated.push(std::mem::replace(name, free.unwrap_or_default()));
        known.insert(name.clone());
    }
    repeated
}

/// A cell as text, without surrounding space.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
