//! Words on the command line that make the same again.

use crate::args::Rows;
use crate::flags::{flag, quoted};
use autoencoders::Config;
use autoencoders::study::Head;
use serde_json::Value;

/// The words that read the same rows again.
pub(crate) fn rows_words(rows: &Rows) -> String {
    let (mut words, reading) = (vec![quoted(&rows.data)], &rows.reading);
    let mut option = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{name} {value}")))
    };
    option("--label", reading.label.as_ref().map(quoted));
    option("--labels", reading.labels.as_ref().map(|path| quoted(path.display())));
    for (name, columns) in
        [("--id", &reading.id), ("--drop", &reading.drop), ("--only", &reading.only)]
    {
        columns.iter().for_each(|column| option(name, Some(quoted(column))));
    }
    let kinds = reading.columns.iter().flat_map(|kinds| &kinds.0);
    let columns: Vec<String> = kinds.map(|(name, kind)| format!("{name}={kind}")).collect();
    option("--column", (!columns.is_empty()).then(|| quoted(columns.join(","))));
    option("--missing", (!reading.missing.is_empty()).then(|| quoted(reading.missing.join(","))));
    option("--decimal", reading.decimal.map(quoted));
    if let Some(month_first) = reading.month_first {
        option(&format!("--month-first={month_first}"), Some(String::new()));
    }
    option("--date-format", reading.date_format.as_ref().map(quoted));
    option("--delimiter", reading.delimiter.map(quoted));
    option("--header", reading.header.map(|header| if header { "yes" } else { "no" }.to_owned()));
    option("--skip", reading.skip.map(|lines| lines.to_string()));
    option("--encoding", reading.encoding.map(quoted));
    option("--lines", reading.lines.then(String::new));
    option("--window", reading.window.map(|points| points.to_string()));
    option("--stride", reading.stride.map(|points| points.to_string()));
    reading.time.iter().for_each(|column| option("--time", Some(quoted(column))));
    reading.group.iter().for_each(|column| option("--group", Some(quoted(column))));
    option("--resample", reading.resample.map(|span| span.to_string()));
    option("--duplicates", reading.duplicates.map(|how| how.name().to_owned()));
    option("--gaps", reading.gaps.map(|how| how.name().to_owned()));
    option("--calendar", reading.calendar.as_ref().map(ToString::to_string));
    option("--memory", reading.memory.map(|bytes| bytes.to_string()));
    option("--patches", reading.patches.map(|count| count.to_string()));
    option("--patch", reading.patch.map(|(width, height)| format!("{width}x{height}")));
    option("--whiten", reading.whiten.map(|how| how.to_string()));
    option("--resize", reading.resize.map(|(width, height)| format!("{width}x{height}")));
    let trimmed: Vec<&str> = words.iter().map(|word| word.trim_end()).collect();
    trimmed.join(" ")
}

/// The words that train a model of this configuration again; what is as by default is left out.
pub(crate) fn train_words(rows: &str, config: &Config) -> String {
    let (own, default) = (config.by_name(), Config::default().by_name());
    let text =
        |value: &Value| quoted(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let mut words = format!("ae train {rows}");
    for (name, value) in own.iter().filter(|(name, value)| default.get(*name) != Some(value)) {
        match (name.as_str(), value) {
            ("parameters", Value::Object(parameters)) => {
                parameters
                    .iter()
                    .for_each(|(name, value)| words += &format!(" --set {name}={}", text(value)));
            }
            // Which model it was is not known any more.
            ("freeze_encoder", _) => words += " --from MODEL --freeze-encoder",
            (name, Value::Bool(true)) => words += &format!(" --{}", flag(name)),
            (_, Value::Null | Value::Bool(false)) => {}
            (name, value) => words += &format!(" --{} {}", flag(name), text(value)),
        }
    }
    words
}

/// The words that train such a classifier, with a space before each; what is as by default is left
/// out.
pub(crate) fn head_words(head: &Head) -> String {
    let default = Head::default();
    let options = [
        ("--head-epochs", head.epochs.map(|epochs| epochs.to_string())),
        (
            "--head-lr",
            (head.learning_rate != default.learning_rate).then(|| head.learning_rate.to_string()),
        ),
        ("--head-l2", (head.l2 != default.l2).then(|| head.l2.to_string())),
    ];
    let options =
        options.into_iter().filter_map(|(name, value)| Some(format!(" {name} {}", value?)));
    format!(" --head {}", head.kind) + &options.collect::<String>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::args::Train;
    use clap::{Args, Command, FromArgMatches};

    #[test]
    fn every_flag_of_reading_comes_back_in_the_words_that_read_again() {
        let command = Rows::augment_args(Command::new("t"));
        let value = |name: &str| match name {
            "column" => "a=count",
            "resize" | "patch" => "4x4",
            "whiten" => "zca",
            "resample" => "1h",
            "duplicates" => "mean",
            "gaps" => "fill",
            "calendar" => "day,week",
            "memory" => "1000000",
            "decimal" => ",",
            "delimiter" => "blanks",
            "header" => "yes",
            "encoding" => "utf-16le",
            _ => "12",
        };
        for name in command.get_arguments().filter_map(|argument| argument.get_long()) {
            let said = match name {
                "month-first" => "--month-first=false".to_owned(),
                "lines" => "--lines".to_owned(),
                "decimal" => "--decimal ','".to_owned(),
                _ => format!("--{name} {}", value(name)),
            };
            let typed = said.replace('\'', "");
            let needed = if ["patch", "whiten"].contains(&name) { "--patches 9 " } else { "" };
            let words = format!("t data.csv {needed}{typed}");
            let matches = command.clone().try_get_matches_from(words.split(' ')).unwrap();
            let again = rows_words(&Rows::from_arg_matches(&matches).unwrap());
            assert!(again.starts_with("data.csv ") && again.contains(&said), "{said}: {again}");
        }
    }

    #[test]
    fn the_defaults_in_the_help_of_a_classifier_are_those_of_the_library() {
        let command = Train::augment_args(Command::new("t"));
        let help = |name: &str| {
            let argument =
                command.get_arguments().find(|argument| argument.get_long() == Some(name));
            argument.unwrap().get_help().unwrap().to_string()
        };
        let default = Head::default();
        for (name, default) in [("head-lr", default.learning_rate), ("head-l2", default.l2)] {
            assert!(help(name).ends_with(&format!("[default: {default}]")), "{}", help(name));
        }
        assert!(help("head-epochs").ends_with("[default: 30; 200 for linear and svm]"));
    }
}
