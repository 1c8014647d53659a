//! Random tensors, from the one source of randomness.

use crate::engine::tensors::Engine;
use burn_tensor::Tensor;
use rows::Rng;

/// Draws as tensors; the numbers are drawn in row order, whatever the device.
pub trait Draw {
    /// Standard normal draws of shape [rows, columns].
    fn normal(&mut self, shape: [usize; 2], engine: &Engine) -> Tensor<2>;

    /// Draws between 0 (included) and 1 (excluded) of shape [rows, columns].
    fn uniform(&mut self, shape: [usize; 2], engine: &Engine) -> Tensor<2>;
}

impl Draw for Rng {
    fn normal(&mut self, shape: [usize; 2], engine: &Engine) -> Tensor<2> {
        tensor(shape, engine, || self.standard_normal())
    }

    fn uniform(&mut self, shape: [usize; 2], engine: &Engine) -> Tensor<2> {
        tensor(shape, engine, || self.unit())
    }
}

fn tensor(
    [rows, columns]: [usize; 2],
    engine: &Engine,
    mut draw: impl FnMut() -> f32,
) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * columns).map(|_| draw()).collect();
    engine.tensor(values, [rows, columns])
}
