//! Windows over a series: which points each holds, and back from windows to points.

use crate::series::Series;
use std::ops::Range;

/// The points of a series, and which of them each row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Each point's time, as it is written.
    pub stamps: Vec<String>,
    /// Each point's series, where the file holds several.
    pub groups: Option<Vec<String>>,
    /// Each point's label, where the table has labels.
    pub labels: Option<Vec<String>>,
    /// The first point of each row.
    pub starts: Vec<usize>,
    /// Points in a row.
    pub length: usize,
    /// How they were cut.
    pub series: Series,
}

impl Windows {
    /// How messages and identifiers name a point: its time, behind the name of its series where there
    /// are several.
    pub fn name(&self, point: usize) -> String {
        match &self.groups {
            Some(groups) => format!("{} {}", groups[point], self.stamps[point]),
            None => self.stamps[point].clone(),
        }
    }

    /// The ranges of the points of one series each.
    pub fn series_points(&self) -> Vec<Range<usize>> {
        let mut from = 0;
        let sizes: Vec<usize> = match &self.groups {
            Some(groups) => groups.chunk_by(|a, b| a == b).map(<[String]>::len).collect(),
            None => vec![self.stamps.len()],
        };
        let range = |size: &usize| {
            from += size;
            from - size..from
        };
        sizes.iter().map(range).collect()
    }

    /// For each point the mean of what its windows have there; none for a point that no window
    /// holds.
    ///
    /// `of` gives the number of a window at a place in it.
    pub fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0usize); self.stamps.len()];
        for (window, start) in self.starts.iter().enumerate() {
            for place in 0..self.length {
                let sum = &mut sums[start + place];
                *sum = (sum.0 + of(window, place), sum.1 + 1);
            }
        }
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / count as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_the_mean_of_its_windows() {
        let windows = Windows {
            stamps: (0..7).map(|at| at.to_string()).collect(),
            groups: None,
            labels: None,
            starts: vec![0, 2],
            length: 3,
            series: Series { stride: 2, ..Series::of(3) },
        };
        let means = windows.mean(|window, place| (10 * window + place) as f64);
        assert_eq!(means, [Some(0.0), Some(1.0), Some(6.0), Some(11.0), Some(12.0), None, None]);
    }
}
