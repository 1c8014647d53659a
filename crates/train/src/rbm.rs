//! Restricted Boltzmann machines, trained by contrastive divergence: what deep autoencoders were
//! first made ready with.

use crate::event::Flow;
use model::Engine;
use model::{Draw, read};
use rows::{Error, Matrix, Order, Result, Rng};

use burn_tensor::Tensor;
use kernels::{Activation, among_workers, dense, product};

/// What units are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// 0 or 1.
    #[default]
    Bernoulli,
    /// Any number, with variance one around its mean.
    Gaussian,
}

/// How a machine is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Hidden units.
    pub hidden: usize,
    /// What visible units are.
    pub visible_units: Units,
    /// What hidden units are.
    pub hidden_units: Units,
    /// Steps of Gibbs sampling before the statistics of the model are taken (CD-k).
    pub steps: usize,
    /// Whether the chain goes on from batch to batch (Tieleman 2008) and does not start at the rows
    /// each time.
    pub persistent: bool,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows in a step.
    pub batch: usize,
    /// Step size. Gaussian units want one a hundred times smaller.
    pub rate: f64,
    /// The fraction by which weights shrink in a step, times the rate.
    pub decay: f64,
    /// Decides every random number.
    pub seed: u64,
    /// Where the training computes, and how exactly.
    pub engine: Engine,
}

impl Default for Options {
    /// As Hinton and Salakhutdinov (2006) and Hinton's "A practical guide to training restricted
    /// Boltzmann machines" (2010) have it.
    fn default() -> Self {
        Self {
            hidden: 8,
            visible_units: Units::Bernoulli,
            hidden_units: Units::Bernoulli,
            steps: 1,
            persistent: false,
            epochs: 10,
            batch: 100,
            rate: 0.1,
            decay: 2e-4,
            seed: 0,
            engine: Engine::default(),
        }
    }
}

/// Momentum in the first epochs, when gradients are large, and in all later ones (Hinton, "A
/// practical guide to training restricted Boltzmann machines", 2010).
const EARLY_MOMENTUM: f64 = 0.5;
const MOMENTUM: f64 = 0.9;
/// How many epochs are early.
const EARLY: usize = 5;
/// Rows that are taken through the weights at a time when nothing is trained.
const BLOCK: usize = 1000;

/// A trained machine: `E(v, h) = -v W h - b v - c h`, with half squares of Gaussian units in place
/// of their bias terms.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rbm {
    /// What visible units are.
    pub visible_units: Units,
    /// What hidden units are.
    pub hidden_units: Units,
    /// `W` [visible, hidden].
    pub weights: Tensor<2>,
    /// `b` [1, visible].
    pub visible_bias: Tensor<2>,
    /// `c` [1, hidden].
    pub hidden_bias: Tensor<2>,
}

/// A machine in training.
struct Training<'a> {
    options: &'a Options,
    machine: Rbm,
    /// Of the weights, the visible and the hidden bias.
    velocity: [Tensor<2>; 3],
    /// The hidden units from which a persistent chain goes on.
    chain: Option<Tensor<2>>,
}

impl<'a> Training<'a> {
    fn new(visible: usize, options: &'a Options, rng: &Rng) -> Self {
        let (engine, hidden) = (&options.engine, options.hidden);
        let zeros = |shape: [usize; 2]| engine.zeros::<2>(shape);
        let machine = Rbm {
            visible_units: options.visible_units,
            hidden_units: options.hidden_units,
            weights: rng.split("weights").normal([visible, hidden], engine)
                * (1.0 / (visible as f64).sqrt()).min(0.1),
            visible_bias: zeros([1, visible]),
            hidden_bias: zeros([1, hidden]),
        };
        let velocity = [zeros([visible, hidden]), zeros([1, visible]), zeros([1, hidden])];
        Self { options, machine, velocity, chain: None }
    }

    /// One step on a batch of rows; the squared error of their reconstruction.
    fn step(&mut self, data: Tensor<2>, momentum: f64, rng: &mut Rng) -> f64 {
        let seen = self.machine.to_hidden(data.clone());
        let drawn = self.options.hidden_units.draw(seen.clone(), rng);
        let rebuilt = self.machine.to_visible(drawn);
        let squared =
            (rebuilt.clone() - data.clone()).square().sum_dim(1).sum().into_scalar::<f64>();
        let [model, thought] = self.sampled(rebuilt, rng);
        let (count, samples) = (data.dims()[0] as f64, model.dims()[0] as f64);
        self.learn(
            [
                product(data.clone().transpose(), seen.clone()) / count
                    - product(model.clone().transpose(), thought.clone()) / samples
                    - self.machine.weights.clone() * self.options.decay,
                data.sum_dim(0) / count - model.sum_dim(0) / samples,
                seen.sum_dim(0) / count - thought.sum_dim(0) / samples,
            ],
            momentum,
        );
        squared
    }

    /// What the model itself has for visible units, and the means of its hidden ones.
    fn sampled(&mut self, rebuilt: Tensor<2>, rng: &mut Rng) -> [Tensor<2>; 2] {
        let (options, machine) = (self.options, &self.machine);
        let shown = |means: Tensor<2>, rng: &mut Rng| {
            let samples_model = options.persistent || options.steps > 1;
            if samples_model { options.visible_units.draw(means, rng) } else { means }
        };
        let first = self.chain.take().map_or(rebuilt, |hidden| machine.to_visible(hidden));
        let mut model = shown(first, rng);
        let mut thought = machine.to_hidden(model.clone());
        for _ in 1..options.steps {
            let hidden = options.hidden_units.draw(thought, rng);
            model = shown(machine.to_visible(hidden), rng);
            thought = machine.to_hidden(model.clone());
        }
        if options.persistent {
            self.chain = Some(options.hidden_units.draw(thought.clone(), rng));
        }
        [model, thought]
    }

    /// Moves the weights and the biases along these slopes.
    fn learn(&mut self, slopes: [Tensor<2>; 3], momentum: f64) {
        let machine = &mut self.machine;
        let values = [&mut machine.weights, &mut machine.visible_bias, &mut machine.hidden_bias];
        for ((velocity, slope), value) in self.velocity.iter_mut().zip(slopes).zip(values) {
            *velocity = velocity.clone() * momentum + slope * self.options.rate;
            *value = value.clone() + velocity.clone();
        }
    }
}

impl Units {
    fn activation(self) -> Activation {
        match self {
            Self::Bernoulli => Activation::Sigmoid,
            Self::Gaussian => Activation::Identity,
        }
    }

    /// Draws units from their means.
    fn draw(self, means: Tensor<2>, rng: &mut Rng) -> Tensor<2> {
        let (dims, engine) = (means.dims(), Engine::of(&means));
        match self {
            Self::Bernoulli => (means - rng.uniform(dims, &engine)).sign().clamp_min(0.0),
            Self::Gaussian => means + rng.normal(dims, &engine),
        }
    }
}

impl Options {
    fn check(&self, rows: &Matrix) -> Result<()> {
        let whole = |name: &str, value: usize, most: usize| {
            if (1..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::setting(name, value, format!("a whole number from 1 to {most}")))
            }
        };
        whole("hidden", self.hidden, 1 << 20)?;
        whole("steps", self.steps, 1000)?;
        whole("batch", self.batch, 1 << 20)?;
        whole("epochs", self.epochs, 1_000_000)?;
        for (name, value, most) in [("rate", self.rate, 10.0), ("decay", self.decay, 1.0)] {
            if !(0.0..=most).contains(&value) {
                return Err(Error::setting(name, value, format!("a number from 0 to {most}")));
            }
        }
        if rows.rows() == 0 || rows.values.len() != rows.rows() * rows.columns {
            return Err(Error::shape(
                "rows of a Boltzmann machine",
                format!("{} numbers", rows.values.len()),
                "at least one whole row",
            ));
        }
        let unit = |value: &f32| (0.0..=1.0).contains(value);
        match self.visible_units {
            Units::Bernoulli if !rows.values.iter().all(unit) => Err(Error::setting(
                "visible units",
                "bernoulli",
                "rows between 0 and 1, or gaussian units",
            )),
            Units::Gaussian if !rows.values.iter().all(|value| value.is_finite()) => {
                Err(Error::setting("visible units", "gaussian", "finite rows"))
            }
            _ => Ok(()),
        }
    }
}

impl Rbm {
    /// Trains a machine on rows, between 0 and 1 for Bernoulli units and standardised for Gaussian
    /// ones; `each` gets the mean squared error per number of the reconstruction after each epoch,
    /// and may end the training.
    ///
    /// Contrastive divergence: Hinton, "Training products of experts by minimizing contrastive
    /// divergence", 2002. Hidden units are drawn until the last step. With one step from the rows
    /// the visible ones are means, as in the practical guide; a longer chain, or one that goes on,
    /// shall sample the model and draws them, too.
    pub fn fit(
        rows: &Matrix,
        options: &Options,
        each: &mut (dyn FnMut(f64) -> Flow + Send),
    ) -> Result<Self> {
        options.check(rows)?;
        among_workers(|| Self::trained(rows, options, each))
    }

    fn trained(
        rows: &Matrix,
        options: &Options,
        each: &mut (dyn FnMut(f64) -> Flow + Send),
    ) -> Result<Self> {
        let (engine, rng) = (&options.engine, Rng::new(options.seed).split("rbm"));
        let mut training = Training::new(rows.columns, options, &rng);
        for epoch in 0..options.epochs {
            let order = Order::new(rows.rows(), &mut rng.split("order").at(epoch));
            let momentum = if epoch < EARLY { EARLY_MOMENTUM } else { MOMENTUM };
            let mut squared = 0.0;
            for (step, first) in (0..order.len()).step_by(options.batch).enumerate() {
                let places = first..order.len().min(first + options.batch);
                let data = engine.rows(rows, places.map(|place| order.at(place)));
                let mut rng = rng.split("step").at(epoch).at(step);
                squared += training.step(data, momentum, &mut rng);
            }
            let error = squared / rows.values.len() as f64;
            if !error.is_finite() {
                let advice = "try a smaller rate".into();
                return Err(Error::Diverged {
                    epoch: epoch + 1,
                    step: 0,
                    what: format!("the reconstruction error is {error}"),
                    advice,
                });
            }
            if each(error) == Flow::Stop {
                break;
            }
        }
        Ok(training.machine)
    }

    fn to_hidden(&self, visible: Tensor<2>) -> Tensor<2> {
        dense(
            visible,
            self.weights.clone(),
            self.hidden_bias.clone(),
            false,
            self.hidden_units.activation(),
        )
    }

    fn to_visible(&self, hidden: Tensor<2>) -> Tensor<2> {
        dense(
            hidden,
            self.weights.clone(),
            self.visible_bias.clone(),
            true,
            self.visible_units.activation(),
        )
    }

    /// The means of the hidden units [rows, hidden] of rows [rows, visible]. Errors: rows of
    /// another width.
    pub fn hidden(&self, rows: &Matrix) -> Result<Matrix> {
        self.through(rows, self.weights.dims(), |x| self.to_hidden(x))
    }

    /// The means of the visible units [rows, visible] of hidden ones [rows, hidden]. Errors: rows
    /// of another width.
    pub fn visible(&self, hidden: &Matrix) -> Result<Matrix> {
        let [visible, width] = self.weights.dims();
        self.through(hidden, [width, visible], |x| self.to_visible(x))
    }

    /// `-ln Σ_h exp(-E(v, h))` of each row: the lower the likelier, up to a constant; Bernoulli
    /// hidden units alone. Errors: Gaussian hidden units, or rows of another width than the visible
    /// units.
    pub fn free_energy(&self, rows: &Matrix) -> Result<Vec<f64>> {
        if self.hidden_units != Units::Bernoulli {
            return Err(Error::setting(
                "hidden units",
                "gaussian",
                "bernoulli ones for a free energy",
            ));
        }
        let energies = self.through(rows, [self.weights.dims()[0], 1], |v| {
            let inputs = dense(
                v.clone(),
                self.weights.clone(),
                self.hidden_bias.clone(),
                false,
                Activation::Softplus,
            );
            let own = match self.visible_units {
                Units::Bernoulli => (v * self.visible_bias.clone()).sum_dim(1).neg(),
                Units::Gaussian => (v - self.visible_bias.clone()).square().sum_dim(1) * 0.5,
            };
            own - inputs.sum_dim(1)
        })?;
        Ok(energies.values.into_iter().map(f64::from).collect())
    }

    fn through(
        &self,
        rows: &Matrix,
        [from, to]: [usize; 2],
        f: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Matrix> {
        if rows.columns != from {
            return Err(Error::shape(
                "rows for a Boltzmann machine",
                format!("{} numbers a row", rows.columns),
                from,
            ));
        }
        let engine = Engine::of(&self.weights);
        let all: Vec<usize> = (0..rows.rows()).collect();
        let mut values = Vec::with_capacity(all.len() * to);
        for block in all.chunks(BLOCK) {
            values.extend(read(f(engine.rows(rows, block.iter().copied())))?);
        }
        Ok(Matrix { columns: to, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of eight numbers in which either the first or the last four are one.
    fn halves(rows: usize) -> Matrix {
        let mut rng = Rng::new(1);
        let row = |half: usize| (0..8).map(move |at| if at / 4 == half { 1.0 } else { 0.0 });
        Matrix {
            columns: 8,
            values: (0..rows).flat_map(|_| row(rng.below(2)).collect::<Vec<f32>>()).collect(),
        }
    }

    #[test]
    fn rows_like_those_of_the_training_have_less_energy_than_others() {
        for (steps, persistent) in [(1, false), (3, false), (1, true)] {
            let options = Options {
                hidden: 4,
                epochs: 60,
                batch: 20,
                steps,
                persistent,
                ..Options::default()
            };
            let machine = Rbm::fit(&halves(400), &options, &mut |_| Flow::Continue).unwrap();
            let like = machine.free_energy(&halves(20)).unwrap();
            let other = Matrix { columns: 8, values: [1.0, 0.0].repeat(4) };
            let other = machine.free_energy(&other).unwrap()[0];
            assert!(
                like.iter().all(|energy| *energy + 1.0 < other),
                "{steps} {persistent}: {like:?} {other}"
            );
        }
    }

    #[test]
    fn gaussian_units_rebuild_numbers_on_a_line() {
        let mut rng = Rng::new(2);
        let values: Vec<f32> = (0..500)
            .flat_map(|_| {
                let along = rng.standard_normal();
                [along, -along, 0.5 * along].map(|number| number + 0.1 * rng.standard_normal())
            })
            .collect();
        let rows = Matrix { columns: 3, values };
        let options = Options {
            hidden: 2,
            visible_units: Units::Gaussian,
            hidden_units: Units::Gaussian,
            epochs: 100,
            rate: 0.005,
            ..Options::default()
        };
        let machine = Rbm::fit(&rows, &options, &mut |_| Flow::Continue).unwrap();
        let rebuilt = machine.visible(&machine.hidden(&rows).unwrap()).unwrap();
        let error: f32 =
            rows.values.iter().zip(&rebuilt.values).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
                / rows.values.len() as f32;
        assert!(error < 0.1, "{error}");
        assert!(machine.free_energy(&rows).is_err());
    }

    #[test]
    fn a_chain_that_samples_the_model_finds_that_one_standard_column_needs_no_weight() {
        // With means in place of draws the weight would grow to 0.79, as the chain had less
        // variance than the rows.
        let mut rng = Rng::new(3);
        let rows =
            Matrix { columns: 1, values: (0..5000).map(|_| rng.standard_normal()).collect() };
        for (steps, persistent) in [(10, false), (1, true)] {
            let options = Options {
                hidden: 1,
                visible_units: Units::Gaussian,
                hidden_units: Units::Gaussian,
                steps,
                persistent,
                epochs: 60,
                rate: 0.01,
                decay: 0.0,
                ..Options::default()
            };
            let machine = Rbm::fit(&rows, &options, &mut |_| Flow::Continue).unwrap();
            let weight = read(machine.weights).unwrap()[0];
            assert!(weight.abs() < 0.4, "{steps} {persistent}: {weight}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_machine_on_one_and_two_threads() {
        // Large enough for products to be shared out.
        let mut rng = Rng::new(4);
        let rows = Matrix { columns: 400, values: (0..256 * 400).map(|_| rng.unit()).collect() };
        let on = |threads: usize, seed: u64| {
            let options =
                Options { hidden: 300, batch: 128, epochs: 2, seed, ..Options::default() };
            let run = || {
                read(Rbm::fit(&rows, &options, &mut |_| Flow::Continue).unwrap().weights).unwrap()
            };
            #[cfg(feature = "threads")]
            return rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(run);
            #[cfg(not(feature = "threads"))]
            return (run(), threads).0;
        };
        assert!(on(1, 1) == on(2, 1) && on(1, 1) != on(1, 2));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let rows = halves(10);
        let error = |options: Options| {
            Rbm::fit(&rows, &options, &mut |_| Flow::Continue).unwrap_err().to_string()
        };
        assert!(error(Options { hidden: 0, ..Options::default() }).contains("hidden"));
        assert!(error(Options { steps: 0, ..Options::default() }).contains("steps"));
        assert!(error(Options { rate: f64::NAN, ..Options::default() }).contains("rate"));
        let far = Matrix { columns: 8, values: vec![2.0; 8] };
        assert!(
            Rbm::fit(&far, &Options::default(), &mut |_| Flow::Continue)
                .unwrap_err()
                .to_string()
                .contains("visible units")
        );
        let machine =
            Rbm::fit(&rows, &Options { epochs: 1, ..Options::default() }, &mut |_| Flow::Continue)
                .unwrap();
        assert!(machine.hidden(&Matrix { columns: 3, values: vec![0.0; 3] }).is_err());
    }
}
