//! What the bodies of several operations share: where a tensor's numbers lie, rows in pieces, and
//! sums over columns.

use crate::norm::{add_columns, gathered, repeated};
use crate::pieces::{Real, add, filled, repeats, rows_per_piece, summed};
use crate::product::Strided;
use burn_flex::FlexTensor;
use burn_tensor::{Shape, TensorData};
use std::mem::MaybeUninit;

/// Runs a generic body for the tensor's float type.
macro_rules! typed {
    ($tensor:expr, $body:ident($($argument:expr),*)) => {
        match $tensor.dtype() {
            burn_tensor::DType::F64 => $body::<f64>($($argument),*),
            // Half precision never reaches the CPU backend: the library makes f32 and f64 tensors
            // only.
            _ => $body::<f32>($($argument),*),
        }
    };
}
pub(super) use typed;

pub(super) type Two = (FlexTensor, FlexTensor);
pub(super) type Three = (FlexTensor, FlexTensor, FlexTensor);

/// The tensor with its elements in row order from the start of its storage, so that `storage()` is
/// what the shape says.
pub(super) fn rows(t: FlexTensor) -> FlexTensor {
    let whole = t.layout().start_offset() == 0
        && t.is_contiguous()
        && t.bytes().len() == t.layout().num_elements() * t.dtype().size();
    if whole { t } else { FlexTensor::from_data(t.to_contiguous().into_data()) }
}

/// Rows and columns of a matrix.
pub(super) fn sides(t: &FlexTensor) -> (usize, usize) {
    (t.layout().shape()[0], t.layout().shape()[1])
}

pub(super) fn from_vec<T: Real>(values: Vec<T>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// Where the elements of a matrix lie.
pub(super) fn strided<T: Real>(t: &FlexTensor) -> Strided<T> {
    let layout = t.layout();
    // Of an empty view the offset may lie outside.
    let start = t.storage::<T>().as_ptr().wrapping_add(layout.start_offset());
    Strided { start, row: layout.strides()[0], column: layout.strides()[1] }
}

/// A bias repeated until it is long enough to vectorise.
pub(super) fn wide_bias<T: Real>(b: &FlexTensor) -> Vec<T> {
    let bias = b.storage::<T>();
    repeated(bias, repeats(bias.len()))
}

/// A row of sums for each piece of a pass that also writes.
pub(super) struct Pieces<T> {
    sums: Vec<std::sync::Mutex<Vec<T>>>,
    width: usize,
}

impl<T: Real> Pieces<T> {
    pub(super) fn new(count: usize, width: usize) -> Self {
        Self { sums: (0..count).map(|_| Default::default()).collect(), width }
    }

    /// Lends the zeros of one piece; no two pieces share them, so that nobody waits.
    pub(super) fn with(&self, index: usize, work: impl FnOnce(&mut [T])) {
        if let Ok(mut sum) = self.sums[index].lock() {
            sum.resize(self.width, T::of(0.0));
            work(&mut sum);
        }
    }

    /// Added in the order of the pieces, so that the number of threads never changes a bit.
    pub(super) fn total(self) -> Vec<T> {
        let mut total = vec![T::of(0.0); self.width];
        self.sums
            .into_iter()
            .filter_map(|sum| sum.into_inner().ok())
            .for_each(|sum| add(&mut total, &sum));
        total
    }
}

/// The sum down each column of `f(column, x)`, for rows of `n` numbers; `f` must be
/// `#[inline(always)]` and hears the column of a row that is `repeats(n)` rows side by side.
pub(super) fn column_sums<T: Real>(x: &[T], n: usize, f: impl Fn(usize, T) -> T + Sync) -> Vec<T> {
    let wide = n * repeats(n);
    let length = rows_per_piece(wide) * wide;
    let wide_sums = summed(x.len().div_ceil(length.max(1)), wide, |index, sum| {
        add_columns(sum, &x[index * length..x.len().min((index + 1) * length)], &f);
    });
    gathered(wide_sums, n)
}

/// A tensor of `m` rows that `fill(row number, row)` writes; pieces of rows go to all cores.
///
/// # Safety
/// `fill` must write every element of its row.
pub(super) unsafe fn by_rows<T: Real>(
    m: usize,
    n: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> FlexTensor {
    let per = rows_per_piece(n);
    // SAFETY: the caller's promise, for each row of a piece.
    let values = unsafe {
        filled(m * n, per * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (row, out) in piece.chunks_mut(n.max(1)).enumerate() {
                fill(index * per + row, out);
            }
        })
    };
    from_vec(values, [m, n])
}
