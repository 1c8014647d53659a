//! Models of files, with everything that is attached to them.

use model::{Model, archive_bytes};
use rows::{Error, Result};
use std::path::Path;
use study::{Classifier, Density, Detector, Ensemble, Evaluation, Pca};

/// Reads a model and all that is attached to it, so that damage is told at once.
///
/// Errors: the file cannot be read, is no model, is damaged, or of a newer version.
pub fn load(path: &Path) -> Result<Model> {
    let bytes = archive_bytes(path)?;
    from_bytes(&bytes, &path.display().to_string())
}

/// The same from the bytes of a file; `place` names it in errors.
///
/// Errors as [`load`].
pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Model> {
    let model = Model::from_bytes(bytes, place)?;
    check(&model).map_err(|error| {
        let why = match error {
            Error::Model { message, .. } => message.to_string(),
            other => other.to_string(),
        };
        Error::model(place, format!("is damaged: {why}"))
    })?;
    Ok(model)
}

fn check(model: &Model) -> Result<()> {
    model.find::<Pca>()?;
    model.find::<Density>()?;
    model.find::<Ensemble>()?;
    model.find::<Detector>()?;
    model.find::<Classifier>()?;
    model.find::<Evaluation>()?;
    Ok(())
}
