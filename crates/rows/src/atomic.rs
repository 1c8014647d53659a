//! Files that appear whole or not at all.

use crate::error::{Error, Result};
use crate::message::Message;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// An error where something is at `path` already and is not to be replaced.
pub fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    if path.is_dir() {
        return Err(Error::data(path.display(), "is a folder; wanted the name of a file"));
    }
    if path.exists() && !path.is_file() {
        return Err(Error::data(
            path.display(),
            "is a device or a pipe; wanted the name of an ordinary file",
        ));
    }
    if path.exists() && !force {
        return Err(Error::data(
            path.display(),
            Message::from("exists already; choose another name or replace it with ")
                .setting("force"),
        ));
    }
    Ok(())
}

/// Writes a file whole or not at all: into a temporary file beside it, which then takes its name.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    atomically(path, |writer| write(writer).map_err(|error| Error::io(path, error)))
}

/// As [`write_atomically`], for what may fail for other reasons than the file.
pub fn atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
) -> Result<()> {
    let fail = |error| Error::io(path, error);
    if path.is_dir() {
        return Err(Error::data(path.display(), "is a folder; wanted the name of a file"));
    }
    // A link stays one: what it points to is replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(Error::data(
            path.display(),
            format!("there is no folder {}; create it first", folder.display()),
        ));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ae-");
    // Temporary files are private by default; a result should be as readable as any other new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder).map_err(fail)?;
    let mut writer = BufWriter::new(file.as_file());
    write(&mut writer)?;
    writer.flush().map_err(fail)?;
    drop(writer);
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "old").unwrap();
        let outcome = write_atomically(&path, |writer| {
            writer.write_all(b"half")?;
            Err(io::Error::other("power cut"))
        });
        assert!(outcome.unwrap_err().to_string().contains("power cut"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        assert!(refuse_existing(&path, false).is_ok());
        std::fs::write(&path, "old").unwrap();
        assert!(
            refuse_existing(&path, false)
                .unwrap_err()
                .to_string()
                .contains("replace it with force")
        );
        assert!(refuse_existing(&path, true).is_ok());
        assert!(refuse_existing(folder.path(), true).is_err());
    }
}
