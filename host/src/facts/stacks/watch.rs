//! A thread that keeps up with what processes map, so that those that have ended are known.

use super::spaces::Spaces;
use crate::sys::mappings::Changes;
use crate::sys::signals;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long changes may wait, ns.
const PERIOD: u64 = 100_000_000;

/// Processes, and what tells of their changes where they are watched.
#[derive(Default)]
pub(super) struct Watched {
    spaces: Spaces,
    changes: Option<Changes>,
}

impl Watched {
    fn catch_up(&mut self) {
        if let Some(changes) = &mut self.changes {
            for (time, change) in changes.read() {
                self.spaces.apply(time, change);
            }
        }
    }
}

/// What is shared with the thread. It ends when this is dropped, within the period.
#[derive(Default)]
pub(super) struct Watch {
    watched: Arc<Mutex<Watched>>,
    over: Arc<AtomicBool>,
    started: bool,
}

impl Watch {
    /// All processes, up to now.
    pub(super) fn spaces<R>(&self, ask: impl FnOnce(&mut Spaces) -> R) -> R {
        let mut watched = lock(&self.watched);
        watched.catch_up();
        ask(&mut watched.spaces)
    }

    /// Sees all changes from now on, and reads what the processes have that are there.
    pub(super) fn start(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let cpus = aya::util::online_cpus().map_err(|(_, error)| error)?;
        lock(&self.watched).changes = Some(Changes::open(&cpus)?);
        let (watched, over) = (Arc::clone(&self.watched), Arc::clone(&self.over));
        let thread = std::thread::Builder::new().name("processes".into());
        thread.spawn(move || {
            signals::deliver_here(false);
            keep_up(&watched, &over);
        })?;
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn keep_up(watched: &Mutex<Watched>, over: &AtomicBool) {
    for pid in pids() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        // One at a time: whoever asks does not wait for all.
        let mut watched = lock(watched);
        watched.catch_up();
        watched.spaces.look_at(pid);
    }
    let fds: Vec<_> = {
        let watched = lock(watched);
        let fds = watched.changes.iter().flat_map(Changes::fds);
        fds.filter_map(|fd| fd.as_fd().try_clone_to_owned().ok()).collect()
    };
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    while !over.load(Ordering::Relaxed) {
        if signals::wait(&fds, Some(PERIOD)).is_err() {
            return;
        }
        lock(watched).catch_up();
    }
}

/// Nothing that holds it panics half way through a change.
fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every process that there is.
fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
