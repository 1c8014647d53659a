//! Which rows train, which decide when to stop, and which are kept for the final table.

use crate::error::{Error, Result};
use crate::rng::Rng;

/// Rows that trained nothing which tell enough about others.
const ENOUGH: usize = 1000;

/// The fractions of the rows that do not train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// Early stopping and schedules see these.
    pub validation: f64,
    /// Only the final table sees these.
    pub test: f64,
}

/// Row numbers, drawn by seed; no row is in two sets.
///
/// They take eight bytes a row, wherever the rows themselves are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Gradients and scaling see these.
    pub train: Vec<usize>,
    /// Early stopping and schedules see these.
    pub validation: Vec<usize>,
    /// Only the final table sees these.
    pub test: Vec<usize>,
}

impl Split {
    /// Draws the sets of so many rows by a seed.
    ///
    /// An error where fewer than two rows are left to train.
    pub fn new(rows: usize, fractions: Fractions, seed: u64) -> Result<Self> {
        let part = |fraction: f64| (rows as f64 * fraction).round() as usize;
        let (validation, test) = (part(fractions.validation), part(fractions.test));
        let train = rows.saturating_sub(validation + test);
        if train < 2 {
            return Err(Error::setting(
                "training rows",
                train,
                format!(
                    "at least 2 of the {rows} rows; give more rows, or smaller fractions for validation and test"
                ),
            ));
        }
        let mut train = Rng::new(seed).split("split").permutation(rows);
        // In place, because a second list of all rows could be the largest thing in memory.
        let mut others: Vec<usize> = train.drain(..test + validation).collect();
        Ok(Self { train, validation: others.split_off(test), test: others })
    }

    /// Every row trains.
    pub fn all(rows: usize) -> Self {
        Self { train: (0..rows).collect(), validation: Vec::new(), test: Vec::new() }
    }

    /// The split of a member of an ensemble, the first of which is 0: where few rows are left out
    /// of the training, each member leaves out others, so that together they tell more about rows
    /// that trained nothing.
    pub fn of_member(&self, member: usize) -> Self {
        let left_out = self.validation.len();
        if left_out >= ENOUGH || member == 0 {
            return self.clone();
        }
        let mut all: Vec<usize> = self.validation.iter().chain(&self.train).copied().collect();
        let places = all.len();
        all.rotate_left(member * left_out % places.max(1));
        let train = all.split_off(left_out);
        Self { train, validation: all, test: self.test.clone() }
    }
}
