//! Opening a file: which format it is, whether it is compressed, and how much it can hold.

use flate2::read::MultiGzDecoder;
use rows::{Error, Result};
use std::io::{self, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

/// The most that deflate can make of one byte.
const DEFLATE_RATIO: u64 = 1032;

/// The formats of single files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Arrow,
    Csv,
    Excel,
    Json,
    Sqlite,
    /// A table in a zip archive.
    Zip,
    Parquet,
    Npy,
    Npz,
    Idx,
    Picture,
}

impl Format {
    /// Whether it has columns that hold anything.
    pub(crate) fn is_table(self) -> bool {
        !matches!(self, Self::Npy | Self::Npz | Self::Idx | Self::Picture)
    }

    /// Whether it has parts with names: arrays, sheets, tables, files.
    pub(crate) fn has_parts(self) -> bool {
        matches!(self, Self::Npz | Self::Excel | Self::Sqlite | Self::Zip)
    }
}

/// The bytes of a file, decompressed where it is gzip.
pub(crate) struct Stream<'a> {
    pub(crate) reader: Box<dyn Read + 'a>,
    /// More bytes than this cannot come, whatever a header says.
    pub(crate) at_most: u64,
    /// Bytes on disk, the guide for how much memory to take at first.
    pub(crate) on_disk: u64,
    /// The file, where the bytes are its own.
    pub(crate) plain: Option<PathBuf>,
}

#[cfg(test)]
impl<'a> Stream<'a> {
    /// Bytes in memory.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self {
            reader: Box::new(bytes),
            at_most: bytes.len() as u64,
            on_disk: bytes.len() as u64,
            plain: None,
        }
    }
}

impl Stream<'static> {
    /// Opens a file; gzip is told by its first two bytes, not by its name.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = rows::open_file(path)?;
        let on_disk = file.metadata().map_err(|error| Error::io(path, error))?.len();
        let (magic, file) = peek(file, 2).map_err(|error| Error::io(path, error))?;
        if magic == [0x1f, 0x8b] {
            return Ok(Self {
                reader: Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file))),
                at_most: on_disk.saturating_mul(DEFLATE_RATIO),
                on_disk,
                plain: None,
            });
        }
        Ok(Self { reader: Box::new(file), at_most: on_disk, on_disk, plain: Some(path.to_owned()) })
    }
}

/// A reader whose first bytes have been looked at.
pub(crate) type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first bytes, at most `count`, and a reader that begins with them again.
pub(crate) fn peek<R: Read>(mut reader: R, count: u64) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// The first bytes, a reader that begins with them again, and whether they are all: at least `count`,
/// and as many more as it takes until `lines` lines end in them, up to 16 MiB.
pub(crate) fn peek_lines<R: Read>(
    mut reader: R,
    count: u64,
    lines: usize,
) -> io::Result<(Vec<u8>, Peeked<R>, bool)> {
    const LONGEST: u64 = 1 << 24;
    let mut head = Vec::new();
    let mut wanted = count;
    loop {
        let missing = wanted - head.len() as u64;
        reader.by_ref().take(missing).read_to_end(&mut head)?;
        let whole = (head.len() as u64) < wanted;
        let ended = head.iter().filter(|byte| **byte == b'\n').take(lines).count();
        if whole || ended >= lines || wanted >= LONGEST {
            return Ok((head.clone(), Cursor::new(head).chain(reader), whole));
        }
        wanted *= 2;
    }
}

/// What the system or a decoder said about bytes it could not read.
pub(crate) fn failed(place: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::data(place, "is cut short; copy or download it again")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Error::data(place, format!("is damaged ({error}); copy or download it again"))
        }
        _ => Error::io(Path::new(place), error),
    }
}

/// The format of a file: by its name where that says it, else by its first bytes.
pub(crate) fn format(path: &Path) -> Result<Format> {
    match format_of_name(path) {
        Some(format) => Ok(format),
        None => format_of_bytes(path),
    }
}

/// The format that the name of a file says.
pub(crate) fn format_of_name(path: &Path) -> Option<Format> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "arrow" | "feather" | "ipc" | "arrows" => Some(Format::Arrow),
        "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Some(Format::Excel),
        "db" | "sqlite" | "sqlite3" => Some(Format::Sqlite),
        "zip" => Some(Format::Zip),
        "json" | "jsonl" | "ndjson" => Some(Format::Json),
        "parquet" => Some(Format::Parquet),
        "npy" => Some(Format::Npy),
        "npz" => Some(Format::Npz),
        "idx" => Some(Format::Idx),
        "png" | "jpg" | "jpeg" => Some(Format::Picture),
        _ => None,
    }
}

fn format_of_bytes(path: &Path) -> Result<Format> {
    let place = path.display().to_string();
    let (head, _) =
        peek(Stream::open(path)?.reader, 1 << 14).map_err(|error| failed(&place, error))?;
    if head.is_empty() {
        return Err(Error::data(place, "is empty"));
    }
    let begins = |magic: &[u8]| head.starts_with(magic);
    if begins(b"\x93NUMPY") {
        return Ok(Format::Npy);
    }
    if begins(b"PK\x03\x04") {
        return Ok(Format::Npz);
    }
    if begins(b"ARROW1") {
        return Ok(Format::Arrow);
    }
    if begins(b"SQLite format 3\0") {
        return Ok(Format::Sqlite);
    }
    if begins(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if begins(b"\x89PNG") || begins(b"\xff\xd8\xff") {
        return Ok(Format::Picture);
    }
    if begins(&[0, 0]) && head.get(2).is_some_and(|code| (0x08..=0x0e).contains(code)) {
        return Ok(Format::Idx);
    }
    if is_json(&head) {
        return Ok(Format::Json);
    }
    if crate::text::encoding::Encoding::guess(&head).is_some() {
        return Ok(Format::Csv);
    }
    Err(Error::data(
        place,
        "is of an unknown format; readable are .csv, .csv.gz, .json, .jsonl, .parquet, .arrow, .feather, .xlsx, .xls, .ods, .db, .zip, .npy, .npz, IDX, PNG and JPEG files and folders of images or tables",
    ))
}

/// Whether a text is JSON of rows, by its beginning.
fn is_json(head: &[u8]) -> bool {
    match head.trim_ascii_start() {
        [b'{', rest @ ..] => rest.trim_ascii_start().starts_with(b"\""),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{' | b'[', ..]),
        _ => false,
    }
}

/// The ends of the names of files whose parts have names of their own.
const WITH_PARTS: [&str; 10] =
    [".npz", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".db", ".sqlite", ".sqlite3", ".zip"];

/// `file.npz:array` in its two parts; any other path as it is.
pub(crate) fn split_array(source: &str) -> (&Path, Option<&str>) {
    let end = |end: &&str| Some(source.rfind(&format!("{end}:"))? + end.len());
    match WITH_PARTS.iter().filter_map(end).max() {
        Some(position) => (Path::new(&source[..position]), Some(&source[position + 1..])),
        None => (Path::new(source), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_without_a_telling_name_is_known_by_its_first_bytes() {
        for (bytes, wanted) in [
            (&b"\x93NUMPY\x01\x00"[..], Format::Npy),
            (b"PK\x03\x04", Format::Npz),
            (b"PAR1", Format::Parquet),
            (b"\0\0\x08\x03", Format::Idx),
            (b"1,2\n", Format::Csv),
        ] {
            let (_folder, path) = file("data", bytes);
            assert_eq!(format(&path).unwrap(), wanted);
        }
    }

    #[test]
    fn binary_noise_is_an_unknown_format() {
        let (_folder, path) = file("data", &[1, 0, 2, 0]);
        assert!(format(&path).unwrap_err().to_string().contains("unknown format"));
    }

    #[test]
    fn gzip_is_seen_through_whatever_the_name() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"hello").unwrap();
        let (_folder, path) = file("plain.csv", &gzip.finish().unwrap());
        let mut text = String::new();
        Stream::open(&path).unwrap().reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }
}
