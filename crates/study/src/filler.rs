//! What stands in the place of missing values: what the network rebuilds, or what the joint normal
//! distribution of the columns expects, in the shares that held-out cells call for.

use crate::joint::Joint;
use model::{Attachment, Inside, Layout, Model, Section, read, vector};
use rows::{Dataset, Error, Matrix, Result, Rng, Split};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Prepared numbers of a column beyond which it stays out of the joint distribution: those of texts,
/// and of categories with many levels.
const WIDEST: usize = 32;
/// Prepared numbers in all beyond which there is no joint distribution.
const MOST: usize = 256;
/// Numbers of the covariance, times rows, from which it is learned at most.
const WORK: usize = 1 << 26;
/// Rows whose cells choose the shares at most.
const JUDGED: usize = 1000;
/// Fewer held-out rows cannot choose; then training rows do, which both have seen.
const FEWEST: usize = 10;
/// The fraction of the known cells that is hidden, anew in each round.
const HIDDEN: f64 = 0.2;
const ROUNDS: usize = 10;
/// Shares of the joint distribution that are tried.
const SHARES: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// All columns together count like so many cells of each, of which few may be known.
const TOGETHER: f64 = 50.0;

/// Expects missing values of a table beside the network that a model is: relations between columns
/// that are linear are met better by their joint normal distribution, others by the network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Filler {
    joint: Joint,
    /// The smallest and the largest of each number in training rows, between which what is filled in
    /// is kept: a mass is never negative.
    low: Vec<f32>,
    high: Vec<f32>,
    /// Of the joint distribution in what is filled in, from 0 to 1, for each column of the source; the
    /// rest is the network's.
    pub shares: Vec<f32>,
}

/// The prepared numbers that a joint distribution is about; none where it would be too wide.
fn places(layout: &Layout) -> Vec<usize> {
    let columns = layout.columns.iter().filter(|of| of.len() <= WIDEST);
    let places: Vec<usize> = columns.cloned().flatten().collect();
    if places.len() > MOST { Vec::new() } else { places }
}

/// The layout of a model that knows gaps.
fn layout(model: &Model) -> Option<Layout> {
    let table = model.signature().preparation.table.as_ref();
    table.filter(|table| table.gaps).map(|table| table.layout())
}

impl Filler {
    /// Learns from the rows of a split that train, and lets those choose its shares that decide when
    /// to stop, from which it learns then as well; none for a model without gaps, or of too many columns.
    ///
    /// Errors as [`Dataset::gather`].
    pub fn fit(model: &Model, data: &Dataset, split: &Split) -> Result<Option<Self>> {
        let Some(layout) = layout(model) else { return Ok(None) };
        let places = places(&layout);
        if places.len() < 2 {
            return Ok(None);
        }
        let most = WORK / places.len().pow(2);
        let preparation = &model.signature().preparation;
        let all = split.train.iter().chain(&split.validation).copied();
        let all: Vec<usize> = all.take(most).collect();
        let prepared = preparation.on(data)?.apply(all.iter().copied())?;
        let rows = with_gaps(&prepared, &layout, &places);
        let train = split.train.len().min(most);
        let joint = Joint::fit(&rows[..train * places.len()], places.len());
        let judged = if split.validation.len() < FEWEST { &split.train } else { &split.validation };
        let judged = data.select(&judged[..judged.len().min(JUDGED)])?;
        let shares = Errors::of(model, &judged, &layout, &joint)?.shares();
        // Once they have chosen, the rows that did not train tell how columns vary together, too.
        let [low, high] = extremes(&rows, places.len());
        Ok(Some(Self { joint: Joint::fit(&rows, places.len()), low, high, shares }))
    }

    /// Puts what it expects into the rebuilt numbers of rows whose values are missing, both prepared.
    fn mix(&self, layout: &Layout, prepared: &[f32], rebuilt: &mut [f32]) {
        let (places, width) = (places(layout), layout.width.max(1));
        for (row, rebuilt) in prepared.chunks(width).zip(rebuilt.chunks_mut(width)) {
            let mut expected = with_gaps(row, layout, &places);
            let missing: Vec<usize> =
                (0..places.len()).filter(|at| expected[*at].is_nan()).collect();
            self.joint.fill(&mut expected);
            for at in missing {
                let share = self.shares[layout.owners[places[at]]];
                let number = &mut rebuilt[places[at]];
                *number = mixed(share, expected[at], *number).max(self.low[at]).min(self.high[at]);
            }
        }
    }
}

/// The smallest and the largest of each number in rows; of a number that no row has, nothing is known.
fn extremes(rows: &[f32], numbers: usize) -> [Vec<f32>; 2] {
    let extreme = |pick: fn(f32, f32) -> f32, start: f32| -> Vec<f32> {
        let mut found = vec![start; numbers];
        // Of a number and none, both picks take the number.
        for row in rows.chunks_exact(numbers) {
            found.iter_mut().zip(row).for_each(|(found, number)| *found = pick(*found, *number));
        }
        found
    };
    let (mut low, mut high) = (extreme(f32::min, f32::MAX), extreme(f32::max, f32::MIN));
    for (low, high) in low.iter_mut().zip(&mut high).filter(|(low, high)| low > high) {
        std::mem::swap(low, high);
    }
    [low, high]
}

/// The absolute errors of hidden cells, for each column of the source: how many numbers, and the sum
/// for each of [`SHARES`].
struct Errors(Vec<(usize, [f64; SHARES.len()])>);

impl Errors {
    /// Of cells of a table, some of which are hidden in each round.
    fn of(model: &Model, data: &Dataset, layout: &Layout, joint: &Joint) -> Result<Self> {
        let (places, width) = (places(layout), layout.width);
        let preparation = &model.signature().preparation;
        let truth = preparation.on(data)?.apply(0..data.rows())?;
        let mut errors = vec![(0, [0.0; SHARES.len()]); data.features()];
        let rng = Rng::new(model.plan().settings.seed).split("filler");
        for round in 0..ROUNDS {
            let holed = data.with_gaps(HIDDEN, &mut rng.at(round))?;
            let prepared = preparation.on(&holed)?.apply(0..holed.rows())?;
            let rebuilt = rebuilt(model, &holed)?;
            let rows = truth.chunks(width).zip(prepared.chunks(width)).zip(rebuilt.chunks(width));
            for ((truth, prepared), rebuilt) in rows {
                let mut expected = with_gaps(prepared, layout, &places);
                let hidden =
                    |at: &usize| expected[*at].is_nan() && !is_missing(truth, layout, places[*at]);
                let hidden: Vec<usize> = (0..places.len()).filter(hidden).collect();
                joint.fill(&mut expected);
                for at in hidden {
                    let place = places[at];
                    let (count, sums) = &mut errors[layout.owners[place]];
                    *count += 1;
                    for (sum, share) in sums.iter_mut().zip(SHARES) {
                        let filled = mixed(share, expected[at], rebuilt[place]);
                        *sum += f64::from((filled - truth[place]).abs());
                    }
                }
            }
        }
        Ok(Self(errors))
    }

    /// The share with the smallest error for each column, where few cells tell by all columns.
    fn shares(&self) -> Vec<f32> {
        let all: usize = self.0.iter().map(|(count, _)| count).sum();
        let mean = |share: usize| {
            self.0.iter().map(|(_, sums)| sums[share]).sum::<f64>() / all.max(1) as f64
        };
        let best = |(_, sums): &(usize, [f64; SHARES.len()])| {
            let error = |share: &usize| sums[*share] + TOGETHER * mean(*share);
            let best = (0..SHARES.len()).min_by(|a, b| error(a).total_cmp(&error(b)));
            SHARES[best.unwrap_or(0)]
        };
        self.0.iter().map(best).collect()
    }
}

fn mixed(share: f32, expected: f32, rebuilt: f32) -> f32 {
    share * expected + (1.0 - share) * rebuilt
}

fn is_missing(row: &[f32], layout: &Layout, place: usize) -> bool {
    row[layout.gaps.start + layout.owners[place]] > 0.5
}

/// The numbers at some places of prepared rows, NaN where their column has no value.
fn with_gaps(prepared: &[f32], layout: &Layout, places: &[usize]) -> Vec<f32> {
    let rows = prepared.chunks(layout.width.max(1));
    let number = |row: &[f32], place: usize| {
        if is_missing(row, layout, place) { f32::NAN } else { row[place] }
    };
    rows.flat_map(|row| places.iter().map(move |place| number(row, *place))).collect()
}

/// What the network makes of all rows, prepared.
fn rebuilt(model: &Model, data: &Dataset) -> Result<Vec<f32>> {
    model.each_block(
        data,
        0..data.rows(),
        |blocks| {
            let mut all = Vec::new();
            for block in blocks {
                all.extend(block?);
            }
            Ok(all)
        },
        |values, x| read(model.coder().rebuilt(values, x)?),
    )
}

/// The rows [rows, features] as the model rebuilds them, and in the place of missing values what it
/// expects there, in the units of the training data.
///
/// Errors as [`Model::reconstruct`].
pub fn filled(model: &Model, data: &Dataset) -> Result<Matrix<f64>> {
    let (filler, layout) = (model.find::<Filler>()?, layout(model));
    let Some((filler, layout)) = filler.zip(layout) else { return model.reconstruct(data) };
    let (preparation, columns) = (&model.signature().preparation, model.features());
    model.each_block(
        data,
        0..data.rows(),
        |blocks| Matrix::join(columns, data.rows(), blocks),
        |values, x| {
            let prepared = read(x.clone())?;
            let mut rebuilt = read(model.coder().rebuilt(values, x)?)?;
            filler.mix(&layout, &prepared, &mut rebuilt);
            Ok(Matrix { columns, values: preparation.undo(&rebuilt) })
        },
    )
}

impl Attachment for Filler {
    const NAME: &'static str = "filler";
    const WHAT: &'static str = "joint distribution of its columns";

    fn store(&self) -> Result<Section> {
        let numbers = self.joint.mean.len();
        let mut section = Section::new(&json!(FillerContent { shares: self.shares.clone() }));
        for (name, values) in [("mean", &self.joint.mean), ("low", &self.low), ("high", &self.high)]
        {
            section.add(name, values, &[numbers]);
        }
        section.add("precision", &self.joint.precision, &[numbers, numbers]);
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let damaged = |why: String| Error::model("", why);
        let content: FillerContent =
            section.content.read().map_err(|error| damaged(error.to_string()))?;
        let layout = layout(model);
        let numbers = layout.as_ref().map_or(0, |layout| places(layout).len());
        let mut tensors = section.tensors.clone();
        let mut of = |name: &str| -> Result<Vec<f32>> {
            Ok(vector(&mut tensors, name, &[Some(numbers)])?.values)
        };
        let (mean, low, high) = (of("mean")?, of("low")?, of("high")?);
        let precision = vector(&mut tensors, "precision", &[Some(numbers), Some(numbers)])?.values;
        let shares = content.shares;
        let sound = shares.iter().all(|share| (0.0..=1.0).contains(share));
        if numbers == 0 || !sound || shares.len() != model.features() {
            return Err(damaged("its joint distribution does not fit its columns".to_owned()));
        }
        Ok(Self { joint: Joint { mean, precision }, low, high, shares })
    }
}

/// The JSON of a filler.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FillerContent {
    shares: Vec<f32>,
}
