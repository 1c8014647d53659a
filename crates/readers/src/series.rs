//! From a table of points in time to windows.

use crate::hold::sink::Sink;
use crate::stamps::instants;
use rows::calendar::date_time;
use rows::{
    Dataset, Duplicates, Error, Gaps, Message, Result, Series, Shape, Span, Store, View, Windows,
};

/// Numbers that are put away at a time.
const PIECE: usize = 1 << 17;

/// Points of a series: their times where they have any, and their numbers.
struct Points {
    /// Nanoseconds since 1970, ascending once sorted out; the numbers of the points where there are
    /// no stamps.
    times: Vec<i128>,
    /// [points, channels]
    values: PointNumbers,
    channels: usize,
    /// Whether the times are those of stamps.
    stamped: bool,
}

/// The numbers of points: those of the table as they are held, until something must change.
enum PointNumbers {
    /// As they were read, in memory or on disk.
    Read(Store),
    /// Sorted, merged or filled in.
    Changed(Vec<f64>),
}

/// Cuts windows out of a table of points; stamps are its identifiers.
///
/// The windows are a view of the points, which may overlap: they take no memory of their own, and
/// points that are on disk stay there, unless they must be sorted, merged or filled in. Points
/// that were changed are left in at most `memory` bytes of memory.
pub(crate) fn windows(data: &Dataset, series: &Series, memory: Option<u64>) -> Result<Dataset> {
    let fail = |message: Message| Err(Error::data(&data.name, message));
    if !matches!(data.shape, Shape::Flat { .. }) {
        return fail("holds rows that are no points of a table; windows are cut out of a table with one row a point".into());
    }
    if series.window < 2 || series.stride < 1 {
        return Err(Error::setting(
            "window",
            format!("{} with stride {}", series.window, series.stride),
            "at least 2 points, and a stride of at least 1",
        ));
    }
    let (mut points, noticed) = Points::read(data, series.gaps)?;
    points.merge(data, series)?;
    let runs = points.runs(data, series)?;
    let starts: Vec<usize> = runs
        .iter()
        .flat_map(|run| {
            (run.start..(run.end + 1).saturating_sub(series.window)).step_by(series.stride)
        })
        .collect();
    let channels = points.channels;
    if starts.is_empty() {
        let longest = runs.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let shorter = Message::from(format!(
            "a window of {} points is longer than the series: its longest stretch without a gap has {longest}; choose a shorter ",
            series.window,
        ))
        .setting("window");
        let torn = runs.len() > 1;
        return fail(if torn { shorter.text(", or ").set("gaps", "fill") } else { shorter });
    }
    let shape = Shape::Series { length: series.window, channels };
    let view = View {
        of: points.values.held(&data.name, memory)?,
        width: channels,
        starts: starts.clone(),
        points: series.window,
    };
    let mut windows = Dataset::new(data.name.clone(), shape, Store::elsewhere(view))?;
    let stamps: Vec<String> = if points.stamped {
        points.times.iter().map(|time| date_time(*time)).collect()
    } else {
        points.times.iter().map(i128::to_string).collect()
    };
    windows.ids = Some(starts.iter().map(|start| stamps[*start].clone()).collect());
    windows.channels.clone_from(&data.columns);
    windows.warnings.clone_from(&data.warnings);
    windows.warnings.extend(noticed);
    windows.notation.clone_from(&data.notation);
    windows.windows =
        Some(Windows { stamps, starts, length: series.window, series: series.clone() });
    Ok(windows)
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

    /// The numbers, which nothing changes any more.
    fn held(self, place: &str, memory: Option<u64>) -> Result<Store> {
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
    /// The points in the order of their times, and what the user should know of these.
    fn read(data: &Dataset, gaps: Option<Gaps>) -> Result<(Self, Vec<Message>)> {
        let (times, doubt) = match &data.ids {
            Some(stamps) => instants(stamps, &data.notation)
                .map_err(|row| unreadable(data, row, &stamps[row]))?,
            None => ((0..data.rows() as i128).collect(), None),
        };
        let channels = data.features();
        let read = PointNumbers::Read(data.values.clone());
        let mut points = Self { times, values: read, channels, stamped: data.ids.is_some() };
        let sorted = points.times.is_sorted();
        if !sorted {
            points.sort()?;
        }
        if data.survey()?.missing.count > 0 {
            match gaps {
                Some(Gaps::Fill) => points.interpolate()?,
                _ => points.drop_incomplete()?,
            }
        }
        let why = "the rows are not in the order of their time stamps, and were sorted by them";
        let sorted = (!sorted).then(|| Message::from(why));
        Ok((points, sorted.into_iter().chain(doubt).collect()))
    }

    /// Puts numbers on the straight line between their neighbours in time where a channel has no
    /// value; before the first and behind the last stands the nearest.
    fn interpolate(&mut self) -> Result<()> {
        let channels = self.channels;
        let times: Vec<f64> = self.times.iter().map(|time| *time as f64).collect();
        let values = self.values.changed()?;
        for channel in 0..channels {
            let at = |point: usize| point * channels + channel;
            let known: Vec<usize> =
                (0..times.len()).filter(|point| !values[at(*point)].is_nan()).collect();
            let mut next = 0;
            for point in 0..times.len() {
                if !values[at(point)].is_nan() {
                    continue;
                }
                while known.get(next).is_some_and(|known| *known < point) {
                    next += 1;
                }
                let before = next.checked_sub(1).map(|place| known[place]);
                values[at(point)] = match (before, known.get(next).copied()) {
                    (Some(before), Some(after)) => {
                        let part = (times[point] - times[before])
                            / (times[after] - times[before]).max(1.0);
                        values[at(before)] + part * (values[at(after)] - values[at(before)])
                    }
                    (Some(near), None) | (None, Some(near)) => values[at(near)],
                    (None, None) => f64::NAN,
                };
            }
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
        let kept: Vec<usize> = (0..self.times.len()).filter(whole).collect();
        let point = |point: &usize| values[point * channels..][..channels].to_vec();
        let numbers: Vec<f64> = kept.iter().flat_map(point).collect();
        *values = numbers;
        self.times = kept.iter().map(|point| self.times[*point]).collect();
        Ok(())
    }

    /// Orders the points by their times; those of one time keep their order.
    fn sort(&mut self) -> Result<()> {
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|row| self.times[*row]);
        let values = self.values.changed()?;
        let point = |row: &usize| &values[row * self.channels..][..self.channels];
        *values = order.iter().map(point).collect::<Vec<_>>().concat();
        self.times = order.iter().map(|row| self.times[*row]).collect();
        Ok(())
    }

    /// Makes one point of each time, by spans where the series is resampled.
    fn merge(&mut self, data: &Dataset, series: &Series) -> Result<()> {
        if let (Some(_), false) = (series.resample, self.stamped) {
            return Err(Error::setting(
                "resample",
                "given",
                Message::from("a column of time stamps, named by ").setting("time"),
            ));
        }
        if let Some(Span { nanos }) = series.resample {
            self.times
                .iter_mut()
                .for_each(|time| *time = time.div_euclid(i128::from(nanos)) * i128::from(nanos));
        }
        let repeated: Vec<usize> =
            (1..self.times.len()).filter(|row| self.times[*row] == self.times[row - 1]).collect();
        let how = match (series.resample, series.duplicates) {
            (Some(_), None) => Duplicates::Mean,
            (None, _) if repeated.is_empty() => return Ok(()),
            (_, Some(how)) => how,
            (None, None) => {
                return Err(Error::data(
                    &data.name,
                    Message::from(format!(
                        "the time stamp {} is repeated (such rows in all: {}); choose ",
                        date_time(self.times[repeated[0]]),
                        repeated.len()
                    ))
                    .set("duplicates", "mean")
                    .text(", first or last"),
                ));
            }
        };
        let points = self.values.changed()?;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        let mut from = 0;
        for same in self.times.chunk_by(|a, b| a == b) {
            let rows = &points[from * self.channels..][..same.len() * self.channels];
            times.push(same[0]);
            let channel = |channel: usize| {
                let mut numbers = rows.iter().skip(channel).step_by(self.channels);
                match how {
                    Duplicates::Mean => numbers.sum::<f64>() / same.len() as f64,
                    Duplicates::First => *numbers.next().unwrap_or(&f64::NAN),
                    Duplicates::Last => *numbers.next_back().unwrap_or(&f64::NAN),
                }
            };
            values.extend((0..self.channels).map(channel));
            from += same.len();
        }
        (self.times, self.values) = (times, PointNumbers::Changed(values));
        Ok(())
    }

    /// Stretches without a gap, as ranges of points; missing points are put in where gaps are
    /// filled.
    fn runs(&mut self, data: &Dataset, series: &Series) -> Result<Vec<std::ops::Range<usize>>> {
        let steps: Vec<i128> = self.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let step = series.resample.map(|span| i128::from(span.nanos)).or_else(|| usual(&steps));
        let Some(step) = step else {
            let whole = 0..self.times.len();
            return Ok(vec![whole]);
        };
        let fail = |message: Message| Err(Error::data(&data.name, message));
        if let Some(row) = steps.iter().position(|found| found % step != 0) {
            let (odd, usual) = (Span { nanos: steps[row] as i64 }, Span { nanos: step as i64 });
            let irregular = Message::from(format!(
                "its time stamps are irregular: {} comes {odd} after the one before, others {usual}; choose ",
                date_time(self.times[row + 1])
            ));
            let advice = irregular.set("resample", usual.rounded());
            // Spans in which no point lies are gaps.
            return fail(advice.text(" and ").set("gaps", "fill"));
        }
        let gaps: Vec<usize> = (0..steps.len()).filter(|at| steps[*at] > step).collect();
        match series.gaps {
            _ if gaps.is_empty() => {}
            None => {
                let missing: i128 = gaps.iter().map(|at| steps[*at] / step - 1).sum();
                let holes = Message::from(format!(
                    "points are missing after {} ({missing} in {} gaps); choose ",
                    date_time(self.times[gaps[0]]),
                    gaps.len()
                ));
                let split = holes.set("gaps", "split").text(", where a gap ends a window, or ");
                return fail(split.set("gaps", "fill"));
            }
            Some(Gaps::Split) => {}
            Some(Gaps::Fill) => {
                self.fill(data, step)?;
                let whole = 0..self.times.len();
                return Ok(vec![whole]);
            }
        }
        let ends = gaps.iter().map(|at| at + 1).chain([self.times.len()]);
        let starts = std::iter::once(0).chain(gaps.iter().map(|at| at + 1));
        Ok(starts.zip(ends).map(|(start, end)| start..end).collect())
    }

    fn fill(&mut self, data: &Dataset, step: i128) -> Result<()> {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else {
            return Ok(());
        };
        let count = (last - first) / step + 1;
        // A stamp of a wrong century would ask for billions of points.
        if count > 100 * self.times.len() as i128 {
            let message = Message::from(format!(
                "filling its gaps takes {count} points for {}; choose ",
                self.times.len()
            ))
            .set("gaps", "split")
            .text(", or correct its time stamps");
            return Err(Error::data(&data.name, message));
        }
        let points = self.values.changed()?;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for at in 0..self.times.len() {
            let row = &points[at * self.channels..][..self.channels];
            if at > 0 {
                let before = &points[(at - 1) * self.channels..][..self.channels];
                let missing = (self.times[at] - self.times[at - 1]) / step;
                for place in 1..missing {
                    times.push(self.times[at - 1] + place * step);
                    let part = place as f64 / missing as f64;
                    values.extend(before.iter().zip(row).map(|(a, b)| a + part * (b - a)));
                }
            }
            times.push(self.times[at]);
            values.extend_from_slice(row);
        }
        (self.times, self.values) = (times, PointNumbers::Changed(values));
        Ok(())
    }
}

/// The step that most points keep, or the one in the middle where nearly all differ.
fn usual(steps: &[i128]) -> Option<i128> {
    let mut sorted = steps.to_vec();
    sorted.sort_unstable();
    let most = sorted.chunk_by(|a, b| a == b).max_by_key(|same| same.len())?;
    let jitters = sorted.len() >= 10 && most.len() * 10 < sorted.len();
    Some(if jitters { sorted[sorted.len() / 2] } else { most[0] })
}

fn unreadable(data: &Dataset, row: usize, stamp: &str) -> Error {
    Error::data(
        &data.name,
        format!(
            "row {} has {stamp:?} for a time stamp; wanted a date like 2024-01-31, 2024-01-31 12:30:00 or 31.01.2024, or seconds since 1970; how others are written is told by date_format",
            row + 1
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Values;

    fn windows(data: &Dataset, series: &Series) -> Result<Dataset> {
        super::windows(data, series, None)
    }

    fn points(stamps: &[&str], values: &[f64]) -> Dataset {
        let mut data = Dataset::new(
            "t",
            Shape::Flat { width: values.len() / stamps.len() },
            Values::F64(values.to_vec()),
        )
        .unwrap();
        data.ids = Some(stamps.iter().map(|stamp| (*stamp).to_owned()).collect());
        data
    }

    fn series(window: usize) -> Series {
        Series { window, stride: 1, time: None, resample: None, duplicates: None, gaps: None }
    }

    fn minutes(minutes: &[usize]) -> Vec<String> {
        minutes
            .iter()
            .map(|minute| format!("2024-01-01 {:02}:{:02}:00", minute / 60, minute % 60))
            .collect()
    }

    fn at(places: &[usize]) -> Dataset {
        let stamps = minutes(places);
        let values: Vec<f64> = places.iter().map(|place| *place as f64).collect();
        points(&stamps.iter().map(String::as_str).collect::<Vec<_>>(), &values)
    }

    #[test]
    fn windows_hold_points_that_follow_each_other() {
        let windows =
            windows(&at(&[0, 5, 10, 15, 20]), &Series { stride: 2, ..series(3) }).unwrap();
        assert_eq!(
            windows.values.clone().load().ok().as_ref(),
            Some(&Values::F64(vec![0.0, 5.0, 10.0, 10.0, 15.0, 20.0]))
        );
        assert_eq!(windows.shape, Shape::Series { length: 3, channels: 1 });
        assert_eq!(windows.ids.unwrap(), ["2024-01-01 00:00:00", "2024-01-01 00:10:00"]);
    }

    #[test]
    fn a_repeated_stamp_is_refused_and_the_remedy_named() {
        let data = at(&[0, 5, 5, 10]);
        let error = windows(&data, &series(2)).unwrap_err().to_string();
        assert_eq!(
            error,
            "t: the time stamp 2024-01-01 00:05:00 is repeated (such rows in all: 1); choose duplicates = mean, first or last"
        );
        for (how, value) in
            [(Duplicates::Mean, 2.0), (Duplicates::First, 1.0), (Duplicates::Last, 3.0)]
        {
            let data = points(
                &["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"],
                &[0.0, 1.0, 3.0, 9.0],
            );
            let windows = windows(&data, &Series { duplicates: Some(how), ..series(3) }).unwrap();
            assert_eq!(
                windows.values.clone().load().ok().as_ref(),
                Some(&Values::F64(vec![0.0, value, 9.0]))
            );
        }
    }

    #[test]
    fn a_gap_is_refused_ends_a_window_or_is_filled() {
        let data = at(&[0, 5, 10, 25, 30, 35]);
        let error = windows(&data, &series(2)).unwrap_err().to_string();
        assert!(
            error.contains("after 2024-01-01 00:10:00 (2 in 1 gaps); choose gaps = split"),
            "{error}"
        );
        let split = windows(&data, &Series { gaps: Some(Gaps::Split), ..series(3) }).unwrap();
        assert_eq!(split.windows.unwrap().starts, [0, 3]);
        let filled = windows(&data, &Series { gaps: Some(Gaps::Fill), ..series(8) }).unwrap();
        assert_eq!(
            filled.values.clone().load().ok().as_ref(),
            Some(&Values::F64(vec![0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]))
        );
    }

    #[test]
    fn irregular_stamps_are_refused_and_resampled() {
        let data = at(&[0, 5, 10, 13, 20, 25]);
        let error = windows(&data, &series(2)).unwrap_err().to_string();
        assert!(
            error.contains("comes 3min after the one before, others 5min; choose resample = 5min and gaps = fill"),
            "{error}"
        );
        let resampled =
            windows(&data, &Series { resample: Some("10min".parse().unwrap()), ..series(3) })
                .unwrap();
        assert_eq!(
            resampled.values.clone().load().ok().as_ref(),
            Some(&Values::F64(vec![2.5, 11.5, 22.5]))
        );
    }

    #[test]
    fn a_window_longer_than_the_series_names_the_longest_stretch() {
        let error = windows(&at(&[0, 5, 10]), &series(9)).unwrap_err().to_string();
        assert_eq!(
            error,
            "t: a window of 9 points is longer than the series: its longest stretch without a gap has 3; choose a shorter window"
        );
    }

    #[test]
    fn points_without_a_value_end_a_window_or_are_interpolated() {
        let mut data = at(&[0, 5, 10, 15, 20, 25, 30]);
        let nan = f64::NAN;
        data.values = Values::F64(vec![nan, 5.0, nan, nan, 20.0, 25.0, 30.0]).into();
        let numbers = |gaps| {
            let windows = windows(&data, &Series { gaps: Some(gaps), ..series(2) }).unwrap();
            let values = windows.values.load().unwrap();
            (0..values.len()).map(|at| values.get(at)).collect::<Vec<_>>()
        };
        assert_eq!(
            numbers(Gaps::Fill),
            [5.0, 5.0, 5.0, 10.0, 10.0, 15.0, 15.0, 20.0, 20.0, 25.0, 25.0, 30.0]
        );
        assert_eq!(numbers(Gaps::Split), [20.0, 25.0, 25.0, 30.0]);
    }

    #[test]
    fn a_date_that_is_none_is_refused_by_row() {
        let error = windows(&points(&["2024-01-01", "yesterday"], &[0.0, 1.0]), &series(2))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("t: row 2 has \"yesterday\" for a time stamp"), "{error}");
    }

    #[test]
    fn rows_out_of_order_are_sorted_with_a_warning() {
        let windows = windows(&at(&[5, 0, 10]), &series(3)).unwrap();
        assert_eq!(
            windows.values.clone().load().ok().as_ref(),
            Some(&Values::F64(vec![0.0, 5.0, 10.0]))
        );
        assert!(windows.warnings[0].to_string().contains("sorted"), "{:?}", windows.warnings);
    }

    #[test]
    fn points_without_stamps_are_taken_as_they_come() {
        let data = Dataset::new(
            "t",
            Shape::Flat { width: 2 },
            Values::F64((0..8).map(f64::from).collect()),
        )
        .unwrap();
        let windows = windows(&data, &series(3)).unwrap();
        assert_eq!(
            (windows.rows(), windows.shape.clone()),
            (2, Shape::Series { length: 3, channels: 2 })
        );
        assert_eq!(windows.windows.unwrap().stamps[3], "3");
    }
}
