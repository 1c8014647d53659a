//! Everything that decides a training, in three sections.

use kernels::Activation;
use model::{Likelihood, ModelSettings, Net, Norm, Scale, model_settings};
use rows::{Error, Field, Given, Result, Setting, Shape};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use study::{AfterSettings, DensityChoice, after_settings};
use train::{Method, Pretraining, Schedule, Settings, TrainSettings, train_settings};

/// Everything that decides a training and what is made of its model.
///
/// Each setting has a setter of its name; what is not set is decided from the data and the family.
///
/// ```
/// let config = autoencoders::Config::default().family("vae").latent(8).epochs(20);
/// assert_eq!(config.model.latent, 8);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// What the model is to be.
    pub model: ModelSettings,
    /// How it is trained.
    pub train: TrainSettings,
    /// What is made of it.
    pub after: AfterSettings,
}

/// A setter for each setting of a section.
macro_rules! setters {
    ($section:ident $($(#[doc = $doc:literal])+ $field:ident: $type:ty;)+) => {
        impl Config {
            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $field(mut self, value: impl Given<$type>) -> Self {
                    self.$section = self.$section.$field(value);
                    self
                }
            )+
        }
    };
}

model_settings!(setters, model);
train_settings!(setters, train);
after_settings!(setters, after);

impl Config {
    /// Every setting, section after section.
    pub fn table() -> impl Iterator<Item = &'static Setting> {
        ModelSettings::TABLE.iter().chain(TrainSettings::TABLE).chain(AfterSettings::TABLE)
    }

    /// Settings to find anomalies with: an ensemble of five that undo noise
    /// ([`ModelSettings::for_anomalies`]).
    pub fn for_anomalies(shape: &Shape, fields: &[Field]) -> Self {
        let model = ModelSettings::for_anomalies(shape, fields);
        Self { model, ..Self::default() }.batch(128).members(5)
    }

    /// Settings to fill in the missing values of a table with ([`ModelSettings::for_gaps`]).
    pub fn for_gaps(shape: &Shape, fields: &[Field]) -> Self {
        Self { model: ModelSettings::for_gaps(shape, fields), ..Self::default() }.batch(128)
    }

    /// All settings by name, as recipes and files have them.
    pub fn by_name(&self) -> Map<String, Value> {
        self.training().by_name()
    }

    /// The settings of these names; those left out take their defaults.
    ///
    /// Errors: a name that is no setting's, or a value of another kind.
    pub fn of_names(all: Map<String, Value>) -> Result<Self> {
        let known = || Self::table().map(|setting| setting.name);
        if let Some(name) = all.keys().find(|name| known().all(|known| known != *name)) {
            return Err(Error::unknown("setting", name, known()));
        }
        // One at a time, so that the error names the setting.
        for (name, value) in &all {
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            if let Err(error) = Self::parsed(alone) {
                return Err(Error::setting(name, value, error.to_string()));
            }
        }
        Self::parsed(all).map_err(|error| Error::setting("settings", "strange", error.to_string()))
    }

    fn parsed(all: Map<String, Value>) -> serde_json::Result<Self> {
        let Settings { model, train, rest, .. } = Settings::of_names(all)?;
        Ok(Self { model, train, after: serde_json::from_value(Value::Object(rest))? })
    }

    /// The settings of the training, which carry those of what comes after it along.
    pub(crate) fn training(&self) -> Settings {
        let rest = json!(self.after).as_object().cloned().unwrap_or_default();
        Settings { model: self.model.clone(), train: self.train.clone(), rest }
    }

    /// The settings that a model was trained with, with nothing open.
    ///
    /// An error where its file has strange ones.
    pub fn of(model: &crate::Model) -> Result<Self> {
        Self::carried(Settings::of(model)?)
    }

    /// The settings that a checkpoint was written with.
    ///
    /// Errors: the file cannot be read, or is no checkpoint.
    pub fn of_checkpoint(path: &std::path::Path) -> Result<Self> {
        Self::carried(train::State::settings_of(path)?)
    }

    fn carried(settings: Settings) -> Result<Self> {
        let Settings { model, train, rest, .. } = settings;
        let after = serde_json::from_value(Value::Object(rest));
        let after = after.map_err(|error| Error::model("settings", error.to_string()))?;
        Ok(Self { model, train, after })
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.by_name().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::of_names(Map::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_names_and_an_unknown_one_is_refused() {
        let config = Config::default().latent(3).epochs(7).members(2).tied(true);
        assert_eq!(Config::of_names(config.by_name()).unwrap(), config);
        let wrong = Map::from_iter([("latnt".to_owned(), json!(3))]);
        let error = Config::of_names(wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("unknown setting \"latnt\"; did you mean \"latent\"?"),
            "{error}"
        );
        let wrong = Map::from_iter([("latent".to_owned(), json!("many"))]);
        assert!(Config::of_names(wrong).unwrap_err().to_string().starts_with("latent is"));
    }

    #[test]
    fn every_setting_is_told_once_and_has_a_help() {
        let mut names: Vec<&str> = Config::table().map(|setting| setting.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        let by_name = Config::default().by_name();
        assert_eq!(names, by_name.keys().map(String::as_str).collect::<Vec<_>>());
        assert!(Config::table().all(|setting| setting.paragraph().ends_with('.')));
    }
}
