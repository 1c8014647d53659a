//! Ctrl-C and SIGTERM during a training.

use crate::exit::Exit;
use crate::show::Show;
use autoencoders::Flow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// A signal has come: the next one ends the process at once.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// No step will ask whether one has come: the first ends the process.
static AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Turns the first signal into a wish to stop; the second ends the process at once. Once in a
/// process.
pub(crate) fn listen(show: &Show) {
    if let Err(error) = on_signals() {
        show.warn(format!("an interrupt will lose the running epoch ({error})"));
    }
}

/// A terminal that closes (SIGHUP) is no such signal: whoever wants to go on without it says so by
/// `nohup`, which a handler would undo.
#[cfg(unix)]
fn on_signals() -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first does not end it.
        for ends in [&AT_ONCE, &STOP] {
            flag::register_conditional_shutdown(
                signal,
                Exit::Interrupted.code().into(),
                Arc::clone(ends),
            )?;
        }
        flag::register(signal, Arc::clone(&STOP))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn on_signals() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if AT_ONCE.load(Ordering::SeqCst) || STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    })
}

/// What a training should do.
pub(crate) fn flow() -> Flow {
    if STOP.load(Ordering::SeqCst) { Flow::Stop } else { Flow::Continue }
}

/// From here on the first signal ends the process.
pub(crate) fn release() {
    AT_ONCE.store(true, Ordering::SeqCst);
}
