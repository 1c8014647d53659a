//! Some rows, as they are, as training sees them, and as the model gives them back.

use crate::baseline::Pca;
use burn_tensor::{Tensor, TensorData};
use model::{Inside, Model, read};
use rows::{Dataset, Matrix, Result, Rng};

/// Rows that are summed at once.
const TOGETHER: usize = 1000;

/// The mean of some rows, in the units of the data; zeros where there are none.
pub fn mean_row(data: &Dataset, rows: &[usize]) -> Result<Vec<f32>> {
    let mut sums = vec![0f64; data.features()];
    for rows in rows.chunks(TOGETHER) {
        let values = data.gather(rows.iter().copied())?;
        (0..values.len()).for_each(|at| sums[at % data.features()] += values.get(at));
    }
    Ok(sums.into_iter().map(|sum| (sum / rows.len().max(1) as f64) as f32).collect())
}

/// Some rows [rows, features] in the units of the data; categories by their place among the
/// model's levels, not the data's.
pub fn original_rows(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Matrix<f64>> {
    model.signature().accept(data)?;
    rows.iter().try_for_each(|row| data.require_row(*row))?;
    Ok(Matrix {
        columns: data.features(),
        values: model.signature().preparation.on(data)?.source(rows.iter().copied())?,
    })
}

/// Some rows corrupted by `rng` as in training, and their reconstructions, both [rows,
/// features] in the units of the data; none for families that corrupt nothing.
pub fn corrupted_rows(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    rng: &Rng,
) -> Result<Option<(Matrix<f64>, Matrix<f64>)>> {
    model.signature().accept(data)?;
    rows.iter().try_for_each(|row| data.require_row(*row))?;
    let x = model.signature().preparation.tensor(data, rows.iter().copied(), &model.engine())?;
    let batch = model.coder().batch(x, rng)?;
    let corrupted = read(batch.input.clone())?;
    if corrupted == read(batch.target)? {
        return Ok(None);
    }
    let columns = model.plan().blueprint.width();
    let rebuilt = read(model.coder().rebuilt(&model.vars().values(), batch.input)?)?;
    Ok(Some((
        unprepared(model, Matrix { columns, values: corrupted }),
        unprepared(model, Matrix { columns, values: rebuilt }),
    )))
}

/// Rows in scaled units brought back to those of the data.
pub fn unprepared(model: &Model, rows: Matrix) -> Matrix<f64> {
    Matrix { columns: model.features(), values: model.signature().preparation.undo(&rows.values) }
}

/// How far rows lie from the mean training row, on average, in scaled units.
pub fn typical_distance(model: &Model, data: &Dataset, rows: &[usize]) -> Result<f64> {
    let mut total = 0.0;
    model.blocks(data, rows, |_, _, x| {
        let mean = Tensor::<2>::from_data(
            TensorData::new(Pca::of(model)?.mean.clone(), [1, x.dims()[1]]),
            (&x.device(), x.dtype()),
        );
        total += (x - mean).square().sum_dim(1).sqrt().sum().into_scalar::<f64>();
        Ok(())
    })?;
    Ok(total / rows.len().max(1) as f64)
}
