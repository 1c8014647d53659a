//! The engine's parts under the paths that its macro for extensions writes.

/// Backends, the one type that stands for all of them, and the macro.
pub(crate) mod backend {
    pub(crate) use burn_backend::*;
    pub(crate) use burn_backend_extension::backend_extension;
    pub(crate) use burn_dispatch::backends::*;
    pub(crate) use burn_dispatch::{backend::*, device::*, tensor::*};
}
