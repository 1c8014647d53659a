//! Principal components at the same code size on the same rows: what every result is shown beside.

use crate::model::Model;
use crate::prepare::Preparation;
use crate::tensors::read;
use burn::tensor::{Device, Tensor, TensorData};
use faer::{Mat, Side};
use rows::{Dataset, Matrix, Result, Rng};

/// The first principal components of the prepared training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Numbers in a row.
    pub features: usize,
    /// The mean row `[features]`.
    pub mean: Vec<f32>,
    /// Orthonormal components, one a row, the strongest first [components, features].
    pub components: Vec<f32>,
}

/// Rows of wide data whose inner products are decomposed instead of the covariance.
const WIDE_ROWS: usize = 4096;
/// Rows in a block of the covariance.
const BLOCK: usize = 1024;

impl Pca {
    /// Fits at most `latent` components on `rows` of the data.
    ///
    /// Data wider than 4,096 numbers a row is fitted on at most 4,096 rows, drawn by `rng`: the
    /// decomposition grows with the cube of the smaller side. Prepared rows are in memory 1,024 at
    /// a time, or all at once where there are fewer rows than columns.
    pub fn fit(
        preparation: &Preparation,
        data: &Dataset,
        rows: &[usize],
        latent: usize,
        rng: &Rng,
    ) -> Result<Self> {
        let prepared = preparation.on(data)?;
        let features = preparation.width(data.shape.features()?);
        let mut rows: Vec<usize> = match features > WIDE_ROWS && rows.len() > WIDE_ROWS {
            true => rng.split("pca").permutation(rows.len())[..WIDE_ROWS]
                .iter()
                .map(|at| rows[*at])
                .collect(),
            false => rows.to_vec(),
        };
        // In the order of the source, which a disk reads fastest.
        rows.sort_unstable();
        let mut mean = vec![0f64; features];
        for block in rows.chunks(BLOCK) {
            for row in prepared.apply(block.iter().copied())?.chunks(features) {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) / rows.len() as f64);
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|m| m as f32).collect();
        let centred = |block: &[usize]| -> Result<Tensor<2>> {
            let mut values = prepared.apply(block.iter().copied())?;
            values
                .chunks_mut(features)
                .for_each(|row| row.iter_mut().zip(&mean).for_each(|(x, m)| *x -= m));
            Ok(Tensor::from_data(
                TensorData::new(values, [block.len(), features]),
                &Device::default(),
            ))
        };
        let kept = latent.min(features).min(rows.len());
        let components = match features <= rows.len() || features <= 64 {
            true => {
                let mut covariance = vec![0f64; features * features];
                for block in rows.chunks(BLOCK) {
                    let x = centred(block)?;
                    add(&mut covariance, x.clone().transpose().matmul(x));
                }
                strongest(&covariance, features, kept)
            }
            // Fewer rows than columns: the components are combinations of the rows (the dual
            // problem).
            false => {
                let x = centred(&rows)?;
                let mut products = vec![0f64; rows.len() * rows.len()];
                add(&mut products, x.clone().matmul(x.clone().transpose()));
                let combinations = strongest(&products, rows.len(), kept);
                let combinations = Tensor::<2>::from_data(
                    TensorData::new(combinations, [kept, rows.len()]),
                    &Device::default(),
                );
                orthonormal(
                    combinations.matmul(x).into_data().try_into_vec::<f32>().unwrap_or_default(),
                    features,
                )
            }
        };
        Ok(Self { features, mean, components })
    }

    /// No component at all: the mean row stands for every row.
    pub fn none(features: usize) -> Self {
        Self { features, mean: vec![0.0; features], components: Vec::new() }
    }

    /// Components kept.
    pub fn count(&self) -> usize {
        self.components.len() / self.features.max(1)
    }

    /// The reconstruction of prepared rows [rows, features] from their components.
    pub fn reconstruct(&self, x: Tensor<2>) -> Tensor<2> {
        let (mean, components) = self.tensors(&x);
        match components {
            Some(components) => {
                (x - mean.clone()).matmul(components.clone().transpose()).matmul(components) + mean
            }
            None => x.zeros_like() + mean,
        }
    }

    /// The components of prepared rows [rows, features]: [rows, components], which must be one at
    /// least.
    fn encode(&self, x: Tensor<2>) -> Option<Tensor<2>> {
        let (mean, components) = self.tensors(&x);
        components.map(|components| (x - mean).matmul(components.transpose()))
    }

    /// The mean [1, features] and the components [components, features] beside a tensor.
    fn tensors(&self, beside: &Tensor<2>) -> (Tensor<2>, Option<Tensor<2>>) {
        let options = (&beside.device(), beside.dtype());
        let matrix = |values: &[f32], rows| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, self.features]), options)
        };
        let components =
            (!self.components.is_empty()).then(|| matrix(&self.components, self.count()));
        (matrix(&self.mean, 1), components)
    }
}

impl Model {
    /// The principal components [rows, components] of some rows: what they are beside their code.
    pub fn principal_codes(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        let mut values = Vec::new();
        self.blocks(data, rows, |_, _, x| {
            values.extend(self.baseline.encode(x).map(read).transpose()?.unwrap_or_default());
            Ok(())
        })?;
        Ok(Matrix { columns: self.baseline.count(), values })
    }

    /// Some rows [rows, features] from their principal components, in the units of the training
    /// data.
    pub fn principal_rows(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        let mut values = Vec::new();
        self.blocks(data, rows, |_, _, x| {
            values.extend(self.preparation.undo(read(self.baseline.reconstruct(x))?));
            Ok(())
        })?;
        Ok(Matrix { columns: self.parts.plan.features(), values })
    }
}

/// Mean, `kept` strongest principal components (one a row), the variance along each, and the
/// variance of all columns together, of rows of `columns` numbers.
pub(crate) fn principal(
    values: &[f32],
    columns: usize,
    kept: usize,
) -> (Vec<f32>, Vec<f32>, Vec<f64>, f64) {
    let rows = (values.len() / columns.max(1)).max(1) as f64;
    let mut mean = vec![0f64; columns];
    for row in values.chunks_exact(columns.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += f64::from(*value) / rows);
    }
    let mut covariance = vec![0f64; columns * columns];
    for block in values.chunks(BLOCK * columns.max(1)) {
        let centred = block
            .iter()
            .zip(mean.iter().cycle())
            .map(|(value, mean)| (f64::from(*value) - mean) as f32)
            .collect::<Vec<_>>();
        let x = Tensor::<2>::from_data(
            TensorData::new(centred, [block.len() / columns.max(1), columns]),
            &Device::default(),
        );
        add(&mut covariance, x.clone().transpose().matmul(x));
    }
    covariance.iter_mut().for_each(|sum| *sum /= rows);
    let total = (0..columns).map(|column| covariance[column * columns + column]).sum();
    let components = strongest(&covariance, columns, kept.min(columns));
    let along = |axis: &[f32]| -> f64 {
        let times = |row: usize| {
            covariance[row * columns..][..columns]
                .iter()
                .zip(axis)
                .map(|(c, a)| c * f64::from(*a))
                .sum::<f64>()
        };
        (0..columns).map(|row| f64::from(axis[row]) * times(row)).sum()
    };
    let variances = components.chunks_exact(columns.max(1)).map(along).collect();
    (mean.into_iter().map(|mean| mean as f32).collect(), components, variances, total)
}

fn add(total: &mut [f64], product: Tensor<2>) {
    if let Ok(values) = product.into_data().as_slice::<f32>() {
        total.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
    }
}

/// The eigenvectors of the `kept` largest eigenvalues of a symmetric matrix, one a row.
fn strongest(matrix: &[f64], side: usize, kept: usize) -> Vec<f32> {
    let matrix = Mat::from_fn(side, side, |r, c| matrix[r * side + c]);
    match matrix.self_adjoint_eigen(Side::Lower) {
        // Eigenvalues come in rising order.
        Ok(decomposition) => (0..kept)
            .flat_map(|k| (0..side).map(move |r| (k, r)))
            .map(|(k, r)| decomposition.U()[(r, side - 1 - k)] as f32)
            .collect(),
        // Only numbers that are not finite do not converge, and those are refused when data is
        // read.
        Err(_) => vec![0.0; kept * side],
    }
}

/// The rows made orthonormal one after the other (Gram-Schmidt); those that are nothing but
/// rounding become zero.
fn orthonormal(rows: Vec<f32>, width: usize) -> Vec<f32> {
    let mut kept: Vec<Vec<f64>> = Vec::new();
    let mut longest = 0f64;
    for row in rows.chunks(width) {
        let mut row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        for other in &kept {
            let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        longest = longest.max(length);
        let scale = if length > 1e-3 * longest { 1.0 / length } else { 0.0 };
        row.iter_mut().for_each(|x| *x *= scale);
        kept.push(row);
    }
    kept.into_iter().flatten().map(|x| x as f32).collect()
}
