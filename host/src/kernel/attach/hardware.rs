//! The processor's counters: cycles, cache misses and the like. Many virtual machines have none.

use super::{Link, counter};
use crate::plan::Counting;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::Counted;
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_perf_event", ProgramType::PerfEvent);

pub(super) fn attach(program: BorrowedFd<'_>, counting: &Counting) -> io::Result<Link> {
    counter::attach(program, counting, Counted::Hardware)
}
