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
    /// What the columns that a model was trained on hold, by their names, which are empty where it
    /// knows none: then, or where the table has no names, the columns are taken in their order.
    /// Others than these are left out.
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
    /// What the user and a model say of each of the columns of a table; `kept` are those that are
    /// not set aside.
    pub(crate) fn kinds(
        &self,
        place: &str,
        names: &[String],
        width: usize,
        kept: &[usize],
    ) -> Result<Wanted> {
        let mut kinds = vec![None; width];
        let expected = &self.expected;
        let by_name = !names.is_empty() && expected.iter().all(|(name, _)| !name.is_empty());
        if by_name {
            for (name, kind) in expected {
                if let Some(column) = kept.iter().find(|column| names[**column] == *name) {
                    kinds[*column] = Some(*kind);
                }
            }
        } else if kept.len() == expected.len() {
            kept.iter().zip(expected).for_each(|(column, (_, kind))| kinds[*column] = Some(*kind));
        }
        for (name, kind) in &self.columns {
            kinds[find_column(place, "column", name, names, width)?] = Some(*kind);
        }
        Ok(Wanted { kinds, known_only: by_name && !expected.is_empty() })
    }
}

/// What is wanted of the columns of a table.
pub(crate) struct Wanted {
    /// What each holds, where anybody says so.
    pub(crate) kinds: Vec<Option<ColumnKind>>,
    /// Whether columns of which nobody says anything are left out: a model does not know them.
    pub(crate) known_only: bool,
}
