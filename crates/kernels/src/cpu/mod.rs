//! Hand-written bodies for the CPU.

mod convolution;
mod dense;
mod lists;
mod norm;
mod optimise;
mod penalty;
mod shared;

use self::convolution::{convolve, convolve_transposed, convolve_weight};
use self::dense::{
    activate, activate_backward, arrange, dense, dense_arranged, dense_backward, product, steer,
    steer_backward,
};
use self::lists::{largest_in_columns, largest_in_rows, trimmed_weights};
use self::norm::{column_moments, column_norm, column_norm_backward, row_norm, row_norm_backward};
use self::optimise::{adam, sgd, sum_squares};
use self::penalty::{
    column_squares, column_squares_backward, draw_normal, draw_normal_backward, kl_normal,
    kl_normal_backward, row_loss, row_loss_backward, sparsity, sparsity_backward,
};
use self::shared::{Three, Two, typed};
use crate::activation::Activation;
use crate::burn::backend::Flex;
use crate::convolution::Geometry;
use crate::loss::RowLoss;
use crate::ops::FusedOps;
use crate::step::{AdamStep, SgdStep};
use burn_flex::FlexTensor;

/// Hand-written bodies by name: each calls the function of this folder that has its name.
macro_rules! hand_written {
    ($($name:ident($first:ident: $t:ty $(, $argument:ident: $type:ty)*) -> $out:ty;)*) => {
        impl FusedOps for Flex {
            $(fn $name($first: $t $(, $argument: $type)*) -> $out {
                typed!($first, $name($first $(, $argument)*))
            })*
        }
    };
}

hand_written! {
    dense(
        x: FlexTensor, w: FlexTensor, b: FlexTensor, transposed: bool, act: Activation
    ) -> FlexTensor;
    arrange(w: FlexTensor, transposed: bool) -> FlexTensor;
    dense_arranged(x: FlexTensor, w: FlexTensor, b: FlexTensor, act: Activation) -> FlexTensor;
    activate(z: FlexTensor, act: Activation) -> FlexTensor;
    activate_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> FlexTensor;
    dense_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> Two;
    product(a: FlexTensor, b: FlexTensor) -> FlexTensor;
    steer(directions: FlexTensor, saved: FlexTensor, act: Activation) -> FlexTensor;
    steer_backward(
        directions: FlexTensor, saved: FlexTensor, g: FlexTensor, act: Activation
    ) -> Two;
    convolve(
        x: FlexTensor, w: FlexTensor, b: FlexTensor, geometry: Geometry, act: Activation
    ) -> FlexTensor;
    convolve_transposed(
        x: FlexTensor, w: FlexTensor, b: FlexTensor, geometry: Geometry, act: Activation
    ) -> FlexTensor;
    convolve_weight(large: FlexTensor, small: FlexTensor, geometry: Geometry) -> FlexTensor;
    row_loss(output: FlexTensor, target: FlexTensor, loss: RowLoss) -> FlexTensor;
    row_loss_backward(
        output: FlexTensor, target: FlexTensor, g: FlexTensor, loss: RowLoss
    ) -> FlexTensor;
    column_moments(x: FlexTensor) -> FlexTensor;
    column_norm(
        x: FlexTensor, gain: FlexTensor, shift: FlexTensor, moments: FlexTensor, own: bool
    ) -> FlexTensor;
    column_norm_backward(
        x: FlexTensor, gain: FlexTensor, moments: FlexTensor, g: FlexTensor, own: bool
    ) -> Three;
    row_norm(x: FlexTensor, gain: FlexTensor, shift: FlexTensor) -> FlexTensor;
    row_norm_backward(x: FlexTensor, gain: FlexTensor, g: FlexTensor) -> Three;
    column_squares(w: FlexTensor) -> FlexTensor;
    column_squares_backward(w: FlexTensor, g: FlexTensor) -> FlexTensor;
    sparsity(code: FlexTensor, rho: f64) -> FlexTensor;
    sparsity_backward(code: FlexTensor, g: FlexTensor, rho: f64) -> FlexTensor;
    kl_normal(h: FlexTensor) -> FlexTensor;
    kl_normal_backward(h: FlexTensor, g: FlexTensor) -> FlexTensor;
    draw_normal(h: FlexTensor, noise: FlexTensor) -> FlexTensor;
    draw_normal_backward(h: FlexTensor, noise: FlexTensor, g: FlexTensor) -> FlexTensor;
    largest_in_rows(x: FlexTensor, k: usize) -> FlexTensor;
    largest_in_columns(x: FlexTensor, k: usize) -> Two;
    trimmed_weights(losses: FlexTensor, kept: usize) -> FlexTensor;
    adam(p: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: AdamStep) -> Three;
    sgd(p: FlexTensor, g: FlexTensor, velocity: FlexTensor, step: SgdStep) -> Two;
    sum_squares(t: FlexTensor) -> FlexTensor;
}
