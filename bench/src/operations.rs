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

/// An operation of some leaves, in both forms.
struct Case {
    name: &'static str,
    leaves: Vec<Matrix>,
    fused: fn(&[Matrix]) -> Matrix,
    default: fn(&[Matrix]) -> Matrix,
}

const BATCH: usize = 256;

fn flat(t: Tensor<3>) -> Matrix {
    let [a, b, c] = t.dims();
    t.reshape([a * b, c])
}

fn directions(t: &Matrix) -> Tensor<3> {
    let [rows, n] = t.dims();
    t.clone().reshape([BATCH, rows / BATCH, n])
}

fn small() -> Geometry {
    Geometry::halving([14, 14], 32, 64)
}

fn cases() -> Vec<Case> {
    let geometry = small();
    vec![
        Case {
            name: "dense 784-512, relu",
            leaves: vec![matrix(BATCH, 784), matrix(784, 512), matrix(1, 512)],
            fused: |l| dense(l[0].clone(), l[1].clone(), l[2].clone(), false, Activation::Relu),
            default: |l| {
                primitive::dense_layer(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    false,
                    Activation::Relu,
                )
            },
        },
        Case {
            name: "dense 784-512, its transpose, sigmoid",
            leaves: vec![matrix(BATCH, 784), matrix(512, 784), matrix(1, 512)],
            fused: |l| dense(l[0].clone(), l[1].clone(), l[2].clone(), true, Activation::Sigmoid),
            default: |l| {
                primitive::dense_layer(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    true,
                    Activation::Sigmoid,
                )
            },
        },
        Case {
            name: "activation, silu",
            leaves: vec![matrix(BATCH, 784)],
            fused: |l| activate(l[0].clone(), Activation::Silu),
            default: |l| primitive::activation(l[0].clone(), Activation::Silu),
        },
        Case {
            name: "activation, softplus",
            leaves: vec![matrix(BATCH, 784)],
            fused: |l| activate(l[0].clone(), Activation::Softplus),
            default: |l| primitive::activation(l[0].clone(), Activation::Softplus),
        },
        Case {
            name: "activation, elu",
            leaves: vec![matrix(BATCH, 784)],
            fused: |l| activate(l[0].clone(), Activation::Elu),
            default: |l| primitive::activation(l[0].clone(), Activation::Elu),
        },
        Case {
            name: "absolute error of rows",
            leaves: vec![matrix(BATCH, 784), matrix(BATCH, 784) * 0.5],
            fused: |l| row_loss(l[0].clone(), l[1].clone().inner(), RowLoss::Absolute),
            default: |l| primitive::losses(l[0].clone(), l[1].clone().inner(), RowLoss::Absolute),
        },
        Case {
            name: "activation, gelu",
            leaves: vec![matrix(BATCH, 784)],
            fused: |l| activate(l[0].clone(), Activation::Gelu),
            default: |l| primitive::activation(l[0].clone(), Activation::Gelu),
        },
        Case {
            name: "activation, tanh",
            leaves: vec![matrix(BATCH, 784)],
            fused: |l| activate(l[0].clone(), Activation::Tanh),
            default: |l| primitive::activation(l[0].clone(), Activation::Tanh),
        },
        Case {
            name: "directions through a sigmoid",
            leaves: vec![matrix(BATCH * 4, 512), matrix(BATCH, 512)],
            fused: |l| flat(steer(directions(&l[0]), l[1].clone(), Activation::Sigmoid)),
            default: |l| {
                flat(primitive::steered(directions(&l[0]), l[1].clone(), Activation::Sigmoid))
            },
        },
        Case {
            name: "convolution 14x14x32-64, relu",
            leaves: vec![
                matrix(BATCH / 4, geometry.input_width()),
                matrix(geometry.patch(), 64),
                matrix(1, 64),
            ],
            fused: |l| {
                convolution(
                    l[0].clone(),
                    l[1].clone(),
                    Some(l[2].clone()),
                    &small(),
                    Activation::Relu,
                )
            },
            default: |l| {
                primitive::convolution(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    small(),
                    Activation::Relu,
                )
            },
        },
        Case {
            name: "transposed convolution 7x7x64-32, relu",
            leaves: vec![
                matrix(BATCH / 4, geometry.output_width()),
                matrix(geometry.patch(), 64),
                matrix(1, 32),
            ],
            fused: |l| {
                transposed_convolution(
                    l[0].clone(),
                    l[1].clone(),
                    Some(l[2].clone()),
                    &small(),
                    Activation::Relu,
                )
            },
            default: |l| {
                primitive::transposed_convolution(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    small(),
                    Activation::Relu,
                )
            },
        },
        Case {
            name: "squared error of rows",
            leaves: vec![matrix(BATCH, 784), matrix(BATCH, 784) * 0.5],
            fused: |l| row_loss(l[0].clone(), l[1].clone().inner(), RowLoss::Squared),
            default: |l| primitive::losses(l[0].clone(), l[1].clone().inner(), RowLoss::Squared),
        },
        Case {
            name: "cross-entropy of rows",
            leaves: vec![matrix(BATCH, 784), matrix(BATCH, 784) * 0.5],
            fused: |l| row_loss(l[0].clone(), l[1].clone().inner(), RowLoss::BernoulliLogits),
            default: |l| {
                primitive::losses(l[0].clone(), l[1].clone().inner(), RowLoss::BernoulliLogits)
            },
        },
        Case {
            name: "batch norm",
            leaves: vec![matrix(BATCH, 512), matrix(1, 512), matrix(1, 512)],
            fused: |l| {
                column_norm(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    column_moments(l[0].clone()),
                    true,
                )
            },
            default: |l| {
                primitive::column_normed(
                    l[0].clone(),
                    l[1].clone(),
                    l[2].clone(),
                    primitive::moments(l[0].clone()),
                )
            },
        },
        Case {
            name: "layer norm",
            leaves: vec![matrix(BATCH, 512), matrix(1, 512), matrix(1, 512)],
            fused: |l| row_norm(l[0].clone(), l[1].clone(), l[2].clone()),
            default: |l| primitive::row_normed(l[0].clone(), l[1].clone(), l[2].clone()),
        },
        Case {
            name: "sparse penalty, 1,000 units",
            leaves: vec![matrix(BATCH, 1000).abs() * 0.1],
            fused: |l| sparsity(l[0].clone(), 0.05),
            default: |l| primitive::sparsity_of(l[0].clone(), 0.05),
        },
        Case {
            name: "divergence from the prior, 64 units",
            leaves: vec![matrix(BATCH, 128)],
            fused: |l| kl_normal(l[0].clone()),
            default: |l| primitive::kl(l[0].clone()),
        },
        Case {
            name: "draw from the posterior, 64 units",
            leaves: vec![matrix(BATCH, 128), matrix(BATCH, 64)],
            fused: |l| draw_normal(l[0].clone(), l[1].clone().inner()),
            default: |l| primitive::draw(l[0].clone(), l[1].clone().inner()),
        },
        Case {
            name: "squares of columns 784x1,000",
            leaves: vec![matrix(784, 1000)],
            fused: |l| column_squares(l[0].clone()),
            default: |l| primitive::squares(l[0].clone()),
        },
    ]
}

/// Milliseconds of one forward and backward pass.
fn pass(case: &Case, operation: fn(&[Matrix]) -> Matrix, repetitions: usize) -> f64 {
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
    let adam_numbers = AdamStep {
        rate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        decay: 0.0,
        time: 2,
        scale: 1.0,
    };
    let sgd_numbers = SgdStep { rate: 1e-3, momentum: 0.9, decay: 0.0, scale: 1.0 };
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
                case.name,
                timed(pairs, |n| pass(&case, case.fused, n), |n| pass(&case, case.default, n)),
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
