//! Arrays of binary numbers, as `.npy` and IDX files hold them: reading and dimensions.

use crate::hold::disk::Disk;
use crate::hold::element::{Element, Kind, Number, fits, too_long};
use crate::hold::sink::Sink;
use crate::hold::source::{Stream, failed};
use rows::{Dataset, Error, Result, Shape, Store, Values};
use std::io::Read;

/// An array of any number of dimensions, in row-major order.
pub(crate) struct Array {
    pub(crate) dimensions: Vec<usize>,
    pub(crate) values: Store,
}

/// Reads `count` numbers, the last things in the stream, into memory; fewer or more are an error.
pub(crate) fn read_values(
    stream: &mut Stream,
    element: Element,
    count: usize,
    place: &str,
) -> Result<Values> {
    read_store(stream, element, 0, count, place, None)?.load()
}

/// Reads `count` numbers, the last things in the stream, which follow its first `start` bytes;
/// fewer or more are an error.
///
/// Where they outgrow `memory` they are left in their file, or copied into one where they are
/// compressed. Memory is taken as numbers arrive, so that a lying header costs nothing.
pub(crate) fn read_store(
    stream: &mut Stream,
    element: Element,
    start: u64,
    count: usize,
    place: &str,
    memory: Option<u64>,
) -> Result<Store> {
    if let Some(path) = stream.plain.as_ref().filter(|_| !fits(element, count, memory)) {
        let disk = Disk::open(path, start, element, count)?;
        return Ok(Store::elsewhere(disk));
    }
    let mut decoder = Decoder {
        reader: stream.reader.as_mut(),
        element,
        count,
        // Images seldom shrink to less than a sixteenth: most files need no second allocation.
        expected: usize::try_from(stream.on_disk.saturating_mul(16)).unwrap_or(usize::MAX)
            / element.kind.size(),
        place,
        memory,
    };
    let values = match element.kind.storage() {
        "u8" => decoder.decode::<u8>()?,
        "f32" => decoder.decode::<f32>()?,
        _ => decoder.decode::<f64>()?,
    };
    decoder.finish()?;
    Ok(values)
}

struct Decoder<'a> {
    reader: &'a mut dyn Read,
    element: Element,
    count: usize,
    expected: usize,
    place: &'a str,
    memory: Option<u64>,
}

impl Decoder<'_> {
    /// The numbers, which the element holds in the type `T`.
    fn decode<T: Number>(&mut self) -> Result<Store> {
        let mut sink = Sink::<T>::new(self.place, self.memory, self.count);
        sink.expect(self.expected);
        let size = self.element.kind.size();
        let mut buffer = vec![0; self.count.saturating_mul(size).min(1 << 16)];
        let mut left = self.count;
        while left > 0 {
            let wanted = left.saturating_mul(size).min(buffer.len());
            let bytes = &mut buffer[..wanted];
            self.reader.read_exact(bytes).map_err(|error| failed(self.place, error))?;
            sink.room(wanted / size)?;
            let values = self.element.values(bytes);
            sink.extend(T::of(&values).unwrap_or_default().iter().copied());
            left -= wanted / size;
        }
        sink.finish()
    }

    /// The end must follow; reading up to it also verifies the checksum of a compressed file.
    fn finish(&mut self) -> Result<()> {
        let mut byte = [0];
        match self.reader.read(&mut byte) {
            Ok(0) => Ok(()),
            Ok(_) => Err(too_long(self.place, self.count)),
            Err(error) => Err(failed(self.place, error)),
        }
    }
}

/// Rows and the shape of one: a column, a table, images (8-bit) or series, images with channels.
pub(crate) fn dataset(
    place: &str,
    dimensions: &[usize],
    values: impl Into<Store>,
) -> Result<Dataset> {
    let values = values.into();
    let eight_bit = values.storage() == Kind::U8.storage();
    let (rows, shape) = match *dimensions {
        [rows] => (rows, Shape::Flat { width: 1 }),
        [rows, width] => (rows, Shape::Flat { width }),
        [rows, height, width] if eight_bit => (rows, Shape::Image { height, width, channels: 1 }),
        [rows, length, channels] => (rows, Shape::Series { length, channels }),
        [_, channels @ (1 | 3), height, width] if width != 1 && width != 3 => {
            return Err(Error::data(
                place,
                format!(
                    "looks like images with {channels} channel(s) before {height} x {width} pixels; channels come last here: numpy.transpose(x, (0, 2, 3, 1))"
                ),
            ));
        }
        [rows, height, width, channels] => (rows, Shape::Image { height, width, channels }),
        _ => {
            return Err(Error::data(
                place,
                format!(
                    "has {} dimensions; wanted 1 to 4: rows, then columns, or height x width x channels",
                    dimensions.len()
                ),
            ));
        }
    };
    if rows == 0 {
        return Err(Error::data(place, "has no rows"));
    }
    shape.features().map_err(|error| Error::data(place, error.to_string()))?;
    let image = matches!(shape, Shape::Image { .. });
    let mut data = Dataset::new(place, shape, values)?;
    data.full_scale = (image && eight_bit).then_some(255.0);
    Ok(data)
}

/// From column-major (Fortran) to row-major order.
pub(crate) fn row_major(values: Values, dimensions: &[usize]) -> Values {
    match values {
        Values::U8(values) => Values::U8(transpose(&values, dimensions)),
        Values::F32(values) => Values::F32(transpose(&values, dimensions)),
        Values::F64(values) => Values::F64(transpose(&values, dimensions)),
    }
}

fn transpose<T: Copy>(values: &[T], dimensions: &[usize]) -> Vec<T> {
    let strides: Vec<usize> = (dimensions.iter())
        .scan(1usize, |stride, side| {
            let this = *stride;
            *stride = stride.saturating_mul(*side);
            Some(this)
        })
        .collect();
    let mut index = vec![0; dimensions.len()];
    let mut position = 0;
    let mut next = || {
        let here = position;
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            position += strides[axis];
            if index[axis] < dimensions[axis] {
                break;
            }
            position -= strides[axis] * dimensions[axis];
            index[axis] = 0;
        }
        here
    };
    (0..values.len()).map(|_| values[next()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hold::element::{count, half};

    #[test]
    fn numbers_are_read_in_either_byte_order() {
        let big = Element { kind: Kind::I16, big_endian: true };
        let little = Element { kind: Kind::I16, big_endian: false };
        let bytes = [0x01, 0x02, 0xff, 0xfe];
        assert_eq!(
            read_values(&mut Stream::of(&bytes), big, 2, "t").unwrap(),
            Values::F32(vec![258.0, -2.0])
        );
        assert_eq!(
            read_values(&mut Stream::of(&bytes), little, 2, "t").unwrap(),
            Values::F32(vec![513.0, -257.0])
        );
    }

    #[test]
    fn every_kind_lands_in_the_narrowest_type_that_holds_it() {
        let kinds = [Kind::Bool, Kind::I8, Kind::I16, Kind::U16, Kind::F16, Kind::F32];
        let wide = [Kind::I32, Kind::U32, Kind::I64, Kind::U64, Kind::F64];
        for (kind, storage) in
            kinds.map(|kind| (kind, "f32")).into_iter().chain(wide.map(|kind| (kind, "f64")))
        {
            let element = Element { kind, big_endian: false };
            let zeros = vec![0; kind.size()];
            assert_eq!(
                read_values(&mut Stream::of(&zeros), element, 1, "t").unwrap().storage(),
                storage,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn half_floats_are_exact() {
        // Values from the IEEE 754 binary16 layout: sign, 5 bits of exponent with bias 15, 10 bits
        // of fraction.
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f32.powi(-24)),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert_eq!(half(0x7c00), f32::INFINITY);
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn too_few_and_too_many_bytes_are_errors() {
        let element = Element { kind: Kind::U8, big_endian: false };
        let short = read_values(&mut Stream::of(&[1, 2]), element, 3, "t").unwrap_err();
        assert_eq!(short.to_string(), "t: is cut short; copy or download it again");
        let long = read_values(&mut Stream::of(&[1, 2]), element, 1, "t").unwrap_err();
        assert!(long.to_string().contains("more than the 1 numbers"), "{long}");
    }

    #[test]
    fn a_header_that_promises_the_impossible_is_refused_before_memory_is_taken() {
        assert!(count(&[1_000_000_000_000_000, 8], 8, 1 << 20, "t").is_err());
        assert!(count(&[usize::MAX, 2], 1, u64::MAX, "t").is_err());
        assert_eq!(count(&[3, 4], 2, 24, "t").unwrap(), 12);
    }

    #[test]
    fn column_major_becomes_row_major() {
        let values = Values::U8(vec![1, 4, 2, 5, 3, 6]);
        assert_eq!(row_major(values, &[2, 3]), Values::U8(vec![1, 2, 3, 4, 5, 6]));
        // numpy.arange(8).reshape(2, 2, 2).ravel("F") is 0 4 2 6 1 5 3 7.
        let cube = Values::U8(vec![0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(row_major(cube, &[2, 2, 2]), Values::U8((0..8).collect()));
    }

    #[test]
    fn dimensions_tell_tables_series_and_images_apart() {
        let shape =
            |dimensions: &[usize], values| dataset("t", dimensions, values).map(|data| data.shape);
        let (bytes, floats) = (Values::U8(vec![0; 12]), Values::F32(vec![0.0; 12]));
        assert_eq!(shape(&[12], bytes.clone()).unwrap(), Shape::Flat { width: 1 });
        assert_eq!(shape(&[3, 4], floats.clone()).unwrap(), Shape::Flat { width: 4 });
        assert_eq!(
            shape(&[3, 2, 2], bytes.clone()).unwrap(),
            Shape::Image { height: 2, width: 2, channels: 1 }
        );
        assert_eq!(
            shape(&[3, 2, 2], floats.clone()).unwrap(),
            Shape::Series { length: 2, channels: 2 }
        );
        assert_eq!(
            shape(&[1, 2, 2, 3], bytes.clone()).unwrap(),
            Shape::Image { height: 2, width: 2, channels: 3 }
        );
        let error = shape(&[1, 3, 2, 2], floats).unwrap_err();
        assert!(error.to_string().contains("channels come last"), "{error}");
        assert!(shape(&[0, 4], Values::U8(vec![])).unwrap_err().to_string().contains("no rows"));
        assert!(shape(&[2, 0], Values::U8(vec![])).is_err());
        assert!(shape(&[1, 1, 1, 1, 12], bytes).is_err());
    }
}
