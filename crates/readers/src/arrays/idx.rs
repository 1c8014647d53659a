//! IDX, the format of MNIST: a magic number, dimensions, then big-endian numbers.

use crate::arrays::array;
use crate::hold::element::{self, Element, Kind, sides};
use crate::hold::source::{Stream, failed};
use rows::{Dataset, Error, Message, Result, Store, Values};
use std::path::Path;

/// Reads rows, held in at most `memory` bytes; a file of labels (one dimension) is refused with a
/// hint.
pub(crate) fn load(path: &Path, memory: Option<u64>) -> Result<Dataset> {
    let place = path.display().to_string();
    let mut stream = Stream::open(path)?;
    let (dimensions, kind) = read_header(&mut stream, &place)?;
    if dimensions.len() == 1 {
        return Err(Error::data(
            &place,
            Message::from(format!(
                "holds one number a row ({}): a file of labels; name the images and give this with ",
                sides(&dimensions)
            ))
            .set("labels", &place),
        ));
    }
    let values = read_values(&mut stream, &dimensions, kind, &place, memory)?;
    array::dataset(&place, &dimensions, values)
}

/// Reads an array whatever its dimensions, as labels need it: the dimensions and the numbers.
pub(crate) fn load_array(path: &Path) -> Result<(Vec<usize>, Values)> {
    let place = path.display().to_string();
    let mut stream = Stream::open(path)?;
    let (dimensions, kind) = read_header(&mut stream, &place)?;
    let values = read_values(&mut stream, &dimensions, kind, &place, None)?.load()?;
    Ok((dimensions, values))
}

fn read_header(stream: &mut Stream, place: &str) -> Result<(Vec<usize>, Kind)> {
    let mut read = || -> Result<[u8; 4]> {
        let mut bytes = [0; 4];
        stream.reader.read_exact(&mut bytes).map_err(|error| failed(place, error))?;
        Ok(bytes)
    };
    let [zero, also_zero, code, rank] = read()?;
    let kind = match code {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => return Err(not_idx(place)),
    };
    if (zero, also_zero) != (0, 0) || rank == 0 {
        return Err(not_idx(place));
    }
    let mut dimensions = Vec::new();
    for _ in 0..rank {
        dimensions.push(usize::try_from(u32::from_be_bytes(read()?)).map_err(|_| not_idx(place))?);
    }
    Ok((dimensions, kind))
}

fn not_idx(place: &str) -> Error {
    Error::data(
        place,
        "is no IDX file: it does not begin with 0, 0, a type and the number of dimensions",
    )
}

fn read_values(
    stream: &mut Stream,
    dimensions: &[usize],
    kind: Kind,
    place: &str,
    memory: Option<u64>,
) -> Result<Store> {
    let count = element::count(dimensions, kind.size(), stream.at_most, place)?;
    // Four bytes say what is in the file, and four each of the dimensions.
    let start = 4 + 4 * dimensions.len() as u64;
    array::read_store(stream, Element { kind, big_endian: true }, start, count, place, memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rows::Shape;
    use std::io::Write;

    fn idx(code: u8, dimensions: &[u32], body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, code, dimensions.len() as u8];
        bytes.extend(dimensions.iter().flat_map(|side| side.to_be_bytes()));
        bytes.extend(body);
        bytes
    }

    fn load_bytes(bytes: &[u8]) -> Result<Dataset> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        load(file.path(), None)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn three_dimensions_of_bytes_are_grey_images() {
        let bytes = idx(0x08, &[2, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 255]);
        for bytes in [gzip(&bytes), bytes] {
            let data = load_bytes(&bytes).unwrap();
            assert_eq!(data.shape, Shape::Image { height: 2, width: 2, channels: 1 });
            assert_eq!(data.full_scale, Some(255.0));
            assert_eq!(data.gather([1]).unwrap(), Values::U8(vec![4, 5, 6, 255]));
        }
    }

    #[test]
    fn floats_are_big_endian() {
        let body: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|number| number.to_be_bytes()).collect();
        assert_eq!(
            load_bytes(&idx(0x0d, &[2, 1], &body)).unwrap().values,
            Values::F32(vec![1.5, -2.0])
        );
    }

    #[test]
    fn labels_are_no_rows() {
        let error = load_bytes(&idx(0x08, &[3], &[7, 2, 1])).unwrap_err().to_string();
        assert!(error.contains("file of labels") && error.contains("labels = "), "{error}");
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_at_once() {
        let error =
            load_bytes(&idx(0x0e, &[u32::MAX, u32::MAX, 9], &[0; 16])).unwrap_err().to_string();
        assert!(error.contains("more than the file can hold"), "{error}");
    }

    #[test]
    fn an_empty_file_is_cut_short() {
        assert!(load_bytes(&[]).unwrap_err().to_string().contains("cut short"));
    }

    #[test]
    fn mnist_is_sixty_thousand_images() {
        let Some(folder) = crate::real_data() else {
            return;
        };
        let data = load(&folder.join("mnist/train-images-idx3-ubyte.gz"), None).unwrap();
        assert_eq!((data.rows(), data.features(), data.values.storage()), (60_000, 784, "u8"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn truncated_files_are_errors(length in 0usize..28, compressed: bool) {
            let bytes = idx(0x0b, &[2, 2, 2], &[1; 16]);
            prop_assume!(length < bytes.len());
            let cut = if compressed { gzip(&bytes[..length]) } else { bytes[..length].to_vec() };
            prop_assert!(load_bytes(&cut).is_err());
        }

        #[test]
        fn flipped_bits_never_panic(position in 0usize..1000, bit in 0u8..8, compressed: bool) {
            let bytes = idx(0x08, &[3, 2, 2], &[9; 12]);
            let mut bytes = if compressed { gzip(&bytes) } else { bytes };
            let position = position % bytes.len();
            bytes[position] ^= 1 << bit;
            let _ = load_bytes(&bytes);
        }
    }
}
