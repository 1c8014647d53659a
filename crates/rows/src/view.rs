//! Rows that are windows over other rows: gathered when they are wanted, never copied as a whole.

use crate::error::Result;
use crate::held::Held;
use crate::store::Store;
use crate::values::Values;

/// Windows of `points` successive rows of a store, which may overlap.
#[derive(Clone, Debug)]
pub struct View {
    /// What the windows lie over.
    pub of: Store,
    /// Numbers of one row of it.
    pub width: usize,
    /// Its row at which each window starts; `starts[i] + points` rows must be there.
    pub starts: Vec<usize>,
    /// Rows of it that a window holds.
    pub points: usize,
}

impl Held for View {
    fn len(&self) -> usize {
        self.starts.len() * self.points * self.width
    }

    fn storage(&self) -> &'static str {
        self.of.storage()
    }

    fn gather(&self, rows: &[usize], features: usize) -> Result<Values> {
        let window = self.points * self.width;
        // Rows are mostly windows; all of them together are one row to whoever loads them.
        let windows = rows.iter().flat_map(|row| {
            let first = row * features / window;
            first..first + features / window
        });
        let starts: Vec<usize> = windows.map(|at| self.starts[at]).collect();
        if let Some(values) = self.of.in_memory() {
            return Ok(values.pieces(&starts, self.width, window));
        }
        let points = starts.iter().flat_map(|start| *start..start + self.points);
        self.of.gather(&points.collect::<Vec<_>>(), self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_the_numbers_they_lie_over_wherever_these_are_held() {
        let points = Store::from(Values::F64((0..10).map(f64::from).collect()));
        let view = View { of: points, width: 2, starts: vec![0, 1, 2], points: 3 };
        let again = View {
            of: Store::elsewhere(View { starts: vec![0, 1, 2, 3, 4], points: 1, ..view.clone() }),
            ..view.clone()
        };
        for view in [view, again] {
            assert_eq!(view.len(), 18);
            assert_eq!(
                view.gather(&[2, 0], 6).unwrap(),
                Values::F64([4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5].map(f64::from).to_vec())
            );
            let all = Store::elsewhere(view).load().unwrap();
            assert_eq!((all.len(), all.get(6), all.get(17)), (18, 2.0, 9.0));
        }
    }
}
