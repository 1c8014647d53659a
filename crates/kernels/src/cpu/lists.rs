//! The largest numbers of rows and columns, and means without the largest losses.

use crate::cpu::shared::{Two, by_rows, from_vec, rows, sides};
use crate::lists::Least;
use crate::pieces::{Real, for_each_piece, rows_per_piece};
use burn_flex::FlexTensor;

/// Whether a number is among the largest of its list.
fn chosen<T: Real>(least: Option<Least<T>>, value: T, place: usize) -> bool {
    least.is_some_and(|least| least.is_reached_by(value, place))
}

/// One for those, zero for the others.
fn mark<T: Real>(least: Option<Least<T>>, value: T, place: usize) -> T {
    T::select(chosen(least, value, place), T::of(1.0), T::of(0.0))
}

pub(super) fn largest_in_rows<T: Real>(x: FlexTensor, k: usize) -> FlexTensor {
    let x = rows(x);
    let (m, n) = sides(&x);
    let values = x.storage::<T>();
    // SAFETY: a row is written from a slice of its own length.
    unsafe {
        by_rows(m, n, |row, out| {
            let x = &values[row * n..][..n];
            let least = Least::of(x, k);
            for (column, (out, x)) in out.iter_mut().zip(x).enumerate() {
                out.write(mark(least, *x, column));
            }
        })
    }
}

pub(super) fn largest_in_columns<T: Real>(x: FlexTensor, k: usize) -> Two {
    let x = rows(x);
    let (m, n) = sides(&x);
    let values = x.storage::<T>();
    let ends = column_ends(&x, k);
    // SAFETY: a row is written from slices of its own length.
    let marks = unsafe {
        by_rows(m, n, |row, out| {
            let x = &values[row * n..][..n];
            for ((out, x), (least, _)) in out.iter_mut().zip(x).zip(&ends) {
                out.write(mark(*least, *x, row));
            }
        })
    };
    (marks, from_vec(ends.into_iter().map(|(_, smallest)| smallest).collect(), [1, n]))
}

/// Where the largest numbers of each column end, and the smallest of them that is a number.
fn column_ends<T: Real>(x: &FlexTensor, k: usize) -> Vec<(Option<Least<T>>, T)> {
    let (m, n) = sides(x);
    // As rows, which lie together in memory.
    let turned = rows(x.transpose(0, 1));
    let columns = turned.storage::<T>();
    let per = rows_per_piece(m);
    let mut ends = vec![(None, T::of(f64::INFINITY)); n];
    for_each_piece(&mut ends, per, |index, piece| {
        for (at, (least, smallest)) in piece.iter_mut().enumerate() {
            let column = &columns[(index * per + at) * m..][..m];
            *least = Least::of(column, k);
            let chosen = (0..).zip(column).filter(|(row, x)| chosen(*least, **x, *row));
            // NaN is never smaller.
            *smallest = chosen.fold(*smallest, |smallest, (_, x)| T::min(smallest, *x));
        }
    });
    ends
}

pub(super) fn trimmed_weights<T: Real>(losses: FlexTensor, kept: usize) -> FlexTensor {
    let losses = rows(losses);
    let values = losses.storage::<T>();
    let m = values.len();
    // From the end, where the last of equal losses is the first.
    let backwards: Vec<T> = values.iter().rev().copied().collect();
    let least = Least::of(&backwards, m - kept);
    let share = T::of(1.0 / kept as f64);
    let mut weights = vec![T::of(0.0); m];
    for ((place, loss), weight) in backwards.iter().enumerate().zip(weights.iter_mut().rev()) {
        *weight = T::select(chosen(least, *loss, place), T::of(0.0), share);
    }
    from_vec(weights, [m, 1])
}
