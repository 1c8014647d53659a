//! The only source of randomness.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};
use sha2::{Digest, Sha256};

/// A stream of random numbers that is split by name.
///
/// A stream is known by its path alone, never by how much was drawn elsewhere: a new consumer moves
/// no other, and a resumed training needs no saved state, because step 7 of epoch 3 finds its
/// stream by its numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u8; 32],
    stream: ChaCha8Rng,
}

impl Rng {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self::from_key(Sha256::digest(seed.to_le_bytes()).into())
    }

    fn from_key(key: [u8; 32]) -> Self {
        Self { key, stream: ChaCha8Rng::from_seed(key) }
    }

    /// The stream of this name under this one; the same name gives the same stream, whatever was
    /// drawn before.
    pub fn split(&self, name: &str) -> Self {
        Self::from_key(Sha256::new().chain_update(self.key).chain_update(name).finalize().into())
    }

    /// The stream of this number under this one: an epoch, a step, a layer.
    pub fn at(&self, number: usize) -> Self {
        Self::from_key(
            Sha256::new()
                .chain_update(self.key)
                .chain_update((number as u64).to_le_bytes())
                .finalize()
                .into(),
        )
    }

    /// The numbers from 0 to `length - 1` in random order.
    pub fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        self.shuffle(&mut order);
        order
    }

    /// Brings items into random order, which depends on their number alone.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.stream);
    }

    /// Keys of an order.
    pub(crate) fn keys<const COUNT: usize>(&mut self) -> [u64; COUNT] {
        std::array::from_fn(|_| self.stream.random())
    }

    /// A number between 0 (included) and 1 (excluded).
    pub fn unit(&mut self) -> f32 {
        self.stream.random()
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.stream.random_range(0..bound.max(1))
    }

    /// A whole number from a Poisson distribution; 0 where there is none of this mean.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(&mut self.stream))
    }

    /// A number from a gamma distribution; its mean, the product, where there is none of this shape
    /// and scale.
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        Gamma::new(shape, scale).map_or(shape * scale, |gamma| gamma.sample(&mut self.stream))
    }

    /// A draw from the standard normal distribution.
    pub fn standard_normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_does_not_depend_on_what_was_drawn_before() {
        let mut parent = Rng::new(7);
        let before = parent.split("noise").unit();
        parent.unit();
        assert_eq!(before.to_bits(), parent.split("noise").unit().to_bits());
    }

    #[test]
    fn different_names_and_seeds_give_different_streams() {
        let draws = [
            Rng::new(7).split("a").unit().to_bits(),
            Rng::new(7).split("b").unit().to_bits(),
            Rng::new(8).split("a").unit().to_bits(),
            Rng::new(7).at(0).unit().to_bits(),
        ];
        for (index, draw) in draws.iter().enumerate() {
            assert!(!draws[..index].contains(draw));
        }
    }

    #[test]
    fn counts_have_the_mean_and_the_variance_of_their_distribution() {
        let mut rng = Rng::new(2);
        let draws = |of: &mut dyn FnMut() -> f64| {
            let draws: Vec<f64> = (0..20_000).map(|_| of()).collect();
            let mean = draws.iter().sum::<f64>() / 2e4;
            (mean, draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 2e4)
        };
        let (mean, variance) = draws(&mut || rng.poisson(3.0));
        assert!((mean - 3.0).abs() < 0.05 && (variance - 3.0).abs() < 0.15, "{mean} {variance}");
        let (mean, variance) = draws(&mut || rng.gamma(2.0, 1.5));
        assert!((mean - 3.0).abs() < 0.06 && (variance - 4.5).abs() < 0.3, "{mean} {variance}");
        assert_eq!((rng.poisson(-1.0), rng.gamma(-1.0, 2.0)), (0.0, -2.0));
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut rng = Rng::new(1);
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(rng.standard_normal())).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 1e5;
        // Four standard errors: 4 / sqrt(1e5) and 4 sqrt(2 / 1e5).
        assert!(mean.abs() < 0.0127 && (variance - 1.0).abs() < 0.0179, "{mean} {variance}");
    }
}
