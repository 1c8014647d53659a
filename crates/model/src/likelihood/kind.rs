//! What a reconstruction error is.

use crate::prepare::scale::Bounds;
use burn_tensor::Tensor;
use kernels::{Activation, RowLoss, activate, row_loss};
use rows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, PI};
use std::fmt;
use std::str::FromStr;

/// The likelihood of a row given the decoder's output, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Likelihood {
    /// Chosen from the data and the family.
    #[default]
    Auto,
    /// `gaussian`: squared error, `Σ (x - x̂)²`; up to a constant the negative log-likelihood at
    /// variance one half.
    Gaussian,
    /// `gaussian:V`: negative log-likelihood at variance V, `Σ ½ (x - x̂)² / V + ½ ln(2π V)`.
    GaussianFixed(f64),
    /// `gaussian:learned`: the same with one variance for all features, trained with the weights
    /// (Rybkin et al. 2021).
    GaussianLearned,
    /// `bernoulli`: cross-entropy of data between 0 and 1, `-Σ x ln x̂ + (1 - x) ln(1 - x̂)`.
    Bernoulli,
    /// `laplace`: absolute error, `Σ |x - x̂|`; robust against outliers.
    Laplace,
}

impl FromStr for Likelihood {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None => match text {
                "auto" => Ok(Self::Auto),
                "gaussian" => Ok(Self::Gaussian),
                "bernoulli" => Ok(Self::Bernoulli),
                "laplace" => Ok(Self::Laplace),
                _ => Err(Error::unknown(
                    "likelihood",
                    text,
                    [
                        "auto",
                        "gaussian",
                        "gaussian:VARIANCE",
                        "gaussian:learned",
                        "bernoulli",
                        "laplace",
                    ],
                )),
            },
            Some(("gaussian", "learned")) => Ok(Self::GaussianLearned),
            Some(("gaussian", variance)) => match variance.parse::<f64>() {
                Ok(variance) if (1e-6..=1e6).contains(&variance) => {
                    Ok(Self::GaussianFixed(variance))
                }
                _ => Err(Error::setting(
                    "likelihood",
                    text,
                    "gaussian:V with a variance V from 1e-6 to 1e6, or gaussian:learned",
                )),
            },
            Some(_) => {
                Err(Error::unknown("likelihood", text, ["gaussian:VARIANCE", "gaussian:learned"]))
            }
        }
    }
}

rows::as_text!(Likelihood);

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Gaussian => f.write_str("gaussian"),
            Self::GaussianFixed(variance) => write!(f, "gaussian:{variance}"),
            Self::GaussianLearned => f.write_str("gaussian:learned"),
            Self::Bernoulli => f.write_str("bernoulli"),
            Self::Laplace => f.write_str("laplace"),
        }
    }
}

impl Likelihood {
    /// The activation of the decoder's last layer: logits for Bernoulli, else what keeps the output
    /// in the data's range.
    pub fn output_activation(self, range: Bounds) -> Activation {
        match (self, range) {
            (Self::Bernoulli, _) | (_, Bounds::Real) => Activation::Identity,
            (_, Bounds::Unit) => Activation::Sigmoid,
        }
    }

    /// What the loss of each number leaves out of its negative log-likelihood, as it depends on
    /// nothing: `½ ln π` of `gaussian`, `ln 2` of `laplace`, nothing of the others.
    pub fn constant(self) -> f64 {
        match self {
            Self::Auto | Self::Gaussian => 0.5 * PI.ln(),
            Self::Laplace => LN_2,
            Self::GaussianFixed(_) | Self::GaussianLearned | Self::Bernoulli => 0.0,
        }
    }

    /// The loss of each row [rows, 1], summed over features.
    ///
    /// `log_variance` [1, 1] is the learned one, where there is one.
    pub fn rows(
        self,
        output: Tensor<2>,
        target: Tensor<2>,
        log_variance: Option<Tensor<2>>,
    ) -> Tensor<2> {
        self.rows_of(output, target, log_variance, None)
    }

    /// The same of the features alone whose `mask` [rows, features] is 1, where others have 0.
    pub fn rows_masked(
        self,
        output: Tensor<2>,
        target: Tensor<2>,
        log_variance: Option<Tensor<2>>,
        mask: &Tensor<2>,
    ) -> Tensor<2> {
        let features = output.dims()[1] as f64;
        let known = mask.clone().sum_dim(1);
        let (output, target) = (output * mask.clone(), target * mask.clone());
        let losses = self.rows_of(output, target, log_variance, Some(known.clone()));
        if self == Self::Bernoulli {
            // A logit of zero is as surprised by zero as by one.
            return losses - (known.neg() + features) * LN_2;
        }
        losses
    }

    /// The same, where `known` [rows, 1] tells how many features of each row count: those that do
    /// not are equal in output and target.
    pub fn rows_of(
        self,
        output: Tensor<2>,
        target: Tensor<2>,
        log_variance: Option<Tensor<2>>,
        known: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let features = output.dims()[1] as f64;
        // What each feature adds beside its error.
        let each = |constant: Tensor<2>| match known.clone() {
            Some(known) => known * constant,
            None => constant * features,
        };
        match self {
            Self::Auto | Self::Gaussian => row_loss(output, target, RowLoss::Squared),
            // A product, because the engine rounds the factor of a division's gradient to single
            // precision.
            Self::GaussianFixed(variance) => {
                let constant = Tensor::full(
                    [1, 1],
                    0.5 * (2.0 * PI * variance).ln(),
                    (&output.device(), output.dtype()),
                );
                row_loss(output, target, RowLoss::Squared) * (0.5 / variance) + each(constant)
            }
            Self::GaussianLearned => {
                let squared = row_loss(output.clone(), target, RowLoss::Squared);
                let log_variance = log_variance
                    .unwrap_or_else(|| Tensor::zeros([1, 1], (&output.device(), output.dtype())));
                // Bounded below, or data that is reconstructed perfectly would drive the variance
                // to zero and the loss to minus infinity.
                let log_variance = log_variance.clamp(-12.0, 12.0);
                squared * log_variance.clone().neg().exp() * 0.5
                    + each((log_variance + (2.0 * PI).ln()) * 0.5)
            }
            Self::Bernoulli => row_loss(output, target, RowLoss::BernoulliLogits),
            Self::Laplace => row_loss(output, target, RowLoss::Absolute),
        }
    }

    /// The expected row [rows, features] from the decoder's output.
    pub fn mean(self, output: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Bernoulli => activate(output, Activation::Sigmoid),
            _ => output,
        }
    }
}
