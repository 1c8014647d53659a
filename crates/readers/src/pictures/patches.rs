//! Patches of photographs, whitened: what the first layers of seeing learn from.

use crate::pictures::images;
use crate::pictures::picture::Picture;
use rows::{Dataset, Error, Message, Result, Rng, Shape, Values, Whitening};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::path::{Path, PathBuf};

/// Cycles a pixel beyond which a low pass lets little through.
const CUT: f64 = 0.4;
/// Pixels at the border of a photograph that belong to no patch: whitening takes the photograph for
/// one of a wallpaper.
const BORDER: usize = 8;
/// More patches, or larger ones, are a slip of the finger.
const MOST: usize = 10_000_000;
const LARGEST: usize = 256;
/// Numbers in all patches together: 1 GiB.
const MOST_NUMBERS: usize = 1 << 28;
/// Pixels of a patch that zca turns.
const WIDEST: usize = 4096;

/// Which patches are cut out of photographs.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// How many.
    pub count: usize,
    /// Their width and height in pixels.
    pub size: (usize, usize),
    /// What is done to them.
    pub whiten: Whitening,
    /// Decides where they are cut.
    pub seed: u64,
}

/// A photograph, not yet opened: one at a time is, as they may be many and large.
struct Photograph {
    file: PathBuf,
    /// Width and height.
    size: (usize, usize),
    places: Vec<Place>,
}

/// Where a patch is cut out.
struct Place {
    /// Its number.
    patch: u32,
    left: u32,
    top: u32,
}

/// Bytes of a place in a vector that may have grown to twice what is in it.
const PLACE: usize = 24;

/// A photograph in grey.
struct Grey {
    width: usize,
    height: usize,
    /// Row after row.
    pixels: Vec<f32>,
}

impl Grey {
    fn open(path: &Path) -> Result<Self> {
        let picture = Picture::open(path)?;
        // How bright the colours of a screen look (Recommendation ITU-R BT.601).
        let bright = |pixel: &[u8]| {
            0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
        };
        Ok(Self {
            width: picture.width,
            height: picture.height,
            pixels: picture.rgb.chunks_exact(3).map(bright).collect(),
        })
    }

    /// Whitened with a low pass; its deviation is one.
    fn whitened(self) -> Self {
        let (width, height) = (self.width, self.height);
        let mean = self.pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>()
            / self.pixels.len() as f64;
        let mut spectrum: Vec<Complex<f64>> =
            self.pixels.iter().map(|pixel| Complex::new(f64::from(*pixel) - mean, 0.0)).collect();
        let mut planner = FftPlanner::new();
        let (across, down) = (planner.plan_fft_forward(width), planner.plan_fft_forward(height));
        across.process(&mut spectrum);
        let mut turned = transposed(spectrum, width);
        down.process(&mut turned);
        // Cycles a pixel, of which the upper half are negative.
        let cycles = |at: usize, length: usize| at.min(length - at) as f64 / length as f64;
        for (at, value) in turned.iter_mut().enumerate() {
            let frequency = cycles(at / height, width).hypot(cycles(at % height, height));
            *value *= frequency * (-(frequency / CUT).powi(4)).exp();
        }
        planner.plan_fft_inverse(height).process(&mut turned);
        let mut spectrum = transposed(turned, height);
        planner.plan_fft_inverse(width).process(&mut spectrum);
        let pixels: Vec<f64> = spectrum.into_iter().map(|value| value.re).collect();
        let deviation = (pixels.iter().map(|pixel| pixel * pixel).sum::<f64>()
            / pixels.len() as f64)
            .sqrt()
            .max(f64::MIN_POSITIVE);
        Self {
            width,
            height,
            pixels: pixels.into_iter().map(|pixel| (pixel / deviation) as f32).collect(),
        }
    }
}

/// Rows of `width` numbers as columns; takes the rows, of which a photograph has many.
fn transposed(numbers: Vec<Complex<f64>>, width: usize) -> Vec<Complex<f64>> {
    let height = numbers.len() / width;
    (0..numbers.len()).map(|at| numbers[at % height * width + at / height]).collect()
}

impl Patches {
    /// Numbers in all of them together.
    fn numbers(&self) -> usize {
        self.count.saturating_mul(self.size.0 * self.size.1)
    }

    /// Pixels at each side of a photograph that belong to no patch.
    fn border(&self) -> usize {
        if self.whiten == Whitening::LowPass { BORDER } else { 0 }
    }

    /// Refuses what is no patch, or more than fits into so many bytes.
    fn check(&self, memory: Option<u64>) -> Result<()> {
        let (width, height) = self.size;
        if !(2..=LARGEST).contains(&width) || !(2..=LARGEST).contains(&height) {
            return Err(Error::setting(
                "patch",
                format!("{width}x{height}"),
                format!("sides from 2 to {LARGEST}"),
            ));
        }
        if !(1..=MOST).contains(&self.count) {
            return Err(Error::setting("patches", self.count, format!("1 to {MOST}")));
        }
        let numbers = self.numbers();
        if numbers > MOST_NUMBERS
            || memory.is_some_and(|bytes| (numbers * 4 + self.count * PLACE) as u64 > bytes)
        {
            let wanted = Message::from(format!(
                "fewer or smaller ones: {numbers} numbers are held in memory, {MOST_NUMBERS} at most and no more than "
            ))
            .setting("memory")
            .text(" says");
            return Err(Error::setting("patches", self.count, wanted));
        }
        if matches!(self.whiten, Whitening::Zca(_)) && width * height > WIDEST {
            return Err(Error::setting(
                "whiten",
                self.whiten,
                format!(
                    "lowpass for patches of more than {WIDEST} pixels: zca takes the square of that"
                ),
            ));
        }
        Ok(())
    }

    /// The photograph of a file, which must be large enough for them.
    fn photograph(&self, file: PathBuf) -> Result<Photograph> {
        let ((width, height), border) = (self.size, 2 * self.border());
        let size = Picture::size(&file)?;
        if size.0 < width + border || size.1 < height + border {
            let wanted = format!(
                "{}x{} at least, for patches of {width}x{height}",
                width + border,
                height + border
            );
            return Err(Error::data(
                file.display(),
                format!("is {}x{}; wanted {wanted}", size.0, size.1),
            ));
        }
        Ok(Photograph { file, size, places: Vec::new() })
    }

    /// Decides where each is cut out, and of which photograph.
    fn place(&self, photographs: &mut [Photograph]) {
        let ((width, height), border) = (self.size, self.border());
        let mut rng = Rng::new(self.seed).split("patches");
        for patch in 0..self.count {
            let of = rng.below(photographs.len());
            let photograph = &mut photographs[of];
            let left = border + rng.below(photograph.size.0 - width - 2 * border + 1);
            let top = border + rng.below(photograph.size.1 - height - 2 * border + 1);
            // Counts and sides are smaller by far.
            let (patch, left, top) = (patch as u32, left as u32, top as u32);
            photograph.places.push(Place { patch, left, top });
        }
    }

    /// Cuts those out that lie in a photograph; `values` holds all patches, one after the other.
    fn cut(&self, photograph: &Photograph, values: &mut [f32]) -> Result<()> {
        let (width, height) = self.size;
        let grey = Grey::open(&photograph.file)?;
        if (grey.width, grey.height) != photograph.size {
            return Err(Error::data(photograph.file.display(), "changed while it was read"));
        }
        let grey = if self.whiten == Whitening::LowPass { grey.whitened() } else { grey };
        for place in &photograph.places {
            let (patch, left, top) =
                (place.patch as usize, place.left as usize, place.top as usize);
            for (row, line) in values[patch * width * height..][..width * height]
                .chunks_exact_mut(width)
                .enumerate()
            {
                line.copy_from_slice(&grey.pixels[(top + row) * grey.width + left..][..width]);
            }
        }
        Ok(())
    }
}

/// Patches of the photographs of a folder, or of one; photographs need not be of one size.
pub(crate) fn load(path: &Path, patches: &Patches, memory: Option<u64>) -> Result<Dataset> {
    patches.check(memory)?;
    let mut warnings = Vec::new();
    let files = images::files(path, &mut warnings)?.into_iter();
    let mut photographs =
        files.map(|file| patches.photograph(file)).collect::<Result<Vec<Photograph>>>()?;
    if photographs.is_empty() {
        return Err(Error::data(path.display(), "holds no PNG or JPEG images"));
    }
    patches.place(&mut photographs);
    let mut values = vec![0f32; patches.numbers()];
    for photograph in photographs.iter().filter(|photograph| !photograph.places.is_empty()) {
        patches.cut(photograph, &mut values)?;
    }
    // Pixels as they are know their largest value; what is whitened first is not.
    let full_scale = (patches.whiten == Whitening::None).then_some(255.0);
    let (width, height) = patches.size;
    let shape = Shape::Image { height, width, channels: 1 };
    let data = Dataset::new(path.display().to_string(), shape, Values::F32(values))?;
    Ok(Dataset { full_scale, whitening: patches.whiten, warnings, ..data })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose neighbouring pixels are alike: a sum of waves, the long ones strong.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, width, height) in [("a.png", 96, 64), ("b.png", 70, 90)] {
            let mut rng = Rng::new(3);
            let waves: Vec<[f64; 4]> = (1..60)
                .map(|at| {
                    [
                        f64::from(at),
                        f64::from(rng.unit()) * 6.3,
                        f64::from(rng.unit()) * 6.3,
                        f64::from(rng.unit()) - 0.5,
                    ]
                })
                .collect();
            let pixel = |x: usize, y: usize| {
                let sum: f64 = waves
                    .iter()
                    .map(|[size, phase, turn, _]| {
                        let along = x as f64 * turn.cos() + y as f64 * turn.sin();
                        40.0 / size * (along * size * 0.05 + phase).sin()
                    })
                    .sum();
                (128.0 + sum).clamp(0.0, 255.0) as u8
            };
            let pixels: Vec<u8> = (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .map(|(x, y)| pixel(x, y))
                .collect();
            std::fs::write(folder.path().join(name), draw::png(&pixels, width, 1).unwrap())
                .unwrap();
        }
        folder
    }

    fn patches(whiten: Whitening) -> Patches {
        Patches { count: 3000, size: (6, 5), whiten, seed: 4 }
    }

    fn numbers(data: &Dataset) -> Vec<f32> {
        match data.values.in_memory() {
            Some(Values::F32(values)) => values.clone(),
            _ => panic!("numbers in memory"),
        }
    }

    /// The correlation of pixels side by side.
    fn alike(values: &[f32]) -> f64 {
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        let (mut both, mut square) = (0.0, 0.0);
        for row in values.chunks_exact(6) {
            for pair in row.windows(2) {
                both += (f64::from(pair[0]) - mean) * (f64::from(pair[1]) - mean);
                square += (f64::from(pair[0]) - mean).powi(2);
            }
        }
        both / square
    }

    #[test]
    fn patches_are_cut_from_photographs_of_any_size_by_seed() {
        let folder = folder();
        let data = load(folder.path(), &patches(Whitening::None), None).unwrap();
        assert_eq!(
            (data.rows(), data.shape.clone()),
            (3000, Shape::Image { height: 5, width: 6, channels: 1 })
        );
        assert_eq!(data.full_scale, Some(255.0));
        assert_eq!(
            numbers(&data),
            numbers(&load(folder.path(), &patches(Whitening::None), None).unwrap())
        );
        assert_ne!(
            numbers(&data),
            numbers(
                &load(folder.path(), &Patches { seed: 5, ..patches(Whitening::None) }, None)
                    .unwrap()
            )
        );
    }

    #[test]
    fn a_low_pass_makes_neighbours_less_alike() {
        let folder = folder();
        let raw = load(folder.path(), &patches(Whitening::None), None).unwrap();
        let white = load(folder.path(), &patches(Whitening::LowPass), None).unwrap();
        let (raw, apart) = (alike(&numbers(&raw)), alike(&numbers(&white)));
        assert!(raw > 0.9 && apart < 0.75, "{raw} {apart}");
        assert_eq!((white.full_scale, white.whitening), (None, Whitening::LowPass));
    }

    #[test]
    fn a_photograph_without_any_contrast_has_patches_of_numbers() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("black.png"), draw::png(&[0; 64 * 64], 64, 1).unwrap())
            .unwrap();
        for whiten in ["lowpass", "zca"] {
            let data = load(folder.path(), &patches(whiten.parse().unwrap()), None).unwrap();
            assert!(numbers(&data).iter().all(|value| value.is_finite()), "{whiten}");
        }
    }

    #[test]
    fn patches_that_do_not_fit_are_refused() {
        let folder = folder();
        let error = |patches: Patches| load(folder.path(), &patches, None).unwrap_err().to_string();
        assert!(
            error(Patches { size: (80, 80), ..patches(Whitening::None) })
                .contains("wanted 80x80 at least")
        );
        assert!(error(Patches { size: (1, 8), ..patches(Whitening::None) }).contains("patch"));
        assert!(
            error(Patches { count: 10_000_000, size: (200, 200), ..patches(Whitening::None) })
                .contains("fewer or smaller")
        );
        assert!(
            error(Patches { count: 9, size: (90, 90), ..patches(Whitening::Zca(0.1)) })
                .contains("lowpass")
        );
        assert!(
            load(folder.path(), &patches(Whitening::None), Some(1000))
                .unwrap_err()
                .to_string()
                .contains("than memory says")
        );
        assert!(error(Patches { count: 0, ..patches(Whitening::None) }).contains("patches"));
        assert!(
            load(tempfile::tempdir().unwrap().path(), &patches(Whitening::None), None)
                .unwrap_err()
                .to_string()
                .contains("no PNG")
        );
    }
}
