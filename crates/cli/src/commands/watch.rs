//! Points of a series that come one by one: the newest window of each machine.

use crate::commands::lines::Cells;
use crate::show;
use autoencoders::data::{
    Dataset, Duplicates, Gaps, Notation, Point, Series, Span, Values, Windows, one_name, read_point,
};
use autoencoders::{Error, Model, Result};
use std::collections::{BTreeMap, VecDeque};

/// A step this much longer or shorter than others is none of theirs.
const GAP: f64 = 1.5;
/// How far from a whole number of steps a gap may be that is filled.
const UNEVEN: f64 = 0.25;

/// So many series are watched; those that have been silent the longest begin anew.
const MOST: usize = 50_000;

/// The newest points of each series, as many as a window has.
pub(crate) struct Watch<'a> {
    model: &'a Model,
    series: &'a Series,
    notation: Notation,
    /// What becomes of a point with the time of the one before.
    duplicates: Option<Duplicates>,
    machines: BTreeMap<String, Machine>,
    /// Whether there have been more than can be watched.
    too_many: bool,
    /// Points that have come.
    points: u64,
}

/// What is known of one series.
#[derive(Default)]
struct Machine {
    newest: VecDeque<Kept>,
    /// The last step from one point to the next, where the model knows none.
    step: Option<i128>,
    /// How many points in a row each channel had no value, by its column.
    empty: Vec<usize>,
    /// The number of its last point.
    last: u64,
}

/// A point of the newest window.
struct Kept {
    point: Point,
    /// What was expected in its place, where it was odd by itself.
    expected: Option<Vec<f64>>,
    /// How many points with its time it stands for.
    times: usize,
}

impl Kept {
    fn values(&self) -> &[f64] {
        &self.point.values
    }

    fn settled(&self) -> &[f64] {
        self.expected.as_deref().unwrap_or(self.values())
    }
}

/// What is known once a point has come.
pub(crate) struct Watched {
    /// Its time stamp and its series; that is empty where the model knows one.
    pub(crate) stamp: String,
    pub(crate) group: String,
    /// Why the window begins anew with it, where it does.
    pub(crate) anew: Option<String>,
    /// The columns in which it had no value, and stands for the point before.
    pub(crate) carried: Vec<String>,
    /// How many points were missing before it, and lie on the straight line between its neighbours.
    pub(crate) filled: usize,
    /// The window that it completes; else how many points are still missing.
    pub(crate) window: std::result::Result<Box<Dataset>, usize>,
}

impl<'a> Watch<'a> {
    /// None for a model that knows no columns of a series, as earlier ones do.
    pub(crate) fn of(
        model: &'a Model,
        notation: &Notation,
        duplicates: Option<Duplicates>,
    ) -> Option<Self> {
        let series = model.signature().series.as_ref()?;
        let named = series.channels.iter().all(|channel| !channel.name.is_empty());
        // A model file may say anything of its windows.
        (named && !series.channels.is_empty() && series.window > 1).then(|| Self {
            model,
            series,
            notation: notation.clone(),
            duplicates: duplicates.or(series.duplicates),
            machines: BTreeMap::new(),
            too_many: false,
            points: 0,
        })
    }

    /// Takes a point. A gap begins a window anew, and so does a point without a value, unless that of
    /// the point before may stand for it.
    pub(crate) fn take(&mut self, cells: &Cells) -> Result<Watched> {
        let channels = self.series.channels.iter().map(|channel| &channel.name);
        let (stamps, group) = (self.series.stamps(), &self.series.group);
        let all: Vec<String> =
            stamps.iter().chain(group).chain(channels.clone()).cloned().collect();
        // Time and machine may stand before the channels.
        let names = match cells {
            Cells::Ordered(own) if own.len() == all.len() => all,
            _ => channels.cloned().collect(),
        };
        let ordered = match cells {
            Cells::Ordered(_) => cells.in_order(&names)?,
            _ => Vec::new(),
        };
        let in_order: BTreeMap<&str, &String> =
            names.iter().map(String::as_str).zip(&ordered).collect();
        let cell = |name: &str| {
            cells.get(name).map(str::to_owned).or_else(|| in_order.get(name).copied().cloned())
        };
        let point = read_point(self.series, &self.notation, &cell);
        let mut point = point.inspect_err(|_| {
            let names = self.series.group.iter().filter_map(|of| cell(of));
            let machine = self.machines.get_mut(&one_name(names).unwrap_or_default());
            machine.into_iter().for_each(|machine| machine.newest.clear());
        })?;
        let (stamp, group) = (point.stamp.clone(), point.group.clone());
        self.count();
        let Machine { newest, step: own_step, empty, last } =
            self.machines.entry(group.clone()).or_default();
        *last = self.points;
        let mut times = 1;
        if let (Some(how), Some(before)) = (self.duplicates, newest.back())
            && point.time.is_some()
            && before.point.time == point.time
        {
            (point.values, times) = (merged(how, before, &point), before.times + 1);
            point.missing.clear();
            newest.pop_back();
        }
        let last = newest.back().and_then(|kept| kept.point.time);
        let step = self.series.step.map(|step| i128::from(step.nanos));
        let step = step.or(*own_step);
        let filled = missing_points(self.series, last, step, &point);
        let anew = if filled > 0 { None } else { begins_anew(last, step, &point) };
        match (&anew, last, point.time) {
            (Some(_), ..) => newest.clear(),
            (None, Some(last), Some(time)) => {
                *own_step = Some((time - last) / (filled as i128 + 1));
            }
            _ => {}
        }
        let carried = carry(self.series, &mut point, newest.back().map(Kept::values), empty);
        let carried = carried.inspect_err(|_| newest.clear())?;
        let between = newest.back().map(|last| between(self.series, &last.point, &point, filled));
        let points = between.into_iter().flatten().chain([point]);
        newest.extend(points.map(|point| Kept { point, expected: None, times: 1 }));
        newest.iter_mut().next_back().into_iter().for_each(|kept| kept.times = times);
        while newest.len() > self.series.window {
            newest.pop_front();
        }
        let waits_for = self.series.window - newest.len();
        let window = if waits_for > 0 {
            Err(waits_for)
        } else {
            Ok(Box::new(self.window(&group, Kept::values)?))
        };
        Ok(Watched { stamp, group, anew, carried, filled, window })
    }

    /// Counts a point, and forgets the half of the series that has been silent the longest, where there
    /// are too many: whoever names a new one with each point must not take all memory.
    fn count(&mut self) {
        self.points += 1;
        if self.machines.len() < MOST {
            return;
        }
        if !std::mem::replace(&mut self.too_many, true) {
            let advice = "those that were silent the longest begin anew; share them among several of these commands";
            show::say(&format!("warning: more than {MOST} series: {advice}"));
        }
        let mut last: Vec<u64> = self.machines.values().map(|machine| machine.last).collect();
        let (_, middle, _) = last.select_nth_unstable(MOST / 2);
        let middle = *middle;
        self.machines.retain(|_, machine| machine.last > middle);
    }

    /// The newest points of a series.
    fn newest(&self, group: &str) -> impl Iterator<Item = &Kept> {
        self.machines.get(group).into_iter().flat_map(|machine| &machine.newest)
    }

    /// The newest window, with what was expected in the place of points that were odd by themselves;
    /// none where there are none of these.
    pub(crate) fn settled(&self, group: &str) -> Result<Option<Dataset>> {
        let any = self.newest(group).any(|kept| kept.expected.is_some());
        any.then(|| self.window(group, Kept::settled)).transpose()
    }

    /// Keeps what was expected in the place of the newest point, by its channels; with none, the point
    /// stays as it is.
    pub(crate) fn expect(&mut self, group: &str, channels: Option<&[f64]>) {
        let machine = self.machines.get_mut(group);
        let Some(kept) = machine.and_then(|machine| machine.newest.back_mut()) else { return };
        kept.expected = channels.map(|channels| {
            let mut values = kept.point.values.clone();
            values.iter_mut().zip(channels).for_each(|(value, expected)| *value = *expected);
            values
        });
    }

    fn window(&self, group: &str, values: fn(&Kept) -> &[f64]) -> Result<Dataset> {
        let (stamps, values): (Vec<String>, Vec<&[f64]>) =
            self.newest(group).map(|kept| (kept.point.stamp.clone(), values(kept))).unzip();
        let shape = self.model.signature().shape.clone();
        let mut data = Dataset::new("row", shape, Values::F64(values.concat()))?;
        data.windows = Some(Windows {
            length: stamps.len(),
            stamps,
            groups: None,
            labels: None,
            starts: vec![0],
            series: self.series.clone(),
        });
        Ok(data)
    }
}

/// Puts the values of the point before in the place of those that a point does not have, where the
/// model was trained on gaps that were filled; gives the columns. `empty` counts for each how many
/// points in a row had none.
///
/// An error where there is nothing to put in, or has been nothing else for a window.
fn carry(
    series: &Series,
    point: &mut Point,
    last: Option<&[f64]>,
    empty: &mut Vec<usize>,
) -> Result<Vec<String>> {
    empty.resize(series.channels.len(), 0);
    let (mut from, mut carried) = (0, Vec::new());
    for (at, channel) in series.channels.iter().enumerate() {
        let places = from..from + channel.width();
        from = places.end;
        if !point.missing.contains(&at) {
            empty[at] = 0;
            continue;
        }
        empty[at] += 1;
        let last = last.filter(|_| series.gaps == Some(Gaps::Fill) && empty[at] < series.window);
        let Some(last) = last else {
            return Err(Error::data(
                &channel.name,
                "has no value; the window begins anew behind it",
            ));
        };
        point.values[places.clone()].copy_from_slice(&last[places]);
        carried.push(channel.name.clone());
    }
    Ok(carried)
}

/// The values of a point for one that comes at the same time as the point before.
fn merged(how: Duplicates, before: &Kept, point: &Point) -> Vec<f64> {
    let times = before.times as f64;
    let one = |(before, now): (&f64, &f64)| match how {
        Duplicates::First => *before,
        Duplicates::Last | Duplicates::Mean if now.is_nan() => *before,
        Duplicates::Last => *now,
        Duplicates::Mean => (times * before + now) / (times + 1.0),
    };
    before.values().iter().zip(&point.values).map(one).collect()
}

/// How many points are missing between the last one and this one, where the model was trained on gaps
/// that were filled, and these are shorter than a window.
fn missing_points(series: &Series, last: Option<i128>, step: Option<i128>, point: &Point) -> usize {
    let (Some(last), Some(step), Some(time)) = (last, step, point.time) else { return 0 };
    let steps = (time - last) as f64 / step.max(1) as f64;
    let whole = (steps - steps.round()).abs() < UNEVEN;
    let missing = (steps.round().max(1.0) - 1.0) as usize;
    let fills = series.gaps == Some(Gaps::Fill) && whole && missing < series.window;
    if fills { missing } else { 0 }
}

/// Points on the straight line between two, so many, as a training that fills gaps puts them there.
fn between(series: &Series, last: &Point, next: &Point, count: usize) -> Vec<Point> {
    let (Some(from), Some(to)) = (last.time, next.time) else { return Vec::new() };
    let cycles = series.cycles();
    let measured = next.values.len() - (2 * cycles.len()).min(next.values.len());
    let of = |place: usize| {
        let part = place as f64 / (count + 1) as f64;
        let time = from + (to - from) * place as i128 / (count as i128 + 1);
        let line = last.values.iter().zip(&next.values).map(|(a, b)| a + part * (b - a));
        let phases = cycles.iter().flat_map(|cycle| cycle.phase(time));
        let mut point = next.clone();
        point.time = Some(time);
        point.stamp = String::new();
        // As they are in training: in single precision.
        point.values =
            line.take(measured).chain(phases.map(|wave| f64::from(wave as f32))).collect();
        point
    };
    (1..=count).map(of).collect()
}

/// Why a point does not follow the last one; none where it does, or where there is none.
fn begins_anew(last: Option<i128>, step: Option<i128>, point: &Point) -> Option<String> {
    let passed = point.time? - last?;
    if passed <= 0 {
        return Some("it is no later than the point before".into());
    }
    let step = step?;
    let far = passed as f64 > GAP * step as f64;
    let span = |nanos: i128| Span { nanos: i64::try_from(nanos).unwrap_or(i64::MAX) };
    let near = (passed as f64) * GAP < step as f64;
    (far || near)
        .then(|| format!("it comes {} after the point before, others {}", span(passed), span(step)))
}
