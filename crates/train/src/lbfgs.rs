//! Limited-memory BFGS on a full batch: a direction from the last steps, and how far to go along
//! it.
//!
//! Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989; the
//! line search holds the strong Wolfe conditions: Nocedal and Wright, "Numerical Optimization",
//! 2006, algorithms 3.5, 3.6 and 7.4. Written here and not taken from a crate, because its memory
//! must go into the checkpoint as tensors, and its sums must have the same bits on any number of
//! threads.

use model::Numbers;
use rows::Result;

/// Steps that are remembered.
pub(crate) const MEMORY: usize = 10;
/// The decrease that is asked for, as a fraction of what the slope promises.
const DECREASE: f64 = 1e-4;
/// The fraction of its slope that a direction may keep.
const FLATTER: f64 = 0.9;
/// Evaluations along one direction at most.
const TRIES: usize = 20;
/// A loss in single precision is known up to this fraction of itself.
pub(crate) const ROUNDING: f64 = 1e-7;

/// A loss with its gradient somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// The loss.
    pub value: f64,
    /// Its gradient.
    pub gradient: Vec<f32>,
    /// Its terms.
    pub numbers: Numbers,
}

/// A step and the change of the gradient along it.
pub(crate) type Pair = (Vec<f32>, Vec<f32>);

/// The sum of products, in double precision and in order.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// `-H g`, where `H` is the inverse Hessian as the pairs have it, the newest last.
pub(crate) fn direction(gradient: &[f32], pairs: &[Pair]) -> Vec<f32> {
    let mut direction: Vec<f32> = gradient.iter().map(|number| -number).collect();
    let add = |to: &mut Vec<f32>, factor: f64, what: &[f32]| {
        to.iter_mut()
            .zip(what)
            .for_each(|(to, what)| *to = (f64::from(*to) + factor * f64::from(*what)) as f32);
    };
    let mut factors = Vec::with_capacity(pairs.len());
    for (step, change) in pairs.iter().rev() {
        let factor = dot(step, &direction) / dot(step, change);
        add(&mut direction, -factor, change);
        factors.push(factor);
    }
    if let Some((step, change)) = pairs.last() {
        let scale = (dot(step, change) / dot(change, change)) as f32;
        direction.iter_mut().for_each(|number| *number *= scale);
    }
    for ((step, change), factor) in pairs.iter().zip(factors.into_iter().rev()) {
        let back = dot(change, &direction) / dot(step, change);
        add(&mut direction, factor - back, step);
    }
    direction
}

/// Whether a pair bends upwards, as one of a minimum does.
pub(crate) fn bends((step, change): &Pair) -> bool {
    dot(step, change) > 1e-10 * dot(change, change).max(f64::MIN_POSITIVE)
}

/// One place along a direction.
struct Along {
    length: f64,
    slope: f64,
    at: Vec<f32>,
    point: Point,
}

/// The place along a direction where the strong Wolfe conditions hold, or the lowest that was seen;
/// none where nothing is lower.
pub(crate) fn search(
    from: &[f32],
    start: &Point,
    direction: &[f32],
    first: f64,
    evaluate: &mut dyn FnMut(&[f32]) -> Result<Point>,
) -> Result<Option<(Vec<f32>, Point)>> {
    let slope = dot(&start.gradient, direction);
    if !slope.is_finite() || slope >= 0.0 {
        return Ok(None);
    }
    let noise = ROUNDING * start.value.abs();
    let mut look = |length: f64| -> Result<Along> {
        let at: Vec<f32> = from
            .iter()
            .zip(direction)
            .map(|(from, d)| (f64::from(*from) + length * f64::from(*d)) as f32)
            .collect();
        let point = evaluate(&at)?;
        Ok(Along { length, slope: dot(&point.gradient, direction), at, point })
    };
    let enough =
        |place: &Along| place.point.value <= start.value + DECREASE * place.length * slope + noise;
    let flat = |place: &Along| place.slope.abs() <= FLATTER * slope.abs();
    // The last place with enough decrease, and the end beyond which it is too far.
    let mut low = Spot { length: 0.0, value: start.value, slope };
    let mut high: Option<Spot> = None;
    let mut best: Option<Along> = None;
    let mut length = first;
    for _ in 0..TRIES {
        let place = look(length)?;
        let known = Spot { length: place.length, value: place.point.value, slope: place.slope };
        if !place.point.value.is_finite()
            || !enough(&place)
            || place.point.value > low.value + noise
        {
            high = Some(known);
        } else {
            if flat(&place) {
                return Ok(Some((place.at, place.point)));
            }
            if place.slope * (high.map_or(1.0, |high| high.length - low.length)) >= 0.0 {
                high = Some(low);
            }
            low = known;
            if best.as_ref().is_none_or(|best| place.point.value < best.point.value) {
                best = Some(place);
            }
        }
        length = match high {
            None => 2.0 * length,
            Some(high) => between(low, high),
        };
        if high.is_some_and(|high| (high.length - low.length).abs() <= 1e-9 * low.length.max(1e-9))
        {
            break;
        }
    }
    Ok(best.filter(|best| best.point.value < start.value).map(|best| (best.at, best.point)))
}

/// What is known of a step of some length along the direction.
#[derive(Clone, Copy)]
struct Spot {
    length: f64,
    value: f64,
    slope: f64,
}

/// The length of the minimum of the cubic through two places, kept away from both; their middle if
/// there is none.
fn between(first: Spot, second: Spot) -> f64 {
    let (a, b) = (first.length, second.length);
    let d = first.slope + second.slope - 3.0 * (first.value - second.value) / (a - b);
    let root = (d * d - first.slope * second.slope).sqrt() * (b - a).signum();
    let minimum =
        b - (b - a) * (second.slope + root - d) / (second.slope - first.slope + 2.0 * root);
    let (low, high) = (a.min(b), a.max(b));
    let margin = 0.1 * (high - low);
    if minimum.is_finite() { minimum.clamp(low + margin, high - margin) } else { 0.5 * (a + b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley in `n` dimensions: a narrow bent one, which ends at ones.
    fn valley(x: &[f32]) -> Point {
        let x: Vec<f64> = x.iter().map(|number| f64::from(*number)).collect();
        let mut gradient = vec![0.0; x.len()];
        let mut value = 0.0;
        for at in 0..x.len() - 1 {
            let (rise, rest) = (x[at + 1] - x[at] * x[at], 1.0 - x[at]);
            value += 100.0 * rise * rise + rest * rest;
            gradient[at] += -400.0 * x[at] * rise - 2.0 * rest;
            gradient[at + 1] += 200.0 * rise;
        }
        Point {
            value,
            gradient: gradient.into_iter().map(|number| number as f32).collect(),
            numbers: Numbers::default(),
        }
    }

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        let mut x = vec![0.2f32, -0.3, 0.5, 0.8, 1.5, -1.0];
        let (mut point, mut pairs, mut evaluations) = (valley(&x), Vec::<Pair>::new(), 0);
        for _ in 0..200 {
            let along = direction(&point.gradient, &pairs);
            let first = if pairs.is_empty() { 1.0 / dot(&along, &along).sqrt() } else { 1.0 };
            let found = search(&x, &point, &along, first, &mut |x| {
                evaluations += 1;
                Ok(valley(x))
            });
            let Some((at, next)) = found.unwrap() else { break };
            assert!(next.value <= point.value * (1.0 + 1e-6));
            let pair: Pair = (
                at.iter().zip(&x).map(|(a, b)| a - b).collect(),
                next.gradient.iter().zip(&point.gradient).map(|(a, b)| a - b).collect(),
            );
            if bends(&pair) {
                pairs.push(pair);
                if pairs.len() > MEMORY {
                    pairs.remove(0);
                }
            }
            (x, point) = (at, next);
        }
        assert!(point.value < 1e-8, "{} at {x:?} after {evaluations}", point.value);
        assert!(evaluations < 200, "{evaluations}");
    }

    #[test]
    fn a_direction_that_leads_up_is_refused() {
        let x = [-1.2f32, 1.0];
        let point = valley(&x);
        let up = point.gradient.clone();
        assert!(search(&x, &point, &up, 1.0, &mut |x| Ok(valley(x))).unwrap().is_none());
    }

    #[test]
    fn a_loss_that_is_infinite_far_out_is_searched_nearer() {
        let steep = |x: &[f32]| Point {
            value: if x[0] > 0.5 { f64::INFINITY } else { f64::from((x[0] - 0.4).powi(2)) },
            gradient: vec![2.0 * (x[0] - 0.4)],
            numbers: Numbers::default(),
        };
        let (at, point) =
            search(&[0.0], &steep(&[0.0]), &[0.8], 100.0, &mut |x| Ok(steep(x))).unwrap().unwrap();
        assert!(point.value < 0.05, "{} at {at:?}", point.value);
    }
}
