//! Lines of standard input as cells: JSON objects by names, JSON arrays and CSV in order, or CSV by
//! the names of a first line; for a model of lines, the line itself.

use autoencoders::data::{
    DecimalMark, Delimiter, JsonLine, Notation, Series, read_json_line, read_line,
};
use autoencoders::{Error, Model, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Stands for blanks and tabs, as many as there are.
const BLANKS: char = '\0';

/// The cells of one line.
pub(crate) enum Cells {
    /// By the names of their columns; of equal ones that of the first.
    Named(BTreeMap<String, String>),
    /// In the order of the training.
    Ordered(Vec<String>),
    /// Of a line that is one text: its stamp and what stands behind it, by the names of their columns.
    Line([(String, String); 2]),
}

impl Cells {
    /// Reads a line; `names` are those of a first line of CSV, `delimiter` is what parts its cells.
    pub(crate) fn read(
        notation: &Notation,
        line: &str,
        names: Option<&[String]>,
        delimiter: char,
    ) -> Result<Self> {
        let json = line.starts_with(['{', '[']).then(|| {
            // Numbers of JSON are numbers, however the file of the training wrote its own.
            read_json_line(line, notation.decimal.unwrap_or(DecimalMark::Point))
        });
        match json {
            // The stamp of a line may stand in brackets.
            None | Some(Err(_)) if notation.lines => {
                return Ok(Self::Line(read_line(line, notation)));
            }
            None => {}
            Some(read) => {
                return Ok(match read? {
                    JsonLine::Named(cells) => Self::named(cells),
                    JsonLine::Ordered(cells) => Self::Ordered(cells),
                });
            }
        }
        let cells = parted(line, delimiter);
        Ok(match names {
            Some(names) if names.len() == cells.len() => {
                Self::named(names.iter().cloned().zip(cells))
            }
            Some(names) => return Err(width(cells.len(), &format!("{}, as named", names.len()))),
            None => Self::Ordered(cells),
        })
    }

    fn named(cells: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut named = BTreeMap::new();
        for (name, cell) in cells {
            named.entry(name).or_insert(cell);
        }
        Self::Named(named)
    }

    /// A line of text without a stamp, as those of a traceback, belongs to the one before it, whose
    /// stamp `last` is.
    pub(crate) fn continued(mut self, last: &mut String) -> Self {
        if let Self::Line([(_, stamp), _]) = &mut self {
            if stamp.is_empty() {
                stamp.clone_from(last);
            } else {
                last.clone_from(stamp);
            }
        }
        self
    }

    /// The cell of a column; none where cells have no names.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Named(cells) => cells.get(name).map(String::as_str),
            Self::Line(cells) => {
                cells.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
            }
            Self::Ordered(_) => None,
        }
    }

    /// The cells in the order of these columns.
    pub(crate) fn in_order(&self, columns: &[String]) -> Result<Vec<String>> {
        match self {
            Self::Ordered(cells) if cells.len() == columns.len() => Ok(cells.clone()),
            Self::Ordered(cells) => {
                Err(width(cells.len(), &format!("{}, as in training", columns.len())))
            }
            Self::Named(_) | Self::Line(_) => {
                columns.iter().map(|name| self.wanted(name)).collect()
            }
        }
    }

    fn wanted(&self, name: &str) -> Result<String> {
        let missing = || Error::data(name, "is missing; wanted all columns of the training");
        self.get(name).map(str::to_owned).ok_or_else(missing)
    }
}

fn width(got: usize, wanted: &str) -> Error {
    Error::shape("row", format!("{got} values"), wanted)
}

/// What parts the cells of a first line: what was said, or the sign that makes the most names of it
/// that the model knows, a comma where none makes any.
pub(crate) fn delimiter(model: &Model, line: &str, said: Option<Delimiter>) -> char {
    match said {
        Some(Delimiter::Sign(sign)) => return char::from(sign),
        Some(Delimiter::Blanks) => return BLANKS,
        None => {}
    }
    let channels = model.signature().series.iter().flat_map(|series| &series.channels);
    let known: BTreeSet<&String> =
        model.signature().columns.iter().chain(channels.map(|channel| &channel.name)).collect();
    let names = |sign: &char| {
        let cells = parted(line, *sign);
        cells.iter().filter(|cell| known.contains(cell)).count()
    };
    let mut signs = vec!['\t', '|', ';', ','];
    if model.signature().notation.decimal == Some(DecimalMark::Comma) {
        // It stands before decimals.
        signs.pop();
    }
    if signs.iter().all(|sign| names(sign) == 0) {
        // A row without names has as many cells as a row, a point, or its channels alone.
        let of_series = |series: &Series| {
            let channels = series.channels.len();
            [channels, channels + series.stamps().len() + series.group.len()]
        };
        let widths = model.signature().series.iter().flat_map(of_series).chain([model.features()]);
        let widths: Vec<usize> = widths.filter(|width| *width > 1).collect();
        let fits = |sign: &char| widths.contains(&parted(line, *sign).len());
        return signs.into_iter().rev().find(fits).unwrap_or(',');
    }
    // Of equals the last, which is the comma.
    signs.into_iter().max_by_key(names).unwrap_or(',')
}

/// The names in a first line of CSV; none where it is a row.
pub(crate) fn header(model: &Model, line: &str, delimiter: char) -> Result<Option<Vec<String>>> {
    let names = parted(line, delimiter);
    let signature = model.signature();
    if signature.notation.lines {
        return Ok(None);
    }
    let number = |cell: &String| cell.parse::<f64>().is_ok();
    let numbers = names.iter().all(|cell| cell.is_empty() || number(cell));
    if line.starts_with(['{', '[']) || numbers {
        return Ok(None);
    }
    if let Some(series) = &signature.series {
        let named: BTreeSet<&String> = names.iter().collect();
        let known = series.channels.iter().any(|channel| named.contains(&channel.name));
        return Ok(known.then_some(names));
    }
    if signature.columns.is_empty() {
        // Where rows hold words, words are no sign of names.
        let words = signature.preparation.fields().iter().any(|field| !field.kind.is_number())
            || names.iter().any(number);
        let numbered = (1..=model.features()).map(|at| format!("column {at}")).collect();
        return Ok((!words).then_some(numbered));
    }
    // A wrong row is answered as such: it is no line of other names.
    let is_row = signature.preparation.table.is_some() || names.iter().any(number);
    let named: BTreeSet<&String> = names.iter().collect();
    let known = signature.columns.iter().any(|name| named.contains(name));
    // Nor is one of as many words as no row has.
    if !known && (is_row || names.len() != signature.columns.len()) {
        return Ok(None);
    }
    match signature.columns.iter().find(|wanted| !named.contains(wanted)) {
        None => Ok(Some(names)),
        Some(wanted) => Err(Error::data(
            "the first line",
            format!(
                "names no column {wanted:?}; wanted the columns of the training: {}",
                signature.columns.join(", ")
            ),
        )),
    }
}

fn parted(line: &str, delimiter: char) -> Vec<String> {
    if delimiter == BLANKS {
        return line.split_whitespace().map(str::to_owned).collect();
    }
    if !line.contains('"') {
        return line.split(delimiter).map(|cell| cell.trim().to_owned()).collect();
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter as u8)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    let record = reader.records().next();
    record
        .and_then(|record| record.ok())
        .map(|record| record.iter().map(str::to_owned).collect())
        .unwrap_or_default()
}
