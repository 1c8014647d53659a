//! A trained model: encodes, decodes, reconstructs.

use crate::coder::Coder;
use crate::engine::ahead::{HANDED_OVER, ahead, aside};
use crate::engine::tensors::Engine;
use crate::engine::tensors::read;
use crate::kept::{Kept, Section};
use crate::net::vars::{Vars, Weights};
use crate::plan::Plan;
use crate::provenance::Provenance;
use crate::signature::Signature;
use burn_tensor::Tensor;
use kernels::{among_workers, side_by_side, workers};
use rows::{Dataset, Error, Matrix, Result};
use std::any::Any;
use std::sync::Arc;

/// What a model can have beside itself: components, a density, a detector, a classifier.
pub trait Attachment: Any + Send + Sync + Sized {
    /// The name of its section.
    const NAME: &'static str;
    /// What it is called in messages.
    const WHAT: &'static str;

    /// Its section.
    ///
    /// An error where a tensor cannot be read off its device.
    fn store(&self) -> Result<Section>;

    /// Reads its section, for this model.
    ///
    /// An error where the section is damaged or of another model.
    fn load(section: &Section, model: &Model) -> Result<Self>;
}

/// A trained autoencoder with what it takes to use it, and what was attached to it.
#[derive(Debug)]
pub struct Model {
    pub(crate) coder: Coder,
    pub(crate) vars: Vars,
    pub(crate) signature: Signature,
    pub(crate) provenance: Provenance,
    pub(crate) kept: Kept,
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
    /// What was decided before it was trained.
    pub fn plan(&self) -> &Plan {
        &self.coder.plan
    }

    /// The rows that it knows.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Numbers in a code.
    pub fn latent(&self) -> usize {
        self.coder.latent()
    }

    /// Numbers in a row of the source.
    pub fn features(&self) -> usize {
        self.plan().blueprint.features()
    }

    /// Numbers that training moves.
    pub fn weights(&self) -> usize {
        self.vars.weights()
    }

    /// Attaches something in the place of what has its name.
    ///
    /// An error where a tensor of it cannot be read off its device.
    pub fn attach<A: Attachment>(&mut self, it: A) -> Result<()> {
        self.kept.put(A::NAME, it.store()?, Arc::new(it));
        Ok(())
    }

    /// Removes an attachment.
    pub fn detach<A: Attachment>(&mut self) {
        self.kept.remove(A::NAME);
    }

    /// The attachment of a kind, if the model has one.
    ///
    /// An error where its section is damaged.
    pub fn find<A: Attachment>(&self) -> Result<Option<Arc<A>>> {
        let it = match self.kept.known(A::NAME) {
            Some(it) => it,
            None => match self.kept.sections().get(A::NAME) {
                Some(section) => self.kept.keep(A::NAME, Arc::new(A::load(section, self)?)),
                None => return Ok(None),
            },
        };
        // Another type of the same name is as good as none.
        Ok(it.downcast::<A>().ok())
    }

    /// The attachment of a kind.
    ///
    /// An error where the model has none, or where its section is damaged.
    pub fn attached<A: Attachment>(&self) -> Result<Arc<A>> {
        let how = "it comes with a training that ends; train again, or resume the training";
        self.find()?.ok_or_else(|| Error::NotFitted { what: A::WHAT, how: how.into() })
    }

    /// The codes [rows, latent] of all rows: for distributions their means.
    ///
    /// A program that encodes a few rows again and again does so fastest within [`among_workers`].
    pub fn encode(&self, data: &Dataset) -> Result<Matrix> {
        self.encode_blocks(data, 0..data.rows(), |blocks| {
            Matrix::join(self.latent(), data.rows(), blocks)
        })
    }

    /// The codes of some rows.
    pub fn encode_rows(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        self.encode_blocks(data, rows.iter().copied(), |blocks| {
            Matrix::join(self.latent(), rows.len(), blocks)
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
        let columns = self.latent();
        self.each_block(data, rows, consume, |values, x| {
            let code = self.coder.code(values, x, &mut self.coder.pass())?;
            Ok(Matrix { columns, values: read(code.mean())? })
        })
    }

    /// The rows [rows, features] of codes, in the units of the training data.
    pub fn decode(&self, codes: &Matrix) -> Result<Matrix<f64>> {
        let latent = self.latent();
        if codes.columns != latent || !codes.values.len().is_multiple_of(latent) {
            return Err(Error::shape(
                "codes",
                format!("{} numbers a row", codes.columns),
                format!("{latent}, the model's code size"),
            ));
        }
        let features = self.features();
        let (values, engine) = (self.vars.values(), self.engine());
        let mut out = Vec::with_capacity(codes.rows() * self.plan().blueprint.width());
        for block in codes.values.chunks(self.plan().block() * latent) {
            let z = engine.tensor(block.to_vec(), [block.len() / latent, latent]);
            out.extend(read(self.coder.parts.decode(&values, z, &mut self.coder.pass()))?);
        }
        Ok(Matrix { columns: features, values: self.signature.preparation.undo(&out) })
    }

    /// The reconstructions [rows, features] of all rows, in the units of the training data.
    pub fn reconstruct(&self, data: &Dataset) -> Result<Matrix<f64>> {
        self.reconstruct_blocks(data, 0..data.rows(), |blocks| {
            Matrix::join(self.features(), data.rows(), blocks)
        })
    }

    /// The reconstructions of some rows.
    pub fn reconstruct_rows(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix<f64>> {
        self.reconstruct_blocks(data, rows.iter().copied(), |blocks| {
            Matrix::join(self.features(), rows.len(), blocks)
        })
    }

    /// Hands the reconstructions of some rows to `consume`, as [`Model::encode_blocks`] does with
    /// codes.
    pub fn reconstruct_blocks<R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<Matrix<f64>>> + Send)) -> Result<R> + Send,
    ) -> Result<R> {
        let columns = self.features();
        self.each_block(data, rows, consume, |values, x| {
            Ok(Matrix {
                columns,
                values: self.signature.preparation.undo(&read(self.coder.rebuilt(values, x)?)?),
            })
        })
    }
}

/// The engine's side of a model: its variables, its coder, and its rows as tensors.
pub trait Inside: Sized {
    /// A model of its parts, with nothing attached.
    fn new(coder: Coder, vars: Vars, signature: Signature, provenance: Provenance) -> Self;

    /// What it computes with.
    fn coder(&self) -> &Coder;

    /// Its numbers.
    fn vars(&self) -> &Vars;

    /// Where the model computes, and how exactly.
    fn engine(&self) -> Engine;

    /// The same model on another engine; what is attached to it stays.
    #[must_use]
    fn on(self, engine: &Engine) -> Self;

    /// The prepared rows, block after block.
    fn prepared<'a>(
        &'a self,
        data: &'a Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + 'a,
    ) -> Result<impl Iterator<Item = Result<Tensor<2>>> + Send + 'a>;

    /// Calls `each` with the number, the variables and the prepared rows of each block; the next
    /// blocks are read meanwhile.
    fn blocks(
        &self,
        data: &Dataset,
        rows: &[usize],
        each: impl FnMut(usize, &Weights, Tensor<2>) -> Result<()>,
    ) -> Result<()>;

    /// Hands to `consume` what `make` makes of each block of prepared rows; reading, making and
    /// consuming go on side by side.
    fn each_block<T: Send, R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<T>> + Send)) -> Result<R> + Send,
        make: impl Fn(&Weights, Tensor<2>) -> Result<T> + Send + Sync,
    ) -> Result<R>;
}

impl Inside for Model {
    fn new(coder: Coder, vars: Vars, signature: Signature, provenance: Provenance) -> Self {
        Self { coder, vars, signature, provenance, kept: Kept::default() }
    }

    fn coder(&self) -> &Coder {
        &self.coder
    }

    fn vars(&self) -> &Vars {
        &self.vars
    }

    fn engine(&self) -> Engine {
        self.vars.engine()
    }

    fn on(mut self, engine: &Engine) -> Self {
        self.vars = self.vars.on(engine);
        self
    }

    fn prepared<'a>(
        &'a self,
        data: &'a Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + 'a,
    ) -> Result<impl Iterator<Item = Result<Tensor<2>>> + Send + 'a> {
        let size = self.plan().block();
        let (prepared, engine) = (self.signature.preparation.on(data)?, self.engine());
        Ok((0..rows.len().div_ceil(size))
            .map(move |at| prepared.tensor(rows.clone().skip(at * size).take(size), &engine)))
    }

    fn blocks(
        &self,
        data: &Dataset,
        rows: &[usize],
        mut each: impl FnMut(usize, &Weights, Tensor<2>) -> Result<()>,
    ) -> Result<()> {
        self.signature.accept(data)?;
        rows.iter().try_for_each(|row| data.require_row(*row))?;
        let values = self.vars.values();
        ahead(
            self.prepared(data, rows.iter().copied())?,
            usize::from(rows.len() > self.plan().block()),
            |blocks| blocks.enumerate().try_for_each(|(index, x)| each(index, &values, x?)),
        )
    }

    fn each_block<T: Send, R: Send>(
        &self,
        data: &Dataset,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Send + Sync,
        consume: impl FnOnce(&mut (dyn Iterator<Item = Result<T>> + Send)) -> Result<R> + Send,
        make: impl Fn(&Weights, Tensor<2>) -> Result<T> + Send + Sync,
    ) -> Result<R> {
        self.signature.accept(data)?;
        rows.clone().try_for_each(|row| data.require_row(row))?;
        let (values, prepared) = (self.vars.values(), self.signature.preparation.on(data)?);
        let engine = self.engine();
        // By the number of rows alone, so that the cores change no bit; mostly an even number of
        // blocks of one size.
        let most = self.plan().block().min(SIDE_BY_SIDE);
        let count = if rows.len() <= FEW.min(most) {
            1
        } else {
            rows.len().div_ceil(most).next_multiple_of(2)
        };
        let size = rows.len().div_ceil(count).max(1);
        let count = rows.len().div_ceil(size);
        let one = |at: usize| {
            let x = prepared.tensor(rows.clone().skip(at * size).take(size), &engine)?;
            make(&values, x)
        };
        // Read and computed side by side, as many as keep the cores busy; consumed, which is mostly
        // written, on a thread of its own. But not more than so many numbers of rows at a time,
        // whatever the number of cores.
        let together = (8 * workers())
            .min(AT_ONCE / size.saturating_mul(self.plan().numbers_per_row()).max(1))
            .max(1);
        let waves = (0..count)
            .step_by(together)
            .map(|first| side_by_side(together.min(count - first), |at| one(first + at)));
        let large = rows.len().saturating_mul(self.plan().numbers_per_row()) > HANDED_OVER;
        let run = || aside(waves, count > together, consume);
        if large { among_workers(run) } else { run() }
    }
}
