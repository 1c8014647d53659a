//! How patches of photographs are whitened: what a reader asks for and a model fits.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How neighbouring pixels are made to say different things, as written on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Whitening {
    /// `none`: pixels as they are, 0 to 255.
    #[default]
    None,
    /// `lowpass`: each photograph as a whole: its frequencies `f`, of which natural images have the
    /// less the higher they are, times `f exp(-(f / f0)^4)` with `f0` 0.4 cycles a pixel, so that
    /// noise is not blown up (Olshausen and Field 1997). Then each patch less its mean, cut at
    /// three standard deviations of all, and brought to 0.1 to 0.9.
    LowPass,
    /// `zca`, `zca:E`: each patch less its mean, then all of them turned so that their covariance
    /// is nearly the identity: with its eigenvectors `U` and values `s` by `U diag(1 / √(s + E))
    /// Uᵀ`, the values over their mean, E 0.1 by default (Bell and Sejnowski 1997).
    Zca(f64),
}

impl Whitening {
    /// `zca` with E as it is by default.
    pub const ZCA: Self = Self::Zca(0.1);
}

impl FromStr for Whitening {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "lowpass" => Ok(Self::LowPass),
            None if text == "zca" => Ok(Self::ZCA),
            Some(("zca", epsilon)) => match epsilon.parse::<f64>() {
                Ok(epsilon) if (1e-9..=1e3).contains(&epsilon) => Ok(Self::Zca(epsilon)),
                _ => Err(Error::setting(
                    "whiten",
                    text,
                    "zca:E with E from 1e-9 to 1000, as in zca:0.1",
                )),
            },
            _ => Err(Error::unknown("whitening", text, ["none", "lowpass", "zca", "zca:E"])),
        }
    }
}

crate::as_text!(Whitening);

impl fmt::Display for Whitening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::LowPass => f.write_str("lowpass"),
            Self::Zca(epsilon) => write!(f, "zca:{epsilon}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitening_is_read_and_written_as_text() {
        for text in ["none", "lowpass", "zca:0.1", "zca:0.01"] {
            assert_eq!(text.parse::<Whitening>().unwrap().to_string(), text);
        }
        for text in ["zca:0", "zca:x", "pca", "lowpass:3"] {
            assert!(text.parse::<Whitening>().is_err(), "{text}");
        }
    }
}
