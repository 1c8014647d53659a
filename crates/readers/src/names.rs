//! Columns by name or number, and one name a row.

use rows::{Dataset, Error, Message, Result, places};
use std::collections::{BTreeMap, BTreeSet};

/// Names shown where a table has very many.
const SHOWN: usize = 20;

/// What the columns of a table are called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Each once; empty where the table has none.
    pub(crate) names: Vec<String>,
    /// Those that the table has more than once.
    repeated: Vec<String>,
}

/// Between the texts of several columns that name a row together.
const BETWEEN: &str = " ";

/// Names of several columns together, of which some stand `before` others; none where there are none
/// yet.
pub(crate) fn joined(before: Vec<String>, texts: impl IntoIterator<Item = String>) -> Vec<String> {
    if before.is_empty() {
        return texts.into_iter().collect();
    }
    let both = |(before, text): (String, String)| format!("{before}{BETWEEN}{text}");
    before.into_iter().zip(texts).map(both).collect()
}

/// The one name that the texts of several columns are together, as of rows, points in time and
/// machines; none of no text.
pub fn one_name<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Option<String> {
    let mut name = None;
    texts.into_iter().for_each(|text| append(&mut name, text.as_ref()));
    name
}

/// A further text behind a name.
pub(crate) fn append(name: &mut Option<String>, text: &str) {
    match name {
        Some(name) => *name = format!("{name}{BETWEEN}{text}"),
        None => *name = Some(text.to_owned()),
    }
}

impl Names {
    /// The same with others behind; columns without names are numbered then.
    pub(crate) fn with(&self, others: &[String], width: usize) -> Self {
        if others.is_empty() {
            return self.clone();
        }
        let own = (0..width).map(|at| self.names.get(at).cloned().unwrap_or_default());
        Self { repeated: self.repeated.clone(), ..Self::new(own.chain(others.iter().cloned())) }
    }

    /// For each of these columns its place among those of another table, which are called alike; an
    /// inner none where they stand in the same order, the outer where they are others.
    pub(crate) fn order(
        &self,
        width: usize,
        others: &Self,
        other_width: usize,
    ) -> Option<Option<Vec<usize>>> {
        if width != other_width || self.names.is_empty() != others.names.is_empty() {
            return None;
        }
        if self.names == others.names {
            return Some(None);
        }
        let there = places(&others.names);
        let place = |name: &String| there.get(name.as_str()).copied();
        self.names.iter().map(place).collect::<Option<Vec<usize>>>().map(Some)
    }

    /// An error where a name is wanted that several columns have.
    pub(crate) fn refuse_doubt<'a>(
        &self,
        place: &str,
        mut wanted: impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        match wanted.find(|name| self.repeated.contains(name)) {
            Some(name) => Err(Error::data(
                place,
                format!(
                    "several columns are named {name:?}; say which by its place, as in \"column 1\""
                ),
            )),
            None => Ok(()),
        }
    }

    /// A warning of names that occurred more than once.
    pub(crate) fn told_apart(&self) -> Option<Message> {
        let name = self.repeated.first()?;
        let told = format!("\"{name} (2)\"");
        let why = format!(
            "several columns are named {name:?}; they are told apart as {name:?} and {told}"
        );
        Some(why.into())
    }

    /// Names as a file has them: such as are empty are numbered, such as occur more than once are
    /// told apart.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let numbered = names.enumerate().map(|(at, name)| match name.trim() {
            "" => format!("column {}", at + 1),
            name => name.to_owned(),
        });
        let mut names: Vec<String> = numbered.collect();
        let repeated = tell_apart(&mut names);
        Self { names, repeated }
    }
}

/// Makes names different that occur more than once, and gives these.
fn tell_apart(names: &mut [String]) -> Vec<String> {
    // Each with the number that the next of its name gets.
    let mut known = BTreeMap::<String, usize>::new();
    let all: BTreeSet<String> = names.iter().cloned().collect();
    let mut repeated = Vec::new();
    for name in names {
        let Some(next) = known.get(name) else {
            known.insert(name.clone(), 2);
            continue;
        };
        let taken = |new: &String| known.contains_key(new) || all.contains(new);
        let mut numbered = (*next..).map(|number| (number, format!("{name} ({number})")));
        let (number, free) = numbered.find(|(_, new)| !taken(new)).unwrap_or_default();
        let old = std::mem::replace(name, free);
        known.insert(name.clone(), 2);
        known.insert(old.clone(), number + 1);
        repeated.push(old);
    }
    repeated
}

/// An error where there is not one label a row.
pub(crate) fn require_count(place: &str, labels: usize, data: &Dataset) -> Result<()> {
    if labels == data.rows() {
        return Ok(());
    }
    Err(Error::data(
        place,
        format!("has {labels} labels for {} rows of {}; wanted one a row", data.rows(), data.name),
    ))
}

/// The zero-based column meant by a name or by its place (`column 3`), or by a one-based number where
/// there are no names.
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
    let numbered = || {
        let number = wanted.strip_prefix("column ")?.parse::<usize>().ok()?;
        (1..=width).contains(&number).then(|| number - 1)
    };
    let named = names.iter().position(|name| name == wanted);
    named.or_else(numbered).ok_or_else(|| Error::unknown("column", wanted, nearest(wanted, names)))
}

/// The zero-based columns meant by names or numbers, of which one text may hold several with commas
/// between.
pub(crate) fn find_columns(
    place: &str,
    option: &str,
    wanted: &[String],
    names: &[String],
    width: usize,
) -> Result<Vec<usize>> {
    let there = places(names);
    let whole = |text: &String| there.contains_key(text.as_str()) || !text.contains(',');
    let parts = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect();
    let each =
        wanted.iter().flat_map(|text| if whole(text) { vec![text.clone()] } else { parts(text) });
    let find = |text: String| match there.get(text.as_str()) {
        Some(at) => Ok(*at),
        None => find_column(place, option, &text, names, width),
    };
    each.map(find).collect()
}

/// Names in quotes for a message, the first of them where there are many.
pub(crate) fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> =
        names.iter().take(8).map(|name| format!("\"{}\"", name.as_ref())).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
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
