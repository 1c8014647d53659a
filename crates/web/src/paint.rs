//! Numbers become pixels.

use crate::explorer::{Answer, Explorer};
use crate::pixels::opaque;
use autoencoders::data::Shape;
use autoencoders::study::Filters;
use autoencoders::study::decoder_filters;
use autoencoders::study::encoder_filters;
use draw::colour::{around_grey, diverging, viridis};
use serde_json::json;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Explorer {
    /// The pixels of a row that is an image.
    #[wasm_bindgen(js_name = paintRow)]
    pub fn paint_row(&self, row: &[f32]) -> Vec<u8> {
        let [black, white] = self.ends;
        let shares: Vec<f32> = row.iter().map(|value| (value - black) / (white - black)).collect();
        grey_or_colour(&shares, self.channels())
    }

    /// The row that is an image of these pixels.
    #[wasm_bindgen(js_name = rowOfPixels)]
    pub fn row_of_pixels(&self, pixels: &[u8]) -> Vec<f32> {
        let [black, white] = self.ends;
        let value = |byte: f32| black + byte / 255.0 * (white - black);
        let one = |pixel: &[u8]| match self.channels() {
            3 => pixel[..3].iter().map(|byte| value(f32::from(*byte))).collect(),
            // Luma as in BT.601, as files of images are read.
            _ => vec![value(
                0.299 * f32::from(pixel[0])
                    + 0.587 * f32::from(pixel[1])
                    + 0.114 * f32::from(pixel[2]),
            )],
        };
        pixels.chunks_exact(4).flat_map(one).collect()
    }

    /// The difference of two rows that are images: orange where the second is brighter, blue where
    /// it is darker, white where they are the same.
    #[wasm_bindgen(js_name = paintDifference)]
    pub fn paint_difference(&self, row: &[f32], rebuilt: &[f32]) -> Vec<u8> {
        let [black, white] = self.ends;
        let channels = self.channels().max(1);
        let differences: Vec<f32> =
            row.iter().zip(rebuilt).map(|(a, b)| (b - a) / (white - black)).collect();
        let mean = |pixel: &[f32]| f64::from(pixel.iter().sum::<f32>()) / channels as f64;
        differences
            .chunks_exact(channels)
            .flat_map(|pixel| opaque(diverging(mean(pixel))))
            .collect()
    }

    /// The colour of each row by a number of its own, the smallest dark, the largest bright.
    #[wasm_bindgen(js_name = paintNumbers)]
    pub fn paint_numbers(&self, numbers: &[f32]) -> Vec<u8> {
        // The two in a hundred furthest out share the ends' colours, or a few of them would make
        // one colour of all others.
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f32::total_cmp);
        let cut = sorted.len() / 100;
        let (low, high) = match (sorted.get(cut), sorted.get(sorted.len().saturating_sub(cut + 1)))
        {
            (Some(low), Some(high)) if high > low => (*low, *high),
            _ => (0.0, 1.0),
        };
        numbers.iter().flat_map(|number| opaque(viridis((number - low) / (high - low)))).collect()
    }

    /// The weights that each unit of the first layer takes in (`encoder`), or that each before the
    /// last layer puts out, as images: none where they are no images.
    pub fn filters(&self, encoder: bool) -> Answer<Option<Pictures>> {
        let filters =
            if encoder { encoder_filters(&self.model)? } else { decoder_filters(&self.model)? };
        Ok(filters.and_then(Pictures::of))
    }

    fn channels(&self) -> usize {
        if let Shape::Image { channels, .. } = self.model.signature().shape { channels } else { 1 }
    }
}

/// Images of one size.
#[wasm_bindgen]
pub struct Pictures {
    filters: Filters,
    size: [usize; 3],
}

#[wasm_bindgen]
impl Pictures {
    fn of(filters: Filters) -> Option<Self> {
        match filters.shape {
            Shape::Image { height, width, channels: channels @ (1 | 3) } => {
                Some(Self { filters, size: [height, width, channels] })
            }
            _ => None,
        }
    }

    /// `{"count", "height", "width"}`.
    pub fn facts(&self) -> String {
        let [height, width, _] = self.size;
        json!({ "count": self.filters.weights.rows(), "height": height, "width": width })
            .to_string()
    }

    /// The pixels of one of them: white adds, black takes away.
    pub fn paint(&self, index: usize) -> Vec<u8> {
        if index < self.filters.weights.rows() {
            grey_or_colour(&around_grey(self.filters.weights.row(index)), self.size[2])
        } else {
            Vec::new()
        }
    }
}

/// Numbers between 0 and 1 as pixels; several channels beyond the first are left out where they are
/// not three.
fn grey_or_colour(shares: &[f32], channels: usize) -> Vec<u8> {
    let byte = |share: f32| (share.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let pixel = |pixel: &[f32]| {
        opaque([0, 1, 2].map(|channel| byte(pixel[if channels == 3 { channel } else { 0 }])))
    };
    shares.chunks_exact(channels.max(1)).flat_map(pixel).collect()
}
