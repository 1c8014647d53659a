//! The files of the explorer by their names.

use crate::explore::page::PAGE;
use crate::explore::scene::{self, Scene};
use autoencoders::data::Destination;
use autoencoders::{Error, Result};
use std::borrow::Cow;
use std::path::Path;

/// A file of the explorer by its name; none where it has no such file.
pub(crate) fn file<'a>(scene: &'a Scene, name: &str) -> Option<Result<Cow<'a, [u8]>>> {
    match PAGE.iter().find(|(known, _)| *known == name) {
        Some((_, bytes)) => Some(Ok(Cow::Borrowed(bytes))),
        None => scene.file(name),
    }
}

/// The names of all files.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PAGE.iter().map(|(name, _)| *name).chain(scene::FILES)
}

/// Writes all files into a folder, from which any web server serves them; tells how many.
pub(crate) fn write(scene: &Scene, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    for name in names() {
        let Some(bytes) = file(scene, name) else { continue };
        let bytes = bytes?;
        Destination::from(&folder.join(name)).write_bytes(&bytes)?;
    }
    Ok(names().count())
}
