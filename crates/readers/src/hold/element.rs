//! The numbers of binary files: their types, their bytes, and what they are held as.

use rows::{Error, Message, Result, Values};

/// The type of one number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes a number takes in the file.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::I16 | Self::U16 | Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The word for the narrowest type that holds the number exactly.
    pub(crate) fn storage(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::Bool | Self::I8 | Self::I16 | Self::U16 | Self::F16 | Self::F32 => "f32",
            Self::I32 | Self::U32 | Self::I64 | Self::U64 | Self::F64 => "f64",
        }
    }

    /// Bytes a number takes in that type.
    fn held(self) -> u64 {
        match self.storage() {
            "u8" => 1,
            "f32" => 4,
            _ => 8,
        }
    }
}

/// The type of the numbers and the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
}

impl Element {
    /// The numbers of whole elements, in the narrowest type that holds them exactly.
    pub(crate) fn values(self, bytes: &[u8]) -> Values {
        match self.kind {
            Kind::U8 => Values::U8(bytes.to_vec()),
            Kind::Bool => {
                Values::F32(self.each(bytes, |[byte]: [u8; 1]| f32::from(u8::from(byte != 0))))
            }
            Kind::I8 => Values::F32(self.each(bytes, |bytes| f32::from(i8::from_le_bytes(bytes)))),
            Kind::I16 => {
                Values::F32(self.each(bytes, |bytes| f32::from(i16::from_le_bytes(bytes))))
            }
            Kind::U16 => {
                Values::F32(self.each(bytes, |bytes| f32::from(u16::from_le_bytes(bytes))))
            }
            Kind::F16 => Values::F32(self.each(bytes, |bytes| half(u16::from_le_bytes(bytes)))),
            Kind::F32 => Values::F32(self.each(bytes, f32::from_le_bytes)),
            Kind::I32 => {
                Values::F64(self.each(bytes, |bytes| f64::from(i32::from_le_bytes(bytes))))
            }
            Kind::U32 => {
                Values::F64(self.each(bytes, |bytes| f64::from(u32::from_le_bytes(bytes))))
            }
            Kind::I64 => Values::F64(self.each(bytes, |bytes| i64::from_le_bytes(bytes) as f64)),
            Kind::U64 => Values::F64(self.each(bytes, |bytes| u64::from_le_bytes(bytes) as f64)),
            Kind::F64 => Values::F64(self.each(bytes, f64::from_le_bytes)),
        }
    }

    /// Each number from its bytes, the lowest first.
    fn each<T, const N: usize>(self, bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        let numbers = bytes.chunks_exact(N).map(|chunk| {
            let mut number = [0; N];
            number.copy_from_slice(chunk);
            if self.big_endian {
                number.reverse();
            }
            convert(number)
        });
        numbers.collect()
    }
}

/// How many numbers dimensions of that size hold; an error where that many bytes cannot be in the
/// file.
pub(crate) fn count(dimensions: &[usize], size: usize, at_most: u64, place: &str) -> Result<usize> {
    let count = dimensions.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    let bytes = count.and_then(|count| count.checked_mul(size));
    match (count, bytes) {
        (Some(count), Some(bytes)) if bytes as u64 <= at_most => Ok(count),
        _ => Err(Error::data(
            place,
            format!(
                "its header promises {} numbers, more than the file can hold; it is cut short or damaged",
                sides(dimensions)
            ),
        )),
    }
}

/// `3 x 28 x 28`.
pub(crate) fn sides(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

/// Whether so many numbers can be held in `memory` bytes.
pub(crate) fn fits(element: Element, count: usize, memory: Option<u64>) -> bool {
    memory.is_none_or(|memory| (count as u64).saturating_mul(element.kind.held()) <= memory)
}

/// The error for a file that goes on after its last number.
pub(crate) fn too_long(place: &str, count: usize) -> Error {
    Error::data(
        place,
        format!("holds more than the {count} numbers its header promises; it is damaged"),
    )
}

/// The error for data that outgrow the memory.
pub(crate) fn too_big(place: &str) -> Error {
    Error::data(
        place,
        Message::from("does not fit into memory; take fewer rows, or leave them on disk with ")
            .set("memory", "1GB"),
    )
}

/// A 16-bit float, exactly.
pub(crate) fn half(bits: u16) -> f32 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// A type in which numbers are held.
pub(crate) trait Number: Copy {
    /// The same type in a file.
    const KIND: Kind;

    /// Numbers as values.
    fn hold(numbers: Vec<Self>) -> Values;

    /// Values as numbers, where they are held in this type.
    fn of(values: &Values) -> Option<&[Self]>;

    /// Appends the bytes of the number, the lowest first.
    fn write(self, bytes: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty, $variant:ident;)*) => {$(
        impl Number for $type {
            const KIND: Kind = Kind::$variant;

            fn hold(numbers: Vec<Self>) -> Values {
                Values::$variant(numbers)
            }

            fn of(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$variant(numbers) => Some(numbers),
                    _ => None,
                }
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

number! {
    u8, U8;
    f32, F32;
    f64, F64;
}
