//! Files and folders that a command was told to write.

use autoencoders::{Error, Result};
use std::path::Path;

/// An error where an output is one of the inputs, which `--force` would destroy.
pub(crate) fn refuse_input(output: &Path, inputs: &[&Path]) -> Result<()> {
    let same = |input: &&&Path| {
        output
            .canonicalize()
            .is_ok_and(|output| input.canonicalize().is_ok_and(|input| input == output))
    };
    match inputs.iter().find(same) {
        Some(_) => Err(Error::data(
            output.display(),
            "is read by this very command; choose another name for what it writes",
        )),
        None => Ok(()),
    }
}

/// Whether there is something in a folder that writing into it could replace.
pub(crate) fn holds_files(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// A model by the name of its file.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
