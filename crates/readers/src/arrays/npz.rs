//! NumPy's `.npz`: a zip archive of `.npy` files, each an array with a name.

use crate::arrays::{array, npy};
use crate::hold::element::sides;
use crate::hold::source::Stream;
use crate::options::ReadOptions;
use rows::{Dataset, Error, Result};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// Arrays beyond this many are not looked through for one that is data.
const MOST_ARRAYS: usize = 10_000;

/// An open archive.
pub(crate) struct Npz {
    archive: ZipArchive<BufReader<File>>,
    place: String,
    /// Bytes of the file: an entry that claims to be longer is damaged.
    on_disk: u64,
}

impl Npz {
    /// Opens an archive and reads its list of arrays.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let file = rows::open_file(path)?;
        let on_disk = file.metadata().map_err(|error| Error::io(path, error))?.len();
        let archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(&place, error))?;
        if archive.len() > MOST_ARRAYS {
            return Err(Error::data(
                place,
                format!("holds {} files; wanted at most {MOST_ARRAYS}", archive.len()),
            ));
        }
        Ok(Self { archive, place, on_disk })
    }

    /// The names of the arrays, in the order of the file.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(Result::ok);
        names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect()
    }

    /// Reads the array of that name as rows, held in at most `memory` bytes.
    fn data(&mut self, name: &str, memory: Option<u64>) -> Result<Dataset> {
        let place = format!("{}:{name}", self.place);
        let array = npy::read_array(&mut self.stream(name)?, &place, memory)?;
        array::dataset(&place, &array.dimensions, array.values)
    }

    /// Reads the array of that name as one label for each row of `data`.
    pub(crate) fn labels(&mut self, name: &str, data: &Dataset) -> Result<Vec<String>> {
        let place = format!("{}:{name}", self.place);
        npy::read_labels(&mut self.stream(name)?, &place, data)
    }

    /// The array that is the data: the only one of two or more dimensions, or `X`, or the only one
    /// at all.
    pub(crate) fn default_array(&mut self) -> Result<String> {
        let names = self.names();
        let mut shapes = Vec::new();
        for name in &names {
            let place = format!("{}:{name}", self.place);
            shapes.push(npy::read_header(self.stream(name)?.reader.as_mut(), &place)?.dimensions);
        }
        let tables: Vec<&String> = names
            .iter()
            .zip(&shapes)
            .filter(|(_, shape)| shape.len() > 1)
            .map(|(name, _)| name)
            .collect();
        match (&tables[..], &names[..]) {
            ([], []) => Err(Error::data(&self.place, "holds no arrays")),
            ([only], _) => Ok((*only).clone()),
            ([], [only]) => Ok(only.clone()),
            _ if tables.iter().any(|name| *name == "X") => Ok("X".to_owned()),
            (candidates, _) => {
                let arrays: Vec<String> = names
                    .iter()
                    .zip(&shapes)
                    .map(|(name, shape)| format!("{name} ({})", sides(shape)))
                    .collect();
                let example = candidates.first().map_or(&names[0], |name| name);
                Err(Error::data(
                    &self.place,
                    format!(
                        "holds several arrays: {}; choose one, for example {}:{example}",
                        arrays.join(", "),
                        self.place
                    ),
                ))
            }
        }
    }

    fn stream(&mut self, name: &str) -> Result<Stream<'_>> {
        let Some(at) = self.archive.index_for_name(&format!("{name}.npy")) else {
            return Err(Error::unknown("array", name, self.names().iter().map(String::as_str)));
        };
        let entry = self.archive.by_index(at).map_err(|error| damaged(&self.place, error))?;
        let packed = entry.compressed_size().min(self.on_disk);
        Ok(Stream {
            at_most: packed.saturating_mul(1032),
            on_disk: packed,
            plain: None,
            reader: Box::new(entry) as Box<dyn Read + '_>,
        })
    }
}

fn damaged(place: &str, error: ZipError) -> Error {
    Error::data(place, format!("is no readable .npz archive ({error}); copy or download it again"))
}

/// Reads rows from an `.npz` file; `label` and `id` may name arrays beside them.
pub(crate) fn load(path: &Path, options: &ReadOptions, array: Option<&str>) -> Result<Dataset> {
    let mut npz = Npz::open(path)?;
    let name = match array {
        Some(name) => name.to_owned(),
        None => npz.default_array()?,
    };
    let mut data = npz.data(&name, options.memory)?;
    data.labels = npz.beside(&data, options.label.as_deref())?;
    data.ids = npz.beside(&data, options.id.first().map(String::as_str))?;
    Ok(data)
}

impl Npz {
    /// One text a row from an array named beside the data; nothing where the name is the number of
    /// a column.
    fn beside(&mut self, data: &Dataset, name: Option<&str>) -> Result<Option<Vec<String>>> {
        let names = self.names();
        let Some(name) = name else {
            return Ok(None);
        };
        if !names.iter().any(|known| known == name) {
            return match name.parse::<usize>() {
                Ok(_) => Ok(None),
                Err(_) => Err(Error::unknown("array", name, names.iter().map(String::as_str))),
            };
        }
        self.labels(name, data).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rows::Values;
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    fn npy(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), body]
            .concat()
    }

    fn archive(arrays: &[(&str, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in arrays {
            writer
                .start_file(
                    format!("{name}.npy"),
                    SimpleFileOptions::default().compression_method(method),
                )
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn pair(method: zip::CompressionMethod) -> Vec<u8> {
        let x = npy("|u1", "(3, 2)", &[1, 2, 3, 4, 5, 6]);
        archive(&[("X", x), ("y", npy("|u1", "(3,)", &[0, 1, 0]))], method)
    }

    fn load_bytes(bytes: &[u8], array: Option<&str>, label: Option<&str>) -> Result<Dataset> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        load(
            file.path(),
            &ReadOptions { label: label.map(str::to_owned), ..ReadOptions::default() },
            array,
        )
    }

    const STORED: zip::CompressionMethod = zip::CompressionMethod::Stored;
    const DEFLATED: zip::CompressionMethod = zip::CompressionMethod::Deflated;

    #[test]
    fn the_only_table_is_the_data_and_another_array_the_labels() {
        for method in [STORED, DEFLATED] {
            let data = load_bytes(&pair(method), None, Some("y")).unwrap();
            assert_eq!(data.values, Values::U8(vec![1, 2, 3, 4, 5, 6]));
            assert_eq!(data.labels.unwrap(), ["0", "1", "0"]);
        }
    }

    #[test]
    fn several_tables_are_listed_unless_one_is_x() {
        let table = npy("|u1", "(1, 2)", &[1, 2]);
        let two = archive(&[("train_x", table.clone()), ("test_x", table.clone())], STORED);
        let error = load_bytes(&two, None, None).unwrap_err().to_string();
        assert!(
            error.contains("train_x (1 x 2), test_x (1 x 2)") && error.ends_with(":train_x"),
            "{error}"
        );
        assert_eq!(load_bytes(&two, Some("test_x"), None).unwrap().rows(), 1);
        assert!(
            load_bytes(&archive(&[("X", table.clone()), ("Z", table)], STORED), None, None).is_ok()
        );
    }

    #[test]
    fn an_unknown_array_is_answered_with_the_known_ones() {
        let error = load_bytes(&pair(STORED), Some("x1"), None).unwrap_err().to_string();
        assert!(error.contains("unknown array \"x1\"") && error.contains("X, y"), "{error}");
        assert!(load_bytes(&pair(STORED), None, Some("labels")).is_err());
    }

    #[test]
    fn labels_of_another_length_are_refused() {
        let arrays = [("X", npy("|u1", "(2, 1)", &[1, 2])), ("y", npy("|u1", "(3,)", &[0, 1, 0]))];
        let error = load_bytes(&archive(&arrays, STORED), None, Some("y")).unwrap_err().to_string();
        assert!(error.contains("3 labels for 2 rows"), "{error}");
    }

    #[test]
    fn an_array_that_promises_the_impossible_is_refused_at_once() {
        let arrays = [("X", npy("<f8", "(1000000000000, 8)", &[0; 64]))];
        let error = load_bytes(&archive(&arrays, DEFLATED), None, None).unwrap_err().to_string();
        assert!(error.contains("more than the file can hold"), "{error}");
    }

    #[test]
    fn real_archives_are_read() {
        let Some(folder) = crate::real_data() else {
            return;
        };
        let labelled =
            |label: &str| ReadOptions { label: Some(label.to_owned()), ..ReadOptions::default() };
        let glass = load(&folder.join("adbench/14_glass.npz"), &labelled("y"), None).unwrap();
        assert_eq!((glass.rows(), glass.features()), (214, 7));
        let hearts = folder.join("ecg5000/ecg5000.npz");
        assert!(load(&hearts, &ReadOptions::default(), None).is_err());
        let data = load(&hearts, &labelled("train_class"), Some("train_x")).unwrap();
        assert_eq!((data.rows(), data.features()), (500, 140));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn truncated_archives_are_errors(length in any::<prop::sample::Index>(), deflated: bool) {
            let bytes = pair(if deflated { DEFLATED } else { STORED });
            let length = length.index(bytes.len());
            prop_assert!(load_bytes(&bytes[..length], None, None).is_err());
        }

        #[test]
        fn flipped_bits_never_panic(position in any::<prop::sample::Index>(), bit in 0u8..8, deflated: bool) {
            let mut bytes = pair(if deflated { DEFLATED } else { STORED });
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let _ = load_bytes(&bytes, None, Some("y"));
        }
    }
}
