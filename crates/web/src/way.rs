//! A row's way through the layers, as a tree.

use crate::pixels::opaque;
use autoencoders::data::Shape;
use autoencoders::study::Level;
use autoencoders::study::tree;
use draw::colour::viridis;
use serde_json::json;
use wasm_bindgen::prelude::*;

/// What each layer makes of a row.
#[wasm_bindgen]
pub struct Way {
    levels: Vec<Level>,
}

#[wasm_bindgen]
impl Way {
    pub(crate) fn of(levels: Vec<Level>) -> Self {
        Self { levels }
    }

    /// The levels from the input to the output, each with its `most` strongest feature maps:
    /// `[{"name", "kind", "height", "width", "branches": [{"map", "strength", "parent"}]}]`; the
    /// kind is `row`, `maps` or `code`.
    pub fn tree(&self, most: usize) -> String {
        let all = tree(&self.levels, most);
        let one = |(at, (level, branches)): (usize, (&Level, _))| {
            let end = at == 0 || at + 1 == self.levels.len();
            let (kind, height, width) = match level.shape {
                Shape::Image { height, width, .. } => {
                    (if end { "row" } else { "maps" }, height, width)
                }
                _ => (if end { "row" } else { "code" }, 1, level.values.len()),
            };
            json!({ "name": level.name, "kind": kind, "height": height, "width": width, "branches": branches })
        };
        serde_json::Value::Array(self.levels.iter().zip(&all).enumerate().map(one).collect())
            .to_string()
    }

    /// The numbers of a level.
    pub fn values(&self, level: usize) -> Vec<f32> {
        self.levels.get(level).map_or(Vec::new(), |level| level.values.clone())
    }

    /// The pixels of one feature map: dark for nothing, yellow for the most of its level.
    pub fn paint(&self, level: usize, map: usize) -> Vec<u8> {
        let Some(level) = self.levels.get(level) else { return Vec::new() };
        let most = level.values.iter().fold(1e-12f32, |most, value| most.max(value.abs()));
        level.map(map).iter().flat_map(|value| opaque(viridis(value.abs() / most))).collect()
    }
}
