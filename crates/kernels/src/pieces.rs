//! What the hand-written bodies share: the two float types, run-time SIMD, and the cutting of work
//! into pieces.

use pulp::Simd as Registers;
use std::cell::{Cell, RefCell};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, Ordering};

/// Elements in a piece of work: 64 KB of f32 stay in the second-level cache of any processor of the
/// last ten years.
///
/// Pieces never depend on the number of threads, so that sums over pieces come out the same for any
/// number. Under Miri they are small, so that small shapes are cut too.
pub(crate) const PIECE: usize = if cfg!(miri) { 64 } else { 16 * 1024 };

/// The instruction sets between which loops choose at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Simd {
    /// What every processor of this kind has.
    Portable,
    /// AVX2 and fused multiply-add.
    Avx2,
    /// AVX-512.
    Avx512,
}

/// The widest set that loops may use; tests narrow it.
static WIDEST: AtomicU8 = AtomicU8::new(Simd::Avx512 as u8);

/// Keeps every loop and product of this process from wider instructions than these: only for tests,
/// which run each path.
///
/// Without fused multiplication and addition products go through another crate, which chooses for
/// itself.
#[doc(hidden)]
pub fn narrow_simd(widest: Simd) {
    WIDEST.store(widest as u8, Ordering::Relaxed);
}

#[cfg(target_arch = "x86_64")]
fn architecture() -> pulp::Arch {
    use pulp::x86::{V3, V4};
    let widest = WIDEST.load(Ordering::Relaxed);
    if widest == Simd::Portable as u8 {
        return pulp::Arch::Scalar;
    }
    let narrow = || V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3);
    if widest == Simd::Avx2 as u8 {
        narrow()
    } else {
        V4::try_new().map_or_else(narrow, pulp::Arch::V4)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn architecture() -> pulp::Arch {
    pulp::Arch::new()
}

/// Runs `work` with the widest SIMD instructions of this processor; loops inlined into it are
/// vectorised for them.
///
/// The closure must be `#[inline(always)]`: one that stays a function of its own is compiled for
/// the oldest processor. No loop lets the compiler contract or reorder sums, so that every width
/// gives the same bits.
#[inline(always)]
pub(crate) fn simd<R>(work: impl FnOnce() -> R) -> R {
    architecture().dispatch(work)
}

/// Runs an operation that is written in registers with the widest SIMD instructions of this
/// processor.
#[inline(always)]
pub(crate) fn vectorised<O: pulp::WithSimd>(operation: O) -> O::Output {
    architecture().dispatch(operation)
}

/// Whether this processor has instructions that [`vectorised`] is worth writing for: fused
/// multiplication and addition at least.
#[doc(hidden)]
pub fn native() -> bool {
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
        && !matches!(architecture(), pulp::Arch::Scalar)
}

/// Runs `work` as one of the threads that share the operations' work, where there are several.
///
/// From outside, each operation that is cut into pieces hands them over and sleeps until they are
/// done, which takes longer than a small operation itself. Long runs of operations belong in here;
/// on such a thread already, `work` just runs.
pub fn among_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "threads")]
    return rayon::scope(|_| work());
    #[cfg(not(feature = "threads"))]
    work()
}

/// Keeps other workers looking for work for a while after an operation that was cut into `parts`.
///
/// A worker that sleeps is not back within so short an operation as the encoding of a few rows,
/// which then takes as long as on one thread, call after call.
#[cfg(feature = "threads")]
fn stay_awake(parts: usize) {
    use std::sync::atomic::AtomicUsize;
    /// Some half a millisecond in all: enough to bridge what a program does between two operations.
    /// Short, because a worker may take up the looking while it waits for a part of other work,
    /// which then goes on only after it.
    const ROUNDS: usize = 128;
    const LOOKS: usize = 32;
    static LOOKING: AtomicUsize = AtomicUsize::new(0);
    struct Looked;
    impl Drop for Looked {
        fn drop(&mut self) {
            LOOKING.fetch_sub(1, Ordering::Relaxed);
        }
    }

    // Only within `among_workers`: a thread outside sleeps itself while an operation runs.
    let Some(here) = rayon::current_thread_index() else { return };
    let wanted = parts.min(workers()) - 1;
    while LOOKING.load(Ordering::Relaxed) < wanted {
        LOOKING.fetch_add(1, Ordering::Relaxed);
        let looked = Looked;
        rayon::spawn(move || {
            let _looked = looked;
            // This thread is awake anyway, and has its own work to go on with.
            if rayon::current_thread_index() == Some(here) {
                return;
            }
            for _ in 0..ROUNDS {
                // Threads outside may need this core; but asking the system takes longer than
                // looking.
                std::thread::yield_now();
                for _ in 0..LOOKS {
                    if rayon::yield_now() == Some(rayon::Yield::Executed) {
                        break;
                    }
                    std::hint::spin_loop();
                }
            }
        });
    }
}

thread_local! {
    /// Whether operations of this thread stay on it.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Whether operations may hand work to other threads.
pub(crate) fn may_share() -> bool {
    cfg!(feature = "threads") && !ALONE.get()
}

/// How many threads share the work of operations here.
pub fn workers() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// `work(0)` to `work(count - 1)` on all cores, in that order.
///
/// Operations within each stay on its thread: whole runs of them side by side waste less than each
/// cut in pieces. One alone is cut in pieces as ever.
pub fn side_by_side<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    #[cfg(feature = "threads")]
    if count > 1 && may_share() {
        use rayon::prelude::*;
        // Restored also where `work` panics: the thread goes on with other work.
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                ALONE.set(self.0);
            }
        }
        let alone = |index| {
            let _restore = Restore(ALONE.replace(true));
            work(index)
        };
        let results = (0..count).into_par_iter().with_max_len(1).map(alone).collect();
        stay_awake(count);
        return results;
    }
    (0..count).map(work).collect()
}

/// Calls `work(index, piece)` for each piece of `values`, on all cores where there are more than
/// two pieces.
///
/// `length` is the elements in a piece.
pub(crate) fn for_each_piece<T: Send>(
    values: &mut [T],
    length: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let length = length.max(1);
    #[cfg(feature = "threads")]
    if values.len() > 2 * length && may_share() {
        use rayon::prelude::*;
        let pieces = values.len().div_ceil(length);
        values.par_chunks_mut(length).enumerate().for_each(|(index, piece)| work(index, piece));
        stay_awake(pieces);
        return;
    }
    values.chunks_mut(length).enumerate().for_each(|(index, piece)| work(index, piece));
}

/// A vector of `length` elements that `fill` writes piece by piece, on all cores where there are
/// more than two pieces.
///
/// # Safety
/// `fill` must write every element of the piece it gets.
pub(crate) unsafe fn filled<T: Real>(
    length: usize,
    piece: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let mut values = Vec::with_capacity(length);
    for_each_piece(&mut values.spare_capacity_mut()[..length], piece, fill);
    // SAFETY: the capacity is at least `length`, and the pieces, each written in full, cover it.
    unsafe { values.set_len(length) };
    values
}

/// The sum over pieces of what `part(index, sum)` adds to a row of `width` zeros; `count` is the
/// number of pieces.
///
/// Added in the order of the pieces, so that the number of threads never changes a bit.
pub(crate) fn summed<T: Real>(
    count: usize,
    width: usize,
    part: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let mut total = vec![T::of(0.0); width];
    if count <= 2 || !may_share() {
        // Each piece in a sum of its own all the same: the same bits on either path.
        let mut sum = total.clone();
        for index in 0..count {
            sum.fill(T::of(0.0));
            part(index, &mut sum);
            add(&mut total, &sum);
        }
        return total;
    }
    let mut sums = vec![T::of(0.0); count * width];
    for_each_piece(&mut sums, width, |index, sum| part(index, sum));
    for sum in sums.chunks_exact(width.max(1)) {
        add(&mut total, sum);
    }
    total
}

/// Adds one row to another.
pub(crate) fn add<T: Real>(total: &mut [T], row: &[T]) {
    simd(
        #[inline(always)]
        || {
            for (total, value) in total.iter_mut().zip(row) {
                *total = *total + *value;
            }
        },
    );
}

/// As many rows of this width as make a piece.
pub(crate) fn rows_per_piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1)
}

/// How often a row of this width is repeated so that loops over it are long enough to vectorise.
pub(crate) fn repeats(width: usize) -> usize {
    const LONG: usize = 64;
    if width == 0 || width >= LONG { 1 } else { LONG / width }
}

thread_local! {
    /// Memory that a thread uses again from call to call, one piece for each depth of work within
    /// work; none is larger than the largest piece of work.
    static SCRATCH: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `length` elements of this thread's memory, with whatever they held before.
pub(crate) fn with_scratch<T: Real, R>(length: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    // Taken, not borrowed: work within work takes the next one.
    let mut memory = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    let words = (length * size_of::<T>()).div_ceil(size_of::<f64>());
    if memory.len() < words {
        memory.resize(words, 0.0);
    }
    let result = work(&mut bytemuck::cast_slice_mut(&mut memory[..words])[..length]);
    SCRATCH.with_borrow_mut(|all| all.push(memory));
    result
}

/// f32 or f64, with the functions the activations need.
///
/// The f32 versions are branch-free polynomials, so that loops over them vectorise; the f64
/// versions serve gradient checks and take the standard library's.
pub(crate) trait Real:
    burn_tensor::Element
    + bytemuck::Pod
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    /// A register full of them.
    type Lanes<S: Registers>: bytemuck::Pod;
    fn splat<S: Registers>(simd: S, value: Self) -> Self::Lanes<S>;
    /// `a b + c`, rounded once.
    fn mul_add<S: Registers>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        c: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    /// Which numbers of a register.
    type Mask<S: Registers>: Copy;
    /// The first `count` of them, at most all.
    fn first<S: Registers>(simd: S, count: usize) -> Self::Mask<S>;
    /// Those of the mask from memory, zeros elsewhere.
    ///
    /// # Safety
    /// `from` must point to as many numbers as the mask has.
    unsafe fn load<S: Registers>(simd: S, mask: Self::Mask<S>, from: *const Self)
    -> Self::Lanes<S>;
    /// # Safety
    /// `to` must point to room for as many numbers as the mask has.
    unsafe fn store<S: Registers>(
        simd: S,
        mask: Self::Mask<S>,
        to: *mut Self,
        value: Self::Lanes<S>,
    );
    fn of(value: f64) -> Self;
    fn as_f64(self) -> f64;
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn select(condition: bool, yes: Self, no: Self) -> Self;
    fn exp(self) -> Self;
    /// `exp(self) - 1` for arguments at most zero.
    fn exp_m1(self) -> Self;
    /// `ln(1 + self)` for arguments from zero to one.
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    /// The distribution function of the standard normal.
    fn normal_cdf(self) -> Self;
    /// The density of the standard normal.
    fn normal_density(self) -> Self;
}

impl Real for f64 {
    type Lanes<S: Registers> = S::f64s;
    #[inline(always)]
    fn splat<S: Registers>(simd: S, value: Self) -> S::f64s {
        simd.splat_f64s(value)
    }
    #[inline(always)]
    fn mul_add<S: Registers>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_f64s(a, b, c)
    }
    type Mask<S: Registers> = pulp::MemMask<S::m64s>;
    #[inline(always)]
    fn first<S: Registers>(simd: S, count: usize) -> Self::Mask<S> {
        const COUNTED: [u64; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
        const { assert!(size_of::<S::u64s>() <= size_of::<[u64; 8]>()) };
        // SAFETY: no register is wider than the array.
        let counted = unsafe { COUNTED.as_ptr().cast::<S::u64s>().read_unaligned() };
        simd.less_than_u64s(counted, simd.splat_u64s(count as u64)).into()
    }
    #[inline(always)]
    unsafe fn load<S: Registers>(simd: S, mask: Self::Mask<S>, from: *const f64) -> S::f64s {
        // SAFETY: the caller's promise.
        unsafe { simd.mask_load_ptr_f64s(mask, from) }
    }
    #[inline(always)]
    unsafe fn store<S: Registers>(simd: S, mask: Self::Mask<S>, to: *mut f64, value: S::f64s) {
        // SAFETY: the caller's promise.
        unsafe { simd.mask_store_ptr_f64s(mask, to, value) }
    }
    fn of(value: f64) -> Self {
        value
    }
    fn as_f64(self) -> f64 {
        self
    }
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        f64::total_cmp(self, other)
    }
    fn max(self, other: Self) -> Self {
        // As in single precision: NaN comes through.
        if self < other { other } else { self }
    }
    fn min(self, other: Self) -> Self {
        if self > other { other } else { self }
    }
    fn abs(self) -> Self {
        f64::abs(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn normal_cdf(self) -> Self {
        0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }
    fn normal_density(self) -> Self {
        (-0.5 * self * self).exp() * 0.398_942_280_401_432_7
    }
}

impl Real for f32 {
    type Lanes<S: Registers> = S::f32s;
    #[inline(always)]
    fn splat<S: Registers>(simd: S, value: Self) -> S::f32s {
        simd.splat_f32s(value)
    }
    #[inline(always)]
    fn mul_add<S: Registers>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_f32s(a, b, c)
    }
    type Mask<S: Registers> = pulp::MemMask<S::m32s>;
    #[inline(always)]
    fn first<S: Registers>(simd: S, count: usize) -> Self::Mask<S> {
        const COUNTED: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        const { assert!(size_of::<S::u32s>() <= size_of::<[u32; 16]>()) };
        // SAFETY: no register is wider than the array.
        let counted = unsafe { COUNTED.as_ptr().cast::<S::u32s>().read_unaligned() };
        simd.less_than_u32s(counted, simd.splat_u32s(count as u32)).into()
    }
    #[inline(always)]
    unsafe fn load<S: Registers>(simd: S, mask: Self::Mask<S>, from: *const f32) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe { simd.mask_load_ptr_f32s(mask, from) }
    }
    #[inline(always)]
    unsafe fn store<S: Registers>(simd: S, mask: Self::Mask<S>, to: *mut f32, value: S::f32s) {
        // SAFETY: the caller's promise.
        unsafe { simd.mask_store_ptr_f32s(mask, to, value) }
    }
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn as_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        f32::total_cmp(self, other)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // NaN in `self` must come through: a rectifier that swallows it would hide a diverged
        // training.
        if self < other { other } else { self }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self > other { other } else { self }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        // Two roundings of the exponent's scale, so that results below the smallest normal number
        // still come out.
        let (r, n) = reduce(Real::min(Real::max(self, -103.0), 88.8));
        let p = exp_polynomial(r);
        let half = round(n * 0.5);
        (1.0 + (r + r * r * p)) * power_of_two(half) * power_of_two(n - half)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        let (r, n) = reduce(Real::max(self, -40.0));
        let p = exp_polynomial(r);
        let scale = power_of_two(n);
        // scale * (1 + q) - 1 with q = r + r²p: exact where scale is one, and no cancellation
        // elsewhere.
        (r + r * r * p) * scale + (scale - 1.0)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        // ln(1 + u) = 2 artanh(s) with s = u / (2 + u) in [0, 1/3]; the odd series converges fast
        // there.
        let s = self / (2.0 + self);
        let q = s * s;
        let series = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0];
        let p = series.iter().fold(1.0f32 / 15.0, |p, c| p * q + c);
        2.0 * s + 2.0 * s * q * p
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        // tanh|z| = -m / (2 + m) with m = exp(-2|z|) - 1: keeps its relative accuracy down to zero.
        let m = Real::exp_m1(-2.0 * self.abs());
        (-m / (2.0 + m)).copysign(self)
    }
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        // The tail Φ(-u) = exp(-u²/2) t P(t) with t = 1 / (1 + 0.3 u); golden/fit_normal.py fits P.
        const P: [f32; 10] = [
            0.119_687_35,
            0.119_558_34,
            0.110_351_936,
            0.077_827_446,
            0.097_828_75,
            -0.082_609_887,
            0.195_687_48,
            -0.231_184_85,
            0.113_714_8,
            -0.020_861_368,
        ];
        let u = Real::min(self.abs(), 14.5);
        let t = 1.0 / (1.0 + 0.3 * u);
        let p = P.iter().rev().fold(0.0f32, |p, c| p * t + c);
        // The square in two parts: the first twelve bits of u square exactly, or the tail would
        // lose digits.
        let high = f32::from_bits(u.to_bits() & 0xffff_f000);
        let tail =
            Real::exp(-0.5 * high * high) * Real::exp(-0.5 * (u - high) * (u + high)) * (t * p);
        let cdf = if self > 0.0 { 1.0 - tail } else { tail };
        if self.is_nan() { self } else { cdf }
    }
    #[inline(always)]
    fn normal_density(self) -> Self {
        Real::exp(-0.5 * self * self) * 0.398_942_3
    }
}

/// `(r, n)` with `x = r + n ln 2` and `|r|` at most half of `ln 2`; `n` is whole.
#[inline(always)]
fn reduce(x: f32) -> (f32, f32) {
    let n = round(x * std::f32::consts::LOG2_E);
    // ln 2 in two parts: the first has few enough bits that its product with n is exact.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    (r, n)
}

/// The nearest whole number, for numbers far below 2^22.
#[inline(always)]
fn round(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds without a function call.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND) - ROUND
}

/// `(exp(r) - 1 - r) / r²` for `|r|` at most half of `ln 2`: the Taylor series, whose remainder is
/// below 3e-9 there.
#[inline(always)]
fn exp_polynomial(r: f32) -> f32 {
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0];
    series.iter().fold(1.0f32 / 40320.0, |p, c| p * r + c)
}

/// Two to the power of a whole number between -126 and 127.
#[inline(always)]
fn power_of_two(n: f32) -> f32 {
    f32::from_bits(((n as i32 + 127) << 23) as u32)
}
