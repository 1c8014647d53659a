//! What the page shows: a model, rows and their codes, as files that JavaScript reads.

use crate::files::name;
use crate::report::rows::is_curve;
use crate::show::model_words;
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::study::MOST_PLACED;
use autoencoders::study::errors;
use autoencoders::study::generate;
use autoencoders::study::most_exciting;
use autoencoders::study::nearest_rows;
use autoencoders::study::neighbour_map;
use autoencoders::study::typical_distance;
use autoencoders::study::unprepared;
use autoencoders::{Error, Matrix, Model, Result, Rng, Source};
use draw::colour::groups;
use serde_json::json;
use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// Its files.
pub(super) const FILES: [&str; 6] =
    ["scene.json", "model.ae", "rows.bin", "codes.bin", "neighbours.bin", "exciting.bin"];

/// Rows that are shown at most, and bytes of them: what a browser holds with ease.
const MOST_ROWS: usize = 200_000;
const MOST_BYTES: usize = 1 << 26;
/// Rows that a model without data draws.
const DRAWN: usize = 2000;
/// Units with an input that excites them.
const MOST_EXCITING: usize = 256;
/// Rows among which the nearest to an exciting input are sought, and by which a typical distance is
/// found.
const SOUGHT: usize = 10_000;

/// A model on rows, as the page gets it.
#[derive(Debug)]
pub(crate) struct Scene {
    name: String,
    model: Model,
    /// The bytes of the model's file.
    bytes: Vec<u8>,
    /// Rows that are shown, in memory.
    data: Dataset,
    /// The number of each in the data that was named.
    numbers: Vec<usize>,
    /// Rows in the data that was named.
    all: usize,
    codes: Matrix,
    errors: Vec<f64>,
    /// How far rows lie from the mean row.
    radius: f64,
    /// What takes long is computed when it is asked for, once.
    neighbours: OnceLock<Vec<u8>>,
    exciting: OnceLock<Vec<u8>>,
}

/// Rows that the model draws itself, where none are named.
pub(crate) fn drawn(model: &Model, name: &str) -> Result<Dataset> {
    let rows = generate(model, DRAWN, 0, Source::Auto).map_err(|_| {
        let wanted = format!("rows to show, as in `ae explore {name} DATA`: this model has no prior or density to draw rows from");
        Error::setting("DATA", "missing", wanted)
    })?;
    let mut data = Dataset::new(
        "rows it drew itself",
        model.signature().shape.clone(),
        Values::F64(rows.values),
    )?;
    data.columns.clone_from(&model.signature().columns);
    data.fields = model.signature().preparation.fields();
    Ok(data)
}

impl Scene {
    /// The scene of a model, whose file has these bytes, on some rows.
    pub(crate) fn of(name: String, bytes: Vec<u8>, model: Model, data: &Dataset) -> Result<Self> {
        model.signature().accept(data)?;
        let all = data.rows();
        let (numbers, data) = shown(&*model.signature().recoded(data)?, &model)?;
        let rows: Vec<usize> = (0..data.rows()).collect();
        let errors = errors(&model, &data, &rows)?.rows;
        let codes = model.encode(&data)?;
        let radius = typical_distance(&model, &data, &rows[..rows.len().min(SOUGHT)])?;
        Ok(Self {
            name,
            bytes,
            numbers,
            all,
            codes,
            errors,
            radius,
            model,
            data,
            neighbours: OnceLock::new(),
            exciting: OnceLock::new(),
        })
    }

    /// Rows that are shown.
    pub(crate) fn rows(&self) -> usize {
        self.data.rows()
    }

    /// A file by its name; none where there is no such file.
    pub(super) fn file(&self, name: &str) -> Option<Result<Cow<'_, [u8]>>> {
        Some(match name {
            "scene.json" => self.description().map(Cow::Owned),
            "model.ae" => Ok(Cow::Borrowed(&self.bytes)),
            "rows.bin" => {
                self.data.gather(0..self.rows()).map(|values| Cow::Owned(bytes_of(&values)))
            }
            "codes.bin" => Ok(Cow::Owned(numbers(&self.codes.values))),
            "neighbours.bin" => self.neighbours().map(Cow::Borrowed),
            "exciting.bin" => self.exciting().map(Cow::Borrowed),
            _ => return None,
        })
    }

    fn description(&self) -> Result<Vec<u8>> {
        let (plan, data) = (&self.model.plan(), &self.data);
        let (group, names) = match &data.labels {
            Some(labels) => {
                let (group, names) = groups(labels);
                (Some(group), names)
            }
            None => (None, Vec::new()),
        };
        let some = Matrix::of(data, 0..self.rows().min(1000))?;
        let described = json!({
            "model": self.name,
            "data": name(Path::new(&data.name)),
            "words": model_words(&self.model),
            "rows": self.rows(),
            "all": self.all,
            "features": plan.blueprint.features(),
            "latent": plan.blueprint.latent,
            "bytes": data.gather([])?.storage() == "u8",
            "columns": (0..plan.blueprint.features()).map(|column| data.column_name(column)).collect::<Vec<_>>(),
            "fields": data.fields.iter().map(|field| json!({ "kind": field.kind, "levels": *field.levels })).collect::<Vec<_>>(),
            "curve": is_curve(&plan.blueprint.source, data.columns.is_empty()),
            "channels": if let Shape::Series { channels, .. } = plan.blueprint.source { channels } else { 1 },
            "ends": self.model.signature().black_and_white(&some),
            "groups": names,
            "group": group,
            "labels": data.labels,
            "ids": data.ids,
            "numbers": self.numbers.iter().map(|row| row + 1).collect::<Vec<_>>(),
            "errors": self.errors.iter().map(|error| *error as f32).collect::<Vec<_>>(),
            "neighbours": self.placed().len(),
            "exciting": self.excited(),
        });
        serde_json::to_vec(&described).map_err(|error| Error::data("scene.json", error.to_string()))
    }

    /// Rows of the map of neighbours, by seed; none where they are too few for one, or all the
    /// same.
    fn placed(&self) -> Vec<usize> {
        let mut rows =
            Rng::new(self.model.plan().settings.seed).split("explore").permutation(self.rows());
        rows.truncate(MOST_PLACED);
        let code = |row: &usize| self.codes.row(*row);
        let same = rows.iter().all(|row| code(row) == code(&rows[0]));
        let finite = rows.iter().flat_map(code).all(|number| number.is_finite());
        if rows.len() < 10 || same || !finite { Vec::new() } else { rows }
    }

    /// Units with an input that excites them; none where all rows are the same.
    fn excited(&self) -> usize {
        if self.radius > 0.0 && self.radius.is_finite() {
            self.codes.columns.min(MOST_EXCITING)
        } else {
            0
        }
    }

    /// The rows on the map of neighbours, then their places.
    fn neighbours(&self) -> Result<&[u8]> {
        if let Some(made) = self.neighbours.get() {
            return Ok(made);
        }
        let rows = self.placed();
        let values = rows.iter().flat_map(|row| self.codes.row(*row)).copied().collect();
        let places = neighbour_map(&Matrix { columns: self.codes.columns, values })?;
        let mut bytes = indices(&rows);
        bytes.extend(numbers(places.unwrap_or_default().as_flattened()));
        Ok(self.neighbours.get_or_init(|| bytes))
    }

    /// The inputs that excite units, then the row nearest to each.
    fn exciting(&self) -> Result<&[u8]> {
        if let Some(made) = self.exciting.get() {
            return Ok(made);
        }
        let units: Vec<usize> = (0..self.excited()).collect();
        if units.is_empty() {
            return Ok(&[]);
        }
        let inputs = most_exciting(&self.model, &units, self.radius)?;
        let rows: Vec<usize> = (0..self.rows().min(SOUGHT)).collect();
        let nearest = nearest_rows(&self.model, &self.data, &rows, &inputs)?;
        let mut bytes = numbers(&unprepared(&self.model, inputs).narrow().values);
        bytes.extend(indices(&nearest));
        Ok(self.exciting.get_or_init(|| bytes))
    }
}

/// The rows that are shown, with their numbers: all, or as many as a browser holds, drawn by seed
/// and in their own order.
fn shown(data: &Dataset, model: &Model) -> Result<(Vec<usize>, Dataset)> {
    let width = if data.gather([])?.storage() == "u8" { 1 } else { 4 };
    let most = (MOST_BYTES / (data.features() * width).max(1)).clamp(1, MOST_ROWS);
    let mut rows: Vec<usize> = (0..data.rows()).collect();
    if rows.len() > most {
        rows = Rng::new(model.plan().settings.seed).split("explore").permutation(data.rows());
        rows.truncate(most);
        rows.sort_unstable();
    }
    let data = data.select(&rows)?;
    Ok((rows, data))
}

fn bytes_of(values: &Values) -> Vec<u8> {
    match values {
        Values::U8(values) => values.clone(),
        Values::F32(values) => numbers(values),
        Values::F64(values) => {
            values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect()
        }
    }
}

fn numbers(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn indices(rows: &[usize]) -> Vec<u8> {
    rows.iter().flat_map(|row| (*row as u32).to_le_bytes()).collect()
}
