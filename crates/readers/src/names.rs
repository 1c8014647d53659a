//! Columns by name or number, and one name a row.

use rows::{Dataset, Error, Result};

/// Names shown where a table has very many.
const SHOWN: usize = 20;

/// An error where there is not one label a row.
pub(crate) fn require_count(place: &str, labels: &[String], data: &Dataset) -> Result<()> {
    if labels.len() == data.rows() {
        return Ok(());
    }
    Err(Error::data(
        place,
        format!(
            "has {} labels for {} rows of {}; wanted one a row",
            labels.len(),
            data.rows(),
            data.name
        ),
    ))
}

/// The zero-based column meant by a name, or by a one-based number where there are no names.
pub(crate) fn find_column(
    place: &str,
    option: &str,
    wanted: &str,
    names: &[String],
    width: usize,
) -> Result<usize> {
    if names.is_empty() {
        return match wanted.strip_prefix("column ").unwrap_or(wanted).parse::<usize>() {
            Ok(number) if (1..=width).contains(&number) => Ok(number - 1),
            _ => Err(Error::setting(
                option,
                format!("{wanted:?}"),
                format!("a column number from 1 to {width}, as {place} has no column names"),
            )),
        };
    }
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == wanted).map(|(j, _)| j);
    match (found.next(), found.next()) {
        (Some(j), None) => Ok(j),
        (Some(_), Some(_)) => {
            Err(Error::data(place, format!("several columns are named {wanted:?}; rename one")))
        }
        (None, _) => Err(Error::unknown("column", wanted, nearest(wanted, names))),
    }
}

/// All names, or of very many those nearest to what was wanted.
fn nearest<'a>(wanted: &str, names: &'a [String]) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.len() > SHOWN {
        names.sort_by_key(|name| strsim::damerau_levenshtein(wanted, name));
        names.truncate(SHOWN);
    }
    names
}
