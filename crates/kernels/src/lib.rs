//! Fused operations for autoencoders, as a Burn backend extension.
//!
//! Every operation has a default body made of Burn's primitives and a hand-written one for the CPU backend Flex, the only backend
//! selected so far; a further one takes the default bodies. Convolutions are Burn's own. This is the only crate that names Flex and the only one with `unsafe`.
//!
//! | module | what |
//! |---|---|
//! | [`activation`](Activation) | the activations, their derivatives, and their vectorised slices |
//! | [`dense`] | matrix product, bias and activation in one operation; its backward in one pass and two products |
//! | [`convolution`], [`transposed_convolution`] | images channels last, any size, odd ones included |
//! | [`row_loss`] | reconstruction losses per row, with their gradient in one pass |
//! | [`adam`], [`sgd`] | optimiser steps in one pass over each parameter, in place |

mod activation;
mod convolution;
mod flex;
mod loss;
mod ops;
mod optimise;
mod pieces;

pub use activation::Activation;
pub use convolution::{Geometry, convolution, transposed_convolution};
pub use loss::RowLoss;
pub use ops::{activate, dense, row_loss};
pub use optimise::{AdamStep, SgdStep, adam, sgd, sum_squares};
