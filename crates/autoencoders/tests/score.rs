//! Anomaly scores: what is strange scores high, the same at every call, and the model says where it
//! cannot tell.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Cycles;
use autoencoders::data::Dataset;
use autoencoders::data::Gaps;
use autoencoders::data::ReadOptions;
use autoencoders::data::Series;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::settings::Net;
use autoencoders::study::Ensemble;
use autoencoders::study::Probe;
use autoencoders::study::ScoreKind;
use autoencoders::study::Threshold;
use autoencoders::study::auroc;
use autoencoders::study::detector;
use autoencoders::study::probe;
use autoencoders::study::score;
use autoencoders::study::score_points;
use autoencoders::{Config, Event, FAMILIES, Flow, Model, Outcome, Rng, Trained, fit, load};

const SHAPE: Shape = Shape::Flat { width: 6 };

/// Rows of six numbers on a plane, with a little noise.
fn plane(rows: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let row = |_| {
        let (a, b) = (f64::from(rng.standard_normal()), f64::from(rng.standard_normal()));
        let mut noise = || 0.05 * f64::from(rng.standard_normal());
        [
            a + noise(),
            b + noise(),
            a + b + noise(),
            a - b + noise(),
            2.0 * a + noise(),
            0.5 * b + noise(),
        ]
    };
    (0..rows).flat_map(row).collect()
}

fn table(values: Vec<f64>) -> Dataset {
    Dataset::new("plane", Shape::Flat { width: 6 }, Values::F64(values)).unwrap()
}

fn short(config: Config) -> Config {
    config.epochs(100)
}

fn fitted(config: &Config, data: &Dataset) -> Trained {
    fit(config, data, None, false, &mut |_| Flow::Continue).unwrap()
}

fn trained(config: &Config, data: &Dataset) -> Model {
    fitted(config, data).model
}

fn scores(model: &Model, data: &Dataset, kind: ScoreKind) -> Vec<f64> {
    score(model, data, kind, 0).unwrap().into_iter().map(|row| row.score).collect()
}

#[test]
fn every_family_scores_by_every_kind_the_same_at_every_call_and_in_every_company() {
    let data = table(plane(300, 1));
    let some = data.select(&[7, 3]).unwrap();
    for family in FAMILIES {
        // Fewer than 200 held-out rows would be measured by rulers of each other.
        let config = short(Config::default()).family(family.name.to_owned()).latent(3);
        let Trained { model, split, .. } = fitted(&config.validation(0.7), &data);
        for kind in ScoreKind::ALL {
            let all = scores(&model, &data, kind);
            // What a score is compared with are the scores of the rows that trained nothing.
            let mut held_out = scores(&model, &data.select(&split.validation).unwrap(), kind);
            held_out.sort_by(f64::total_cmp);
            assert_eq!(
                detector(&model).unwrap().calibration(kind).scores(),
                held_out,
                "{} {kind}",
                family.name
            );
            assert!(all.iter().all(|score| score.is_finite()), "{} {kind}", family.name);
            assert_eq!(all, scores(&model, &data, kind), "{} {kind}", family.name);
            let few = scores(&model, &some, kind);
            assert!(
                (few[0] - all[7]).abs() < 1e-3 && (few[1] - all[3]).abs() < 1e-3,
                "{} {kind}: {few:?} of {all:?}",
                family.name
            );
        }
    }
}

#[test]
fn a_row_off_the_plane_scores_highest_and_names_its_column() {
    let model = trained(&short(Config::for_anomalies(&SHAPE, &[])), &table(plane(600, 2)));
    let mut fresh = plane(200, 3);
    fresh[6 * 40 + 4] += 3.0;
    let rows = score(&model, &table(fresh.clone()), ScoreKind::Joined, 2).unwrap();
    let highest = (0..200).max_by(|a, b| rows[*a].score.total_cmp(&rows[*b].score)).unwrap();
    assert_eq!(highest, 40);
    let why = &rows[40].reasons[0];
    assert_eq!((why.column, why.observed, rows[40].reasons.len()), (4, fresh[6 * 40 + 4], 2));
    assert!(why.expected < why.observed - 1.0 && why.share > 0.3, "{why:?}");
    assert!(rows[40].probability > 0.99);
}

#[test]
fn the_first_reason_of_a_strange_code_is_a_column_that_moves_it() {
    let model =
        trained(&short(Config::for_anomalies(&SHAPE, &[]).members(1)), &table(plane(1000, 41)));
    let mut values = plane(40, 42);
    // Each row has one column far off, in turn.
    values
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| at % 6 == at / 6 % 6)
        .for_each(|(_, x)| *x += 5.0);
    let strange = score(&model, &table(values.clone()), ScoreKind::Code, 1).unwrap();
    let mut mended = values;
    for (row, scored) in strange.iter().enumerate() {
        let reason = &scored.reasons[0];
        mended[row * 6 + reason.column] = reason.expected;
    }
    let after = scores(&model, &table(mended), ScoreKind::Code);
    let unusual = || strange.iter().zip(&after).filter(|(before, _)| before.score > 1.0);
    let nearer = unusual().filter(|(before, after)| **after < before.score).count();
    let own = (0..40).filter(|row| strange[*row].reasons[0].column == row % 6).count();
    assert!(unusual().count() >= 30, "{strange:?}");
    assert!(nearer * 20 >= unusual().count() * 19, "{nearer} of {}", unusual().count());
    assert!(own >= 30, "{own} of 40 name the column that is off");
}

#[test]
fn one_alarm_in_a_hundred_is_about_that_on_fresh_rows() {
    let model = trained(&short(Config::for_anomalies(&SHAPE, &[])), &table(plane(2000, 4)));
    let alarm =
        detector(&model).unwrap().threshold(ScoreKind::Joined, Threshold::Auto, 0.0).unwrap();
    let alarms = scores(&model, &table(plane(5000, 5)), ScoreKind::Joined)
        .iter()
        .filter(|score| **score > alarm)
        .count();
    assert!((10..200).contains(&alarms), "{alarms} of 5000 instead of 50");
}

/// Where some rows stand when all are sorted by their scores, the highest first.
#[test]
fn few_rows_raise_about_as_many_alarms_as_they_promise() {
    // Each member holds out twelve of these rows, which are too few alone.
    let model =
        trained(&short(Config::for_anomalies(&SHAPE, &[]).test(0.0)), &table(plane(120, 43)));
    let limit =
        detector(&model).unwrap().threshold(ScoreKind::Joined, Threshold::Auto, 0.0).unwrap();
    let fresh = scores(&model, &table(plane(2000, 44)), ScoreKind::Joined);
    let above = fresh.iter().filter(|score| **score > limit).count();
    // Three of sixty.
    assert!((20..200).contains(&above), "{above} of 2000 instead of 100");
}

fn ranks(scores: &[f64], rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|row| scores.iter().filter(|score| **score > scores[*row]).count()).collect()
}

#[test]
fn an_anomaly_that_occurs_twice_is_as_high_as_one_that_occurs_once() {
    // On the plane, so that only its code is strange.
    let far = [8.0, 6.0, 14.0, 2.0, 16.0, 3.0];
    for contamination in [0.0, 0.05] {
        let config = short(Config::for_anomalies(&SHAPE, &[])).contamination(contamination);
        let mut values = plane(500, 2);
        values.extend(far);
        let once = table(values.clone());
        let found = scores(&trained(&config, &once), &once, ScoreKind::Joined);
        assert_eq!(ranks(&found, &[500]), [0]);
        values.extend(far);
        let twice = table(values);
        let model = trained(&config, &twice);
        let found = scores(&model, &twice, ScoreKind::Joined);
        assert_eq!(ranks(&found, &[500, 501]), [0, 0]);
        // The same rows as another program wrote them.
        let rounded = |number: f64| (number * 1e4).round() / 1e4;
        let values = twice.values.in_memory().unwrap();
        let values = (0..values.len()).map(|at| rounded(values.get(at))).collect();
        let again = scores(&model, &table(values), ScoreKind::Joined);
        let far = found.iter().zip(&again).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < 0.5, "{far}");
    }
}

#[test]
fn copies_among_the_training_rows_raise_no_alarms() {
    let mut values = plane(2000, 4);
    values.extend_from_within(..6 * 40);
    let model = trained(&short(Config::for_anomalies(&SHAPE, &[])), &table(values.clone()));
    let alarm =
        detector(&model).unwrap().threshold(ScoreKind::Joined, Threshold::Auto, 0.0).unwrap();
    for rows in [plane(5000, 5), values] {
        let found = scores(&model, &table(rows), ScoreKind::Joined);
        let alarms = found.iter().filter(|score| **score > alarm).count() as f64;
        let part = alarms / found.len() as f64;
        assert!((0.003..0.03).contains(&part), "{part}");
    }
}

#[test]
fn a_saved_ensemble_scores_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.ae");
    let wide: Vec<f64> = plane(200, 6).chunks(6).flat_map(|row| [row, row].concat()).collect();
    let data = Dataset::new("wide", Shape::Flat { width: 12 }, Values::F64(wide)).unwrap();
    for contamination in [0.0, 0.1] {
        let model = trained(
            &short(Config::for_anomalies(&data.shape, &[])).members(3).contamination(contamination),
            &data,
        );
        assert_eq!(Ensemble::of(&model).unwrap().members.len(), 2);
        assert_eq!(
            Ensemble::of(&model).unwrap().members[0].columns.len(),
            11,
            "each member leaves out one of ten columns"
        );
        model.save(&path).unwrap();
        let loaded = load(&path).unwrap();
        for kind in ScoreKind::ALL {
            assert_eq!(
                score(&model, &data, kind, 3).unwrap(),
                score(&loaded, &data, kind, 3).unwrap()
            );
        }
        assert_eq!(detector(&model).unwrap().probed, detector(&loaded).unwrap().probed);
    }
}

#[test]
fn an_ensemble_has_the_same_bits_on_one_and_on_two_threads() {
    let data = table(plane(200, 7));
    let config = Config::for_anomalies(&SHAPE, &[]).members(3).epochs(3);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| scores(&trained(&config, &data), &data, ScoreKind::Joined))
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn an_ensemble_that_is_interrupted_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("plane.run");
    let data = table(plane(200, 8));
    let config = Config::for_anomalies(&SHAPE, &[]).members(3).epochs(3);
    let stopped = fit(&config, &data, Some(&run), false, &mut |event| match event {
        Event::Member { .. } => Flow::Stop,
        _ => Flow::Continue,
    });
    let Trained { model, outcome, .. } = stopped.unwrap();
    assert!(matches!(outcome, Outcome::Interrupted) && detector(&model).is_err());
    let resumed = fit(&config, &data, Some(&run), true, &mut |_| Flow::Continue).unwrap().model;
    assert_eq!(
        scores(&resumed, &data, ScoreKind::Joined),
        scores(&trained(&config, &data), &data, ScoreKind::Joined)
    );
}

#[test]
fn anomalies_among_the_training_rows_are_found_all_the_same() {
    let mut values = plane(475, 9);
    // A knot of one kind, which a network would learn like any other kind of row.
    let mut rng = Rng::new(10);
    values.extend((0..25).flat_map(|_| {
        [4.0, -4.0, 4.0, -4.0, 4.0, -4.0]
            .map(|place| place + 0.01 * f64::from(rng.standard_normal()))
    }));
    let data = table(values);
    let truth: Vec<bool> = (0..500).map(|row| row >= 475).collect();
    let area = |contamination: f64| {
        let model = trained(
            &short(Config::for_anomalies(&SHAPE, &[])).contamination(contamination).members(1),
            &data,
        );
        auroc(&scores(&model, &data, ScoreKind::Joined), &truth).unwrap()
    };
    let (clean, allowed) = (area(0.0), area(0.1));
    assert!(
        allowed > 0.95 && allowed > clean + 0.2,
        "{allowed} where anomalies are allowed for, {clean} where they are not"
    );
}

#[test]
fn a_copy_machine_is_found_out_and_the_remedy_is_checked() {
    // A linear code as wide as the row copies everything, also what is far from all it has seen.
    let config = Config::default()
        .net("linear".parse::<Net>().unwrap())
        .latent(6)
        .epochs(200)
        .learning_rate(0.01);
    let model = trained(&config, &table(plane(500, 11)));
    let probed = probe(&detector(&model).unwrap(), &model, &table(plane(200, 12))).unwrap();
    assert!(probed.fraction(Probe::Far, ScoreKind::Code) >= 0.99, "{probed:?}");
    let advice = probed.advice(ScoreKind::Mahalanobis);
    assert!(probed.passes(ScoreKind::Mahalanobis) == advice.is_empty(), "{advice:?}");
    for kind in ScoreKind::ALL {
        for line in probed.advice(kind) {
            let line = line.to_string();
            assert!(
                line.contains("only")
                    && (line.contains("checked on the same rows")
                        || line.contains("no kind of score")),
                "{line}"
            );
        }
    }
}

#[test]
fn a_column_that_was_constant_in_training_is_an_anomaly_when_it_varies() {
    let constant = |values: Vec<f64>| {
        values.chunks(6).flat_map(|row| [&row[..5], &[7.0]].concat()).collect::<Vec<f64>>()
    };
    let model =
        trained(&short(Config::for_anomalies(&SHAPE, &[])), &table(constant(plane(400, 13))));
    let mut fresh = constant(plane(50, 14));
    fresh[6 * 20 + 5] = 8.0;
    let rows = score(&model, &table(fresh), ScoreKind::Joined, 1).unwrap();
    let alarm =
        detector(&model).unwrap().threshold(ScoreKind::Joined, Threshold::Auto, 0.0).unwrap();
    let highest = rows.iter().map(|row| row.score).fold(f64::MIN, f64::max);
    assert!(
        rows[20].score > alarm && rows[20].score == highest && rows[20].reasons[0].column == 5,
        "{:?}",
        rows[20]
    );
}

#[test]
fn five_rows_in_all_are_trained_and_scored() {
    let data = table(plane(5, 15));
    let model = trained(&Config::for_anomalies(&SHAPE, &[]).epochs(2), &data);
    assert_eq!(score(&model, &data, ScoreKind::Joined, 3).unwrap().len(), 5);
}

#[test]
fn enormous_numbers_score_high_instead_of_breaking() {
    let model = trained(&short(Config::for_anomalies(&SHAPE, &[])), &table(plane(300, 16)));
    let data = table(vec![1e30, -1e30, 1e300, 0.0, 0.0, 0.0]);
    for kind in ScoreKind::ALL {
        let row = &score(&model, &data, kind, 3).unwrap()[0];
        assert!(row.score.is_finite() && row.probability > 0.99, "{kind}: {row:?}");
    }
}

/// Windows of a day of so many hours of a sensor, of which one point may jump.
fn hours(points: usize, seed: u64, odd: Option<usize>) -> Dataset {
    let mut rng = Rng::new(seed);
    let mut text = "time,v\n".to_owned();
    for at in 0..points {
        let wave = 10.0 * (at as f64 * std::f64::consts::TAU / 24.0).sin();
        let jump = if odd == Some(at) { 5.0 } else { 0.0 };
        let value = wave + f64::from(rng.standard_normal()) + jump;
        text += &format!(
            "2024-{:02}-{:02} {:02}:00,{value}\n",
            at / 672 + 1,
            at / 24 % 28 + 1,
            at % 24
        );
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let (gaps, calendar) = (Some(Gaps::Split), Some(Cycles::default()));
    let series = Some(Series { gaps, calendar, ..Series::of(24) });
    let options = ReadOptions { series, ..ReadOptions::default() };
    autoencoders::data::read(&file.path().display().to_string(), &options).unwrap()
}

#[test]
fn one_odd_point_of_a_series_is_found_among_all_others() {
    let data = hours(1344, 1, None);
    let config = Config::for_anomalies(&data.shape, &data.fields).members(1).epochs(60);
    let model = trained(&config, &data);
    let later = hours(672, 2, Some(300));
    let of = |model: &Model| -> Vec<f64> {
        let points = score_points(model, &later, ScoreKind::Joined, 0).unwrap();
        points.into_iter().map(|point| point.score.unwrap()).collect()
    };
    let found = of(&model);
    assert_eq!(ranks(&found, &[300]), [0]);
    let limit =
        detector(&model).unwrap().point_threshold(ScoreKind::Joined, Threshold::Auto, 0.0).unwrap();
    let alarms = found.iter().filter(|score| **score > limit).count();
    // A threshold of a few held-out days is a rough one.
    assert!(found[300] > limit + 1.0 && alarms < 50, "{alarms} above {limit}, {}", found[300]);
    let file = tempfile::Builder::new().suffix(".ae").tempfile().unwrap();
    model.save(file.path()).unwrap();
    assert_eq!(of(&load(file.path()).unwrap()), found);
}
