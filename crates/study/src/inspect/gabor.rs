//! Where in the image a filter looks, at which angle and scale: a fitted Gabor function.

/// `exp(-½ (u² / along² + v² / across²)) (even cos(2π v / period) + odd sin(2π v / period))`, with
/// `u` along and `v` across the stripes, from the centre (Gabor 1946; Daugman 1985 for two
/// dimensions).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gabor {
    /// The centre: pixels from the left and from the top.
    pub centre: [f64; 2],
    /// The direction of the stripes, from the right downwards, in radians from 0 to π.
    pub angle: f64,
    /// Pixels from one stripe to the next of its sign.
    pub period: f64,
    /// Standard deviations of the envelope along and across the stripes, in pixels.
    pub spread: [f64; 2],
    /// The part of the filter's variance that the function explains: 1 is all of it, and what is
    /// below 0 is worse than the filter's mean. A filter that is much the same everywhere is no
    /// stripe, however near to a very wide one it comes.
    pub explained: f64,
}

/// Rounds of the search around the best found, each with half the steps of the one before.
const ROUNDS: usize = 7;

impl Gabor {
    /// The function nearest to a filter of `height` times `width` numbers, in the least squares;
    /// none where the filter is nothing.
    ///
    /// A grid over angles, periods and sizes around the middle of the filter's energy, then ever
    /// finer steps around the best; the two amplitudes are solved for at each.
    pub fn fit(filter: &[f32], height: usize, width: usize) -> Option<Self> {
        let mut search = Search::new(filter, height, width)?;
        search.over_a_grid();
        search.around_the_best();
        search.best.map(|([x, y, angle, period, along, across], explained)| Self {
            centre: [x, y],
            angle: angle.rem_euclid(std::f64::consts::PI),
            period,
            spread: [along, across],
            explained,
        })
    }
}

/// A search for the function nearest to a filter.
struct Search<'a> {
    filter: &'a [f32],
    height: usize,
    width: usize,
    /// The sum of the filter's squares.
    squares: f64,
    /// The same of what differs from its mean.
    total: f64,
    /// The best centre, angle, period and spread so far, and the part that they explain.
    best: Option<([f64; 6], f64)>,
}

impl<'a> Search<'a> {
    /// None where the filter is nothing.
    fn new(filter: &'a [f32], height: usize, width: usize) -> Option<Self> {
        let squares: f64 = filter.iter().map(|value| f64::from(*value).powi(2)).sum();
        let mean =
            filter.iter().map(|value| f64::from(*value)).sum::<f64>() / filter.len().max(1) as f64;
        let total = squares - filter.len() as f64 * mean * mean;
        // Not what rounding leaves of a filter that is the same everywhere.
        if !squares.is_finite()
            || squares <= 1e-12
            || total <= 1e-9 * squares
            || filter.len() != height * width
        {
            return None;
        }
        Some(Self { filter, height, width, squares, total, best: None })
    }

    fn side(&self) -> f64 {
        self.height.max(self.width) as f64
    }

    /// The middle of the filter's energy.
    fn middle(&self) -> [f64; 2] {
        let energy = || self.filter.iter().map(|value| f64::from(*value).powi(4));
        let middle = |of: fn(usize, usize) -> usize| {
            let moments =
                energy().enumerate().map(|(at, energy)| energy * of(at, self.width) as f64);
            moments.sum::<f64>() / energy().sum::<f64>()
        };
        [middle(|at, width| at % width), middle(|at, width| at / width)]
    }

    /// Keeps these parameters where they are possible and better than the best.
    fn try_at(&mut self, parameters: [f64; 6]) {
        let ([x, y, _, period, along, across], side) = (parameters, self.side());
        let inside =
            (0.0..self.width as f64).contains(&x) && (0.0..self.height as f64).contains(&y);
        if !inside
            || !(2.0..=4.0 * side).contains(&period)
            || along.min(across) < 0.5
            || along.max(across) > side
        {
            return;
        }
        let left = self.squares - gained(self.filter, self.width, &parameters);
        let explained = 1.0 - left / self.total;
        if self.best.is_none_or(|(_, most)| explained > most) {
            self.best = Some((parameters, explained));
        }
    }

    fn over_a_grid(&mut self) {
        let ([x, y], side) = (self.middle(), self.side());
        for turn in 0..12 {
            let angle = std::f64::consts::PI * f64::from(turn) / 12.0;
            for period in [0.15, 0.25, 0.4, 0.7] {
                for spread in [0.06, 0.12, 0.2] {
                    let (along, across) = (1.5 * spread * side, spread * side);
                    self.try_at([x, y, angle, period * side, along, across]);
                }
            }
        }
    }

    /// Ever finer steps.
    fn around_the_best(&mut self) {
        let side = self.side();
        let mut steps = [0.08 * side, 0.08 * side, 0.15, 0.08 * side, 0.05 * side, 0.05 * side];
        for _ in 0..ROUNDS {
            // Each number in turn for as long as one of them still helps.
            for _ in 0..8 {
                let before = self.best.map(|(_, explained)| explained);
                for number in 0..6 {
                    for sign in [-1.0, 1.0] {
                        let Some((mut parameters, _)) = self.best else { continue };
                        parameters[number] += sign * steps[number];
                        self.try_at(parameters);
                    }
                }
                if before == self.best.map(|(_, explained)| explained) {
                    break;
                }
            }
            steps.iter_mut().for_each(|step| *step *= 0.5);
        }
    }
}

/// By how much the best amplitudes of the even and the odd function lower the square sum.
fn gained(filter: &[f32], width: usize, [x, y, angle, period, along, across]: &[f64; 6]) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let [mut ee, mut eo, mut oo, mut ef, mut of] = [0.0; 5];
    for (at, value) in filter.iter().enumerate() {
        let (dx, dy) = ((at % width) as f64 - x, (at / width) as f64 - y);
        let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
        let envelope = (-0.5 * ((u / along).powi(2) + (v / across).powi(2))).exp();
        let (odd, even) = (std::f64::consts::TAU * v / period).sin_cos();
        let (even, odd, value) = (even * envelope, odd * envelope, f64::from(*value));
        ee += even * even;
        eo += even * odd;
        oo += odd * odd;
        ef += even * value;
        of += odd * value;
    }
    let determinant = ee * oo - eo * eo;
    if determinant > 1e-9 * ee * oo {
        (ef * ef * oo - 2.0 * ef * of * eo + of * of * ee) / determinant
    } else {
        ef * ef / ee.max(1e-12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_function_is_found_again() {
        let (height, width) = (28, 28);
        let wanted = Gabor {
            centre: [17.0, 9.5],
            angle: 0.7,
            period: 9.0,
            spread: [4.0, 2.5],
            explained: 1.0,
        };
        let (sine, cosine) = wanted.angle.sin_cos();
        let filter: Vec<f32> = (0..height * width)
            .map(|at| {
                let (dx, dy) = (
                    (at % width) as f64 - wanted.centre[0],
                    (at / width) as f64 - wanted.centre[1],
                );
                let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
                let envelope = (-0.5 * ((u / 4.0f64).powi(2) + (v / 2.5f64).powi(2))).exp();
                (envelope * (std::f64::consts::TAU * v / 9.0 + 0.6).cos()) as f32
            })
            .collect();
        let found = Gabor::fit(&filter, height, width).unwrap();
        assert!(found.explained > 0.98, "{found:?}");
        let near = |got: f64, wanted: f64, within: f64| {
            assert!((got - wanted).abs() < within, "{found:?}, wanted {wanted:?}")
        };
        near(found.centre[0], 17.0, 1.0);
        near(found.centre[1], 9.5, 1.0);
        near(found.angle, 0.7, 0.1);
    }

    #[test]
    fn an_empty_filter_has_none() {
        assert_eq!(Gabor::fit(&[0.0; 16], 4, 4), None);
        assert_eq!(Gabor::fit(&[0.7; 16], 4, 4), None);
    }

    #[test]
    fn a_dark_ground_with_blotches_is_no_stripe() {
        // A mean of -1 and noise around it: the widest hill comes near to it, and explains nothing
        // of what varies.
        let mut rng = rows::Rng::new(3);
        let filter: Vec<f32> = (0..64).map(|_| -1.0 + 0.5 * rng.standard_normal()).collect();
        let found = Gabor::fit(&filter, 8, 8).unwrap();
        assert!(found.explained < 0.6, "{found:?}");
    }
}
