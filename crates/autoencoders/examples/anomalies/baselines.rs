//! Detectors that need no training to speak of: what an autoencoder must be better than.

use autoencoders::data::Dataset;
use autoencoders::data::Values;
use autoencoders::engine::Preparation;
use autoencoders::settings::Scale;
use autoencoders::study::Pca;
use autoencoders::{Matrix, Result, Rng};
use faer::Side;
use kdtree::KdTree;
use kdtree::distance::squared_euclidean;
use std::collections::BTreeSet;

/// The baselines by name, in the order of [`all`].
pub(crate) const NAMES: [&str; 4] =
    ["5 nearest neighbours", "mahalanobis", "isolation forest", "pca of 90 % variance"];

/// The scores of `test` by every baseline that has learned from `train`; rows that are in both are
/// known by `same`.
pub(crate) fn all(train: &Dataset, test: &Dataset, same: bool, seed: u64) -> Result<[Vec<f64>; 4]> {
    let everything: Vec<usize> = (0..train.rows()).collect();
    let preparation = Preparation::fit(Scale::Standard, train, &everything, false)?;
    let matrix = |data: &Dataset| -> Result<Matrix> {
        Ok(Matrix {
            columns: data.features(),
            values: preparation.on(data)?.apply(0..data.rows())?,
        })
    };
    let (a, b) = (matrix(train)?, matrix(test)?);
    Ok([
        neighbours(&a, &b, same),
        mahalanobis(&a, &b),
        forest(&a, &b, seed),
        pca(&preparation, train, &a, &b)?,
    ])
}

/// The mean distance to the five nearest training rows (Ramaswamy et al. 2000).
fn neighbours(train: &Matrix, test: &Matrix, same: bool) -> Vec<f64> {
    // A tree that holds many equal points degenerates; each is kept once, with its number.
    let mut tree: KdTree<f32, usize, &[f32]> = KdTree::with_capacity(train.columns, 64);
    let mut counts: std::collections::BTreeMap<Vec<u32>, usize> = Default::default();
    let bits = |row: &[f32]| row.iter().map(|number| number.to_bits()).collect::<Vec<u32>>();
    (0..train.rows()).for_each(|row| *counts.entry(bits(train.row(row))).or_default() += 1);
    let mut seen = BTreeSet::new();
    for row in 0..train.rows() {
        let key = bits(train.row(row));
        if seen.insert(key.clone()) {
            tree.add(train.row(row), counts[&key]).ok();
        }
    }
    let score = |row: usize| {
        let found = tree.nearest(test.row(row), 6, &squared_euclidean).unwrap_or_default();
        let mut distances: Vec<f64> = found
            .iter()
            .flat_map(|(distance, count)| vec![f64::from(*distance).sqrt(); **count])
            .collect();
        if same && distances.first() == Some(&0.0) {
            distances.remove(0);
        }
        distances.truncate(5);
        distances.iter().sum::<f64>() / distances.len().max(1) as f64
    };
    (0..test.rows()).map(score).collect()
}

/// The squared distance to the mean by the covariance.
fn mahalanobis(train: &Matrix, test: &Matrix) -> Vec<f64> {
    let (n, columns) = (train.rows() as f64, train.columns);
    let mean: Vec<f64> = (0..columns)
        .map(|column| {
            (0..train.rows()).map(|row| f64::from(train.row(row)[column])).sum::<f64>() / n
        })
        .collect();
    let centred = faer::Mat::from_fn(train.rows(), columns, |row, column| {
        f64::from(train.row(row)[column]) - mean[column]
    });
    let covariance = centred.transpose() * &centred;
    let eigen = covariance.self_adjoint_eigen(Side::Lower).expect("finite numbers");
    // Directions in which nothing varies decide nothing, as in a pseudo-inverse.
    let highest = (0..columns).map(|at| eigen.S()[at]).fold(0.0, f64::max);
    let score = |row: usize| {
        let along = |at: usize| {
            (0..columns)
                .map(|column| {
                    (f64::from(test.row(row)[column]) - mean[column]) * eigen.U()[(column, at)]
                })
                .sum::<f64>()
        };
        (0..columns)
            .filter(|at| eigen.S()[*at] > 1e-9 * highest)
            .map(|at| along(at).powi(2) * n / eigen.S()[at])
            .sum()
    };
    (0..test.rows()).map(score).collect()
}

/// The squared error of as many principal components as hold 90 % of the variance.
fn pca(
    preparation: &Preparation,
    data: &Dataset,
    train: &Matrix,
    test: &Matrix,
) -> Result<Vec<f64>> {
    let rows: Vec<usize> = (0..data.rows()).collect();
    let error = |pca: &Pca, rows: &Matrix| -> Result<Vec<f64>> {
        let rebuilt = pca.reconstruct(rows)?;
        let square = |row: usize| {
            let pairs = rows.row(row).iter().zip(rebuilt.row(row));
            pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        Ok((0..rows.rows()).map(square).collect())
    };
    let mut middle = Pca::fit(preparation, data, &rows, 1, &Rng::new(0))?;
    middle.components.clear();
    let whole: f64 = error(&middle, train)?.iter().sum();
    let mut pca = Pca::none(data.features());
    for components in 1..=data.features() {
        pca = Pca::fit(preparation, data, &rows, components, &Rng::new(0))?;
        if error(&pca, train)?.iter().sum::<f64>() <= 0.1 * whole {
            break;
        }
    }
    error(&pca, test)
}

/// Isolation forest (Liu, Ting and Zhou 2008): 100 trees on 256 rows each; rows that few random
/// cuts separate are anomalies.
fn forest(train: &Matrix, test: &Matrix, seed: u64) -> Vec<f64> {
    let (trees, sample) = (100, 256.min(train.rows()));
    let mut rng = Rng::new(seed).split("isolation forest");
    let deepest = (sample as f64).log2().ceil() as usize;
    let mut depths = vec![0.0; test.rows()];
    for _ in 0..trees {
        let rows: Vec<usize> = rng.permutation(train.rows())[..sample].to_vec();
        let tree = Node::grow(train, &rows, deepest, &mut rng);
        depths
            .iter_mut()
            .enumerate()
            .for_each(|(row, depth)| *depth += tree.depth(test.row(row)) / trees as f64);
    }
    depths.into_iter().map(|depth| -depth).collect()
}

enum Node {
    Leaf(f64),
    Cut { column: usize, at: f32, below: Box<Node>, above: Box<Node> },
}

impl Node {
    fn grow(data: &Matrix, rows: &[usize], left: usize, rng: &mut Rng) -> Self {
        let bounds = |column: usize| {
            rows.iter().fold((f32::MAX, f32::MIN), |(low, high), row| {
                let value = data.row(*row)[column];
                (low.min(value), high.max(value))
            })
        };
        let varying: Vec<usize> = if left == 0 || rows.len() < 2 {
            Vec::new()
        } else {
            (0..data.columns).filter(|c| bounds(*c).0 < bounds(*c).1).collect()
        };
        if varying.is_empty() {
            // The depth that a search tree of as many rows would add.
            let n = rows.len() as f64;
            let rest = if n > 2.0 {
                2.0 * ((n - 1.0).ln() + 0.577_215_664_9) - 2.0 * (n - 1.0) / n
            } else {
                (n - 1.0).max(0.0)
            };
            return Self::Leaf(rest);
        }
        let column = varying[rng.below(varying.len())];
        let (low, high) = bounds(column);
        let at = low + rng.unit() * (high - low);
        let (below, above): (Vec<usize>, Vec<usize>) =
            rows.iter().partition(|row| data.row(**row)[column] <= at);
        let mut grow = |rows: &[usize]| Box::new(Self::grow(data, rows, left - 1, rng));
        Self::Cut { column, at, below: grow(&below), above: grow(&above) }
    }

    fn depth(&self, row: &[f32]) -> f64 {
        match self {
            Self::Leaf(rest) => *rest,
            Self::Cut { column, at, below, above } => {
                1.0 + if row[*column] <= *at { below } else { above }.depth(row)
            }
        }
    }
}

/// The rows of a data set as one of plain numbers.
pub(crate) fn subset(data: &Dataset, rows: &[usize]) -> Result<Dataset> {
    let values = data.gather(rows.iter().copied())?;
    Dataset::new(
        data.name.clone(),
        data.shape.clone(),
        Values::F64((0..values.len()).map(|at| values.get(at)).collect()),
    )
}
