//! Tables written again with values where they have none, and everything else as it stands.

use crate::hold::source::{self, Format, split_array};
use crate::names::Names;
use crate::options::ReadOptions;
use crate::read::files;
use crate::tables::cell::{Cell, Marks, Meaning};
use crate::tables::filled::{Decimals, Fill, FilledCell};
use crate::tables::{copied, parquet_fill};
use crate::text::layout::{FirstRecord, Layout};
use crate::text::lines::Lines;
use crate::text::raw::{Pieces, fields};
use rows::{DecimalMark, Destination, Error, Result};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// Writes the first `rows` rows of a table of text or Parquet again, in its own format, with the
/// values of `fill` in cells that have none. All other cells stand as they stood, byte for byte, and
/// Parquet columns keep their types. A text of another encoding becomes UTF-8; tables of other formats
/// become text of the same cells, and an array, or several files of Parquet, one of its numbers.
///
/// The result tells how many cells were filled. Errors: the source is no such table or cannot be
/// read as `options` say, `output` is no file of its format or cannot be written.
pub fn write_filled(
    source: &str,
    options: &ReadOptions,
    to: impl Into<Destination>,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    let output = &to.into();
    let (path, part) = split_array(source);
    // What is several files, or a part of one, has no bytes of its own to be copied.
    if part.is_some() || !path.is_file() {
        return copied(source, options, output, rows, fill);
    }
    let format = source::format(path)?;
    let extension = output.path().extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match (format, extension.as_str()) {
        (Format::Csv, "parquet" | "npy" | "npz") | (Format::Parquet, _)
            if format == Format::Csv || extension != "parquet" =>
        {
            let wanted = if format == Format::Csv { ".csv" } else { ".parquet" };
            let why =
                format!("a name that ends in {wanted}: values that are there stand as they stood");
            Err(Error::setting("output", output.path().display(), why))
        }
        (Format::Csv, _) => text(path, options, output, rows, fill),
        (Format::Parquet, _) => parquet_fill::write_filled(path, options, output, rows, fill),
        _ => copied(source, options, output, rows, fill),
    }
}

/// An array, or a table of another format or of several files, as a table of text.
fn copied(
    source: &str,
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    if output.path().extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("csv")) {
        let wanted = "a name that ends in .csv: other formats are written as text";
        return Err(Error::setting("output", output.path().display(), wanted));
    }
    match files(source, options)? {
        // The rows of Parquet do not come one by one.
        Some(files) if files.format != Format::Parquet => {
            copied::write_filled(&files, options, output, rows, fill)
        }
        _ => array(source, options, output, rows, fill),
    }
}

/// The rows of an array as a table of text.
fn array(
    source: &str,
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    let data = crate::read(source, options)?;
    let (values, width) = (data.gather(0..rows)?, data.features());
    let mut decimals = vec![Decimals::default(); width];
    for at in (0..values.len()).filter(|at| data.kind(at % width).is_number()) {
        if values.get(at).is_finite() {
            let text = data.text(at % width, values.get(at));
            decimals[at % width] = decimals[at % width].with(&text, DecimalMark::Point);
        }
    }
    let mut filled = 0;
    output.write(|writer| {
        let mut sheet = csv::Writer::from_writer(writer);
        let fail = |error: csv::Error| Error::io(output.path(), error.into());
        let id = |id: &str| data.ids.as_ref().map(|_| id.to_owned());
        let names = (0..width).map(|column| data.column_name(column));
        sheet.write_record(id("row").into_iter().chain(names)).map_err(fail)?;
        for row in 0..rows {
            let cell = |column: usize| match values.get(row * width + column) {
                value if !value.is_nan() => data.text(column, value),
                _ => fill(row, column).map_or(String::new(), |cell| {
                    filled += 1;
                    decimals[column].text(cell.number).unwrap_or(cell.text)
                }),
            };
            let id = data.ids.as_ref().map(|ids| ids[row].clone());
            sheet.write_record(id.into_iter().chain((0..width).map(cell))).map_err(fail)?;
        }
        sheet.flush().map_err(|error| Error::io(output.path(), error))
    })?;
    Ok(filled)
}

fn text(
    path: &Path,
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    let place = path.display().to_string();
    let layout = Lines::open(path, options)?.layout;
    if layout.lines.is_some() {
        return Err(Error::data(place, "holds lines of text, in which nothing can be filled"));
    }
    let mut notation = options.written(layout.decimal);
    notation.lines = false;
    let mut table =
        FilledText { marks: Marks::new(&notation), layout: &layout, decimals: Vec::new() };
    table.decimals = table.decimals(path)?;
    let mut pieces = Pieces::open(path, &layout)?;
    let (mut row, mut filled) = (0, 0);
    output.write(|writer| {
        let fail = |error| Error::io(output.path(), error);
        let mut header = table.has_names();
        let mut read: Option<Vec<usize>> = None;
        while let Some(piece) = pieces.next()? {
            if !piece.is_record {
                writer.write_all(&piece.text).map_err(fail)?;
                continue;
            }
            let found = fields(&piece.text, layout.delimiter).unwrap_or_default();
            let read = match &read {
                Some(read) => read,
                None => {
                    let places = table.places(&place, &piece.text, &found, options)?;
                    read.insert(places)
                }
            };
            if std::mem::take(&mut header) {
                writer.write_all(&piece.text).map_err(fail)?;
                continue;
            }
            if row == rows {
                // Footnotes stand behind the last row.
                if found.len() < layout.width {
                    writer.write_all(&piece.text).map_err(fail)?;
                    continue;
                }
                break;
            }
            let text = table.filled(&piece.text, &found, read, row, fill, &mut filled);
            writer.write_all(&text).map_err(fail)?;
            row += 1;
        }
        if row < rows {
            let why = format!(
                "has {row} rows where {rows} were read; it was changed, or has lines that cannot be written as they stand"
            );
            return Err(Error::data(&place, why));
        }
        Ok(())
    })?;
    Ok(filled)
}

struct FilledText<'a> {
    marks: Marks,
    layout: &'a Layout,
    /// Those of each column of the file.
    decimals: Vec<Decimals>,
}

impl FilledText<'_> {
    /// Whether the first record is none of numbers.
    fn has_names(&self) -> bool {
        matches!(self.layout.first, FirstRecord::Names | FirstRecord::Counted)
    }

    /// How many digits the numbers of each column of a file have.
    fn decimals(&self, path: &Path) -> Result<Vec<Decimals>> {
        let mut found = vec![Decimals::default(); self.layout.width];
        let mut pieces = Pieces::open(path, self.layout)?;
        let mut names = self.has_names();
        while let Some(piece) = pieces.next()? {
            if !piece.is_record || std::mem::take(&mut names) {
                continue;
            }
            let places = fields(&piece.text, self.layout.delimiter).unwrap_or_default();
            for (field, found) in places.into_iter().zip(&mut found) {
                let cell = bare(&piece.text[field]);
                if matches!(self.marks.read(Cell::Written(&cell)), Meaning::Number(_)) {
                    *found = found.with(&cell, self.marks.decimal);
                }
            }
        }
        Ok(found)
    }

    /// The columns of the file that are read, in their order.
    fn places(
        &self,
        place: &str,
        first: &[u8],
        found: &[Range<usize>],
        options: &ReadOptions,
    ) -> Result<Vec<usize>> {
        let names = match &self.layout.first {
            FirstRecord::Data => Names::default(),
            FirstRecord::AfterNames(names) => Names::new(names.iter().cloned()),
            FirstRecord::Names | FirstRecord::Counted => {
                let unnamed = self.layout.row_names.then(String::new);
                let own = found.iter().map(|field| bare(&first[field.clone()]));
                Names::new(unnamed.into_iter().chain(own).take(self.layout.width))
            }
        };
        let roles = options.roles(place, &names, self.layout.width)?;
        Ok(roles.read.iter().map(|(at, _)| *at).collect())
    }

    /// A record with its gaps filled.
    fn filled(
        &self,
        record: &[u8],
        found: &[Range<usize>],
        read: &[usize],
        row: usize,
        fill: &mut Fill<'_>,
        count: &mut usize,
    ) -> Vec<u8> {
        let mut text = Vec::with_capacity(record.len());
        let mut written = 0;
        for (own, at) in read.iter().enumerate() {
            let Some(field) = found.get(*at) else { continue };
            let cell = bare(&record[field.clone()]);
            let meaning = self.marks.read(Cell::Written(&cell));
            if !matches!(meaning, Meaning::Missing | Meaning::Dash) {
                continue;
            }
            let Some(value) = fill(row, own) else { continue };
            text.extend(&record[written..field.start]);
            text.extend(self.quoted(&value, *at).bytes());
            written = field.end;
            *count += 1;
        }
        text.extend(&record[written..]);
        text
    }

    /// The text of a value in a column of the file, as that column is written.
    fn quoted(&self, value: &FilledCell, column: usize) -> String {
        let decimals = self.decimals.get(column).copied().unwrap_or_default();
        let Marks { decimal, date_format, .. } = &self.marks;
        let text = value.written(decimals, *decimal, date_format.as_deref());
        let delimiter = char::from(self.layout.delimiter.byte());
        let blanks = self.layout.cleaning.blanks && text.contains(' ');
        if blanks || text.contains([delimiter, '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    }
}

/// A field without blanks around it and without quotes.
fn bare(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\"").trim().to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use rows::{ColumnKind, Field};

    /// The text of a table once every gap is filled with the same number.
    fn filled(text: &str, options: &ReadOptions, field: &Field, number: f64) -> (usize, String) {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        std::fs::write(&from, text).unwrap();
        let source = from.display().to_string();
        let rows = read(&source, options).unwrap().rows();
        let mut fill = |_: usize, _: usize| FilledCell::of(field, number);
        let count = write_filled(&source, options, &to, rows, &mut fill).unwrap();
        (count, std::fs::read_to_string(to).unwrap())
    }

    fn number() -> Field {
        Field::of(ColumnKind::Numeric)
    }

    #[test]
    fn cells_that_have_a_value_stand_byte_for_byte() {
        let text = "# made by hand\r\nid,zip,price,note\r\n1, 00123 ,109.00,\"a, \"\"b\"\"\"\r\n\r\n2,,1e3,NA\r\n3,07,-,x";
        let options = ReadOptions { id: vec!["id".to_owned()], ..ReadOptions::default() };
        let (count, written) = filled(text, &options, &number(), 2.5);
        let wanted = text.replace("2,,1e3,NA", "2,2,1e3,2.5").replace("07,-", "07,2.5");
        assert_eq!((count, written), (3, wanted));
    }

    #[test]
    fn filled_numbers_have_the_decimals_of_their_column() {
        let text = "age,price,weight,size\n22,109.00,,1e3\n,,2.25,\n38,7.50,3,2.5\n";
        let (_, written) = filled(text, &ReadOptions::default(), &number(), 2.6789);
        let wanted =
            "age,price,weight,size\n22,109.00,2.68,1e3\n3,2.68,2.25,2.6789\n38,7.50,3,2.5\n";
        assert_eq!(written, wanted);
        let (_, written) =
            filled("a;b\n1,5;\n2,25;-3\n;4\n", &ReadOptions::default(), &number(), -0.2);
        assert_eq!(written, "a;b\n1,5;0\n2,25;-3\n-0,2;4\n");
    }

    #[test]
    fn filled_cells_are_written_as_the_table_is() {
        let (_, written) = filled("a;b\n1,5;\n2,5;3,5\n", &ReadOptions::default(), &number(), 2.5);
        assert_eq!(written, "a;b\n1,5;2,5\n2,5;3,5\n");
        let format = Some("%d.%m.%Y".to_owned());
        let notation = rows::Notation { date_format: format, ..rows::Notation::default() };
        let options = ReadOptions { notation, ..ReadOptions::default() };
        let text = "a,day\n1,\n2,31.12.2024\n3,01.02.2024\n";
        let (_, written) = filled(text, &options, &Field::of(ColumnKind::Date), 19_753.0);
        assert_eq!(written, text.replace("1,\n", "1,31.01.2024\n"));
        let words = Field { kind: ColumnKind::Categorical, levels: vec!["p, q".to_owned()].into() };
        let (_, written) = filled("a,b\n1,\n2,r\n", &ReadOptions::default(), &words, 0.0);
        assert_eq!(written, "a,b\n1,\"p, q\"\n2,r\n");
    }

    #[test]
    fn several_files_are_filled_as_one_table() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["year=1", "year=2"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("a.csv"), "a,b\n1,\n2,x\n").unwrap();
        }
        let to = folder.path().join("filled.csv");
        let source = folder.path().join("year=*/*.csv").display().to_string();
        let mut fill = |_: usize, _: usize| FilledCell::of(&number(), 2.5);
        write_filled(&source, &ReadOptions::default(), &to, 4, &mut fill).unwrap();
        let written = std::fs::read_to_string(&to).unwrap();
        assert_eq!(written, "a,b,year\n1,2.5,1\n2,x,1\n1,2.5,2\n2,x,2\n");
        let from = folder.path().join("t.json");
        std::fs::write(&from, "[{\"a\":1,\"b\":0.5},{\"a\":2,\"b\":null},{\"a\":3,\"b\":1.25}]")
            .unwrap();
        let mut fill = |_: usize, _: usize| FilledCell::of(&number(), 2.6789);
        write_filled(&from.display().to_string(), &ReadOptions::default(), &to, 3, &mut fill)
            .unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "a,b\n1,0.5\n2,2.68\n3,1.25\n");
    }

    #[test]
    fn tables_of_other_formats_keep_the_cells_of_all_columns() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("filled.csv");
        let text = "code,when,zip,mass\nk1,2024-03-01T00:00:07+02:00,00123,40.6 kg\nk2,2024-03-02T00:00:00+02:00,,\n";
        let json = "{\"code\":\"k1\",\"when\":\"2024-03-01T00:00:07+02:00\",\"zip\":\"00123\",\"mass\":\"40.6 kg\"}\n{\"code\":\"k2\",\"when\":\"2024-03-02T00:00:00+02:00\",\"zip\":null,\"mass\":null}\n";
        let from = folder.path().join("a.jsonl");
        std::fs::write(&from, json).unwrap();
        let archive = folder.path().join("a.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
        zip.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        zip.finish().unwrap();
        for source in [from, archive] {
            let options = ReadOptions {
                drop: vec!["code".to_owned()],
                columns: vec![("mass".to_owned(), ColumnKind::Numeric)],
                ..ReadOptions::default()
            };
            // The only column that is filled is the mass: of the rest there is no value.
            let mut fill =
                |_: usize, column: usize| (column == 2).then(|| FilledCell::of(&number(), 2.5))?;
            let source = source.display().to_string();
            assert_eq!(write_filled(&source, &options, &to, 2, &mut fill).unwrap(), 1);
            let wanted = text.replace(",,\n", ",,2.5\n");
            assert_eq!(std::fs::read_to_string(&to).unwrap(), wanted, "{source}");
        }
    }

    #[test]
    fn another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("a.csv");
        std::fs::write(&from, "a,b\n1,\n").unwrap();
        let error = write_filled(
            &from.display().to_string(),
            &ReadOptions::default(),
            folder.path().join("b.parquet"),
            1,
            &mut |_, _| None,
        );
        assert!(error.unwrap_err().to_string().contains("ends in .csv"));
    }
}
