//! Writing results: tables as npy, CSV or Parquet, arrays as npy; whole or not at all.

use super::atomic::write_atomically;
use crate::error::{Error, Result};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Rows in one group of a Parquet file.
const GROUP: usize = 1 << 16;

/// Writes `rows` rows of `columns.len()` numbers as `.npy`, `.csv` or `.parquet`, told by the extension.
///
/// CSV and Parquet begin with a column `row`: the identifier, or the zero-based number of the row where `ids` is none.
/// An npy file holds the numbers alone.
pub fn write_table(path: &Path, ids: Option<&[String]>, columns: &[String], rows: usize, values: &[f32]) -> Result<()> {
    if rows.checked_mul(columns.len()) != Some(values.len()) {
        let wanted = format!("{rows} rows of {} columns", columns.len());
        return Err(Error::shape("writing a table", format!("{} numbers", values.len()), wanted));
    }
    if let Some(ids) = ids.filter(|ids| ids.len() != rows) {
        return Err(Error::shape("writing a table", format!("{} identifiers", ids.len()), format!("{rows}, one a row")));
    }
    let table = Table { ids, columns, rows, values };
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "npy" => write_npy(path, &[rows, columns.len()], values),
        "csv" => write_atomically(path, |writer| table.write_csv(writer)),
        "parquet" => write_atomically(path, |writer| table.write_parquet(writer).map_err(io::Error::other)),
        _ => Err(Error::unknown("table format", extension, ["npy", "csv", "parquet"])),
    }
}

/// Writes an array of any shape as `.npy`, in row-major order.
pub fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    if count != Some(values.len()) {
        return Err(Error::shape("writing an array", format!("{} numbers", values.len()), format!("{shape:?}")));
    }
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // Magic number, version, length and header together fill blocks of 64 bytes and end with a line break.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length =
        u16::try_from(header.len()).map_err(|_| Error::shape("writing an array", format!("{} dimensions", shape.len()), "fewer"))?;
    write_atomically(path, |writer| {
        writer.write_all(b"\x93NUMPY\x01\x00")?;
        writer.write_all(&length.to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        values.iter().try_for_each(|number| writer.write_all(&number.to_le_bytes()))
    })
}

struct Table<'a> {
    ids: Option<&'a [String]>,
    columns: &'a [String],
    rows: usize,
    values: &'a [f32],
}

impl Table<'_> {
    fn write_csv(&self, writer: impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_field("row")?;
        writer.write_record(self.columns)?;
        for row in 0..self.rows {
            match self.ids {
                Some(ids) => writer.write_field(&ids[row])?,
                None => writer.write_field(row.to_string())?,
            }
            // Debug is the shortest text that reads back as the same number, with an exponent where that is shorter.
            let numbers = &self.values[row * self.columns.len()..(row + 1) * self.columns.len()];
            writer.write_record(numbers.iter().map(|number| format!("{number:?}")))?;
        }
        writer.flush()
    }

    fn write_parquet(&self, writer: impl Write + Send) -> Result<(), ParquetError> {
        let row = Type::primitive_type_builder("row", if self.ids.is_some() { Physical::BYTE_ARRAY } else { Physical::INT64 })
            .with_logical_type(self.ids.map(|_| LogicalType::String))
            .with_repetition(Repetition::REQUIRED)
            .build()?;
        let mut fields = vec![Arc::new(row)];
        for name in self.columns {
            let column = Type::primitive_type_builder(name, Physical::FLOAT).with_repetition(Repetition::REQUIRED).build()?;
            fields.push(Arc::new(column));
        }
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
        // Measured numbers seldom repeat: a dictionary would only cost time.
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false).build();
        let mut file = SerializedFileWriter::new(writer, schema, Arc::new(properties))?;
        for start in (0..self.rows).step_by(GROUP) {
            let rows = start..(start + GROUP).min(self.rows);
            let mut group = file.next_row_group()?;
            if let Some(mut column) = group.next_column()? {
                match self.ids {
                    Some(ids) => {
                        let texts: Vec<ByteArray> = ids[rows.clone()].iter().map(|id| id.as_str().into()).collect();
                        column.typed::<ByteArrayType>().write_batch(&texts, None, None)?
                    }
                    None => {
                        let numbers: Vec<i64> = rows.clone().map(|row| row as i64).collect();
                        column.typed::<Int64Type>().write_batch(&numbers, None, None)?
                    }
                };
                column.close()?;
            }
            let width = self.columns.len();
            for j in 0..width {
                let numbers: Vec<f32> = rows.clone().map(|row| self.values[row * width + j]).collect();
                if let Some(mut column) = group.next_column()? {
                    column.typed::<FloatType>().write_batch(&numbers, None, None)?;
                    column.close()?;
                }
            }
            group.close()?;
        }
        file.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ReadOptions, Values, read};
    use crate::schema::Shape;

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
                let options = ReadOptions { id: Some("row".to_owned()), ..ReadOptions::default() };
                let data = read(&path.display().to_string(), &options).unwrap();
                assert_eq!(data.columns, names());
                let read: Vec<f32> = (0..4).map(|i| data.values.get(i) as f32).collect();
                assert_eq!(read, NUMBERS);
                let wanted = ids.map_or(vec!["0".to_owned(), "1".to_owned()], <[String]>::to_vec);
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
        let error = write_table(Path::new("codes.npz"), None, &names(), 2, &NUMBERS).unwrap_err().to_string();
        assert_eq!(error, "unknown table format \"npz\"; did you mean \"npy\"? known: npy, csv, parquet");
    }

    #[test]
    fn a_table_of_the_wrong_size_is_refused() {
        assert!(write_table(Path::new("t.csv"), None, &names(), 3, &NUMBERS).is_err());
        assert!(write_table(Path::new("t.csv"), Some(&[]), &names(), 2, &NUMBERS).is_err());
    }

    #[test]
    fn folders_are_no_files_and_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_npy(folder.path(), &[4], &NUMBERS).unwrap_err().to_string().contains("is a folder"));
        let error = write_npy(&folder.path().join("no/a.npy"), &[4], &NUMBERS).unwrap_err().to_string();
        assert!(error.contains("create it first"), "{error}");
    }
}
