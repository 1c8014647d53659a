//! Points of a series that come one by one: the newest window of each machine.

use crate::commands::lines::Cells;
use autoencoders::data::{Dataset, Point, Series, Values, Windows, read_point};
use autoencoders::{Model, Result};
use std::collections::{BTreeMap, VecDeque};

/// A step this much longer than the one before it is a gap.
const GAP: f64 = 1.5;

/// The newest points of each series, as many as a window has.
pub(crate) struct Watch<'a> {
    model: &'a Model,
    series: &'a Series,
    newest: BTreeMap<String, VecDeque<Point>>,
    /// The last step of each series from one point to the next.
    steps: BTreeMap<String, i128>,
}

/// What is known once a point has come.
pub(crate) struct Watched {
    /// Its time stamp and, where there are several series, its own.
    pub(crate) stamp: String,
    pub(crate) group: Option<String>,
    /// Why the window begins anew with it, where it does.
    pub(crate) anew: Option<&'static str>,
    /// The window that it completes; else how many points are still missing.
    pub(crate) window: std::result::Result<Box<Dataset>, usize>,
}

impl<'a> Watch<'a> {
    /// None for a model that knows no columns of a series, as earlier ones do.
    pub(crate) fn of(model: &'a Model) -> Option<Self> {
        let series = model.signature().series.as_ref()?;
        let named = series.channels.iter().all(|channel| !channel.name.is_empty());
        // A model file may say anything of its windows.
        (named && !series.channels.is_empty() && series.window > 1).then(|| Self {
            model,
            series,
            newest: BTreeMap::new(),
            steps: BTreeMap::new(),
        })
    }

    /// Takes a point. A gap, or a point without a value, begins a window anew.
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
            Cells::Named(_) => Vec::new(),
            Cells::Ordered(_) => cells.in_order(&names)?,
        };
        let cell = |name: &str| {
            let place = names.iter().position(|known| known == name);
            let in_order = place.and_then(|at| ordered.get(at)).cloned();
            cells.get(name).map(str::to_owned).or(in_order)
        };
        let point = read_point(self.series, &self.model.signature().notation, &cell);
        let point = point.inspect_err(|_| {
            let names: Vec<String> = self.series.group.iter().filter_map(|of| cell(of)).collect();
            self.newest.remove(&names.join(" "));
        })?;
        let (stamp, group) = (point.stamp.clone(), point.group.clone());
        let newest = self.newest.entry(group.clone()).or_default();
        let last = newest.back().and_then(|point| point.time);
        let anew = begins_anew(last, self.steps.get(&group), &point);
        match (anew, last, point.time) {
            (Some(_), ..) => newest.clear(),
            (None, Some(last), Some(time)) => {
                self.steps.insert(group.clone(), time - last);
            }
            _ => {}
        }
        newest.push_back(point);
        while newest.len() > self.series.window {
            newest.pop_front();
        }
        let missing = self.series.window - newest.len();
        let window = if missing > 0 { Err(missing) } else { Ok(Box::new(self.window(&group)?)) };
        Ok(Watched { stamp, group: (!self.series.group.is_empty()).then_some(group), anew, window })
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

/// Why a point does not follow the last one; none where it does, or where there is none.
fn begins_anew(last: Option<i128>, step: Option<&i128>, point: &Point) -> Option<&'static str> {
    let passed = point.time? - last?;
    if passed <= 0 {
        return Some("it is no later than the point before");
    }
    let gap = step.is_some_and(|step| passed as f64 > GAP * *step as f64);
    gap.then_some("a gap lies before it")
}
