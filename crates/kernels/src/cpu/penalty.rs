//! Reconstruction losses and the penalties of families.

use crate::cpu::shared::{by_rows, column_sums, from_vec, rows, sides};
use crate::loss::RowLoss;
use crate::norm::{CLIPPED, clipped, divergence, unclipped};
use crate::pieces::{Real, filled, for_each_piece, rows_per_piece, simd, summed};
use burn_flex::FlexTensor;
use std::mem::MaybeUninit;

pub(super) fn row_loss<T: Real>(
    output: FlexTensor,
    target: FlexTensor,
    loss: RowLoss,
) -> FlexTensor {
    let (output, target) = (rows(output), rows(target));
    let (m, n) = sides(&output);
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

pub(super) fn row_loss_backward<T: Real>(
    output: FlexTensor,
    target: FlexTensor,
    g: FlexTensor,
    loss: RowLoss,
) -> FlexTensor {
    let (output, target, g) = (rows(output), rows(target), rows(g));
    let (m, n) = sides(&output);
    let (outputs, targets, gs) = (output.storage::<T>(), target.storage::<T>(), g.storage::<T>());
    assert_eq!(outputs.len(), targets.len(), "elements of output and target");
    let per_piece = rows_per_piece(n);
    // SAFETY: each row of a piece is written from slices of its own length.
    let gradient = unsafe {
        filled(m * n, per_piece * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (row, values) in piece.chunks_exact_mut(n.max(1)).enumerate() {
                let row = index * per_piece + row;
                loss.gradient(values, &outputs[row * n..][..n], &targets[row * n..][..n], gs[row]);
            }
        })
    };
    from_vec(gradient, [m, n])
}

pub(super) fn column_squares<T: Real>(w: FlexTensor) -> FlexTensor {
    let w = rows(w);
    let (_, n) = sides(&w);
    from_vec(
        column_sums(
            w.storage::<T>(),
            n,
            #[inline(always)]
            |_, w| w * w,
        ),
        [1, n],
    )
}

pub(super) fn column_squares_backward<T: Real>(w: FlexTensor, g: FlexTensor) -> FlexTensor {
    let (w, g) = (rows(w), rows(g));
    let (m, n) = sides(&w);
    assert_eq!(g.layout().num_elements(), n, "gradients of the squares of columns");
    let (values, doubled) =
        (w.storage::<T>(), g.storage::<T>().iter().map(|g| *g * T::of(2.0)).collect::<Vec<_>>());
    // SAFETY: a row is written from slices of its own length.
    unsafe {
        by_rows(m, n, |row, out| {
            let w = &values[row * n..][..n];
            simd(
                #[inline(always)]
                || {
                    for ((out, w), g) in out.iter_mut().zip(w).zip(&doubled) {
                        out.write(*w * *g);
                    }
                },
            );
        })
    }
}

/// The mean of each column, and that mean kept away from 0 and 1.
fn mean_activations<T: Real>(code: &[T], m: usize, n: usize) -> Vec<(f64, f64)> {
    let sums = column_sums(
        code,
        n,
        #[inline(always)]
        |_, x| x,
    );
    let mean = |sum: T| sum.as_f64() / m.max(1) as f64;
    sums.into_iter().map(|sum| (mean(sum), mean(sum).clamp(CLIPPED, 1.0 - CLIPPED))).collect()
}

pub(super) fn sparsity<T: Real>(code: FlexTensor, rho: f64) -> FlexTensor {
    let code = rows(code);
    let (m, n) = sides(&code);
    let unit =
        |mean: f64| rho * (rho / mean).ln() + (1.0 - rho) * ((1.0 - rho) / (1.0 - mean)).ln();
    let means = mean_activations(code.storage::<T>(), m, n);
    from_vec(vec![T::of(means.into_iter().map(|(_, inside)| unit(inside)).sum())], [1, 1])
}

pub(super) fn sparsity_backward<T: Real>(code: FlexTensor, g: FlexTensor, rho: f64) -> FlexTensor {
    let (code, g) = (rows(code), rows(g));
    let (m, n) = sides(&code);
    let share = g.storage::<T>()[0].as_f64() / m.max(1) as f64;
    let slope = |(mean, inside): (f64, f64)| {
        if mean == inside { (1.0 - rho) / (1.0 - inside) - rho / inside } else { 0.0 }
    };
    let means = mean_activations(code.storage::<T>(), m, n);
    let row: Vec<T> = means.into_iter().map(|mean| T::of(slope(mean) * share)).collect();
    // SAFETY: a row is written from a row of its own length.
    unsafe {
        by_rows(m, n, |_, out| {
            out.write_copy_of_slice(&row);
        })
    }
}

pub(super) fn kl_normal<T: Real>(h: FlexTensor) -> FlexTensor {
    let h = rows(h);
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let values = h.storage::<T>();
    let per = rows_per_piece(width);
    let mut sum = summed::<T>(m.div_ceil(per), n, |index, sum| {
        let part = &values[index * per * width..values.len().min((index + 1) * per * width)];
        simd(
            #[inline(always)]
            || {
                for row in part.chunks_exact(width.max(1)) {
                    let (mean, log_variance) = row.split_at(n);
                    for ((sum, m), l) in sum.iter_mut().zip(mean).zip(log_variance) {
                        *sum = *sum + divergence(*m, *l);
                    }
                }
            },
        );
    });
    let share = T::of(1.0 / m.max(1) as f64);
    sum.iter_mut().for_each(|sum| *sum = *sum * share);
    from_vec(sum, [1, n])
}

pub(super) fn kl_normal_backward<T: Real>(h: FlexTensor, g: FlexTensor) -> FlexTensor {
    let (h, g) = (rows(h), rows(g));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, share) = (h.storage::<T>(), T::of(1.0 / m.max(1) as f64));
    let g: Vec<T> = g.storage::<T>().iter().map(|g| *g * share).collect();
    // SAFETY: both halves of a row are written from slices of n elements.
    unsafe {
        by_rows(m, width, |row, out| {
            let (mean, log_variance) = values[row * width..][..width].split_at(n);
            let (by_mean, by_variance) = out.split_at_mut(n);
            simd(
                #[inline(always)]
                || {
                    for ((out, m), g) in by_mean.iter_mut().zip(mean).zip(&g) {
                        out.write(*m * *g);
                    }
                    for ((out, l), g) in by_variance.iter_mut().zip(log_variance).zip(&g) {
                        out.write(
                            T::of(0.5) * (T::exp(clipped(*l)) - T::of(1.0)) * *g * unclipped(*l),
                        );
                    }
                },
            );
        })
    }
}

pub(super) fn draw_normal<T: Real>(h: FlexTensor, noise: FlexTensor) -> FlexTensor {
    let (h, noise) = (rows(h), rows(noise));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, noise) = (h.storage::<T>(), noise.storage::<T>());
    // SAFETY: a row is written from slices of its own length n.
    unsafe {
        by_rows(m, n, |row, out| {
            let (mean, log_variance) = values[row * width..][..width].split_at(n);
            let noise = &noise[row * n..][..n];
            simd(
                #[inline(always)]
                || {
                    for (((out, m), l), e) in out.iter_mut().zip(mean).zip(log_variance).zip(noise)
                    {
                        out.write(*m + T::exp(T::of(0.5) * clipped(*l)) * *e);
                    }
                },
            );
        })
    }
}

pub(super) fn draw_normal_backward<T: Real>(
    h: FlexTensor,
    noise: FlexTensor,
    g: FlexTensor,
) -> FlexTensor {
    let (h, noise, g) = (rows(h), rows(noise), rows(g));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, noise, gs) = (h.storage::<T>(), noise.storage::<T>(), g.storage::<T>());
    // SAFETY: the first half of a row is copied from n elements, the second written from slices of
    // n elements.
    unsafe {
        by_rows(m, width, |row, out| {
            let (_, log_variance) = values[row * width..][..width].split_at(n);
            let (noise, g) = (&noise[row * n..][..n], &gs[row * n..][..n]);
            let (by_mean, by_variance) = out.split_at_mut(n);
            by_mean.write_copy_of_slice(g);
            simd(
                #[inline(always)]
                || {
                    for (((out, l), e), g) in
                        by_variance.iter_mut().zip(log_variance).zip(noise).zip(g)
                    {
                        let deviation = T::exp(T::of(0.5) * clipped(*l));
                        out.write(T::of(0.5) * *g * *e * deviation * unclipped(*l));
                    }
                },
            );
        })
    }
}
