//! The page, as it was built from `crates/web`.

macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_bytes!(concat!("../../explorer/", $name)).as_slice())),*] };
}

/// Its files: names and bytes. `cargo run -p build-explorer` writes them.
pub(super) const PAGE: &[(&str, &[u8])] = files![
    "index.html",
    "style.css",
    "main.js",
    "map.js",
    "model.js",
    "model_bg.wasm",
    "now.js",
    "page.js",
    "picture.js",
    "scene.js",
    "session.js",
    "sliders.js",
    "table.js",
    "tree.js",
    "units.js",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn every_file_that_was_built_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("explorer");
        let built = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let built: BTreeSet<String> = built.filter(|name| name != "SOURCES.sha256").collect();
        assert_eq!(built, PAGE.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
}
