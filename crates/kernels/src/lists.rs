//! The largest numbers of a list.
//!
//! Numbers are in total order (IEEE 754, 5.10), so that each is somewhere: NaN is above infinity
//! and 0 above -0. Of equal numbers the first is the largest.

use crate::pieces::{Real, with_scratch};

/// The least of the `k` largest numbers of a list, and its place there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Least<T> {
    value: T,
    place: usize,
}

impl<T: Real> Least<T> {
    /// Of all numbers where the list has no more than `k`; none where there is no number at all.
    pub(crate) fn of(values: &[T], k: usize) -> Option<Self> {
        let last = k.min(values.len()).checked_sub(1)?;
        with_scratch(values.len(), |order: &mut [T]| {
            order.copy_from_slice(values);
            let (before, value, _) = order.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
            let value = *value;
            let equal = before.iter().filter(|x| x.total_cmp(&value).is_eq()).count();
            let mut equals = (0..).zip(values).filter(|(_, x)| x.total_cmp(&value).is_eq());
            equals.nth(equal).map(|(place, _)| Self { value, place })
        })
    }

    /// Whether a number of that list, at its place, is one of the `k` largest.
    #[inline(always)]
    pub(crate) fn is_reached_by(self, value: T, place: usize) -> bool {
        value.total_cmp(&self.value).then(self.place.cmp(&place)).is_ge()
    }
}
