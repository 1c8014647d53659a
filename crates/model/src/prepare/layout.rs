//! Where the numbers of a prepared row lie.

use std::ops::Range;

/// Where the numbers of a prepared row lie: numbers first, then counts, booleans, what is missing,
/// choices, and texts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Layout {
    /// Of each column of the source its prepared numbers.
    pub columns: Vec<Range<usize>>,
    /// Measured numbers.
    pub reals: Range<usize>,
    /// Counts with a free variance.
    pub counts: Range<usize>,
    /// Counts whose variance is their mean.
    pub poissons: Range<usize>,
    /// Booleans.
    pub booleans: Range<usize>,
    /// For each column of the source, 1 where its value is missing; empty where none may be.
    pub gaps: Range<usize>,
    /// The levels of each choice.
    pub choices: Vec<Range<usize>>,
    /// The vectors of texts.
    pub texts: Vec<Range<usize>>,
    /// Of each prepared number its column of the source.
    pub owners: Vec<usize>,
    /// Offset and scale of each count, of those with a free variance first.
    pub scales: Vec<(f64, f64)>,
    /// Numbers in a prepared row.
    pub width: usize,
}
