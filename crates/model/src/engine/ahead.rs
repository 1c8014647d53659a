//! Work done ahead of its use: the next batch is made while the current one trains.

#[cfg(feature = "threads")]
use rows::Error;
use rows::Result;

/// Numbers that take about as long to make ready as to hand over to another thread.
pub const HANDED_OVER: usize = 1 << 14;

/// Calls `consume` with the items of an iterator, which are made on a thread of their own,
/// `together` at a time and at most two times as many ahead: handing over takes some microseconds,
/// which many small items share.
///
/// With none together, or where there is one thread for everything, they are made as they are asked
/// for. The items and their order are the same either way. A consumer that stops early ends the
/// thread too.
pub fn ahead<T: Send, R>(
    mut items: impl Iterator<Item = T> + Send,
    together: usize,
    consume: impl FnOnce(&mut (dyn Iterator<Item = T> + Send)) -> Result<R>,
) -> Result<R> {
    #[cfg(feature = "threads")]
    if together > 0
        && rayon::current_num_threads() > 1
        && let Some(pool) = thread_of_its_own()
    {
        return pool.in_place_scope(|scope| {
            // Some wait in the channel while the next are made.
            let (give, take) = std::sync::mpsc::sync_channel::<Vec<T>>(1);
            scope.spawn(move |_| {
                let groups =
                    std::iter::repeat_with(|| items.by_ref().take(together).collect::<Vec<T>>());
                // An error in giving means that nobody listens any more.
                groups
                    .take_while(|group| !group.is_empty())
                    .try_for_each(|group| give.send(group))
                    .ok();
            });
            let mut items = take.into_iter().flatten();
            let result = consume(&mut items);
            drop(items);
            result
        });
    }
    let _ = together;
    consume(&mut items)
}

/// Calls `consume`, where it is `worth` a thread on one, with the items of all groups, which are
/// made on this one meanwhile: one group is made and one waits while one is consumed.
pub fn aside<T: Send, R: Send>(
    groups: impl Iterator<Item = Vec<T>> + Send,
    worth: bool,
    consume: impl FnOnce(&mut (dyn Iterator<Item = T> + Send)) -> Result<R> + Send,
) -> Result<R> {
    #[cfg(feature = "threads")]
    if worth
        && rayon::current_num_threads() > 1
        && let Some(pool) = thread_of_its_own()
    {
        let (mut groups, mut result) = (groups, None);
        pool.in_place_scope(|scope| {
            let (give, take) = std::sync::mpsc::sync_channel::<Vec<T>>(1);
            let result = &mut result;
            scope.spawn(move |_| *result = Some(consume(&mut take.into_iter().flatten())));
            groups.try_for_each(|group| give.send(group)).ok();
        });
        // The scope has waited for it.
        return result.unwrap_or_else(|| Err(Error::bug("a thread ended without a result")));
    }
    let _ = worth;
    consume(&mut groups.flatten())
}

/// A pool of one thread, so that what runs there never waits for workers that wait for it; none where
/// the system starts no more threads, and everything is done on this one.
#[cfg(feature = "threads")]
fn thread_of_its_own() -> Option<rayon::ThreadPool> {
    let name = |_| "blocks".to_owned();
    rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(name).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "threads")]
    use rayon::prelude::*;

    #[test]
    fn items_come_in_order_with_and_without_a_thread() {
        for together in [0, 1, 7, 100, 1000] {
            let all: Vec<usize> = ahead(0..100, together, |items| Ok(items.collect())).unwrap();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
        }
        for worth in [false, true] {
            let groups = (0..100).step_by(7).map(|first| (first..100.min(first + 7)).collect());
            let all: Vec<usize> = aside(groups, worth, |items| Ok(items.collect())).unwrap();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_consumer_may_stop_early() {
        for worth in [false, true] {
            assert_eq!(
                ahead(0.., 2 * usize::from(worth), |items| Ok(items.nth(2))).unwrap(),
                Some(2)
            );
            assert_eq!(
                aside((0..).map(|item| vec![item]), worth, |items| Ok(items.nth(2))).unwrap(),
                Some(2)
            );
        }
    }

    #[test]
    #[cfg(feature = "threads")]
    fn more_trainings_than_workers_do_not_wait_for_each_other() {
        // Each item needs workers of its own, and both workers of the pool wait for items.
        let item = |n: usize| (0..10_000).into_par_iter().map(|k| k % 7 + n).sum::<usize>();
        let run = || ahead((0..20).map(item), 1, |items| Ok(items.count())).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let counts: Vec<usize> =
            pool.install(|| (0..4).into_par_iter().with_max_len(1).map(|_| run()).collect());
        assert_eq!(counts, [20; 4]);
    }
}
