//! Distances to the codes of training rows.

use crate::nearest::Distances;
use model::Engine;
use rows::{Matrix, Result, Rng};
use std::collections::BTreeMap;
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
/// Rows by whose nearest codes the floor is set.
const TELLING: usize = 512;
/// The floor as a part of the distance that codes usually have to their nearest.
const FLOOR: f32 = 0.1;
/// A row with more copies than this fraction of all rows, and more than [`FEW`], is frequent, so no
/// anomaly.
const FREQUENT: f64 = 0.01;
const FEW: usize = 4;

/// The number of copies of a row among so many beyond which it is frequent.
pub(crate) fn often(rows: usize) -> usize {
    FEW.max((FREQUENT * rows as f64) as usize)
}

/// Codes of training rows, to which those of other rows are near or far.
///
/// Rows occur twice in real tables, anomalies too, and the same row comes back rounded. So a copy of
/// a row, a code not farther than the floor, never tells that the row is normal, unless copies are
/// frequent.
pub struct Reference {
    /// The codes of the rows [rows, latent], copies among them.
    pub codes: Matrix,
    /// Whether the training rows had anomalies among them.
    pub coarse: bool,
    /// The distance up to which a code is taken for a copy; `None` in a file from before there were
    /// floors, where a code at no distance is the row itself, once.
    pub floor: Option<f32>,
    distinct: Distinct,
    /// To the distinct codes; none to no codes.
    distances: Option<Distances>,
    draws: Vec<[u16; SMALL]>,
}

/// Codes of which no two are equal.
struct Distinct {
    /// [codes, latent], in the order in which they came.
    codes: Matrix,
    /// How many rows have each.
    counts: Vec<usize>,
}

impl Distinct {
    /// The first `kept` codes, each as if it were another.
    fn all(codes: &Matrix, kept: usize) -> Self {
        let values = codes.values[..kept * codes.columns].to_vec();
        Self { codes: Matrix { columns: codes.columns, values }, counts: vec![1; kept] }
    }

    /// Of the first `kept` codes.
    fn of(codes: &Matrix, kept: usize) -> Self {
        let mut places = BTreeMap::new();
        let mut distinct = Matrix { columns: codes.columns, values: Vec::new() };
        let mut counts = Vec::new();
        for row in (0..kept).map(|row| codes.row(row)) {
            let place = *places.entry(bits(row)).or_insert(counts.len());
            if place == counts.len() {
                distinct.values.extend(row);
                counts.push(0);
            }
            counts[place] += 1;
        }
        Self { codes: distinct, counts }
    }
}

/// A code as something that is equal to itself.
fn bits(code: &[f32]) -> Vec<u32> {
    // Both zeros are one number.
    code.iter().map(|number| (number + 0.0).to_bits()).collect()
}

/// What lies near a code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Near {
    /// The five nearest codes that are no copies of it, the nearest first, with their squared
    /// distances.
    codes: Vec<(f32, u16)>,
    /// How many rows have a copy of it, itself included where it is one of them.
    copies: usize,
}

impl Reference {
    /// Finite codes [rows, latent], at most 4,096 of them; `coarse` where there may be anomalies
    /// among them. They set the floor.
    pub fn fit(codes: Matrix, coarse: bool) -> Result<Self> {
        let mut reference = Self::new(codes, coarse, Some(0.0));
        let all = reference.distinct.codes.rows();
        let step = all.div_ceil(TELLING).max(1);
        let some = (0..all).step_by(step).flat_map(|row| reference.distinct.codes.row(row));
        let some = Matrix { columns: reference.codes.columns, values: some.copied().collect() };
        let near = reference.nearest(&some)?;
        let mut nearest: Vec<f32> =
            near.iter().filter_map(|near| near.codes.first()).map(|(square, _)| *square).collect();
        nearest.sort_by(f32::total_cmp);
        let middle = nearest.get(nearest.len() / 2).map_or(0.0, |square| square.sqrt());
        reference.floor = Some(if middle.is_finite() { FLOOR * middle } else { 0.0 });
        Ok(reference)
    }

    /// Finite codes [rows, latent], at most 4,096 of them, with a floor that is known.
    pub fn new(codes: Matrix, coarse: bool, floor: Option<f32>) -> Self {
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
        let distinct =
            if floor.is_some() { Distinct::of(&codes, kept) } else { Distinct::all(&codes, kept) };
        let distances = Distances::to(&distinct.codes);
        Self { codes, coarse, floor, distinct, distances, draws }
    }

    /// How far a code is from the others.
    ///
    /// Where the training rows were clean: the Euclidean distance to the nearest that is no copy
    /// (Ramaswamy et al. 2000), and the floor for a frequent row. Where anomalies may be among
    /// them, these would be near each other: then the mean over a hundred draws of the distance to
    /// the nearest of sixteen, which are too few to hold any of a rare kind (Pang, Ting and
    /// Albrecht, "LeSiNN", 2015).
    pub(crate) fn distance(&self, code: &[f32], near: Option<&Near>) -> f64 {
        if code.iter().any(|number| !number.is_finite()) {
            return f64::INFINITY;
        }
        if self.coarse {
            return self.coarse_distance(code);
        }
        let often = often(self.codes.rows());
        let others = near.filter(|near| near.copies <= often);
        let nearest = others.and_then(|near| near.codes.first());
        nearest.map_or(self.least(), |(square, _)| f64::from(*square).sqrt())
    }

    /// The mean of the nearest codes `[latent]`: where a code would be if its row were like others.
    pub(crate) fn neighbourhood(&self, near: &Near) -> Vec<f32> {
        let count = near.codes.len().max(1) as f32;
        let unit_of = |row: &u16, unit: usize| self.distinct.codes.row(usize::from(*row))[unit];
        let mean =
            |unit: usize| near.codes.iter().map(|(_, row)| unit_of(row, unit)).sum::<f32>() / count;
        (0..self.codes.columns).map(mean).collect()
    }

    /// What lies near each of some codes.
    ///
    /// A product tells which are near, and their numbers in which order.
    pub(crate) fn nearest(&self, codes: &Matrix) -> Result<Vec<Near>> {
        let rows = codes.rows();
        let Some(distances) = self.distances.as_ref().filter(|_| rows > 0) else {
            return Ok(vec![Near::default(); rows]);
        };
        let products = distances.from(Engine::default().rows(codes, 0..rows))?;
        let kept = products.len() / rows;
        Ok((0..rows)
            .map(|row| self.near(codes.row(row), &products[row * kept..][..kept]))
            .collect())
    }

    fn near(&self, code: &[f32], products: &[f32]) -> Near {
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
        let exact = best[..count].iter().map(|(_, row)| {
            (squared_distance(code, self.distinct.codes.row(usize::from(*row))), *row)
        });
        let mut codes: Vec<(f32, u16)> = exact.filter(|(square, _)| !square.is_nan()).collect();
        codes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let copies = match self.floor {
            Some(_) => codes.partition_point(|(square, _)| self.is_copy(*square)),
            None => usize::from(codes.first().is_some_and(|(square, _)| *square == 0.0)),
        };
        let rows = codes.drain(..copies).map(|(_, row)| self.distinct.counts[usize::from(row)]);
        let copies = rows.sum();
        codes.truncate(NEAREST);
        Near { codes, copies }
    }

    /// The distance of a code from itself.
    fn least(&self) -> f64 {
        self.floor.map_or(0.0, f64::from)
    }

    /// Whether a code at this squared distance is taken for the same.
    fn is_copy(&self, square: f32) -> bool {
        square <= self.floor.unwrap_or(0.0).powi(2)
    }

    fn coarse_distance(&self, code: &[f32]) -> f64 {
        let nearest = |draw: &[u16; SMALL]| {
            let squares =
                draw.iter().map(|row| squared_distance(code, self.codes.row(usize::from(*row))));
            let nearest =
                squares.filter(|square| !self.is_copy(*square)).fold(f32::INFINITY, f32::min);
            if nearest.is_finite() { f64::from(nearest).sqrt() } else { self.least() }
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
            let reference = Reference::fit(normal(500, 1), coarse).unwrap();
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
        assert!((distance(&Reference::fit(codes, false).unwrap(), &query) - wanted).abs() < 1e-6);
    }

    #[test]
    fn a_row_of_the_reference_is_not_its_own_neighbour() {
        let codes = normal(50, 3);
        let own = codes.row(7).to_vec();
        for coarse in [false, true] {
            assert!(distance(&Reference::fit(codes.clone(), coarse).unwrap(), &own) > 0.0);
        }
    }

    #[test]
    fn a_knot_of_anomalies_is_far_from_a_coarse_reference_only() {
        let mut codes = normal(970, 4);
        let mut rng = Rng::new(5);
        codes.values.extend((0..90).map(|_| 8.0 + 0.01 * rng.standard_normal()));
        let knot = [8.0, 8.001, 8.0];
        let normal = [1.0, 0.5, -1.0];
        let of = |coarse| Reference::fit(codes.clone(), coarse).unwrap();
        let (fine, coarse) = (of(false), of(true));
        assert!(distance(&fine, &knot) < distance(&fine, &normal));
        assert!(distance(&coarse, &knot) > 2.0 * distance(&coarse, &normal));
    }

    #[test]
    fn an_anomaly_that_occurs_twice_is_as_far_as_one_that_occurs_once() {
        for coarse in [false, true] {
            let mut codes = normal(500, 7);
            let far = [9.0, 9.0, 9.0];
            codes.values.extend(far);
            let once = distance(&Reference::fit(codes.clone(), coarse).unwrap(), &far);
            codes.values.extend([9.0, 9.000_01, 9.0]);
            codes.values.extend(far);
            let more = distance(&Reference::fit(codes, coarse).unwrap(), &far);
            assert!((more - once).abs() < 0.05 * once, "coarse {coarse}: {once} {more}");
        }
    }

    #[test]
    fn a_row_that_comes_back_rounded_is_as_far_as_it_was() {
        let codes = normal(500, 8);
        let reference = Reference::fit(codes.clone(), false).unwrap();
        for row in 0..500 {
            let rounded: Vec<f32> =
                codes.row(row).iter().map(|number| (number * 1e3).round() / 1e3).collect();
            let (exact, rounded) =
                (distance(&reference, codes.row(row)), distance(&reference, &rounded));
            // Only where the nearest is itself within the floor may it be another one.
            assert!((exact.ln() - rounded.ln()).abs() < 0.5, "{row}: {exact} {rounded}");
        }
    }

    #[test]
    fn a_frequent_row_is_at_the_floor_however_far_from_others() {
        let mut codes = normal(500, 9);
        codes.values.extend([9.0; 30]);
        let reference = Reference::fit(codes, false).unwrap();
        assert!(reference.least() > 0.0);
        assert_eq!(distance(&reference, &[9.0; 3]), reference.least());
        assert!(distance(&reference, &[9.5; 3]) > 0.5);
    }

    #[test]
    fn without_a_floor_only_one_copy_is_the_row_itself() {
        let codes = Matrix { columns: 1, values: vec![1.0, 1.0, 5.0] };
        let reference = Reference::new(codes, false, None);
        assert_eq!(distance(&reference, &[1.0]), 0.0);
        assert_eq!(distance(&reference, &[5.0]), 4.0);
    }

    #[test]
    fn rows_that_are_all_equal_are_at_no_distance() {
        let codes = Matrix { columns: 3, values: vec![1.0; 30] };
        for coarse in [false, true] {
            let reference = Reference::fit(codes.clone(), coarse).unwrap();
            assert_eq!(distance(&reference, &[1.0; 3]), 0.0);
        }
    }

    #[test]
    fn a_code_that_is_not_finite_is_infinitely_far() {
        assert_eq!(
            distance(&Reference::fit(normal(10, 6), false).unwrap(), &[f32::NAN, 0.0, 0.0]),
            f64::INFINITY
        );
    }
}
