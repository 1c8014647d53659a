//! Batch and layer norm.

use crate::cpu::shared::{Pieces, Three, column_sums, from_vec, rows, sides};
use crate::norm::{EPSILON, gathered, repeated};
use crate::pieces::{Real, filled, for_each_piece, repeats, rows_per_piece, simd, summed};
use burn_flex::FlexTensor;
use std::mem::MaybeUninit;

pub(super) fn column_moments<T: Real>(x: FlexTensor) -> FlexTensor {
    let x = rows(x);
    let (m, n) = sides(&x);
    let values = x.storage::<T>();
    let share = T::of(1.0 / m.max(1) as f64);
    let mean: Vec<T> = column_sums(
        values,
        n,
        #[inline(always)]
        |_, x| x,
    )
    .into_iter()
    .map(|sum| sum * share)
    .collect();
    let wide = repeated(&mean, repeats(n));
    let squares = column_sums(
        values,
        n,
        #[inline(always)]
        |column, x| {
            let centred = x - wide[column];
            centred * centred
        },
    );
    from_vec(mean.into_iter().chain(squares.into_iter().map(|sum| sum * share)).collect(), [2, n])
}

/// `1 / sqrt(variance + epsilon)` of each column.
fn inverse_deviations<T: Real>(variances: &[T]) -> Vec<T> {
    variances.iter().map(|v| T::of(1.0) / T::sqrt(*v + T::of(EPSILON))).collect()
}

/// `gain / sqrt(variance + epsilon)` of each column.
fn factors<T: Real>(inverse: &[T], gain: &FlexTensor) -> Vec<T> {
    inverse.iter().zip(gain.storage::<T>()).map(|(i, g)| *i * *g).collect()
}

/// A gain and a shift for each column.
fn norm_sizes(n: usize, gain: &FlexTensor, shift: &FlexTensor) {
    assert!(
        [gain, shift].iter().all(|t| t.layout().num_elements() == n),
        "gains and shifts of a norm"
    );
}

pub(super) fn column_norm<T: Real>(
    x: FlexTensor,
    gain: FlexTensor,
    shift: FlexTensor,
    moments: FlexTensor,
    _: bool,
) -> FlexTensor {
    let (x, gain, shift, moments) = (rows(x), rows(gain), rows(shift), rows(moments));
    let (m, n) = sides(&x);
    norm_sizes(n, &gain, &shift);
    assert_eq!(moments.layout().num_elements(), 2 * n, "moments of a norm");
    let (mean, variance) = moments.storage::<T>().split_at(n);
    let factor = factors(&inverse_deviations(variance), &gain);
    let wide = |row: &[T]| repeated(row, repeats(n));
    let (mean, factor, shift) = (wide(mean), wide(&factor), wide(shift.storage::<T>()));
    let values = x.storage::<T>();
    let length = rows_per_piece(factor.len()) * factor.len();
    // SAFETY: a piece is written from the part of `x` that has its length, in rows of the same
    // length as mean, factor and shift.
    let y = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (out, x) in piece.chunks_mut(factor.len()).zip(part.chunks(factor.len())) {
                        for ((((out, x), mean), factor), shift) in
                            out.iter_mut().zip(x).zip(&mean).zip(&factor).zip(&shift)
                        {
                            out.write((*x - *mean) * *factor + *shift);
                        }
                    }
                },
            );
        })
    };
    from_vec(y, [m, n])
}

/// The sums down each column of `g`, and behind them those of `g` times the normalised `x`, both in
/// one pass.
fn sums_with_unit<T: Real>(x: &[T], g: &[T], mean: &[T], inverse: &[T]) -> Vec<T> {
    let width = mean.len();
    let length = rows_per_piece(width) * width;
    summed::<T>(g.len().div_ceil(length.max(1)), 2 * width, |index, sum| {
        let (at, end) = (index * length, g.len().min((index + 1) * length));
        let (by_shift, by_gain) = sum.split_at_mut(width);
        simd(
            #[inline(always)]
            || {
                for (g, x) in g[at..end].chunks(width).zip(x[at..end].chunks(width)) {
                    for (column, (g, x)) in g.iter().zip(x).enumerate() {
                        by_shift[column] = by_shift[column] + *g;
                        by_gain[column] =
                            by_gain[column] + *g * (*x - mean[column]) * inverse[column];
                    }
                }
            },
        );
    })
}

pub(super) fn column_norm_backward<T: Real>(
    x: FlexTensor,
    gain: FlexTensor,
    moments: FlexTensor,
    g: FlexTensor,
    own: bool,
) -> Three {
    let (x, gain, moments, g) = (rows(x), rows(gain), rows(moments), rows(g));
    let (m, n) = sides(&x);
    let (mean, variance) = moments.storage::<T>().split_at(n);
    let inverse = inverse_deviations(variance);
    let (values, gs) = (x.storage::<T>(), g.storage::<T>());
    let wide = |row: &[T]| repeated(row, repeats(n));
    let (wide_mean, wide_inverse) = (wide(mean), wide(&inverse));
    let width = wide_mean.len();
    let length = rows_per_piece(width) * width;
    let sums = sums_with_unit(values, gs, &wide_mean, &wide_inverse);
    let by_shift = gathered(sums[..width].to_vec(), n);
    let by_gain = gathered(sums[width..].to_vec(), n);
    // dx = factor (g - mean of g - unit x mean of g unit), the means taken where the moments are
    // x's own.
    let share = if own { T::of(1.0 / m.max(1) as f64) } else { T::of(0.0) };
    let factor = factors(&inverse, &gain);
    let less: Vec<T> = by_shift.iter().map(|sum| *sum * share).collect();
    let along: Vec<T> =
        by_gain.iter().zip(&inverse).map(|(sum, inverse)| *sum * share * *inverse).collect();
    let (factor, less, along) = (wide(&factor), wide(&less), wide(&along));
    // SAFETY: a piece is written from the parts of `x` and `g` that have its length, in rows as
    // long as the other slices.
    let dx = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let (x, g) =
                (&values[index * length..][..piece.len()], &gs[index * length..][..piece.len()]);
            simd(
                #[inline(always)]
                || {
                    for ((out, x), g) in
                        piece.chunks_mut(width).zip(x.chunks(width)).zip(g.chunks(width))
                    {
                        for (column, ((out, x), g)) in out.iter_mut().zip(x).zip(g).enumerate() {
                            let centred = *x - wide_mean[column];
                            out.write(
                                factor[column] * (*g - less[column] - centred * along[column]),
                            );
                        }
                    }
                },
            );
        })
    };
    (from_vec(dx, [m, n]), from_vec(by_gain, [1, n]), from_vec(by_shift, [1, n]))
}

/// Mean and inverse deviation of a row.
#[inline(always)]
fn row_moments<T: Real>(row: &[T]) -> (T, T) {
    let share = T::of(1.0 / row.len().max(1) as f64);
    let mean = lanes(
        row,
        #[inline(always)]
        |x| x,
    ) * share;
    let variance = lanes(
        row,
        #[inline(always)]
        |x| (x - mean) * (x - mean),
    ) * share;
    (mean, T::of(1.0) / T::sqrt(variance + T::of(EPSILON)))
}

/// `Σ f(x)` over a row, in as many partial sums as the widest register has numbers.
#[inline(always)]
fn lanes<T: Real>(row: &[T], f: impl Fn(T) -> T) -> T {
    let mut sums = [T::of(0.0); 16];
    let mut whole = row.chunks_exact(16);
    for x in &mut whole {
        for lane in 0..16 {
            sums[lane] = sums[lane] + f(x[lane]);
        }
    }
    let rest = whole.remainder().iter().fold(T::of(0.0), |sum, x| sum + f(*x));
    sums.iter().fold(rest, |sum, lane| sum + *lane)
}

pub(super) fn row_norm<T: Real>(x: FlexTensor, gain: FlexTensor, shift: FlexTensor) -> FlexTensor {
    let (x, gain, shift) = (rows(x), rows(gain), rows(shift));
    let (m, n) = sides(&x);
    norm_sizes(n, &gain, &shift);
    let (values, gain, shift) = (x.storage::<T>(), gain.storage::<T>(), shift.storage::<T>());
    let length = rows_per_piece(n) * n;
    // SAFETY: each row of a piece is written from slices of its own length.
    let y = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (out, x) in piece.chunks_mut(n).zip(part.chunks(n)) {
                        let (mean, inverse) = row_moments(x);
                        for (((out, x), gain), shift) in out.iter_mut().zip(x).zip(gain).zip(shift)
                        {
                            out.write((*x - mean) * inverse * *gain + *shift);
                        }
                    }
                },
            );
        })
    };
    from_vec(y, [m, n])
}

pub(super) fn row_norm_backward<T: Real>(x: FlexTensor, gain: FlexTensor, g: FlexTensor) -> Three {
    let (x, gain, g) = (rows(x), rows(gain), rows(g));
    let (m, n) = sides(&x);
    let (values, gs, gain) = (x.storage::<T>(), g.storage::<T>(), gain.storage::<T>());
    let length = rows_per_piece(n) * n;
    let sums = Pieces::<T>::new((m * n).div_ceil(length.max(1)), 2 * n);
    let share = T::of(1.0 / n.max(1) as f64);
    let mut dx = gs.to_vec();
    for_each_piece(&mut dx, length, |index, piece| {
        sums.with(index, |sum| {
            let (by_gain, by_shift) = sum.split_at_mut(n);
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (d, x) in piece.chunks_mut(n).zip(part.chunks(n)) {
                        let (mean, inverse) = row_moments(x);
                        for column in 0..n {
                            let (g, unit) = (d[column], (x[column] - mean) * inverse);
                            by_gain[column] = by_gain[column] + g * unit;
                            by_shift[column] = by_shift[column] + g;
                            d[column] = g * gain[column];
                        }
                        let less = lanes(
                            d,
                            #[inline(always)]
                            |d| d,
                        ) * share;
                        let mut along = T::of(0.0);
                        for column in 0..n {
                            along = along + d[column] * (x[column] - mean);
                        }
                        let along = along * share * inverse * inverse;
                        for column in 0..n {
                            d[column] = (d[column] - less - (x[column] - mean) * along) * inverse;
                        }
                    }
                },
            );
        });
    });
    let total = sums.total();
    (
        from_vec(dx, [m, n]),
        from_vec(total[..n].to_vec(), [1, n]),
        from_vec(total[n..].to_vec(), [1, n]),
    )
}
