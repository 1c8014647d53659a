//! NumPy's `.npy`: a header that is a Python dictionary, then the numbers.

use crate::arrays::array::{self, Array};
use crate::hold::element::{self, Element, Kind};
use crate::hold::source::{Stream, failed};
use crate::names::require_count;
use rows::{Dataset, Error, Result, Values};
use std::io::Read;
use std::path::Path;

/// A longer header belongs to no array of plain numbers.
const LONGEST_HEADER: usize = 1 << 16;

/// What the items of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Number(Element),
    /// Text of a fixed number of characters: of four bytes each, or of one.
    Text {
        characters: usize,
        wide: bool,
        big_endian: bool,
    },
}

/// The header of an array.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) item: Item,
    pub(crate) column_major: bool,
    pub(crate) dimensions: Vec<usize>,
    /// Where the first item is.
    pub(crate) start: u64,
}

/// Reads rows from a `.npy` file, held in at most `memory` bytes.
pub(crate) fn load(path: &Path, memory: Option<u64>) -> Result<Dataset> {
    let place = path.display().to_string();
    let array = read_array(&mut Stream::open(path)?, &place, memory)?;
    array::dataset(&place, &array.dimensions, array.values)
}

/// Reads an array of numbers, held in at most `memory` bytes; text is refused.
pub(crate) fn read_array(stream: &mut Stream, place: &str, memory: Option<u64>) -> Result<Array> {
    let header = read_header(stream.reader.as_mut(), place)?;
    let Item::Number(element) = header.item else {
        return Err(Error::data(place, "holds text; wanted numbers (text is read as labels only)"));
    };
    let count = element::count(&header.dimensions, element.kind.size(), stream.at_most, place)?;
    if !header.column_major || header.dimensions.len() < 2 {
        let values = array::read_store(stream, element, header.start, count, place, memory)?;
        return Ok(Array { dimensions: header.dimensions, values });
    }
    if !element::fits(element, count, memory) {
        let advice = "save its rows one after another, as numpy.ascontiguousarray(x) has them, or allow more memory";
        return Err(Error::data(
            place,
            format!("is in column-major order, which is read only as a whole; {advice}"),
        ));
    }
    let values =
        array::row_major(array::read_values(stream, element, count, place)?, &header.dimensions);
    Ok(Array { dimensions: header.dimensions, values: values.into() })
}

/// Reads one label for each row of `data` from an array of one dimension, of numbers or of text.
pub(crate) fn read_labels(stream: &mut Stream, place: &str, data: &Dataset) -> Result<Vec<String>> {
    let header = read_header(stream.reader.as_mut(), place)?;
    let ([rows] | [rows, 1]) = header.dimensions[..] else {
        let sides = element::sides(&header.dimensions);
        return Err(Error::data(place, format!("is an array of {sides}; wanted one label a row")));
    };
    // Before memory is taken: texts without characters take none in the file.
    require_count(place, rows, data)?;
    match header.item {
        Item::Number(element) => {
            let count = element::count(&[rows], element.kind.size(), stream.at_most, place)?;
            let values = array::read_values(stream, element, count, place)?;
            Ok((0..count).map(|row| values.get(row).to_string()).collect())
        }
        Item::Text { characters, wide, big_endian } => {
            let size = characters.saturating_mul(if wide { 4 } else { 1 });
            let count = element::count(&[rows, size], 1, stream.at_most, place)?;
            let element = Element { kind: Kind::U8, big_endian };
            let Values::U8(bytes) = array::read_values(stream, element, count, place)? else {
                return Ok(Vec::new());
            };
            Ok((0..rows)
                .map(|row| text(&bytes[row * size..(row + 1) * size], wide, big_endian))
                .collect())
        }
    }
}

/// One item of text; NumPy fills the rest of its place with zeros.
fn text(bytes: &[u8], wide: bool, big_endian: bool) -> String {
    if !wide {
        return String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
    }
    let code = |chunk: &[u8]| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(chunk);
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let letters = bytes
        .chunks_exact(4)
        .map(|chunk| char::from_u32(code(chunk)).unwrap_or(char::REPLACEMENT_CHARACTER));
    letters.collect::<String>().trim_end_matches('\0').to_owned()
}

/// Reads the header and leaves the reader at the first item.
pub(crate) fn read_header(reader: &mut dyn Read, place: &str) -> Result<Header> {
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(|error| failed(place, error))?;
    if start[..6] != *b"\x93NUMPY" {
        return Err(Error::data(place, "is no .npy file: it does not begin with \\x93NUMPY"));
    }
    let width = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => {
            return Err(Error::data(
                place,
                format!("is of .npy version {version}; readable are 1, 2 and 3"),
            ));
        }
    };
    let mut length = [0; 4];
    reader.read_exact(&mut length[..width]).map_err(|error| failed(place, error))?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(Error::data(
            place,
            format!("has a header of {length} bytes; wanted at most {LONGEST_HEADER}"),
        ));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(|error| failed(place, error))?;
    let header = parse_header(&String::from_utf8_lossy(&text), place)?;
    Ok(Header { start: (start.len() + width + length) as u64, ..header })
}

fn parse_header(text: &str, place: &str) -> Result<Header> {
    let unclear = || Error::data(place, "has a header that is no .npy header; it is damaged");
    let descr = value_of(text, "descr").ok_or_else(unclear)?;
    if descr.starts_with('[') {
        return Err(Error::data(
            place,
            "holds records of several fields; save each field as an array of its own",
        ));
    }
    let item = parse_item(descr.trim_matches(['\'', '"']), place)?;
    let order = value_of(text, "fortran_order").ok_or_else(unclear)?;
    let column_major = match order {
        order if order.starts_with("True") => true,
        order if order.starts_with("False") => false,
        _ => return Err(unclear()),
    };
    let shape =
        value_of(text, "shape").and_then(|shape| shape.strip_prefix('(')).ok_or_else(unclear)?;
    let (shape, _) = shape.split_once(')').ok_or_else(unclear)?;
    let mut dimensions = Vec::new();
    for side in shape.split(',').map(str::trim).filter(|side| !side.is_empty()) {
        // Python 2 wrote long integers as 3L.
        dimensions.push(side.trim_end_matches('L').parse().map_err(|_| unclear())?);
    }
    Ok(Header { item, column_major, dimensions, start: 0 })
}

/// What follows `'key':`; for a quoted value only up to its closing quote.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let start = ['\'', '"'].iter().find_map(|quote| text.find(&format!("{quote}{key}{quote}")))?;
    let value = text[start + key.len() + 2..].trim_start().strip_prefix(':')?.trim_start();
    let Some(quote @ ('\'' | '"')) = value.chars().next() else {
        return Some(value);
    };
    let end = value[1..].find(quote)?;
    Some(&value[..end + 2])
}

fn parse_item(descr: &str, place: &str) -> Result<Item> {
    let (big_endian, code) = match descr.split_at_checked(1) {
        Some(("<" | "|" | "=", code)) => (false, code),
        Some((">", code)) => (true, code),
        _ => (false, descr),
    };
    let kind = match code {
        "b1" => Kind::Bool,
        "u1" => Kind::U8,
        "i1" => Kind::I8,
        "i2" => Kind::I16,
        "u2" => Kind::U16,
        "i4" => Kind::I32,
        "u4" => Kind::U32,
        "i8" => Kind::I64,
        "u8" => Kind::U64,
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return parse_text_item(code, big_endian, descr, place),
    };
    Ok(Item::Number(Element { kind, big_endian }))
}

fn parse_text_item(code: &str, big_endian: bool, descr: &str, place: &str) -> Result<Item> {
    let characters = code.get(1..).and_then(|digits| digits.parse().ok());
    let advice = match (code.chars().next(), characters) {
        (Some('U'), Some(characters)) => {
            return Ok(Item::Text { characters, wide: true, big_endian });
        }
        (Some('S'), Some(characters)) => {
            return Ok(Item::Text { characters, wide: false, big_endian });
        }
        (Some('O'), _) => {
            "Python objects, which are never loaded; save numbers: x.astype(\"float32\")"
        }
        (Some('M' | 'm'), _) => "dates or times; turn them into numbers first",
        (Some('c'), _) => "complex numbers; save x.real and x.imag side by side",
        _ => "numbers of a type that is not readable; save x.astype(\"float64\")",
    };
    Err(Error::data(place, format!("holds \"{descr}\": {advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rows::Shape;
    use std::io::Write;

    fn npy(descr: &str, fortran: &str, shape: &str, body: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(body);
        bytes
    }

    fn load_bytes(bytes: &[u8]) -> Result<Dataset> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        load(file.path(), None)
    }

    fn labels(bytes: &[u8], rows: usize) -> Result<Vec<String>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let data = Dataset::new("t", Shape::Flat { width: 1 }, Values::U8(vec![0; rows])).unwrap();
        read_labels(&mut Stream::open(file.path()).unwrap(), "labels", &data)
    }

    #[test]
    fn a_table_is_read_in_both_orders() {
        let row_major = load_bytes(&npy("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6])).unwrap();
        let column_major = load_bytes(&npy("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(row_major.values, Values::U8(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(row_major.values, column_major.values.load().unwrap());
        assert_eq!(row_major.full_scale, None);
    }

    #[test]
    fn either_byte_order_is_read() {
        let body = 2.5f64.to_be_bytes();
        assert_eq!(
            load_bytes(&npy(">f8", "False", "(1,)", &body)).unwrap().values,
            Values::F64(vec![2.5])
        );
    }

    #[test]
    fn bytes_in_three_dimensions_are_grey_images() {
        let data = load_bytes(&npy("|u1", "False", "(1, 2, 2)", &[1, 2, 3, 4])).unwrap();
        assert_eq!(data.shape, Shape::Image { height: 2, width: 2, channels: 1 });
        assert_eq!(data.full_scale, Some(255.0));
    }

    #[test]
    fn ten_to_the_fifteen_rows_are_refused_before_memory_is_taken() {
        let error =
            load_bytes(&npy("<f8", "False", "(1000000000000000, 64)", &[0; 64])).unwrap_err();
        assert!(error.to_string().contains("promises 1000000000000000 x 64 numbers"), "{error}");
        let overflow = npy("<f8", "False", "(18446744073709551615, 18446744073709551615)", &[]);
        assert!(load_bytes(&overflow).is_err());
    }

    #[test]
    fn objects_records_and_times_are_refused_with_advice() {
        for (descr, word) in
            [("|O", "never loaded"), ("<M8[ns]", "dates"), ("<c16", "complex"), ("<U3", "text")]
        {
            let error = load_bytes(&npy(descr, "False", "(1,)", &[0; 16])).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let header = "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }";
        assert!(parse_header(header, "t").unwrap_err().to_string().contains("records"));
    }

    #[test]
    fn labels_may_be_numbers_or_text() {
        assert_eq!(labels(&npy("|u1", "False", "(3,)", &[7, 0, 1]), 3).unwrap(), ["7", "0", "1"]);
        let whole: Vec<u8> = [1.0f64, 2.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(labels(&npy("<f8", "False", "(2, 1)", &whole), 2).unwrap(), ["1", "2"]);
        assert_eq!(labels(&npy("|S3", "False", "(2,)", b"cat\0\0\0"), 2).unwrap(), ["cat", ""]);
        let wide: Vec<u8> = "né".chars().flat_map(|letter| (letter as u32).to_be_bytes()).collect();
        assert_eq!(labels(&npy(">U2", "False", "(1,)", &wide), 1).unwrap(), ["né"]);
        assert!(labels(&npy("|u1", "False", "(2, 2)", &[0; 4]), 2).is_err());
        // Texts without characters, of which there may be any number.
        let many = labels(&npy("|S0", "False", "(1000000000000,)", &[]), 2).unwrap_err();
        assert!(many.to_string().contains("1000000000000 labels for 2 rows"), "{many}");
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(load_bytes(b"not numpy at all").unwrap_err().to_string().contains("no .npy file"));
        assert!(load_bytes(b"").unwrap_err().to_string().contains("cut short"));
        let mut future = npy("|u1", "False", "(1,)", &[0]);
        future[6] = 9;
        assert!(load_bytes(&future).unwrap_err().to_string().contains("version 9"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn written_arrays_are_read_back(rows in 1usize..6, width in 1usize..6, seed in any::<u32>()) {
            let numbers: Vec<f32> = (0..rows * width).map(|i| (i as f32 + 0.1) * f32::from(seed as u16)).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.npy");
            crate::write_npy(&path, &[rows, width], &numbers).unwrap();
            let data = load(&path, None).unwrap();
            prop_assert_eq!(data.shape, Shape::Flat { width });
            prop_assert_eq!(data.values, Values::F32(numbers));
        }

        #[test]
        fn truncated_files_are_errors(length in 0usize..200) {
            let bytes = npy("<f4", "False", "(4, 3)", &[1; 48]);
            prop_assume!(length < bytes.len());
            prop_assert!(load_bytes(&bytes[..length]).is_err());
        }

        #[test]
        fn flipped_bits_never_panic(position in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = npy("<f8", "True", "(3, 2)", &[1; 48]);
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let _ = load_bytes(&bytes);
            let _ = labels(&bytes, 2);
        }

        #[test]
        fn any_header_text_is_read_or_refused(text in "[ -~é]{0,80}", shape in "[0-9, L-]{0,20}") {
            let _ = parse_header(&text, "t");
            let _ = parse_header(&format!("{{'descr':'<f4','fortran_order':False,'shape':({shape})}}"), "t");
        }
    }
}
