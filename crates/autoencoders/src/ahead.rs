//! Work done ahead of its use: the next batch is made while the current one trains.

use crate::error::{Error, Result};
use std::path::Path;

/// Calls `consume` with the items of an iterator. Where it is `worth` a thread, they are made on one, at most two ahead.
///
/// The items and their order are the same either way. A consumer that stops early ends the thread too.
pub(crate) fn ahead<T: Send, R>(
    mut items: impl Iterator<Item = T> + Send,
    worth: bool,
    consume: impl FnOnce(&mut (dyn Iterator<Item = T> + Send)) -> Result<R>,
) -> Result<R> {
    #[cfg(feature = "threads")]
    if worth {
        return std::thread::scope(|scope| {
            // One waits in the channel while the next is made.
            let (give, take) = std::sync::mpsc::sync_channel(1);
            let making = std::thread::Builder::new().name("batches".to_owned()).spawn_scoped(scope, move || {
                // An error in giving means that nobody listens any more.
                items.try_for_each(|item| give.send(item)).ok();
            });
            making.map_err(|error| Error::io(Path::new("a thread for batches"), error))?;
            consume(&mut take.into_iter())
        });
    }
    let _ = worth;
    consume(&mut items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_with_and_without_a_thread() {
        for worth in [false, true] {
            let all: Vec<usize> = ahead(0..100, worth, |items| Ok(items.collect())).unwrap();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_consumer_may_stop_early() {
        for worth in [false, true] {
            assert_eq!(ahead(0.., worth, |items| Ok(items.nth(2))).unwrap(), Some(2));
        }
    }
}
