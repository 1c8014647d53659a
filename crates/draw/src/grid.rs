//! Images side by side in one PNG.

use png::{BitDepth, ColorType};
use rows::{Destination, Error, Result, Shape};

/// Images whose longer side is shorter than this are enlarged by whole pixels.
const VISIBLE: usize = 40;
/// More pixels than this are no picture to look at.
const MOST_PIXELS: usize = 1 << 28;
/// The lines between images.
const LINE: u8 = 128;

/// Writes the PNG of [`png_grid`].
pub fn write_png_grid(
    to: impl Into<Destination>,
    images: &[f32],
    shape: &Shape,
    per_row: usize,
    scale: Option<usize>,
) -> Result<()> {
    let png = png_grid(images, shape, per_row, scale)?;
    to.into().write_bytes(&png)
}

/// Images as one PNG, `per_row` side by side with lines of one pixel between them.
///
/// `images` holds numbers from 0 to 1 (others are clipped), image after image, of the given shape:
/// an image of one or three channels. Every pixel becomes `scale` by `scale` pixels; without a
/// scale, small images are enlarged to be visible.
pub fn png_grid(
    images: &[f32],
    shape: &Shape,
    per_row: usize,
    scale: Option<usize>,
) -> Result<Vec<u8>> {
    let &Shape::Image { height, width, channels: channels @ (1 | 3) } = shape else {
        return Err(Error::shape("writing images", shape, "images of 1 or 3 channels"));
    };
    let features = shape.features()?;
    if images.is_empty() || !images.len().is_multiple_of(features) {
        return Err(Error::shape(
            "writing images",
            format!("{} numbers", images.len()),
            format!("a multiple of {features}"),
        ));
    }
    let scale = scale.unwrap_or_else(|| VISIBLE.div_ceil(height.max(width)));
    if scale == 0 || per_row == 0 {
        return Err(Error::setting(
            "images per row and scale",
            format!("{per_row} and {scale}"),
            "at least 1 each",
        ));
    }
    let count = images.len() / features;
    let grid = Grid {
        height,
        width,
        channels,
        scale,
        across: per_row.min(count),
        down: count.div_ceil(per_row),
    };
    let (Some(wide), Some(high)) =
        (grid.extent(width, grid.across), grid.extent(height, grid.down))
    else {
        return Err(too_large(count, scale));
    };
    if wide.checked_mul(high).is_none_or(|pixels| pixels > MOST_PIXELS) {
        return Err(too_large(count, scale));
    }
    png(&grid.draw(images, wide, high), wide, channels)
}

/// A PNG of rows of `width` pixels, one after the other, each of 1 byte (grey) or 3 bytes (red,
/// green, blue).
pub fn png(pixels: &[u8], width: usize, channels: usize) -> Result<Vec<u8>> {
    let color = match channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => return Err(Error::setting("channels of a picture", channels, "1 or 3")),
    };
    let line = width.saturating_mul(channels);
    let whole = line > 0
        && !pixels.is_empty()
        && pixels.len().is_multiple_of(line)
        && pixels.len() / channels <= MOST_PIXELS;
    if !whole {
        let wanted = format!("whole rows of {line}, at most {MOST_PIXELS} pixels");
        return Err(Error::shape("a picture", format!("{} bytes", pixels.len()), wanted));
    }
    let mut bytes = Vec::new();
    // The bound on the pixels keeps both sides within u32.
    let mut encoder = ::png::Encoder::new(&mut bytes, width as u32, (pixels.len() / line) as u32);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.map_err(|error| Error::shape("a picture", error, "pixels that PNG can hold"))?;
    Ok(bytes)
}

fn too_large(count: usize, scale: usize) -> Error {
    Error::setting(
        "size of the grid",
        format!("{count} images at scale {scale}"),
        "fewer images or a smaller scale",
    )
}

struct Grid {
    height: usize,
    width: usize,
    channels: usize,
    scale: usize,
    across: usize,
    down: usize,
}

impl Grid {
    /// Pixels taken by so many images in one direction, lines included.
    fn extent(&self, side: usize, images: usize) -> Option<usize> {
        side.checked_mul(self.scale)?.checked_mul(images)?.checked_add(images - 1)
    }

    fn draw(&self, images: &[f32], wide: usize, high: usize) -> Vec<u8> {
        let mut pixels = vec![LINE; wide * high * self.channels];
        for (index, image) in
            images.chunks_exact(self.height * self.width * self.channels).enumerate()
        {
            let left = index % self.across * (self.width * self.scale + 1);
            let top = index / self.across * (self.height * self.scale + 1);
            for y in 0..self.height * self.scale {
                for x in 0..self.width * self.scale {
                    let from = (y / self.scale * self.width + x / self.scale) * self.channels;
                    let to = ((top + y) * wide + left + x) * self.channels;
                    for channel in 0..self.channels {
                        // Float to integer saturates: NaN and less than 0 become 0, more than 1
                        // becomes 255.
                        pixels[to + channel] = (image[from + channel] * 255.0).round() as u8;
                    }
                }
            }
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Decoded {
        width: usize,
        height: usize,
        rgb: Vec<u8>,
    }

    fn draw(
        images: &[f32],
        shape: &Shape,
        per_row: usize,
        scale: Option<usize>,
    ) -> Result<Decoded> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        write_png_grid(&path, images, shape, per_row, scale)?;
        let bytes = std::fs::read(&path).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let grey = info.color_type == ColorType::Grayscale;
        let rgb = if grey { pixels.iter().flat_map(|p| [*p; 3]).collect() } else { pixels };
        Ok(Decoded { width: info.width as usize, height: info.height as usize, rgb })
    }

    fn image(height: usize, width: usize, channels: usize) -> Shape {
        Shape::Image { height, width, channels }
    }

    #[test]
    fn images_stand_in_rows_with_lines_between() {
        let picture = draw(&[0.0, 1.0, 2.0], &image(1, 1, 1), 2, Some(1)).unwrap();
        assert_eq!((picture.width, picture.height), (3, 3));
        let grey: Vec<u8> = picture.rgb.iter().copied().step_by(3).collect();
        assert_eq!(grey, [0, 128, 255, 128, 128, 128, 255, 128, 128]);
    }

    #[test]
    fn small_images_are_enlarged_to_be_visible() {
        let picture = draw(&[0.5; 64 * 2], &image(8, 8, 1), 2, None).unwrap();
        assert_eq!((picture.width, picture.height), (81, 40));
    }

    #[test]
    fn colours_stay_and_are_clipped() {
        let picture = draw(&[-1.0, f32::NAN, 9.0], &image(1, 1, 3), 5, Some(2)).unwrap();
        assert_eq!((picture.width, picture.height), (2, 2));
        assert_eq!(picture.rgb, [0, 0, 255].repeat(4));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(draw(&[0.0; 4], &Shape::Flat { width: 4 }, 1, None).is_err());
        assert!(draw(&[0.0; 4], &image(2, 1, 2), 1, None).is_err());
        assert!(draw(&[0.0; 3], &image(2, 1, 1), 1, None).is_err());
        assert!(draw(&[0.0; 2], &image(2, 1, 1), 0, None).is_err());
        assert!(draw(&[0.0; 2], &image(2, 1, 1), 1, Some(usize::MAX)).is_err());
        assert!(draw(&[0.0; 2], &image(2, 1, 1), 1, Some(1 << 20)).is_err());
    }
}
