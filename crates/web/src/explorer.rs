//! A model, rows of data and their codes, as JavaScript asks of them.

use crate::way::Way;
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::study::CodeMap;
use autoencoders::study::Unit;
use autoencoders::study::corrupted_rows;
use autoencoders::study::levels_through;
use autoencoders::study::mean_row;
use autoencoders::study::nearest;
use autoencoders::study::spherical;
use autoencoders::study::standing_out;
use autoencoders::study::straight;
use autoencoders::study::units;
use autoencoders::{Error, Matrix, Model, Rng, Source, from_bytes, study};
use serde_json::json;
use wasm_bindgen::prelude::*;

/// What a call gives that can fail: the error is one of JavaScript's, with the library's words.
pub(crate) type Answer<T> = Result<T, JsError>;

/// A model, rows of data and their codes.
#[wasm_bindgen]
pub struct Explorer {
    pub(crate) model: Model,
    rows: Dataset,
    codes: Matrix,
    units: Vec<Unit>,
    map: CodeMap,
    /// What is drawn black and what white.
    pub(crate) ends: [f32; 2],
}

#[wasm_bindgen]
impl Explorer {
    /// From the bytes of a model file, the rows [rows, features] as bytes, and their codes [rows,
    /// latent].
    #[wasm_bindgen(js_name = ofBytes)]
    pub fn of_bytes(model: &[u8], rows: Vec<u8>, codes: Vec<f32>, ends: &[f32]) -> Answer<Self> {
        Self::of(model, Values::U8(rows), codes, ends)
    }

    /// As `ofBytes`, with rows of numbers.
    #[wasm_bindgen(js_name = ofNumbers)]
    pub fn of_numbers(model: &[u8], rows: Vec<f32>, codes: Vec<f32>, ends: &[f32]) -> Answer<Self> {
        Self::of(model, Values::F32(rows), codes, ends)
    }

    fn of(bytes: &[u8], rows: Values, codes: Vec<f32>, ends: &[f32]) -> Answer<Self> {
        let model = from_bytes(bytes, "the model")?;
        let mut rows = Dataset::new("the rows", model.signature().shape.clone(), rows)?;
        rows.fields = model.signature().preparation.fields();
        let codes = Matrix { columns: model.latent(), values: codes };
        if codes.values.len() != rows.rows() * codes.columns {
            let got = format!("{} numbers", codes.values.len());
            return Err(Error::shape(
                "codes",
                got,
                format!("{} for {} rows", codes.columns, rows.rows()),
            )
            .into());
        }
        let ends = match ends {
            [black, white] if white != black => [*black, *white],
            _ => [0.0, 1.0],
        };
        Ok(Self {
            units: units(&model, &codes),
            map: CodeMap::of(&codes),
            model,
            rows,
            codes,
            ends,
        })
    }

    /// The shape of a row and of a code, and what the model can do: `{"height", "width",
    /// "channels", "features", "latent", "corrupts", "draws"}`; `channels` is 0 where rows are no
    /// images to look at.
    pub fn facts(&self) -> String {
        let plan = &self.model.plan();
        let (height, width, channels) = match plan.blueprint.source {
            Shape::Image { height, width, channels: channels @ (1 | 3) } => {
                (height, width, channels)
            }
            _ => (0, 0, 0),
        };
        let corrupts = self.rows.rows() > 0
            && matches!(corrupted_rows(&self.model, &self.rows, &[0], &Rng::new(0)), Ok(Some(_)));
        let draws = study::draw(&self.model, 1, 0, Source::Auto).is_ok();
        let facts = json!({
            "height": height, "width": width, "channels": channels,
            "features": plan.blueprint.features(), "latent": plan.blueprint.latent, "corrupts": corrupts, "draws": draws,
        });
        facts.to_string()
    }

    /// What each unit of the code does over all rows, as JSON.
    pub fn units(&self) -> Answer<String> {
        serde_json::to_string(&self.units).map_err(JsError::from)
    }

    /// A row.
    pub fn row(&self, row: usize) -> Answer<Vec<f32>> {
        Ok(Matrix::of(&self.rows, [row])?.narrow().values)
    }

    /// The code of a row of numbers.
    pub fn encode(&self, row: Vec<f32>) -> Answer<Vec<f32>> {
        Ok(self.model.encode(&self.one(row)?)?.values)
    }

    /// The row that a code stands for.
    pub fn decode(&self, code: Vec<f32>) -> Answer<Vec<f32>> {
        Ok(self.model.decode(&Matrix { columns: code.len(), values: code })?.narrow().values)
    }

    /// The squared error of each number of a row, in scaled units.
    pub fn errors(&self, row: &[f32], rebuilt: &[f32]) -> Vec<f32> {
        let [row, rebuilt] =
            [row, rebuilt].map(|row| row.iter().copied().map(f64::from).collect::<Vec<_>>());
        self.model
            .signature()
            .preparation
            .squared_differences(&row, &rebuilt)
            .into_iter()
            .map(|error| error as f32)
            .collect()
    }

    /// A row corrupted by seed as in training; the row itself for models that corrupt nothing.
    pub fn corrupt(&self, row: Vec<f32>, seed: u32) -> Answer<Vec<f32>> {
        let data = self.one(row.clone())?;
        let corrupted = corrupted_rows(&self.model, &data, &[0], &Rng::new(u64::from(seed)))?;
        Ok(corrupted.map_or(row, |(corrupted, _)| corrupted.narrow().values))
    }

    /// A code drawn by seed from the family's prior, or from the density of the training rows'
    /// codes.
    pub fn draw(&self, seed: u32) -> Answer<Vec<f32>> {
        Ok(study::draw(&self.model, 1, u64::from(seed), Source::Auto)?.values)
    }

    /// A code on the way from one to another: straight, or along an arc.
    pub fn between(&self, from: &[f32], to: &[f32], share: f32, arc: bool) -> Vec<f32> {
        if arc { spherical(from, to, share) } else { straight(from, to, share) }
    }

    /// Where a code lies on the plane along which codes vary most.
    pub fn place(&self, code: &[f32]) -> Vec<f32> {
        self.map.place(code).to_vec()
    }

    /// Where all rows lie on it: right and up, row after row.
    pub fn places(&self) -> Vec<f32> {
        (0..self.codes.rows()).flat_map(|row| self.map.place(self.codes.row(row))).collect()
    }

    /// How much of the codes' variance goes to the right, and how much upwards.
    pub fn shares(&self) -> Vec<f64> {
        self.map.shares.to_vec()
    }

    /// The code at a place of it.
    #[wasm_bindgen(js_name = codeAt)]
    pub fn code_at(&self, right: f32, up: f32) -> Vec<f32> {
        self.map.code([right, up])
    }

    /// The code of the row of this number.
    pub fn code(&self, row: usize) -> Answer<Vec<f32>> {
        self.rows.require_row(row)?;
        Ok(self.codes.row(row).to_vec())
    }

    /// One unit's value for each row.
    #[wasm_bindgen(js_name = unitValues)]
    pub fn unit_values(&self, unit: usize) -> Vec<f32> {
        self.codes.values.iter().skip(unit).step_by(self.codes.columns).copied().collect()
    }

    /// The rows whose codes are nearest to a code, the nearest first.
    pub fn nearest(&self, code: &[f32], count: usize) -> Vec<u32> {
        nearest(&self.codes, code, count)
            .into_iter()
            .map(|neighbour| neighbour.row as u32)
            .collect()
    }

    /// The mean of some rows.
    #[wasm_bindgen(js_name = meanRow)]
    pub fn mean_row(&self, rows: &[u32]) -> Answer<Vec<f32>> {
        let rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
        Ok(mean_row(&self.rows, &rows)?)
    }

    /// The units in which some rows differ from all, the most first: `[[unit, standard deviations],
    /// ...]`.
    #[wasm_bindgen(js_name = standingOut)]
    pub fn standing_out(&self, rows: &[u32]) -> Answer<String> {
        let mut values = Vec::with_capacity(rows.len() * self.codes.columns);
        for row in rows {
            self.rows.require_row(*row as usize)?;
            values.extend_from_slice(self.codes.row(*row as usize));
        }
        let all = standing_out(&self.units, &Matrix { columns: self.codes.columns, values });
        serde_json::to_string(&all).map_err(JsError::from)
    }

    /// A row's way through the encoder, and a code's through the decoder.
    pub fn way(&self, row: Vec<f32>, code: &[f32]) -> Answer<Way> {
        Ok(Way::of(levels_through(&self.model, &self.one(row)?, 0, Some(code))?))
    }

    fn one(&self, row: Vec<f32>) -> autoencoders::Result<Dataset> {
        let mut data =
            Dataset::new("the row", self.model.signature().shape.clone(), Values::F32(row))?;
        data.fields.clone_from(&self.rows.fields);
        data.require_rows(1).map(|()| data)
    }
}
