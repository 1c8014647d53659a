//! Tables of more than complete numbers: how each column becomes prepared numbers, and comes back.

use crate::prepare::layout::Layout;
use crate::prepare::scale::{
    SAMPLED_ROWS, Scale, bend, each, has_far_values, nonzero, robust, unbend,
};
use crate::prepare::text;
use crate::prepare::text::Vocabulary;
use rows::{ColumnKind, Cycle, Dataset, Error, Field, Message, Moments, Result, calendar};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the columns of a table are prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Table {
    /// One for each column of the source.
    pub columns: Vec<Encoding>,
    /// Whether values may be missing: then behind the values stands for each column of the source
    /// whether its value is missing.
    pub gaps: bool,
    /// What each column of numbers or dates held in the training rows, as generated rows do; empty in
    /// earlier files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Option<ColumnRange>>,
}

/// What the numbers of a column were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRange {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Whether all of them were whole.
    pub whole: bool,
}

/// How one column is prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Encoding {
    /// `(x - offset) / scale`.
    Number {
        /// What zero stands for.
        offset: f64,
        /// What one stands for beyond it; never zero.
        scale: f64,
    },
    /// The normal quantile of the value's rank among the training rows: piecewise linear between
    /// these knots and on beyond them.
    Quantile {
        /// Values of the source, ascending.
        values: Vec<f64>,
        /// What they become, ascending; as many.
        scores: Vec<f64>,
    },
    /// `(ln(1 + x) - offset) / scale`; its likelihood is that of whole numbers.
    Count {
        /// What zero stands for.
        offset: f64,
        /// What one stands for beyond it; never zero.
        scale: f64,
        /// Whether the variance is the mean (Poisson) or free (negative binomial).
        poisson: bool,
    },
    /// 0 or 1.
    #[serde(alias = "truth")]
    Boolean,
    /// One number for each level, 1 where it is that level, and one for all other levels.
    Choice {
        /// The levels.
        levels: Vec<String>,
        /// Whether training rows had other ones.
        others: bool,
    },
    /// A vector of hashed words ([`Vocabulary`]); nothing leads back from it to a text.
    Text {
        /// How rare words are.
        vocabulary: Vocabulary,
    },
    /// Days since 1970 as `(x - offset) / scale`, and for each cycle `√2 sin` and `√2 cos` of the
    /// phase.
    Date {
        /// What zero stands for.
        offset: f64,
        /// What one stands for beyond it; never zero.
        scale: f64,
        /// What may come back again.
        cycles: Vec<Cycle>,
        /// Whether dates only go on from row to row, as the clock does: then the next ones are
        /// later than all before, and the day itself is left out, as zero.
        running: bool,
    },
}

/// Levels of a categorical column that are told apart; the rarer ones are one.
pub const MOST_LEVELS: usize = 1000;
/// A column of more levels keeps only those that come twice.
const FEW_LEVELS: usize = 20;
/// Knots of a quantile scaling.
const KNOTS: usize = 100;
/// Dates go on like a clock where their ranks and the order of the rows correlate as much as this.
const CLOCK: f64 = 0.95;
/// A probability is taken for no smaller than this, or one impossible word would outweigh a whole
/// row.
const RAREST: f64 = 1e-4;
/// The surprise of a level that no training row had.
const UNSEEN: f32 = 30.0;

impl Table {
    /// Fits on `rows` of a data set; `gaps` where values may be missing.
    ///
    /// An error where a column has no value in any of the rows.
    pub fn fit(scaling: Scale, data: &Dataset, rows: &[usize], gaps: bool) -> Result<Self> {
        // In the order of the source, by which dates are told from time stamps that only go on.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let seen = Statistics::gather(scaling, data, &rows)?;
        let range = |(column, seen): (usize, &Statistics)| {
            let ranges = matches!(data.kind(column), ColumnKind::Numeric | ColumnKind::Date);
            let range = ColumnRange { low: seen.low?, high: seen.high?, whole: !seen.fractions };
            Some(range).filter(|_| ranges)
        };
        let ranges = seen.iter().enumerate().map(range).collect();
        let columns = seen.into_iter().enumerate().map(|(column, seen)| {
            if seen.moments.count() == 0.0 && seen.levels.is_empty() {
                return Err(Error::data(
                    &data.name,
                    format!(
                        "{} has no value in any training row; remove it, or add rows that have one",
                        data.column_name(column)
                    ),
                ));
            }
            Ok(seen.encoding(scaling, data, column))
        });
        Ok(Self { columns: columns.collect::<Result<_>>()?, gaps, ranges })
    }

    /// Refuses numbers that could prepare nothing; files come from anywhere.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::shape(
                "the preparation of a table",
                what,
                "finite numbers, ascending knots, no zero scale",
            ))
        };
        let finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        for column in &self.columns {
            let fine = match column {
                Encoding::Number { offset, scale }
                | Encoding::Count { offset, scale, .. }
                | Encoding::Date { offset, scale, .. } => {
                    finite(&[*offset, *scale]) && *scale != 0.0
                }
                Encoding::Quantile { values, scores } => {
                    let ascending = |numbers: &[f64]| {
                        finite(numbers) && numbers.windows(2).all(|pair| pair[0] < pair[1])
                    };
                    values.len() == scores.len()
                        && values.len() >= 2
                        && ascending(values)
                        && ascending(scores)
                }
                Encoding::Choice { levels, .. } => levels.len() <= MOST_LEVELS,
                Encoding::Text { vocabulary } => vocabulary.is_sound(),
                Encoding::Boolean => true,
            };
            if !fine {
                return wrong("a column that cannot be prepared");
            }
        }
        let sound =
            |range: &ColumnRange| finite(&[range.low, range.high]) && range.low <= range.high;
        if !self.ranges.iter().flatten().all(sound) {
            return wrong("a range of a column that is none");
        }
        if self.columns.is_empty() { wrong("no column") } else { Ok(()) }
    }

    /// The numbers of each column that a row of prepared numbers has, and what they are.
    pub fn layout(&self) -> Layout {
        let mut layout = Layout { columns: vec![0..0; self.columns.len()], ..Layout::default() };
        let mut next = 0;
        let mut place = |layout: &mut Layout, wanted: &dyn Fn(&Encoding) -> bool| {
            let start = next;
            for (column, encoding) in
                self.columns.iter().enumerate().filter(|(_, encoding)| wanted(encoding))
            {
                layout.columns[column] = next..next + encoding.width();
                layout.owners.extend(std::iter::repeat_n(column, encoding.width()));
                next += encoding.width();
            }
            start..next
        };
        layout.reals = place(&mut layout, &|of| {
            matches!(
                of,
                Encoding::Number { .. } | Encoding::Quantile { .. } | Encoding::Date { .. }
            )
        });
        layout.counts =
            place(&mut layout, &|of| matches!(of, Encoding::Count { poisson: false, .. }));
        layout.poissons =
            place(&mut layout, &|of| matches!(of, Encoding::Count { poisson: true, .. }));
        layout.booleans = place(&mut layout, &|of| matches!(of, Encoding::Boolean));
        let gaps = if self.gaps { self.columns.len() } else { 0 };
        layout.gaps = layout.booleans.end..layout.booleans.end + gaps;
        layout.owners.extend(0..gaps);
        let mut next = layout.gaps.end;
        for text in [false, true] {
            for (column, encoding) in self.columns.iter().enumerate() {
                let block = next..next + encoding.width();
                match (encoding, text) {
                    (Encoding::Choice { .. }, false) => layout.choices.push(block.clone()),
                    (Encoding::Text { .. }, true) => layout.texts.push(block.clone()),
                    _ => continue,
                }
                layout.owners.extend(std::iter::repeat_n(column, encoding.width()));
                next = block.end;
                layout.columns[column] = block;
            }
        }
        layout.width = next;
        let scales = |wanted: bool| {
            let of = move |encoding: &Encoding| match encoding {
                Encoding::Count { offset, scale, poisson } if *poisson == wanted => {
                    Some((*offset, *scale))
                }
                _ => None,
            };
            self.columns.iter().filter_map(of).collect::<Vec<_>>()
        };
        layout.scales = scales(false).into_iter().chain(scales(true)).collect();
        layout
    }

    /// What each level of the data's columns is here; an error where a column holds something else.
    pub fn levels(&self, data: &Dataset) -> Result<Vec<Levels>> {
        if self.columns.len() != data.features() {
            return Err(Error::shape(
                format!("rows of {}", data.name),
                &data.shape,
                format!("{} columns, as in training", self.columns.len()),
            ));
        }
        let of = |(column, encoding): (usize, &Encoding)| match (encoding, data.kind(column)) {
            (Encoding::Choice { levels, .. }, ColumnKind::Categorical) => {
                let known = Known::of(levels);
                let here = |level: &String| known.place(level).unwrap_or(levels.len());
                Ok(Levels::Choices(data.fields[column].levels.iter().map(here).collect()))
            }
            (Encoding::Text { vocabulary }, ColumnKind::Text) => Ok(Levels::Texts(
                data.fields[column].levels.iter().map(|text| vocabulary.vector(text)).collect(),
            )),
            // A column without any value is of no kind.
            (Encoding::Choice { .. } | Encoding::Text { .. }, ColumnKind::Empty) => {
                Ok(Levels::None)
            }
            (Encoding::Choice { .. } | Encoding::Text { .. }, kind)
            | (_, kind @ (ColumnKind::Categorical | ColumnKind::Text)) => {
                let (name, trained) = (data.column_name(column), encoding.kind());
                let holds = format!("{name} holds {kind} values, and {trained} ones in training; ");
                let advice = Message::from(holds).text("say so with ");
                let advice = advice.set("column", format!("{name}={trained}"));
                Err(Error::data(&data.name, advice))
            }
            _ => Ok(Levels::None),
        };
        self.columns.iter().enumerate().map(of).collect()
    }

    /// The columns of categories none of whose values in the data was there in training, each with
    /// one of these values and one of the training.
    pub fn unseen(&self, data: &Dataset) -> Vec<(usize, String, String)> {
        let unseen = |(column, encoding): (usize, &Encoding)| {
            let (Encoding::Choice { levels, .. }, Some(field)) =
                (encoding, data.fields.get(column))
            else {
                return None;
            };
            let known = Known::of(levels);
            let strange = field.levels.iter().all(|level| known.place(level).is_none());
            let example = field.levels.first().filter(|_| strange)?;
            Some((column, example.clone(), levels.first()?.clone()))
        };
        self.columns.iter().enumerate().filter_map(unseen).collect()
    }

    /// Prepares one row of the source into `out`, which is all zeros.
    pub fn prepare(
        &self,
        (layout, knee): (&Layout, Option<f64>),
        levels: &[Levels],
        row: impl Iterator<Item = f64>,
        out: &mut [f32],
    ) {
        for (column, value) in row.enumerate() {
            if value.is_nan() {
                // Zero is the mean of numbers and no level at all.
                if self.gaps {
                    out[layout.gaps.start + column] = 1.0;
                }
                continue;
            }
            let out = &mut out[layout.columns[column].clone()];
            let level = value.max(0.0) as usize;
            match (&self.columns[column], &levels[column]) {
                (Encoding::Choice { levels: known, .. }, Levels::Choices(here)) => {
                    out[here.get(level).copied().unwrap_or(known.len())] = 1.0;
                }
                (Encoding::Text { .. }, Levels::Texts(texts)) => {
                    texts
                        .get(level)
                        .into_iter()
                        .flatten()
                        .for_each(|(place, number)| out[*place] = *number);
                }
                (other, _) => other.prepare(knee, value, out),
            }
        }
    }

    /// The row of the source that a prepared one stands for: the most probable level, the nearer
    /// truth.
    pub fn undo(&self, layout: &Layout, knee: Option<f64>, prepared: &[f32], out: &mut [f64]) {
        for ((encoding, place), out) in self.columns.iter().zip(&layout.columns).zip(out) {
            *out = encoding.undo(knee, &prepared[place.clone()]);
        }
    }

    /// How far the source columns of two prepared rows lie apart: for numbers the difference, for
    /// choices how much more surprising the level of the first is than one drawn from the second's
    /// probabilities; 0 where the first has no value.
    pub fn residuals(&self, layout: &Layout, row: &[f32], rebuilt: &[f32], out: &mut [f32]) {
        for (column, out) in out.iter_mut().enumerate() {
            let missing = self.gaps && row[layout.gaps.start + column] > 0.5;
            let place = layout.columns[column].clone();
            *out = if missing {
                0.0
            } else {
                self.columns[column].residual(&row[place.clone()], &rebuilt[place])
            };
        }
    }

    /// Whether a column of choices has in one prepared row the level that another one makes the most
    /// probable; false for all other columns.
    pub fn expects(&self, layout: &Layout, column: usize, row: &[f32], expected: &[f32]) -> bool {
        let (encoding, place) = (&self.columns[column], layout.columns[column].clone());
        matches!(encoding, Encoding::Choice { .. } | Encoding::Boolean)
            && encoding.undo(None, &row[place.clone()]) == encoding.undo(None, &expected[place])
    }

    /// Of a column of choices the most probable level but the one that a prepared row has, by what was
    /// expected; none for other columns.
    pub fn otherwise(
        &self,
        layout: &Layout,
        column: usize,
        row: &[f32],
        expected: &[f32],
    ) -> Option<f64> {
        let place = layout.columns[column].clone();
        let own = self.columns[column].undo(None, &row[place.clone()]);
        match &self.columns[column] {
            Encoding::Boolean => Some(1.0 - own),
            Encoding::Choice { levels, .. } => {
                let known = expected[place].iter().take(levels.len()).enumerate();
                let others = known.filter(|(level, _)| *level as f64 != own);
                others.max_by(|a, b| a.1.total_cmp(b.1)).map(|(level, _)| level as f64)
            }
            _ => None,
        }
    }

    /// Of a column of dates the cycle whose phase differs the most between two prepared rows, more
    /// than the day itself, and the place in it that the second row has; none for other columns.
    pub fn odd_phase(
        &self,
        layout: &Layout,
        column: usize,
        row: &[f32],
        expected: &[f32],
    ) -> Option<(Cycle, f64)> {
        let encoding = &self.columns[column];
        let Encoding::Date { cycles, .. } = encoding else { return None };
        if encoding.kind() == ColumnKind::Time {
            return None;
        }
        let place = layout.columns[column].clone();
        let (row, expected) = (&row[place.clone()], &expected[place]);
        let apart = |at: usize| f64::from(row[at] - expected[at]).powi(2);
        let phases = cycles.iter().enumerate().map(|(at, cycle)| {
            let start = 1 + 2 * at;
            (*cycle, start, apart(start) + apart(start + 1))
        });
        let (cycle, start, most) = phases.max_by(|a, b| a.2.total_cmp(&b.2))?;
        let wave = [start, start + 1].map(|at| f64::from(expected[at]));
        (most > apart(0)).then(|| (cycle, cycle.place(wave)))
    }

    /// A number as those of the training rows of a column: in their range, and whole where they were.
    pub fn like_known(&self, column: usize, value: f64) -> f64 {
        let Some(Some(ColumnRange { low, high, whole })) = self.ranges.get(column) else {
            return value;
        };
        let value = value.max(*low).min(*high);
        if *whole { value.round() } else { value }
    }

    /// Whether a column tells anything of a row; a date that only goes on does not.
    pub fn tells(&self, column: usize) -> bool {
        let encoding = self.columns.get(column);
        encoding.is_some_and(|encoding| match encoding {
            Encoding::Date { running: true, cycles, .. } => !cycles.is_empty(),
            _ => true,
        })
    }

    /// The words of a column's text that training rows had the least, at most so many; none for
    /// columns that hold no texts.
    pub fn odd_words(&self, column: usize, text: &str, most: usize) -> Vec<String> {
        match self.columns.get(column) {
            Some(Encoding::Text { vocabulary }) => vocabulary.rarest(text, most),
            _ => Vec::new(),
        }
    }

    /// What is known of each column, for names and texts.
    pub fn fields(&self) -> Vec<Field> {
        let of = |encoding: &Encoding| match encoding {
            Encoding::Choice { levels, .. } => {
                Field { kind: ColumnKind::Categorical, levels: Arc::new(levels.clone()) }
            }
            other => Field::of(other.kind()),
        };
        self.columns.iter().map(of).collect()
    }
}

/// The levels that are known, by their texts and by what these mean.
struct Known<'a> {
    texts: BTreeMap<&'a str, usize>,
    /// By meaning; none where several levels have it.
    meanings: BTreeMap<Meaning, Option<usize>>,
}

/// What a level means: `3` and `3.0` are one number, `True` and `1` one truth.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Number(u64),
    Text(String),
}

impl Meaning {
    fn of(level: &str) -> Self {
        let level = level.trim();
        match level.parse::<f64>() {
            // Adding zero makes the two zeros one number.
            Ok(number) => Self::Number((number + 0.0).to_bits()),
            Err(_) if level.eq_ignore_ascii_case("true") => Self::Number(1f64.to_bits()),
            Err(_) if level.eq_ignore_ascii_case("false") => Self::Number(0f64.to_bits()),
            Err(_) => Self::Text(level.to_owned()),
        }
    }
}

impl<'a> Known<'a> {
    fn of(levels: &'a [String]) -> Self {
        let texts = levels.iter().enumerate().map(|(at, level)| (level.as_str(), at)).collect();
        let mut meanings = BTreeMap::new();
        for (at, level) in levels.iter().enumerate() {
            meanings
                .entry(Meaning::of(level))
                .and_modify(|known| *known = None)
                .or_insert(Some(at));
        }
        Self { texts, meanings }
    }

    /// The place of a level, by its text or by what it alone can mean.
    fn place(&self, level: &str) -> Option<usize> {
        let by_text = self.texts.get(level).copied();
        by_text.or_else(|| self.meanings.get(&Meaning::of(level)).copied().flatten())
    }
}

/// What the levels of a data set's column are to a preparation.
#[derive(Debug)]
pub enum Levels {
    /// The column has none.
    None,
    /// The place of each among the levels that are known.
    Choices(Vec<usize>),
    /// The vector of each.
    Texts(Vec<Vec<(usize, f32)>>),
}

impl Encoding {
    /// What the column holds.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Number { .. } | Self::Quantile { .. } => ColumnKind::Numeric,
            Self::Count { poisson: false, .. } => ColumnKind::Count,
            Self::Count { poisson: true, .. } => ColumnKind::Poisson,
            Self::Boolean => ColumnKind::Boolean,
            Self::Choice { .. } => ColumnKind::Categorical,
            // A clock alone has no days.
            Self::Date { offset, cycles, running: true, .. }
                if *offset == 0.0 && cycles.as_slice() == [Cycle::Day] =>
            {
                ColumnKind::Time
            }
            Self::Date { .. } => ColumnKind::Date,
            Self::Text { .. } => ColumnKind::Text,
        }
    }

    /// Prepared numbers.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } | Self::Quantile { .. } | Self::Count { .. } | Self::Boolean => 1,
            Self::Choice { levels, .. } => levels.len() + 1,
            Self::Text { .. } => text::WIDTH,
            Self::Date { cycles, .. } => 1 + 2 * cycles.len(),
        }
    }

    fn prepare(&self, knee: Option<f64>, value: f64, out: &mut [f32]) {
        out[0] = match self {
            Self::Date { running: true, .. } => 0.0,
            Self::Number { offset, scale } | Self::Date { offset, scale, .. } => {
                bend(knee, (value - offset) / scale)
            }
            Self::Quantile { values, scores } => bend(knee, between(values, scores, value)),
            Self::Count { offset, scale, .. } => (value.max(0.0).ln_1p() - offset) / scale,
            Self::Boolean => f64::from(u8::from(value >= 0.5)),
            Self::Choice { .. } | Self::Text { .. } => 0.0,
        } as f32;
        if let Self::Date { cycles, .. } = self {
            for (cycle, out) in cycles.iter().zip(out[1..].chunks_exact_mut(2)) {
                let (sin, cos) = (std::f64::consts::TAU * value / cycle.days()).sin_cos();
                (out[0], out[1]) = (
                    (sin * std::f64::consts::SQRT_2) as f32,
                    (cos * std::f64::consts::SQRT_2) as f32,
                );
            }
        }
    }

    fn undo(&self, knee: Option<f64>, prepared: &[f32]) -> f64 {
        let first = f64::from(prepared[0]);
        match self {
            // The middle day, at the time of day that is expected.
            Self::Date { offset, cycles, running: true, .. }
                if cycles.first() == Some(&Cycle::Day) =>
            {
                let phase =
                    f64::from(prepared[1]).atan2(f64::from(prepared[2])) / std::f64::consts::TAU;
                offset.floor() + phase.rem_euclid(1.0)
            }
            Self::Number { offset, scale } | Self::Date { offset, scale, .. } => {
                unbend(knee, first) * scale + offset
            }
            Self::Quantile { values, scores } => between(scores, values, unbend(knee, first)),
            Self::Count { offset, scale, .. } => {
                (first * scale + offset).min(700.0).exp_m1().max(0.0).round()
            }
            Self::Boolean => f64::from(u8::from(first >= 0.5)),
            Self::Text { .. } => f64::NAN,
            Self::Choice { .. } => {
                // Of equals the first.
                let best = prepared
                    .iter()
                    .enumerate()
                    .fold(0, |best, (at, share)| if *share > prepared[best] { at } else { best });
                best as f64
            }
        }
    }

    /// The squared difference of two values of the source in scaled units; 0 where one is missing.
    pub fn squared_difference(&self, knee: Option<f64>, a: f64, b: f64) -> f64 {
        if a.is_nan() || b.is_nan() {
            return 0.0;
        }
        let difference = match self {
            Self::Choice { .. } | Self::Text { .. } => f64::from(u8::from(a != b)),
            Self::Boolean => a - b,
            Self::Number { offset, scale } | Self::Date { offset, scale, .. } => {
                let scaled = |value: f64| bend(knee, (value - offset) / scale);
                scaled(a) - scaled(b)
            }
            Self::Count { scale, .. } => (a.max(0.0).ln_1p() - b.max(0.0).ln_1p()) / scale,
            Self::Quantile { values, scores } => {
                bend(knee, between(values, scores, a)) - bend(knee, between(values, scores, b))
            }
        };
        difference.powi(2)
    }

    fn residual(&self, row: &[f32], rebuilt: &[f32]) -> f32 {
        match self {
            // A word that nobody has ever seen.
            Self::Choice { others: false, .. } if row.last().is_some_and(|other| *other > 0.5) => {
                UNSEEN
            }
            Self::Choice { .. } => {
                let logarithm = |share: &f32| f64::from(*share).max(RAREST).ln();
                let known = row.iter().map(|share| f64::from(*share)).sum::<f64>();
                let surprise: f64 = row
                    .iter()
                    .zip(rebuilt)
                    .map(|(level, share)| -f64::from(*level) * logarithm(share))
                    .sum();
                let expected: f64 =
                    rebuilt.iter().map(|share| -f64::from(*share) * logarithm(share)).sum();
                // A row without any level has nothing to be surprised at.
                (surprise - known * expected) as f32
            }
            // Where dates go on, the day itself tells nothing.
            Self::Date { running: true, .. } => {
                let pairs = row.iter().zip(rebuilt).skip(1);
                pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
            }
            Self::Date { .. } => {
                let square = row.iter().zip(rebuilt).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
                square.sqrt().copysign(row[0] - rebuilt[0])
            }
            // As far as the loss has them apart.
            Self::Text { .. } => {
                (2.0 * text::WEIGHT as f32 * text::distance(row, rebuilt).max(0.0)).sqrt()
            }
            _ => row[0] - rebuilt[0],
        }
    }
}

/// What is gathered of a column.
#[derive(Default)]
struct Statistics {
    moments: Moments,
    low: Option<f64>,
    high: Option<f64>,
    /// Whether a number was none of whole ones.
    fractions: bool,
    levels: BTreeMap<usize, usize>,
    /// Values in the order of the rows, where ranks are asked for.
    sample: Vec<f64>,
}

impl Statistics {
    /// Of every column, in one pass over `rows`, and another over few of them where ranks are
    /// asked for.
    fn gather(scaling: Scale, data: &Dataset, rows: &[usize]) -> Result<Vec<Self>> {
        let kinds: Vec<ColumnKind> = (0..data.features()).map(|column| data.kind(column)).collect();
        let mut columns: Vec<Self> = kinds.iter().map(|_| Self::default()).collect();
        each(data, rows, |column, value| {
            if !value.is_nan() {
                columns[column].take(kinds[column], value);
            }
        })?;
        let is_sampled = |(kind, seen): (&ColumnKind, &Self)| match kind {
            ColumnKind::Date => true,
            ColumnKind::Numeric => match scaling {
                Scale::Quantile => true,
                Scale::Auto => seen.has_far_values(),
                _ => false,
            },
            _ => false,
        };
        let sampled: Vec<bool> = kinds.iter().zip(&columns).map(is_sampled).collect();
        if sampled.contains(&true) {
            let few: Vec<usize> =
                rows.iter().copied().step_by(rows.len().div_ceil(SAMPLED_ROWS).max(1)).collect();
            each(data, &few, |column, value| {
                if sampled[column] && !value.is_nan() {
                    columns[column].sample.push(value);
                }
            })?;
        }
        Ok(columns)
    }

    /// Takes one value; of counts the logarithm, which is what is scaled later.
    fn take(&mut self, kind: ColumnKind, value: f64) {
        match kind {
            ColumnKind::Categorical | ColumnKind::Text => {
                *self.levels.entry(value as usize).or_default() += 1
            }
            ColumnKind::Count | ColumnKind::Poisson => self.add(value.max(-1.0 + 1e-9).ln_1p()),
            _ => self.add(value),
        }
    }

    fn add(&mut self, value: f64) {
        self.moments.add(value);
        self.low = Some(self.low.map_or(value, |low| low.min(value)));
        self.high = Some(self.high.map_or(value, |high| high.max(value)));
        self.fractions |= value.fract() != 0.0;
    }

    /// How the column of which this was gathered is prepared.
    fn encoding(self, scaling: Scale, data: &Dataset, column: usize) -> Encoding {
        let (mean, deviation) = self.standard();
        match data.kind(column) {
            ColumnKind::Categorical => {
                let levels = kept(&self.levels, &data.fields[column].levels);
                Encoding::Choice { others: levels.len() < self.levels.len(), levels }
            }
            ColumnKind::Text => {
                let texts = &data.fields[column].levels;
                let seen = self
                    .levels
                    .iter()
                    .filter_map(|(level, rows)| Some((texts.get(*level)?.as_str(), *rows)));
                Encoding::Text { vocabulary: Vocabulary::fit(seen) }
            }
            ColumnKind::Boolean => Encoding::Boolean,
            ColumnKind::Date => Encoding::Date {
                offset: mean,
                scale: deviation,
                cycles: self.cycles(),
                running: goes_on(&self.sample),
            },
            // Midnight is near to the minute before.
            ColumnKind::Time => {
                Encoding::Date { offset: 0.0, scale: 1.0, cycles: vec![Cycle::Day], running: true }
            }
            kind @ (ColumnKind::Count | ColumnKind::Poisson) => Encoding::Count {
                offset: mean,
                scale: deviation,
                poisson: kind == ColumnKind::Poisson,
            },
            ColumnKind::Numeric | ColumnKind::Empty if scaling == Scale::Quantile => {
                quantiles(self.sample)
            }
            ColumnKind::Numeric | ColumnKind::Empty => {
                let (offset, scale) = match scaling {
                    Scale::Auto if !self.sample.is_empty() => {
                        robust(self.sample, deviation).unwrap_or((mean, deviation))
                    }
                    _ => self.scaling(scaling),
                };
                Encoding::Number { offset, scale }
            }
        }
    }

    /// Whether its deviation may be that of a few far values.
    fn has_far_values(&self) -> bool {
        let bounds = (self.low.unwrap_or(0.0), self.high.unwrap_or(0.0));
        has_far_values(self.moments.mean(), self.moments.deviation(), bounds)
    }

    fn scaling(&self, scaling: Scale) -> (f64, f64) {
        let (low, high) = (self.low.unwrap_or(0.0), self.high.unwrap_or(0.0));
        match scaling {
            Scale::None => (0.0, 1.0),
            Scale::MinMax | Scale::Unit => (low, nonzero(high - low, low.abs().max(high.abs()))),
            Scale::Auto | Scale::Standard | Scale::Quantile => self.standard(),
        }
    }

    /// The mean, and the deviation to divide by.
    fn standard(&self) -> (f64, f64) {
        let mean = self.moments.mean();
        (mean, nonzero(self.moments.deviation(), mean))
    }

    fn cycles(&self) -> Vec<Cycle> {
        let days = self.high.unwrap_or(0.0) - self.low.unwrap_or(0.0);
        // Of months and years, which begin on any day of the week, no week is meant.
        let first = |day: &f64| calendar::date(day.floor() as i128).ends_with("-01");
        let months = !self.sample.is_empty() && self.sample.iter().all(first);
        let wanted = |cycle: &Cycle| match cycle {
            Cycle::Day => self.fractions,
            Cycle::Week => !months,
            Cycle::Year => true,
        };
        let all = Cycle::ALL.into_iter();
        all.filter(|cycle| cycle.comes_back_in(days) && wanted(cycle)).collect()
    }
}

/// Whether numbers rise with their order but for some (rank correlation, Spearman 1904).
fn goes_on(sample: &[f64]) -> bool {
    let mut order: Vec<usize> = (0..sample.len()).collect();
    order.sort_by(|a, b| sample[*a].total_cmp(&sample[*b]).then(a.cmp(b)));
    let squares: f64 =
        order.iter().enumerate().map(|(rank, place)| (rank as f64 - *place as f64).powi(2)).sum();
    let n = sample.len() as f64;
    n >= 10.0 && 1.0 - 6.0 * squares / (n * (n * n - 1.0)) > CLOCK
}

/// The levels that are told apart, in the order of the data.
fn kept(counts: &BTreeMap<usize, usize>, levels: &[String]) -> Vec<String> {
    let least = if counts.len() > FEW_LEVELS { 2 } else { 1 };
    let mut order: Vec<(usize, usize)> = counts
        .iter()
        .map(|(level, count)| (*level, *count))
        .filter(|(_, count)| *count >= least)
        .collect();
    order.sort_by_key(|(level, count)| (std::cmp::Reverse(*count), *level));
    order.truncate(MOST_LEVELS);
    order.sort_unstable();
    order.into_iter().filter_map(|(level, _)| levels.get(level).cloned()).collect()
}

/// Knots at evenly spaced ranks; equal values are one knot, in the middle of their ranks.
fn quantiles(mut sample: Vec<f64>) -> Encoding {
    sample.sort_by(f64::total_cmp);
    let last = sample.len().saturating_sub(1);
    let (mut values, mut scores) = (Vec::<f64>::new(), Vec::<f64>::new());
    let mut same = Vec::new();
    let knots = KNOTS.min(last.max(1));
    for knot in 0..=knots {
        let value = sample
            .get((last as f64 * knot as f64 / knots as f64).round() as usize)
            .copied()
            .unwrap_or(0.0);
        let score = normal_quantile((knot as f64 + 0.5) / (knots as f64 + 1.0));
        if values.last().is_none_or(|known| value > *known) {
            same.clear();
            values.push(value);
            scores.push(score);
        }
        same.push(score);
        if let Some(known) = scores.last_mut() {
            *known = same.iter().sum::<f64>() / same.len() as f64;
        }
    }
    if values.len() < 2 {
        let value = values.first().copied().unwrap_or(0.0);
        return Encoding::Number { offset: value, scale: 1.0 };
    }
    Encoding::Quantile { values, scores }
}

/// The straight line through the two knots around a number, or through the two nearest beyond them.
fn between(from: &[f64], to: &[f64], number: f64) -> f64 {
    let right = from.partition_point(|knot| *knot < number).clamp(1, from.len() - 1);
    let (a, b) = (from[right - 1], from[right]);
    to[right - 1] + (to[right] - to[right - 1]) * (number - a) / (b - a)
}

/// The number below which a standard normal one lies with this probability, to 0.00045 (Abramowitz
/// and Stegun 1964, 26.2.23).
fn normal_quantile(probability: f64) -> f64 {
    let tail = probability.min(1.0 - probability).max(1e-12);
    let t = (-2.0 * tail.ln()).sqrt();
    let size = t
        - (2.515517 + t * (0.802853 + t * 0.010328))
            / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    if probability < 0.5 { -size } else { size }
}
