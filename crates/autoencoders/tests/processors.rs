//! What holds whatever instructions a processor has. Alone in a file: it narrows those of the whole
//! process.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use autoencoders::data::{Dataset, Shape, Values};
use autoencoders::engine::{Inside, Var, Vars};
use autoencoders::study::{Classifier, Head, HeadKind};
use autoencoders::{Config, EpochRecord, FAMILIES, Flow, Rng, Trained, fit};
use kernels::{Simd, narrow_simd};
use serde_json::{Map, Value, json};

/// Rows [90, 64] of smooth pictures of 8 x 8 pixels between 0 and 1.
fn pictures() -> Dataset {
    let mut rng = Rng::new(2);
    let mut values = Vec::new();
    for _ in 0..90 {
        let [x, y, wide] = [rng.unit(), rng.unit(), 0.1 + rng.unit()];
        values.extend((0..64).map(|at| {
            let [dx, dy] = [(at % 8) as f32 / 8.0 - x, (at / 8) as f32 / 8.0 - y];
            (-(dx * dx + dy * dy) / wide).exp()
        }));
    }
    let shape = Shape::Image { height: 8, width: 8, channels: 1 };
    let pictures = Dataset::new("pictures", shape, Values::F32(values)).unwrap();
    let labels = (0..90).map(|row| ["one", "two", "three"][row % 3].to_owned()).collect();
    Dataset { full_scale: Some(1.0), labels: Some(labels), ..pictures }
}

/// Trainings: every family, and what no family's own training touches.
fn trainings() -> Vec<Map<String, Value>> {
    let small = |more: Value| {
        let mut settings =
            json!({ "latent": 5, "net": "mlp:33,17", "epochs": 2, "batch": 25, "seed": 3 });
        let fields = settings.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        fields.clone()
    };
    let families = FAMILIES.iter().map(|family| json!({ "family": family.name }));
    let others = [
        json!({ "net": "conv:5,7", "family": "vae" }),
        json!({ "norm": "batch", "dropout": 0.2 }),
        json!({ "norm": "layer", "activation": "gelu" }),
        json!({ "optimiser": "lbfgs", "net": "mlp:9" }),
        json!({ "pretrain": "rbm", "pretrain_epochs": 2, "activation": "sigmoid" }),
        json!({ "likelihood": "laplace" }),
        json!({ "likelihood": "bernoulli", "clip": 0.5 }),
    ];
    families.chain(others).map(small).collect()
}

/// What came of a training: the bits of its weights, and its losses.
#[derive(PartialEq)]
struct Came {
    weights: Vec<u32>,
    losses: Vec<EpochRecord>,
}

impl Came {
    fn of(vars: &Vars, losses: &[EpochRecord]) -> Self {
        let values = |var: &Var| var.value.to_data().try_into_vec::<f32>().unwrap();
        let weights = vars.iter().flat_map(|(_, var)| values(var)).map(f32::to_bits).collect();
        Self { weights, losses: losses.to_vec() }
    }

    fn loss(&self) -> f64 {
        self.losses.last().map_or(0.0, |last| last.train.sum())
    }
}

fn trained(settings: &Map<String, Value>, data: &Dataset) -> Trained {
    let config = Config::of_names(settings.clone()).unwrap();
    fit(&config, data, None, false, &mut |_| Flow::Continue)
        .unwrap_or_else(|error| panic!("{settings:?}: {error}"))
}

/// What comes of a training, and of a head on it.
fn came(settings: &Map<String, Value>, data: &Dataset, widest: Simd) -> [Came; 2] {
    narrow_simd(widest);
    let Trained { model, split, .. } = trained(settings, data);
    let head = Head { kind: HeadKind::Softmax, epochs: Some(2), ..Head::default() };
    let head = Classifier::fit(&model, data, &split, &head, &mut |_| Flow::Continue).unwrap();
    [Came::of(model.vars(), &model.provenance().history), Came::of(&head.vars, &head.history)]
}

#[test]
fn weights_and_losses_are_the_same_bits_with_avx2_and_avx512_and_nearly_so_without_vectors() {
    let data = pictures();
    for settings in trainings() {
        let wide = came(&settings, &data, Simd::Avx512);
        let narrow = came(&settings, &data, Simd::Avx2);
        let portable = came(&settings, &data, Simd::Portable);
        for (what, at) in [("the training", 0), ("its head", 1)] {
            let losses = [&wide[at], &narrow[at], &portable[at]].map(Came::loss);
            let both = format!("{what} of {settings:?}: {losses:?}");
            assert!(wide[at] == narrow[at], "{both}");
            assert!((losses[2] - losses[0]).abs() <= 1e-3 * losses[0].abs(), "{both}");
        }
    }
}
