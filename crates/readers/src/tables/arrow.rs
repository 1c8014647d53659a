//! Arrow IPC files, which Feather files are too, and streams.

use crate::hold::guarded::guarded;
use crate::names::Names;
use crate::tables::cell::Cell;
use crate::tables::owned::{Owned, named};
use crate::tables::records::{Add, Records};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch, RecordBatchReader};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::{CompressionType, MessageHeader, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use rows::{Error, Result, calendar};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// What a file begins and ends with; a stream does not.
const MAGIC: &[u8; 6] = b"ARROW1";
/// Bytes of the words about a batch at most.
const LONGEST_MESSAGE: u64 = 1 << 28;
/// A compressed buffer may become so many times larger, and always so many bytes.
const LARGEST_RATIO: u64 = 1 << 10;
const SMALL: u64 = 1 << 26;

/// The batches of a file.
pub(crate) struct ArrowRecords {
    place: String,
    names: Names,
    batches: Box<dyn RecordBatchReader>,
}

impl ArrowRecords {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let open = || rows::open_file(path);
        let bad = |why: String| Error::data(&place, format!("is damaged: {why}"));
        let mut file = open()?;
        let is_file = check(&mut file).map_err(bad)?;
        let reader = BufReader::new(open()?);
        // It decodes dictionaries at once.
        let opened = guarded(&place, || -> std::result::Result<_, ArrowError> {
            let batches: Box<dyn RecordBatchReader> = if is_file {
                Box::new(FileReader::try_new(reader, None)?)
            } else {
                Box::new(StreamReader::try_new(reader, None)?)
            };
            Ok(batches)
        });
        let batches = opened?.map_err(|error| bad(error.to_string()))?;
        let schema = batches.schema();
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        Ok(Self { names: named(&names), batches, place })
    }
}

impl Records for ArrowRecords {
    fn names(&self) -> &Names {
        &self.names
    }

    fn width(&self) -> usize {
        self.names.names.len()
    }

    fn feed(&mut self, add: &mut Add<'_>) -> Result<()> {
        let place = &self.place;
        let bad = |why: &dyn std::fmt::Display| Error::data(place, format!("is damaged: {why}"));
        loop {
            let next = guarded(place, || {
                self.batches.next().map(|batch| batch.map(|batch| columns(&batch)))
            });
            let columns: Vec<Vec<Owned>> = match next? {
                None => return Ok(()),
                Some(Ok(columns)) => columns,
                Some(Err(error)) => return Err(bad(&error)),
            };
            let rows = columns.first().map_or(0, Vec::len);
            for row in 0..rows {
                let cells = columns.iter().map(|column| column[row].cell());
                add(&cells.collect::<Vec<Cell<'_>>>())?;
            }
        }
    }
}

fn columns(batch: &RecordBatch) -> Vec<Vec<Owned>> {
    batch.columns().iter().map(|column| column_of(column.as_ref())).collect()
}

/// The cells of a column.
fn column_of(array: &dyn Array) -> Vec<Owned> {
    let text =
        |text: Option<&str>| text.map_or(Owned::Missing, |text| Owned::Text(text.to_owned()));
    match array.data_type() {
        DataType::Boolean => array
            .as_boolean()
            .iter()
            .map(|truth| truth.map_or(Owned::Missing, Owned::Boolean))
            .collect(),
        DataType::Int8 => whole::<Int8Type>(array),
        DataType::Int16 => whole::<Int16Type>(array),
        DataType::Int32 => whole::<Int32Type>(array),
        DataType::Int64 => whole::<Int64Type>(array),
        DataType::UInt8 => whole::<UInt8Type>(array),
        DataType::UInt16 => whole::<UInt16Type>(array),
        DataType::UInt32 => whole::<UInt32Type>(array),
        DataType::UInt64 => whole::<UInt64Type>(array),
        DataType::Float16 => each::<Float16Type>(array, |number| Owned::Number(number.to_f64())),
        DataType::Float32 => each::<Float32Type>(array, |number| Owned::Number(number.into())),
        DataType::Float64 => each::<Float64Type>(array, Owned::Number),
        DataType::Utf8 => array.as_string::<i32>().iter().map(text).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(text).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(text).collect(),
        DataType::Date32 => {
            each::<Date32Type>(array, |days| Owned::Written(calendar::date(days.into())))
        }
        DataType::Date64 => each::<Date64Type>(array, |millis| at(millis, 1_000_000)),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => each::<TimestampSecondType>(array, |n| at(n, 1_000_000_000)),
            TimeUnit::Millisecond => each::<TimestampMillisecondType>(array, |n| at(n, 1_000_000)),
            TimeUnit::Microsecond => each::<TimestampMicrosecondType>(array, |n| at(n, 1_000)),
            TimeUnit::Nanosecond => each::<TimestampNanosecondType>(array, |n| at(n, 1)),
        },
        DataType::Time32(TimeUnit::Second) => {
            each::<Time32SecondType>(array, |n| clock(n.into(), 1_000_000_000))
        }
        DataType::Time32(_) => each::<Time32MillisecondType>(array, |n| clock(n.into(), 1_000_000)),
        DataType::Time64(TimeUnit::Microsecond) => {
            each::<Time64MicrosecondType>(array, |n| clock(n, 1_000))
        }
        DataType::Time64(_) => each::<Time64NanosecondType>(array, |n| clock(n, 1)),
        DataType::Decimal128(_, scale) => {
            let unit = 10f64.powi((*scale).into());
            each::<Decimal128Type>(array, |number| Owned::Number(number as f64 / unit))
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = column_of(dictionary.values().as_ref());
            let keys = dictionary.normalized_keys();
            let value = |(row, key): (usize, &usize)| {
                let known = values.get(*key).filter(|_| !array.is_null(row));
                known.cloned().unwrap_or(Owned::Missing)
            };
            keys.iter().enumerate().map(value).collect()
        }
        DataType::Null => vec![Owned::Missing; array.len()],
        other => vec![Owned::Text(format!("values of the type {other}")); array.len()],
    }
}

fn each<T: ArrowPrimitiveType>(array: &dyn Array, of: impl Fn(T::Native) -> Owned) -> Vec<Owned> {
    array.as_primitive::<T>().iter().map(|value| value.map_or(Owned::Missing, &of)).collect()
}

fn whole<T: ArrowPrimitiveType>(array: &dyn Array) -> Vec<Owned>
where
    i128: From<T::Native>,
{
    each::<T>(array, |number| Owned::whole(number.into()))
}

fn at(count: i64, nanos: i128) -> Owned {
    Owned::Written(calendar::date_time(i128::from(count) * nanos))
}

fn clock(count: i64, nanos: i128) -> Owned {
    Owned::Written(calendar::time(i128::from(count) * nanos))
}

/// Checks every size that a file states before a decoder takes memory for it; whether it is a file
/// rather than a stream.
fn check(file: &mut File) -> std::result::Result<bool, String> {
    let words = |error: std::io::Error| error.to_string();
    let length = file.metadata().map_err(words)?.len();
    let mut magic = [0; 6];
    file.read_exact(&mut magic).map_err(words)?;
    if &magic != MAGIC {
        check_stream(file, length)?;
        return Ok(false);
    }
    let end = read_at(file, length, length.saturating_sub(10), 10)?;
    let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    let start = length.checked_sub(10 + size).ok_or("its end does not fit")?;
    let footer = read_at(file, length, start, size.min(LONGEST_MESSAGE))?;
    let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
    let blocks = footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten();
    for block in blocks {
        let part = |number: i64| u64::try_from(number).map_err(|_| "a negative size".to_owned());
        let (start, words) = (part(block.offset())?, part(block.metaDataLength().into())?);
        check_message(file, length, start, words, part(block.bodyLength())?)?;
    }
    Ok(true)
}

fn check_stream(file: &mut File, length: u64) -> std::result::Result<(), String> {
    let mut start = 0;
    while start + 8 <= length {
        let head = read_at(file, length, start, 8)?;
        let [first, second] = [0, 4].map(|at| {
            u64::from(u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]))
        });
        let (prefix, words) = if first == 0xffff_ffff { (8, second) } else { (4, first) };
        if words == 0 {
            return Ok(());
        }
        let text = read_at(file, length, start + prefix, words.min(LONGEST_MESSAGE))?;
        let message = root_as_message(&text).map_err(|error| error.to_string())?;
        let body = u64::try_from(message.bodyLength()).map_err(|_| "a negative size")?;
        check_message(file, length, start, prefix + words, body)?;
        start = start.saturating_add(prefix + words).saturating_add(body);
    }
    Ok(())
}

/// Checks a batch whose words, with the bytes before them, take so many bytes.
fn check_message(
    file: &mut File,
    length: u64,
    start: u64,
    words: u64,
    body: u64,
) -> std::result::Result<(), String> {
    let body_start = start.checked_add(words).ok_or("a size that is too large")?;
    if words > LONGEST_MESSAGE || body_start.checked_add(body).is_none_or(|end| end > length) {
        return Err("a batch does not fit into the file".to_owned());
    }
    let text = read_at(file, length, start, words)?;
    let prefix = if text.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = text.get(prefix..).ok_or("a message is too short")?;
    let message = root_as_message(message).map_err(|error| error.to_string())?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => {
            message.header_as_dictionary_batch().and_then(|batch| batch.data())
        }
        _ => None,
    };
    let Some(batch) = batch else { return Ok(()) };
    let packed = batch.compression().is_some_and(|how| {
        [CompressionType::LZ4_FRAME, CompressionType::ZSTD].contains(&how.codec())
    });
    for buffer in batch.buffers().into_iter().flatten() {
        let part = |number: i64| u64::try_from(number).map_err(|_| "a negative size".to_owned());
        let (offset, size) = (part(buffer.offset())?, part(buffer.length())?);
        if offset.checked_add(size).is_none_or(|end| end > body) {
            return Err("a buffer does not fit into its batch".to_owned());
        }
        if packed && size >= 8 {
            let own = read_at(file, length, body_start + offset, 8)?;
            let stated = i64::from_le_bytes(own.try_into().map_err(|_| "a size is cut off")?);
            let most = SMALL.max(size.saturating_mul(LARGEST_RATIO));
            if u64::try_from(stated).is_ok_and(|stated| stated > most) {
                return Err(format!("a buffer of {size} bytes claims to hold {stated}"));
            }
        }
    }
    Ok(())
}

fn read_at(
    file: &mut File,
    length: u64,
    start: u64,
    size: u64,
) -> std::result::Result<Vec<u8>, String> {
    if start.checked_add(size).is_none_or(|end| end > length) {
        return Err("it is cut short".to_owned());
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|error| error.to_string())?];
    file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
    file.read_exact(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, read};
    use arrow_array::{
        ArrayRef, BooleanArray, DictionaryArray, Float32Array, Int64Array, StringArray,
        TimestampMillisecondArray,
    };
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    use proptest::prelude::*;
    use rows::ColumnKind;
    use std::sync::Arc;

    fn batch() -> RecordBatch {
        let words: DictionaryArray<Int32Type> = vec!["p", "q", "p"].into_iter().collect();
        let columns: [(&str, ArrayRef); 6] = [
            ("key", Arc::new(Int64Array::from(vec![9_007_199_254_740_993, 2, 3]))),
            ("x", Arc::new(Float32Array::from(vec![Some(0.5), None, Some(2.5)]))),
            ("ok", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("word", Arc::new(words)),
            ("name", Arc::new(StringArray::from(vec!["a", "b", "a"]))),
            ("at", Arc::new(TimestampMillisecondArray::from(vec![0, 86_400_000, 43_200_000]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn file(compression: Option<CompressionType>) -> Vec<u8> {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let batch = batch();
        let mut writer =
            FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn load(name: &str, bytes: &[u8]) -> Result<rows::Dataset> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let options = ReadOptions { id: vec!["key".to_owned()], ..ReadOptions::default() };
        read(&path.display().to_string(), &options)
    }

    #[test]
    fn files_and_streams_are_read() {
        let mut stream = StreamWriter::try_new(Vec::new(), &batch().schema()).unwrap();
        stream.write(&batch()).unwrap();
        stream.write(&batch()).unwrap();
        for (name, bytes) in [
            ("a.feather", file(None)),
            ("a.arrow", file(Some(CompressionType::LZ4_FRAME))),
            ("a", file(Some(CompressionType::ZSTD))),
            ("a.arrow", stream.into_inner().unwrap()),
        ] {
            let data = load(name, &bytes).unwrap();
            assert_eq!((data.rows(), data.columns.len()), (6, 5));
            assert_eq!(data.ids.as_ref().unwrap()[3], "9007199254740993");
            let kinds: Vec<ColumnKind> = (0..5).map(|column| data.kind(column)).collect();
            let wanted = [
                ColumnKind::Numeric,
                ColumnKind::Boolean,
                ColumnKind::Categorical,
                ColumnKind::Categorical,
                ColumnKind::Date,
            ];
            assert_eq!(kinds, wanted);
            let values = data.gather([0, 1]).unwrap();
            assert_eq!((values.get(0), values.get(9)), (0.5, 1.0));
            assert!(values.get(5).is_nan());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn damaged_files_are_read_or_refused(
            position in any::<prop::sample::Index>(), byte in any::<u8>(), packed in any::<bool>(),
        ) {
            let mut bytes = file(packed.then_some(CompressionType::ZSTD));
            let position = position.index(bytes.len());
            bytes[position] = byte;
            let _ = load("a.arrow", &bytes);
            let _ = load("a.arrow", &bytes[..position]);
        }
    }
}
