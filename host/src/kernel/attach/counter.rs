//! Counters that run a program each time they have counted so many events: one a CPU, or one a thread of a process.

use super::Link;
use crate::plan::Counting;
use crate::sys::perf::{self, Attached, Counted, Event, Of};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;

/// So often a process's threads are listed before and after, until both lists are the same.
const ATTEMPTS: usize = 8;

pub(super) fn attach(
    program: BorrowedFd<'_>,
    counting: &Counting,
    what: Counted,
) -> io::Result<Link> {
    let on = |of| {
        let event = Event::Counter {
            what,
            number: counting.number,
            period: counting.period,
            of,
        };
        perf::attach(&event, program)
    };
    if let Some(pid) = counting.pid {
        for _ in 0..ATTEMPTS {
            if let Some(attached) = in_process(pid, &on)? {
                return Ok(Link::Perf(attached));
            }
        }
        // It makes threads faster than they can be listed. Each CPU sees them all, and the program tells them apart.
    }
    let cpus = aya::util::online_cpus().map_err(|(_, error)| error)?;
    let attached = cpus.into_iter().map(|cpu| on(Of::Cpu(cpu)));
    attached.collect::<io::Result<_>>().map(Link::Perf)
}

/// A counter in each thread of a process; threads that these make inherit it. `None` when one was made meanwhile: whether
/// that one has the counter, and the program on it, can't be told.
fn in_process(
    pid: u32,
    on: &dyn Fn(Of) -> io::Result<Attached>,
) -> io::Result<Option<Vec<Attached>>> {
    let before = threads(pid)?;
    let mut attached = Vec::new();
    for thread in &before {
        match on(Of::Thread(*thread)) {
            Ok(one) => attached.push(one),
            // It has ended.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) => return Err(error),
        }
    }
    let after = threads(pid)?;
    Ok(after.is_subset(&before).then_some(attached))
}

/// The threads of a process, as `/proc/PID/task` lists them.
///
/// # Errors
/// ESRCH when the process is gone.
fn threads(pid: u32) -> io::Result<BTreeSet<u32>> {
    let gone = |_| io::Error::from_raw_os_error(libc::ESRCH);
    let listed = std::fs::read_dir(format!("/proc/{pid}/task")).map_err(gone)?;
    Ok(listed
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_the_threads_that_it_has() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            // SAFETY: has no preconditions.
            tell.send(unsafe { libc::gettid() }).unwrap();
            let _ = ended.recv();
        });
        let own = std::process::id();
        let found = threads(own).unwrap();
        assert!(found.contains(&own), "{found:?}");
        assert!(found.contains(&(told.recv().unwrap() as u32)), "{found:?}");
        drop(end);
        thread.join().unwrap();
    }

    #[test]
    fn a_process_that_is_gone_is_no_process() {
        let error = threads(u32::MAX).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
