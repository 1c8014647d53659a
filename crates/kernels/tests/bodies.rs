//! The hand-written bodies against the same operations made of the engine's primitives.

#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders_kernels::{
    Activation, AdamStep, Geometry, RowLoss, SgdStep, Simd, activate, adam, arrange,
    column_moments, column_norm, column_squares, convolution, dense, dense_arranged, draw_normal,
    kl_normal, largest_in_columns, largest_in_rows, narrow_simd, native, primitive, row_loss,
    row_norm, sgd, side_by_side, sparsity, steer, sum_squares, transposed_convolution,
    trimmed_weights,
};
use burn_tensor::{DType, Device, Tensor, TensorData};
use std::sync::{RwLock, RwLockReadGuard};

/// Held for writing by the one test that narrows the instructions of the whole process, for reading
/// by the others.
static WIDTH: RwLock<()> = RwLock::new(());

fn any_width() -> RwLockReadGuard<'static, ()> {
    WIDTH.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Shapes with one, odd, prime and round sizes, and two that are cut into pieces for several cores.
///
/// Under Miri, which takes a thousand times as long and cuts smaller pieces, small ones alone.
const SHAPES: &[[usize; 3]] = if cfg!(miri) {
    &[[1, 1, 1], [1, 7, 3], [5, 1, 2], [13, 11, 17]]
} else {
    &[[1, 1, 1], [1, 7, 3], [5, 1, 2], [13, 11, 17], [64, 64, 64], [131, 97, 301], [700, 30, 257]]
};

/// Numbers between -2 and 2 that are the same on every machine.
fn numbers(rows: usize, columns: usize, seed: u64, dtype: DType) -> Tensor<2> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let values: Vec<f64> = (0..rows * columns)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
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
        assert!(
            (got - wanted).abs() <= tolerance * wanted.abs().max(1.0),
            "{what} at {at}: {got}, wanted {wanted}"
        );
    }
}

/// The value and the gradients of an operation, the output's gradient being the numbers of a seed.
type Outcome = (Vec<f64>, Vec<Vec<f64>>);

fn outcome(leaves: &[Tensor<2>], operation: impl Fn(&[Tensor<2>]) -> Tensor<2>) -> Outcome {
    let leaves: Vec<Tensor<2>> =
        leaves.iter().map(|leaf| leaf.clone().autodiff().require_grad()).collect();
    let y = operation(&leaves);
    let [rows, columns] = y.dims();
    let gradients = (y.clone() * numbers(rows, columns, 99, y.dtype())).sum().backward();
    (values(y.inner()), leaves.iter().map(|leaf| values(leaf.grad(&gradients).unwrap())).collect())
}

fn assert_near(got: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(1f64, |scale, value| scale.max(value.abs()));
    for (at, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert!(
            (got - wanted).abs() <= tolerance * scale,
            "{what} at {at}: {got}, wanted {wanted} (scale {scale})"
        );
    }
}

/// An operation against its default body, differentiated by the engine: value and every gradient.
///
/// The leaves come as they are and as views that are not contiguous.
fn agree(
    what: &str,
    leaves: &[Tensor<2>],
    tolerance: f64,
    fused: impl Fn(&[Tensor<2>]) -> Tensor<2>,
    default: impl Fn(&[Tensor<2>]) -> Tensor<2>,
) {
    let wanted = outcome(leaves, &default);
    for transposed in [false, true] {
        let stored: Vec<Tensor<2>> = if transposed {
            leaves.iter().map(|leaf| rows_of(leaf.clone().transpose())).collect()
        } else {
            leaves.to_vec()
        };
        let turned =
            |leaf: &Tensor<2>| if transposed { leaf.clone().transpose() } else { leaf.clone() };
        let view = |l: &[Tensor<2>]| fused(&l.iter().map(turned).collect::<Vec<_>>());
        let (value, gradients) = outcome(&stored, view);
        let what = format!("{what}{}", if transposed { ", of views" } else { "" });
        assert_near(&value, &wanted.0, tolerance, &what);
        for (leaf, (got, wanted)) in gradients.iter().zip(&wanted.1).enumerate() {
            let [rows, columns] = leaves[leaf].dims();
            let got: Vec<f64> = if transposed {
                (0..rows * columns).map(|at| got[at % columns * rows + at / columns]).collect()
            } else {
                got.clone()
            };
            assert_near(&got, wanted, 4.0 * tolerance, &format!("gradient {leaf} of {what}"));
        }
    }
}

/// The same matrix with its rows in order in memory of its own.
fn rows_of(t: Tensor<2>) -> Tensor<2> {
    let options = (&t.device(), t.dtype());
    Tensor::from_data(t.to_data(), options)
}

fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-12,
        _ => 2e-5,
    }
}

/// An operation in one of its forms.
type Operation = Box<dyn Fn(&[Tensor<2>]) -> Tensor<2>>;

/// An operation in both forms, and what it is done with.
struct Case {
    what: String,
    leaves: Vec<Tensor<2>>,
    fused: Operation,
    default: Operation,
}

fn case(
    what: impl Into<String>,
    leaves: Vec<Tensor<2>>,
    fused: impl Fn(&[Tensor<2>]) -> Tensor<2> + 'static,
    default: impl Fn(&[Tensor<2>]) -> Tensor<2> + 'static,
) -> Case {
    Case { what: what.into(), leaves, fused: Box::new(fused), default: Box::new(default) }
}

/// Every operation with leaves of this shape.
fn operations([rows, width, out]: [usize; 3], dtype: DType) -> Vec<Case> {
    let mut all = Vec::new();
    for act in Activation::ALL {
        all.extend(layers([rows, width, out], act, dtype));
        all.extend(activations([rows, out], act, dtype));
    }
    all.extend(losses([rows, out], dtype));
    all.extend(norms([rows, out], dtype));
    all.extend(penalties_and_draws([rows, out], dtype));
    all.extend(selections([rows, out], dtype));
    for case in &mut all {
        case.what += &format!(" {dtype:?} {rows} x {width} x {out}");
    }
    all
}

fn layers([rows, width, out]: [usize; 3], act: Activation, dtype: DType) -> Vec<Case> {
    let of = |transposed: bool| {
        let sides = if transposed { [out, width] } else { [width, out] };
        let w = numbers(sides[0], sides[1], 2, dtype) * 0.2;
        case(
            format!("dense {act:?} transposed {transposed}"),
            vec![numbers(rows, width, 1, dtype), w, numbers(1, out, 3, dtype)],
            move |l| dense(l[0].clone(), l[1].clone(), l[2].clone(), transposed, act),
            move |l| {
                let (x, w, b) = (l[0].clone(), l[1].clone(), l[2].clone());
                primitive::dense_layer(x, w, b, transposed, act)
            },
        )
    };
    [false, true].map(of).into()
}

fn activations([rows, out]: [usize; 2], act: Activation, dtype: DType) -> Vec<Case> {
    let m = |rows, columns, seed| numbers(rows, columns, seed, dtype);
    let mut all = vec![case(
        format!("activate {act:?}"),
        vec![m(rows, out, 4)],
        move |l| activate(l[0].clone(), act),
        move |l| primitive::activation(l[0].clone(), act),
    )];
    // Outputs of the activation where the slope is found from those.
    let saved = if act.needs_input() { m(rows, out, 5) } else { activate(m(rows, out, 5), act) };
    for (given, k) in [(rows, 2), (1, 3)] {
        let d = move |t: &Tensor<2>| t.clone().reshape([given, k, out]);
        let flat = move |t: Tensor<3>| t.reshape([rows * k, out]);
        all.push(case(
            format!("steer {act:?} {given} x {k}"),
            vec![m(given * k, out, 6), saved.clone()],
            move |l| flat(steer(d(&l[0]), l[1].clone(), act)),
            move |l| flat(primitive::steered(d(&l[0]), l[1].clone(), act)),
        ));
    }
    all
}

fn losses([rows, out]: [usize; 2], dtype: DType) -> Vec<Case> {
    let of = |loss: RowLoss| {
        let target = numbers(rows, out, 7, dtype);
        let same = target.clone();
        case(
            format!("row loss {loss:?}"),
            vec![numbers(rows, out, 8, dtype)],
            move |l| row_loss(l[0].clone(), target.clone(), loss),
            move |l| primitive::losses(l[0].clone(), same.clone(), loss),
        )
    };
    [RowLoss::Squared, RowLoss::Absolute, RowLoss::BernoulliLogits].map(of).into()
}

fn norms([rows, out]: [usize; 2], dtype: DType) -> Vec<Case> {
    let m = |rows, columns, seed| numbers(rows, columns, seed, dtype);
    let columns = |own: bool| {
        let given = m(2, out, 9).abs() + 0.5;
        let same = given.clone();
        case(
            format!("column norm own {own}"),
            vec![m(rows, out, 10), m(1, out, 11), m(1, out, 12)],
            move |l| {
                let moments = if own { column_moments(l[0].clone()) } else { given.clone() };
                column_norm(l[0].clone(), l[1].clone(), l[2].clone(), moments, own)
            },
            move |l| {
                let moments = if own { primitive::moments(l[0].clone()) } else { same.clone() };
                primitive::column_normed(l[0].clone(), l[1].clone(), l[2].clone(), moments)
            },
        )
    };
    let [given, own] = [false, true].map(columns);
    let rows = case(
        "row norm",
        vec![m(rows, out, 13), m(1, out, 14), m(1, out, 15)],
        |l| row_norm(l[0].clone(), l[1].clone(), l[2].clone()),
        |l| primitive::row_normed(l[0].clone(), l[1].clone(), l[2].clone()),
    );
    vec![given, own, rows]
}

fn penalties_and_draws([rows, out]: [usize; 2], dtype: DType) -> Vec<Case> {
    let m = |rows, columns, seed| numbers(rows, columns, seed, dtype);
    let noise = m(rows, out, 19);
    let same = noise.clone();
    vec![
        case(
            "column squares",
            vec![m(rows, out, 16)],
            |l| column_squares(l[0].clone()),
            |l| primitive::squares(l[0].clone()),
        ),
        // Activations between 0 and 1, some columns beyond the clipping.
        case(
            "sparsity",
            vec![m(rows, out, 17).abs() * 0.5],
            |l| sparsity(l[0].clone(), 0.05),
            |l| primitive::sparsity_of(l[0].clone(), 0.05),
        ),
        // Some logarithms of variances beyond their bounds.
        case(
            "kl",
            vec![m(rows, 2 * out, 18) * 11.0],
            |l| kl_normal(l[0].clone()),
            |l| primitive::kl(l[0].clone()),
        ),
        case(
            "draw",
            vec![m(rows, 2 * out, 20) * 2.0],
            move |l| draw_normal(l[0].clone(), noise.clone()),
            move |l| primitive::draw(l[0].clone(), same.clone()),
        ),
    ]
}

fn selections([rows, out]: [usize; 2], dtype: DType) -> Vec<Case> {
    // Rounded, so that many are equal, 0 and -0 among them.
    let m = |columns, seed| (numbers(rows, columns, seed, dtype) * 2.0).round();
    let (in_rows, in_columns) = (out.div_ceil(3), rows.div_ceil(3));
    let kept = rows - rows / 4;
    vec![
        case(
            "largest in rows",
            vec![m(out, 21)],
            move |l| l[0].clone() * largest_in_rows(l[0].clone(), in_rows),
            move |l| l[0].clone() * primitive::largest_of_rows(l[0].clone().inner(), in_rows),
        ),
        case(
            "largest in columns",
            vec![m(out, 22)],
            move |l| {
                let (marks, smallest) = largest_in_columns(l[0].clone(), in_columns);
                l[0].clone() * marks + smallest
            },
            move |l| {
                let x = l[0].clone().inner();
                let (marks, smallest) = primitive::largest_of_columns(x, in_columns);
                l[0].clone() * marks + smallest
            },
        ),
        case(
            "trimmed",
            vec![m(1, 23)],
            |l| l[0].clone() * trimmed_weights(l[0].clone(), 0.25),
            move |l| l[0].clone() * primitive::trimmed(l[0].clone().inner(), kept),
        ),
    ]
}

#[test]
fn every_operation_has_the_value_and_the_gradients_of_its_default_body() {
    let _width = any_width();
    for dtype in [DType::F32, DType::F64] {
        for &shape in SHAPES {
            for Case { what, leaves, fused, default } in operations(shape, dtype) {
                // One column or row leaves a variance of nothing, whose gradient is rounding.
                if what.contains("norm") && (shape[0] == 1 || shape[2] == 1) {
                    continue;
                }
                agree(&what, &leaves, tolerance(dtype), fused, default);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long there")]
fn every_width_of_instructions_gives_the_same_bits() {
    let _alone = WIDTH.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    let run = |simd: Simd| {
        narrow_simd(simd);
        let mut all = Vec::new();
        for shape in [[13, 11, 17], [131, 97, 301]] {
            for dtype in [DType::F32, DType::F64] {
                for Case { what, leaves, fused, .. } in operations(shape, dtype) {
                    let (value, gradients) = outcome(&leaves, fused);
                    all.push((what, value, gradients));
                }
            }
        }
        for (name, geometry) in geometries() {
            let leaves = image_leaves(&geometry, DType::F32, false);
            let (value, gradients) = outcome(&leaves, |l| {
                convolution(
                    l[0].clone(),
                    l[1].clone(),
                    Some(l[2].clone()),
                    &geometry,
                    Activation::Sigmoid,
                )
            });
            all.push((format!("convolution, {name}"), value, gradients));
            let leaves = image_leaves(&geometry, DType::F32, true);
            let back = |l: &[Tensor<2>]| {
                transposed_convolution(
                    l[0].clone(),
                    l[1].clone(),
                    Some(l[2].clone()),
                    &geometry,
                    Activation::Tanh,
                )
            };
            let (value, gradients) = outcome(&leaves, back);
            all.push((format!("convolution back, {name}"), value, gradients));
        }
        all
    };
    let widest = run(Simd::Avx512);
    let narrow = [Simd::Avx2, Simd::Portable].map(|narrower| (narrower, run(narrower)));
    narrow_simd(Simd::Avx512);
    for (narrower, all) in narrow {
        for ((what, value, gradients), (_, wanted, wanted_gradients)) in
            all.into_iter().zip(&widest)
        {
            // Without fused multiplication and addition a product cannot have the same bits.
            if narrower == Simd::Portable
                && ["dense", "convolution"].iter().any(|word| what.starts_with(word))
            {
                assert_near(&value, wanted, 2e-5, &what);
                for (got, wanted) in gradients.iter().zip(wanted_gradients) {
                    assert_near(got, wanted, 1e-4, &what);
                }
                continue;
            }
            assert!(value == *wanted && gradients == *wanted_gradients, "{what} with {narrower:?}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long there")]
fn any_number_of_threads_gives_the_same_bits() {
    let _width = any_width();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut all: Vec<(String, Outcome)> = Vec::new();
            for Case { what, leaves, fused, .. } in operations([700, 30, 257], DType::F32) {
                all.push((what, outcome(&leaves, fused)));
            }
            let squares = sum_squares(&numbers(700, 257, 1, DType::F32)).into_scalar::<f64>();
            all.push(("sum of squares".to_owned(), (vec![squares], Vec::new())));
            for (name, geometry) in geometries() {
                let leaves = image_leaves(&geometry, DType::F32, false);
                let forth = |l: &[Tensor<2>]| {
                    convolution(
                        l[0].clone(),
                        l[1].clone(),
                        Some(l[2].clone()),
                        &geometry,
                        Activation::Relu,
                    )
                };
                all.push((name.to_owned(), outcome(&leaves, forth)));
                let leaves = image_leaves(&geometry, DType::F32, true);
                let back = |l: &[Tensor<2>]| {
                    transposed_convolution(
                        l[0].clone(),
                        l[1].clone(),
                        Some(l[2].clone()),
                        &geometry,
                        Activation::Relu,
                    )
                };
                all.push((format!("{name}, transposed"), outcome(&leaves, back)));
            }
            all
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        for ((what, got), (_, wanted)) in run(threads).into_iter().zip(&one) {
            assert!(got == *wanted, "{what} on {threads} threads");
        }
    }
}

/// Kernels of any size, stride and padding over images of one, odd and prime sides.
fn geometries() -> Vec<(&'static str, Geometry)> {
    let new = |input, channels, kernel, stride, padding| {
        Geometry::new(input, channels, kernel, stride, padding).unwrap()
    };
    let mut all = vec![
        ("one pixel", new([1, 1], [1, 1], [1, 1], [1, 1], [0, 0])),
        ("halving an odd image", Geometry::halving([7, 5], 3, 4).unwrap()),
        ("halving one line", Geometry::halving([1, 9], 2, 5).unwrap()),
        ("halving a digit", Geometry::halving([28, 28], 1, 32).unwrap()),
        ("3 x 3, stride 1", new([6, 5], [2, 3], [3, 3], [1, 1], [1, 1])),
        ("5 x 3, strides 3 and 2", new([13, 11], [3, 7], [5, 3], [3, 2], [2, 1])),
        ("stride wider than the kernel", new([9, 8], [2, 2], [2, 2], [3, 3], [0, 0])),
        ("kernel as large as the padded image", new([3, 3], [2, 5], [5, 5], [1, 1], [1, 1])),
        ("many channels", new([8, 8], [37, 41], [4, 4], [2, 2], [1, 1])),
        ("an image larger than a piece", new([61, 67], [3, 5], [4, 4], [2, 2], [1, 1])),
    ];
    if cfg!(miri) {
        all.retain(|(_, geometry)| geometry.input_width() * geometry.patch() < 1000);
    }
    all
}

fn image_leaves(geometry: &Geometry, dtype: DType, transposed: bool) -> Vec<Tensor<2>> {
    let (from, to) = if transposed {
        (geometry.output_width(), geometry.channels()[0])
    } else {
        (geometry.input_width(), geometry.channels()[1])
    };
    let w = numbers(geometry.patch(), geometry.channels()[1], 2, dtype) * 0.2;
    vec![numbers(5, from, 1, dtype), w, numbers(1, to, 3, dtype)]
}

#[test]
fn convolutions_have_the_value_and_the_gradients_of_their_default_bodies() {
    let _width = any_width();
    for dtype in [DType::F32, DType::F64] {
        for (name, geometry) in geometries() {
            for act in [Activation::Identity, Activation::Relu, Activation::Gelu] {
                let what = format!("{name} {act:?} {dtype:?}");
                agree(
                    &what,
                    &image_leaves(&geometry, dtype, false),
                    tolerance(dtype),
                    |l| convolution(l[0].clone(), l[1].clone(), Some(l[2].clone()), &geometry, act),
                    |l| {
                        primitive::convolution(
                            l[0].clone(),
                            l[1].clone(),
                            l[2].clone(),
                            geometry,
                            act,
                        )
                    },
                );
                agree(
                    &format!("{what}, transposed"),
                    &image_leaves(&geometry, dtype, true),
                    tolerance(dtype),
                    |l| {
                        transposed_convolution(
                            l[0].clone(),
                            l[1].clone(),
                            Some(l[2].clone()),
                            &geometry,
                            act,
                        )
                    },
                    |l| {
                        primitive::transposed_convolution(
                            l[0].clone(),
                            l[1].clone(),
                            l[2].clone(),
                            geometry,
                            act,
                        )
                    },
                );
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long there")]
fn operations_side_by_side_give_the_same_bits_as_each_alone() {
    let _width = any_width();
    // Products of one row, of few rows and of many, large enough to be shared between threads when
    // they are alone.
    let product = |rows: usize| {
        let (x, w, b) = (
            numbers(rows, 700, 1, DType::F32),
            numbers(700, 600, 2, DType::F32),
            numbers(1, 600, 3, DType::F32),
        );
        values(dense(x, w, b, false, Activation::Sigmoid))
    };
    let sizes = [1, 3, 64, 65, 300];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let together = pool.install(|| side_by_side(sizes.len(), |at| product(sizes[at])));
    for (size, together) in sizes.into_iter().zip(together) {
        assert!(product(size) == together, "{size} rows");
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long there")]
fn workers_that_share_and_look_for_work_at_once_all_come_to_an_end() {
    use rayon::prelude::*;
    let _width = any_width();
    let product = || {
        let (x, w, b) = (
            numbers(16, 300, 1, DType::F32),
            numbers(300, 200, 2, DType::F32),
            numbers(1, 200, 3, DType::F32),
        );
        values(dense(x, w, b, false, Activation::Sigmoid))
    };
    let alone = product();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    // More than there are workers, each of which shares its own and picks up the others' while it
    // waits.
    let same = pool.install(|| {
        (0..6)
            .into_par_iter()
            .with_max_len(1)
            .map(|_| (0..40).all(|_| product() == alone))
            .collect::<Vec<_>>()
    });
    assert_eq!(same, [true; 6]);
}

/// Rows of products with the rows beside them and alone, with the weight as it lies, turned, and
/// arranged: all have the same bits.
fn rows_of_products_do_not_depend_on_their_neighbours() {
    for dtype in [DType::F32, DType::F64] {
        for [k, n] in [[1, 1], [30, 7], [97, 33], [700, 301], [1100, 64]] {
            let (x, w, b) = (
                numbers(131, k, 1, dtype),
                numbers(k, n, 2, dtype) * 0.05,
                numbers(1, n, 3, dtype),
            );
            let layer = |x: Tensor<2>, weight: &Tensor<2>, transposed| {
                dense(x, weight.clone(), b.clone(), transposed, Activation::Tanh)
            };
            let turned = rows_of(w.clone().transpose());
            let whole = values(layer(x.clone(), &w, false));
            for rows in [1, 2, 3, 5, 12, 13, 31, 32, 48, 64, 131] {
                let part = x.clone().slice([0..rows, 0..k]);
                let what = format!("{rows} rows of {k} x {n} {dtype:?}");
                assert!(values(layer(part.clone(), &w, false)) == whole[..rows * n], "{what}");
                assert!(
                    values(layer(part.clone(), &turned, true)) == whole[..rows * n],
                    "{what}, transposed"
                );
                for (weight, transposed) in [(&w, false), (&turned, true)] {
                    let arranged = dense_arranged(
                        part.clone(),
                        arrange(weight.clone(), transposed),
                        b.clone(),
                        Activation::Tanh,
                    );
                    assert!(values(arranged) == whole[..rows * n], "{what}, arranged");
                    // Where a gradient is wanted, the default bodies read either arrangement.
                    for arranged in [
                        arrange(weight.clone(), transposed).autodiff(),
                        arrange(weight.clone().autodiff(), transposed),
                    ] {
                        let default = dense_arranged(
                            part.clone().autodiff(),
                            arranged,
                            b.clone().autodiff(),
                            Activation::Tanh,
                        );
                        assert_near(
                            &values(default.inner()),
                            &whole[..rows * n],
                            tolerance(dtype),
                            &what,
                        );
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long there")]
fn a_row_of_a_product_does_not_depend_on_the_rows_beside_it_nor_on_how_its_weight_lies() {
    let _alone = WIDTH.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    for widest in [Simd::Avx2, Simd::Avx512] {
        narrow_simd(widest);
        if native() {
            rows_of_products_do_not_depend_on_their_neighbours();
        }
    }
}

#[test]
#[should_panic(expected = "shape of an arranged weight")]
fn a_weight_that_another_backend_arranged_is_refused() {
    let weight = arrange(numbers(8, 64, 1, DType::F32).autodiff(), false).inner();
    let _ = dense_arranged(
        numbers(3, 8, 2, DType::F32),
        weight,
        numbers(1, 64, 3, DType::F32),
        Activation::Relu,
    );
}

/// A part of a matrix, without a copy.
type View = fn(Tensor<2>) -> Tensor<2>;

#[test]
fn matrices_that_are_cut_out_repeated_or_turned_around_give_the_same_as_their_copies() {
    let _width = any_width();
    for dtype in [DType::F32, DType::F64] {
        let (x, w) = (numbers(40, 50, 1, dtype), numbers(50, 60, 2, dtype));
        let views: [(&str, View); 4] = [
            ("cut out", |t| t.slice([3..20, 5..38])),
            ("cut out and turned", |t| t.transpose().slice([5..38, 3..36])),
            ("one row for all", |t| t.slice([7..8, 5..38]).expand([33, 33])),
            ("upside down", |t| t.slice([2..35, 4..37]).flip([0])),
        ];
        for (left, a) in &views {
            for (right, b) in &views {
                let (a, b) = (a(x.clone()), b(w.clone()));
                if a.dims()[1] != b.dims()[0] {
                    continue;
                }
                let bias = numbers(1, 80, 3, dtype).slice([0..1, 9..9 + b.dims()[1]]);
                let of = |a: Tensor<2>, b: Tensor<2>, bias: Tensor<2>| {
                    values(dense(a, b, bias, false, Activation::Silu))
                };
                let copies = of(rows_of(a.clone()), rows_of(b.clone()), rows_of(bias.clone()));
                assert!(of(a, b, bias) == copies, "{left} times {right}, {dtype:?}");
            }
        }
        let cut = x.slice([3..20, 5..38]);
        for act in Activation::ALL {
            assert_eq!(
                values(activate(cut.clone(), act)),
                values(activate(rows_of(cut.clone()), act))
            );
        }
    }
}

#[test]
fn a_geometry_that_makes_no_sense_is_none() {
    for (input, channels, kernel, stride, padding) in [
        ([2, 2], [1, 1], [5, 5], [1, 1], [1, 1]),
        ([0, 2], [1, 1], [1, 1], [1, 1], [0, 0]),
        ([4, 4], [1, 1], [2, 2], [0, 1], [0, 0]),
        ([4, 4], [1, 0], [2, 2], [1, 1], [0, 0]),
        ([4, 4], [1, 1], [2, 2], [1, 1], [2, 0]),
        // More numbers than can be counted.
        ([1 << 40, 1 << 40], [1, 1], [2, 2], [1, 1], [0, 0]),
        ([1 << 30, 1 << 30], [1, 1 << 30], [2, 2], [1, 1], [0, 0]),
        ([usize::MAX, 4], [1, 1], [2, 2], [1, 1], [1, 1]),
    ] {
        assert_eq!(Geometry::new(input, channels, kernel, stride, padding), None);
    }
}

#[test]
fn optimiser_steps_are_their_formulas() {
    for &[rows, _, columns] in SHAPES {
        let [p, g, m] = [1, 2, 3].map(|seed| numbers(rows, columns, seed, DType::F64));
        let v = numbers(rows, columns, 4, DType::F64).square();
        let v_again = v.clone();
        let step =
            AdamStep { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, time: 3 };
        let new_m = m.clone() * 0.9 + g.clone() * 0.1;
        let new_v = v.clone() * 0.999 + g.clone().square() * 0.001;
        let change = (new_m.clone() * (1.0 / (1.0 - 0.9f64.powi(3))))
            / ((new_v.clone() * (1.0 / (1.0 - 0.999f64.powi(3)))).sqrt() + 1e-8);
        let new_p = p.clone() * (1.0 - 0.01 * 0.1) - change * 0.01;
        let [got_p, got_m, got_v] = adam(p.clone(), g.clone(), m.clone(), v.clone(), step);
        assert_close(got_p, new_p, 1e-12, "adam's parameter");
        assert_close(got_m, new_m, 1e-12, "adam's first moment");
        assert_close(got_v, new_v, 1e-12, "adam's second moment");
        let by_default = primitive::adam_step(p.clone(), g.clone(), m.clone(), v, step);
        for (got, wanted) in
            by_default.into_iter().zip(adam(p.clone(), g.clone(), m.clone(), v_again, step))
        {
            assert_close(got, wanted, 1e-12, "adam's default body");
        }
        let velocity = m.clone() * 0.9 + g.clone();
        let sgd_numbers = SgdStep { rate: 0.01, momentum: 0.9, decay: 0.1 };
        let by_default = primitive::sgd_step(p.clone(), g.clone(), m.clone(), sgd_numbers);
        let [got_p, got_velocity] = sgd(p.clone(), g.clone(), m.clone(), sgd_numbers);
        let p_again = got_p.clone();
        assert_close(
            got_p,
            p * (1.0 - 0.01 * 0.1) - velocity.clone() * 0.01,
            1e-12,
            "sgd's parameter",
        );
        assert_close(got_velocity.clone(), velocity, 1e-12, "sgd's velocity");
        for (got, wanted) in by_default.into_iter().zip([p_again, got_velocity]) {
            assert_close(got, wanted, 1e-12, "sgd's default body");
        }
        let wanted: f64 = values(g.clone()).iter().map(|g| g * g).sum();
        assert!((sum_squares(&g).into_scalar::<f64>() - wanted).abs() < 1e-9 * wanted);
        let by_default = primitive::sum_of_squares(g).into_scalar::<f64>();
        assert!((by_default - wanted).abs() < 1e-9 * wanted);
    }
}

/// Equal numbers, both zeros, both infinities and NaN.
const AWKWARD: [f64; 12] = [
    1.0,
    f64::NAN,
    -0.0,
    0.0,
    f64::INFINITY,
    1.0,
    f64::NEG_INFINITY,
    -0.0,
    0.0,
    f64::NAN,
    1.0,
    f64::INFINITY,
];

#[test]
fn exactly_so_many_numbers_are_the_largest_and_of_equal_ones_the_first() {
    let _width = any_width();
    let n = AWKWARD.len();
    let mut order: Vec<usize> = (0..n).collect();
    // A stable sort.
    order.sort_by(|a, b| AWKWARD[*b].total_cmp(&AWKWARD[*a]));
    for dtype in [DType::F32, DType::F64] {
        let data = TensorData::new(AWKWARD.to_vec(), [1, n]);
        let row = Tensor::<2>::from_data(data, (&Device::default(), dtype));
        for k in (0..=n).chain([n + 1, usize::MAX]) {
            let what = format!("{k} of {n}, {dtype:?}");
            let mut wanted = vec![0.0; n];
            order.iter().take(k).for_each(|at| wanted[*at] = 1.0);
            assert_eq!(values(largest_in_rows(row.clone(), k)), wanted, "{what}");
            assert_eq!(values(primitive::largest_of_rows(row.clone(), k)), wanted, "{what}");
            let smallest =
                order.iter().take(k).map(|at| AWKWARD[*at]).fold(f64::INFINITY, f64::min);
            let column = row.clone().transpose();
            for (marks, least) in [
                largest_in_columns(column.clone(), k),
                primitive::largest_of_columns(column.clone(), k),
            ] {
                assert_eq!(values(marks), wanted, "{what}, in a column");
                assert_eq!(values(least), [smallest], "smallest of {what}");
            }
        }
    }
}

#[test]
fn the_largest_losses_have_no_weight_and_of_equal_ones_the_last() {
    let _width = any_width();
    let n = AWKWARD.len();
    let mut order: Vec<usize> = (0..n).collect();
    // A stable sort.
    order.sort_by(|a, b| AWKWARD[*a].total_cmp(&AWKWARD[*b]));
    for dtype in [DType::F32, DType::F64] {
        let data = TensorData::new(AWKWARD.to_vec(), [n, 1]);
        let losses = Tensor::<2>::from_data(data, (&Device::default(), dtype));
        for (left_out, kept) in [(0.0, n), (0.01, n), (0.1, 11), (0.5, 6), (0.9, 2), (1.0, 1)] {
            let what = format!("{kept} of {n}, {dtype:?}");
            let share = match dtype {
                DType::F64 => 1.0 / kept as f64,
                _ => f64::from(1.0 / kept as f32),
            };
            let mut wanted = vec![0.0; n];
            order.iter().take(kept).for_each(|at| wanted[*at] = share);
            assert_eq!(values(trimmed_weights(losses.clone(), left_out)), wanted, "{what}");
            assert_eq!(values(primitive::trimmed(losses.clone(), kept)), wanted, "{what}");
        }
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
    for (input, channels) in
        [([1, 1], [1, 1]), ([2, 3], [2, 3]), ([7, 5], [3, 4]), ([8, 8], [1, 2]), ([1, 9], [2, 5])]
    {
        let geometry = Geometry::halving(input, channels[0], channels[1]).unwrap();
        let x = numbers(4, geometry.input_width(), 1, DType::F64);
        let y = numbers(4, geometry.output_width(), 2, DType::F64);
        let w = numbers(geometry.patch(), channels[1], 3, DType::F64);
        let forth = convolution(x.clone(), w.clone(), None, &geometry, Activation::Identity);
        let back = transposed_convolution(y.clone(), w, None, &geometry, Activation::Identity);
        assert_eq!((forth.dims(), back.dims()), (y.dims(), x.dims()), "{input:?}");
        let products = [(forth * y).sum(), (back * x).sum()].map(|sum| sum.into_scalar::<f64>());
        assert!(
            (products[0] - products[1]).abs() < 1e-10 * products[0].abs().max(1.0),
            "{input:?}: {products:?}"
        );
    }
}
