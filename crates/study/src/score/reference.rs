//! Distances to the codes of training rows.

use crate::nearest::Distances;
use model::Engine;
use rows::{Matrix, Result, Rng};
use std::fmt;

/// Codes that are kept at most.
pub(crate) const MOST: usize = 4096;
/// Nearest codes that tell what a row like them would have.
const NEAREST: usize = 5;
/// Codes whose distances are computed without rounding, because a product says that they are the
/// nearest.
const CANDIDATES: usize = 16;
/// Codes in each draw of a coarse reference.
const SMALL: usize = 16;
/// Draws of a coarse reference.
const DRAWS: usize = 100;

/// Codes of training rows, to which those of other rows are near or far.
pub struct Reference {
    /// The codes [rows, latent].
    pub codes: Matrix,
    /// Whether the training rows had anomalies among them.
    pub coarse: bool,
    /// To the codes that are kept; none to no codes.
    distances: Option<Distances>,
    draws: Vec<[u16; SMALL]>,
}

/// The codes nearest to one, the nearest first, with their squared distances.
pub(crate) type Near = Vec<(f32, u16)>;

impl Reference {
    /// Finite codes [rows, latent], at most 4,096 of them; `coarse` where there may be anomalies
    /// among them.
    pub fn new(codes: Matrix, coarse: bool) -> Self {
        let mut draws = Vec::new();
        if coarse {
            // The draws depend on the number of codes alone, so that they need not be stored.
            let rng = Rng::new(0).split("reference");
            let draw = |at: usize| {
                let mut rng = rng.at(at);
                std::array::from_fn(|_| rng.below(codes.rows()) as u16)
            };
            draws = (0..DRAWS).map(draw).collect();
        }
        let kept = codes.rows().min(MOST);
        let all = codes.values[..kept * codes.columns].to_vec();
        let distances = Distances::to(&Matrix { columns: codes.columns, values: all });
        Self { codes, coarse, distances, draws }
    }

    /// How far a code is from the others.
    ///
    /// Where the training rows were clean: the Euclidean distance to the nearest (Ramaswamy et al.
    /// 2000). Where anomalies may be among them, these would be near each other: then the mean over
    /// a hundred draws of the distance to the nearest of sixteen, which are too few to hold any of
    /// a rare kind (Pang, Ting and Albrecht, "LeSiNN", 2015). A code at no distance at all is taken
    /// for the row itself and passed over.
    pub(crate) fn distance(&self, code: &[f32], near: Option<&Near>) -> f64 {
        if code.iter().any(|number| !number.is_finite()) {
            return f64::INFINITY;
        }
        if self.coarse {
            self.coarse_distance(code)
        } else {
            near.and_then(|near| near.first())
                .map_or(0.0, |(distance, _)| f64::from(*distance).sqrt())
        }
    }

    /// The mean of the nearest codes `[latent]`: where a code would be if its row were like others.
    pub(crate) fn neighbourhood(&self, near: &Near) -> Vec<f32> {
        let count = near.len().max(1) as f32;
        let mean = |unit: usize| {
            near.iter().map(|(_, row)| self.codes.row(usize::from(*row))[unit]).sum::<f32>() / count
        };
        (0..self.codes.columns).map(mean).collect()
    }

    /// The five codes nearest to each of some, a code's own left out.
    ///
    /// A product tells which are near, and their numbers in which order.
    pub(crate) fn nearest(&self, codes: &Matrix) -> Result<Vec<Near>> {
        let rows = codes.rows();
        let Some(distances) = self.distances.as_ref().filter(|_| rows > 0) else {
            return Ok(vec![Vec::new(); rows]);
        };
        let products = distances.from(Engine::default().rows(codes, 0..rows))?;
        let kept = products.len() / rows;
        Ok((0..rows)
            .map(|row| self.sorted(codes.row(row), &products[row * kept..][..kept]))
            .collect())
    }

    fn sorted(&self, code: &[f32], products: &[f32]) -> Near {
        let mut best = [(f32::INFINITY, 0u16); CANDIDATES];
        let mut count = 0;
        for (row, product) in products.iter().enumerate() {
            // What is no number is near to nothing.
            if *product < best[CANDIDATES - 1].0 {
                let place = best.partition_point(|(known, _)| known <= product);
                best.copy_within(place..CANDIDATES - 1, place + 1);
                best[place] = (*product, row as u16);
                count = (count + 1).min(CANDIDATES);
            }
        }
        let exact = best[..count]
            .iter()
            .map(|(_, row)| (squared_distance(code, self.codes.row(usize::from(*row))), *row));
        let mut near: Near = exact.filter(|(distance, _)| !distance.is_nan()).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if near.first().is_some_and(|(distance, _)| *distance == 0.0) {
            near.remove(0);
        }
        near.truncate(NEAREST);
        near
    }

    fn coarse_distance(&self, code: &[f32]) -> f64 {
        let nearest = |draw: &[u16; SMALL]| {
            let distances =
                draw.iter().map(|row| squared_distance(code, self.codes.row(usize::from(*row))));
            let nearest =
                distances.filter(|distance| *distance > 0.0).fold(f32::INFINITY, f32::min);
            if nearest.is_finite() { f64::from(nearest).sqrt() } else { 0.0 }
        };
        self.draws.iter().map(nearest).sum::<f64>() / self.draws.len().max(1) as f64
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference")
            .field("codes", &self.codes.rows())
            .field("coarse", &self.coarse)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(reference: &Reference, code: &[f32]) -> f64 {
        let near =
            reference.nearest(&Matrix { columns: code.len(), values: code.to_vec() }).unwrap();
        reference.distance(code, near.first())
    }

    fn normal(rows: usize, seed: u64) -> Matrix {
        let mut rng = Rng::new(seed);
        Matrix { columns: 3, values: (0..rows * 3).map(|_| rng.standard_normal()).collect() }
    }

    #[test]
    fn a_far_code_is_farther_than_a_near_one() {
        for coarse in [false, true] {
            let reference = Reference::new(normal(500, 1), coarse);
            assert!(
                distance(&reference, &[9.0, 9.0, 9.0])
                    > 5.0 * distance(&reference, &[0.1, 0.2, 0.0]),
                "coarse: {coarse}"
            );
        }
    }

    #[test]
    fn the_nearest_is_the_one_that_a_search_of_all_finds() {
        let (codes, query) = (normal(300, 2), [0.3, -0.2, 0.9]);
        let mut all: Vec<f64> = (0..300)
            .map(|row| f64::from(squared_distance(&query, codes.row(row))).sqrt())
            .collect();
        all.sort_by(f64::total_cmp);
        let wanted = all[0];
        assert!((distance(&Reference::new(codes, false), &query) - wanted).abs() < 1e-6);
    }

    #[test]
    fn a_row_of_the_reference_is_not_its_own_neighbour() {
        let codes = normal(50, 3);
        let own = codes.row(7).to_vec();
        for coarse in [false, true] {
            assert!(distance(&Reference::new(codes.clone(), coarse), &own) > 0.0);
        }
    }

    #[test]
    fn a_knot_of_anomalies_is_far_from_a_coarse_reference_only() {
        let mut codes = normal(970, 4);
        let mut rng = Rng::new(5);
        codes.values.extend((0..90).map(|_| 8.0 + 0.01 * rng.standard_normal()));
        let knot = [8.0, 8.001, 8.0];
        let normal = [1.0, 0.5, -1.0];
        let (fine, coarse) = (Reference::new(codes.clone(), false), Reference::new(codes, true));
        assert!(distance(&fine, &knot) < distance(&fine, &normal));
        assert!(distance(&coarse, &knot) > 2.0 * distance(&coarse, &normal));
    }

    #[test]
    fn a_code_that_is_not_finite_is_infinitely_far() {
        assert_eq!(
            distance(&Reference::new(normal(10, 6), false), &[f32::NAN, 0.0, 0.0]),
            f64::INFINITY
        );
    }
}
