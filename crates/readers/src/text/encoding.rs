//! Text in other encodings than UTF-8.

use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use rows::{Error, Result};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// Bytes decoded at a time.
const PIECE: usize = 1 << 14;
/// Of so many bytes one may be no character of a text: a logger that lost its power writes zeros.
const BYTES_A_CONTROL: usize = 20;

/// An encoding of text by one of its usual names: `utf-8`, `utf-16le`, `latin-1`, `windows-1252`,
/// `shift_jis`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    pub(crate) const UTF_8: Self = Self(UTF_8);

    /// What the first bytes of a file are most likely encoded in: as a mark at the beginning says,
    /// UTF-16 where every other byte is zero, UTF-8 where they are that, or else Windows-1252, of
    /// which Latin-1 is a part. None where they are no text at all.
    pub(crate) fn guess(head: &[u8]) -> Option<Self> {
        if let Some((marked, _)) = encoding_rs::Encoding::for_bom(head) {
            return Some(Self(marked));
        }
        let zeros =
            |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        let half = head.len() / 2;
        if even + odd > 0 && even + odd >= half / 2 && head.len() >= 4 {
            let alone = |own: usize, other: usize| own > 4 * other && own * 2 > half;
            let encoding = match () {
                () if alone(odd, even) => Self(UTF_16LE),
                () if alone(even, odd) => Self(UTF_16BE),
                () => return None,
            };
            let odd_one = |c: &char| c.is_control() && !c.is_whitespace();
            let text = encoding.decode(head);
            let few = text.chars().filter(odd_one).count() * BYTES_A_CONTROL <= text.len();
            return few.then_some(encoding);
        }
        let odd_one = |byte: &&u8| **byte < b' ' && !b"\t\n\r\x0c\x1b".contains(byte);
        if head.iter().filter(odd_one).count() * BYTES_A_CONTROL > head.len() {
            return None;
        }
        match std::str::from_utf8(head) {
            // The last character may be cut off.
            Err(error) if error.error_len().is_some() => Some(Self(WINDOWS_1252)),
            _ => Some(Self::UTF_8),
        }
    }

    /// Bytes from the beginning of a file as text; what is no text in this encoding becomes U+FFFD.
    pub(crate) fn decode(self, head: &[u8]) -> String {
        self.0.decode(head).0.into_owned()
    }

    /// A reader of the same text in UTF-8.
    pub(crate) fn decoded<R: Read>(self, reader: R) -> Decoded<R> {
        let decoder = (self.0 != UTF_8).then(|| self.0.new_decoder_with_bom_removal());
        Decoded { reader, decoder, waiting: Vec::new(), text: Vec::new(), given: 0, ended: false }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_lowercase())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let usual = name.to_lowercase().replace("latin-", "latin").replace("cp-", "cp");
        let known = encoding_rs::Encoding::for_label(usual.as_bytes());
        known.map(Self).ok_or_else(|| {
            let wanted = "the name of one: utf-8, utf-16le, utf-16be, latin-1, windows-1252, shift_jis, gbk, ...";
            Error::setting("encoding", format!("{name:?}"), wanted)
        })
    }
}

/// Text of any encoding in UTF-8.
pub(crate) struct Decoded<R> {
    reader: R,
    /// None passes bytes on.
    decoder: Option<Decoder>,
    /// Bytes that are not decoded yet.
    waiting: Vec<u8>,
    /// Text that was not given yet, from `given` on.
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    fn fill(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let start = self.waiting.len();
        self.waiting.resize(start + PIECE, 0);
        let read = self.reader.read(&mut self.waiting[start..])?;
        self.waiting.truncate(start + read);
        self.ended = read == 0;
        self.given = 0;
        // Nothing takes more than three times its bytes in UTF-8.
        self.text.resize(3 * self.waiting.len() + 16, 0);
        let (_, taken, written, _) =
            decoder.decode_to_utf8(&self.waiting, &mut self.text, self.ended);
        self.waiting.drain(..taken);
        self.text.truncate(written);
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() {
            return self.reader.read(buffer);
        }
        while self.given == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = buffer.len().min(self.text.len() - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..][..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utf_16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn the_encoding_is_told_by_the_first_bytes() {
        let guess = |bytes: &[u8]| Encoding::guess(bytes).map(|encoding| encoding.to_string());
        assert_eq!(guess("größe,b".as_bytes()).as_deref(), Some("utf-8"));
        assert_eq!(guess(&"größe".as_bytes()[..3]).as_deref(), Some("utf-8"));
        assert_eq!(guess(b"gr\xf6\xdfe,b").as_deref(), Some("windows-1252"));
        for big in [false, true] {
            let name = if big { "utf-16be" } else { "utf-16le" };
            assert_eq!(guess(&utf_16("name,value\n1,2\n", big)).as_deref(), Some(name));
            assert_eq!(guess(&utf_16("\u{feff}größe", big)).as_deref(), Some(name));
        }
        assert_eq!(guess(b"a,b\n1,2\n3,4\n5,6\0\n7,8\n9,10\n").as_deref(), Some("utf-8"));
        assert_eq!(guess(b"a\0b"), None);
        assert_eq!(guess(&[0; 64]), None);
    }

    #[test]
    fn usual_names_are_known_and_others_refused() {
        for name in ["latin-1", "Latin1", "ISO-8859-1", "cp1252", "windows-1252"] {
            assert_eq!(name.parse::<Encoding>().unwrap().to_string(), "windows-1252", "{name}");
        }
        assert!("klingon".parse::<Encoding>().unwrap_err().to_string().contains("utf-16le"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn decoded_text_is_the_text(text in "[ -~äöü€\u{1f600}\n]{0,9000}", big in any::<bool>()) {
            let name = if big { "utf-16be" } else { "utf-16le" };
            let encoding: Encoding = name.parse().unwrap();
            let mut read = String::new();
            encoding.decoded(&utf_16(&text, big)[..]).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
