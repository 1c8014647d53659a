//! Where names stand in a list.

use std::collections::BTreeMap;

/// The place of each name; of equal ones that of the first.
///
/// Looking names up in a list one by one takes the square of its length, which wide tables feel.
pub fn places<'a>(names: impl IntoIterator<Item = &'a String>) -> BTreeMap<&'a str, usize> {
    let mut places = BTreeMap::new();
    for (at, name) in names.into_iter().enumerate() {
        places.entry(name.as_str()).or_insert(at);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_names_the_first_counts() {
        let names = ["b", "a", "b"].map(str::to_owned);
        let places = places(&names);
        assert_eq!([places["a"], places["b"], places.len()], [1, 0, 2]);
    }
}
