//! What is in a data source, told without refusing it.

use crate::check::check;
use crate::options::ReadOptions;
use crate::read::load;
use crate::summary::Summary;
use crate::tables::column::Column;
use crate::tables::refuse;
use crate::tables::table::Loaded;
use rows::{ColumnKind, Dataset, Message, Result, Shape};
use serde::Serialize;
use std::collections::BTreeMap;

/// Columns described in one pass over the rows; their different numbers are in memory together.
const COLUMNS: usize = 1000;

/// Categories listed at most.
const COMMON: usize = 5;

/// What a data source holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The source, as messages name it.
    pub name: String,
    /// How many rows.
    pub rows: usize,
    /// The shape of one row.
    pub shape: Shape,
    /// The type the numbers are held in: `u8`, `f32` or `f64`.
    pub storage: &'static str,
    /// The smallest finite number; none where there is no number.
    pub min: Option<f64>,
    /// The largest finite number.
    pub max: Option<f64>,
    /// Cells without a value.
    pub missing: usize,
    /// Cells with an infinite value.
    pub infinite: usize,
    /// Columns (pixels, points) that never change.
    pub constant: usize,
    /// The columns of a table; empty for images and series.
    pub columns: Vec<ColumnDescription>,
    /// How often each label comes, where there are labels.
    pub labels: Option<BTreeMap<String, usize>>,
    /// The settings that read the file as it was read, with all that was found out: name and value;
    /// empty where nothing had to be.
    pub settings: Vec<(&'static str, String)>,
    /// What is worth a look before anything is trained on it.
    pub checks: Vec<Message>,
    /// What the reader noticed.
    pub warnings: Vec<Message>,
}

/// What one column of a table holds; statistics are over its finite numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ColumnDescription {
    /// Its name, or `column 3`.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// The smallest number, of dates the earliest in days since 1970; like those that follow none
    /// for categories.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation, over all rows (no correction for a sample).
    pub sd: Option<f64>,
    /// How many different numbers, counted up to 1000, or how many categories.
    pub distinct: usize,
    /// The most frequent categories, at most five, with the number of their rows.
    pub common: Vec<(String, usize)>,
    /// Whether every row holds the same number.
    pub constant: bool,
    /// Cells without a value.
    pub missing: usize,
    /// The one-based row of the first of them.
    pub first_missing: Option<usize>,
    /// Cells that do not fit the kind (text among numbers).
    pub stray: usize,
    /// The first text or date of the column.
    pub example: Option<String>,
}

/// Describes a data source that [`read`](crate::read) would accept or refuse: text columns and
/// missing values are no errors.
///
/// # Errors
/// Where the source is missing, damaged or of an unknown format, or where its lines have different
/// lengths.
pub fn describe(source: &str, options: &ReadOptions) -> Result<Description> {
    let Loaded { mut dataset, columns, settings, .. } = load(source, options)?;
    refuse::warn(&mut dataset, true)?;
    Ok(Description { settings, ..Description::of(&dataset, &columns)? })
}

impl Description {
    fn of(data: &Dataset, columns: &[Column]) -> Result<Self> {
        let constant = &data.survey()?.constant;
        let width = if matches!(data.shape, Shape::Flat { .. }) { data.features() } else { 0 };
        let all = Summary::of_numbers(data, columns)?;
        let (mut described, mut checks) = (Vec::new(), Vec::new());
        for start in (0..width).step_by(COLUMNS) {
            let each = Summary::of_columns(data, start..width.min(start + COLUMNS))?;
            described.extend((start..).zip(&each).map(|(j, summary)| {
                let constant = constant.binary_search(&j).is_ok();
                ColumnDescription::of(data, j, columns.get(j), summary, constant)
            }));
            // Of very wide tables the first columns tell enough.
            if start == 0 && !columns.is_empty() {
                checks = check(data, &columns[..each.len()], &each)?;
            }
        }
        Ok(Self {
            name: data.name.clone(),
            rows: data.rows(),
            shape: data.shape.clone(),
            storage: data.values.storage(),
            min: all.min,
            max: all.max,
            missing: if columns.is_empty() {
                all.nan
            } else {
                columns.iter().map(|column| column.missing.count).sum()
            },
            infinite: all.infinite,
            constant: constant.len(),
            columns: described,
            labels: data.labels.as_ref().map(|labels| count(labels)),
            settings: Vec::new(),
            checks,
            warnings: data.warnings.clone(),
        })
    }
}

impl ColumnDescription {
    fn of(
        data: &Dataset,
        j: usize,
        seen: Option<&Column>,
        summary: &Summary,
        constant: bool,
    ) -> Self {
        let text = |column: &Column| {
            [&column.texts, &column.dates].into_iter().find_map(|seen| seen.first.clone())
        };
        let kind = seen.map_or(ColumnKind::Numeric, Column::kind);
        let words = matches!(kind, ColumnKind::Categorical | ColumnKind::Text);
        // A word among numbers is none of them, and what is held for it neither.
        let strays = seen.map_or(0, Column::strays);
        let number = |value: Option<f64>| value.filter(|_| !words && strays == 0);
        let mut common: Vec<(String, usize)> = summary
            .levels
            .iter()
            .enumerate()
            .map(|(level, count)| (data.text(j, level as f64), *count))
            .collect();
        common.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        common.truncate(if kind == ColumnKind::Categorical { COMMON } else { 0 });
        Self {
            name: data.column_name(j),
            kind,
            min: number(summary.min),
            max: number(summary.max),
            mean: number(summary.mean()),
            sd: number(summary.sd()),
            distinct: if words { summary.levels.len() } else { summary.distinct.len() },
            common,
            constant,
            missing: seen.map_or(summary.nan, |column| column.missing.count),
            first_missing: match seen {
                Some(column) => column.missing.first.as_ref().map(|(row, _)| row + 1),
                None => summary.first_nan.map(|row| row + 1),
            },
            stray: strays,
            example: seen.and_then(text).map(|(_, text)| text),
        }
    }
}

fn count(labels: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label.clone()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use rows::Values;

    fn described(text: &str, options: &ReadOptions) -> Description {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        assert_eq!(
            read(&path.display().to_string(), options).is_err(),
            text.contains("none"),
            "{text}"
        );
        describe(&path.display().to_string(), options).unwrap()
    }

    #[test]
    fn a_file_that_cannot_be_trained_on_is_described() {
        let text = "city,time,size,ok,none\nrome,12:30,1,true,\noslo,12:31,NA,false,\nrome,12:32,3,true,\n";
        let description = described(text, &ReadOptions::default());
        let kinds: Vec<ColumnKind> = description.columns.iter().map(|column| column.kind).collect();
        assert_eq!(
            kinds,
            [
                ColumnKind::Categorical,
                ColumnKind::Time,
                ColumnKind::Numeric,
                ColumnKind::Boolean,
                ColumnKind::Empty
            ]
        );
        let size = &description.columns[2];
        assert_eq!(
            (size.missing, size.first_missing, size.mean, size.distinct),
            (1, Some(2), Some(2.0), 2)
        );
        assert_eq!(description.columns[0].example.as_deref(), Some("rome"));
        assert_eq!(description.columns[0].common, [("rome".to_owned(), 2), ("oslo".to_owned(), 1)]);
        assert_eq!((description.columns[0].distinct, description.columns[0].mean), (2, None));
        assert_eq!((description.min, description.max), (Some(0.0), Some(3.0)));
        assert_eq!((description.rows, description.missing), (3, 4));
    }

    #[test]
    fn statistics_are_those_of_the_column() {
        let description = described(
            "a,b,y\n2,7,p\n4,7,q\n4,7,p\n6,7,p\n",
            &ReadOptions { label: Some("y".into()), ..ReadOptions::default() },
        );
        let a = &description.columns[0];
        assert_eq!(
            (a.min, a.max, a.mean, a.sd),
            (Some(2.0), Some(6.0), Some(4.0), Some(2f64.sqrt()))
        );
        assert!(description.columns[1].constant && !a.constant);
        assert_eq!(description.constant, 1);
        assert_eq!(
            description.labels.unwrap(),
            BTreeMap::from([("p".to_owned(), 3), ("q".to_owned(), 1)])
        );
    }

    #[test]
    fn images_are_described_as_a_whole() {
        let description = describe("digits", &ReadOptions::default()).unwrap();
        assert_eq!(
            (description.rows, description.storage, description.columns.len()),
            (1797, "u8", 0)
        );
        assert_eq!(
            (description.min, description.max, description.constant),
            (Some(0.0), Some(16.0), 3)
        );
        assert_eq!(description.labels.as_ref().unwrap().len(), 10);
        let json = serde_json::to_value(&description).unwrap();
        assert_eq!(json["shape"]["image"]["height"], 8);
    }

    #[test]
    fn a_nan_in_an_array_is_counted() {
        let data = Dataset::new(
            "t",
            Shape::Flat { width: 2 },
            Values::F64(vec![1.0, 2.0, f64::NAN, f64::INFINITY]),
        )
        .unwrap();
        let description = Description::of(&data, &[]).unwrap();
        assert_eq!((description.missing, description.infinite, description.max), (1, 1, Some(2.0)));
        assert_eq!(description.columns[0].first_missing, Some(2));
    }

    #[test]
    fn ecg5000_counts_its_classes() {
        let Some(folder) = crate::real_data() else {
            return;
        };
        let options = ReadOptions { label: Some("train_class".into()), ..ReadOptions::default() };
        let description =
            describe(&format!("{}/ecg5000/ecg5000.npz:train_x", folder.display()), &options)
                .unwrap();
        assert_eq!(description.labels.unwrap().values().sum::<usize>(), 500);
        assert_eq!(description.columns.len(), 140);
    }
}
