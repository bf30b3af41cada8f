//! The threads that attach and detach: some links take a tenth of a second, and the VM never waits for them. A probe that
//! is attached does not wait for one that is detached either.

use super::attach::NotAttached;
use super::instance::Instance;
use super::parallel::in_parallel;
use crate::plan::SiteId;
use crate::spec::ProbeId;
use crate::sys::rcu::Barrier;
use crate::sys::signals::{self, Wakeup};
use moontrace_abi::Book;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The programs of one probe.
pub struct Batch {
    pub probe: ProbeId,
    pub instances: Vec<Instance>,
}

/// What is left of a program that was taken down: its books. It holds nothing of the kernel's.
pub struct Closed {
    pub site: SiteId,
    /// As [`Instance::books`] has them.
    pub books: io::Result<(Book, u64)>,
    /// As [`Instance::is_raw_tracepoint`] has it.
    pub is_raw_tracepoint: bool,
}

/// What became of a request.
pub enum Done {
    Attached(Batch),
    /// The instance of that number could not be attached; the others are detached again.
    Failed {
        batch: Batch,
        number: usize,
        error: NotAttached,
    },
    Detached {
        probe: ProbeId,
        closed: Vec<Closed>,
    },
}

/// The VM's side of the threads, which end when this is dropped.
pub struct Control {
    attach: Sender<Vec<Batch>>,
    detach: Sender<Vec<Batch>>,
    done: Receiver<Done>,
}

impl Control {
    /// Starts the threads. They wake `wakeup` whenever something is done.
    pub fn start(wakeup: Wakeup) -> io::Result<Self> {
        let (answers, done) = channel();
        let attach = worker("attach", wakeup.try_clone()?, answers.clone(), attach)?;
        let detach = worker("detach", wakeup, answers, detach)?;
        Ok(Self {
            attach,
            detach,
            done,
        })
    }

    /// Has all of them attached, side by side.
    pub fn attach(&self, batches: Vec<Batch>) {
        // The thread lives as long as this does.
        let _ = self.attach.send(batches);
    }

    pub fn detach(&self, batch: Batch) {
        let _ = self.detach.send(vec![batch]);
    }

    /// What is done by now.
    pub fn poll(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// The next thing that is done; for the start of a script, which waits for its probes.
    pub fn wait(&self) -> Option<Done> {
        self.done.recv().ok()
    }
}

/// A thread that does `work` with all that it was asked for by then.
fn worker(
    name: &str,
    wakeup: Wakeup,
    answers: Sender<Done>,
    work: fn(Vec<Batch>) -> Vec<Done>,
) -> io::Result<Sender<Vec<Batch>>> {
    let (requests, asked) = channel::<Vec<Batch>>();
    let serve = move || {
        signals::deliver_here(false);
        while let Ok(mut batches) = asked.recv() {
            batches.extend(asked.try_iter().flatten());
            for done in work(batches) {
                if answers.send(done).is_err() {
                    return;
                }
            }
            wakeup.wake();
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(serve)?;
    Ok(requests)
}

fn attach(mut batches: Vec<Batch>) -> Vec<Done> {
    let all = batches.iter_mut().flat_map(|batch| &mut batch.instances);
    let mut results = in_parallel(all, Instance::attach).into_iter();
    let answer = |mut batch: Batch| {
        let of_batch = results.by_ref().take(batch.instances.len());
        let mut failed = None;
        for (number, result) in of_batch.enumerate() {
            if let Err(error) = result {
                failed.get_or_insert((number, error));
            }
        }
        match failed.or_else(|| nothing(&mut batch.instances)) {
            None => Done::Attached(batch),
            Some((number, error)) => {
                detach_all(&mut batch.instances);
                Done::Failed {
                    batch,
                    number,
                    error,
                }
            }
        }
    };
    batches.into_iter().map(answer).collect()
}

/// Of a pattern, one site at least must be attached: why the first one isn't, where none is.
fn nothing(instances: &mut [Instance]) -> Option<(usize, NotAttached)> {
    if instances.iter().any(Instance::is_attached) {
        return None;
    }
    let first = instances.first_mut()?.skipped.pop()?;
    let error = NotAttached {
        number: first.number,
        error: first.error,
    };
    Some((0, error))
}

fn detach(mut batches: Vec<Batch>) -> Vec<Done> {
    let all = batches.iter_mut().flat_map(|batch| &mut batch.instances);
    in_parallel(all, Instance::detach);
    // Some kinds of links are closed while their program's last runs go on. A kernel that can't be asked to wait for
    // them has written their books by the time that anybody reads them.
    if let Ok(barrier) = Barrier::new() {
        let _ = barrier.wait();
    }
    let closed = |instance: &Instance| Closed {
        site: instance.site,
        books: instance.books(),
        is_raw_tracepoint: instance.is_raw_tracepoint(),
    };
    let answer = |batch: Batch| Done::Detached {
        probe: batch.probe,
        closed: batch.instances.iter().map(closed).collect(),
    };
    batches.into_iter().map(answer).collect()
}

/// Detaches every instance, several at a time: closing a link waits until the kernel is done with it.
pub fn detach_all(instances: &mut [Instance]) {
    let attached = instances
        .iter_mut()
        .filter(|instance| instance.is_attached());
    in_parallel(attached, Instance::detach);
}
