//! The records of a file of text.

use crate::hold::source::{Peeked, Stream, failed, peek_lines};
use crate::options::ReadOptions;
use crate::text::clean::{Clean, Cleaning};
use crate::text::encoding::Decoded;
use crate::text::layout::{Layout, split_stamp};
use csv::{ByteRecord, Reader, ReaderBuilder};
use rows::{Error, Message, Result};
use std::io::Read;
use std::path::Path;

/// Bytes looked at to find out how a file is laid out; more, where they do not hold a few lines.
const HEAD: u64 = 1 << 18;
/// A first line and some below it tell what it is.
const FEW_LINES: usize = 8;

/// The records of a file of text, as its layout parts them.
pub(crate) struct Lines<R> {
    reader: Reader<Clean<Decoded<Peeked<R>>>>,
    record: ByteRecord,
    place: String,
    pub(crate) layout: Layout,
    date_format: Option<String>,
    /// The stamp of the last line that had one.
    stamp: String,
    /// The line on which the record begins, from 1.
    line: usize,
    /// Whether it goes on over further lines.
    across: bool,
}

/// A record: the texts of its fields.
pub(crate) struct Fields<'a> {
    record: &'a ByteRecord,
    /// How many of them count.
    count: usize,
    /// Where a line is one text: its stamp and what is behind it.
    line: Option<(&'a str, &'a str)>,
    /// Whether the record holds a stamp beside the text.
    stamped: bool,
}

impl<'a> Fields<'a> {
    /// The texts, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (stamp, text) = self.line.unwrap_or_default();
        let line = [self.stamped.then_some(stamp), self.line.map(|_| text)];
        let fields = if self.line.is_some() { 0 } else { self.count };
        let field = |bytes: &'a [u8]| std::str::from_utf8(bytes).unwrap_or_default();
        line.into_iter().flatten().chain(self.record.iter().take(fields).map(field))
    }
}

impl Lines<Box<dyn Read>> {
    /// Opens a file and finds out how it is laid out.
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        let place = path.display().to_string();
        let name = place.to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let log = name.ends_with(".log") || name.ends_with(".txt");
        Self::new(Stream::open(path)?.reader, &place, log, options)
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R, place: &str, log: bool, options: &ReadOptions) -> Result<Self> {
        let (head, reader, whole) =
            peek_lines(reader, HEAD, FEW_LINES).map_err(|error| failed(place, error))?;
        if head.is_empty() {
            return Err(Error::data(place, "is empty"));
        }
        let notation = options.written(None);
        let (said, expected) = (&options.layout, &options.expected);
        let layout = Layout::find(&head, whole, said, &notation, expected, (place, log))?;
        // No line has such a byte: it is none of UTF-8.
        let delimiter = if layout.lines.is_some() { 0xff } else { layout.delimiter.byte() };
        let cleaning = Cleaning { delimiter, ..layout.cleaning };
        let clean = Clean::new(layout.encoding.decoded(reader), cleaning);
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).comment(layout.comments.then_some(b'#'));
        builder.delimiter(delimiter).quoting(layout.lines.is_none());
        Ok(Self {
            reader: builder.from_reader(clean),
            record: ByteRecord::new(),
            place: place.to_owned(),
            layout,
            date_format: notation.date_format,
            stamp: String::new(),
            line: 0,
            across: false,
        })
    }

    /// Reads the next record; none at the end.
    ///
    /// An error where the file cannot be read, or its text is none.
    pub(crate) fn next(&mut self) -> Result<Option<Fields<'_>>> {
        self.reader.get_mut().begin();
        let more = self.reader.read_byte_record(&mut self.record);
        let more = more.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => failed(&self.place, error),
            _ => Error::data(&self.place, "is no CSV file"),
        })?;
        if !more {
            // The rest of the file is one cell then.
            let open = self.reader.get_ref().open_quote().filter(|_| self.across);
            let Some(line) = open else { return Ok(None) };
            let why = format!("line {line} opens a quote that nothing closes; close it there");
            return Err(Error::data(&self.place, why));
        }
        // The reader's own word for it is off after blank lines; where the record ends is certain.
        let within = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        let end = usize::try_from(self.reader.position().line()).unwrap_or(usize::MAX);
        self.across = within > 0;
        self.line = (end + self.reader.get_ref().skipped()).saturating_sub(1 + within);
        if self.record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            let text = String::from_utf8_lossy(self.record.as_slice());
            let odd = text.find('\u{fffd}').unwrap_or(0);
            let start = text[..odd].char_indices().rev().nth(8).map_or(0, |(at, _)| at);
            let excerpt: String = text[start..].chars().take(16).collect();
            let why = format!("line {} is no UTF-8 ({excerpt:?}); read it with ", self.line);
            let advice = Message::from(why).set("encoding", "windows-1252");
            return Err(Error::data(&self.place, advice.text(", or as what it is")));
        }
        let line = match self.layout.lines {
            None => None,
            Some(words) => {
                let whole = std::str::from_utf8(self.record.get(0).unwrap_or_default());
                let whole = whole.unwrap_or_default().trim_end();
                let split = split_stamp(whole, words, self.date_format.as_deref());
                // A line without a stamp, as those of a traceback, belongs to the one before it.
                if let Some((stamp, _)) = split {
                    stamp.clone_into(&mut self.stamp);
                }
                Some((self.stamp.as_str(), split.map_or(whole, |(_, text)| text)))
            }
        };
        let own = self.record.len();
        let empty =
            |at: usize| self.record.get(at).is_some_and(|field| field.trim_ascii().is_empty());
        let trails = self.layout.trailing && own == self.layout.width + 1 && empty(own - 1);
        Ok(Some(Fields {
            record: &self.record,
            count: own - usize::from(trails),
            line,
            stamped: self.layout.lines.is_some_and(|words| words > 0),
        }))
    }

    /// The one-based line on which the record just read begins.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// How many zero bytes were left out.
    pub(crate) fn zeros(&self) -> usize {
        self.reader.get_ref().zeros
    }
}
