//! Values for cells that have none.

use rows::{ColumnKind, Field};

/// A value for a cell that has none.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledCell {
    /// What its column holds.
    pub kind: ColumnKind,
    /// The value as a data set holds it: a number, days since 1970.
    pub number: f64,
    /// The value as text.
    pub text: String,
}

impl FilledCell {
    /// A number of a column; none where nothing can be written for it.
    pub fn of(field: &Field, number: f64) -> Option<Self> {
        let text = field.text(number);
        (!text.is_empty()).then_some(Self { kind: field.kind, number, text })
    }
}

/// Gives values for cells by their zero-based row and column among those that are read.
pub type Fill<'a> = dyn FnMut(usize, usize) -> Option<FilledCell> + 'a;
