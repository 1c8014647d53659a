//! The rows that a model knows: their columns, their shape, how they are prepared.

use crate::prepare::preparation::Preparation;
use crate::prepare::scale::Bounds;
use rows::{
    CellPosition, Channel, ColumnKind, Dataset, Error, Field, Matrix, Message, Notation, Result,
    Series, Shape, places,
};
use std::borrow::Cow;

/// Numbers of up to so many times what single precision keeps apart are told by its digits: they
/// show a thousandth of the deviation.
const SINGLE: f64 = 1e-3 / (f32::EPSILON as f64 * f32::EPSILON as f64);

/// What rows must be like for a model, and how it makes them numbers for its network.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The shape of a row.
    pub shape: Shape,
    /// The column names of the table the model was trained on; empty where there were none.
    pub columns: Vec<String>,
    /// How the values of that table were written.
    pub notation: Notation,
    /// How windows were cut out of the series it was trained on.
    pub series: Option<Series>,
    /// How rows become numbers for the network.
    pub preparation: Preparation,
}

impl Signature {
    /// What the columns of a table hold, in their order, by their names, which are empty where the
    /// table had none: to read other rows alike.
    pub fn kinds(&self) -> Vec<(String, ColumnKind)> {
        let fields = self.preparation.fields();
        let kind = |at: usize| fields.get(at).map_or(ColumnKind::Numeric, |field| field.kind);
        match (&self.series, self.columns.is_empty()) {
            (Some(series), _) => {
                let of = |channel: &Channel| (channel.name.clone(), channel.kind);
                series.channels.iter().map(of).collect()
            }
            (None, true) => (0..fields.len()).map(|at| (String::new(), kind(at))).collect(),
            (None, false) => {
                self.columns.iter().enumerate().map(|(at, name)| (name.clone(), kind(at))).collect()
            }
        }
    }

    /// The rows with their categories by their place among the model's levels; as they are where
    /// there are none.
    pub fn recoded<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        if self.preparation.table.is_none() {
            return Ok(Cow::Borrowed(data));
        }
        let mut recoded = data.clone();
        recoded.values =
            rows::Values::F64(self.preparation.on(data)?.source(0..data.rows())?).into();
        let known = self.preparation.fields().into_iter().zip(&data.fields);
        recoded.fields = known
            .map(|(known, own)| if own.kind == ColumnKind::Text { own.clone() } else { known })
            .collect();
        Ok(Cow::Owned(recoded))
    }

    /// What a number that the model gives for a zero-based column stands for: a category, a date.
    pub fn text(&self, column: usize, value: f64) -> String {
        self.preparation
            .fields()
            .get(column)
            .map_or_else(|| Field::default().text(value), |field| field.text(value))
    }

    /// Rows that the model gave without the digits that single precision, in which it computes,
    /// leaves to chance; only numbers of tables and series have more than text should show.
    #[must_use]
    pub fn rounded(&self, mut rows: Matrix<f64>) -> Matrix<f64> {
        let columns = rows.columns.max(1);
        let units: Vec<Option<f64>> =
            (0..columns).map(|column| self.preparation.resolution(column)).collect();
        for (at, value) in rows.values.iter_mut().enumerate() {
            *value = round_to(units[at % columns], *value);
        }
        rows
    }

    /// The same for a number of one zero-based column.
    pub fn rounded_value(&self, column: usize, value: f64) -> f64 {
        round_to(self.preparation.resolution(column), value)
    }

    /// A number that the model gave for a zero-based column, in single precision, in which the model
    /// computes, where that tells values of the column apart.
    pub fn kept_value(&self, column: usize, value: f64) -> f64 {
        let single = self.preparation.resolution(column);
        let single = single.is_none_or(|resolution| is_single(value, resolution));
        if single { f64::from(value as f32) } else { value }
    }

    /// The pixels of images between 0 and 1, from [`Signature::black_and_white`] of the same rows.
    pub fn pixels(&self, rows: &Matrix<f64>) -> Vec<f32> {
        let [black, white] = self.black_and_white(rows);
        rows.values.iter().map(|pixel| ((pixel - black) / (white - black)) as f32).collect()
    }

    /// The numbers that are drawn black and white where rows are images: the ends of the model's
    /// scaling, or the darkest and the brightest of these rows where each pixel has a scale of its
    /// own.
    pub fn black_and_white(&self, rows: &Matrix<f64>) -> [f64; 2] {
        let preparation = &self.preparation;
        match (preparation.range, preparation.offset.as_slice(), preparation.scale.as_slice()) {
            (Bounds::Unit, [offset], [scale]) => [*offset, offset + scale],
            _ => {
                let (low, high) =
                    rows.values.iter().fold((f64::MAX, f64::MIN), |(low, high), pixel| {
                        (low.min(*pixel), high.max(*pixel))
                    });
                [low, if high > low { high } else { low + 1.0 }]
            }
        }
    }

    /// Patches as the model sees them, through the whitening that it fitted; all other rows as they
    /// are.
    pub fn whitened<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        self.preparation
            .whiten
            .as_ref()
            .map_or(Ok(Cow::Borrowed(data)), |whiten| whiten.apply(data))
    }

    /// The rows with the model's columns in the model's order, found by their names, and what the
    /// user should know of it.
    ///
    /// Data without names is taken in the model's order, with a warning; that of a model without
    /// stays as it is. Columns that the model does not know are left out with a warning; others warn
    /// of missing values where the model knows none, and takes the mean for them, and of columns
    /// none of whose categories were there in training. Errors: a column is missing; or the order
    /// must change and the rows are on disk.
    pub fn aligned(&self, data: Dataset) -> Result<(Dataset, Vec<Message>)> {
        let (data, mut warnings) = self.arranged(data)?;
        if let (rows, Some(CellPosition { row, column })) = self.preparation.outside(&data)? {
            let rows = if rows == 1 { "1 row lies".to_owned() } else { format!("{rows} rows lie") };
            let why = format!(
                "{rows} outside of the range of the training, the first in row {}, {}; a bernoulli likelihood takes such values for the ends of that range",
                row + 1,
                data.column_name(column)
            );
            warnings.push(why.into());
        }
        let unseen = self.preparation.table.as_ref().map(|table| table.unseen(&data));
        for (column, here, known) in unseen.unwrap_or_default() {
            let name = data.column_name(column);
            let why = format!(
                "no value of {name} was there in training: here it has {here:?} and the like, there {known:?} and the like"
            );
            warnings.push(why.into());
        }
        Ok((data, warnings))
    }

    fn arranged(&self, data: Dataset) -> Result<(Dataset, Vec<Message>)> {
        let data = match self.whitened(&data)? {
            Cow::Owned(whitened) => whitened,
            Cow::Borrowed(_) => data,
        };
        let knows_gaps = self.preparation.table.as_ref().is_some_and(|table| table.gaps);
        let mut warnings = Vec::new();
        if !knows_gaps && matches!(data.shape, Shape::Flat { .. }) && data.has_gaps()? {
            let why = "the model was trained on complete rows and takes missing values for the mean; one trained with ";
            warnings.push(Message::from(why).set("hidden", 0.2).text(" knows them"));
        }
        let nameless = !self.columns.is_empty() && data.columns.is_empty();
        if nameless && data.features() == self.columns.len() {
            let why = "has no column names; its columns are taken in the order of the training: ";
            warnings.push(Message::from(why).text(list(&self.columns)));
            return Ok((Dataset { columns: self.columns.clone(), ..data }, warnings));
        }
        if self.columns.is_empty() || data.columns.is_empty() || self.columns == data.columns {
            return Ok((data, warnings));
        }
        let (own, there) = (places(&self.columns), places(&data.columns));
        let place = |name: &String| there.get(name.as_str()).copied();
        let missing: Vec<&str> =
            self.columns.iter().filter(|name| place(name).is_none()).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::shape(
                format!("columns of {}", data.name),
                list(&data.columns),
                format!("also {}, as in training; add or rename columns", list(&missing)),
            ));
        }
        if data.values.in_memory().is_none() {
            return Err(Error::data(
                &data.name,
                Message::from(
                    "has its columns in another order than the training, and is on disk; read it without ",
                )
                .setting("memory"),
            ));
        }
        let unknown: Vec<&str> = data
            .columns
            .iter()
            .filter(|name| !own.contains_key(name.as_str()))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            let left = "left out, because the model does not know them: ";
            warnings.push(Message::from(left).text(list(&unknown)));
        }
        let columns: Vec<usize> = self.columns.iter().filter_map(place).collect();
        Ok((data.narrowed(&columns)?, warnings))
    }

    /// Refuses rows of another shape or with other column names than the model was trained on.
    pub fn accept(&self, data: &Dataset) -> Result<()> {
        let shape = &self.shape;
        let images = |shape: &Shape| matches!(shape, Shape::Image { .. });
        if data.shape.features()? != self.shape.features()?
            || (images(shape) && images(&data.shape) && *shape != data.shape)
        {
            return Err(Error::shape(
                format!("rows of {}", data.name),
                &data.shape,
                format!("{shape}, as in training"),
            ));
        }
        let differs =
            self.columns.iter().zip(&data.columns).position(|(known, found)| known != found);
        match differs.filter(|_| self.columns.len() == data.columns.len()) {
            Some(at) => Err(Error::shape(
                format!("column {} of {}", at + 1, data.name),
                format!("\"{}\"", data.columns[at]),
                format!("\"{}\", as in training; rename or reorder the columns", self.columns[at]),
            )),
            None => Ok(()),
        }
    }
}

/// Whether single precision tells a value from others that differ from it by so much.
fn is_single(value: f64, resolution: f64) -> bool {
    value.abs() <= resolution * SINGLE && value.abs() <= f64::from(f32::MAX)
}

/// A number to as many digits as differences of this size show; those of single precision where
/// they are enough to tell values of the column apart.
fn round_to(resolution: Option<f64>, value: f64) -> f64 {
    let Some(resolution) = resolution.filter(|_| value.is_finite()) else { return value };
    if is_single(value, resolution) {
        return (value as f32).to_string().parse().unwrap_or(value);
    }
    let decimals = (-resolution.log10()).floor().clamp(-300.0, 22.0) as i32;
    let unit = 10f64.powi(decimals.abs());
    let scaled = if decimals >= 0 { value * unit } else { value / unit };
    // Beyond this a double has no digits to round.
    if scaled.abs() >= 9e15 {
        return value;
    }
    if decimals >= 0 { scaled.round() / unit } else { scaled.round() * unit }
}

/// Names for a message, the first of them where there are many.
fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> =
        names.iter().take(8).map(|name| format!("\"{}\"", name.as_ref())).collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
