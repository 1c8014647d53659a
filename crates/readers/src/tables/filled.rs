//! Values for cells that have none.

use jiff::civil::DateTime;
use jiff::{SignedDuration, civil};
use rows::{ColumnKind, DecimalMark, Field};

/// A value for a cell that has none.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledCell {
    /// What its column holds.
    pub kind: ColumnKind,
    /// The value as a data set holds it: a number, days since 1970.
    pub number: f64,
    /// The value as text.
    pub text: String,
}

impl FilledCell {
    /// A number of a column; none where nothing can be written for it, or it is infinite.
    pub fn of(field: &Field, number: f64) -> Option<Self> {
        let text = field.text(number);
        (!text.is_empty() && !number.is_infinite()).then_some(Self {
            kind: field.kind,
            number,
            text,
        })
    }

    /// The value as its column is written.
    pub(crate) fn written(
        &self,
        decimals: Decimals,
        decimal: DecimalMark,
        date_format: Option<&str>,
    ) -> String {
        let own = match (self.kind, date_format) {
            (ColumnKind::Date, Some(format)) => formatted(self.number, format),
            (kind, _) if kind.is_number() => decimals.text(self.number),
            _ => None,
        };
        let text = own.unwrap_or_else(|| self.text.clone());
        if self.kind.is_number() && decimal == DecimalMark::Comma {
            text.replace('.', ",")
        } else {
            text
        }
    }
}

/// Gives values for cells by their zero-based row and column among those that are read.
pub type Fill<'a> = dyn FnMut(usize, usize) -> Option<FilledCell> + 'a;

/// How many digits the numbers of a column have behind the decimal mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decimals {
    /// None was seen.
    #[default]
    Unseen,
    /// From the fewest to the most.
    Between(usize, usize),
    /// Some have an exponent.
    Open,
}

impl Decimals {
    /// Those of the numbers before, and of one more as it is written.
    pub(crate) fn with(self, number: &str, mark: DecimalMark) -> Self {
        let behind = number.split_once(mark.mark()).map_or("", |(_, behind)| behind);
        let own = behind.len();
        match self {
            _ if number.contains(['e', 'E']) || !behind.bytes().all(|b| b.is_ascii_digit()) => {
                Self::Open
            }
            Self::Unseen => Self::Between(own, own),
            Self::Between(fewest, most) => Self::Between(fewest.min(own), most.max(own)),
            Self::Open => Self::Open,
        }
    }

    /// A number with no more digits than those have, and with as many where all have the same.
    pub(crate) fn text(self, number: f64) -> Option<String> {
        let Self::Between(fewest, most) = self else { return None };
        // Zero has no sign.
        let rounded: f64 = format!("{number:.most$}").parse().ok()?;
        let rounded = if rounded == 0.0 { 0.0 } else { rounded };
        Some(if fewest == most { format!("{rounded:.most$}") } else { rounded.to_string() })
    }
}

/// Days since 1970 in a format of strptime.
fn formatted(days: f64, format: &str) -> Option<String> {
    let nanos = SignedDuration::try_from_secs_f64(days * 86_400.0).ok()?;
    let epoch: DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let text = jiff::fmt::strtime::format(format, epoch.checked_add(nanos).ok()?);
    text.ok()
}
