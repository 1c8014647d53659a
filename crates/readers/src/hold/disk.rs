//! Rows that stay on disk: an open file in which the place of any row is computed.

use crate::hold::element::{Element, too_big, too_long};
use crate::hold::source::failed;
use rows::{Error, Held, Result, Values};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Numbers in an open file, row after row; several threads may read at once.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    file: Arc<Positional>,
    place: String,
    /// Where the first number is.
    start: u64,
    element: Element,
    /// How many numbers.
    count: usize,
    /// Length and time of change of a file that others may write to; none for a temporary file,
    /// which has no name.
    seen: Option<(u64, Option<SystemTime>)>,
}

impl Disk {
    /// The numbers of a file from `start` to its end, left where they are.
    pub(crate) fn open(path: &Path, start: u64, element: Element, count: usize) -> Result<Self> {
        let file = rows::open_file(path)?;
        let (place, seen) =
            (path.display().to_string(), version(&file).map_err(|error| Error::io(path, error))?);
        let wanted = (count as u64)
            .checked_mul(element.kind.size() as u64)
            .and_then(|bytes| bytes.checked_add(start));
        match wanted {
            Some(wanted) if wanted == seen.0 => {}
            Some(wanted) if wanted < seen.0 => return Err(too_long(&place, count)),
            _ => return Err(failed(&place, io::ErrorKind::UnexpectedEof.into())),
        }
        Ok(Self {
            file: Arc::new(Positional::new(file)),
            place,
            start,
            element,
            count,
            seen: Some(seen),
        })
    }

    /// All numbers of a temporary file, which nobody else knows.
    pub(crate) fn temporary(file: File, place: String, element: Element, count: usize) -> Self {
        Self { file: Arc::new(Positional::new(file)), place, start: 0, element, count, seen: None }
    }

    /// An error where the file is no longer what it was: its numbers have been checked once, and
    /// others would slip through.
    fn refuse_change(&self) -> Result<()> {
        let Some(seen) = self.seen else { return Ok(()) };
        let now = self.file.version().map_err(|error| Error::io(Path::new(&self.place), error))?;
        if now == seen {
            Ok(())
        } else {
            Err(Error::data(
                &self.place,
                "was changed or cut short while it was read; start again, and leave it alone until the end",
            ))
        }
    }
}

impl Held for Disk {
    fn len(&self) -> usize {
        self.count
    }

    fn storage(&self) -> &'static str {
        self.element.kind.storage()
    }

    fn gather(&self, rows: &[usize], features: usize) -> Result<Values> {
        self.refuse_change()?;
        let width = features.saturating_mul(self.element.kind.size());
        let length = rows.len().checked_mul(width).ok_or_else(|| too_big(&self.place))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| too_big(&self.place))?;
        bytes.resize(length, 0);
        let mut left = bytes.as_mut_slice();
        // Rows that follow each other in the file are read at once.
        for run in rows.chunk_by(|one, next| *next == one + 1) {
            let (piece, rest) = left.split_at_mut(run.len() * width);
            self.file
                .read(piece, self.start + run[0] as u64 * width as u64)
                .map_err(|error| failed(&self.place, error))?;
            left = rest;
        }
        Ok(self.element.values(&bytes))
    }
}

fn version(file: &File) -> io::Result<(u64, Option<SystemTime>)> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

/// A file read at given places, by several threads at once.
#[derive(Debug)]
struct Positional(
    #[cfg(any(unix, windows))] File,
    #[cfg(not(any(unix, windows)))] std::sync::Mutex<File>,
);

#[cfg(any(unix, windows))]
impl Positional {
    fn new(file: File) -> Self {
        Self(file)
    }

    fn version(&self) -> io::Result<(u64, Option<SystemTime>)> {
        version(&self.0)
    }

    #[cfg(unix)]
    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }

    #[cfg(windows)]
    fn read(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.0, bytes, at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    bytes = &mut bytes[read..];
                    at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

// Elsewhere the place in a file is one for all threads, and they take turns.
#[cfg(not(any(unix, windows)))]
impl Positional {
    fn new(file: File) -> Self {
        Self(std::sync::Mutex::new(file))
    }

    fn version(&self) -> io::Result<(u64, Option<SystemTime>)> {
        version(&*self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}
