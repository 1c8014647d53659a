//! JSON: an object or an array a line, an array of such, or an object of columns.

use crate::hold::source::{Stream, failed, peek_lines};
use crate::names::Names;
use crate::tables::cell::Cell;
use crate::tables::records::{Add, Records};
use rows::{DecimalMark, Error, Message, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Records that tell the names of the columns.
const HEAD: usize = 1000;
/// Bytes of a line at most.
const LONGEST_LINE: u64 = 1 << 26;
/// Bytes of a document that is no file of lines at most: it is in memory as a whole.
const LARGEST_DOCUMENT: u64 = 1 << 30;
/// Columns at most; a record of more holds something else than a row.
const MOST_COLUMNS: usize = 1 << 20;
/// The largest whole number that f64 tells from its neighbours.
const WIDEST: u128 = 1 << 53;

/// A value, whose parts keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(f64),
    /// A whole number that a double does not hold, with all its digits.
    Wide(String),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(InOrder)
    }
}

/// Makes a [`Value`] of what comes.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = parts.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = parts.next_entry()? {
            values.push(entry);
        }
        Ok(Value::Object(values))
    }
}

fn whole(number: i128) -> Value {
    if number.unsigned_abs() < WIDEST {
        Value::Number(number as f64)
    } else {
        Value::Wide(number.to_string())
    }
}

/// A file of JSON.
pub(crate) struct JsonRecords {
    place: String,
    names: Names,
    /// The place of each column by its name in the file; empty where records are arrays.
    places: BTreeMap<String, usize>,
    width: usize,
    /// The records that have been read.
    head: Vec<Value>,
    /// The lines behind them.
    lines: Option<Lines>,
    /// Names that only later records have.
    late: BTreeSet<String>,
}

/// The records of a file of lines.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    line: usize,
}

impl JsonRecords {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        // The first line, and whether there is a second one.
        let (head, reader, _) = peek_lines(Stream::open(path)?.reader, 1 << 16, 2)
            .map_err(|error| failed(&place, error))?;
        let reader: Box<dyn Read> = Box::new(reader);
        let reader = BufReader::with_capacity(1 << 16, reader);
        let mut own = Self {
            place,
            names: Names::default(),
            places: BTreeMap::new(),
            width: 0,
            head: Vec::new(),
            lines: None,
            late: BTreeSet::new(),
        };
        if is_lines(&head) {
            own.read_lines(Lines { reader, line: 0 })?;
        } else {
            own.read_document(reader)?;
        }
        own.find_columns()?;
        Ok(own)
    }

    fn read_lines(&mut self, mut lines: Lines) -> Result<()> {
        while self.head.len() < HEAD {
            let Some(record) = lines.next(&self.place)? else { return Ok(()) };
            self.head.push(record);
        }
        self.lines = Some(lines);
        Ok(())
    }

    fn read_document(&mut self, reader: impl Read) -> Result<()> {
        let mut text = String::new();
        let read = reader.take(LARGEST_DOCUMENT).read_to_string(&mut text);
        read.map_err(|error| failed(&self.place, error))?;
        if text.len() as u64 >= LARGEST_DOCUMENT {
            let why = "is one document of more than 1 GiB; write one object a line (JSON lines)";
            return Err(Error::data(&self.place, why));
        }
        let value: Value = serde_json::from_str(&lenient(text.trim_start_matches('\u{feff}')))
            .map_err(|error| Error::data(&self.place, format!("is no JSON: {error}")))?;
        self.head = match value {
            Value::Array(records) => records,
            Value::Object(columns) => rows_of(columns),
            other => vec![other],
        };
        Ok(())
    }

    fn find_columns(&mut self) -> Result<()> {
        let is_row = |record: &Value| matches!(record, Value::Object(_) | Value::Array(_));
        if let Some(odd) = self.head.iter().position(|record| !is_row(record)) {
            let why = format!("record {} is no object and no array", odd + 1);
            return Err(Error::data(&self.place, why));
        }
        let Some(first) = self.head.first() else {
            return Err(Error::data(&self.place, "has no records"));
        };
        if matches!(first, Value::Array(values) if values.is_empty())
            || self.head.iter().all(|record| matches!(record, Value::Object(of) if of.is_empty()))
        {
            return Err(Error::data(&self.place, "has no values"));
        }
        if let Value::Array(values) = first {
            self.width = values.len();
            return Ok(());
        }
        let mut names = Vec::new();
        for record in &self.head {
            for (name, _) in flat(record) {
                if let std::collections::btree_map::Entry::Vacant(free) = self.places.entry(name) {
                    names.push(free.key().clone());
                    free.insert(names.len() - 1);
                }
            }
            if names.len() > MOST_COLUMNS {
                return Err(Error::data(&self.place, "has more columns than a table has"));
            }
        }
        self.width = names.len();
        self.names = Names::new(names.into_iter());
        Ok(())
    }

    /// Passes on a record.
    fn add(&mut self, record: &Value, row: usize, add: &mut Add<'_>) -> Result<()> {
        let mut found = vec![None; self.width];
        let fail = |why: &str| Err(Error::data(&self.place, format!("record {row} {why}")));
        match record {
            Value::Array(values) if self.places.is_empty() => {
                if values.len() != self.width {
                    let wanted = self.width;
                    return fail(&format!("has {} values, wanted {wanted}", values.len()));
                }
                found.iter_mut().zip(values).for_each(|(place, value)| *place = Some(value));
            }
            Value::Object(_) if !self.places.is_empty() => {
                for (name, value) in flat(record) {
                    let Some(place) = self.places.get(&name) else {
                        self.late.insert(name);
                        continue;
                    };
                    if found[*place].replace(value).is_some() {
                        return fail(&twice(&name));
                    }
                }
            }
            _ => return fail("is of another kind than the first"),
        }
        add(&found.into_iter().map(cell).collect::<Vec<_>>())
    }
}

impl Records for JsonRecords {
    fn names(&self) -> &Names {
        &self.names
    }

    fn width(&self) -> usize {
        self.width
    }

    fn feed(&mut self, add: &mut Add<'_>) -> Result<()> {
        let head = std::mem::take(&mut self.head);
        let mut row = 0;
        for record in &head {
            row += 1;
            self.add(record, row, add)?;
        }
        let Some(mut lines) = self.lines.take() else { return Ok(()) };
        while let Some(record) = lines.next(&self.place)? {
            row += 1;
            self.add(&record, row, add)?;
        }
        Ok(())
    }

    fn notes(&self) -> Vec<Message> {
        let names: Vec<&String> = self.late.iter().collect();
        let why = format!("left out, because the first {HEAD} records do not have them: ");
        let late = (!names.is_empty()).then(|| why + &crate::names::quoted(&names));
        late.map(Message::from).into_iter().collect()
    }
}

impl Lines {
    /// The next record; none at the end.
    fn next(&mut self, place: &str) -> Result<Option<Value>> {
        loop {
            let mut line = String::new();
            let read = self.reader.by_ref().take(LONGEST_LINE).read_line(&mut line);
            if read.map_err(|error| failed(place, error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if line.len() as u64 >= LONGEST_LINE {
                let why = format!("line {} has more than 64 MiB", self.line);
                return Err(Error::data(place, why));
            }
            let text = line.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                continue;
            }
            return serde_json::from_str(&lenient(text)).map(Some).map_err(|error| {
                Error::data(place, format!("line {} is no JSON: {error}", self.line))
            });
        }
    }
}

/// Whether the first line is a record by itself.
fn is_lines(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.by_ref().filter(|line| !line.is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    let first = String::from_utf8_lossy(first);
    let record: Option<Value> =
        serde_json::from_str(&lenient(first.trim_start_matches('\u{feff}'))).ok();
    match record {
        Some(Value::Object(columns)) => second.is_some() || !are_columns(&columns),
        Some(Value::Array(values)) => second.is_some() || values.iter().all(is_scalar),
        _ => false,
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Whether all parts of an object are columns: lists, or objects by the names of the rows.
fn are_columns(parts: &[(String, Value)]) -> bool {
    parts.iter().all(|(_, value)| !is_scalar(value))
}

/// The rows of an object of columns, as pandas writes frames; any other object is a row.
fn rows_of(columns: Vec<(String, Value)>) -> Vec<Value> {
    if let Some(rows) = split_or_table(&columns) {
        return rows;
    }
    if columns.is_empty() || !are_columns(&columns) {
        return vec![Value::Object(columns)];
    }
    let mut rows: Vec<Vec<(String, Value)>> = Vec::new();
    for (name, column) in columns {
        let values: Vec<Value> = match column {
            Value::Array(values) => values,
            Value::Object(values) => values.into_iter().map(|(_, value)| value).collect(),
            other => vec![other],
        };
        rows.resize_with(rows.len().max(values.len()), Vec::new);
        for (row, value) in rows.iter_mut().zip(values) {
            row.push((name.clone(), value));
        }
    }
    rows.into_iter().map(Value::Object).collect()
}

/// The rows of a frame that is written as `{"columns": [...], "index": [...], "data": [[...]]}` or as
/// `{"schema": {...}, "data": [{...}]}`, the orientations split and table of pandas.
fn split_or_table(frame: &[(String, Value)]) -> Option<Vec<Value>> {
    let names: Vec<&str> = frame.iter().map(|(name, _)| name.as_str()).collect();
    let list = |wanted: &str| match frame.iter().find(|(name, _)| name == wanted) {
        Some((_, Value::Array(values))) => Some(values),
        _ => None,
    };
    let rows = list("data")?;
    let objects = |row: &Value| matches!(row, Value::Object(_));
    if names.len() == 2 && names.contains(&"schema") && rows.iter().all(objects) {
        return Some(rows.clone());
    }
    let mut columns: Vec<String> = Vec::new();
    for name in list("columns")? {
        let name = name_of(name);
        let same = |known: &&String| **known == name || known.starts_with(&format!("{name} ("));
        let count = columns.iter().filter(same).count();
        columns.push(if count > 0 { format!("{name} ({})", count + 1) } else { name });
    }
    let row = |row: &Value| match row {
        Value::Array(values) if values.len() == columns.len() => {
            Some(Value::Object(columns.iter().cloned().zip(values.iter().cloned()).collect()))
        }
        _ => None,
    };
    let known = names.iter().all(|name| ["columns", "index", "data"].contains(name));
    known.then(|| rows.iter().map(row).collect())?
}

/// The name of a column, which may be a number or several parts.
fn name_of(name: &Value) -> String {
    match name {
        Value::String(text) | Value::Wide(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(parts) => parts.iter().map(name_of).collect::<Vec<_>>().join("."),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// The values of a record by their names; those within others are named by both, with a point or the
/// place in a list between.
fn flat(record: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    flatten(record, "", &mut found);
    found
}

fn flatten<'v>(value: &'v Value, name: &str, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(values) => values.iter().for_each(|(key, value)| {
            let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            flatten(value, &name, found);
        }),
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| {
            flatten(value, &format!("{name}_{at}"), found);
        }),
        other => found.push((name.to_owned(), other)),
    }
}

fn twice(name: &str) -> String {
    format!("has {name:?} twice, wanted each name once")
}

/// What one line of JSON holds.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonLine {
    /// The cells of an object by the names of their columns, which are those that the same object has
    /// in a file: the names of values within others are parted by points.
    Named(Vec<(String, String)>),
    /// The cells of an array, or one value.
    Ordered(Vec<String>),
}

/// Reads a line of JSON as the cells of a row; numbers are written with this mark before decimals.
///
/// An error where the line is no JSON, or two values have one name.
pub fn read_json_line(line: &str, decimal: DecimalMark) -> Result<JsonLine> {
    let value: Value = serde_json::from_str(&lenient(line))
        .map_err(|error| Error::data("row", format!("is no JSON ({error})")))?;
    let text = |value: &Value| match cell(Some(value)) {
        Cell::Missing => String::new(),
        Cell::Number(number) if decimal == DecimalMark::Comma => {
            number.to_string().replace('.', ",")
        }
        Cell::Number(number) => number.to_string(),
        Cell::Boolean(truth) => truth.to_string(),
        Cell::Text(text) | Cell::Written(text) => text.to_owned(),
    };
    match &value {
        Value::Array(values) => Ok(JsonLine::Ordered(values.iter().map(text).collect())),
        Value::Object(_) => {
            let (mut seen, mut cells) = (BTreeSet::new(), Vec::new());
            for (name, value) in flat(&value) {
                if !seen.insert(name.clone()) {
                    return Err(Error::data("row", twice(&name)));
                }
                cells.push((name, text(value)));
            }
            Ok(JsonLine::Named(cells))
        }
        other => Ok(JsonLine::Ordered(vec![text(other)])),
    }
}

fn cell(value: Option<&Value>) -> Cell<'_> {
    match value {
        None | Some(Value::Null) => Cell::Missing,
        Some(Value::Bool(truth)) => Cell::Boolean(*truth),
        Some(Value::Number(number)) => Cell::Number(*number),
        Some(Value::Wide(text)) => Cell::Written(text),
        Some(Value::String(text)) => Cell::Text(text),
        Some(Value::Array(_) | Value::Object(_)) => Cell::Text("nested values"),
    }
}

/// JSON as Python writes it: `NaN` becomes null, `Infinity` the text `inf`; within texts both stay.
fn lenient(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        if rest.starts_with('"') {
            let end = end_of_text(rest);
            out += &rest[..end];
            rest = &rest[end..];
            continue;
        }
        let known = [("NaN", "null"), ("-Infinity", "\"-inf\""), ("Infinity", "\"inf\"")];
        match known.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, json)) => {
                out += json;
                rest = &rest[word.len()..];
            }
            None => {
                let length = rest.chars().next().map_or(rest.len(), char::len_utf8);
                out += &rest[..length];
                rest = &rest[length..];
            }
        }
    }
    Cow::Owned(out)
}

/// Where a text that begins with a quote ends.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, read};
    use proptest::prelude::*;
    use rows::{ColumnKind, Dataset};

    fn table(name: &str, text: &str) -> Result<Dataset> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path.display().to_string(), &ReadOptions::default())
    }

    #[test]
    fn lines_may_be_longer_than_the_first_look_at_them() {
        let line = |row: usize| {
            let fields: Vec<String> = (0..20_000).map(|at| format!("\"f{at}\": {row}")).collect();
            format!("{{{}}}\n", fields.join(", "))
        };
        let data = table("wide.jsonl", &(line(1) + &line(2))).unwrap();
        assert_eq!([data.rows(), data.features()], [2, 20_000]);
    }

    #[test]
    fn lines_arrays_and_columns_are_the_same_table() {
        for (name, text) in [
            ("a.jsonl", "{\"a\": 1, \"b\": \"x\"}\n\n{\"b\": \"y\", \"a\": 2.5}\n"),
            ("a.ndjson", "\u{feff}{\"a\": 1, \"b\": \"x\"}\r\n{\"a\": 2.5, \"b\": \"y\"}\r\n"),
            ("a.json", "[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2.5, \"b\": \"y\"}]"),
            ("a.json", "{\n \"a\": [1, 2.5],\n \"b\": [\"x\", \"y\"]\n}"),
            ("a.json", "{\"a\":{\"0\":1,\"1\":2.5},\"b\":{\"0\":\"x\",\"1\":\"y\"}}"),
            ("a", "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2.5, \"b\": \"y\"}\n"),
            (
                "split.json",
                "{\"columns\":[\"a\",\"b\"],\"index\":[0,1],\"data\":[[1,\"x\"],[2.5,\"y\"]]}",
            ),
            (
                "table.json",
                "{\"schema\":{\"fields\":[]},\"data\":[{\"a\":1,\"b\":\"x\"},{\"a\":2.5,\"b\":\"y\"}]}",
            ),
        ] {
            let data = table(name, text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(data.columns, ["a", "b"], "{text}");
            assert_eq!((data.rows(), data.kind(1)), (2, ColumnKind::Categorical), "{text}");
            assert_eq!(data.gather(0..2).unwrap().get(2), 2.5, "{text}");
        }
    }

    #[test]
    fn nested_values_missing_ones_and_booleans_are_columns() {
        let data = table(
            "a.jsonl",
            "{\"p\":{\"x\":1,\"y\":[2,3]},\"ok\":true}\n{\"p\":{\"x\":NaN},\"n\":7}\n",
        );
        let data = data.unwrap();
        assert_eq!(data.columns, ["p.x", "p.y_0", "p.y_1", "ok", "n"]);
        assert_eq!(data.kind(3), ColumnKind::Boolean);
        let values = data.gather(0..2).unwrap();
        assert!((0..10).all(|at| values.get(at).is_nan() == (4..9).contains(&at)));
    }

    #[test]
    fn a_name_that_comes_twice_in_a_record_is_refused() {
        for text in
            ["{\"a\":1}\n{\"a\":2,\"a\":3}\n", "{\"a\":{\"b\":1}}\n{\"a\":{\"b\":1},\"a.b\":2}\n"]
        {
            let error = table("a.jsonl", text).unwrap_err().to_string();
            assert!(error.contains("record 2 has") && error.contains("twice"), "{error}");
            let line = text.lines().nth(1).unwrap();
            let error = read_json_line(line, DecimalMark::Point).unwrap_err().to_string();
            assert!(error.contains("twice"), "{error}");
        }
    }

    #[test]
    fn a_line_alone_has_the_cells_of_its_row_in_a_file() {
        let line = "{\"p\":{\"x\":-1.5,\"y\":[true,null]},\"n\":NaN,\"t\":\"word\",\"w\":9007199254740993}";
        let names = ["p.x", "p.y_0", "p.y_1", "n", "t", "w"];
        let read = |decimal| match read_json_line(line, decimal).unwrap() {
            JsonLine::Named(cells) => cells,
            JsonLine::Ordered(_) => panic!("wanted names"),
        };
        let texts = ["-1.5", "true", "", "", "word", "9007199254740993"];
        let cells: Vec<_> = names.into_iter().zip(texts).collect();
        let read_point = read(DecimalMark::Point);
        let found: Vec<(&str, &str)> =
            read_point.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, cells);
        assert_eq!(read(DecimalMark::Comma)[0].1, "-1,5");
        let other = "{\"p\":{\"x\":1,\"y\":[false,2]},\"n\":3,\"t\":\"word\",\"w\":1}";
        let data = table("a.jsonl", &format!("{line}\n{other}\n")).unwrap();
        assert_eq!(data.columns, names);
        assert_eq!(
            read_json_line("[1, \"a\"]", DecimalMark::Point).unwrap(),
            JsonLine::Ordered(vec!["1".to_owned(), "a".to_owned()])
        );
    }

    #[test]
    fn arrays_of_values_are_rows_without_names() {
        let data = table("a.json", "[[1,2],[3,4]]").unwrap();
        assert_eq!((data.rows(), data.features(), data.columns.len()), (2, 2, 0));
        assert!(
            table("a.jsonl", "[1,2]\n[3]\n").unwrap_err().to_string().contains("record 2 has 1")
        );
        assert!(table("a.jsonl", "[1,2]\n{\"a\":3}\n").is_err());
    }

    #[test]
    fn what_is_no_json_is_named_by_its_line() {
        let error = table("a.jsonl", "{\"a\":1}\n{\"a\":}\n").unwrap_err().to_string();
        assert!(error.contains("line 2 is no JSON"), "{error}");
        assert!(table("a.json", "[1,").unwrap_err().to_string().contains("is no JSON"));
        for empty in ["{}", "[]", "[{}]"] {
            let error = table("a.json", empty).unwrap_err().to_string();
            assert!(
                error.ends_with("has no values") || error.ends_with("has no records"),
                "{error}"
            );
        }
        assert!(table("a.json", "5").unwrap_err().to_string().contains("no object"));
    }

    #[test]
    fn what_python_writes_is_json() {
        assert_eq!(
            lenient("[NaN, \"NaN \\\" Infinity\", -Infinity]"),
            "[null, \"NaN \\\" Infinity\", \"-inf\"]"
        );
        assert!(matches!(lenient("{\"a\": 1}"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:a0NIn\n -]{0,40}") {
            let _ = table("a.json", &text);
            let _ = table("a.jsonl", &text);
        }
    }
}
