//! Hand-written bodies for the CPU.

use crate::activation::Activation;
use crate::convolution::Geometry;
use crate::loss::RowLoss;
use crate::norm::{
    CLIPPED, EPSILON, add_columns, clipped, divergence, gathered, repeated, unclipped,
};
use crate::ops::FusedOps;
use crate::optimise::{AdamStep, SgdStep};
use crate::pieces::{
    PIECE, Real, add, filled, for_each_piece, may_share, repeats, rows_per_piece, simd, summed,
    with_scratch,
};
use crate::product::{Arranged, PANEL, Right, Strided, multiplied, multiply};
use burn::backend::Flex;
use burn::tensor::{DType, Shape, Tensor, TensorData};
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

/// Runs a generic body for the tensor's float type.
macro_rules! typed {
    ($tensor:expr, $body:ident($($argument:expr),*)) => {
        match $tensor.dtype() {
            DType::F64 => $body::<f64>($($argument),*),
            // Half precision never reaches the CPU backend: the library makes f32 and f64 tensors
            // only.
            _ => $body::<f32>($($argument),*),
        }
    };
}

/// Hand-written bodies by name: each calls the function of this file that has its name.
macro_rules! hand_written {
    ($($name:ident($first:ident: $t:ty $(, $argument:ident: $type:ty)*) -> $out:ty;)*) => {
        impl FusedOps for Flex {
            $(fn $name($first: $t $(, $argument: $type)*) -> $out {
                typed!($first, $name($first $(, $argument)*))
            })*
        }
    };
}

type Two = (FlexTensor, FlexTensor);
type Three = (FlexTensor, FlexTensor, FlexTensor);

hand_written! {
    dense(x: FlexTensor, w: FlexTensor, b: FlexTensor, transposed: bool, act: Activation) -> FlexTensor;
    arrange(w: FlexTensor, transposed: bool) -> FlexTensor;
    dense_arranged(x: FlexTensor, w: FlexTensor, b: FlexTensor, act: Activation) -> FlexTensor;
    activate(z: FlexTensor, act: Activation) -> FlexTensor;
    activate_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> FlexTensor;
    dense_backward(saved: FlexTensor, g: FlexTensor, act: Activation) -> Two;
    product(a: FlexTensor, b: FlexTensor) -> FlexTensor;
    steer(directions: FlexTensor, saved: FlexTensor, act: Activation) -> FlexTensor;
    steer_backward(directions: FlexTensor, saved: FlexTensor, g: FlexTensor, act: Activation) -> Two;
    convolve(x: FlexTensor, w: FlexTensor, b: FlexTensor, geometry: Geometry, act: Activation) -> FlexTensor;
    convolve_transposed(x: FlexTensor, w: FlexTensor, b: FlexTensor, geometry: Geometry, act: Activation) -> FlexTensor;
    convolve_weight(large: FlexTensor, small: FlexTensor, geometry: Geometry) -> FlexTensor;
    row_loss(output: FlexTensor, target: FlexTensor, loss: RowLoss) -> FlexTensor;
    row_loss_backward(output: FlexTensor, target: FlexTensor, g: FlexTensor, loss: RowLoss) -> FlexTensor;
    column_moments(x: FlexTensor) -> FlexTensor;
    column_norm(x: FlexTensor, gain: FlexTensor, shift: FlexTensor, moments: FlexTensor, own: bool) -> FlexTensor;
    column_norm_backward(x: FlexTensor, gain: FlexTensor, moments: FlexTensor, g: FlexTensor, own: bool) -> Three;
    row_norm(x: FlexTensor, gain: FlexTensor, shift: FlexTensor) -> FlexTensor;
    row_norm_backward(x: FlexTensor, gain: FlexTensor, g: FlexTensor) -> Three;
    column_squares(w: FlexTensor) -> FlexTensor;
    column_squares_backward(w: FlexTensor, g: FlexTensor) -> FlexTensor;
    sparsity(code: FlexTensor, rho: f64) -> FlexTensor;
    sparsity_backward(code: FlexTensor, g: FlexTensor, rho: f64) -> FlexTensor;
    kl_normal(h: FlexTensor) -> FlexTensor;
    kl_normal_backward(h: FlexTensor, g: FlexTensor) -> FlexTensor;
    draw_normal(h: FlexTensor, noise: FlexTensor) -> FlexTensor;
    draw_normal_backward(h: FlexTensor, noise: FlexTensor, g: FlexTensor) -> FlexTensor;
    adam(p: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: AdamStep) -> Three;
    sgd(p: FlexTensor, g: FlexTensor, velocity: FlexTensor, step: SgdStep) -> Two;
}

/// The tensor with its elements in row order from the start of its storage, so that `storage()` is
/// what the shape says.
fn rows(t: FlexTensor) -> FlexTensor {
    let whole = t.layout().start_offset() == 0
        && t.is_contiguous()
        && t.bytes().len() == t.layout().num_elements() * t.dtype().size();
    if whole { t } else { FlexTensor::from_data(t.to_contiguous().into_data()) }
}

/// Rows and columns of a matrix.
fn sides(t: &FlexTensor) -> (usize, usize) {
    (t.layout().shape()[0], t.layout().shape()[1])
}

fn from_vec<T: Real>(values: Vec<T>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// Where the elements of a matrix lie.
fn strided<T: Real>(t: &FlexTensor) -> Strided<T> {
    let layout = t.layout();
    // Of an empty view the offset may lie outside.
    let start = t.storage::<T>().as_ptr().wrapping_add(layout.start_offset());
    Strided { start, row: layout.strides()[0], column: layout.strides()[1] }
}

fn product<T: Real>(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let ((m, k), (inner, n)) = (sides(&a), sides(&b));
    assert_eq!(k, inner, "inner sizes of a product");
    // SAFETY: both are whole tensors of these sizes.
    from_vec(unsafe { multiplied::<T>([m, k, n], strided(&a), strided(&b), |_, _| ()) }, [m, n])
}

fn dense<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    transposed: bool,
    act: Activation,
) -> FlexTensor {
    let weight = strided::<T>(&w);
    let (weight, [inner, n]) = match transposed {
        false => (weight, [sides(&w).0, sides(&w).1]),
        true => (weight.transposed(), [sides(&w).1, sides(&w).0]),
    };
    // SAFETY: a whole tensor of these sizes.
    unsafe { layer::<T>(x, weight.into(), [inner, n], b, act) }
}

fn arrange<T: Real>(w: FlexTensor, transposed: bool) -> FlexTensor {
    let (k, n) = if transposed { (sides(&w).1, sides(&w).0) } else { sides(&w) };
    let weight = strided::<T>(&w);
    // SAFETY: a whole tensor of these sizes.
    let panels =
        unsafe { Arranged::new(if transposed { weight.transposed() } else { weight }, [k, n]) };
    from_vec(panels.panels, [n.div_ceil(PANEL), k, PANEL])
}

fn dense_arranged<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let (w, n) = (rows(w), b.layout().num_elements());
    let k = w.layout().shape()[1];
    let panels = w.storage::<T>();
    // Another backend's arrangement has other panels, and would be read in another order.
    assert_eq!(
        *w.layout().shape(),
        Shape::from([n.div_ceil(PANEL), k, PANEL]),
        "shape of an arranged weight"
    );
    // SAFETY: as many panels as `k` and `n` ask for.
    unsafe { layer(x, Right::panels(panels, k), [k, n], b, act) }
}

/// A dense layer by a weight [inner, n].
///
/// # Safety
/// The weight must describe that many numbers of memory.
unsafe fn layer<T: Real>(
    x: FlexTensor,
    weight: Right<T>,
    [inner, n]: [usize; 2],
    b: FlexTensor,
    act: Activation,
) -> FlexTensor {
    let ((m, k), b) = (sides(&x), rows(b));
    assert_eq!(k, inner, "inner sizes of a dense layer");
    assert_eq!(b.layout().num_elements(), n, "biases of a dense layer");
    let (narrow, wide) = (b.storage::<T>(), wide_bias::<T>(&b));
    let finish = |column: usize, part: &mut [T]| {
        act.apply(part, Some(if column == 0 { &wide } else { &narrow[column..] }))
    };
    // SAFETY: the caller's promise for the weight; the rows are a whole tensor.
    from_vec(unsafe { multiplied([m, k, n], strided(&x), weight, finish) }, [m, n])
}

/// A bias repeated until it is long enough to vectorise.
fn wide_bias<T: Real>(b: &FlexTensor) -> Vec<T> {
    let bias = b.storage::<T>();
    repeated(bias, repeats(bias.len()))
}

fn activate<T: Real>(z: FlexTensor, act: Activation) -> FlexTensor {
    let mut z = rows(z);
    for_each_piece(z.storage_mut::<T>(), PIECE, |_, piece| act.apply(piece, None));
    z
}

fn activate_backward<T: Real>(saved: FlexTensor, g: FlexTensor, act: Activation) -> FlexTensor {
    let (saved, mut g) = (rows(saved), rows(g));
    assert_eq!(
        saved.layout().num_elements(),
        g.layout().num_elements(),
        "what was saved for a gradient"
    );
    let values = saved.storage::<T>();
    for_each_piece(g.storage_mut::<T>(), PIECE, |index, piece| {
        act.multiply_slope(piece, &values[index * PIECE..])
    });
    g
}

fn dense_backward<T: Real>(saved: FlexTensor, g: FlexTensor, act: Activation) -> Two {
    let (saved, mut g) = (rows(saved), rows(g));
    assert_eq!(
        saved.layout().num_elements(),
        g.layout().num_elements(),
        "what was saved for a gradient"
    );
    let (_, n) = sides(&g);
    let wide = n * repeats(n);
    let length = rows_per_piece(wide) * wide;
    let values = saved.storage::<T>();
    let gradient = g.storage_mut::<T>();
    let count = gradient.len().div_ceil(length.max(1));
    let sums = Pieces::new(count, wide);
    for_each_piece(gradient, length, |index, piece| {
        if act != Activation::Identity {
            act.multiply_slope(piece, &values[index * length..]);
        }
        sums.with(index, |sum| {
            add_columns(
                sum,
                piece,
                #[inline(always)]
                |_, g| g,
            )
        });
    });
    let total = gathered(sums.total(), n);
    (g, from_vec(total, [1, n]))
}

/// A row of sums for each piece of a pass that also writes.
struct Pieces<T> {
    sums: Vec<std::sync::Mutex<Vec<T>>>,
    width: usize,
}

impl<T: Real> Pieces<T> {
    fn new(count: usize, width: usize) -> Self {
        Self { sums: (0..count).map(|_| Default::default()).collect(), width }
    }

    /// Lends the zeros of one piece; no two pieces share them, so that nobody waits.
    fn with(&self, index: usize, work: impl FnOnce(&mut [T])) {
        if let Ok(mut sum) = self.sums[index].lock() {
            sum.resize(self.width, T::of(0.0));
            work(&mut sum);
        }
    }

    /// Added in the order of the pieces, so that the number of threads never changes a bit.
    fn total(self) -> Vec<T> {
        let mut total = vec![T::of(0.0); self.width];
        self.sums
            .into_iter()
            .filter_map(|sum| sum.into_inner().ok())
            .for_each(|sum| add(&mut total, &sum));
        total
    }
}

fn steer<T: Real>(directions: FlexTensor, saved: FlexTensor, act: Activation) -> FlexTensor {
    let (directions, saved) = (rows(directions), rows(saved));
    let (count, n) = sides(&saved);
    let (given, k) = sides(&directions);
    let (ds, values) = (directions.storage::<T>(), saved.storage::<T>());
    assert!(given == count || given == 1, "rows of directions");
    assert_eq!(directions.layout().shape()[2], n, "numbers in a direction");
    let per = rows_per_piece(k * n);
    // SAFETY: each row of a piece is cut into runs of n, and each run is written from slices of n
    // elements.
    let out = unsafe {
        filled(count * k * n, per * k * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (at, out) in piece.chunks_mut(n.max(1)).enumerate() {
                let row = index * per + at / k;
                let d = if given == 1 { at % k } else { row * k + at % k };
                act.steer(out, &ds[d * n..][..n], &values[row * n..][..n]);
            }
        })
    };
    from_vec(out, [count, k, n])
}

fn steer_backward<T: Real>(
    directions: FlexTensor,
    saved: FlexTensor,
    g: FlexTensor,
    act: Activation,
) -> Two {
    let (directions, saved, g) = (rows(directions), rows(saved), rows(g));
    let (count, n) = sides(&saved);
    let (given, k) = sides(&directions);
    assert_eq!(directions.layout().shape()[2], n, "numbers in a direction");
    let (ds, values, gs) = (directions.storage::<T>(), saved.storage::<T>(), g.storage::<T>());
    let direction =
        |row: usize, at: usize| &ds[(if given == 1 { at } else { row * k + at }) * n..][..n];
    let per = rows_per_piece(k * n);
    let mut by_saved = vec![T::of(0.0); count * n];
    for_each_piece(&mut by_saved, per * n, |index, piece| {
        for (at, out) in piece.chunks_mut(n.max(1)).enumerate() {
            let row = index * per + at;
            for j in 0..k {
                let (d, g) = (direction(row, j), &gs[(row * k + j) * n..][..n]);
                simd(
                    #[inline(always)]
                    || {
                        for ((out, d), g) in out.iter_mut().zip(d).zip(g) {
                            *out = *out + *d * *g;
                        }
                    },
                );
            }
            act.multiply_bend(out, &values[row * n..][..n]);
        }
    });
    let slope = steer::<T>(g.clone(), saved, act);
    let by_directions = match given == 1 && count != 1 {
        false => slope,
        true => {
            let wide = slope.storage::<T>();
            let pieces = count.div_ceil(per);
            let sum = summed(pieces, k * n, |index, sum| {
                let part = &wide[index * per * k * n..wide.len().min((index + 1) * per * k * n)];
                add_columns(
                    sum,
                    part,
                    #[inline(always)]
                    |_, x| x,
                );
            });
            from_vec(sum, [1, k, n])
        }
    };
    (by_directions, from_vec(by_saved, [count, n]))
}

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
            match transposed {
                false => Arranged::new(group, [seen, channels]),
                true => Arranged::new(group.transposed(), [channels, seen]),
            }
        }
    };
    geometry.kernel_rows(SEEN).map(group).collect()
}

fn convolve<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    geometry: Geometry,
    act: Activation,
) -> FlexTensor {
    let (x, w, b) = (rows(x), rows(w), rows(b));
    let (samples, _) = sides(&x);
    let (images, weights, bias) = (x.storage::<T>(), w.storage::<T>(), wide_bias::<T>(&b));
    let idle = idle(&bias, act);
    let (patch, channels, across) = (geometry.patch(), geometry.channels_out, geometry.output[1]);
    assert_eq!(
        images.len(),
        samples * geometry.input_width(),
        "numbers in the images of a convolution"
    );
    assert_eq!(weights.len(), patch * channels, "weights of a convolution");
    assert_eq!(b.layout().num_elements(), channels, "biases of a convolution");
    assert!(patch > 0 && channels > 0, "a convolution without a kernel");
    let numbers = samples * geometry.output_width();
    let per = lines_at_once(&geometry, geometry.lines(numbers));
    let arranged = arranged(&geometry, weights, false);
    // SAFETY: the product writes every pixel of the piece, whose lines are as many as it is long.
    let y = unsafe {
        filled(numbers, per * across * channels, |index, piece: &mut [MaybeUninit<T>]| {
            let lines = index * per..index * per + geometry.lines(piece.len());
            let pixels = lines.len() * across;
            with_scratch(pixels * widest(&geometry), |patches: &mut [T]| {
                for (kernel, weights) in geometry.kernel_rows(SEEN).zip(&arranged) {
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
            if !idle {
                act.apply(piece.assume_init_mut(), Some(&bias));
            }
        })
    };
    from_vec(y, [samples, geometry.output_width()])
}

/// Whether adding a bias and applying an activation would change nothing.
fn idle<T: Real>(bias: &[T], act: Activation) -> bool {
    act == Activation::Identity && bias.iter().all(|b| *b == T::of(0.0))
}

fn convolve_transposed<T: Real>(
    x: FlexTensor,
    w: FlexTensor,
    b: FlexTensor,
    geometry: Geometry,
    act: Activation,
) -> FlexTensor {
    let (x, w, b) = (rows(x), rows(w), rows(b));
    let (samples, _) = sides(&x);
    let (images, weights, bias) = (x.storage::<T>(), w.storage::<T>(), wide_bias::<T>(&b));
    let idle = idle(&bias, act);
    let (patch, channels) = (geometry.patch(), geometry.channels_out);
    let [high, across] = geometry.output;
    assert_eq!(
        images.len(),
        samples * geometry.output_width(),
        "numbers in the images of a transposed convolution"
    );
    assert_eq!(weights.len(), patch * channels, "weights of a transposed convolution");
    assert_eq!(
        b.layout().num_elements(),
        geometry.channels_in,
        "biases of a transposed convolution"
    );
    assert!(patch > 0 && channels > 0, "a transposed convolution without a kernel");
    let arranged = arranged(&geometry, weights, true);
    let per = lines_at_once(&geometry, samples * high);
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
                for (kernel, weights) in geometry.kernel_rows(SEEN).zip(&arranged) {
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
        if !idle {
            act.apply(piece, Some(&bias));
        }
    };
    // SAFETY: `fill` begins by writing its whole piece.
    let y = unsafe {
        filled(samples * geometry.input_width(), together * geometry.input_width(), fill)
    };
    from_vec(y, [samples, geometry.input_width()])
}

fn convolve_weight<T: Real>(
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

fn row_loss<T: Real>(output: FlexTensor, target: FlexTensor, loss: RowLoss) -> FlexTensor {
    let (output, target) = (rows(output), rows(target));
    let (m, n) = sides(&output);
    let (outputs, targets) = (output.storage::<T>(), target.storage::<T>());
    assert_eq!(outputs.len(), targets.len(), "elements of output and target");
    let mut losses = vec![T::of(0.0); m];
    let per_piece = rows_per_piece(n);
    for_each_piece(&mut losses, per_piece, |index, piece| {
        for (row, sum) in piece.iter_mut().enumerate() {
            let at = (index * per_piece + row) * n;
            *sum = loss.sum(&outputs[at..at + n], &targets[at..at + n]);
        }
    });
    from_vec(losses, [m, 1])
}

fn row_loss_backward<T: Real>(
    output: FlexTensor,
    target: FlexTensor,
    g: FlexTensor,
    loss: RowLoss,
) -> FlexTensor {
    let (output, target, g) = (rows(output), rows(target), rows(g));
    let (m, n) = sides(&output);
    let (outputs, targets, gs) = (output.storage::<T>(), target.storage::<T>(), g.storage::<T>());
    assert_eq!(outputs.len(), targets.len(), "elements of output and target");
    let per_piece = rows_per_piece(n);
    // SAFETY: each row of a piece is written from slices of its own length.
    let gradient = unsafe {
        filled(m * n, per_piece * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (row, values) in piece.chunks_exact_mut(n.max(1)).enumerate() {
                let row = index * per_piece + row;
                loss.gradient(values, &outputs[row * n..][..n], &targets[row * n..][..n], gs[row]);
            }
        })
    };
    from_vec(gradient, [m, n])
}

/// The sum down each column of `f(column, x)`, for rows of `n` numbers; `f` must be
/// `#[inline(always)]` and hears the column of a row that is `repeats(n)` rows side by side.
fn column_sums<T: Real>(x: &[T], n: usize, f: impl Fn(usize, T) -> T + Sync) -> Vec<T> {
    let wide = n * repeats(n);
    let length = rows_per_piece(wide) * wide;
    let wide_sums = summed(x.len().div_ceil(length.max(1)), wide, |index, sum| {
        add_columns(sum, &x[index * length..x.len().min((index + 1) * length)], &f);
    });
    gathered(wide_sums, n)
}

fn column_moments<T: Real>(x: FlexTensor) -> FlexTensor {
    let x = rows(x);
    let (m, n) = sides(&x);
    let values = x.storage::<T>();
    let share = T::of(1.0 / m.max(1) as f64);
    let mean: Vec<T> = column_sums(
        values,
        n,
        #[inline(always)]
        |_, x| x,
    )
    .into_iter()
    .map(|sum| sum * share)
    .collect();
    let wide = repeated(&mean, repeats(n));
    let squares = column_sums(
        values,
        n,
        #[inline(always)]
        |column, x| {
            let centred = x - wide[column];
            centred * centred
        },
    );
    from_vec(mean.into_iter().chain(squares.into_iter().map(|sum| sum * share)).collect(), [2, n])
}

/// `1 / sqrt(variance + epsilon)` of each column.
fn inverse_deviations<T: Real>(variances: &[T]) -> Vec<T> {
    variances.iter().map(|v| T::of(1.0) / T::sqrt(*v + T::of(EPSILON))).collect()
}

/// A gain and a shift for each column.
fn norm_sizes(n: usize, gain: &FlexTensor, shift: &FlexTensor) {
    assert!(
        [gain, shift].iter().all(|t| t.layout().num_elements() == n),
        "gains and shifts of a norm"
    );
}

fn column_norm<T: Real>(
    x: FlexTensor,
    gain: FlexTensor,
    shift: FlexTensor,
    moments: FlexTensor,
    _: bool,
) -> FlexTensor {
    let (x, gain, shift, moments) = (rows(x), rows(gain), rows(shift), rows(moments));
    let (m, n) = sides(&x);
    norm_sizes(n, &gain, &shift);
    assert_eq!(moments.layout().num_elements(), 2 * n, "moments of a norm");
    let (mean, variance) = moments.storage::<T>().split_at(n);
    let factor: Vec<T> = inverse_deviations(variance)
        .iter()
        .zip(gain.storage::<T>())
        .map(|(i, g)| *i * *g)
        .collect();
    let wide = |row: &[T]| repeated(row, repeats(n));
    let (mean, factor, shift) = (wide(mean), wide(&factor), wide(shift.storage::<T>()));
    let values = x.storage::<T>();
    let length = rows_per_piece(factor.len()) * factor.len();
    // SAFETY: a piece is written from the part of `x` that has its length, in rows of the same
    // length as mean, factor and shift.
    let y = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (out, x) in piece.chunks_mut(factor.len()).zip(part.chunks(factor.len())) {
                        for ((((out, x), mean), factor), shift) in
                            out.iter_mut().zip(x).zip(&mean).zip(&factor).zip(&shift)
                        {
                            out.write((*x - *mean) * *factor + *shift);
                        }
                    }
                },
            );
        })
    };
    from_vec(y, [m, n])
}

fn column_norm_backward<T: Real>(
    x: FlexTensor,
    gain: FlexTensor,
    moments: FlexTensor,
    g: FlexTensor,
    own: bool,
) -> Three {
    let (x, gain, moments, g) = (rows(x), rows(gain), rows(moments), rows(g));
    let (m, n) = sides(&x);
    let (mean, variance) = moments.storage::<T>().split_at(n);
    let inverse = inverse_deviations(variance);
    let (values, gs) = (x.storage::<T>(), g.storage::<T>());
    let wide = |row: &[T]| repeated(row, repeats(n));
    let (wide_mean, wide_inverse) = (wide(mean), wide(&inverse));
    let width = wide_mean.len();
    let length = rows_per_piece(width) * width;
    // Both sums in one pass: the first half of each sum is of g, the second of g times the
    // normalised x.
    let sums = summed::<T>(gs.len().div_ceil(length.max(1)), 2 * width, |index, sum| {
        let (at, end) = (index * length, gs.len().min((index + 1) * length));
        let (by_shift, by_gain) = sum.split_at_mut(width);
        simd(
            #[inline(always)]
            || {
                for (g, x) in gs[at..end].chunks(width).zip(values[at..end].chunks(width)) {
                    for (column, (g, x)) in g.iter().zip(x).enumerate() {
                        by_shift[column] = by_shift[column] + *g;
                        by_gain[column] =
                            by_gain[column] + *g * (*x - wide_mean[column]) * wide_inverse[column];
                    }
                }
            },
        );
    });
    let by_shift = gathered(sums[..width].to_vec(), n);
    let by_gain = gathered(sums[width..].to_vec(), n);
    // dx = factor (g - mean of g - unit x mean of g unit), the means taken where the moments are
    // x's own.
    let share = if own { T::of(1.0 / m.max(1) as f64) } else { T::of(0.0) };
    let factor: Vec<T> = inverse.iter().zip(gain.storage::<T>()).map(|(i, g)| *i * *g).collect();
    let less: Vec<T> = by_shift.iter().map(|sum| *sum * share).collect();
    let along: Vec<T> =
        by_gain.iter().zip(&inverse).map(|(sum, inverse)| *sum * share * *inverse).collect();
    let (factor, less, along) = (wide(&factor), wide(&less), wide(&along));
    // SAFETY: a piece is written from the parts of `x` and `g` that have its length, in rows as
    // long as the other slices.
    let dx = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let (x, g) =
                (&values[index * length..][..piece.len()], &gs[index * length..][..piece.len()]);
            simd(
                #[inline(always)]
                || {
                    for ((out, x), g) in
                        piece.chunks_mut(width).zip(x.chunks(width)).zip(g.chunks(width))
                    {
                        for (column, ((out, x), g)) in out.iter_mut().zip(x).zip(g).enumerate() {
                            let centred = *x - wide_mean[column];
                            out.write(
                                factor[column] * (*g - less[column] - centred * along[column]),
                            );
                        }
                    }
                },
            );
        })
    };
    (from_vec(dx, [m, n]), from_vec(by_gain, [1, n]), from_vec(by_shift, [1, n]))
}

/// Mean and inverse deviation of a row.
#[inline(always)]
fn row_moments<T: Real>(row: &[T]) -> (T, T) {
    let share = T::of(1.0 / row.len().max(1) as f64);
    let mean = lanes(
        row,
        #[inline(always)]
        |x| x,
    ) * share;
    let variance = lanes(
        row,
        #[inline(always)]
        |x| (x - mean) * (x - mean),
    ) * share;
    (mean, T::of(1.0) / T::sqrt(variance + T::of(EPSILON)))
}

/// `Σ f(x)` over a row, in as many partial sums as the widest register has numbers.
#[inline(always)]
fn lanes<T: Real>(row: &[T], f: impl Fn(T) -> T) -> T {
    let mut sums = [T::of(0.0); 16];
    let mut whole = row.chunks_exact(16);
    for x in &mut whole {
        for lane in 0..16 {
            sums[lane] = sums[lane] + f(x[lane]);
        }
    }
    let rest = whole.remainder().iter().fold(T::of(0.0), |sum, x| sum + f(*x));
    sums.iter().fold(rest, |sum, lane| sum + *lane)
}

fn row_norm<T: Real>(x: FlexTensor, gain: FlexTensor, shift: FlexTensor) -> FlexTensor {
    let (x, gain, shift) = (rows(x), rows(gain), rows(shift));
    let (m, n) = sides(&x);
    norm_sizes(n, &gain, &shift);
    let (values, gain, shift) = (x.storage::<T>(), gain.storage::<T>(), shift.storage::<T>());
    let length = rows_per_piece(n) * n;
    // SAFETY: each row of a piece is written from slices of its own length.
    let y = unsafe {
        filled(m * n, length, |index, piece: &mut [MaybeUninit<T>]| {
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (out, x) in piece.chunks_mut(n).zip(part.chunks(n)) {
                        let (mean, inverse) = row_moments(x);
                        for (((out, x), gain), shift) in out.iter_mut().zip(x).zip(gain).zip(shift)
                        {
                            out.write((*x - mean) * inverse * *gain + *shift);
                        }
                    }
                },
            );
        })
    };
    from_vec(y, [m, n])
}

fn row_norm_backward<T: Real>(x: FlexTensor, gain: FlexTensor, g: FlexTensor) -> Three {
    let (x, gain, g) = (rows(x), rows(gain), rows(g));
    let (m, n) = sides(&x);
    let (values, gs, gain) = (x.storage::<T>(), g.storage::<T>(), gain.storage::<T>());
    let length = rows_per_piece(n) * n;
    let sums = Pieces::<T>::new((m * n).div_ceil(length.max(1)), 2 * n);
    let share = T::of(1.0 / n.max(1) as f64);
    let mut dx = gs.to_vec();
    for_each_piece(&mut dx, length, |index, piece| {
        sums.with(index, |sum| {
            let (by_gain, by_shift) = sum.split_at_mut(n);
            let part = &values[index * length..][..piece.len()];
            simd(
                #[inline(always)]
                || {
                    for (d, x) in piece.chunks_mut(n).zip(part.chunks(n)) {
                        let (mean, inverse) = row_moments(x);
                        for column in 0..n {
                            let (g, unit) = (d[column], (x[column] - mean) * inverse);
                            by_gain[column] = by_gain[column] + g * unit;
                            by_shift[column] = by_shift[column] + g;
                            d[column] = g * gain[column];
                        }
                        let less = lanes(
                            d,
                            #[inline(always)]
                            |d| d,
                        ) * share;
                        let mut along = T::of(0.0);
                        for column in 0..n {
                            along = along + d[column] * (x[column] - mean);
                        }
                        let along = along * share * inverse * inverse;
                        for column in 0..n {
                            d[column] = (d[column] - less - (x[column] - mean) * along) * inverse;
                        }
                    }
                },
            );
        });
    });
    let total = sums.total();
    (
        from_vec(dx, [m, n]),
        from_vec(total[..n].to_vec(), [1, n]),
        from_vec(total[n..].to_vec(), [1, n]),
    )
}

fn column_squares<T: Real>(w: FlexTensor) -> FlexTensor {
    let w = rows(w);
    let (_, n) = sides(&w);
    from_vec(
        column_sums(
            w.storage::<T>(),
            n,
            #[inline(always)]
            |_, w| w * w,
        ),
        [1, n],
    )
}

/// A tensor of `m` rows that `fill(row number, row)` writes; pieces of rows go to all cores.
///
/// # Safety
/// `fill` must write every element of its row.
unsafe fn by_rows<T: Real>(
    m: usize,
    n: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> FlexTensor {
    let per = rows_per_piece(n);
    // SAFETY: the caller's promise, for each row of a piece.
    let values = unsafe {
        filled(m * n, per * n, |index, piece: &mut [MaybeUninit<T>]| {
            for (row, out) in piece.chunks_mut(n.max(1)).enumerate() {
                fill(index * per + row, out);
            }
        })
    };
    from_vec(values, [m, n])
}

fn column_squares_backward<T: Real>(w: FlexTensor, g: FlexTensor) -> FlexTensor {
    let (w, g) = (rows(w), rows(g));
    let (m, n) = sides(&w);
    assert_eq!(g.layout().num_elements(), n, "gradients of the squares of columns");
    let (values, doubled) =
        (w.storage::<T>(), g.storage::<T>().iter().map(|g| *g * T::of(2.0)).collect::<Vec<_>>());
    // SAFETY: a row is written from slices of its own length.
    unsafe {
        by_rows(m, n, |row, out| {
            let w = &values[row * n..][..n];
            simd(
                #[inline(always)]
                || {
                    for ((out, w), g) in out.iter_mut().zip(w).zip(&doubled) {
                        out.write(*w * *g);
                    }
                },
            );
        })
    }
}

/// The mean of each column, and that mean kept away from 0 and 1.
fn mean_activations<T: Real>(code: &[T], m: usize, n: usize) -> Vec<(f64, f64)> {
    let sums = column_sums(
        code,
        n,
        #[inline(always)]
        |_, x| x,
    );
    let mean = |sum: T| sum.as_f64() / m.max(1) as f64;
    sums.into_iter().map(|sum| (mean(sum), mean(sum).clamp(CLIPPED, 1.0 - CLIPPED))).collect()
}

fn sparsity<T: Real>(code: FlexTensor, rho: f64) -> FlexTensor {
    let code = rows(code);
    let (m, n) = sides(&code);
    let unit =
        |mean: f64| rho * (rho / mean).ln() + (1.0 - rho) * ((1.0 - rho) / (1.0 - mean)).ln();
    let means = mean_activations(code.storage::<T>(), m, n);
    from_vec(vec![T::of(means.into_iter().map(|(_, inside)| unit(inside)).sum())], [1, 1])
}

fn sparsity_backward<T: Real>(code: FlexTensor, g: FlexTensor, rho: f64) -> FlexTensor {
    let (code, g) = (rows(code), rows(g));
    let (m, n) = sides(&code);
    let share = g.storage::<T>()[0].as_f64() / m.max(1) as f64;
    let slope = |(mean, inside): (f64, f64)| {
        if mean == inside { (1.0 - rho) / (1.0 - inside) - rho / inside } else { 0.0 }
    };
    let means = mean_activations(code.storage::<T>(), m, n);
    let row: Vec<T> = means.into_iter().map(|mean| T::of(slope(mean) * share)).collect();
    // SAFETY: a row is written from a row of its own length.
    unsafe {
        by_rows(m, n, |_, out| {
            out.write_copy_of_slice(&row);
        })
    }
}

fn kl_normal<T: Real>(h: FlexTensor) -> FlexTensor {
    let h = rows(h);
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let values = h.storage::<T>();
    let per = rows_per_piece(width);
    let mut sum = summed::<T>(m.div_ceil(per), n, |index, sum| {
        let part = &values[index * per * width..values.len().min((index + 1) * per * width)];
        simd(
            #[inline(always)]
            || {
                for row in part.chunks_exact(width.max(1)) {
                    let (mean, log_variance) = row.split_at(n);
                    for ((sum, m), l) in sum.iter_mut().zip(mean).zip(log_variance) {
                        *sum = *sum + divergence(*m, *l);
                    }
                }
            },
        );
    });
    let share = T::of(1.0 / m.max(1) as f64);
    sum.iter_mut().for_each(|sum| *sum = *sum * share);
    from_vec(sum, [1, n])
}

fn kl_normal_backward<T: Real>(h: FlexTensor, g: FlexTensor) -> FlexTensor {
    let (h, g) = (rows(h), rows(g));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, share) = (h.storage::<T>(), T::of(1.0 / m.max(1) as f64));
    let g: Vec<T> = g.storage::<T>().iter().map(|g| *g * share).collect();
    // SAFETY: both halves of a row are written from slices of n elements.
    unsafe {
        by_rows(m, width, |row, out| {
            let (mean, log_variance) = values[row * width..][..width].split_at(n);
            let (by_mean, by_variance) = out.split_at_mut(n);
            simd(
                #[inline(always)]
                || {
                    for ((out, m), g) in by_mean.iter_mut().zip(mean).zip(&g) {
                        out.write(*m * *g);
                    }
                    for ((out, l), g) in by_variance.iter_mut().zip(log_variance).zip(&g) {
                        out.write(
                            T::of(0.5) * (T::exp(clipped(*l)) - T::of(1.0)) * *g * unclipped(*l),
                        );
                    }
                },
            );
        })
    }
}

fn draw_normal<T: Real>(h: FlexTensor, noise: FlexTensor) -> FlexTensor {
    let (h, noise) = (rows(h), rows(noise));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, noise) = (h.storage::<T>(), noise.storage::<T>());
    // SAFETY: a row is written from slices of its own length n.
    unsafe {
        by_rows(m, n, |row, out| {
            let (mean, log_variance) = values[row * width..][..width].split_at(n);
            let noise = &noise[row * n..][..n];
            simd(
                #[inline(always)]
                || {
                    for (((out, m), l), e) in out.iter_mut().zip(mean).zip(log_variance).zip(noise)
                    {
                        out.write(*m + T::exp(T::of(0.5) * clipped(*l)) * *e);
                    }
                },
            );
        })
    }
}

fn draw_normal_backward<T: Real>(h: FlexTensor, noise: FlexTensor, g: FlexTensor) -> FlexTensor {
    let (h, noise, g) = (rows(h), rows(noise), rows(g));
    let (m, width) = sides(&h);
    assert!(width.is_multiple_of(2), "a mean and a variance for each unit");
    let n = width / 2;
    let (values, noise, gs) = (h.storage::<T>(), noise.storage::<T>(), g.storage::<T>());
    // SAFETY: the first half of a row is copied from n elements, the second written from slices of
    // n elements.
    unsafe {
        by_rows(m, width, |row, out| {
            let (_, log_variance) = values[row * width..][..width].split_at(n);
            let (noise, g) = (&noise[row * n..][..n], &gs[row * n..][..n]);
            let (by_mean, by_variance) = out.split_at_mut(n);
            by_mean.write_copy_of_slice(g);
            simd(
                #[inline(always)]
                || {
                    for (((out, l), e), g) in
                        by_variance.iter_mut().zip(log_variance).zip(noise).zip(g)
                    {
                        let deviation = T::exp(T::of(0.5) * clipped(*l));
                        out.write(T::of(0.5) * *g * *e * deviation * unclipped(*l));
                    }
                },
            );
        })
    }
}

fn adam<T: Real>(
    p: FlexTensor,
    g: FlexTensor,
    m: FlexTensor,
    v: FlexTensor,
    step: AdamStep,
) -> Three {
    let (mut p, g, mut m, mut v) = (rows(p), rows(g), rows(m), rows(v));
    let numbers = step.numbers::<T>();
    {
        let (ps, gs) = (p.storage_mut::<T>(), g.storage::<T>());
        let moments = (m.storage_mut::<T>(), v.storage_mut::<T>());
        let piece = |p: &mut [T], g: &[T], m: &mut [T], v: &mut [T]| {
            simd(
                #[inline(always)]
                || AdamStep::piece(numbers, p, g, m, v),
            )
        };
        #[cfg(feature = "threads")]
        if ps.len() > 2 * PIECE && may_share() {
            use rayon::prelude::*;
            let parameters = ps.par_chunks_mut(PIECE).zip(gs.par_chunks(PIECE));
            let moments = moments.0.par_chunks_mut(PIECE).zip(moments.1.par_chunks_mut(PIECE));
            // Two pieces at least for each thread, or waking it costs more than it does.
            parameters.zip(moments).with_min_len(2).for_each(|((p, g), (m, v))| piece(p, g, m, v));
        } else {
            piece(ps, gs, moments.0, moments.1);
        }
        #[cfg(not(feature = "threads"))]
        piece(ps, gs, moments.0, moments.1);
    }
    (p, m, v)
}

fn sgd<T: Real>(p: FlexTensor, g: FlexTensor, velocity: FlexTensor, step: SgdStep) -> Two {
    let (mut p, g, mut velocity) = (rows(p), rows(g), rows(velocity));
    let numbers = [step.rate, step.momentum, 1.0 - step.rate * step.decay, step.scale].map(T::of);
    {
        let (ps, gs, vs) = (p.storage_mut::<T>(), g.storage::<T>(), velocity.storage_mut::<T>());
        let piece = |p: &mut [T], g: &[T], v: &mut [T]| {
            simd(
                #[inline(always)]
                || SgdStep::piece(numbers, p, g, v),
            )
        };
        #[cfg(feature = "threads")]
        if ps.len() > 2 * PIECE && may_share() {
            use rayon::prelude::*;
            let pieces =
                ps.par_chunks_mut(PIECE).zip(gs.par_chunks(PIECE)).zip(vs.par_chunks_mut(PIECE));
            pieces.with_min_len(2).for_each(|((p, g), v)| piece(p, g, v));
        } else {
            piece(ps, gs, vs);
        }
        #[cfg(not(feature = "threads"))]
        piece(ps, gs, vs);
    }
    (p, velocity)
}

/// The sum of squares, where the tensor lies on the CPU.
pub(crate) fn sum_squares(t: &Tensor<2>) -> Option<f64> {
    fn total<T: Real>(t: FlexTensor) -> f64 {
        let t = rows(t);
        let values = t.storage::<T>();
        let pieces = values.len().div_ceil(PIECE);
        let sums = summed::<f64>(pieces, 8, |index, sums| {
            let part = &values[index * PIECE..values.len().min((index + 1) * PIECE)];
            simd(
                #[inline(always)]
                || {
                    for eight in part.chunks(8) {
                        for (sum, value) in sums.iter_mut().zip(eight) {
                            let value = value.as_f64();
                            *sum += value * value;
                        }
                    }
                },
            );
        });
        sums.iter().sum()
    }
    let t = t.clone().try_into_primitive::<Flex>().ok()?;
    Some(typed!(t, total(t)))
}
