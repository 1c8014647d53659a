//! Rows of a model as a picture.

use autoencoders::data::{Destination, Shape};
use autoencoders::{Error, Matrix, Model, Result};
use draw::write_png_grid;

/// Refuses models whose rows are no images.
pub(crate) fn check(model: &Model) -> Result<()> {
    match &model.signature().shape {
        Shape::Image { channels: 1 | 3, .. } => Ok(()),
        shape => Err(Error::shape(
            "a picture of rows",
            shape,
            "a model of images of 1 or 3 channels; write .npy, .csv or .parquet instead",
        )),
    }
}

/// Writes rows as images, `per_row` side by side.
pub(crate) fn write(
    to: Destination,
    model: &Model,
    rows: &Matrix<f64>,
    per_row: usize,
) -> Result<()> {
    write_png_grid(to, &model.signature().pixels(rows), &model.signature().shape, per_row, None)
}

/// Rows and, below each of them, its partner; as many across as `per_row`.
///
/// The last line is filled up with empty images, so that partners stay below each other.
pub(crate) fn paired(above: &Matrix<f64>, below: &Matrix<f64>, per_row: usize) -> Matrix<f64> {
    let line = per_row * above.columns;
    let darkest = above.values.iter().copied().fold(f64::MAX, f64::min);
    let mut values = Vec::with_capacity(2 * above.values.len());
    for (above, below) in above.values.chunks(line).zip(below.values.chunks(line)) {
        for half in [above, below] {
            values.extend_from_slice(half);
            values.resize(values.len().next_multiple_of(line), darkest);
        }
    }
    Matrix { columns: above.columns, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_stands_above_its_partner() {
        let above = Matrix { columns: 1, values: vec![1.0, 2.0, 3.0] };
        let below = Matrix { columns: 1, values: vec![10.0, 20.0, 30.0] };
        assert_eq!(paired(&above, &below, 2).values, [1.0, 2.0, 10.0, 20.0, 3.0, 1.0, 30.0, 1.0]);
    }
}
