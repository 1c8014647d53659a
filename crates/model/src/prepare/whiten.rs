//! Whitening of patches: fitted on training rows, kept in the model, the same for rows to come.

use crate::engine::algebra::principal;
use rows::{Dataset, Error, Result, Values, Whitening};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Rows that are whitened at a time.
const BLOCK: usize = 1024;

/// A fitted whitening of patches, from which their means are taken away first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Whiten {
    /// After a low pass over whole photographs: numbers are cut at `most` and brought to 0.1 to 0.9.
    Squash {
        /// Three standard deviations of the training rows.
        most: f32,
    },
    /// Turned so that the covariance is nearly the identity.
    Turn {
        /// `[columns]`, taken away first.
        mean: Vec<f32>,
        /// [columns, columns]
        matrix: Vec<f32>,
    },
}

impl Whiten {
    /// Fits what the rows ask for on some of them; `None` where they ask for nothing.
    ///
    /// Errors as [`Dataset::gather`].
    pub fn fit(data: &Dataset, rows: &[usize]) -> Result<Option<Self>> {
        if data.whitening == Whitening::None {
            return Ok(None);
        }
        // In the order of the source, which decides the bits of the sums.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let mut values = numbers(&data.gather(rows)?);
        let width = data.features();
        centre(&mut values, width);
        Ok(match data.whitening {
            Whitening::None => None,
            Whitening::LowPass => Some(Self::Squash { most: three_deviations(&values) }),
            Whitening::Zca(epsilon) => Some(Self::turn(&values, width, epsilon)),
        })
    }

    /// With eigenvectors `U` and values `s` of the covariance `U diag(1 / √(s + E)) Uᵀ`, the values
    /// over their mean.
    fn turn(values: &[f32], width: usize, epsilon: f64) -> Self {
        let (mean, axes, variances, total) = principal(values, width, width);
        let unit = (total / width as f64).max(f64::MIN_POSITIVE);
        let mut matrix = vec![0f64; width * width];
        for (axis, variance) in axes.chunks_exact(width).zip(&variances) {
            // The mean of a patch is no direction any more: nothing is there to be blown up.
            if *variance <= 1e-9 * unit {
                continue;
            }
            let factor = 1.0 / (variance.max(0.0) / unit + epsilon).sqrt() / unit.sqrt();
            for (row, out) in matrix.chunks_exact_mut(width).enumerate() {
                let own = factor * f64::from(axis[row]);
                out.iter_mut().zip(axis).for_each(|(out, along)| *out += own * f64::from(*along));
            }
        }
        Self::Turn { mean, matrix: matrix.into_iter().map(|value| value as f32).collect() }
    }

    /// The rows whitened, in memory; rows that ask for nothing stay as they are.
    ///
    /// Errors as [`Dataset::gather`], or where the rows ask for another whitening or have another
    /// number of columns.
    pub fn apply<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        if data.whitening == Whitening::None {
            return Ok(Cow::Borrowed(data));
        }
        self.expect(data)?;
        let width = data.features();
        let mut values = Vec::with_capacity(data.values.len());
        let all: Vec<usize> = (0..data.rows()).collect();
        for rows in all.chunks(BLOCK) {
            values.extend(self.whitened(&data.gather(rows.iter().copied())?, width));
        }
        let full_scale = matches!(self, Self::Squash { .. }).then_some(1.0);
        let whitened = Dataset {
            values: Values::F32(values).into(),
            whitening: Whitening::None,
            full_scale,
            ..data.clone()
        };
        Ok(Cow::Owned(whitened))
    }

    /// Some patches of `width` pixels, whitened: each as it would be alone.
    pub(crate) fn whitened(&self, patches: &Values, width: usize) -> Vec<f32> {
        let mut values = numbers(patches);
        centre(&mut values, width);
        self.whiten(&mut values);
        values
    }

    /// Returns an error where this whitening is not the one that rows ask for, or is of rows of
    /// another width.
    pub(crate) fn expect(&self, data: &Dataset) -> Result<()> {
        self.check(data.features())?;
        let same = matches!(
            (self, data.whitening),
            (Self::Squash { .. }, Whitening::LowPass) | (Self::Turn { .. }, Whitening::Zca(_))
        );
        if same {
            return Ok(());
        }
        Err(Error::shape(
            format!("patches of {}", data.name),
            format!("such as are to be whitened by {}", data.whitening),
            format!("{}, as in training", self.how()),
        ))
    }

    /// How patches are to be cut for this whitening.
    pub fn how(&self) -> Whitening {
        match self {
            Self::Squash { .. } => Whitening::LowPass,
            Self::Turn { .. } => Whitening::ZCA,
        }
    }

    /// An error where this is no whitening of rows of so many numbers.
    pub fn check(&self, width: usize) -> Result<()> {
        let fits = match self {
            Self::Squash { most } => *most > 0.0 && most.is_finite(),
            Self::Turn { mean, matrix } => {
                mean.len() == width && matrix.len() == width.saturating_mul(width)
            }
        };
        if fits {
            return Ok(());
        }
        Err(Error::shape("whitening", format!("rows of {width}"), "rows as in training"))
    }

    fn whiten(&self, values: &mut [f32]) {
        match self {
            Self::Squash { most } => values.iter_mut().for_each(|value| {
                *value = (value.clamp(-most, *most) / most + 1.0) * 0.4 + 0.1;
            }),
            Self::Turn { mean, matrix } => {
                let mut turned = vec![0f32; mean.len()];
                for patch in values.chunks_exact_mut(mean.len()) {
                    for (out, line) in turned.iter_mut().zip(matrix.chunks_exact(mean.len())) {
                        let centred = patch.iter().zip(mean).map(|(pixel, mean)| pixel - mean);
                        let products = line.iter().zip(centred);
                        let sum: f64 = products.map(|(a, b)| f64::from(*a) * f64::from(b)).sum();
                        *out = sum as f32;
                    }
                    patch.copy_from_slice(&turned);
                }
            }
        }
    }
}

fn numbers(values: &Values) -> Vec<f32> {
    (0..values.len()).map(|at| values.get(at) as f32).collect()
}

/// Takes each patch's mean away.
fn centre(values: &mut [f32], width: usize) {
    for patch in values.chunks_exact_mut(width) {
        let mean = (patch.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / width as f64) as f32;
        patch.iter_mut().for_each(|pixel| *pixel -= mean);
    }
}

/// Three standard deviations of numbers around zero.
fn three_deviations(values: &[f32]) -> f32 {
    let squares = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    let deviation = (squares / values.len().max(1) as f64).sqrt();
    (3.0 * deviation).max(f64::from(f32::MIN_POSITIVE)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::{Rng, Shape};

    /// Patches of six by five pixels, in which neighbours are alike.
    fn patches(whitening: Whitening, seed: u64) -> Dataset {
        let mut rng = Rng::new(seed);
        let mut values = Vec::new();
        for _ in 0..3000 {
            let [a, b, c] = [0; 3].map(|_| rng.standard_normal());
            for at in 0..30usize {
                let (x, y) = ((at % 6) as f32 / 6.0, (at / 6) as f32 / 5.0);
                values.push(128.0 + 30.0 * (a * x + b * y + c) + 2.0 * rng.standard_normal());
            }
        }
        let shape = Shape::Image { height: 5, width: 6, channels: 1 };
        let data = Dataset::new("patches", shape, Values::F32(values)).unwrap();
        Dataset { whitening, ..data }
    }

    fn whitened(data: &Dataset, whiten: &Whiten) -> Vec<f32> {
        numbers(&whiten.apply(data).unwrap().gather(0..data.rows()).unwrap())
    }

    #[test]
    fn after_zca_the_covariance_is_nearly_the_identity() {
        let data = patches("zca:1e-6".parse().unwrap(), 1);
        let all: Vec<usize> = (0..data.rows()).collect();
        let whiten = Whiten::fit(&data, &all).unwrap().unwrap();
        let (_, _, variances, _) = principal(&whitened(&data, &whiten), 30, 30);
        // All directions but the mean of a patch, which is gone.
        assert!(
            variances[..29].iter().all(|variance| (variance - 1.0).abs() < 0.1),
            "{variances:?}"
        );
    }

    #[test]
    fn a_low_pass_ends_between_a_tenth_and_nine() {
        let data = patches(Whitening::LowPass, 1);
        let whiten = Whiten::fit(&data, &(0..3000).collect::<Vec<_>>()).unwrap().unwrap();
        let values = whitened(&data, &whiten);
        assert!(values.iter().all(|value| (0.0999..=0.9001).contains(value)));
        assert_eq!(whiten.apply(&data).unwrap().full_scale, Some(1.0));
    }

    #[test]
    fn other_rows_go_through_what_was_fitted_and_rows_alone_as_among_others() {
        for how in ["lowpass", "zca"] {
            let (seen, new) = (patches(how.parse().unwrap(), 1), patches(how.parse().unwrap(), 2));
            let whiten = Whiten::fit(&seen, &(0..2000).collect::<Vec<_>>()).unwrap().unwrap();
            let (all, one) = (whitened(&new, &whiten), new.select(&[17]).unwrap());
            assert_eq!(whitened(&one, &whiten), all[17 * 30..18 * 30], "{how}");
            let json = serde_json::to_string(&whiten).unwrap();
            assert_eq!(serde_json::from_str::<Whiten>(&json).unwrap(), whiten, "{how}");
        }
    }

    #[test]
    fn patches_without_any_contrast_stay_numbers() {
        for how in ["lowpass", "zca"] {
            let shape = Shape::Image { height: 2, width: 2, channels: 1 };
            let black = Dataset::new("black", shape, Values::F32(vec![0.0; 40])).unwrap();
            let black = Dataset { whitening: how.parse().unwrap(), ..black };
            let whiten = Whiten::fit(&black, &(0..10).collect::<Vec<_>>()).unwrap().unwrap();
            assert!(whitened(&black, &whiten).iter().all(|value| value.is_finite()), "{how}");
        }
    }
}
