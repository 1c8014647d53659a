//! Scaling: fitted once on the training rows, kept in the model, undone for what comes out.

use crate::data::{Dataset, Store, Values};
use crate::error::{Error, Result};
use crate::schema::Shape;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// How numbers are scaled before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Images and other sources of known range divided by their largest value; everything else standard.
    #[default]
    Auto,
    /// Left as they are.
    None,
    /// Divided by the largest value by definition (255, 16), or else brought to 0..1 by one minimum and maximum for all.
    Unit,
    /// Each column less its mean, divided by its standard deviation; of a series each channel.
    Standard,
    /// Each column brought to 0..1 by its minimum and maximum; of a series each channel.
    MinMax,
}

/// The range of prepared numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// Between 0 and 1.
    Unit,
    /// Unbounded.
    Real,
}

/// A fitted scaling: prepared = (raw - offset) / scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// How it was chosen; never `auto`.
    pub scaling: Scale,
    /// The range of prepared training rows.
    pub range: Range,
    /// One for each column, or a single one for all.
    pub offset: Vec<f64>,
    /// One for each column, or a single one for all; never zero.
    pub scale: Vec<f64>,
}

impl Preparation {
    /// Fits the scaling on `rows` of a data set.
    ///
    /// A constant column keeps scale one, so that a new value in it stays visible and nothing is divided by zero.
    pub fn fit(scaling: Scale, data: &Dataset, rows: &[usize]) -> Result<Self> {
        let features = data.shape.features()?;
        // In the order of the source: a disk reads that fastest, and sums have the same bits from memory.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let rows = rows.as_slice();
        // The points of a window have one scale: a place where a series is quiet must not be blown up to that of a lively one.
        let own = if let Shape::Series { channels, .. } = data.shape { channels } else { features };
        let spread = |channels: Vec<f64>| channels.iter().copied().cycle().take(features).collect::<Vec<f64>>();
        let known = data.full_scale.is_some();
        let scaling = match scaling {
            Scale::Auto if known || matches!(data.shape, Shape::Image { .. }) => Scale::Unit,
            Scale::Auto => Scale::Standard,
            chosen => chosen,
        };
        let (range, offset, scale) = match scaling {
            Scale::Auto | Scale::None => {
                let (low, high) = bounds(data, rows, 1)?[0];
                let range = if low >= 0.0 && high <= 1.0 { Range::Unit } else { Range::Real };
                (range, vec![0.0], vec![1.0])
            }
            Scale::Unit => {
                let (low, high) = match data.full_scale {
                    Some(full) => (0.0, full),
                    None => match bounds(data, rows, 1)?[0] {
                        // Floating-point images in 0..1 are what they should be already.
                        (low, high) if low >= 0.0 && high <= 1.0 && high > 0.5 => (0.0, 1.0),
                        bounds => bounds,
                    },
                };
                (Range::Unit, vec![low], vec![nonzero(high - low)])
            }
            Scale::MinMax => {
                let bounds = bounds(data, rows, own)?;
                let scales = bounds.iter().map(|b| nonzero(b.1 - b.0)).collect();
                (Range::Unit, spread(bounds.iter().map(|b| b.0).collect()), spread(scales))
            }
            Scale::Standard => {
                let (means, deviations) = moments(data, rows, own)?;
                (Range::Real, spread(means), spread(deviations.into_iter().map(nonzero).collect()))
            }
        };
        let preparation = Self { scaling, range, offset, scale };
        preparation.check(features)?;
        Ok(preparation)
    }

    /// Refuses numbers that cannot scale rows of this width; files come from anywhere.
    pub fn check(&self, features: usize) -> Result<()> {
        let fits = |values: &[f64]| (values.len() == 1 || values.len() == features) && values.iter().all(|v| v.is_finite());
        if fits(&self.offset) && fits(&self.scale) && self.scale.iter().all(|s| *s != 0.0) {
            return Ok(());
        }
        Err(Error::shape(
            "scaling",
            format!("{} offsets and {} scales", self.offset.len(), self.scale.len()),
            format!("finite numbers, 1 or {features} of each, no zero scale"),
        ))
    }

    /// Prepares the rows at `rows`, one after the other, as f32.
    ///
    /// An error only where the rows are on disk and cannot be read.
    pub fn apply(&self, data: &Dataset, rows: impl ExactSizeIterator<Item = usize>, features: usize) -> Result<Vec<f32>> {
        if let Some(values) = data.values.in_memory() {
            return Ok(self.scaled(values, rows, features));
        }
        let count = rows.len();
        Ok(self.scaled(&data.gather(rows)?, 0..count, features))
    }

    fn scaled(&self, values: &Values, rows: impl ExactSizeIterator<Item = usize>, features: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len() * features);
        match (values, self.offset.as_slice(), self.scale.as_slice()) {
            // Images, the largest inputs: a byte has 256 values, each of which is scaled once.
            (Values::U8(values), [offset], [scale]) => {
                let scaled: [f32; 256] = std::array::from_fn(|byte| ((byte as f64 - offset) / scale) as f32);
                rows.for_each(|row| out.extend(values[row * features..][..features].iter().map(|byte| scaled[usize::from(*byte)])));
            }
            (Values::F32(values), [0.0], [1.0]) => rows.for_each(|row| out.extend_from_slice(&values[row * features..][..features])),
            (Values::U8(values), ..) => self.scale(&mut out, values, rows, features),
            (Values::F32(values), ..) => self.scale(&mut out, values, rows, features),
            (Values::F64(values), ..) => self.scale(&mut out, values, rows, features),
        }
        out
    }

    fn scale<T: Copy + Into<f64>>(&self, out: &mut Vec<f32>, values: &[T], rows: impl Iterator<Item = usize>, features: usize) {
        // One number for all columns stands before each of them.
        let (offsets, scales) = (self.offset.iter().cycle(), self.scale.iter().cycle());
        let columns: Vec<(f64, f64)> = offsets.zip(scales).take(features).map(|(offset, scale)| (*offset, 1.0 / scale)).collect();
        for row in rows {
            let row = &values[row * features..][..features];
            out.extend(row.iter().zip(&columns).map(|(value, (offset, factor))| (((*value).into() - offset) * factor) as f32));
        }
    }

    /// Prepares the rows at `rows` as a matrix [rows, features]; errors as [`Preparation::apply`].
    pub fn tensor(&self, data: &Dataset, rows: impl ExactSizeIterator<Item = usize>) -> Result<Tensor<2>> {
        let shape = [rows.len(), data.features()];
        let values = self.apply(data, rows, shape[1])?;
        Ok(Tensor::from_data(TensorData::new(values, shape), (&Device::default(), DType::F32)))
    }

    /// Brings prepared rows back to the units of the source, in place.
    pub fn undo(&self, prepared: &mut [f32], features: usize) {
        for row in prepared.chunks_mut(features) {
            for (column, value) in row.iter_mut().enumerate() {
                *value = (f64::from(*value) * self.scale_of(column) + self.offset_of(column)) as f32;
            }
        }
    }

    /// The squared difference of each two numbers of two rows in the units of the source, in scaled units: `((a - b) / scale)²`, so
    /// that their mean is the row's mean squared error.
    pub fn squared_differences(&self, a: &[f32], b: &[f32]) -> Vec<f64> {
        let square = |(column, (a, b)): (usize, (&f32, &f32))| ((f64::from(*a) - f64::from(*b)) / self.scale_of(column)).powi(2);
        a.iter().zip(b).enumerate().map(square).collect()
    }

    fn offset_of(&self, column: usize) -> f64 {
        self.offset[if self.offset.len() == 1 { 0 } else { column }]
    }

    fn scale_of(&self, column: usize) -> f64 {
        self.scale[if self.scale.len() == 1 { 0 } else { column }]
    }
}

fn nonzero(value: f64) -> f64 {
    // Below this a column is constant up to rounding, and dividing by it would blow rounding errors up.
    if value.abs() > 1e-12 { value } else { 1.0 }
}

/// The smallest and largest value of each of `columns` interleaved columns; one column means all values together.
fn bounds(data: &Dataset, rows: &[usize], columns: usize) -> Result<Vec<(f64, f64)>> {
    let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); columns];
    each(data, rows, |column, value| {
        let bound = &mut bounds[column % columns];
        *bound = (bound.0.min(value), bound.1.max(value));
    })?;
    Ok(bounds)
}

/// Mean and standard deviation of each of `columns` interleaved columns.
fn moments(data: &Dataset, rows: &[usize], columns: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let count = (rows.len() * data.features() / columns.max(1)).max(1) as f64;
    // Sums are of differences from the first row, which for a constant column are zero however large its number.
    let first = data.gather(rows.first().copied())?;
    let first: Vec<f64> = (0..columns).map(|column| if rows.is_empty() { 0.0 } else { first.get(column) }).collect();
    let mut means = vec![0.0; columns];
    each(data, rows, |column, value| means[column % columns] += (value - first[column % columns]) / count)?;
    means.iter_mut().zip(&first).for_each(|(mean, first)| *mean += first);
    let mut squares = vec![0.0; columns];
    each(data, rows, |column, value| squares[column % columns] += (value - means[column % columns]).powi(2) / count)?;
    Ok((means, squares.into_iter().map(f64::sqrt).collect()))
}

/// Calls `visit` with the column and the value of each number of the rows, in their order.
fn each(data: &Dataset, rows: &[usize], mut visit: impl FnMut(usize, f64)) -> Result<()> {
    let features = data.features();
    let mut row = |values: &Values, row: usize| (0..features).for_each(|column| visit(column, values.get(row * features + column)));
    if let Some(values) = data.values.in_memory() {
        rows.iter().for_each(|at| row(values, *at));
        return Ok(());
    }
    for rows in rows.chunks(Store::block(features)) {
        let values = data.gather(rows.iter().copied())?;
        (0..rows.len()).for_each(|at| row(&values, at));
    }
    Ok(())
}
