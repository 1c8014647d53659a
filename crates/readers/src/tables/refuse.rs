//! Which tables are refused, and what users are warned of.

use crate::tables::cell::has_decimal_comma;
use crate::tables::column::{Column, Seen, Sort};
use rows::{CellPosition, ColumnKind, Dataset, Error, Message, Result, Shape, Survey};

/// An error where a column cannot be learned from, or has a cell that is not of its kind.
///
/// Whole columns come first, then single cells: the order in which a user repairs a file.
pub(crate) fn refuse(data: &Dataset, columns: &[Column]) -> Result<()> {
    let fail = |message: Message| Err(Error::data(&data.name, message));
    for (j, column) in columns.iter().enumerate() {
        if let Some(reason) = refuse_whole(&quoted(data, j), &data.column_name(j), column) {
            return fail(reason);
        }
    }
    for (j, column) in columns.iter().enumerate() {
        let Some((row, text)) = column.stray() else {
            continue;
        };
        let name = data.column_name(j);
        let (among, advice) = match column.sort() {
            _ if has_decimal_comma(text) => {
                ("numbers", Message::from("write decimals with a point"))
            }
            Sort::Texts => (
                "texts",
                Message::from("if they are all names of categories, say ")
                    .set("column", format!("{name}=categorical")),
            ),
            Sort::Dates => {
                ("dates", "write it like 2024-01-31 or 2024-01-31 12:30, or remove the row".into())
            }
            Sort::Booleans => ("booleans", "correct the cell or remove the row".into()),
            Sort::Numbers
                if matches!(column.asked, Some(ColumnKind::Count | ColumnKind::Poisson)) =>
            {
                (
                    "whole numbers from 0",
                    "correct the cell, remove the row, or take the column for numeric".into(),
                )
            }
            Sort::Numbers | Sort::Empty => ("numbers", "correct the cell or remove the row".into()),
        };
        let stray = format!("row {}, {} has {text:?} among {among}; ", row + 1, quoted(data, j));
        return fail(Message::from(stray).then(advice));
    }
    Ok(())
}

fn refuse_whole(quoted: &str, name: &str, column: &Column) -> Option<Message> {
    let example = |seen: &Seen| {
        let (row, text) = seen.first.clone().unwrap_or_default();
        format!("row {} has {text:?}", row + 1)
    };
    let commas = column.texts.first.as_ref().is_some_and(|(_, text)| has_decimal_comma(text));
    let (different, texts) = (column.different(), column.texts.count);
    match column.sort() {
        _ if column.left_out => None,
        _ if column.nested => Some(
            format!("{quoted} holds nested values, which cannot be trained on; remove it").into(),
        ),
        Sort::Texts if column.asked.is_some() => None,
        Sort::Texts if commas => {
            let example = example(&column.texts);
            let why =
                format!("{quoted} has decimal commas ({example}); write decimals with a point");
            Some(why.into())
        }
        Sort::Texts if column.mostly_different() && column.kind() != ColumnKind::Text => {
            let why = format!(
                "{quoted} has {different} different words in {texts} rows ({}), which are no categories; set it aside with ",
                example(&column.texts)
            );
            let aside = Message::from(why).set("id", name).text(" or ").set("label", name);
            let insist = aside.text(", remove it, or insist with ");
            Some(insist.set("column", format!("{name}=categorical")).text(" or =text"))
        }
        Sort::Empty if column.missing.count > 0 && column.asked.is_none() => {
            Some(format!("{quoted} is empty in every row; remove it").into())
        }
        Sort::Numbers | Sort::Booleans | Sort::Dates | Sort::Texts | Sort::Empty => None,
    }
}

/// `column "age"`, or `column 3` where there is no name.
fn quoted(data: &Dataset, column: usize) -> String {
    match data.columns.get(column) {
        Some(name) => format!("column {name:?}"),
        None => data.column_name(column),
    }
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
    let (constant, counting) = (none(constant), none(counting));
    let mut warnings = Vec::new();
    if !constant.is_empty() {
        let never = format!(
            "{} of {width} columns never change: {}; they carry nothing and may be removed",
            constant.len(),
            list(constant)
        );
        warnings.push(never.into());
    }
    if !counting.is_empty() {
        let counts = format!("only counts the rows: {}; ", list(counting));
        let aside = Message::from(counts).text("if it identifies rows, set it aside with ");
        warnings.push(aside.setting("id"));
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
    use crate::tables::cell::Cell;
    use rows::Values;

    fn seen(cells: &[&str]) -> Column {
        let mut column = Column::default();
        for (row, text) in cells.iter().enumerate() {
            column.take(row, Cell::read(text.as_bytes()), || (*text).to_owned());
        }
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
            "t: row 2, column 1 has \"2,5\" among numbers; write decimals with a point"
        );
        let error = refuse(&table(&[&[1.0], &[2.0]]), &[seen(&["1,5", "2,5"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t: column 1 has decimal commas (row 1 has \"1,5\"); write decimals with a point"
        );
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
            ["1 of 2 columns never change: column 2; they carry nothing and may be removed".into()]
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
