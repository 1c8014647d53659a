use super::*;
use crate::hold::pieces::Piece;
use crate::tables::records;
use crate::tables::refuse;
use crate::tables::table::Loaded;
use crate::text::layout::TextLayout;
use proptest::prelude::*;
use rows::{ColumnKind, Dataset, Values};
use std::io::{self, Write};

/// Reads text as `read` does, refusals included.
fn table(text: &str) -> Result<Dataset> {
    table_with(text, &ReadOptions::default())
}

fn loaded(text: &[u8], options: &ReadOptions) -> Result<Loaded> {
    read_all(text, options)
}

/// Reads what a reader gives.
fn read_all(reader: impl Read, options: &ReadOptions) -> Result<Loaded> {
    let reader = std::cell::RefCell::new(Some(reader));
    let open = |_: &Path| -> Result<Box<dyn Records>> {
        let mut text = Vec::new();
        let whole = reader.take().unwrap().take(1 << 27).read_to_end(&mut text);
        whole.unwrap();
        let text: Box<dyn Read> = Box::new(io::Cursor::new(text));
        Ok(Box::new(CsvRecords::new(Lines::new(text, "t.csv", false, options)?, "t.csv")?))
    };
    records::load("t.csv", &[Piece::alone(Path::new("t.csv"))], options, &open)
}

fn table_with(text: &str, options: &ReadOptions) -> Result<Dataset> {
    let loaded = loaded(text.as_bytes(), options)?;
    refuse::refuse(&loaded.dataset, &loaded.columns)?;
    loaded.dataset.check_finite()?;
    Ok(loaded.dataset)
}

fn refusal(text: &str) -> String {
    table(text).unwrap_err().to_string()
}

/// Reads a file.
fn load(path: &Path, options: &ReadOptions) -> Result<Loaded> {
    let open = |path: &Path| -> Result<Box<dyn Records>> {
        Ok(Box::new(CsvRecords::open(path, options)?))
    };
    records::load(&path.display().to_string(), &[Piece::alone(path)], options, &open)
}

fn set(label: Option<&str>, id: Option<&str>) -> ReadOptions {
    ReadOptions {
        label: label.map(str::to_owned),
        id: id.map(str::to_owned).into_iter().collect(),
        ..ReadOptions::default()
    }
}

#[test]
fn a_header_is_told_from_data() {
    let named = table("a,b\n1,2\n3,4\n").unwrap();
    assert_eq!((named.rows(), named.columns), (2, vec!["a".to_owned(), "b".to_owned()]));
    let bare = table("1,2\n3,4\n").unwrap();
    assert_eq!((bare.rows(), bare.columns.len()), (2, 0));
    let years = table("city,2001,2002\n1,2,3\n").unwrap();
    assert_eq!(years.columns, ["city", "2001", "2002"]);
}

#[test]
fn column_names_that_only_count_are_noticed() {
    let data = table(",0,1,2,3\n0,5,6,7,8\n1,5,6,7,9\n").unwrap();
    assert_eq!(data.columns, ["column 1", "0", "1", "2", "3"]);
    assert!(data.warnings[0].to_string().contains("taken for column names"));
}

#[test]
fn a_label_column_without_header_keeps_the_first_row() {
    let data = table_with("5.1,3.5,setosa\n4.9,3.0,setosa\n", &set(Some("3"), None)).unwrap();
    assert_eq!(data.values, Values::F64(vec![5.1, 3.5, 4.9, 3.0]));
    assert_eq!(data.labels.unwrap(), ["setosa", "setosa"]);
}

#[test]
fn columns_without_names_keep_their_numbers_when_others_are_set_aside() {
    let data = table_with("7,1.5,3\n8,2.5,4\n", &set(None, Some("1"))).unwrap();
    assert_eq!(data.columns, ["column 2", "column 3"]);
    assert_eq!(data.ids.unwrap(), ["7", "8"]);
    let by_name = ReadOptions {
        columns: vec![("column 3".to_owned(), ColumnKind::Categorical)],
        ..set(None, Some("column 1"))
    };
    let data = table_with("7,1.5,3\n8,2.5,4\n", &by_name).unwrap();
    assert_eq!(data.kind(1), ColumnKind::Categorical);
}

#[test]
fn what_a_model_expects_is_taken_in_order_where_there_are_no_names() {
    let expected = ["size", "class"].map(str::to_owned).into_iter();
    let expected = expected.zip([ColumnKind::Numeric, ColumnKind::Categorical]).collect();
    let options = ReadOptions { expected, ..set(None, Some("1")) };
    let data = table_with("7,1.5,3\n8,2.5,4\n", &options).unwrap();
    assert_eq!((data.kind(0), data.kind(1)), (ColumnKind::Numeric, ColumnKind::Categorical));
    assert_eq!(data.values, Values::F64(vec![1.5, 0.0, 2.5, 1.0]));
    // Of another number of columns nothing is known, and nothing is read as zeros.
    let data = table_with("1.5,3,9\n2.5,4,9\n", &ReadOptions { ..options.clone() }).unwrap();
    assert_eq!(data.features(), 2);
    let bare = ReadOptions { id: Vec::new(), ..options };
    let data = table_with("1.5,3,9\n2.5,4,9\n", &bare).unwrap();
    assert_eq!(data.values, Values::F64(vec![1.5, 3.0, 9.0, 2.5, 4.0, 9.0]));
}

#[test]
fn repeated_names_are_told_apart() {
    let data = table("a,b,a,a (2),a\n1,2,3,4,5\n2,3,4,5,7\n").unwrap();
    assert_eq!(data.columns, ["a", "b", "a (3)", "a (2)", "a (4)"]);
    assert!(data.warnings.iter().any(|warning| warning.to_string().contains("named \"a\"")));
    let error = table_with("a,b,a\n1,2,3\n", &set(Some("a"), None)).unwrap_err().to_string();
    assert!(error.contains("several columns are named \"a\""), "{error}");
}

#[test]
fn semicolons_tabs_quotes_and_a_byte_order_mark_are_read() {
    for text in
        ["a;b\n1;2\n", "a\tb\n1\t2\n", "\"a\",\"b\"\n\"1\",\"2\"\n", "\u{feff}a,b\r\n1,2\r\n"]
    {
        let data = table(text).unwrap();
        assert_eq!(data.columns, ["a", "b"], "{text:?}");
        assert_eq!(data.values, Values::F64(vec![1.0, 2.0]), "{text:?}");
    }
}

#[test]
fn labels_and_identifiers_are_set_aside() {
    let data =
        table_with("name,x,kind\nada,1,p\nbob,2,q\n", &set(Some("kind"), Some("name"))).unwrap();
    assert_eq!(data.columns, ["x"]);
    assert_eq!(data.labels.unwrap(), ["p", "q"]);
    assert_eq!(data.ids.unwrap(), ["ada", "bob"]);
}

#[test]
fn an_unknown_label_column_is_answered_with_the_known_ones() {
    let error = table_with("age,height\n1,2\n", &set(Some("hight"), None)).unwrap_err().to_string();
    assert_eq!(error, "unknown column \"hight\"; did you mean \"height\"? known: age, height");
    let error = table_with("1,2\n", &set(Some("7"), None)).unwrap_err().to_string();
    assert!(error.contains("a column number from 1 to 2"), "{error}");
}

#[test]
fn nothing_and_a_header_alone_are_refused() {
    assert_eq!(refusal(""), "t.csv: is empty");
    assert_eq!(refusal("\n\n"), "t.csv: is empty");
    assert_eq!(refusal("a,b\n"), "t.csv: has a header but no rows");
}

#[test]
fn a_ragged_line_is_named_by_its_number() {
    assert_eq!(
        refusal("a,b\n1,2\n\n3,4,5\n"),
        "t.csv: line 4 has 3 fields, wanted 2 as most have; correct it, quote cells that contain the delimiter, name the delimiter with delimiter, leave out first lines with skip, or take each line for one text with lines = true"
    );
    for (text, line) in [
        ("a,b\r\n1,2\r\n\r\n\r\n3,4,5", 5),
        ("a,b\n1,\"2\n2\"\n3,\"4\n\",5\n6,7\n", 4),
        ("a,b\n1\n", 2),
    ] {
        assert!(refusal(text).contains(&format!("line {line} has")), "{text:?}: {}", refusal(text));
    }
}

#[test]
fn a_quote_that_nothing_closes_is_named_by_its_line() {
    let rows =
        |from: usize, to: usize| (from..to).map(|at| format!("{at},word\n")).collect::<String>();
    for odd in ["3,\"word\n", "\"3,word\n", "\"3\",\"word\n"] {
        let said = refusal(&("a,b\n".to_owned() + &rows(0, 3) + odd + &rows(4, 90)));
        assert!(said.contains("line 5 opens a quote that nothing closes"), "{odd}: {said}");
    }
    let said = refusal("a,b\n1,5\" pipe\n3,4\n\"5,6\n7,8\n9,10\n");
    assert!(said.contains("line 4 opens a quote"), "{said}");
    assert!(refusal("a,b\n1,2\n3,4\n\"5,6\n7,8").contains("line 4 opens a quote"));
    let last = table("a,b\n1,5\" pipe\n2,x\n4,z\n3,\"x \"\"q\"\"\ny\"\n").unwrap();
    assert_eq!(last.rows(), 4);
    // Inches are no open quotes, and cells may go on over lines.
    let inches = table("a,b\n1,5\" pipe\n2,x\n3,\"x\ny\"\n4,z\n").unwrap();
    assert_eq!(inches.rows(), 4);
}

#[test]
fn lines_of_text_behind_the_table_are_left_out_and_said() {
    let text = "a,b\n1,2\n3,4\n";
    for notes in ["Source: statistics office\n", "* provisional\n\n\"(c) 2024, the office\"\n"] {
        let data = table(&format!("{text}{notes}")).unwrap();
        assert_eq!(data.rows(), 2);
        let said = data.warnings[0].to_string();
        assert!(said.contains("no part of the table and left out"), "{said}");
    }
    let wide = table("a,b,c\n1,2,3\n4,5,6\n\nSource: plant A, 2024\n").unwrap();
    assert_eq!((wide.rows(), wide.warnings.len()), (2, 1), "{:?}", wide.warnings);
    assert!(refusal("a,b,c\n1,2,3\n4,5,6\nitem,7\n").contains("line 4 has"));
    // What is followed by rows is no footnote, and a cut number none either.
    for behind in ["Source: office\n5,6\n", "5\n", "5,6,7\n"] {
        assert!(refusal(&format!("{text}{behind}")).contains("line 4 has"), "{behind}");
    }
}

#[test]
fn one_text_among_numbers_is_named_by_its_cell() {
    assert_eq!(
        refusal("age,b\n1,2\n3,4\nold,6\n"),
        "t.csv: row 3, column \"age\" has \"old\" among numbers; take the column for codes with column = age=categorical, count it as missing with missing = old, or correct it"
    );
}

#[test]
fn a_text_column_is_one_of_categories() {
    let data = table("city,b\nrome,2\noslo,4\n,1\nrome,3\n").unwrap();
    assert_eq!((data.kind(0), data.kind(1)), (ColumnKind::Categorical, ColumnKind::Numeric));
    assert_eq!(*data.fields[0].levels, ["rome", "oslo"]);
    let Values::F64(values) = data.values.clone().load().unwrap() else { panic!("no f64") };
    assert_eq!((values[0], values[2], values[4].is_nan(), values[6]), (0.0, 1.0, true, 0.0));
    assert_eq!(
        (data.text(0, 1.0), data.text(0, f64::NAN), data.text(1, 2.0)),
        ("oslo".into(), String::new(), "2".into())
    );
}

#[test]
fn texts_that_are_no_categories_are_refused_unless_the_user_insists() {
    let rows: String = (0..50).map(|row| format!("item{row},{row}\n")).collect();
    let error = refusal(&format!("name,b\n{rows}"));
    assert!(
        error.contains("column \"name\" has 50 different words in 50 rows (row 1 has \"item0\")"),
        "{error}"
    );
    assert!(error.contains("id = name") && error.contains("column = name=categorical"), "{error}");
    let options = ReadOptions {
        columns: vec![("name".to_owned(), ColumnKind::Categorical)],
        ..ReadOptions::default()
    };
    assert_eq!(
        table_with(&format!("name,b\n{rows}"), &options).unwrap().fields[0].levels.len(),
        50
    );
}

#[test]
fn what_the_user_says_of_a_column_holds() {
    let text = "zip,open,day,visits\n00123,1,2024-01-31,3\n00124,0,31.12.2024,4\n00123,yes,2024-02-01 12:00,0\n";
    let asked = [
        ("zip", ColumnKind::Categorical),
        ("open", ColumnKind::Boolean),
        ("visits", ColumnKind::Count),
    ];
    let options = ReadOptions {
        columns: asked.map(|(name, kind)| (name.to_owned(), kind)).into(),
        ..ReadOptions::default()
    };
    let data = table_with(text, &options).unwrap();
    let kinds: Vec<ColumnKind> = (0..4).map(|column| data.kind(column)).collect();
    assert_eq!(
        kinds,
        [ColumnKind::Categorical, ColumnKind::Boolean, ColumnKind::Date, ColumnKind::Count]
    );
    assert_eq!(*data.fields[0].levels, ["00123", "00124"]);
    let Values::F64(values) = data.values.load().unwrap() else { panic!("no f64") };
    assert_eq!(values, [0.0, 1.0, 19753.0, 3.0, 1.0, 0.0, 20088.0, 4.0, 0.0, 1.0, 19754.5, 0.0]);
    let unknown = ReadOptions {
        columns: vec![("zap".to_owned(), ColumnKind::Count)],
        ..ReadOptions::default()
    };
    assert!(table_with(text, &unknown).unwrap_err().to_string().contains("did you mean \"zip\""));
    let expected = ReadOptions { expected: unknown.columns, ..ReadOptions::default() };
    let error = table_with("a,b\n1,2\n", &expected).unwrap_err().to_string();
    assert!(error.contains("also \"zap\", as in training"), "{error}");
}

#[test]
fn a_date_that_is_none_is_named_by_its_cell() {
    let error = refusal("time,b\n2013-07-04,2\n2013-13-04,4\n2013-07-05,4\n");
    assert_eq!(
        error,
        "t.csv: row 2, column \"time\" has \"2013-13-04\" among dates; write it like 2024-01-31 or 2024-01-31 12:30, say how dates are written with date_format (as in %d/%m/%Y), count it as missing with missing = 2013-13-04, or correct it"
    );
}

#[test]
fn a_missing_value_is_no_number_and_a_column_without_any_is_refused() {
    for hole in ["", "NA", "NaN", "null"] {
        let Values::F64(values) =
            table(&format!("a,b\n1,2\n3,{hole}\n")).unwrap().values.load().unwrap()
        else {
            panic!("no f64")
        };
        assert!(values[3].is_nan(), "{hole}");
    }
    assert!(refusal("a,b\n1,\n3,\n").contains("column \"b\" is empty in every row"));
}

#[test]
fn an_infinity_is_named_by_its_cell() {
    assert!(refusal("a,b\n1,2\n3,inf\n").contains("row 2 has an infinite value in b"));
}

#[test]
fn a_single_row_can_be_read() {
    let data = table("1.5,2.5\n").unwrap();
    assert_eq!(data.rows(), 1);
    assert!(data.require_rows(2).is_err());
}

#[test]
fn booleans_become_one_and_zero() {
    assert_eq!(table("a\ntrue\nFalse\n").unwrap().values, Values::F64(vec![1.0, 0.0]));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert!(refusal("a\0b").contains("is no text"));
}

#[test]
fn other_encodings_are_read_and_said() {
    let read = |bytes: &[u8]| loaded(bytes, &ReadOptions::default()).unwrap().dataset;
    let latin = read(b"a,stra\xdfe\n1,caf\xe9\n2,th\xe9\n");
    assert_eq!((latin.text(1, 0.0), &*latin.columns[1]), ("café".to_owned(), "straße"));
    assert!(latin.warnings[0].to_string().contains("read as windows-1252"));
    let wide: Vec<u8> =
        "\u{feff}a,b\n1,größer\n2,kleiner\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&wide).text(1, 0.0), "größer");
    // Far from the beginning it is an error that names the option.
    let mut late = b"a,b\n".to_vec();
    (0..60_000).for_each(|row| late.extend(format!("{row},x\n").bytes()));
    late.extend(b"1,caf\xe9\n");
    let error = loaded(&late, &ReadOptions::default()).err().unwrap().to_string();
    assert!(error.contains("line 60002 is no UTF-8") && error.contains("encoding ="), "{error}");
    let said = TextLayout { encoding: Some("latin-1".parse().unwrap()), ..TextLayout::default() };
    let options = ReadOptions { layout: said, ..ReadOptions::default() };
    assert_eq!(loaded(&late, &options).unwrap().dataset.text(1, 1.0), "café");
}

#[test]
fn a_quote_that_never_closes_is_no_endless_cell() {
    let endless = io::Read::chain(&b"a,b\n1,\""[..], io::repeat(b'x'));
    let error = read_all(endless, &ReadOptions::default()).err().unwrap().to_string();
    assert!(error.contains("is a quote not closed"), "{error}");
}

#[test]
fn real_tables_are_read() {
    let Some(folder) = crate::real_data() else {
        return;
    };
    let digits =
        load(&folder.join("digits/digits.csv.gz"), &set(Some("65"), None)).unwrap().dataset;
    assert_eq!((digits.rows(), digits.features()), (1797, 64));
    let taxi =
        load(&folder.join("nab/nyc_taxi.csv"), &set(None, Some("timestamp"))).unwrap().dataset;
    assert_eq!((taxi.rows(), taxi.columns), (10_320, vec!["value".to_owned()]));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn load_bytes(bytes: &[u8]) -> Result<Loaded> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    load(file.path(), &ReadOptions::default())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn written_tables_are_read_back(numbers in prop::collection::vec(prop::num::f32::NORMAL, 1..40), width in 1usize..5) {
        let rows = numbers.len() / width;
        prop_assume!(rows > 0);
        let numbers = &numbers[..rows * width];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let names: Vec<String> = (0..width).map(|j| format!("code {j}")).collect();
        crate::write_table(&path, None, &names, rows, numbers).unwrap();
        let data = load(&path, &set(None, Some("row"))).unwrap().dataset;
        prop_assert_eq!(&data.columns, &names);
        let wide: Vec<f64> = numbers.iter().map(|number| f64::from(*number)).collect();
        // Text holds the shortest number that is the same f32, so that is where they agree.
        let Values::F64(read) = data.values.load().unwrap() else { return Err(TestCaseError::fail("no f64")) };
        prop_assert_eq!(read.iter().map(|number| f64::from(*number as f32)).collect::<Vec<_>>(), wide);
    }

    #[test]
    fn truncated_gzip_is_an_error(length in any::<prop::sample::Index>()) {
        let bytes = gzip("a,b\n1,2\n3,4\n".repeat(50).as_bytes());
        prop_assert!(load_bytes(&bytes[..length.index(bytes.len())]).is_err());
    }

    #[test]
    fn flipped_bits_never_panic(position in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = gzip("a,b\n1,2\n3,4\n".repeat(50).as_bytes());
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        let _ = load_bytes(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[0-9a-c,;\t\"\n. -]{0,80}") {
        let _ = load_bytes(&bytes);
        let _ = load_bytes(text.as_bytes());
    }
}
