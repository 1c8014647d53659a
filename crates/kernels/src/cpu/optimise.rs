//! Optimiser steps in place, and the sum of squares by which gradients are clipped.

use crate::cpu::shared::{Three, Two, from_vec, rows};
#[cfg(feature = "threads")]
use crate::pieces::may_share;
use crate::pieces::{PIECE, Real, simd, summed};
use crate::step::{AdamStep, SgdStep};
use burn_flex::FlexTensor;

pub(super) fn adam<T: Real>(
    p: FlexTensor,
    g: FlexTensor,
    m: FlexTensor,
    v: FlexTensor,
    step: AdamStep,
) -> Three {
    let (mut p, g, mut m, mut v) = (rows(p), rows(g), rows(m), rows(v));
    let numbers = step.numbers::<T>();
    {
        let (ps, gs) = (p.storage_mut::<T>(), g.storage::<T>());
        let moments = (m.storage_mut::<T>(), v.storage_mut::<T>());
        let piece = |p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]| {
            simd(
                #[inline(always)]
                || AdamStep::piece(numbers, p, g, m, v),
            )
        };
        #[cfg(feature = "threads")]
        if ps.len() > 2 * PIECE && may_share() {
            use rayon::prelude::*;
            let parameters = ps.par_chunks_mut(PIECE).zip(gs.par_chunks(PIECE));
            let moments = moments.0.par_chunks_mut(PIECE).zip(moments.1.par_chunks_mut(PIECE));
            // Two pieces at least for each thread, or waking it costs more than it does.
            parameters.zip(moments).with_min_len(2).for_each(|((p, g), (m, v))| piece(p, g, m, v));
        } else {
            piece(ps, gs, moments.0, moments.1);
        }
        #[cfg(not(feature = "threads"))]
        piece(ps, gs, moments.0, moments.1);
    }
    (p, m, v)
}

pub(super) fn sgd<T: Real>(
    p: FlexTensor,
    g: FlexTensor,
    velocity: FlexTensor,
    step: SgdStep,
) -> Two {
    let (mut p, g, mut velocity) = (rows(p), rows(g), rows(velocity));
    let numbers = [step.rate, step.momentum, 1.0 - step.rate * step.decay].map(T::of);
    {
        let (ps, gs, vs) = (p.storage_mut::<T>(), g.storage::<T>(), velocity.storage_mut::<T>());
        let piece = |p: &mut [T], g: &[T], v: &mut [T]| {
            simd(
                #[inline(always)]
                || SgdStep::piece(numbers, p, g, v),
            )
        };
        #[cfg(feature = "threads")]
        if ps.len() > 2 * PIECE && may_share() {
            use rayon::prelude::*;
            let pieces =
                ps.par_chunks_mut(PIECE).zip(gs.par_chunks(PIECE)).zip(vs.par_chunks_mut(PIECE));
            pieces.with_min_len(2).for_each(|((p, g), v)| piece(p, g, v));
        } else {
            piece(ps, gs, vs);
        }
        #[cfg(not(feature = "threads"))]
        piece(ps, gs, vs);
    }
    (p, velocity)
}

/// Accumulated in f64 for either type: a norm of many small gradients would lose digits in f32.
pub(super) fn sum_squares<T: Real>(t: FlexTensor) -> FlexTensor {
    let t = rows(t);
    let values = t.storage::<T>();
    let pieces = values.len().div_ceil(PIECE);
    let sums = summed::<f64>(pieces, 8, |index, sums| {
        let part = &values[index * PIECE..values.len().min((index + 1) * PIECE)];
        simd(
            #[inline(always)]
            || {
                for eight in part.chunks(8) {
                    for (sum, value) in sums.iter_mut().zip(eight) {
                        let value = value.as_f64();
                        *sum += value * value;
                    }
                }
            },
        );
    });
    from_vec(vec![sums.iter().sum::<f64>()], [1])
}
