//! The end of a run: what is left is read, said and put away.

use super::running::Running;
use crate::event::books::{SiteBook, books};
use crate::kernel::{Instance, control};
use crate::report::{Report, plainly};
use crate::rows::Books;
use crate::spec::ProbeId;
use moontrace_abi::Book;
use std::collections::BTreeMap;
use std::io;

/// Kernels from which on skipped runs are counted: of raw tracepoints, and of everything else.
const MISSED_RAW: (u32, u32) = (6, 1);
const MISSED: (u32, u32) = (6, 7);

/// The books of one probe as they are now.
pub(super) fn books_of(running: &Running, id: ProbeId) -> Result<Books, Report> {
    let probes = running.probes.borrow();
    let Some(probe) = probes.get(&id) else {
        return Ok(Books::default());
    };
    let planner = running.planner.borrow();
    let features = planner.facts().features();
    let mut sites = Vec::new();
    let mut add = |read: Result<(Book, u64), &io::Error>, is_raw_tracepoint: bool| {
        let (book, missed) = read.map_err(|error| {
            Report::new(format!(
                "the books of {} can't be read: {}",
                probe.plan.name,
                plainly(error)
            ))
        })?;
        let (major, minor) = if is_raw_tracepoint {
            MISSED_RAW
        } else {
            MISSED
        };
        sites.push(SiteBook {
            book,
            missed: features.at_least(major, minor).then_some(missed),
        });
        Ok(())
    };
    for instance in &probe.instances {
        add(
            instance.books().as_ref().copied(),
            instance.is_raw_tracepoint(),
        )?;
    }
    for closed in &probe.closed {
        add(closed.books.as_ref().copied(), closed.is_raw_tracepoint)?;
    }
    Ok(books(probe.plan.name.clone(), &sites))
}

/// The books of all probes, in the order of their declarations. `unread`: events by their site that no handler saw.
pub(super) fn all_books(
    running: &Running,
    unread: &BTreeMap<u32, u64>,
) -> Result<Vec<Books>, Report> {
    let ids: Vec<ProbeId> = running.probes.borrow().keys().copied().collect();
    let mut all = Vec::new();
    for id in ids {
        let mut books = books_of(running, id)?;
        let probes = running.probes.borrow();
        let sites = probes
            .get(&id)
            .map(|probe| &probe.plan.sites)
            .into_iter()
            .flatten();
        let names = sites.flat_map(crate::plan::SitePlan::names);
        let waiting: u64 = names.filter_map(|(id, ..)| unread.get(&id.0)).sum();
        if waiting > 0 {
            books.notes.push(("unread", waiting));
        }
        all.push(books);
    }
    Ok(all)
}

/// Counts what waits in the ring, by site: no handler runs any more.
pub(super) fn count_unread(running: &Running) -> BTreeMap<u32, u64> {
    let mut unread = BTreeMap::new();
    let mut ring = running.ring.borrow_mut();
    while let Some(record) = ring.as_mut().and_then(|ring| ring.next_record()) {
        if let Some(record) = crate::event::record::Record::new(record) {
            *unread.entry(record.site()).or_insert(0) += 1;
        }
    }
    unread
}

/// Takes all programs down, and leaves the kernel as it was found.
pub(super) fn detach_all(running: &Running) {
    let mut probes = running.probes.borrow_mut();
    let mut instances: Vec<Instance> = probes
        .values_mut()
        .flat_map(|probe| std::mem::take(&mut probe.instances))
        .collect();
    control::detach_all(&mut instances);
    if let Some(shared) = running.shared.borrow().as_ref() {
        // It can fail for nothing that could still be said or done.
        let _ = shared.settle();
    }
}
