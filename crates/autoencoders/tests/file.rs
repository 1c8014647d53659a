//! Model files: whatever is done to one, the answer is an error, never a panic or a giant
//! allocation.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::Values;
use autoencoders::engine::NamedTensor;
use autoencoders::engine::Waiting;
use autoencoders::engine::parse_archive;
use autoencoders::engine::write_archive;
use autoencoders::settings::Net;
use autoencoders::study::ScoreKind;
use autoencoders::study::evaluate;
use autoencoders::study::generate;
use autoencoders::study::score;
use autoencoders::{Config, Flow, Model, fit, from_bytes, load};

use autoencoders::data::ColumnKind;
use autoencoders::data::Field;
use autoencoders::data::Shape;
use autoencoders::engine::ArchiveKind;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

fn data() -> Dataset {
    let values = (0..60).map(|at| ((at * 37) % 60) as f32 / 60.0).collect();
    Dataset::new("data", Shape::Image { height: 3, width: 2, channels: 1 }, Values::F32(values))
        .unwrap()
}

/// The bytes of a small valid model.
fn model() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let config = Config::default().latent(2).net("conv:2".parse::<Net>().unwrap()).epochs(1);
        let trained = fit(&config, &data(), None, false, &mut |_| Flow::Continue).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.ae");
        trained.model.save(&path).unwrap();
        std::fs::read(path).unwrap()
    })
}

/// A table of every kind of column, with gaps.
fn table() -> Dataset {
    let row = |at: usize| {
        let gap = if at % 7 == 3 { f64::NAN } else { at as f64 };
        [
            gap,
            (at % 3) as f64,
            (at % 5) as f64,
            19_000.5 + (at * 37 % 900) as f64,
            (at % 4) as f64,
            (at % 2) as f64,
        ]
    };
    let mut data = Dataset::new(
        "table",
        Shape::Flat { width: 6 },
        Values::F64((0..60).flat_map(row).collect()),
    )
    .unwrap();
    let words =
        |words: &[&str]| Arc::new(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    data.fields = vec![
        Field::of(ColumnKind::Numeric),
        Field { kind: ColumnKind::Categorical, levels: words(&["a", "b", "c"]) },
        Field {
            kind: ColumnKind::Text,
            levels: words(&["one two", "two three", "three four", "four five", "five one"]),
        },
        Field::of(ColumnKind::Date),
        Field::of(ColumnKind::Count),
        Field::of(ColumnKind::Boolean),
    ];
    data
}

/// The bytes of a small valid model of that table.
fn table_model() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let config = Config::default().latent(2).net("mlp:4".parse::<Net>().unwrap()).epochs(1);
        let trained = fit(&config, &table(), None, false, &mut |_| Flow::Continue).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.ae");
        trained.model.save(&path).unwrap();
        std::fs::read(path).unwrap()
    })
}

/// The model file again, with a valid hash over changed content.
fn forged(
    change: impl FnOnce(&mut Value, &mut Vec<NamedTensor>),
) -> Result<Model, autoencoders::Error> {
    forged_of(model(), change)
}

fn waiting(tensors: &[NamedTensor]) -> Vec<Waiting<'_>> {
    tensors.iter().map(|tensor| tensor.waiting(tensor.name.clone())).collect()
}

fn forged_of(
    bytes: &[u8],
    change: impl FnOnce(&mut Value, &mut Vec<NamedTensor>),
) -> Result<Model, autoencoders::Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.ae");
    let (content, entries) = parse_archive(bytes, ArchiveKind::Model, "model").unwrap();
    let mut content: Value = content.read().unwrap();
    let mut entries: Vec<NamedTensor> = entries.into_values().collect();
    change(&mut content, &mut entries);
    write_archive(&path, ArchiveKind::Model, content, waiting(&entries))?;
    load(&path)
}

proptest! {
    #[test]
    fn a_truncated_model_is_an_error(cut in 0usize..100_000) {
        let bytes = model();
        prop_assert!(from_bytes(&bytes[..cut % bytes.len()], "cut").is_err());
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_the_same_model(at in 0usize..1_000_000, bit in 0u8..8) {
        let mut bytes = model().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // Or the same model: blanks behind the header say nothing.
        if parse_archive(&bytes, ArchiveKind::Model, "flipped").ok() != parse_archive(model(), ArchiveKind::Model, "model").ok() {
            prop_assert!(from_bytes(&bytes, "flipped").is_err());
        }
    }

    #[test]
    fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(from_bytes(&bytes, "random").is_err());
    }

    #[test]
    fn nonsense_in_the_content_is_an_error_or_a_model(key in "config|shape|columns|preparation|training_rows|history|chosen|sections", value in prop_oneof![
        Just(json!(null)), Just(json!(-1)), Just(json!(1e300)), Just(json!("x")), Just(json!([])), Just(json!({})), Just(json!(true)), Just(json!(usize::MAX)),
    ]) {
        // Not the outcome matters but that there is one, also of using what was loaded.
        if let Ok(model) = forged(|content, _| content[key] = value) {
            let _ = model.encode(&data()).and_then(|codes| model.decode(&codes));
            let _ = generate(&model, 3, 1, autoencoders::Source::Density);
            let _ = evaluate(&model, &data(), &[0, 1]);
        }
    }
}

#[test]
fn nonsense_in_the_preparation_of_a_table_is_an_error_or_a_model_that_works() {
    let places = [
        "/0/number/offset",
        "/0/number/scale",
        "/0/number",
        "/1/choice/levels",
        "/2/text/vocabulary/counts",
        "/2/text/vocabulary/texts",
        "/3/date/cycles",
        "/3/date/scale",
        "/4/count/poisson",
        "/4/count/scale",
        "/5",
    ];
    let values = [
        json!(null),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(true),
        json!("x"),
        json!([]),
        json!([1, 2]),
        json!(["a", "a", "d"]),
        json!(["day", "day"]),
        json!({ "quantile": { "values": [1, 1], "scores": [0, 1] } }),
        json!({ "quantile": { "values": [1, 2], "scores": [0, 1] } }),
    ];
    let (data, mut refused) = (table(), 0);
    for place in places {
        for value in &values {
            let forged = forged_of(table_model(), |content, _| {
                let place = format!("/preparation/table/columns{place}");
                *content.pointer_mut(&place).unwrap_or_else(|| panic!("no {place}")) =
                    value.clone();
            });
            match forged {
                Ok(model) => drop((
                    model.encode(&data),
                    model.reconstruct(&data),
                    score(&model, &data, Default::default(), 2),
                )),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 100, "{refused}");
    for gaps in [json!(false), json!(3)] {
        assert!(
            forged_of(table_model(), |content, _| content["preparation"]["table"]["gaps"] = gaps)
                .is_err()
        );
    }
    assert!(from_bytes(table_model(), "table").unwrap().encode(&data).is_ok());
}

#[test]
fn hostile_sizes_are_refused_before_memory_is_taken() {
    type Change = fn(&mut Value);
    let changes: [Change; 7] = [
        |content| content["config"]["latent"] = json!(1usize << 40),
        |content| content["config"]["latent"] = json!(1 << 20),
        |content| content["config"]["net"] = json!("mlp:1048576,1048576,1048576"),
        |content| content["config"]["net"] = json!("conv:1048576,1048576"),
        |content| {
            content["shape"] =
                json!({"image": {"height": 1 << 15, "width": 1 << 15, "channels": 1}})
        },
        |content| {
            content["shape"] = json!({"image": {"height": usize::MAX, "width": 2, "channels": 2}})
        },
        |content| content["shape"] = json!({"flat": {"width": 0}}),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert!(forged(|content, _| change(content)).is_err(), "change {index}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    assert!(forged(|_, entries| entries.retain(|entry| entry.name != "encoder.0.weight")).is_err());
    assert!(forged(|_, entries| entries.retain(|entry| entry.name != "baseline.mean")).is_err());
    // Bounds the wrong way round would be a panic when codes are kept within them.
    let turned = forged(|_, entries| {
        entries
            .iter_mut()
            .filter(|entry| entry.name == "density.low")
            .for_each(|entry| entry.values.fill(1e9))
    });
    assert!(turned.is_err());
    let infinite =
        forged(|_, entries| entries.iter_mut().for_each(|entry| entry.values.fill(f32::NAN)));
    // What could not be loaded is not written.
    assert!(infinite.unwrap_err().to_string().contains("would hold NaN"));
    for shape in [vec![], vec![0], vec![0, 3], vec![3, 0], vec![1, 1, 1], vec![0, 1, 1, 1]] {
        let length = shape.iter().product();
        let changed = forged(|_, entries| {
            entries.iter_mut().filter(|entry| entry.name == "encoder.0.weight").for_each(|entry| {
                entry.values = vec![0.0; length];
                entry.shape = shape.clone();
            });
        });
        assert!(changed.is_err(), "{shape:?}");
    }
}

#[test]
fn a_model_from_a_newer_version_says_so() {
    let text = String::from_utf8_lossy(model()).into_owned();
    assert!(text.contains("\\\"format\\\":5"));
    let mut bytes = model().to_vec();
    let at = bytes.windows(12).position(|window| window == b"\\\"format\\\":5").unwrap();
    bytes[at + 11] = b'9';
    let error = from_bytes(&bytes, "new.ae").unwrap_err().to_string();
    assert!(error.contains("newer version (format 9)") && error.contains("update"), "{error}");
}

#[test]
fn other_files_are_told_apart() {
    for (bytes, wanted) in [(&b"a,b\n1,2\n"[..], "not a model file"), (b"", "not a model file")] {
        let error = from_bytes(bytes, "table.csv").unwrap_err().to_string();
        assert!(error.starts_with("table.csv: ") && error.contains(wanted), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("x.ae.run");
    write_archive(&run, ArchiveKind::Run, json!({}), Vec::new()).unwrap();
    let error = load(&run).unwrap_err().to_string();
    assert!(error.contains("holds a run; wanted a model"), "{error}");
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no such folder").join("x.ae");
    assert!(write_archive(&missing, ArchiveKind::Model, json!({}), Vec::new()).is_err());
    assert!(write_archive(folder.path(), ArchiveKind::Model, json!({}), Vec::new()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_from_before_there_were_scores_is_read_and_says_that_it_cannot_score() {
    let older = forged(|content, entries| {
        for name in ["sections", "series"] {
            content.as_object_mut().unwrap().remove(name).unwrap();
        }
        content["density"] = true.into();
        for name in ["members", "contamination"] {
            content["config"].as_object_mut().unwrap().remove(name).unwrap();
        }
        entries.retain(|entry| !entry.name.starts_with("detector."));
    });
    let error = score(&older.unwrap(), &data(), ScoreKind::Joined, 0).unwrap_err().to_string();
    assert!(error.contains("train it again"), "{error}");
}

#[test]
fn a_section_that_nobody_knows_survives_a_save() {
    let section = serde_json::json!({ "of": "a later version", "numbers": [1, 2.5] });
    let forged = forged(|content, entries| {
        content["sections"]["constellation"] = section.clone();
        entries.push(NamedTensor::new("constellation.stars", &[0.25, -1.0], &[2]));
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.ae");
    forged.unwrap().save(&path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let (content, entries) = parse_archive(&bytes, ArchiveKind::Model, "again").unwrap();
    let content: Value = content.read().unwrap();
    assert_eq!(content["sections"]["constellation"], section);
    assert_eq!(entries["constellation.stars"].values, [0.25, -1.0]);
}

#[test]
fn a_detector_that_does_not_fit_the_model_is_refused() {
    let forge = |change: &dyn Fn(&mut Value)| forged(|content, _| change(content)).is_err();
    assert!(forge(&|content| content["sections"]["detector"]["rulers"] = serde_json::json!([])));
    assert!(forge(
        &|content| content["sections"]["detector"]["scores"] = serde_json::json!([[1.0]])
    ));
    assert!(forge(
        &|content| content["sections"]["detector"]["rulers"][0][0]["spread"] = 0.0.into()
    ));
    let shape = |name: &str, shape: Vec<usize>| {
        forged(|_, entries| {
            let entry = entries.iter_mut().find(|entry| entry.name == name).unwrap();
            entry.values = vec![0.5; shape.iter().product()];
            entry.shape = shape;
        })
        .is_err()
    };
    assert!(shape("detector.0.reference", vec![3, 99]));
    assert!(shape("detector.0.residuals.mean", vec![1]));
    assert!(shape("detector.0.codes.factor", vec![7]));
}
