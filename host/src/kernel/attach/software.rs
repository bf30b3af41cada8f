//! The kernel's own counters: page faults, context switches and the like.

use super::{Link, counter};
use crate::plan::Counting;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::Counted;
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_perf_event", ProgramType::PerfEvent);

pub(super) fn attach(program: BorrowedFd<'_>, counting: &Counting) -> io::Result<Link> {
    counter::attach(program, counting, Counted::Software)
}
