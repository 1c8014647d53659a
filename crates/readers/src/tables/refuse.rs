//! Which tables are refused, and what users are warned of.

use crate::tables::amount::amount;
use crate::tables::column::{Column, Seen, Sort};
use rows::{CellPosition, ColumnKind, Dataset, DecimalMark, Error, Message, Result, Shape, Survey};

/// An error where a column cannot be learned from, or has a cell that is not of its kind.
///
/// Whole columns come first, all that are wrong in one way at once, then single cells: the order in
/// which a user repairs a file.
pub(crate) fn refuse(data: &Dataset, columns: &[Column]) -> Result<()> {
    let fail = |message: Message| Err(Error::data(&data.name, message));
    let decimal = data.notation.decimal.unwrap_or_default();
    let wrong: Vec<Option<Wrong>> = columns.iter().map(|of| Wrong::of(of, decimal)).collect();
    if let Some(first) = wrong.iter().position(Option::is_some) {
        let alike = (first..columns.len()).filter(|at| wrong[*at] == wrong[first]);
        let alike = Alike {
            quoted: quoted(data, first),
            names: alike.map(|at| data.column_name(at)).collect(),
        };
        if let Some(amounts) = amounts(&columns[first], decimal) {
            // What stands before the decimals of other columns does so in this one.
            let read = if has_fractions(data, columns)? { None } else { amounts.otherwise };
            return fail(amounts.message(&alike, read));
        }
        if let Some(message) = refuse_whole(&alike, &columns[first], decimal) {
            return fail(message);
        }
    }
    for (j, column) in columns.iter().enumerate() {
        let Some((row, text)) = column.stray() else {
            continue;
        };
        let name = data.column_name(j);
        let among = match column.sort() {
            Sort::Texts => "texts",
            Sort::Dates => "dates",
            Sort::Booleans => "booleans",
            Sort::Numbers
                if matches!(column.asked, Some(ColumnKind::Count | ColumnKind::Poisson)) =>
            {
                "whole numbers from 0"
            }
            Sort::Numbers | Sort::Empty => "numbers",
        };
        let stray = format!("row {}, {} has {text:?} among {among}; ", row + 1, quoted(data, j));
        return fail(Message::from(stray).then(advice(column, &name, text, decimal)));
    }
    Ok(())
}

/// Why a whole column is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nested,
    Amounts,
    Units,
    Commas,
    Words,
    Empty,
}

impl Wrong {
    fn of(column: &Column, decimal: DecimalMark) -> Option<Self> {
        let commas = || column.texts.first.as_ref().and_then(|(_, text)| other_mark(text, decimal));
        let words = || column.mostly_different() && column.kind() != ColumnKind::Text;
        match column.sort() {
            _ if column.nested => Some(Self::Nested),
            Sort::Texts if column.asked.is_some() => None,
            Sort::Texts if amounts(column, decimal).is_some() => Some(Self::Amounts),
            Sort::Texts if column.amount_of_texts(decimal).is_some() => None,
            Sort::Texts if column.texts_of_two_units(decimal).is_some() => Some(Self::Units),
            Sort::Texts if commas().is_some() => Some(Self::Commas),
            Sort::Texts if words() => Some(Self::Words),
            Sort::Empty if column.missing.count > 0 && column.asked.is_none() => Some(Self::Empty),
            _ => None,
        }
    }
}

/// Columns that are refused for the same reason.
struct Alike {
    /// The first of them, as messages name it.
    quoted: String,
    /// The names of all.
    names: Vec<String>,
}

impl Alike {
    /// The first, and which others are like it.
    fn named(&self) -> String {
        let others = &self.names[1..];
        let shown: Vec<&str> = others.iter().take(5).map(String::as_str).collect();
        let more = if others.len() > 5 { ", ..." } else { "" };
        match others.len() {
            0 => self.quoted.clone(),
            count => format!("{} (like {count} more: {}{more})", self.quoted, shown.join(", ")),
        }
    }

    /// The value of a setting that takes all of them, each with something behind its name.
    fn all(&self, behind: &str) -> String {
        // A name with a comma would be two.
        let simple = self.names.iter().enumerate();
        let simple = simple.filter(|(at, name)| *at == 0 || !name.contains([',', '=']));
        let each: Vec<String> = simple.map(|(_, name)| format!("{name}{behind}")).collect();
        each.join(",")
    }
}

/// What to do about a cell that is not like the others of its column.
fn advice(column: &Column, name: &str, text: &str, decimal: DecimalMark) -> Message {
    let otherwise = |advice: Message| {
        // Commas part the words that are missing values.
        let missing = if text.contains(',') {
            advice
        } else {
            advice.text(", count it as missing with ").set("missing", text)
        };
        missing.text(", or correct it")
    };
    match column.sort() {
        Sort::Numbers if column.asked.is_some_and(|kind| kind != ColumnKind::Numeric) => {
            let why = "correct the cell, remove the row, or take the column for numeric with ";
            Message::from(why).set("column", format!("{name}=numeric"))
        }
        Sort::Numbers | Sort::Empty if column.consent.is_some() => {
            let unit = column.consent.as_ref().and_then(Option::as_ref);
            let unit = unit.map_or(String::new(), |unit| format!(" with the unit {unit:?}"));
            otherwise(format!("wanted numbers{unit}: remove the row").into())
        }
        Sort::Numbers | Sort::Empty => match other_mark(text, decimal) {
            Some((number, mark)) => {
                let advice = format!("if it stands for {number}, say ");
                otherwise(Message::from(advice).set("decimal", mark))
            }
            None if amount(text, decimal).is_some() => {
                let kind = format!("{name}=numeric");
                let taken = Message::from("take its numbers without units and marks with ");
                let taken = taken.set("column", kind);
                let mark = other(decimal);
                let plain = amount(text, decimal).map(|read| read.number);
                otherwise(match amount(text, mark).filter(|read| Some(read.number) != plain) {
                    Some(read) => taken
                        .text(format!(", or, if it stands for {}, say ", read.number))
                        .set("decimal", mark),
                    None => taken,
                })
            }
            // A model has it for numbers, whatever this file holds.
            None if column.asked.is_some() => otherwise("remove the row".into()),
            None => {
                let kind = format!("{name}=categorical");
                otherwise(Message::from("take the column for codes with ").set("column", kind))
            }
        },
        Sort::Texts => Message::from("if they are all names of categories, say ")
            .set("column", format!("{name}=categorical")),
        Sort::Dates => {
            let how =
                "write it like 2024-01-31 or 2024-01-31 12:30, say how dates are written with ";
            otherwise(Message::from(how).setting("date_format").text(" (as in %d/%m/%Y)"))
        }
        Sort::Booleans => {
            let kind = format!("{name}=categorical");
            otherwise(Message::from("take the column for codes with ").set("column", kind))
        }
    }
}

/// The number that a text is with the other mark before decimals, where it is none with this one.
fn other_mark(text: &str, decimal: DecimalMark) -> Option<(f64, DecimalMark)> {
    let other = other(decimal);
    let read = amount(text, other).filter(|_| amount(text, decimal).is_none())?;
    Some((read.number, other))
}

/// A column of numbers with units or marks.
struct Amounts<'a> {
    text: &'a str,
    number: f64,
    /// The number that its text is with the other mark before decimals, where that is another.
    otherwise: Option<(f64, DecimalMark)>,
}

/// What to say of a column whose texts are all numbers with units or marks.
fn amounts(column: &Column, decimal: DecimalMark) -> Option<Amounts<'_>> {
    if column.sort() != Sort::Texts || column.asked.is_some() || column.nested {
        return None;
    }
    let text = column.amount_of_texts(decimal)?;
    let number = amount(text, decimal)?.number;
    let read = amount(text, other(decimal)).filter(|read| read.number != number);
    Some(Amounts { text, number, otherwise: read.map(|read| (read.number, other(decimal))) })
}

impl Amounts<'_> {
    fn message(&self, alike: &Alike, otherwise: Option<(f64, DecimalMark)>) -> Message {
        let Self { text, number, .. } = self;
        let why = format!(
            "{} has numbers with units or marks ({text:?}); take {number} and its like with ",
            alike.named()
        );
        let mut advice = Message::from(why).set("column", alike.all("=numeric"));
        if let Some((number, mark)) = otherwise {
            advice = advice.text(format!(", or {number} with "));
            advice = advice.set("column", alike.all("=numeric"));
            advice = advice.text(" and ").set("decimal", mark);
        }
        advice.text(", or the texts as codes with ").set("column", alike.all("=categorical"))
    }
}

/// Whether some column of numbers has any with decimals.
fn has_fractions(data: &Dataset, columns: &[Column]) -> Result<bool> {
    let numbers: Vec<bool> = columns.iter().map(|column| column.sort() == Sort::Numbers).collect();
    for block in data.blocks() {
        let block = block?;
        let fraction = |at: &usize| numbers[at % numbers.len()] && block.get(*at).fract() != 0.0;
        // A missing value has none.
        if (0..block.len()).filter(fraction).any(|at| block.get(at).is_finite()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What to say of columns that are wrong as a whole, by the first of them.
fn refuse_whole(alike: &Alike, column: &Column, decimal: DecimalMark) -> Option<Message> {
    let example = |seen: &Seen| {
        let (row, text) = seen.first.clone().unwrap_or_default();
        format!("row {} has {text:?}", row + 1)
    };
    let (named, name) = (alike.named(), alike.names.first()?);
    match Wrong::of(column, decimal)? {
        Wrong::Nested => {
            let why = format!("{named} holds nested values, which cannot be trained on; ");
            Some(Message::from(why).text("leave it out with ").set("drop", alike.all("")))
        }
        // They have advice of their own.
        Wrong::Amounts => None,
        Wrong::Units => {
            let texts = column.texts_of_two_units(decimal)?;
            let why = format!(
                "{named} has numbers with several units ({}); write all with one, leave it out with ",
                texts.map(|text| format!("{text:?}")).join(", ")
            );
            let drop = Message::from(why)
                .set("drop", alike.all(""))
                .text(", or take the texts as codes with ");
            Some(drop.set("column", alike.all("=categorical")))
        }
        Wrong::Commas => {
            let (_, text) = column.texts.first.as_ref()?;
            let (number, mark) = other_mark(text, decimal)?;
            let why = format!(
                "{named} has texts like numbers ({}); if that is {number}, say ",
                example(&column.texts)
            );
            let advice = Message::from(why).set("decimal", mark).text(", or ");
            Some(advice.set("column", alike.all("=categorical")))
        }
        Wrong::Words => {
            let why = format!(
                "{named} has {} different words in {} rows ({}), which are no categories; set it aside with ",
                column.different(),
                column.texts.count,
                example(&column.texts)
            );
            let aside = Message::from(why).set("id", name).text(" or ").set("label", name);
            let insist = aside.text(", leave it out with ").set("drop", alike.all(""));
            let insist = insist.text(", or insist with ").set("column", alike.all("=categorical"));
            Some(insist.text(" or =text"))
        }
        Wrong::Empty => {
            let why = format!("{named} is empty in every row; leave it out with ");
            Some(Message::from(why).set("drop", alike.all("")))
        }
    }
}

fn other(decimal: DecimalMark) -> DecimalMark {
    match decimal {
        DecimalMark::Point => DecimalMark::Comma,
        DecimalMark::Comma => DecimalMark::Point,
    }
}

/// `column "age"`, or `column 3` where there is no name.
fn quoted(data: &Dataset, column: usize) -> String {
    match data.columns.get(column) {
        Some(name) => format!("column {name:?}"),
        None => data.column_name(column),
    }
}

/// The first of these names as one value of a setting.
fn in_one(names: &[String]) -> String {
    // A name with a comma would be two.
    let named = names.iter().take(5).filter(|name| !name.contains(','));
    named.map(String::as_str).collect::<Vec<&str>>().join(",")
}

/// For tables: warns of columns that never change and of columns that only count the rows.
///
/// With `learning` false only of what is missing: what a model knows already can carry something.
pub(crate) fn warn(data: &mut Dataset, learning: bool) -> Result<()> {
    let (rows, width) = (data.rows(), data.features());
    if !matches!(data.shape, Shape::Flat { .. }) || rows < 2 {
        return Ok(());
    }
    let list = |columns: Vec<usize>| {
        let shown: Vec<String> = columns.iter().take(5).map(|&j| data.column_name(j)).collect();
        let more = if columns.len() > 5 { ", ..." } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    let Survey { missing, constant, counting, .. } = Survey::clone(&*data.survey()?);
    let none = |columns: Vec<usize>| if learning { columns } else { Vec::new() };
    let mut counting = none(counting);
    counting.retain(|column| data.kind(*column).is_number());
    let constant = none(constant);
    let mut warnings = Vec::new();
    if !constant.is_empty() {
        let never = format!(
            "{} of {width} columns never change: {}; they carry nothing, and later changes in them are not watched; leave them out with ",
            constant.len(),
            list(constant.clone())
        );
        let names: Vec<String> = constant.iter().map(|column| data.column_name(*column)).collect();
        warnings.push(Message::from(never).set("drop", in_one(&names)));
    }
    if !counting.is_empty() {
        let counts =
            format!("only counts the rows: {}; leave it out with ", list(counting.clone()));
        let names: Vec<String> = counting.iter().map(|column| data.column_name(*column)).collect();
        let out = Message::from(counts).set("drop", in_one(&names));
        warnings.push(out.text(", or, if it identifies rows, set it aside with ").setting("id"));
    }
    if let Some(CellPosition { row, column }) = missing.first {
        let cells = if missing.count == 1 {
            "1 cell has no value".to_owned()
        } else {
            format!("{} cells have no value", missing.count)
        };
        let first = format!("the first in row {}, {}", row + 1, quoted(data, column));
        let columns = missing.columns;
        warnings.push(format!("{cells} in {columns} of {width} columns, {first}").into());
    }
    data.warnings.extend(warnings);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::cell::{Cell, Marks};
    use rows::Values;

    fn seen(cells: &[&str]) -> Column {
        let mut column = Column::default();
        for (row, text) in cells.iter().enumerate() {
            column.take(row, Cell::Written(text), &Marks::default());
        }
        column.settle(None, None);
        column
    }

    fn table(rows: &[&[f64]]) -> Dataset {
        let width = rows[0].len();
        Dataset::new("t", Shape::Flat { width }, Values::F64(rows.concat())).unwrap()
    }

    #[test]
    fn a_column_is_what_most_of_its_cells_are() {
        assert_eq!(seen(&["1", "2", "x"]).kind(), ColumnKind::Numeric);
        assert_eq!(seen(&["a", "2", "x"]).kind(), ColumnKind::Categorical);
        assert_eq!(seen(&["", "2024-01-02"]).kind(), ColumnKind::Date);
        assert_eq!(seen(&["true", "false", ""]).kind(), ColumnKind::Boolean);
        assert_eq!(seen(&["", "NA"]).kind(), ColumnKind::Empty);
    }

    #[test]
    fn a_decimal_comma_gets_its_own_advice() {
        let error =
            refuse(&table(&[&[1.0], &[2.0], &[3.0]]), &[seen(&["1", "2,5", "3"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t: row 2, column 1 has \"2,5\" among numbers; if it stands for 2.5, say decimal = ,, or correct it"
        );
        let error = refuse(&table(&[&[1.0], &[2.0]]), &[seen(&["1,5", "2,5"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t: column 1 has texts like numbers (row 1 has \"1,5\"); if that is 1.5, say decimal = ,, or column = column 1=categorical"
        );
    }

    #[test]
    fn columns_that_are_wrong_in_one_way_are_refused_at_once() {
        let rows: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]];
        let columns = [seen(&["3 kg", "4 kg"]), seen(&["1", "2"]), seen(&["1 €", "2 €"])];
        let error = refuse(&table(&rows), &columns).unwrap_err().to_string();
        assert!(
            error.contains("column 1 (like 1 more: column 3) has numbers with units"),
            "{error}"
        );
        let wanted = "column = column 1=numeric,column 3=numeric";
        assert!(error.contains(wanted), "{error}");
        let columns = [seen(&["", ""]), seen(&["1", "2"]), seen(&["", ""])];
        let error = refuse(&table(&rows), &columns).unwrap_err().to_string();
        assert!(error.contains("leave it out with drop = column 1,column 3"), "{error}");
    }

    #[test]
    fn numbers_with_several_units_are_no_categories() {
        let texts = |units: [&str; 2], count: usize| -> Vec<String> {
            (0..count).map(|at| format!("{at}{}", units[at % 2])).collect()
        };
        let refused = |texts: &[String]| {
            let cells: Vec<&str> = texts.iter().map(String::as_str).collect();
            let rows: Vec<[f64; 1]> = (0..cells.len()).map(|at| [at as f64]).collect();
            let rows: Vec<&[f64]> = rows.iter().map(|row| row.as_slice()).collect();
            refuse(&table(&rows), &[seen(&cells)]).map_err(|error| error.to_string())
        };
        let error = refused(&texts([" kg", " lb"], 30)).unwrap_err();
        assert!(error.contains("several units (\"0 kg\", \"1 lb\")"), "{error}");
        assert!(error.contains("drop = column 1, or take the texts as codes"), "{error}");
        // Places in a race, or seats and doors.
        assert_eq!(refused(&texts(["st", "nd"], 12)), Ok(()));
    }

    #[test]
    fn a_number_among_booleans_is_a_stray() {
        let error = refuse(&table(&[&[1.0], &[2.0], &[0.0]]), &[seen(&["true", "2", "false"])])
            .unwrap_err();
        assert!(error.to_string().contains("row 2, column 1 has \"2\""), "{error}");
    }

    #[test]
    fn constant_columns_are_a_warning_and_stay() {
        let mut data = table(&[&[1.0, 7.0], &[2.0, 7.0]]);
        warn(&mut data, true).unwrap();
        assert_eq!(
            data.warnings,
            [Message::from("1 of 2 columns never change: column 2; they carry nothing, and later changes in them are not watched; leave them out with ")
                .set("drop", "column 2")]
        );
        assert_eq!(data.features(), 2);
    }

    #[test]
    fn a_column_that_counts_the_rows_is_a_warning() {
        let rows: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        let mut data = table(&rows.iter().map(|row| row.as_slice()).collect::<Vec<_>>());
        warn(&mut data, true).unwrap();
        assert!(
            data.warnings[0].to_string().starts_with("only counts the rows: column 1;"),
            "{:?}",
            data.warnings
        );
    }
}
