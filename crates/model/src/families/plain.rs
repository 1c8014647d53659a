//! Plain autoencoder: a code narrower than the input, and nothing else.
//!
//! Rumelhart, Hinton and Williams, "Learning internal representations by error propagation", 1986;
//! deep ones: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks",
//! Science 313, 2006.

use crate::family::family::Family;
use crate::family::registry::Entry;
use serde::{Deserialize, Serialize};

pub(crate) const ENTRY: Entry =
    Entry::of::<Plain>("plain", "Plain autoencoder", "Hinton and Salakhutdinov 2006");

/// The plain autoencoder has no parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plain {}

impl Family for Plain {
    fn constrains(&self) -> bool {
        false
    }
}
