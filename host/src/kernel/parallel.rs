//! Many things at once, where each of them mostly waits for the kernel.

/// Threads at a time. They wait, so that they may be more than the CPUs.
const THREADS: usize = 64;

/// Does `work` with each item, on up to [`THREADS`] threads; the results stand in the order of the items.
pub(super) fn map<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items: Vec<T> = items.into_iter().collect();
    if items.len() < 2 {
        return items.into_iter().map(work).collect();
    }
    let share = items.len().div_ceil(THREADS);
    let (mut items, work) = (items.into_iter(), &work);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        loop {
            let part: Vec<T> = items.by_ref().take(share).collect();
            if part.is_empty() {
                break;
            }
            threads.push(scope.spawn(move || part.into_iter().map(work).collect::<Vec<R>>()));
        }
        let results = threads.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        results.flatten().collect()
    })
}
