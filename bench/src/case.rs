//! The cases: what both sides do, as data.

use autoencoders::settings::{Net, Scale, Schedule};
use autoencoders::{Activation, Config};
use serde_json::{Value, json};

/// One training that is timed by the step.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Numbers in a row, and how a row is an image: height, width, channels.
    pub(crate) features: usize,
    pub(crate) image: Option<[usize; 3]>,
    /// Whether rows are tables (normal) or pixels (0 to 1).
    pub(crate) table: bool,
    /// Our configuration.
    pub(crate) config: Config,
    /// The same for the peer.
    pub(crate) peer: Value,
    /// Multiply-adds in a forward pass of one row, and those of the first layer.
    pub(crate) products: [usize; 2],
}

fn config(
    family: &str,
    net: Net,
    latent: usize,
    batch: usize,
    code_activation: Activation,
) -> Config {
    Config::default()
        .family(family.to_owned())
        .net(net)
        .latent(latent)
        .batch(batch)
        .code_activation(code_activation)
        .epochs(1000)
        // The rows are what both sides compute with.
        .scale(Scale::None)
        .validation(0.0)
        .test(0.0)
        .schedule(Schedule::Constant)
}

/// Symmetric dense layers between these widths.
fn dense(
    name: &'static str,
    family: &str,
    widths: &[usize],
    batch: usize,
    code: Activation,
) -> Training {
    let (features, latent) = (widths[0], widths[widths.len() - 1]);
    let hidden = &widths[1..widths.len() - 1];
    let net = if hidden.is_empty() { Net::Shallow } else { Net::Mlp(hidden.to_vec()) };
    let all: usize = 2 * widths.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>();
    let table = features == 30;
    Training {
        name,
        features,
        image: None,
        table,
        config: config(family, net, latent, batch, code),
        peer: json!({
            "kind": "plain", "widths": widths, "batch": batch, "code_activation": code.name(),
            "output_activation": if table { "identity" } else { "sigmoid" },
        }),
        products: [all, widths[0] * widths[1]],
    }
}

fn convolutional(
    name: &'static str,
    image: [usize; 3],
    channels: &[usize],
    latent: usize,
    batch: usize,
) -> Training {
    let [mut height, mut width, mut depth] = image;
    let (mut all, mut first) = (0, 0);
    for out in channels {
        (height, width) = (height / 2, width / 2);
        let products = height * width * 16 * depth * out;
        first = if all == 0 { products } else { first };
        all += 2 * products;
        depth = *out;
    }
    all += 2 * height * width * depth * latent;
    Training {
        name,
        features: image.iter().product(),
        image: Some(image),
        table: false,
        config: config("plain", Net::Conv(channels.to_vec()), latent, batch, Activation::Identity),
        peer: json!({
            "kind": "conv", "widths": [], "image": image, "channels": channels, "latent": latent, "batch": batch,
            "code_activation": "identity", "output_activation": "sigmoid",
        }),
        products: [all, first],
    }
}

fn with(mut training: Training, kind: &str, parameters: Value) -> Training {
    if let (Value::Object(own), Value::Object(peer)) = (&parameters, &mut training.peer) {
        peer.extend(own.clone());
        peer.insert("kind".to_owned(), kind.into());
        training.config.model.parameters = own.clone();
    }
    training
}

/// Every training, in the order of the table.
pub(crate) fn trainings() -> Vec<Training> {
    let identity = Activation::Identity;
    let mut sparse =
        dense("train 64-25 sigmoid sparse b1000", "sparse", &[64, 25], 1000, Activation::Sigmoid);
    sparse = with(sparse, "sparse", json!({"rho": 0.05, "beta": 0.5}));
    let mut vae =
        dense("train VAE 784-500-20 bernoulli b100", "vae", &[784, 500, 20], 100, identity);
    vae.config.model.likelihood = autoencoders::settings::Likelihood::Bernoulli;
    vae.products[0] += 500 * 20;
    vae = with(vae, "vae", json!({}));
    let mut contractive = dense(
        "train contractive 784-1000 tied b100, closed form",
        "contractive",
        &[784, 1000],
        100,
        Activation::Sigmoid,
    );
    contractive.config.model.tied = true;
    contractive = with(contractive, "contractive", json!({"lambda": 0.1}));
    vec![
        dense("train 784-32 b128", "plain", &[784, 32], 128, Activation::Relu),
        dense("train 784-512-256-64 b128", "plain", &[784, 512, 256, 64], 128, identity),
        dense("train 784-512-256-64 b256", "plain", &[784, 512, 256, 64], 256, identity),
        dense("train 784-1000-500-250-30 b256", "plain", &[784, 1000, 500, 250, 30], 256, identity),
        sparse,
        dense("train 30-16-8 b64", "plain", &[30, 16, 8], 64, identity),
        convolutional(
            "train conv 1-32-64 4x4 stride 2, 64 code, 28x28 b128",
            [28, 28, 1],
            &[32, 64],
            64,
            128,
        ),
        convolutional(
            "train conv 3x64x64, 32-64-128-256, latent 64, b64",
            [64, 64, 3],
            &[32, 64, 128, 256],
            64,
            64,
        ),
        vae,
        contractive,
    ]
}

/// The configuration whose encoder has these widths.
pub(crate) fn encoder(widths: &[usize]) -> Config {
    dense("encoder", "plain", widths, 128, Activation::Identity).config
}

/// A network between these widths, in batches.
pub(crate) fn plain(widths: &[usize], batch: usize) -> Training {
    dense("plain", "plain", widths, batch, Activation::Identity)
}
