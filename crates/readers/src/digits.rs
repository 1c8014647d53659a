//! The built-in data set `digits`; where it comes from is told in `digits.md`.

use flate2::read::GzDecoder;
use rows::{Dataset, Error, Result, Shape, Values};
use std::io::Read;

/// The name to ask for.
pub(crate) const NAME: &str = "digits";

static PACKED: &[u8] = include_bytes!("digits.csv.gz");

/// 1,797 handwritten digits, 8 x 8 pixels from 0 to 16, labelled.
pub(crate) fn load() -> Result<Dataset> {
    let damaged = || Error::data(NAME, "the built-in data are damaged; build the program again");
    let mut text = String::new();
    GzDecoder::new(PACKED).read_to_string(&mut text).map_err(|_| damaged())?;
    let mut pixels = Vec::with_capacity(1797 * 64);
    let mut labels = Vec::with_capacity(1797);
    for line in text.lines() {
        let (image, label) = line.rsplit_once(',').ok_or_else(damaged)?;
        for pixel in image.split(',') {
            pixels.push(pixel.parse().map_err(|_| damaged())?);
        }
        labels.push(label.to_owned());
    }
    let shape = Shape::Image { height: 8, width: 8, channels: 1 };
    let mut data = Dataset::new(NAME, shape, Values::U8(pixels))?;
    data.labels = Some(labels);
    data.full_scale = Some(16.0);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_1797_labelled_images_of_64_pixels() {
        let data = load().unwrap();
        assert_eq!((data.rows(), data.features(), data.full_scale), (1797, 64, Some(16.0)));
        assert_eq!(data.labels.as_ref().unwrap()[..3], ["0", "1", "2"]);
        assert_eq!(data.labels.unwrap().len(), 1797);
        let Values::U8(pixels) = data.values.load().unwrap() else { panic!("digits are bytes") };
        assert_eq!(pixels[2], 5);
        assert_eq!(pixels.iter().max(), Some(&16));
    }
}
