//! How a file of text is laid out: what the user says, and for the rest what its beginning tells.

use crate::stamps::{Stamp, stamp};
use crate::tables::amount;
use crate::tables::cell::{Cell, Marks, Meaning};
use crate::text::clean::{Cleaning, MOST_FIELDS, cleaned};
use crate::text::encoding::Encoding;
use csv::ReaderBuilder;
use rows::{ColumnKind, DecimalMark, Error, Message, Notation, Result};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What may part fields.
const FIELDS: [char; 5] = [',', ';', '\t', '|', ' '];
/// Records looked at.
const RECORDS: usize = 200;
/// Lines before a table at most.
const MOST_TITLES: usize = 30;
/// A delimiter parts a table where so many of the records have equally many fields ...
const EVEN: f64 = 0.9;
/// Words at the beginning of a line that may be a time stamp together.
pub(crate) const STAMP_WORDS: usize = 5;

/// How a file of text is laid out; what is None is told by its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextLayout {
    /// What its bytes mean.
    pub encoding: Option<Encoding>,
    /// What parts the fields of a line.
    pub delimiter: Option<Delimiter>,
    /// Whether the first line holds the names of the columns.
    pub header: Option<bool>,
    /// Lines before the table, which are left out.
    pub skip: Option<usize>,
}

/// What parts the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// One character.
    Sign(u8),
    /// Blanks and tabs, as many as there are.
    Blanks,
}

/// The delimiters with a name of their own.
const NAMED: [(&str, Delimiter); 6] = [
    ("tab", Delimiter::Sign(b'\t')),
    ("blanks", Delimiter::Blanks),
    ("comma", Delimiter::Sign(b',')),
    ("semicolon", Delimiter::Sign(b';')),
    ("pipe", Delimiter::Sign(b'|')),
    ("space", Delimiter::Sign(b' ')),
];

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMED.iter().find(|(_, delimiter)| delimiter == self);
        match (named, self) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Self::Sign(sign)) => write!(f, "{}", char::from(*sign)),
            (None, Self::Blanks) => f.write_str("blanks"),
        }
    }
}

impl FromStr for Delimiter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, delimiter)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*delimiter);
        }
        match text.as_bytes() {
            [sign] if sign.is_ascii() && !b"\"\n\r0123456789".contains(sign) => {
                Ok(Self::Sign(*sign))
            }
            b"\\t" => Ok(Self::Sign(b'\t')),
            _ => {
                let wanted = "one character, or tab, blanks, comma, semicolon or pipe";
                Err(Error::setting("delimiter", format!("{text:?}"), wanted))
            }
        }
    }
}

impl Delimiter {
    /// The byte between fields once the text is cleaned.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Sign(sign) => sign,
            Self::Blanks => b'\t',
        }
    }
}

/// What the first record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FirstRecord {
    /// Data already.
    Data,
    /// Names.
    Names,
    /// The numbers 0, 1, 2, ..., as pandas names columns without names.
    Counted,
    /// Data, with the names in a comment before it.
    AfterNames(Vec<String>),
}

/// How a file is laid out.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: Delimiter,
    pub(crate) skip: usize,
    /// Whether lines that begin with # are left out.
    pub(crate) comments: bool,
    pub(crate) first: FirstRecord,
    /// Whether the first column, which has no name, names the rows.
    pub(crate) row_names: bool,
    /// Whether each line ends with a delimiter behind which nothing stands.
    pub(crate) trailing: bool,
    /// Fields in a record.
    pub(crate) width: usize,
    /// Where each line is a text: how many of its first words are a time stamp.
    pub(crate) lines: Option<usize>,
    /// The mark before decimals, where the cells tell it.
    pub(crate) decimal: Option<DecimalMark>,
    pub(crate) cleaning: Cleaning,
    /// What the user should know of what was found out.
    pub(crate) notes: Vec<Message>,
}

impl Layout {
    /// Finds out how a file is laid out by its first bytes, of which `whole` says whether they are
    /// all; `log` is whether its name is that of a file of lines. Where the names of columns are
    /// `expected`, as by a model, they tell where the table begins.
    ///
    /// An error where it is no text.
    pub(crate) fn find(
        head: &[u8],
        whole: bool,
        said: &TextLayout,
        notation: &Notation,
        expected: &[(String, ColumnKind)],
        (place, log): (&str, bool),
    ) -> Result<Self> {
        let Some(encoding) = said.encoding.or_else(|| Encoding::guess(head)) else {
            return Err(Error::data(
                place,
                Message::from("is no text (it has zero bytes, or other control characters); if it is, name its ")
                    .setting("encoding"),
            ));
        };
        let mut text = encoding.decode(head);
        if !whole {
            // The last line is cut off.
            text.truncate(text.rfind('\n').map_or(text.len(), |at| at + 1));
        }
        let parts = |sign: &char| match said.delimiter {
            Some(Delimiter::Sign(said)) => *sign == char::from(said),
            Some(Delimiter::Blanks) => *sign == ' ',
            // The lines of a log are long texts.
            None => *sign != ' ' || !log,
        };
        let signs: Vec<char> = FIELDS.into_iter().filter(parts).collect();
        let too_wide =
            |line: &str| signs.iter().any(|sign| line.matches(*sign).count() >= MOST_FIELDS);
        if let Some(at) = text.lines().position(too_wide).filter(|_| !notation.lines) {
            let why = format!(
                "line {} has more than {MOST_FIELDS} fields; if each line is one text, read it with ",
                at + 1
            );
            return Err(Error::data(place, Message::from(why).set("lines", "true")));
        }
        let mut cleaning = Cleaning { returns: text.contains("\r\n"), ..Cleaning::default() };
        let mut notes = Vec::new();
        if said.encoding.is_none() && encoding != Encoding::UTF_8 {
            let read = format!("is no UTF-8; it is read as {encoding}, which ");
            notes.push(Message::from(read).setting("encoding").text(" would overrule"));
        }
        let (announced, text) = announced(&text);
        cleaning.skip = usize::from(announced.is_some());
        let expected = Expected::new(expected);
        let view = View { text, cleaning, said, notation, expected };
        let mut layout = view.layout(encoding, announced, log);
        notes.append(&mut layout.notes);
        layout.notes = notes;
        Ok(layout)
    }

    /// The settings that would read the file in the same way.
    pub(crate) fn settings(&self, decimal: DecimalMark) -> Vec<(&'static str, String)> {
        let mut settings = vec![("encoding", self.encoding.to_string())];
        if self.lines.is_some() {
            settings.push(("lines", "true".to_owned()));
            return settings;
        }
        settings.push(("delimiter", self.delimiter.to_string()));
        if self.skip > 0 {
            settings.push(("skip", self.skip.to_string()));
        }
        let names = if self.first == FirstRecord::Data { "no" } else { "yes" };
        settings.push(("header", names.to_owned()));
        settings.push(("decimal", decimal.to_string()));
        settings
    }
}

/// The delimiter that a first line like `sep=;` announces, and the text behind it.
fn announced(text: &str) -> (Option<u8>, &str) {
    let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or("");
    match first.trim_matches('"').strip_prefix("sep=").map(str::as_bytes) {
        Some([sign]) => (Some(*sign), text.split_once('\n').map_or("", |(_, rest)| rest)),
        _ => (None, text),
    }
}

/// The beginning of a file, and what is known of it.
struct View<'a> {
    text: &'a str,
    cleaning: Cleaning,
    said: &'a TextLayout,
    notation: &'a Notation,
    expected: Expected<'a>,
}

/// The names of columns that are expected.
struct Expected<'a> {
    in_order: Vec<&'a str>,
    all: BTreeSet<&'a str>,
    /// Whether one is no number, which a row might hold as well.
    words: bool,
}

impl<'a> Expected<'a> {
    fn new(columns: &'a [(String, ColumnKind)]) -> Self {
        let names = columns.iter().map(|(name, _)| name.as_str());
        let in_order: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let words = in_order.iter().any(|name| name.parse::<f64>().is_err());
        Self { all: in_order.iter().copied().collect(), in_order, words }
    }

    /// How many of them these fields are; zero where they are not most.
    fn found(&self, fields: &[String]) -> usize {
        let fields = fields.iter().map(String::as_str);
        if !self.words {
            return if fields.eq(self.in_order.iter().copied()) { self.all.len() } else { 0 };
        }
        let found: BTreeSet<&str> = fields.filter(|field| self.all.contains(field)).collect();
        if 2 * found.len() > self.all.len() { found.len() } else { 0 }
    }
}

/// The first records that a delimiter makes, and how even they are.
struct Parted {
    delimiter: Delimiter,
    /// The number of the line on which each begins, from 0, and its fields.
    records: Vec<(usize, Vec<String>)>,
    /// Fields in most records.
    width: usize,
    /// Which part of the records behind titles have so many.
    even: f64,
    /// Records before the table.
    titles: usize,
    /// Records with other than so many fields.
    odd: usize,
    /// Records with half of a quoted field.
    torn: usize,
}

impl View<'_> {
    fn layout(&self, encoding: Encoding, announced: Option<u8>, log: bool) -> Layout {
        let said = self.said.delimiter.or(announced.map(Delimiter::Sign));
        let comments = self.has_comments();
        let parted = self.part(said, comments);
        let lines = self.notation.lines || said.is_none() && log && self.is_log(&parted);
        let mut layout = Layout {
            encoding,
            delimiter: parted.delimiter,
            skip: self.cleaning.skip,
            comments: comments && !lines,
            first: FirstRecord::Data,
            row_names: false,
            trailing: false,
            width: parted.width,
            lines: lines.then(|| stamp_words(self.text, self.notation)),
            decimal: None,
            cleaning: self.cleaning,
            notes: Vec::new(),
        };
        if lines {
            layout.skip += self.said.skip.unwrap_or(0);
            layout.cleaning.skip = layout.skip;
            if !self.notation.lines {
                let why = "each line is taken for one text; part its fields with ";
                layout.notes.push(Message::from(why).setting("delimiter"));
            }
            return layout;
        }
        self.find_table(&parted, &mut layout);
        layout
    }

    /// Fills in where the table begins and what its records are.
    fn find_table(&self, parted: &Parted, layout: &mut Layout) {
        let records = &parted.records;
        layout.cleaning.blanks = parted.delimiter == Delimiter::Blanks;
        let sign = parted.delimiter.byte();
        let before_quotes = format!("{} \"", char::from(sign));
        if !layout.cleaning.blanks && self.text.contains(&before_quotes) {
            layout.cleaning.before_quotes = Some(sign);
        }
        let titles = match self.said.skip {
            Some(_) => 0,
            None => self.names_at(records).unwrap_or(parted.titles),
        };
        let lines = if titles > 0 { records.get(titles).map_or(0, |(line, _)| *line) } else { 0 };
        layout.skip += self.said.skip.unwrap_or(lines);
        layout.cleaning.skip = layout.skip;
        if titles > 0 {
            let count = layout.skip;
            let what = if count == 1 { "line is" } else { "lines are" };
            let skipped = format!("the first {count} {what} no part of the table and left out, ");
            layout.notes.push(Message::from(skipped).text("as with ").set("skip", count));
        }
        let table: Vec<&[String]> =
            records[titles..].iter().map(|(_, fields)| fields.as_slice()).collect();
        let (Some(first), below) = (table.first(), table.get(1..).unwrap_or_default()) else {
            return;
        };
        let even: Vec<&&[String]> =
            below.iter().filter(|fields| fields.len() == parted.width).collect();
        let ends_empty = |fields: &[String]| fields.last().is_some_and(|last| last.is_empty());
        layout.trailing = parted.width > 2
            && !even.is_empty()
            && even.iter().all(|fields| ends_empty(fields))
            && (ends_empty(first) || first.len() + 1 == parted.width);
        let header_trails =
            first.len() == parted.width + 1 && ends_empty(first) && !even.is_empty();
        let marks = Marks::new(self.notation);
        let short = first.len() + 1 == parted.width && !even.is_empty();
        layout.row_names = short && !layout.trailing && is_header(first, &[], &marks);
        layout.width = if even.is_empty() { first.len() } else { parted.width };
        layout.width -= usize::from(layout.trailing);
        layout.trailing |= header_trails;
        let cells = table.iter().flat_map(|fields| fields.iter());
        layout.decimal = amount::decimal_mark(cells.clone().map(String::as_str));
        // What parts the fields is no mark before decimals, unless in quotes.
        if layout.decimal.is_none() && parted.delimiter == Delimiter::Sign(b',') {
            let any = |mark: char| cells.clone().any(|cell| cell.contains(mark));
            layout.decimal = (any('.') && !any(',')).then_some(DecimalMark::Point);
        }
        if self.notation.decimal.is_none() && layout.decimal == Some(DecimalMark::Comma) {
            let why = "its decimals are read behind a comma, as with ";
            layout.notes.push(Message::from(why).set("decimal", DecimalMark::Comma));
        }
        let decimal = self.notation.decimal.or(layout.decimal);
        let marks = Marks::new(&Notation { decimal, ..self.notation.clone() });
        let first = &first[..first.len() - usize::from(layout.trailing && ends_empty(first))];
        layout.first = match self.said.header {
            Some(true) => FirstRecord::Names,
            Some(false) => FirstRecord::Data,
            None => self.first_record(first, below, layout, &marks),
        };
    }

    fn first_record(
        &self,
        first: &[String],
        below: &[&[String]],
        layout: &Layout,
        marks: &Marks,
    ) -> FirstRecord {
        if layout.row_names || self.expected.found(first) > 0 || is_header(first, below, marks) {
            return FirstRecord::Names;
        }
        if counts(first) {
            return FirstRecord::Counted;
        }
        let named = layout.comments.then(|| self.names_in_comment(layout)).flatten();
        named.map_or(FirstRecord::Data, FirstRecord::AfterNames)
    }

    /// Where most of the names of columns stand that are expected.
    fn names_at(&self, records: &[(usize, Vec<String>)]) -> Option<usize> {
        // A row may be the same numbers.
        let most = if self.expected.words { MOST_TITLES } else { 0 };
        let records = &records[..records.len().min(most)];
        let found = records.iter().map(|(_, fields)| self.expected.found(fields)).enumerate();
        // Of equals the first.
        let most = found.rev().max_by_key(|(_, found)| *found);
        most.filter(|(_, found)| *found > 0).map(|(at, _)| at)
    }

    /// The names in the last comment before the table, where it has as many fields.
    fn names_in_comment(&self, layout: &Layout) -> Option<Vec<String>> {
        let comments = self.text.lines().take_while(|line| line.starts_with('#'));
        let last = comments.last()?.trim_start_matches(['#', ' ']);
        let cleaning = Cleaning { skip: 0, ..layout.cleaning };
        let parted = records(last, layout.delimiter, cleaning, false);
        let (_, fields) = parted.into_iter().next()?;
        let named = fields.len() == layout.width && is_header(&fields, &[], &Marks::default());
        named.then_some(fields)
    }

    /// Whether the first lines are comments, or others that a table would not have.
    fn has_comments(&self) -> bool {
        let lines: Vec<&str> =
            self.text.lines().filter(|line| !line.is_empty()).take(RECORDS).collect();
        let first = lines.iter().take_while(|line| line.starts_with('#')).count();
        let all = lines.iter().filter(|line| line.starts_with('#')).count();
        let fields = |line: &str| line.split([',', ';', '\t', '|']).count();
        let usual = lines.iter().find(|line| !line.starts_with('#')).map_or(0, |line| fields(line));
        let odd = |line: &&&str| line.starts_with('#') && fields(line) != usual;
        all > 0 && all < lines.len() && lines[first..].iter().filter(odd).count() == all - first
    }

    /// Parts the text by the delimiter that is said, or by the one that makes the most even records.
    fn part(&self, said: Option<Delimiter>, comments: bool) -> Parted {
        let cleaning = Cleaning { skip: self.said.skip.unwrap_or(0), ..self.cleaning };
        let of = |delimiter: Delimiter| {
            let blanks = delimiter == Delimiter::Blanks;
            let before_quotes = (!blanks).then(|| delimiter.byte());
            let cleaning = Cleaning { blanks, before_quotes, ..cleaning };
            Parted::new(delimiter, records(self.text, delimiter, cleaning, comments))
        };
        if let Some(delimiter) = said {
            return of(delimiter);
        }
        // Commas come late: they also part decimals.
        let signs = [b'\t', b';', b'|', b','].map(|sign| of(Delimiter::Sign(sign)));
        let best = |best: Parted, other: Parted| if other.beats(&best) { other } else { best };
        // Those that part the expected names, unless each does.
        let named = |parted: &Parted| self.names_at(&parted.records).is_some();
        let all = signs.iter().all(named);
        if let Some(named) = signs.iter().position(named).filter(|_| !all) {
            return of(signs[named].delimiter);
        }
        let [tab, semicolon, pipe, comma] = signs;
        let found = best(best(best(tab, semicolon), pipe), comma);
        let blanks = of(Delimiter::Blanks);
        let parts = found.width > 1 && found.even >= EVEN;
        let better = || !found.fits_above(&blanks) && blanks.numeric() > found.numeric();
        if blanks.is_table_of_blanks() && (!parts || better()) {
            return blanks;
        }
        if found.width > 1 { found } else { of(Delimiter::Sign(b',')) }
    }

    /// Whether lines of a file that is called a log are texts rather than records.
    fn is_log(&self, parted: &Parted) -> bool {
        let stamped = |(_, fields): &&(usize, Vec<String>)| {
            fields.first().is_some_and(|field| stamp(field, None).is_some())
        };
        // The comma before the milliseconds of a stamp, as Python writes it, parts nothing.
        let torn = |(_, fields): &&(usize, Vec<String>)| {
            let digits = |text: &&str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
            let behind = fields.get(1).and_then(|field| field.split(char::is_whitespace).next());
            parted.delimiter == Delimiter::Sign(b',') && behind.filter(digits).is_some()
        };
        // It may stand behind other words, as that of a level.
        let within = |record: &&(usize, Vec<String>)| {
            let last = record.1[0].rsplit(char::is_whitespace).next().unwrap_or_default();
            let clock = last != record.1[0] && stamp(last, None).is_some();
            torn(record) && clock && record.1[1].contains(char::is_whitespace)
        };
        let records = || parted.records.iter();
        let all = parted.records.len();
        if 5 * records().filter(within).count() >= 4 * all {
            return true;
        }
        let (stamped, torn) = (records().filter(stamped).count(), records().filter(torn).count());
        let begins =
            (2 * stamped < all || 5 * torn >= 4 * all) && stamp_words(self.text, self.notation) > 0;
        parted.even < EVEN || parted.width == 1 || begins
    }
}

impl Parted {
    fn new(delimiter: Delimiter, records: Vec<(usize, Vec<String>)>) -> Self {
        let width_of = |(_, fields): &(usize, Vec<String>)| fields.len();
        let mut widths: Vec<usize> = records.iter().map(width_of).collect();
        widths.sort_unstable();
        let runs = widths.chunk_by(|a, b| a == b);
        let width = runs.max_by_key(|same| (same.len(), same[0])).map_or(1, |same| same[0]);
        let leading = records.iter().take_while(|record| width_of(record) != width).count();
        // A header may lack the name of the first column, or of an empty last one.
        let lacks_a_name =
            |record: &(usize, Vec<String>)| width > 2 && width_of(record) + 1 == width;
        // Or it ends with a delimiter that no record behind it has.
        let trails = |record: &(usize, Vec<String>)| {
            width > 1 && width_of(record) == width + 1 && record.1[width].is_empty()
        };
        let is_header = |record| lacks_a_name(record) || trails(record);
        let header = usize::from(leading > 0 && is_header(&records[leading - 1]));
        let titles = if leading > MOST_TITLES { 0 } else { leading - header };
        let even = records.iter().skip(titles + header).filter(|record| width_of(record) == width);
        let of = records.len().saturating_sub(titles + header).max(1);
        let even = even.count() as f64 / of as f64;
        let torn = |record: &&(usize, Vec<String>)| {
            record.1.iter().any(|field| field.bytes().filter(|byte| *byte == b'"').count() % 2 == 1)
        };
        let other = |record: &&(usize, Vec<String>)| width_of(record) != width;
        let odd = records.iter().filter(other).count() - header;
        let torn = records.iter().filter(torn).count();
        Self { delimiter, width, even, titles, odd, torn, records }
    }

    fn beats(&self, other: &Self) -> bool {
        match (self.width > 1, other.width > 1) {
            (true, true) => {
                // A sign within the texts of every record is not in the names above them, which would be
                // a title.
                if (self.even - other.even).abs() > 0.05 {
                    self.even > other.even
                } else {
                    self.torn < other.torn || self.fits_above(other)
                }
            }
            (mine, other) => mine && !other,
        }
    }

    /// Whether this parts every record where the other one has titles.
    fn fits_above(&self, other: &Self) -> bool {
        self.odd == 0 && other.titles > 0
    }

    /// Which part of the fields below the first record are numbers.
    fn numeric(&self) -> f64 {
        let below = self.records.iter().skip(self.titles + 1);
        let fields: Vec<&String> = below.flat_map(|(_, fields)| fields).collect();
        let numbers = fields.iter().filter(|field| field.parse::<f64>().is_ok()).count();
        numbers as f64 / fields.len().max(1) as f64
    }

    /// Whether blanks part lines of which at least half the fields are numbers.
    fn is_table_of_blanks(&self) -> bool {
        let is_number = |field: &&String| field.parse::<f64>().is_ok();
        let numeric = |(_, fields): &&(usize, Vec<String>)| {
            2 * fields.iter().filter(is_number).count() >= fields.len()
                && stamp(&fields.join(" "), None).is_none()
        };
        let data: Vec<_> = self.records.iter().skip(self.titles + 1).collect();
        self.width > 1
            && self.even >= EVEN
            && data.iter().copied().filter(numeric).count() as f64 >= EVEN * data.len() as f64
    }
}

/// The first records of a text, each with the number of its first line, from 0.
fn records(
    text: &str,
    delimiter: Delimiter,
    cleaning: Cleaning,
    comments: bool,
) -> Vec<(usize, Vec<String>)> {
    let clean = cleaned(text, cleaning);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .comment(comments.then_some(b'#'))
        .from_reader(clean.as_slice());
    let mut found = Vec::new();
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while found.len() < RECORDS
        && fields <= MOST_FIELDS
        && matches!(reader.read_byte_record(&mut record), Ok(true))
    {
        // The reader's own word for where a record begins is off after blank lines.
        let within = record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        let end = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        let field = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        fields += record.len();
        found.push((end.saturating_sub(2 + within), record.iter().map(field).collect()));
    }
    found
}

/// How many of the first words of most lines are a time stamp.
fn stamp_words(text: &str, notation: &Notation) -> usize {
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty()).take(RECORDS).collect();
    let stamped = |words: usize| {
        let of = |line: &&&str| split_stamp(line, words, notation.date_format.as_deref()).is_some();
        // Where lines are said or known to be texts, many may belong to those before, as in tracebacks.
        let least = if notation.lines { 1 } else { 4 };
        5 * lines.iter().filter(of).count() >= least * lines.len()
    };
    if lines.is_empty() { 0 } else { (1..=STAMP_WORDS).rev().find(|n| stamped(*n)).unwrap_or(0) }
}

/// A line in two: the stamp that its first words are, and the text behind it; none where they are no
/// stamp.
pub(crate) fn split_stamp<'a>(
    line: &'a str,
    words: usize,
    format: Option<&str>,
) -> Option<(&'a str, &'a str)> {
    let (mut end, mut rest) = (0, line);
    for _ in 0..words {
        let word = rest.trim_start();
        let start = line.len() - word.len();
        let length = word.find(char::is_whitespace).unwrap_or(word.len());
        end = start + length;
        rest = &line[end..];
    }
    let own = line[..end].trim().trim_start_matches('[').trim_end_matches([']', ':', ',']);
    match stamp(own, format)? {
        Stamp::Date(_) => Some((own, rest.trim_start_matches([' ', '\t', '-', '|', ']', ':']))),
        Stamp::Clock(_) => None,
    }
}

/// Whether the fields count 0, 1, 2, ..., behind an unnamed one if there is one.
fn counts(first: &[String]) -> bool {
    let unnamed = usize::from(first.first().is_some_and(String::is_empty));
    let numbers = &first[unnamed..];
    numbers.len() >= 4 && numbers.iter().enumerate().all(|(i, field)| *field == i.to_string())
}

/// Whether the first record holds names: texts and nothing else, a text above a value, or numbers
/// that count or are years above such as are not.
pub(crate) fn is_header(first: &[String], below: &[&[String]], marks: &Marks) -> bool {
    let read = |field: &String| marks.read(Cell::Written(field));
    let meanings: Vec<Meaning> = first.iter().map(read).collect();
    let is_known =
        |of: &Meaning| matches!(of, Meaning::Number(_) | Meaning::Stamp(_) | Meaning::Boolean(_));
    let texts = meanings.iter().filter(|of| **of == Meaning::Text).count();
    let again = |at: usize| {
        meanings[at] == Meaning::Text && below.iter().any(|row| row.get(at) == first.get(at))
    };
    if texts > 0 && !meanings.iter().any(is_known) {
        // Names do not occur among the values of their columns, but a header may come again as a whole.
        let values = (0..first.len()).filter(|at| again(*at)).count();
        let alike = |row: &&&[String]| {
            (0..first.len()).any(|at| meanings[at] == Meaning::Text && row.get(at) == first.get(at))
        };
        return 2 * values < texts
            || below.iter().filter(alike).all(|row| row.get(..first.len()) == Some(first));
    }
    let Some(second) = below.first() else { return false };
    let known = meanings.iter().any(|of| matches!(of, Meaning::Stamp(_) | Meaning::Boolean(_)));
    let named = numbers(&meanings);
    let whole = |number: &f64| *number >= 0.0 && number.fract() == 0.0;
    // Each once: names may be whole numbers, such as years or the numbers of pixels.
    let mut once = named.clone();
    once.sort_by(f64::total_cmp);
    once.dedup();
    if texts == 0 || known || !named.iter().all(whole) || once.len() < named.len() {
        return false;
    }
    let under: Vec<Meaning> = second.iter().map(read).collect();
    let over_value = meanings.iter().zip(&under).any(|(above, below)| {
        *above == Meaning::Text && !matches!(below, Meaning::Text | Meaning::Missing)
    });
    let years = |numbers: &[f64]| numbers.iter().all(|number| (1800.0..2100.0).contains(number));
    let counts = named.iter().enumerate().all(|(i, number)| *number == named[0] + i as f64)
        && named.first().is_some_and(|number| *number <= 1.0);
    let repeated = (1..first.len()).any(|at| first[..at].contains(&first[at]));
    let like_names = years(&named) && !years(&numbers(&under)) && named.len() > 1
        || counts && (repeated || named.len() > 2);
    over_value || like_names && !(0..first.len()).any(again)
}

fn numbers(of: &[Meaning]) -> Vec<f64> {
    let number = |of: &Meaning| match of {
        Meaning::Number(number) => Some(*number),
        _ => None,
    };
    of.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(text: &str) -> Layout {
        with_names(text, &[])
    }

    fn with_names(text: &str, names: &[&str]) -> Layout {
        let said = TextLayout::default();
        let named = |name: &&str| ((*name).to_owned(), ColumnKind::Numeric);
        let names: Vec<(String, ColumnKind)> = names.iter().map(named).collect();
        let notation = Notation::default();
        Layout::find(text.as_bytes(), true, &said, &notation, &names, ("t", false)).unwrap()
    }

    #[test]
    fn names_that_are_expected_tell_where_a_table_begins_and_what_parts_it() {
        let text = "site,Bonn\nunit,mm\nday,level\n1,2.5\n2,2.7\n";
        assert_eq!((layout(text).skip, layout(text).first), (0, FirstRecord::Names));
        let found = with_names(text, &["level"]);
        assert_eq!((found.skip, found.first), (2, FirstRecord::Names));
        let flags = "parameter,level\nflag,level,temp\n0,1.2,20\n1,1.3,21\n";
        assert_eq!(with_names(flags, &["level", "temp"]).skip, 1);
        let late = "5,1\n7,1\n1,2\n3,4\n".repeat(5);
        assert_eq!(with_names(&late, &["1", "2"]).skip, 0);
        let pixels = with_names(&"0,3,1,1\n".repeat(5), &["0", "1", "2", "3"]);
        assert_eq!((pixels.skip, pixels.first), (0, FirstRecord::Data));
        let years = "1,2\n3,4\n5,6\n";
        assert_eq!(layout(years).first, FirstRecord::Data);
        assert_eq!(with_names(years, &["1", "2"]).first, FirstRecord::Names);
        let two = "a;b,c\n1;2,5\n3;4,5\n";
        assert_eq!(with_names(two, &["a", "b,c"]).delimiter.to_string(), "semicolon");
        assert_eq!(with_names(two, &["a;b", "c"]).delimiter.to_string(), "comma");
        assert_eq!(with_names(text, &["other"]).skip, 0);
    }

    #[test]
    fn delimiters_are_told_by_even_lines() {
        for (text, delimiter) in [
            ("a,b\n1,2\n3,4\n", "comma"),
            ("a;b\n1,5;2\n3,5;4\n", "semicolon"),
            ("1,5;2,5\n3,5;4,5\n5,5;6,5\n", "semicolon"),
            ("a\tb\n1\t2\n", "tab"),
            ("a|b\n1|2\n3|4, 5\n", "pipe"),
            ("a  b c\n1 2   3\n 4 5 6\n", "blanks"),
            ("1 2\t3\n4 5\t6\n", "blanks"),
            ("a, b\n1, 2\n", "comma"),
            ("text\ngood day\nbad day\n", "comma"),
            ("day\n25 Sep 2012\n26 Sep 2012\n", "comma"),
            ("a\n1\n2\n", "comma"),
        ] {
            assert_eq!(layout(text).delimiter.to_string(), delimiter, "{text:?}");
        }
        for delimiter in NAMED.iter().map(|(_, delimiter)| *delimiter) {
            assert_eq!(delimiter.to_string().parse::<Delimiter>().unwrap(), delimiter);
        }
        assert!("ab".parse::<Delimiter>().is_err() && "1".parse::<Delimiter>().is_err());
    }

    #[test]
    fn signs_within_texts_part_nothing() {
        let rows = |row: &dyn Fn(usize) -> String| (0..20).map(row).collect::<String>();
        for (header, row, delimiter) in [
            (
                "id,title,kind\n",
                &(|n| format!("{n},Film {n} (1990),Comedy|Action\n")) as &dyn Fn(usize) -> String,
                "comma",
            ),
            ("id,agent,n\n", &|n| format!("{n},\"Mozilla/5.0 (X11; Linux)\",{n}\n"), "comma"),
            ("", &|n| format!("{n},\"Mozilla/5.0 (X11; Linux)\",{n}\n"), "comma"),
            ("id,address\n", &|n| format!("{n},/a?b={n};c=2\n"), "comma"),
            ("amount;city\n", &|n| format!("{n} 741,89;Paris\n"), "semicolon"),
            ("a;b\n", &|n| format!("2 380 21{};0.257\n", n % 10), "semicolon"),
            ("Report, May\na;b;c\n", &|n| format!("{n},5;2;x\n"), "semicolon"),
            (
                "Station: 12, Bonn\nYears: 2020, 2021\nday;value\n",
                &|n| format!("{n}.;0,{n}\n"),
                "semicolon",
            ),
            (
                "id;lat, lon;name\n",
                &|n| format!("{n};50.{n}, 7.2;a{}\n", if n == 19 { ";b" } else { "" }),
                "semicolon",
            ),
        ] {
            let text = header.to_owned() + &rows(row);
            let found = layout(&text);
            assert_eq!(found.delimiter.to_string(), delimiter, "{text}");
            let first = if header.is_empty() { FirstRecord::Data } else { FirstRecord::Names };
            assert_eq!(found.first, first, "{text}");
        }
    }

    #[test]
    fn words_that_come_again_in_their_columns_are_no_names() {
        let words = "p,x,s\ne,x,y\np,b,s\ne,x,s\n";
        assert_eq!(layout(words).first, FirstRecord::Data);
        let pairs = "red,S\nblue,M\nred,S\nred,M\n";
        assert_eq!(layout(pairs).first, FirstRecord::Data);
        assert_eq!(layout("kind,shape\nred,round\nred,flat\n").first, FirstRecord::Names);
        let trailing = "kind,shape,\nred,flat,\nred,flat,\nkind,shape,\nred,flat,\n";
        assert_eq!(layout(trailing).first, FirstRecord::Names);
        // A header that comes again as a whole is one.
        assert_eq!(
            layout("kind,shape\nred,flat\nkind,shape\nred,flat\n").first,
            FirstRecord::Names
        );
    }

    #[test]
    fn a_header_that_ends_with_a_delimiter_names_as_many_columns_as_the_rows_have() {
        let layout = layout("a,b,c,\n1,2,3\n4,5,6\n7,8,9\n");
        assert_eq!((layout.first, layout.skip, layout.width), (FirstRecord::Names, 0, 3));
        assert!(layout.trailing && !layout.row_names);
    }

    #[test]
    fn lines_before_the_table_are_left_out() {
        let titled = layout("Report of May\n\nmade by hand\nname,age\na,1\nb,2\nc,3\n");
        assert_eq!((titled.skip, titled.width), (3, 2));
        assert_eq!(titled.first, FirstRecord::Names);
        assert!(titled.notes[0].to_string().contains("skip = 3"), "{:?}", titled.notes);
        let announced = layout("sep=;\na;b\n1;2\n");
        assert_eq!((announced.skip, announced.delimiter.byte()), (1, b';'));
    }

    #[test]
    fn comments_are_left_out_and_may_name_the_columns() {
        let named = layout("# made by a logger\n# time x\n0.0 1.5\n0.1 1.6\n");
        assert!(named.comments && named.delimiter == Delimiter::Blanks);
        assert_eq!(named.first, FirstRecord::AfterNames(vec!["time".to_owned(), "x".to_owned()]));
        assert!(layout("a,b\n1,2\n# half time\n3,4\n").comments);
        assert!(!layout("tag,n\n#a,1\n#b,2\n").comments);
    }

    #[test]
    fn headers_of_years_and_repeated_names_are_headers() {
        for text in [
            "country,2019,2020\nA,-0.6,-2.7\n",
            "Gene,Accession,1,call,2,call\nx,y,-214,A,-139,A\n",
            "city,2001,2002\n1,2,3\n",
            "a,b\nx,y\n",
        ] {
            assert_eq!(layout(text).first, FirstRecord::Names, "{text:?}");
        }
        for text in ["x,1,2\ny,2,3\n", "1,2\n3,4\n", "a,0.5,1\nb,0.7,2\n", "a,3,1\nb,4,2\n"] {
            assert_eq!(layout(text).first, FirstRecord::Data, "{text:?}");
        }
        assert_eq!(layout("0,1,2,3\n5,6,7,8\n").first, FirstRecord::Counted);
    }

    #[test]
    fn trailing_delimiters_and_row_names_are_noticed() {
        assert!(layout("a,b,\n1,2,\n3,4,\n").trailing);
        assert!(layout("a,b\n1,2,\n3,4,\n").trailing);
        let named = layout("mpg cyl\nMazda 21.0 6\nFiat 32.4 4\n");
        assert!(named.row_names && !named.trailing && named.width == 3);
    }

    #[test]
    fn lines_of_a_log_are_texts_behind_a_stamp() {
        let text = "2024-01-01 00:00:01 INFO start, pid=3\n2024-01-01 00:00:02 WARN disk, 91%, x\n";
        let said = TextLayout::default();
        let log =
            Layout::find(text.as_bytes(), true, &said, &Notation::default(), &[], ("t", true));
        assert_eq!(log.unwrap().lines, Some(2));
        let text = "2024-01-01 00:00:01,285 INFO start\n2024-01-01 00:00:02,007 WARN disk\n";
        let python =
            Layout::find(text.as_bytes(), true, &said, &Notation::default(), &[], ("t", true));
        assert_eq!(python.unwrap().lines, Some(2));
        let text = "INFO 2024-01-01 00:00:01,285 GET /a\nWARN 2024-01-01 00:00:02,007 disk full\n";
        let java =
            Layout::find(text.as_bytes(), true, &said, &Notation::default(), &[], ("t", true));
        assert_eq!(java.unwrap().lines, Some(0));
        assert_eq!(
            split_stamp("[2024-01-01T00:00:01Z] - up", 1, None),
            Some(("2024-01-01T00:00:01Z", "up"))
        );
        assert_eq!(split_stamp("  at main.rs:3", 2, None), None);
    }
}
