//! Points in time and times of day, from text.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Nanoseconds since 1970 of a time stamp; without an offset it is taken for universal time.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.abs() < 1e12).then(|| (seconds * 1e9).round() as i128);
    }
    let of = |date: civil::DateTime| {
        TimeZone::UTC.to_timestamp(date).ok().map(|time| time.as_nanosecond())
    };
    let dates = ["%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y"];
    let clocks = [
        "%Y/%m/%d %H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%Y-%m-%d %H:%M",
    ];
    text.parse::<Timestamp>()
        .ok()
        .map(|time| time.as_nanosecond())
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(of))
        .or_else(|| {
            clocks
                .iter()
                .find_map(|format| civil::DateTime::strptime(format, text).ok())
                .and_then(of)
        })
        .or_else(|| {
            dates
                .iter()
                .find_map(|format| civil::Date::strptime(format, text).ok())
                .and_then(|date| of(date.at(0, 0, 0, 0)))
        })
}

/// The part of a day that has passed at a time of day: `18:00` or `18:00:00`.
pub(crate) fn clock(text: &str) -> Option<f64> {
    let parts: Vec<f64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = match parts.as_slice() {
        [hours, minutes] => [*hours, *minutes, 0.0],
        [hours, minutes, seconds] => [*hours, *minutes, *seconds],
        _ => return None,
    };
    let within = (0.0..24.0).contains(&hours)
        && (0.0..60.0).contains(&minutes)
        && (0.0..60.0).contains(&seconds);
    within.then_some((hours + (minutes + seconds / 60.0) / 60.0) / 24.0)
}
