//! Points in time and times of day, from text as people and programs write them.
//!
//! `01/02/2024` is the first of February or the second of January: a text is read both ways
//! ([`Stamp`]), and all texts of a column together tell which way it is ([`Order`]).

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::fmt::strtime::BrokenDownTime;
use rows::{Message, Notation};

/// A day in nanoseconds.
pub(crate) const DAY: f64 = 86_400e9;
/// Longer texts are no dates.
const LONGEST: usize = 64;
/// A year of two digits from this on is one of the last century.
const LAST_CENTURY: i16 = 69;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Names of time zones, some of which stand for several.
const ZONES: [&str; 28] = [
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "WET", "WEST",
    "CET", "CEST", "EET", "EEST", "MSK", "BST", "IST", "PKT", "HKT", "SGT", "JST", "KST", "AEST",
    "AEDT", "NZST",
];

/// A text that is a date, a time of day or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stamp {
    /// The part of a day that has passed.
    Clock(f64),
    /// A date, with a time where there is one.
    Date(Dated),
}

/// A date as it is read with the day first and with the month first, in nanoseconds since 1970; a
/// way that gives no date is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dated {
    day_first: Option<i128>,
    month_first: Option<i128>,
    /// Whether its year has two digits.
    pub(crate) short_year: bool,
    /// Whether its first number may be that year, too.
    pub(crate) year_first: bool,
    /// Whether it names a time zone that is not known here.
    pub(crate) named_zone: bool,
}

/// What the texts of a column, or of a table, say of the order of day and month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    day_first: usize,
    month_first: usize,
    /// The first text that may be both.
    either: Option<String>,
}

impl Order {
    /// Takes a text that was read.
    pub(crate) fn add(&mut self, text: &str, dated: &Dated) {
        match (dated.day_first, dated.month_first) {
            (Some(a), Some(b)) if a != b && self.either.is_none() => {
                self.either = Some(text.to_owned());
            }
            (Some(_), None) => self.day_first += 1,
            (None, Some(_)) => self.month_first += 1,
            _ => {}
        }
    }

    /// Whether the month comes first, where some text is a date one way only; those that speak
    /// against the others do not count.
    pub(crate) fn month_first(&self) -> Option<bool> {
        (self.day_first + self.month_first > 0).then_some(self.month_first > self.day_first)
    }

    /// A text that may be read both ways, where nothing tells which.
    pub(crate) fn doubt(&self) -> Option<&str> {
        self.either.as_deref().filter(|_| self.month_first().is_none())
    }
}

impl Dated {
    /// The instant, in nanoseconds since 1970; none where the text is no date in this order.
    pub(crate) fn nanos(self, month_first: bool) -> Option<i128> {
        if month_first { self.month_first } else { self.day_first }
    }

    fn sure(nanos: i128) -> Self {
        Self {
            day_first: Some(nanos),
            month_first: Some(nanos),
            short_year: false,
            year_first: false,
            named_zone: false,
        }
    }
}

/// Reads a text in a given format, or as it comes.
pub(crate) fn stamp(text: &str, format: Option<&str>) -> Option<Stamp> {
    match format {
        Some(format) => formatted(text.trim(), format),
        None => parse(text.trim()),
    }
}

/// The instants of all texts, in nanoseconds since 1970, with a warning where day and month are in
/// doubt; or the row of the first that is none.
pub(crate) fn instants(
    texts: &[String],
    notation: &Notation,
) -> Result<(Vec<i128>, Option<Message>), usize> {
    let format = notation.date_format.as_deref();
    if let (Some(years), None) = (years(texts), format) {
        return Ok((years, None));
    }
    let read = texts.iter().enumerate().map(|(row, text)| match number(text) {
        Some(nanos) if format.is_none() => Ok(Dated::sure(nanos)),
        _ => match stamp(text, format) {
            Some(Stamp::Date(dated)) => Ok(dated),
            _ => Err(row),
        },
    });
    let read: Vec<Dated> = read.collect::<Result<_, _>>()?;
    let mut order = Order::default();
    texts.iter().zip(&read).for_each(|(text, dated)| order.add(text, dated));
    let month_first = notation.month_first.or(order.month_first()).unwrap_or(false);
    let nanos = read.iter().enumerate().map(|(row, dated)| dated.nanos(month_first).ok_or(row));
    let doubt = order.doubt().filter(|_| notation.month_first.is_none());
    Ok((nanos.collect::<Result<_, _>>()?, doubt.and_then(|text| in_doubt("the time stamps", text))))
}

/// The first days of years, where all texts are years.
fn years(texts: &[String]) -> Option<Vec<i128>> {
    let year = |text: &String| {
        let text = text.trim();
        let year = text.strip_suffix(".0").unwrap_or(text).parse::<i16>().ok();
        let date = Date::new(year.filter(|year| (1500..=2200).contains(year))?, 1, 1).ok()?;
        Some(instant(date.to_datetime(Time::midnight()), 0))
    };
    texts.iter().map(year).collect::<Option<Vec<i128>>>().filter(|years| !years.is_empty())
}

/// What to say where the texts of a column may be read both ways, by the first of them.
pub(crate) fn in_doubt(what: &str, text: &str) -> Option<Message> {
    let Some(Stamp::Date(dated)) = parse(text.trim()) else { return None };
    let [day, month] = [dated.nanos(false)?, dated.nanos(true)?].map(rows::calendar::date_time);
    let day = day.trim_end_matches(" 00:00:00");
    let month = month.trim_end_matches(" 00:00:00");
    Some(
        Message::from(format!("{what}: {text} is read as {day}; if it is {month}, say "))
            .set("month_first", "true")
            .text(", or how dates are written with ")
            .set("date_format", "%d/%m/%Y"),
    )
}

/// The instant that a number stands for: a date as `20240131`, or seconds, milliseconds,
/// microseconds or nanoseconds since 1970, told by their size.
pub(crate) fn of_number(number: f64) -> Option<i128> {
    if let Some(date) = compact(number) {
        return Some(date);
    }
    let (_, nanos) = unit(number)?;
    Some((number * nanos).round() as i128)
}

/// The unit of time in which a number counts since 1970, by its size, and the nanoseconds it has.
fn unit(number: f64) -> Option<(&'static str, f64)> {
    match number.abs() {
        size if size < 1e11 => Some(("seconds", 1e9)),
        size if size < 1e14 => Some(("milliseconds", 1e6)),
        size if size < 1e17 => Some(("microseconds", 1e3)),
        size if size < 9e18 => Some(("nanoseconds", 1.0)),
        _ => None,
    }
}

/// The unit of time in which numbers between these count since 1970, where they are of the years 2000
/// to 2100.
pub(crate) fn since_1970(smallest: f64, largest: f64) -> Option<&'static str> {
    const YEARS: std::ops::Range<f64> = 946_684_800e9..4_102_444_800e9;
    let (unit, nanos) = unit(smallest)?;
    let all = [smallest, largest].iter().all(|number| YEARS.contains(&(number * nanos)));
    all.then_some(unit)
}

/// The parts that a date may be in, from the year on, each in a column of this name.
const PARTS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];

/// The stamp that the parts of a date are, in columns of these names, as `1959.0` and `2.0` of `year`
/// and `quarter`; none of other columns.
pub(crate) fn of_parts_of_date(columns: &[String], stamp: &str) -> Option<String> {
    let quarters = parts_of_date(columns)?;
    let whole = |text: &str| {
        let number: f64 = text.trim().parse().ok()?;
        (number.fract() == 0.0 && (0.0..10_000.0).contains(&number)).then_some(number as i32)
    };
    let numbers: Option<Vec<i32>> = stamp.split(' ').map(whole).collect();
    Some(match numbers?.as_slice() {
        [year, quarter] if quarters => format!("{year:04}Q{quarter}"),
        [year, month] => format!("{year:04}-{month:02}"),
        [year, month, day] => format!("{year:04}-{month:02}-{day:02}"),
        [year, month, day, hour] => format!("{year:04}-{month:02}-{day:02} {hour}"),
        [year, month, day, hour, minute, rest @ ..] => {
            let second = rest.first().copied().unwrap_or_default();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        _ => return None,
    })
}

/// Whether columns of these names are a year and a quarter; none where they are no parts of a date.
fn parts_of_date(columns: &[String]) -> Option<bool> {
    let is = |(name, wanted): (&String, &&str)| name.eq_ignore_ascii_case(wanted);
    if let [year, quarter] = columns
        && [(year, &"year"), (quarter, &"quarter")].into_iter().all(is)
    {
        return Some(true);
    }
    let parts = (2..=PARTS.len()).contains(&columns.len());
    (parts && columns.iter().zip(&PARTS).all(is)).then_some(false)
}

/// The places of the columns among these that are the parts of a date together, from the year on; none
/// where there are no two.
pub(crate) fn find_parts_of_date(columns: &[String]) -> Vec<usize> {
    let place = |part: &str| columns.iter().position(|name| name.eq_ignore_ascii_case(part));
    let parts: Vec<usize> = PARTS.iter().map_while(|part| place(part)).collect();
    if parts.len() > 1 {
        return parts;
    }
    // A day within a quarter is none of a month.
    match (place("year"), place("quarter"), place("day")) {
        (Some(year), Some(quarter), None) => vec![year, quarter],
        _ => Vec::new(),
    }
}

/// The date that a number like `20240131` is, or the time that one like `20240131235959` is, of the
/// years 1900 to 2100.
pub(crate) fn compact(number: f64) -> Option<i128> {
    const SECONDS: f64 = 1e6;
    if number.fract() == 0.0 && (19_000_101.0..21_010_000.0).contains(&(number / SECONDS)) {
        let (day, clock) = ((number / SECONDS).floor(), (number % SECONDS) as i32);
        let [hour, minute, second] = [clock / 10_000, clock / 100 % 100, clock % 100];
        let time = Time::new(hour as i8, minute as i8, second as i8, 0).ok()?;
        return Some(compact(day)? + (passed(time) * DAY).round() as i128);
    }
    if number.fract() != 0.0 || !(19_000_101.0..21_010_000.0).contains(&number) {
        return None;
    }
    let number = number as i32;
    let [year, month, day] = [number / 10_000, number / 100 % 100, number % 100];
    let date = Date::new(year as i16, month as i8, day as i8).ok()?;
    Some(instant(date.to_datetime(Time::midnight()), 0))
}

fn number(text: &str) -> Option<i128> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).and_then(of_number)
}

/// The instant of a date and time that stand so many seconds before universal time.
fn instant(civil: DateTime, offset: i64) -> i128 {
    let since = civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    since.as_nanos() - i128::from(offset) * 1_000_000_000
}

/// The part of a day that has passed.
fn passed(time: Time) -> f64 {
    let seconds = f64::from(time.hour()) * 3600.0
        + f64::from(time.minute()) * 60.0
        + f64::from(time.second())
        + f64::from(time.subsec_nanosecond()) / 1e9;
    seconds / 86_400.0
}

/// Reads by the directives of strptime; a date needs no day, a time no seconds.
fn formatted(text: &str, format: &str) -> Option<Stamp> {
    let mut parsed = BrokenDownTime::parse(format, text).ok()?;
    let time = parsed.hour().and_then(|_| parsed.to_time().ok());
    if parsed.iso_week().is_some() && parsed.weekday().is_none() {
        parsed.set_weekday(Some(Weekday::Monday));
    }
    let date = parsed.to_date().ok().or_else(|| {
        let (year, month) = (parsed.year()?, parsed.month());
        let weeks = ["%U", "%V", "%W"].iter().any(|week| format.contains(week));
        let whole = parsed.day().is_none() && parsed.day_of_year().is_none() && !weeks;
        whole.then(|| Date::new(year, month.unwrap_or(1), 1).ok())?
    });
    let Some(date) = date else { return time.map(|time| Stamp::Clock(passed(time))) };
    let offset = parsed.offset().map_or(0, |offset| i64::from(offset.seconds()));
    let civil = date.to_datetime(time.unwrap_or(Time::midnight()));
    Some(Stamp::Date(Dated::sure(instant(civil, offset))))
}

/// Digits alone that are a date of the years 1900 to 2100 in this format, and written by it are the same
/// digits again.
pub(crate) fn of_digits_alone(text: &str, format: &str) -> Option<Stamp> {
    let stamp = formatted(text, format)?;
    let Stamp::Date(Dated { day_first: Some(nanos), .. }) = stamp else { return None };
    let civil = DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
        .checked_add(jiff::SignedDuration::from_nanos_i128(nanos))
        .ok()?;
    let again = jiff::fmt::strtime::format(format, civil).is_ok_and(|again| again == text);
    (again && (1900..=2100).contains(&civil.year())).then_some(stamp)
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Digits(&'a str),
    Word(&'a str),
    Mark(u8),
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::with_capacity(16);
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let run = |of: fn(&u8) -> bool| rest.bytes().take_while(of).count();
        let digits = run(u8::is_ascii_digit);
        let letters = run(u8::is_ascii_alphabetic);
        let length = match (digits, letters) {
            (0, 0) if first.is_ascii() => {
                tokens.push(Token::Mark(first));
                1
            }
            (0, 0) => return None,
            (0, letters) => {
                tokens.push(Token::Word(&rest[..letters]));
                letters
            }
            (digits, _) => {
                tokens.push(Token::Digits(&rest[..digits]));
                digits
            }
        };
        rest = &rest[length..];
    }
    Some(tokens)
}

/// A time of day that was found in a text, and the zone behind it.
struct Timed {
    time: Time,
    /// Seconds before universal time.
    offset: i64,
    named_zone: bool,
}

/// Reads a text whose form is its own.
fn parse(text: &str) -> Option<Stamp> {
    let worth = text.len() <= LONGEST
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().filter(|byte| !byte.is_ascii_digit()).count() > 0;
    if !worth {
        return None;
    }
    let tokens = tokens(text)?;
    if let Some(first) = quarter(&tokens) {
        return Some(Stamp::Date(Dated::sure(first)));
    }
    let (mut date, timed) = match find_clock(&tokens) {
        Some((start, clock)) => {
            let (timed, end) = read_clock(&tokens[start..], clock)?;
            (tokens[..start].iter().chain(&tokens[start + end..]).copied().collect(), Some(timed))
        }
        None => (tokens, None),
    };
    let is_blank = |token: &Token| matches!(token, Token::Mark(b' ' | b','));
    while date.first().is_some_and(is_blank) {
        date.remove(0);
    }
    if timed.is_none()
        && let Some(stamp) = with_hour(&date)
    {
        return Some(stamp);
    }
    if date.iter().all(is_blank) {
        let clock = timed.filter(|timed| timed.offset == 0 && !timed.named_zone)?;
        return Some(Stamp::Clock(passed(clock.time)));
    }
    let dotted = || {
        if timed.is_some() {
            return None;
        }
        // A clock with points; where this is a date, it is that.
        if let Some(time) = dotted_clock(&date) {
            return Some(Stamp::Clock(passed(time)));
        }
        let [behind, before] = [date.len().checked_sub(6)?, 6];
        let [last, first] = [
            (date.get(behind), date.get(behind + 1..), date.get(..behind)),
            (date.get(before - 1), date.get(..before - 1), date.get(before..)),
        ];
        [last, first].into_iter().find_map(|(blank, clock, date)| {
            let time = dotted_clock(clock?).filter(|_| blank == Some(&Token::Mark(b' ')))?;
            let timed = Timed { time, offset: 0, named_zone: false };
            read_date(date?, Some(&timed)).map(Stamp::Date)
        })
    };
    read_date(&date, timed.as_ref()).map(Stamp::Date).or_else(dotted)
}

/// The first day of a quarter: `1974Q1`, `1974-Q1`, `Q1 1974`.
fn quarter(tokens: &[Token]) -> Option<i128> {
    use Token::{Digits, Mark, Word};
    let (year, q, number) = match tokens {
        [Digits(year), Word(q), Digits(number)]
        | [Digits(year), Mark(b'-' | b' ' | b'/'), Word(q), Digits(number)]
        | [Word(q), Digits(number), Mark(b'-' | b' ' | b'/'), Digits(year)] => (year, q, number),
        _ => return None,
    };
    let number = number.parse::<i8>().ok().filter(|number| (1..=4).contains(number))?;
    if year.len() != 4 || !q.eq_ignore_ascii_case("q") {
        return None;
    }
    let first = Date::new(year.parse().ok()?, 3 * number - 2, 1).ok()?;
    Some(instant(first.to_datetime(Time::midnight()), 0))
}

/// A date with an hour alone behind it, as `2024-01-31 7`; the hour 24 is the next midnight.
fn with_hour(tokens: &[Token]) -> Option<Stamp> {
    use Token::{Digits, Mark};
    let tokens = match tokens {
        // As numbers that may have gaps are written.
        [whole @ .., Mark(b'.'), Digits("0")] => whole,
        all => all,
    };
    let [date @ .., Mark(b' '), Digits(hour)] = tokens else { return None };
    let year =
        matches!(date, [Digits(a), _, Digits(_), _, Digits(b)] if [a.len(), b.len()].contains(&4));
    let hours = hour.parse::<i128>().ok().filter(|hours| hour.len() <= 2 && *hours <= 24)?;
    let dated = read_date(date, None).filter(|_| year)?;
    let later = |midnight: i128| midnight + hours * 3_600_000_000_000;
    let [day_first, month_first] = [dated.day_first, dated.month_first].map(|day| day.map(later));
    Some(Stamp::Date(Dated { day_first, month_first, ..dated }))
}

/// A time of day as `18.00.00`.
fn dotted_clock(tokens: &[Token]) -> Option<Time> {
    use Token::{Digits, Mark};
    let [Digits(hour), Mark(b'.'), Digits(minute), Mark(b'.'), Digits(second)] = tokens else {
        return None;
    };
    let parts = [hour, minute, second];
    let [hour, minute, second] = parts.map(|part| part.parse::<i8>().unwrap_or(-1));
    let two = parts.iter().all(|part| part.len() == 2);
    two.then(|| Time::new(hour, minute, second, 0).ok()).flatten()
}

/// Where a time of day begins, and whether its hours, minutes and seconds stand without marks.
fn find_clock(tokens: &[Token]) -> Option<(usize, bool)> {
    let colon = (1..tokens.len().saturating_sub(1)).find(|at| {
        matches!(
            (&tokens[at - 1], &tokens[*at], &tokens[at + 1]),
            (Token::Digits(hour), Token::Mark(b':'), Token::Digits(minute))
                if hour.len() <= 2 && minute.len() == 2
        )
    });
    let behind_t = || {
        let at = tokens.iter().position(|token| matches!(token, Token::Word("T" | "t")))?;
        matches!(tokens.get(at + 1), Some(Token::Digits(clock)) if [4, 6].contains(&clock.len()))
            .then_some((at + 1, true))
    };
    colon.map(|at| (at - 1, false)).or_else(behind_t)
}

/// Reads the time of day that the tokens begin with, with its zone, and how many tokens it takes.
fn read_clock(tokens: &[Token], together: bool) -> Option<(Timed, usize)> {
    let two = |text: &str| text.parse::<i8>().ok();
    let Token::Digits(first) = *tokens.first()? else { return None };
    let (mut hour, minute, mut second, mut at);
    if together {
        (hour, minute) = (two(&first[..2])?, two(&first[2..4])?);
        (second, at) = (if first.len() == 6 { two(&first[4..])? } else { 0 }, 1);
    } else {
        let Token::Digits(minutes) = *tokens.get(2)? else { return None };
        (hour, minute, second, at) = (two(first)?, two(minutes)?, 0, 3);
        if let (Some(Token::Mark(b':')), Some(Token::Digits(seconds))) =
            (tokens.get(at), tokens.get(at + 1))
        {
            (second, at) = (two(seconds).filter(|_| seconds.len() == 2)?, at + 2);
        }
    }
    let mut nanos = 0;
    if let (Some(Token::Mark(b'.' | b',')), Some(Token::Digits(part))) =
        (tokens.get(at), tokens.get(at + 1))
        && part.len() <= 9
    {
        let digits: String = part.chars().chain(std::iter::repeat('0')).take(9).collect();
        (nanos, at) = (digits.parse::<i32>().ok()?, at + 2);
    }
    let blank = usize::from(tokens.get(at) == Some(&Token::Mark(b' ')));
    if let Some(Token::Word(half)) = tokens.get(at + blank)
        && let Some(afternoon) = half_of_day(half)
    {
        if !(1..=12).contains(&hour) {
            return None;
        }
        (hour, at) = (hour % 12 + if afternoon { 12 } else { 0 }, at + blank + 1);
    }
    // 24:00:00 is no time here; a leap second is the one before.
    second = if second == 60 { 59 } else { second };
    let time = Time::new(hour, minute, second, nanos).ok()?;
    let (offset, named_zone, zone) = read_zone(&tokens[at..])?;
    Some((Timed { time, offset, named_zone }, at + zone))
}

fn half_of_day(word: &str) -> Option<bool> {
    match word {
        _ if word.eq_ignore_ascii_case("am") => Some(false),
        _ if word.eq_ignore_ascii_case("pm") => Some(true),
        _ => None,
    }
}

/// The seconds before universal time that a zone stands for, whether it is a name that is not known,
/// and how many tokens it takes; none where it is no zone.
fn read_zone(tokens: &[Token]) -> Option<(i64, bool, usize)> {
    let blank = usize::from(tokens.first() == Some(&Token::Mark(b' ')));
    let rest = &tokens[blank..];
    match rest {
        [Token::Word("Z" | "z"), ..] => Some((0, false, blank + 1)),
        [Token::Word("UTC" | "GMT"), more @ ..] => {
            let (offset, named, taken) = if more.first() == Some(&Token::Mark(b' ')) {
                (0, false, 0)
            } else {
                read_zone(more)?
            };
            Some((offset, named, blank + 1 + taken))
        }
        [Token::Mark(sign @ (b'+' | b'-')), Token::Digits(hours), more @ ..] => {
            let number = |text: &str| text.parse::<i64>().ok();
            let (hours, minutes, taken) = match (hours.len(), more) {
                (2, [Token::Mark(b':'), Token::Digits(minutes), ..]) => {
                    (number(hours)?, number(minutes)?, 4)
                }
                (2, _) => (number(hours)?, 0, 2),
                (4, _) => (number(&hours[..2])?, number(&hours[2..])?, 2),
                _ => return None,
            };
            let seconds = (hours * 60 + minutes) * 60;
            let valid = hours <= 15 && minutes < 60;
            valid.then_some((if *sign == b'-' { -seconds } else { seconds }, false, blank + taken))
        }
        [Token::Word(name), ..] if blank == 1 && ZONES.contains(name) => Some((0, true, blank + 1)),
        _ => Some((0, false, 0)),
    }
}

/// A part of a date.
#[derive(Clone, Copy)]
enum Part<'a> {
    Digits(&'a str),
    Month(i8),
}

/// Reads a date of three parts, of two (a year and a month), or of eight digits.
fn read_date(tokens: &[Token], timed: Option<&Timed>) -> Option<Dated> {
    let (mut parts, mut marks) = (Vec::with_capacity(3), Vec::with_capacity(4));
    for token in tokens {
        match token {
            Token::Digits(digits) => parts.push(Part::Digits(digits)),
            Token::Mark(mark @ (b'-' | b'/' | b'.' | b',' | b' ' | b'\'')) => marks.push(*mark),
            // What the clock was parted by: Apache writes 31/Jan/2024:12:30:00.
            Token::Mark(b':') if timed.is_some() => {}
            Token::Word("T" | "t") if timed.is_some() => {}
            Token::Word("st" | "nd" | "rd" | "th") if !parts.is_empty() => {}
            Token::Word(word) => match named(word, &MONTHS) {
                Some(month) => parts.push(Part::Month(month as i8 + 1)),
                None if named(word, &WEEKDAYS).is_some() && parts.is_empty() => {}
                None => return None,
            },
            Token::Mark(_) => return None,
        }
    }
    let marks: Vec<u8> = marks.into_iter().filter(|mark| ![b' ', b','].contains(mark)).collect();
    let uniform = marks.windows(2).all(|pair| pair[0] == pair[1]);
    let read = match parts.as_slice() {
        [Part::Digits(a), Part::Digits(b), Part::Digits(c)] if uniform && marks.len() >= 2 => {
            of_digits(a, b, c, marks[0], marks.len())
        }
        [Part::Digits(year), Part::Month(month), Part::Digits(day)] if year.len() == 4 => {
            of_parts(year, *month, day)
        }
        [Part::Digits(day), Part::Month(month), Part::Digits(year)]
        | [Part::Month(month), Part::Digits(day), Part::Digits(year)] => {
            of_parts(year, *month, day)
        }
        [Part::Month(month), Part::Digits(year)] | [Part::Digits(year), Part::Month(month)]
            if year.len() == 4 || year.len() == 2 && marks.len() == 1 =>
        {
            of_parts(year, *month, "1")
        }
        [Part::Digits(year), Part::Digits(month)]
            if year.len() == 4 && month.len() == 2 && marks.len() == 1 && timed.is_none() =>
        {
            of_parts(year, month.parse().ok()?, "1")
        }
        [Part::Digits(month), Part::Digits(year)]
            if year.len() == 4 && month.len() <= 2 && marks == b"/" && timed.is_none() =>
        {
            of_parts(year, month.parse().ok()?, "1")
        }
        [Part::Digits(all)] if all.len() == 8 && timed.is_some() => {
            of_parts(&all[..4], all[4..6].parse().ok()?, &all[6..])
        }
        _ => None,
    };
    let (day_first, month_first, short_year) = read?;
    let time = timed.map_or(Time::midnight(), |timed| timed.time);
    let offset = timed.map_or(0, |timed| timed.offset);
    let whole = |date: Option<Date>| date.map(|date| instant(date.to_datetime(time), offset));
    let dated = Dated {
        day_first: whole(day_first),
        month_first: whole(month_first),
        short_year,
        year_first: short_year && year_first(&parts),
        named_zone: timed.is_some_and(|timed| timed.named_zone),
    };
    (dated.day_first.is_some() || dated.month_first.is_some()).then_some(dated)
}

/// Whether the first of three numbers may be a year of two digits, before a month and a day.
fn year_first(parts: &[Part]) -> bool {
    let [Part::Digits(year), Part::Digits(month), Part::Digits(day)] = parts else { return false };
    year.len() == 2 && month.parse().is_ok_and(|month| of_parts(year, month, day).is_some())
}

/// The place of a name among others, by its first three letters or in full.
fn named(word: &str, names: &[&str]) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    let short = if word == "sept" { "sep" } else { word.as_str() };
    names.iter().position(|name| *name == word || short.len() == 3 && name.starts_with(short))
}

/// A date with the day first, one with the month first, and whether the year has two digits.
type BothWays = (Option<Date>, Option<Date>, bool);

/// Three numbers, of which the first or the last is the year.
fn of_digits(a: &str, b: &str, c: &str, mark: u8, marks: usize) -> Option<BothWays> {
    let two = |text: &str| (1..=2).contains(&text.len());
    // Hungarians and Koreans write 2024. 01. 31.
    let ends = mark == b'.' && marks == 3 && a.len() == 4;
    if marks != 2 && !ends || !two(b) {
        return None;
    }
    if a.len() == 4 && two(c) {
        return of_parts(a, b.parse().ok()?, c);
    }
    // Versions are written with points, too.
    let dotted = mark != b'.' || c.len() == 4 || [a, b, c].iter().all(|part| part.len() == 2);
    let known = two(a) && (c.len() == 4 || c.len() == 2) && dotted && b"/-.".contains(&mark);
    if !known {
        return None;
    }
    let (year, short) = year(c)?;
    let [a, b] = [a, b].map(|part| part.parse::<i8>().unwrap_or(0));
    let (day_first, month_first) = (Date::new(year, b, a).ok(), Date::new(year, a, b).ok());
    // Whoever parts a date with points writes the day first.
    let month_first = if mark == b'.' { day_first.or(month_first) } else { month_first };
    Some((day_first, month_first, short))
}

/// A date whose parts are known.
fn of_parts(year_digits: &str, month: i8, day: &str) -> Option<BothWays> {
    let (year, short) = year(year_digits)?;
    let date = Date::new(year, month, day.parse().ok()?).ok()?;
    Some((Some(date), Some(date), short))
}

/// A year of four digits, or of two, which is one of the years 1969 to 2068.
fn year(digits: &str) -> Option<(i16, bool)> {
    let year: i16 = digits.parse().ok()?;
    match digits.len() {
        4 => Some((year, false)),
        2 => Some((year + if year < LAST_CENTURY { 2000 } else { 1900 }, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rows::calendar::date_time;

    /// As it is read with the day first, and with the month first.
    fn both(text: &str) -> [String; 2] {
        let Some(Stamp::Date(dated)) = stamp(text, None) else { panic!("{text:?} is no date") };
        [false, true].map(|month| dated.nanos(month).map_or("none".to_owned(), date_time))
    }

    #[test]
    fn dates_of_one_reading_are_read_as_people_and_programs_write_them() {
        for text in [
            "2024-01-31",
            "2024-1-31",
            "2024/01/31",
            "2024-01-31 00:00",
            "2024-01-31T00:00:00Z",
            "2024-01-31T02:00:00+02:00",
            "2024-01-30T19:30:00.000-0430",
            "2024-01-31 00:00:00 UTC",
            "20240131T000000",
            "20240131T000000Z",
            "31.01.2024",
            "31/01/2024 00.00.00",
            "00.00.00 31.01.2024",
            "31.01.24",
            "31-Jan-24",
            "31-JAN-2024",
            "31 Jan 2024",
            "31 January 2024",
            "Jan 31 2024",
            "January 31, 2024",
            "Jan 31st, 2024",
            "2024 Jan 31",
            "Wed, 31 Jan 2024 00:00:00 +0000",
            "Wed, 31 Jan 2024 00:00:00 GMT",
            "Wed Jan 31 00:00:00 2024",
            "31/Jan/2024:00:00:00 +0000",
            "2024. 01. 31.",
            "2024-01-31 00",
            "2024/01/31 0",
            "31/01/2024 0.0",
            "2024-01-30 24",
            "01/31/2024 12:00:00 AM",
            "1/31/24 12:00 am",
        ] {
            let read = both(text);
            assert!(read.contains(&"2024-01-31 00:00:00".to_owned()), "{text}: {read:?}");
            assert!(read[0] == read[1] || read.contains(&"none".to_owned()), "{text}: {read:?}");
        }
    }

    #[test]
    fn a_month_and_a_year_are_the_first_of_the_month() {
        for text in ["2024-02", "02/2024", "Feb 2024", "Feb-24", "February 2024"] {
            assert_eq!(both(text)[0], "2024-02-01 00:00:00", "{text}");
        }
    }

    #[test]
    fn formats_of_weeks_and_of_days_of_the_year_are_read() {
        let day = |text: &str, format: &str| match stamp(text, Some(format)) {
            Some(Stamp::Date(dated)) => dated.nanos(false).map(date_time),
            _ => None,
        };
        for (text, format, wanted) in [
            ("2023-032", "%Y-%j", "2023-02-01 00:00:00"),
            ("2023-W05", "%G-W%V", "2023-01-30 00:00:00"),
            ("2023-W05-3", "%G-W%V-%u", "2023-02-01 00:00:00"),
            ("20230201123059", "%Y%m%d%H%M%S", "2023-02-01 12:30:59"),
            ("02/2023", "%m/%Y", "2023-02-01 00:00:00"),
            ("23/02/01", "%y/%m/%d", "2023-02-01 00:00:00"),
        ] {
            assert_eq!(day(text, format).as_deref(), Some(wanted), "{text} {format}");
        }
        assert_eq!(day("2023-400", "%Y-%j"), None);
        assert_eq!(day("2023-W05", "%Y-W%W"), None);
        assert!(of_digits_alone("20230201", "%Y%m%d").is_some());
        assert!(of_digits_alone("2023032", "%Y%j").is_some());
        for amount in ["1234101", "12341001", "1673086"] {
            assert!(of_digits_alone(amount, "%Y%m%d").is_none(), "{amount}");
        }
        assert_eq!(
            compact(20_230_201_123_059.0).map(date_time).as_deref(),
            Some("2023-02-01 12:30:59")
        );
        assert_eq!(compact(20_230_201_126_059.0), None);
    }

    #[test]
    fn two_digits_before_a_month_may_be_the_year() {
        let first = |text: &str| match stamp(text, None) {
            Some(Stamp::Date(dated)) => dated.year_first,
            _ => panic!("{text} is no date"),
        };
        assert!(first("23-01-15") && first("23/10/27"));
        assert!(!first("23/01/45") && !first("01/23/15") && !first("2023-01-15"));
    }

    #[test]
    fn a_date_in_doubt_is_read_both_ways() {
        assert_eq!(both("01/02/2024"), ["2024-02-01 00:00:00", "2024-01-02 00:00:00"]);
        assert_eq!(both("31/01/23"), ["2023-01-31 00:00:00", "none"]);
        assert_eq!(both("01/31/99 7:05 PM"), ["none", "1999-01-31 19:05:00"]);
        let said = in_doubt("column \"when\"", "01/02/2024").unwrap().to_string();
        assert_eq!(
            said,
            "column \"when\": 01/02/2024 is read as 2024-02-01; if it is 2024-01-02, say month_first = true, or how dates are written with date_format = %d/%m/%Y"
        );
    }

    #[test]
    fn seconds_their_parts_and_zones_are_kept() {
        assert_eq!(both("2024-01-31 12:30:05.25")[0], "2024-01-31 12:30:05.25");
        assert_eq!(both("2024-01-31T12:30:05,123456+01:00")[0], "2024-01-31 11:30:05.123456");
        let Some(Stamp::Date(zoned)) = stamp("2024-07-01 08:00:00 EST", None) else { panic!() };
        assert!(zoned.named_zone);
    }

    #[test]
    fn times_of_day_are_parts_of_a_day() {
        for (text, part) in
            [("18:00", 0.75), ("18.00.00", 0.75), ("6:00 PM", 0.75), ("12:00 AM", 0.0)]
        {
            assert_eq!(stamp(text, None), Some(Stamp::Clock(part)), "{text}");
        }
        for text in ["24:00", "13:00 PM", "1:2", "7:60"] {
            assert_eq!(stamp(text, None), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "tomorrow",
            "2024-13-01",
            "2024-02-30",
            "1-2",
            "1.2.3",
            "10.0.0.1",
            "12 34",
            "3 x 4",
            "1,5",
            "-",
            "123-45-6789",
            "12-34-5678",
            "may",
            "a:b",
            "2024",
            "1/2",
            "12%",
            "555-1234",
            "item 31",
            "31 items 2024",
            "ä2024-01-01",
        ] {
            assert_eq!(stamp(text, None), None, "{text}");
        }
    }

    #[test]
    fn a_format_holds_alone() {
        let read = |text, format| stamp(text, Some(format));
        let day = |text, format| match read(text, format) {
            Some(Stamp::Date(dated)) => date_time(dated.nanos(false).unwrap()),
            other => format!("{other:?}"),
        };
        assert_eq!(day("24|31|01", "%y|%d|%m"), "2024-01-31 00:00:00");
        assert_eq!(day("01/02/2024 07:05 PM", "%m/%d/%Y %I:%M %p"), "2024-01-02 19:05:00");
        assert_eq!(day("2024-01-31 12:00 +0100", "%Y-%m-%d %H:%M %z"), "2024-01-31 11:00:00");
        assert_eq!(day("2024 Feb", "%Y %b"), "2024-02-01 00:00:00");
        assert_eq!(read("18h00", "%Hh%M"), Some(Stamp::Clock(0.75)));
        assert_eq!(read("2024-01-31", "%d/%m/%Y"), None);
    }

    #[test]
    fn a_quarter_is_its_first_day() {
        for text in ["1974Q2", "1974-Q2", "1974 q2", "Q2 1974", "Q2/1974"] {
            assert_eq!(parse(text), parse("1974-04-01"), "{text}");
        }
        for text in ["1974Q5", "74Q1", "1974Z1", "Q2", "1974Q12"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_dates_in_digits_or_counts_since_1970() {
        let day = |number| of_number(number).map(date_time);
        assert_eq!(day(20_240_131.0).as_deref(), Some("2024-01-31 00:00:00"));
        for number in [1_704_067_200.0, 1_704_067_200e3, 1_704_067_200e6, 1_704_067_200e9] {
            assert_eq!(day(number).as_deref(), Some("2024-01-01 00:00:00"), "{number}");
        }
        assert_eq!((compact(20_241_331.0), compact(2.5), of_number(1e300)), (None, None, None));
    }

    #[test]
    fn all_texts_together_tell_the_order() {
        let texts = ["01/02/2024", "13/02/2024"].map(str::to_owned);
        let (nanos, doubt) = instants(&texts, &Notation::default()).unwrap();
        assert_eq!(date_time(nanos[0]), "2024-02-01 00:00:00");
        assert_eq!(doubt, None);
        let texts = ["01/02/2024", "02/13/2024"].map(str::to_owned);
        let (nanos, _) = instants(&texts, &Notation::default()).unwrap();
        assert_eq!(date_time(nanos[0]), "2024-01-02 00:00:00");
        assert!(instants(&texts[..1], &Notation::default()).unwrap().1.is_some());
        let texts = ["01/02/2024", "13/02/2024", "02/14/2024"].map(str::to_owned);
        assert_eq!(instants(&texts, &Notation::default()), Err(2));
        let said = Notation { month_first: Some(true), ..Notation::default() };
        assert_eq!(instants(&texts, &said), Err(1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_it_panic(text in "[0-9:/. TZ+,aApPmMJjan-]{0,24}", wild in any::<String>()) {
            let _ = (stamp(&text, None), stamp(&wild, None), stamp(&text, Some(&wild)));
        }

        #[test]
        fn what_is_written_is_read_back(nanos in -2_000_000_000i64..4_000_000_000) {
            let nanos = i128::from(nanos) * 1_000_000_000;
            let Some(Stamp::Date(read)) = stamp(&date_time(nanos), None) else { panic!() };
            prop_assert_eq!(read, Dated::sure(nanos));
        }
    }
}
