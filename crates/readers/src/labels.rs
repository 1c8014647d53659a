//! Labels and identifiers: from a file of their own or from a column set aside.

use crate::arrays::{idx, npy, npz};
use crate::hold::element::Number;
use crate::hold::sink::Sink;
use crate::hold::source::split_array;
use crate::hold::source::{self, Format, Stream};
use crate::names::{find_column, require_count};
use crate::tables::csv;
use rows::{Dataset, Error, Message, Result, Shape, Store, Values};
use std::path::Path;

/// Reads one label for each row of `data` from a file: CSV, npy, IDX, or an array of an npz
/// (`file.npz:array`).
pub(crate) fn read(path: &Path, data: &Dataset) -> Result<Vec<String>> {
    let text = path.to_string_lossy();
    let (path, array) = split_array(&text);
    let place = path.display().to_string();
    let mut labels = match (array, source::format(path)?) {
        (Some(array), _) => npz::Npz::open(path)?.labels(array, data)?,
        (None, Format::Npy) => npy::read_labels(&mut Stream::open(path)?, &place, data)?,
        (None, Format::Idx) => {
            let (dimensions, values) = idx::load_array(path)?;
            let ([_] | [_, 1]) = dimensions[..] else {
                return Err(Error::data(
                    place,
                    "holds several numbers a row; wanted one label a row",
                ));
            };
            texts(&values)
        }
        (None, Format::Csv) => csv::read_labels(path)?,
        (None, Format::Npz) => {
            let mut npz = npz::Npz::open(path)?;
            let name = npz.default_array()?;
            npz.labels(&name, data)?
        }
        (None, _) => {
            return Err(Error::data(place, "labels are read from CSV, npy, IDX or npz files"));
        }
    };
    // A text file with one line too many begins with a header, unless that line is a number like
    // any label.
    let headed = labels.len() == data.rows() + 1 && labels[0].parse::<f64>().is_err();
    if headed && array.is_none() && source::format(path)? == Format::Csv {
        labels.remove(0);
    }
    require_count(&place, labels.len(), data)?;
    Ok(labels)
}

fn texts(values: &Values) -> Vec<String> {
    (0..values.len()).map(|row| values.get(row).to_string()).collect()
}

/// Takes a column out of a table without names, as text; the others are held in at most `memory`
/// bytes.
pub(crate) fn set_aside(
    data: &mut Dataset,
    option: &str,
    wanted: &str,
    memory: Option<u64>,
) -> Result<Vec<String>> {
    let Shape::Flat { width } = data.shape else {
        return Err(Error::setting(
            option,
            format!("{wanted:?}"),
            Message::from(format!("nothing: {} has no columns; ", data.name))
                .text("labels come from a file with ")
                .set("labels", "FILE"),
        ));
    };
    let column = find_column(&data.name, option, wanted, &data.columns, width)?;
    if width == 1 {
        return Err(Error::data(
            &data.name,
            format!("has one column only; nothing is left without {option} {wanted}"),
        ));
    }
    let mut texts = Vec::new();
    for block in data.blocks() {
        let block = block?;
        texts.extend(
            (column..block.len()).step_by(width).map(|position| block.get(position).to_string()),
        );
    }
    let mut position = 0;
    let mut keep = || {
        position += 1;
        (position - 1) % width != column
    };
    data.values = if data.values.in_memory().is_some() {
        let mut values =
            std::mem::replace(&mut data.values, Values::U8(Vec::new()).into()).load()?;
        match &mut values {
            Values::U8(values) => values.retain(|_| keep()),
            Values::F32(values) => values.retain(|_| keep()),
            Values::F64(values) => values.retain(|_| keep()),
        }
        values.into()
    } else {
        without(data, column, memory)?
    };
    data.shape = Shape::Flat { width: width - 1 };
    Ok(texts)
}

/// The numbers of a table on disk without one column.
fn without(data: &Dataset, column: usize, memory: Option<u64>) -> Result<Store> {
    fn copy<T: Number>(data: &Dataset, column: usize, memory: Option<u64>) -> Result<Store> {
        let width = data.features();
        let mut sink = Sink::new(&data.name, memory, data.values.len());
        for block in data.blocks() {
            let block = block?;
            let numbers = T::of(&block).unwrap_or_default();
            sink.room(numbers.len())?;
            sink.extend(
                numbers
                    .iter()
                    .enumerate()
                    .filter(|(position, _)| position % width != column)
                    .map(|(_, number)| *number),
            );
        }
        sink.finish()
    }
    match data.values.storage() {
        "u8" => copy::<u8>(data, column, memory),
        "f32" => copy::<f32>(data, column, memory),
        _ => copy::<f64>(data, column, memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Dataset {
        Dataset::new("t", Shape::Flat { width: 3 }, Values::U8(vec![1, 2, 3, 4, 5, 6])).unwrap()
    }

    fn labels_file(name: &str, bytes: &[u8]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path, &table())
    }

    #[test]
    fn a_column_without_a_name_is_set_aside_by_number() {
        let mut data = table();
        assert_eq!(set_aside(&mut data, "label", "2", None).unwrap(), ["2", "5"]);
        assert_eq!(data.values, Values::U8(vec![1, 3, 4, 6]));
        assert_eq!(data.features(), 2);
        let error = set_aside(&mut data, "label", "3", None).unwrap_err().to_string();
        assert_eq!(
            error,
            "label is \"3\"; wanted a column number from 1 to 2, as t has no column names"
        );
    }

    #[test]
    fn an_unknown_column_is_answered_with_the_nearest() {
        let names: Vec<String> = (0..100).map(|i| format!("pixel_{i}")).collect();
        let error = find_column("t", "label", "pixl_7", &names, 100).unwrap_err().to_string();
        assert!(
            error.starts_with("unknown column \"pixl_7\"; did you mean \"pixel_7\"?"),
            "{error}"
        );
        assert!(error.matches("pixel_").count() < 30, "{error}");
    }

    #[test]
    fn a_text_file_of_labels_may_have_a_header() {
        assert_eq!(labels_file("l.csv", b"cat\ndog\n").unwrap(), ["cat", "dog"]);
        assert_eq!(labels_file("l.csv", b"animal\ncat\ndog\n").unwrap(), ["cat", "dog"]);
        assert!(
            labels_file("l.csv", b"1\n2\n3\n")
                .unwrap_err()
                .to_string()
                .contains("3 labels for 2 rows")
        );
        assert!(labels_file("l.csv", b"1,2\n3,4\n").unwrap_err().to_string().contains("2 columns"));
    }

    #[test]
    fn idx_labels_are_read() {
        assert_eq!(
            labels_file("l-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9]).unwrap(),
            ["7", "9"]
        );
        assert!(labels_file("l.idx", &[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]).is_err());
    }
}
