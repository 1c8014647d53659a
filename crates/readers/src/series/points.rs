//! Points in time: sorted, merged, without gaps.

use crate::hold::sink::Sink;
use crate::series::grid::Grid;
use crate::stamps::instants;
use rows::calendar::date_time;
use rows::{Cycle, Dataset, Duplicates, Error, Gaps, Message, Result, Series, Span, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A column that names series has at least so many rows for each of its values.
const FEW_SERIES: usize = 2;
/// Columns that are tried at most whether they tell series apart.
const CANDIDATES: usize = 12;
/// Names of columns that hold a part of the time.
const TIMES: [&str; 7] = ["period", "quarter", "month", "week", "day", "hour", "minute"];
/// Steps that differ by this factor are others.
const OTHER: f64 = 1.5;
/// Numbers that are put away at a time.
const PIECE: usize = 1 << 17;

/// Where a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The series, of several in one file, by the order in which they appear.
    pub(crate) group: usize,
    /// Nanoseconds since 1970; the number of the point where there are no stamps.
    pub(crate) time: i128,
}

/// Points of one or several series: their times where they have any, and their numbers.
pub(crate) struct Points {
    /// Ascending once sorted out.
    pub(crate) keys: Vec<Key>,
    /// [points, channels]
    pub(crate) values: PointNumbers,
    pub(crate) channels: usize,
    /// Whether the times are those of stamps.
    pub(crate) stamped: bool,
    /// The names of the series, where there are several.
    pub(crate) groups: Vec<String>,
    /// One for each point, where the table has labels.
    pub(crate) labels: Option<Vec<String>>,
}

/// Points that follow each other.
pub(crate) struct Runs {
    /// As ranges of points.
    pub(crate) of: Vec<Range<usize>>,
    /// The time from one point to the next, where they have time stamps.
    pub(crate) step: Option<Span>,
    /// How many gaps were too long to be filled.
    pub(crate) long: usize,
}

/// The numbers of points: those of the table as they are held, until something must change.
pub(crate) enum PointNumbers {
    /// As they were read, in memory or on disk.
    Read(Store),
    /// Sorted, merged or filled in.
    Changed(Vec<f64>),
}

impl PointNumbers {
    /// The numbers, to be changed.
    fn changed(&mut self) -> Result<&mut Vec<f64>> {
        if let Self::Read(store) = self {
            let values = store.clone().load()?;
            *self = Self::Changed((0..values.len()).map(|at| values.get(at)).collect());
        }
        match self {
            Self::Changed(values) => Ok(values),
            Self::Read(_) => Err(Error::data("points", "cannot be changed; read them again")),
        }
    }

    /// The numbers, which nothing changes any more, in at most `memory` bytes of memory where they
    /// were changed.
    pub(crate) fn held(self, place: &str, memory: Option<u64>) -> Result<Store> {
        match self {
            Self::Read(store) => Ok(store),
            Self::Changed(values) => {
                let mut sink = Sink::new(place, memory, values.len());
                for piece in values.chunks(PIECE) {
                    sink.room(piece.len())?;
                    sink.extend(piece.iter().copied());
                }
                sink.finish()
            }
        }
    }
}

impl Points {
    /// The points of a table of channels in the order of their times, and what the user should know
    /// of these; `groups` tell several series apart.
    pub(crate) fn read(
        data: &Dataset,
        values: PointNumbers,
        channels: usize,
        groups: Option<&[String]>,
        gaps: Option<Gaps>,
    ) -> Result<(Self, Vec<Message>)> {
        let (times, doubt) = match &data.ids {
            Some(stamps) => instants(stamps, &data.notation)
                .map_err(|row| unreadable(data, row, &stamps[row]))?,
            None => (counted(data.rows(), groups), None),
        };
        let (mut known, mut names) = (BTreeMap::new(), Vec::new());
        let mut group = |row: usize| {
            let Some(groups) = groups else { return 0 };
            *known.entry(groups[row].as_str()).or_insert_with(|| {
                names.push(groups[row].clone());
                names.len() - 1
            })
        };
        let keys = times.into_iter().enumerate();
        let keys: Vec<Key> = keys.map(|(row, time)| Key { group: group(row), time }).collect();
        let (stamped, labels) = (data.ids.is_some(), data.labels.clone());
        let mut points = Self { keys, values, channels, stamped, groups: names, labels };
        let goes_back = points.goes_back();
        if !points.keys.is_sorted() {
            points.sort()?;
        }
        if data.survey()?.missing.count > 0 {
            match gaps {
                Some(Gaps::Fill) => points.interpolate()?,
                _ => points.drop_incomplete()?,
            }
        }
        let why = "the rows are not in the order of their time stamps, and were sorted by them";
        let sorted = goes_back.then(|| Message::from(why));
        Ok((points, sorted.into_iter().chain(doubt).collect()))
    }

    /// Whether a point of some series comes behind a later one of the same.
    fn goes_back(&self) -> bool {
        let mut last = BTreeMap::new();
        self.keys.iter().any(|key| {
            let before = last.insert(key.group, key.time);
            before.is_some_and(|before| before > key.time)
        })
    }

    /// Ranges of the points of one series each.
    fn of_groups(&self) -> Vec<Range<usize>> {
        let mut from = 0;
        let same = self.keys.chunk_by(|a, b| a.group == b.group);
        same.map(|group| {
            from += group.len();
            from - group.len()..from
        })
        .collect()
    }

    /// Puts numbers on the straight line between their neighbours in time where a channel has no
    /// value; before the first and behind the last stands the nearest.
    fn interpolate(&mut self) -> Result<()> {
        let (channels, groups) = (self.channels, self.of_groups());
        let times: Vec<f64> = self.keys.iter().map(|key| key.time as f64).collect();
        let values = self.values.changed()?;
        for group in groups {
            for channel in 0..channels {
                interpolate(&times, group.clone(), values, &|point| point * channels + channel);
            }
        }
        if values.iter().any(|value| value.is_nan()) {
            // A series without any value in a channel has nothing to interpolate.
            return self.drop_incomplete();
        }
        Ok(())
    }

    /// Leaves points out that have no value in some channel.
    fn drop_incomplete(&mut self) -> Result<()> {
        let channels = self.channels;
        let values = self.values.changed()?;
        let whole = |point: &usize| {
            values[point * channels..][..channels].iter().all(|value| !value.is_nan())
        };
        let kept: Vec<usize> = (0..self.keys.len()).filter(whole).collect();
        self.take(&kept)
    }

    /// Orders the points by series and time; those of one time keep their order.
    fn sort(&mut self) -> Result<()> {
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by_key(|row| self.keys[*row]);
        self.take(&order)
    }

    /// Keeps these points, in this order.
    fn take(&mut self, kept: &[usize]) -> Result<()> {
        let channels = self.channels;
        let values = self.values.changed()?;
        let point = |point: &usize| &values[point * channels..][..channels];
        *values = kept.iter().map(point).collect::<Vec<_>>().concat();
        self.keys = kept.iter().map(|point| self.keys[*point]).collect();
        let labels = self.labels.take();
        self.labels =
            labels.map(|labels| kept.iter().map(|point| labels[*point].clone()).collect());
        Ok(())
    }

    /// Makes one point of each time, by spans where the series is resampled.
    pub(crate) fn merge(
        &mut self,
        data: &Dataset,
        groups: Option<&[String]>,
        series: &Series,
    ) -> Result<()> {
        if let (Some(_), false) = (series.resample, self.stamped) {
            return Err(Error::setting(
                "resample",
                "given",
                Message::from("a column of time stamps, named by ").setting("time"),
            ));
        }
        if let Some(Span { nanos }) = series.resample {
            let nanos = i128::from(nanos);
            self.keys.iter_mut().for_each(|key| key.time = key.time.div_euclid(nanos) * nanos);
        }
        let repeated: Vec<usize> =
            (1..self.keys.len()).filter(|row| self.keys[*row] == self.keys[row - 1]).collect();
        let how = match (series.resample, series.duplicates) {
            (Some(_), None) => Duplicates::Mean,
            (None, _) if repeated.is_empty() => return Ok(()),
            (_, Some(how)) => how,
            (None, None) => return Err(self.repeated(data, groups, &repeated)),
        };
        let channels = self.channels;
        let common = self.labels.as_deref().map(counts).unwrap_or_default();
        let points = self.values.changed()?;
        let (mut keys, mut values, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let mut from = 0;
        for same in self.keys.chunk_by(|a, b| a == b) {
            let rows = &points[from * channels..][..same.len() * channels];
            keys.push(same[0]);
            let channel = |channel: usize| {
                let mut numbers = rows.iter().skip(channel).step_by(channels);
                match how {
                    Duplicates::Mean => numbers.sum::<f64>() / same.len() as f64,
                    Duplicates::First => *numbers.next().unwrap_or(&f64::NAN),
                    Duplicates::Last => *numbers.next_back().unwrap_or(&f64::NAN),
                }
            };
            values.extend((0..channels).map(channel));
            if let Some(all) = &self.labels {
                // An anomaly is rarer than what it lies among.
                let rarest = all[from..][..same.len()].iter().min_by_key(|label| common[*label]);
                labels.extend(rarest.cloned());
            }
            from += same.len();
        }
        self.labels = self.labels.is_some().then_some(labels);
        (self.keys, self.values) = (keys, PointNumbers::Changed(values));
        Ok(())
    }

    /// That time stamps are repeated, and what helps.
    fn repeated(&self, data: &Dataset, groups: Option<&[String]>, repeated: &[usize]) -> Error {
        let stamp = date_time(self.keys[repeated[0]].time);
        let rows = repeated.len();
        let what = format!("the time stamp {stamp} is repeated (such rows in all: {rows})");
        if self.put_back(repeated) {
            let back = Message::from(format!("{what}, as where a clock was put back; choose "));
            let message = back.set("duplicates", "mean").text(", and ").set("gaps", "fill");
            let put_on = message.text(" for the hour that it leaves out where it is put on");
            return Error::data(&data.name, put_on);
        }
        let back = Message::from(format!("{what}; choose "));
        let telling = telling_apart(data, groups);
        let message = match telling.as_slice() {
            [] => back,
            [name] if groups.is_some() => {
                let more = back.text("beside the columns that tell series apart ");
                more.set("group", name).text(", with which no stamp is repeated, or ")
            }
            [name] => back.set("group", name).text(", which tells series apart, or "),
            [first, second] => {
                let both = back.set("group", first).text(" ").set("group", second);
                both.text(", which together tell series apart, or ")
            }
            _ => back,
        };
        let message = message.set("duplicates", "mean").text(", first or last");
        Error::data(&data.name, message)
    }

    /// Whether the repeated points are those of a night in which clocks are put back: a Sunday in
    /// April, October or November.
    fn put_back(&self, repeated: &[usize]) -> bool {
        let night = |row: &usize| {
            let time = self.keys[*row].time;
            let text = |cycle: Cycle| cycle.field().text(cycle.place(cycle.phase(time)));
            text(Cycle::Week) == "Sunday"
                && ["April", "October", "November"].contains(&text(Cycle::Year).as_str())
                && text(Cycle::Day).as_str() < "04:00"
        };
        self.stamped && repeated.iter().all(night)
    }

    /// Stretches without a gap; missing points are put in where gaps are filled.
    pub(crate) fn runs(&mut self, data: &Dataset, series: &Series) -> Result<Runs> {
        let groups = self.of_groups();
        let times: Vec<Vec<i128>> = groups
            .iter()
            .map(|group| self.keys[group.clone()].iter().map(|key| key.time).collect())
            .collect();
        let Some(grid) = Grid::of(&times, series.resample, self.stamped) else {
            return Ok(Runs { of: groups, step: None, long: 0 });
        };
        let step = self.stamped.then(|| grid.usual());
        let known = series.step.zip(step);
        if let Some(other) = known.and_then(|(known, own)| other_step(known, own)) {
            return Err(Error::data(&data.name, other));
        }
        let distances = grid.distances(&times).map_err(|odd| {
            let time = date_time(odd.time);
            let (found, usual) = (odd.step, grid.usual());
            let irregular = Message::from(format!(
                "its time stamps are irregular: {time} comes {found} after the one before, others {usual}; choose "
            ));
            let advice = irregular.set("resample", usual.rounded());
            // Spans in which no point lies are gaps.
            Error::data(&data.name, advice.text(" and ").set("gaps", "fill"))
        })?;
        let gaps: Vec<usize> = (0..distances.len()).filter(|row| distances[*row] > 1).collect();
        match series.gaps {
            _ if gaps.is_empty() => return Ok(Runs { of: groups, step, long: 0 }),
            None => {
                let missing: i128 = gaps.iter().map(|row| distances[*row] - 1).sum();
                let gap =
                    if gaps.len() == 1 { "1 gap".into() } else { format!("{} gaps", gaps.len()) };
                let holes = Message::from(format!(
                    "points are missing after {} ({missing} in {gap}); choose ",
                    date_time(self.keys[gaps[0] - 1].time),
                ));
                let split = holes.set("gaps", "split").text(", where a gap ends a window, or ");
                return Err(Error::data(&data.name, split.set("gaps", "fill")));
            }
            // A window that is nothing but a line between its ends would tell nothing.
            Some(Gaps::Fill) => {
                let cuts = self.fill(data, &grid, &distances, series.window)?;
                let long = cuts.len();
                return Ok(Runs { of: self.between(cuts), step, long });
            }
            Some(Gaps::Split) => {}
        }
        Ok(Runs { of: self.between(gaps), step, long: 0 })
    }

    /// Ranges of the points of one series each that follow each other but at these places.
    fn between(&self, gaps: Vec<usize>) -> Vec<Range<usize>> {
        let groups = self.of_groups();
        let mut cuts: Vec<usize> = groups.iter().map(|group| group.start).chain(gaps).collect();
        cuts.sort_unstable();
        let ends = cuts.iter().skip(1).copied().chain([self.keys.len()]);
        cuts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    /// Puts points in where one comes several steps after the one before, on a straight line, but not as
    /// many as a window has; gives the places of points behind longer gaps.
    fn fill(
        &mut self,
        data: &Dataset,
        grid: &Grid,
        distances: &[i128],
        window: usize,
    ) -> Result<Vec<usize>> {
        let is_long = |distance: i128| distance > window as i128;
        let filled = distances.iter().filter(|distance| !is_long(**distance));
        let count: i128 = filled.map(|distance| (*distance).max(1)).sum();
        // With a long window a stamp of a wrong century would ask for billions of points.
        if count > 100 * self.keys.len() as i128 {
            let message = Message::from(format!(
                "filling its gaps takes {count} points for {}; choose ",
                self.keys.len()
            ))
            .set("gaps", "split")
            .text(", or correct its time stamps");
            return Err(Error::data(&data.name, message));
        }
        let channels = self.channels;
        let points = self.values.changed()?;
        let (mut keys, mut values, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let mut longer = Vec::new();
        for at in 0..self.keys.len() {
            let row = &points[at * channels..][..channels];
            let long = is_long(distances[at]);
            if long {
                longer.push(keys.len());
            }
            let missing = if long { 1 } else { distances[at] };
            for place in 1..missing {
                let before = &points[(at - 1) * channels..][..channels];
                let time = grid.after(self.keys[at - 1].time, place);
                keys.push(Key { time, ..self.keys[at] });
                let part = place as f64 / missing as f64;
                values.extend(before.iter().zip(row).map(|(a, b)| a + part * (b - a)));
                if let Some(all) = &self.labels {
                    let same = all[at] == all[at - 1];
                    labels.push(if same { all[at].clone() } else { String::new() });
                }
            }
            keys.push(self.keys[at]);
            values.extend_from_slice(row);
            labels.extend(self.labels.iter().map(|all| all[at].clone()));
        }
        self.labels = self.labels.is_some().then_some(labels);
        (self.keys, self.values) = (keys, PointNumbers::Changed(values));
        Ok(longer)
    }
}

/// That points lie further apart than those of a model's training, or nearer: its windows would all be
/// anomalies.
fn other_step(known: Span, own: Span) -> Option<Message> {
    let ratio = own.nanos as f64 / known.nanos.max(1) as f64;
    let looks = format!("points are {own} apart, those of the training {known}");
    if ratio > OTHER {
        let why = "; a window spans other lengths of time than the model knows, so train one on such points";
        return Some(Message::from(looks + why));
    }
    let finer = Message::from(looks + "; choose ").set("resample", known);
    (ratio * OTHER < 1.0).then(|| finer.text(", which averages them over such spans"))
}

/// Interpolates one channel of one series; `place` is that of a point's number.
fn interpolate(
    times: &[f64],
    points: Range<usize>,
    values: &mut [f64],
    place: &dyn Fn(usize) -> usize,
) {
    let known: Vec<usize> =
        points.clone().filter(|point| !values[place(*point)].is_nan()).collect();
    let mut next = 0;
    for point in points {
        if !values[place(point)].is_nan() {
            continue;
        }
        while known.get(next).is_some_and(|known| *known < point) {
            next += 1;
        }
        let before = next.checked_sub(1).map(|at| known[at]);
        values[place(point)] = match (before, known.get(next).copied()) {
            (Some(before), Some(after)) => {
                let part = (times[point] - times[before]) / (times[after] - times[before]).max(1.0);
                let (a, b) = (values[place(before)], values[place(after)]);
                a + part * (b - a)
            }
            (Some(near), None) | (None, Some(near)) => values[place(near)],
            (None, None) => f64::NAN,
        };
    }
}

fn counts(labels: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label.clone()).or_insert(0) += 1;
    }
    counts
}

/// The number of each row, among those of its own series where there are several.
fn counted(rows: usize, groups: Option<&[String]>) -> Vec<i128> {
    let mut counts = BTreeMap::new();
    let mut number = |row: usize| {
        let group = groups.map(|groups| groups[row].as_str());
        let count = counts.entry(group).or_insert(-1);
        *count += 1;
        *count
    };
    (0..rows).map(&mut number).collect()
}

/// The column, or the two, by which no time stamp of a group is repeated; none where there are none.
fn telling_apart(data: &Dataset, groups: Option<&[String]>) -> Vec<String> {
    let width = data.features();
    let (Some(stamps), Ok(values)) = (data.ids.as_ref(), data.gather(0..data.rows())) else {
        return Vec::new();
    };
    let bits = |row: usize, column: usize| values.get(row * width + column).to_bits();
    let telling = |columns: &[usize]| {
        let group = |row: usize| groups.map(|groups| groups[row].as_str());
        let key = |row: usize| columns.iter().map(|of| bits(row, *of)).collect();
        let mut rows: Vec<(Vec<u64>, _, &str)> = stamps
            .iter()
            .enumerate()
            .map(|(row, at)| (key(row), group(row), at.as_str()))
            .collect();
        rows.sort_unstable();
        rows.windows(2).all(|pair| pair[0] != pair[1])
    };
    // Categories, or whole numbers of which there are few.
    let names_series = |column: &usize| {
        let numbers: BTreeSet<u64> = (0..data.rows()).map(|row| bits(row, *column)).collect();
        let whole = numbers.iter().all(|bits| f64::from_bits(*bits).fract() == 0.0);
        whole && FEW_SERIES * numbers.len() <= data.rows()
    };
    // Quarters beside years are parts of the time.
    let is_time = |column: &usize| {
        let name = data.column_name(*column).to_lowercase();
        TIMES.iter().any(|time| name == *time)
    };
    let candidates = (0..width).filter(names_series).filter(|column| !is_time(column));
    let candidates: Vec<usize> = candidates.take(CANDIDATES).collect();
    let pairs = candidates
        .iter()
        .enumerate()
        .flat_map(|(at, first)| candidates[at + 1..].iter().map(|second| vec![*first, *second]));
    let mut all = candidates.iter().map(|column| vec![*column]).chain(pairs);
    let found = all.find(|columns| telling(columns)).unwrap_or_default();
    found.into_iter().map(|column| data.column_name(column)).collect()
}

fn unreadable(data: &Dataset, row: usize, stamp: &str) -> Error {
    Error::data(
        &data.name,
        Message::from(format!(
            "row {} has {stamp:?} for a time stamp; wanted a date like 2024-01-31, 2024-01-31 12:30:00 or 31.01.2024, or seconds since 1970; how others are written is told by ",
            row + 1
        ))
        .setting("date_format"),
    )
}
