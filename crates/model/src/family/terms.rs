//! The named terms of a loss, as tensors and as numbers.

use crate::family::code::Code;
use burn_tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Named parts of a loss, each of one element; their sum is the loss.
#[derive(Clone, Debug, Default)]
pub struct Terms(pub Vec<(&'static str, Tensor<1>)>);

impl Terms {
    /// No term.
    pub fn none() -> Self {
        Self::default()
    }

    /// One term: a value of one element times its weight.
    pub fn one(name: &'static str, weight: f64, value: Tensor<1>) -> Self {
        // Most weights are one, and each operation costs a small network more than its arithmetic.
        Self(vec![(name, if weight == 1.0 { value } else { value * weight })])
    }

    /// The values alone, without what gradients need.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.0.iter().map(|(name, value)| (*name, value.clone().detach())).collect())
    }

    /// The sum; none when there is no term.
    pub fn sum(&self) -> Option<Tensor<1>> {
        self.0.iter().map(|(_, value)| value.clone()).reduce(|sum, value| sum + value)
    }
}

/// Named numbers in the order of a loss's terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers(pub Vec<(String, f64)>);

impl Numbers {
    /// Reads the terms' values off their device.
    pub fn read(terms: &Terms) -> Self {
        Self(
            terms
                .0
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone().into_scalar::<f64>()))
                .collect(),
        )
    }

    /// Their sum: the loss.
    pub fn sum(&self) -> f64 {
        self.0.iter().map(|(_, value)| value).sum()
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// Sums of numbers over batches, weighted by their rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    numbers: Numbers,
    rows: usize,
}

impl Sums {
    /// Adds a batch's numbers.
    pub fn add(&mut self, numbers: &Numbers, rows: usize) {
        if self.numbers.0.is_empty() {
            self.numbers.0 = numbers.0.iter().map(|(name, _)| (name.clone(), 0.0)).collect();
        }
        for ((_, sum), (_, value)) in self.numbers.0.iter_mut().zip(&numbers.0) {
            *sum += value * rows as f64;
        }
        self.rows += rows;
    }

    /// The mean over all rows.
    pub fn mean(&self) -> Numbers {
        Numbers(
            self.numbers
                .0
                .iter()
                .map(|(name, sum)| (name.clone(), sum / self.rows.max(1) as f64))
                .collect(),
        )
    }
}

/// The loss of a batch, and the code that it met on the way.
#[derive(Clone, Debug, Default)]
pub struct Loss {
    /// Its named terms.
    pub terms: Terms,
    /// The code of the batch, if the loss has one.
    pub code: Option<Code>,
}

impl From<Terms> for Loss {
    fn from(terms: Terms) -> Self {
        Self { terms, code: None }
    }
}
