//! How likely digits are under variational autoencoders.

use crate::Outcome;
use crate::finding::{Check, Finding, Target, number, table};
use crate::lab::Lab;
use autoencoders::data::Dataset;
use autoencoders::settings::Likelihood;
use autoencoders::study::Annealing;
use autoencoders::study::annealed;
use autoencoders::study::evaluate;
use autoencoders::study::generate;
use autoencoders::study::importance_weighted;
use autoencoders::{Activation, Config, Model, Source};
use serde_json::json;

pub(crate) const TITLE: &str = "Variational autoencoders: how likely a digit is, and that several draws for each row tell more than one";

struct Judged {
    name: String,
    bound: f64,
    likelihood: f64,
    annealed: Option<f64>,
    active: usize,
}

fn config(lab: &Lab, samples: Option<usize>, epochs: usize) -> Outcome<Config> {
    Ok(Config::default()
        .family(if samples.is_some() { "iwae" } else { "vae" }.to_owned())
        .parameters(
            samples
                .map(|samples| ("samples".to_owned(), json!(samples)))
                .into_iter()
                .collect::<serde_json::Map<_, _>>(),
        )
        .net(format!("mlp:{}", lab.pick(500, 200)).parse::<autoencoders::settings::Net>()?)
        .activation(Activation::Tanh)
        .latent(20)
        .likelihood("bernoulli".parse::<Likelihood>()?)
        .binarise(true)
        .batch(lab.pick(100, 50))
        .epochs(epochs)
        .validation(0.0)
        .test(0.0))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn judge(lab: &Lab, name: &str, model: &Model, test: &Dataset, anneal: bool) -> Outcome<Judged> {
    let all: Vec<usize> = (0..test.rows()).collect();
    let some: Vec<usize> = (0..lab.pick(1000, 200)).collect();
    let few: Vec<usize> = (0..lab.pick(50, 10)).collect();
    let of = evaluate(model, test, &all)?;
    let annealing = Annealing { chains: 10, temperatures: lab.pick(400, 50), leaps: 5 };
    Ok(Judged {
        name: name.to_owned(),
        bound: -of.terms.sum(),
        likelihood: mean(&importance_weighted(model, test, &some, lab.pick(5000, 200), lab.seed)?),
        annealed: anneal
            .then(|| annealed(model, test, &few, annealing, lab.seed))
            .transpose()?
            .map(|all| mean(&all)),
        active: of.active_units,
    })
}

pub(crate) fn run(lab: &Lab) -> Outcome<Finding> {
    let (train, test) = lab.images("mnist", 5000)?;
    let epochs = lab.pick(50, 15);
    let vae = lab.fit("vae", &config(lab, None, epochs)?, &train)?.model;
    let five = lab.fit("iwae 5", &config(lab, Some(5), epochs)?, &train)?.model;
    let mut judged = vec![
        judge(lab, "VAE", &vae, &test, true)?,
        judge(lab, "IWAE, 5 draws", &five, &test, true)?,
    ];
    if lab.pick(true, false) {
        let fifty = lab.fit("iwae 50", &config(lab, Some(50), 1)?, &train)?.model;
        judged.push(judge(lab, "IWAE, 50 draws, one epoch alone", &fifty, &test, false)?);
    }
    let few: Vec<usize> = (0..lab.pick(50, 10)).collect();
    let same = mean(&importance_weighted(&vae, &test, &few, lab.pick(5000, 200), lab.seed)?);
    let mut rows = vec![
        [
            "model",
            "bound that it trains on",
            "ln p by importance",
            "ln p by annealing",
            "units that vary between digits, of 20",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(judged.iter().map(|of| {
        vec![
            of.name.clone(),
            number(of.bound),
            number(of.likelihood),
            of.annealed.map_or_else(|| "-".to_owned(), number),
            of.active.to_string(),
        ]
    }));
    let drawn = generate(&vae, 50, lab.seed, Source::Prior)?;
    let picture = lab.picture(
        "vae.png",
        "Fifty digits that the VAE draws from its prior",
        &vae.signature().pixels(&drawn),
        &test.shape,
        10,
        2,
    )?;
    let words = format!(
        "A network 784-{}-20 with tanh units and its mirror image learn {} digits whose pixels are drawn black or white anew in each epoch; {epochs} \
         epochs with Adam. All numbers are nats a digit on test digits: the bound on all of them, the logarithm of the likelihood by {} draws on {}, \
         by annealing on the first {} (where importance sampling has {} for the VAE). IWAE weighs several draws for each digit, which brings its bound nearer to ln p: \
         bounds of different numbers of draws do not compare, ln p does. With one draw it is the VAE.{} \
         Set-up: Kingma and Welling 2014; Burda et al. 2016.\n\n{}\n{picture}",
        lab.pick(500, 200),
        train.rows(),
        lab.pick(5000, 200),
        lab.pick(1000, 200),
        few.len(),
        number(same),
        lab.pick(" With 50 draws an epoch takes about ten times as long as with 5: that model has one epoch where the others have 50, which is why it lies behind.", ""),
        table(&rows)
    );
    let (bound, likelihood) = (judged[0].bound, judged[0].likelihood);
    let annealed = judged[0].annealed.unwrap_or(f64::NAN);
    Ok(Finding {
        checks: vec![
            Check::new(
                "bound of the VAE, nats",
                Some(-103.1),
                Target::AtLeast(lab.pick(-103.5, -150.0)),
                bound,
            ),
            Check::new(
                "ln p of the VAE, nats",
                Some(-97.8),
                Target::AtLeast(lab.pick(-98.5, -145.0)),
                likelihood,
            ),
            Check::new(
                "IWAE with 5 draws is better by, nats",
                Some(0.8),
                Target::AtLeast(lab.pick(0.7, -1.0)),
                judged[1].likelihood - likelihood,
            ),
            Check::new(
                "annealing and importance apart, nats",
                None,
                Target::AtMost(lab.pick(1.0, 5.0)),
                (annealed - same).abs(),
            ),
        ],
        words,
    })
}
