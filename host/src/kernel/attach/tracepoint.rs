//! Tracepoints through perf, for those whose record's fields are asked for.

use super::Link;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_tracepoint", ProgramType::Tracepoint);

/// One event serves all CPUs: its program is the tracepoint's, not the event's.
pub(super) fn attach(program: BorrowedFd<'_>, id: u64, cookie: u64) -> io::Result<Link> {
    Ok(Link::Perf(vec![perf::attach_as(
        &Event::Tracepoint { id },
        program,
        cookie,
    )?]))
}
