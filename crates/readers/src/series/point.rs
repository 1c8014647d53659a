//! One point of a series, by the names of its columns.

use crate::names::one_name;
use crate::stamps::{instants, of_parts_of_date};
use crate::tables::column::read_cell;
use rows::{ColumnKind, Error, Field, Message, Notation, Result, Series};
use std::sync::Arc;

/// A point of a series, as it comes alone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// The series that it belongs to; empty where the model knows one.
    pub group: String,
    /// Its time stamp, as it is written; empty where it has none.
    pub stamp: String,
    /// Nanoseconds since 1970, where it has a time stamp.
    pub time: Option<i128>,
    /// Its channels, and the phases of the calendar behind them.
    pub values: Vec<f64>,
    /// The zero-based columns of channels that have no value; their numbers are NaN.
    pub missing: Vec<usize>,
}

/// The point of cells that are asked for by the names of their columns; `series` is that of a model.
///
/// Errors: a column is missing, or a cell is none of its kind.
pub fn read_point(
    series: &Series,
    notation: &Notation,
    cell: &dyn Fn(&str) -> Option<String>,
) -> Result<Point> {
    let wanted = |name: &str| {
        let missing = || Error::data(name, "is missing; wanted all columns of the training");
        cell(name).ok_or_else(missing)
    };
    let cycles = series.cycles();
    let stamps = series.stamps();
    // Without phases nobody needs to know when a point was.
    let stamp = if cycles.is_empty() && stamps.iter().any(|name| cell(name).is_none()) {
        String::new()
    } else {
        one_name(stamps.iter().map(|name| wanted(name)).collect::<Result<Vec<_>>>()?)
            .unwrap_or_default()
    };
    let stamp = of_parts_of_date(stamps, &stamp).unwrap_or(stamp);
    let time = (!stamp.is_empty()).then(|| instant(&stamp, notation)).transpose()?;
    if time.is_none() && !cycles.is_empty() {
        let why = "has no time stamp, which the phases of the calendar need";
        return Err(Error::data("the point", Message::from(why)));
    }
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for (at, channel) in series.channels.iter().enumerate() {
        let field = Field { kind: channel.kind, levels: Arc::new(channel.levels.clone()) };
        let number = read_cell(&channel.name, &field, notation, &wanted(&channel.name)?)?;
        if number.is_nan() {
            missing.push(at);
            values.extend(std::iter::repeat_n(number, channel.width()));
            continue;
        }
        match channel.kind {
            ColumnKind::Categorical => values.extend(
                (0..channel.levels.len()).map(|level| f64::from(u8::from(level as f64 == number))),
            ),
            _ => values.push(number),
        }
    }
    for (cycle, time) in cycles.iter().zip(time.into_iter().cycle()) {
        // As they are in training: in single precision.
        values.extend(cycle.phase(time).map(|wave| f64::from(wave as f32)));
    }
    let group = series.group.iter().map(|column| wanted(column)).collect::<Result<Vec<_>>>()?;
    let group = one_name(group).unwrap_or_default();
    if let (true, [first, ..]) = (group.is_empty(), series.group.as_slice()) {
        return Err(Error::data(first, "has no value, and tells series apart"));
    }
    Ok(Point { group, stamp, time, values, missing })
}

fn instant(stamp: &str, notation: &Notation) -> Result<i128> {
    let wanted = || Error::data("the time stamp", format!("is {stamp:?}; wanted a date"));
    let (times, _) = instants(&[stamp.to_owned()], notation).map_err(|_| wanted())?;
    times.first().copied().ok_or_else(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::{Channel, Cycles};

    #[test]
    fn a_point_alone_has_the_numbers_of_one_in_a_file() {
        let text = "when,pump,state,v\n";
        let line = |at: usize| {
            let (day, hour) = (at / 24 + 1, at % 24);
            let state = if at.is_multiple_of(3) { "on" } else { "off" };
            format!("2024-01-{day:02} {hour:02}:00,A,{state},{}.5\n", at % 7)
        };
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(&file, text.to_owned() + &(0..168).map(line).collect::<String>()).unwrap();
        let series = Series { group: vec!["pump".into()], ..Series::of(2) };
        let options = crate::ReadOptions { series: Some(series), ..Default::default() };
        let data = crate::read(&file.path().display().to_string(), &options).unwrap();
        let series = data.windows.clone().unwrap().series;
        assert_eq!(series.cycles().len(), 1);
        let row = data.gather([0]).unwrap();
        let cell = |name: &str| {
            let cells = ["2024-01-01 01:00", "A", "off", "1.5"].map(str::to_owned);
            let at = ["when", "pump", "state", "v"].iter().position(|known| *known == name)?;
            cells.get(at).cloned()
        };
        let point = read_point(&series, &data.notation, &cell).unwrap();
        let width = data.features() / 2;
        let known: Vec<f64> = (width..2 * width).map(|at| row.get(at)).collect();
        assert_eq!((point.values, point.group.as_str()), (known, "A"));
    }

    #[test]
    fn a_point_without_a_time_stamp_is_refused_where_the_calendar_needs_it() {
        let channels =
            vec![Channel { name: "v".into(), kind: ColumnKind::Numeric, levels: Vec::new() }];
        let series = Series { found: vec!["when".into()], channels, ..Series::of(2) };
        let cell = |name: &str| (name == "v").then(|| "3".to_owned());
        let bare = read_point(&series, &Notation::default(), &cell).unwrap();
        assert_eq!((bare.values, bare.time), (vec![3.0], None));
        let empty = |name: &str| (name == "v").then(String::new);
        let empty = read_point(&series, &Notation::default(), &empty).unwrap();
        assert!(empty.missing == [0] && empty.values[0].is_nan());
        let calendar: Option<Cycles> = "day".parse().ok();
        let error = read_point(&Series { calendar, ..series }, &Notation::default(), &cell);
        assert!(error.unwrap_err().to_string().contains("when"));
    }
}
