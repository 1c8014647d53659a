//! What one row of data is: its shape and, for tables, its columns.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

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
            .ok_or_else(|| Error::setting("row shape", self, "between 1 and 2147483647 numbers a row"))
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
