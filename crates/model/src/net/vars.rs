//! The variables of a model: one ordered list that training, the optimisers, the files and the
//! checkpoints share.

use crate::engine::tensors::Engine;
use burn_tensor::Tensor;
use kernels::arrange;
use rows::{Error, Result, Rng};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Which variable: its place in [`Vars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VarId(usize);

impl VarId {
    /// The place.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Whether gradients move a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Moved by the optimiser, decayed like a weight.
    Weight,
    /// Moved by the optimiser, never decayed: biases, gains, a learned variance.
    Bias,
    /// Moved by what a family or layer does after a step: a running mean, a codebook.
    Buffer,
}

/// The part of the model a variable belongs to; a training phase names the groups it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(pub &'static str);

/// The encoder's variables.
pub const ENCODER: Group = Group("encoder");
/// The decoder's variables.
pub const DECODER: Group = Group("decoder");
/// What a likelihood adds, and a family that names no group of its own.
pub const EXTRA: Group = Group("extra");

/// How the file lays a variable out, which inside is always a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLayout {
    /// Inside `[1, n]`, in the file `[n]`.
    Vector,
    /// Inside [in, out], in the file [out, in], as PyTorch's linear layers.
    Dense,
    /// Inside [height x width x channels_in, channels_out], in the file [channels_out, channels_in,
    /// height, width].
    ///
    /// PyTorch's convolutions have this layout, and its transposed convolutions too, whose input is
    /// `channels_out` here.
    Convolution {
        /// Kernel height and width.
        kernel: [usize; 2],
        /// Channels of the larger image.
        channels_in: usize,
    },
}

/// A variable with its name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Var {
    /// Its name in the file.
    pub name: String,
    /// Its value, outside autodiff.
    pub value: Tensor<2>,
    /// Whether gradients move it.
    pub role: Role,
    /// The part of the model it belongs to.
    pub group: Group,
    /// How the file lays it out.
    pub layout: FileLayout,
}

/// A weight and its transpose as [`arrange`] gives them, each made when it is first asked for.
type Arranged = [OnceLock<Tensor<3>>; 2];

/// All variables in the order in which they were built.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    list: Vec<Var>,
    /// Empty again when the variable changes.
    arranged: Vec<OnceLock<Arc<Arranged>>>,
}

/// The values a forward pass reads: the variables themselves, or leaves whose gradients are wanted.
#[derive(Clone, Debug)]
pub struct Weights {
    list: Vec<Tensor<2>>,
    /// None for leaves, which change at every step.
    arranged: Option<Vec<Arc<Arranged>>>,
}

impl Weights {
    /// The engine of the variables.
    pub fn engine(&self) -> Engine {
        self.list.first().map_or_else(Engine::default, Engine::of)
    }

    /// The value of a variable.
    pub fn get(&self, id: VarId) -> Tensor<2> {
        self.list[id.0].clone()
    }

    /// The weight of a dense layer, with `transposed` its transpose, as [`arrange`] gives it; none
    /// where gradients are wanted.
    ///
    /// It is kept for as long as the variable does not change.
    pub fn arranged(&self, id: VarId, transposed: bool) -> Option<Tensor<3>> {
        let arranged = &self.arranged.as_ref()?[id.0][usize::from(transposed)];
        // On one thread: work that is handed over here could wait for the very weight that is being
        // made.
        Some(arranged.get_or_init(|| arrange(self.get(id), transposed)).clone())
    }

    /// The gradients of a loss, for each leaf that it depends on; none of a loss without terms.
    pub fn gradients(&self, loss: Option<Tensor<1>>) -> Vec<Option<Tensor<2>>> {
        let Some(loss) = loss else {
            return vec![None; self.list.len()];
        };
        let mut gradients = loss.backward();
        self.list
            .iter()
            .map(
                |leaf| if leaf.is_require_grad() { leaf.grad_remove(&mut gradients) } else { None },
            )
            .collect()
    }
}

impl Vars {
    /// A copy that arranges its weights anew where it is used: it shall not keep alive what only
    /// the original needs.
    pub fn copied(&self) -> Self {
        Self {
            list: self.list.clone(),
            arranged: self.arranged.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// Every variable, in order.
    pub fn iter(&self) -> impl Iterator<Item = (VarId, &Var)> {
        self.list.iter().enumerate().map(|(index, var)| (VarId(index), var))
    }

    /// The id of every variable, in order.
    pub fn ids(&self) -> impl Iterator<Item = VarId> + use<> {
        (0..self.list.len()).map(VarId)
    }

    /// How many variables.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no variable.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The variable of this name.
    ///
    /// An error where there is none.
    pub fn named(&self, name: &str) -> Result<VarId> {
        let found = self.list.iter().position(|var| var.name == name);
        let known = || self.list.iter().map(|var| var.name.as_str());
        found.map(VarId).ok_or_else(|| Error::unknown("variable", name, known()))
    }

    /// The variable of this id.
    pub fn get(&self, id: VarId) -> &Var {
        &self.list[id.0]
    }

    /// Takes the value out and leaves `empty`, so that its memory has one owner and can be changed
    /// in place; [`Vars::set`] puts the new one in.
    pub fn take(&mut self, id: VarId, empty: &Tensor<2>) -> Tensor<2> {
        self.arranged[id.0].take();
        std::mem::replace(&mut self.list[id.0].value, empty.clone())
    }

    /// Replaces the value of a variable; the shape stays.
    pub fn set(&mut self, id: VarId, value: Tensor<2>) {
        self.arranged[id.0].take();
        self.list[id.0].value = value;
    }

    /// Takes the values of all variables that `from` has too, in the same shape.
    ///
    /// Errors: there is none; or with `whole_encoder` one of the encoder's is missing there.
    pub fn take_over(&mut self, from: &Self, whole_encoder: bool) -> Result<()> {
        let mut taken = 0;
        for id in self.ids() {
            let var = &self.list[id.0];
            let own = from
                .list
                .iter()
                .find(|own| own.name == var.name && own.value.dims() == var.value.dims());
            match own {
                Some(own) => {
                    self.set(id, own.value.clone());
                    taken += 1;
                }
                None if whole_encoder && var.group == ENCODER => {
                    let [rows, columns] = var.value.dims();
                    let wanted = format!(
                        "{rows} x {columns}, as the encoder to be frozen has it; choose the same network up to the code"
                    );
                    let found = from
                        .list
                        .iter()
                        .find(|own| own.name == var.name)
                        .map(|own| own.value.dims());
                    let found = found.map_or_else(
                        || "nothing".to_owned(),
                        |[rows, columns]| format!("{rows} x {columns}"),
                    );
                    return Err(Error::shape(
                        format!("variable {} to begin with", var.name),
                        found,
                        wanted,
                    ));
                }
                None => {}
            }
        }
        match taken {
            0 => Err(Error::shape(
                "weights to begin with",
                "none of the same name and shape",
                "a model with layers like these",
            )),
            _ => Ok(()),
        }
    }

    /// Keeps gradients from moving a group.
    pub fn freeze(&mut self, group: Group) {
        self.list
            .iter_mut()
            .filter(|var| var.group == group)
            .for_each(|var| var.role = Role::Buffer);
    }

    /// Keeps gradients from moving one variable.
    pub fn freeze_one(&mut self, id: VarId) {
        self.list[id.0].role = Role::Buffer;
    }

    /// The engine of the variables.
    pub fn engine(&self) -> Engine {
        self.list.first().map_or_else(Engine::default, |var| Engine::of(&var.value))
    }

    /// The same variables on another engine.
    #[must_use]
    pub fn on(&self, engine: &Engine) -> Self {
        let moved = |var: &Var| Var {
            value: var.value.clone().to_device(&engine.device).cast(engine.dtype),
            ..var.clone()
        };
        let list: Vec<Var> = self.list.iter().map(moved).collect();
        Self { arranged: list.iter().map(|_| OnceLock::new()).collect(), list }
    }

    /// Numbers that training moves.
    pub fn weights(&self) -> usize {
        let trained = self.list.iter().filter(|var| var.role != Role::Buffer);
        trained.map(|var| var.value.dims().iter().product::<usize>()).sum()
    }

    /// The values as constants, for everything but training.
    pub fn values(&self) -> Weights {
        Weights {
            list: self.list.iter().map(|var| var.value.clone()).collect(),
            arranged: Some(
                self.arranged
                    .iter()
                    .map(|arranged| arranged.get_or_init(Arc::default).clone())
                    .collect(),
            ),
        }
    }

    /// The values as leaves of a gradient computation where `moved` holds, as constants elsewhere.
    pub fn leaves(&self, moved: impl Fn(&Var) -> bool) -> Weights {
        let leaf = |var: &Var| {
            let value = var.value.clone();
            if var.role != Role::Buffer && moved(var) {
                value.autodiff().require_grad()
            } else {
                value
            }
        };
        Weights { list: self.list.iter().map(leaf).collect(), arranged: None }
    }
}

/// What a new variable holds.
#[derive(Clone, Copy, Debug)]
pub enum Fill {
    /// One number everywhere.
    Constant(f64),
    /// Uniform between `-bound` and `bound`.
    Uniform(f64),
}

/// Makes the variables of a model, from random numbers or from a file.
///
/// From a file nothing is allocated beyond what the file holds: a shape that the file does not have
/// is an error.
pub struct Init<'a> {
    origin: Origin<'a>,
    engine: Engine,
    group: Group,
    vars: Vars,
}

/// Weights of a file by name: their shape inside, as rows and columns, and their numbers.
pub type Stored = BTreeMap<String, ([usize; 2], Vec<f32>)>;

enum Origin<'a> {
    Random(Box<Rng>),
    Stored(&'a mut Stored),
}

impl<'a> Init<'a> {
    /// Fresh variables from random numbers.
    pub fn random(rng: &Rng, engine: &Engine) -> Self {
        Self::new(Origin::Random(Box::new(rng.split("weights"))), engine)
    }

    /// Variables with the values of a file.
    pub fn stored(values: &'a mut Stored, engine: &Engine) -> Self {
        Self::new(Origin::Stored(values), engine)
    }

    fn new(origin: Origin<'a>, engine: &Engine) -> Self {
        Self { origin, engine: engine.clone(), group: ENCODER, vars: Vars::default() }
    }

    /// The part of the model that the following variables belong to.
    pub fn group(&mut self, group: Group) -> &mut Self {
        self.group = group;
        self
    }

    /// Makes a variable [rows, columns].
    ///
    /// The fan-in that scales a [`Fill`] is the caller's business. Errors: a name twice, or a file
    /// that lacks the variable or has it in another shape.
    pub fn variable(
        &mut self,
        name: &str,
        shape: [usize; 2],
        fill: Fill,
        role: Role,
        layout: FileLayout,
    ) -> Result<VarId> {
        if self.vars.list.iter().any(|var| var.name == name) {
            return Err(Error::shape(format!("variable {name}"), "made twice", "one of each name"));
        }
        let length = shape[0].checked_mul(shape[1]).filter(|length| *length <= i32::MAX as usize);
        let length = length.ok_or_else(|| {
            Error::setting(
                name,
                format!("{} x {}", shape[0], shape[1]),
                "at most 2147483647 numbers; choose narrower layers",
            )
        })?;
        let values = match &mut self.origin {
            Origin::Random(rng) => {
                let mut rng = rng.split(name);
                match fill {
                    Fill::Constant(value) => vec![value as f32; length],
                    Fill::Uniform(bound) => {
                        (0..length).map(|_| (2.0 * rng.unit() - 1.0) * bound as f32).collect()
                    }
                }
            }
            Origin::Stored(stored) => {
                let (found, values) = stored.remove(name).ok_or_else(|| {
                    Error::shape(
                        format!("variable {name}"),
                        "nothing",
                        format!("{} x {}", shape[0], shape[1]),
                    )
                })?;
                if found != shape {
                    return Err(Error::shape(
                        format!("variable {name}"),
                        format!("{} x {}", found[0], found[1]),
                        format!("{} x {}", shape[0], shape[1]),
                    ));
                }
                values
            }
        };
        let value = self.engine.tensor(values, shape);
        self.vars.arranged.push(OnceLock::new());
        self.vars.list.push(Var { name: name.to_owned(), value, role, group: self.group, layout });
        Ok(VarId(self.vars.list.len() - 1))
    }

    /// How many variables there are so far.
    pub fn len(&self) -> usize {
        self.vars.len()
    }

    /// Whether there is no variable yet.
    pub fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }

    /// The variables that were made behind the first `count`, by name.
    pub fn since(&self, count: usize) -> BTreeMap<String, VarId> {
        let behind = self.vars.iter().skip(count);
        behind.map(|(id, var)| (var.name.clone(), id)).collect()
    }

    /// The variables so far, which are finished.
    pub fn taken(&mut self) -> Vars {
        std::mem::take(&mut self.vars)
    }

    /// The finished variables.
    pub fn finish(self) -> Vars {
        self.vars
    }
}
