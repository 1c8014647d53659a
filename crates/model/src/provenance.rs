//! Where a model comes from.

use crate::family::terms::Numbers;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What one epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// One-based.
    pub epoch: usize,
    /// Epochs planned.
    pub of: usize,
    /// The terms, averaged over the epoch's steps.
    pub train: Numbers,
    /// The terms on the validation rows after the epoch.
    pub validation: Option<Numbers>,
    /// Whether this epoch's weights were the best so far.
    pub best: bool,
}

/// What is known of the training that made a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// Rows it was trained on.
    pub training_rows: usize,
    /// Every epoch of its training.
    pub history: Vec<EpochRecord>,
    /// The one-based epoch whose weights it has; 0 where training did not reach an epoch's end.
    pub chosen: usize,
    /// The settings of its training and of what was made of it, by name, as files have them.
    pub settings: Map<String, Value>,
}
