//! Hand-written bodies for the CPU.

use crate::activation::Activation;
use crate::loss::RowLoss;
use crate::ops::FusedOps;
use crate::optimise::{AdamStep, SgdStep};
use crate::pieces::{PIECE, Real, for_each_piece, rows_per_piece, simd};
use burn::backend::Flex;
use burn::tensor::{DType, Shape, Tensor, TensorData};
use burn_flex::FlexTensor;

/// Products below this many multiplications stay on one thread: waking a second one costs more than it saves.
#[cfg(feature = "threads")]
const PARALLEL_PRODUCT: usize = 64 * 64 * 64;

/// Runs a generic body for the tensor's float type.
macro_rules! typed {
    ($tensor:expr, $body:ident($($argument:expr),*)) => {
        match $tensor.dtype() {
            DType::F64 => $body::<f64>($($argument),*),
            // Half precision never reaches the CPU backend: the library makes f32 and f64 tensors only.
            _ => $body::<f32>($($argument),*),
        }
    };
}

impl FusedOps for Flex {
    fn dense(x: FlexTensor, w: FlexTensor, b: FlexTensor, act: Activation) -> FlexTensor {
        typed!(x, dense(x, w, b, act))
    }

    fn activate(z: FlexTensor, act: Activation) -> FlexTensor {
        typed!(z, activate(z, act))
    }

    fn activate_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> FlexTensor {
        typed!(g, activate_backward(saved, g, act))
    }

    fn dense_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> (FlexTensor, FlexTensor) {
        typed!(g, dense_backward(saved, g, act))
    }

    fn product(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        typed!(a, product_tensor(a, b))
    }

    fn row_loss(output: FlexTensor, target: FlexTensor, loss: RowLoss) -> FlexTensor {
        typed!(output, row_loss(output, target, loss))
    }

    fn row_loss_backward(output: FlexTensor, target: FlexTensor, g: FlexTensor, loss: RowLoss) -> FlexTensor {
        typed!(output, row_loss_backward(output, target, g, loss))
    }

    fn adam(p: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: AdamStep) -> (FlexTensor, FlexTensor, FlexTensor) {
        typed!(p, adam(p, g, m, v, step))
    }

    fn sgd(p: FlexTensor, g: FlexTensor, velocity: FlexTensor, step: SgdStep) -> (FlexTensor, FlexTensor) {
        typed!(p, sgd(p, g, velocity, step))
    }
}

/// The tensor with its elements in row order from the start of its storage, so that `storage()` is what the shape says.
fn rows(t: FlexTensor) -> FlexTensor {
    let whole = t.layout().start_offset() == 0 && t.is_contiguous() && t.bytes().len() == t.layout().num_elements() * t.dtype().size();
    if whole { t } else { FlexTensor::from_data(t.to_contiguous().into_data()) }
}

/// Rows and columns of a matrix.
fn rows_and_columns(t: &FlexTensor) -> (usize, usize) {
    (t.layout().shape()[0], t.layout().shape()[1])
}

fn from_vec<T: Real>(values: Vec<T>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// `a b` into a fresh vector of m x n elements, row after row.
fn product<T: Real>(a: &FlexTensor, b: &FlexTensor) -> Vec<T> {
    let (m, k) = (a.layout().shape()[0], a.layout().shape()[1]);
    let n = b.layout().shape()[1];
    assert_eq!(k, b.layout().shape()[0], "inner sizes of a product");
    let mut out = vec![T::of(0.0); m * n];
    if out.is_empty() || k == 0 {
        return out;
    }
    let view = |t: &FlexTensor| {
        let layout = t.layout();
        // SAFETY: the offset of a layout lies within its storage.
        (unsafe { t.storage::<T>().as_ptr().add(layout.start_offset()) }, layout.strides()[0], layout.strides()[1])
    };
    let ((a, a_rows, a_columns), (b, b_rows, b_columns)) = (view(a), view(b));
    #[cfg(feature = "threads")]
    let parallelism = if m * n * k > PARALLEL_PRODUCT { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    #[cfg(not(feature = "threads"))]
    let parallelism = gemm::Parallelism::None;
    // SAFETY: both layouts describe m x k and k x n elements within their storage, and `out` holds m x n elements.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a,
            a_columns,
            a_rows,
            b,
            b_columns,
            b_rows,
            T::of(0.0),
            T::of(1.0),
            false,
            false,
            false,
            parallelism,
        );
    }
    out
}

fn product_tensor<T: Real>(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let shape = [a.layout().shape()[0], b.layout().shape()[1]];
    from_vec(product::<T>(&a, &b), shape)
}

fn dense<T: Real>(x: FlexTensor, w: FlexTensor, b: FlexTensor, act: Activation) -> FlexTensor {
    let (m, n) = (x.layout().shape()[0], w.layout().shape()[1]);
    let mut y = product::<T>(&x, &w);
    let b = rows(b);
    let bias = &b.storage::<T>()[..n];
    for_each_piece(&mut y, rows_per_piece(n) * n, |_, piece| act.apply(piece, Some(bias)));
    from_vec(y, [m, n])
}

fn activate<T: Real>(z: FlexTensor, act: Activation) -> FlexTensor {
    let mut z = rows(z);
    for_each_piece(z.storage_mut::<T>(), PIECE, |_, piece| act.apply(piece, None));
    z
}

fn activate_backward<T: Real>(saved: FlexTensor, g: FlexTensor, act: Activation) -> FlexTensor {
    let (saved, mut g) = (rows(saved), rows(g));
    let values = saved.storage::<T>();
    for_each_piece(g.storage_mut::<T>(), PIECE, |index, piece| act.multiply_slope(piece, &values[index * PIECE..]));
    g
}

fn dense_backward<T: Real>(saved: FlexTensor, g: FlexTensor, act: Activation) -> (FlexTensor, FlexTensor) {
    let (saved, mut g) = (rows(saved), rows(g));
    let (_, n) = rows_and_columns(&g);
    let length = rows_per_piece(n) * n;
    let pieces = g.layout().num_elements().div_ceil(length.max(1));
    let values = saved.storage::<T>();
    let sums: Vec<std::sync::Mutex<Vec<T>>> = (0..pieces).map(|_| Default::default()).collect();
    for_each_piece(g.storage_mut::<T>(), length, |index, piece| {
        if act != Activation::Identity {
            act.multiply_slope(piece, &values[index * length..]);
        }
        let mut sum = vec![T::of(0.0); n];
        simd(|| {
            for row in piece.chunks_exact(n) {
                for (total, value) in sum.iter_mut().zip(row) {
                    *total = *total + *value;
                }
            }
        });
        if let Ok(mut slot) = sums[index].lock() {
            *slot = sum;
        }
    });
    // Added in the order of the pieces, so that the number of threads never changes a bit.
    let mut total = vec![T::of(0.0); n];
    for sum in sums {
        for (total, value) in total.iter_mut().zip(sum.into_inner().unwrap_or_default()) {
            *total = *total + value;
        }
    }
    (g, from_vec(total, [1, n]))
}

fn row_loss<T: Real>(output: FlexTensor, target: FlexTensor, loss: RowLoss) -> FlexTensor {
    let (output, target) = (rows(output), rows(target));
    let (m, n) = rows_and_columns(&output);
    let (outputs, targets) = (output.storage::<T>(), target.storage::<T>());
    assert_eq!(outputs.len(), targets.len(), "elements of output and target");
    let mut losses = vec![T::of(0.0); m];
    let per_piece = rows_per_piece(n);
    for_each_piece(&mut losses, per_piece, |index, piece| {
        for (row, sum) in piece.iter_mut().enumerate() {
            let at = (index * per_piece + row) * n;
            *sum = loss.sum(&outputs[at..at + n], &targets[at..at + n]);
        }
    });
    from_vec(losses, [m, 1])
}

fn row_loss_backward<T: Real>(output: FlexTensor, target: FlexTensor, g: FlexTensor, loss: RowLoss) -> FlexTensor {
    let (mut output, target, g) = (rows(output), rows(target), rows(g));
    let (_, n) = rows_and_columns(&output);
    let (targets, gs) = (target.storage::<T>(), g.storage::<T>());
    let per_piece = rows_per_piece(n);
    for_each_piece(output.storage_mut::<T>(), per_piece * n, |index, piece| {
        for (row, values) in piece.chunks_exact_mut(n).enumerate() {
            let row = index * per_piece + row;
            loss.gradient(values, &targets[row * n..][..n], gs[row]);
        }
    });
    output
}

fn adam<T: Real>(p: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: AdamStep) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (mut p, g, mut m, mut v) = (rows(p), rows(g), rows(m), rows(v));
    let numbers = step.numbers::<T>();
    {
        let (ps, gs) = (p.storage_mut::<T>(), g.storage::<T>());
        let moments = (m.storage_mut::<T>(), v.storage_mut::<T>());
        let piece = |p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]| simd(|| AdamStep::piece(numbers, p, g, m, v));
        #[cfg(feature = "threads")]
        {
            use rayon::prelude::*;
            let parameters = ps.par_chunks_mut(PIECE).zip(gs.par_chunks(PIECE));
            let moments = moments.0.par_chunks_mut(PIECE).zip(moments.1.par_chunks_mut(PIECE));
            // Two pieces at least for each thread, or waking it costs more than it does.
            parameters.zip(moments).with_min_len(2).for_each(|((p, g), (m, v))| piece(p, g, m, v));
        }
        #[cfg(not(feature = "threads"))]
        piece(ps, gs, moments.0, moments.1);
    }
    (p, m, v)
}

fn sgd<T: Real>(p: FlexTensor, g: FlexTensor, velocity: FlexTensor, step: SgdStep) -> (FlexTensor, FlexTensor) {
    let (mut p, g, mut velocity) = (rows(p), rows(g), rows(velocity));
    let numbers = [step.rate, step.momentum, 1.0 - step.rate * step.decay].map(T::of);
    let (ps, gs, vs) = (p.storage_mut::<T>(), g.storage::<T>(), velocity.storage_mut::<T>());
    simd(|| SgdStep::piece(numbers, ps, gs, vs));
    (p, velocity)
}

/// The sum of squares, where the tensor lies on the CPU.
pub(crate) fn sum_squares(t: &Tensor<2>) -> Option<f64> {
    fn total<T: Real>(t: FlexTensor) -> f64 {
        let t = rows(t);
        let mut sums = [0f64; 8];
        let values = t.storage::<T>();
        simd(|| {
            for eight in values.chunks(8) {
                for (sum, value) in sums.iter_mut().zip(eight) {
                    let value = value.as_f64();
                    *sum += value * value;
                }
            }
        });
        sums.iter().sum()
    }
    let t = t.clone().try_into_primitive::<Flex>().ok()?;
    Some(typed!(t, total(t)))
}
