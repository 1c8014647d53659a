//! The colours of everything that is drawn: people who see colours differently tell them apart too.

use std::collections::BTreeMap;

/// Colours of groups (Okabe and Ito 2008), then two greys.
pub const GROUPS: [[u8; 3]; 10] = [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [213, 94, 0],
    [148, 120, 30],
    [120, 94, 240],
    [136, 136, 136],
    [60, 60, 60],
];

/// Blue for -1, white for 0, orange for 1.
pub fn diverging(value: f64) -> [u8; 3] {
    let (to, share) =
        if value < 0.0 { ([0.0, 114.0, 178.0], -value) } else { ([213.0, 94.0, 0.0], value) };
    to.map(|end: f64| (255.0 + (end - 255.0) * share.clamp(0.0, 1.0)) as u8)
}

/// The colour scale viridis (van der Walt and Smith 2015) from 0 to 1: at seven places, straight
/// between them.
pub fn viridis(share: f32) -> [u8; 3] {
    const PLACES: [[f32; 3]; 7] = [
        [68.0, 1.0, 84.0],
        [68.0, 57.0, 131.0],
        [49.0, 104.0, 142.0],
        [33.0, 145.0, 140.0],
        [53.0, 183.0, 121.0],
        [143.0, 215.0, 68.0],
        [253.0, 231.0, 37.0],
    ];
    let at = share.clamp(0.0, 1.0) * (PLACES.len() - 1) as f32;
    let low = (at as usize).min(PLACES.len() - 2);
    [0, 1, 2].map(|channel| {
        (PLACES[low][channel]
            + (PLACES[low + 1][channel] - PLACES[low][channel]) * (at - low as f32)) as u8
    })
}

/// Numbers around mid-grey, the largest of them white or black: each between 0 and 1.
pub fn around_grey(numbers: &[f32]) -> Vec<f32> {
    let most =
        numbers.iter().fold(0f32, |most, number| most.max(number.abs())).max(f32::MIN_POSITIVE);
    numbers.iter().map(|number| 0.5 + 0.5 * number / most).collect()
}

/// The group of each label, and what the groups are called: as many as there are colours, or the
/// most frequent and one for all others.
pub fn groups(labels: &[String]) -> (Vec<usize>, Vec<String>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    labels.iter().for_each(|label| *counts.entry(label).or_default() += 1);
    let mut names: Vec<&str> = counts.keys().copied().collect();
    let too_many = names.len() > GROUPS.len();
    if too_many {
        names.sort_by_key(|name| std::cmp::Reverse(counts[name]));
        names.truncate(GROUPS.len() - 1);
    }
    names.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    let of: BTreeMap<&str, usize> =
        names.iter().enumerate().map(|(group, name)| (*name, group)).collect();
    let all = labels
        .iter()
        .map(|label| of.get(label.as_str()).copied().unwrap_or(GROUPS.len() - 1))
        .collect();
    let others = too_many.then_some("all others");
    (all, names.into_iter().chain(others).map(str::to_owned).collect())
}
