//! The channels of a series: what the columns of a table become, and phases of the calendar beside
//! them.

use crate::names::quoted;
use crate::series::points::{Key, PointNumbers, Points};
use rows::{
    Channel, ColumnKind, Cycle, Cycles, Dataset, Error, Held, Message, Result, Store, Values,
    places,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Levels of a column that become channels.
const LEVELS: usize = 20;
/// Nanoseconds of a day.
const DAY: f64 = 86_400e9;

/// What the columns of a table become; an error for one that can be no channel.
pub(crate) fn channels(data: &Dataset) -> Result<Vec<Channel>> {
    let channel = |column: usize| {
        let (kind, name) = (data.kind(column), data.column_name(column));
        let levels = data.fields.get(column).map(|field| field.levels.to_vec()).unwrap_or_default();
        match kind {
            ColumnKind::Numeric | ColumnKind::Boolean => {}
            ColumnKind::Count | ColumnKind::Poisson => {}
            ColumnKind::Categorical if levels.len() <= LEVELS => {}
            kind => {
                let holds = format!(
                    "{name} holds {kind} values; the channels of a series are numbers, truths or at most {LEVELS} categories; leave the column out with "
                );
                return Err(Error::data(&data.name, Message::from(holds).set("drop", &name)));
            }
        }
        let name = data.columns.get(column).cloned().unwrap_or_default();
        let kind = if kind.is_number() { ColumnKind::Numeric } else { kind };
        Ok(Channel { name, kind, levels })
    };
    (0..data.features()).map(channel).collect()
}

/// The numbers of the channels of a table's points, [points, channels], and how many there are; with
/// a warning of categories that have no channel.
pub(crate) fn numbers(
    data: &Dataset,
    channels: &[Channel],
) -> Result<(PointNumbers, usize, Vec<Message>)> {
    let order = order(data, channels)?;
    let width: usize = channels.iter().map(Channel::width).sum();
    let numbers = channels.iter().all(|channel| channel.levels.is_empty());
    if numbers && order.iter().copied().eq(0..data.features()) {
        return Ok((PointNumbers::Read(data.values.clone()), width, Vec::new()));
    }
    // For each column its channels: none where it is a number, else one for each of its levels.
    let places: Vec<Option<Vec<Option<usize>>>> = channels
        .iter()
        .zip(&order)
        .map(|(channel, column)| {
            (channel.kind == ColumnKind::Categorical).then(|| {
                let own = data.fields.get(*column).map(|field| field.levels.to_vec());
                let place = |level: &String| channel.levels.iter().position(|known| known == level);
                own.unwrap_or_default().iter().map(place).collect()
            })
        })
        .collect();
    let mut values = Vec::with_capacity(data.rows() * width);
    let mut unknown = BTreeMap::new();
    for block in data.blocks() {
        let block = block?;
        for start in (0..block.len()).step_by(data.features()) {
            for ((channel, column), places) in channels.iter().zip(&order).zip(&places) {
                let number = block.get(start + column);
                let Some(places) = places else {
                    values.push(number);
                    continue;
                };
                let own = places.get(number.max(0.0) as usize).copied().flatten();
                let missing = number.is_nan();
                if own.is_none() && !missing {
                    *unknown.entry(*column).or_insert(0usize) += 1;
                }
                let of = |level: usize| {
                    if missing { f64::NAN } else { f64::from(u8::from(own == Some(level))) }
                };
                values.extend((0..channel.width()).map(of));
            }
        }
    }
    let warning = |(column, count): (usize, usize)| {
        let name = data.column_name(column);
        let cells = if count == 1 {
            "1 cell has a category".into()
        } else {
            format!("{count} cells have categories")
        };
        Message::from(format!("{name}: {cells} that training did not know"))
    };
    Ok((PointNumbers::Changed(values), width, unknown.into_iter().map(warning).collect()))
}

/// The column of each channel: by its name where both have names, else in their order.
fn order(data: &Dataset, channels: &[Channel]) -> Result<Vec<usize>> {
    let nameless = data.columns.is_empty() || channels.iter().any(|known| known.name.is_empty());
    if nameless {
        if channels.len() == data.features() {
            return Ok((0..data.features()).collect());
        }
        return Err(Error::shape(
            format!("points of {}", data.name),
            format!("{} channels", data.features()),
            format!("{}, as in training", channels.len()),
        ));
    }
    let places = places(&data.columns);
    let place = |channel: &Channel| places.get(channel.name.as_str()).copied();
    let missing: Vec<&str> = channels
        .iter()
        .filter(|channel| place(channel).is_none())
        .map(|channel| channel.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(Error::shape(
            format!("columns of {}", data.name),
            quoted(&data.columns),
            format!("also {}, as in training; add or rename columns", quoted(&missing)),
        ));
    }
    Ok(channels.iter().filter_map(place).collect())
}

/// The cycles that the time stamps go through often enough, with some points in each turn.
pub(crate) fn cycles(points: &Points) -> Cycles {
    if !points.stamped {
        return Cycles::default();
    }
    let groups: Vec<&[Key]> = points.keys.chunk_by(|a, b| a.group == b.group).collect();
    let span = |group: &[Key]| {
        group.last().zip(group.first()).map_or(0, |(last, first)| last.time - first.time) as f64
            / DAY
    };
    let longest = groups.iter().map(|group| span(group)).fold(0.0, f64::max);
    let steps: usize = groups.iter().map(|group| group.len().saturating_sub(1)).sum();
    let step = groups.iter().map(|group| span(group)).sum::<f64>() / steps.max(1) as f64;
    // Quarters of a year are not all as long.
    let some = |cycle: &Cycle| 4.0 * step <= 1.01 * cycle.days();
    let told = |cycle: &Cycle| cycle.is_learned_in(longest) && some(cycle);
    Cycles(Cycle::ALL.into_iter().filter(told).collect())
}

/// Points with phases of cycles behind their channels.
#[derive(Debug)]
struct Beside {
    points: Store,
    channels: usize,
    /// [points, 2 * cycles]
    phases: Arc<Vec<f32>>,
    width: usize,
}

/// The points with sine and cosine of each cycle's phase behind their channels.
pub(crate) fn with_phases(
    points: Store,
    channels: usize,
    times: impl Iterator<Item = i128>,
    cycles: &Cycles,
) -> Store {
    if cycles.0.is_empty() {
        return points;
    }
    let phases = times.flat_map(|time| {
        cycles.0.iter().flat_map(move |cycle| cycle.phase(time)).map(|wave| wave as f32)
    });
    let phases = Arc::new(phases.collect());
    Store::elsewhere(Beside { points, channels, phases, width: 2 * cycles.0.len() })
}

impl Held for Beside {
    fn len(&self) -> usize {
        self.phases.len() / self.width * (self.channels + self.width)
    }

    fn storage(&self) -> &'static str {
        if self.points.storage() == "f64" { "f64" } else { "f32" }
    }

    fn gather(&self, rows: &[usize], features: usize) -> Result<Values> {
        let whole = self.channels + self.width;
        // Rows are mostly points; all of them together are one row to whoever loads them.
        let points: Vec<usize> = rows
            .iter()
            .flat_map(|row| row * features / whole..(row + 1) * features / whole)
            .collect();
        let own = self.points.gather(&points, self.channels)?;
        let phases = |point: usize| &self.phases[points[point] * self.width..][..self.width];
        fn joined<T: Copy>(
            own: impl Fn(usize) -> T,
            channels: usize,
            points: usize,
            phases: impl Fn(usize, &mut Vec<T>),
        ) -> Vec<T> {
            let mut all = Vec::new();
            for point in 0..points {
                all.extend((point * channels..(point + 1) * channels).map(&own));
                phases(point, &mut all);
            }
            all
        }
        let (channels, count) = (self.channels, points.len());
        Ok(match self.storage() {
            "f64" => {
                let beside = |point, all: &mut Vec<f64>| {
                    all.extend(phases(point).iter().map(|wave| f64::from(*wave)));
                };
                Values::F64(joined(|at| own.get(at), channels, count, beside))
            }
            _ => {
                let beside = |point, all: &mut Vec<f32>| all.extend(phases(point));
                Values::F32(joined(|at| own.get(at) as f32, channels, count, beside))
            }
        })
    }
}
