//! Batches and codes.

use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use crate::net::pass::Pass;
use burn_tensor::{Int, Tensor};
use kernels::draw_normal;

/// Rows to train on: what the encoder sees and what the output is compared with.
#[derive(Clone, Debug)]
pub struct Batch {
    /// [rows, width], corrupted where a family corrupts.
    pub input: Tensor<2>,
    /// [rows, target width], always clean.
    pub target: Tensor<2>,
    /// 1 where a number of the target counts, 0 where it does not [rows, target width].
    pub mask: Option<Tensor<2>>,
    /// The weight of each row in the mean of a loss [rows, 1].
    pub weight: Option<Tensor<2>>,
    /// The length of each row, for rows of different lengths [rows].
    pub lengths: Option<Tensor<1, Int>>,
}

impl Batch {
    /// Rows that are their own target.
    pub fn of(rows: Tensor<2>) -> Self {
        Self::towards(rows.clone(), rows)
    }

    /// Rows with a target [rows, target width] of their own.
    pub fn towards(input: Tensor<2>, target: Tensor<2>) -> Self {
        Self { input, target, mask: None, weight: None, lengths: None }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.input.dims()[0]
    }
}

/// Rows of which few numbers are not zero: for each the places and the values of those.
#[derive(Clone, Debug)]
pub struct Lists {
    /// Places in a row, below `width`, each at most once [rows, kept].
    pub indices: Tensor<2, Int>,
    /// The numbers there [rows, kept].
    pub values: Tensor<2>,
    /// Numbers in a whole row.
    pub width: usize,
}

impl Lists {
    /// The rows with their zeros [rows, width].
    pub fn dense(&self) -> Tensor<2> {
        let [rows, _] = self.values.dims();
        let zeros = Tensor::zeros([rows, self.width], (&self.values.device(), self.values.dtype()));
        zeros.scatter(
            1,
            self.indices.clone(),
            self.values.clone(),
            burn_tensor::IndexingUpdateOp::Add,
        )
    }
}

/// A code, and for a distribution what was drawn from it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Code {
    /// The code itself [rows, latent].
    Point(Tensor<2>),
    /// A normal distribution.
    Normal {
        /// Its means and, behind them, the logarithms of its variances [rows, 2 latent].
        posterior: Tensor<2>,
        /// Its means [rows, latent].
        mean: Tensor<2>,
        /// What was drawn from it, or its means where a pass does not sample [rows, latent].
        sample: Tensor<2>,
    },
    /// Few numbers that are not zero.
    Sparse(Lists),
    /// Words of a codebook.
    Tokens {
        /// Which words [rows, words in a row].
        indices: Tensor<2, Int>,
        /// The words' vectors, side by side [rows, latent].
        embedded: Tensor<2>,
    },
    /// Several levels, the highest first, side by side for the decoder.
    Levels(Vec<Self>),
}

/// What the codes of a family are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Numbers.
    Point,
    /// Distributions over numbers.
    Distribution,
    /// Numbers of which most are zero.
    Sparse {
        /// Not more of a row are not zero, if that is known.
        at_most: Option<usize>,
    },
    /// Words of a codebook.
    Tokens {
        /// Words in the codebook.
        words: usize,
    },
    /// Several levels, the highest first.
    Levels(Vec<Self>),
}

impl Code {
    /// A code without a distribution.
    pub fn point(code: Tensor<2>) -> Self {
        Self::Point(code)
    }

    /// A normal distribution from its means and, behind them, the logarithms of its variances
    /// [rows, 2 latent]; drawn from where the pass samples.
    pub fn normal(h: Tensor<2>, pass: &Pass) -> Self {
        let [rows, width] = h.dims();
        let mean = h.clone().narrow(1, 0, width / 2);
        let sample = if pass.sampling {
            let mut rng = pass.rng.split("posterior");
            let noise = rng.normal([rows, width / 2], &Engine::of(&h));
            draw_normal(h.clone(), noise)
        } else {
            mean.clone()
        };
        Self::Normal { posterior: h, mean, sample }
    }

    /// What encoding gives: the code itself, or the mean of its distribution [rows, latent].
    pub fn mean(&self) -> Tensor<2> {
        self.numbers(&|code| match code {
            Self::Normal { mean, .. } => mean.clone(),
            other => other.sample(),
        })
    }

    /// What the decoder gets [rows, latent].
    pub fn sample(&self) -> Tensor<2> {
        self.numbers(&|code| match code {
            Self::Point(numbers) => numbers.clone(),
            Self::Normal { sample, .. } => sample.clone(),
            Self::Sparse(lists) => lists.dense(),
            Self::Tokens { embedded, .. } => embedded.clone(),
            Self::Levels(_) => code.sample(),
        })
    }

    /// The posterior [rows, 2 latent] of a normal distribution: its means and, behind them, the
    /// logarithms of its variances. Returns `None` for other codes.
    pub fn posterior(&self) -> Option<&Tensor<2>> {
        match self {
            Self::Normal { posterior, .. } => Some(posterior),
            _ => None,
        }
    }

    /// The numbers of a code of one level, or those of all levels side by side.
    fn numbers(&self, of: &dyn Fn(&Self) -> Tensor<2>) -> Tensor<2> {
        match self {
            Self::Levels(levels) => {
                Tensor::cat(levels.iter().map(|level| level.numbers(of)).collect(), 1)
            }
            one => of(one),
        }
    }
}
