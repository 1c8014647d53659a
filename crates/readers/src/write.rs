//! Writing results: tables as npy, CSV or Parquet, arrays as npy; whole or not at all, and block by
//! block as they come.

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use rows::{ColumnKind, Destination, Error, Field, Matrix, Result};
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

/// Rows in one group of a Parquet file at most.
const LONGEST_GROUP: usize = 1 << 16;
/// Numbers in one group at most, as far as that leaves ...
const LARGEST_GROUP: usize = 1 << 22;
/// ... so many rows: a group is in memory as a whole, but so is what the file's end says of each
/// column of each group.
const SHORTEST_GROUP: usize = 1024;

/// Adds whole rows to a file.
type Add<'a, T> = dyn FnMut(&[T]) -> Result<()> + 'a;

/// A number of a table: of single precision, as codes are, or of double, as rows in the units of
/// their data.
pub trait TableNumber: Copy + fmt::Debug + Into<f64> {
    /// Its type in Parquet.
    #[doc(hidden)]
    const PHYSICAL: Physical;

    /// In single precision, as arrays are written.
    fn single(self) -> f32;

    #[doc(hidden)]
    fn write(
        column: &mut SerializedColumnWriter<'_>,
        numbers: &[Self],
    ) -> Result<usize, ParquetError>;
}

impl TableNumber for f32 {
    const PHYSICAL: Physical = Physical::FLOAT;

    fn single(self) -> f32 {
        self
    }

    fn write(
        column: &mut SerializedColumnWriter<'_>,
        numbers: &[Self],
    ) -> Result<usize, ParquetError> {
        column.typed::<FloatType>().write_batch(numbers, None, None)
    }
}

impl TableNumber for f64 {
    const PHYSICAL: Physical = Physical::DOUBLE;

    fn single(self) -> f32 {
        self as f32
    }

    fn write(
        column: &mut SerializedColumnWriter<'_>,
        numbers: &[Self],
    ) -> Result<usize, ParquetError> {
        column.typed::<DoubleType>().write_batch(numbers, None, None)
    }
}

/// Writes `rows` rows of `columns.len()` numbers as `.npy`, `.csv` or `.parquet`, told by the
/// extension.
///
/// CSV and Parquet begin with a column `row`: the identifier, or the number of the row from 1
/// where `ids` is none. An npy file holds the numbers alone.
pub fn write_table<T: TableNumber>(
    to: impl Into<Destination>,
    ids: Option<&[String]>,
    columns: &[String],
    rows: usize,
    values: &[T],
) -> Result<()> {
    WrittenTable { to: to.into(), ids, columns, fields: &[], rows, named: true }
        .write(|add| add(values))
}

/// As [`write_table`], with the rows in blocks, so that not all are in memory at once.
///
/// `fields` tell what the columns hold where they are more than numbers: categories and dates are
/// written as their texts. Empty for numbers alone.
pub fn write_table_blocks<T: TableNumber>(
    to: impl Into<Destination>,
    ids: Option<&[String]>,
    columns: &[String],
    fields: &[Field],
    rows: usize,
    blocks: &mut dyn Iterator<Item = Result<Matrix<T>>>,
) -> Result<()> {
    WrittenTable { to: to.into(), ids, columns, fields, rows, named: true }
        .write(|add| add_all(blocks, add))
}

/// As [`write_table_blocks`], without the column `row`: rows of their own, which are no others' and
/// are read again with the same columns.
pub fn write_new_rows<T: TableNumber>(
    to: impl Into<Destination>,
    columns: &[String],
    fields: &[Field],
    rows: &Matrix<T>,
) -> Result<()> {
    let (to, rows_in_all) = (to.into(), rows.rows());
    let table = WrittenTable { to, ids: None, columns, fields, rows: rows_in_all, named: false };
    table.write(|add| add(&rows.values))
}

/// Writes an array of any shape as `.npy`, in row-major order.
pub fn write_npy<T: TableNumber>(
    to: impl Into<Destination>,
    shape: &[usize],
    values: &[T],
) -> Result<()> {
    write_array(&to.into(), shape, |add| add(values))
}

/// As [`write_npy`], with the numbers in blocks, so that not all are in memory at once.
pub fn write_npy_blocks<T: TableNumber>(
    to: impl Into<Destination>,
    shape: &[usize],
    blocks: &mut dyn Iterator<Item = Result<Matrix<T>>>,
) -> Result<()> {
    write_array(&to.into(), shape, |add| add_all(blocks, add))
}

fn add_all<T>(blocks: &mut dyn Iterator<Item = Result<Matrix<T>>>, add: &mut Add<T>) -> Result<()> {
    for block in blocks {
        add(&block?.values)?;
    }
    Ok(())
}

fn write_array<T: TableNumber>(
    to: &Destination,
    shape: &[usize],
    fill: impl FnOnce(&mut Add<T>) -> Result<()>,
) -> Result<()> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // Magic number, version, length and header together fill blocks of 64 bytes and end with a line
    // break.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| {
        Error::shape("writing an array", format!("{} dimensions", shape.len()), "fewer")
    })?;
    let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    to.write(|writer| {
        let fail = |error| Error::io(to.path(), error);
        writer.write_all(b"\x93NUMPY\x01\x00").map_err(fail)?;
        writer.write_all(&length.to_le_bytes()).map_err(fail)?;
        writer.write_all(header.as_bytes()).map_err(fail)?;
        counted("writing an array", (count, 1), &format!("{shape:?}"), fill, &mut |start, values| {
            if let Some(at) = values.iter().position(|number| number.single().is_infinite()) {
                let (at, number) = (start + at + 1, values[at]);
                let advice = if Into::<f64>::into(number).is_finite() {
                    "; single precision is all that .npy files hold: write a name that ends in .csv or .parquet"
                } else {
                    ": beyond what the model's numbers can hold; train on smaller numbers"
                };
                let why = format!("number {at} would be infinite{advice}");
                return Err(Error::data(to.path().display(), why));
            }
            values
                .iter()
                .try_for_each(|number| writer.write_all(&number.single().to_le_bytes()))
                .map_err(fail)
        })
    })
}

/// Passes on to `add` what `fill` gives, with how many numbers were before; an error unless it is as
/// many numbers as were announced, in whole rows.
fn counted<T>(
    doing: &str,
    (count, width): (Option<usize>, usize),
    wanted: &str,
    fill: impl FnOnce(&mut Add<T>) -> Result<()>,
    add: &mut dyn FnMut(usize, &[T]) -> Result<()>,
) -> Result<()> {
    let mut given = 0usize;
    let wrong = |given: usize| Error::shape(doing, format!("{given} numbers"), wanted);
    fill(&mut |values| {
        let start = given;
        given = given.saturating_add(values.len());
        // More rows, or torn ones, would be written beyond the last identifier.
        if count.is_none_or(|count| given > count) || !given.is_multiple_of(width) {
            return Err(wrong(given));
        }
        add(start, values)
    })?;
    if count == Some(given) { Ok(()) } else { Err(wrong(given)) }
}

struct WrittenTable<'a> {
    to: Destination,
    ids: Option<&'a [String]>,
    columns: &'a [String],
    fields: &'a [Field],
    rows: usize,
    /// Whether it begins with a column that names the rows.
    named: bool,
}

impl WrittenTable<'_> {
    /// What a column holds, where that is no number.
    fn worded(&self, column: usize) -> Option<&Field> {
        self.fields.get(column).filter(|field| !field.kind.is_number())
    }

    /// Whether a column holds whole numbers.
    fn counts(&self, column: usize) -> bool {
        let kind = self.fields.get(column).map(|field| field.kind);
        matches!(kind, Some(ColumnKind::Count | ColumnKind::Poisson))
    }

    /// An error where a number is infinite: no reader takes it, and it stands for none of the data.
    fn check<T: TableNumber>(&self, start: usize, values: &[T]) -> Result<()> {
        let infinite = |value: &T| Into::<f64>::into(*value).is_infinite();
        let Some(at) = values.iter().position(infinite) else { return Ok(()) };
        let (row, column) = (start / self.columns.len(), at % self.columns.len());
        let row = row + at / self.columns.len() + 1;
        let why = format!(
            "row {row} would be infinite in {}: beyond what the model's numbers can hold; leave the column out, or train on smaller numbers",
            self.columns[column]
        );
        Err(Error::data(self.to.path().display(), why))
    }

    fn write<T: TableNumber>(&self, fill: impl FnOnce(&mut Add<T>) -> Result<()>) -> Result<()> {
        let wanted = format!("{} rows of {} columns", self.rows, self.columns.len());
        if self.columns.is_empty() {
            return Err(Error::shape("writing a table", wanted, "at least one column"));
        }
        if let Some(ids) = self.ids.filter(|ids| ids.len() != self.rows) {
            return Err(Error::shape(
                "writing a table",
                format!("{} identifiers", ids.len()),
                format!("{}, one a row", self.rows),
            ));
        }
        let count = (self.rows.checked_mul(self.columns.len()), self.columns.len());
        let extension =
            self.to.path().extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "npy" => write_array(&self.to, &[self.rows, self.columns.len()], fill),
            "csv" => self.to.write(|writer| {
                let mut sheet = Csv::new(self, writer).map_err(|error| self.fail(error))?;
                counted("writing a table", count, &wanted, fill, &mut |start, values| {
                    self.check(start, values)?;
                    sheet.add(values).map_err(|error| self.fail(error))
                })?;
                sheet.writer.flush().map_err(|error| self.fail(error))
            }),
            "parquet" => self.to.write(|writer| {
                let fail = |error| self.fail(io::Error::other(error));
                let mut sheet = Parquet::new(self, writer).map_err(fail)?;
                counted("writing a table", count, &wanted, fill, &mut |start, values| {
                    self.check(start, values)?;
                    sheet.add(values).map_err(fail)
                })?;
                sheet.finish().map_err(fail)
            }),
            _ => Err(Error::unknown("table format", extension, ["npy", "csv", "parquet"])),
        }
    }

    fn fail(&self, error: io::Error) -> Error {
        Error::io(self.to.path(), error)
    }
}

/// A CSV file that grows by whole rows.
struct Csv<'a, W: Write> {
    table: &'a WrittenTable<'a>,
    writer: csv::Writer<W>,
    rows: usize,
}

impl<'a, W: Write> Csv<'a, W> {
    fn new(table: &'a WrittenTable<'a>, writer: W) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(writer);
        if table.named {
            writer.write_field("row")?;
        }
        writer.write_record(table.columns)?;
        Ok(Self { table, writer, rows: 0 })
    }

    fn add<T: TableNumber>(&mut self, values: &[T]) -> io::Result<()> {
        for numbers in values.chunks(self.table.columns.len()) {
            match self.table.ids {
                Some(ids) => self.writer.write_field(&ids[self.rows])?,
                None if self.table.named => self.writer.write_field((self.rows + 1).to_string())?,
                None => {}
            }
            let text = |(column, number): (usize, &T)| match self.table.worded(column) {
                Some(field) => field.text((*number).into()),
                None if self.table.counts(column) => (*number).into().to_string(),
                // Debug is the shortest text that reads back as the same number, with an exponent
                // where that is shorter.
                None => format!("{number:?}"),
            };
            self.writer.write_record(numbers.iter().enumerate().map(text))?;
            self.rows += 1;
        }
        Ok(())
    }
}

/// A Parquet file that grows by row groups.
struct Parquet<'a, T, W: Write + Send> {
    table: &'a WrittenTable<'a>,
    file: SerializedFileWriter<W>,
    /// Rows in the file.
    rows: usize,
    /// Numbers of rows that do not fill a group yet.
    waiting: Vec<T>,
    /// Numbers in a group.
    group: usize,
}

impl<'a, T: TableNumber, W: Write + Send> Parquet<'a, T, W> {
    fn new(table: &'a WrittenTable<'a>, writer: W) -> Result<Self, ParquetError> {
        let row = Type::primitive_type_builder(
            "row",
            if table.ids.is_some() { Physical::BYTE_ARRAY } else { Physical::INT64 },
        )
        .with_logical_type(table.ids.map(|_| LogicalType::String))
        .with_repetition(Repetition::REQUIRED)
        .build()?;
        let mut fields = if table.named { vec![Arc::new(row)] } else { Vec::new() };
        for (at, name) in table.columns.iter().enumerate() {
            let (physical, logical) = match table.worded(at).map(|field| field.kind) {
                None => (T::PHYSICAL, None),
                Some(ColumnKind::Boolean) => (Physical::BOOLEAN, None),
                Some(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            };
            let column = Type::primitive_type_builder(name, physical).with_logical_type(logical);
            fields.push(Arc::new(column.with_repetition(Repetition::REQUIRED).build()?));
        }
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
        // Measured numbers seldom repeat: a dictionary would only cost time.
        // Statistics of each column of each group would stay in memory until the end.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let file = SerializedFileWriter::new(writer, schema, Arc::new(properties))?;
        let width = table.columns.len();
        let group = (LARGEST_GROUP / width).clamp(SHORTEST_GROUP, LONGEST_GROUP) * width;
        let waiting = Vec::with_capacity(group.min(table.rows.saturating_mul(width)));
        Ok(Self { table, file, rows: 0, waiting, group })
    }

    fn add(&mut self, values: &[T]) -> Result<(), ParquetError> {
        let mut values = values;
        while !values.is_empty() {
            let (now, later) = values.split_at(values.len().min(self.group - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            if self.waiting.len() == self.group {
                self.close_group()?;
            }
            values = later;
        }
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), ParquetError> {
        let width = self.table.columns.len();
        let rows = self.rows..self.rows + self.waiting.len() / width;
        let mut group = self.file.next_row_group()?;
        if self.table.named
            && let Some(mut column) = group.next_column()?
        {
            match self.table.ids {
                Some(ids) => {
                    let texts: Vec<ByteArray> =
                        ids[rows.clone()].iter().map(|id| id.as_str().into()).collect();
                    column.typed::<ByteArrayType>().write_batch(&texts, None, None)?
                }
                None => column.typed::<Int64Type>().write_batch(&numbers(&rows), None, None)?,
            };
            column.close()?;
        }
        for j in 0..width {
            let numbers: Vec<T> = self.waiting[j..].iter().copied().step_by(width).collect();
            if let Some(mut column) = group.next_column()? {
                match self.table.worded(j) {
                    None => T::write(&mut column, &numbers)?,
                    Some(field) if field.kind == ColumnKind::Boolean => {
                        let booleans: Vec<bool> =
                            numbers.iter().map(|number| (*number).into() >= 0.5).collect();
                        column.typed::<BoolType>().write_batch(&booleans, None, None)?
                    }
                    Some(field) => {
                        let texts: Vec<ByteArray> = numbers
                            .iter()
                            .map(|number| field.text((*number).into()).as_str().into())
                            .collect();
                        column.typed::<ByteArrayType>().write_batch(&texts, None, None)?
                    }
                };
                column.close()?;
            }
        }
        group.close()?;
        self.rows = rows.end;
        self.waiting.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        if !self.waiting.is_empty() {
            self.close_group()?;
        }
        self.file.close().map(drop)
    }
}

/// The one-based numbers of rows.
fn numbers(rows: &Range<usize>) -> Vec<i64> {
    rows.clone().map(|row| row as i64 + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ReadOptions;
    use crate::read;
    use rows::Shape;
    use rows::Values;
    use std::path::Path;

    fn names() -> Vec<String> {
        vec!["a".to_owned(), "b, c".to_owned()]
    }

    const NUMBERS: [f32; 4] = [0.1, -2.0, f32::MIN_POSITIVE, 1e30];

    #[test]
    fn what_is_written_is_read_back_in_every_format() {
        let folder = tempfile::tempdir().unwrap();
        let ids = ["=first".to_owned(), "se\"cond".to_owned()];
        for extension in ["csv", "parquet"] {
            let path = folder.path().join(format!("t.{extension}"));
            for ids in [None, Some(&ids[..])] {
                write_table(&path, ids, &names(), 2, &NUMBERS).unwrap();
                let options = ReadOptions { id: vec!["row".to_owned()], ..ReadOptions::default() };
                let data = read(&path.display().to_string(), &options).unwrap();
                assert_eq!(data.columns, names());
                let values = data.gather(0..2).unwrap();
                let read: Vec<f32> = (0..4).map(|i| values.get(i) as f32).collect();
                assert_eq!(read, NUMBERS);
                let wanted = ids.map_or(vec!["1".to_owned(), "2".to_owned()], <[String]>::to_vec);
                assert_eq!(data.ids.unwrap(), wanted);
            }
        }
    }

    #[test]
    fn an_array_keeps_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[1, 2, 2, 1], &NUMBERS).unwrap();
        let data = read(&path.display().to_string(), &ReadOptions::default()).unwrap();
        assert_eq!(data.shape, Shape::Image { height: 2, width: 2, channels: 1 });
        assert_eq!(data.values, Values::F32(NUMBERS.to_vec()));
        let start = std::fs::read(&path).unwrap();
        assert_eq!((start.len() - 16) % 64, 0);
        assert!(write_npy(&path, &[3], &NUMBERS).is_err());
    }

    #[test]
    fn an_unknown_extension_is_answered_with_the_known_ones() {
        let error = write_table(Path::new("codes.npz"), None, &names(), 2, &NUMBERS)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "unknown table format \"npz\"; did you mean \"npy\"? known: npy, csv, parquet"
        );
    }

    #[test]
    fn a_table_of_the_wrong_size_is_refused() {
        assert!(write_table(Path::new("t.csv"), None, &names(), 3, &NUMBERS).is_err());
        assert!(write_table(Path::new("t.csv"), Some(&[]), &names(), 2, &NUMBERS).is_err());
    }

    #[test]
    fn a_file_does_not_depend_on_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        // Two groups of a Parquet file and some rows more.
        let rows = 2 * LONGEST_GROUP + 10;
        let numbers: Vec<f32> = (0..rows * 2).map(|at| (at as f32).sin()).collect();
        let ids: Vec<String> = (0..rows).map(|row| format!("r{row}")).collect();
        for extension in ["npy", "csv", "parquet"] {
            let path = |name: &str| folder.path().join(format!("{name}.{extension}"));
            write_table(path("whole"), Some(&ids), &names(), rows, &numbers).unwrap();
            let blocks = numbers
                .chunks(2 * 1000)
                .map(|values| Ok(Matrix { columns: 2, values: values.to_vec() }));
            write_table_blocks(path("blocks"), Some(&ids), &names(), &[], rows, &mut { blocks })
                .unwrap();
            assert!(
                std::fs::read(path("whole")).unwrap() == std::fs::read(path("blocks")).unwrap(),
                "{extension}"
            );
        }
    }

    #[test]
    fn an_error_among_the_blocks_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for extension in ["npy", "csv", "parquet"] {
            let path = folder.path().join(format!("a.{extension}"));
            let block = || Ok(Matrix { columns: 2, values: vec![1.0; 4] });
            let broken = || Err(Error::data("source.npy", "is cut short"));
            let error = write_table_blocks(
                &path,
                None,
                &names(),
                &[],
                4,
                &mut [block(), broken()].into_iter(),
            )
            .unwrap_err();
            assert_eq!(error.to_string(), "source.npy: is cut short");
            for blocks in [vec![block()], vec![block(), block(), block()]] {
                let error = write_table_blocks(
                    &path,
                    Some(&vec![String::new(); 4]),
                    &names(),
                    &[],
                    4,
                    &mut blocks.into_iter(),
                );
                assert!(error.unwrap_err().to_string().starts_with("writing a"), "{extension}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn folders_are_no_files_and_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            write_npy(folder.path(), &[4], &NUMBERS)
                .unwrap_err()
                .to_string()
                .contains("is a folder")
        );
        let error =
            write_npy(folder.path().join("no/a.npy"), &[4], &NUMBERS).unwrap_err().to_string();
        assert!(error.contains("create it first"), "{error}");
    }
}
