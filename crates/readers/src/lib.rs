//! Files of rows, read and written.
//!
//! [`read`] takes a path or a built-in name and refuses what cannot be trained on, [`describe`]
//! tells what is in a file without refusing, [`write_table`] and its neighbours write results.
//!
//! | module | what |
//! |---|---|
//! | `read`, `options` | from a name to rows; how |
//! | `describe`, `summary`, `check` | what is in a source; its numbers; what is worth a look |
//! | `text` | files of text: their encoding, how they are laid out, their records |
//! | `tables` | tables of every format: cells, what columns hold, which tables are refused |
//! | `arrays` | npy, npz, IDX |
//! | `pictures` | folders of images, patches of photographs |
//! | `series`, `stamps` | windows over points in time |
//! | `labels`, `names` | labels and identifiers, columns by name |
//! | `hold` | opening files, and rows that stay on disk |
//! | `write`, `fill` | tables and arrays of results; tables again with their gaps filled |

mod arrays {
    pub(crate) mod array;
    pub(crate) mod idx;
    pub(crate) mod npy;
    pub(crate) mod npz;
}
mod check;
mod describe;
mod digits;
mod fill;
mod hold {
    pub(crate) mod disk;
    pub(crate) mod element;
    pub(crate) mod guarded;
    pub(crate) mod pieces;
    pub(crate) mod sink;
    pub(crate) mod source;
    pub(crate) mod zipped;
}
mod labels;
mod names;
mod options;
mod pictures {
    pub(crate) mod images;
    pub(crate) mod patches;
    pub(crate) mod picture;
}
mod read;
mod series {
    pub(crate) mod channels;
    pub(crate) mod cut;
    pub(crate) mod grid;
    pub(crate) mod point;
    pub(crate) mod points;
}
mod stamps;
mod summary;
mod tables {
    pub(crate) mod amount;
    pub(crate) mod arrow;
    pub(crate) mod cell;
    pub(crate) mod column;
    pub(crate) mod copied;
    pub(crate) mod csv;
    pub(crate) mod excel;
    pub(crate) mod filled;
    pub(crate) mod json;
    pub(crate) mod owned;
    pub(crate) mod parquet;
    pub(crate) mod parquet_fill;
    pub(crate) mod parquet_guard;
    pub(crate) mod parquet_table;
    pub(crate) mod records;
    pub(crate) mod refuse;
    pub(crate) mod sqlite;
    pub(crate) mod table;
    pub(crate) mod workbook;
}
mod text {
    pub(crate) mod clean;
    pub(crate) mod encoding;
    pub(crate) mod layout;
    pub(crate) mod lines;
    pub(crate) mod raw;
}
mod write;

pub use describe::{ColumnDescription, Description, describe};
pub use fill::write_filled;
pub use hold::guarded::panic_is_caught;
pub use names::one_name;
pub use options::ReadOptions;
pub use pictures::patches::Patches;
pub use read::read;
pub use series::point::{Point, read_point};
pub use tables::column::read_cell;
pub use tables::csv::read_line;
pub use tables::filled::{Fill, FilledCell};
pub use tables::json::{JsonLine, read_json_line};
pub use text::encoding::Encoding;
pub use text::layout::{Delimiter, TextLayout};
pub use write::{
    TableNumber, write_new_rows, write_npy, write_npy_blocks, write_table, write_table_blocks,
};

/// The folder of real data that tests read, named by the variable `AE_DATA`.
#[cfg(test)]
#[allow(clippy::print_stderr)]
fn real_data() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("AE_DATA").map(std::path::PathBuf::from);
    if folder.is_none() {
        eprintln!("AE_DATA is unset: nothing was tested on real data here");
    }
    folder
}
