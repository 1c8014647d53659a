//! Rows, with what is known about them.
//!
//! A [`Dataset`] keeps the numbers in the narrowest of three types that holds them exactly, so that
//! MNIST stays 47 MB, and leaves them on disk where they outgrow a budget of memory.

use crate::error::{Error, Result};
use crate::message::Message;
use crate::notation::Notation;
use crate::rng::Rng;
use crate::schema::{ColumnKind, Field, Shape};
use crate::store::Store;
use crate::survey::{Cells, Survey};
use crate::values::Values;
use crate::whitening::Whitening;
use crate::windows::Windows;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

/// Rows, with what is known about them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Where the rows came from, as messages name it.
    pub name: String,
    /// The shape of one row.
    pub shape: Shape,
    /// Column names of a table; empty where the source has none.
    pub columns: Vec<String>,
    /// The numbers, row after row, in memory or on disk.
    pub values: Store,
    /// One label a row, set aside and never trained on.
    pub labels: Option<Vec<String>>,
    /// One identifier a row (a file name, an id column); without, rows are known by their position.
    pub ids: Option<Vec<String>>,
    /// The largest value by definition of the source (255 for 8-bit images, 16 for the digits), for
    /// scaling.
    pub full_scale: Option<f64>,
    /// What the columns of a table hold; empty where all are complete numbers, or nothing is known.
    pub fields: Vec<Field>,
    /// How the values of its file are written, as far as the reader was told or found it out.
    pub notation: Notation,
    /// The names of a series' channels; empty where it has none.
    pub channels: Vec<String>,
    /// Where rows are windows over a series: which points they hold.
    pub windows: Option<Windows>,
    /// How the rows are to be whitened before anything learns from them; a model that was trained on
    /// such rows keeps the whitening that it fitted.
    pub whitening: Whitening,
    /// What the reader noticed that the user should know.
    pub warnings: Vec<Message>,
}

impl Dataset {
    /// Rows without names, labels or identifiers.
    ///
    /// An error where the numbers are no whole count of rows of that shape.
    pub fn new(name: impl Into<String>, shape: Shape, values: impl Into<Store>) -> Result<Self> {
        let (name, values) = (name.into(), values.into());
        let features = shape.features()?;
        if !values.len().is_multiple_of(features) {
            return Err(Error::shape(
                format!("rows of {name}"),
                format!("{} numbers", values.len()),
                format!("a multiple of {features} ({shape})"),
            ));
        }
        Ok(Self {
            name,
            shape,
            columns: Vec::new(),
            values,
            labels: None,
            ids: None,
            full_scale: None,
            fields: Vec::new(),
            notation: Notation::default(),
            channels: Vec::new(),
            windows: None,
            whitening: Whitening::None,
            warnings: Vec::new(),
        })
    }

    /// Numbers in a row; 0 only where the shape is none that a reader lets through.
    pub fn features(&self) -> usize {
        self.shape.features().unwrap_or(0)
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.features()).unwrap_or(0)
    }

    /// The numbers of the rows at the given zero-based indices, one after another; an index may
    /// come more than once.
    ///
    /// An error where an index is out of range, or where the file that holds the rows cannot be
    /// read any more.
    pub fn gather(&self, rows: impl IntoIterator<Item = usize>) -> Result<Values> {
        let rows: Vec<usize> = rows.into_iter().collect();
        rows.iter().try_for_each(|row| self.require_row(*row))?;
        self.values.gather(&rows, self.features())
    }

    /// All numbers in order, in blocks of whole rows; those in memory are one block.
    pub fn blocks(&self) -> impl Iterator<Item = Result<Cow<'_, Values>>> {
        self.values.blocks(self.features())
    }

    /// The rows at the given zero-based indices, in that order and in memory, with their labels and
    /// identifiers.
    ///
    /// Errors as [`Dataset::gather`].
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let values = self.gather(rows.iter().copied())?;
        let pick = |all: &Vec<String>| rows.iter().map(|&row| all[row].clone()).collect();
        Ok(Self {
            name: self.name.clone(),
            shape: self.shape.clone(),
            columns: self.columns.clone(),
            values: values.into(),
            labels: self.labels.as_ref().map(pick),
            ids: self.ids.as_ref().map(pick),
            full_scale: self.full_scale,
            fields: self.fields.clone(),
            notation: self.notation.clone(),
            channels: self.channels.clone(),
            windows: self.windows.as_ref().map(|windows| Windows {
                starts: rows.iter().map(|row| windows.starts[*row]).collect(),
                ..windows.clone()
            }),
            whitening: self.whitening,
            warnings: self.warnings.clone(),
        })
    }

    /// All rows with these columns alone, in memory; the shape becomes that of a table.
    ///
    /// An error where a column is out of range, or as [`Dataset::gather`].
    pub fn narrowed(&self, columns: &[usize]) -> Result<Self> {
        let features = self.features();
        if let Some(column) = columns.iter().find(|column| **column >= features) {
            return Err(Error::setting(
                "column",
                column,
                format!("0 to {}, the columns of {}", features.saturating_sub(1), self.name),
            ));
        }
        fn pick<T: Copy>(values: &[T], features: usize, columns: &[usize]) -> Vec<T> {
            values
                .chunks_exact(features)
                .flat_map(|row| columns.iter().map(|column| row[*column]))
                .collect()
        }
        let all: Vec<usize> = (0..self.rows()).collect();
        let values = match self.gather(all)? {
            Values::U8(values) => Values::U8(pick(&values, features, columns)),
            Values::F32(values) => Values::F32(pick(&values, features, columns)),
            Values::F64(values) => Values::F64(pick(&values, features, columns)),
        };
        let mut narrowed =
            Self::new(self.name.clone(), Shape::Flat { width: columns.len() }, values)?;
        narrowed.columns = if self.columns.is_empty() {
            Vec::new()
        } else {
            columns.iter().map(|at| self.columns[*at].clone()).collect()
        };
        narrowed.fields = if self.fields.is_empty() {
            Vec::new()
        } else {
            columns.iter().map(|at| self.fields[*at].clone()).collect()
        };
        (narrowed.labels, narrowed.ids, narrowed.full_scale) =
            (self.labels.clone(), self.ids.clone(), self.full_scale);
        narrowed.notation = self.notation.clone();
        Ok(narrowed)
    }

    /// The same table with a fraction of the cells that have a value without one, in memory.
    ///
    /// Errors as [`Dataset::gather`].
    pub fn with_gaps(&self, fraction: f64, rng: &mut Rng) -> Result<Self> {
        let values = self.gather(0..self.rows())?;
        let holed = (0..values.len())
            .map(|at| if f64::from(rng.unit()) < fraction { f64::NAN } else { values.get(at) })
            .collect();
        Ok(Self { values: Values::F64(holed).into(), ..self.clone() })
    }

    /// Where rows are windows over a series: for each channel what its points have there, which is the
    /// same in all windows that hold them; none for a point that no window holds. Elsewhere nothing.
    pub fn points(&self) -> Result<Vec<Vec<Option<f64>>>> {
        let Some(windows) = &self.windows else { return Ok(Vec::new()) };
        let features = self.features();
        let channels = features / windows.length.max(1);
        let mut points = vec![vec![None; windows.stamps.len()]; channels];
        let mut starts = windows.starts.iter();
        for block in self.blocks() {
            let block = block?;
            for (row, start) in (0..block.len() / features.max(1)).zip(&mut starts) {
                for at in 0..windows.length * channels {
                    points[at % channels][start + at / channels]
                        .get_or_insert_with(|| block.get(row * features + at));
                }
            }
        }
        Ok(points)
    }

    /// The rows that have no value at all, zero-based; of a table alone.
    pub fn empty_rows(&self) -> Result<Vec<usize>> {
        let (mut empty, mut row, features) = (Vec::new(), 0, self.features().max(1));
        if !matches!(self.shape, Shape::Flat { .. }) || !self.has_gaps()? {
            return Ok(empty);
        }
        for block in self.blocks() {
            let block = block?;
            for start in (0..block.len()).step_by(features) {
                if (start..start + features).all(|at| block.get(at).is_nan()) {
                    empty.push(row);
                }
                row += 1;
            }
        }
        Ok(empty)
    }

    /// A number for each row, the same for rows that are equal, and hardly ever for others.
    ///
    /// They take eight bytes a row.
    pub fn hashes(&self) -> Result<Vec<u64>> {
        let (mut hashes, features) = (Vec::with_capacity(self.rows()), self.features().max(1));
        for block in self.blocks() {
            let block = block?;
            hashes.extend((0..block.len()).step_by(features).map(|start| {
                let mut hash = DefaultHasher::new();
                // Both zeros are one number.
                (start..start + features)
                    .for_each(|at| hash.write_u64((block.get(at) + 0.0).to_bits()));
                hash.finish()
            }));
        }
        Ok(hashes)
    }

    /// How a row at a zero-based index is called: by its identifier, or by its one-based number.
    pub fn row_name(&self, row: usize) -> String {
        let id = self.ids.as_ref().and_then(|ids| ids.get(row).cloned());
        id.unwrap_or_else(|| (row + 1).to_string())
    }

    /// An error where there is no row of this zero-based index.
    pub fn require_row(&self, row: usize) -> Result<()> {
        let rows = self.rows();
        if row < rows {
            return Ok(());
        }
        Err(Error::setting(
            "row",
            row,
            format!("0 to {}, the rows of {}", rows.saturating_sub(1), self.name),
        ))
    }

    /// An error where there are fewer rows than `minimum`.
    pub fn require_rows(&self, minimum: usize) -> Result<()> {
        let rows = self.rows();
        if rows >= minimum {
            return Ok(());
        }
        let plural = if rows == 1 { "row" } else { "rows" };
        Err(Error::data(
            &self.name,
            format!("has {rows} {plural}, at least {minimum} are needed; add rows"),
        ))
    }

    /// An error that names the first cell that is infinite, or NaN where rows are not those of a
    /// table, by one-based row and column.
    ///
    /// In a table NaN is a missing value.
    pub fn check_finite(&self) -> Result<()> {
        let survey = self.survey()?;
        let missing = Cells::default();
        let table = matches!(self.shape, Shape::Flat { .. });
        let missing = if table { &missing } else { &survey.missing };
        let all = missing.count + survey.infinite.count;
        let Some(first) = missing.first.into_iter().chain(survey.infinite.first).min() else {
            return Ok(());
        };
        let (row, column, nan) = (first.row + 1, first.column, missing.first == Some(first));
        let what = if nan { "a NaN" } else { "an infinite value" };
        let name = self.column_name(column);
        let cells = format!("row {row} has {what} in {name} (such cells in all: {all}); ");
        let advice = match (nan, &self.shape) {
            (false, Shape::Flat { .. }) => Message::from(cells)
                .text("count it as missing with ")
                .set("missing", "inf,-inf")
                .text(", leave the column out with ")
                .set("drop", &name)
                .text(", or correct it"),
            _ => Message::from(cells).text("fill it in, or remove the row or the column"),
        };
        Err(Error::data(&self.name, advice))
    }

    /// What a zero-based column holds.
    pub fn kind(&self, column: usize) -> ColumnKind {
        self.fields.get(column).map_or(ColumnKind::Numeric, |field| field.kind)
    }

    /// What a number of the zero-based column stands for: the level of a categorical column, a
    /// date; empty for a missing value.
    pub fn text(&self, column: usize, value: f64) -> String {
        self.fields
            .get(column)
            .map_or_else(|| Field::default().text(value), |field| field.text(value))
    }

    /// Whether a cell has no value.
    pub fn has_gaps(&self) -> Result<bool> {
        Ok(self.survey()?.missing.count > 0)
    }

    /// What one look over all numbers finds; further calls remember it.
    ///
    /// An error where the rows are on disk and cannot be read any more.
    pub fn survey(&self) -> Result<Arc<Survey>> {
        self.values.survey(self.features())
    }

    /// How messages name the zero-based column: its name, its one-based number, or `pixel (row,
    /// column)` and `point t`, which count from zero.
    pub fn column_name(&self, column: usize) -> String {
        if let Some(name) = self.columns.get(column) {
            return name.clone();
        }
        match self.shape {
            Shape::Flat { .. } => format!("column {}", column + 1),
            Shape::Image { width, channels, .. } => {
                let (pixel, channel) = (column / channels.max(1), column % channels.max(1));
                let place = format!("pixel ({}, {})", pixel / width.max(1), pixel % width.max(1));
                if channels > 1 { format!("{place} channel {channel}") } else { place }
            }
            Shape::Series { channels, .. } => {
                let place = format!("point {}", column / channels.max(1));
                match self.channels.get(column % channels.max(1)) {
                    Some(name) if channels > 1 => format!("{name} at {place}"),
                    _ if channels > 1 => format!("{place} channel {}", column % channels.max(1)),
                    _ => place,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Series;

    fn table(width: usize, values: Vec<f64>) -> Dataset {
        Dataset::new("table", Shape::Flat { width }, Values::F64(values)).unwrap()
    }

    #[test]
    fn rows_are_counted_and_read_in_order() {
        let data = table(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((data.rows(), data.features()), (3, 2));
        assert_eq!(data.gather([1]).unwrap(), Values::F64(vec![3.0, 4.0]));
        assert_eq!(
            data.gather([3]).unwrap_err().to_string(),
            "row is 3; wanted 0 to 2, the rows of table"
        );
    }

    #[test]
    fn a_point_has_what_any_of_its_windows_has_there() {
        // Windows of three points of two channels, from the first point on and from the third.
        let mut data = table(6, (0..12).map(f64::from).collect());
        assert_eq!(data.points().unwrap(), Vec::<Vec<Option<f64>>>::new());
        data.windows = Some(Windows {
            stamps: (0..6).map(|at| at.to_string()).collect(),
            groups: None,
            labels: None,
            starts: vec![0, 2],
            length: 3,
            series: Series::of(3),
        });
        let [first, second] = &data.points().unwrap()[..] else { panic!("two channels") };
        assert_eq!(first[..], [Some(0.0), Some(2.0), Some(4.0), Some(8.0), Some(10.0), None]);
        assert_eq!(second[..], [Some(1.0), Some(3.0), Some(5.0), Some(9.0), Some(11.0), None]);
    }

    #[test]
    fn selected_rows_keep_their_labels_and_identifiers() {
        let mut data = table(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        data.labels = Some(["a", "b", "c"].map(str::to_owned).into());
        data.ids = Some(["x", "y", "z"].map(str::to_owned).into());
        let chosen = data.select(&[2, 0, 2]).unwrap();
        assert_eq!(chosen.values, Values::F64(vec![5.0, 6.0, 1.0, 2.0, 5.0, 6.0]));
        assert_eq!(chosen.labels.unwrap(), ["c", "a", "c"]);
        assert_eq!(chosen.ids.unwrap(), ["z", "x", "z"]);
    }

    #[test]
    fn a_torn_row_is_refused() {
        let error =
            Dataset::new("t", Shape::Flat { width: 2 }, Values::U8(vec![1, 2, 3])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows of t: got 3 numbers, wanted a multiple of 2 (2 columns)"
        );
    }

    #[test]
    fn too_few_rows_are_said_with_both_numbers() {
        let error = table(2, vec![1.0, 2.0]).require_rows(2).unwrap_err();
        assert_eq!(error.to_string(), "table: has 1 row, at least 2 are needed; add rows");
        assert!(table(1, vec![1.0, 2.0]).require_rows(2).is_ok());
    }

    #[test]
    fn a_nan_is_named_by_row_and_column() {
        let numbers = vec![1.0, 2.0, 3.0, f64::NAN, f64::INFINITY, 0.0];
        let series = Shape::Series { length: 2, channels: 1 };
        let error = Dataset::new("beats", series, Values::F64(numbers.clone()))
            .unwrap()
            .check_finite()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "beats: row 2 has a NaN in point 1 (such cells in all: 2); fill it in, or remove the row or the column"
        );
        // In a table it is a missing value.
        let error = table(2, numbers).check_finite().unwrap_err().to_string();
        assert!(
            error.starts_with(
                "table: row 3 has an infinite value in column 1 (such cells in all: 1)"
            ),
            "{error}"
        );
    }

    #[test]
    fn columns_are_named_after_what_they_are() {
        let shape = Shape::Image { height: 2, width: 3, channels: 1 };
        let image = Dataset::new("i", shape, Values::U8(vec![0; 6])).unwrap();
        assert_eq!(image.column_name(4), "pixel (1, 1)");
        let mut data = table(2, vec![1.0, 2.0]);
        assert_eq!(data.column_name(1), "column 2");
        data.columns = vec!["age".into(), "height".into()];
        assert_eq!(data.column_name(1), "height");
    }
}
