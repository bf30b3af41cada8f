//! The thread that attaches and detaches: some links take a tenth of a second, and the VM never waits for them.

use super::attach::NotAttached;
use super::instance::Instance;
use super::parallel;
use crate::spec::ProbeId;
use crate::sys::signals::Wakeup;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The programs of one probe.
pub struct Batch {
    pub probe: ProbeId,
    pub instances: Vec<Instance>,
}

enum Request {
    Attach(Batch),
    Detach(Batch),
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
    Detached(Batch),
}

/// The VM's side of the thread, which ends when this is dropped.
pub struct Control {
    requests: Sender<Request>,
    done: Receiver<Done>,
}

impl Control {
    /// Starts the thread. It wakes `wakeup` whenever something is done.
    pub fn start(wakeup: Wakeup) -> io::Result<Self> {
        let (requests, asked) = channel();
        let (answers, done) = channel();
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                for request in asked {
                    let answer = match request {
                        Request::Attach(batch) => attach(batch),
                        Request::Detach(batch) => Done::Detached(detached(batch)),
                    };
                    if answers.send(answer).is_err() {
                        return;
                    }
                    wakeup.wake();
                }
            })?;
        Ok(Self { requests, done })
    }

    pub fn attach(&self, batch: Batch) {
        // The thread lives as long as this does.
        let _ = self.requests.send(Request::Attach(batch));
    }

    pub fn detach(&self, batch: Batch) {
        let _ = self.requests.send(Request::Detach(batch));
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

fn attach(mut batch: Batch) -> Done {
    let attached = parallel::map(&mut batch.instances, Instance::attach);
    let failed = attached
        .into_iter()
        .enumerate()
        .find_map(|(number, attached)| Some((number, attached.err()?)));
    match failed.or_else(|| nothing(&mut batch.instances)) {
        None => Done::Attached(batch),
        Some((number, error)) => Done::Failed {
            batch: detached(batch),
            number,
            error,
        },
    }
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

/// Closing a link waits until the kernel is done with it: all at once.
fn detached(mut batch: Batch) -> Batch {
    detach_all(&mut batch.instances);
    batch
}

/// Detaches every instance, all at once.
pub fn detach_all(instances: &mut [Instance]) {
    let attached = instances
        .iter_mut()
        .filter(|instance| instance.is_attached());
    parallel::map(attached, Instance::detach);
}
