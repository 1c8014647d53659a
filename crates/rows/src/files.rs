//! Ordinary files: opened to be read, and written whole or not at all.

use crate::error::{Error, Result};
use crate::message::Message;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Opens a file to read it, perhaps several times.
///
/// Errors: there is no such file; it is a folder, or a pipe or device, which gives its bytes only
/// once and may never end.
pub fn open_file(path: &Path) -> Result<File> {
    let fail = |error| Error::io(path, error);
    // Asked before it is opened: a pipe without a writer waits for one.
    let kind = fs::metadata(path).map_err(fail)?.file_type();
    if kind.is_dir() {
        return Err(Error::data(path.display(), "is a folder; wanted a file"));
    }
    if !kind.is_file() {
        let why = "is a pipe or a device, which can be read only once; write what it gives to a file first, and name that";
        return Err(Error::data(path.display(), why));
    }
    File::open(path).map_err(fail)
}

/// The bytes of a file that may hold `at_most` so many.
///
/// Errors: as [`open_file`]; it holds more.
pub fn bytes_of(path: &Path, at_most: u64) -> Result<Vec<u8>> {
    let file = open_file(path)?;
    let fail = |error| Error::io(path, error);
    let length = file.metadata().map_err(fail)?.len();
    if length > at_most {
        let why = format!("has {length} bytes; wanted at most {at_most}");
        return Err(Error::data(path.display(), why));
    }
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    file.take(at_most).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// The name under which a file is to appear, whole or not at all.
///
/// A path becomes one that replaces what is there, as [`std::fs::write`] does; [`Self::new`] says
/// whether it may.
#[derive(Clone, Debug)]
pub struct Destination {
    path: PathBuf,
    replace: bool,
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Destination {
    fn from(path: &P) -> Self {
        Self::new(path.as_ref(), true)
    }
}

impl From<&Self> for Destination {
    fn from(destination: &Self) -> Self {
        destination.clone()
    }
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        Self::new(path, true)
    }
}

impl Destination {
    /// A name, and whether a file that has it, now or by the time of writing, is replaced.
    pub fn new(path: impl Into<PathBuf>, replace: bool) -> Self {
        Self { path: path.into(), replace }
    }

    /// The name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses what could not be written, before anything is computed.
    ///
    /// Errors: the name is that of a folder, device or pipe, of a link to nothing, in no folder, or
    /// of a file that is not to be replaced.
    pub fn check(&self) -> Result<()> {
        if self.is_there()? && !self.replace {
            return self.refuse("exists already");
        }
        Ok(())
    }

    fn refuse<T>(&self, why: &str) -> Result<T> {
        let why = Message::from(format!("{why}; choose another name or replace it with "));
        Err(Error::data(self.path.display(), why.setting("force")))
    }

    /// Whether a file has the name.
    ///
    /// An error where it is not that of an ordinary file.
    fn is_there(&self) -> Result<bool> {
        let path = self.path.as_path();
        let refuse = |why: Message| Err(Error::data(path.display(), why));
        let folder = folder_of(path);
        if !folder.is_dir() {
            let why = format!("there is no folder {}; create it first", folder.display());
            return refuse(why.into());
        }
        let Ok(metadata) = fs::metadata(path) else {
            let link = fs::read_link(path);
            return link.map_or(Ok(false), |to| {
                let why = "is a link to {}, which is not there; remove the link, or name the file";
                refuse(why.replace("{}", &to.display().to_string()).into())
            });
        };
        if metadata.is_dir() {
            return refuse("is a folder; wanted the name of a file".into());
        }
        if !metadata.is_file() {
            let why = "is a device or a pipe; wanted the name of an ordinary file";
            return refuse(why.into());
        }
        Ok(true)
    }

    /// Writes the file. It takes its name once it is whole and on the disk, and the name is there
    /// for good when this returns; a process that ends before leaves nothing behind. A file that is
    /// replaced passes its permissions on, and a link to it stays one.
    ///
    /// Errors: as [`Self::check`]; those of `write`; the file cannot be written.
    pub fn write(&self, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
        self.write_open(true, write).map(drop)
    }

    /// As [`Self::write`], for bytes that are there.
    ///
    /// Errors: the file cannot be written.
    pub fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.write(|file| file.write_all(bytes).map_err(|error| Error::io(&self.path, error)))
    }

    /// As [`Self::write`], and the file comes back open and locked; what is written anew soon need not
    /// `wait` for the disk.
    ///
    /// Errors: as [`Self::write`].
    pub fn write_open(
        &self,
        wait: bool,
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
    ) -> Result<File> {
        let appeared = || self.refuse("is there by now, and is not replaced");
        if self.is_there()? && !self.replace {
            return appeared();
        }
        let fail = |error| Error::io(&self.path, error);
        // Where a link leads.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let new = New::in_folder(folder_of(&path)).map_err(fail)?;
        // Where a file system has no locks, it goes without.
        let _ = new.file().try_lock();
        let mut writer = BufWriter::new(new.file());
        write(&mut writer)?;
        writer.flush().map_err(fail)?;
        drop(writer);
        if let Some(old) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) {
            new.file().set_permissions(old.permissions()).map_err(fail)?;
        }
        if wait {
            new.file().sync_all().map_err(fail)?;
        }
        let file = match new.named(&path, self.replace) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && !self.replace => {
                return appeared();
            }
            other => other.map_err(fail)?,
        };
        if wait {
            sync_folder(folder_of(&path)).map_err(fail)?;
        }
        Ok(file)
    }
}

/// The folder that a name is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Waits until the names of a folder are on the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    use std::io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    // Some file systems have no such wait, and a folder may be written that must not be read.
    synced.or_else(|error| match error.kind() {
        InvalidInput | PermissionDenied | Unsupported => Ok(()),
        _ => Err(error),
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A file that is being written and has not its name yet.
enum New {
    /// It has none: the system forgets it when the process ends.
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// It has another, and is removed when this is dropped.
    Named(tempfile::NamedTempFile),
}

impl New {
    fn in_folder(folder: &Path) -> std::io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless::create(folder) {
            return Ok(Self::Nameless(file));
        }
        temporary(folder).map(Self::Named)
    }

    fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file(),
        }
    }

    /// Gives it its name.
    fn named(self, path: &Path, replace: bool) -> std::io::Result<File> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => nameless::name(&file, path, replace).map(|()| file),
            Self::Named(file) if replace => file.persist(path).map_err(|error| error.error),
            Self::Named(file) => file.persist_noclobber(path).map_err(|error| error.error),
        }
    }
}

/// A file that has a name of its own until it gets its final one.
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ae-");
    // Temporary files are private by default; a result should be as readable as any other new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Files without a name, as Linux has them.
#[cfg(target_os = "linux")]
mod nameless {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
    use sha2::{Digest, Sha256};
    use std::fs::File;
    use std::io::{ErrorKind, Result};
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    /// How often a second name is tried that others take.
    const TRIES: usize = 1000;

    /// A file without a name in a folder; none where the file system knows no such, or it could not
    /// get a name afterwards.
    pub(super) fn create(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(open(folder, flags, Mode::from_raw_mode(0o666)).ok()?);
        std::fs::exists(of(&file)).is_ok_and(|known| known).then_some(file)
    }

    /// The name that a file has before it takes one that is taken; short, however long that is.
    pub(super) fn second_name(path: &Path) -> PathBuf {
        let hash = Sha256::digest(path.file_name().unwrap_or_default().as_bytes());
        let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        crate::files::folder_of(path).join(format!(".ae-{digits}"))
    }

    fn of(file: &File) -> String {
        format!("/proc/self/fd/{}", file.as_raw_fd())
    }

    /// Gives a file a name.
    pub(super) fn name(file: &File, path: &Path, replace: bool) -> Result<()> {
        let link = |to: &Path| {
            let linked = linkat(CWD, of(file), CWD, to, AtFlags::SYMLINK_FOLLOW);
            linked.map_err(std::io::Error::from)
        };
        match link(path) {
            Err(error) if replace && error.kind() == ErrorKind::AlreadyExists => {}
            other => return other,
        }
        // A name that is taken is replaced by renaming only. The second name is made of the final one, so
        // that what a process left that was killed at this instant goes with the next.
        let second = second_name(path);
        for _ in 0..TRIES {
            match link(&second) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let _ = std::fs::remove_file(&second);
                    continue;
                }
                other => other?,
            }
            match std::fs::rename(&second, path) {
                // Another process writes the same name, and took this one.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => {
                    // It stays where both names lead to one file, which another process renamed.
                    let _ = std::fs::remove_file(&second);
                    return other;
                }
            }
        }
        Err(std::io::Error::new(ErrorKind::ResourceBusy, "others write it at the same time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "old").unwrap();
        let outcome = Destination::from(&path).write(|file| {
            file.write_all(b"half").unwrap();
            Err(Error::bug("power cut"))
        });
        assert!(outcome.unwrap_err().to_string().contains("power cut"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn an_existing_file_is_replaced_only_where_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let careful = Destination::new(&path, false);
        careful.check().unwrap();
        careful.write_bytes(b"first").unwrap();
        assert!(careful.check().unwrap_err().to_string().contains("replace it with force"));
        assert!(careful.write_bytes(b"second").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        let force = Destination::new(&path, true);
        force.check().unwrap();
        force.write_bytes(b"third").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        assert!(Destination::new(folder.path(), true).check().is_err());
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_killed_process_left_goes_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "old").unwrap();
        fs::write(nameless::second_name(&path), "of a killed process").unwrap();
        Destination::from(&path).write_bytes(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn a_file_that_appears_while_another_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let error = Destination::new(&path, false)
            .write(|file| {
                file.write_all(b"ours").unwrap();
                fs::write(&path, "theirs").unwrap();
                Ok(())
            })
            .unwrap_err();
        assert!(error.to_string().contains("is there by now"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn files_with_another_name_until_they_are_whole_behave_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let new = |text: &str| {
            let new = New::Named(temporary(folder.path()).unwrap());
            new.file().write_all(text.as_bytes()).unwrap();
            new
        };
        new("first").named(&path, false).unwrap();
        assert!(new("second").named(&path, false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        new("third").named(&path, true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_replaced_file_passes_its_permissions_on_and_a_link_stays() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [path, link] = ["out", "link"].map(|name| folder.path().join(name));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, &link).unwrap();
        Destination::from(&link).write_bytes(b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        let error = Destination::from(&link).write_bytes(b"lost").unwrap_err();
        assert!(error.to_string().contains("is a link to"), "{error}");
    }

    #[test]
    fn what_is_no_ordinary_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(open_file(folder.path()).unwrap_err().to_string().contains("is a folder"));
        assert!(open_file(&folder.path().join("none")).is_err());
        #[cfg(unix)]
        for device in ["/dev/null", "/dev/zero"] {
            let error = open_file(Path::new(device)).unwrap_err();
            assert!(error.to_string().contains("read only once"), "{error}");
        }
        let path = folder.path().join("four");
        fs::write(&path, "four").unwrap();
        assert_eq!(bytes_of(&path, 4).unwrap(), b"four");
        assert!(bytes_of(&path, 3).unwrap_err().to_string().contains("at most 3"));
    }
}
