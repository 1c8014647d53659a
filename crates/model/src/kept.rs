//! What is attached to a model by name: each attachment reads and writes a section of the file.

use crate::archive::NamedTensor;
use crate::json::Json;
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A section of a model file: its JSON, and its tensors by the names they have within it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// What is no tensor.
    pub content: Json,
    /// The tensors; in the file their names begin with that of the section and a point.
    pub tensors: BTreeMap<String, NamedTensor>,
}

impl Section {
    /// A section of this content, without tensors.
    pub fn new(content: &Value) -> Self {
        Self { content: Json::of(content), tensors: BTreeMap::new() }
    }

    /// Adds a tensor of this name and shape.
    pub fn add(&mut self, name: &str, values: &[f32], shape: &[usize]) {
        self.put(NamedTensor::new(name, values, shape));
    }

    /// Adds a tensor under its own name.
    pub fn put(&mut self, entry: NamedTensor) {
        self.tensors.insert(entry.name.clone(), entry);
    }
}

/// An attachment of any kind.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// The attachments of a model: their sections, and those that have been read.
///
/// A section that nobody asks for, or that a later version wrote, is kept as it is.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    sections: BTreeMap<String, Section>,
    read: Mutex<BTreeMap<&'static str, Shared>>,
}

impl Kept {
    /// The attachments of a file.
    pub(crate) fn of(sections: BTreeMap<String, Section>) -> Self {
        Self { sections, read: Mutex::default() }
    }

    /// The sections by name.
    pub(crate) fn sections(&self) -> &BTreeMap<String, Section> {
        &self.sections
    }

    /// Puts a section, and what it says, in the place of one of its name.
    pub(crate) fn put(&mut self, name: &'static str, section: Section, it: Shared) {
        self.sections.insert(name.to_owned(), section);
        self.read.get_mut().unwrap_or_else(PoisonError::into_inner).insert(name, it);
    }

    /// Removes a section.
    pub(crate) fn remove(&mut self, name: &str) {
        self.sections.remove(name);
        self.read.get_mut().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// What a section says, if it has been read.
    pub(crate) fn known(&self, name: &str) -> Option<Shared> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Keeps what a section says; what came first stays.
    pub(crate) fn keep(&self, name: &'static str, it: Shared) -> Shared {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(name).or_insert(it).clone()
    }
}
