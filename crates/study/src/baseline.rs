//! Principal components at the same code size on the same rows: what every result is shown beside.

use burn_tensor::{Device, Tensor, TensorData};
use kernels::product;
use model::{
    Attachment, Engine, Inside, Model, Preparation, Section, add, orthonormal, read, strongest,
    vector,
};
use rows::{Dataset, Matrix, Result, Rng};
use serde_json::json;
use std::sync::Arc;

/// The first principal components of the prepared training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Numbers in a row.
    pub features: usize,
    /// The mean row `[features]`.
    pub mean: Vec<f32>,
    /// Orthonormal components, one a row, the strongest first [components, features].
    pub components: Vec<f32>,
}

/// Rows of wide data whose inner products are decomposed instead of the covariance.
const WIDE_ROWS: usize = 4096;
/// Rows in a block of the covariance.
const BLOCK: usize = 1024;

impl Pca {
    /// Fits at most `latent` components on `rows` of the data.
    ///
    /// Data wider than 4,096 numbers a row is fitted on at most 4,096 rows, drawn by `rng`: the
    /// decomposition grows with the cube of the smaller side. Prepared rows are in memory 1,024 at
    /// a time, or all at once where there are fewer rows than columns.
    pub fn fit(
        preparation: &Preparation,
        data: &Dataset,
        rows: &[usize],
        latent: usize,
        rng: &Rng,
    ) -> Result<Self> {
        let prepared = preparation.on(data)?;
        let features = preparation.width(data.shape.features()?);
        let mut rows: Vec<usize> = if features > WIDE_ROWS && rows.len() > WIDE_ROWS {
            rng.split("pca").permutation(rows.len())[..WIDE_ROWS]
                .iter()
                .map(|at| rows[*at])
                .collect()
        } else {
            rows.to_vec()
        };
        // In the order of the source, which a disk reads fastest.
        rows.sort_unstable();
        let mut mean = vec![0f64; features];
        for block in rows.chunks(BLOCK) {
            for row in prepared.apply(block.iter().copied())?.chunks(features) {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) / rows.len() as f64);
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|m| m as f32).collect();
        let centred = |block: &[usize]| -> Result<Tensor<2>> {
            let mut values = prepared.apply(block.iter().copied())?;
            values
                .chunks_mut(features)
                .for_each(|row| row.iter_mut().zip(&mean).for_each(|(x, m)| *x -= m));
            Ok(Tensor::from_data(
                TensorData::new(values, [block.len(), features]),
                &Device::default(),
            ))
        };
        let kept = latent.min(features).min(rows.len());
        let components = if features <= rows.len() || features <= 64 {
            let mut covariance = vec![0f64; features * features];
            for block in rows.chunks(BLOCK) {
                let x = centred(block)?;
                add(&mut covariance, product(x.clone().transpose(), x));
            }
            strongest(&covariance, features, kept)
        } else {
            // Fewer rows than columns: the components are combinations of the rows (the dual
            // problem).
            let x = centred(&rows)?;
            let mut products = vec![0f64; rows.len() * rows.len()];
            add(&mut products, product(x.clone(), x.clone().transpose()));
            let combinations = strongest(&products, rows.len(), kept);
            let combinations = Tensor::<2>::from_data(
                TensorData::new(combinations, [kept, rows.len()]),
                &Device::default(),
            );
            orthonormal(
                product(combinations, x).into_data().try_into_vec::<f32>().unwrap_or_default(),
                features,
            )
        };
        Ok(Self { features, mean, components })
    }

    /// The components of a model; no component at all of one whose training was interrupted.
    ///
    /// An error where its file is damaged.
    pub fn of(model: &Model) -> Result<Arc<Self>> {
        let width = model.plan().blueprint.width();
        Ok(model.find::<Self>()?.unwrap_or_else(|| Arc::new(Self::none(width))))
    }

    /// No component at all: the mean row stands for every row.
    pub fn none(features: usize) -> Self {
        Self { features, mean: vec![0.0; features], components: Vec::new() }
    }

    /// Components kept.
    pub fn count(&self) -> usize {
        self.components.len() / self.features.max(1)
    }

    /// The reconstruction of prepared rows [rows, features] from their components.
    ///
    /// An error where it cannot be read off its device.
    pub fn reconstruct(&self, rows: &Matrix) -> Result<Matrix> {
        let x = Engine::default().rows(rows, 0..rows.rows());
        Ok(Matrix { columns: self.features, values: read(self.rebuilt(x))? })
    }

    /// The reconstruction of prepared rows [rows, features], on their engine.
    pub(crate) fn rebuilt(&self, x: Tensor<2>) -> Tensor<2> {
        let (mean, components) = self.tensors(&x);
        match components {
            Some(components) => {
                product(product(x - mean.clone(), components.clone().transpose()), components)
                    + mean
            }
            None => x.zeros_like() + mean,
        }
    }

    /// The components of prepared rows [rows, features]: [rows, components], which must be one at
    /// least.
    fn encode(&self, x: Tensor<2>) -> Option<Tensor<2>> {
        let (mean, components) = self.tensors(&x);
        components.map(|components| product(x - mean, components.transpose()))
    }

    /// The mean [1, features] and the components [components, features] beside a tensor.
    fn tensors(&self, beside: &Tensor<2>) -> (Tensor<2>, Option<Tensor<2>>) {
        let options = (&beside.device(), beside.dtype());
        let matrix = |values: &[f32], rows| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, self.features]), options)
        };
        let components =
            (!self.components.is_empty()).then(|| matrix(&self.components, self.count()));
        (matrix(&self.mean, 1), components)
    }
}

/// The principal components [rows, components] of some rows: what they are beside their code.
pub fn principal_codes(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
    let mut values = Vec::new();
    let pca = Pca::of(model)?;
    model.blocks(data, rows, |_, _, x| {
        values.extend(pca.encode(x).map(read).transpose()?.unwrap_or_default());
        Ok(())
    })?;
    Ok(Matrix { columns: pca.count(), values })
}

/// Some rows [rows, features] from their principal components, in the units of the training
/// data.
pub fn principal_rows(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Matrix<f64>> {
    let mut values = Vec::new();
    let pca = Pca::of(model)?;
    model.blocks(data, rows, |_, _, x| {
        values.extend(model.signature().preparation.undo(&read(pca.rebuilt(x))?));
        Ok(())
    })?;
    Ok(Matrix { columns: model.features(), values })
}

impl Attachment for Pca {
    const NAME: &'static str = "baseline";
    const WHAT: &'static str = "principal components";

    fn store(&self) -> Result<Section> {
        let mut section = Section::new(&json!({}));
        section.add("mean", &self.mean, &[self.features]);
        // A tensor of nothing could not be read back.
        if self.count() > 0 {
            section.add("components", &self.components, &[self.count(), self.features]);
        }
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let features = model.plan().blueprint.width();
        let mut tensors = section.tensors.clone();
        let mean = vector(&mut tensors, "mean", &[Some(features)])?.values;
        let components = if tensors.contains_key("components") {
            vector(&mut tensors, "components", &[None, Some(features)])?.values
        } else {
            Vec::new()
        };
        Ok(Self { features, mean, components })
    }
}
