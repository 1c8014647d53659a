//! Points of a series that come one by one: the newest window of each machine.

use crate::commands::lines::Cells;
use autoencoders::data::{
    Dataset, Gaps, Notation, Point, Series, Span, Values, Windows, one_name, read_point,
};
use autoencoders::{Error, Model, Result};
use std::collections::{BTreeMap, VecDeque};

/// A step this much longer or shorter than others is none of theirs.
const GAP: f64 = 1.5;

/// The newest points of each series, as many as a window has.
pub(crate) struct Watch<'a> {
    model: &'a Model,
    series: &'a Series,
    notation: Notation,
    newest: BTreeMap<String, VecDeque<Point>>,
    /// The last step of each series from one point to the next, where the model knows none.
    steps: BTreeMap<String, i128>,
    /// How many points in a row each channel of a series had no value, by its column.
    empty: BTreeMap<String, Vec<usize>>,
}

/// What is known once a point has come.
pub(crate) struct Watched {
    /// Its time stamp and, where there are several series, its own.
    pub(crate) stamp: String,
    pub(crate) group: Option<String>,
    /// Why the window begins anew with it, where it does.
    pub(crate) anew: Option<String>,
    /// The columns in which it had no value, and stands for the point before.
    pub(crate) carried: Vec<String>,
    /// The window that it completes; else how many points are still missing.
    pub(crate) window: std::result::Result<Box<Dataset>, usize>,
}

impl<'a> Watch<'a> {
    /// None for a model that knows no columns of a series, as earlier ones do.
    pub(crate) fn of(model: &'a Model, notation: &Notation) -> Option<Self> {
        let series = model.signature().series.as_ref()?;
        let named = series.channels.iter().all(|channel| !channel.name.is_empty());
        // A model file may say anything of its windows.
        (named && !series.channels.is_empty() && series.window > 1).then(|| Self {
            model,
            series,
            notation: notation.clone(),
            newest: BTreeMap::new(),
            steps: BTreeMap::new(),
            empty: BTreeMap::new(),
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
        let cell = |name: &str| {
            let place = names.iter().position(|known| known == name);
            let in_order = place.and_then(|at| ordered.get(at)).cloned();
            cells.get(name).map(str::to_owned).or(in_order)
        };
        let point = read_point(self.series, &self.notation, &cell);
        let mut point = point.inspect_err(|_| {
            let names = self.series.group.iter().filter_map(|of| cell(of));
            self.newest.remove(&one_name(names).unwrap_or_default());
        })?;
        let (stamp, group) = (point.stamp.clone(), point.group.clone());
        let newest = self.newest.entry(group.clone()).or_default();
        let last = newest.back().and_then(|point| point.time);
        let step = self.series.step.map(|step| i128::from(step.nanos));
        let anew = begins_anew(last, step.or(self.steps.get(&group).copied()), &point);
        match (&anew, last, point.time) {
            (Some(_), ..) => newest.clear(),
            (None, Some(last), Some(time)) => {
                self.steps.insert(group.clone(), time - last);
            }
            _ => {}
        }
        let empty = self.empty.entry(group.clone()).or_default();
        let carried = carry(self.series, &mut point, newest.back(), empty);
        let carried = carried.inspect_err(|_| newest.clear())?;
        newest.push_back(point);
        while newest.len() > self.series.window {
            newest.pop_front();
        }
        let missing = self.series.window - newest.len();
        let window = if missing > 0 { Err(missing) } else { Ok(Box::new(self.window(&group)?)) };
        let group = (!self.series.group.is_empty()).then_some(group);
        Ok(Watched { stamp, group, anew, carried, window })
    }

    fn window(&self, group: &str) -> Result<Dataset> {
        let points = self.newest.get(group).into_iter().flatten();
        let (stamps, values): (Vec<String>, Vec<Vec<f64>>) =
            points.map(|point| (point.stamp.clone(), point.values.clone())).unzip();
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
    last: Option<&Point>,
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
        point.values[places.clone()].copy_from_slice(&last.values[places]);
        carried.push(channel.name.clone());
    }
    Ok(carried)
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
