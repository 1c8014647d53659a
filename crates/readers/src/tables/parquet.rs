//! Parquet tables: columns of numbers and booleans, and lists of numbers, which become one column an
//! item.

use crate::hold::element::half;
use crate::hold::guarded::guarded;
use crate::hold::pieces::Piece;
use crate::names::{Names, joined};
use crate::options::{ReadOptions, Roles};
use crate::tables::column::Column;
use crate::tables::parquet_guard::{self as guard, damaged};
use crate::tables::parquet_table::{ParquetTable, Part, Records};
use crate::tables::table::{Loaded, left_out};
use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use rows::{ColumnKind, Error, Message, Result, calendar};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows decoded at a time.
const BATCH: usize = 8192;
/// How pandas names the columns in which it stores the row names of a frame.
const PANDAS_INDEX: &str = "__index_level_";

/// Reads files that are one table together, with NaN where a cell is no number; what the columns
/// hold is told beside it.
pub(crate) fn load(place: &str, pieces: &[Piece], options: &ReadOptions) -> Result<Loaded> {
    guarded(place, || load_all(place, pieces, options))?
}

fn load_all(place: &str, pieces: &[Piece], options: &ReadOptions) -> Result<Loaded> {
    let Some((first, others)) = pieces.split_first() else {
        return Err(Error::data(place, "has no files"));
    };
    let path = first.path.display().to_string();
    let file = ParquetFile::open(&first.path, &path)?;
    let keys: Vec<String> = first.keys.iter().map(|(name, _)| name.clone()).collect();
    let names = Names::new(file.names.iter().chain(&keys).cloned());
    let mut loading = Loading::new(place, names, &file, options)?;
    loading.add(&file, first)?;
    for piece in others {
        let path = piece.path.display().to_string();
        let other = ParquetFile::open(&piece.path, &path)?;
        let same = piece.keys.iter().map(|(name, _)| name).eq(&keys);
        if other.names != file.names || !same {
            let why = format!(
                "{path} has other columns than {}; wanted the same in all files",
                file.place
            );
            return Err(Error::data(place, why));
        }
        loading.add(&other, piece)?;
    }
    loading.finish()
}

/// A table as it is put together from files.
struct Loading<'a> {
    place: &'a str,
    names: Names,
    /// The leaves of a file; the columns behind them are values of its path.
    leaves: usize,
    roles: Roles,
    table: ParquetTable<'a>,
    labels: Vec<String>,
    ids: Vec<String>,
    groups: Vec<String>,
}

/// What the leaf of a schema holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Number,
    Boolean,
    Text,
    Date,
    /// Lists of lists, lists of text.
    Nested,
}

pub(crate) fn content(leaf: &ColumnDescriptor) -> Content {
    let logical = leaf.logical_type_ref();
    let decimal = matches!(logical, Some(LogicalType::Decimal(_)))
        || leaf.converted_type() == ConvertedType::DECIMAL;
    let content = match leaf.physical_type() {
        _ if unit(leaf).is_some() || leaf.converted_type() == ConvertedType::INTERVAL => {
            Content::Date
        }
        Physical::INT96 => Content::Date,
        Physical::BOOLEAN => Content::Boolean,
        Physical::INT32 | Physical::INT64 | Physical::FLOAT | Physical::DOUBLE => Content::Number,
        Physical::BYTE_ARRAY if decimal => Content::Number,
        Physical::FIXED_LEN_BYTE_ARRAY if decimal || logical == Some(&LogicalType::Float16) => {
            Content::Number
        }
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => Content::Text,
    };
    let number = matches!(content, Content::Number | Content::Boolean);
    match leaf.max_rep_level() {
        0 => content,
        1 if number => content,
        _ => Content::Nested,
    }
}

/// What an integer of a date or time counts, clocks and instants in so many nanoseconds.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Days,
    Clock(i128),
    Instant(i128),
}

pub(crate) fn unit(leaf: &ColumnDescriptor) -> Option<Unit> {
    let nanos = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000_000,
        TimeUnit::MICROS => 1_000,
        TimeUnit::NANOS => 1,
    };
    match (leaf.logical_type_ref(), leaf.converted_type()) {
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Some(Unit::Days),
        (Some(LogicalType::Time(time)), _) => Some(Unit::Clock(nanos(&time.unit))),
        (Some(LogicalType::Timestamp(time)), _) => Some(Unit::Instant(nanos(&time.unit))),
        (_, ConvertedType::TIME_MILLIS) => Some(Unit::Clock(1_000_000)),
        (_, ConvertedType::TIME_MICROS) => Some(Unit::Clock(1_000)),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some(Unit::Instant(1_000_000)),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some(Unit::Instant(1_000)),
        _ => None,
    }
}

/// Whether every value of the leaf is exactly an f32.
fn is_narrow(leaf: &ColumnDescriptor) -> bool {
    match (leaf.physical_type(), leaf.logical_type_ref()) {
        (Physical::FLOAT | Physical::BOOLEAN, _) | (_, Some(LogicalType::Float16)) => true,
        (Physical::INT32, Some(LogicalType::Integer(integer))) => integer.bit_width <= 16,
        _ => false,
    }
}

/// The names of the leaves: paths, but a list by the name of its column alone.
fn leaf_names(schema: &SchemaDescriptor) -> Vec<String> {
    let root =
        |leaf: usize| (leaf < schema.num_columns()).then(|| schema.get_column_root_idx(leaf));
    let name = |(leaf, descriptor): (usize, &Arc<ColumnDescriptor>)| {
        // Leaves of one column stand side by side.
        let alone = root(leaf) != root(leaf + 1) && (leaf == 0 || root(leaf) != root(leaf - 1));
        match descriptor.path().parts().first() {
            Some(root) if descriptor.max_rep_level() > 0 && alone => root.clone(),
            _ => descriptor.path().string(),
        }
    };
    schema.columns().iter().enumerate().map(name).collect()
}

pub(crate) struct ParquetFile<'a> {
    file: Arc<File>,
    pub(crate) metadata: ParquetMetaData,
    /// The names of its leaves.
    pub(crate) names: Vec<String>,
    place: &'a str,
}

impl<'a> ParquetFile<'a> {
    pub(crate) fn open(path: &Path, place: &'a str) -> Result<Self> {
        let mut file = rows::open_file(path)?;
        if file.metadata().map_err(|error| Error::io(path, error))?.len() == 0 {
            return Err(Error::data(place, "is empty"));
        }
        guard::check_footer(&mut file).map_err(|reason| damaged(place, reason))?;
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .map_err(|error| damaged(place, error))?;
        let names = leaf_names(metadata.file_metadata().schema_descr());
        Ok(Self { file: Arc::new(file), metadata, names, place })
    }

    /// One column of one row group, ready to be put into rows.
    fn part(&self, group: usize, leaf: usize, words: bool) -> Result<Part> {
        let descriptor = self.metadata.file_metadata().schema_descr().column(leaf);
        Ok(match content(&descriptor) {
            // As codes they keep all their digits.
            Content::Number if words && descriptor.max_rep_level() == 0 => {
                Part::Texts(self.texts(group, leaf)?, false)
            }
            Content::Number => Part::Numbers(self.numbers(group, leaf)?, false),
            Content::Boolean => Part::Numbers(self.numbers(group, leaf)?, true),
            Content::Text => Part::Texts(self.texts(group, leaf)?, true),
            Content::Date => Part::Texts(self.texts(group, leaf)?, false),
            Content::Nested => Part::Nested,
        })
    }

    pub(crate) fn reader(
        &self,
        group: usize,
        leaf: usize,
    ) -> Result<(ColumnReader, Arc<ColumnDescriptor>)> {
        let bad = |reason: String| {
            damaged(self.place, format!("column {:?}: {reason}", self.names[leaf]))
        };
        let group = self.metadata.row_group(group);
        let chunk: &ColumnChunkMetaData = group.column(leaf);
        if matches!(chunk.compression(), Compression::BROTLI(_) | Compression::LZO) {
            let codec = chunk.compression_codec();
            return Err(Error::data(
                self.place,
                format!(
                    "is compressed with {codec}; write it with snappy, gzip, lz4, zstd or no compression"
                ),
            ));
        }
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let (Ok(start), Ok(length), Ok(rows)) = (
            u64::try_from(start),
            u64::try_from(chunk.compressed_size()),
            usize::try_from(group.num_rows()),
        ) else {
            return Err(bad("a negative size".to_owned()));
        };
        let mut file = self.file.try_clone().map_err(|error| bad(error.to_string()))?;
        guard::check_pages(&mut file, start, length).map_err(bad)?;
        let pages = SerializedPageReader::new(Arc::clone(&self.file), chunk, rows, None)
            .map_err(|error| bad(error.to_string()))?;
        let descriptor = chunk.column_descr_ptr();
        Ok((get_column_reader(Arc::clone(&descriptor), Box::new(pages)), descriptor))
    }

    fn numbers(&self, group: usize, leaf: usize) -> Result<Records<f64>> {
        let (reader, descriptor) = self.reader(group, leaf)?;
        let scale = match descriptor.logical_type_ref() {
            Some(LogicalType::Decimal(decimal)) => decimal.scale,
            _ if descriptor.converted_type() == ConvertedType::DECIMAL => descriptor.type_scale(),
            _ => 0,
        };
        let unit = 10f64.powi(scale);
        let unsigned = match descriptor.logical_type_ref() {
            Some(LogicalType::Integer(integer)) => !integer.is_signed,
            _ => matches!(
                descriptor.converted_type(),
                ConvertedType::UINT_32 | ConvertedType::UINT_64
            ),
        };
        let float16 = descriptor.logical_type_ref() == Some(&LogicalType::Float16);
        let nan = f64::NAN;
        let records = match reader {
            ColumnReader::BoolColumnReader(reader) => {
                drain(reader, &descriptor, nan, |truth| f64::from(u8::from(*truth)))
            }
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                drain(reader, &descriptor, nan, |number| f64::from(*number as u32))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                drain(reader, &descriptor, nan, |number| f64::from(*number) / unit)
            }
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                drain(reader, &descriptor, nan, |number| *number as u64 as f64)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                drain(reader, &descriptor, nan, |number| *number as f64 / unit)
            }
            ColumnReader::FloatColumnReader(reader) => {
                drain(reader, &descriptor, nan, |number| f64::from(*number))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                drain(reader, &descriptor, nan, |number| *number)
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) if float16 => {
                drain(reader, &descriptor, nan, |bytes| match bytes.data() {
                    [low, high] => f64::from(half(u16::from_le_bytes([*low, *high]))),
                    _ => nan,
                })
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                drain(reader, &descriptor, nan, |bytes| integer(bytes.data()) / unit)
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                drain(reader, &descriptor, nan, |bytes| integer(bytes.data()) / unit)
            }
            ColumnReader::Int96ColumnReader(_) => {
                return Err(damaged(self.place, "a date where a number was expected"));
            }
        };
        records
            .map_err(|error| damaged(self.place, format!("column {:?}: {error}", self.names[leaf])))
    }

    /// The values of a column as text, for labels, identifiers and messages.
    fn texts(&self, group: usize, leaf: usize) -> Result<Vec<Option<String>>> {
        let (reader, descriptor) = self.reader(group, leaf)?;
        if descriptor.max_rep_level() > 0 {
            return Err(Error::data(
                self.place,
                format!("column {:?} holds lists; wanted one value a row", self.names[leaf]),
            ));
        }
        let bytes = |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned());
        let whole = |number: i64| match unit(&descriptor) {
            Some(Unit::Days) => calendar::date(number.into()),
            Some(Unit::Clock(nanos)) => calendar::time(i128::from(number) * nanos),
            Some(Unit::Instant(nanos)) => calendar::date_time(i128::from(number) * nanos),
            None => number.to_string(),
        };
        let records = match reader {
            ColumnReader::BoolColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| Some(value.to_string()))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| Some(whole((*value).into())))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| Some(whole(*value)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| Some(value.to_string()))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| Some(value.to_string()))
            }
            ColumnReader::Int96ColumnReader(reader) => drain(reader, &descriptor, None, |value| {
                Some(calendar::date_time(instant(value.data())))
            }),
            ColumnReader::ByteArrayColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| bytes(value.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                drain(reader, &descriptor, None, |value| bytes(value.data()))
            }
        };
        let records = records.map_err(|error| {
            damaged(self.place, format!("column {:?}: {error}", self.names[leaf]))
        })?;
        Ok(records.values)
    }
}

/// Nanoseconds since 1970 of nanoseconds of a day and the number of that day, which counts 2,440,588
/// on 1 January 1970.
fn instant(parts: &[u32]) -> i128 {
    let part = |at: usize| i128::from(parts.get(at).copied().unwrap_or_default());
    (part(2) - 2_440_588) * 86_400_000_000_000 + (part(1) << 32 | part(0))
}

/// How pandas names the rows of a frame.
fn is_index(name: &str) -> bool {
    name.starts_with(PANDAS_INDEX)
}

/// Whether a column is asked for as words.
fn is_words(column: &Column) -> bool {
    matches!(column.asked, Some(ColumnKind::Categorical | ColumnKind::Text))
}

impl<'a> Loading<'a> {
    fn new(
        place: &'a str,
        names: Names,
        file: &ParquetFile<'_>,
        options: &ReadOptions,
    ) -> Result<Self> {
        let schema = file.metadata.file_metadata().schema_descr();
        let leaves = file.names.len();
        let mut roles = options.roles(place, &names, names.names.len())?;
        roles.read.retain(|(leaf, _)| !is_index(&names.names[*leaf]));
        if roles.read.is_empty() {
            return Err(Error::data(place, "has no columns to learn from"));
        }
        let narrow = roles.read.iter().all(|(leaf, column)| {
            *leaf < leaves && is_narrow(&schema.column(*leaf)) && !is_words(column)
        });
        let read = roles.read.iter();
        let (own, known) =
            read.map(|(leaf, column)| (names.names[*leaf].clone(), column.clone())).unzip();
        let table = ParquetTable::new(place, own, known, narrow, options);
        let (labels, ids, groups) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { place, names, leaves, roles, table, labels, ids, groups })
    }

    fn add(&mut self, file: &ParquetFile<'_>, piece: &Piece) -> Result<()> {
        for group in 0..file.metadata.num_row_groups() {
            let rows = usize::try_from(file.metadata.row_group(group).num_rows());
            let rows = rows.map_err(|_| damaged(self.place, "a negative size"))?;
            let key =
                |leaf: usize| piece.keys.get(leaf - self.leaves).map(|(_, value)| value.clone());
            let texts = |leaf: usize| {
                if leaf < self.leaves { file.texts(group, leaf) } else { Ok(vec![key(leaf); rows]) }
            };
            let part = |(leaf, column): &(usize, Column)| {
                if *leaf < self.leaves {
                    file.part(group, *leaf, is_words(column))
                } else {
                    Ok(Part::Texts(texts(*leaf)?, false))
                }
            };
            let parts = self.roles.read.iter().map(part).collect::<Result<Vec<_>>>()?;
            if let Some(leaf) = self.roles.label {
                self.labels.extend(texts(leaf)?.into_iter().map(Option::unwrap_or_default));
            }
            let names = |leaves: &[usize]| {
                leaves.iter().try_fold(Vec::new(), |names, leaf| -> Result<Vec<String>> {
                    let texts = texts(*leaf)?.into_iter().map(Option::unwrap_or_default);
                    Ok(joined(names, texts))
                })
            };
            self.groups.extend(names(&self.roles.groups)?);
            self.ids.extend(names(&self.roles.ids)?);
            self.table.add(&parts)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Loaded> {
        let Self { place, names, roles, table, labels, ids, groups, .. } = self;
        let mut loaded = table.finish()?;
        let rows = loaded.dataset.rows();
        let (known, grouped) = (!roles.ids.is_empty(), !roles.groups.is_empty());
        let beside = [(roles.label.is_some(), &labels), (known, &ids), (grouped, &groups)];
        if beside.iter().any(|(wanted, texts)| *wanted && texts.len() != rows) {
            return Err(damaged(place, "its columns have different lengths"));
        }
        loaded.dataset.labels = roles.label.map(|_| labels);
        loaded.dataset.ids = known.then_some(ids);
        loaded.groups = grouped.then_some(groups);
        loaded.dataset.warnings.extend(left_out(&roles.unknown));
        for (leaf, name) in names.names.iter().enumerate().filter(|(_, name)| is_index(name)) {
            if roles.label == Some(leaf)
                || roles.groups.contains(&leaf)
                || roles.ids.contains(&leaf)
            {
                continue;
            }
            loaded.dataset.warnings.push(
                Message::from(format!("left out {name}, row names of pandas; "))
                    .set("id", name)
                    .text(" keeps them"),
            );
        }
        Ok(loaded)
    }
}

/// A decimal number without its point: big-endian, in two's complement.
fn integer(bytes: &[u8]) -> f64 {
    let Some(first) = bytes.first() else {
        return f64::NAN;
    };
    let sign = if first & 0x80 != 0 { -1.0 } else { 0.0 };
    bytes.iter().fold(sign, |number, byte| number * 256.0 + f64::from(*byte))
}

/// Decodes a whole column; nulls become `missing`, a null list becomes an empty one.
fn drain<T: DataType, V: Clone>(
    mut reader: ColumnReaderImpl<T>,
    leaf: &ColumnDescriptor,
    missing: V,
    convert: impl Fn(&T::T) -> V,
) -> Result<Records<V>, ParquetError> {
    let (deepest, item) = (leaf.max_def_level(), leaf.repeated_ancestor_def_level());
    let mut records =
        Records { values: Vec::new(), lengths: (leaf.max_rep_level() > 0).then(Vec::new) };
    let (mut defined, mut repeated, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        defined.clear();
        repeated.clear();
        buffer.clear();
        let (_, values, levels) =
            reader.read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut buffer)?;
        if levels == 0 {
            return Ok(records);
        }
        let mut values = buffer[..values].iter();
        for level in 0..levels {
            let depth = defined.get(level).copied().unwrap_or(deepest);
            if let Some(lengths) = &mut records.lengths {
                if repeated.get(level) == Some(&0) || lengths.is_empty() {
                    lengths.push(0);
                }
                if depth < item {
                    continue;
                }
                if let Some(length) = lengths.last_mut() {
                    *length += 1;
                }
            }
            let value = if depth == deepest { values.next().map(&convert) } else { None };
            records.values.push(value.unwrap_or_else(|| missing.clone()));
        }
    }
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
