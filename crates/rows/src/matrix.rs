//! Rows of numbers: codes in single precision, reconstructions and generated rows in double, in
//! which the units of the data lose no digits.

use crate::dataset::Dataset;
use crate::error::Result;

/// Rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T = f32> {
    /// Numbers in a row.
    pub columns: usize,
    /// Row after row.
    pub values: Vec<T>,
}

impl<T> Matrix<T> {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Blocks of `rows` rows in all, one below the other; the first error of a block is returned.
    pub fn join(
        columns: usize,
        rows: usize,
        blocks: &mut dyn Iterator<Item = Result<Self>>,
    ) -> Result<Self> {
        let mut values = Vec::with_capacity(rows * columns);
        for block in blocks {
            values.extend(block?.values);
        }
        Ok(Self { columns, values })
    }

    /// One row; the number must be in range.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.columns..][..self.columns]
    }
}

impl Matrix<f64> {
    /// Some rows of a data set as they are.
    ///
    /// Errors as [`Dataset::gather`].
    pub fn of(data: &Dataset, rows: impl IntoIterator<Item = usize>) -> Result<Self> {
        let values = data.gather(rows)?;
        Ok(Self {
            columns: data.features(),
            values: (0..values.len()).map(|at| values.get(at)).collect(),
        })
    }

    /// The same in single precision.
    pub fn narrow(&self) -> Matrix {
        let values = self.values.iter().map(|number| *number as f32).collect();
        Matrix { columns: self.columns, values }
    }
}
