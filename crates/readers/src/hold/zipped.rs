//! Tables in zip archives.

use rows::{Error, Result};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Bytes that a file may have once it is unpacked, so many times those of the archive, and always so
/// many.
const LARGEST_RATIO: u64 = 200;
const SMALL: u64 = 1 << 30;

/// A file of an archive, unpacked; it is gone with this.
pub(crate) struct Unpacked {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

/// Unpacks the file of this name, or the only one.
pub(crate) fn unpack(path: &Path, part: Option<&str>) -> Result<Unpacked> {
    let place = path.display().to_string();
    let bad = |error: zip::result::ZipError| Error::data(&place, format!("is damaged: {error}"));
    let file = rows::open_file(path)?;
    let size = file.metadata().map_err(|error| Error::io(path, error))?.len();
    let mut archive = zip::ZipArchive::new(file).map_err(bad)?;
    // Programs of Apple add notes of their own.
    let own = |name: &String| !name.ends_with('/') && !name.starts_with("__MACOSX/");
    let all = archive.file_names().map(|name| name.map(|name| name.into_owned()));
    let mut names = all.collect::<zip::result::ZipResult<Vec<String>>>().map_err(bad)?;
    names.retain(own);
    let name = match (part, names.as_slice()) {
        (Some(part), _) if names.iter().any(|name| name == part) => part,
        (Some(part), _) => {
            return Err(Error::unknown("file", part, names.iter().map(String::as_str)));
        }
        (None, [only]) => only,
        (None, []) => return Err(Error::data(&place, "holds no files")),
        (None, several) => {
            let names = crate::names::quoted(several);
            let why = format!(
                "holds several files; name one behind a colon, as in {place}:FILE, of {names}"
            );
            return Err(Error::data(&place, why));
        }
    };
    let folder = TempDir::new().map_err(|error| Error::io(&std::env::temp_dir(), error))?;
    // A name may lead out of the folder; only what its end says of the format counts.
    let end = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let end: String = end.chars().filter(char::is_ascii_alphanumeric).collect();
    let end = if name.to_lowercase().ends_with(".csv.gz") { "csv.gz".to_owned() } else { end };
    let target = folder.path().join(format!("table.{end}"));
    let most = SMALL.max(size.saturating_mul(LARGEST_RATIO));
    let entry = archive.by_name(name).map_err(bad)?;
    let mut out = File::create(&target).map_err(|error| Error::io(&target, error))?;
    let copied = io::copy(&mut entry.take(most + 1), &mut out);
    let copied = copied.map_err(|error| Error::data(&place, format!("is damaged: {error}")))?;
    if copied > most {
        let why = format!("holds a file of more than {most} bytes; unpack it yourself");
        return Err(Error::data(&place, why));
    }
    Ok(Unpacked { path: target, _folder: folder })
}

#[cfg(test)]
mod tests {
    use crate::{ReadOptions, read};
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn the_table_of_an_archive_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let archive = |name: &str, files: &[(&str, &str)]| {
            let path = folder.path().join(name);
            let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
            for (name, text) in files {
                zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
            zip.finish().unwrap();
            path.display().to_string()
        };
        let options = ReadOptions::default();
        let one = archive("a.zip", &[("../x/a.csv", "a,b\n1,2\n3,4\n"), ("__MACOSX/._a.csv", "x")]);
        let data = read(&one, &options).unwrap();
        assert_eq!((data.rows(), data.name), (2, one));
        let two = archive(
            "b.zip",
            &[("a.csv", "a,b\n1,2\n3,4\n"), ("b.jsonl", "{\"c\":1}\n{\"c\":2}\n")],
        );
        assert!(read(&two, &options).unwrap_err().to_string().contains("several files"));
        assert_eq!(read(&format!("{two}:b.jsonl"), &options).unwrap().columns, ["c"]);
        let ragged = archive("r.zip", &[("a.csv", "a,b\n1,2\n3\n4,5\n")]);
        let error = read(&ragged, &options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{ragged}: line 3")), "{error}");
        assert!(read(&archive("c.zip", &[]), &options).is_err());
        assert!(read(&archive("d.zip", &[("a.png", "no")]), &options).is_err());
    }
}
