//! Matrix products.
//!
//! Every number of a product is one chain of fused multiplications and additions over the inner
//! size, from the first to the last, whatever the sizes, the instructions and the threads are: a
//! row of the result does not depend on the rows beside it. Only on processors without such
//! instructions ([`native`]) another crate multiplies, and rounds as its sizes have it.

use crate::pieces::{Real, may_share, native, side_by_side, vectorised, with_scratch, workers};
use pulp::Simd;
use std::ops::Range;

/// Columns that lie together in a rearranged matrix: four of the narrowest registers, two of the
/// widest.
pub(crate) const PANEL: usize = 32;
/// Inner rows that are gone through before the next columns: 128 KB of a panel of f32 stay in the
/// second-level cache.
const DEPTH: usize = 1024;
/// Rows of the left matrix that meet one panel after the other, so that they stay in that cache
/// too.
const BLOCK: usize = 48;
/// Rows of a tile where those that are left are too few for a tall one.
const SHORT: usize = 4;
/// Columns that are rearranged at a time.
const GROUP: usize = 4 * PANEL;
/// Fewer rows read the right matrix as it lies: rearranging it would take longer than it saves.
const MANY_ROWS: usize = 32;
/// So does any number of rows a right matrix of so few numbers: all of it stays in the first-level
/// cache.
const SMALL: usize = 4096;
/// Products below this many multiplications stay on one thread: waking a second one costs more than
/// it saves.
const PARALLEL: usize = 64 * 64 * 64;
/// So few rows wait for memory, not for the processor: they are shared between threads earlier.
const FEW_ROWS: usize = 4;
/// Multiplications of so few rows that are worth a second thread.
const PARALLEL_FEW: usize = 64 * 1024;

/// A matrix in memory: its first number, and the steps to the next row and column.
#[derive(Clone, Copy)]
pub(crate) struct Strided<T> {
    pub(crate) start: *const T,
    pub(crate) row: isize,
    pub(crate) column: isize,
}

impl<T> Strided<T> {
    /// The rows of a slice.
    pub(crate) fn rows(values: &[T], width: usize) -> Self {
        Self { start: values.as_ptr(), row: width as isize, column: 1 }
    }

    pub(crate) fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> *const T {
        self.start.wrapping_offset(row as isize * self.row + column as isize * self.column)
    }
}

/// The right matrix of a product: as it lies, or in panels of [`PANEL`] columns with zeros behind
/// the last.
#[derive(Clone, Copy)]
pub(crate) struct Right<T> {
    matrix: Strided<T>,
    /// From one panel to the next; none where the columns lie evenly.
    panel: Option<usize>,
}

impl<T> From<Strided<T>> for Right<T> {
    fn from(matrix: Strided<T>) -> Self {
        Self { matrix, panel: None }
    }
}

impl<T: Real> Right<T> {
    /// Panels that [`rearrange`] wrote, of a matrix of `k` rows.
    pub(crate) fn panels(values: &[T], k: usize) -> Self {
        Self { matrix: Strided::rows(values, PANEL), panel: Some(k * PANEL) }
    }

    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> *const T {
        match self.panel {
            Some(panel) => self.matrix.at(row, column % PANEL).wrapping_add(column / PANEL * panel),
            None => self.matrix.at(row, column),
        }
    }

    /// The same from a row and a column on; in panels only from a panel's first column.
    #[inline(always)]
    fn from(self, row: usize, column: usize) -> Self {
        Self { matrix: Strided { start: self.at(row, column), ..self.matrix }, ..self }
    }
}

/// Numbers that the panels of a matrix [k, n] hold.
pub(crate) fn panel_numbers(k: usize, n: usize) -> usize {
    k * n.next_multiple_of(PANEL)
}

/// Writes a matrix [k, n] panel after panel, in each row after row.
///
/// # Safety
/// The matrix must describe that many numbers of memory; `panels` holds [`panel_numbers`].
unsafe fn rearrange<T: Real>(panels: &mut [T], [k, n]: [usize; 2], matrix: Strided<T>) {
    for (index, panel) in panels.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
        let first = index * PANEL;
        let columns = PANEL.min(n - first);
        if columns < PANEL {
            panel.fill(T::of(0.0));
        }
        if matrix.column == 1 {
            for (row, target) in panel.chunks_exact_mut(PANEL).enumerate() {
                // SAFETY: the caller's promise.
                let source = unsafe { std::slice::from_raw_parts(matrix.at(row, first), columns) };
                target[..columns].copy_from_slice(source);
            }
            continue;
        }
        // Some rows at a time, so that what is read and what is written both stay in the
        // first-level cache.
        const ROWS: usize = 16;
        for from in (0..k).step_by(ROWS) {
            for column in 0..columns {
                for row in from..k.min(from + ROWS) {
                    // SAFETY: the caller's promise.
                    panel[row * PANEL + column] = unsafe { *matrix.at(row, first + column) };
                }
            }
        }
    }
}

/// A matrix rearranged for many products.
pub(crate) struct Arranged<T> {
    pub(crate) panels: Vec<T>,
    rows: usize,
}

impl<T: Real> Arranged<T> {
    /// # Safety
    /// As for [`rearrange`].
    pub(crate) unsafe fn new(matrix: Strided<T>, sizes: [usize; 2]) -> Self {
        let [rows, columns] = sizes;
        let mut panels = vec![T::of(0.0); panel_numbers(rows, columns)];
        // SAFETY: the caller's promise.
        unsafe { rearrange(&mut panels, sizes, matrix) };
        Self { panels, rows }
    }

    pub(crate) fn right(&self) -> Right<T> {
        Right::panels(&self.panels, self.rows)
    }
}

/// A product [m, n] of [m, k] and [k, n] into rows that are `stride` numbers apart; with `add` onto
/// what they hold.
#[derive(Clone, Copy)]
struct Product<T> {
    out: *mut T,
    stride: usize,
    sizes: [usize; 3],
    a: Strided<T>,
    b: Right<T>,
    add: bool,
}

// SAFETY: views of matrices; whoever shares them promises that no two threads write the same number
// and none reads what one writes.
unsafe impl<T> Sync for Product<T> {}

/// `out = a b`, or with `add` `out += a b`, for a [m, k] and b [k, n] on this thread; `out` has
/// rows `stride` numbers apart.
///
/// # Safety
/// The three must describe that many numbers of memory that may be read, and for `out` written.
pub(crate) unsafe fn multiply<T: Real>(
    out: *mut T,
    stride: usize,
    sizes: [usize; 3],
    a: Strided<T>,
    b: impl Into<Right<T>>,
    add: bool,
) {
    let product = Product { out, stride, sizes, a, b: b.into(), add };
    // SAFETY: the caller's promise.
    unsafe { product.compute() };
}

/// `a b` row after row, on all cores; `finish(column, numbers)` gets all of it in parts, each whole
/// rows (from column 0) or the part of one row from `column` on.
///
/// # Safety
/// `a` and `b` must describe that many numbers of memory.
pub(crate) unsafe fn multiplied<T: Real>(
    sizes: [usize; 3],
    a: Strided<T>,
    b: impl Into<Right<T>>,
    finish: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let [m, k, n] = sizes;
    let numbers = m.checked_mul(n).expect("numbers of a product");
    if numbers == 0 || k == 0 {
        let mut zeros = vec![T::of(0.0); numbers];
        if numbers > 0 {
            finish(0, &mut zeros);
        }
        return zeros;
    }
    let mut out = Vec::with_capacity(numbers);
    let product = &Product { out: out.as_mut_ptr(), stride: n, sizes, a, b: b.into(), add: false };
    let [rows, columns] = product.parts();
    let across = n.div_ceil(columns);
    side_by_side(m.div_ceil(rows) * across, |part| {
        let (row, column) = (part / across * rows, part % across * columns);
        let part = product.part(row, column, [rows.min(m - row), columns.min(n - column)]);
        // Some rows at a time, so that what is finished still lies in the cache; not where each
        // would rearrange the right side again.
        let each = if product.b.panel.is_some() { BLOCK } else { rows };
        for row in (0..part.sizes[0]).step_by(each) {
            let part = part.part(row, 0, [each.min(part.sizes[0] - row), part.sizes[2]]);
            // SAFETY: the caller's promise; `out` has room for all numbers, and no two parts share
            // one.
            unsafe {
                part.compute();
                let [rows, _, columns] = part.sizes;
                if columns == n {
                    finish(0, std::slice::from_raw_parts_mut(part.out, rows * n));
                    continue;
                }
                for row in 0..rows {
                    let out = part.out.add(row * n);
                    finish(column, std::slice::from_raw_parts_mut(out, columns));
                }
            }
        }
    });
    // SAFETY: the parts together wrote all numbers.
    unsafe { out.set_len(numbers) };
    out
}

impl<T: Real> Product<T> {
    /// Rows and columns of the parts that go to the threads.
    fn parts(&self) -> [usize; 2] {
        let [m, k, n] = self.sizes;
        let (work, least) = (
            m.saturating_mul(n).saturating_mul(k),
            if m <= FEW_ROWS { PARALLEL_FEW / 2 } else { PARALLEL / 2 },
        );
        if work < 2 * least || !may_share() {
            return [m, n];
        }
        let count = (work / least).min(if m <= FEW_ROWS { 1 } else { 8 } * workers());
        // Columns first: each part rearranges its own. Few columns are rearranged by each of their
        // row parts again, which many rows pay for.
        let by_rows_alone = self.b.panel.is_some() && m >= count * BLOCK;
        let by_columns = if by_rows_alone { 1 } else { count.min(n.div_ceil(PANEL)) };
        let columns = n.div_ceil(PANEL).div_ceil(by_columns) * PANEL;
        let rows = m.div_ceil(count.div_ceil(n.div_ceil(columns))).next_multiple_of(BLOCK);
        [rows, columns]
    }

    /// The part from a row and a column on.
    fn part(&self, row: usize, column: usize, [rows, columns]: [usize; 2]) -> Self {
        Self {
            out: self.out.wrapping_add(row * self.stride + column),
            sizes: [rows, self.sizes[1], columns],
            a: Strided { start: self.a.at(row, 0), ..self.a },
            b: self.b.from(0, column),
            ..*self
        }
    }

    /// The part of the inner size from `from` on.
    fn inner(&self, from: usize, count: usize) -> Self {
        let [m, _, n] = self.sizes;
        Self {
            sizes: [m, count, n],
            a: Strided { start: self.a.at(0, from), ..self.a },
            b: self.b.from(from, 0),
            add: self.add || from > 0,
            ..*self
        }
    }

    /// # Safety
    /// The parts must describe that many numbers of memory that may be read, and for `out` written.
    unsafe fn compute(self) {
        let [m, k, n] = self.sizes;
        if k == 0 && !self.add {
            // SAFETY: the caller's promise.
            (0..m * n).for_each(|at| unsafe {
                *self.out.wrapping_add(at / n * self.stride + at % n) = T::of(0.0)
            });
        }
        if !native() {
            // SAFETY: the caller's promise.
            return unsafe { self.elsewhere() };
        }
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            let product = self.inner(from, depth);
            let lies = self.b.matrix.column == 1 && (m < MANY_ROWS || k * n <= SMALL);
            if self.b.panel.is_some() || lies {
                // What makes reading and writing sound is the caller's promise: `vectorised` has no
                // words for it.
                vectorised(product);
                continue;
            }
            if m < MANY_ROWS && m < n {
                // SAFETY: the caller's promise.
                unsafe { product.turned() };
                continue;
            }
            for column in (0..n).step_by(GROUP) {
                let columns = GROUP.min(n - column);
                let part = product.part(0, column, [m, columns]);
                with_scratch(panel_numbers(depth, columns), |panels: &mut [T]| {
                    // SAFETY: the caller's promise.
                    unsafe { rearrange(panels, [depth, columns], part.b.matrix) };
                    vectorised(Self { b: Right::panels(panels, depth), ..part });
                });
            }
        }
    }

    /// The product as the transpose of `bᵀ aᵀ`: where the right matrix lies in columns and the left
    /// one has few rows, it is the left one that takes less time to rearrange. The same sums in the
    /// same order.
    ///
    /// # Safety
    /// As for [`Product::compute`].
    unsafe fn turned(self) {
        let [m, k, n] = self.sizes;
        with_scratch(panel_numbers(k, m) + n * m, |scratch: &mut [T]| {
            let (panels, turned) = scratch.split_at_mut(panel_numbers(k, m));
            // SAFETY: the caller's promise; `turned` holds n x m numbers.
            unsafe {
                rearrange(panels, [k, m], self.a.transposed());
                let place =
                    |row: usize, column: usize| self.out.wrapping_add(row * self.stride + column);
                if self.add {
                    (0..n * m).for_each(|at| turned[at] = *place(at % m, at / m));
                }
                let (a, b) = (self.b.matrix.transposed(), Right::panels(panels, k));
                vectorised(Self {
                    out: turned.as_mut_ptr(),
                    stride: m,
                    sizes: [n, k, m],
                    a,
                    b,
                    add: self.add,
                });
                for row in 0..m {
                    (0..n).for_each(|column| *place(row, column) = turned[column * m + row]);
                }
            }
        });
    }

    /// The product by the crate that knows processors other than those of [`native`].
    ///
    /// In blocks of one size: how it rounds depends on the sizes, which must not depend on the
    /// number of threads.
    ///
    /// # Safety
    /// As for [`Product::compute`].
    unsafe fn elsewhere(self) {
        let [m, k, n] = self.sizes;
        for (row, column) in (0..m)
            .step_by(BLOCK)
            .flat_map(|row| (0..n).step_by(PANEL).map(move |column| (row, column)))
        {
            let part = self.part(row, column, [BLOCK.min(m - row), PANEL.min(n - column)]);
            let (a, b) = (part.a, part.b.matrix);
            // SAFETY: the caller's promise.
            unsafe {
                gemm::gemm(
                    part.sizes[0],
                    part.sizes[2],
                    k,
                    part.out,
                    1,
                    part.stride as isize,
                    part.add,
                    a.start,
                    a.column,
                    a.row,
                    b.start,
                    b.column,
                    b.row,
                    if part.add { T::of(1.0) } else { T::of(0.0) },
                    T::of(1.0),
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        }
    }

    /// `R` rows from `row` on, as many as there are (the last one stands in for those that are
    /// not), times `V` registers of columns from `column` on: as many columns as there are, or all
    /// where they are `WHOLE`.
    ///
    /// # Safety
    /// As for [`Product::compute`].
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const V: usize, const WHOLE: bool>(
        &self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let lanes = lanes::<T, S>();
        let [m, k, n] = self.sizes;
        let mut left = [self.a.start; R];
        let mut outs = [self.out; R];
        for r in 0..R {
            // Tall tiles are never cut short.
            let row = if R > SHORT { row + r } else { (row + r).min(m - 1) };
            left[r] = self.a.at(row, 0);
            outs[r] = self.out.wrapping_add(row * self.stride + column);
        }
        let mut right = [self.b.matrix.start; V];
        let mut masks = [T::first(simd, lanes); V];
        for v in 0..V {
            right[v] = self.b.at(0, column + v * lanes);
            masks[v] = T::first(simd, (n - column).saturating_sub(v * lanes).min(lanes));
        }
        let mut sums = [[T::splat(simd, T::of(0.0)); V]; R];
        // SAFETY: the caller's promise: rows are at most the last, columns at most those of the
        // masks.
        unsafe {
            if self.add {
                for r in 0..R {
                    for v in 0..V {
                        sums[r][v] =
                            read::<T, S, WHOLE>(simd, masks[v], outs[r].wrapping_add(v * lanes));
                    }
                }
            }
            for inner in 0..k {
                let mut weights = [sums[0][0]; V];
                for v in 0..V {
                    weights[v] = read::<T, S, WHOLE>(
                        simd,
                        masks[v],
                        right[v].wrapping_offset(inner as isize * self.b.matrix.row),
                    );
                }
                for r in 0..R {
                    let x =
                        T::splat(simd, *left[r].wrapping_offset(inner as isize * self.a.column));
                    for v in 0..V {
                        sums[r][v] = T::mul_add(simd, x, weights[v], sums[r][v]);
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let out = outs[r].wrapping_add(v * lanes);
                    if WHOLE {
                        out.cast::<T::Lanes<S>>().write_unaligned(sums[r][v]);
                    } else {
                        T::store(simd, masks[v], out, sums[r][v]);
                    }
                }
            }
        }
    }

    /// Some rows times `V` registers of columns: `TALL` rows at a time, then fewer.
    ///
    /// # Safety
    /// As for [`Product::tile`].
    #[inline(always)]
    unsafe fn strip<S: Simd, const TALL: usize, const V: usize, const WHOLE: bool>(
        &self,
        simd: S,
        rows: Range<usize>,
        column: usize,
    ) {
        // A short tile that ends beyond its rows must end beyond all rows: only the last block may
        // be cut short.
        const { assert!(BLOCK.is_multiple_of(TALL) && BLOCK.is_multiple_of(SHORT)) };
        let mut row = rows.start;
        while row < rows.end {
            // SAFETY: the caller's promise.
            unsafe {
                if row + TALL <= rows.end {
                    self.tile::<S, TALL, V, WHOLE>(simd, row, column);
                    row += TALL;
                } else {
                    self.tile::<S, SHORT, V, WHOLE>(simd, row, column);
                    row += SHORT;
                }
            }
        }
    }

    #[inline(always)]
    fn run<S: Simd, const TALL: usize>(&self, simd: S) {
        let lanes = lanes::<T, S>();
        let [m, _, n] = self.sizes;
        // SAFETY: whoever made the product promised it; tiles lie within its sizes.
        unsafe {
            if m == 1 {
                // One row has one sum in a register: many columns at a time hide the time that each
                // addition takes.
                let mut column = 0;
                while column < n {
                    let registers = match (n - column) / lanes {
                        8.. => {
                            self.tile::<S, 1, 8, true>(simd, 0, column);
                            8
                        }
                        2.. => {
                            self.tile::<S, 1, 2, true>(simd, 0, column);
                            2
                        }
                        _ => {
                            self.tile::<S, 1, 1, false>(simd, 0, column);
                            1
                        }
                    };
                    column += registers * lanes;
                }
                return;
            }
            for first in (0..m).step_by(BLOCK) {
                let rows = first..m.min(first + BLOCK);
                for column in (0..n).step_by(2 * lanes) {
                    let rows = rows.clone();
                    match n - column {
                        left if left >= 2 * lanes => {
                            self.strip::<S, TALL, 2, true>(simd, rows, column)
                        }
                        left if left > lanes => self.strip::<S, TALL, 2, false>(simd, rows, column),
                        left if left == lanes => self.strip::<S, TALL, 1, true>(simd, rows, column),
                        _ => self.strip::<S, TALL, 1, false>(simd, rows, column),
                    }
                }
            }
        }
    }
}

/// Numbers in a register.
#[inline(always)]
fn lanes<T: Real, S: Simd>() -> usize {
    size_of::<T::Lanes<S>>() / size_of::<T>()
}

/// A register from memory, all of it or that of the mask.
///
/// # Safety
/// So many numbers must lie there.
#[inline(always)]
unsafe fn read<T: Real, S: Simd, const WHOLE: bool>(
    simd: S,
    mask: T::Mask<S>,
    from: *const T,
) -> T::Lanes<S> {
    // SAFETY: the caller's promise; the read needs no alignment.
    unsafe {
        if WHOLE { from.cast::<T::Lanes<S>>().read_unaligned() } else { T::load(simd, mask, from) }
    }
}

impl<T: Real> pulp::WithSimd for Product<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Two registers of columns and one of the left side beside the sums.
        if S::REGISTER_COUNT >= 32 { self.run::<S, 12>(simd) } else { self.run::<S, 6>(simd) }
    }
}
