//! Numbers that are held elsewhere than in memory.

use crate::error::Result;
use crate::values::Values;
use std::fmt::Debug;

/// Numbers that are gathered when they are wanted: on disk, or computed from others.
///
/// The same rows give the same numbers each time; a holder that finds its numbers changed gives an
/// error instead.
pub trait Held: Debug + Send + Sync {
    /// How many numbers.
    fn len(&self) -> usize;

    /// Whether there is no number.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word for the type of the numbers: `u8`, `f32` or `f64`.
    fn storage(&self) -> &'static str;

    /// The rows of `features` numbers at the given indices, which are in range, one after another.
    ///
    /// An error where the numbers cannot be read any more.
    fn gather(&self, rows: &[usize], features: usize) -> Result<Values>;
}
