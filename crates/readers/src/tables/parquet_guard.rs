//! A look at the sizes in a Parquet file before its decoder believes them.
//!
//! The decoder reserves memory for what the schema and the page headers claim and recurses as deep
//! as the schema says. A damaged or hostile file could ask for gigabytes, which no error handling
//! survives; here such claims become errors. Both are in Thrift's compact protocol: structs of
//! numbered fields, integers of seven bits a byte.

use rows::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Groups within groups beyond this are no table.
const DEEPEST: usize = 64;
/// A page is about a megabyte; one of more than this is a trap.
const LARGEST_PAGE: u64 = 1 << 28;
/// Values, of all rows together, in one page.
const MOST_VALUES: u64 = 1 << 26;
/// Where a page header begins, this much is read, and more only if it goes on.
const WINDOWS: [u64; 2] = [1 << 12, 1 << 22];

/// Why a file is refused.
pub(crate) type Refusal = String;

/// Checks the schema in the footer: as many elements as its groups claim, not too deep.
pub(crate) fn check_footer(file: &mut File) -> Result<(), Refusal> {
    let length = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    if length < 12 {
        return Err("it is too short".to_owned());
    }
    let tail = read_at(file, length - 8, 8)?;
    if tail[4..] != *b"PAR1" {
        return Err("it does not end with PAR1; is it cut short?".to_owned());
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let start = (length - 8).checked_sub(footer).ok_or("its footer is longer than the file")?;
    let bytes = read_at(file, start, footer)?;
    let mut elements = None;
    Compact { bytes: &bytes, position: 0 }
        .fields(0, &mut |id, kind, compact| {
            if (id, kind) == (2, LIST) {
                elements = Some(compact.schema()?);
                return Some(());
            }
            compact.skip(kind, 0)
        })
        .ok_or("its footer is damaged")?;
    check_tree(&elements.ok_or("its footer has no schema")?)
}

/// The schema as it is stored: each group is followed by its children.
fn check_tree(children: &[u64]) -> Result<(), Refusal> {
    let mut open: Vec<u64> = Vec::new();
    for (index, &count) in children.iter().enumerate() {
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(left) => *left -= 1,
            None if index > 0 => return Err("its schema has several roots".to_owned()),
            None => {}
        }
        if count as usize >= children.len() {
            return Err(format!("its schema claims a group of {count} columns"));
        }
        open.push(count);
        if open.len() > DEEPEST {
            return Err(format!("its columns are nested more than {DEEPEST} deep"));
        }
    }
    if open.iter().any(|&left| left > 0) {
        return Err("its schema has fewer columns than it claims".to_owned());
    }
    Ok(())
}

/// Checks the header of every page of a column that begins at `start` and takes `length` bytes.
pub(crate) fn check_pages(file: &mut File, start: u64, length: u64) -> Result<(), Refusal> {
    let (mut position, mut left) = (start, length);
    let mut dictionary = false;
    while left > 0 {
        let header = read_header(file, position, left)?;
        header.check(left)?;
        dictionary |= header.dictionary;
        // Encodings 2 and 8 are numbers of entries in a dictionary.
        if !dictionary && matches!(header.encoding, 2 | 8) {
            return Err("a page needs a dictionary that is not there".to_owned());
        }
        let taken = header.length + header.packed;
        position += taken;
        left -= taken;
    }
    Ok(())
}

/// What a page header claims.
#[derive(Debug, Default, PartialEq)]
struct PageHeader {
    /// Bytes of the header itself.
    length: u64,
    packed: u64,
    unpacked: u64,
    values: u64,
    encoding: u64,
    dictionary: bool,
}

impl PageHeader {
    fn check(&self, left: u64) -> Result<(), Refusal> {
        if self.length.saturating_add(self.packed) > left {
            return Err("a page goes beyond its column".to_owned());
        }
        if self.unpacked > LARGEST_PAGE {
            return Err(format!(
                "a page claims {} bytes; wanted at most {LARGEST_PAGE}",
                self.unpacked
            ));
        }
        if self.values > MOST_VALUES || (self.dictionary && self.values > self.unpacked) {
            return Err(format!("a page of {} bytes claims {} values", self.unpacked, self.values));
        }
        // These two hold a count of their own that nothing outside of the decoder can check.
        if matches!(self.encoding, 6 | 7) {
            return Err("a text column is delta-encoded, which is not readable; write it plain or with a dictionary".to_owned());
        }
        Ok(())
    }
}

fn read_header(file: &mut File, position: u64, left: u64) -> Result<PageHeader, Refusal> {
    for window in WINDOWS {
        let bytes = read_at(file, position, window.min(left))?;
        if let Some(header) = parse_header(&bytes) {
            return Ok(header);
        }
    }
    Err("a page header is damaged".to_owned())
}

fn parse_header(bytes: &[u8]) -> Option<PageHeader> {
    let mut header = PageHeader::default();
    let mut compact = Compact { bytes, position: 0 };
    compact.fields(0, &mut |id, kind, compact| {
        match (id, kind) {
            (2, I32) => header.unpacked = compact.size()?,
            (3, I32) => header.packed = compact.size()?,
            (5 | 7 | 8, STRUCT) => {
                header.dictionary |= id == 7;
                let encoding = if id == 8 { 4 } else { 2 };
                compact.fields(1, &mut |field, kind, compact| {
                    match (field, kind) {
                        (1, I32) => header.values = compact.size()?,
                        (_, I32) if field == encoding => header.encoding = compact.size()?,
                        _ => compact.skip(kind, 1)?,
                    }
                    Some(())
                })?;
            }
            _ => compact.skip(kind, 0)?,
        }
        Some(())
    })?;
    header.length = compact.position as u64;
    Some(header)
}

fn read_at(file: &mut File, position: u64, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(position)).map_err(|error| error.to_string())?;
    file.take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 != length {
        return Err("it is cut short".to_owned());
    }
    Ok(bytes)
}

const I32: u8 = 5;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A walk over bytes in Thrift's compact protocol; nothing is kept but the position. `None` where
/// they end or make no sense.
struct Compact<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    fn jump(&mut self, length: u64) -> Option<()> {
        let position = self.position.checked_add(usize::try_from(length).ok()?)?;
        self.position = Some(position).filter(|position| *position <= self.bytes.len())?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A signed integer that must not be negative.
    fn size(&mut self) -> Option<u64> {
        let zigzag = self.varint()?;
        (zigzag & 1 == 0).then_some(zigzag >> 1)
    }

    /// Calls `on` for each field of a struct with its number and its type; `on` must read the
    /// value.
    fn fields(
        &mut self,
        depth: usize,
        on: &mut dyn FnMut(u64, u8, &mut Self) -> Option<()>,
    ) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let mut id = 0u64;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Some(());
            }
            id = match byte >> 4 {
                0 => self.varint()? >> 1,
                step => id.checked_add(u64::from(step))?,
            };
            on(id, byte & 0x0f, self)?;
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            // A truth is in its type.
            1 | 2 => Some(()),
            3 => self.jump(1),
            4..=6 => self.varint().map(drop),
            7 => self.jump(8),
            8 => {
                let length = self.varint()?;
                self.jump(length)
            }
            LIST | 10 => self.items(depth).map(drop),
            STRUCT => self.fields(depth + 1, &mut |_, kind, compact| compact.skip(kind, depth + 1)),
            13 => self.jump(16),
            _ => None,
        }
    }

    /// The type and the number of the items of a list that begins here.
    fn list(&mut self) -> Option<(u8, u64)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        // Every item takes a byte at least.
        (count <= self.bytes.len() as u64).then_some((byte & 0x0f, count))
    }

    fn items(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let (kind, count) = self.list()?;
        for _ in 0..count {
            match kind {
                // In a list a truth takes a byte.
                1 | 2 => self.jump(1)?,
                _ => self.skip(kind, depth + 1)?,
            }
        }
        Some(())
    }

    /// How many children each element of a schema has.
    fn schema(&mut self) -> Option<Vec<u64>> {
        let (kind, count) = self.list()?;
        if kind != STRUCT {
            return None;
        }
        let mut children = Vec::new();
        for _ in 0..count {
            let mut own = 0;
            self.fields(1, &mut |id, kind, compact| {
                if (id, kind) == (5, I32) {
                    own = compact.size()?;
                    return Some(());
                }
                compact.skip(kind, 1)
            })?;
            children.push(own);
        }
        Some(children)
    }
}

/// The error for a file that is no Parquet, or a damaged one.
pub(crate) fn damaged(place: &str, reason: impl std::fmt::Display) -> Error {
    Error::data(
        place,
        format!("is no readable Parquet file ({reason}); write or download it again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_must_have_the_columns_it_claims() {
        assert!(check_tree(&[2, 0, 0]).is_ok());
        assert!(check_tree(&[2, 1, 0, 0]).is_ok());
        assert!(check_tree(&[2_000_000_000, 0]).unwrap_err().contains("claims a group"));
        assert!(check_tree(&[2, 0]).is_err());
        assert!(check_tree(&[1, 0, 0]).unwrap_err().contains("roots"));
        let deep: Vec<u64> = std::iter::repeat_n(1, 1000).chain([0]).collect();
        assert!(check_tree(&deep).unwrap_err().contains("deep"));
    }

    #[test]
    fn a_page_header_is_read_as_the_format_lays_it_out() {
        // Fields 1, 2, 3 (type 0, 200 and 100 bytes), then field 5: 7 values, encoding 8.
        let bytes = [0x15, 0, 0x15, 0x90, 3, 0x15, 0xc8, 1, 0x2c, 0x15, 14, 0x15, 16, 0, 0];
        let wanted = PageHeader {
            length: 15,
            packed: 100,
            unpacked: 200,
            values: 7,
            encoding: 8,
            dictionary: false,
        };
        assert_eq!(parse_header(&bytes).unwrap(), wanted);
        assert!(wanted.check(115).is_ok());
        assert!(wanted.check(114).is_err());
        assert!((0..15).all(|length| parse_header(&bytes[..length]).is_none()));
    }

    #[test]
    fn claims_beyond_all_measure_are_refused() {
        let huge = PageHeader { unpacked: 1 << 31, ..PageHeader::default() };
        assert!(huge.check(100).unwrap_err().contains("claims 2147483648 bytes"));
        let many = PageHeader { values: 1 << 30, unpacked: 10, ..PageHeader::default() };
        assert!(many.check(100).unwrap_err().contains("values"));
    }

    #[test]
    fn lists_and_structs_are_not_followed_without_end() {
        let nested = vec![0x1c; 100_000];
        assert!(Compact { bytes: &nested, position: 0 }.skip(STRUCT, 0).is_none());
        let list = vec![0x19; 100_000];
        assert!(Compact { bytes: &list, position: 0 }.skip(LIST, 0).is_none());
    }
}
