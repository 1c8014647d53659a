//! Decoders of others, which damaged files have made to panic before.

use rows::{Error, Result};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether a panic of this thread is caught.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a decoder gives; an error where it panics, which must not end the program.
pub(crate) fn guarded<T>(place: &str, decode: impl FnOnce() -> T) -> Result<T> {
    let before = CAUGHT.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    CAUGHT.set(before);
    decoded.map_err(|_| Error::data(place, "is damaged: its decoder gave up"))
}

/// Whether a panic of this thread is caught, and comes back as an error: there is nothing to report
/// then, say, in a panic hook.
pub fn panic_is_caught() -> bool {
    CAUGHT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_a_damaged_file() {
        assert!(guarded("f", panic_is_caught).unwrap());
        let error = guarded("f", || [1][..].to_vec()[1]).unwrap_err();
        assert!(error.to_string().contains("f: is damaged"), "{error}");
        assert!(!panic_is_caught());
    }
}
