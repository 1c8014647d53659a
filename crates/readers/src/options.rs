//! What to set aside and how to read.

use crate::names::find_column;
use crate::pictures::patches::Patches;
use rows::{ColumnKind, Result, Series};
use std::path::PathBuf;

/// What to set aside and how to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The column that holds labels: its name, its one-based number where there are no names, or an
    /// array of the npz.
    pub label: Option<String>,
    /// A separate file with one label a row: CSV, npy, IDX, or `file.npz:array`.
    pub labels: Option<PathBuf>,
    /// The column that identifies rows, named as `label` is.
    pub id: Option<String>,
    /// What columns of a CSV or Parquet table hold, by name or one-based number, where that is not
    /// what their cells look like.
    pub columns: Vec<(String, ColumnKind)>,
    /// The same, of columns that need not be there: those that a model has been trained on.
    pub expected: Vec<(String, ColumnKind)>,
    /// Width and height to which images are resized.
    pub resize: Option<(usize, usize)>,
    /// Patches that are cut out of photographs, which then need not be of one size.
    pub patches: Option<Patches>,
    /// The array of an npz; the same as `file.npz:array`.
    pub array: Option<String>,
    /// Bytes that the numbers of the rows may take in memory; where they need more they stay on
    /// disk. None for any number.
    pub memory: Option<u64>,
    /// The rows are points in time, of which windows are cut out.
    pub series: Option<Series>,
}

impl ReadOptions {
    /// What the user says of each of the columns of a table.
    pub(crate) fn kinds(
        &self,
        place: &str,
        names: &[String],
        width: usize,
    ) -> Result<Vec<Option<ColumnKind>>> {
        let mut kinds = vec![None; width];
        for (name, kind) in &self.expected {
            if let Ok(column) = find_column(place, "column", name, names, width) {
                kinds[column] = Some(*kind);
            }
        }
        for (name, kind) in &self.columns {
            kinds[find_column(place, "column", name, names, width)?] = Some(*kind);
        }
        Ok(kinds)
    }
}
