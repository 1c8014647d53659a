//! What is made of a trained model: one section of the settings.

use model::within;
use rows::{Error, Result, settings};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

settings! {
    $ after_settings
    /// What is made of a trained model.
    pub struct AfterSettings {
        /// Density fitted to the codes, for generating: auto, none, gaussian or mixture:N.
        density: DensityChoice = DensityChoice::Auto, "DENSITY";
        /// Models of an ensemble, whose anomaly scores are averaged: each starts from other weights
        /// and sees other columns of a table.
        members: usize = 1, "N";
    }
}

impl AfterSettings {
    /// Refuses what makes no sense, for a code of so many numbers.
    pub fn check(&self, latent: usize) -> Result<()> {
        within("members", self.members, 1, 100)?;
        self.density.to_string().parse::<DensityChoice>()?;
        let wide = matches!(self.density, DensityChoice::Gaussian | DensityChoice::Mixture(_));
        if latent > 2048 && wide {
            let wanted =
                "none for codes of more than 2048 numbers: a covariance has the square of that";
            return Err(Error::setting("density", self.density, wanted));
        }
        Ok(())
    }
}

/// Which density is fitted, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DensityChoice {
    /// A mixture of ten for codes of at most 32 numbers, one Gaussian for wider ones, none above
    /// 2,048.
    #[default]
    Auto,
    /// `none`
    None,
    /// `gaussian`
    Gaussian,
    /// `mixture:N`
    Mixture(usize),
}

impl FromStr for DensityChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "none" => Ok(Self::None),
            None if text == "gaussian" => Ok(Self::Gaussian),
            Some(("mixture", count)) => match count.parse() {
                Ok(count) if (1..=1000).contains(&count) => Ok(Self::Mixture(count)),
                _ => Err(Error::setting("density", text, "mixture:N with 1 to 1000 components")),
            },
            _ => Err(Error::unknown("density", text, ["auto", "none", "gaussian", "mixture:10"])),
        }
    }
}

rows::as_text!(DensityChoice);

impl fmt::Display for DensityChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Gaussian => f.write_str("gaussian"),
            Self::Mixture(count) => write!(f, "mixture:{count}"),
        }
    }
}
