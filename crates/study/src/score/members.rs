//! The other models of an ensemble.
use model::{Attachment, Json, Model, NamedTensor, Section};
use rows::{Dataset, Error, Result};
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Another model of an ensemble.
#[derive(Debug)]
#[non_exhaustive]
pub struct Member {
    /// The columns that it sees, ascending.
    pub columns: Vec<usize>,
    /// The model of those columns.
    pub model: Model,
}

impl Member {
    /// The rows as this member sees them.
    pub(crate) fn narrowed<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        if self.columns.len() == data.features() {
            return Ok(Cow::Borrowed(data));
        }
        data.narrowed(&self.columns).map(Cow::Owned)
    }
}

/// The other models of an ensemble.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Ensemble {
    /// Each with the columns that it sees.
    pub members: Vec<Member>,
}

impl Ensemble {
    /// The other models of a model's ensemble; none of a model that is alone.
    ///
    /// An error where its file is damaged.
    pub fn of(model: &Model) -> Result<Arc<Self>> {
        Ok(model.find::<Self>()?.unwrap_or_default())
    }
}

impl Attachment for Ensemble {
    const NAME: &'static str = "member";
    const WHAT: &'static str = "ensemble";

    fn store(&self) -> Result<Section> {
        let mut section = Section::default();
        let mut contents = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            let Section { content, tensors } = member.model.section()?;
            contents.push(json!({ "columns": member.columns, "content": content }));
            for (name, entry) in tensors {
                section.put(NamedTensor { name: format!("{at}.{name}"), ..entry });
            }
        }
        section.content = Json::of(&Value::Array(contents));
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let damaged = |why: &dyn fmt::Display| Error::model("", why.to_string());
        let contents: Vec<MemberContent> =
            section.content.read().map_err(|error| damaged(&error))?;
        let features = model.features();
        let read = |(at, member): (usize, MemberContent)| {
            let MemberContent { columns, content } = member;
            let prefix = format!("{at}.");
            let tensors = section.tensors.iter().filter_map(|(name, entry)| {
                let name = name.strip_prefix(&prefix)?.to_owned();
                Some((name.clone(), NamedTensor { name, ..entry.clone() }))
            });
            let own = Model::of_section(Section { content, tensors: tensors.collect() })?;
            if own.find::<Self>()?.is_some() {
                return Err(damaged(&"a member of an ensemble has members of its own"));
            }
            let ascending = columns.windows(2).all(|pair| pair[0] < pair[1]);
            let known = columns.last().is_some_and(|last| *last < features);
            if !ascending || !known || own.features() != columns.len() {
                return Err(damaged(&"a member of an ensemble sees columns that are not there"));
            }
            Ok(Member { columns, model: own })
        };
        let members = contents.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok(Self { members })
    }
}

/// The JSON of a further member; its tensors are named `N.` and as in a file of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberContent {
    columns: Vec<usize>,
    content: Json,
}
