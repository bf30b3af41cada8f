//! Uprobes and uretprobes, through perf.

use super::Link;
use crate::plan::BinaryPlace;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_uprobe", ProgramType::Kprobe);

/// With `pid` the breakpoint is put into that process only.
pub(super) fn attach(
    program: BorrowedFd<'_>,
    path: &Path,
    place: BinaryPlace,
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
