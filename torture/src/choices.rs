//! What is chosen, from bytes: random ones here, a fuzzer's there.

use arbitrary::Unstructured;
use autoencoders::Rng;

/// As many bytes as the longest case chooses by; behind their end each choice is the first.
const BYTES: usize = 2048;

/// Bytes that have not been chosen by yet.
pub(crate) struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `bound`, which is at least one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.int_in_range(0..=bound - 1).unwrap_or(0)
    }

    /// A stream of random numbers.
    pub(crate) fn rng(&mut self) -> Rng {
        Rng::new(self.0.arbitrary().unwrap_or(0))
    }
}

/// The bytes by which the case of a number chooses.
pub(crate) fn bytes(rng: &Rng, number: usize) -> Vec<u8> {
    let mut rng = rng.at(number);
    (0..BYTES).map(|_| rng.below(256) as u8).collect()
}
