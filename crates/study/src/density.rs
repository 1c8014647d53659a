//! A density on the codes of any trained family, so that every decoder can generate.

use crate::settings::DensityChoice;
use faer::Mat;
use model::{Attachment, Model, Section, cholesky, vector};
use rows::{Error, Result, Rng};
use serde_json::json;

/// A mixture of Gaussians with full covariances; a single Gaussian is a mixture of one.
///
/// Numbers are f32 in row order, as the file stores them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Density {
    /// Numbers in a code.
    pub latent: usize,
    /// The components' weights, which sum to one.
    pub weights: Vec<f32>,
    /// [components, latent]
    pub means: Vec<f32>,
    /// Lower Cholesky factors of the covariances [components, latent, latent].
    pub factors: Vec<f32>,
    /// The smallest code seen `[latent]`; draws are kept between this and `high`.
    pub low: Vec<f32>,
    /// The largest code seen `[latent]`.
    pub high: Vec<f32>,
}

/// Rows that a mixture is fitted on at most: its cost grows with rows x components x latent².
pub const MOST_ROWS: usize = 5_000;
/// Rounds of expectation and maximisation at most.
const ROUNDS: usize = 50;

impl Density {
    /// Fits a density on codes [rows, latent]; none where the choice is none or there are fewer
    /// than two rows.
    pub fn fit(choice: DensityChoice, codes: &[f32], latent: usize, rng: &Rng) -> Option<Self> {
        let rows = codes.len() / latent.max(1);
        let components = match choice {
            DensityChoice::None => return None,
            // A covariance has the square of the latent numbers.
            DensityChoice::Auto if latent > 2048 => return None,
            DensityChoice::Gaussian => 1,
            DensityChoice::Mixture(count) => count,
            DensityChoice::Auto if latent > 32 => 1,
            DensityChoice::Auto => 10,
        };
        if rows < 2 || codes.iter().any(|code| !code.is_finite()) {
            return None;
        }
        let mut rng = rng.split("density");
        let chosen: Vec<usize> = if rows > MOST_ROWS {
            rng.permutation(rows)[..MOST_ROWS].to_vec()
        } else {
            (0..rows).collect()
        };
        let points: Vec<&[f32]> =
            chosen.iter().map(|row| &codes[row * latent..][..latent]).collect();
        // A component of fewer than five rows describes those rows, not the data.
        let mixture =
            Mixture::fit(&points, latent, components.min(points.len() / 5).max(1), &mut rng);
        let extreme = |pick: fn(f32, f32) -> f32, start| {
            (0..latent)
                .map(|unit| points.iter().fold(start, |found, point| pick(found, point[unit])))
                .collect()
        };
        Some(Self {
            latent,
            weights: mixture.weights.iter().map(|w| *w as f32).collect(),
            means: mixture.means.iter().flatten().map(|m| *m as f32).collect(),
            factors: mixture
                .factors
                .iter()
                .flat_map(|f| (0..latent * latent).map(|at| f[(at / latent, at % latent)] as f32))
                .collect(),
            low: extreme(f32::min, f32::INFINITY),
            high: extreme(f32::max, f32::NEG_INFINITY),
        })
    }

    /// Components of the mixture.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// Draws `n` codes [n, latent].
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Vec<f32> {
        let latent = self.latent;
        let mut out = Vec::with_capacity(n * latent);
        for _ in 0..n {
            let mut left = rng.unit();
            let component = self
                .weights
                .iter()
                .position(|w| {
                    left -= w;
                    left < 0.0
                })
                .unwrap_or(self.weights.len() - 1);
            let noise: Vec<f32> = (0..latent).map(|_| rng.standard_normal()).collect();
            for unit in 0..latent {
                let factor = &self.factors[(component * latent + unit) * latent..][..latent];
                let moved: f32 = factor[..=unit].iter().zip(&noise).map(|(f, e)| f * e).sum();
                // Kept within what was seen, so that a rectified or sigmoid code never leaves its
                // range.
                out.push(
                    (self.means[component * latent + unit] + moved)
                        .clamp(self.low[unit], self.high[unit]),
                );
            }
        }
        out
    }
}

struct Mixture {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    factors: Vec<Mat<f64>>,
}

impl Mixture {
    /// Expectation-maximisation (Dempster et al. 1977) from centres spread as k-means++ spreads
    /// them (Arthur and Vassilvitskii 2007).
    fn fit(points: &[&[f32]], latent: usize, components: usize, rng: &mut Rng) -> Self {
        let centres = spread_centres(points, components, rng);
        let mut shares: Vec<Vec<f64>> = points
            .iter()
            .map(|point| {
                let nearest = (0..components)
                    .min_by(|a, b| {
                        distance(point, centres[*a]).total_cmp(&distance(point, centres[*b]))
                    })
                    .unwrap_or(0);
                (0..components).map(|c| f64::from(u8::from(c == nearest))).collect()
            })
            .collect();
        // A component that finds a single row must not shrink onto it: a share of the whole spread
        // is added to each.
        let ridge = spread(points, latent) * if components > 1 { 1e-3 } else { 1e-6 };
        let mut mixture = Self::maximise(points, latent, &shares, components, ridge);
        if components == 1 {
            return mixture;
        }
        let mut last = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let likelihood = mixture.expect(points, latent, &mut shares);
            mixture = Self::maximise(points, latent, &shares, components, ridge);
            if likelihood - last < 1e-4 {
                break;
            }
            last = likelihood;
        }
        mixture
    }

    fn maximise(
        points: &[&[f32]],
        latent: usize,
        shares: &[Vec<f64>],
        components: usize,
        ridge: f64,
    ) -> Self {
        let mut mixture = Self { weights: Vec::new(), means: Vec::new(), factors: Vec::new() };
        for c in 0..components {
            let total: f64 = shares.iter().map(|share| share[c]).sum::<f64>().max(1e-12);
            let mut mean = vec![0.0; latent];
            for (point, share) in points.iter().zip(shares).filter(|(_, share)| share[c] > 1e-9) {
                mean.iter_mut()
                    .zip(*point)
                    .for_each(|(m, p)| *m += share[c] * f64::from(*p) / total);
            }
            // As one product of matrices: rows times rows, weighted.
            let centred = Mat::from_fn(points.len(), latent, |row, unit| {
                (f64::from(points[row][unit]) - mean[unit]) * (shares[row][c] / total).sqrt()
            });
            let covariance = centred.transpose() * &centred;
            mixture.weights.push(total / points.len() as f64);
            mixture.factors.push(cholesky(covariance, latent, ridge));
            mixture.means.push(mean);
        }
        mixture
    }

    /// Fills in each point's shares and returns the mean log-likelihood.
    fn expect(&self, points: &[&[f32]], latent: usize, shares: &mut [Vec<f64>]) -> f64 {
        let constants: Vec<f64> = (0..self.weights.len())
            .map(|c| {
                self.weights[c].max(1e-300).ln()
                    - (0..latent).map(|unit| self.factors[c][(unit, unit)].ln()).sum::<f64>()
            })
            .collect();
        let mut total = 0.0;
        let mut solved = vec![0.0; latent];
        for (point, share) in points.iter().zip(shares) {
            for (c, share) in share.iter_mut().enumerate() {
                let factor = &self.factors[c];
                for unit in 0..latent {
                    let known: f64 = (0..unit).map(|k| factor[(unit, k)] * solved[k]).sum();
                    solved[unit] = (f64::from(point[unit]) - self.means[c][unit] - known)
                        / factor[(unit, unit)];
                }
                *share = constants[c] - 0.5 * solved.iter().map(|s| s * s).sum::<f64>();
            }
            let highest = share.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = share.iter().map(|s| (s - highest).exp()).sum();
            total += highest + sum.ln();
            share.iter_mut().for_each(|s| *s = (*s - highest).exp() / sum);
        }
        total / points.len() as f64
    }
}

/// The mean variance of a unit over all points.
fn spread(points: &[&[f32]], latent: usize) -> f64 {
    let count = points.len() as f64;
    let variance = |unit: usize| {
        let mean = points.iter().map(|point| f64::from(point[unit])).sum::<f64>() / count;
        points.iter().map(|point| (f64::from(point[unit]) - mean).powi(2)).sum::<f64>() / count
    };
    (0..latent).map(variance).sum::<f64>() / latent as f64
}

fn spread_centres<'a>(points: &[&'a [f32]], components: usize, rng: &mut Rng) -> Vec<&'a [f32]> {
    let mut centres = vec![points[rng.below(points.len())]];
    let mut nearest: Vec<f64> = points.iter().map(|point| distance(point, centres[0])).collect();
    while centres.len() < components {
        let mut left = f64::from(rng.unit()) * nearest.iter().sum::<f64>();
        let next = nearest
            .iter()
            .position(|d| {
                left -= d;
                left <= 0.0
            })
            .unwrap_or(0);
        centres.push(points[next]);
        nearest
            .iter_mut()
            .zip(points)
            .for_each(|(d, point)| *d = d.min(distance(point, points[next])));
    }
    centres
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

impl Attachment for Density {
    const NAME: &'static str = "density";
    const WHAT: &'static str = "density on codes";

    fn store(&self) -> Result<Section> {
        let (k, n) = (self.components(), self.latent);
        let mut section = Section::new(&json!({}));
        section.add("weights", &self.weights, &[k]);
        section.add("means", &self.means, &[k, n]);
        section.add("factors", &self.factors, &[k, n, n]);
        section.add("low", &self.low, &[n]);
        section.add("high", &self.high, &[n]);
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let damaged = |why: &str| Error::model("", why);
        let (latent, mut tensors) = (model.latent(), section.tensors.clone());
        let weights = vector(&mut tensors, "weights", &[None])?.values;
        let k = Some(weights.len()).filter(|k| *k > 0);
        let k = k.ok_or_else(|| damaged("a density without components"))?;
        let mut of = |name: &str, shape: &[usize]| {
            let shape: Vec<Option<usize>> = shape.iter().map(|side| Some(*side)).collect();
            vector(&mut tensors, name, &shape).map(|entry| entry.values)
        };
        let density = Self {
            latent,
            means: of("means", &[k, latent])?,
            factors: of("factors", &[k, latent, latent])?,
            low: of("low", &[latent])?,
            high: of("high", &[latent])?,
            weights,
        };
        if density.low.iter().zip(&density.high).any(|(low, high)| low > high) {
            return Err(damaged("its density has bounds the wrong way round"));
        }
        Ok(density)
    }
}
