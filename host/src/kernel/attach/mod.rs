//! Hanging a loaded program up, one file a kind. Dropping a [`Link`] takes it down again.

mod fentry;
mod interval;
mod kprobe;
mod profile;
mod raw_tracepoint;
mod tracepoint;
mod uprobe;

use crate::plan::Attachment;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::Attached;
use crate::sys::trampoline::Function;
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
        Attachment::Fentry {
            id, object, exit, ..
        } => fentry::entry(Function {
            id: *id,
            object: *object,
            exit: *exit,
        }),
        Attachment::Uprobe { .. } => uprobe::ENTRY,
        Attachment::Profile(_) => profile::ENTRY,
        Attachment::Interval { .. } => interval::ENTRY,
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
        Attachment::Fentry { .. } => fentry::attach(program),
        Attachment::Uprobe {
            path,
            offset,
            ret,
            pid,
        } => uprobe::attach(program, path, *offset, *ret, *pid),
        Attachment::Profile(clock) => profile::attach(program, *clock),
        Attachment::Interval { period_ns } => interval::attach(program, *period_ns),
    }
}

/// A name for the kernel; one with a NUL in it is none.
fn text(name: impl Into<Vec<u8>>) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
