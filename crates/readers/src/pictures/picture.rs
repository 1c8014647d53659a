//! One PNG or JPEG file as pixels.

use crate::hold::guarded::guarded;
use crate::hold::source::failed;
use png::{ColorType, Limits, Transformations};
use rows::{Error, Result};
use std::io::{Cursor, Read};
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// More pixels (8192 x 8192) are refused before they are decoded.
const MOST_PIXELS: usize = 1 << 26;
/// A longer file is no picture to train on.
const LONGEST_FILE: u64 = 1 << 28;

/// Decoded pixels: red, green, blue from top left to bottom right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
    /// Whether some pixel is not opaque; its transparency is not kept.
    pub(crate) transparent: bool,
}

impl Picture {
    /// Decodes a file; PNG and JPEG are told by their first bytes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (bytes, place) = contents(path)?;
        let is_png = bytes.starts_with(PNG);
        guarded(&place, || {
            if is_png { decode_png(&bytes, &place) } else { decode_jpeg(&bytes, &place) }
        })?
    }

    /// Width and height of a file, without its pixels.
    pub(crate) fn size(path: &Path) -> Result<(usize, usize)> {
        let (bytes, place) = contents(path)?;
        guarded(&place, || {
            if bytes.starts_with(PNG) {
                png_header(&bytes, &place).map(|(_, size)| size)
            } else {
                jpeg_header(&bytes, &place).map(|(_, size)| size)
            }
        })?
    }

    /// Whether no pixel has a colour.
    pub(crate) fn is_grey(&self) -> bool {
        self.rgb.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    }

    /// Shrunk by averaging or enlarged by interpolation, without keeping the proportions.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let pixels: Vec<f32> = self.rgb.iter().map(|&byte| f32::from(byte)).collect();
        let across =
            Axis { length: self.width, outer: self.height, inner: 3 }.resample(&pixels, width);
        let both =
            Axis { length: self.height, outer: 1, inner: width * 3 }.resample(&across, height);
        Self {
            width,
            height,
            // Float to integer saturates, so rounding errors stay within 0 and 255.
            rgb: both.iter().map(|value| value.round() as u8).collect(),
            transparent: self.transparent,
        }
    }
}

/// The first bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG";
/// The first bytes of a JPEG file.
const JPEG: &[u8] = b"\xff\xd8\xff";

/// The bytes of a PNG or JPEG file, with what it is called in messages.
fn contents(path: &Path) -> Result<(Vec<u8>, String)> {
    let place = path.display().to_string();
    let mut bytes = Vec::new();
    let file = rows::open_file(path)?;
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| failed(&place, error))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(Error::data(place, "is longer than 256 MiB, too long for an image"));
    }
    if bytes.is_empty() {
        return Err(Error::data(place, "is empty"));
    }
    if bytes.starts_with(PNG) || bytes.starts_with(JPEG) {
        Ok((bytes, place))
    } else {
        Err(Error::data(place, "is no PNG or JPEG image, whatever its name; convert or remove it"))
    }
}

fn damaged(place: &str, reason: impl std::fmt::Display) -> Error {
    Error::data(place, format!("is a damaged image ({reason}); repair or remove it"))
}

fn check_size(place: &str, width: usize, height: usize) -> Result<()> {
    if width.checked_mul(height).is_some_and(|pixels| (1..=MOST_PIXELS).contains(&pixels)) {
        return Ok(());
    }
    Err(Error::data(
        place,
        format!(
            "is {width} x {height} pixels; wanted at most {MOST_PIXELS} in all; shrink or remove it"
        ),
    ))
}

/// What reads a file's pixels, once its header is read, with their width and height.
type Opened<Reader> = Result<(Reader, (usize, usize))>;

fn png_header<'a>(bytes: &'a [u8], place: &str) -> Opened<png::Reader<Cursor<&'a [u8]>>> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 1 << 28 });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(|error| damaged(place, error))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check_size(place, width, height)?;
    // Eight pixels a bit-packed byte, and deflate makes at most 1032 bytes of one.
    if width * height > bytes.len().saturating_mul(8 * 1032) {
        return Err(damaged(
            place,
            format!("{width} x {height} pixels cannot come from {} bytes", bytes.len()),
        ));
    }
    Ok((reader, (width, height)))
}

fn decode_png(bytes: &[u8], place: &str) -> Result<Picture> {
    let (mut reader, (width, height)) = png_header(bytes, place)?;
    let size = reader.output_buffer_size().ok_or_else(|| damaged(place, "no size"))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(|error| damaged(place, error))?;
    reader.finish().map_err(|error| damaged(place, error))?;
    if (frame.width as usize, frame.height as usize) != (width, height) {
        return Err(damaged(place, "an animation whose first picture is smaller than the whole"));
    }
    let (step, grey, alpha) = match frame.color_type {
        ColorType::Grayscale => (1, true, false),
        ColorType::GrayscaleAlpha => (2, true, true),
        ColorType::Rgb => (3, false, false),
        ColorType::Rgba => (4, false, true),
        ColorType::Indexed => return Err(damaged(place, "a palette that was not resolved")),
    };
    let colour = |pixel: &[u8]| if grey { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
    Ok(Picture {
        width,
        height,
        rgb: pixels.chunks_exact(step).flat_map(colour).collect(),
        transparent: alpha && pixels.chunks_exact(step).any(|pixel| pixel[step - 1] != 255),
    })
}

fn jpeg_header<'a>(bytes: &'a [u8], place: &str) -> Opened<JpegDecoder<ZCursor<&'a [u8]>>> {
    // Strict: a truncated file is an error, not half a picture.
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(place, error))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| damaged(place, "no size"))?;
    check_size(place, width, height)?;
    Ok((decoder, (width, height)))
}

fn decode_jpeg(bytes: &[u8], place: &str) -> Result<Picture> {
    let (mut decoder, (width, height)) = jpeg_header(bytes, place)?;
    let rgb = decoder.decode().map_err(|error| damaged(place, error))?;
    if rgb.len() != width * height * 3 {
        return Err(damaged(place, "colours that are not readable"));
    }
    Ok(Picture { width, height, rgb, transparent: false })
}

/// One axis of an array: `outer` times `length` steps of `inner` numbers.
struct Axis {
    length: usize,
    outer: usize,
    inner: usize,
}

impl Axis {
    /// Resamples along the axis with a triangle as wide as one step of the coarser side.
    fn resample(&self, values: &[f32], length: usize) -> Vec<f32> {
        let scale = self.length as f32 / length as f32;
        let reach = scale.max(1.0);
        let mut result = Vec::with_capacity(self.outer * length * self.inner);
        for outer in 0..self.outer {
            let block =
                &values[outer * self.length * self.inner..(outer + 1) * self.length * self.inner];
            for step in 0..length {
                let centre = (step as f32 + 0.5) * scale - 0.5;
                let first = (centre - reach).ceil().max(0.0) as usize;
                let last = ((centre + reach).floor() as usize).min(self.length - 1);
                let weight =
                    |source: usize| (1.0 - (source as f32 - centre).abs() / reach).max(0.0);
                let total: f32 = (first..=last).map(weight).sum();
                for inner in 0..self.inner {
                    let sum: f32 = (first..=last)
                        .map(|source| weight(source) * block[source * self.inner + inner])
                        .sum();
                    result.push(sum / total);
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn png_bytes(width: u32, height: u32, colour: ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(colour);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(pixels).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn open_bytes(bytes: &[u8]) -> Result<Picture> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Picture::open(file.path())
    }

    /// A grey baseline JPEG of 8 x 8 pixels, all of one value: tables of one code each, one block
    /// without coefficients.
    fn jpeg_bytes() -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        bytes.extend([1; 64]);
        bytes.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        for class in [0x00, 0x10] {
            bytes.extend([0xff, 0xc4, 0, 20, class, 1]);
            bytes.extend([0; 15]);
            bytes.push(0);
        }
        bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x3f, 0xff, 0xd9]);
        bytes
    }

    #[test]
    fn every_kind_of_png_becomes_red_green_blue() {
        let grey = open_bytes(&png_bytes(2, 1, ColorType::Grayscale, &[7, 9])).unwrap();
        assert_eq!((grey.rgb.as_slice(), grey.is_grey()), (&[7, 7, 7, 9, 9, 9][..], true));
        let clear = open_bytes(&png_bytes(1, 1, ColorType::Rgba, &[1, 2, 3, 0])).unwrap();
        assert_eq!(
            (clear.rgb.as_slice(), clear.transparent, clear.is_grey()),
            (&[1, 2, 3][..], true, false)
        );
        let opaque = open_bytes(&png_bytes(1, 1, ColorType::GrayscaleAlpha, &[5, 255])).unwrap();
        assert_eq!((opaque.rgb.as_slice(), opaque.transparent), (&[5, 5, 5][..], false));
    }

    #[test]
    fn a_jpeg_is_decoded() {
        let picture = open_bytes(&jpeg_bytes()).unwrap();
        assert_eq!((picture.width, picture.height), (8, 8));
        assert_eq!(picture.rgb, [128; 192]);
    }

    #[test]
    fn the_size_of_a_picture_is_known_without_its_pixels() {
        for (bytes, size) in
            [(png_bytes(2, 1, ColorType::Grayscale, &[7, 9]), (2, 1)), (jpeg_bytes(), (8, 8))]
        {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!(Picture::size(file.path()).unwrap(), size);
        }
    }

    #[test]
    fn an_even_picture_stays_even_at_every_size() {
        let picture = Picture { width: 5, height: 4, rgb: vec![77; 60], transparent: false };
        for (width, height) in [(1, 1), (3, 9), (10, 2), (5, 4)] {
            let resized = picture.resized(width, height);
            assert_eq!(resized.rgb, vec![77; width * height * 3], "{width} x {height}");
        }
    }

    #[test]
    fn shrinking_averages() {
        let rgb = [0, 0, 0, 100, 100, 100, 200, 200, 200, 100, 100, 100].to_vec();
        let picture = Picture { width: 2, height: 2, rgb, transparent: false };
        assert_eq!(picture.resized(1, 1).rgb, [100, 100, 100]);
    }

    #[test]
    fn a_png_that_claims_more_than_it_holds_is_refused() {
        let mut bytes = png_bytes(2, 1, ColorType::Grayscale, &[7, 9]);
        // Width and height stand at bytes 16 to 23, their checksum at 29 to 32.
        bytes[16..24].copy_from_slice(&[0, 0, 0x1f, 0xff, 0, 0, 0x1f, 0xff]);
        let checksum = flate2::Crc::new();
        let mut checksum = checksum;
        checksum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
        let error = open_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains("cannot come from"), "{error}");
    }

    #[test]
    fn other_files_are_no_pictures() {
        assert!(open_bytes(b"GIF89a").unwrap_err().to_string().contains("no PNG or JPEG"));
        assert!(open_bytes(b"").unwrap_err().to_string().ends_with("is empty"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn truncated_pictures_are_errors(length in any::<prop::sample::Index>()) {
            let bytes = png_bytes(4, 4, ColorType::Rgb, &[9; 48]);
            prop_assert!(open_bytes(&bytes[..length.index(bytes.len())]).is_err());
        }

        #[test]
        fn flipped_bits_never_panic(position in any::<prop::sample::Index>(), bit in 0u8..8, cut: bool) {
            for mut bytes in [png_bytes(4, 4, ColorType::Rgb, &[9; 48]), jpeg_bytes()] {
                let position = position.index(bytes.len());
                bytes[position] ^= 1 << bit;
                if cut {
                    bytes.truncate(bytes.len() - 3);
                }
                let _ = open_bytes(&bytes);
            }
        }
    }
}
