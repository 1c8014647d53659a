//! What one cell of a text file holds.

/// One cell, read without knowing its column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A number, possibly infinite, never NaN.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Something that reads as a date, a time or both.
    Date,
    /// Nothing, or one of the usual words for nothing.
    Missing,
    /// Anything else.
    Text,
}

/// Words that stand for a missing value, in lower case.
const MISSING: [&str; 10] = ["", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "?"];

impl Cell {
    /// Reads the bytes of a cell; white space around them does not count.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Text;
        };
        let text = text.trim();
        if let Ok(number) = text.parse::<f64>() {
            return if number.is_nan() { Self::Missing } else { Self::Number(number) };
        }
        if MISSING.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Self::Missing;
        }
        if text.eq_ignore_ascii_case("true") {
            return Self::Boolean(true);
        }
        if text.eq_ignore_ascii_case("false") {
            return Self::Boolean(false);
        }
        if is_date(text) { Self::Date } else { Self::Text }
    }

    /// The number to store; NaN for whatever is none.
    pub(crate) fn value(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Boolean(truth) => f64::from(u8::from(truth)),
            Self::Date | Self::Missing | Self::Text => f64::NAN,
        }
    }
}

/// Digits in groups, parted as dates and times part them: `2024-01-31`, `31/1/2024`, `31.12.2024`,
/// `12:30`, `2024-01-31T12:30:00Z`.
fn is_date(text: &str) -> bool {
    let known = |c: char| c.is_ascii_digit() || "-/:. TZ+".contains(c);
    let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    if !starts_with_digit
        || !text.ends_with(|c: char| c.is_ascii_digit() || c == 'Z')
        || !text.chars().all(known)
    {
        return false;
    }
    let groups: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let count = |mark: char| text.matches(mark).count();
    let dotted =
        count('.') == 2 && groups.len() == 3 && groups.last().is_some_and(|year| year.len() == 4);
    let by_day = groups.len() >= 3 && (count('-') >= 2 || count('/') == 2);
    let by_clock = groups.len() >= 2 && (1..=2).contains(&count(':'));
    dotted || by_day || by_clock
}

/// Whether the text is a number written with a decimal comma.
pub(crate) fn has_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.trim().replace(',', ".").parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_sign_exponent_and_surrounding_space() {
        for (text, number) in [("1", 1.0), (" -2.5 ", -2.5), ("+3e2", 300.0), (".5", 0.5)] {
            assert_eq!(Cell::read(text.as_bytes()), Cell::Number(number), "{text}");
        }
        assert_eq!(Cell::read(b"inf"), Cell::Number(f64::INFINITY));
    }

    #[test]
    fn the_usual_words_for_nothing_are_missing_values() {
        for text in ["", "  ", "NA", "n/a", "NaN", "null", "None", "?"] {
            assert_eq!(Cell::read(text.as_bytes()), Cell::Missing, "{text:?}");
        }
    }

    #[test]
    fn dates_and_times_are_told_from_text() {
        for text in [
            "2013-07-04 00:00:00",
            "2024-01-31",
            "31/1/2024",
            "31.12.2024",
            "12:30",
            "2024-01-31T12:30:00Z",
            "2024-01-31T12:30:00.25+02:00",
        ] {
            assert_eq!(Cell::read(text.as_bytes()), Cell::Date, "{text}");
        }
        for text in ["1-2", "1.2.3", "a:b", "12 34", "3 x 4", "1,5", "-"] {
            assert_eq!(Cell::read(text.as_bytes()), Cell::Text, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_text() {
        assert_eq!(Cell::read(&[0xff, 0xfe]), Cell::Text);
    }

    #[test]
    fn truth_counts_as_one() {
        assert_eq!((Cell::read(b"True").value(), Cell::read(b"false").value()), (1.0, 0.0));
    }
}
