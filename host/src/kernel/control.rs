//! The threads that load, attach and detach: a program takes a millisecond, some links a tenth of a second, and the VM
//! never waits for them. A probe that is attached does not wait for one that is detached either.

use super::attach::{NotAttached, in_order};
use super::instance::Instance;
use super::maps::Maps;
use super::parallel::{compute_in_parallel, in_parallel};
use super::program::LoadError;
use crate::plan::{ProbePlan, SiteId, SitePlan};
use crate::spec::ProbeId;
use crate::sys::rcu::Barrier;
use crate::sys::signals::{self, Wakeup};
use moontrace_abi::Book;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A probe that is to be attached.
pub struct Order {
    pub plan: Arc<ProbePlan>,
    /// Those that its programs refer to are among them.
    pub maps: Arc<Maps>,
}

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
    /// Nothing of the probe is attached.
    Failed {
        probe: ProbeId,
        /// Which of its programs it failed at.
        number: usize,
        error: Failure,
    },
    Detached {
        probe: ProbeId,
        closed: Vec<Closed>,
    },
}

/// Why a probe could not be attached.
pub enum Failure {
    NotLoaded(LoadError),
    NotAttached(NotAttached),
}

/// The VM's side of the threads, which end when this is dropped.
pub struct Control {
    attach: Sender<Vec<Order>>,
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

    /// Has all of them loaded and attached, side by side. Each succeeds or fails by itself.
    pub fn attach(&self, orders: Vec<Order>) {
        // The thread lives as long as this does.
        let _ = self.attach.send(orders);
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
fn worker<T: Send + 'static>(
    name: &str,
    wakeup: Wakeup,
    answers: Sender<Done>,
    work: fn(Vec<T>) -> Vec<Done>,
) -> io::Result<Sender<Vec<T>>> {
    let (requests, asked) = channel::<Vec<T>>();
    let serve = move || {
        signals::deliver_here(false);
        while let Ok(mut all) = asked.recv() {
            all.extend(asked.try_iter().flatten());
            for done in work(all) {
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

/// Every program is loaded before the first one is attached.
fn attach(orders: Vec<Order>) -> Vec<Done> {
    let mut loaded: Vec<Result<Batch, Done>> = load(&orders);
    let all = loaded.iter_mut().flatten();
    let all = all.flat_map(|batch| &mut batch.instances);
    let mut results = attach_in_order(all.collect()).into_iter();
    let mut answer = |mut batch: Batch| {
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
                    probe: batch.probe,
                    number,
                    error: Failure::NotAttached(error),
                }
            }
        }
    };
    loaded
        .into_iter()
        .map(|loaded| loaded.map_or_else(|failed| failed, &mut answer))
        .collect()
}

/// Attaches side by side what does not meet anywhere; gives the results in the instances' order.
fn attach_in_order(instances: Vec<&mut Instance>) -> Vec<Result<(), NotAttached>> {
    let attachments = instances.iter().map(|instance| instance.attachment());
    let lists = in_order(&attachments.collect::<Vec<_>>());
    let mut waiting: Vec<Option<&mut Instance>> = instances.into_iter().map(Some).collect();
    let lists = lists.into_iter().map(|list| {
        let one = |number: usize| Some((number, waiting.get_mut(number)?.take()?));
        list.into_iter().filter_map(one).collect::<Vec<_>>()
    });
    let attach = |list: Vec<(usize, &mut Instance)>| {
        let one = |(number, instance): (usize, &mut Instance)| (number, instance.attach());
        list.into_iter().map(one).collect::<Vec<_>>()
    };
    let lists: Vec<_> = lists.collect();
    let mut results: Vec<_> = in_parallel(lists, attach).into_iter().flatten().collect();
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Links and loads all programs; those of a probe of which one is refused are gone.
fn load(orders: &[Order]) -> Vec<Result<Batch, Done>> {
    let programs = orders.iter().flat_map(|order| {
        let of_order = |site| (order.maps.as_ref(), site);
        order.plan.sites.iter().map(of_order)
    });
    let load = |(maps, site): (&Maps, &SitePlan)| Instance::load(maps, site);
    let mut results = compute_in_parallel(programs, load).into_iter();
    let batch = |order: &Order| {
        let (probe, count) = (order.plan.id, order.plan.sites.len());
        let (mut instances, mut failed) = (Vec::with_capacity(count), None);
        for (number, result) in results.by_ref().take(count).enumerate() {
            match result {
                Ok(instance) => instances.push(instance),
                Err(error) => {
                    failed.get_or_insert((number, error));
                }
            }
        }
        match failed {
            None => Ok(Batch { probe, instances }),
            Some((number, error)) => Err(Done::Failed {
                probe,
                number,
                error: Failure::NotLoaded(error),
            }),
        }
    };
    orders.iter().map(batch).collect()
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
