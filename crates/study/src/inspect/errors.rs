//! Which rows and which columns a model reconstructs well, and how well principal components do.

use crate::baseline::Pca;
use burn_tensor::{Tensor, TensorData};
use model::{Inside, Model, read};
use rows::{Dataset, Error, Result};

/// Squared errors of deterministic reconstructions, in scaled units.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Errors {
    /// Of each row, the mean over its features; in the order of the rows asked for.
    pub rows: Vec<f64>,
    /// Of each column of the source, the mean over the rows; of a column that is prepared as
    /// several numbers their sum.
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
    let owner =
        |at: usize| model.plan().blueprint.layout.as_ref().map_or(at, |layout| layout.owners[at]);
    let (mut spread, mut captured) = (0.0, vec![0.0; pca.count()]);
    model.blocks(data, rows, |_, values, x| {
        let squares = read(
            model
                .coder()
                .parts
                .difference(model.coder().rebuilt(values, x.clone())?, x.clone())
                .square(),
        )?;
        for row in squares.chunks(features) {
            errors
                .rows
                .push(row.iter().map(|square| f64::from(*square)).sum::<f64>() / features as f64);
            row.iter()
                .enumerate()
                .for_each(|(at, square)| errors.columns[owner(at)] += f64::from(*square));
        }
        let options = (&x.device(), x.dtype());
        let centred =
            x - Tensor::from_data(TensorData::new(pca.mean.clone(), [1, features]), options);
        spread +=
            read(centred.clone().square())?.iter().map(|square| f64::from(*square)).sum::<f64>();
        if pca.count() > 0 {
            let components = Tensor::<2>::from_data(
                TensorData::new(pca.components.clone(), [pca.count(), features]),
                options,
            );
            for row in read(centred.matmul(components.transpose()).square())?.chunks(pca.count()) {
                captured.iter_mut().zip(row).for_each(|(sum, square)| *sum += f64::from(*square));
            }
        }
        Ok(())
    })?;
    errors.columns.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
    // Orthonormal components: what each captures is missing from the error of those before it.
    let numbers = (rows.len() * features) as f64;
    let mut left = spread;
    errors.pca.push(left / numbers);
    for share in captured {
        left = (left - share).max(0.0);
        errors.pca.push(left / numbers);
    }
    Ok(errors)
}
