//! Distances to the codes of training rows.

use crate::model::Matrix;
use crate::rng::Rng;
use kdtree::KdTree;
use kdtree::distance::squared_euclidean;
use std::fmt;

/// Codes that are kept at most.
pub(super) const MOST: usize = 4096;
/// Nearest codes whose distances are averaged.
const NEAREST: usize = 5;
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
    tree: KdTree<f32, u16, Vec<f32>>,
    draws: Vec<[u16; SMALL]>,
}

impl Reference {
    /// Finite codes [rows, latent], at most 4,096 of them; `coarse` where there may be anomalies among them.
    pub fn new(codes: Matrix, coarse: bool) -> Self {
        let mut tree = KdTree::with_capacity(codes.columns.max(1), 32);
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
        for row in 0..codes.rows().min(MOST) {
            // Only what is not finite or of another width is refused, and that is nearest to nothing.
            tree.add(codes.row(row).to_vec(), row as u16).ok();
        }
        Self { codes, coarse, tree, draws }
    }

    /// How far a code is from the others.
    ///
    /// Where the training rows were clean: the mean Euclidean distance to the five nearest (Ramaswamy et al. 2000; Angiulli and Pizzuti
    /// 2002). Where anomalies may be among them, these would be near each other: then the mean over a hundred draws of the distance to
    /// the nearest of sixteen, which are too few to hold any of a rare kind (Pang, Ting and Albrecht, "LeSiNN", 2015). A code at no
    /// distance at all is taken for the row itself and passed over.
    pub fn distance(&self, code: &[f32]) -> f64 {
        if code.iter().any(|number| !number.is_finite()) {
            return f64::INFINITY;
        }
        match self.coarse {
            true => self.coarse_distance(code),
            false => self.fine_distance(code),
        }
    }

    fn fine_distance(&self, code: &[f32]) -> f64 {
        let found = self.nearest(code);
        found.iter().map(|(distance, _)| f64::from(*distance).sqrt()).sum::<f64>() / found.len().max(1) as f64
    }

    /// The mean of the nearest codes `[latent]`: where a code would be if its row were like others.
    pub fn neighbourhood(&self, code: &[f32]) -> Vec<f32> {
        let found = self.nearest(code);
        let count = found.len().max(1) as f32;
        let mean = |unit: usize| found.iter().map(|(_, row)| self.codes.row(usize::from(*row))[unit]).sum::<f32>() / count;
        (0..self.codes.columns).map(mean).collect()
    }

    /// The five nearest codes with their squared distances, the code itself left out.
    fn nearest(&self, code: &[f32]) -> Vec<(f32, u16)> {
        let mut found: Vec<(f32, u16)> = (self.tree.nearest(code, NEAREST + 1, &squared_euclidean).unwrap_or_default().into_iter())
            .map(|(distance, row)| (distance, *row))
            .collect();
        if found.first().is_some_and(|(distance, _)| *distance == 0.0) {
            found.remove(0);
        }
        found.truncate(NEAREST);
        found
    }

    fn coarse_distance(&self, code: &[f32]) -> f64 {
        let nearest = |draw: &[u16; SMALL]| {
            let distances = draw.iter().map(|row| squared_euclidean(code, self.codes.row(usize::from(*row))));
            let nearest = distances.filter(|distance| *distance > 0.0).fold(f32::INFINITY, f32::min);
            if nearest.is_finite() { f64::from(nearest).sqrt() } else { 0.0 }
        };
        self.draws.iter().map(nearest).sum::<f64>() / self.draws.len().max(1) as f64
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("codes", &self.codes.rows()).field("coarse", &self.coarse).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(rows: usize, seed: u64) -> Matrix {
        let mut rng = Rng::new(seed);
        Matrix { columns: 3, values: (0..rows * 3).map(|_| rng.standard_normal()).collect() }
    }

    #[test]
    fn a_far_code_is_farther_than_a_near_one() {
        for coarse in [false, true] {
            let reference = Reference::new(normal(500, 1), coarse);
            assert!(reference.distance(&[9.0, 9.0, 9.0]) > 5.0 * reference.distance(&[0.1, 0.2, 0.0]), "coarse: {coarse}");
        }
    }

    #[test]
    fn the_five_nearest_are_those_that_a_search_of_all_finds() {
        let (codes, query) = (normal(300, 2), [0.3, -0.2, 0.9]);
        let mut all: Vec<f64> = (0..300).map(|row| f64::from(squared_euclidean(&query, codes.row(row))).sqrt()).collect();
        all.sort_by(f64::total_cmp);
        let wanted = all[..5].iter().sum::<f64>() / 5.0;
        assert!((Reference::new(codes, false).distance(&query) - wanted).abs() < 1e-6);
    }

    #[test]
    fn a_row_of_the_reference_is_not_its_own_neighbour() {
        let codes = normal(50, 3);
        let own = codes.row(7).to_vec();
        for coarse in [false, true] {
            assert!(Reference::new(codes.clone(), coarse).distance(&own) > 0.0);
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
        assert!(fine.distance(&knot) < fine.distance(&normal));
        assert!(coarse.distance(&knot) > 2.0 * coarse.distance(&normal));
    }

    #[test]
    fn a_code_that_is_not_finite_is_infinitely_far() {
        assert_eq!(Reference::new(normal(10, 6), false).distance(&[f32::NAN, 0.0, 0.0]), f64::INFINITY);
    }
}
