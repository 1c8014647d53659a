//! Optimisers and schedules by name.

use rows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The optimisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Adam, or with weight decay AdamW: β₁ 0.9, β₂ 0.999, ε 1e-8.
    #[default]
    Adam,
    /// Gradient descent with momentum.
    Sgd,
    /// `lbfgs`: limited-memory BFGS on all training rows at once, an epoch a step. Noise and draws
    /// are the same at every step, because the loss must be one function; rate, schedule and batch
    /// say nothing, weight decay, clipping and warm-up are refused.
    Lbfgs,
}

/// Step size over the epochs, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// `constant`
    Constant,
    /// `cosine`: from the full rate to zero along half a cosine (Loshchilov and Hutter 2017).
    #[default]
    Cosine,
    /// `step:EVERY,FACTOR`: times the factor each so many epochs.
    Step {
        /// Epochs.
        every: usize,
        /// Factor.
        factor: f64,
    },
    /// `plateau:PATIENCE,FACTOR`: times the factor when so many epochs brought no better validation
    /// loss.
    Plateau {
        /// Epochs.
        patience: usize,
        /// Factor.
        factor: f64,
    },
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let pair = || {
            let wanted = || {
                Error::setting(
                    "schedule",
                    text,
                    format!("{kind}:EPOCHS,FACTOR with a factor below 1, as in {kind}:10,0.5"),
                )
            };
            let (epochs, factor) = rest.split_once(',').ok_or_else(wanted)?;
            let epochs = epochs
                .trim()
                .parse::<usize>()
                .ok()
                .filter(|epochs| *epochs > 0)
                .ok_or_else(wanted)?;
            let factor = factor
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|factor| *factor > 0.0 && *factor < 1.0)
                .ok_or_else(wanted)?;
            Ok::<_, Error>((epochs, factor))
        };
        match kind {
            "constant" if rest.is_empty() => Ok(Self::Constant),
            "cosine" if rest.is_empty() => Ok(Self::Cosine),
            "step" => pair().map(|(every, factor)| Self::Step { every, factor }),
            "plateau" => pair().map(|(patience, factor)| Self::Plateau { patience, factor }),
            _ => Err(Error::unknown(
                "schedule",
                text,
                ["constant", "cosine", "step:EVERY,FACTOR", "plateau:PATIENCE,FACTOR"],
            )),
        }
    }
}

rows::as_text!(Schedule);

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine => f.write_str("cosine"),
            Self::Step { every, factor } => write!(f, "step:{every},{factor}"),
            Self::Plateau { patience, factor } => write!(f, "plateau:{patience},{factor}"),
        }
    }
}

impl Schedule {
    /// The factor on the step size after `epochs` of `total`; `reductions` is how often a plateau
    /// was met.
    pub fn factor(self, epochs: f64, total: usize, warm_up: f64, reductions: u32) -> f64 {
        let factor = match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                0.5 * (1.0 + (std::f64::consts::PI * (epochs / total as f64).min(1.0)).cos())
            }
            Self::Step { every, factor } => factor.powi((epochs / every as f64) as i32),
            Self::Plateau { factor, .. } => factor.powi(reductions as i32),
        };
        // The first step of a warm-up is small but not zero.
        let warming = if warm_up > 0.0 { ((epochs + 1e-3) / warm_up).min(1.0) } else { 1.0 };
        factor * warming
    }
}
