//! Convolutions of images that lie channels last in the rows of a matrix: their geometry, and the
//! patches a kernel sees.

use crate::pieces::{Real, simd};
use std::ops::Range;

/// The geometry of a strided convolution; its transpose has the same with the roles of the two
/// images exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of the larger image.
    pub(crate) input: [usize; 2],
    /// Its channels.
    pub(crate) channels_in: usize,
    /// Height and width of the smaller image.
    pub(crate) output: [usize; 2],
    /// Its channels.
    pub(crate) channels_out: usize,
    /// Height and width of the kernel.
    pub(crate) kernel: [usize; 2],
    /// Pixels between two positions of the kernel.
    pub(crate) stride: [usize; 2],
    /// Zeros around the larger image.
    pub(crate) padding: [usize; 2],
}

impl Geometry {
    /// A kernel of any size, stride and padding over an image.
    ///
    /// None where the kernel does not fit into the padded image, where a side is zero, where the padding
    /// is as wide as the kernel, or where an image has more numbers than can be counted.
    pub fn new(
        input: [usize; 2],
        channels: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Option<Self> {
        let side = |axis: usize| {
            let [size, kernel, stride, padding] =
                [input[axis], kernel[axis], stride[axis], padding[axis]];
            let fits = size > 0 && kernel > 0 && stride > 0 && padding < kernel;
            let padded = padding.checked_mul(2)?.checked_add(size).filter(|_| fits)?;
            Some(padded.checked_sub(kernel)? / stride + 1)
        };
        let output = [side(0)?, side(1)?];
        let [channels_in, channels_out] = channels;
        // A kernel is no larger than a padded image, and a patch no larger than a kernel.
        for ([high, wide], deep) in
            [(input, channels_in), (output, channels_out), (kernel, channels_in)]
        {
            high.checked_mul(wide)?.checked_mul(deep).filter(|count| *count > 0)?;
        }
        kernel[0].checked_mul(kernel[1])?.checked_mul(channels_in)?.checked_mul(channels_out)?;
        Some(Self { input, channels_in, output, channels_out, kernel, stride, padding })
    }

    /// A 4 x 4 kernel with stride 2 that halves each side, odd sides rounded down; a side of one
    /// pixel stays as it is.
    ///
    /// None where [`Self::new`] gives none.
    pub fn halving(input: [usize; 2], channels_in: usize, channels_out: usize) -> Option<Self> {
        let side = |size: usize| if size < 2 { (1, 1, 0) } else { (4, 2, 1) };
        let [(kh, sh, ph), (kw, sw, pw)] = input.map(side);
        Self::new(input, [channels_in, channels_out], [kh, kw], [sh, sw], [ph, pw])
    }

    /// Height and width of the larger image.
    pub fn input(&self) -> [usize; 2] {
        self.input
    }

    /// Height and width of the smaller image.
    pub fn output(&self) -> [usize; 2] {
        self.output
    }

    /// Height and width of the kernel.
    pub fn kernel(&self) -> [usize; 2] {
        self.kernel
    }

    /// Pixels between two positions of the kernel.
    pub fn stride(&self) -> [usize; 2] {
        self.stride
    }

    /// Channels of the larger and of the smaller image.
    pub fn channels(&self) -> [usize; 2] {
        [self.channels_in, self.channels_out]
    }

    /// Rows of the weight matrix: kernel height x kernel width x channels of the larger image.
    pub fn patch(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels_in
    }

    /// Numbers in the larger image.
    pub fn input_width(&self) -> usize {
        self.input[0] * self.input[1] * self.channels_in
    }

    /// Numbers in the smaller image.
    pub fn output_width(&self) -> usize {
        self.output[0] * self.output[1] * self.channels_out
    }

    /// Rows of pixels in the smaller images of `width` numbers together.
    pub(crate) fn lines(&self, numbers: usize) -> usize {
        numbers / (self.output[1] * self.channels_out).max(1)
    }

    /// The kernel's rows in groups: the numbers that a group sees at a pixel are at most `most`, or
    /// those of one row.
    pub(crate) fn kernel_rows(&self, most: usize) -> impl Iterator<Item = Range<usize>> + Clone {
        let group = (most / (self.kernel[1] * self.channels_in).max(1)).max(1);
        let all = self.kernel[0];
        (0..all).step_by(group).map(move |first| first..all.min(first + group))
    }

    /// Numbers that some rows of the kernel see at a pixel, and where the weights of their first
    /// number lie.
    pub(crate) fn seen(&self, kernel: &Range<usize>) -> (usize, usize) {
        let row = self.kernel[1] * self.channels_in;
        (kernel.len() * row, kernel.start * row)
    }

    /// Where the kernel row `ky` of output pixel (`oy`, `ox`) lies: the first number of the image
    /// and of the kernel row, and how many.
    ///
    /// None where that row lies in the padding altogether.
    #[inline(always)]
    fn overlap(&self, oy: usize, ox: usize, ky: usize) -> Option<(usize, usize, usize)> {
        let y = (oy * self.stride[0] + ky)
            .checked_sub(self.padding[0])
            .filter(|y| *y < self.input[0])?;
        let from = ox * self.stride[1];
        // In padded columns: the image lies at padding..padding + width.
        let (low, high) = (
            self.padding[1].max(from),
            (self.padding[1] + self.input[1]).min(from + self.kernel[1]),
        );
        let count = high.checked_sub(low)?;
        let at = (y * self.input[1] + low - self.padding[1]) * self.channels_in;
        Some((at, (low - from) * self.channels_in, count * self.channels_in))
    }

    /// Copies what some rows of the kernel (`kernel`) see at each pixel of `lines` (rows of output
    /// pixels, counted over all images) into a row of `patches`.
    pub(crate) fn unfold<T: Real>(
        &self,
        images: &[T],
        lines: Range<usize>,
        kernel: Range<usize>,
        patches: &mut [T],
    ) {
        let (height, row) = (self.output[0], self.kernel[1] * self.channels_in);
        simd(
            #[inline(always)]
            || {
                let mut rows = patches.chunks_exact_mut(row);
                for line in lines {
                    let image = &images[line / height * self.input_width()..][..self.input_width()];
                    for ox in 0..self.output[1] {
                        for ky in kernel.clone() {
                            let Some(target) = rows.next() else { return };
                            match self.overlap(line % height, ox, ky) {
                                Some((at, _, count)) if count == row => {
                                    copy(target, &image[at..][..count])
                                }
                                Some((at, start, count)) => {
                                    target.fill(T::of(0.0));
                                    copy(&mut target[start..start + count], &image[at..][..count]);
                                }
                                None => target.fill(T::of(0.0)),
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adds each row of `patches` to the pixels that [`Geometry::unfold`] took it from.
    pub(crate) fn fold<T: Real>(
        &self,
        patches: &[T],
        lines: Range<usize>,
        kernel: Range<usize>,
        images: &mut [T],
    ) {
        let (height, row) = (self.output[0], self.kernel[1] * self.channels_in);
        simd(
            #[inline(always)]
            || {
                let mut rows = patches.chunks_exact(row);
                for line in lines {
                    let image =
                        &mut images[line / height * self.input_width()..][..self.input_width()];
                    for ox in 0..self.output[1] {
                        for ky in kernel.clone() {
                            let Some(source) = rows.next() else { return };
                            let Some((at, start, count)) = self.overlap(line % height, ox, ky)
                            else {
                                continue;
                            };
                            for (pixel, value) in
                                image[at..][..count].iter_mut().zip(&source[start..start + count])
                            {
                                *pixel = *pixel + *value;
                            }
                        }
                    }
                }
            },
        );
    }
}

/// Copies a kernel row. Most are too short for a call of the system's copy to pay: those go in
/// fours.
#[inline(always)]
fn copy<T: Real>(target: &mut [T], source: &[T]) {
    if target.len() > 32 {
        target.copy_from_slice(source);
        return;
    }
    let (mut targets, mut sources) = (target.chunks_exact_mut(4), source.chunks_exact(4));
    for (t, s) in (&mut targets).zip(&mut sources) {
        (t[0], t[1], t[2], t[3]) = (s[0], s[1], s[2], s[3]);
    }
    for (t, s) in targets.into_remainder().iter_mut().zip(sources.remainder()) {
        *t = *s;
    }
}
