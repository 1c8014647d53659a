//! A Parquet file written again with values where it has none; all columns keep their types.

use crate::hold::guarded::guarded;
use crate::names::Names;
use crate::options::ReadOptions;
use crate::tables::cell::{Cell, Marks, Meaning};
use crate::tables::filled::{Fill, FilledCell};
use crate::tables::parquet::{Content, ParquetFile, Unit, content, unit};
use crate::tables::parquet_guard::damaged;
use parquet::basic::{Compression, ConvertedType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnDescriptor;
use rows::{Destination, Error, Result};
use std::path::Path;
use std::sync::Arc;

/// Nanoseconds in a day.
const DAY: f64 = 86_400e9;
/// Bytes of a whole number.
const DIGITS: usize = 16;
/// Rows copied at a time.
const BATCH: usize = 8192;

/// As [`crate::fill::write_filled`].
pub(crate) fn write_filled(
    path: &Path,
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    let place = path.display().to_string();
    guarded(&place, || copied((path, &place), options, output, rows, fill))?
}

fn copied(
    (path, place): (&Path, &str),
    options: &ReadOptions,
    output: &Destination,
    rows: usize,
    fill: &mut Fill<'_>,
) -> Result<usize> {
    let file = ParquetFile::open(path, place)?;
    let metadata = file.metadata.file_metadata();
    let all = usize::try_from(metadata.num_rows()).unwrap_or(usize::MAX);
    if rows < all {
        let why = "all rows: the groups of a Parquet file stay as they are";
        return Err(Error::setting("rows", rows, why));
    }
    let names = Names::new(file.names.iter().cloned());
    let roles = options.roles(place, &names, file.names.len())?;
    let mut read = vec![None; file.names.len()];
    roles.read.iter().enumerate().for_each(|(own, (leaf, _))| read[*leaf] = Some(own));
    let lists = (0..file.names.len()).any(|leaf| {
        read[leaf].is_some() && metadata.schema_descr().column(leaf).max_rep_level() > 0
    });
    if lists {
        return Err(Error::data(place, "has columns of lists, in which nothing can be filled"));
    }
    let marks = Marks::new(&options.written(None));
    let groups = file.metadata.row_groups();
    let compression = groups.first().map(|group| group.column(0).compression());
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression.unwrap_or(Compression::UNCOMPRESSED))
        .set_key_value_metadata(metadata.key_value_metadata().cloned())
        .build();
    let mut count = 0;
    output.write(|writer| {
        let fail = |error: ParquetError| {
            Error::data(output.path().display().to_string(), error.to_string())
        };
        let schema = metadata.schema_descr().root_schema_ptr();
        let mut written =
            SerializedFileWriter::new(writer, schema, Arc::new(properties)).map_err(fail)?;
        let mut start = 0;
        for (at, group) in groups.iter().enumerate() {
            let mut out = written.next_row_group().map_err(fail)?;
            let mut leaf = 0;
            while let Some(mut column) = out.next_column().map_err(fail)? {
                let (reader, descriptor) = file.reader(at, leaf)?;
                let mut source = Source { descriptor, marks: &marks, start, count: &mut count };
                let own = read.get(leaf).copied().flatten();
                let mut value = |row: usize| own.and_then(|own| fill(row, own));
                source
                    .copy(reader, &mut column, &mut value)
                    .map_err(|error| damaged(place, error))?;
                column.close().map_err(fail)?;
                leaf += 1;
            }
            out.close().map_err(fail)?;
            start += usize::try_from(group.num_rows()).unwrap_or_default();
        }
        written.close().map_err(fail)?;
        Ok(())
    })?;
    Ok(count)
}

/// A column of a row group.
struct Source<'a> {
    descriptor: Arc<ColumnDescriptor>,
    marks: &'a Marks,
    /// The first row of the group.
    start: usize,
    count: &'a mut usize,
}

type Value<'a> = dyn FnMut(usize) -> Option<FilledCell> + 'a;

impl Source<'_> {
    fn copy(
        &mut self,
        reader: ColumnReader,
        out: &mut SerializedColumnWriter<'_>,
        value: &mut Value<'_>,
    ) -> Result<(), ParquetError> {
        let (leaf, marks) = (Arc::clone(&self.descriptor), self.marks);
        let number = |number: f64| marks.read(Cell::Number(number)) == Meaning::Missing;
        let text = |bytes: &ByteArray| {
            let text = String::from_utf8_lossy(bytes.data());
            matches!(marks.read(Cell::Text(&text)), Meaning::Missing | Meaning::Dash)
        };
        let is_text = content(&leaf) == Content::Text;
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.column(reader, out, value, |_| false, |cell| Some(cell.number >= 0.5))
            }
            ColumnReader::Int32ColumnReader(reader) => self.column(
                reader,
                out,
                value,
                |value| unit(&leaf).is_none() && number(f64::from(*value)),
                |cell| whole(&leaf, &cell).map(|number| number as i32),
            ),
            ColumnReader::Int64ColumnReader(reader) => self.column(
                reader,
                out,
                value,
                |value| unit(&leaf).is_none() && number(*value as f64),
                |cell| whole(&leaf, &cell).map(|number| number as i64),
            ),
            ColumnReader::FloatColumnReader(reader) => self.column(
                reader,
                out,
                value,
                |value| number(f64::from(*value)),
                |cell| Some(cell.number as f32),
            ),
            ColumnReader::DoubleColumnReader(reader) => {
                self.column(reader, out, value, |value| number(*value), |cell| Some(cell.number))
            }
            ColumnReader::ByteArrayColumnReader(reader) if is_text => {
                self.column(reader, out, value, text, |cell| {
                    Some(ByteArray::from(cell.text.into_bytes()))
                })
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                let of = |cell| of_decimal(&leaf, &cell, DIGITS);
                self.column(reader, out, value, |_| false, of)
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let length = usize::try_from(leaf.type_length()).unwrap_or_default();
                let of = |cell| of_decimal(&leaf, &cell, length).map(FixedLenByteArray::from);
                self.column(reader, out, value, |_| false, of)
            }
            // What stands for a value in these is not known here.
            ColumnReader::Int96ColumnReader(reader) => {
                self.column(reader, out, value, |_| false, |_| None)
            }
        }
    }

    fn column<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        out: &mut SerializedColumnWriter<'_>,
        value: &mut Value<'_>,
        is_missing: impl Fn(&T::T) -> bool,
        of: impl Fn(FilledCell) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        let deepest = self.descriptor.max_def_level();
        let flat = self.descriptor.max_rep_level() == 0;
        let mut row = self.start;
        loop {
            let (mut defined, mut repeated, mut read) = (Vec::new(), Vec::new(), Vec::new());
            let (_, _, levels) =
                reader.read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut read)?;
            if levels == 0 {
                return Ok(());
            }
            if deepest == 0 {
                defined = vec![0; levels];
            }
            let (mut values, mut read) = (Vec::with_capacity(levels), read.into_iter());
            for level in &mut defined {
                let own = if *level == deepest { read.next() } else { None };
                let missing = own.as_ref().is_none_or(&is_missing);
                let filled = if flat && missing { value(row).and_then(&of) } else { None };
                row += 1;
                if filled.is_some() {
                    (*level, *self.count) = (deepest, *self.count + 1);
                }
                values.extend(filled.or(own));
            }
            let defined = (deepest > 0).then_some(defined.as_slice());
            let repeated = (!flat).then_some(repeated.as_slice());
            out.typed::<T>().write_batch(&values, defined, repeated)?;
        }
    }
}

fn is_decimal(leaf: &ColumnDescriptor) -> bool {
    leaf.converted_type() == ConvertedType::DECIMAL
}

/// The bytes of a value in a column of decimals; none in another one.
fn of_decimal(leaf: &ColumnDescriptor, cell: &FilledCell, length: usize) -> Option<ByteArray> {
    let number = whole(leaf, cell).filter(|_| is_decimal(leaf))?;
    decimal(number, length).map(ByteArray::from)
}

/// A whole number in so many bytes, the most significant first; none where it is larger.
fn decimal(number: f64, length: usize) -> Option<Vec<u8>> {
    let bytes = (number as i128).to_be_bytes();
    let sign = if number < 0.0 { 0xff } else { 0 };
    let more = length.saturating_sub(bytes.len());
    let own = &bytes[bytes.len().saturating_sub(length)..];
    let fits = bytes[..bytes.len() - own.len()].iter().all(|byte| *byte == sign)
        && own.first().is_some_and(|byte| (byte >> 7 == 1) == (sign == 0xff));
    fits.then(|| [vec![sign; more], own.to_vec()].concat())
}

/// The whole number that stands for a value in a column of such: days, units of time, or a decimal
/// without its point.
fn whole(leaf: &ColumnDescriptor, cell: &FilledCell) -> Option<f64> {
    let number = match unit(leaf) {
        Some(Unit::Days) => cell.number,
        Some(Unit::Clock(nanos) | Unit::Instant(nanos)) => cell.number * DAY / nanos as f64,
        None if is_decimal(leaf) => cell.number * 10f64.powi(leaf.type_scale()),
        None => cell.number,
    };
    number.is_finite().then_some(number.round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_whole_numbers_of_so_many_bytes() {
        assert_eq!(decimal(-10.0, 3), Some(vec![0xff, 0xff, 0xf6]));
        assert_eq!(decimal(258.0, 2), Some(vec![1, 2]));
        assert_eq!(decimal(0.0, 1), Some(vec![0]));
        assert_eq!(decimal(1.0, 18).map(|bytes| (bytes.len(), bytes[17])), Some((18, 1)));
        assert_eq!(decimal(200.0, 1), None);
        assert_eq!(decimal(1.0, 0), None);
    }
}
