//! A thread that keeps up with what processes map, so that those that have ended are known.

use super::spaces::Spaces;
use crate::sys::mappings::Changes;
use crate::sys::signals;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the start may wait for all processes to be looked at.
const PATIENCE: Duration = Duration::from_millis(200);
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
    /// Ends when all processes have been looked at.
    looking: Option<Receiver<()>>,
}

impl Watch {
    /// All processes, up to now.
    pub(super) fn spaces<R>(&self, ask: impl FnOnce(&mut Spaces) -> R) -> R {
        let mut watched = lock(&self.watched);
        watched.catch_up();
        ask(&mut watched.spaces)
    }

    /// Sees all changes from now on, and looks at what the processes have that are there, or one of them.
    pub(super) fn start(&mut self, only: Option<u32>) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let cpus = aya::util::online_cpus().map_err(|(_, error)| error)?;
        {
            let mut watched = lock(&self.watched);
            watched.changes = Some(Changes::open(&cpus)?);
            if let Some(pid) = only {
                watched.spaces.look_at(pid);
            }
        }
        let (look, looking) = channel();
        self.looking = Some(looking);
        let (watched, over) = (Arc::clone(&self.watched), Arc::clone(&self.over));
        let thread = std::thread::Builder::new().name("processes".into());
        thread.spawn(move || {
            signals::deliver_here(false);
            if only.is_none() {
                look_at_all(&watched, &over);
            }
            drop(look);
            keep_up(&watched, &over);
        })?;
        Ok(())
    }

    pub(super) fn wait(&mut self) {
        if let Some(looking) = self.looking.take() {
            // Nothing is ever sent.
            let _ = looking.recv_timeout(PATIENCE);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn look_at_all(watched: &Mutex<Watched>, over: &AtomicBool) {
    for pid in pids() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        // One at a time: whoever asks does not wait for all.
        let mut watched = lock(watched);
        watched.catch_up();
        watched.spaces.look_at(pid);
    }
}

fn keep_up(watched: &Mutex<Watched>, over: &AtomicBool) {
    let fds: Vec<_> = {
        let watched = lock(watched);
        let fds = watched.changes.iter().flat_map(Changes::fds);
        fds.filter_map(|fd| fd.as_fd().try_clone_to_owned().ok())
            .collect()
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
