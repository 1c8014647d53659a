//! The model file: what is in it, and what older versions wrote.

use crate::archive::{
    ArchiveKind, NamedTensor, Waiting, archive_bytes, inside, laid_out, parse_archive,
    write_archive,
};
use crate::coder::Coder;
use crate::engine::tensors::Engine;
use crate::json::Json;
use crate::kept::{Kept, Section};
use crate::model::Model;
use crate::net::vars::{Init, Stored};
use crate::plan::Plan;
use crate::prepare::preparation::Preparation;
use crate::provenance::{EpochRecord, Provenance};
use crate::settings::ModelSettings;
use crate::signature::Signature;
use rows::{Destination, Error, Notation, Result, Series, Shape};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The JSON of a model file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The settings of the model, and beside them those of its training.
    config: Map<String, Value>,
    shape: Shape,
    columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Notation::is_empty")]
    notation: Notation,
    #[serde(default)]
    series: Option<Series>,
    preparation: Preparation,
    training_rows: usize,
    history: Vec<EpochRecord>,
    chosen: usize,
    /// The JSON of each attachment by its name; its tensors are named `NAME.`.
    #[serde(default)]
    sections: BTreeMap<String, Json>,
}

/// Brings the JSON of files up to format 3, which had a field for each attachment, to sections.
fn with_sections(content: Json) -> serde_json::Result<Json> {
    #[derive(Deserialize)]
    struct Newer {
        sections: Option<IgnoredAny>,
    }
    if content.read::<Newer>().is_ok_and(|newer| newer.sections.is_some()) {
        return Ok(content);
    }
    let mut fields: Map<String, Value> = content.read()?;
    let mut sections = Map::new();
    for (field, name) in [
        ("evaluation", "evaluation"),
        ("members", "member"),
        ("detector", "detector"),
        ("classifier", "classifier"),
    ] {
        let section = fields.remove(field).unwrap_or_default();
        if !section.is_null() && section.as_array().is_none_or(|members| !members.is_empty()) {
            sections.insert(name.to_owned(), section);
        }
    }
    // Of these two nothing but tensors was written. Files of format 1 do not say whether they have
    // principal components: all have.
    let has = |value: Option<Value>, absent: bool| {
        value.map_or(absent, |value| value.as_bool() == Some(true))
    };
    if has(fields.remove("baseline"), true) {
        sections.insert("baseline".to_owned(), json!({}));
    }
    if has(fields.remove("density"), false) {
        sections.insert("density".to_owned(), json!({}));
    }
    fields.insert("sections".to_owned(), Value::Object(sections));
    Ok(Json::of(&Value::Object(fields)))
}

impl Model {
    /// Writes the model as a whole or not at all, one tensor after another.
    ///
    /// Errors: the file cannot be written, or a tensor cannot be read off its device.
    pub fn save(&self, to: impl Into<Destination>) -> Result<()> {
        let own = self.vars.iter().map(|(_, var)| Waiting::variable(var));
        let kept = self.kept.sections().iter().flat_map(|(section, kept)| {
            let named = move |tensor: &NamedTensor| format!("{section}.{}", tensor.name);
            kept.tensors.values().map(move |tensor| tensor.waiting(named(tensor)))
        });
        let tensors = own.chain(kept).collect();
        write_archive(to, ArchiveKind::Model, json!(self.content()), tensors).map(drop)
    }

    /// What is in the file of this model, as a section of another.
    ///
    /// An error where a tensor cannot be read off its device.
    pub fn section(&self) -> Result<Section> {
        let mut section = Section::new(&json!(self.content()));
        for (_, var) in self.vars.iter() {
            section.put(laid_out(var)?);
        }
        for (name, kept) in self.kept.sections() {
            for tensor in kept.tensors.values() {
                let name = format!("{name}.{}", tensor.name);
                section.put(NamedTensor { name, ..tensor.clone() });
            }
        }
        Ok(section)
    }

    fn content(&self) -> Content {
        let own = json!(self.plan().settings);
        let mut config = self.provenance.settings.clone();
        config.extend(own.as_object().cloned().unwrap_or_default());
        let kept = self.kept.sections().iter();
        Content {
            config,
            shape: self.signature.shape.clone(),
            columns: self.signature.columns.clone(),
            notation: self.signature.notation.clone(),
            series: self.signature.series.clone(),
            preparation: self.signature.preparation.clone(),
            training_rows: self.provenance.training_rows,
            history: self.provenance.history.clone(),
            chosen: self.provenance.chosen,
            sections: kept.map(|(name, it)| (name.clone(), it.content.clone())).collect(),
        }
    }

    /// Reads a model.
    ///
    /// Errors: the file cannot be read, is no model, is damaged, or of a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = archive_bytes(path)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a model from the bytes of its file; `place` names it in errors.
    ///
    /// Errors as [`Model::load`].
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Self> {
        let (content, tensors) = parse_archive(bytes, ArchiveKind::Model, place)?;
        let damaged =
            |why: &dyn std::fmt::Display| Error::model(place, format!("is damaged: {why}"));
        Self::of_section(Section { content, tensors }).map_err(|error| match error {
            Error::Model { message, .. } => damaged(&message),
            other => damaged(&other),
        })
    }

    /// The model that a section holds, with its attachments unread.
    ///
    /// An error where the section is damaged.
    pub fn of_section(section: Section) -> Result<Self> {
        let damaged = |why: &dyn std::fmt::Display| Error::model("", why.to_string());
        let Section { content, mut tensors } = section;
        let content: Content =
            with_sections(content).and_then(|it| it.read()).map_err(|error| damaged(&error))?;
        let features = content.shape.features()?;
        content.preparation.check(features)?;
        if !content.columns.is_empty() && content.columns.len() != features {
            return Err(damaged(&"as many column names as columns are wanted"));
        }
        let mut sections = BTreeMap::new();
        for (name, content) in content.sections {
            let own = within(&mut tensors, &format!("{name}."));
            sections.insert(name, Section { content, tensors: own });
        }
        let (own, settings) = parted(content.config);
        let own: ModelSettings =
            serde_json::from_value(Value::Object(own)).map_err(|error| damaged(&error))?;
        let plan = Plan::of(&own, &content.shape, &content.preparation)?;
        let mut stored = Stored::new();
        for entry in tensors.into_values() {
            let (name, shape, values) = inside(entry)
                .ok_or_else(|| damaged(&"a tensor of a shape that no variable has"))?;
            stored.insert(name, (shape, values));
        }
        let mut init = Init::stored(&mut stored, &Engine::default());
        let coder = Coder::build(plan, &mut init)?;
        let signature = Signature {
            shape: content.shape,
            columns: content.columns,
            notation: content.notation,
            series: content.series,
            preparation: content.preparation,
        };
        let provenance = Provenance {
            training_rows: content.training_rows,
            history: content.history,
            chosen: content.chosen,
            settings,
        };
        let vars = init.finish();
        Ok(Self { coder, vars, signature, provenance, kept: Kept::of(sections) })
    }
}

/// Takes the tensors out whose names begin so; their names lose it.
fn within(
    tensors: &mut BTreeMap<String, NamedTensor>,
    prefix: &str,
) -> BTreeMap<String, NamedTensor> {
    let names: Vec<String> =
        tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
    let own = names.into_iter().filter_map(|name| {
        let entry = tensors.remove(&name)?;
        let name = name[prefix.len()..].to_owned();
        Some((name.clone(), NamedTensor { name, ..entry }))
    });
    own.collect()
}

/// The settings of the model, and all others.
fn parted(config: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let own = |name: &str| ModelSettings::TABLE.iter().any(|setting| setting.name == name);
    config.into_iter().partition(|(name, _)| own(name))
}
