//! The cells of spreadsheets, which may lie far apart: memory is taken for those that are there.

use crate::hold::guarded::guarded;
use crate::tables::owned::Owned;
use calamine::{Cell, Data, DataRef, Reader, Sheets, open_workbook_auto};
use quick_xml::events::{BytesStart, Event};
use rows::{Error, Message, Result};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Bytes that the parts of a file may have once they are decompressed.
const LARGEST: u64 = 1 << 31;
/// Columns that a sheet has at most, as Excel has it.
const MOST_COLUMNS: u64 = 16_384;
/// A table may have so many cells, and so many for each that has a value: one value far from all others
/// makes a table of emptiness.
const CELLS: u64 = 1 << 22;
const EMPTY: u64 = 8;

/// All rows of a sheet that have a value, from its first column with one, and a word on the sheets that
/// are not read.
///
/// Errors: it is no workbook, has no such sheet, or values that lie too far apart.
pub(crate) fn cells(
    path: &Path,
    place: &str,
    sheet: Option<&str>,
) -> Result<(Vec<Vec<Owned>>, Option<Message>)> {
    check(path, place)?;
    guarded(place, || {
        let mut book = open_workbook_auto(path).map_err(|error| wrong(place, &error))?;
        let names = book.sheet_names();
        let Some(first) = names.first() else {
            return Err(Error::data(place, "has no sheets"));
        };
        let name = sheet.unwrap_or(first);
        if !names.iter().any(|known| known == name) {
            return Err(Error::unknown("sheet", name, names.iter().map(String::as_str)));
        }
        let others = names.len() > 1 && sheet.is_none();
        let note = others.then(|| {
            let others = crate::names::quoted(&names[1..]);
            format!("the sheet {name:?} is read; {place}:SHEET reads another ({others})").into()
        });
        Ok((rows(&mut book, place, name)?, note))
    })?
}

fn wrong(place: &str, error: &dyn Display) -> Error {
    Error::data(place, format!("cannot be read as a workbook: {error}"))
}

fn too_far(place: &str, rows: u64, columns: u64) -> Error {
    let why = format!(
        "has values so far from the others that its table would have {rows} rows and {columns} columns, almost all empty; remove those, or write the table as .csv"
    );
    Error::data(place, why)
}

fn rows(book: &mut Sheets<BufReader<File>>, place: &str, name: &str) -> Result<Vec<Vec<Owned>>> {
    match book {
        Sheets::Xlsx(book) => {
            let mut cells = book.worksheet_cells_reader(name).map_err(|it| wrong(place, &it))?;
            gathered(place, || cells.next_cell().map_err(|error| wrong(place, &error)))
        }
        Sheets::Xlsb(book) => {
            let mut cells = book.worksheet_cells_reader(name).map_err(|it| wrong(place, &it))?;
            gathered(place, || cells.next_cell().map_err(|error| wrong(place, &error)))
        }
        // These come as a whole, which their format or a look at it bounds.
        book => {
            let range = book.worksheet_range(name).map_err(|error| wrong(place, &error))?;
            Ok(range.rows().map(|row| row.iter().map(owned).collect()).collect())
        }
    }
}

/// The rows of cells that come one by one.
fn gathered<'a>(
    place: &str,
    mut next: impl FnMut() -> Result<Option<Cell<DataRef<'a>>>>,
) -> Result<Vec<Vec<Owned>>> {
    let mut found = BTreeMap::<u32, Vec<(u32, Owned)>>::new();
    let (mut first, mut last, mut count) = (u32::MAX, 0, 0u64);
    while let Some(cell) = next()? {
        let (row, column) = cell.get_position();
        let value = owned(&Data::from(cell.get_value().clone()));
        if value == Owned::Missing {
            continue;
        }
        (first, last, count) = (first.min(column), last.max(column), count + 1);
        found.entry(row).or_default().push((column, value));
    }
    let (rows, columns) = (found.len() as u64, u64::from(last.saturating_sub(first)) + 1);
    if columns > MOST_COLUMNS || rows.saturating_mul(columns) > CELLS + EMPTY * count {
        return Err(too_far(place, rows, columns));
    }
    let row = |cells: Vec<(u32, Owned)>| {
        let mut row = vec![Owned::Missing; columns as usize];
        for (column, value) in cells {
            row[(column - first) as usize] = value;
        }
        row
    };
    Ok(found.into_values().map(row).collect())
}

fn owned(cell: &Data) -> Owned {
    match cell {
        Data::Empty | Data::Error(_) => Owned::Missing,
        Data::Int(number) => Owned::whole((*number).into()),
        Data::Float(number) => Owned::Number(*number),
        Data::Bool(truth) => Owned::Boolean(*truth),
        Data::String(text) if text.trim().is_empty() => Owned::Missing,
        Data::String(text) => Owned::Text(text.clone()),
        Data::DateTime(time) if time.is_duration() => Owned::Number(time.as_f64()),
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
            let clock = format!("{hour:02}:{minute:02}:{second:02}.{milli:03}");
            // A time of day has no date: Excel counts from the last day of 1899.
            if time.as_f64() < 1.0 {
                Owned::Written(clock)
            } else {
                Owned::Written(format!("{year:04}-{month:02}-{day:02} {clock}"))
            }
        }
        Data::DateTimeIso(text) | Data::DurationIso(text) => Owned::Written(text.clone()),
    }
}

/// Refuses a file whose parts are much larger than any table.
fn check(path: &Path, place: &str) -> Result<()> {
    let file = rows::open_file(path)?;
    // The old formats are no archives and not compressed.
    let Ok(mut archive) = zip::ZipArchive::new(file) else { return Ok(()) };
    let damaged = |error: &dyn Display| Error::data(place, format!("is damaged: {error}"));
    let mut all = 0u64;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(|error| damaged(&error))?;
        all = all.saturating_add(part.size());
    }
    if all > LARGEST {
        let why =
            format!("holds {all} bytes once it is decompressed; write it as .csv or .parquet");
        return Err(Error::data(place, why));
    }
    match archive.index_for_name("content.xml") {
        Some(at) => {
            let content = archive.by_index(at).map_err(|error| damaged(&error))?;
            check_content(BufReader::new(content), place)
        }
        None => Ok(()),
    }
}

/// What is known of a table of OpenDocument, in which cells and rows are repeated by a number.
#[derive(Default)]
struct Extent {
    /// Rows so far, those of the row that is read, and its cells so far.
    rows: u64,
    repeats: u64,
    cells: u64,
    /// Up to the last cell with a value: in this row, in the widest, and rows up to the last such.
    width: u64,
    widest: u64,
    last: u64,
    /// Cells that are written down, and those that their reader would hold.
    written: u64,
    held: u64,
}

impl Extent {
    fn begin(&mut self, element: &BytesStart<'_>) {
        let repeats = |name: &str| {
            let found = element.try_get_attribute(name).ok().flatten();
            found.and_then(|found| found.value.parse::<u64>().ok()).unwrap_or(1)
        };
        match element.name().as_ref() {
            "table:table" => *self = Self::default(),
            "table:table-row" => {
                self.repeats = repeats("table:number-rows-repeated");
                (self.cells, self.width) = (0, 0);
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.cells = self.cells.saturating_add(repeats("table:number-columns-repeated"));
                self.written += 1;
                let valued = ["office:value-type", "table:formula"];
                if valued.iter().any(|name| matches!(element.try_get_attribute(name), Ok(Some(_))))
                {
                    self.width = self.cells;
                }
            }
            // What is said in a cell.
            "text:p" => self.width = self.cells,
            _ => {}
        }
    }

    fn end_of_row(&mut self) {
        self.rows = self.rows.saturating_add(self.repeats);
        self.held = self.held.saturating_add(self.width);
        if self.width > 0 {
            (self.widest, self.last) = (self.widest.max(self.width), self.rows);
        }
    }

    fn is_too_large(&self) -> bool {
        let most = CELLS.saturating_add(EMPTY.saturating_mul(self.written));
        self.held > most || self.last.saturating_mul(self.widest) > most
    }
}

/// Refuses tables of OpenDocument that end in the middle, which their reader would wait for the end of,
/// and such as would be much larger than what is written down.
fn check_content(content: impl std::io::BufRead, place: &str) -> Result<()> {
    let damaged = |error: &dyn Display| Error::data(place, format!("is damaged: {error}"));
    let mut reader = quick_xml::Reader::from_reader(content);
    reader.config_mut().expand_empty_elements = true;
    let (mut extent, mut open, mut buffer) = (Extent::default(), 0u64, Vec::new());
    loop {
        match reader.read_event_into(&mut buffer).map_err(|error| damaged(&error))? {
            Event::Start(element) => {
                open += 1;
                extent.begin(&element);
            }
            Event::End(element) => {
                open = open.saturating_sub(1);
                if element.name().as_ref() == "table:table-row" {
                    extent.end_of_row();
                }
            }
            Event::Eof if open > 0 => return Err(damaged(&"it ends in the middle")),
            Event::Eof => return Ok(()),
            _ => {}
        }
        if extent.is_too_large() {
            return Err(too_far(place, extent.last, extent.widest));
        }
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: &str) -> Result<()> {
        let whole = format!("<office><table:table>{rows}</table:table></office>");
        check_content(whole.as_bytes(), "t.ods")
    }

    const CELL: &str = "<table:table-cell office:value-type=\"float\" office:value=\"1\"/>";

    #[test]
    fn emptiness_behind_a_table_is_nothing_and_before_a_value_is_too_far() {
        let row = format!("<table:table-row>{CELL}{CELL}</table:table-row>");
        let empty = |rows: u64| {
            format!(
                "<table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>"
            )
        };
        content(&(row.clone() + &empty(1_048_000))).unwrap();
        content(&(row.clone() + &empty(1_000) + &row)).unwrap();
        let wide = format!(
            "<table:table-row><table:table-cell table:number-columns-repeated=\"16000\"/>{CELL}</table:table-row>"
        );
        let far = content(&(row.clone() + &empty(1_000_000) + &wide)).unwrap_err().to_string();
        assert!(far.contains("1000002 rows and 16001 columns"), "{far}");
        let repeated = CELL.replace("/>", " table:number-columns-repeated=\"16384\"/>");
        let rows = format!("<table:table-row>{repeated}</table:table-row>").repeat(2000);
        assert!(content(&rows).is_err());
    }

    #[test]
    fn a_table_that_ends_in_the_middle_is_damaged() {
        let cut = "<office><table:table><table:table-row>";
        let error = check_content(cut.as_bytes(), "t.ods").unwrap_err().to_string();
        assert!(error.contains("ends in the middle"), "{error}");
    }

    #[test]
    fn cells_far_apart_are_refused_and_few_empty_rows_are_not() {
        let sheet = |positions: &[(u32, u32)]| {
            let mut cells = positions.iter().map(|at| Cell::new(*at, DataRef::Float(1.0)));
            gathered("t.xlsx", || Ok(cells.next()))
        };
        let near = sheet(&[(3, 2), (3, 3), (9, 2)]).unwrap();
        assert_eq!(
            near,
            [
                vec![Owned::Number(1.0), Owned::Number(1.0)],
                vec![Owned::Number(1.0), Owned::Missing],
            ]
        );
        // Rows without a value take nothing.
        assert_eq!(sheet(&[(0, 0), (1_048_575, 16_383)]).unwrap().len(), 2);
        assert!(sheet(&[(0, 0), (0, 16_384)]).is_err());
        let many: Vec<(u32, u32)> = (0..1000).map(|row| (row, 0)).chain([(5, 16_000)]).collect();
        assert!(sheet(&many).unwrap_err().to_string().contains("1000 rows and 16001 columns"));
    }
}
