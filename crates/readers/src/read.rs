//! From a path or a name to a [`Dataset`].

use crate::arrays::{idx, npy, npz};
use crate::digits;
use crate::hold::pieces::{self, Piece};
use crate::hold::source::split_array;
use crate::hold::source::{self, Format};
use crate::hold::zipped::{self, Unpacked};
use crate::labels;
use crate::names::joined;
use crate::options::ReadOptions;
use crate::pictures::{images, patches};
use crate::series::cut;
use crate::stamps::{find_parts_of_date, of_parts_of_date, since_1970};
use crate::tables::arrow::ArrowRecords;
use crate::tables::column::Sort;
use crate::tables::csv::CsvRecords;
use crate::tables::excel::SheetRecords;
use crate::tables::json::JsonRecords;
use crate::tables::records::{self, Records, Take};
use crate::tables::sqlite::SqliteRecords;
use crate::tables::table::Loaded;
use crate::tables::{parquet, refuse};
use rows::{CellPosition, ColumnKind, Dataset, Error, Message, Result};
use std::path::Path;

/// Rows that are looked at for numbers that ascend.
const LOOKED_AT: usize = 10_000;

/// Reads the rows of a file, a folder of images, or the built-in data set `digits`.
///
/// Every number of the result is finite. Rows that need more than [`ReadOptions::memory`] stay on
/// disk: an uncompressed npy or IDX file is read where it is, everything else goes once into a
/// temporary file without a name. One row is enough here: see [`Dataset::require_rows`]. A file
/// called `digits` is read as `./digits`.
///
/// # Errors
/// Where the source is missing, damaged or of an unknown format; where a column is text, dates or
/// empty; where a value is missing, infinite or no number. The message names the row and the
/// column.
pub fn read(source: &str, options: &ReadOptions) -> Result<Dataset> {
    let Some(series) = &options.series else { return Ok(table(source, options)?.dataset) };
    let mut series = series.clone();
    if series.time.is_empty() {
        let open = ReadOptions { id: Vec::new(), ..options.clone() };
        let known = std::mem::take(&mut series.found);
        series.found = time_columns(source, &open, &known)?;
        if let ([], [known, ..]) = (series.found.as_slice(), known.as_slice()) {
            let what = format!(
                "holds no time stamps, which the training had in {known:?}; name their column with "
            );
            return Err(Error::data(source, Message::from(what).setting("time")));
        }
    }
    if let Some(id) = options.id.iter().find(|id| !series.stamps().contains(id)) {
        let wanted = Message::from("the time stamps of the series; ");
        let group = wanted.set("group", id).text(" tells several series of a file apart");
        return Err(Error::setting("id", format!("{id:?}"), group));
    }
    let id = series.stamps().to_vec();
    let Loaded { dataset: mut data, groups, .. } =
        table(source, &ReadOptions { id, ..options.clone() })?;
    for stamp in data.ids.iter_mut().flatten() {
        if let Some(whole) = of_parts_of_date(series.stamps(), stamp) {
            *stamp = whole;
        }
    }
    let missing = &data.survey()?.missing;
    if let (Some(CellPosition { row, column }), None) = (missing.first, series.gaps) {
        let name = data.column_name(column);
        let (row, all) = (row + 1, missing.count);
        let cells = format!("row {row}, {name} has no value (such cells in all: {all}); choose ");
        let split = Message::from(cells)
            .set("gaps", "split")
            .text(", where a point without a value ends a window, or ");
        return Err(Error::data(
            &data.name,
            split.set("gaps", "fill").text(", which interpolates it"),
        ));
    }
    if let Some(groups) = &groups {
        check_names(groups, &series.group, &data.name)?;
    }
    let mut windows = cut::windows(&data, groups.as_deref(), &series, options.memory)?;
    if series.stamps().is_empty() {
        windows.warnings.push(without_stamps(&data)?);
    }
    Ok(windows)
}

/// An error for rows that name no series.
fn check_names(groups: &[String], columns: &[String], place: &str) -> Result<()> {
    let nameless = groups.iter().enumerate().filter(|(_, name)| name.is_empty());
    let mut rows = nameless.map(|(row, _)| row + 1);
    let Some(first) = rows.next() else { return Ok(()) };
    let (names, all) = (columns.join(" and "), 1 + rows.count());
    let what = "and belongs to no series; fill it in, or leave such rows out of the file";
    Err(Error::data(
        place,
        format!("row {first} has no value in {names} (such rows in all: {all}), {what}"),
    ))
}

/// That no column tells the time of points, with the first whose numbers ascend as time does.
fn without_stamps(data: &Dataset) -> Result<Message> {
    let (rows, features) = (data.rows(), data.features());
    let values = data.gather(0..rows.min(LOOKED_AT))?;
    let at = |row: usize, column: usize| values.get(row * features + column);
    let seen = values.len() / features.max(1);
    // Populations ascend as well, but have decimals or no even steps.
    let step = |row: usize, column: usize| at(row, column) - at(row - 1, column);
    let even = |column: usize| {
        let steps = (2..seen).filter(|row| step(*row, column) == step(1, column)).count();
        2 * steps >= seen
    };
    let ascends = |column: &usize| {
        let whole = |row: usize| at(row, *column).fract() == 0.0 && step(row, *column) > 0.0;
        seen > 2 && (1..seen).all(whole) && even(*column)
    };
    let counts = counts_since_1970(data)?.first().map(|(column, _)| *column);
    let why = "no column holds dates, and points are taken in the order of the rows; ";
    Ok(match counts.or_else(|| (0..features).find(ascends)) {
        Some(column) => Message::from(why)
            .text("if it tells the time, say ")
            .set("time", data.column_name(column)),
        None => Message::from(why).text("name that of time stamps with ").setting("time"),
    })
}

fn table(source: &str, options: &ReadOptions) -> Result<Loaded> {
    let mut loaded = load(source, options)?;
    refuse::refuse(&loaded.dataset, &loaded.columns)?;
    loaded.dataset.check_finite()?;
    refuse::warn(&mut loaded.dataset, options.expected.is_empty())?;
    Ok(loaded)
}

/// Those that a model knows, where they are there; else the only column of dates, with the only one
/// of times of day where these are apart, or the only one that counts parts of seconds since 1970; none
/// where there is none.
fn time_columns(source: &str, options: &ReadOptions, known: &[String]) -> Result<Vec<String>> {
    // A model does not know the time stamps as channels.
    let all = ReadOptions { expected: Vec::new(), only: Vec::new(), ..options.clone() };
    let Loaded { dataset, columns, .. } = load(source, &all)?;
    if !known.is_empty() && known.iter().all(|name| dataset.columns.contains(name)) {
        return Ok(known.to_vec());
    }
    let of = |at: &usize| columns[*at].sort() == Sort::Dates;
    let mut dates: Vec<usize> = (0..columns.len()).filter(of).collect();
    if dates.is_empty() {
        // Seconds may be any large numbers, and are left to the user.
        let counts = counts_since_1970(&dataset)?.into_iter();
        let said = |at: usize| {
            let name = dataset.column_name(at);
            options.columns.iter().any(|(said, _)| *said == name)
        };
        let fine = counts.filter(|(at, unit)| *unit != "seconds" && !said(*at));
        dates = fine.map(|(at, _)| at).collect();
    }
    if dates.is_empty() {
        dates = find_parts_of_date(&dataset.columns);
        if !dates.is_empty() {
            return Ok(dates.iter().map(|at| dataset.columns[*at].clone()).collect());
        }
    }
    let plain = options.notation.date_format.is_none();
    let alone = options.series.as_ref().is_none_or(|series| series.group.is_empty());
    if let [date] = dates.as_slice()
        && plain
        && alone
        && columns[*date].kind() == ColumnKind::Date
        && let Some(hour) = hour_beside(&dataset, *date)?
    {
        dates.push(hour);
    }
    let name =
        |at: &usize| dataset.columns.get(*at).cloned().unwrap_or_else(|| (at + 1).to_string());
    let clock = |at: &&usize| columns[**at].kind() != ColumnKind::Date;
    let clocks = dates.iter().filter(clock).count();
    match (dates.as_slice(), clocks) {
        ([], _) => Ok(Vec::new()),
        ([_], _) | ([_, _], 1) => Ok(dates.iter().map(name).collect()),
        (many, _) => {
            let names: Vec<String> = many.iter().map(|at| dataset.column_name(*at)).collect();
            let wanted = Message::from(format!("one of the columns {}, by ", names.join(", ")));
            Err(Error::setting("time", "open", wanted.setting("time")))
        }
    }
}

/// The column of whole hours beside days, by its name: they rise within each day.
fn hour_beside(data: &Dataset, date: usize) -> Result<Option<usize>> {
    let named = |name: &String| ["hour", "hr"].iter().any(|hour| name.eq_ignore_ascii_case(hour));
    let Some(hour) = data.columns.iter().position(named) else { return Ok(None) };
    let values = data.gather(0..data.rows().min(LOOKED_AT))?;
    let rows = values.len() / data.features().max(1);
    let at = |row: usize, column: usize| values.get(row * data.features() + column);
    let whole = |row: usize| {
        let hours = at(row, hour);
        at(row, date).fract() == 0.0 && hours.fract() == 0.0 && (0.0..=24.0).contains(&hours)
    };
    let same = |row: &usize| at(*row, date) == at(row - 1, date);
    let again = (1..rows).filter(same).count();
    let rises = (1..rows).filter(same).filter(|row| at(*row, hour) > at(row - 1, hour)).count();
    // A clock that is put back has an hour twice.
    let is_time = again > 0 && 20 * rises >= 19 * again && (0..rows).all(whole);
    Ok(Some(hour).filter(|hour| data.kind(*hour).is_number() && is_time))
}

/// The columns whose every number counts since 1970, each with its unit.
fn counts_since_1970(data: &Dataset) -> Result<Vec<(usize, &'static str)>> {
    let numbers = |column: &usize| data.kind(*column).is_number();
    let mut ranges: Vec<Option<(f64, f64)>> =
        (0..data.features()).map(|at| numbers(&at).then_some((f64::MAX, f64::MIN))).collect();
    for block in data.blocks() {
        let block = block?;
        for at in 0..block.len() {
            let (range, number) = (&mut ranges[at % data.features()], block.get(at));
            let Some((low, high)) = range else { continue };
            if number.is_nan() {
                continue;
            }
            if number.fract() != 0.0 {
                *range = None;
            } else {
                (*low, *high) = (low.min(number), high.max(number));
            }
        }
    }
    let unit = |(at, range): (usize, Option<(f64, f64)>)| {
        let (low, high) = range.filter(|(low, high)| low < high)?;
        Some((at, since_1970(low, high)?))
    };
    Ok(ranges.into_iter().enumerate().filter_map(unit).collect())
}

/// Reads without refusing what only training would mind.
pub(crate) fn load(source: &str, options: &ReadOptions) -> Result<Loaded> {
    if options.label.is_some() && options.labels.is_some() {
        return Err(Error::setting(
            "label",
            "given twice",
            Message::from("either ").set("label", "COLUMN").text(" or ").set("labels", "FILE"),
        ));
    }
    if let Some(name) = options.id.iter().find(|id| options.label.as_ref() == Some(id)) {
        return Err(Error::setting("id", format!("{name:?}"), "another column than the label"));
    }
    let mut loaded = load_source(source, options)?;
    if let Some(file) = &options.labels {
        loaded.dataset.labels = Some(labels::read(file, &loaded.dataset)?);
    }
    Ok(loaded)
}

fn load_source(source: &str, options: &ReadOptions) -> Result<Loaded> {
    if source == digits::NAME {
        return load_digits(options);
    }
    if let Some(files) = files(source, options)? {
        return files.load(options);
    }
    let (path, array) = split_array(source);
    let array = array.or(options.array.as_deref());
    let dataset = match format(path)? {
        Format::Npy => npy::load(path, options.memory)?,
        Format::Npz => npz::load(path, options, array)?,
        Format::Idx => idx::load(path, options.memory)?,
        _ => match &options.patches {
            Some(patches) => patches::load(path, patches, options.memory)?,
            None => images::load(path, options.resize, options.memory)?,
        },
    };
    let mut loaded = Loaded { dataset, columns: Vec::new(), groups: None, settings: Vec::new() };
    set_aside(&mut loaded, options)?;
    Ok(loaded)
}

/// The format of a file, or of the pictures in a folder.
fn format(path: &Path) -> Result<Format> {
    if path.is_dir() { Ok(Format::Picture) } else { source::format(path) }
}

/// The files of a table, all of one format.
pub(crate) struct Files {
    place: String,
    pieces: Vec<Piece>,
    pub(crate) format: Format,
    /// The sheet or table of the file that is meant.
    part: Option<String>,
    /// What they are in where they come from an archive.
    unpacked: Option<Unpacked>,
}

/// The table that a source is; none where it is an array or pictures.
///
/// An error where there is no such source, or a setting means nothing for it.
pub(crate) fn files(source: &str, options: &ReadOptions) -> Result<Option<Files>> {
    if let Some(pieces) = pieces::of_pattern(source)? {
        return Files::of_pieces(source, pieces).map(Some);
    }
    let (path, part) = split_array(source);
    let part = part.or(options.array.as_deref());
    if !path.exists() {
        return Err(Error::data(
            source,
            "there is no such file; wanted a file (.csv, .csv.gz, .json, .jsonl, .parquet, .arrow, .feather, .xlsx, .db, .zip, .npy, .npz, IDX), a folder or pattern of tables, a folder of images, or the built-in name `digits`",
        ));
    }
    let of_folder = if path.is_dir() { pieces::of_folder(path)? } else { None };
    if let Some(pieces) = of_folder {
        return Files::of_pieces(source, pieces).map(Some);
    }
    let format = format(path)?;
    refuse_settings(format, part, options)?;
    if !format.is_table() {
        return Ok(None);
    }
    if format == Format::Zip {
        return Files::of_archive(path, part).map(Some);
    }
    Ok(Some(Files {
        place: source.to_owned(),
        pieces: vec![Piece::alone(path)],
        format,
        part: part.map(str::to_owned),
        unpacked: None,
    }))
}

/// Refuses settings that mean nothing for a format.
fn refuse_settings(format: Format, array: Option<&str>, options: &ReadOptions) -> Result<()> {
    if array.is_some() && !format.has_parts() {
        return Err(Error::setting(
            "array",
            format!("{:?}", array.unwrap_or_default()),
            "nothing: only .npz, .xlsx, .db and .zip files hold parts with names",
        ));
    }
    let of_tables = [
        ("column", !options.columns.is_empty()),
        ("drop", !options.drop.is_empty()),
        ("only", !options.only.is_empty()),
        ("missing", !options.notation.missing.is_empty()),
    ];
    if let (Some((name, _)), false) =
        (of_tables.into_iter().find(|(_, given)| *given), format.is_table())
    {
        return Err(Error::setting(name, "given", "nothing: only tables have columns of a kind"));
    }
    if options.resize.is_some() && format != Format::Picture {
        return Err(Error::setting(
            "resize",
            "given",
            "nothing: only images in a folder can be resized",
        ));
    }
    if options.patches.is_some() && format != Format::Picture {
        return Err(Error::setting("patches", "given", "nothing: only images have patches"));
    }
    if options.patches.is_some() && options.resize.is_some() {
        return Err(Error::setting(
            "resize",
            "given",
            Message::from("nothing beside ")
                .setting("patches")
                .text(": patches are cut out of photographs as they are"),
        ));
    }
    Ok(())
}

/// Opens one of the files of a table.
type Open<'a> = Box<dyn Fn(&Path) -> Result<Box<dyn Records>> + 'a>;

impl Files {
    /// Files that are one table together.
    fn of_pieces(source: &str, pieces: Vec<Piece>) -> Result<Self> {
        let mut formats = pieces.iter().map(|piece| source::format(&piece.path));
        let first = formats.next().transpose()?.filter(|format| format.is_table());
        let Some(format) = first else {
            let why =
                "several files are one table only where each is a table (.csv, .parquet, .json)";
            return Err(Error::data(source, why));
        };
        for (other, piece) in formats.zip(&pieces[1..]) {
            if other? != format {
                let (one, other) = (pieces[0].path.display(), piece.path.display());
                let why = format!(
                    "{one} and {other} are of two formats; name one, as in \"folder/*.csv\""
                );
                return Err(Error::data(source, why));
            }
        }
        Ok(Self { place: source.to_owned(), pieces, format, part: None, unpacked: None })
    }

    /// The table in a zip archive, which is unpacked into a temporary folder.
    fn of_archive(path: &Path, part: Option<&str>) -> Result<Self> {
        let unpacked = zipped::unpack(path, part)?;
        let format = source::format(&unpacked.path).map_err(|error| {
            // Where it was unpacked to is nothing to the user.
            match error {
                Error::Data { message, .. } => Error::data(path.display(), message),
                other => other,
            }
        })?;
        if !format.is_table() || format == Format::Zip {
            let why = "holds no table (.csv, .json, .parquet, ...); unpack it";
            return Err(Error::data(path.display(), why));
        }
        Ok(Self {
            place: path.display().to_string(),
            pieces: vec![Piece::alone(&unpacked.path)],
            format,
            part: None,
            unpacked: Some(unpacked),
        })
    }

    /// What messages call it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Reads the table.
    fn load(&self, options: &ReadOptions) -> Result<Loaded> {
        let loaded = match self.open(options) {
            None => parquet::load(&self.place, &self.pieces, options),
            Some(open) => records::load(&self.place, &self.pieces, options, &open),
        };
        loaded.map_err(|error| self.named(error))
    }

    /// Passes on the rows of the table, with the cells of all columns of its files.
    ///
    /// An error where its rows do not come one by one, as those of Parquet.
    pub(crate) fn each_row(&self, options: &ReadOptions, take: &mut dyn Take) -> Result<()> {
        let Some(open) = self.open(options) else {
            return Err(Error::data(&self.place, "comes by columns, wanted rows"));
        };
        let walked = records::each(&self.place, &self.pieces, &open, take);
        walked.map(|_| ()).map_err(|error| self.named(error))
    }

    /// How to open the files; none of Parquet, whose rows do not come one by one.
    fn open<'a>(&'a self, options: &'a ReadOptions) -> Option<Open<'a>> {
        let part = self.part.as_deref();
        Some(match self.format {
            Format::Parquet => return None,
            Format::Arrow => Box::new(|path| Ok(Box::new(ArrowRecords::open(path)?))),
            Format::Excel => {
                Box::new(move |path| Ok(Box::new(SheetRecords::open(path, part, options)?)))
            }
            Format::Sqlite => Box::new(move |path| Ok(Box::new(SqliteRecords::open(path, part)?))),
            Format::Json => Box::new(|path| Ok(Box::new(JsonRecords::open(path)?))),
            _ => Box::new(|path| Ok(Box::new(CsvRecords::open(path, options)?))),
        })
    }

    /// An error with the name of the archive: where that was unpacked to is gone, and nothing to the user.
    fn named(&self, error: Error) -> Error {
        let own = self.unpacked.as_ref().map(|unpacked| unpacked.path.display().to_string());
        match error {
            Error::Data { place, message } if Some(&place) == own.as_ref() => {
                Error::Data { place: self.place.clone(), message }
            }
            other => other,
        }
    }
}

/// Takes label and identifier columns out of an array, where an npz has not given them as arrays of
/// their own.
fn set_aside(loaded: &mut Loaded, options: &ReadOptions) -> Result<()> {
    let Loaded { dataset: data, groups, .. } = loaded;
    let label = options.label.as_deref().filter(|_| data.labels.is_none());
    let ids = options.id.iter().filter(|_| data.ids.is_none());
    let group = options.series.iter().flat_map(|series| &series.group);
    let mut wanted: Vec<(&str, &str)> = label
        .map(|name| ("label", name))
        .into_iter()
        .chain(ids.map(|name| ("id", name.as_str())))
        .chain(group.map(|name| ("group", name.as_str())))
        .collect();
    // Numbers count the columns of the file, so the later column is taken out first.
    wanted.sort_by_key(|(_, name)| std::cmp::Reverse(name.parse::<usize>().ok()));
    for (option, name) in wanted {
        let texts = labels::set_aside(data, option, name, options.memory)?;
        // The later column was taken out first; the first one has nothing behind it.
        let before = |texts: Vec<String>, rest: Option<Vec<String>>| match rest {
            Some(rest) => joined(texts, rest),
            None => texts,
        };
        match option {
            "label" => data.labels = Some(texts),
            "group" => *groups = Some(before(texts, groups.take())),
            _ => data.ids = Some(before(texts, data.ids.take())),
        }
    }
    Ok(())
}

fn load_digits(options: &ReadOptions) -> Result<Loaded> {
    let cut = options.resize.is_some() || options.patches.is_some();
    if options.label.is_some() || !options.id.is_empty() || options.array.is_some() || cut {
        return Err(Error::data(
            digits::NAME,
            "has its labels already and takes no label, id, array, resize or patches",
        ));
    }
    Ok(Loaded { dataset: digits::load()?, columns: Vec::new(), groups: None, settings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{write_npy, write_table};
    use rows::{Shape, Values};
    use std::path::Path;

    fn options(label: Option<&str>, id: Option<&str>) -> ReadOptions {
        ReadOptions {
            label: label.map(str::to_owned),
            id: id.map(str::to_owned).into_iter().collect(),
            ..ReadOptions::default()
        }
    }

    #[test]
    fn a_missing_file_is_told_what_would_be_read() {
        let error = read("nowhere.csv", &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.starts_with("nowhere.csv: there is no such file; wanted"), "{error}");
        assert!(error.contains("digits"), "{error}");
    }

    #[test]
    fn an_empty_file_is_called_empty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = read(&file.path().display().to_string(), &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().ends_with(": is empty"), "{error}");
    }

    #[test]
    fn the_digits_are_built_in() {
        let data = read("digits", &ReadOptions::default()).unwrap();
        assert_eq!(data.shape, Shape::Image { height: 8, width: 8, channels: 1 });
        assert!(data.warnings.is_empty());
        assert!(read("digits", &options(Some("65"), None)).is_err());
    }

    #[test]
    fn an_array_of_an_npz_is_named_after_a_colon() {
        assert_eq!(split_array("a/b.npz:train_x"), (Path::new("a/b.npz"), Some("train_x")));
        assert_eq!(split_array("a/b.npz"), (Path::new("a/b.npz"), None));
        assert_eq!(split_array("C:\\x.csv"), (Path::new("C:\\x.csv"), None));
    }

    #[test]
    fn columns_of_an_array_are_set_aside_by_number_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        for (label, id) in [("1", "2"), ("2", "1")] {
            let options = options(Some(label), Some(id));
            let data = read(&path.display().to_string(), &options).unwrap();
            assert_eq!(data.values, Values::F32(vec![3.0, 6.0]));
            let on_disk =
                read(&path.display().to_string(), &ReadOptions { memory: Some(4), ..options })
                    .unwrap();
            assert!(on_disk.values.in_memory().is_none());
            assert_eq!(
                (on_disk.values.load().unwrap(), &on_disk.labels),
                (Values::F32(vec![3.0, 6.0]), &data.labels)
            );
            let (first, second) =
                (vec!["1".to_owned(), "4".to_owned()], vec!["2".to_owned(), "5".to_owned()]);
            let (labels, ids) = if label == "1" { (first, second) } else { (second, first) };
            assert_eq!((data.labels.unwrap(), data.ids.unwrap()), (labels, ids));
        }
    }

    #[test]
    fn label_and_identifier_are_different_columns() {
        let error = read("digits", &options(Some("1"), Some("1"))).unwrap_err().to_string();
        assert_eq!(error, "id is \"1\"; wanted another column than the label");
    }

    #[test]
    fn a_nan_is_missing_in_a_table_and_refused_in_a_series() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[2, 2], &[1.0, 2.0, f32::NAN, 4.0]).unwrap();
        let data = read(&path.display().to_string(), &ReadOptions::default()).unwrap();
        assert_eq!(
            data.warnings,
            ["1 cell has no value in 1 of 2 columns, the first in row 2, column 1".into()]
        );
        write_npy(&path, &[2, 2, 1], &[1.0, 2.0, f32::NAN, 4.0]).unwrap();
        let error =
            read(&path.display().to_string(), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("row 2 has a NaN in point 0"), "{error}");
    }

    #[test]
    fn labels_come_from_a_column_or_a_file_not_both() {
        let both = ReadOptions { labels: Some("l.csv".into()), ..options(Some("y"), None) };
        assert!(read("digits", &both).unwrap_err().to_string().contains("labels = FILE"));
    }

    #[test]
    fn labels_from_a_file_belong_to_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let (data, labels) = (folder.path().join("a.csv"), folder.path().join("l.csv"));
        write_table(&data, None, &["x".to_owned()], 2, &[1.0, 5.0]).unwrap();
        std::fs::write(&labels, "cat\ndog\n").unwrap();
        let options = ReadOptions { labels: Some(labels), ..options(None, Some("row")) };
        let data = read(&data.display().to_string(), &options).unwrap();
        assert_eq!(data.labels.unwrap(), ["cat", "dog"]);
        assert_eq!(data.ids.unwrap(), ["1", "2"]);
    }

    /// Files of every format that hold the same five rows of three numbers.
    fn one_table_in_every_format(folder: &Path) -> Vec<String> {
        use std::io::Write;
        let numbers: Vec<f32> = (0..15).map(|at| (at as f32 * 0.7).sin()).collect();
        let names = ["a", "b", "c"].map(str::to_owned);
        let path = |name: &str| folder.join(name);
        for name in ["t.npy", "t.csv", "t.parquet"] {
            write_table(path(name), None, &names, 5, &numbers).unwrap();
        }
        let npy = std::fs::read(path("t.npy")).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&npy).unwrap();
        std::fs::write(path("t.npy.gz"), gzip.finish().unwrap()).unwrap();
        let mut npz = zip::ZipWriter::new(std::fs::File::create(path("t.npz")).unwrap());
        npz.start_file("x.npy", zip::write::SimpleFileOptions::default()).unwrap();
        npz.write_all(&npy).unwrap();
        npz.finish().unwrap();
        let mut idx = vec![0, 0, 0x0d, 2, 0, 0, 0, 5, 0, 0, 0, 3];
        idx.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        std::fs::write(path("t.idx"), idx).unwrap();
        ["t.npy", "t.npy.gz", "t.npz", "t.idx", "t.csv", "t.parquet"]
            .map(|name| path(name).display().to_string())
            .to_vec()
    }

    #[test]
    fn every_format_gives_the_same_rows_from_disk_as_from_memory() {
        let folder = tempfile::tempdir().unwrap();
        for source in one_table_in_every_format(folder.path()) {
            let memory = read(&source, &ReadOptions::default()).unwrap();
            for budget in [0, 30, 1 << 20] {
                let options = ReadOptions { memory: Some(budget), ..ReadOptions::default() };
                let data = read(&source, &options).unwrap();
                assert_eq!(
                    data.values.in_memory().is_some(),
                    budget > 30,
                    "{source} in {budget} bytes"
                );
                assert_eq!(
                    (data.rows(), &data.shape, &data.columns),
                    (5, &memory.shape, &memory.columns),
                    "{source}"
                );
                assert_eq!(data.values.storage(), memory.values.storage(), "{source}");
                assert_eq!(
                    data.gather([4, 0, 0, 1, 2]).unwrap(),
                    memory.gather([4, 0, 0, 1, 2]).unwrap(),
                    "{source}"
                );
                let described = |options| crate::describe(&source, &options).unwrap();
                assert_eq!(described(options), described(ReadOptions::default()), "{source}");
            }
        }
    }

    #[test]
    fn columns_in_order_are_read_from_disk_only_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(5).position(|word| word == b"False").unwrap();
        std::fs::write(&path, [&bytes[..at], b"True ", &bytes[at + 5..]].concat()).unwrap();
        let source = path.display().to_string();
        assert_eq!(
            read(&source, &ReadOptions::default()).unwrap().values,
            Values::F32(vec![1.0, 3.0, 2.0, 4.0])
        );
        let error = read(&source, &ReadOptions { memory: Some(8), ..ReadOptions::default() })
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("column-major") && error.contains("numpy.ascontiguousarray(x)"),
            "{error}"
        );
    }

    #[test]
    fn a_nan_on_disk_is_refused_by_row_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let mut numbers = vec![1.0; 400_000];
        numbers[300_001] = f32::NAN;
        write_npy(&path, &[200_000, 2, 1], &numbers).unwrap();
        // No command writes it, but other programs do.
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        let refused = |memory| {
            read(&path.display().to_string(), &ReadOptions { memory, ..ReadOptions::default() })
                .unwrap_err()
                .to_string()
        };
        assert!(
            refused(Some(0)).contains("row 150001 has a NaN in point 1 (such cells in all: 2)"),
            "{}",
            refused(Some(0))
        );
        assert_eq!(refused(Some(0)), refused(None));
    }

    #[test]
    fn resizing_a_table_is_refused() {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        let options = ReadOptions { resize: Some((8, 8)), ..ReadOptions::default() };
        assert!(read(&file.path().display().to_string(), &options).is_err());
    }
}
