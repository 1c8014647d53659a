//! The named terms of a loss, as tensors and as numbers.

use crate::family::code::Code;
use burn_tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Named parts of a loss; the sum of their products with their weights is the loss.
#[derive(Clone, Debug, Default)]
pub struct Terms(pub Vec<Term>);

/// A part of a loss.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is called.
    pub name: &'static str,
    /// How much it counts.
    pub weight: f64,
    /// Its value, of one element, without the weight.
    pub value: Tensor<1>,
}

impl Terms {
    /// No term.
    pub fn none() -> Self {
        Self::default()
    }

    /// One term: a value of one element, and its weight.
    pub fn one(name: &'static str, weight: f64, value: Tensor<1>) -> Self {
        Self(vec![Term { name, weight, value }])
    }

    /// The same with others behind.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The values alone, without what gradients need.
    #[must_use]
    pub fn detached(&self) -> Self {
        let term = |term: &Term| Term { value: term.value.clone().detach(), ..term.clone() };
        Self(self.0.iter().map(term).collect())
    }

    /// The loss; none when there is no term.
    pub fn sum(&self) -> Option<Tensor<1>> {
        // Most weights are one, and each operation costs a small network more than its arithmetic.
        let weighted = |term: &Term| match term.weight {
            1.0 => term.value.clone(),
            weight => term.value.clone() * weight,
        };
        self.0.iter().map(weighted).reduce(|sum, value| sum + value)
    }
}

/// Named numbers in the order of a loss's terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers(pub Vec<Number>);

/// What a term of a loss came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Number {
    /// What it is called.
    pub name: String,
    /// How much it counts in the loss.
    pub weight: f64,
    /// Its value, without the weight.
    pub value: f64,
}

/// A number as files have it: earlier ones without a weight, which their values contain.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Weighted(String, f64, f64),
    Plain(String, f64),
}

impl From<Stored> for Number {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Weighted(name, value, weight) => Self { name, weight, value },
            Stored::Plain(name, value) => Self { name, weight: 1.0, value },
        }
    }
}

impl From<Number> for Stored {
    fn from(Number { name, weight, value }: Number) -> Self {
        if weight == 1.0 { Self::Plain(name, value) } else { Self::Weighted(name, value, weight) }
    }
}

impl Numbers {
    /// Reads the terms' values off their device.
    pub fn read(terms: &Terms) -> Self {
        let number = |term: &Term| Number {
            name: term.name.to_owned(),
            weight: term.weight,
            value: term.value.clone().into_scalar::<f64>(),
        };
        Self(terms.0.iter().map(number).collect())
    }

    /// The loss: the sum of their products with their weights.
    pub fn sum(&self) -> f64 {
        self.0.iter().map(|number| number.weight * number.value).sum()
    }

    /// The number of this name, without its weight.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|known| known.name == name).map(|known| known.value)
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
            let zero = |number: &Number| Number { weight: 0.0, value: 0.0, ..number.clone() };
            self.numbers.0 = numbers.0.iter().map(zero).collect();
        }
        for (sum, number) in self.numbers.0.iter_mut().zip(&numbers.0) {
            sum.value += number.value * rows as f64;
            sum.weight += number.weight * rows as f64;
        }
        self.rows = self.rows.saturating_add(rows);
    }

    /// The mean over all rows.
    pub fn mean(&self) -> Numbers {
        let rows = self.rows.max(1) as f64;
        let mean = |sum: &Number| Number {
            weight: sum.weight / rows,
            value: sum.value / rows,
            ..sum.clone()
        };
        Numbers(self.numbers.0.iter().map(mean).collect())
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
