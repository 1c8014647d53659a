//! Trains autoencoders: losses of batches, optimisers, the one loop, layers one by one.

mod autoencoding;
mod checkpoint;
mod epochs;
mod event;
mod fit;
mod gradient;
mod lbfgs;
mod method;
mod objective;
mod optimise;
mod pretraining;
pub mod rbm;
mod settings;
mod single;
mod stack;

pub use autoencoding::Autoencoding;
pub use checkpoint::{Best, Reserved, State};
pub use epochs::Job;
pub use event::{Event, Flow, Outcome, Trained};
pub use fit::{one, train};
pub use gradient::{GradientCheck, gradient_check};
pub use method::{Method, Schedule};
pub use objective::{Objective, mean_terms};
pub use optimise::{Moment, Optimiser, descend};
pub use pretraining::Pretraining;
pub use settings::{Settings, TrainSettings};
pub use single::{Begin, Single, Start};
