//! How numbers are scaled, and what that takes to know of them.

use rows::{Dataset, Moments, Result, Store, Values};
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

/// What a column is divided by that spreads so far about numbers of this size.
pub(crate) fn nonzero(spread: f64, size: f64) -> f64 {
    // Below this a column is constant up to rounding, and dividing by it would blow rounding errors
    // up. About zero nothing tells that from a column of picofarads.
    if spread > ROUNDING * size.abs().min(1.0) { spread } else { 1.0 }
}

/// What rounding may leave of a difference of numbers that are near one.
const ROUNDING: f64 = 1e-12;

/// Prepared numbers beyond this are bent: a value that is so many deviations from the mean is a
/// fault of the file or a rarity, and must not outweigh all others in a loss.
pub(crate) const KNEE: f64 = 30.0;
/// The largest exponent whose power is finite by far.
const LARGEST: f64 = 700.0;
/// A deviation may be that of a few far values where one of them lies so many deviations away, ...
const FAR: f64 = 5.0;
/// ... and is where it is so many times that of the middle half of the values.
const STRETCHED: f64 = 10.0;
/// Rows that quantiles and ranks are taken of at most.
pub(crate) const SAMPLED_ROWS: usize = 100_000;

/// A prepared number, which grows with its logarithm beyond the knee: `k + ln(1 + x - k)`.
pub(crate) fn bend(knee: Option<f64>, number: f64) -> f64 {
    match knee {
        Some(knee) if number.abs() > knee => {
            (knee + (number.abs() - knee).ln_1p()).copysign(number)
        }
        _ => number,
    }
}

/// Undoes [`bend`].
pub(crate) fn unbend(knee: Option<f64>, number: f64) -> f64 {
    match knee {
        Some(knee) if number.abs() > knee => {
            // Whatever a decoder says, a number that is written is finite.
            (knee + (number.abs() - knee).min(LARGEST).exp_m1()).copysign(number)
        }
        _ => number,
    }
}

/// Whether the deviation may be that of a few far values.
pub(crate) fn has_far_values(mean: f64, deviation: f64, (low, high): (f64, f64)) -> bool {
    (high - mean).max(mean - low) > FAR * deviation
}

/// The median and the deviation that the middle half of the values has, as the quartiles of a normal
/// distribution lie 1.349 deviations apart; none where few far values do not stretch the deviation.
pub(crate) fn robust(mut sample: Vec<f64>, deviation: f64) -> Option<(f64, f64)> {
    sample.retain(|value| value.is_finite());
    sample.sort_by(f64::total_cmp);
    let quantile = |part: f64| sample.get((sample.len() as f64 * part) as usize).copied();
    let middle = (quantile(0.75)? - quantile(0.25)?) / 1.349;
    (middle > 0.0 && deviation > STRETCHED * middle).then_some((quantile(0.5)?, middle))
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
    if means.iter().chain(&squares).all(|number: &f64| number.is_finite()) {
        return Ok((means, squares.into_iter().map(f64::sqrt).collect()));
    }
    // The squares of some are beyond all numbers.
    let mut all = vec![Moments::default(); columns];
    each(data, rows, |column, value| all[column % columns].add(value))?;
    Ok(all.iter().map(|moments| (moments.mean(), moments.deviation())).unzip())
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

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Shape;

    #[test]
    fn bent_numbers_grow_on_and_come_back() {
        let knee = Some(KNEE);
        for number in [0.0, -29.9, 30.0, 31.0, -1e6, 1e300] {
            let bent = bend(knee, number);
            assert!(bent.is_finite() && (bent as f32).is_finite(), "{number}");
            let back = unbend(knee, bent);
            assert!((back - number).abs() <= 1e-9 * number.abs(), "{number}: {back}");
        }
        assert!(unbend(knee, f64::from(f32::MAX)).is_finite());
        assert!(bend(knee, 1e7) > bend(knee, 1e6) && bend(knee, 1e6) < 50.0);
        assert_eq!((bend(None, 1e6), unbend(None, 1e6)), (1e6, 1e6));
    }

    #[test]
    fn columns_of_any_unit_are_scaled_but_not_what_rounding_leaves() {
        for unit in [1e-40, 1e-12, 1.0, 1e12] {
            assert_eq!(nonzero(0.1 * unit, 3.0 * unit), 0.1 * unit);
        }
        assert_eq!(nonzero(0.1, 1e15), 0.1);
        assert_eq!(nonzero(1e-17, 0.3), 1.0);
        assert_eq!(nonzero(0.0, 0.0), 1.0);
    }

    #[test]
    fn numbers_whose_squares_are_beyond_all_numbers_have_a_finite_deviation() {
        let rows = [1.0, 2.0, f64::MAX, 3.0, 1e200, -1e300];
        let shape = Shape::Flat { width: 2 };
        let data = Dataset::new("t", shape, Values::F64(rows.to_vec())).unwrap();
        let (means, deviations) = moments(&data, &[0, 1, 2], 2).unwrap();
        assert!(means.iter().chain(&deviations).all(|number| number.is_finite()));
        assert!(deviations.iter().all(|deviation| *deviation > 1e199));
    }

    #[test]
    fn a_few_far_values_do_not_stretch_the_scale() {
        let mut sample: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(robust(sample.clone(), 288.0), None);
        sample.push(1e9);
        let (middle, scale) = robust(sample, 3e7).unwrap();
        assert!((middle - 500.0).abs() < 2.0 && (scale - 371.0).abs() < 2.0);
        assert_eq!(robust(vec![0.0, 0.0, 0.0, 0.0, 1e9], 4e8), None);
    }
}
