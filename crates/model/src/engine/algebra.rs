//! Principal components and triangular factors, in double precision on one thread: sums over
//! several depend on their number.

use burn_tensor::{Device, Tensor, TensorData};
use faer::Mat;
use faer::Side;
use kernels::product;

/// Rows in a block of the covariance.
pub const BLOCK: usize = 1024;

/// Mean, `kept` strongest principal components (one a row), the variance along each, and the
/// variance of all columns together, of rows of `columns` numbers.
pub fn principal(
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
        add(&mut covariance, product(x.clone().transpose(), x));
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

/// Adds a product [side, side] in double precision.
pub fn add(total: &mut [f64], product: Tensor<2>) {
    if let Ok(values) = product.into_data().as_slice::<f32>() {
        total.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
    }
}

/// The eigenvectors of the `kept` largest eigenvalues of a symmetric matrix, one a row.
pub fn strongest(matrix: &[f64], side: usize, kept: usize) -> Vec<f32> {
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
pub fn orthonormal(rows: Vec<f32>, width: usize) -> Vec<f32> {
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

/// The lower Cholesky factor, with as much added to the diagonal as it takes.
pub fn cholesky(covariance: Mat<f64>, latent: usize, ridge: f64) -> Mat<f64> {
    let trace: f64 = (0..latent).map(|unit| covariance[(unit, unit)]).sum();
    let mut ridge = ridge.max(1e-9);
    loop {
        let ridged = Mat::from_fn(latent, latent, |r, c| {
            covariance[(r, c)] + if r == c { ridge } else { 0.0 }
        });
        match ridged.llt(Side::Lower) {
            Ok(factor) => return factor.L().to_owned(),
            // A ridge as large as the trace always succeeds on finite numbers; beyond it the codes
            // were not finite.
            Err(_) if ridge > 1e3 * (trace.abs() + 1.0) || !trace.is_finite() => {
                return Mat::identity(latent, latent);
            }
            Err(_) => ridge *= 10.0,
        }
    }
}
