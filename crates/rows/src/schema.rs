//! What one row of data is: its shape and, for tables, its columns.

use crate::calendar;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The shape of one row.
///
/// Rows are stored flat; images with channels last (height x width x channels).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Shape {
    /// So many numbers without an order: a row of a table, an embedding.
    Flat {
        /// Numbers in a row.
        width: usize,
    },
    /// A picture.
    Image {
        /// Pixels from top to bottom.
        height: usize,
        /// Pixels from left to right.
        width: usize,
        /// 1 for grey, 3 for colour.
        channels: usize,
    },
    /// A window of a series.
    Series {
        /// Points in time.
        length: usize,
        /// Numbers at each point.
        channels: usize,
    },
}

impl Shape {
    /// Numbers in a row; an error where the product leaves the range of a 32-bit integer.
    pub fn features(&self) -> Result<usize> {
        let sides = match *self {
            Self::Flat { width } => [width, 1, 1],
            Self::Image { height, width, channels } => [height, width, channels],
            Self::Series { length, channels } => [length, channels, 1],
        };
        sides
            .iter()
            .try_fold(1usize, |product, side| product.checked_mul(*side))
            .filter(|product| (1..=i32::MAX as usize).contains(product))
            .ok_or_else(|| {
                Error::setting("row shape", self, "between 1 and 2147483647 numbers a row")
            })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat { width } => write!(f, "{width} columns"),
            Self::Image { height, width, channels } => match channels {
                1 => write!(f, "{width}x{height} grey image"),
                3 => write!(f, "{width}x{height} colour image"),
                _ => write!(f, "{width}x{height} image of {channels} channels"),
            },
            Self::Series { length, channels } => match channels {
                1 => write!(f, "series of {length} points"),
                _ => write!(f, "series of {length} points in {channels} channels"),
            },
        }
    }
}

/// What a column of a table holds, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ColumnKind {
    /// `numeric`: measured numbers.
    #[default]
    Numeric,
    /// `boolean`: true and false, held as 1 and 0.
    Boolean,
    /// `categorical`: one of several words or codes, held as the position among [`Field::levels`].
    Categorical,
    /// `date`: dates and times, held as days since 1970.
    Date,
    /// `time`: times of day, held as parts of a day.
    Time,
    /// `count`: whole numbers from zero whose variance is free (negative binomial).
    Count,
    /// `poisson`: whole numbers from zero whose variance is their mean.
    Poisson,
    /// `text`: sentences, log lines, titles; held as the position among [`Field::levels`].
    Text,
    /// `empty`: no value in any row; cannot be asked for.
    Empty,
}

impl ColumnKind {
    /// The kinds that can be asked for.
    pub const ALL: [Self; 8] = [
        Self::Numeric,
        Self::Boolean,
        Self::Categorical,
        Self::Date,
        Self::Time,
        Self::Count,
        Self::Poisson,
        Self::Text,
    ];

    /// Whether its values are numbers to everybody, and not only here.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Numeric | Self::Count | Self::Poisson | Self::Empty)
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Boolean => "boolean",
            Self::Categorical => "categorical",
            Self::Date => "date",
            Self::Time => "time",
            Self::Count => "count",
            Self::Poisson => "poisson",
            Self::Text => "text",
            Self::Empty => "empty",
        }
    }
}

impl FromStr for ColumnKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::unknown("kind of column", text, Self::ALL.map(Self::name)))
    }
}

crate::as_text!(ColumnKind);

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a column of a table beside its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// What it holds.
    pub kind: ColumnKind,
    /// The words or codes of a categorical column, or the texts of one of text, in the order of
    /// their first appearance; empty for other kinds.
    pub levels: Arc<Vec<String>>,
}

impl Field {
    /// A column without levels.
    pub fn of(kind: ColumnKind) -> Self {
        Self { kind, levels: Arc::default() }
    }

    /// What a number in the column stands for; empty where there is no value.
    ///
    /// A position behind the last level stands for all others.
    pub fn text(&self, value: f64) -> String {
        if value.is_nan() {
            return String::new();
        }
        match self.kind {
            ColumnKind::Categorical | ColumnKind::Text => self
                .levels
                .get(value.max(0.0) as usize)
                .cloned()
                .unwrap_or_else(|| OTHER.to_owned()),
            ColumnKind::Boolean => (value >= 0.5).to_string(),
            ColumnKind::Date => calendar::of_days(value),
            ColumnKind::Time => calendar::of_day(value),
            ColumnKind::Count | ColumnKind::Poisson | ColumnKind::Numeric | ColumnKind::Empty => {
                value.to_string()
            }
        }
    }
}

/// The text of a level that is none of the known ones.
pub const OTHER: &str = "(other)";
