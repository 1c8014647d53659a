//! Where readers put numbers as they come.

use crate::hold::disk::Disk;
use crate::hold::element::{Element, Number, too_big};
use rows::{Error, Result, Store};
use std::fs::File;
use std::io::{self, Write};

/// Numbers written to a temporary file at a time.
const PIECE: usize = 1 << 17;

/// Where readers put numbers as they come: into memory while they fit the budget, from then on into
/// a temporary file.
///
/// The file has no name and is gone with its last user, also after a crash.
#[derive(Debug)]
pub(crate) struct Sink<T> {
    place: String,
    /// Bytes that the numbers may take; none for any number.
    memory: Option<u64>,
    /// There will be no more numbers than this.
    most: usize,
    /// There may be so many numbers.
    expected: usize,
    /// All numbers, or those that are not in the file yet.
    waiting: Vec<T>,
    /// The file and how many numbers are in it.
    file: Option<(File, usize)>,
}

impl<T: Number> Sink<T> {
    /// An empty sink for at most `most` numbers of the source that messages call `place`.
    pub(crate) fn new(place: &str, memory: Option<u64>, most: usize) -> Self {
        Self { place: place.to_owned(), memory, most, expected: 0, waiting: Vec::new(), file: None }
    }

    /// Tells that there may be so many numbers more, so that memory is taken once.
    pub(crate) fn expect(&mut self, more: usize) {
        self.expected = self.waiting.len().saturating_add(more);
    }

    /// Makes room for `more` numbers, which the caller then adds.
    pub(crate) fn room(&mut self, more: usize) -> Result<()> {
        let wanted = self.waiting.len().saturating_add(more);
        if wanted > self.limit() {
            self.flush()?;
        }
        let length = self.waiting.len();
        if self.waiting.capacity() - length < more {
            let grown = self
                .expected
                .max(length.saturating_mul(2))
                .min(self.most)
                .min(self.limit())
                .max(length.saturating_add(more));
            self.waiting.try_reserve_exact(grown - length).map_err(|_| too_big(&self.place))?;
        }
        Ok(())
    }

    /// Adds a number for which there is room.
    pub(crate) fn push(&mut self, number: T) {
        self.waiting.push(number);
    }

    /// Adds numbers for which there is room.
    pub(crate) fn extend(&mut self, numbers: impl Iterator<Item = T>) {
        self.waiting.extend(numbers);
    }

    /// The numbers, once all are added.
    pub(crate) fn finish(mut self) -> Result<Store> {
        if self.file.is_some() || self.waiting.len() > self.limit() {
            self.flush()?;
        }
        Ok(match self.file {
            None => Store::from(T::hold(self.waiting)),
            Some((file, count)) => {
                let element = Element { kind: T::KIND, big_endian: false };
                Store::elsewhere(Disk::temporary(file, self.place, element, count))
            }
        })
    }

    /// Numbers that may wait in memory.
    fn limit(&self) -> usize {
        match (self.memory, &self.file) {
            (None, _) => usize::MAX,
            (Some(_), Some(_)) => PIECE,
            (Some(memory), None) => usize::try_from(memory).unwrap_or(usize::MAX) / T::KIND.size(),
        }
    }

    fn flush(&mut self) -> Result<()> {
        let fail = |error: io::Error| {
            let folder = std::env::temp_dir();
            let advice = "make room there, or set the variable TMPDIR to a folder with more";
            Error::data(
                &self.place,
                format!(
                    "its rows do not fit into a temporary file in {} ({error}); {advice}",
                    folder.display()
                ),
            )
        };
        let numbers = std::mem::take(&mut self.waiting);
        if numbers.is_empty() {
            return Ok(());
        }
        let (mut file, written) = match self.file.take() {
            Some(open) => open,
            None => (tempfile::tempfile().map_err(fail)?, 0),
        };
        let mut bytes = Vec::with_capacity(PIECE.min(numbers.len()) * T::KIND.size());
        for piece in numbers.chunks(PIECE) {
            bytes.clear();
            piece.iter().for_each(|number| number.write(&mut bytes));
            file.write_all(&bytes).map_err(fail)?;
        }
        self.file = Some((file, written + numbers.len()));
        Ok(())
    }
}

/// The same numbers with each changed, which knows its position; in at most `memory` bytes.
pub(crate) fn changed(
    store: Store,
    place: &str,
    memory: Option<u64>,
    change: impl Fn(usize, f64) -> f64,
) -> Result<Store> {
    let mut sink = Sink::<f64>::new(place, memory, store.len());
    let mut position = 0;
    for block in store.blocks(1) {
        let block = block?;
        for start in (0..block.len()).step_by(PIECE) {
            let piece = start..block.len().min(start + PIECE);
            sink.room(piece.len())?;
            sink.extend(piece.clone().map(|at| change(position + at, block.get(at))));
        }
        position += block.len();
    }
    sink.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ReadOptions;
    use crate::read;
    use crate::write_npy;
    use proptest::prelude::*;
    use rows::{Held, Values};
    use std::path::Path;
    use std::time::SystemTime;

    fn on_disk(place: &Path) -> ReadOptions {
        assert!(place.exists());
        ReadOptions { memory: Some(0), ..ReadOptions::default() }
    }

    fn filled<T: Number>(numbers: &[T], memory: Option<u64>, step: usize) -> Store {
        let mut sink = Sink::new("t", memory, numbers.len());
        for piece in numbers.chunks(step) {
            sink.room(piece.len()).unwrap();
            sink.extend(piece.iter().copied());
        }
        sink.finish().unwrap()
    }

    #[test]
    fn numbers_move_to_disk_when_they_outgrow_the_budget() {
        let numbers: Vec<f32> = (0..10).map(|i| i as f32 / 3.0).collect();
        assert!(filled(&numbers, Some(40), 3).in_memory().is_some());
        assert!(filled(&numbers, None, 3).in_memory().is_some());
        let store = filled(&numbers, Some(39), 3);
        assert!(store.in_memory().is_none());
        assert_eq!((store.len(), store.storage()), (10, "f32"));
        assert_eq!(store.load().unwrap(), Values::F32(numbers));
    }

    #[test]
    fn a_file_that_is_cut_short_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[4, 3], &[1.0; 12]).unwrap();
        let data = read(&path.display().to_string(), &on_disk(&path)).unwrap();
        assert!(data.gather(0..4).is_ok());
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 5).unwrap();
        let error = data.gather([3]).unwrap_err().to_string();
        assert!(error.contains("a.npy: was changed or cut short while it was read"), "{error}");
        // Also where nobody noticed the change, bytes that are not there are no numbers.
        let element = Element { kind: f32::KIND, big_endian: false };
        let held = Disk::temporary(File::open(&path).unwrap(), "a.npy".to_owned(), element, 12);
        let error = held.gather(&[3], 40).unwrap_err().to_string();
        assert!(error.contains("cut short"), "{error}");
    }

    #[test]
    fn a_file_that_is_changed_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[4, 3], &[1.0; 12]).unwrap();
        let data = read(&path.display().to_string(), &on_disk(&path)).unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        assert!(data.gather([0]).unwrap_err().to_string().contains("was changed"));
    }

    #[test]
    fn too_few_and_too_many_bytes_are_refused_when_the_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[4, 3], &[1.0; 12]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(
            read(&path.display().to_string(), &on_disk(&path))
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
        std::fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
        assert!(
            read(&path.display().to_string(), &on_disk(&path))
                .unwrap_err()
                .to_string()
                .contains("more than the 12 numbers")
        );
    }

    #[test]
    fn several_threads_read_at_once() {
        let numbers: Vec<f64> = (0..3000).map(f64::from).collect();
        let disk = filled(&numbers, Some(0), 100);
        assert!(disk.in_memory().is_none());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (disk, numbers) = (&disk, &numbers);
                scope.spawn(move || {
                    for row in (thread..1000).step_by(7) {
                        assert_eq!(
                            disk.gather(&[row], 3).unwrap(),
                            Values::F64(numbers[row * 3..][..3].to_vec())
                        );
                    }
                });
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn rows_from_disk_are_those_from_memory(
            numbers in prop::collection::vec(any::<f64>(), 1..200), width in 1usize..6, step in 1usize..50,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let rows = numbers.len() / width;
            prop_assume!(rows > 0);
            let numbers = &numbers[..rows * width];
            let picks: Vec<usize> = picks.iter().map(|pick| pick.index(rows)).collect();
            let (memory, disk) = (filled(numbers, None, step), filled(numbers, Some(0), step));
            let bits = |store: &Store| {
                let values = store.gather(&picks, width).unwrap();
                (0..values.len()).map(|at| values.get(at).to_bits()).collect::<Vec<_>>()
            };
            prop_assert_eq!(bits(&memory), bits(&disk));
        }
    }
}
