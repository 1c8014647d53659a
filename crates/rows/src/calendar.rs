//! Dates and times of day as text, from the counts in which files store them.

const NANOS_A_SECOND: i128 = 1_000_000_000;
const SECONDS_A_DAY: i128 = 86_400;

/// `2013-07-04 00:30:00`, from nanoseconds since 1970.
pub fn date_time(nanos: i128) -> String {
    let day = nanos.div_euclid(NANOS_A_SECOND * SECONDS_A_DAY);
    format!("{} {}", date(day), time(nanos.rem_euclid(NANOS_A_SECOND * SECONDS_A_DAY)))
}

/// `2013-07-04`, from days since 1970, in the Gregorian calendar.
pub fn date(days: i128) -> String {
    // Counted from 1 March of the year 0, so that the leap day is the last of its year; 400 years
    // have 146,097 days.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // The months from March to January have 31, 30, 31, 30, 31 days and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", cycle * 400 + year + next)
}

/// `2013-07-04`, or `2013-07-04 00:30` where it is not midnight, from days since 1970, to the
/// minute.
pub fn of_days(days: f64) -> String {
    // Beyond these years are no dates that anybody means.
    let minutes = (days.clamp(-1e7, 1e7) * 1440.0).round() as i128;
    let (day, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    match minute {
        0 => date(day),
        _ => format!("{} {:02}:{:02}", date(day), minute / 60, minute % 60),
    }
}

/// `18:00`, from the part of a day that has passed, to the minute.
pub fn of_day(part: f64) -> String {
    let minutes = (part.rem_euclid(1.0) * 1440.0).round() as i64 % 1440;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `00:30:00`, with a fraction where there is one, from nanoseconds since midnight.
pub fn time(nanos: i128) -> String {
    let (seconds, fraction) = (nanos.div_euclid(NANOS_A_SECOND), nanos.rem_euclid(NANOS_A_SECOND));
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 {
        return clock;
    }
    format!("{clock}.{}", format!("{fraction:09}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        // Days since 1970 as `date -u -d @$((days * 86400))` tells them.
        for (days, text) in [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), text);
        }
    }

    #[test]
    fn nanoseconds_become_times() {
        assert_eq!(date_time(1_372_897_800 * NANOS_A_SECOND), "2013-07-04 00:30:00");
        assert_eq!(date_time(-NANOS_A_SECOND / 2), "1969-12-31 23:59:59.5");
        assert_eq!(time(3_661_000_000_007), "01:01:01.000000007");
    }

    #[test]
    fn days_with_fractions_have_a_time() {
        assert_eq!(of_days(19_782.0), "2024-02-29");
        assert_eq!(of_days(19_782.25), "2024-02-29 06:00");
        assert_eq!([of_days(0.0), of_day(0.75), of_day(0.99999)], ["1970-01-01", "18:00", "00:00"]);
        assert!(!of_days(f64::MAX).is_empty());
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        for nanos in [i128::from(i64::MIN), i128::from(i64::MAX)] {
            assert!(!date_time(nanos * 1_000_000).is_empty());
        }
    }
}
