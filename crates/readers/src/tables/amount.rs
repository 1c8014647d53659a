//! Numbers as people write them: with groups of thousands, a decimal comma, a unit or a currency.

use rows::DecimalMark;

/// Signs that stand before or behind a sum of money.
const CURRENCIES: [&str; 18] = [
    "€", "$", "£", "¥", "₹", "₩", "₽", "¢", "US$", "EUR", "USD", "GBP", "JPY", "CHF", "CNY", "INR",
    "CAD", "AUD",
];
/// Characters of a unit at most.
const LONGEST_UNIT: usize = 8;

/// A number and what stands beside it; empty where nothing does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) number: f64,
    pub(crate) unit: String,
}

/// The number that a text without any unit is: `1234.5`, `1,234.5`, or with a decimal comma
/// `1.234,5`.
pub(crate) fn number(text: &str, decimal: DecimalMark) -> Option<f64> {
    let plain = match decimal {
        DecimalMark::Point => text.parse().ok(),
        DecimalMark::Comma if text.contains(['.', ',']) => None,
        DecimalMark::Comma => text.parse().ok(),
    };
    plain.or_else(|| grouped(text, decimal)).filter(|number| *number != 0.0 || !is_code(text))
}

/// Whether a text that could be a zero is a code: `0E8` and `0E5` are not the same, and nobody writes
/// a zero so.
pub(crate) fn is_code(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split_once(['e', 'E']);
    // Some programs write a plain zero as 0e0.
    parts.is_some_and(|(before, behind)| digits(before) && digits(behind) && text != "0e0")
}

/// Reads a number with what stands beside it: `1,234 kg`, `€ 5`, `45%`, `(1,234.50)`.
pub(crate) fn amount(text: &str, decimal: DecimalMark) -> Option<Amount> {
    let text = text.trim();
    // Bookkeepers write what is below zero in brackets.
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let Amount { number, unit } = amount(inner, decimal)?;
        return Some(Amount { number: -number, unit });
    }
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (before, body, behind) = (&text[..start], &text[start..end], &text[end..]);
    let before = before.strip_suffix(['.', ',']).unwrap_or(before);
    let sign = |text: &str| text.contains(['-', '\u{2212}']);
    let bare = |text: &str| text.trim_matches(['-', '+', '\u{2212}', ' ', '\u{a0}']).to_owned();
    let (currency, unit) = (bare(before), bare(behind));
    let known = |text: &str| text.is_empty() || CURRENCIES.contains(&text);
    let is_unit = known(&unit) || unit.chars().count() <= LONGEST_UNIT && begins_a_unit(&unit);
    if !known(&currency) || !is_unit || !currency.is_empty() && !known(&unit) || sign(behind) {
        return None;
    }
    let point = &text[before.len()..start];
    let number = number(&format!("{point}{body}"), decimal)?;
    let number = if sign(before) { -number } else { number };
    Some(Amount { number, unit: if currency.is_empty() { unit } else { currency } })
}

/// Whether a text is like the beginning of a unit; what is behind digits may be anything else.
fn begins_a_unit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || "%°‰µ\"'".contains(c))
        && !text.contains(|c: char| c.is_ascii_digit() || c == ':' || c == ',')
}

/// A number with marks between groups of three digits.
fn grouped(text: &str, decimal: DecimalMark) -> Option<f64> {
    let (sign, body) = match text.strip_prefix(['-', '+']) {
        Some(body) => (if text.starts_with('-') { -1.0 } else { 1.0 }, body),
        None => (1.0, text),
    };
    let mark = decimal.mark();
    let (whole, part) = body.split_once(mark).unwrap_or((body, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (part, exponent) = match part.find(['e', 'E']) {
        Some(at) => part.split_at(at),
        None => (part, ""),
    };
    if !is_digits(part) || whole.is_empty() && part.is_empty() {
        return None;
    }
    let group = whole.chars().find(|c| !c.is_ascii_digit());
    let digits: String = match group {
        None => whole.to_owned(),
        Some(group) if is_group_mark(group, mark) => {
            let groups: Vec<&str> = whole.split(group).collect();
            // Nobody writes a zero before thousands.
            let whole = is_digits(groups[0]) && !groups[0].starts_with('0');
            let first = (1..=3).contains(&groups[0].len()) && whole;
            let rest = groups[1..].iter().all(|group| group.len() == 3 && is_digits(group));
            if !(first && rest) {
                return None;
            }
            groups.concat()
        }
        Some(_) => return None,
    };
    format!("{digits}.{part}0{exponent}").parse::<f64>().ok().map(|number| sign * number)
}

fn is_group_mark(found: char, decimal: char) -> bool {
    // A blank may be narrow or such that no line breaks there.
    found != decimal && matches!(found, '.' | ',' | ' ' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

/// Which mark is the one before decimals, by texts of numbers that can be read with one alone; none
/// where they say nothing or contradict each other.
pub(crate) fn decimal_mark<'a>(texts: impl Iterator<Item = &'a str>) -> Option<DecimalMark> {
    let (mut points, mut commas) = (false, false);
    for text in texts.filter(|text| text.contains(['.', ','])) {
        let [point, comma] = DecimalMark::ALL.map(|mark| amount(text, mark));
        points |= point.is_some() && comma.is_none();
        commas |= comma.is_some() && point.is_none();
    }
    match (points, commas) {
        (true, false) => Some(DecimalMark::Point),
        (false, true) => Some(DecimalMark::Comma),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, mark: DecimalMark) -> Option<(f64, String)> {
        amount(text, mark).map(|Amount { number, unit }| (number, unit))
    }

    #[test]
    fn amounts_are_numbers_with_a_unit() {
        for (text, number, unit) in [
            ("2016.86 €", 2016.86, "€"),
            ("€2,016.86", 2016.86, "€"),
            ("$ -5", -5.0, "$"),
            ("-$5", -5.0, "$"),
            ("45%", 45.0, "%"),
            ("45.5 %", 45.5, "%"),
            ("12 kg", 12.0, "kg"),
            ("12km/h", 12.0, "km/h"),
            ("21.5 °C", 21.5, "°C"),
            ("(1,234.50)", -1234.5, ""),
            ("886,440", 886_440.0, ""),
            ("1 234 567", 1_234_567.0, ""),
            ("1'234.5", 1234.5, ""),
            (".5 m", 0.5, "m"),
            ("USD 1,000", 1000.0, "USD"),
        ] {
            assert_eq!(read(text, DecimalMark::Point), Some((number, unit.to_owned())), "{text}");
        }
        for (text, number) in [
            ("1.234,5", 1234.5),
            ("2,5", 2.5),
            ("1.234", 1234.0),
            ("1e3", 1000.0),
            ("2,5e-3", 2.5e-3),
        ] {
            assert_eq!(super::number(text, DecimalMark::Comma), Some(number), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_amounts() {
        for text in [
            "",
            "abc",
            "A12",
            "12-13",
            "1,23,45",
            "1.2.3",
            "10:30",
            "12 kg 5",
            "x 5",
            "5 long words",
            "2,5",
            "0,479",
            "1,2345",
            "ab$5",
            "5-",
            "5 €, 6 €",
        ] {
            assert_eq!(read(text, DecimalMark::Point), None, "{text}");
        }
        assert_eq!(super::number("2.5", DecimalMark::Comma), None);
    }

    #[test]
    fn cells_that_can_be_read_one_way_tell_the_mark() {
        let mark = |texts: &[&str]| decimal_mark(texts.iter().copied());
        assert_eq!(mark(&["1,5", "1.234,5", "x"]), Some(DecimalMark::Comma));
        assert_eq!(mark(&["1.5", "1,234"]), Some(DecimalMark::Point));
        assert_eq!(mark(&["1,234", "886,440"]), None);
        assert_eq!(mark(&["1,234", "-0,479"]), Some(DecimalMark::Comma));
        assert_eq!(mark(&["1,5", "1.5"]), None);
        assert_eq!(mark(&["12", "abc"]), None);
    }
}
