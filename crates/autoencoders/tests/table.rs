//! Tables as they are: numbers, categories, truths, dates, counts and missing values in one row.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::Field;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::engine::Batch;
use autoencoders::engine::Coder;
use autoencoders::engine::Encoding;
use autoencoders::engine::Engine;
use autoencoders::engine::Init;
use autoencoders::engine::Pass;
use autoencoders::engine::Phase;
use autoencoders::engine::Preparation;
use autoencoders::engine::VarId;
use autoencoders::engine::Vars;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::settings::Scale;
use autoencoders::study::Filling;
use autoencoders::study::ScoreKind;
use autoencoders::study::filled;
use autoencoders::study::filling;
use autoencoders::study::nearest;
use autoencoders::study::score;
use autoencoders::{Activation, Config, FAMILIES, Flow, Model, Numbers, Plan, Rng, fit, load};
use burn_tensor::{DType, Device, Tensor, TensorData};
use std::sync::Arc;

const KINDS: [ColumnKind; 8] = [
    ColumnKind::Numeric,
    ColumnKind::Numeric,
    ColumnKind::Categorical,
    ColumnKind::Boolean,
    ColumnKind::Date,
    ColumnKind::Count,
    ColumnKind::Poisson,
    ColumnKind::Categorical,
];

/// Rows in which everything follows from one number: twice it, its colour, its sign, its day, two
/// counts, and one of 60 places.
fn mixed(rows: usize, seed: u64) -> Dataset {
    let mut rng = Rng::new(seed);
    let row = |_| {
        let x = f64::from(rng.standard_normal());
        let mut noise = || 0.05 * f64::from(rng.standard_normal());
        let colour = if x < -0.5 { 0.0 } else { f64::from(u8::from(x > 0.5)) + 1.0 };
        let place = ((x + 3.0) * 10.0).clamp(0.0, 59.0).floor();
        [
            x,
            2.0 * x + noise(),
            colour,
            f64::from(u8::from(x > 0.0)),
            (19_000.0 + 100.0 * x).round(),
            (2.0 + x).exp().round(),
            (3.0 + x).exp().round(),
            place,
        ]
    };
    let values: Vec<f64> = (0..rows).flat_map(row).collect();
    let mut data = Dataset::new("mixed", Shape::Flat { width: 8 }, Values::F64(values)).unwrap();
    let levels = |column: usize| match column {
        2 => ["low", "middle", "high"].map(str::to_owned).into(),
        7 => (0..60).map(|place| format!("place {place}")).collect(),
        _ => Vec::new(),
    };
    data.fields = KINDS
        .iter()
        .enumerate()
        .map(|(column, kind)| Field { kind: *kind, levels: Arc::new(levels(column)) })
        .collect();
    data.columns = ["x", "double", "colour", "positive", "day", "visits", "calls", "place"]
        .map(str::to_owned)
        .into();
    data
}

/// The same rows with a fraction of the cells missing, and which those are.
fn with_gaps(data: &Dataset, fraction: f64, seed: u64) -> (Dataset, Vec<bool>) {
    let holed = data.with_gaps(fraction, &mut Rng::new(seed)).unwrap();
    let values = holed.gather(0..holed.rows()).unwrap();
    let missing = (0..values.len()).map(|at| values.get(at).is_nan()).collect();
    (holed, missing)
}

fn trained(config: &Config, data: &Dataset) -> Model {
    fit(config, data, None, false, &mut |_| Flow::Continue).unwrap().model
}

fn config(family: &str) -> Config {
    Config::default()
        .family(family.to_owned())
        .latent(4)
        .epochs(60)
        .net("mlp:48".parse::<Net>().unwrap())
        .batch(128)
}

#[test]
fn every_family_learns_a_table_of_every_kind_of_column() {
    let (train, test) = (mixed(1500, 1), mixed(300, 2));
    for family in FAMILIES {
        // Units that are on for one row in twenty must be many for each row to have some.
        let latent = if family.name == "winner-take-all" { 300 } else { 4 };
        let model = trained(&config(family.name).latent(latent), &train);
        let rows: Vec<usize> = (0..test.rows()).collect();
        let rebuilt = model.reconstruct(&test).unwrap();
        assert_eq!(rebuilt.columns, 8);
        let (truth, means) =
            (test.gather(rows.clone()).unwrap(), train.gather(0..train.rows()).unwrap());
        let right = |column: usize| {
            rows.iter()
                .filter(|row| rebuilt.row(**row)[column] == truth.get(**row * 8 + column))
                .count() as f64
                / rows.len() as f64
        };
        assert!(
            right(2) > 0.85 && right(3) > 0.9,
            "{}: colours {}, signs {}",
            family.name,
            right(2),
            right(3)
        );
        for column in [0, 1, 4, 5, 6] {
            let mean = (0..train.rows()).map(|row| means.get(row * 8 + column)).sum::<f64>()
                / train.rows() as f64;
            let error = |of: &dyn Fn(usize) -> f64| {
                rows.iter().map(|row| (truth.get(row * 8 + column) - of(*row)).abs()).sum::<f64>()
            };
            let ratio = error(&|row| rebuilt.row(row)[column]) / error(&|_| mean);
            assert!(
                ratio < 0.5,
                "{}, {}: {ratio} of the mean's error",
                family.name,
                train.column_name(column)
            );
        }
        assert!(
            model.signature().text(4, rebuilt.row(0)[4]).starts_with("20"),
            "{}",
            rebuilt.row(0)[4]
        );
        assert!(model.signature().text(7, rebuilt.row(0)[7]).starts_with("place "));
    }
}

#[test]
fn gaps_are_filled_better_than_by_the_mean() {
    let whole = mixed(1500, 3);
    let (holed, missing) = with_gaps(&whole, 0.2, 4);
    let model = trained(&config("plain").latent(8), &holed);
    assert_eq!(model.plan().settings.hidden, Some(0.2));
    let filled = filling(&model, &whole, &holed).unwrap();
    assert_eq!(
        filled.iter().map(|of| of.cells).sum::<usize>(),
        missing.iter().filter(|missing| **missing).count()
    );
    for of in &filled {
        assert!(
            of.ratio().unwrap() < if of.column == 7 { 0.95 } else { 0.5 },
            "{}: {of:?}",
            whole.column_name(of.column)
        );
    }
    assert!(Filling::median(&filled).unwrap() < 0.35, "{filled:?}");
}

#[test]
fn what_is_filled_in_was_there_before_and_is_the_same_from_a_file() {
    let mut rng = Rng::new(31);
    // Masses, mostly small; the second half of the first, so that a straight line goes below zero.
    let mass = (0..600).flat_map(|_| {
        let mass = f64::from(rng.standard_normal()).exp();
        [mass, (0.5 * mass - 0.4 + 0.1 * f64::from(rng.standard_normal())).max(0.0)]
    });
    let values = Values::F64(mass.collect());
    let whole = Dataset::new("masses", Shape::Flat { width: 2 }, values).unwrap();
    let (holed, missing) = with_gaps(&whole, 0.3, 32);
    let model = trained(&config("plain").latent(2), &holed);
    let rows = filled(&model, &holed).unwrap();
    let values = holed.gather(0..600).unwrap();
    for at in (0..1200).filter(|at| missing[*at]) {
        let known = (at % 2..1200).step_by(2).map(|at| values.get(at)).filter(|x| !x.is_nan());
        let (low, high) = known.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
        let number = rows.values[at];
        assert!((low - 1e-4..=high + 1e-4).contains(&number), "{number} of {low} to {high}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("masses.ae");
    model.save(&path).unwrap();
    assert_eq!(filled(&load(&path).unwrap(), &holed).unwrap(), rows);
}

#[test]
fn an_unseen_category_and_a_wrong_one_are_anomalies_with_their_reason() {
    let model = trained(&config("denoising").latent(8).members(2), &mixed(1500, 5));
    let mut strange = mixed(200, 6);
    let levels: Vec<String> =
        strange.fields[2].levels.iter().cloned().chain(["ultraviolet".to_owned()]).collect();
    strange.fields[2].levels = Arc::new(levels);
    let values = strange.gather(0..200).unwrap();
    let mut values: Vec<f64> = (0..values.len()).map(|at| values.get(at)).collect();
    values[20 * 8 + 2] = 3.0;
    let high = (0..200).find(|row| values[row * 8] > 1.5).unwrap();
    values[high * 8 + 2] = 0.0;
    strange.values = Values::F64(values).into();
    let rows = score(&model, &strange, ScoreKind::Reconstruction, 2).unwrap();
    let mut order: Vec<usize> = (0..200).collect();
    order.sort_by(|a, b| rows[*b].score.total_cmp(&rows[*a].score));
    for row in [20, high] {
        assert!(order[..4].contains(&row), "row {row} is none of {:?}", &order[..4]);
        let why = &rows[row].reasons[0];
        assert_eq!(why.column, 2, "{why:?}");
        assert_ne!(strange.text(2, why.observed), model.signature().text(2, why.expected));
    }
    assert_eq!(strange.text(2, rows[20].reasons[0].observed), "ultraviolet");
}

#[test]
fn levels_are_matched_by_their_words_and_a_saved_table_model_gives_the_same_bits() {
    let data = mixed(400, 7);
    let model = trained(&config("plain").epochs(3), &with_gaps(&data, 0.1, 8).0);
    let codes = model.encode(&data).unwrap();
    let mut turned = data.clone();
    turned.fields[2].levels = Arc::new(["high", "low", "middle"].map(str::to_owned).into());
    let values = data.gather(0..400).unwrap();
    let values = (0..values.len())
        .map(|at| if at % 8 == 2 { (values.get(at) + 1.0) % 3.0 } else { values.get(at) })
        .collect();
    turned.values = Values::F64(values).into();
    assert_eq!(model.encode(&turned).unwrap(), codes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.ae");
    model.save(&path).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.encode(&data).unwrap(), codes);
    assert_eq!(loaded.reconstruct(&data).unwrap(), model.reconstruct(&data).unwrap());
    let scores = |model: &Model| score(model, &data, ScoreKind::Joined, 3).unwrap();
    assert_eq!(scores(&loaded), scores(&model));
    assert_eq!(loaded.signature().kinds()[2], ("colour".to_owned(), ColumnKind::Categorical));
}

#[test]
fn columns_of_another_kind_are_refused_by_name() {
    let data = mixed(200, 9);
    let model = trained(&config("plain").epochs(1), &data);
    let mut other = data.clone();
    other.fields[2] = Field::of(ColumnKind::Numeric);
    let error = model.encode(&other).unwrap_err().to_string();
    assert_eq!(
        error,
        "mixed: colour holds numeric values, and categorical ones in training; say so with column = colour=categorical"
    );
    let mut empty = data;
    let values = empty.gather(0..200).unwrap();
    let holes =
        (0..values.len()).map(|at| if at % 8 == 0 { f64::NAN } else { values.get(at) }).collect();
    empty.values = Values::F64(holes).into();
    let error = fit(&config("plain"), &empty, None, false, &mut |_| Flow::Continue)
        .unwrap_err()
        .to_string();
    assert!(error.contains("x has no value in any training row"), "{error}");
}

#[test]
fn a_missing_value_is_no_reason() {
    let data = mixed(600, 10);
    let model = trained(&config("plain").latent(8), &with_gaps(&data, 0.2, 11).0);
    let (holed, missing) = with_gaps(&mixed(300, 12), 0.2, 13);
    let rows = score(&model, &holed, ScoreKind::Reconstruction, 8).unwrap();
    for (row, of) in rows.iter().enumerate() {
        for why in &of.reasons {
            assert!(!missing[row * 8 + why.column] && !why.observed.is_nan(), "row {row}: {why:?}");
        }
    }
}

/// The largest difference between gradients and central differences, relative to the largest
/// gradient.
fn gradient_error(config: &Config, data: &Dataset) -> f64 {
    let rows: Vec<usize> = (0..data.rows()).collect();
    let preparation = Preparation::fit(config.model.scale, data, &rows, false).unwrap();
    let plan = Plan::of(&config.model, &data.shape, &preparation).unwrap();
    let mut init = Init::random(&Rng::new(3), &Engine { dtype: DType::F64, ..Engine::default() });
    let coder = Coder::build(plan, &mut init).unwrap();
    let phase = &Phase::all()[0];
    let mut vars = init.finish();
    let x = preparation.on(data).unwrap().apply(0..6).unwrap();
    let x = Tensor::<2>::from_data(
        TensorData::new(x, [6, coder.plan.blueprint.width()]).convert::<f64>(),
        (&Device::default(), DType::F64),
    );
    let batch: Batch = coder.batch(x, &Rng::new(4)).unwrap();
    let loss = |vars: &Vars| {
        let mut pass = Pass::training(Rng::new(2));
        let loss = coder.loss(phase, &vars.values(), &batch, &mut pass).unwrap();
        Numbers::read(&loss.terms).sum()
    };
    let values = vars.leaves(|_| true);
    let mut pass = Pass::training(Rng::new(2));
    let terms = coder.loss(phase, &values, &batch, &mut pass).unwrap().terms;
    let gradients = values.gradients(terms.sum());
    let (mut largest, mut worst): (f64, f64) = (0.0, 0.0);
    let ids: Vec<VarId> = vars.iter().map(|(id, _)| id).collect();
    for (id, gradient) in ids.into_iter().zip(gradients) {
        let gradient = gradient.unwrap().into_data().try_into_vec::<f64>().unwrap();
        let value = vars.get(id).value.clone();
        let numbers = value.to_data().try_into_vec::<f64>().unwrap();
        // Every number of small variables, some of large ones.
        for at in (0..numbers.len()).step_by(numbers.len().div_ceil(40)) {
            let mut moved = |by: f64| {
                let mut numbers = numbers.clone();
                numbers[at] += by;
                vars.set(
                    id,
                    Tensor::from_data(
                        TensorData::new(numbers, value.dims()),
                        (&Device::default(), DType::F64),
                    ),
                );
                loss(&vars)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            largest = largest.max(gradient[at].abs());
            worst = worst.max((gradient[at] - difference).abs());
        }
        vars.set(id, value);
    }
    worst / largest
}

#[test]
fn gradients_of_every_kind_of_column_match_finite_differences() {
    let (holed, _) = with_gaps(&mixed(60, 14), 0.2, 15);
    for data in [mixed(60, 14), holed] {
        for likelihood in ["gaussian", "gaussian:0.5", "gaussian:learned"] {
            for family in ["plain", "contractive", "vae"] {
                let config = config(family)
                    .net("mlp:7".parse::<Net>().unwrap())
                    .activation(Activation::Tanh)
                    .likelihood(likelihood.parse::<Likelihood>().unwrap());
                let error = gradient_error(&config, &data);
                assert!(error < 1e-6, "{family}, {likelihood}: {error:e}");
            }
        }
    }
}

#[test]
fn losses_are_those_of_the_distributions() {
    // scipy 1.17: nbinom.logpmf(7, 2.5, 2.5 / (2.5 + 4)), poisson.logpmf(7, 4).
    use autoencoders::settings::Likelihood;
    let mut data =
        Dataset::new("counts", Shape::Flat { width: 2 }, Values::F64(vec![7.0, 7.0, 0.0, 0.0]))
            .unwrap();
    data.fields = vec![Field::of(ColumnKind::Count), Field::of(ColumnKind::Poisson)];
    let preparation = Preparation::fit(Scale::Auto, &data, &[0, 1], false).unwrap();
    let table = preparation.table.as_ref().unwrap();
    let layout = table.layout();
    let Encoding::Count { offset, scale, .. } = table.columns[0] else {
        panic!("{:?}", table.columns[0])
    };
    let options = (&Device::default(), DType::F64);
    let x = preparation.on(&data).unwrap().apply(0..1).unwrap();
    let target = Tensor::<2>::from_data(TensorData::new(x, [1, 2]).convert::<f64>(), options);
    let output = Tensor::<2>::from_data(
        TensorData::new(vec![(4f64.ln() - offset) / scale; 2], [1, 2]),
        options,
    );
    let dispersion = Tensor::<2>::from_data(TensorData::new(vec![2.5f64.ln()], [1, 1]), options);
    let loss = Likelihood::Gaussian
        .rows_of_table(&layout, output, target, None, Some(dispersion))
        .into_scalar::<f64>();
    let wanted = 2.907_844_133_8 + 2.821_100_833_2;
    assert!((loss - wanted).abs() < 1e-4, "{loss}, wanted {wanted}");
}

#[test]
fn a_quantile_scale_tames_a_heavy_tail_and_comes_back() {
    let mut rng = Rng::new(16);
    let values: Vec<f64> =
        (0..1000).map(|_| f64::from(rng.standard_normal() * 3.0).exp()).collect();
    let data =
        Dataset::new("heavy", Shape::Flat { width: 1 }, Values::F64(values.clone())).unwrap();
    let rows: Vec<usize> = (0..1000).collect();
    let preparation = Preparation::fit(Scale::Quantile, &data, &rows, false).unwrap();
    let prepared = preparation.on(&data).unwrap().apply(0..1000).unwrap();
    let (low, high) =
        prepared.iter().fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    let variance = prepared.iter().map(|x| x * x).sum::<f32>() / 1000.0;
    assert!(
        (-4.0..-2.0).contains(&low) && (2.0..4.0).contains(&high) && (0.7..1.3).contains(&variance),
        "{low} {high} {variance}"
    );
    let back = preparation.undo(&prepared);
    assert!(back.iter().zip(&values).all(|(back, value)| (*back / value - 1.0).abs() < 1e-3));
    // Beyond what was seen it goes on.
    let far = Dataset::new("far", Shape::Flat { width: 1 }, Values::F64(vec![1e6, 1e7])).unwrap();
    let far = preparation.on(&far).unwrap().apply(0..2).unwrap();
    assert!(far[1] > far[0] && far[0] > high);
}

/// Lines of a log of four sorts, with an hour.
fn log(rows: usize, seed: u64) -> Dataset {
    let mut rng = Rng::new(seed);
    let (mut texts, mut values) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let (user, disk) = (["anna", "bert", "carl"][rng.below(3)], ["sda", "sdb"][rng.below(2)]);
        let sort = rng.below(4);
        texts.push(match sort {
            0 => format!("user {user} logged in from 10.0.0.{}", rng.below(200)),
            1 => format!("user {user} logged out after {} minutes", rng.below(500)),
            2 => format!("backup of disk {disk} finished in {} seconds", rng.below(5000)),
            _ => format!("disk {disk} is {} percent full", rng.below(100)),
        });
        values.extend([row as f64, 6.0 * sort as f64 + f64::from(rng.unit())]);
    }
    let mut data = Dataset::new("log", Shape::Flat { width: 2 }, Values::F64(values)).unwrap();
    data.columns = ["message", "hour"].map(str::to_owned).into();
    data.fields = vec![
        Field { kind: ColumnKind::Text, levels: Arc::new(texts) },
        Field::of(ColumnKind::Numeric),
    ];
    data
}

#[test]
fn texts_are_encoded_searched_and_scored() {
    let train = log(1200, 17);
    let model = trained(&config("denoising").latent(8), &train);
    let codes = model.encode(&train).unwrap();
    // The first word tells the sort; of users whether they come or go.
    let sort = |row: usize| {
        let text = train.text(0, row as f64);
        let words: Vec<&str> = text.split(' ').collect();
        words[0].to_owned() + if words[0] == "user" { words[3] } else { "" }
    };
    let near = |row: usize| {
        nearest(&codes, codes.row(row), 6)[1..]
            .iter()
            .filter(|near| sort(near.row) == sort(row))
            .count()
    };
    let alike = (0..50).map(near).sum::<usize>();
    assert!(alike > 240, "{alike} of 250 neighbours are of the same sort");
    let mut strange = log(200, 18);
    let mut texts = (*strange.fields[0].levels).clone();
    texts[50] = "kernel panic: attempted to kill init".to_owned();
    strange.fields[0].levels = Arc::new(texts);
    let scores = score(&model, &strange, ScoreKind::Joined, 1).unwrap();
    let highest = (0..200).max_by(|a, b| scores[*a].score.total_cmp(&scores[*b].score)).unwrap();
    assert_eq!((highest, scores[50].reasons[0].column), (50, 0));
    assert_eq!(
        strange.text(0, scores[50].reasons[0].observed),
        "kernel panic: attempted to kill init"
    );
    assert_eq!(model.signature().text(0, scores[50].reasons[0].expected), "");
    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path().join("t.ae")).unwrap();
    let loaded = load(&folder.path().join("t.ae")).unwrap();
    assert_eq!(loaded.encode(&strange).unwrap(), model.encode(&strange).unwrap());
}

#[test]
fn gradients_through_texts_and_missing_texts_match_finite_differences() {
    let data = log(40, 19).with_gaps(0.2, &mut Rng::new(20)).unwrap();
    let config = config("plain").net("mlp:7".parse::<Net>().unwrap()).activation(Activation::Tanh);
    let error = gradient_error(&config, &data);
    assert!(error < 1e-6, "{error:e}");
}
