//! The joint normal distribution of columns of which some values are missing.

use faer::linalg::solvers::{DenseSolveCore, Solve};
use faer::{Mat, Side};

/// Rounds of expectation and maximisation at most.
const ROUNDS: usize = 100;
/// The largest change of a covariance, in standardised units, at which rounds end.
const SETTLED: f64 = 1e-3;
/// As if so many more rows had told that columns of variance one do not vary together; what keeps
/// columns that say the same apart.
const PRIOR: f64 = 1.0;

/// A joint normal distribution of numbers, by which those that are missing are expected from the
/// others.
///
/// What is missing given what is there, by the inverse `P` of the covariance:
/// `x_m = mean_m - P_mm⁻¹ P_mo (x_o - mean_o)`, with the covariance `P_mm⁻¹`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joint {
    pub(crate) mean: Vec<f32>,
    /// The inverse of the covariance [numbers, numbers].
    pub(crate) precision: Vec<f32>,
}

impl Joint {
    /// Fits by expectation and maximisation over the missing values (Dempster, Laird and Rubin
    /// 1977; Little and Rubin, Statistical Analysis with Missing Data, 2002, section 11.2) on rows of
    /// so many numbers each, NaN where they are missing, about standardised.
    pub(crate) fn fit(rows: &[f32], numbers: usize) -> Self {
        let count = rows.len() / numbers.max(1);
        let mut joint = Self { mean: means(rows, numbers), precision: identity(numbers) };
        let mut before = Mat::<f64>::identity(numbers, numbers);
        for _ in 0..ROUNDS {
            let mut filled = rows.to_vec();
            let mut covariance = Mat::<f64>::zeros(numbers, numbers);
            for row in filled.chunks_mut(numbers.max(1)) {
                let missing = missing(row);
                let Some(unsure) = joint.complete(row, &missing) else { continue };
                for (a, at) in missing.iter().enumerate() {
                    missing.iter().enumerate().for_each(|(b, to)| {
                        covariance[(*at, *to)] += unsure[(a, b)];
                    });
                }
            }
            let mean = means(&filled, numbers);
            let centred = Mat::from_fn(count, numbers, |row, at| {
                f64::from(filled[row * numbers + at]) - f64::from(mean[at])
            });
            covariance += centred.transpose() * &centred;
            let covariance = Mat::from_fn(numbers, numbers, |a, b| {
                let prior = if a == b { PRIOR } else { 0.0 };
                (covariance[(a, b)] + prior) / (count as f64 + PRIOR)
            });
            let Some(next) = Self::of(mean, &covariance) else { break };
            joint = next;
            let moved = (&covariance - &before).norm_max();
            before = covariance;
            if moved < SETTLED {
                break;
            }
        }
        joint
    }

    /// None where a covariance has no inverse of finite numbers.
    fn of(mean: Vec<f32>, covariance: &Mat<f64>) -> Option<Self> {
        let inverse = covariance.llt(Side::Lower).ok()?.inverse();
        let numbers = mean.len();
        let at = |at: usize| inverse[(at / numbers, at % numbers)] as f32;
        let precision: Vec<f32> = (0..numbers * numbers).map(at).collect();
        precision.iter().all(|number| number.is_finite()).then_some(Self { mean, precision })
    }

    /// Puts what is expected in the place of what is missing, NaN.
    pub(crate) fn fill(&self, row: &mut [f32]) {
        let missing = missing(row);
        self.complete(row, &missing);
    }

    /// Fills in the numbers at these places; how they vary together given the others, none where
    /// nothing is missing.
    fn complete(&self, row: &mut [f32], missing: &[usize]) -> Option<Mat<f64>> {
        if missing.is_empty() {
            return None;
        }
        let numbers = self.mean.len();
        let precision = |a: usize, b: usize| f64::from(self.precision[a * numbers + b]);
        let own =
            Mat::from_fn(missing.len(), missing.len(), |a, b| precision(missing[a], missing[b]));
        let away = |at: usize| f64::from(row[at]) - f64::from(self.mean[at]);
        let known: Vec<usize> = (0..numbers).filter(|at| !row[*at].is_nan()).collect();
        let pulls = Mat::from_fn(missing.len(), 1, |a, _| {
            known.iter().map(|at| precision(missing[a], *at) * away(*at)).sum::<f64>()
        });
        // A file may hold any numbers; what has no inverse expects the mean.
        let Ok(factor) = own.llt(Side::Lower) else {
            missing.iter().for_each(|at| row[*at] = self.mean[*at]);
            return None;
        };
        let moved = factor.solve(&pulls);
        for (a, at) in missing.iter().enumerate() {
            row[*at] = (f64::from(self.mean[*at]) - moved[(a, 0)]) as f32;
        }
        Some(factor.inverse())
    }
}

fn missing(row: &[f32]) -> Vec<usize> {
    (0..row.len()).filter(|at| row[*at].is_nan()).collect()
}

/// The mean of what is there, 0 where nothing is.
fn means(rows: &[f32], numbers: usize) -> Vec<f32> {
    let mut sums = vec![(0.0f64, 0usize); numbers];
    for (at, number) in rows.iter().enumerate().filter(|(_, number)| !number.is_nan()) {
        let sum = &mut sums[at % numbers];
        *sum = (sum.0 + f64::from(*number), sum.1 + 1);
    }
    sums.into_iter().map(|(sum, count)| (sum / count.max(1) as f64) as f32).collect()
}

fn identity(numbers: usize) -> Vec<f32> {
    let one = |at: usize| if at / numbers == at % numbers { 1.0 } else { 0.0 };
    (0..numbers * numbers).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    /// Rows of three numbers: the second follows the first, the third is nearly half their sum.
    fn rows(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        let mut row = || {
            let first = rng.standard_normal();
            let second = 0.8 * first + 0.6 * rng.standard_normal();
            [first, second, 0.5 * (first + second) + 0.1 * rng.standard_normal()]
        };
        (0..count).flat_map(|_| row()).collect()
    }

    fn holed(rows: &[f32], seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        rows.iter().map(|number| if rng.unit() < 0.3 { f32::NAN } else { *number }).collect()
    }

    #[test]
    fn what_is_missing_is_met_as_well_as_by_the_distribution_that_made_it() {
        let (whole, fresh) = (rows(2000, 1), rows(1000, 2));
        let joint = Joint::fit(&holed(&whole, 3), 3);
        let mut filled: Vec<f32> = fresh.clone();
        // The third of each row, which both others tell up to 0.1.
        filled.iter_mut().skip(2).step_by(3).for_each(|number| *number = f32::NAN);
        filled.chunks_mut(3).for_each(|row| joint.fill(row));
        let square: f32 = filled.iter().zip(&fresh).map(|(a, b)| (a - b).powi(2)).sum();
        let error = (square / 1000.0).sqrt();
        assert!((0.09..0.115).contains(&error), "{error}");
    }

    #[test]
    fn a_row_without_any_number_becomes_the_mean_and_a_whole_one_stays() {
        let joint = Joint::fit(&rows(500, 4), 3);
        let mut row = [f32::NAN; 3];
        joint.fill(&mut row);
        row.iter().zip(&joint.mean).for_each(|(a, b)| assert!((a - b).abs() < 1e-5));
        let mut whole = [1.0, -2.0, 7.0];
        joint.fill(&mut whole);
        assert_eq!(whole, [1.0, -2.0, 7.0]);
    }

    #[test]
    fn columns_that_are_equal_constant_or_empty_give_finite_numbers() {
        let row = |at: usize| [at as f32 / 50.0, at as f32 / 50.0, 0.0, f32::NAN];
        let rows: Vec<f32> = (0..100).flat_map(row).collect();
        let joint = Joint::fit(&rows, 4);
        let mut row = [1.5, f32::NAN, f32::NAN, f32::NAN];
        joint.fill(&mut row);
        assert!(
            (row[1] - 1.5).abs() < 0.05 && row[2].abs() < 1e-3 && row[3].abs() < 1e-3,
            "{row:?}"
        );
    }
}
