//! The threads that work is shared among.

use crate::show::Show;
use autoencoders::{Error, Result};
use rayon::ThreadPoolBuilder;
use std::num::NonZero;
use std::sync::RwLock;
use std::thread::{Builder, available_parallelism, scope};

/// Starts as many threads as were asked for, or as there are cores; where the system starts fewer, as
/// many as it does, with a warning, down to this one alone.
///
/// An error where more were asked for than this machine starts.
pub(crate) fn start(wanted: Option<u16>, show: &Show) -> Result<()> {
    let builder = ThreadPoolBuilder::new();
    let cores = available_parallelism().map_or(1, NonZero::get);
    let count = wanted.map_or(cores, usize::from);
    // A pool that fails to start would leave none.
    let can = startable(count);
    let alone = |builder: ThreadPoolBuilder| builder.num_threads(1).use_current_thread();
    let outcome = match wanted {
        // As many as cores, or as a variable says that others know too.
        None if can == count => builder.build_global(),
        Some(_) if can == count => builder.num_threads(count).build_global(),
        Some(wanted) if wanted > 1 => {
            let most =
                format!("at most {can}: this system starts no more now; or none to be asked for");
            return Err(Error::setting("threads", wanted, most));
        }
        _ if can < 2 => {
            show.warn("this system starts no more threads now; the work is done on this one alone");
            alone(builder).build_global()
        }
        _ => {
            show.warn(format!(
                "this system starts {can} of {count} threads now, which do the work"
            ));
            builder.num_threads(can).build_global()
        }
    };
    outcome.map_err(|error| {
        Error::setting("threads", count, format!("a number that this machine can start ({error})"))
    })
}

/// How many threads start side by side, up to a number.
fn startable(most: usize) -> usize {
    let gate = RwLock::new(());
    scope(|scope| {
        // Those that have started wait until no more is.
        let closed = gate.write();
        let wait = || drop(gate.read());
        let start = |_: &usize| Builder::new().spawn_scoped(scope, wait).is_ok();
        let count = (0..most).take_while(start).count();
        drop(closed);
        count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_threads_start() {
        assert_eq!([0, 1, 4].map(startable), [0, 1, 4]);
    }
}
