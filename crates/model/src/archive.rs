//! The container of models and checkpoints: safetensors, with everything else as JSON under one
//! metadata key.
//!
//! Loading executes nothing. Sizes are checked against the file before memory is taken, and a hash
//! over everything tells damage.

use crate::json::Json;
use crate::net::vars::{FileLayout, Var};
use burn_tensor::{Device, Tensor, TensorData};
use rows::{Destination, Error, Result, bytes_of};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The format this version writes; it reads this and every older one.
pub const FORMAT: u64 = 5;
/// More bytes than this are no model that one machine could use.
const LARGEST: u64 = 1 << 36;
/// The metadata key.
const KEY: &str = "autoencoder";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// A trained model.
    Model,
    /// The state of a training.
    Run,
}

impl ArchiveKind {
    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Run => "run",
        }
    }
}

/// A named tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
    /// Its numbers in row order.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// A tensor from its numbers.
    pub fn new(name: &str, values: &[f32], shape: &[usize]) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), values: values.to_vec() }
    }

    /// The tensor as one that waits to be written.
    pub fn waiting(&self, name: String) -> Waiting<'_> {
        let numbers = || Ok(Cow::Borrowed(self.values.as_slice()));
        Waiting { name, shape: self.shape.clone(), numbers: Box::new(numbers) }
    }
}

/// A tensor that waits to be written: its numbers are read when its turn comes, so that no two
/// tensors lie in memory once more at the same time.
pub struct Waiting<'a> {
    name: String,
    shape: Vec<usize>,
    numbers: Box<dyn Fn() -> Result<Cow<'a, [f32]>> + 'a>,
}

impl<'a> Waiting<'a> {
    /// A matrix as it is.
    pub fn matrix(name: String, value: &'a Tensor<2>) -> Self {
        let shape = value.dims().to_vec();
        let what = name.clone();
        let numbers = move || numbers(value, &what).map(Cow::Owned);
        Self { name, shape, numbers: Box::new(numbers) }
    }

    /// A variable as the file has it ([`FileLayout`]).
    pub fn variable(var: &'a Var) -> Self {
        let shape = layout_shape(var);
        let numbers = || laid_out(var).map(|it| Cow::Owned(it.values));
        Self { name: var.name.clone(), shape, numbers: Box::new(numbers) }
    }

    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
    }
}

fn numbers(value: &Tensor<2>, name: &str) -> Result<Vec<f32>> {
    value
        .to_data()
        .convert::<f32>()
        .try_into_vec::<f32>()
        .map_err(|error| Error::shape(name, format!("{error:?}"), "numbers"))
}

/// Writes a file as a whole or not at all, one tensor after another; it comes back open.
///
/// Errors: a tensor cannot be read off its device, or the file cannot be written.
pub fn write_archive(
    to: impl Into<Destination>,
    kind: ArchiveKind,
    content: Value,
    mut tensors: Vec<Waiting>,
) -> Result<File> {
    let to = to.into();
    let path = to.path();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut digest = Digest::new(FORMAT, kind, &content.to_string());
    for tensor in &tensors {
        let numbers = (tensor.numbers)()?;
        if let Some(number) = infinite(&numbers) {
            let why =
                format!("would hold {number} in {}, which no number of a model is", tensor.name);
            return Err(Error::model(path.display(), why));
        }
        digest.add(&tensor.name, &tensor.shape, &numbers);
    }
    let header = json!({
        "format": FORMAT, "kind": kind.name(), "hash": digest.finish(), "content": content
    });
    let strange = |error: &dyn std::fmt::Display| Error::model(path.display(), error.to_string());
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = end;
        end += tensor.bytes();
        let info = TensorInfo {
            dtype: Dtype::F32,
            shape: tensor.shape.clone(),
            data_offsets: (start, end),
        };
        (tensor.name.clone(), info)
    });
    let infos = infos.collect();
    let metadata = std::iter::once((KEY.to_owned(), header.to_string())).collect();
    let metadata = Metadata::new(Some(metadata), infos).map_err(|error| strange(&error))?;
    let mut head = serde_json::to_vec(&metadata).map_err(|error| strange(&error))?;
    // The numbers begin at a multiple of eight bytes.
    head.resize(head.len().next_multiple_of(8), b' ');
    let write = |file: &mut BufWriter<&File>| {
        let fail = |error| Error::io(path, error);
        file.write_all(&(head.len() as u64).to_le_bytes()).map_err(fail)?;
        file.write_all(&head).map_err(fail)?;
        for tensor in &tensors {
            for value in (tensor.numbers)()?.iter() {
                file.write_all(&value.to_le_bytes()).map_err(fail)?;
            }
        }
        Ok(())
    };
    // A model that took hours should survive a power cut; a checkpoint is written too often to wait
    // for the disk.
    to.write_open(kind == ArchiveKind::Model, write)
}

/// The bytes of a file that may be a model or a checkpoint.
///
/// Errors: there is no such file, or it is too large to be one.
pub fn archive_bytes(path: &Path) -> Result<Vec<u8>> {
    bytes_of(path, LARGEST)
}

/// What a file says besides its tensors.
#[derive(Deserialize)]
struct Header {
    format: Option<u64>,
    kind: Option<String>,
    hash: Option<String>,
    content: Option<Json>,
}

/// Reads a file of this kind: its content and its tensors by name.
pub fn read_archive(
    path: &Path,
    kind: ArchiveKind,
) -> Result<(Json, BTreeMap<String, NamedTensor>)> {
    let bytes = archive_bytes(path)?;
    parse_archive(&bytes, kind, &path.display().to_string())
}

/// Reads the bytes of a file; `place` names it in errors.
pub fn parse_archive(
    bytes: &[u8],
    kind: ArchiveKind,
    place: &str,
) -> Result<(Json, BTreeMap<String, NamedTensor>)> {
    let strange = |why: &dyn std::fmt::Display| {
        Error::model(place, format!("not a model file ({why}); wanted a file written by ae train"))
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| strange(&error))?;
    let text = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(KEY))
        .ok_or_else(|| strange(&"a safetensors file of something else"))?;
    let header: Header = serde_json::from_str(text).map_err(|error| strange(&error))?;
    let format = header.format.ok_or_else(|| strange(&"no format number"))?;
    if format > FORMAT {
        return Err(Error::model(
            place,
            format!(
                "written by a newer version (format {format}); this one reads up to format {FORMAT}: update ae"
            ),
        ));
    }
    if header.kind.as_deref() != Some(kind.name()) {
        let found = header.kind.as_deref().unwrap_or("something unknown");
        return Err(Error::model(place, format!("holds a {found}; wanted a {}", kind.name())));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| strange(&error))?;
    let mut entries = Vec::new();
    for (name, view) in tensors.iter() {
        // Nothing that is written is empty, and the engine refuses empty tensors by a panic.
        if view.shape().contains(&0) {
            return Err(strange(&format!("tensor {name} is empty")));
        }
        if view.dtype() != Dtype::F32 {
            return Err(strange(&format!("tensor {name} is {:?}, not F32", view.dtype())));
        }
        let values = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        entries.push(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let content = header.content.unwrap_or_default();
    let mut digest = Digest::new(format, kind, content.text());
    entries.iter().for_each(|entry| digest.add(&entry.name, &entry.shape, &entry.values));
    if header.hash != Some(digest.finish()) {
        return Err(Error::model(
            place,
            "is damaged: its hash does not fit its content; copy or train it again",
        ));
    }
    if entries.iter().any(|entry| infinite(&entry.values).is_some()) {
        return Err(Error::model(place, "is damaged: a number in it is not finite"));
    }
    Ok((content, entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect()))
}

/// The first number that is none, or infinite.
fn infinite(numbers: &[f32]) -> Option<f32> {
    numbers.iter().copied().find(|number| !number.is_finite())
}

/// The hash over all that a file says.
struct Digest(Sha256);

impl Digest {
    fn new(format: u64, kind: ArchiveKind, content: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(format.to_le_bytes());
        hash.update(kind.name());
        hash.update(content);
        Self(hash)
    }

    /// Adds a tensor; they come in the order of their names.
    fn add(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let Self(hash) = self;
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((shape.len() as u64).to_le_bytes());
        shape.iter().for_each(|side| hash.update((*side as u64).to_le_bytes()));
        values.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }

    fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes a tensor out of a file's; its shape must be that of `like`.
pub fn take(
    tensors: &mut BTreeMap<String, NamedTensor>,
    name: &str,
    like: &Tensor<2>,
    path: &Path,
) -> Result<Tensor<2>> {
    let entry = tensors.remove(name).filter(|entry| entry.shape == like.dims());
    let entry = entry.ok_or_else(|| {
        Error::model(path.display(), format!("is damaged: {name} is missing or of another shape"))
    })?;
    Ok(Tensor::from_data(
        TensorData::new(entry.values, like.dims()),
        (&like.device(), like.dtype()),
    ))
}

/// Takes a tensor out of a file's; sides that are given must fit.
pub fn vector(
    entries: &mut BTreeMap<String, NamedTensor>,
    name: &str,
    shape: &[Option<usize>],
) -> Result<NamedTensor> {
    let entry = entries.remove(name).filter(|entry| {
        entry.shape.len() == shape.len()
            && entry
                .shape
                .iter()
                .zip(shape)
                .all(|(side, wanted)| wanted.is_none_or(|wanted| wanted == *side))
    });
    entry.ok_or_else(|| Error::model("", format!("{name} is missing or of another shape")))
}

/// A variable as the file has it ([`FileLayout`]).
pub fn laid_out(var: &Var) -> Result<NamedTensor> {
    let shape = layout_shape(var);
    let [rows, columns] = var.value.dims();
    let value = match var.layout {
        FileLayout::Vector => var.value.clone(),
        FileLayout::Dense => var.value.clone().transpose(),
        FileLayout::Convolution { kernel: [height, width], channels_in } => {
            let value = var.value.clone().reshape([height, width, channels_in, columns]);
            value.permute([3, 2, 0, 1]).reshape([columns, rows])
        }
    };
    Ok(NamedTensor { values: numbers(&value, &var.name)?, name: var.name.clone(), shape })
}

fn layout_shape(var: &Var) -> Vec<usize> {
    let [rows, columns] = var.value.dims();
    match var.layout {
        FileLayout::Vector => vec![columns],
        FileLayout::Dense => vec![columns, rows],
        FileLayout::Convolution { kernel: [height, width], channels_in } => {
            vec![columns, channels_in, height, width]
        }
    }
}

/// The inverse of [`laid_out`]: the shape in the file tells the layout.
pub fn inside(entry: NamedTensor) -> Option<(String, [usize; 2], Vec<f32>)> {
    let NamedTensor { name, shape, values } = entry;
    let device = Device::default();
    let back = |value: Tensor<2>| value.into_data().try_into_vec::<f32>().ok();
    match *shape.as_slice() {
        [n] => Some((name, [1, n], values)),
        [out, width] => {
            let value = Tensor::<2>::from_data(TensorData::new(values, [out, width]), &device);
            Some((name, [width, out], back(value.transpose())?))
        }
        [out, channels, height, width] => {
            let patch = channels * height * width;
            let value = Tensor::<4>::from_data(
                TensorData::new(values, [out, channels, height, width]),
                &device,
            );
            Some((name, [patch, out], back(value.permute([2, 3, 1, 0]).reshape([patch, out]))?))
        }
        _ => None,
    }
}
