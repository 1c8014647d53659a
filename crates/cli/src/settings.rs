//! The settings of a training on the command line, made from the library's one table of them.

use crate::flags::flag;
use crate::words::{Words, families};
use autoencoders::data::{Field, Shape, bytes_of};
use autoencoders::settings::{Activation, Setting};
use autoencoders::{Config, Error, Result};
use clap::builder::{TypedValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use serde_json::{Map, Value};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What was said of the settings; what is absent stays as the recipe or the library has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// A recipe.
    recipe: Option<PathBuf>,
    purpose: Option<Purpose>,
    /// The family's parameters.
    parameters: Vec<(String, Value)>,
    stack: Option<String>,
    /// All others by their names in the library.
    given: Map<String, Value>,
}

/// What a model is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Anomalies,
    Gaps,
}

const GROUP: &str = "settings";
const HEADING: &str = "Settings";
const PARAMETERS: &str = "parameters";
/// Argument names of what is no setting of the library.
const RECIPE: &str = "config";
const PURPOSE: &str = "purpose";
const STACK: &str = "stack";

/// The settings that are flags of their own.
fn flags() -> impl Iterator<Item = &'static Setting> {
    Config::table().filter(|setting| setting.name != PARAMETERS)
}

/// The help of a setting: what it is, and its default.
fn help(setting: &Setting, defaults: &Map<String, Value>) -> String {
    let what = setting.paragraph();
    let what = what.trim_end_matches('.');
    let default = match defaults.get(setting.name) {
        _ if !setting.decided.is_empty() => setting.decided.to_owned(),
        // What is off by default says so by being a flag.
        None | Some(Value::Null | Value::Bool(_)) => return what.to_owned(),
        Some(Value::String(word)) => word.clone(),
        // A whole number without its point.
        Some(number) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
    };
    format!("{what} [default: {default}]")
}

/// The words that a setting may have, if they are few.
fn words(name: &str) -> Option<Words<String>> {
    let same = |name: &str| Some(name.to_owned());
    let (kind, known) = match name {
        "family" => return Some(families()),
        "activation" | "code_activation" => {
            ("activation", Activation::ALL.map(Activation::name).to_vec())
        }
        "norm" => ("norm", vec!["none", "batch", "layer"]),
        "scale" => ("scale", vec!["auto", "none", "unit", "standard", "minmax", "quantile"]),
        "optimiser" => ("optimiser", vec!["adam", "sgd", "lbfgs"]),
        _ => return None,
    };
    Some(Words { kind, known, find: same })
}

/// Reads the value of a setting as the library does.
#[derive(Clone)]
struct Reader(&'static Setting);

impl TypedValueParser for Reader {
    type Value = Value;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> std::result::Result<Value, clap::Error> {
        if let Some(words) = words(self.0.name) {
            return words.parse_ref(command, argument, value).map(Value::String);
        }
        let text = value.to_string_lossy();
        let alone = |value: &Value| {
            Config::of_names(Map::from_iter([(self.0.name.to_owned(), value.clone())]))
        };
        // A number or a boolean if it reads as one, else a word.
        let parsed = serde_json::from_str::<Value>(&text).ok();
        if let Some(value) = parsed.filter(|value| alone(value).is_ok()) {
            return Ok(value);
        }
        let word = Value::String(text.clone().into_owned());
        alone(&word).map(|_| word).map_err(|error| {
            let wanted = match self.0.value {
                "N" => "a whole number".to_owned(),
                "X" | "FRACTION" | "EPOCHS" => "a number".to_owned(),
                _ => error.to_string(),
            };
            let flag = flag(self.0.name);
            let message = format!("invalid value '{text}' for '--{flag}': wanted {wanted}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let known = words(self.0.name)?.known;
        Some(Box::new(known.into_iter().map(clap::builder::PossibleValue::new)))
    }
}

/// The argument of a setting.
fn argument(setting: &'static Setting, defaults: &Map<String, Value>) -> Arg {
    let argument = Arg::new(setting.name)
        .long(flag(setting.name))
        .help(help(setting, defaults))
        .help_heading(HEADING)
        .action(ArgAction::Set)
        .value_parser(ValueParser::new(Reader(setting)));
    let argument = match setting.value {
        // On or off: a flag beside a recipe wins in both directions.
        "" => argument
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        word => argument.value_name(word),
    };
    match setting.name {
        "code_activation" => argument.hide_possible_values(true),
        "freeze_encoder" => argument.requires("from"),
        _ => argument,
    }
}

impl clap::Args for Settings {
    fn group_id() -> Option<clap::Id> {
        Some(GROUP.into())
    }

    fn augment_args(command: Command) -> Command {
        let defaults = Config::default().by_name();
        let recipe = Arg::new(RECIPE)
            .long("config")
            .value_name("RECIPE")
            .help("A recipe: settings in a .toml or .json file; flags override it")
            .value_parser(value_parser!(PathBuf));
        let purpose = Arg::new(PURPOSE)
            .long("for")
            .value_name("PURPOSE")
            .help(
                "Settings for a purpose; flags override them. anomalies: five denoising models \
                 whose scores are averaged; gaps: a model that fills in missing values",
            )
            .value_parser(purposes())
            .conflicts_with(RECIPE);
        let parameters = Arg::new(PARAMETERS)
            .long("set")
            .value_name("NAME=VALUE")
            .help("Set a parameter of the family; may be repeated")
            .action(ArgAction::Append)
            .value_parser(assignment);
        let stack = Arg::new(STACK)
            .long("stack")
            .value_name("WIDTHS")
            .help(
                "Hidden layers to train one by one before all are trained together: short for \
                 --net mlp:WIDTHS --pretrain greedy",
            )
            .conflicts_with("net");
        let own = [recipe, purpose, parameters, stack].map(|own| own.help_heading(HEADING));
        let (first, rest) = own.split_at(2);
        let all: Vec<Arg> = (first.iter().cloned())
            .chain(flags().map(|setting| argument(setting, &defaults)))
            .chain(rest.iter().cloned())
            .collect();
        let group = ArgGroup::new(GROUP).multiple(true).args(all.iter().map(Arg::get_id));
        command.allow_negative_numbers(true).args(all).group(group)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        let given = |setting: &Setting| {
            let value = matches.get_one::<Value>(setting.name)?;
            Some((setting.name.to_owned(), value.clone()))
        };
        *self = Self {
            recipe: matches.get_one(RECIPE).cloned(),
            purpose: matches.get_one(PURPOSE).copied(),
            parameters: matches
                .get_many(PARAMETERS)
                .map(|all| all.cloned().collect())
                .unwrap_or_default(),
            stack: matches.get_one(STACK).cloned(),
            given: flags().filter_map(given).collect(),
        };
        Ok(())
    }
}

impl Settings {
    /// The configuration for rows of this shape: the defaults of the library or of a purpose, or a
    /// recipe, and over these what was said.
    ///
    /// Errors: a recipe that cannot be read or has strange settings, or a strange stack.
    pub(crate) fn config(&self, shape: &Shape, fields: &[Field]) -> Result<Config> {
        if matches!((self.purpose, shape), (Some(Purpose::Gaps), Shape::Series { .. })) {
            let wanted = "a table; missing points of a series are put in by --gaps fill when it is read, whatever it is trained for";
            return Err(Error::setting("for", "gaps", wanted));
        }
        let mut all = match (self.purpose, &self.recipe) {
            (Some(Purpose::Anomalies), _) => Config::for_anomalies(shape, fields).by_name(),
            (Some(Purpose::Gaps), _) => Config::for_gaps(shape, fields).by_name(),
            (None, Some(recipe)) => read(recipe)?,
            (None, None) => Map::new(),
        };
        let mut parameters = match all.remove(PARAMETERS) {
            // The parameters of a purpose are those of its family.
            Some(Value::Object(_))
                if self.purpose.is_some() && self.given.contains_key("family") =>
            {
                Map::new()
            }
            Some(Value::Object(parameters)) => parameters,
            _ => Map::new(),
        };
        parameters.extend(self.parameters.iter().cloned());
        all.insert(PARAMETERS.to_owned(), Value::Object(parameters));
        if let Some(widths) = &self.stack {
            let net = format!("mlp:{widths}");
            let alone = Map::from_iter([("net".to_owned(), Value::from(net.clone()))]);
            Config::of_names(alone).map_err(|_| {
                Error::setting("stack", widths, "widths of hidden layers, as in 1000,500,250")
            })?;
            all.insert("net".to_owned(), net.into());
            all.insert("pretrain".to_owned(), "greedy".into());
        }
        all.extend(self.given.clone());
        Config::of_names(all)
    }

    /// Says a setting, unless it is said already.
    pub(crate) fn say(&mut self, name: &str, value: Value) {
        self.given.entry(name).or_insert(value);
    }
}

/// More bytes than this are no recipe.
const LARGEST: u64 = 1 << 20;

/// Reads a recipe; a setting that does not exist is refused by its name.
fn read(path: &Path) -> Result<Map<String, Value>> {
    let wrong = |error: String| Error::data(path.display(), error);
    let text = String::from_utf8(bytes_of(path, LARGEST)?);
    let text = text.map_err(|_| wrong("is no text; wanted TOML or JSON".to_owned()))?;
    let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let kind = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let all: Map<String, Value> = match kind.as_str() {
        "json" => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        "toml" => toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            wrong(format!("line {line}: {}", error.message()))
        })?,
        other => return Err(Error::unknown("kind of recipe", other, ["toml", "json"])),
    };
    for (name, value) in &all {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        if let Err(error) = Config::of_names(alone) {
            let line = line_of(text.find(name.as_str()).unwrap_or(0));
            return Err(wrong(format!("line {line}: {error}")));
        }
    }
    Ok(all)
}

fn purposes() -> Words<Purpose> {
    let find = |name: &str| match name {
        "anomalies" => Some(Purpose::Anomalies),
        "gaps" => Some(Purpose::Gaps),
        _ => None,
    };
    Words { kind: "purpose", known: vec!["anomalies", "gaps"], find }
}

/// `name=value`; the value is JSON where it can be read as such, else text.
fn assignment(text: &str) -> std::result::Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("wanted NAME=VALUE, as in beta=4")?;
    Ok((name.trim().to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use clap::{Args, FromArgMatches};
    use serde_json::json;

    fn said(words: &str) -> Settings {
        let command = Settings::augment_args(Command::new("t")).arg(Arg::new("from").long("from"));
        let words = std::iter::once("t").chain(words.split_whitespace());
        Settings::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap()
    }

    fn config(words: &str) -> Config {
        said(words).config(&Shape::Flat { width: 9 }, &[]).unwrap()
    }

    #[test]
    fn every_setting_is_a_flag_with_its_default_in_its_help() {
        let command = Settings::augment_args(Command::new("t"));
        for setting in flags() {
            let argument = command.get_arguments().find(|a| a.get_id() == setting.name).unwrap();
            let help = argument.get_help().unwrap().to_string();
            let default = &Config::default().by_name()[setting.name];
            if setting.decided.is_empty() && !default.is_boolean() {
                assert!(help.contains("[default: "), "{}: {help}", setting.name);
            }
        }
    }

    /// `docs/settings.md`, as the tables have it.
    fn page() -> String {
        let defaults = Config::default().by_name();
        let mut page = "# Settings\n\nWritten from the tables in the library, as the command's \
                        help is. A recipe has the names, the command the flags, and a program \
                        setters of the same names.\n\n| name | flag | default | what it is |\n\
                        |---|---|---|---|\n"
            .to_owned();
        let cell = |text: String| text.replace('|', "\\|");
        for setting in flags() {
            let default = match &defaults[setting.name] {
                _ if !setting.decided.is_empty() => setting.decided.to_owned(),
                Value::Null => "none".to_owned(),
                Value::String(word) => word.clone(),
                other => other.to_string(),
            };
            let value = if setting.value.is_empty() { "" } else { &format!(" {}", setting.value) };
            let (name, flag, what) = (setting.name, flag(setting.name), setting.paragraph());
            let (flag, what) = (cell(format!("--{flag}{value}")), cell(what));
            page += &format!("| `{name}` | `{flag}` | {} | {what} |\n", cell(default));
        }
        page += "| `parameters` | `--set NAME=VALUE` | the family's own | What the family adds: \
                 `ae families` lists it. |\n";
        page
    }

    #[test]
    fn the_page_of_settings_is_that_of_the_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
        if std::env::var_os("AE_WRITE_SETTINGS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page(), "if that is meant, run the test with AE_WRITE_SETTINGS=1");
    }

    #[test]
    fn the_manual_tells_of_every_family_and_each_of_its_parameters() {
        let manual = include_str!("../../../docs/manual.md");
        for family in autoencoders::FAMILIES {
            let line = format!("| `{}` | ", family.name);
            let line = manual.lines().find(|found| found.starts_with(&line)).expect(family.name);
            for name in (family.defaults)().keys() {
                assert!(line.contains(&format!("`{name}`")), "{}: {name}", family.name);
            }
        }
    }

    #[test]
    fn what_is_said_wins_over_a_recipe_in_both_directions() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join("r.toml");
        std::fs::write(&recipe, "tied = true\nbinarise = true\nlatent = 3\n").unwrap();
        let recipe = format!("--config {}", recipe.display());
        assert!(config(&recipe).model.tied && config(&recipe).model.binarise);
        let undone = config(&format!("{recipe} --tied=false --binarise=false --latent 4"));
        assert!(!undone.model.tied && !undone.model.binarise);
        assert_eq!(undone.model.latent, 4);
        assert!(config("--tied").model.tied && !config("").model.tied);
    }

    #[test]
    fn a_parameter_is_json_or_else_text() {
        assert_eq!(assignment("beta=4").unwrap(), ("beta".to_owned(), json!(4)));
        assert_eq!(assignment("noise=salt").unwrap(), ("noise".to_owned(), json!("salt")));
        assert!(assignment("beta").is_err());
    }

    #[test]
    fn every_listed_word_is_a_value() {
        for setting in flags() {
            for word in words(setting.name).map(|words| words.known).unwrap_or_default() {
                let alone = Map::from_iter([(setting.name.to_owned(), word.into())]);
                assert!(Config::of_names(alone).is_ok(), "{} {word}", setting.name);
            }
        }
    }

    #[test]
    fn a_stack_is_a_network_and_its_pretraining() {
        let stacked = config("--stack 5,4");
        assert_eq!(stacked.model.net.to_string(), "mlp:5,4");
        assert_eq!(stacked.train.pretrain.to_string(), "greedy");
        assert_eq!(config("--stack 5,4 --pretrain rbm").train.pretrain.to_string(), "rbm");
        assert!(said("--stack x").config(&Shape::Flat { width: 9 }, &[]).is_err());
    }
}
