//! Convolution and transposed convolution of images that lie channels last in the rows of a matrix.

use crate::activation::Activation;
use crate::ops::activate;
use burn::tensor::Tensor;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

/// The geometry of a strided convolution; its transpose has the same with the roles of the two images exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of the larger image.
    pub input: [usize; 2],
    /// Its channels.
    pub channels_in: usize,
    /// Height and width of the smaller image.
    pub output: [usize; 2],
    /// Its channels.
    pub channels_out: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Pixels between two positions of the kernel.
    pub stride: [usize; 2],
    /// Zeros around the larger image.
    pub padding: [usize; 2],
}

impl Geometry {
    /// A 4 x 4 kernel with stride 2 that halves each side, odd sides rounded down; a side of one pixel stays as it is.
    pub fn halving(input: [usize; 2], channels_in: usize, channels_out: usize) -> Self {
        let side = |size: usize| if size < 2 { (1, 1, 0) } else { (4, 2, 1) };
        let [(kh, sh, ph), (kw, sw, pw)] = input.map(side);
        let out = |size: usize, kernel: usize, stride: usize, padding: usize| (size + 2 * padding - kernel) / stride + 1;
        Self {
            input,
            channels_in,
            output: [out(input[0], kh, sh, ph), out(input[1], kw, sw, pw)],
            channels_out,
            kernel: [kh, kw],
            stride: [sh, sw],
            padding: [ph, pw],
        }
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

    /// The weight matrix [patch, channels_out] as `[channels_out, channels_in, kernel height, kernel width]`.
    fn weight(&self, w: Tensor<2>) -> Tensor<4> {
        let [kh, kw] = self.kernel;
        w.reshape([kh, kw, self.channels_in, self.channels_out]).permute([3, 2, 0, 1])
    }
}

/// Rows of channels-last images as `[rows, channels, height, width]`.
fn channels_first(x: Tensor<2>, [height, width]: [usize; 2], channels: usize) -> Tensor<4> {
    let rows = x.dims()[0];
    x.reshape([rows, height, width, channels]).permute([0, 3, 1, 2])
}

fn channels_last(y: Tensor<4>) -> Tensor<2> {
    let [rows, channels, height, width] = y.dims();
    y.permute([0, 2, 3, 1]).reshape([rows, height * width * channels])
}

/// `act(x * w + b)`: from rows of the larger image to rows of the smaller one.
///
/// `w` is [kernel height x kernel width x channels_in, channels_out] and `b` [1, channels_out]; without `b` nothing is added.
pub fn convolution(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<2>>, geometry: &Geometry, act: Activation) -> Tensor<2> {
    let options = ConvOptions::new(geometry.stride, geometry.padding, [1, 1], 1);
    let bias = b.map(|b| b.reshape([geometry.channels_out]));
    let x = channels_first(x, geometry.input, geometry.channels_in);
    activate(channels_last(conv2d(x, geometry.weight(w), bias, options)), act)
}

/// The transpose of [`convolution`]: from rows of the smaller image to rows of the larger one.
///
/// `w` has the same shape as there; `b` is [1, channels_in].
pub fn transposed_convolution(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<2>>, geometry: &Geometry, act: Activation) -> Tensor<2> {
    let reached = |axis: usize| (geometry.output[axis] - 1) * geometry.stride[axis] + geometry.kernel[axis] - 2 * geometry.padding[axis];
    // Sides that the forward convolution rounded down come back through padding at the far end.
    let missing = [geometry.input[0] - reached(0), geometry.input[1] - reached(1)];
    let options = ConvTransposeOptions::new(geometry.stride, geometry.padding, missing, [1, 1], 1);
    let bias = b.map(|b| b.reshape([geometry.channels_in]));
    let x = channels_first(x, geometry.output, geometry.channels_out);
    activate(channels_last(conv_transpose2d(x, geometry.weight(w), bias, options)), act)
}
