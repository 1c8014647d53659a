use super::*;
use crate::tables::refuse;
use crate::{describe, read, write_table};
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use rows::{ColumnKind, Dataset, Values};
use std::io::Write;

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A file of the given schema, whose row groups are filled in turn.
fn file(schema: &str, compression: Compression, groups: &[&dyn Fn(&mut Group)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for fill in groups {
        let mut group = writer.next_row_group().unwrap();
        fill(&mut group);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn put<T: DataType>(
    group: &mut Group,
    values: &[T::T],
    defined: Option<&[i16]>,
    repeated: Option<&[i16]>,
) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, defined, repeated).unwrap();
    column.close().unwrap();
}

fn load_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Loaded> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    load(&file.path().display().to_string(), &[Piece::alone(file.path())], options)
}

fn table(bytes: &[u8], options: &ReadOptions) -> Result<Dataset> {
    let loaded = load_bytes(bytes, options)?;
    refuse::refuse(&loaded.dataset, &loaded.columns)?;
    Ok(loaded.dataset)
}

fn set(label: Option<&str>, id: Option<&str>) -> ReadOptions {
    ReadOptions {
        label: label.map(str::to_owned),
        id: id.map(str::to_owned).into_iter().collect(),
        ..ReadOptions::default()
    }
}

const MIXED: &str = "message m {
    required int64 key; required binary kind (STRING); optional double size; required boolean ok; required int32 age (INTEGER(8, false)); }";

fn mixed(group: &mut Group) {
    put::<Int64Type>(group, &[9_007_199_254_740_993, 2, 3], None, None);
    put::<ByteArrayType>(group, &["p", "q", "p"].map(ByteArray::from), None, None);
    put::<DoubleType>(group, &[0.1, 0.2, 0.3], Some(&[1, 1, 1]), None);
    put::<BoolType>(group, &[true, false, true], None, None);
    put::<Int32Type>(group, &[7, 8, 9], None, None);
}

#[test]
fn numbers_and_booleans_are_read_and_other_columns_set_aside() {
    let bytes = file(MIXED, Compression::SNAPPY, &[&mixed, &mixed]);
    let data = table(&bytes, &set(Some("kind"), Some("key"))).unwrap();
    assert_eq!(data.columns, ["size", "ok", "age"]);
    let group = [0.1, 1.0, 7.0, 0.2, 0.0, 8.0, 0.3, 1.0, 9.0];
    assert_eq!(data.values, Values::F64([group, group].concat()));
    assert_eq!(data.labels.unwrap()[..3], ["p", "q", "p"]);
    // More digits than a double holds: identifiers are not numbers.
    assert_eq!(data.ids.unwrap()[0], "9007199254740993");
}

#[test]
fn every_compression_we_claim_is_read() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
    ] {
        let bytes = file(MIXED, compression, &[&mixed]);
        assert_eq!(
            table(&bytes, &set(Some("kind"), Some("key"))).unwrap().rows(),
            3,
            "{compression:?}"
        );
    }
}

#[test]
fn texts_are_categories_and_nulls_are_missing() {
    let bytes = file(MIXED, Compression::SNAPPY, &[&mixed]);
    let data = table(&bytes, &set(None, Some("key"))).unwrap();
    assert_eq!((data.kind(0), data.text(0, 1.0)), (ColumnKind::Categorical, "q".to_owned()));
    let asked = ReadOptions {
        columns: vec![("age".to_owned(), ColumnKind::Categorical)],
        ..set(Some("kind"), Some("key"))
    };
    let data = table(&bytes, &asked).unwrap();
    assert_eq!((data.columns[2].as_str(), data.text(2, 1.0)), ("age", "8".to_owned()));
    let holes = file(
        "message m { optional float a; optional int32 b; }",
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<FloatType>(group, &[1.0, 2.0, 3.0], Some(&[1, 1, 1]), None);
            put::<Int32Type>(group, &[1, 2], Some(&[1, 0, 1]), None);
        }],
    );
    let data = table(&holes, &ReadOptions::default()).unwrap();
    assert!(data.gather([1]).unwrap().get(1).is_nan());
}

#[test]
fn times_are_days_since_1970() {
    let bytes = file(
        "message m { required int64 at (TIMESTAMP(MICROS, true)); required float a; }",
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<Int64Type>(group, &[1_372_897_800_000_000, 2], None, None);
            put::<FloatType>(group, &[1.0, 2.0], None, None);
        }],
    );
    let data = table(&bytes, &ReadOptions::default()).unwrap();
    let first = data.gather([0]).unwrap().get(0);
    assert_eq!(
        (data.kind(0), data.text(0, first)),
        (ColumnKind::Date, "2013-07-04 00:30".to_owned())
    );
    let data = table(&bytes, &set(None, Some("at"))).unwrap();
    assert_eq!(data.values, Values::F32(vec![1.0, 2.0]));
    assert_eq!(data.ids.unwrap(), ["2013-07-04 00:30:00", "1970-01-01 00:00:00.000002"]);
}

const LISTS: &str = "message m { required float a;
    optional group vector (LIST) { repeated group list { optional float element; } } }";

/// Lists of the given lengths, filled with 1, 2, 3, ...
fn lists(group: &mut Group, lengths: &[usize]) {
    put::<FloatType>(group, &vec![0.5; lengths.len()], None, None);
    let (mut numbers, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for &length in lengths {
        if length == 0 {
            defined.push(0);
            repeated.push(0);
        }
        for item in 0..length {
            numbers.push(numbers.len() as f32 + 1.0);
            defined.push(3);
            repeated.push(i16::from(item > 0));
        }
    }
    put::<FloatType>(group, &numbers, Some(&defined), Some(&repeated));
}

#[test]
fn a_list_becomes_one_column_an_item() {
    let bytes = file(
        LISTS,
        Compression::SNAPPY,
        &[&|group: &mut Group| lists(group, &[2, 2]), &|group: &mut Group| lists(group, &[2])],
    );
    let data = table(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(data.columns, ["a", "vector_0", "vector_1"]);
    assert_eq!(data.values, Values::F32(vec![0.5, 1.0, 2.0, 0.5, 3.0, 4.0, 0.5, 1.0, 2.0]));
}

#[test]
fn lists_of_different_lengths_are_named_by_their_row() {
    let bytes = file(LISTS, Compression::SNAPPY, &[&|group: &mut Group| lists(group, &[2, 2, 3])]);
    let error = table(&bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("row 3, column \"vector\" has a list of 3 numbers, wanted 2"),
        "{error}"
    );
    let hole = file(LISTS, Compression::SNAPPY, &[&|group: &mut Group| lists(group, &[2, 0, 2])]);
    let data = table(&hole, &ReadOptions::default()).unwrap();
    assert!(data.gather([1]).unwrap().get(1).is_nan() && data.gather([1]).unwrap().get(2).is_nan());
}

#[test]
fn decimals_unsigned_and_half_numbers_are_read() {
    let schema = "message m { required int32 price (DECIMAL(9, 2)); required fixed_len_byte_array(3) cost (DECIMAL(6, 1));
        required int32 count (INTEGER(32, false)); required fixed_len_byte_array(2) half (FLOAT16); }";
    let bytes = file(
        schema,
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<Int32Type>(group, &[-125], None, None);
            put::<FixedLenByteArrayType>(
                group,
                &[FixedLenByteArray::from(vec![0xff, 0xff, 0xf6])],
                None,
                None,
            );
            put::<Int32Type>(group, &[-1], None, None);
            put::<FixedLenByteArrayType>(
                group,
                &[FixedLenByteArray::from(vec![0x00, 0x3c])],
                None,
                None,
            );
        }],
    );
    assert_eq!(
        table(&bytes, &ReadOptions::default()).unwrap().values,
        Values::F64(vec![-1.25, -1.0, 4_294_967_295.0, 1.0])
    );
}

#[test]
fn row_names_of_pandas_are_left_out_with_a_warning() {
    let schema = "message m { required float a; required int64 __index_level_0__; }";
    let bytes = file(
        schema,
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<FloatType>(group, &[1.0], None, None);
            put::<Int64Type>(group, &[7], None, None);
        }],
    );
    let data = table(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(data.columns, ["a"]);
    assert!(
        data.warnings[0].to_string().contains("left out __index_level_0__"),
        "{:?}",
        data.warnings
    );
    let data = table(&bytes, &set(None, Some("__index_level_0__"))).unwrap();
    assert_eq!((data.ids.unwrap(), data.warnings.len()), (vec!["7".to_owned()], 0));
}

#[test]
fn nested_columns_are_described_and_refused() {
    let schema = "message m { required float a;
        required group tags (LIST) { repeated group list { required binary element (STRING); } } }";
    let bytes = file(
        schema,
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<FloatType>(group, &[1.0, 2.0], None, None);
            put::<ByteArrayType>(
                group,
                &["x", "y"].map(ByteArray::from),
                Some(&[1, 1]),
                Some(&[0, 0]),
            );
        }],
    );
    let mut file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let path = file.path().display().to_string();
    let description = describe(&path, &ReadOptions::default()).unwrap();
    assert_eq!(description.columns[1].kind, ColumnKind::Categorical);
    let error = read(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("column \"tags\" holds nested values, which cannot be trained on"),
        "{error}"
    );
}

#[test]
fn no_rows_and_an_unknown_column_are_refused() {
    let bytes = file("message m { required float a; }", Compression::SNAPPY, &[]);
    assert!(table(&bytes, &ReadOptions::default()).unwrap_err().to_string().contains("no rows"));
    let error = table(&bytes, &set(Some("b"), None)).unwrap_err().to_string();
    assert!(error.starts_with("unknown column \"b\""), "{error}");
    assert!(table(b"", &ReadOptions::default()).unwrap_err().to_string().ends_with("is empty"));
    assert!(table(b"PAR1 no PAR1", &ReadOptions::default()).is_err());
}

#[test]
fn a_page_that_claims_gigabytes_is_refused() {
    let bytes = file(
        "message m { required float a; }",
        Compression::SNAPPY,
        &[&|group: &mut Group| {
            put::<FloatType>(group, &[1.0; 100], None, None);
        }],
    );
    // The first page header follows the magic: field 1, then field 2 with the size in a number of
    // several bytes.
    assert_eq!((&bytes[..4], bytes[4], bytes[6]), (&b"PAR1"[..], 0x15, 0x15));
    let mut huge = bytes.clone();
    huge.splice(7..8, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    assert!(table(&huge, &ReadOptions::default()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn written_tables_are_read_back(numbers in prop::collection::vec(prop::num::f32::NORMAL, 1..40), width in 1usize..5) {
        let rows = numbers.len() / width;
        prop_assume!(rows > 0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let names: Vec<String> = (0..width).map(|j| format!("code {j}")).collect();
        write_table(&path, None, &names, rows, &numbers[..rows * width]).unwrap();
        let place = path.display().to_string();
        let pieces = [Piece::alone(&path)];
        let data = load(&place, &pieces, &set(None, Some("row"))).unwrap().dataset;
        prop_assert_eq!(&data.columns, &names);
        prop_assert_eq!(data.values, Values::F32(numbers[..rows * width].to_vec()));
    }

    #[test]
    fn truncated_files_are_errors(length in any::<prop::sample::Index>()) {
        let bytes = file(MIXED, Compression::SNAPPY, &[&mixed]);
        prop_assert!(load_bytes(&bytes[..length.index(bytes.len())], &set(Some("kind"), None)).is_err());
    }

    #[test]
    fn flipped_bits_never_panic(position in any::<prop::sample::Index>(), bit in 0u8..8) {
        for mut bytes in [
            file(MIXED, Compression::SNAPPY, &[&mixed]),
            file(LISTS, Compression::UNCOMPRESSED, &[&|group: &mut Group| lists(group, &[2, 0, 2])]),
        ] {
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let _ = load_bytes(&bytes, &ReadOptions::default());
        }
    }
}

#[test]
fn gaps_are_filled_and_columns_keep_their_types() {
    let schema =
        "message m { required int64 key; optional int32 n; optional double x; required float f;
        optional binary word (STRING); optional int64 at (TIMESTAMP(MILLIS, true)); }";
    let group = |group: &mut Group| {
        put::<Int64Type>(group, &[9_007_199_254_740_993, 2, 3], None, None);
        put::<Int32Type>(group, &[7, 9], Some(&[1, 0, 1]), None);
        put::<DoubleType>(group, &[0.1, f64::NAN], Some(&[1, 1, 0]), None);
        put::<FloatType>(group, &[1.5, f32::NAN, 2.5], None, None);
        put::<ByteArrayType>(group, &["p", "q"].map(ByteArray::from), Some(&[1, 1, 0]), None);
        put::<Int64Type>(group, &[1_000, 2_500], Some(&[1, 0, 1]), None);
    };
    let bytes = file(schema, Compression::SNAPPY, &[&group, &group]);
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    std::fs::write(&from, bytes).unwrap();
    let source = from.display().to_string();
    let options = set(None, Some("key"));
    let data = read(&source, &options).unwrap();
    let words =
        rows::Field { kind: ColumnKind::Categorical, levels: vec!["new".to_owned()].into() };
    let mut fill = |_: usize, column: usize| match data.kind(column) {
        ColumnKind::Categorical => crate::FilledCell::of(&words, 0.0),
        kind => crate::FilledCell::of(&rows::Field::of(kind), 4.0),
    };
    assert_eq!(crate::write_filled(&source, &options, &to, 6, &mut fill).unwrap(), 12);
    let filled = read(&to.display().to_string(), &options).unwrap();
    assert_eq!(filled.ids.as_ref().unwrap()[0], "9007199254740993");
    let day = 86_400.0;
    let values = filled.values.load().unwrap();
    let row = |row: usize| (0..5).map(|at| values.get(row * 5 + at)).collect::<Vec<_>>();
    assert_eq!(row(0), [7.0, 0.1, 1.5, 0.0, 1.0 / day]);
    assert_eq!(row(4), [4.0, 4.0, 4.0, 1.0, 4.0]);
    assert_eq!(row(5), [9.0, 4.0, 2.5, 2.0, 2.5 / day]);
    let kinds = |path: &Path| {
        let place = path.display().to_string();
        let file = ParquetFile::open(path, &place).unwrap();
        let columns = file.metadata.file_metadata().schema_descr().columns().to_vec();
        columns.iter().map(|column| format!("{:?}", column.self_type())).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&from), kinds(&to));
}
