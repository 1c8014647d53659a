//! Importance-weighted autoencoder: a variational one whose bound takes several codes for each row,
//! the likely ones most.
//!
//! Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", ICLR 2016.

use crate::config::{Auto, Plan};
use crate::family::{Batch, Code, Entry, Family, Terms, check_distribution};
use crate::layer::Pass;
use crate::likelihood::Likelihood;
use crate::noise::Draw;
use crate::parts::Parts;
use crate::vars::Values;
use autoencoders_kernels::{LOG_VARIANCE, draw_normal};
use burn::tensor::{DType, Tensor};
use rows::{Error, Result, Rng};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry =
    Entry::of::<Iwae>("iwae", "Importance-weighted autoencoder", "Burda et al. 2016");

/// Parameters of the importance-weighted autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Iwae {
    /// Codes drawn for each row; with 1 it is the variational autoencoder. A step costs as many
    /// times more.
    pub samples: usize,
}

impl Default for Iwae {
    fn default() -> Self {
        Self { samples: 5 }
    }
}

impl Family for Iwae {
    fn auto(&self, auto: &mut Auto) {
        if auto.likelihood == Likelihood::Gaussian {
            auto.likelihood = Likelihood::GaussianLearned;
        }
    }

    fn check(&self, plan: &Plan) -> Result<()> {
        if !(1..=1000).contains(&self.samples) {
            return Err(Error::setting("samples", self.samples, "a whole number from 1 to 1000"));
        }
        check_distribution(plan)
    }

    fn head(&self, latent: usize) -> usize {
        2 * latent
    }

    fn directions(&self, _: &Plan) -> usize {
        self.samples
    }

    fn code(&self, _: &Parts, _: &Values, h: Tensor<2>, pass: &mut Pass) -> Result<Code> {
        Ok(Code::normal(h, pass))
    }

    /// `-ln 1/k Σ_i p(x, z_i) / q(z_i | x)`; the part called reconstruction is the mean of `-ln p(x
    /// | z_i)`, and what the rest of the bound adds is called kl, which with one sample it
    /// estimates.
    fn loss(
        &self,
        parts: &Parts,
        values: &Values,
        batch: &Batch,
        pass: &mut Pass,
    ) -> Result<Option<Terms>> {
        let h = parts.network.encode(values, batch.input.clone(), pass);
        let ([rows, width], samples) = (h.dims(), self.samples);
        // All draws of a row stand together.
        let repeat = |x: Tensor<2>| {
            let columns = x.dims()[1];
            x.unsqueeze_dim::<3>(1).repeat_dim(1, samples).reshape([rows * samples, columns])
        };
        let posterior = repeat(h);
        let shape = [rows * samples, width / 2];
        let noise = match pass.sampling {
            true => pass.rng.split("posterior").normal(
                shape,
                &posterior.device().inner(),
                posterior.dtype(),
            ),
            false => Tensor::zeros(shape, (&posterior.device().inner(), posterior.dtype())),
        };
        let z = draw_normal(posterior.clone(), noise.clone());
        let output = parts.network.decode(values, z.clone(), pass);
        let losses = parts.row_losses(values, output, repeat(batch.target.clone()));
        let log_variance =
            posterior.narrow(1, width / 2, width / 2).clamp(-LOG_VARIANCE, LOG_VARIANCE);
        // ln q - ln p of the code: the constants of both cancel.
        let surprise = (z.square() - noise.square() - log_variance).sum_dim(1) * 0.5;
        let reconstruction = losses.clone().reshape([rows, samples]).mean_dim(1);
        let weights = (losses + surprise).neg().reshape([rows, samples]);
        let largest = weights.clone().detach().max_dim(1);
        let bound = (weights - largest.clone()).exp().mean_dim(1).log() + largest;
        // Rows that are left out for their errors are left out of the whole bound.
        let [errors, whole] = parts.means_over_rows([reconstruction, bound.neg()])?;
        let mut terms = Terms::one("reconstruction", 1.0, errors.clone());
        terms.0.extend(Terms::one("kl", 1.0, whole - errors).0);
        Ok(Some(terms))
    }

    fn prior(&self, plan: &Plan, n: usize, rng: &mut Rng) -> Option<Tensor<2>> {
        Some(rng.normal([n, plan.config.latent], &Default::default(), DType::F32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::Flow;
    use crate::tensors::read as numbers;
    use crate::train::fit;
    use readers::{ReadOptions, read};

    #[test]
    fn the_loss_of_a_row_is_minus_the_logarithm_of_the_mean_weight_of_its_different_draws() {
        let data = read("digits", &ReadOptions::default()).unwrap();
        let config = Config {
            family: "iwae".to_owned(),
            latent: 4,
            likelihood: "bernoulli".parse().unwrap(),
            epochs: Some(2),
            ..Config::default()
        };
        let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
        let (parts, values) = (&model.parts, model.vars.leaves(|_| false));
        let x = model.preparation.on(&data).unwrap().tensor([7].into_iter()).unwrap();
        let noise = numbers(Rng::new(3).split("posterior").normal([5, 4], &x.device(), DType::F32))
            .unwrap();
        let code =
            numbers(parts.network.encode(&values, x.clone(), &mut Pass::training(Rng::new(3))))
                .unwrap();
        let weight = |noise: &[f32]| {
            let z: Vec<f32> =
                (0..4).map(|at| code[at] + (0.5 * code[4 + at]).exp() * noise[at]).collect();
            let z = Tensor::<2>::from_data(burn::tensor::TensorData::new(z, [1, 4]), &x.device());
            let drawn = numbers(z.clone()).unwrap();
            let output = parts.network.decode(&values, z, &mut Pass::training(Rng::new(3)));
            let loss = f64::from(numbers(parts.row_losses(&values, output, x.clone())).unwrap()[0]);
            // ln p(z) - ln q(z | x), each without its ½ ln 2π.
            let codes: f64 = (0..4)
                .map(|at| {
                    f64::from(
                        -0.5 * drawn[at].powi(2) + 0.5 * noise[at].powi(2) + 0.5 * code[4 + at],
                    )
                })
                .sum();
            (codes - loss).exp()
        };
        let weights: Vec<f64> = noise.chunks_exact(4).map(weight).collect();
        let wanted = -(weights.iter().sum::<f64>() / 5.0).ln();
        let batch = Batch { input: x.clone(), target: x.clone() };
        let terms = Iwae::default()
            .loss(parts, &values, &batch, &mut Pass::training(Rng::new(3)))
            .unwrap()
            .unwrap();
        let got = terms.sum().unwrap().into_scalar::<f64>();
        let spread = weights.iter().fold(0.0f64, |most, weight| most.max(*weight))
            / weights.iter().fold(f64::INFINITY, |least, weight| least.min(*weight));
        assert!((got - wanted).abs() < 1e-3 && spread > 1.5, "{got} {wanted} {spread}");
    }
}
