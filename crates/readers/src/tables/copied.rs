//! A table of any format written as text, with values where it has none and every other cell as it
//! stands.

use crate::names::Names;
use crate::options::ReadOptions;
use crate::read::Files;
use crate::tables::cell::{Cell, Marks, Meaning};
use crate::tables::filled::{Decimals, Fill};
use crate::tables::records::{Records, Take};
use rows::{DecimalMark, Destination, Error, Result};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// As [`crate::fill::write_filled`].
pub(crate) fn write_filled(
    files: &Files,
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    // Once for the digits of the numbers, and once to write.
    let mut columns = Columns::default();
    let mut digits = Digits { place: files.place(), options, columns: &mut columns };
    files.each_row(options, &mut digits)?;
    let mut filled = 0;
    output.write(|writer| {
        let sheet = csv::Writer::from_writer(writer);
        let mut copied =
            Copied { columns: &columns, rows, row: 0, sheet, output: output.path(), fill, filled };
        files.each_row(options, &mut copied)?;
        filled = copied.filled;
        copied.sheet.flush().map_err(|error| Error::io(output.path(), error))
    })?;
    Ok(filled)
}

/// What is known of the columns of the files.
#[derive(Default)]
struct Columns {
    marks: Marks,
    /// The place of each among those that are read.
    places: Vec<Option<usize>>,
    /// The digits that the numbers of each have.
    decimals: Vec<Decimals>,
    /// What is before the decimals of each: numbers that are none of text have a point.
    decimal: Vec<DecimalMark>,
}

/// Gathers what is known of the columns.
struct Digits<'a> {
    place: &'a str,
    options: &'a ReadOptions,
    columns: &'a mut Columns,
}

impl Take for Digits<'_> {
    fn begin(&mut self, first: &dyn Records, names: Names, width: usize) -> Result<()> {
        let roles = self.options.roles(self.place, &names, width)?;
        let mut places = vec![None; width];
        roles.read.iter().enumerate().for_each(|(own, (at, _))| places[*at] = Some(own));
        let marks = Marks::new(&self.options.written(first.decimal()));
        let decimal = vec![marks.decimal; width];
        *self.columns =
            Columns { marks, places, decimals: vec![Decimals::default(); width], decimal };
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let Columns { marks, decimals, decimal, .. } = &mut *self.columns;
        for ((cell, decimals), decimal) in cells.iter().zip(decimals).zip(decimal) {
            if let Cell::Number(_) = cell {
                *decimal = DecimalMark::Point;
            }
            if matches!(marks.read(*cell), Meaning::Number(_)) {
                *decimals = decimals.with(&text(*cell), *decimal);
            }
        }
        Ok(())
    }
}

/// Writes the rows.
struct Copied<'a, 'f, W: Write> {
    columns: &'a Columns,
    /// Rows that are wanted.
    rows: usize,
    /// Those that came.
    row: usize,
    sheet: csv::Writer<W>,
    output: &'a Path,
    fill: &'a mut Fill<'f>,
    filled: usize,
}

impl<W: Write> Take for Copied<'_, '_, W> {
    fn begin(&mut self, _: &dyn Records, names: Names, _: usize) -> Result<()> {
        if names.names.is_empty() {
            return Ok(());
        }
        let written = self.sheet.write_record(&names.names);
        written.map_err(|error| Error::io(self.output, error.into()))
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if self.row == self.rows {
            return Ok(());
        }
        let Columns { marks, places, decimals, decimal } = self.columns;
        let mut texts = Vec::with_capacity(cells.len());
        for (at, cell) in cells.iter().enumerate() {
            let is_gap = matches!(marks.read(*cell), Meaning::Missing | Meaning::Dash);
            let own = places.get(at).copied().flatten().filter(|_| is_gap);
            texts.push(match own.and_then(|own| (self.fill)(self.row, own)) {
                Some(value) => {
                    self.filled += 1;
                    let format = marks.date_format.as_deref();
                    Cow::Owned(value.written(decimals[at], decimal[at], format))
                }
                None => text(*cell),
            });
        }
        self.row += 1;
        let written = self.sheet.write_record(texts.iter().map(|text| text.as_bytes()));
        written.map_err(|error| Error::io(self.output, error.into()))
    }
}

/// A cell as it stands.
fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Missing => Cow::Borrowed(""),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Boolean(truth) => Cow::Owned(truth.to_string()),
        Cell::Text(text) | Cell::Written(text) => Cow::Borrowed(text),
    }
}
