//! Numbers in the narrowest of three types that holds them exactly.

/// Numbers in row order, in the narrowest type that holds the source exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 8-bit pixels and small counts.
    U8(Vec<u8>),
    /// Single precision, 16-bit integers and booleans.
    F32(Vec<f32>),
    /// Double precision and wider integers.
    F64(Vec<f64>),
}

impl Values {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there is no number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `index`, as f64; the index must be in range.
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Self::U8(values) => f64::from(values[index]),
            Self::F32(values) => f64::from(values[index]),
            Self::F64(values) => values[index],
        }
    }

    /// The word for the type: `u8`, `f32` or `f64`.
    pub fn storage(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }

    /// Pieces of `length` numbers, each from the row of its index on, where a row has `width`
    /// numbers; all must be in range.
    pub(crate) fn pieces(&self, rows: &[usize], width: usize, length: usize) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[usize], width: usize, length: usize) -> Vec<T> {
            rows.iter().map(|row| &values[row * width..][..length]).collect::<Vec<_>>().concat()
        }
        match self {
            Self::U8(values) => Self::U8(of(values, rows, width, length)),
            Self::F32(values) => Self::F32(of(values, rows, width, length)),
            Self::F64(values) => Self::F64(of(values, rows, width, length)),
        }
    }
}
