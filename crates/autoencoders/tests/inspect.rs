//! What `inspect` says of a model against what the model itself says.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::read;
use autoencoders::settings::Net;
use autoencoders::study::CodeMap;
use autoencoders::study::Filters;
use autoencoders::study::Pca;
use autoencoders::study::UnitState;
use autoencoders::study::code_statistics;
use autoencoders::study::corrupted_rows;
use autoencoders::study::decoder_filters;
use autoencoders::study::encoder_filters;
use autoencoders::study::errors;
use autoencoders::study::evaluate;
use autoencoders::study::kl_by_unit;
use autoencoders::study::levels;
use autoencoders::study::levels_through;
use autoencoders::study::mean_row;
use autoencoders::study::most_exciting;
use autoencoders::study::nearest_rows;
use autoencoders::study::original_rows;
use autoencoders::study::standing_out;
use autoencoders::study::tree;
use autoencoders::study::units;
use autoencoders::study::unprepared;
use autoencoders::{Activation, Config, Flow, Matrix, Model, Rng, fit};
use draw::colour;

fn digits() -> Dataset {
    read("digits", &ReadOptions::default()).unwrap()
}

fn trained(family: &str, net: &str, latent: usize) -> (Model, Dataset) {
    let data = digits();
    let config = Config::default()
        .family(family.to_owned())
        .net(net.parse::<Net>().unwrap())
        .latent(latent)
        .epochs(3)
        .activation(Activation::Tanh);
    (fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model, data)
}

fn near(got: f64, wanted: f64, what: &str) {
    assert!(
        (got - wanted).abs() <= 1e-5 * wanted.abs().max(1e-3),
        "{what}: {got}, wanted {wanted}"
    );
}

#[test]
fn errors_of_rows_and_columns_have_the_mean_of_an_evaluation() {
    for (family, net) in [("plain", "mlp:20"), ("vae", "mlp:20"), ("plain", "conv:4,8")] {
        let (model, data) = trained(family, net, 6);
        let rows: Vec<usize> = (0..300).collect();
        let (errors, evaluation) =
            (errors(&model, &data, &rows).unwrap(), evaluate(&model, &data, &rows).unwrap());
        near(errors.mean(), evaluation.mse, "rows");
        near(errors.columns.iter().sum::<f64>() / 64.0, evaluation.mse, "columns");
        assert_eq!(errors.pca.len(), 7);
        near(errors.pca[6], evaluation.pca_mse, "principal components");
        assert!(errors.pca.windows(2).all(|pair| pair[1] <= pair[0]), "{:?}", errors.pca);
        let order = errors.order();
        assert!(order.windows(2).all(|pair| errors.rows[pair[0]] <= errors.rows[pair[1]]));
    }
}

#[test]
fn units_are_counted_and_told_apart() {
    let (model, _) = trained("plain", "mlp:20", 3);
    // Unit 0 rises, unit 1 falls with it, unit 2 is always the same.
    let values = (0..100).flat_map(|row| [row as f32, 5.0 - 2.0 * row as f32, 7.0]).collect();
    let statistics = code_statistics(&model, &Matrix { columns: 3, values });
    near(statistics.units[0].mean, 49.5, "mean");
    near(statistics.units[0].deviation, ((100f64.powi(2) - 1.0) / 12.0).sqrt(), "deviation");
    assert_eq!(statistics.units[0].range, [0.0, 99.0]);
    assert!(statistics.units.iter().all(|unit| unit.histogram.iter().sum::<usize>() == 100));
    assert_eq!(
        statistics.units.iter().map(|unit| unit.state).collect::<Vec<_>>(),
        [UnitState::Active, UnitState::Active, UnitState::Dead]
    );
    near(statistics.correlation[1], -1.0, "opposite units");
    assert_eq!((statistics.correlation[2], statistics.correlation[8]), (0.0, 0.0));
}

#[test]
fn a_unit_at_the_end_of_its_range_is_saturated() {
    let data = digits();
    let config = Config::default().latent(2).code_activation(Activation::Sigmoid).epochs(1);
    let model = fit(&config, &data, None, false, &mut |_| Flow::Continue).unwrap().model;
    let values =
        (0..200).flat_map(|row| [if row < 3 { 0.2 } else { 0.999 }, row as f32 / 200.0]).collect();
    let states: Vec<UnitState> = code_statistics(&model, &Matrix { columns: 2, values })
        .units
        .into_iter()
        .map(|unit| unit.state)
        .collect();
    assert_eq!(states, [UnitState::Saturated, UnitState::Active]);
}

#[test]
fn a_place_on_the_map_leads_to_a_code_at_that_place() {
    let (model, data) = trained("plain", "mlp:20", 5);
    let map = CodeMap::of(&model.encode(&data).unwrap());
    for place in [[0.0, 0.0], [1.5, -0.5], [-2.0, 3.0]] {
        let back = map.place(&map.code(place));
        assert!(
            (back[0] - place[0]).abs() < 1e-4 && (back[1] - place[1]).abs() < 1e-4,
            "{back:?}, wanted {place:?}"
        );
    }
    assert!(
        map.shares[0] >= map.shares[1] && map.shares[0] + map.shares[1] <= 1.0 + 1e-9,
        "{:?}",
        map.shares
    );
    // A code of one unit has a line for a map.
    let line = CodeMap::of(&Matrix { columns: 1, values: vec![1.0, 2.0, 4.0] });
    assert_eq!((line.axes.len(), line.axes[1]), (2, 0.0));
}

#[test]
fn nothing_at_the_same_distance_excites_a_unit_more() {
    for (family, net) in
        [("plain", "shallow"), ("plain", "mlp:20"), ("vae", "mlp:20"), ("plain", "conv:4,8")]
    {
        let (model, _) = trained(family, net, 4);
        let radius = 2.0;
        let found = most_exciting(&model, &[0, 1, 2, 3], radius).unwrap();
        let mean = &Pca::of(&model).unwrap().mean;
        let mut rng = Rng::new(1);
        let mut rows = found.values.clone();
        for _ in 0..500 {
            let direction: Vec<f32> = (0..64).map(|_| rng.standard_normal()).collect();
            let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
            rows.extend(
                direction.iter().zip(mean).map(|(x, mean)| mean + x / length * radius as f32),
            );
        }
        for row in found.values.chunks(64) {
            let distance =
                row.iter().zip(mean).map(|(x, mean)| (x - mean).powi(2)).sum::<f32>().sqrt();
            assert!(distance < 1.0001 * radius as f32, "{distance}");
        }
        // As rows of a data set, in the units of the source.
        let rows = unprepared(&model, Matrix { columns: 64, values: rows });
        let data = Dataset::new(
            "rows",
            model.signature().shape.clone(),
            autoencoders::data::Values::F64(rows.values),
        )
        .unwrap();
        let codes = model.encode(&data).unwrap();
        for unit in 0..4 {
            let best = (4..codes.rows()).map(|row| codes.row(row)[unit]).fold(f32::MIN, f32::max);
            let own = codes.row(unit)[unit];
            assert!(own > best, "{family} {net}, unit {unit}: {own}, and a random row {best}");
        }
    }
    let (model, _) = trained("plain", "shallow", 4);
    assert!(most_exciting(&model, &[4], 1.0).unwrap_err().to_string().contains("unit"));
    assert!(most_exciting(&model, &[0], f64::NAN).is_err());
}

#[test]
fn the_levels_of_a_row_begin_with_it_and_end_with_its_reconstruction() {
    for (net, names) in [
        ("mlp:20", vec!["input", "encoder 1", "code", "decoder 1", "output"]),
        (
            "conv:4,8",
            vec!["input", "encoder 1", "encoder 2", "code", "decoder 1", "decoder 2", "output"],
        ),
    ] {
        let (model, data) = trained("plain", net, 4);
        let levels = levels(&model, &data, 17).unwrap();
        assert_eq!(levels.iter().map(|level| level.name.as_str()).collect::<Vec<_>>(), names);
        let original = original_rows(&model, &data, &[17]).unwrap();
        let input = unprepared(&model, Matrix { columns: 64, values: levels[0].values.clone() });
        assert!(input.values.iter().zip(&original.values).all(|(a, b)| (a - b).abs() < 1e-4));
        let rebuilt = model.reconstruct_rows(&data, &[17]).unwrap();
        let output = unprepared(
            &model,
            Matrix { columns: 64, values: levels.last().unwrap().values.clone() },
        );
        assert!(output.values.iter().zip(&rebuilt.values).all(|(a, b)| (a - b).abs() < 1e-4));
        let code = &levels[names.iter().position(|name| *name == "code").unwrap()];
        assert_eq!(code.values, model.encode_rows(&data, &[17]).unwrap().values);
        for pair in levels.windows(2) {
            let maps = |shape: &Shape| match *shape {
                Shape::Image { channels, .. } | Shape::Series { channels, .. } => channels,
                Shape::Flat { width } => width,
            };
            assert_eq!(pair[1].shape.features().unwrap(), pair[1].values.len());
            let influence = pair[1].influence.as_ref().unwrap();
            assert_eq!(
                (influence.rows(), influence.columns),
                (maps(&pair[1].shape), maps(&pair[0].shape)),
                "{} of {net}",
                pair[1].name
            );
            assert!(influence.values.iter().all(|weight| *weight > 0.0));
        }
    }
}

#[test]
fn filters_are_the_weights_of_each_unit() {
    let (model, _) = trained("plain", "shallow", 4);
    let Filters { shape, weights } = encoder_filters(&model).unwrap().unwrap();
    assert_eq!((shape, weights.rows(), weights.columns), (model.signature().shape.clone(), 4, 64));
    // A unit's value is its filter's product with the row, and its bias.
    let inputs = most_exciting(&model, &[2], 1.0).unwrap();
    let direction: Vec<f32> = inputs
        .values
        .iter()
        .zip(&Pca::of(&model).unwrap().mean)
        .map(|(x, mean)| x - mean)
        .collect();
    let along: f32 = direction.iter().zip(weights.row(2)).map(|(x, w)| x * w).sum();
    let length = weights.row(2).iter().map(|w| w * w).sum::<f32>().sqrt();
    near(f64::from(along), f64::from(length), "the filter along its own direction");
    // Moving one unit of the code moves a linear output along that unit's column.
    let decoder = decoder_filters(&model).unwrap().unwrap();
    assert_eq!((decoder.weights.rows(), decoder.weights.columns), (4, 64));
    let (model, _) = trained("plain", "conv:4,8", 4);
    let filters = encoder_filters(&model).unwrap().unwrap();
    assert_eq!(filters.shape, Shape::Image { height: 4, width: 4, channels: 1 });
    assert_eq!(filters.weights.rows(), 4);
}

#[test]
fn only_a_distribution_has_a_divergence_by_unit() {
    let rows: Vec<usize> = (0..500).collect();
    let (model, data) = trained("vae", "mlp:20", 4);
    let by_unit = kl_by_unit(&model, &data, &rows).unwrap().unwrap();
    let evaluation = evaluate(&model, &data, &rows).unwrap();
    near(by_unit.iter().sum::<f64>(), evaluation.terms.get("kl").unwrap(), "divergence");
    let (model, data) = trained("plain", "mlp:20", 4);
    assert_eq!(kl_by_unit(&model, &data, &rows).unwrap(), None);
}

#[test]
fn a_row_is_its_own_nearest() {
    let (model, data) = trained("plain", "mlp:20", 4);
    let wanted = [3, 700, 1500];
    let levels: Vec<f32> = wanted
        .iter()
        .flat_map(|row| levels(&model, &data, *row).unwrap()[0].values.clone())
        .collect();
    let rows: Vec<usize> = (0..data.rows()).collect();
    assert_eq!(
        nearest_rows(&model, &data, &rows, &Matrix { columns: 64, values: levels }).unwrap(),
        wanted
    );
}

#[test]
fn only_families_that_corrupt_have_corrupted_rows() {
    let (model, data) = trained("denoising", "mlp:20", 4);
    let (corrupted, cleaned) =
        corrupted_rows(&model, &data, &[1, 2], &Rng::new(0)).unwrap().unwrap();
    assert_eq!((corrupted.rows(), cleaned.rows()), (2, 2));
    assert!(corrupted.values != original_rows(&model, &data, &[1, 2]).unwrap().values);
    let (model, data) = trained("plain", "mlp:20", 4);
    assert!(corrupted_rows(&model, &data, &[1, 2], &Rng::new(0)).unwrap().is_none());
}

#[test]
#[cfg(feature = "tsne")]
fn the_map_of_neighbours_is_the_same_each_time_and_keeps_groups_apart() {
    use autoencoders::study::neighbour_map;
    let mut rng = Rng::new(2);
    let values = (0..200)
        .flat_map(|row| [0, 1, 2].map(|_| if row % 2 == 0 { 0.0 } else { 20.0 }))
        .map(|middle| middle + rng.standard_normal());
    let codes = Matrix { columns: 3, values: values.collect() };
    let places = neighbour_map(&codes).unwrap().unwrap();
    assert_eq!(places.len(), 200);
    assert_eq!(places, neighbour_map(&codes).unwrap().unwrap());
    let distance = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
    for row in 0..200 {
        let nearest = (0..200).filter(|other| *other != row).min_by(|a, b| {
            distance(places[row], places[*a]).total_cmp(&distance(places[row], places[*b]))
        });
        assert_eq!(nearest.unwrap() % 2, row % 2, "row {row}");
    }
    assert!(neighbour_map(&Matrix { columns: 3, values: vec![0.0; 27] }).unwrap().is_none());
}

#[test]
fn the_mean_row_and_the_units_that_stand_out_are_those_of_the_rows_that_were_chosen() {
    let (model, data) = trained("plain", "mlp:20", 4);
    let rows: Vec<usize> = (0..1500).collect();
    let mean = mean_row(&data, &rows).unwrap();
    let of = |column: usize| {
        rows.iter().map(|row| data.gather([*row]).unwrap().get(column)).sum::<f64>() / 1500.0
    };
    [10, 20, 43]
        .into_iter()
        .for_each(|column| near(f64::from(mean[column]), of(column), "a column's mean"));
    assert_eq!(mean_row(&data, &[]).unwrap(), [0.0; 64]);
    assert!(mean_row(&data, &[1797]).is_err());
    // Unit 1 is 2 standard deviations up in the chosen rows, unit 0 is as in all, unit 2 never
    // varies.
    let values = (0..100)
        .flat_map(|row| {
            [if row % 2 == 0 { 1.0 } else { -1.0 }, if row % 5 == 0 { 8.0 } else { -2.0 }, 3.0]
        })
        .collect();
    let all = Matrix { columns: 3, values };
    let chosen = Matrix {
        columns: 3,
        values: (0..10)
            .flat_map(|at| all.row(at * 10 + if at % 2 == 0 { 0 } else { 5 }))
            .copied()
            .collect(),
    };
    let found = standing_out(&units(&model, &all), &chosen);
    assert_eq!(found.iter().map(|(unit, _)| *unit).collect::<Vec<_>>(), [1, 0, 2]);
    near(found[0].1, 2.0, "how far unit 1 stands out");
    assert_eq!((found[1].1, found[2].1), (0.0, 0.0));
}

#[test]
fn a_tree_has_the_strongest_maps_of_each_level_and_each_has_a_parent_above() {
    let (model, data) = trained("plain", "conv:4,8", 4);
    let levels = levels(&model, &data, 3).unwrap();
    // From another code on, another way.
    let code = model.encode_rows(&data, &[8]).unwrap();
    let other = levels_through(&model, &data, 3, Some(code.row(0))).unwrap();
    assert_eq!((&other[2].values, &other[3].values), (&levels[2].values, &code.values));
    assert_eq!(other[6].values, autoencoders::study::levels(&model, &data, 8).unwrap()[6].values);
    assert!(levels_through(&model, &data, 3, Some(&[1.0])).is_err());
    let tree = tree(&levels, 3);
    assert_eq!(tree.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 3, 1, 3, 3, 1]);
    assert!(tree[0][0].parent.is_none());
    for (at, branches) in tree.iter().enumerate().skip(1) {
        assert!(branches.windows(2).all(|pair| pair[0].strength >= pair[1].strength));
        assert!(
            branches
                .iter()
                .all(|branch| branch.parent.is_some_and(|parent| parent < tree[at - 1].len()))
        );
    }
}

#[test]
fn labels_become_groups_in_their_order_and_too_many_share_the_last() {
    let of = |labels: &[&str]| {
        colour::groups(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(of(&["10", "9", "10"]), (vec![1, 0, 1], vec!["9".to_owned(), "10".to_owned()]));
    let many: Vec<String> = (0..30).flat_map(|label| vec![label.to_string(); 31 - label]).collect();
    let (groups, names) = colour::groups(&many);
    assert_eq!((names.len(), names[9].as_str()), (10, "all others"));
    assert_eq!((groups[0], groups[many.len() - 1]), (0, 9));
}
