//! A trained model: encode, decode, reconstruct, generate, interpolate, search.

use crate::ahead::{ahead, aside};
use crate::baseline::Pca;
use crate::config::Plan;
use crate::density::{self, Density, DensityChoice};
use crate::inspect::straight;
use crate::layer::Pass;
use crate::metrics::Evaluation;
use crate::parts::Parts;
use crate::prepare::{Preparation, Range};
use crate::recognise::Classifier;
use crate::run::{EpochRecord, State};
use crate::score::{Detector, Member};
use crate::tensors::read;
use crate::train::HANDED_OVER;
use crate::vars::{Values, Vars};
use autoencoders_kernels::{among_workers, side_by_side, workers};
use burn::tensor::{Device, Tensor, TensorData};
use rows::{ColumnKind, Dataset, Error, Field, Matrix, Result, Rng, Series, Shape, Split};
use std::borrow::Cow;

/// Where generated codes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The family's prior where it has one, else the density.
    Auto,
    /// The family's prior.
    Prior,
    /// The density fitted on the training rows' codes.
    Density,
}

/// A trained autoencoder with everything needed to use it.
#[derive(Debug)]
pub struct Model {
    /// What it is made of.
    pub parts: Parts,
    /// Its numbers.
    pub vars: Vars,
    /// The scaling of its rows.
    pub preparation: Preparation,
    /// The column names of the table it was trained on; empty where there were none.
    pub columns: Vec<String>,
    /// How windows were cut out of the series it was trained on; none where its rows were no
    /// windows.
    pub series: Option<Series>,
    /// Rows it was trained on.
    pub training_rows: usize,
    /// Principal components at the same code size, fitted on the same rows.
    pub baseline: Pca,
    /// The density on its codes.
    pub density: Option<Density>,
    /// Every epoch of its training.
    pub history: Vec<EpochRecord>,
    /// The one-based epoch whose weights it has; 0 where training did not reach an epoch's end.
    pub chosen: usize,
    /// Its evaluation on the test rows, where it was evaluated.
    pub evaluation: Option<Evaluation>,
    /// The other models of its ensemble.
    pub members: Vec<Member>,
    /// What it keeps to score rows; none where training was interrupted.
    pub detector: Option<Detector>,
    /// A classifier on its code, where one was trained.
    pub classifier: Option<Classifier>,
}

/// Rows that go through the network at once when nothing is trained: few enough to stay small,
/// enough to fill the cores.
pub(crate) fn block(plan: &Plan) -> usize {
    ((1 << 22) / plan.numbers_per_row().max(1)).clamp(1, 1000)
}

/// Rows of a block where blocks go through the network side by side: what one layer gives stays in
/// the cache until the next takes it.
const SIDE_BY_SIDE: usize = 128;

/// Rows that are not worth two blocks.
const FEW: usize = 15;

/// Numbers in the widest layers of the blocks that go side by side: 32 MB of f32, while as much is
/// consumed and as much waits.
const AT_ONCE: usize = 1 << 23;

impl Model {
    /// The model of a training's end, with the best weights of its state; [`Model::complete`] adds
    /// what a finished one has beside them.
    pub(crate) fn trained(
        parts: Parts,
        state: State,
        preparation: Preparation,
        data: &Dataset,
        split: &Split,
    ) -> Self {
        let (vars, chosen) = match state.best {
            Some(best) => (best.vars, best.epoch),
            None => (state.vars, state.epoch),
        };
        Self {
            baseline: Pca::none(parts.plan.width()),
            parts,
            vars,
            preparation,
            columns: data.columns.clone(),
            series: data.windows.as_ref().map(|windows| windows.series.clone()),
            training_rows: split.train.len(),
            density: None,
            history: state.history,
            chosen,
            evaluation: None,
            members: Vec::new(),
            detector: None,
            classifier: None,
        }
    }

    /// Principal components and a density on the codes, from the same rows.
    ///
    /// Whoever stops a training waits for its checkpoint, not for these.
    pub(crate) fn complete(&mut self, data: &Dataset, split: &Split) -> Result<()> {
        let config = &self.parts.plan.config;
        let rng = Rng::new(config.seed);
        self.baseline = Pca::fit(&self.preparation, data, &split.train, config.latent, &rng)?;
        if config.density != DensityChoice::None {
            // The density is fitted on no more rows than these, and the training rows are in random
            // order: the others need no codes.
            let codes =
                self.encode_rows(data, &split.train[..split.train.len().min(density::MOST_ROWS)])?;
            self.density = Density::fit(config.density, &codes.values, codes.columns, &rng);
        }
        Ok(())
    }

    /// What the columns of a table hold, by their names, or by one-based numbers where it has none:
    /// to read other rows alike.
    pub fn kinds(&self) -> Vec<(String, ColumnKind)> {
        let fields = self.preparation.fields();
        let kind = |at: usize| fields.get(at).map_or(ColumnKind::Numeric, |field| field.kind);
        match (self.columns.is_empty(), self.series.is_some()) {
            // The columns of a series are its channels, whose names are not kept.
            (_, true) => Vec::new(),
            (true, false) => (0..fields.len()).map(|at| ((at + 1).to_string(), kind(at))).collect(),
            (false, false) => {
                self.columns.iter().enumerate().map(|(at, name)| (name.clone(), kind(at))).collect()
            }
        }
    }

    /// The rows with their categories by their place among the model's levels; as they are where
    /// there are none.
    pub fn recoded<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        if self.preparation.table.is_none() {
            return Ok(Cow::Borrowed(data));
        }
        let mut recoded = data.clone();
        recoded.values =
            rows::Values::F32(self.preparation.on(data)?.source(0..data.rows())?).into();
        let known = self.preparation.fields().into_iter().zip(&data.fields);
        recoded.fields = known
            .map(|(known, own)| if own.kind == ColumnKind::Text { own.clone() } else { known })
            .collect();
        Ok(Cow::Owned(recoded))
    }

    /// What a number that the model gives for a zero-based column stands for: a category, a date.
    pub fn text(&self, column: usize, value: f64) -> String {
        self.preparation
            .fields()
            .get(column)
            .map_or_else(|| Field::default().text(value), |field| field.text(value))
    }

    /// The pixels of images between 0 and 1, from [`Model::black_and_white`] of the same rows.
    pub fn pixels(&self, rows: &Matrix) -> Vec<f32> {
        let [black, white] = self.black_and_white(rows);
        rows.values.iter().map(|pixel| (pixel - black) / (white - black)).collect()
    }

    /// The numbers that are drawn black and white where rows are images: the ends of the model's
    /// scaling, or the darkest and the brightest of these rows where each pixel has a scale of its
    /// own.
    pub fn black_and_white(&self, rows: &Matrix) -> [f32; 2] {
        let preparation = &self.preparation;
        match (preparation.range, preparation.offset.as_slice(), preparation.scale.as_slice()) {
            (Range::Unit, [offset], [scale]) => [*offset as f32, (offset + scale) as f32],
            _ => {
                let (low, high) =
                    rows.values.iter().fold((f32::MAX, f32::MIN), |(low, high), pixel| {
                        (low.min(*pixel), high.max(*pixel))
                    });
                [low, if high > low { high } else { low + 1.0 }]
            }
        }
    }

    /// Patches as the model sees them, through the whitening that it fitted; all other rows as they
    /// are.
    pub fn whitened<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        self.preparation
            .whiten
            .as_ref()
            .map_or(Ok(Cow::Borrowed(data)), |whiten| whiten.apply(data))
    }

    /// The rows with the model's columns in the model's order, found by their names, and what the
    /// user should know of it.
    ///
    /// Data without names, or of a model without, stays as it is. Columns that the model does not
    /// know are left out with a warning; another warns of missing values where the model knows
    /// none, and takes the mean for them. Errors: a column is missing; or the order must change and
    /// the rows are on disk.
    pub fn aligned(&self, data: Dataset) -> Result<(Dataset, Vec<String>)> {
        let data = match self.whitened(&data)? {
            Cow::Owned(whitened) => whitened,
            Cow::Borrowed(_) => data,
        };
        let knows_gaps = self.preparation.table.as_ref().is_some_and(|table| table.gaps);
        let mut warnings = Vec::new();
        if !knows_gaps && matches!(data.shape, Shape::Flat { .. }) && data.has_gaps()? {
            let why = "the model was trained on complete rows and takes missing values for the mean; one trained with --hidden 0.2 knows them";
            warnings.push(why.to_owned());
        }
        if self.columns.is_empty() || data.columns.is_empty() || self.columns == data.columns {
            return Ok((data, warnings));
        }
        let place = |name: &String| data.columns.iter().position(|found| found == name);
        let missing: Vec<&str> =
            self.columns.iter().filter(|name| place(name).is_none()).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::shape(
                format!("columns of {}", data.name),
                list(&data.columns),
                format!("also {}, as in training; add or rename columns", list(&missing)),
            ));
        }
        if data.values.in_memory().is_none() {
            return Err(Error::data(
                &data.name,
                "has its columns in another order than the training, and is on disk; read it without --memory",
            ));
        }
        let unknown: Vec<&str> = data
            .columns
            .iter()
            .filter(|name| !self.columns.contains(name))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            warnings.push(format!(
                "left out, because the model does not know them: {}",
                list(&unknown)
            ));
        }
        let columns: Vec<usize> = self.columns.iter().filter_map(place).collect();
        Ok((data.narrowed(&columns)?, warnings))
    }

    /// Refuses rows of another shape or with other column names than the model was trained on.
    pub fn accept(&self, data: &Dataset) -> Result<()> {
        let shape = &self.parts.plan.shape;
        let images = |shape: &Shape| matches!(shape, Shape::Image { .. });
        if data.shape.features()? != self.parts.plan.features()
            || (images(shape) && images(&data.shape) && *shape != data.shape)
        {
            return Err(Error::shape(
                format!("rows of {}", data.name),
                &data.shape,
                format!("{shape}, as in training"),
            ));
        }
        let differs =
            self.columns.iter().zip(&data.columns).position(|(known, found)| known != found);
        match differs.filter(|_| self.columns.len() == data.columns.len()) {
            Some(at) => Err(Error::shape(
                format!("column {} of {}", at + 1, data.name),
                format!("\"{}\"", data.columns[at]),
                format!("\"{}\", as in training; rename or reorder the columns", self.columns[at]),
            )),
            None => Ok(()),
        }
    }

    /// The codes [rows, latent] of all rows: for distributions their means.
    ///
    /// A program that encodes a few rows again and again does so fastest within [`among_workers`].
    pub fn encode(&self, data: &Dataset) -> Result<Matrix> {
        self.encode_blocks(data, 0..data.rows(), |blocks| {
            Matrix::join(self.parts.plan.config.latent, data.rows(), blocks)
        })
    }

    /// The codes of some rows.
    pub fn encode_rows(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        self.encode_blocks(data, rows.iter().copied(), |blocks| {
            Matrix::join(self.parts.plan.config.latent, rows.len(), blocks)
        })
    }

    /// Hands the codes of some rows to `consume`, in blocks and in order, so that not all are in
    /// memory at once.
    ///
    /// The next blocks are read and encoded while one is consumed.
    pub fn encode_blocks<R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<Matrix>> + Send)) -> Result<R> + Send,
    ) -> Result<R> {
        let columns = self.parts.plan.config.latent;
        self.each_block(data, rows, consume, |values, x| {
            let code = self.parts.code(values, x, &mut self.pass())?;
            Ok(Matrix { columns, values: read(code.mean)? })
        })
    }

    /// The rows [rows, features] of codes, in the units of the training data.
    pub fn decode(&self, codes: &Matrix) -> Result<Matrix> {
        let latent = self.parts.plan.config.latent;
        if codes.columns != latent || !codes.values.len().is_multiple_of(latent) {
            return Err(Error::shape(
                "codes",
                format!("{} numbers a row", codes.columns),
                format!("{latent}, the model's code size"),
            ));
        }
        let features = self.parts.plan.features();
        let values = self.vars.values();
        let mut out = Vec::with_capacity(codes.rows() * self.parts.plan.width());
        for block in codes.values.chunks(block(&self.parts.plan) * latent) {
            let z = Tensor::from_data(
                TensorData::new(block.to_vec(), [block.len() / latent, latent]),
                &Device::default(),
            );
            out.extend(read(self.parts.decode(&values, z, &mut self.pass()))?);
        }
        Ok(Matrix { columns: features, values: self.preparation.undo(out) })
    }

    /// The reconstructions [rows, features] of all rows, in the units of the training data.
    pub fn reconstruct(&self, data: &Dataset) -> Result<Matrix> {
        self.reconstruct_blocks(data, 0..data.rows(), |blocks| {
            Matrix::join(self.parts.plan.features(), data.rows(), blocks)
        })
    }

    /// The reconstructions of some rows.
    pub fn reconstruct_rows(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        self.reconstruct_blocks(data, rows.iter().copied(), |blocks| {
            Matrix::join(self.parts.plan.features(), rows.len(), blocks)
        })
    }

    /// Hands the reconstructions of some rows to `consume`, as [`Model::encode_blocks`] does with
    /// codes.
    pub fn reconstruct_blocks<R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<Matrix>> + Send)) -> Result<R> + Send,
    ) -> Result<R> {
        let columns = self.parts.plan.features();
        self.each_block(data, rows, consume, |values, x| {
            Ok(Matrix { columns, values: self.preparation.undo(read(self.rebuilt(values, x)?)?) })
        })
    }

    /// New rows [n, features] in the units of the training data, from the prior or the density.
    pub fn generate(&self, n: usize, seed: u64, source: Source) -> Result<Matrix> {
        let codes = self.draw(n, seed, source)?;
        self.decode(&codes)
    }

    /// New codes [n, latent].
    pub fn draw(&self, n: usize, seed: u64, source: Source) -> Result<Matrix> {
        let plan = &self.parts.plan;
        if n.checked_mul(plan.features().max(plan.config.latent))
            .is_none_or(|numbers| numbers > i32::MAX as usize)
        {
            return Err(Error::setting(
                "rows to generate",
                n,
                "few enough for 2147483647 numbers together",
            ));
        }
        let mut rng = Rng::new(seed).split("generate");
        let prior = || plan.family.prior(plan, n, &mut rng.clone());
        let codes = match source {
            Source::Density => None,
            Source::Prior => Some(prior().ok_or_else(|| {
                Error::setting(
                    "source",
                    "prior",
                    format!("density: the {} family has no prior", plan.config.family),
                )
            })?),
            Source::Auto => prior(),
        };
        let values = match (codes, &self.density) {
            (Some(codes), _) => read(codes)?,
            (None, Some(density)) => density.sample(n, &mut rng),
            (None, None) => {
                return Err(Error::setting(
                    "density",
                    "none",
                    "a model trained with --density gaussian or mixture:10 to generate from",
                ));
            }
        };
        Ok(Matrix { columns: plan.config.latent, values })
    }

    /// `steps` rows on the straight line between the codes of two rows, both ends included.
    pub fn interpolate(
        &self,
        data: &Dataset,
        from: usize,
        to: usize,
        steps: usize,
    ) -> Result<Matrix> {
        [from, to].into_iter().try_for_each(|row| data.require_row(row))?;
        if !(2..=100_000).contains(&steps) {
            return Err(Error::setting("steps", steps, "2 to 100000"));
        }
        let ends = self.encode_rows(data, &[from, to])?;
        let values = (0..steps)
            .flat_map(|step| straight(ends.row(0), ends.row(1), step as f32 / (steps - 1) as f32))
            .collect();
        self.decode(&Matrix { columns: ends.columns, values })
    }

    /// The deterministic reconstruction of prepared rows.
    pub(crate) fn rebuilt(&self, values: &Values, x: Tensor<2>) -> Result<Tensor<2>> {
        let code = self.parts.code(values, x, &mut self.pass())?;
        Ok(self.parts.decode(values, code.mean, &mut self.pass()))
    }

    /// The prepared rows, block after block.
    pub(crate) fn prepared<'a>(
        &'a self,
        data: &'a Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + 'a,
    ) -> Result<impl Iterator<Item = Result<Tensor<2>>> + Send + 'a> {
        let size = block(&self.parts.plan);
        let prepared = self.preparation.on(data)?;
        Ok((0..rows.len().div_ceil(size))
            .map(move |at| prepared.tensor(rows.clone().skip(at * size).take(size))))
    }

    /// Calls `each` with the number, the variables and the prepared rows of each block; the next
    /// blocks are read meanwhile.
    pub(crate) fn blocks(
        &self,
        data: &Dataset,
        rows: &[usize],
        mut each: impl FnMut(usize, &Values, Tensor<2>) -> Result<()>,
    ) -> Result<()> {
        self.accept(data)?;
        rows.iter().try_for_each(|row| data.require_row(*row))?;
        let values = self.vars.values();
        ahead(
            self.prepared(data, rows.iter().copied())?,
            usize::from(rows.len() > block(&self.parts.plan)),
            |blocks| blocks.enumerate().try_for_each(|(index, x)| each(index, &values, x?)),
        )
    }

    /// Hands to `consume` what `make` makes of each block of prepared rows; reading, making and
    /// consuming go on side by side.
    pub(crate) fn each_block<T: Send, R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<T>> + Send)) -> Result<R> + Send,
        make: impl Fn(&Values, Tensor<2>) -> Result<T> + Send + Sync,
    ) -> Result<R> {
        self.accept(data)?;
        rows.clone().try_for_each(|row| data.require_row(row))?;
        let (values, prepared) = (self.vars.values(), self.preparation.on(data)?);
        // By the number of rows alone, so that the cores change no bit; mostly an even number of
        // blocks of one size.
        let most = block(&self.parts.plan).min(SIDE_BY_SIDE);
        let count = if rows.len() <= FEW.min(most) {
            1
        } else {
            rows.len().div_ceil(most).next_multiple_of(2)
        };
        let size = rows.len().div_ceil(count).max(1);
        let count = rows.len().div_ceil(size);
        let one = |at: usize| {
            let x = prepared.tensor(rows.clone().skip(at * size).take(size))?;
            make(&values, x)
        };
        // Read and computed side by side, as many as keep the cores busy; consumed, which is mostly
        // written, on a thread of its own. But not more than so many numbers of rows at a time,
        // whatever the number of cores.
        let together = (8 * workers())
            .min(AT_ONCE / size.saturating_mul(self.parts.plan.numbers_per_row()).max(1))
            .max(1);
        let waves = (0..count)
            .step_by(together)
            .map(|first| side_by_side(together.min(count - first), |at| one(first + at)));
        let large = rows.len().saturating_mul(self.parts.plan.numbers_per_row()) > HANDED_OVER;
        let run = || aside(waves, count > together, consume);
        if large { among_workers(run) } else { run() }
    }

    pub(crate) fn pass(&self) -> Pass {
        Pass::deterministic(Rng::new(self.parts.plan.config.seed).split("evaluation"))
    }
}

/// Names for a message, the first of them where there are many.
fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> =
        names.iter().take(8).map(|name| format!("\"{}\"", name.as_ref())).collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// A row and its distance in code.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Neighbour {
    /// Zero-based row.
    pub row: usize,
    /// Euclidean distance between the codes.
    pub distance: f64,
}

/// The `count` rows of `codes` nearest to `query`, the nearest first.
pub fn nearest(codes: &Matrix, query: &[f32], count: usize) -> Vec<Neighbour> {
    let distance = |row: usize| {
        codes.row(row).iter().zip(query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    };
    let mut all: Vec<Neighbour> =
        (0..codes.rows()).map(|row| Neighbour { row, distance: distance(row) }).collect();
    all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
    all.truncate(count);
    all
}
