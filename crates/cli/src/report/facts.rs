//! Everything a report says, computed once.

use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::study::CodeMap;
use autoencoders::study::CodeStatistics;
use autoencoders::study::Errors;
use autoencoders::study::Evaluation;
use autoencoders::study::code_statistics;
use autoencoders::study::errors;
use autoencoders::study::evaluate;
use autoencoders::study::kl_by_unit;
use autoencoders::study::original_rows;
use autoencoders::{Matrix, Model, Result, Rng};

/// A model on some rows.
pub(crate) struct Facts<'a> {
    /// The model's name.
    pub name: String,
    pub model: &'a Model,
    pub data: &'a Dataset,
    /// The numbers of `ae eval` on the same rows.
    pub evaluation: Evaluation,
    pub errors: Errors,
    pub codes: Matrix,
    pub statistics: CodeStatistics,
    pub kl: Option<Vec<f64>>,
    pub map: CodeMap,
    /// The words that make the model again.
    pub command: String,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(
        name: String,
        command: String,
        model: &'a Model,
        data: &'a Dataset,
    ) -> Result<Self> {
        let rows: Vec<usize> = (0..data.rows()).collect();
        let codes = model.encode(data)?;
        Ok(Self {
            name,
            command,
            evaluation: evaluate(model, data, &rows)?,
            errors: errors(model, data, &rows)?,
            statistics: code_statistics(model, &codes),
            kl: kl_by_unit(model, data, &rows)?,
            map: CodeMap::of(&codes),
            codes,
            model,
            data,
        })
    }

    /// What the report draws by.
    pub(crate) fn rng(&self) -> Rng {
        Rng::new(self.model.plan().settings.seed).split("report")
    }

    /// The shape of a row where it is an image to look at.
    pub(crate) fn image(&self) -> Option<&Shape> {
        Some(&self.model.signature().shape)
            .filter(|shape| matches!(shape, Shape::Image { channels: 1 | 3, .. }))
    }

    /// Some rows as pixels between 0 and 1.
    pub(crate) fn pixels_of(&self, rows: &[usize]) -> Result<Vec<f32>> {
        Ok(self.model.signature().pixels(&original_rows(self.model, self.data, rows)?))
    }
}
