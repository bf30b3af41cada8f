//! Work in the kernel, done for many things at once.

use crate::sys::signals;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Threads that wait in the kernel at once: more of them only queue up behind its locks.
const WAITING: usize = 32;
/// Bytes of stack of each, as of any thread: what a program of the deepest text is linked with. Only what is used
/// becomes memory.
const STACK: usize = 2 << 20;

/// Does `work`, which mostly waits for the kernel, with each item, several at a time; gives the results in the items' order.
pub(super) fn in_parallel<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    by_threads(WAITING, items.into_iter().collect(), work)
}

/// The same of work that keeps a CPU busy: one is left to the VM.
pub(super) fn compute_in_parallel<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items: Vec<T> = items.into_iter().collect();
    // How many CPUs there are is read from files of cgroups: not for a script's only probe.
    let cpus = match items.len() {
        0 | 1 => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    };
    by_threads(cpus.saturating_sub(1).max(1), items, work)
}

fn by_threads<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let most = items.len().min(threads);
    let queue = Mutex::new(items.into_iter().enumerate());
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    let drain = || {
        loop {
            let next = lock(&queue).next();
            let Some((number, item)) = next else { return };
            let result = work(item);
            lock(&done).push((number, result));
        }
    };
    std::thread::scope(|scope| {
        // This thread is one of them, and does what others can't be had for.
        for _ in 1..most {
            let thread = std::thread::Builder::new()
                .name("attach".into())
                .stack_size(STACK);
            let helper = || {
                signals::deliver_here(false);
                drain();
            };
            if thread.spawn_scoped(scope, helper).is_err() {
                break;
            }
        }
        drain();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_stand_in_the_items_order_and_work_overlaps() {
        // Nobody passes before the other is there, too.
        let both = Barrier::new(2);
        let results = in_parallel([1, 2], |item| {
            both.wait();
            item * 10
        });
        assert_eq!(results, [10, 20]);
        let many: Vec<usize> = (0..1000).collect();
        assert_eq!(in_parallel(many.clone(), |item| item), many);
        assert!(in_parallel(Vec::<u8>::new(), |item| item).is_empty());
    }
}
