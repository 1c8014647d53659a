//! Convolutions, their transposes and the gradients of their weights: products of patches, a few
//! lines of pixels at a time.

use crate::activation::Activation;
use crate::convolution::Geometry;
use crate::cpu::shared::{from_vec, rows, sides, wide_bias};
use crate::pieces::{Real, filled, summed, with_scratch};
use crate::product::{Arranged, Strided, multiply};
use burn_flex::FlexTensor;
use std::mem::MaybeUninit;

/// Elements of the patches that a convolution holds at a time: 256 KB of f32, so that they stay in
/// the second-level cache ...
const PATCHES: usize = 64 * 1024;
/// ... unless that were fewer pixels than this, or a quarter of the lines.
const PIXELS: usize = 256;
/// Numbers that a product sees of each pixel: the kernel's rows go one group after the other where
/// it sees more.
const SEEN: usize = 512;

/// Rows of output pixels, of `lines` in all, that go through a product at once; by the sizes alone,
/// never by the number of threads.
fn lines_at_once(geometry: &Geometry, lines: usize) -> usize {
    let pixels = (PATCHES / widest(geometry).max(1)).max(PIXELS);
    // A quarter at most, so that there is work for several cores.
    (pixels / geometry.output[1].max(1)).clamp(1, lines.div_ceil(4).max(1))
}

/// Numbers of a pixel in the largest group of the kernel's rows.
fn widest(geometry: &Geometry) -> usize {
    geometry.kernel_rows(SEEN).map(|kernel| geometry.seen(&kernel).0).max().unwrap_or(0)
}

/// The weights of each group of a convolution's kernel rows, rearranged once for the products of
/// all pieces; with `transposed` those of the way back.
fn arranged<T: Real>(geometry: &Geometry, weights: &[T], transposed: bool) -> Vec<Arranged<T>> {
    let channels = geometry.channels_out;
    let group = |kernel| {
        let (seen, from) = geometry.seen(&kernel);
        let group = Strided::rows(&weights[from * channels..][..seen * channels], channels);
        // SAFETY: a slice of as many numbers as the sizes say.
        unsafe {
            if transposed {
                Arranged::new(group.transposed(), [channels, seen])
            } else {
                Arranged::new(group, [seen, channels])
            }
        }
    };
    geometry.kernel_rows(SEEN).map(group).collect()
}

/// What a convolution or its transpose takes, with its numbers in row order.
struct Operands<T> {
    images: FlexTensor,
    samples: usize,
    weights: Vec<Arranged<T>>,
    bias: Vec<T>,
    activation: Activation,
    /// Whether adding the bias and applying the activation would change nothing.
    idle: bool,
}

impl<T: Real> Operands<T> {
    /// Panics unless there are as many numbers as the geometry says.
    fn new(
        [x, w, b]: [FlexTensor; 3],
        geometry: &Geometry,
        activation: Activation,
        transposed: bool,
    ) -> Self {
        let (what, width, biases) = if transposed {
            ("a transposed convolution", geometry.output_width(), geometry.channels_in)
        } else {
            ("a convolution", geometry.input_width(), geometry.channels_out)
        };
        let (images, w, b) = (rows(x), rows(w), rows(b));
        let (samples, _) = sides(&images);
        let (weights, bias) = (w.storage::<T>(), wide_bias::<T>(&b));
        let (patch, channels) = (geometry.patch(), geometry.channels_out);
        let numbers = images.storage::<T>().len();
        assert_eq!(numbers, samples * width, "numbers in the images of {what}");
        assert_eq!(weights.len(), patch * channels, "weights of {what}");
        assert_eq!(b.layout().num_elements(), biases, "biases of {what}");
        assert!(patch > 0 && channels > 0, "{what} without a kernel");
        Self {
            samples,
            weights: arranged(geometry, weights, transposed),
            activation,
            idle: activation == Activation::Identity && bias.iter().all(|b| *b == T::of(0.0)),
            images,
            bias,
        }
    }

    /// Adds the bias to a piece of the products, and applies the activation.
    fn finish(&self, piece: &mut [T]) {
        if !self.idle {
            self.activation.apply(piece, Some(&self.bias));
        }
    }
}

pub(super) fn convolve<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    geometry: Geometry,
    act: Activation,
) -> FlexTensor {
    let operands = Operands::<T>::new([x, w, b], &geometry, act, false);
    let images = operands.images.storage::<T>();
    let (channels, across) = (geometry.channels_out, geometry.output[1]);
    let numbers = operands.samples * geometry.output_width();
    let per = lines_at_once(&geometry, geometry.lines(numbers));
    // SAFETY: the product writes every pixel of the piece, whose lines are as many as it is long.
    let y = unsafe {
        filled(numbers, per * across * channels, |index, piece: &mut [MaybeUninit<T>]| {
            let lines = index * per..index * per + geometry.lines(piece.len());
            let pixels = lines.len() * across;
            with_scratch(pixels * widest(&geometry), |patches: &mut [T]| {
                for (kernel, weights) in geometry.kernel_rows(SEEN).zip(&operands.weights) {
                    let (seen, _) = geometry.seen(&kernel);
                    let add = kernel.start > 0;
                    geometry.unfold(images, lines.clone(), kernel, patches);
                    let a = Strided::rows(patches, seen);
                    multiply(
                        piece.as_mut_ptr().cast::<T>(),
                        channels,
                        [pixels, seen, channels],
                        a,
                        weights.right(),
                        add,
                    );
                }
            });
            operands.finish(piece.assume_init_mut());
        })
    };
    from_vec(y, [operands.samples, geometry.output_width()])
}

pub(super) fn convolve_transposed<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    geometry: Geometry,
    act: Activation,
) -> FlexTensor {
    let operands = Operands::<T>::new([x, w, b], &geometry, act, true);
    let images = operands.images.storage::<T>();
    let channels = geometry.channels_out;
    let [high, across] = geometry.output;
    let per = lines_at_once(&geometry, operands.samples * high);
    // Whole images to a piece: the patches of neighbouring lines overlap.
    let together = (per / high.max(1)).max(1);
    let fill = |index: usize, piece: &mut [MaybeUninit<T>]| {
        // Zeros here and not in one go before: so they are still in the cache when the first
        // patches are added to them.
        piece.iter_mut().for_each(|pixel| {
            pixel.write(T::of(0.0));
        });
        // SAFETY: every pixel has just been written.
        let piece = unsafe { piece.assume_init_mut() };
        let first = index * together * high;
        let all = piece.len() / geometry.input_width() * high;
        for start in (0..all).step_by(per) {
            let lines = start..(start + per).min(all);
            let pixels = lines.len() * across;
            let small = &images[(first + start) * across * channels..][..pixels * channels];
            with_scratch(pixels * widest(&geometry), |patches: &mut [T]| {
                for (kernel, weights) in geometry.kernel_rows(SEEN).zip(&operands.weights) {
                    let (seen, _) = geometry.seen(&kernel);
                    let a = Strided::rows(small, channels);
                    // SAFETY: `patches` holds pixels x seen elements, `small` pixels x channels,
                    // the weights channels x seen.
                    unsafe {
                        multiply(
                            patches.as_mut_ptr(),
                            seen,
                            [pixels, channels, seen],
                            a,
                            weights.right(),
                            false,
                        )
                    };
                    geometry.fold(patches, lines.clone(), kernel, piece);
                }
            });
        }
        operands.finish(piece);
    };
    let width = geometry.input_width();
    // SAFETY: `fill` begins by writing its whole piece.
    let y = unsafe { filled(operands.samples * width, together * width, fill) };
    from_vec(y, [operands.samples, width])
}

pub(super) fn convolve_weight<T: Real>(
    large: FlexTensor,
    small: FlexTensor,
    geometry: Geometry,
) -> FlexTensor {
    let (large, small) = (rows(large), rows(small));
    let (images, gs) = (large.storage::<T>(), small.storage::<T>());
    let (patch, channels, across) = (geometry.patch(), geometry.channels_out, geometry.output[1]);
    let lines = geometry.lines(gs.len());
    // Parts of the sum over pixels, by the sizes alone: enough for several cores, and few enough
    // that adding them is nothing.
    let part_pixels = (PART_PIXELS).max(lines * across * patch * channels / PART_NUMBERS);
    let part_lines = part_pixels.div_ceil(across.max(1)).clamp(1, lines.div_ceil(4).max(1));
    let parts = lines.div_ceil(part_lines);
    let per = lines_at_once(&geometry, 4 * part_lines);
    let sum = summed(parts, patch * channels, |index, sum| {
        let end = lines.min((index + 1) * part_lines);
        for start in (index * part_lines..end).step_by(per) {
            let lines = start..(start + per).min(end);
            let pixels = lines.len() * across;
            let g = &gs[start * across * channels..][..pixels * channels];
            with_scratch(pixels * widest(&geometry), |patches: &mut [T]| {
                for kernel in geometry.kernel_rows(SEEN) {
                    let (seen, from) = geometry.seen(&kernel);
                    geometry.unfold(images, lines.clone(), kernel, patches);
                    let (a, b) =
                        (Strided::rows(patches, seen).transposed(), Strided::rows(g, channels));
                    let sum = &mut sum[from * channels..];
                    // SAFETY: `sum` holds seen x channels elements from there, `patches` pixels x
                    // seen, `g` pixels x channels.
                    unsafe {
                        multiply(sum.as_mut_ptr(), channels, [seen, pixels, channels], a, b, true)
                    };
                }
            });
        }
    });
    from_vec(sum, [patch, channels])
}

/// Pixels in a part of a weight gradient: at least so many, so that the parts' sums are little
/// against their products ...
const PART_PIXELS: usize = 1024;
/// ... and more where the parts together would hold more numbers than this.
const PART_NUMBERS: usize = 1 << 20;
