//! How the numbers of a data set are held: in memory, or on disk where they outgrow a budget.

#[cfg(feature = "readers")]
use super::Disk;
use super::Values;
use crate::error::Result;
use std::borrow::Cow;

/// Numbers of rows that are read at once where all are read in turn.
const BLOCK: usize = 1 << 17;

/// The numbers of a data set, row after row.
///
/// Whoever wants numbers asks [`Dataset::gather`](super::Dataset::gather), which may fail; those in
/// memory may be borrowed.
#[derive(Clone, Debug)]
pub enum Store {
    /// All in memory.
    Memory(Values),
    /// All on disk, read when they are wanted.
    #[cfg(feature = "readers")]
    Disk(Disk),
}

impl From<Values> for Store {
    fn from(values: Values) -> Self {
        Self::Memory(values)
    }
}

impl Store {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(values) => values.len(),
            #[cfg(feature = "readers")]
            Self::Disk(disk) => disk.len(),
        }
    }

    /// Whether there is no number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word for the type of the numbers: `u8`, `f32` or `f64`.
    pub fn storage(&self) -> &'static str {
        match self {
            Self::Memory(values) => values.storage(),
            #[cfg(feature = "readers")]
            Self::Disk(disk) => disk.storage(),
        }
    }

    /// The numbers, where they are in memory.
    pub fn in_memory(&self) -> Option<&Values> {
        match self {
            Self::Memory(values) => Some(values),
            #[cfg(feature = "readers")]
            Self::Disk(_) => None,
        }
    }

    /// The numbers, read into memory where they are not.
    #[cfg(any(test, feature = "readers"))]
    pub(super) fn load(self) -> Result<Values> {
        match self {
            Self::Memory(values) => Ok(values),
            #[cfg(feature = "readers")]
            Self::Disk(disk) => disk.gather(&[0], disk.len()),
        }
    }

    /// The rows of `features` numbers at the given indices, which must be in range, one after
    /// another.
    pub(super) fn gather(&self, rows: &[usize], features: usize) -> Result<Values> {
        fn pieces<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
            rows.iter().map(|row| &values[row * width..][..width]).collect::<Vec<_>>().concat()
        }
        match self {
            Self::Memory(Values::U8(values)) => Ok(Values::U8(pieces(values, rows, features))),
            Self::Memory(Values::F32(values)) => Ok(Values::F32(pieces(values, rows, features))),
            Self::Memory(Values::F64(values)) => Ok(Values::F64(pieces(values, rows, features))),
            #[cfg(feature = "readers")]
            Self::Disk(disk) => disk.gather(rows, features),
        }
    }

    /// Rows that make a block of moderate size.
    pub(crate) fn block(features: usize) -> usize {
        (BLOCK / features.max(1)).max(1)
    }

    /// All numbers in order, in blocks of whole rows; those in memory are one block.
    pub(super) fn blocks(&self, features: usize) -> impl Iterator<Item = Result<Cow<'_, Values>>> {
        let rows = self.len().checked_div(features).unwrap_or(0);
        let step = if self.in_memory().is_some() { rows } else { Self::block(features) };
        (0..rows).step_by(step.max(1)).map(move |start| match self.in_memory() {
            Some(values) => Ok(Cow::Borrowed(values)),
            None => self
                .gather(&(start..rows.min(start + step)).collect::<Vec<_>>(), features)
                .map(Cow::Owned),
        })
    }
}

/// Tests compare with the numbers that they wrote, wherever these are held.
#[cfg(test)]
impl PartialEq<Values> for Store {
    fn eq(&self, other: &Values) -> bool {
        self.clone().load().is_ok_and(|values| values == *other)
    }
}
