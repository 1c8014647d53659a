//! How numbers are scaled, and what that takes to know of them.

use rows::{Dataset, Result, Store, Values};
use serde::{Deserialize, Serialize};

/// How numbers are scaled before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Images and other sources of known range divided by their largest value; everything else
    /// standard.
    #[default]
    Auto,
    /// Left as they are.
    None,
    /// Divided by the largest value by definition (255, 16), or else brought to 0..1 by one minimum
    /// and maximum for all.
    Unit,
    /// Each column less its mean, divided by its standard deviation; of a series each channel.
    Standard,
    /// Each column brought to 0..1 by its minimum and maximum; of a series each channel.
    MinMax,
    /// Each column of a table brought to a normal distribution by its ranks: for heavy tails.
    Quantile,
}

/// The bounds of prepared numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bounds {
    /// Between 0 and 1.
    Unit,
    /// Unbounded.
    Real,
}

pub(crate) fn nonzero(value: f64) -> f64 {
    // Below this a column is constant up to rounding, and dividing by it would blow rounding errors
    // up.
    if value.abs() > 1e-12 { value } else { 1.0 }
}

/// The smallest and largest value of each of `columns` interleaved columns; one column means all
/// values together.
pub(crate) fn bounds(data: &Dataset, rows: &[usize], columns: usize) -> Result<Vec<(f64, f64)>> {
    let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); columns];
    each(data, rows, |column, value| {
        let bound = &mut bounds[column % columns];
        *bound = (bound.0.min(value), bound.1.max(value));
    })?;
    Ok(bounds)
}

/// Mean and standard deviation of each of `columns` interleaved columns.
pub(crate) fn moments(
    data: &Dataset,
    rows: &[usize],
    columns: usize,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let count = (rows.len() * data.features() / columns.max(1)).max(1) as f64;
    // Sums are of differences from the first row, which for a constant column are zero however
    // large its number.
    let first = data.gather(rows.first().copied())?;
    let first: Vec<f64> =
        (0..columns).map(|column| if rows.is_empty() { 0.0 } else { first.get(column) }).collect();
    let mut means = vec![0.0; columns];
    each(data, rows, |column, value| {
        means[column % columns] += (value - first[column % columns]) / count
    })?;
    means.iter_mut().zip(&first).for_each(|(mean, first)| *mean += first);
    let mut squares = vec![0.0; columns];
    each(data, rows, |column, value| {
        squares[column % columns] += (value - means[column % columns]).powi(2) / count
    })?;
    Ok((means, squares.into_iter().map(f64::sqrt).collect()))
}

/// Calls `visit` with the column and the value of each number of the rows, in their order.
pub(crate) fn each(
    data: &Dataset,
    rows: &[usize],
    mut visit: impl FnMut(usize, f64),
) -> Result<()> {
    let features = data.features();
    let mut row = |values: &Values, row: usize| {
        (0..features).for_each(|column| visit(column, values.get(row * features + column)))
    };
    if let Some(values) = data.values.in_memory() {
        rows.iter().for_each(|at| row(values, *at));
        return Ok(());
    }
    for rows in rows.chunks(Store::block(features)) {
        let values = data.gather(rows.iter().copied())?;
        (0..rows.len()).for_each(|at| row(&values, at));
    }
    Ok(())
}
