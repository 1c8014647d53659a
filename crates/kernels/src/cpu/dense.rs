//! Products, dense layers, activations, and directions through an activation.

use crate::activation::Activation;
use crate::cpu::shared::{Pieces, Two, from_vec, rows, sides, strided, wide_bias};
use crate::norm::{add_columns, gathered};
use crate::pieces::{PIECE, Real, filled, for_each_piece, repeats, rows_per_piece, simd, summed};
use crate::product::{Arranged, PANEL, Right, multiplied};
use burn_flex::FlexTensor;
use burn_tensor::Shape;
use std::mem::MaybeUninit;

pub(super) fn product<T: Real>(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let ((m, k), (inner, n)) = (sides(&a), sides(&b));
    assert_eq!(k, inner, "inner sizes of a product");
    // SAFETY: both are whole tensors of these sizes.
    from_vec(unsafe { multiplied::<T>([m, k, n], strided(&a), strided(&b), |_, _| ()) }, [m, n])
}

pub(super) fn dense<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    transposed: bool,
    act: Activation,
) -> FlexTensor {
    let weight = strided::<T>(&w);
    let (weight, [inner, n]) = if transposed {
        (weight.transposed(), [sides(&w).1, sides(&w).0])
    } else {
        (weight, [sides(&w).0, sides(&w).1])
    };
    // SAFETY: a whole tensor of these sizes.
    unsafe { layer::<T>(x, weight.into(), [inner, n], b, act) }
}

pub(super) fn arrange<T: Real>(w: FlexTensor, transposed: bool) -> FlexTensor {
    let (k, n) = if transposed { (sides(&w).1, sides(&w).0) } else { sides(&w) };
    let weight = strided::<T>(&w);
    // SAFETY: a whole tensor of these sizes.
    let panels =
        unsafe { Arranged::new(if transposed { weight.transposed() } else { weight }, [k, n]) };
    from_vec(panels.panels, [n.div_ceil(PANEL), k, PANEL])
}

pub(super) fn dense_arranged<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let (w, n) = (rows(w), b.layout().num_elements());
    let k = w.layout().shape()[1];
    let panels = w.storage::<T>();
    // Another backend's arrangement has other panels, and would be read in another order.
    assert_eq!(
        *w.layout().shape(),
        Shape::from([n.div_ceil(PANEL), k, PANEL]),
        "shape of an arranged weight"
    );
    // SAFETY: as many panels as `k` and `n` ask for.
    unsafe { layer(x, Right::panels(panels, k), [k, n], b, act) }
}

/// A dense layer by a weight [inner, n].
///
/// # Safety
/// The weight must describe that many numbers of memory.
unsafe fn layer<T: Real>(
    x: FlexTensor,
    weight: Right<T>,
    [inner, n]: [usize; 2],
    b: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let ((m, k), b) = (sides(&x), rows(b));
    assert_eq!(k, inner, "inner sizes of a dense layer");
    assert_eq!(b.layout().num_elements(), n, "biases of a dense layer");
    let (narrow, wide) = (b.storage::<T>(), wide_bias::<T>(&b));
    let finish = |column: usize, part: &mut [T]| {
        act.apply(part, Some(if column == 0 { &wide } else { &narrow[column..] }))
    };
    // SAFETY: the caller's promise for the weight; the rows are a whole tensor.
    from_vec(unsafe { multiplied([m, k, n], strided(&x), weight, finish) }, [m, n])
}

pub(super) fn activate<T: Real>(z: FlexTensor, act: Activation) -> FlexTensor {
    let mut z = rows(z);
    for_each_piece(z.storage_mut::<T>(), PIECE, |_, piece| act.apply(piece, None));
    z
}

pub(super) fn activate_backward<T: Real>(
    saved: FlexTensor,
    g: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let (saved, mut g) = (rows(saved), rows(g));
    assert_eq!(
        saved.layout().num_elements(),
        g.layout().num_elements(),
        "what was saved for a gradient"
    );
    let values = saved.storage::<T>();
    for_each_piece(g.storage_mut::<T>(), PIECE, |index, piece| {
        act.multiply_slope(piece, &values[index * PIECE..])
    });
    g
}

pub(super) fn dense_backward<T: Real>(saved: FlexTensor, g: FlexTensor, act: Activation) -> Two {
    let (saved, mut g) = (rows(saved), rows(g));
    assert_eq!(
        saved.layout().num_elements(),
        g.layout().num_elements(),
        "what was saved for a gradient"
    );
    let (_, n) = sides(&g);
    let wide = n * repeats(n);
    let length = rows_per_piece(wide) * wide;
    let values = saved.storage::<T>();
    let gradient = g.storage_mut::<T>();
    let count = gradient.len().div_ceil(length.max(1));
    let sums = Pieces::new(count, wide);
    for_each_piece(gradient, length, |index, piece| {
        if act != Activation::Identity {
            act.multiply_slope(piece, &values[index * length..]);
        }
        sums.with(index, |sum| {
            add_columns(
                sum,
                piece,
                #[inline(always)]
                |_, g| g,
            )
        });
    });
    let total = gathered(sums.total(), n);
    (g, from_vec(total, [1, n]))
}

pub(super) fn steer<T: Real>(
    directions: FlexTensor,
    saved: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let (directions, saved) = (rows(directions), rows(saved));
    let (count, n) = sides(&saved);
    let (given, k) = sides(&directions);
    let (ds, values) = (directions.storage::<T>(), saved.storage::<T>());
    assert!(given == count || given == 1, "rows of directions");
    assert_eq!(directions.layout().shape()[2], n, "numbers in a direction");
    let per = rows_per_piece(k * n);
    // SAFETY: each row of a piece is cut into runs of n, and each run is written from slices of n
    // elements.
    let out = unsafe {
        filled(count * k * n, per * k * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (at, out) in piece.chunks_mut(n.max(1)).enumerate() {
                let row = index * per + at / k;
                let d = if given == 1 { at % k } else { row * k + at % k };
                act.steer(out, &ds[d * n..][..n], &values[row * n..][..n]);
            }
        })
    };
    from_vec(out, [count, k, n])
}

pub(super) fn steer_backward<T: Real>(
    directions: FlexTensor,
    saved: FlexTensor,
    g: FlexTensor,
    act: Activation,
) -> Two {
    let (directions, saved, g) = (rows(directions), rows(saved), rows(g));
    let (count, n) = sides(&saved);
    let (given, k) = sides(&directions);
    assert_eq!(directions.layout().shape()[2], n, "numbers in a direction");
    let (ds, values, gs) = (directions.storage::<T>(), saved.storage::<T>(), g.storage::<T>());
    let direction =
        |row: usize, at: usize| &ds[(if given == 1 { at } else { row * k + at }) * n..][..n];
    let per = rows_per_piece(k * n);
    let mut by_saved = vec![T::of(0.0); count * n];
    for_each_piece(&mut by_saved, per * n, |index, piece| {
        for (at, out) in piece.chunks_mut(n.max(1)).enumerate() {
            let row = index * per + at;
            for j in 0..k {
                let (d, g) = (direction(row, j), &gs[(row * k + j) * n..][..n]);
                simd(
                    #[inline(always)]
                    || {
                        for ((out, d), g) in out.iter_mut().zip(d).zip(g) {
                            *out = *out + *d * *g;
                        }
                    },
                );
            }
            act.multiply_bend(out, &values[row * n..][..n]);
        }
    });
    let slope = steer::<T>(g.clone(), saved, act);
    let by_directions = if given == 1 && count != 1 {
        let wide = slope.storage::<T>();
        let pieces = count.div_ceil(per);
        let sum = summed(pieces, k * n, |index, sum| {
            let part = &wide[index * per * k * n..wide.len().min((index + 1) * per * k * n)];
            add_columns(
                sum,
                part,
                #[inline(always)]
                |_, x| x,
            );
        });
        from_vec(sum, [1, k, n])
    } else {
        slope
    };
    (by_directions, from_vec(by_saved, [count, n]))
}
