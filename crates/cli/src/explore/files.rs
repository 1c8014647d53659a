//! The files of the explorer by their names.

use crate::explore::page::PAGE;
use crate::explore::scene::{self, Scene};
use autoencoders::data::Destination;
use autoencoders::{Error, Result};
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::ErrorKind;
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

/// The file that is written last: a folder that has it has all.
const LAST: &str = "index.html";

/// Whether a folder holds nothing but files of an explorer that was not written to its end: those of the
/// page byte for byte, and those of a scene behind all of these.
pub(crate) fn unfinished(folder: &Path) -> bool {
    let same = |(name, bytes): &(&str, &[u8])| {
        let path = folder.join(name);
        let long = path.metadata().is_ok_and(|it| it.is_file() && it.len() == bytes.len() as u64);
        long && std::fs::read(path).is_ok_and(|read| read == *bytes)
    };
    let page = || PAGE.iter().filter(|(name, _)| *name != LAST);
    let ours = |name: OsString| {
        page().any(|file| name == file.0 && same(file))
            || scene::FILES.iter().any(|known| name == *known) && page().all(same)
    };
    folder.read_dir().is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| ours(entry.file_name())))
    })
}

/// Writes all files into a folder, from which any web server serves them; tells how many.
pub(crate) fn write(scene: &Scene, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    match std::fs::remove_file(folder.join(LAST)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io(&folder.join(LAST), error));
        }
        _ => {}
    }
    for name in names().filter(|name| *name != LAST).chain([LAST]) {
        let Some(bytes) = file(scene, name) else { continue };
        let bytes = bytes?;
        Destination::from(&folder.join(name)).write_bytes(&bytes)?;
    }
    Ok(names().count())
}
