//! Cells that are kept until their rows are known.

use crate::names::Names;
use crate::tables::cell::Cell;

/// A cell with its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Owned {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(String),
    /// Text that may be anything: a date, a number of many digits.
    Written(String),
}

impl Owned {
    /// A whole number, with all its digits.
    pub(crate) fn whole(number: i128) -> Self {
        if number.unsigned_abs() < 1 << 53 {
            Self::Number(number as f64)
        } else {
            Self::Written(number.to_string())
        }
    }

    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Number(number) => Cell::Number(*number),
            Self::Boolean(truth) => Cell::Boolean(*truth),
            Self::Text(text) => Cell::Text(text),
            Self::Written(text) => Cell::Written(text),
        }
    }
}

/// The names of the columns of a format that has such.
pub(crate) fn named<S: AsRef<str>>(names: &[S]) -> Names {
    Names::new(names.iter().map(|name| name.as_ref().to_owned()))
}
