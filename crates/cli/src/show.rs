//! Everything that is printed: results on standard output, the rest on standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use crate::wording::{as_a_flag, worded};
use autoencoders::data::Field;
use autoencoders::{Error, Message, Model, Number, Numbers, Result};
use clap::builder::styling::{AnsiColor, Style};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// How messages name it.
const OUTPUT: &str = "standard output";
/// A message is no longer than this, whatever names and cells it quotes.
const LONGEST: usize = 4000;
/// And a cell of a table no longer than this.
const LONGEST_CELL: usize = 300;

/// How much is printed, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show {
    /// Results as one JSON object.
    pub json: bool,
    /// No progress, warnings and advice.
    pub quiet: bool,
}

impl Show {
    /// Prints the result in the form that was asked for.
    pub(crate) fn result(&self, json: &Value, text: impl Display) -> Result<()> {
        if self.json { print(&json.to_string()) } else { print(&text.to_string()) }
    }

    /// Tells that a file was written.
    pub(crate) fn written(&self, path: &Path, rows: usize, columns: usize) -> Result<()> {
        if self.json {
            return print(
                &serde_json::json!({ "output": path_text(path), "rows": rows, "columns": columns })
                    .to_string(),
            );
        }
        self.note(format!(
            "{}: {} of {}",
            path.display(),
            plural(rows, "row"),
            plural(columns, "number")
        ));
        Ok(())
    }

    /// A line for people.
    pub(crate) fn note(&self, line: impl Display) {
        if !self.quiet {
            say(&line);
        }
    }

    /// What the user should know before going on.
    pub(crate) fn warn(&self, warning: impl Into<Message>) {
        if !self.quiet {
            let warning = warning.into().worded(&as_a_flag);
            say_painted(AnsiColor::Yellow, "warning:", &warning);
        }
    }
}

/// A path as text, as JSON takes it: a name of other bytes has signs in their place.
pub(crate) fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// What went wrong; never silenced.
pub(crate) fn error(error: &Error) {
    say_painted(AnsiColor::Red, "error:", &worded(error));
}

/// What is wrong with the words of a command.
pub(crate) fn misread(error: &clap::Error) {
    let text = error.render().to_string();
    say_painted(AnsiColor::Red, "error:", text.strip_prefix("error: ").unwrap_or(&text).trim_end());
}

/// The help, or the version, that was asked for.
pub(crate) fn help(help: &clap::Error) -> Result<()> {
    let written = help.print().and_then(|()| std::io::stdout().flush());
    written.map_err(|error| Error::io(Path::new(OUTPUT), error))
}

/// That memory has ended, in words that take none.
pub(crate) fn out_of_memory() {
    let _ = std::io::stderr().write_all(
        b"error: a memory allocation failed: give `ae` more memory, or less to do (--memory, \
          fewer columns, a smaller --net)\n",
    );
}

/// A line on standard error; where nobody listens any more it is lost, and the work goes on.
pub(crate) fn say(line: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{}", plain(&bounded(&line.to_string(), LONGEST)));
}

/// The same behind a word in colour.
fn say_painted(color: AnsiColor, word: &str, line: &str) {
    let _ =
        writeln!(std::io::stderr(), "{} {}", paint(color, word), plain(&bounded(line, LONGEST)));
}

/// A text without its middle, where it has more characters than this.
fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    let at = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let all = text.chars().count();
    if all <= most {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{} … {}", &text[..at(most * 3 / 4)], &text[at(all - most / 4)..]))
}

/// A text of which a terminal shows every character and obeys none: what steers it, or turns the
/// direction of writing, is written as JSON writes it. Names and words come from files.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let steers = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\t')
            || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let written = |character: char| {
        if steers(character) {
            format!("\\u{:04x}", u32::from(character))
        } else {
            character.to_string()
        }
    };
    Cow::Owned(text.chars().map(written).collect())
}

/// Writes text on standard output, with one line break at its end.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", plain(text.trim_end())).and_then(|()| out.flush());
    written.map_err(|error| Error::io(Path::new(OUTPUT), error))
}

/// A word in colour, where standard error is a terminal and NO_COLOR is not set (no-color.org).
fn paint(color: AnsiColor, word: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !std::io::stderr().is_terminal() {
        word.to_owned()
    } else {
        let style = Style::new().bold().fg_color(Some(color.into()));
        format!("{style}{word}{style:#}")
    }
}

/// Named numbers as a JSON object.
pub(crate) fn object(numbers: &Numbers) -> Value {
    Value::Object(
        numbers
            .0
            .iter()
            .map(|number| (number.name.clone(), Value::from(number.value)))
            .collect::<Map<_, _>>(),
    )
}

/// A term of a loss as it is, with the weight by which the loss counts it, where that is not one.
pub(crate) fn term(term: &Number) -> String {
    match term.weight {
        1.0 => number(term.value),
        weight => format!("{} (times {})", number(term.value), number(weight)),
    }
}

/// Rows of cells below each other: the first column to the left, the others to the right. Each cell is
/// one line of what a terminal shows as it is, and no longer than [`LONGEST_CELL`].
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| {
        let line = cell.replace('\r', "\\r").replace('\n', "\\n");
        bounded(&plain(&line), LONGEST_CELL).into_owned()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A row of a [`table`].
pub(crate) fn cells<const N: usize>(cells: [&dyn Display; N]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

/// A number with four digits that count.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let before = size.log10().floor() as i32;
    format!("{value:.*}", (3 - before).max(0) as usize)
}

/// A value of a column in a few characters: numbers as [`number`] gives them, all others in words.
pub(crate) fn value(field: Option<&Field>, value: f64) -> String {
    match field.filter(|field| !field.kind.is_number()) {
        Some(field) => shortened(&field.text(value)),
        None if value.is_nan() => String::new(),
        None => number(value),
    }
}

/// What was observed and what was expected, each with as many digits as tell them apart; the fields
/// are that of the data and that of the model.
pub(crate) fn pair(fields: [Option<&Field>; 2], values: [f64; 2]) -> [String; 2] {
    let texts = [value(fields[0], values[0]), value(fields[1], values[1])];
    let numbers = fields.iter().flatten().all(|field| field.kind.is_number());
    if texts[0] != texts[1] || values[0] == values[1] || !numbers {
        return texts;
    }
    let size = values[0].abs().max(values[1].abs());
    let before = size.log10().floor() as i32 + 1;
    let exact = (4..17)
        .map(|digits| values.map(|value| format!("{value:.*}", (digits - before).max(0) as usize)));
    exact.into_iter().find(|[a, b]| a != b).unwrap_or(texts)
}

/// The beginning of a long text.
fn shortened(text: &str) -> String {
    const MOST: usize = 48;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// `4.2s`, `3m05s`, `2h10m`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// What a model is, in a sentence.
pub(crate) fn model_words(model: &Model) -> String {
    let (plan, config) = (&model.plan(), &model.plan().settings);
    format!(
        "{} autoencoder, network {}, {} weights, {} a code; trained on {} rows of {}, epoch {} of {}, seed {}.",
        config.family,
        config.net,
        model.weights(),
        plural(config.latent, "number"),
        model.provenance().training_rows,
        plan.blueprint.source,
        model.provenance().chosen,
        model.provenance().history.len(),
        config.seed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        let shown = [0.0123442, 1.0, 123.456, 12345.6, 1e-7, f64::NAN].map(number);
        assert_eq!(shown, ["0.01234", "1.000", "123.5", "12346", "1.000e-7", "NaN"]);
    }

    #[test]
    fn a_terminal_obeys_no_name() {
        assert_eq!(plain("über: \t1\n"), "über: \t1\n");
        assert_eq!(plain("\u{1b}[31mred\u{9b}\u{202e}"), "\\u001b[31mred\\u009b\\u202e");
        let json = serde_json::json!({ "name": "\u{7f}\u{9b}\u{2066}" });
        let read: Value = serde_json::from_str(&plain(&json.to_string())).unwrap();
        assert_eq!(read, json);
        assert_eq!(table(&[cells([&"two\nlines", &"\u{7}"])]), "two\\nlines  \\u0007\n");
        assert!(table(&[cells([&"x".repeat(70_000)])]).len() < 2 * LONGEST_CELL);
        assert_eq!(bounded("äöüßäöüß", 4), "äöü … ß");
        assert_eq!(bounded("äöüß", 4), "äöüß");
    }

    #[test]
    fn columns_of_a_table_stand_below_each_other() {
        let text = table(&[cells([&"mse", &1.5]), cells([&"explained", &10])]);
        assert_eq!(text, "mse        1.5\nexplained   10\n");
    }

    #[test]
    fn times_are_short() {
        let shown =
            [4.23, 42.0, 185.0, 7800.0].map(|seconds| time(Duration::from_secs_f64(seconds)));
        assert_eq!(shown, ["4.2s", "42s", "3m05s", "2h10m"]);
    }
}
