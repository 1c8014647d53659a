//! The hand-written bodies against the same operations made of the engine's primitives.

#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders_kernels::{
    Activation, AdamStep, Geometry, RowLoss, SgdStep, activate, adam, convolution, dense, row_loss, sgd, sum_squares,
    transposed_convolution,
};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Shapes with one, odd, prime and round sizes, and two that are cut into pieces for several cores.
const SHAPES: [[usize; 3]; 7] = [[1, 1, 1], [1, 7, 3], [5, 1, 2], [13, 11, 17], [64, 64, 64], [131, 97, 301], [700, 30, 257]];

/// Numbers between -2 and 2 that are the same on every machine.
fn numbers(rows: usize, columns: usize, seed: u64, dtype: DType) -> Tensor<2> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let values: Vec<f64> = (0..rows * columns)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31) * 4.0 - 2.0
        })
        .collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), (&Device::default(), dtype))
}

fn values(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec::<f64>().unwrap()
}

fn assert_close(got: Tensor<2>, wanted: Tensor<2>, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), wanted.dims(), "{what}");
    for (at, (got, wanted)) in values(got).into_iter().zip(values(wanted)).enumerate() {
        assert!((got - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{what} at {at}: {got}, wanted {wanted}");
    }
}

fn primitive(z: Tensor<2>, activation: Activation) -> Tensor<2> {
    use burn::tensor::activation as act;
    match activation {
        Activation::Identity => z,
        Activation::Sigmoid => act::sigmoid(z),
        Activation::Tanh => z.tanh(),
        Activation::Relu => act::relu(z),
        Activation::LeakyRelu => act::leaky_relu(z, 0.01),
        Activation::Elu => z.clone().clamp_min(0.0) + (z.clamp_max(0.0).exp() - 1.0),
        Activation::Gelu => act::gelu(z),
        Activation::Silu => act::silu(z),
        Activation::Softplus => z.clone().clamp_min(0.0) + z.abs().neg().exp().log1p(),
    }
}

fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-12,
        _ => 2e-5,
    }
}

#[test]
fn dense_layers_have_the_value_and_the_gradients_of_primitives() {
    for dtype in [DType::F32, DType::F64] {
        for activation in Activation::ALL {
            for (case, [rows, width, out]) in SHAPES.into_iter().enumerate() {
                // A transposed weight is not contiguous, as tied weights are not.
                for transposed in [false, true] {
                    let leaf = |tensor: Tensor<2>| tensor.autodiff().require_grad();
                    let x = leaf(numbers(rows, width, 1, dtype));
                    let w = leaf(if transposed { numbers(out, width, 2, dtype) } else { numbers(width, out, 2, dtype) } * 0.2);
                    let b = leaf(numbers(1, out, 3, dtype));
                    // Each graph has a transpose of its own: a backward pass consumes what it went through.
                    let weight = || if transposed { w.clone().transpose() } else { w.clone() };
                    let mix = numbers(rows, out, 4, dtype);
                    let fused = dense(x.clone(), weight(), b.clone(), activation);
                    let plain = primitive(x.clone().matmul(weight()) + b.clone(), activation);
                    let what = format!("{activation:?} {dtype:?} case {case} transposed {transposed}");
                    assert_close(fused.clone().inner(), plain.clone().inner(), tolerance(dtype), &what);
                    let got = (fused * mix.clone()).sum().backward();
                    let wanted = (plain * mix).sum().backward();
                    let scale = (rows as f64).sqrt();
                    for (name, leaf) in [("x", &x), ("w", &w), ("b", &b)] {
                        let (got, wanted) = (leaf.grad(&got).unwrap(), leaf.grad(&wanted).unwrap());
                        assert_close(got, wanted, 10.0 * scale * tolerance(dtype), &format!("gradient of {name}, {what}"));
                    }
                }
            }
        }
    }
}

#[test]
fn activations_of_views_have_the_value_of_primitives() {
    for activation in Activation::ALL {
        let z = numbers(37, 29, 5, DType::F32).transpose().narrow(0, 3, 11);
        assert_close(activate(z.clone(), activation), primitive(z, activation), 2e-6, activation.name());
    }
}

#[test]
fn row_losses_have_the_value_and_the_gradient_of_primitives() {
    for dtype in [DType::F32, DType::F64] {
        for [rows, _, width] in SHAPES {
            for loss in [RowLoss::Squared, RowLoss::Absolute, RowLoss::BernoulliLogits] {
                let output = numbers(rows, width, 6, dtype).autodiff().require_grad();
                let target = numbers(rows, width, 7, dtype);
                let each = match loss {
                    RowLoss::Squared => (output.clone() - target.clone()).square(),
                    RowLoss::Absolute => (output.clone() - target.clone()).abs(),
                    RowLoss::BernoulliLogits => primitive(output.clone(), Activation::Softplus) - output.clone() * target.clone(),
                };
                let (fused, plain) = (row_loss(output.clone(), target, loss), each.sum_dim(1));
                let what = format!("{loss:?} {dtype:?} {rows} x {width}");
                assert_close(fused.clone().inner(), plain.clone().inner(), tolerance(dtype), &what);
                let weights = numbers(rows, 1, 8, dtype);
                let got = output.grad(&(fused * weights.clone()).sum().backward()).unwrap();
                let wanted = output.grad(&(plain * weights).sum().backward()).unwrap();
                assert_close(got, wanted, tolerance(dtype), &format!("gradient of {what}"));
            }
        }
    }
}

#[test]
fn optimiser_steps_are_their_formulas() {
    for [rows, _, columns] in SHAPES {
        let [p, g, m] = [1, 2, 3].map(|seed| numbers(rows, columns, seed, DType::F64));
        let v = numbers(rows, columns, 4, DType::F64).square();
        let step = AdamStep { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, time: 3 };
        let new_m = m.clone() * 0.9 + g.clone() * 0.1;
        let new_v = v.clone() * 0.999 + g.clone().square() * 0.001;
        let change = (new_m.clone() * (1.0 / (1.0 - 0.9f64.powi(3)))) / ((new_v.clone() * (1.0 / (1.0 - 0.999f64.powi(3)))).sqrt() + 1e-8);
        let new_p = p.clone() * (1.0 - 0.01 * 0.1) - change * 0.01;
        let [got_p, got_m, got_v] = adam(p.clone(), g.clone(), m.clone(), v, step);
        assert_close(got_p, new_p, 1e-12, "adam's parameter");
        assert_close(got_m, new_m, 1e-12, "adam's first moment");
        assert_close(got_v, new_v, 1e-12, "adam's second moment");
        let velocity = m.clone() * 0.9 + g.clone();
        let [got_p, got_velocity] = sgd(p.clone(), g.clone(), m, SgdStep { rate: 0.01, momentum: 0.9, decay: 0.1 });
        assert_close(got_p, p * (1.0 - 0.01 * 0.1) - velocity.clone() * 0.01, 1e-12, "sgd's parameter");
        assert_close(got_velocity, velocity, 1e-12, "sgd's velocity");
        let wanted: f64 = values(g.clone()).iter().map(|g| g * g).sum();
        assert!((sum_squares(&g) - wanted).abs() < 1e-9 * wanted);
    }
}

#[test]
fn a_shared_tensor_is_never_changed_in_place() {
    let p = numbers(5, 3, 1, DType::F32);
    let before = values(p.clone());
    let kept = p.clone();
    let zeros = p.zeros_like();
    let step = AdamStep { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, time: 1 };
    let [moved, ..] = adam(p, numbers(5, 3, 2, DType::F32), zeros.clone(), zeros.clone(), step);
    assert_eq!(values(kept.clone()), before);
    assert!(values(moved) != before);
    assert!(values(zeros).iter().all(|zero| *zero == 0.0));
    activate(kept.clone(), Activation::Sigmoid);
    assert_eq!(values(kept), before);
}

#[test]
fn a_transposed_convolution_is_the_transpose_of_the_convolution() {
    for (input, channels) in [([1, 1], [1, 1]), ([2, 3], [2, 3]), ([7, 5], [3, 4]), ([8, 8], [1, 2]), ([1, 9], [2, 5])] {
        let geometry = Geometry::halving(input, channels[0], channels[1]);
        let x = numbers(4, geometry.input_width(), 1, DType::F64);
        let y = numbers(4, geometry.output_width(), 2, DType::F64);
        let w = numbers(geometry.patch(), channels[1], 3, DType::F64);
        let forth = convolution(x.clone(), w.clone(), None, &geometry, Activation::Identity);
        let back = transposed_convolution(y.clone(), w, None, &geometry, Activation::Identity);
        assert_eq!((forth.dims(), back.dims()), (y.dims(), x.dims()), "{input:?}");
        let products = [(forth * y).sum(), (back * x).sum()].map(|sum| sum.into_scalar::<f64>());
        assert!((products[0] - products[1]).abs() < 1e-10 * products[0].abs().max(1.0), "{input:?}: {products:?}");
    }
}
