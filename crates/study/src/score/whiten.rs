//! Distances that know how columns vary together.

use faer::Mat;
use model::cholesky;

/// Columns up to which a full covariance is kept; wider rows are scaled column by column.
pub(crate) const WIDEST: usize = 256;

/// The mean of some rows and what makes their spread one in every direction.
///
/// The covariance is shrunk as far as the number of rows asks for. A row's squared distance is `|W
/// (r - m)|²` with `Wᵀ W` the inverse covariance (Mahalanobis 1936), or with the diagonal alone for
/// rows wider than 256 numbers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Whitener {
    /// The mean row `[columns]`.
    pub mean: Vec<f32>,
    /// `W`, lower triangular [columns, columns]; its diagonal alone `[columns]` for wide rows.
    pub factor: Vec<f32>,
}

impl Whitener {
    /// Fits on rows [rows, columns]; the fraction `dropped` of them, the farthest, is left out in
    /// the end.
    ///
    /// Leaving out is done in two rounds, as concentration steps are (Rousseeuw and Van Driessen
    /// 1999): anomalies among the rows would otherwise widen the very spread that they are measured
    /// by.
    pub fn fit(rows: &[f32], columns: usize, dropped: f64) -> Self {
        let mut kept: Vec<&[f32]> = rows.chunks(columns.max(1)).collect();
        let all = kept.clone();
        let mut whitening = Self::of(&kept, columns);
        if dropped > 0.0 {
            for _ in 0..2 {
                let mut distances: Vec<(f64, &[f32])> =
                    all.iter().map(|row| (whitening.distance(row), *row)).collect();
                distances.sort_by(|a, b| a.0.total_cmp(&b.0));
                let count =
                    ((all.len() as f64 * (1.0 - dropped)).ceil() as usize).clamp(1, all.len());
                kept = distances[..count].iter().map(|(_, row)| *row).collect();
                whitening = Self::of(&kept, columns);
            }
        }
        whitening
    }

    fn of(rows: &[&[f32]], columns: usize) -> Self {
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0f64; columns];
        rows.iter().for_each(|row| {
            mean.iter_mut().zip(*row).for_each(|(m, r)| *m += f64::from(*r) / count)
        });
        let mut variances = vec![0f64; columns];
        rows.iter().for_each(|row| {
            variances
                .iter_mut()
                .zip(*row)
                .zip(&mean)
                .for_each(|((v, r), m)| *v += (f64::from(*r) - m).powi(2) / count);
        });
        // What never varied may vary by a thousandth of the others before it stands out.
        let middle = variances.iter().sum::<f64>() / columns.max(1) as f64;
        let ridge = 1e-3 * middle + 1e-9;
        let factor = if columns > WIDEST {
            variances.iter().map(|variance| (1.0 / (variance + ridge).sqrt()) as f32).collect()
        } else {
            let centred = Mat::from_fn(rows.len(), columns, |row, column| {
                f64::from(rows[row][column]) - mean[column]
            });
            let covariance = centred.transpose() * &centred * faer::Scale(1.0 / count);
            let shrinkage = shrinkage(&centred, &covariance, middle);
            inverse(
                &cholesky(
                    covariance * faer::Scale(1.0 - shrinkage),
                    columns,
                    ridge + shrinkage * middle,
                ),
                columns,
            )
        };
        Self { mean: mean.into_iter().map(|m| m as f32).collect(), factor }
    }

    /// Numbers in a row.
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// The squared distance of a row.
    pub fn distance(&self, row: &[f32]) -> f64 {
        self.whitened(row).iter().map(|w| f64::from(*w).powi(2)).sum()
    }

    /// What each column adds to the squared distance `[columns]`; they sum to it, and single ones
    /// may be below zero.
    pub fn shares(&self, row: &[f32]) -> Vec<f64> {
        let columns = self.columns();
        let whitened = self.whitened(row);
        let back = |column: usize| {
            if self.full() {
                (column..columns)
                    .map(|i| self.factor[i * columns + column] * whitened[i])
                    .sum::<f32>()
            } else {
                self.factor[column] * whitened[column]
            }
        };
        (0..columns)
            .map(|column| f64::from(row[column] - self.mean[column]) * f64::from(back(column)))
            .collect()
    }

    fn full(&self) -> bool {
        self.factor.len() == self.columns() * self.columns()
    }

    fn whitened(&self, row: &[f32]) -> Vec<f32> {
        let centred: Vec<f32> = row.iter().zip(&self.mean).map(|(r, m)| r - m).collect();
        if self.full() {
            (self.factor.chunks(self.columns()).enumerate())
                .map(|(i, factor)| factor[..=i].iter().zip(&centred).map(|(f, c)| f * c).sum())
                .collect()
        } else {
            self.factor.iter().zip(&centred).map(|(f, c)| f * c).collect()
        }
    }
}

/// How far a covariance is moved towards equal variances, from 0 to 1: so far that the error of an
/// estimate from so few rows is least (Ledoit and Wolf 2004).
fn shrinkage(centred: &Mat<f64>, covariance: &Mat<f64>, middle: f64) -> f64 {
    let (rows, columns) = (centred.nrows(), centred.ncols());
    let squared = covariance.squared_norm_l2();
    let distance = squared - columns as f64 * middle * middle;
    let along = centred * covariance;
    let error: f64 = (0..rows)
        .map(|row| {
            let (mut length, mut inner) = (0.0, 0.0);
            for column in 0..columns {
                length += centred[(row, column)].powi(2);
                inner += centred[(row, column)] * along[(row, column)];
            }
            length * length - 2.0 * inner + squared
        })
        .sum();
    let error = error / (rows as f64).powi(2).max(1.0);
    if distance > 0.0 { (error / distance).clamp(0.0, 1.0) } else { 1.0 }
}

/// The inverse of a lower triangular matrix, in row order.
fn inverse(factor: &Mat<f64>, n: usize) -> Vec<f32> {
    let mut inverse = vec![0f64; n * n];
    for column in 0..n {
        inverse[column * n + column] = 1.0 / factor[(column, column)];
        for row in column + 1..n {
            let sum: f64 = (column..row).map(|k| factor[(row, k)] * inverse[k * n + column]).sum();
            inverse[row * n + column] = -sum / factor[(row, row)];
        }
    }
    inverse.into_iter().map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    /// Rows of two columns that nearly agree.
    fn twins(rows: usize) -> Vec<f32> {
        let mut rng = Rng::new(1);
        let row = |_| {
            let (a, b) = (rng.standard_normal(), rng.standard_normal());
            [a, a + 0.1 * b]
        };
        (0..rows).flat_map(row).collect()
    }

    #[test]
    fn a_row_against_the_grain_is_farther_than_a_longer_one_along_it() {
        let whitening = Whitener::fit(&twins(1000), 2, 0.0);
        assert!(whitening.distance(&[1.0, -1.0]) > 10.0 * whitening.distance(&[3.0, 3.0]));
    }

    #[test]
    fn the_mean_distance_of_the_rows_is_their_width() {
        let rows = twins(1000);
        let whitening = Whitener::fit(&rows, 2, 0.0);
        let mean = rows.chunks(2).map(|row| whitening.distance(row)).sum::<f64>() / 1000.0;
        assert!((1.0..2.1).contains(&mean), "{mean}, shrunk from 2");
    }

    #[test]
    fn shares_sum_to_the_distance() {
        let whitening = Whitener::fit(&twins(100), 2, 0.0);
        let row = [0.3, -0.7];
        assert!(
            (whitening.shares(&row).iter().sum::<f64>() / whitening.distance(&row) - 1.0).abs()
                < 1e-4
        );
    }

    #[test]
    fn a_tenth_of_far_rows_does_not_widen_a_robust_spread() {
        let mut rows = twins(900);
        rows.extend([20.0, -20.0].repeat(100));
        let (naive, robust) = (Whitener::fit(&rows, 2, 0.0), Whitener::fit(&rows, 2, 0.1));
        assert!(robust.distance(&[20.0, -20.0]) > 100.0 * naive.distance(&[20.0, -20.0]));
    }

    #[test]
    fn a_column_that_never_varied_stands_out_when_it_does() {
        let rows: Vec<f32> = twins(100).chunks(2).flat_map(|row| [row[0], 0.0]).collect();
        let whitening = Whitener::fit(&rows, 2, 0.0);
        assert!(whitening.distance(&[0.0, 1.0]) > 20.0 * whitening.distance(&[1.0, 0.0]));
    }

    #[test]
    fn few_rows_do_not_make_fresh_ones_look_far() {
        let mut rng = Rng::new(3);
        let mut normal =
            |rows: usize| (0..rows * 40).map(|_| rng.standard_normal()).collect::<Vec<f32>>();
        let (few, fresh) = (normal(60), normal(500));
        let whitening = Whitener::fit(&few, 40, 0.0);
        let mean = |rows: &[f32]| {
            rows.chunks(40).map(|row| whitening.distance(row)).sum::<f64>()
                / (rows.len() / 40) as f64
        };
        assert!(mean(&fresh) < 1.2 * mean(&few), "{} beside {}", mean(&fresh), mean(&few));
    }

    #[test]
    fn wide_rows_are_scaled_column_by_column() {
        let mut rng = Rng::new(2);
        let rows: Vec<f32> = (0..20 * 300).map(|_| rng.standard_normal()).collect();
        let whitening = Whitener::fit(&rows, 300, 0.0);
        assert_eq!(whitening.factor.len(), 300);
        assert!(
            (whitening.shares(&rows[..300]).iter().sum::<f64>() / whitening.distance(&rows[..300])
                - 1.0)
                .abs()
                < 1e-4
        );
    }
}
