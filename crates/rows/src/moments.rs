//! Mean and variance of numbers in one pass.

/// What is known of numbers that came one by one: how many, their mean, their spread.
///
/// Stable where the mean is large beside the spread: `mean ← mean + (x - mean) / n` (Welford, "Note
/// on a method for calculating corrected sums of squares and products", 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes one number in.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    /// How many numbers came.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Their mean; zero of none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The sum of their squared distances from the mean.
    pub fn squares(&self) -> f64 {
        self.squares
    }

    /// The mean of these: their variance; zero of none.
    pub fn variance(&self) -> f64 {
        self.squares / self.count.max(1.0)
    }

    /// The root of the variance.
    pub fn deviation(&self) -> f64 {
        self.variance().sqrt()
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
}
