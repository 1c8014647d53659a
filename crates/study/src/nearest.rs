//! Rows whose codes are nearest.

use rows::Matrix;

/// A row and its distance in code.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Neighbour {
    /// Zero-based row.
    pub row: usize,
    /// Euclidean distance between the codes.
    pub distance: f64,
}

/// The `count` rows of `codes` nearest to `query`, the nearest first.
pub fn nearest(codes: &Matrix, query: &[f32], count: usize) -> Vec<Neighbour> {
    let distance = |row: usize| {
        codes.row(row).iter().zip(query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let mut all: Vec<Neighbour> =
        (0..codes.rows()).map(|row| Neighbour { row, distance: distance(row) }).collect();
    all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
    all.truncate(count);
    all
}
