//! Preparation: fitted once on the training rows, kept in the model, undone for what comes out.
//!
//! Complete numbers are scaled. Tables with other columns, or with missing values, are prepared
//! column by column: [`Table`].

use crate::engine::tensors::Engine;
use crate::prepare::layout::Layout;
use crate::prepare::scale::{
    Bounds, KNEE, SAMPLED_ROWS, Scale, bend, bounds, each, has_far_values, moments, nonzero,
    robust, unbend,
};
use crate::prepare::table::{Encoding, Levels, Table};
use crate::prepare::whiten::Whiten;
use burn_tensor::Tensor;
use rows::{CellPosition, ColumnKind, Dataset, Error, Field, Result, Shape, Values, Whitening};
use serde::{Deserialize, Serialize};

/// Numbers of all columns together of which quartiles are taken, about.
const SAMPLED_NUMBERS: usize = 10_000_000;

/// A fitted scaling: prepared = (raw - offset) / scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// How it was chosen; never `auto`.
    pub scaling: Scale,
    /// The range of prepared training rows.
    pub range: Bounds,
    /// One for each column, or a single one for all.
    pub offset: Vec<f64>,
    /// One for each column, or a single one for all; never zero.
    pub scale: Vec<f64>,
    /// The columns of a table that holds more than complete numbers; then offset and scale are left
    /// out.
    #[serde(default)]
    pub table: Option<Table>,
    /// Beyond this prepared numbers grow with their logarithm; none in files that do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knee: Option<f64>,
    /// Whether prepared numbers are brought between 0 and 1, outside of which a Bernoulli likelihood
    /// is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clip: bool,
    /// The whitening of patches, which comes before the scaling ([`Whiten::apply`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whiten: Option<Whiten>,
}

impl Preparation {
    /// Fits the scaling on `rows` of a data set; with `gaps` values may be missing later even where
    /// none is now.
    ///
    /// A constant column keeps scale one, so that a new value in it stays visible and nothing is
    /// divided by zero.
    pub fn fit(scaling: Scale, data: &Dataset, rows: &[usize], gaps: bool) -> Result<Self> {
        let features = data.shape.features()?;
        let flat = matches!(data.shape, Shape::Flat { .. });
        if !flat && (gaps || scaling == Scale::Quantile) {
            let name = if gaps { "hidden" } else { "scale" };
            return Err(Error::setting(
                name,
                if gaps { "above 0" } else { "quantile" },
                "a table: images and series have no such columns",
            ));
        }
        let gaps = gaps || (flat && data.has_gaps()?);
        if gaps
            || scaling == Scale::Quantile
            || data.fields.iter().any(|field| field.kind != ColumnKind::Numeric)
        {
            return Self::of_table(scaling, data, rows, gaps);
        }
        // In the order of the source: a disk reads that fastest, and sums have the same bits from
        // memory.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let known = data.full_scale.is_some();
        let watches_tails = scaling == Scale::Auto;
        let scaling = match scaling {
            Scale::Auto if known || matches!(data.shape, Shape::Image { .. }) => Scale::Unit,
            Scale::Auto => Scale::Standard,
            chosen => chosen,
        };
        let mut preparation = Self::of_numbers(scaling, data, &rows)?;
        if let (Some(windows), Scale::Standard) = (&data.windows, scaling) {
            preparation.quieten_phases(windows.series.cycles().len(), &data.shape);
        }
        if watches_tails && scaling == Scale::Standard {
            preparation.shorten_tails(data, &rows)?;
        }
        preparation.check(features)?;
        Ok(preparation)
    }

    /// Makes the phases of all cycles together, which stand behind the channels of a series, vary as
    /// much as one channel: they tell when something is, and must not drown what is.
    fn quieten_phases(&mut self, cycles: usize, shape: &Shape) {
        let Shape::Series { channels, .. } = shape else { return };
        let phases = 2 * cycles;
        for point in self.scale.chunks_mut(*channels) {
            let start = point.len().saturating_sub(phases);
            point[start..].iter_mut().for_each(|scale| *scale *= (phases as f64).sqrt());
        }
    }

    /// For rows with other columns than numbers, or with gaps.
    fn of_table(scaling: Scale, data: &Dataset, rows: &[usize], gaps: bool) -> Result<Self> {
        let table = Table::fit(scaling, data, rows, gaps)?;
        Ok(Self {
            scaling: if scaling == Scale::Auto { Scale::Standard } else { scaling },
            range: Bounds::Real,
            offset: vec![0.0],
            scale: vec![1.0],
            table: Some(table),
            knee: Some(KNEE),
            clip: false,
            whiten: None,
        })
    }

    /// For complete numbers; `rows` ascend.
    fn of_numbers(scaling: Scale, data: &Dataset, rows: &[usize]) -> Result<Self> {
        let features = data.shape.features()?;
        // The points of a window have one scale: a place where a series is quiet must not be blown
        // up to that of a lively one.
        let own = if let Shape::Series { channels, .. } = data.shape { channels } else { features };
        let spread = |channels: Vec<f64>| {
            channels.iter().copied().cycle().take(features).collect::<Vec<f64>>()
        };
        let (range, offset, scale) = match scaling {
            Scale::Auto | Scale::None => {
                let (low, high) = bounds(data, rows, 1)?[0];
                let range = if low >= 0.0 && high <= 1.0 { Bounds::Unit } else { Bounds::Real };
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
                (Bounds::Unit, vec![low], vec![nonzero(high - low, low.abs().max(high.abs()))])
            }
            Scale::MinMax => {
                let bounds = bounds(data, rows, own)?;
                let scale = |b: &(f64, f64)| nonzero(b.1 - b.0, b.0.abs().max(b.1.abs()));
                let scales = bounds.iter().map(scale).collect();
                (Bounds::Unit, spread(bounds.iter().map(|b| b.0).collect()), spread(scales))
            }
            Scale::Standard | Scale::Quantile => {
                let (means, deviations) = moments(data, rows, own)?;
                let scales = means.iter().zip(deviations);
                let scales = scales.map(|(mean, deviation)| nonzero(deviation, *mean)).collect();
                (Bounds::Real, spread(means), spread(scales))
            }
        };
        let image = matches!(data.shape, Shape::Image { .. });
        let knee = (scaling == Scale::Standard && !image).then_some(KNEE);
        Ok(Self { scaling, range, offset, scale, table: None, knee, clip: false, whiten: None })
    }

    /// Takes the deviation of the middle half of the values where a few far ones stretch that of
    /// all; `rows` ascend.
    fn shorten_tails(&mut self, data: &Dataset, rows: &[usize]) -> Result<()> {
        let features = self.offset.len();
        let own = if let Shape::Series { channels, .. } = data.shape { channels } else { features };
        let bounds = bounds(data, rows, own)?;
        let far = |column: &usize| {
            has_far_values(self.offset[*column], self.scale[*column], bounds[*column])
        };
        let suspects: Vec<usize> = (0..own).filter(far).collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let most = SAMPLED_ROWS.min(SAMPLED_NUMBERS / suspects.len()).max(1);
        let few: Vec<usize> =
            rows.iter().copied().step_by(rows.len().div_ceil(most).max(1)).collect();
        let mut samples = vec![Vec::new(); own];
        let mut is_suspect = vec![false; own];
        suspects.iter().for_each(|column| is_suspect[*column] = true);
        each(data, &few, |at, value| {
            if is_suspect[at % own] {
                samples[at % own].push(value);
            }
        })?;
        for column in suspects {
            let sample = std::mem::take(&mut samples[column]);
            if let Some((middle, scale)) = robust(sample, self.scale[column]) {
                for at in (column..features).step_by(own) {
                    (self.offset[at], self.scale[at]) = (middle, scale);
                }
            }
        }
        Ok(())
    }

    /// Refuses numbers that cannot scale rows of this width; files come from anywhere.
    pub fn check(&self, features: usize) -> Result<()> {
        if let Some(table) = &self.table {
            table.check()?;
            if table.columns.len() != features {
                return Err(Error::shape(
                    "scaling",
                    format!("{} columns", table.columns.len()),
                    features,
                ));
            }
        }
        if let Some(whiten) = &self.whiten {
            whiten.check(features)?;
        }
        if self.knee.is_some_and(|knee| !(knee > 0.0 && knee.is_finite())) {
            return Err(Error::shape("scaling", "a knee that is none", "a number above 0"));
        }
        let fits = |values: &[f64]| {
            (values.len() == 1 || values.len() == features) && values.iter().all(|v| v.is_finite())
        };
        if fits(&self.offset) && fits(&self.scale) && self.scale.iter().all(|s| *s != 0.0) {
            return Ok(());
        }
        Err(Error::shape(
            "scaling",
            format!("{} offsets and {} scales", self.offset.len(), self.scale.len()),
            format!("finite numbers, 1 or {features} of each, no zero scale"),
        ))
    }

    /// Numbers in a prepared row, of `features` in one of the source.
    pub fn width(&self, features: usize) -> usize {
        self.table.as_ref().map_or(features, |table| table.layout().width)
    }

    /// What is known of the columns; empty where they are numbers.
    pub fn fields(&self) -> Vec<Field> {
        self.table.as_ref().map_or_else(Vec::new, Table::fields)
    }

    /// Ready to prepare rows of one data set; patches that wait for a whitening go through the
    /// one that was fitted.
    ///
    /// Errors: its columns are of other kinds; or its patches wait for another whitening.
    pub fn on<'a>(&'a self, data: &'a Dataset) -> Result<Prepared<'a>> {
        let whiten = match (data.whitening, &self.whiten) {
            (Whitening::None, _) => None,
            (_, Some(whiten)) => {
                whiten.expect(data)?;
                Some(whiten)
            }
            (how, None) => {
                return Err(Error::shape(
                    format!("patches of {}", data.name),
                    format!("such as are to be whitened by {how}"),
                    "patches without whitening, as in training",
                ));
            }
        };
        let table = match &self.table {
            Some(table) => Some((table, table.layout(), table.levels(data)?)),
            None => {
                let strange = |column: &usize| {
                    matches!(
                        data.kind(*column),
                        ColumnKind::Categorical
                            | ColumnKind::Text
                            | ColumnKind::Date
                            | ColumnKind::Time
                    )
                };
                if let Some(column) = (0..data.fields.len()).find(strange) {
                    return Err(Error::shape(
                        format!("{} of {}", data.column_name(column), data.name),
                        format!("{} values", data.kind(column)),
                        "numbers, as in training",
                    ));
                }
                None
            }
        };
        Ok(Prepared { preparation: self, data, whiten, table })
    }

    /// Prepares the rows at `rows` as a matrix [rows, width]; errors as [`Preparation::on`] and
    /// [`Prepared::apply`].
    pub fn tensor(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize>,
        engine: &Engine,
    ) -> Result<Tensor<2>> {
        self.on(data)?.tensor(rows, engine)
    }

    fn scaled(
        &self,
        values: &Values,
        rows: impl ExactSizeIterator<Item = usize>,
        features: usize,
    ) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len() * features);
        match (values, self.offset.as_slice(), self.scale.as_slice()) {
            // Images, the largest inputs: a byte has 256 values, each of which is scaled once.
            (Values::U8(values), [offset], [scale]) => {
                let scaled: [f32; 256] =
                    std::array::from_fn(|byte| self.clipped((byte as f64 - offset) / scale) as f32);
                rows.for_each(|row| {
                    out.extend(
                        values[row * features..][..features]
                            .iter()
                            .map(|byte| scaled[usize::from(*byte)]),
                    )
                });
            }
            (Values::F32(values), [0.0], [1.0]) if !self.clip => rows.for_each(|row| {
                out.extend(
                    values[row * features..][..features]
                        .iter()
                        .map(|value| if value.is_nan() { 0.0 } else { *value }),
                );
            }),
            (Values::U8(values), ..) => self.scale(&mut out, values, rows, features),
            (Values::F32(values), ..) => self.scale(&mut out, values, rows, features),
            (Values::F64(values), ..) => self.scale(&mut out, values, rows, features),
        }
        out
    }

    fn scale<T: Copy + Into<f64>>(
        &self,
        out: &mut Vec<f32>,
        values: &[T],
        rows: impl Iterator<Item = usize>,
        features: usize,
    ) {
        // One number for all columns stands before each of them.
        let (offsets, scales) = (self.offset.iter().cycle(), self.scale.iter().cycle());
        let columns: Vec<(f64, f64)> = offsets
            .zip(scales)
            .take(features)
            .map(|(offset, scale)| (*offset, 1.0 / scale))
            .collect();
        for row in rows {
            let row = &values[row * features..][..features];
            // What a model of complete rows has never seen, a missing value, is taken for the mean.
            let bent = |number: f64| self.clipped(bend(self.knee, number)) as f32;
            let known = |number: f64| if number.is_nan() { 0.0 } else { bent(number) };
            out.extend(
                row.iter()
                    .zip(&columns)
                    .map(|(value, (offset, factor))| known(((*value).into() - offset) * factor)),
            );
        }
    }

    fn clipped(&self, number: f64) -> f64 {
        if self.clip { number.clamp(0.0, 1.0) } else { number }
    }

    /// How many rows have numbers that are clipped, and the first of these cells.
    pub(crate) fn outside(&self, data: &Dataset) -> Result<(usize, Option<CellPosition>)> {
        let (mut rows, mut first, features) = (0, None, data.features());
        let fits = |numbers: &[f64]| numbers.len() == 1 || numbers.len() == features;
        // No byte lies outside of all bytes.
        let bytes = data.values.storage() == "u8" && self.offset == [0.0] && self.scale == [255.0];
        if !self.clip
            || self.table.is_some()
            || self.whiten.is_some()
            || bytes
            || !(fits(&self.offset) && fits(&self.scale))
        {
            return Ok((0, None));
        }
        let mut row = 0;
        for block in data.blocks() {
            let block = block?;
            for start in (0..block.len()).step_by(features.max(1)) {
                let is_outside = |column: &usize| {
                    let number = block.get(start + column) - self.offset_of(*column);
                    // A rounding is none.
                    !(-1e-6..=1.0 + 1e-6).contains(&(number / self.scale_of(*column)))
                };
                if let Some(column) = (0..features).find(is_outside) {
                    rows += 1;
                    first = first.or(Some(CellPosition { row, column }));
                }
                row += 1;
            }
        }
        Ok((rows, first))
    }

    /// Brings prepared rows back to the units of the source: one number a column, for a choice the
    /// position of its level.
    pub fn undo(&self, prepared: &[f32]) -> Vec<f64> {
        if let Some(table) = &self.table {
            let layout = table.layout();
            let mut out = vec![0.0; prepared.len() / layout.width.max(1) * table.columns.len()];
            for (row, out) in prepared
                .chunks_exact(layout.width.max(1))
                .zip(out.chunks_exact_mut(table.columns.len()))
            {
                table.undo(&layout, self.knee, row, out);
            }
            return out;
        }
        let columns = self.offset.len().max(self.scale.len());
        let back = |(at, value): (usize, &f32)| {
            let column = at % columns;
            unbend(self.knee, f64::from(*value)) * self.scale_of(column) + self.offset_of(column)
        };
        prepared.iter().enumerate().map(back).collect()
    }

    /// How far prepared rows and their reconstructions lie apart in each column of the source, in
    /// scaled units: [rows, columns].
    ///
    /// For choices it is by how much the level surprises, and 0 where a value is missing.
    pub fn residuals(&self, rows: &[f32], rebuilt: &[f32]) -> Vec<f32> {
        let Some(table) = &self.table else {
            return rows.iter().zip(rebuilt).map(|(row, rebuilt)| row - rebuilt).collect();
        };
        let layout = table.layout();
        let (width, columns) = (layout.width.max(1), table.columns.len());
        let mut out = vec![0.0; rows.len() / width * columns];
        for ((row, rebuilt), out) in rows
            .chunks_exact(width)
            .zip(rebuilt.chunks_exact(width))
            .zip(out.chunks_exact_mut(columns))
        {
            table.residuals(&layout, row, rebuilt, out);
        }
        out
    }

    /// How far each column of a prepared row lies from the middle of its numbers, in scaled units;
    /// 0 for what is no number.
    pub fn sizes(&self, row: &[f32]) -> Vec<f64> {
        match &self.table {
            None => row.iter().map(|number| f64::from(*number)).collect(),
            Some(table) => {
                let layout = table.layout();
                let number = |place: &std::ops::Range<usize>| layout.booleans.start > place.start;
                layout
                    .columns
                    .iter()
                    .map(|place| if number(place) { f64::from(row[place.start]) } else { 0.0 })
                    .collect()
            }
        }
    }

    /// The squared difference of each two numbers of two rows in the units of the source, in scaled
    /// units: `((a - b) / scale)²`, so that their mean is the row's mean squared error. Choices and
    /// booleans differ by 0 or 1; what is missing does not.
    pub fn squared_differences(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let square = |(column, (a, b)): (usize, (&f64, &f64))| match &self.table {
            Some(table) => table.columns[column].squared_difference(self.knee, *a, *b),
            None => {
                let scaled = |value: f64| {
                    bend(self.knee, (value - self.offset_of(column)) / self.scale_of(column))
                };
                (scaled(*a) - scaled(*b)).powi(2)
            }
        };
        a.iter().zip(b).enumerate().map(square).collect()
    }

    /// The smallest difference of numbers of a column that single precision keeps apart near the
    /// middle of its values; none where it holds no numbers.
    pub(crate) fn resolution(&self, column: usize) -> Option<f64> {
        let scale = match &self.table {
            None => self.scale_of(column),
            Some(table) => match table.columns.get(column)? {
                Encoding::Number { scale, .. } => *scale,
                Encoding::Quantile { values, .. } => values.last()? - values.first()?,
                Encoding::Date { scale, .. } => *scale,
                _ => return None,
            },
        };
        Some(scale.abs() * f64::from(f32::EPSILON)).filter(|size| *size > 0.0 && size.is_finite())
    }

    fn offset_of(&self, column: usize) -> f64 {
        self.offset[if self.offset.len() == 1 { 0 } else { column }]
    }

    fn scale_of(&self, column: usize) -> f64 {
        self.scale[if self.scale.len() == 1 { 0 } else { column }]
    }
}

/// A preparation and the data set that it prepares.
#[derive(Debug)]
pub struct Prepared<'a> {
    preparation: &'a Preparation,
    data: &'a Dataset,
    /// What the rows wait for.
    whiten: Option<&'a Whiten>,
    table: Option<(&'a Table, Layout, Vec<Levels>)>,
}

impl Prepared<'_> {
    /// Prepares the rows at `rows`, one after the other, as f32.
    ///
    /// An error only where the rows are on disk and cannot be read.
    pub fn apply(&self, rows: impl ExactSizeIterator<Item = usize>) -> Result<Vec<f32>> {
        if let (Some(values), None) = (self.data.values.in_memory(), self.whiten) {
            return Ok(self.prepared(values, rows));
        }
        let count = rows.len();
        Ok(self.prepared(&self.gather(rows)?, 0..count))
    }

    /// Prepares the rows at `rows` as a matrix [rows, width]; errors as [`Prepared::apply`].
    pub fn tensor(
        &self,
        rows: impl ExactSizeIterator<Item = usize>,
        engine: &Engine,
    ) -> Result<Tensor<2>> {
        let width = self.table.as_ref().map_or(self.data.features(), |(_, layout, _)| layout.width);
        let shape = [rows.len(), width];
        let values = self.apply(rows)?;
        Ok(engine.tensor(values, shape))
    }

    /// Rows of the source, one after the other, with the levels of choices in the order of the
    /// preparation; those it does not know come behind them.
    pub fn source(&self, rows: impl ExactSizeIterator<Item = usize>) -> Result<Vec<f64>> {
        let values = self.gather(rows)?;
        let mut out: Vec<f64> = (0..values.len()).map(|at| values.get(at)).collect();
        if let Some((table, _, levels)) = &self.table {
            let columns = table.columns.len();
            for (at, value) in out.iter_mut().enumerate() {
                if let (Encoding::Choice { levels: known, .. }, Levels::Choices(here), false) =
                    (&table.columns[at % columns], &levels[at % columns], value.is_nan())
                {
                    *value =
                        here.get(value.max(0.0) as usize).copied().unwrap_or(known.len()) as f64;
                }
            }
        }
        Ok(out)
    }

    fn gather(&self, rows: impl Iterator<Item = usize>) -> Result<Values> {
        let values = self.data.gather(rows)?;
        Ok(match self.whiten {
            Some(whiten) => Values::F32(whiten.whitened(&values, self.data.features())),
            None => values,
        })
    }

    fn prepared(&self, values: &Values, rows: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
        let features = self.data.features();
        let Some((table, layout, levels)) = &self.table else {
            return self.preparation.scaled(values, rows, features);
        };
        let mut out = vec![0.0; rows.len() * layout.width];
        for (row, out) in rows.zip(out.chunks_exact_mut(layout.width.max(1))) {
            table.prepare(
                (layout, self.preparation.knee),
                levels,
                (row * features..(row + 1) * features).map(|at| values.get(at)),
                out,
            );
        }
        out
    }
}
