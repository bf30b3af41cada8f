//! Hanging a loaded program up, one file a kind. Dropping a [`Link`] takes it down again.

mod counter;
mod hardware;
mod interval;
mod kprobe;
mod profile;
mod raw_tracepoint;
mod software;
mod tracepoint;
mod uprobe;

use crate::plan::Attachment;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::Attached;
use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// What keeps a program attached.
#[derive(Debug)]
pub enum Link {
    Bpf(OwnedFd),
    /// One a CPU, where the event is a CPU's own.
    Perf(Vec<Attached>),
}

/// The library's entry program for a kind of attachment, and the type it is loaded as.
pub fn entry(attachment: &Attachment) -> (&'static str, ProgramType) {
    match attachment {
        Attachment::RawTracepoint { .. } => raw_tracepoint::ENTRY,
        Attachment::Tracepoint { .. } => tracepoint::ENTRY,
        Attachment::Kprobe { .. } => kprobe::ENTRY,
        Attachment::Uprobe { .. } => uprobe::ENTRY,
        Attachment::Profile(_) => profile::ENTRY,
        Attachment::Interval { .. } => interval::ENTRY,
        Attachment::Software(_) => software::ENTRY,
        Attachment::Hardware(_) => hardware::ENTRY,
    }
}

/// Attaches `program`, which was loaded as [`entry`] says.
pub fn attach(program: BorrowedFd<'_>, attachment: &Attachment) -> io::Result<Link> {
    match attachment {
        Attachment::RawTracepoint { name } => raw_tracepoint::attach(program, name),
        Attachment::Tracepoint { id } => tracepoint::attach(program, *id),
        Attachment::Kprobe {
            function,
            offset,
            ret,
        } => kprobe::attach(program, function, *offset, *ret),
        Attachment::Uprobe {
            path,
            offset,
            semaphore,
            ret,
            pid,
        } => {
            let place = uprobe::Place {
                offset: *offset,
                semaphore: *semaphore,
            };
            uprobe::attach(program, path, place, *ret, *pid)
        }
        Attachment::Profile(clock) => profile::attach(program, *clock),
        Attachment::Interval { period_ns } => interval::attach(program, *period_ns),
        Attachment::Software(counting) => software::attach(program, counting),
        Attachment::Hardware(counting) => hardware::attach(program, counting),
    }
}

/// A name for the kernel; one with a NUL in it is none.
fn text(name: impl Into<Vec<u8>>) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
