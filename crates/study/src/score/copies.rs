//! Held-out rows that tell nothing about fresh ones, because a copy of them trained.

use crate::score::reference::often;
use std::collections::BTreeMap;

/// Those of the `held_out` rows, in their order, of which no copy is among the rows that train, by the
/// hashes of all ([`Dataset::hashes`](rows::Dataset::hashes)).
///
/// A model knows a copy better than it will know any fresh row, so that thresholds set by copies
/// would raise too many alarms. All are kept where more than half are copies, for then fresh rows
/// will be copies too; fewer make alarms at most half as frequent as promised if they will. A
/// frequent row is no copy, as for [`Reference`](crate::Reference).
pub(crate) fn without_copies(hashes: &[u64], train: &[usize], held_out: &[usize]) -> Vec<usize> {
    let mut copies: BTreeMap<u64, usize> = held_out.iter().map(|row| (hashes[*row], 0)).collect();
    for row in train {
        copies.entry(hashes[*row]).and_modify(|count| *count += 1);
    }
    let often = often(train.len());
    let is_fresh = |row: &&usize| {
        let count = copies[&hashes[**row]];
        count == 0 || count > often
    };
    let fresh: Vec<usize> = held_out.iter().filter(is_fresh).copied().collect();
    if 2 * fresh.len() < held_out.len() { held_out.to_vec() } else { fresh }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_out_row_with_a_copy_among_the_others_is_left_out() {
        let hashes: Vec<u64> = (0..100).map(|row| row % 95).collect();
        let train: Vec<usize> = (10..100).collect();
        let held_out: Vec<usize> = (0..10).collect();
        // Rows 95 to 99 repeat the first five.
        let fresh = without_copies(&hashes, &train, &held_out);
        assert_eq!(fresh, [5, 6, 7, 8, 9]);
    }

    #[test]
    fn where_most_rows_are_copies_or_one_row_is_frequent_all_are_kept() {
        let repeated: Vec<u64> = (0..100).map(|row| row % 20).collect();
        let (train, held_out): (Vec<usize>, Vec<usize>) = ((10..100).collect(), (0..10).collect());
        assert_eq!(without_copies(&repeated, &train, &held_out), held_out);
        let frequent: Vec<u64> = (0..100).map(|row| if row % 3 == 0 { 0 } else { row }).collect();
        assert_eq!(without_copies(&frequent, &train, &held_out), held_out);
    }
}
