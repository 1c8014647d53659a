//! Fused operations for autoencoders, as a Burn backend extension.
//!
//! Every operation has a default body made of Burn's primitives and a hand-written one for the CPU
//! backend Flex, the only backend selected so far; a further one takes the default bodies. This is
//! the only crate that names Flex and the only one with `unsafe`.
//!
//! | module | what |
//! |---|---|
//! | [`activation`](Activation) | the activations, their derivatives, and their vectorised slices |
//! | [`dense`] | product, bias and activation in one; backward in one pass and two products |
//! | [`product`] | the product alone |
//! | [`arrange`], [`dense_arranged`] | the same with a weight rearranged once for many uses |
//! | [`steer`] | directions through an activation: the tangent form, for penalties on derivatives |
//! | [`convolution`], [`transposed_convolution`] | images channels last, any kernel and stride |
//! | [`row_loss`] | reconstruction losses per row, with their gradient in one pass |
//! | [`column_norm`], [`row_norm`] | batch and layer norm |
//! | [`sparsity`], [`kl_normal`], [`draw_normal`], [`column_squares`] | the penalties of families |
//! | [`largest_in_rows`], [`largest_in_columns`] | which numbers of a code are among the largest |
//! | [`trimmed_weights`] | means that leave out the largest losses |
//! | [`adam`], [`sgd`] | optimiser steps in one pass over each parameter, in place |
//! | [`sum_squares`] | what a norm of gradients is made of, accumulated in f64 |
//! | [`primitive`] | all of these made of primitives: the default bodies |

mod activation;
mod autodiff;
mod burn;
mod convolution;
mod cpu;
mod lists;
mod loss;
mod norm;
mod ops;
mod pieces;
pub mod primitive;
mod product;
mod step;

pub use activation::Activation;
pub use convolution::Geometry;
pub use loss::RowLoss;
pub use norm::{EPSILON as NORM_EPSILON, LOG_VARIANCE};
pub use ops::{
    activate, adam, arrange, column_moments, column_norm, column_squares, convolution, dense,
    dense_arranged, draw_normal, kl_normal, largest_in_columns, largest_in_rows, product, row_loss,
    row_norm, sgd, sparsity, steer, sum_squares, transposed_convolution, trimmed_weights,
};
#[doc(hidden)]
pub use pieces::{Simd, narrow_simd, native};
pub use pieces::{among_workers, side_by_side, workers};
pub use step::{AdamStep, SgdStep};
