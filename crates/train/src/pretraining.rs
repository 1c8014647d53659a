//! How layers are made ready one after the other, by name.

use rows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the layers of a dense network are made ready, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pretraining {
    /// `none`: not at all.
    #[default]
    None,
    /// `greedy`: each layer as a shallow autoencoder of the same family; of a family whose code is
    /// a distribution, the layers below the code as plain ones.
    Greedy,
    /// `rbm`, `rbm:K`, `rbm:persistent`: each layer as a restricted Boltzmann machine
    /// ([`Rbm`](crate::rbm::Rbm)) with K steps of contrastive divergence, or with a chain that goes on.
    Rbm {
        /// Steps of Gibbs sampling.
        steps: usize,
        /// Whether the chain goes on from batch to batch.
        persistent: bool,
    },
}

impl FromStr for Pretraining {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rbm = |steps: &str| match steps.parse::<usize>() {
            Ok(steps) if (1..=1000).contains(&steps) => Ok(Self::Rbm { steps, persistent: false }),
            _ => Err(Error::setting(
                "pretrain",
                text,
                "rbm:K with K from 1 to 1000, or rbm:persistent",
            )),
        };
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "greedy" => Ok(Self::Greedy),
            None if text == "rbm" => Ok(Self::Rbm { steps: 1, persistent: false }),
            Some(("rbm", "persistent")) => Ok(Self::Rbm { steps: 1, persistent: true }),
            Some(("rbm", steps)) => rbm(steps),
            _ => Err(Error::unknown(
                "pretraining",
                text,
                ["none", "greedy", "rbm", "rbm:K", "rbm:persistent"],
            )),
        }
    }
}

rows::as_text!(Pretraining);

impl fmt::Display for Pretraining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Greedy => f.write_str("greedy"),
            Self::Rbm { steps: 1, persistent: false } => f.write_str("rbm"),
            Self::Rbm { persistent: true, .. } => f.write_str("rbm:persistent"),
            Self::Rbm { steps, .. } => write!(f, "rbm:{steps}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretraining_is_read_and_written_as_text() {
        for text in ["none", "greedy", "rbm", "rbm:5", "rbm:persistent"] {
            assert_eq!(text.parse::<Pretraining>().unwrap().to_string(), text);
        }
        for text in ["rbm:0", "rbm:x", "greedy:3", "stack", ""] {
            assert!(text.parse::<Pretraining>().is_err(), "{text}");
        }
    }
}
