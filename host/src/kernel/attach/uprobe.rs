//! Uprobes and uretprobes, through perf.

use super::Link;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_uprobe", ProgramType::Kprobe);

/// Where in a file a breakpoint stands, in bytes from its start.
pub(super) struct Place {
    pub(super) offset: u64,
    /// The counter that the kernel raises in each process while the breakpoint is there.
    pub(super) semaphore: Option<u64>,
}

/// With `pid` the breakpoint is put into that process only.
pub(super) fn attach(
    program: BorrowedFd<'_>,
    path: &Path,
    place: Place,
    ret: bool,
    pid: Option<u32>,
    cookie: u64,
) -> io::Result<Link> {
    let path = super::text(path.as_os_str().as_bytes())?;
    let event = Event::Uprobe {
        path,
        offset: place.offset,
        semaphore: place.semaphore,
        ret,
        pid,
    };
    Ok(Link::Perf(vec![perf::attach_as(&event, program, cookie)?]))
}
