//! What to set aside and how to read.

use crate::names::{Names, find_column, find_columns, quoted};
use crate::pictures::patches::Patches;
use crate::tables::column::Column;
use crate::text::layout::TextLayout;
use rows::{ColumnKind, DecimalMark, Error, Notation, Result, Series, places};
use std::path::PathBuf;

/// What to set aside and how to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The column that holds labels: its name, its one-based number where there are no names, or an
    /// array of the npz.
    pub label: Option<String>,
    /// A separate file with one label a row: CSV, npy, IDX, or `file.npz:array`.
    pub labels: Option<PathBuf>,
    /// The columns that identify rows, named as `label` is; several are one identifier together.
    pub id: Vec<String>,
    /// Columns of a table that are left out, named as `label` is.
    pub drop: Vec<String>,
    /// Columns of a table beside which all others are left out, but for labels and identifiers;
    /// empty for all.
    pub only: Vec<String>,
    /// What columns of a table hold, by name or one-based number, where that is not what their cells
    /// look like.
    pub columns: Vec<(String, ColumnKind)>,
    /// What the columns that a model was trained on hold, by their names, which are empty where it
    /// knows none: then, or where the table has no names, the columns are taken in their order.
    /// Others than these are left out.
    pub expected: Vec<(String, ColumnKind)>,
    /// How the values of a table are written.
    pub notation: Notation,
    /// How they were written in the training of a model: it holds where neither the user nor the
    /// cells say anything.
    pub known: Notation,
    /// How a file of text is laid out.
    pub layout: TextLayout,
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

/// What the columns of a table are for.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// The column of labels.
    pub(crate) label: Option<usize>,
    /// The columns that identify rows together.
    pub(crate) ids: Vec<usize>,
    /// The columns that tell several series apart together.
    pub(crate) groups: Vec<usize>,
    /// Those that are read, by their place in the table.
    pub(crate) read: Vec<(usize, Column)>,
    /// The names of those that a model does not know.
    pub(crate) unknown: Vec<String>,
}

impl ReadOptions {
    /// What the columns of a table are for; `names` are empty where it has none.
    pub(crate) fn roles(&self, place: &str, known: &Names, width: usize) -> Result<Roles> {
        let names = &known.names;
        known.refuse_doubt(place, [&self.label].into_iter().flatten().chain(&self.id))?;
        let find = |option: &str, wanted: &String| find_column(place, option, wanted, names, width);
        let label = self.label.as_ref().map(|wanted| find("label", wanted)).transpose()?;
        let all =
            |option: &str, wanted: &[String]| find_columns(place, option, wanted, names, width);
        let ids = all("id", &self.id)?;
        let groups = self.series.as_ref().map_or(&[][..], |series| &series.group);
        let groups = all("group", groups).map_err(|error| match &self.series {
            // Of a model's machines nobody said the name of the column here.
            Some(series) if !self.expected.is_empty() => {
                let names = series.group.join(" and ");
                let what = "by which the model tells series apart, is missing; add it";
                Error::data(place, format!("the column {names}, {what}"))
            }
            _ => error,
        })?;
        let (drop, only) = (all("drop", &self.drop)?, all("only", &self.only)?);
        let mut aside = vec![!only.is_empty(); width];
        only.iter().for_each(|column| aside[*column] = false);
        for column in label.iter().chain(&groups).chain(&ids).chain(&drop) {
            aside[*column] = true;
        }
        let kept: Vec<usize> = (0..width).filter(|column| !aside[*column]).collect();
        let mut kinds = vec![None; width];
        let by_name = self.kinds(place, names, &kept, &mut kinds)?;
        let said = self.columns.iter().map(|(name, kind)| Ok((find("column", name)?, *kind)));
        let said = said.collect::<Result<Vec<(usize, ColumnKind)>>>()?;
        let mut asked = vec![false; width];
        for (column, kind) in said {
            (kinds[column], asked[column]) = (Some(kind), true);
        }
        let known = |column: &usize| !by_name || kinds[*column].is_some();
        let named = |column: &usize| {
            names.get(*column).cloned().unwrap_or_else(|| format!("column {}", column + 1))
        };
        let unknown = kept.iter().filter(|column| !known(column)).map(named).collect();
        let read = kept.iter().copied().filter(known).map(|at| {
            let mut column = Column::asked(kinds[at]);
            // Numbers of another unit are none of a column that has one, whatever is asked for.
            let known = self.known.units.get(&named(&at)).cloned();
            column.consent = known.map(Some).or(asked[at].then_some(None));
            (at, column)
        });
        let read: Vec<(usize, Column)> = read.collect();
        if read.is_empty() {
            return Err(Error::data(
                place,
                "no column is left beside what is set aside; wanted at least one of numbers",
            ));
        }
        Ok(Roles { label, ids, groups, read, unknown })
    }

    /// How values are written, as far as that is said or known; a mark before decimals that the cells
    /// tell stands before one that is known.
    pub(crate) fn written(&self, decimal: Option<DecimalMark>) -> Notation {
        let said = self.notation.clone();
        let decimal = said.decimal.or(decimal);
        let month_first = said.month_first;
        Notation { month_first, ..Notation { decimal, ..said }.or(&self.known) }
    }

    /// Notes what a model knows of the columns; whether it knows them by their names.
    ///
    /// An error where one of them is not there.
    fn kinds(
        &self,
        place: &str,
        names: &[String],
        kept: &[usize],
        kinds: &mut [Option<ColumnKind>],
    ) -> Result<bool> {
        let expected = &self.expected;
        if names.is_empty() || expected.iter().any(|(name, _)| name.is_empty()) {
            if kept.len() == expected.len() {
                let order = kept.iter().zip(expected);
                order.for_each(|(column, (_, kind))| kinds[*column] = Some(*kind));
            }
            return Ok(false);
        }
        let mut missing = Vec::new();
        let there = places(kept.iter().map(|column| &names[*column]));
        for (name, kind) in expected {
            match there.get(name.as_str()) {
                Some(at) => kinds[kept[*at]] = Some(*kind),
                None => missing.push(name.as_str()),
            }
        }
        if !missing.is_empty() {
            let found: Vec<&str> = kept.iter().map(|column| names[*column].as_str()).collect();
            return Err(Error::shape(
                format!("columns of {place}"),
                quoted(&found),
                format!("also {}, as in training; add or rename columns", quoted(&missing)),
            ));
        }
        Ok(!expected.is_empty())
    }
}
