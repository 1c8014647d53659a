//! Ctrl-C and SIGTERM during a training.

use crate::exit::Exit;
use crate::show::Show;
use autoencoders::Flow;
use std::sync::atomic::{AtomicBool, Ordering};

/// A signal has come.
static STOP: AtomicBool = AtomicBool::new(false);
/// A step will soon ask whether one has come.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Turns the first signal into a wish to stop; the second ends the process at once.
pub(crate) fn listen(show: &Show) {
    ASKED.store(true, Ordering::SeqCst);
    let heard = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) || !ASKED.load(Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    });
    if let Err(error) = heard {
        show.warn(format!("an interrupt will lose the running epoch ({error})"));
    }
}

/// What a training should do.
pub(crate) fn flow() -> Flow {
    if STOP.load(Ordering::SeqCst) { Flow::Stop } else { Flow::Continue }
}

/// From here on the first signal ends the process.
pub(crate) fn release() {
    ASKED.store(false, Ordering::SeqCst);
}
