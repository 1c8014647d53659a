#![allow(clippy::print_stdout, clippy::disallowed_methods)] // an example prints and takes the time

//! The quality floors on real data: trains each model, prints its figures beside what they must
//! reach.
//!
//! `cargo run --release --example floors [-- NAME...] [--quick] [--pictures DIR]` with the variable
//! AE_DATA naming the folder that holds `mnist/`; names are digits, plain, conv, denoising, sparse,
//! contractive, vae. `--quick` trains on a tenth of the rows and checks nothing.

use autoencoders::engine::Draw;
use autoencoders::engine::Engine;
use autoencoders::engine::Inside;
use autoencoders::settings::Likelihood;
use autoencoders::settings::Net;
use autoencoders::study::code_change;
use autoencoders::study::corrupted_mse;
use autoencoders::study::evaluate;
use autoencoders::study::generate;
use autoencoders::study::jacobian_norm;
use autoencoders::{Config, Event, Flow, Matrix, Model, Result, Rng, data, fit};
use burn_tensor::Tensor;
use draw::write_png_grid;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Twelve epochs of large batches want steps a little longer than the default's 1e-3.
const FEW_EPOCHS_RATE: f64 = 1.1e-3;

/// One figure: what it is, what came out, what it must reach.
struct Row {
    model: &'static str,
    figure: &'static str,
    reached: f64,
    bound: Bound,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
    Between(f64, f64),
    Shown,
}

impl Bound {
    fn holds(&self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= *bound,
            Self::AtLeast(bound) => value >= *bound,
            Self::Between(low, high) => (*low..=*high).contains(&value),
            Self::Shown => true,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::AtMost(bound) => format!("at most {bound}"),
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::Between(low, high) => format!("{low} to {high}"),
            Self::Shown => "-".to_owned(),
        }
    }
}

struct Floors {
    train: data::Dataset,
    test: data::Dataset,
    quick: bool,
    pictures: Option<PathBuf>,
    rows: Vec<Row>,
    plain: Option<Model>,
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments
        .iter()
        .position(|argument| argument == "--quick")
        .map(|at| arguments.remove(at))
        .is_some();
    let pictures = arguments.iter().position(|argument| argument == "--pictures").map(|at| {
        arguments.remove(at);
        PathBuf::from(arguments.remove(at))
    });
    let wanted =
        |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let folder = std::env::var("AE_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let mnist = Path::new(&folder).join("mnist");
    if !mnist.is_dir() {
        return Err(format!(
            "no MNIST in {}; set AE_DATA to the folder that holds mnist/train-images-idx3-ubyte.gz",
            mnist.display()
        )
        .into());
    }
    let read = |name: &str| {
        data::read(&mnist.join(name).display().to_string(), &data::ReadOptions::default())
    };
    let (train, test) = (read("train-images-idx3-ubyte.gz")?, read("t10k-images-idx3-ubyte.gz")?);
    let train = if quick { train.select(&(0..6000).collect::<Vec<_>>())? } else { train };
    let mut floors = Floors { train, test, quick, pictures, rows: Vec::new(), plain: None };
    if wanted("digits") {
        floors.digits()?;
    }
    for (name, run) in [
        ("plain", Floors::plain as fn(&mut Floors) -> Result<()>),
        ("conv", Floors::conv),
        ("denoising", Floors::denoising),
        ("sparse", Floors::sparse),
        ("contractive", Floors::contractive),
        ("vae", Floors::vae),
    ] {
        if wanted(name) {
            run(&mut floors)?;
        }
    }
    floors.print()
}

impl Floors {
    fn add(&mut self, model: &'static str, figure: &'static str, reached: f64, bound: Bound) {
        println!("  {model}: {figure} {reached:.5}, {}", bound.text());
        self.rows.push(Row { model, figure, reached, bound });
    }

    fn print(&self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        println!("\n| model | figure | reached | wanted | |\n|---|---|---|---|---|");
        let mut missed = 0;
        for row in &self.rows {
            let holds = row.bound.holds(row.reached);
            missed += usize::from(!holds);
            println!(
                "| {} | {} | {:.5} | {} | {} |",
                row.model,
                row.figure,
                row.reached,
                row.bound.text(),
                if holds { "met" } else { "MISSED" }
            );
        }
        if missed > 0 && !self.quick {
            return Err(format!("{missed} figures are missed").into());
        }
        Ok(())
    }

    /// Trains on all training rows but a twentieth for validation; shows each epoch.
    fn fit(&self, title: &str, config: Config) -> Result<Model> {
        let config = config.validation(0.05).test(0.0);
        let start = Instant::now();
        println!("{title}");
        let trained = fit(&config, &self.train, None, false, &mut |event| {
            if let Event::Epoch(record) = event {
                let terms = record.validation.as_ref().unwrap_or(&record.train);
                let terms: Vec<String> =
                    terms.0.iter().map(|term| format!("{} {:.4}", term.name, term.value)).collect();
                print!("\r  epoch {} of {}: {}   ", record.epoch, record.of, terms.join(", "));
                std::io::stdout().flush().ok();
            }
            Flow::Continue
        })?;
        println!("\n  {:.1} s", start.elapsed().as_secs_f64());
        Ok(trained.model)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.test.rows()).collect()
    }

    fn digits(&mut self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let program = std::env::current_exe()?
            .with_file_name(format!("../ae{}", std::env::consts::EXE_SUFFIX));
        if !program.exists() {
            println!(
                "digits: left out, {} is not built; run cargo build --release first",
                program.display()
            );
            return Ok(());
        }
        let folder = tempfile::tempdir()?;
        let start = Instant::now();
        let mut child = std::process::Command::new(&program)
            .args(["train", "digits", "--json", "--quiet", "-o"])
            .arg(folder.path().join("digits.ae"))
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let mut peak = 0.0f64;
        while child.try_wait()?.is_none() {
            peak = peak.max(peak_megabytes(child.id()).unwrap_or(0.0));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let seconds = start.elapsed().as_secs_f64();
        let result: serde_json::Value = serde_json::from_slice(&child.wait_with_output()?.stdout)?;
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        let ratio = number(&result["test"]["mse"]) / number(&result["pca"]["mse"]);
        self.add("digits", "seconds of the whole command", seconds, Bound::AtMost(3.0));
        let bound = if peak > 0.0 { Bound::AtMost(120.0) } else { Bound::Shown };
        self.add("digits", "peak memory, MB", peak, bound);
        self.add("digits", "test MSE / PCA's", ratio, Bound::AtMost(0.65));
        Ok(())
    }

    fn plain(&mut self) -> Result<()> {
        let config = Config::default()
            .net("mlp:512,256".parse::<Net>()?)
            .latent(32)
            .epochs(12)
            .batch(256)
            .learning_rate(FEW_EPOCHS_RATE);
        let model = self.fit("plain mlp:512,256, latent 32", config)?;
        let evaluation = evaluate(&model, &self.test, &self.all())?;
        self.add("plain", "test MSE", evaluation.mse, Bound::AtMost(0.0075));
        self.add("plain", "PCA's", evaluation.pca_mse, Bound::Shown);
        self.plain = Some(model);
        Ok(())
    }

    fn conv(&mut self) -> Result<()> {
        let config =
            Config::default().net("conv:32,64".parse::<Net>()?).latent(32).epochs(20).batch(128);
        let start = Instant::now();
        let model = self.fit("plain conv:32,64, latent 32", config)?;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        let evaluation = evaluate(&model, &self.test, &self.all())?;
        self.add("conv", "test MSE", evaluation.mse, Bound::AtMost(0.0055));
        self.add("conv", "minutes of training", minutes, Bound::AtMost(10.0));
        Ok(())
    }

    fn denoising(&mut self) -> Result<()> {
        if self.plain.is_none() {
            self.plain()?;
        }
        let parameters =
            json!({"noise": "masking", "level": 0.3}).as_object().cloned().unwrap_or_default();
        let config = Config::default()
            .family("denoising")
            .parameters(parameters)
            .net("mlp:512,256".parse::<Net>()?)
            .latent(32)
            .epochs(12)
            .batch(256)
            .learning_rate(FEW_EPOCHS_RATE);
        let model = self.fit("denoising mlp:512,256, latent 32, masking 0.3", config)?;
        let rows = self.all();
        let Some(plain) = &self.plain else { return Ok(()) };
        let (ours, theirs) = (
            corrupted_mse(&model, &self.test, &rows, &mask)?,
            corrupted_mse(plain, &self.test, &rows, &mask)?,
        );
        let (code, plain_code) = (
            code_change(&model, &self.test, &rows, &mask)?,
            code_change(plain, &self.test, &rows, &mask)?,
        );
        self.picture(
            "denoising.png",
            &model.reconstruct(&self.test.select(&rows[..40])?)?.narrow(),
            10,
        )?;
        self.add("denoising", "MSE on masked images / plain's", ours / theirs, Bound::AtMost(0.5));
        self.add(
            "denoising",
            "code change under the mask / plain's",
            code / plain_code,
            Bound::AtMost(1.0),
        );
        Ok(())
    }

    fn sparse(&mut self) -> Result<()> {
        let config = Config::default()
            .family("sparse")
            .parameters(json!({"rho": 0.05, "beta": 1.0}).as_object().cloned().unwrap_or_default())
            .latent(1000)
            .epochs(20)
            .batch(256)
            .learning_rate(2e-3)
            // As in the tutorial: without decay the weights of pixels that are hardly ever lit stay
            // at their random start.
            .l2(3e-4);
        let model = self.fit("sparse, 1,000 units, rho 0.05", config)?;
        let evaluation = evaluate(&model, &self.test, &self.all())?;
        self.add(
            "sparse",
            "mean activation",
            evaluation.mean_activation,
            Bound::Between(0.04, 0.06),
        );
        self.add("sparse", "test MSE", evaluation.mse, Bound::AtMost(0.015));
        let weight = model
            .vars()
            .iter()
            .find(|(_, var)| var.name == "encoder.0.weight")
            .map(|(_, var)| var.value.clone().transpose());
        if let Some(filters) = weight {
            let filters = filters.into_data().try_into_vec::<f32>().unwrap_or_default();
            self.picture("sparse-filters.png", &contrast(&filters[..100 * 784]), 10)?;
        }
        Ok(())
    }

    fn contractive(&mut self) -> Result<()> {
        let config = Config::default()
            .family("contractive")
            .latent(1000)
            .net("shallow".parse::<Net>()?)
            .code_activation(autoencoders::Activation::Sigmoid)
            .tied(true)
            .likelihood("bernoulli".parse::<Likelihood>()?)
            .epochs(60)
            .batch(128)
            .learning_rate(1e-2);
        let plain =
            self.fit("plain, 1,000 sigmoid tied, cross-entropy", config.clone().family("plain"))?;
        let parameters = json!({"lambda": 0.7}).as_object().cloned().unwrap_or_default();
        let model = self.fit(
            "contractive, 1,000 sigmoid tied, cross-entropy, lambda 0.7",
            config.parameters(parameters),
        )?;
        let rows = self.all();
        let cross_entropy = |model: &Model| -> Result<f64> {
            Ok(evaluate(model, &self.test, &rows)?.terms.get("reconstruction").unwrap_or(f64::NAN))
        };
        let (ours, theirs) = (cross_entropy(&model)?, cross_entropy(&plain)?);
        let (norm, plain_norm) =
            (jacobian_norm(&model, &self.test, &rows)?, jacobian_norm(&plain, &self.test, &rows)?);
        self.add("contractive", "mean Jacobian norm", norm, Bound::Shown);
        self.add(
            "contractive",
            "plain's norm / contractive's",
            plain_norm / norm,
            Bound::AtLeast(10.0),
        );
        self.add("contractive", "cross-entropy / plain's", ours / theirs, Bound::AtMost(1.3));
        Ok(())
    }

    fn vae(&mut self) -> Result<()> {
        let config = Config::default()
            .family("vae")
            .latent(20)
            .net("mlp:500".parse::<Net>()?)
            .activation(autoencoders::Activation::Tanh)
            .likelihood("bernoulli".parse::<Likelihood>()?)
            .binarise(true)
            .epochs(50)
            .batch(100);
        let model = self.fit("vae 784-500 tanh-20, bernoulli, fresh binary pixels", config)?;
        let evaluation = evaluate(&model, &self.test, &self.all())?;
        self.add("vae", "test ELBO", -evaluation.terms.sum(), Bound::AtLeast(-104.5));
        self.picture(
            "vae-samples.png",
            &generate(&model, 100, 0, autoencoders::Source::Prior)?.narrow(),
            10,
        )
    }

    /// Draws images of 28 x 28 with values up to 255.
    fn picture(&self, name: &str, images: &Matrix, columns: usize) -> Result<()> {
        let Some(folder) = &self.pictures else { return Ok(()) };
        let pixels: Vec<f32> = images.values.iter().map(|pixel| pixel / 255.0).collect();
        std::fs::create_dir_all(folder).map_err(|error| autoencoders::Error::io(folder, error))?;
        write_png_grid(
            folder.join(name),
            &pixels,
            &autoencoders::data::Shape::Image { height: 28, width: 28, channels: 1 },
            columns,
            None,
        )
    }
}

/// The masking noise of the denoising paper, on prepared rows.
fn mask(x: Tensor<2>, rng: &Rng) -> Result<Tensor<2>> {
    let uniform = rng.split("mask").uniform(x.dims(), &Engine::of(&x));
    Ok(x * (uniform - 0.3).sign().clamp_min(0.0))
}

/// Filters of 784 numbers brought to 0..255, each by its own largest magnitude.
fn contrast(filters: &[f32]) -> Matrix {
    let scaled = |filter: &[f32]| {
        let most = filter.iter().fold(1e-12f32, |most, weight| most.max(weight.abs()));
        filter.iter().map(move |weight| 127.5 * (1.0 + weight / most)).collect::<Vec<_>>()
    };
    Matrix { columns: 784, values: filters.chunks(784).flat_map(scaled).collect() }
}

/// The peak memory of a running process in megabytes, where the system tells.
fn peak_megabytes(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
}
