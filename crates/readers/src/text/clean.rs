//! Text on its way from a file to its records.

use std::io::{self, Read};

/// A longer record is none of a table; without a bound, one open quote would read a whole file into
/// one cell.
const LONGEST_RECORD: usize = 1 << 26;
/// More fields than this are no columns of a table, and take memory by the hundred bytes each.
pub(crate) const MOST_FIELDS: usize = 1 << 20;

/// What is done to text before it is parted into records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cleaning {
    /// Lines at the beginning that are left out.
    pub(crate) skip: usize,
    /// Whether lines end with carriage return and line feed.
    pub(crate) returns: bool,
    /// Whether blanks in runs part the fields: each becomes a tab, but within quotes.
    pub(crate) blanks: bool,
    /// The delimiter behind which blanks before a quote are left out.
    pub(crate) before_quotes: Option<u8>,
    /// What parts the fields.
    pub(crate) delimiter: u8,
}

/// Where a text ends: within quotes or not, as a reader of CSV sees it.
#[derive(Clone, Copy, Debug)]
struct End {
    quoted: bool,
    /// Whether a field begins.
    begins: bool,
    /// Whether the last byte closed a quote, which another one would open again.
    closed: bool,
    line: usize,
    /// The line of the last quote that opened.
    opened: usize,
    /// Fields since the record began.
    fields: usize,
}

impl Default for End {
    fn default() -> Self {
        Self { quoted: false, begins: true, closed: false, line: 1, opened: 0, fields: 0 }
    }
}

impl End {
    fn follow(&mut self, bytes: &[u8], delimiter: u8) {
        for byte in bytes {
            let quote = *byte == b'"';
            let opens = quote && !self.quoted && (self.begins || self.closed);
            if opens && self.begins {
                self.opened = self.line;
            }
            self.closed = quote && self.quoted;
            self.quoted = opens || self.quoted && !quote;
            // A line without anything is no record.
            let blank = self.begins && *byte == b'\n';
            self.begins = !self.quoted && (*byte == delimiter || *byte == b'\n');
            self.line += usize::from(*byte == b'\n');
            self.fields += usize::from(self.begins && !blank);
        }
    }
}

/// Text whose lines all end with a line feed alone, without zero bytes, and which gives up when one
/// record takes more than its budget.
pub(crate) struct Clean<R> {
    reader: R,
    how: Cleaning,
    left: usize,
    skipped: usize,
    /// How many bytes were zero.
    pub(crate) zeros: usize,
    /// Where what was passed on so far ends.
    end: End,
    /// Whether the last byte was within quotes.
    quoted: bool,
    /// Whether the last byte was the beginning of a field.
    beginning: bool,
    /// Blanks that wait for what follows them.
    blanks: usize,
    /// Text that found no room yet.
    waiting: Vec<u8>,
    ended: bool,
}

impl<R: Read> Clean<R> {
    pub(crate) fn new(reader: R, how: Cleaning) -> Self {
        Self {
            reader,
            how,
            left: LONGEST_RECORD,
            skipped: 0,
            zeros: 0,
            end: End::default(),
            quoted: false,
            beginning: true,
            blanks: 0,
            waiting: Vec::new(),
            ended: false,
        }
    }

    /// Tells that a record begins.
    pub(crate) fn begin(&mut self) {
        self.left = LONGEST_RECORD;
        self.end.fields = 0;
    }

    /// The line, from 1, that opens a quote which nothing has closed so far.
    pub(crate) fn open_quote(&self) -> Option<usize> {
        self.end.quoted.then_some(self.end.opened + self.skipped)
    }

    /// Lines that were left out so far.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }

    fn plain(&self) -> bool {
        self.skipped >= self.how.skip && !self.how.blanks && self.how.before_quotes.is_none()
    }

    /// Takes a byte that may change what others mean.
    fn take(&mut self, byte: u8) {
        if self.skipped < self.how.skip {
            self.skipped += usize::from(byte == b'\n');
            return;
        }
        // Elsewhere it is a sign for inches.
        let opens = self.beginning || self.how.blanks && self.blanks > 0;
        if byte == b'"' && (self.quoted || opens) {
            if self.how.blanks {
                self.part();
            }
            self.blanks = 0;
            self.quoted = !self.quoted;
            self.beginning = false;
            self.waiting.push(byte);
            return;
        }
        if self.quoted {
            self.waiting.push(byte);
            return;
        }
        match byte {
            b' ' | b'\t' if self.how.blanks => self.blanks += 1,
            b' ' if self.beginning => self.blanks += 1,
            b'\n' => {
                self.blanks = 0;
                self.beginning = true;
                self.waiting.push(byte);
            }
            _ => {
                if self.how.blanks {
                    self.part();
                } else {
                    self.waiting.extend(std::iter::repeat_n(b' ', self.blanks));
                }
                self.blanks = 0;
                self.beginning = self.how.before_quotes == Some(byte);
                self.waiting.push(byte);
            }
        }
    }

    /// Puts a tab between two fields where blanks were.
    fn part(&mut self) {
        if self.blanks > 0 && !self.beginning {
            self.waiting.push(b'\t');
        }
        self.beginning = false;
    }
}

impl<R: Read> Read for Clean<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "has a line of more than 64 MiB; is a quote not closed?",
            ));
        }
        if self.end.fields > MOST_FIELDS {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("has a line of more than {MOST_FIELDS} fields"),
            ));
        }
        let length = buffer.len().min(self.left);
        if length == 0 {
            return Ok(0);
        }
        loop {
            if !self.waiting.is_empty() {
                let count = length.min(self.waiting.len());
                buffer[..count].copy_from_slice(&self.waiting[..count]);
                self.waiting.drain(..count);
                self.end.follow(&buffer[..count], self.how.delimiter);
                return Ok(count);
            }
            if self.ended {
                return Ok(0);
            }
            let read = self.reader.read(&mut buffer[..length])?;
            self.left -= read;
            if read == 0 {
                self.ended = true;
                self.waiting.push(b'\n');
                continue;
            }
            let mut kept = 0;
            for position in 0..read {
                let byte = buffer[position];
                self.zeros += usize::from(byte == 0);
                buffer[kept] = byte;
                kept += usize::from(byte != 0 && !(self.how.returns && byte == b'\r'));
            }
            if self.plain() {
                if kept > 0 {
                    self.end.follow(&buffer[..kept], self.how.delimiter);
                    return Ok(kept);
                }
                continue;
            }
            (0..kept).for_each(|position| self.take(buffer[position]));
        }
    }
}

/// All of a text that is in memory, cleaned.
pub(crate) fn cleaned(text: &str, how: Cleaning) -> Vec<u8> {
    let mut clean = Vec::new();
    // A record that is too long is cut off here; reading it later is the error.
    let _ = Clean::new(text.as_bytes(), how).read_to_end(&mut clean);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str, how: Cleaning) -> String {
        String::from_utf8(cleaned(text, how)).unwrap()
    }

    #[test]
    fn runs_of_blanks_become_tabs_outside_of_quotes() {
        let how = Cleaning { blanks: true, ..Cleaning::default() };
        assert_eq!(clean("  a   b\tc  \n1 \"x  y\"  3\n", how), "a\tb\tc\n1\t\"x  y\"\t3\n\n");
    }

    #[test]
    fn blanks_before_quotes_are_left_out_and_others_kept() {
        let how = Cleaning { before_quotes: Some(b','), ..Cleaning::default() };
        assert_eq!(clean("a, \"b, c\", d e\n", how), "a,\"b, c\", d e\n\n");
    }

    #[test]
    fn first_lines_zero_bytes_and_returns_are_left_out() {
        let how = Cleaning { skip: 2, returns: true, ..Cleaning::default() };
        assert_eq!(clean("title\r\n\r\na,b\r\n1,\x002\r\n", how), "a,b\n1,2\n\n");
    }
}
