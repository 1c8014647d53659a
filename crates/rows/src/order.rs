//! Rows in random order, without a list of them.

use crate::rng::Rng;

/// Up to so many numbers are shuffled as a list, which is 4 MB at most.
const LISTED: usize = 1 << 20;
/// Rounds of the network; four make every order as likely as another for practical purposes (Luby
/// and Rackoff, "How to construct pseudorandom permutations", 1988), the rest is reserve.
const ROUNDS: usize = 6;

/// The numbers from 0 to `length - 1` in random order: `at` tells which one stands where.
///
/// It takes at most 4 MB, whatever the length: a longer order is computed number by number, by a
/// Feistel network whose results beyond the length go through it again.
#[derive(Clone, Debug)]
pub struct Order {
    length: usize,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Listed(Vec<u32>),
    Keyed { half: u32, keys: [u64; ROUNDS] },
}

impl Order {
    /// Draws an order.
    pub fn new(length: usize, rng: &mut Rng) -> Self {
        if length <= LISTED {
            let mut listed: Vec<u32> = (0..length as u32).collect();
            rng.shuffle(&mut listed);
            return Self { length, how: How::Listed(listed) };
        }
        let bits = usize::BITS - (length - 1).leading_zeros();
        Self { length, how: How::Keyed { half: bits.div_ceil(2), keys: rng.keys() } }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The number at this place, which must be below the length.
    pub fn at(&self, place: usize) -> usize {
        match &self.how {
            How::Listed(listed) => listed[place] as usize,
            How::Keyed { half, keys } => {
                let mut number = encrypted(place as u64, *half, keys);
                // At most three of four numbers lie beyond the length.
                while number >= self.length as u64 {
                    number = encrypted(number, *half, keys);
                }
                number as usize
            }
        }
    }
}

/// A number of `2 half` bits as another; no two give the same.
fn encrypted(number: u64, half: u32, keys: &[u64; ROUNDS]) -> u64 {
    let mask = (1 << half) - 1;
    let (mut left, mut right) = (number >> half, number & mask);
    for key in keys {
        (left, right) = (right, left ^ (mixed(right ^ key) & mask));
    }
    left << half | right
}

/// Every bit of the result depends on every bit of the number (the last step of SplitMix64; Steele
/// et al., "Fast splittable pseudorandom number generators", 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_order_is_the_shuffle_of_its_stream() {
        for length in [0, 1, 2, 1000] {
            let order = Order::new(length, &mut Rng::new(3));
            let numbers: Vec<usize> = (0..order.len()).map(|place| order.at(place)).collect();
            assert_eq!(numbers, Rng::new(3).permutation(length));
        }
    }

    #[test]
    fn a_long_order_has_every_number_once_and_another_with_each_seed() {
        let length = LISTED + 12_345;
        let order = Order::new(length, &mut Rng::new(1));
        let mut seen = vec![false; length];
        let (mut fixed, mut follows) = (0, 0);
        for place in 0..length {
            let number = order.at(place);
            assert!(!std::mem::replace(&mut seen[number], true), "{number} stands twice");
            fixed += usize::from(number == place);
            follows += usize::from(place > 0 && number == order.at(place - 1) + 1);
        }
        // Of a random order about one number stands at its own place, and one after its own.
        assert!(fixed < 10 && follows < 10, "{fixed} and {follows}");
        let other = Order::new(length, &mut Rng::new(2));
        let same = (0..length).filter(|place| order.at(*place) == other.at(*place)).count();
        assert!(same < 10, "{same}");
    }

    #[test]
    fn an_order_of_a_billion_rows_takes_no_list() {
        let order = Order::new(1_000_000_000, &mut Rng::new(1));
        assert!(matches!(order.how, How::Keyed { .. }));
        let mean = (0..10_000).map(|place| order.at(place) as f64).sum::<f64>() / 1e4;
        assert!((mean / 5e8 - 1.0).abs() < 0.03, "{mean}");
    }
}
