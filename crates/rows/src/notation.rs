//! How the values of a table are written.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How the values of a table are written, where a cell alone does not tell it.
///
/// What is said here holds; what is not is found out from the cells. A model keeps what held in its
/// training, so that other rows are read alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notation {
    /// Words and numbers that stand for a missing value, beside the usual ones.
    pub missing: Vec<String>,
    /// The mark before decimals.
    pub decimal: Option<DecimalMark>,
    /// Whether the month comes before the day, as in `12/31/2024`.
    pub month_first: Option<bool>,
    /// How dates are written, in the directives of strptime: `%d %b %Y`.
    pub date_format: Option<String>,
    /// Every line of the file is one text, apart from a time stamp at its beginning.
    pub lines: bool,
    /// The units that stand beside the numbers of columns, by the name of the column.
    pub units: BTreeMap<String, String>,
}

impl Notation {
    /// What is said here, and for the rest what `known` says.
    #[must_use]
    pub fn or(self, known: &Self) -> Self {
        Self {
            missing: if self.missing.is_empty() { known.missing.clone() } else { self.missing },
            decimal: self.decimal.or(known.decimal),
            month_first: self.month_first.or(known.month_first),
            date_format: self.date_format.or_else(|| known.date_format.clone()),
            lines: self.lines || known.lines,
            units: if self.units.is_empty() { known.units.clone() } else { self.units },
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The mark before decimals: `.` or `,`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DecimalMark {
    /// `1,234.5`
    #[default]
    Point,
    /// `1.234,5`
    Comma,
}

impl DecimalMark {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Point, Self::Comma];

    /// The mark itself.
    pub fn mark(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

impl fmt::Display for DecimalMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mark())
    }
}

impl FromStr for DecimalMark {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|mark| mark.to_string() == text);
        found.ok_or_else(|| Error::setting("decimal", format!("{text:?}"), "\".\" or \",\""))
    }
}

crate::as_text!(DecimalMark);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_holds_and_the_rest_is_as_known() {
        let known = Notation {
            missing: vec!["-".to_owned()],
            decimal: Some(DecimalMark::Comma),
            month_first: Some(true),
            ..Notation::default()
        };
        let said = Notation { decimal: Some(DecimalMark::Point), ..Notation::default() };
        let both = said.or(&known);
        assert_eq!((both.decimal, both.month_first), (Some(DecimalMark::Point), Some(true)));
        assert_eq!(both.missing, ["-"]);
        assert!(Notation::default().is_empty() && !both.is_empty());
    }

    #[test]
    fn the_decimal_mark_is_written_as_itself() {
        for mark in DecimalMark::ALL {
            assert_eq!(mark.to_string().parse::<DecimalMark>().unwrap(), mark);
        }
        assert!(";".parse::<DecimalMark>().unwrap_err().to_string().contains("wanted \".\" or"));
    }
}
