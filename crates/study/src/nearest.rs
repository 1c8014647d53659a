//! Rows whose codes, or whose numbers, are nearest.

use burn_tensor::Tensor;
use kernels::{Activation, arrange, dense_arranged};
use model::{Engine, Inside, Model, read};
use rows::{Dataset, Matrix, Result};

/// A row and its distance in code.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Neighbour {
    /// Zero-based row.
    pub row: usize,
    /// Euclidean distance between the codes.
    pub distance: f64,
    /// How many later rows have the same code.
    pub copies: usize,
}

/// The `count` codes nearest to `query`, the nearest first; equal ones count as one, the first.
pub fn nearest(codes: &Matrix, query: &[f32], count: usize) -> Vec<Neighbour> {
    let distance = |row: usize| {
        codes.row(row).iter().zip(query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let mut all: Vec<Neighbour> = (0..codes.rows())
        .map(|row| Neighbour { row, distance: distance(row), copies: 0 })
        .collect();
    all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
    let mut found: Vec<Neighbour> = Vec::new();
    for next in all {
        // Equal codes are equally far.
        let as_far = found.partition_point(|known| known.distance < next.distance);
        let equal = |known: &Neighbour| codes.row(known.row) == codes.row(next.row);
        match found[as_far..].iter().position(equal) {
            Some(known) => found[as_far + known].copies += 1,
            None if found.len() < count => found.push(next),
            None if as_far < found.len() => {}
            None => break,
        }
    }
    found
}

/// For each of `inputs` [inputs, features], in scaled units, the one of `rows` that is nearest
/// to it.
pub fn nearest_rows(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    inputs: &Matrix,
) -> Result<Vec<usize>> {
    let mut best = vec![(f32::INFINITY, 0usize); inputs.rows()];
    let mut seen = 0;
    let Some(distances) = Distances::to(inputs) else { return Ok(Vec::new()) };
    model.blocks(data, rows, |_, _, x| {
        let count = x.dims()[0];
        // Of each row less its own square, which differs from row to row.
        let own = read(x.clone().square().sum_dim(1))?;
        let others = distances.from(x)?;
        for (row, own) in own.iter().enumerate() {
            let others = &others[row * inputs.rows()..][..inputs.rows()];
            for (best, other) in best.iter_mut().zip(others) {
                let distance = own + other;
                if distance < best.0 {
                    *best = (distance, rows[seen + row]);
                }
            }
        }
        seen += count;
        Ok(())
    })?;
    Ok(best.into_iter().map(|(_, row)| row).collect())
}

/// Squared distances to some rows by one matrix product, `|a - b|² = |a|² + |b|² - 2 a b`: in more
/// than some ten dimensions a tree looks at nearly all rows, too, but one by one.
pub(crate) struct Distances {
    /// `-2 b`.
    weight: Tensor<3>,
    /// `|b|²`.
    squares: Tensor<2>,
}

impl Distances {
    /// To these rows [kept, columns]; `None` if there are none.
    pub(crate) fn to(rows: &Matrix) -> Option<Self> {
        let (kept, columns) = (rows.rows(), rows.columns);
        if kept == 0 || columns == 0 {
            return None;
        }
        let square = |row: &[f32]| row.iter().map(|number| number * number).sum::<f32>();
        let squares: Vec<f32> = rows.values.chunks_exact(columns).map(square).collect();
        let engine = Engine::default();
        let all = engine.rows(rows, 0..kept);
        Some(Self { weight: arrange(all * -2.0, true), squares: engine.tensor(squares, [1, kept]) })
    }

    /// From each of `x` [rows, columns] to all of them, less the square of its own `|a|²`, which
    /// is the same for all: `[rows * kept]`.
    pub(crate) fn from(&self, x: Tensor<2>) -> Result<Vec<f32>> {
        let (weight, squares) = (self.weight.clone(), self.squares.clone());
        read(dense_arranged(x, weight, squares, Activation::Identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Rng;

    #[test]
    fn equal_codes_are_one_neighbour() {
        let codes = Matrix { columns: 2, values: vec![1., 0., 0., 1., 1., 0., 0., 3., 1., 0.] };
        let found = nearest(&codes, &[0.0, 0.0], 2);
        let found: Vec<[usize; 2]> = found.iter().map(|near| [near.row, near.copies]).collect();
        assert_eq!(found, [[0, 2], [1, 0]]);
    }

    #[test]
    fn distances_by_a_product_are_those_of_the_definition() {
        let mut rng = Rng::new(3).split("distances");
        let mut draw = |rows: usize| Matrix {
            columns: 5,
            values: (0..rows * 5).map(|_| rng.below(1000) as f32 / 500.0 - 1.0).collect(),
        };
        let (known, asked) = (draw(7), draw(3));
        let distances = Distances::to(&known).unwrap();
        let found = distances.from(Engine::default().rows(&asked, 0..3)).unwrap();
        for row in 0..3 {
            let own: f32 = asked.row(row).iter().map(|x| x * x).sum();
            for other in 0..7 {
                let pairs = asked.row(row).iter().zip(known.row(other));
                let wanted: f32 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
                assert!((found[row * 7 + other] + own - wanted).abs() < 1e-5);
            }
        }
        assert!(Distances::to(&Matrix { columns: 5, values: Vec::new() }).is_none());
    }
}
