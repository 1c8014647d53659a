//! One cell of a table, and what the words in it mean.

use crate::stamps::{self, Stamp};
use crate::tables::amount;
use rows::{DecimalMark, Notation};
use std::collections::BTreeSet;

/// A cell as its file gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// No value.
    Missing,
    /// A number, possibly infinite; NaN is no value.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text, of a file that tells texts from numbers.
    Text(&'a str),
    /// Text that may be anything, of a file that holds nothing else.
    Written(&'a str),
}

/// What a cell means before its column is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning {
    /// A number, possibly infinite, never NaN.
    Number(f64),
    Boolean(bool),
    /// Something that reads as a date, a time or both.
    Stamp(Stamp),
    /// Nothing, or a word for nothing.
    Missing,
    /// A mark that means nothing among numbers and dates.
    Dash,
    /// Anything else.
    Text,
}

/// Words that stand for a missing value, in lower case.
const MISSING: [&str; 20] = [
    "", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "?", "<na>", "\\n", "nat",
    "n.a.", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!",
];
/// Marks that stand for a missing value among numbers and dates, and for themselves among texts.
const DASHES: [&str; 6] = ["-", "--", "---", ".", "\u{2013}", "\u{2014}"];

/// A year, and a day or a month and a day.
const DIGITS_OF_DATE: usize = 7;

/// How the cells of a table are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    missing: BTreeSet<String>,
    /// The bits of the numbers that stand for a missing value.
    missing_numbers: BTreeSet<u64>,
    pub(crate) decimal: DecimalMark,
    pub(crate) date_format: Option<String>,
}

/// Whether a text is a mark that means nothing among numbers.
pub(crate) fn is_dash(text: &str) -> bool {
    DASHES.contains(&text)
}

impl Marks {
    pub(crate) fn new(notation: &Notation) -> Self {
        let decimal = notation.decimal.unwrap_or_default();
        let number = |word: &String| amount::number(word.trim(), decimal).map(bits);
        Self {
            missing: notation.missing.iter().map(|word| word.trim().to_owned()).collect(),
            missing_numbers: notation.missing.iter().filter_map(number).collect(),
            decimal,
            date_format: notation.date_format.clone(),
        }
    }

    /// What a cell means; white space around texts does not count.
    pub(crate) fn read(&self, cell: Cell<'_>) -> Meaning {
        match cell {
            Cell::Missing => Meaning::Missing,
            Cell::Number(number) => self.number(number),
            Cell::Boolean(truth) => Meaning::Boolean(truth),
            Cell::Text(text) => match self.written(text.trim()) {
                // A number among texts is a text there.
                Meaning::Number(_) => Meaning::Text,
                other => other,
            },
            Cell::Written(text) => self.written(text.trim()),
        }
    }

    fn number(&self, number: f64) -> Meaning {
        if number.is_nan() || self.missing_numbers.contains(&bits(number)) {
            Meaning::Missing
        } else {
            Meaning::Number(number)
        }
    }

    fn written(&self, text: &str) -> Meaning {
        // Digits alone are a date where they are said to be written so: 20240131235959, 2024031.
        let digits = || text.len() >= DIGITS_OF_DATE && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(format) = self.date_format.as_deref().filter(|_| digits())
            && let Some(stamp) = stamps::of_digits_alone(text, format)
        {
            return Meaning::Stamp(stamp);
        }
        if let Some(number) = self.plain(text) {
            return self.number(number);
        }
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if self.missing.contains(text) || MISSING.iter().any(|word| is(word)) {
            return Meaning::Missing;
        }
        if is_dash(text) {
            return Meaning::Dash;
        }
        match (is("true"), is("false")) {
            (true, _) => Meaning::Boolean(true),
            (_, true) => Meaning::Boolean(false),
            _ => stamps::stamp(text, self.date_format.as_deref())
                .map_or(Meaning::Text, Meaning::Stamp),
        }
    }

    /// A number without groups or units; these want the user's consent.
    fn plain(&self, text: &str) -> Option<f64> {
        let number: Option<f64> = match self.decimal {
            DecimalMark::Point => text.parse().ok(),
            DecimalMark::Comma if text.contains(['.', ',']) => amount::number(text, self.decimal),
            DecimalMark::Comma => text.parse().ok(),
        };
        number.filter(|number| *number != 0.0 || !amount::is_code(text))
    }
}

/// The same for both zeros.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Meaning {
        Marks::default().read(Cell::Written(text))
    }

    #[test]
    fn a_code_with_an_e_is_no_zero() {
        for code in ["0E8", "00e5", "0E10", "0E0"] {
            assert_eq!(read(code), Meaning::Text, "{code}");
        }
        for zero in ["0", "0e0", "0.0E8", "0e+00", "-0", "000"] {
            assert_eq!(read(zero), Meaning::Number(0.0), "{zero}");
        }
    }

    #[test]
    fn numbers_are_read_with_sign_exponent_and_surrounding_space() {
        for (text, number) in [("1", 1.0), (" -2.5 ", -2.5), ("+3e2", 300.0), (".5", 0.5)] {
            assert_eq!(read(text), Meaning::Number(number), "{text}");
        }
        assert_eq!(read("inf"), Meaning::Number(f64::INFINITY));
        assert_eq!(Marks::default().read(Cell::Text("5")), Meaning::Text);
    }

    #[test]
    fn the_usual_words_for_nothing_are_missing_values() {
        for text in
            ["", "  ", "NA", "n/a", "NaN", "null", "None", "?", "<NA>", "\\N", "NaT", "N.A."]
        {
            assert_eq!(read(text), Meaning::Missing, "{text:?}");
        }
        assert_eq!((read("-"), read("-x")), (Meaning::Dash, Meaning::Text));
    }

    #[test]
    fn words_and_numbers_that_the_user_names_are_missing_values() {
        let missing = ["-", "-200", "unknown"].map(str::to_owned).to_vec();
        let marks = Marks::new(&Notation { missing, ..Notation::default() });
        for cell in [
            Cell::Written("-"),
            Cell::Written("-200.0"),
            Cell::Number(-200.0),
            Cell::Text("unknown"),
        ] {
            assert_eq!(marks.read(cell), Meaning::Missing, "{cell:?}");
        }
        assert_eq!(marks.read(Cell::Written("-20")), Meaning::Number(-20.0));
    }

    #[test]
    fn decimal_commas_are_read_where_they_are_the_mark() {
        let decimal = Some(DecimalMark::Comma);
        let marks = Marks::new(&Notation { decimal, ..Notation::default() });
        assert_eq!(marks.read(Cell::Written("2,5")), Meaning::Number(2.5));
        assert_eq!(marks.read(Cell::Written("1.234,5")), Meaning::Number(1234.5));
        assert_eq!(read("2,5"), Meaning::Text);
        assert_eq!(read("1,234"), Meaning::Text);
    }

    #[test]
    fn truth_is_told_from_text() {
        assert_eq!([read("True"), read("FALSE")], [true, false].map(Meaning::Boolean));
        assert!(matches!(read("31.12.2024"), Meaning::Stamp(_)));
    }
}
