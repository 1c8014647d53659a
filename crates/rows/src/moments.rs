//! Mean and variance of numbers in one pass.

/// What is known of numbers that came one by one: how many, their mean, their spread.
///
/// Stable where the mean is large beside the spread: `mean ← mean + (x - mean) / n` (Welford, "Note
/// on a method for calculating corrected sums of squares and products", 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: f64,
    mean: f64,
    /// Of distances in units of [`UNIT`] where some are large.
    squares: f64,
    large: bool,
}

/// Squares of larger distances might not be finite.
const LARGE: f64 = 1e150;
/// Squares of no distance in this unit are larger than numbers are, nor is the sum of them.
const UNIT: f64 = 1e200;

impl Moments {
    /// Takes one number in.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = (value - self.mean).clamp(f64::MIN, f64::MAX);
        self.mean += distance / self.count;
        if !self.large && distance.abs() > LARGE {
            self.large = true;
            self.squares = self.squares / UNIT / UNIT;
        }
        let unit = self.unit();
        self.squares += distance / unit * ((value - self.mean).clamp(f64::MIN, f64::MAX) / unit);
    }

    fn unit(&self) -> f64 {
        if self.large { UNIT } else { 1.0 }
    }

    /// How many numbers came.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Their mean; zero of none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The sum of their squared distances from the mean; infinite where it is beyond all numbers.
    pub fn squares(&self) -> f64 {
        self.squares * self.unit() * self.unit()
    }

    /// The mean of these: their variance; zero of none.
    pub fn variance(&self) -> f64 {
        self.squares() / self.count.max(1.0)
    }

    /// The root of the variance, which is finite also where the variance is not.
    pub fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1.0)).sqrt() * self.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_mean_leaves_the_variance_exact() {
        let mut moments = Moments::default();
        [1e9 + 1.0, 1e9 + 2.0, 1e9 + 6.0].into_iter().for_each(|value| moments.add(value));
        assert_eq!((moments.count(), moments.mean(), moments.squares()), (3.0, 1e9 + 3.0, 14.0));
        assert_eq!(Moments::default().deviation(), 0.0);
    }

    #[test]
    fn the_deviation_of_numbers_is_finite_however_large_they_are() {
        for largest in [1e160, -1e300, f64::MAX, f64::MIN] {
            let mut moments = Moments::default();
            [1.0, 2.0, largest, 3.0].into_iter().for_each(|value| moments.add(value));
            let wanted = largest.abs() * (3f64.sqrt() / 4.0);
            assert!((moments.deviation() / wanted - 1.0).abs() < 1e-9, "{largest}: {moments:?}");
        }
        let mut moments = Moments::default();
        [f64::MAX, f64::MIN].into_iter().for_each(|value| moments.add(value));
        assert!(moments.deviation().is_finite() && moments.mean().is_finite());
    }
}
