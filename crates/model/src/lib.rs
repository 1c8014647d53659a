//! What an autoencoder is: the rows it knows, its networks, its family, its file.
//!
//! It is trained by the crate above and studied by the one above that; here are no optimiser and no
//! reader of files of rows.

mod archive;
mod blueprint;
mod coder;
mod engine {
    pub(crate) mod ahead;
    pub(crate) mod algebra;
    pub(crate) mod noise;
    pub(crate) mod tensors;
}
pub mod families;
mod family {
    pub(crate) mod code;
    #[allow(clippy::module_inception, reason = "the trait of the folder's name")]
    pub(crate) mod family;
    pub(crate) mod phase;
    pub(crate) mod prior;
    pub(crate) mod registry;
    pub(crate) mod terms;
}
mod json;
mod kept;
mod likelihood {
    pub(crate) mod kind;
    pub(crate) mod table;
}
mod model;
mod net {
    pub(crate) mod jacobian;
    pub(crate) mod layer;
    pub(crate) mod network;
    pub(crate) mod pass;
    pub(crate) mod vars;
}
mod parts;
mod plan;
mod prepare {
    pub(crate) mod layout;
    pub(crate) mod preparation;
    pub(crate) mod scale;
    pub(crate) mod table;
    pub(crate) mod text;
    pub(crate) mod whiten;
}
mod provenance;
mod saved;
mod settings;
mod signature;

pub use archive::{
    ArchiveKind, FORMAT, NamedTensor, Waiting, archive_bytes, hexadecimal, inside, laid_out,
    parse_archive, read_archive, take, vector, write_archive,
};
pub use blueprint::{Blueprint, Net, Norm, image_sides, map_width};
pub use coder::Coder;
pub use engine::ahead::{HANDED_OVER, ahead, aside};
pub use engine::algebra::{BLOCK, add, cholesky, orthonormal, principal, strongest};
pub use engine::noise::Draw;
pub use engine::tensors::{Engine, read};
pub use families::FAMILIES;
pub use family::code::{Batch, Code, CodeKind, Lists};
pub use family::family::{Choice, Done, Family, Step, check_distribution};
pub use family::phase::{Phase, Tuning};
pub use family::prior::{Drawn, Prior, StandardNormal};
pub use family::registry::{Entry as FamilyEntry, Parse};
pub use family::terms::{Loss, Number, Numbers, Sums, Term, Terms};
pub use json::Json;
pub use kept::Section;
pub use likelihood::kind::Likelihood;
pub use likelihood::table::{hide, known};
pub use model::{Attachment, Inside, Model};
pub use net::jacobian::*;
pub use net::layer::{Layer, weight_bound};
pub use net::network::Network;
pub use net::pass::{Mode, Pass, Progress};
pub use net::vars::{
    DECODER, ENCODER, EXTRA, FileLayout, Fill, Group, Init, Role, Stored, Var, VarId, Vars, Weights,
};
pub use parts::Parts;
pub use plan::{Plan, entry};
pub use prepare::layout::Layout;
pub use prepare::preparation::{Preparation, Prepared};
pub use prepare::scale::{Bounds, Scale};
pub use prepare::table::{ColumnRange, Encoding, MOST_LEVELS, Table};
pub use prepare::text::Vocabulary;
pub use prepare::whiten::Whiten;
pub use provenance::{EpochRecord, Provenance};
pub use settings::{ModelSettings, between, within};
pub use signature::Signature;
