//! From a table of points in time to windows.

use crate::series::channels::{channels, cycles, numbers, with_phases};
use crate::series::points::{Points, Runs};
use crate::stamps::DAY;
use rows::calendar::date_time;
use rows::{Dataset, Error, Gaps, Message, Part, Result, Series, Shape, Store, View, Windows};
use std::collections::BTreeSet;

/// Days from which it is told at which times of day windows begin.
const TOLD: usize = 3;

/// Series that a message names at most.
const NAMED: usize = 5;

/// Cuts windows out of a table of points; stamps are its identifiers, and `groups` tell several
/// series apart.
///
/// The windows are a view of the points, which may overlap: they take no memory of their own, and
/// points that are on disk stay there, unless they must be sorted, merged or filled in. Points
/// that were changed are left in at most `memory` bytes of memory.
pub(crate) fn windows(
    data: &Dataset,
    groups: Option<&[String]>,
    series: &Series,
    memory: Option<u64>,
) -> Result<Dataset> {
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
    let mut series = series.clone();
    let learning = series.channels.is_empty();
    if learning {
        series.channels = channels(data)?;
    }
    let (values, width, unknown) = numbers(data, &series.channels)?;
    let (mut points, noticed) = Points::read(data, values, width, groups, series.gaps)?;
    points.merge(data, groups, &series)?;
    let Runs { of: runs, step, long } = points.runs(data, &series)?;
    let starts: Vec<usize> = runs
        .iter()
        .flat_map(|run| {
            (run.start..(run.end + 1).saturating_sub(series.window)).step_by(series.stride)
        })
        .collect();
    if starts.is_empty() {
        let fills = series.gaps == Some(Gaps::Fill);
        let torn = runs.len() > 1 && groups.is_none() && !fills;
        let longest = runs.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        return fail(too_long(&series, longest, torn, learning));
    }
    // Windows of a model span what they spanned in its training.
    series.step = series.step.or(step);
    let aligned = if learning { aligned(&points, &series, &starts) } else { None };
    let calendar = series.calendar.take().unwrap_or_else(|| cycles(&points));
    let times = points.keys.iter().map(|key| key.time);
    let short = too_short(&points, series.window, &starts);
    let held = points.values.held(&data.name, memory)?;
    let held = with_phases(held, width, times, &calendar);
    series.calendar = Some(calendar);
    let parts = series.parts();
    let width = parts.last().map_or(width, |part| part.channels.end);
    let view = View { of: held, width, starts: starts.clone(), points: series.window };
    let shape = Shape::Series { length: series.window, channels: width };
    let mut windows = Dataset::new(data.name.clone(), shape, Store::elsewhere(view))?;
    windows.channels = parts.iter().flat_map(Part::channel_names).collect();
    windows.warnings.clone_from(&data.warnings);
    let told = aligned.into_iter().chain(short).chain(too_long_to_fill(long));
    windows.warnings.extend(unknown.into_iter().chain(noticed).chain(told));
    windows.notation.clone_from(&data.notation);
    let stamp = |time: i128| if points.stamped { date_time(time) } else { (time + 1).to_string() };
    let found = Windows {
        stamps: points.keys.iter().map(|key| stamp(key.time)).collect(),
        groups: groups
            .map(|_| points.keys.iter().map(|key| points.groups[key.group].clone()).collect()),
        labels: points.labels,
        starts,
        length: series.window,
        series,
    };
    windows.ids = Some(found.starts.iter().map(|start| found.name(*start)).collect());
    windows.windows = Some(found);
    Ok(windows)
}

/// That no window fits, where the longest stretch without a gap has so many points; `torn` where it is
/// gaps that part stretches.
fn too_long(series: &Series, longest: usize, torn: bool, learning: bool) -> Message {
    let long = Message::from(format!(
        "a window of {} points is longer than the series: its longest stretch without a gap has {longest}; ",
        series.window,
    ));
    match (learning, torn) {
        (true, true) => {
            long.text("choose a shorter ").setting("window").text(", or ").set("gaps", "fill")
        }
        (true, false) => long.text("choose a shorter ").setting("window"),
        // The windows of a model are as long as they are.
        (false, true) => long.text("choose ").set("gaps", "fill").text(", or wait for more points"),
        (false, false) => long.text("wait for more points"),
    }
}

/// That gaps were not filled.
fn too_long_to_fill(gaps: usize) -> Option<Message> {
    let what = match gaps {
        0 => return None,
        1 => "1 gap is as long as a window or longer, and ends one instead of being filled".into(),
        gaps => format!(
            "{gaps} gaps are as long as a window or longer, and end one instead of being filled"
        ),
    };
    Some(what.into())
}

/// That of several series some have no window.
fn too_short(points: &Points, window: usize, starts: &[usize]) -> Option<Message> {
    let with: BTreeSet<usize> = starts.iter().map(|start| points.keys[*start].group).collect();
    let without = (0..points.groups.len()).filter(|group| !with.contains(group));
    let names: Vec<&str> = without.map(|group| points.groups[group].as_str()).collect();
    let more = if names.len() > NAMED { ", ..." } else { "" };
    let first = names[..names.len().min(NAMED)].join(", ");
    let why = "have no window of that many points that follow each other, and are left out";
    (!names.is_empty())
        .then(|| format!("of several series some {why} (window {window}): {first}{more}").into())
}

/// That overlapping windows begin at few of the times of day at which there are points: live ones
/// begin at all of them.
fn aligned(points: &Points, series: &Series, starts: &[usize]) -> Option<Message> {
    let time = |point: usize| points.keys[point].time.rem_euclid(DAY as i128);
    let begun: BTreeSet<i128> = starts.iter().map(|start| time(*start)).collect();
    let all: BTreeSet<i128> = (0..points.keys.len()).map(time).collect();
    let days = points.keys.len() / all.len().max(1);
    let overlap = (2..series.window).contains(&series.stride);
    let few = 2 * begun.len() <= all.len().min(starts.len());
    if !points.stamped || !overlap || days < TOLD || !few {
        return None;
    }
    // A step that shares no factor with the day comes to all of its times.
    let common = |a: usize, b: usize| {
        let (mut a, mut b) = (a, b);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let other = (1..series.stride).rev().find(|stride| common(*stride, all.len()) == 1)?;
    let why = format!(
        "windows begin at only {} of {} times of day, and those that begin at others, as live ones do, would be strange to the model; choose ",
        begun.len(),
        all.len()
    );
    Some(Message::from(why).set("stride", other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::{Duplicates, Values};

    fn windows(data: &Dataset, series: &Series) -> Result<Dataset> {
        super::windows(data, None, series, None)
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
        Series { calendar: Some(rows::Cycles::default()), ..Series::of(window) }
    }

    fn minutes(minutes: &[usize]) -> Vec<String> {
        minutes
            .iter()
            .map(|minute| {
                let (day, hour) = (minute / 1440 + 1, minute / 60 % 24);
                format!("2024-01-{day:02} {hour:02}:{:02}:00", minute % 60)
            })
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
    fn windows_that_all_begin_on_the_hour_are_told_with_another_stride() {
        let every = (0..4 * 288).map(|at| 5 * at).collect::<Vec<usize>>();
        let stamps = minutes(&every);
        let stamps: Vec<&str> = stamps.iter().map(String::as_str).collect();
        let data = points(&stamps, &vec![0.0; every.len()]);
        let cut = |stride: usize| {
            let series = Series { stride, ..series(48) };
            windows(&data, &series).unwrap().warnings
        };
        let said = cut(12);
        assert!(said[0].to_string().contains("only 24 of 288 times of day"), "{said:?}");
        assert!(said[0].to_string().ends_with("stride = 11"), "{said:?}");
        assert_eq!((cut(11), cut(1), cut(48)), (Vec::new(), Vec::new(), Vec::new()));
    }

    #[test]
    fn points_further_apart_than_those_of_the_training_are_refused() {
        let of = |minutes: usize| at(&(0..12).map(|point| minutes * point).collect::<Vec<_>>());
        let learned = windows(&of(5), &series(3)).unwrap().windows.unwrap().series;
        assert_eq!(learned.step.unwrap().to_string(), "5min");
        assert_eq!(windows(&of(5), &learned).unwrap().warnings, []);
        let refused = |minutes: usize| windows(&of(minutes), &learned).unwrap_err().to_string();
        let [wide, fine] = [60, 1].map(refused);
        assert!(wide.contains("points are 1h apart, those of the training 5min"), "{wide}");
        assert!(fine.contains("choose resample = 5min"), "{fine}");
        let again = Series { resample: learned.step, ..learned.clone() };
        assert_eq!(windows(&of(1), &again).unwrap().warnings, []);
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
            error.contains("after 2024-01-01 00:10:00 (2 in 1 gap); choose gaps = split"),
            "{error}"
        );
        let split = windows(&data, &Series { gaps: Some(Gaps::Split), ..series(3) }).unwrap();
        assert_eq!(split.windows.unwrap().starts, [0, 3]);
        // As many points as a window has are not made up.
        let long = windows(&data, &Series { gaps: Some(Gaps::Fill), ..series(2) }).unwrap();
        assert_eq!(long.windows.unwrap().starts, [0, 1, 3, 4]);
        assert!(long.warnings[0].to_string().starts_with("1 gap is as long as a window"));
        let wide = at(&[0, 5, 10, 5 * 4000]);
        let fill = Series { gaps: Some(Gaps::Fill), ..series(100_000) };
        let refused = windows(&wide, &fill).unwrap_err().to_string();
        assert!(refused.contains("filling its gaps takes 4001 points for 4"), "{refused}");
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
        assert_eq!(windows.windows.unwrap().stamps[3], "4");
    }
}
