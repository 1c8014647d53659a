//! The threads that work is shared among.

use crate::show::Show;
use autoencoders::{Error, Result};
use rayon::{ThreadBuilder, ThreadPoolBuilder};
use std::io;
use std::num::NonZero;
use std::sync::mpsc::{SendError, Sender, channel};
use std::thread::{Builder, available_parallelism};

/// What other programs with such a pool read too.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Starts as many threads as were asked for, or as there are cores, or as a variable says that others
/// know too; where the system starts fewer, as many as it does, with a warning, down to this one alone.
///
/// An error where more were asked for than this machine starts.
pub(crate) fn start(wanted: Option<u16>, show: &Show) -> Result<()> {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    let said = || std::env::var(VARIABLE).ok()?.parse().ok().filter(|count| *count > 0);
    let count = wanted.or_else(said).map_or_else(cores, usize::from);
    // A pool that fails to start would leave none: it gets threads that have started.
    let threads = waiting(count);
    let can = threads.len();
    if let (Some(wanted @ 2..), true) = (wanted, can < count) {
        let most = can.max(1);
        let most =
            format!("at most {most}: this system starts no more now; or none to be asked for");
        return Err(Error::setting("threads", wanted, most));
    }
    let outcome = if can == 0 {
        show.warn("this system starts no more threads now; the work is done on this one alone");
        ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()
    } else {
        if can < count {
            show.warn(format!(
                "this system starts {can} of {count} threads now, which do the work"
            ));
        }
        let mut threads = threads.into_iter();
        ThreadPoolBuilder::new()
            .num_threads(can)
            .spawn_handler(move |work| {
                let thread = threads.next().ok_or_else(|| io::Error::other("no thread is left"))?;
                thread.send(work).map_err(|SendError(_)| io::Error::other("a thread has ended"))
            })
            .build_global()
    };
    outcome.map_err(|error| {
        Error::setting("threads", count, format!("a number that this machine can start ({error})"))
    })
}

/// Threads that have started and wait for their work, as many as start, up to a number; without any
/// they end.
fn waiting(most: usize) -> Vec<Sender<ThreadBuilder>> {
    let start = |_| {
        let (sender, work) = channel::<ThreadBuilder>();
        let run = move || {
            if let Ok(work) = work.recv() {
                work.run();
            }
        };
        Builder::new().spawn(run).ok().map(|_| sender)
    };
    (0..most).map_while(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_threads_start() {
        assert_eq!([0, 1, 4].map(|most| waiting(most).len()), [0, 1, 4]);
    }
}
