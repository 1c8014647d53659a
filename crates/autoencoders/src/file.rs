//! The model file and the run checkpoint: safetensors, with everything else as JSON under one
//! metadata key.
//!
//! Loading executes nothing. Sizes are checked against the file before memory is taken, and a hash
//! over everything tells damage.

use crate::baseline::Pca;
use crate::config::{Config, Plan};
use crate::density::Density;
use crate::metrics::Evaluation;
use crate::model::Model;
use crate::parts::Parts;
use crate::prepare::Preparation;
use crate::recognise::{Classifier, Head};
use crate::run::EpochRecord;
use crate::score::{
    Calibration, Detector, Judge, Kind as Score, Member, Probed, Reference, Ruler, Whitening,
};
use crate::vars::{Init, Layout, Stored, Var};
use burn::tensor::{Device, Tensor, TensorData};
use rows::{Error, Matrix, Result, Series, Shape, write_atomically};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The format this version writes; it reads this and every older one.
pub const FORMAT: u64 = 3;
/// The metadata key.
const KEY: &str = "autoencoder";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A trained model.
    Model,
    /// The state of a training.
    Run,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Run => "run",
        }
    }
}

/// A named tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
    /// Its numbers in row order.
    pub values: Vec<f32>,
}

impl Entry {
    /// A matrix as it is.
    pub fn of(name: String, value: &Tensor<2>) -> Result<Self> {
        let shape = value.dims().to_vec();
        Ok(Self { values: numbers(value, &name)?, name, shape })
    }

    fn vector(name: &str, values: &[f32], shape: &[usize]) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), values: values.to_vec() }
    }

    fn hash(&self, hash: &mut Sha256) {
        hash.update((self.name.len() as u64).to_le_bytes());
        hash.update(&self.name);
        hash.update((self.shape.len() as u64).to_le_bytes());
        self.shape.iter().for_each(|side| hash.update((*side as u64).to_le_bytes()));
        self.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
}

fn numbers(value: &Tensor<2>, name: &str) -> Result<Vec<f32>> {
    value
        .to_data()
        .convert::<f32>()
        .try_into_vec::<f32>()
        .map_err(|error| Error::shape(name, format!("{error:?}"), "numbers"))
}

/// Writes a file as a whole or not at all.
pub fn write(path: &Path, kind: Kind, content: Value, mut entries: Vec<Entry>) -> Result<()> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let header = json!({ "format": FORMAT, "kind": kind.name(), "hash": digest(FORMAT, kind, &content, &entries), "content": content });
    let bytes: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| entry.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = entries.iter().zip(&bytes).map(|(entry, bytes)| {
        let view = TensorView::new(Dtype::F32, entry.shape.clone(), bytes);
        view.map(|view| (entry.name.as_str(), view))
            .map_err(|error| Error::model(path.display(), error))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let metadata = std::iter::once((KEY.to_owned(), header.to_string())).collect();
    let whole = safetensors::serialize(views, Some(metadata))
        .map_err(|error| Error::model(path.display(), error))?;
    write_atomically(path, |file| file.write_all(&whole))?;
    // A model that took hours should survive a power cut; a checkpoint is written too often to wait
    // for the disk.
    match kind {
        Kind::Model => std::fs::File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|source| Error::io(path, source)),
        Kind::Run => Ok(()),
    }
}

/// Reads a file of this kind: its content and its tensors by name.
pub fn read(path: &Path, kind: Kind) -> Result<(Value, BTreeMap<String, Entry>)> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    parse(&bytes, kind, &path.display().to_string())
}

/// Reads the bytes of a file; `place` names it in errors.
pub fn parse(bytes: &[u8], kind: Kind, place: &str) -> Result<(Value, BTreeMap<String, Entry>)> {
    let strange = |why: &dyn std::fmt::Display| {
        Error::model(place, format!("not a model file ({why}); wanted a file written by ae train"))
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| strange(&error))?;
    let text = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(KEY))
        .ok_or_else(|| strange(&"a safetensors file of something else"))?;
    let header: Value = serde_json::from_str(text).map_err(|error| strange(&error))?;
    let format = header["format"].as_u64().ok_or_else(|| strange(&"no format number"))?;
    if format > FORMAT {
        return Err(Error::model(
            place,
            format!(
                "written by a newer version (format {format}); this one reads up to format {FORMAT}: update ae"
            ),
        ));
    }
    if header["kind"] != kind.name() {
        let found = header["kind"].as_str().unwrap_or("something unknown");
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
        entries.push(Entry { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let content = header["content"].clone();
    if header["hash"] != digest(format, kind, &content, &entries) {
        return Err(Error::model(
            place,
            "is damaged: its hash does not fit its content; copy or train it again",
        ));
    }
    Ok((content, entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect()))
}

fn digest(format: u64, kind: Kind, content: &Value, entries: &[Entry]) -> String {
    let mut hash = Sha256::new();
    hash.update(format.to_le_bytes());
    hash.update(kind.name());
    // serde_json keeps objects sorted and prints each number the one shortest way, so that the text
    // is the same after reading.
    hash.update(content.to_string());
    entries.iter().for_each(|entry| entry.hash(&mut hash));
    hexadecimal(&hash.finalize())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes a tensor out of a file's; its shape must be that of `like`.
pub fn take(
    tensors: &mut BTreeMap<String, Entry>,
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

/// The JSON of a model file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    config: Config,
    shape: Shape,
    columns: Vec<String>,
    #[serde(default)]
    series: Option<Series>,
    preparation: Preparation,
    training_rows: usize,
    history: Vec<EpochRecord>,
    chosen: usize,
    evaluation: Option<Evaluation>,
    density: bool,
    /// Whether it has principal components; older files, which do not say so, all have.
    #[serde(default = "whole")]
    baseline: bool,
    #[serde(default)]
    members: Vec<MemberContent>,
    #[serde(default)]
    detector: Option<DetectorContent>,
    #[serde(default)]
    classifier: Option<ClassifierContent>,
}

fn whole() -> bool {
    true
}

/// The JSON of a further member; its tensors are named `member.N.` and as in a file of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberContent {
    columns: Vec<usize>,
    content: Content,
}

/// The JSON of a detector; its tensors are named `detector.N.` for each judge.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectorContent {
    rulers: Vec<Vec<Ruler>>,
    scores: Vec<Vec<f64>>,
    probed: Option<Probed>,
}

/// The JSON of a classifier; its tensors are named `classifier.`, and those that are not there are
/// the model's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassifierContent {
    head: Head,
    names: Vec<String>,
    history: Vec<EpochRecord>,
}

impl Model {
    /// Writes the model as a whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let (content, entries) = self.written()?;
        write(path, Kind::Model, json!(content), entries)
    }

    fn written(&self) -> Result<(Content, Vec<Entry>)> {
        let mut content = Content {
            config: self.parts.plan.config.clone(),
            shape: self.parts.plan.shape.clone(),
            columns: self.columns.clone(),
            series: self.series.clone(),
            preparation: self.preparation.clone(),
            training_rows: self.training_rows,
            history: self.history.clone(),
            chosen: self.chosen,
            // JSON has no infinity: an evaluation that is not finite says nothing and would make
            // the file unreadable.
            evaluation: self.evaluation.clone().filter(Evaluation::is_finite),
            density: self.density.is_some(),
            // A tensor of nothing could not be read back.
            baseline: self.baseline.count() > 0,
            members: Vec::new(),
            detector: None,
            classifier: None,
        };
        let mut entries = Vec::new();
        for (_, var) in self.vars.iter() {
            entries.push(laid_out(var)?);
        }
        if let Some(classifier) = &self.classifier {
            let Classifier { head, names, history, .. } = classifier;
            content.classifier = Some(ClassifierContent {
                head: head.clone(),
                names: names.clone(),
                history: history.clone(),
            });
            // Of an encoder that stayed as it is nothing is written twice.
            for (_, var) in classifier.vars.iter() {
                let entry = laid_out(var)?;
                if !entries.contains(&entry) {
                    entries.push(Entry { name: format!("classifier.{}", entry.name), ..entry });
                }
            }
        }
        let pca = &self.baseline;
        if content.baseline {
            entries.push(Entry::vector("baseline.mean", &pca.mean, &[pca.features]));
            entries.push(Entry::vector(
                "baseline.components",
                &pca.components,
                &[pca.count(), pca.features],
            ));
        }
        if let Some(density) = &self.density {
            let (k, n) = (density.components(), density.latent);
            entries.push(Entry::vector("density.weights", &density.weights, &[k]));
            entries.push(Entry::vector("density.means", &density.means, &[k, n]));
            entries.push(Entry::vector("density.factors", &density.factors, &[k, n, n]));
            entries.push(Entry::vector("density.low", &density.low, &[n]));
            entries.push(Entry::vector("density.high", &density.high, &[n]));
        }
        if let Some(detector) = &self.detector {
            let (detector, tensors) = detector.written();
            content.detector = Some(detector);
            entries.extend(tensors);
        }
        for (at, member) in self.members.iter().enumerate() {
            let (inner, tensors) = member.model.written()?;
            content.members.push(MemberContent { columns: member.columns.clone(), content: inner });
            entries.extend(
                tensors
                    .into_iter()
                    .map(|entry| Entry { name: format!("member.{at}.{}", entry.name), ..entry }),
            );
        }
        Ok((content, entries))
    }

    /// Reads a model.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a model from the bytes of its file; `place` names it in errors.
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Self> {
        let (content, entries) = parse(bytes, Kind::Model, place)?;
        let damaged =
            |why: &dyn std::fmt::Display| Error::model(place, format!("is damaged: {why}"));
        let content: Content = serde_json::from_value(content).map_err(|error| damaged(&error))?;
        if entries.values().any(|entry| entry.values.iter().any(|value| !value.is_finite())) {
            return Err(damaged(&"a number in it is not finite"));
        }
        Self::of_content(content, entries).map_err(|error| match error {
            Error::Model { message, .. } => damaged(&message),
            other => damaged(&other),
        })
    }

    fn of_content(content: Content, mut entries: BTreeMap<String, Entry>) -> Result<Self> {
        let damaged = |why: &dyn std::fmt::Display| Error::model("", why);
        let features = content.shape.features()?;
        content.preparation.check(features)?;
        if !content.columns.is_empty() && content.columns.len() != features {
            return Err(damaged(&"as many column names as columns are wanted"));
        }
        let members = (content.members.into_iter().enumerate())
            .map(|(at, member)| {
                Member::read(member, features, &mut entries, &format!("member.{at}."))
            })
            .collect::<Result<Vec<_>>>()?;
        let latent = content.config.latent;
        let detector = content.detector.map(|detector| {
            let widths: Vec<(usize, usize)> =
                std::iter::once((features, latent))
                    .chain(members.iter().map(|member| {
                        (member.columns.len(), member.model.parts.plan.config.latent)
                    }))
                    .collect();
            Detector::read(detector, &widths, content.config.contamination > 0.0, &mut entries)
        });
        let detector = detector.transpose()?;
        let width = content.preparation.width(features);
        let baseline = match content.baseline {
            false => Pca::none(width),
            true => Pca {
                features: width,
                mean: vector(&mut entries, "baseline.mean", &[Some(width)])?.values,
                components: vector(&mut entries, "baseline.components", &[None, Some(width)])?
                    .values,
            },
        };
        let density = match content.density {
            false => None,
            true => {
                let weights = vector(&mut entries, "density.weights", &[None])?.values;
                let k = Some(weights.len())
                    .filter(|k| *k > 0)
                    .ok_or_else(|| damaged(&"a density without components"))?;
                let mut of = |name: &str, shape: &[usize]| {
                    vector(
                        &mut entries,
                        name,
                        &shape.iter().map(|side| Some(*side)).collect::<Vec<_>>(),
                    )
                    .map(|entry| entry.values)
                };
                Some(Density {
                    latent,
                    means: of("density.means", &[k, latent])?,
                    factors: of("density.factors", &[k, latent, latent])?,
                    low: of("density.low", &[latent])?,
                    high: of("density.high", &[latent])?,
                    weights,
                })
            }
        };
        if density.as_ref().is_some_and(|density| {
            density.low.iter().zip(&density.high).any(|(low, high)| low > high)
        }) {
            return Err(damaged(&"its density has bounds the wrong way round"));
        }
        let plan =
            Plan::of(&content.config, &content.shape, &content.preparation, content.training_rows)?;
        let mut stored = Stored::new();
        for entry in entries.into_values() {
            let (name, shape, values) = inside(entry)
                .ok_or_else(|| damaged(&"a tensor of a shape that no variable has"))?;
            stored.insert(name, (shape, values));
        }
        let mut whole = if content.classifier.is_some() { stored.clone() } else { Stored::new() };
        let mut init = Init::stored(&mut stored, &Device::default());
        let parts = Parts::build(plan, &mut init)?;
        let vars = init.finish();
        let mut model = Self {
            parts,
            vars,
            preparation: content.preparation,
            columns: content.columns,
            series: content.series,
            training_rows: content.training_rows,
            baseline,
            density,
            history: content.history,
            chosen: content.chosen,
            evaluation: content.evaluation,
            members,
            detector,
            classifier: None,
        };
        if let Some(ClassifierContent { head, names, history }) = content.classifier {
            let own: Vec<String> =
                whole.keys().filter(|name| name.starts_with("classifier.")).cloned().collect();
            for name in own {
                let value =
                    whole.remove(&name).ok_or_else(|| damaged(&"a classifier's number is lost"))?;
                whole.insert(name["classifier.".len()..].to_owned(), value);
            }
            let mut init = Init::stored(&mut whole, &Device::default());
            model.classifier = Some(Classifier::read(&model, head, names, history, &mut init)?);
        }
        Ok(model)
    }
}

/// Takes a tensor out of a file's; sides that are given must fit.
fn vector(
    entries: &mut BTreeMap<String, Entry>,
    name: &str,
    shape: &[Option<usize>],
) -> Result<Entry> {
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

impl Member {
    fn read(
        member: MemberContent,
        features: usize,
        entries: &mut BTreeMap<String, Entry>,
        prefix: &str,
    ) -> Result<Self> {
        let names: Vec<String> =
            entries.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let mut own = BTreeMap::new();
        for name in names {
            let inner = name[prefix.len()..].to_owned();
            if let Some(entry) = entries.remove(&name) {
                own.insert(inner.clone(), Entry { name: inner, ..entry });
            }
        }
        if !member.content.members.is_empty() || member.content.detector.is_some() {
            return Err(Error::model("", "a member of an ensemble has members of its own"));
        }
        let columns = member.columns;
        let ascending = columns.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending
            || columns.last().is_none_or(|last| *last >= features)
            || member.content.shape.features()? != columns.len()
        {
            return Err(Error::model(
                "",
                "a member of an ensemble sees columns that are not there",
            ));
        }
        Ok(Self { columns, model: Model::of_content(member.content, own)? })
    }
}

impl Detector {
    fn written(&self) -> (DetectorContent, Vec<Entry>) {
        let content = DetectorContent {
            rulers: self.judges.iter().map(|judge| judge.rulers.clone()).collect(),
            scores: self
                .calibrations
                .iter()
                .map(|calibration| calibration.scores().to_vec())
                .collect(),
            probed: self.probed.clone(),
        };
        let of = |(at, judge): (usize, &Judge)| {
            let entry = |name: &str, values: &[f32], shape: &[usize]| {
                Entry::vector(&format!("detector.{at}.{name}"), values, shape)
            };
            let whitening = |name: &str, of: &Whitening| {
                [
                    entry(&format!("{name}.mean"), &of.mean, &[of.mean.len()]),
                    entry(&format!("{name}.factor"), &of.factor, &[of.factor.len()]),
                ]
            };
            let codes = &judge.reference.codes;
            whitening("residuals", &judge.residuals)
                .into_iter()
                .chain(whitening("codes", &judge.codes))
                .chain([entry("reference", &codes.values, &[codes.rows(), codes.columns])])
                .collect::<Vec<_>>()
        };
        (content, self.judges.iter().enumerate().flat_map(of).collect())
    }

    /// `widths` are the columns and code sizes of all members, `coarse` whether their training rows
    /// had anomalies among them.
    fn read(
        content: DetectorContent,
        widths: &[(usize, usize)],
        coarse: bool,
        entries: &mut BTreeMap<String, Entry>,
    ) -> Result<Self> {
        let damaged = |why: &str| Error::model("", format!("its detector {why}"));
        let rulers_fit = content.rulers.iter().all(|rulers| {
            rulers.len() == Score::MEASURES.len() && rulers.iter().all(|ruler| ruler.spread > 0.0)
        });
        if content.rulers.len() != widths.len()
            || content.scores.len() != Score::ALL.len()
            || !rulers_fit
        {
            return Err(damaged("does not fit its members"));
        }
        let mut judges = Vec::new();
        for (at, ((columns, latent), rulers)) in widths.iter().zip(content.rulers).enumerate() {
            let mut whitening = |name: &str, width: usize| -> Result<Whitening> {
                let mean =
                    vector(entries, &format!("detector.{at}.{name}.mean"), &[Some(width)])?.values;
                let factor =
                    vector(entries, &format!("detector.{at}.{name}.factor"), &[None])?.values;
                match factor.len() == width || factor.len() == width.saturating_mul(width) {
                    true => Ok(Whitening { mean, factor }),
                    false => Err(damaged("has a factor of another width")),
                }
            };
            let (residuals, codes) =
                (whitening("residuals", *columns)?, whitening("codes", *latent)?);
            let values =
                vector(entries, &format!("detector.{at}.reference"), &[None, Some(*latent)])?
                    .values;
            let reference = Reference::new(Matrix { columns: *latent, values }, coarse);
            judges.push(Judge { residuals, codes, reference, rulers });
        }
        let calibrations = content.scores.into_iter().map(Calibration::new).collect();
        Ok(Self { judges, calibrations, probed: content.probed })
    }
}

/// A variable as the file has it ([`Layout`]).
fn laid_out(var: &Var) -> Result<Entry> {
    let [rows, columns] = var.value.dims();
    let (value, shape) = match var.layout {
        Layout::Vector => (var.value.clone(), vec![columns]),
        Layout::Dense => (var.value.clone().transpose(), vec![columns, rows]),
        Layout::Convolution { kernel: [height, width], channels_in } => {
            let value = var
                .value
                .clone()
                .reshape([height, width, channels_in, columns])
                .permute([3, 2, 0, 1]);
            (value.reshape([columns, rows]), vec![columns, channels_in, height, width])
        }
    };
    Ok(Entry { values: numbers(&value, &var.name)?, name: var.name.clone(), shape })
}

/// The inverse of [`laid_out`]: the shape in the file tells the layout.
fn inside(entry: Entry) -> Option<(String, [usize; 2], Vec<f32>)> {
    let Entry { name, shape, values } = entry;
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
