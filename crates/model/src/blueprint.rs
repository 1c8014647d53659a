//! A network described as data.

use crate::likelihood::kind::Likelihood;
use crate::prepare::layout::Layout;
use crate::prepare::scale::Bounds;
use kernels::{Activation, Geometry};
use rows::{Error, Result, Shape};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The network, as written on the command line and in files: `auto`, `linear`, `mlp:512,256`,
/// `shallow`, `conv:32,64`, `maps:32,64`.
///
/// The decoder mirrors the encoder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Net {
    /// Chosen from the data and the family.
    #[default]
    Auto,
    /// One matrix each way and no activation at all.
    Linear,
    /// One layer each way, with the code's activation.
    Shallow,
    /// Hidden layers of these widths between input and code.
    Mlp(Vec<usize>),
    /// Strided convolutions with these channels, each halving the image, and a dense layer to the
    /// code.
    Conv(Vec<usize>),
    /// The same without the dense layer: the code is what the last convolution gives, an image of
    /// so many channels.
    Maps(Vec<usize>),
}

/// Wider layers than this are a slip of the finger.
const WIDEST: usize = 1 << 20;

impl FromStr for Net {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, widths) = text.split_once(':').unwrap_or((text, ""));
        let numbers = || -> Result<Vec<usize>> {
            let width =
                |part: &str| part.trim().parse().ok().filter(|width| (1..=WIDEST).contains(width));
            let wanted = || {
                Error::setting(
                    "net",
                    text,
                    format!(
                        "{kind}: and widths from 1 to {WIDEST} separated by commas, as in {kind}:64,32"
                    ),
                )
            };
            widths.split(',').map(|part| width(part).ok_or_else(wanted)).collect()
        };
        match kind {
            "auto" if widths.is_empty() => Ok(Self::Auto),
            "linear" if widths.is_empty() => Ok(Self::Linear),
            "shallow" if widths.is_empty() => Ok(Self::Shallow),
            "mlp" => numbers().map(Self::Mlp),
            "conv" => numbers().map(Self::Conv),
            "maps" => numbers().map(Self::Maps),
            "auto" | "linear" | "shallow" => Err(Error::setting(
                "net",
                text,
                format!("{kind} without widths; hidden layers are mlp:{widths}"),
            )),
            _ => Err(Error::unknown(
                "net",
                kind,
                ["auto", "linear", "shallow", "mlp:WIDTHS", "conv:CHANNELS", "maps:CHANNELS"],
            )),
        }
    }
}

rows::as_text!(Net);

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join =
            |widths: &[usize]| widths.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Linear => f.write_str("linear"),
            Self::Shallow => f.write_str("shallow"),
            Self::Mlp(widths) => write!(f, "mlp:{}", join(widths)),
            Self::Conv(channels) => write!(f, "conv:{}", join(channels)),
            Self::Maps(channels) => write!(f, "maps:{}", join(channels)),
        }
    }
}

/// What stands between a layer's sum and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nothing.
    #[default]
    None,
    /// Batch norm.
    Batch,
    /// Layer norm.
    Layer,
}

/// Everything that decides the layers; nothing in it is `auto` any more.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Blueprint {
    /// The network.
    pub net: Net,
    /// The shape of a row of the source.
    pub source: Shape,
    /// The shape of a prepared row.
    pub shape: Shape,
    /// The bounds of prepared numbers.
    pub bounds: Bounds,
    /// Where the numbers of a prepared row lie, where rows are those of a table of several kinds of
    /// columns.
    pub layout: Option<Layout>,
    /// What a reconstruction error is.
    pub likelihood: Likelihood,
    /// Whether numbers between 0 and 1 are replaced by draws of 0 or 1.
    pub binarise: bool,
    /// Fraction of the cells of a table that training hides from the encoder.
    pub hidden: f64,
    /// The expected fraction of anomalies among the training rows, which a loss leaves out.
    pub contamination: f64,
    /// Numbers in a row of what the decoder gives: those of a prepared row, unless a target has
    /// another width.
    pub target: usize,
    /// Numbers of a row that are embedded before the first layer, block by block: choices between
    /// many levels.
    pub embedded: Vec<Range<usize>>,
    /// Width of the encoder's output.
    pub head: usize,
    /// Width of the decoder's input.
    pub latent: usize,
    /// Of the hidden layers.
    pub activation: Activation,
    /// Of the encoder's last layer.
    pub code_activation: Activation,
    /// Of the decoder's last layer.
    pub output_activation: Activation,
    /// Whether the decoder uses the encoder's matrices.
    pub tied: bool,
    /// Fraction of hidden units dropped in training.
    pub dropout: f64,
    /// Norm of the hidden layers.
    pub norm: Norm,
}

impl Blueprint {
    /// Numbers in a row of the source.
    pub fn features(&self) -> usize {
        // A plan has refused shapes without this number.
        self.source.features().unwrap_or(1)
    }

    /// Numbers in a prepared row.
    pub fn width(&self) -> usize {
        self.layout.as_ref().map_or_else(|| self.features(), |layout| layout.width)
    }

    /// Numbers that the widest layer holds for one row.
    pub fn widest(&self) -> usize {
        let widest = match &self.net {
            Net::Mlp(widths) => widths.iter().copied().max().unwrap_or(1),
            // The first convolution is the widest: each halving of both sides leaves a quarter of
            // the pixels.
            Net::Conv(channels) | Net::Maps(channels) => channels
                .iter()
                .zip(0u32..)
                .map(|(c, depth)| (self.features() * c) >> (2 * (depth + 1)).min(40))
                .max()
                .unwrap_or(1),
            _ => 1,
        };
        widest.max(self.width()).max(self.head)
    }
}

/// Images and series as height, width, channels; a series is an image one pixel wide.
pub fn image_sides(shape: &Shape) -> Option<([usize; 2], usize)> {
    match *shape {
        Shape::Flat { .. } => None,
        Shape::Image { height, width, channels } => Some(([height, width], channels)),
        Shape::Series { length, channels } => Some(([length, 1], channels)),
    }
}

/// Numbers in the code of [`Net::Maps`] with these channels; none for rows that are neither images
/// nor series.
pub fn map_width(shape: &Shape, channels: &[usize]) -> Option<usize> {
    let (mut sides, mut depth) = image_sides(shape)?;
    for out in channels {
        let geometry = Geometry::halving(sides, depth, *out)?;
        (sides, depth) = (geometry.output(), *out);
    }
    sides[0].checked_mul(sides[1])?.checked_mul(depth)
}
