//! Each fused operation against its default body of the engine's primitives, forward and backward.

use crate::measure::{aligned, figures, median};
use crate::ours::rows;
use crate::{Options, Result, print};
use burn_tensor::{Device, Tensor, TensorData};
use kernels::{
    Activation, AdamStep, Geometry, RowLoss, SgdStep, activate, adam, among_workers,
    column_moments, column_norm, column_squares, convolution, dense, draw_normal, kl_normal,
    primitive, row_loss, row_norm, sgd, sparsity, steer, transposed_convolution,
};
use std::time::Instant;

type Matrix = Tensor<2>;

fn matrix(height: usize, width: usize) -> Matrix {
    Tensor::from_data(
        TensorData::new(rows(height, width, true), [height, width]),
        &Device::default(),
    )
}

/// What an operation makes of its leaves.
type Operation = Box<dyn Fn(&[Matrix]) -> Matrix>;

/// An operation of some leaves, in both forms.
struct Case {
    name: String,
    leaves: Vec<Matrix>,
    fused: Operation,
    default: Operation,
}

impl Case {
    fn new<const LEAVES: usize>(
        name: impl Into<String>,
        leaves: [Matrix; LEAVES],
        fused: impl Fn([Matrix; LEAVES]) -> Matrix + 'static,
        default: impl Fn([Matrix; LEAVES]) -> Matrix + 'static,
    ) -> Self {
        let owned = |leaves: &[Matrix]| std::array::from_fn(|at| leaves[at].clone());
        Self {
            name: name.into(),
            leaves: leaves.to_vec(),
            fused: Box::new(move |leaves| fused(owned(leaves))),
            default: Box::new(move |leaves| default(owned(leaves))),
        }
    }

    fn dense(name: &str, weights: Matrix, transposed: bool, activation: Activation) -> Self {
        Self::new(
            name,
            [matrix(BATCH, 784), weights, matrix(1, 512)],
            move |[x, weights, bias]| dense(x, weights, bias, transposed, activation),
            move |[x, weights, bias]| {
                primitive::dense_layer(x, weights, bias, transposed, activation)
            },
        )
    }

    fn activation(activation: Activation) -> Self {
        Self::new(
            format!("activation, {}", activation.name()),
            [matrix(BATCH, 784)],
            move |[x]| activate(x, activation),
            move |[x]| primitive::activation(x, activation),
        )
    }

    fn row_loss(name: &str, loss: RowLoss) -> Self {
        Self::new(
            name,
            [matrix(BATCH, 784), matrix(BATCH, 784) * 0.5],
            move |[x, target]| row_loss(x, target.inner(), loss),
            move |[x, target]| primitive::losses(x, target.inner(), loss),
        )
    }
}

const BATCH: usize = 256;

fn flat(t: Tensor<3>) -> Matrix {
    let [a, b, c] = t.dims();
    t.reshape([a * b, c])
}

fn directions(t: Matrix) -> Tensor<3> {
    let [rows, n] = t.dims();
    t.reshape([BATCH, rows / BATCH, n])
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::dense("dense 784-512, relu", matrix(784, 512), false, Activation::Relu),
        Case::dense(
            "dense 784-512, its transpose, sigmoid",
            matrix(512, 784),
            true,
            Activation::Sigmoid,
        ),
        Case::activation(Activation::Silu),
        Case::activation(Activation::Softplus),
        Case::activation(Activation::Elu),
        Case::row_loss("absolute error of rows", RowLoss::Absolute),
        Case::activation(Activation::Gelu),
        Case::activation(Activation::Tanh),
        Case::new(
            "directions through a sigmoid",
            [matrix(BATCH * 4, 512), matrix(BATCH, 512)],
            |[x, slopes]| flat(steer(directions(x), slopes, Activation::Sigmoid)),
            |[x, slopes]| flat(primitive::steered(directions(x), slopes, Activation::Sigmoid)),
        ),
    ];
    cases.extend(Geometry::halving([14, 14], 32, 64).into_iter().flat_map(convolutions));
    cases.push(Case::row_loss("squared error of rows", RowLoss::Squared));
    cases.push(Case::row_loss("cross-entropy of rows", RowLoss::BernoulliLogits));
    cases.extend(norms());
    cases.extend(terms_and_draws());
    cases
}

fn convolutions(geometry: Geometry) -> [Case; 2] {
    let images = |width: usize| matrix(BATCH / 4, width);
    let kernels = || matrix(geometry.patch(), 64);
    [
        Case::new(
            "convolution 14x14x32-64, relu",
            [images(geometry.input_width()), kernels(), matrix(1, 64)],
            move |[x, kernels, bias]| {
                convolution(x, kernels, Some(bias), &geometry, Activation::Relu)
            },
            move |[x, kernels, bias]| {
                primitive::convolution(x, kernels, bias, geometry, Activation::Relu)
            },
        ),
        Case::new(
            "transposed convolution 7x7x64-32, relu",
            [images(geometry.output_width()), kernels(), matrix(1, 32)],
            move |[x, kernels, bias]| {
                transposed_convolution(x, kernels, Some(bias), &geometry, Activation::Relu)
            },
            move |[x, kernels, bias]| {
                primitive::transposed_convolution(x, kernels, bias, geometry, Activation::Relu)
            },
        ),
    ]
}

fn norms() -> [Case; 2] {
    let leaves = || [matrix(BATCH, 512), matrix(1, 512), matrix(1, 512)];
    [
        Case::new(
            "batch norm",
            leaves(),
            |[x, gain, shift]| column_norm(x.clone(), gain, shift, column_moments(x), true),
            |[x, gain, shift]| {
                primitive::column_normed(x.clone(), gain, shift, primitive::moments(x))
            },
        ),
        Case::new(
            "layer norm",
            leaves(),
            |[x, gain, shift]| row_norm(x, gain, shift),
            |[x, gain, shift]| primitive::row_normed(x, gain, shift),
        ),
    ]
}

/// Terms of losses on codes and weights, and draws of codes.
fn terms_and_draws() -> [Case; 4] {
    [
        Case::new(
            "sparse penalty, 1,000 units",
            [matrix(BATCH, 1000).abs() * 0.1],
            |[code]| sparsity(code, 0.05),
            |[code]| primitive::sparsity_of(code, 0.05),
        ),
        Case::new(
            "divergence from the prior, 64 units",
            [matrix(BATCH, 128)],
            |[code]| kl_normal(code),
            |[code]| primitive::kl(code),
        ),
        Case::new(
            "draw from the posterior, 64 units",
            [matrix(BATCH, 128), matrix(BATCH, 64)],
            |[code, noise]| draw_normal(code, noise.inner()),
            |[code, noise]| primitive::draw(code, noise.inner()),
        ),
        Case::new(
            "squares of columns 784x1,000",
            [matrix(784, 1000)],
            |[weights]| column_squares(weights),
            |[weights]| primitive::squares(weights),
        ),
    ]
}

/// Milliseconds of one forward and backward pass.
fn pass(case: &Case, operation: &Operation, repetitions: usize) -> f64 {
    let start = Instant::now();
    for _ in 0..repetitions {
        let leaves: Vec<Matrix> =
            case.leaves.iter().map(|leaf| leaf.clone().autodiff().require_grad()).collect();
        drop(operation(&leaves).sum().backward());
    }
    start.elapsed().as_secs_f64() / repetitions as f64 * 1e3
}

/// Milliseconds of one optimiser step.
fn step(repetitions: usize, one: impl Fn(Matrix, Matrix, Matrix, Matrix)) -> f64 {
    let zeros = || Tensor::zeros([784, 512], &Device::default());
    let mut took = 0.0;
    for _ in 0..repetitions {
        let given = (matrix_of(0.1), matrix_of(0.2), zeros(), zeros());
        let start = Instant::now();
        one(given.0, given.1, given.2, given.3);
        took += start.elapsed().as_secs_f64();
    }
    took / repetitions as f64 * 1e3
}

fn matrix_of(value: f64) -> Matrix {
    Tensor::full([784, 512], value, &Device::default())
}

fn timed(
    pairs: usize,
    mut one: impl FnMut(usize) -> f64,
    mut other: impl FnMut(usize) -> f64,
) -> [f64; 4] {
    let repetitions = (20.0 / one(2).max(1e-3)).clamp(2.0, 500.0) as usize;
    let (mut fused, mut default, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    other(2);
    for _ in 0..pairs {
        let pair = (one(repetitions), other(repetitions));
        fused.push(pair.0);
        default.push(pair.1);
        ratios.push(pair.1 / pair.0);
    }
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    [median(&fused), median(&default), median(&ratios), low]
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let pairs = if options.quick { 5 } else { 9 };
    let adam_numbers =
        AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, time: 2 };
    let sgd_numbers = SgdStep { rate: 1e-3, momentum: 0.9, decay: 0.0 };
    let mut lines = vec![
        ["operation, forward and backward", "fused", "default body", "ratio", "least"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut add = |name: &str, [fused, default, ratio, low]: [f64; 4]| {
        lines.push(vec![
            name.to_owned(),
            figures(fused) + " ms",
            figures(default) + " ms",
            format!("{ratio:.2}"),
            format!("{low:.2}"),
        ]);
    };
    among_workers(|| {
        for case in cases() {
            add(
                &case.name,
                timed(pairs, |n| pass(&case, &case.fused, n), |n| pass(&case, &case.default, n)),
            );
        }
        let fused = |n| step(n, |p, g, m, v| drop(adam(p, g, m, v, adam_numbers)));
        add(
            "Adam, 784x512",
            timed(pairs, fused, |n| {
                step(n, |p, g, m, v| drop(primitive::adam_step(p, g, m, v, adam_numbers)))
            }),
        );
        let fused = |n| step(n, |p, g, v, _| drop(sgd(p, g, v, sgd_numbers)));
        add(
            "sgd, 784x512",
            timed(pairs, fused, |n| {
                step(n, |p, g, v, _| drop(primitive::sgd_step(p, g, v, sgd_numbers)))
            }),
        );
    });
    print(&format!("\n{}", aligned(&lines)));
    Ok(())
}
