//! Which rows and which columns a model reconstructs well, and how well principal components do.

use crate::baseline::Pca;
use burn_tensor::{Tensor, TensorData};
use kernels::product;
use model::{Inside, Model, read};
use rows::{Dataset, Error, Result};

/// Squared errors of deterministic reconstructions, in scaled units.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Errors {
    /// Of each row, the mean over its features that have a value; in the order of the rows asked for.
    pub rows: Vec<f64>,
    /// Of each column of the source, the mean over the rows that have a value there; of a column that
    /// is prepared as several numbers their sum.
    pub columns: Vec<f64>,
    /// Of principal components with 0, 1, 2, ... units, up to as many as the code has: the mean
    /// over rows and features.
    pub pca: Vec<f64>,
}

impl Errors {
    /// The mean over rows and features.
    pub fn mean(&self) -> f64 {
        self.rows.iter().sum::<f64>() / self.rows.len().max(1) as f64
    }

    /// The places of all rows, from the smallest error to the largest; rows of one error in their
    /// own order.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|a, b| self.rows[*a].total_cmp(&self.rows[*b]));
        order
    }
}

/// Adds by how much each principal component makes the squared error of centred rows smaller, where
/// only numbers that are `observed` count; gives their error without any.
fn captured_of(pca: &Pca, centred: &[f32], observed: &[f32], captured: &mut [f64]) -> f64 {
    let width = pca.mean.len();
    let error = |left: &[f64], observed: &[f32]| -> f64 {
        left.iter().zip(observed).map(|(left, counts)| left.powi(2) * f64::from(*counts)).sum()
    };
    let mut all = 0.0;
    for (row, observed) in centred.chunks(width).zip(observed.chunks(width)) {
        let mut left: Vec<f64> = row.iter().map(|number| f64::from(*number)).collect();
        let mut last = error(&left, observed);
        all += last;
        for (component, captured) in pca.components.chunks(width).zip(captured.iter_mut()) {
            let dot = row.iter().zip(component).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let dot: f64 = dot.sum();
            left.iter_mut().zip(component).for_each(|(left, of)| *left -= dot * f64::from(*of));
            let now = error(&left, observed);
            *captured += last - now;
            last = now;
        }
    }
    all
}

/// The errors on some rows, in one pass over them.
pub fn errors(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Errors> {
    if rows.is_empty() {
        return Err(Error::TooFew { what: "rows to look at", got: 0, least: 1 });
    }
    let (features, pca) = (model.plan().blueprint.width(), Pca::of(model)?);
    let mut errors = Errors {
        rows: Vec::with_capacity(rows.len()),
        columns: vec![0.0; model.features()],
        pca: Vec::new(),
    };
    let layout = model.plan().blueprint.layout.as_ref();
    let owner = |at: usize| layout.map_or(at, |layout| layout.owners[at]);
    // Numbers of each column of the source in a row, without those that tell whether it has a value.
    let mut widths = vec![0usize; errors.columns.len()];
    let is_value = |at: &usize| layout.is_none_or(|layout| !layout.gaps.contains(at));
    (0..features).filter(is_value).for_each(|at| widths[owner(at)] += 1);
    let (mut spread, mut captured, mut numbers) = (0.0, vec![0.0; pca.count()], 0.0);
    let mut seen = vec![0.0; errors.columns.len()];
    model.blocks(data, rows, |_, values, x| {
        let parts = &model.coder().parts;
        let rebuilt = model.coder().rebuilt(values, x.clone())?;
        let squares = read(parts.difference(rebuilt, x.clone()).square())?;
        let observed = parts.observed(&x).map(read).transpose()?;
        let counts = |at: usize| observed.as_ref().map_or(1.0, |counts| f64::from(counts[at]));
        for (row, squares) in squares.chunks(features).enumerate() {
            let (mut sum, mut count) = (0.0, 0.0);
            for (at, square) in squares.iter().enumerate() {
                let (square, counted) = (f64::from(*square), counts(row * features + at));
                (sum, count) = (sum + square, count + counted);
                errors.columns[owner(at)] += square;
                seen[owner(at)] += counted;
            }
            errors.rows.push(sum / f64::max(count, 1.0));
            numbers += count;
        }
        let options = (&x.device(), x.dtype());
        let centred =
            x - Tensor::from_data(TensorData::new(pca.mean.clone(), [1, features]), options);
        if let Some(observed) = &observed {
            let centred = read(centred)?;
            spread += captured_of(&pca, &centred, observed, &mut captured);
            return Ok(());
        }
        let squares = read(centred.clone().square())?;
        spread += squares.iter().map(|square| f64::from(*square)).sum::<f64>();
        if pca.count() > 0 {
            let components = Tensor::<2>::from_data(
                TensorData::new(pca.components.clone(), [pca.count(), features]),
                options,
            );
            let squares = read(product(centred, components.transpose()).square())?;
            for row in squares.chunks(pca.count()) {
                captured.iter_mut().zip(row).for_each(|(sum, square)| *sum += f64::from(*square));
            }
        }
        Ok(())
    })?;
    for ((sum, seen), width) in errors.columns.iter_mut().zip(seen).zip(widths) {
        *sum *= width as f64 / f64::max(seen, 1.0);
    }
    errors.pca = left_by(spread, captured, f64::max(numbers, 1.0));
    Ok(errors)
}

/// The mean error of none, one and more components that capture so much of all.
///
/// They are orthonormal: what each captures is missing from the error of those before it.
fn left_by(spread: f64, captured: Vec<f64>, numbers: f64) -> Vec<f64> {
    let mut left = spread;
    let shares = std::iter::once(0.0).chain(captured);
    let left = shares.map(|share| {
        left = (left - share).max(0.0);
        left / numbers
    });
    left.collect()
}
