//! Valid files made invalid: their bytes, and what is behind their checksums and compression.

use crate::choices::Choices;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Texts that readers have stumbled over.
const TOKENS: [&str; 40] = [
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    ",",
    ";",
    "\t",
    "|",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "é",
    "NaN",
    "inf",
    "-inf",
    "1e309",
    "-1e-400",
    "99999999999999999999",
    "9007199254740993",
    "0x1F",
    "1_000",
    "1,5",
    "-",
    "#",
    "sep=;\n",
    "2024-13-45",
    "0000-00-00",
    "24:60:61",
    "true",
    "null",
    "[",
    "{",
    "}",
    "]",
    "'",
    "\\",
    "=1+1",
    "𝛼",
];

/// Numbers at the ends of what headers hold.
const EDGES: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];

/// A file of this name, damaged: as it is, or within what it is packed in.
pub(crate) fn file(choices: &mut Choices, name: &str, whole: &[u8]) -> Vec<u8> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let within = choices.below(4) > 0;
    match ending {
        "gz" if within => packed(choices, whole).unwrap_or_else(|| bytes(choices, whole)),
        "npz" | "zip" | "xlsx" | "ods" if within => {
            archive(choices, whole).unwrap_or_else(|| bytes(choices, whole))
        }
        "png" if within => png(choices, whole).unwrap_or_else(|| bytes(choices, whole)),
        "npy" if within => npy(choices, whole).unwrap_or_else(|| bytes(choices, whole)),
        "csv" | "jsonl" | "log" | "toml" | "json" if within => text(choices, whole),
        _ => bytes(choices, whole),
    }
}

/// Bytes changed in one to four places.
pub(crate) fn bytes(choices: &mut Choices, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=choices.below(4) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = choices.below(bytes.len());
        let length = 1 + choices.below(64.min(bytes.len() - at));
        match choices.below(8) {
            0 => bytes[at] ^= 1 << choices.below(8),
            1 => bytes[at] = choices.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let again = bytes[at..at + length].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                // A length or an offset of a header, most likely at the beginning or the end.
                let size = [1, 2, 4, 8][choices.below(4)];
                let at = match choices.below(3) {
                    0 => choices.below(64.min(bytes.len())),
                    1 => bytes.len() - 1 - choices.below(64.min(bytes.len())),
                    _ => at,
                };
                let edge = EDGES[choices.below(EDGES.len())].wrapping_add(choices.below(3) as u64);
                let edge = if choices.below(2) == 0 {
                    edge.to_le_bytes()
                } else {
                    edge.rotate_right(8 * size as u32).to_be_bytes()
                };
                bytes.iter_mut().skip(at).zip(&edge[..size]).for_each(|(byte, edge)| *byte = *edge);
            }
            6 => bytes[at..at + length].fill([0, 0xff, b' ', b'0'][choices.below(4)]),
            _ => {
                let from = choices.below(bytes.len());
                let piece = bytes[from..bytes.len().min(from + length)].to_vec();
                bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, other)| *byte = other);
            }
        }
    }
    bytes
}

/// A text with other words in it, or lines elsewhere.
fn text(choices: &mut Choices, whole: &[u8]) -> Vec<u8> {
    let mut text = whole.to_vec();
    for _ in 0..=choices.below(4) {
        let at = choices.below(text.len() + 1);
        match choices.below(6) {
            0..3 => {
                let token = TOKENS[choices.below(TOKENS.len())];
                text.splice(at..at, token.bytes());
            }
            3 => {
                let token = TOKENS[choices.below(TOKENS.len())];
                text.splice(at..at, token.repeat(1 + choices.below(2000)).bytes());
            }
            4 => {
                let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
                let (a, b) = (choices.below(lines.len()), choices.below(lines.len()));
                lines.swap(a, b);
                text = lines.join(&b'\n');
            }
            _ => text = bytes(choices, &text),
        }
    }
    text
}

fn packed(choices: &mut Choices, whole: &[u8]) -> Option<Vec<u8>> {
    let mut inner = Vec::new();
    GzDecoder::new(whole).read_to_end(&mut inner).ok()?;
    let inner = text(choices, &inner);
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(&inner).ok()?;
    out.finish().ok()
}

/// An archive of which one file is damaged, with a checksum that fits.
fn archive(choices: &mut Choices, whole: &[u8]) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(whole)).ok()?;
    let damaged = choices.below(archive.len());
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut inner = Vec::new();
        entry.read_to_end(&mut inner).ok()?;
        if at == damaged {
            inner = match name.rsplit_once('.') {
                Some((_, "npy")) => npy(choices, &inner).unwrap_or(inner),
                Some((_, "xml" | "csv" | "rels")) => text(choices, &inner),
                _ => bytes(choices, &inner),
            };
        }
        let how = [CompressionMethod::Stored, CompressionMethod::Deflated][choices.below(2)];
        out.start_file(name, SimpleFileOptions::default().compression_method(how)).ok()?;
        out.write_all(&inner).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}

/// A picture of which one chunk is damaged, with a checksum that fits.
fn png(choices: &mut Choices, whole: &[u8]) -> Option<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut at = 8;
    while at + 12 <= whole.len() {
        let length = u32::from_be_bytes(whole[at..at + 4].try_into().ok()?) as usize;
        chunks.push((
            whole.get(at + 4..at + 8)?.to_vec(),
            whole.get(at + 8..at + 8 + length)?.to_vec(),
        ));
        at += 12 + length;
    }
    let damaged = choices.below(chunks.len().max(1));
    let (_, inner) = chunks.get_mut(damaged)?;
    *inner = bytes(choices, inner);
    let mut out = whole[..8].to_vec();
    for (kind, inner) in chunks {
        out.extend((inner.len() as u32).to_be_bytes());
        let content = [kind, inner].concat();
        out.extend(&content);
        out.extend(crc32fast::hash(&content).to_be_bytes());
    }
    Some(out)
}

/// An array with another header, whose length fits.
fn npy(choices: &mut Choices, whole: &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_le_bytes(whole.get(8..10)?.try_into().ok()?));
    let mut header = String::from_utf8(whole.get(10..10 + length)?.to_vec()).ok()?;
    let replaced = [
        (
            "<f4",
            ["<f8", ">f4", "|u1", "|S0", "<U3", "|O", "<f2", "|b1", "<c8", "|V4"]
                [choices.below(10)],
        ),
        ("False", ["True", "None", "false", "1"][choices.below(4)]),
        (
            "(",
            [
                "(0, ",
                "(-1, ",
                "(18446744073709551615, ",
                "(1, 1, 1, ",
                "(4294967296, 4294967296, ",
                "((",
                "",
            ][choices.below(7)],
        ),
        ("'", ["\"", "", "''", "\\'"][choices.below(4)]),
        (", ", [",", " ", ", , ", ",\n"][choices.below(4)]),
    ];
    for _ in 0..=choices.below(2) {
        let (old, new) = replaced[choices.below(replaced.len())];
        header = header.replacen(old, new, 1 + choices.below(2));
    }
    let mut out = whole[..8].to_vec();
    out.extend(u16::try_from(header.len()).ok()?.to_le_bytes());
    out.extend(header.bytes());
    out.extend(&whole[10 + length..]);
    Some(out)
}

/// A JSON value with one to three other things in it.
pub(crate) fn json(choices: &mut Choices, whole: &Value) -> Value {
    let mut value = whole.clone();
    for _ in 0..=choices.below(3) {
        inner(choices, &mut value);
    }
    value
}

/// Goes down at random, and changes what is there.
fn inner(choices: &mut Choices, value: &mut Value) {
    let down = choices.below(6) > 0;
    match value {
        Value::Object(fields) if down && !fields.is_empty() => {
            let at = choices.below(fields.len());
            if let Some((_, inner_value)) = fields.iter_mut().nth(at) {
                inner(choices, inner_value);
            }
        }
        Value::Array(items) if down && !items.is_empty() => {
            let at = choices.below(items.len());
            inner(choices, &mut items[at]);
        }
        Value::Object(fields) if choices.below(2) == 0 && !fields.is_empty() => {
            let at = choices.below(fields.len());
            let name = fields.keys().nth(at).cloned().unwrap_or_default();
            let old = fields.remove(&name);
            if choices.below(2) == 0 {
                fields.insert(format!("{name}?"), old.unwrap_or_default());
            }
        }
        Value::Array(items) if choices.below(2) == 0 && !items.is_empty() => {
            let at = choices.below(items.len());
            match choices.below(3) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                _ => *items = vec![items[at].clone(); 1 + choices.below(300)],
            }
        }
        other => *other = extreme(choices, other),
    }
}

/// A value that no program wrote there.
fn extreme(choices: &mut Choices, old: &Value) -> Value {
    let number = old.as_f64().unwrap_or(1.0);
    let finite =
        |number: f64| serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number);
    match choices.below(16) {
        0 => Value::Null,
        1 => Value::from(-1),
        2 => Value::from(0),
        3 => Value::from(u64::MAX),
        4 => Value::from(1u64 << 53),
        5 => finite(1e308),
        6 => finite(-1e-308),
        7 => finite(number * 1e6),
        8 => finite(-number),
        9 => finite(number + 1.0),
        10 => finite(number + 0.5),
        11 => Value::from("x".repeat(1 + choices.below(300))),
        12 => Value::from(TOKENS[choices.below(TOKENS.len())]),
        13 => Value::Array(vec![old.clone(); choices.below(4)]),
        14 => Value::Object(Map::new()),
        _ => Value::Bool(choices.below(2) == 0),
    }
}
