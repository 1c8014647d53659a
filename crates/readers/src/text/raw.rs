//! The records of a file of text as they stand, byte for byte.

use crate::hold::source::{Stream, failed, peek_lines};
use crate::text::layout::{Delimiter, Layout};
use rows::{Error, Result};
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// Bytes of a record at most, as for other readers of it.
const LONGEST_RECORD: usize = 1 << 26;
/// Bytes looked at for how lines end; more, where none does in them.
const HEAD: u64 = 1 << 16;

/// A piece of a file: a record, or lines that are none (titles, comments, blank lines).
pub(crate) struct Piece {
    /// Its bytes, in UTF-8, with the end of the line.
    pub(crate) text: Vec<u8>,
    pub(crate) is_record: bool,
}

/// A file in pieces that together are all of it.
pub(crate) struct Pieces {
    reader: BufReader<Box<dyn Read>>,
    place: String,
    skip: usize,
    comments: bool,
    delimiter: Delimiter,
    end: u8,
}

impl Pieces {
    pub(crate) fn open(path: &Path, layout: &Layout) -> Result<Self> {
        let place = path.display().to_string();
        let decoded = layout.encoding.decoded(Stream::open(path)?.reader);
        let (head, reader, _) =
            peek_lines(decoded, HEAD, 1).map_err(|error| failed(&place, error))?;
        let reader: Box<dyn Read> = Box::new(reader);
        Ok(Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            place,
            skip: layout.skip,
            comments: layout.comments,
            delimiter: layout.delimiter,
            end: if head.contains(&b'\n') { b'\n' } else { b'\r' },
        })
    }

    /// The next piece; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        let mut text = Vec::new();
        if !self.line(&mut text)? {
            return Ok(None);
        }
        let titles = self.skip > 0;
        self.skip = self.skip.saturating_sub(1);
        let is_blank = text.iter().all(|byte| b"\r\n".contains(byte));
        if titles || is_blank || self.comments && text.starts_with(b"#") {
            return Ok(Some(Piece { text, is_record: false }));
        }
        while fields(&text, self.delimiter).is_none() && self.line(&mut text)? {}
        Ok(Some(Piece { text, is_record: true }))
    }

    /// Adds a line; false at the end of the file.
    fn line(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let room = LONGEST_RECORD.saturating_sub(text.len()) as u64;
        let read = self.reader.by_ref().take(room).read_until(self.end, text);
        let read = read.map_err(|error| failed(&self.place, error))?;
        if room == 0 {
            return Err(Error::data(&self.place, "has a line of more than 64 MiB"));
        }
        Ok(read > 0)
    }
}

/// Where the fields of a record are, with their quotes, without the end of the line; none where a
/// quote is not closed.
pub(crate) fn fields(record: &[u8], delimiter: Delimiter) -> Option<Vec<Range<usize>>> {
    let end = record.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |at| at + 1);
    let (record, blanks) = (&record[..end], delimiter == Delimiter::Blanks);
    let is_blank = |byte: &u8| *byte == b' ' || blanks && *byte == b'\t';
    let parts = |byte: &u8| if blanks { is_blank(byte) } else { *byte == delimiter.byte() };
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let gap = record[at..].iter().take_while(|byte| is_blank(byte)).count();
        if blanks && at + gap == end && !found.is_empty() {
            return Some(found);
        }
        let start = if blanks { at + gap } else { at };
        let mut stop = start;
        if record.get(at + gap) == Some(&b'"') && !parts(&b'"') {
            stop = closing(record, at + gap + 1)? + 1;
        }
        stop += record[stop..].iter().take_while(|byte| !parts(byte)).count();
        found.push(start..stop);
        if stop == end {
            return Some(found);
        }
        at = stop + usize::from(!blanks);
    }
}

/// The place of the quote that closes; two are one that does not.
fn closing(record: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += record[at..].iter().position(|byte| *byte == b'"')?;
        if record.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_first_line_longer_than_the_first_look_ends_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.csv");
        let names: Vec<String> = (0..20_000).map(|at| format!("column{at}")).collect();
        let row = vec!["1"; 20_000].join(",");
        std::fs::write(&path, format!("{}\n{row}\n{row}\n", names.join(","))).unwrap();
        let lines = crate::text::lines::Lines::open(&path, &crate::ReadOptions::default()).unwrap();
        let mut pieces = Pieces::open(&path, &lines.layout).unwrap();
        let mut count = 0;
        while let Some(piece) = pieces.next().unwrap() {
            count += usize::from(piece.is_record);
        }
        assert_eq!(count, 3);
    }

    fn parted(record: &str, delimiter: Delimiter) -> Vec<String> {
        let found = fields(record.as_bytes(), delimiter).unwrap();
        found.into_iter().map(|field| record[field].to_owned()).collect()
    }

    #[test]
    fn fields_are_found_as_they_stand() {
        let comma = Delimiter::Sign(b',');
        assert_eq!(parted("a, b,,\"c,\"\"d\" ,\n", comma), ["a", " b", "", "\"c,\"\"d\" ", ""]);
        assert_eq!(parted("5\" pipe,2\r\n", comma), ["5\" pipe", "2"]);
        assert_eq!(parted("", comma), [""]);
        assert_eq!(parted("  a  \"b c\"\td \n", Delimiter::Blanks), ["a", "\"b c\"", "d"]);
        assert_eq!(fields(b"a,\"b\n", comma), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn there_are_as_many_fields_as_another_reader_finds(text in "[ab,\" ]{1,20}") {
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let mut record = csv::ByteRecord::new();
            reader.read_byte_record(&mut record).unwrap();
            // Blanks before a quote are cleaned away before that reader sees them.
            prop_assume!(!text.contains(" \""));
            if let Some(found) = fields(text.as_bytes(), Delimiter::Sign(b',')) {
                prop_assert_eq!(found.len(), record.len());
            }
        }
    }
}
