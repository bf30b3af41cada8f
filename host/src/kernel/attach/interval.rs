//! Intervals: perf's CPU clock on one CPU.

use super::Link;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_perf_event", ProgramType::PerfEvent);

/// On the first CPU that is online, which need not be CPU 0.
pub(super) fn attach(program: BorrowedFd<'_>, nanoseconds: u64) -> io::Result<Link> {
    let cpus = aya::util::online_cpus().map_err(|(_, error)| error)?;
    let cpu = cpus.first().copied().unwrap_or(0);
    Ok(Link::Perf(vec![perf::attach(
        &Event::Period { nanoseconds, cpu },
        program,
    )?]))
}
