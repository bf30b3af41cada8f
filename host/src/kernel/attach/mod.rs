//! Hanging a loaded program up, one file a kind. Dropping a [`Link`] takes it down again.

mod counter;
mod fentry;
mod hardware;
mod interval;
mod kprobe;
mod multi;
mod order;
mod profile;
mod raw_tracepoint;
mod software;
mod tracepoint;
mod uprobe;

pub use order::in_order;

use crate::plan::Attachment;
use crate::sys::bpf::ProgramType;
use crate::sys::perf;
use crate::sys::trampoline::Function;
use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// What keeps a program attached.
#[derive(Debug)]
pub enum Link {
    Bpf(OwnedFd),
    /// One a CPU, where the event is a CPU's own.
    Perf(Vec<perf::Attached>),
    /// Of one program at many places.
    Many(multi::Links),
}

/// What became of attaching a program.
#[derive(Debug)]
pub struct Attached {
    /// None where all that there is was left out.
    pub link: Option<Link>,
    /// What was left out, in the order of the sites.
    pub skipped: Vec<Skipped>,
}

/// A site that the kernel does not take, of several that do without it.
#[derive(Debug)]
pub struct Skipped {
    /// Its place among the sites of its program.
    pub number: usize,
    pub error: io::Error,
}

/// A program that could not be attached.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct NotAttached {
    /// The place, among the sites of its program, of the one that it failed at.
    pub number: usize,
    pub error: io::Error,
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
        Attachment::KprobeMulti { ends, .. } => multi::of_kernel(*ends),
        Attachment::UprobeMulti { ends, .. } => multi::of_file(*ends),
        // They are of one kind. Of none, nothing is attached.
        Attachment::Each(all) => all.first().map_or(kprobe::ENTRY, entry),
        Attachment::Uprobe { .. } => uprobe::ENTRY,
        Attachment::Profile(_) => profile::ENTRY,
        Attachment::Interval { .. } => interval::ENTRY,
        Attachment::Software(_) => software::ENTRY,
        Attachment::Hardware(_) => hardware::ENTRY,
    }
}

/// Does the kernel begin a run of the program while another one of it is under way on the same processor? It does for
/// those of user programs; of all others it skips the second run, and counts it as missed.
pub fn can_be_preempted(attachment: &Attachment) -> bool {
    match attachment {
        Attachment::Uprobe { .. } | Attachment::UprobeMulti { .. } => true,
        Attachment::Each(all) => all.first().is_some_and(can_be_preempted),
        _ => false,
    }
}

/// Attaches `program`, which was loaded as [`entry`] says. With `optional`, places that the kernel does not take are left
/// out.
pub fn attach(
    program: BorrowedFd<'_>,
    attachment: &Attachment,
    optional: bool,
) -> Result<Attached, NotAttached> {
    match attachment {
        Attachment::KprobeMulti { functions, ends } => {
            multi::kprobes(program, functions, *ends, optional)
        }
        Attachment::UprobeMulti {
            path,
            places,
            ends,
            pid,
        } => multi::uprobes(program, path, places, (*ends, *pid), optional),
        Attachment::Each(all) => multi::each(program, all, optional),
        one => match attach_one(program, one, 0) {
            Ok(link) => Ok(Attached {
                link: Some(link),
                skipped: Vec::new(),
            }),
            Err(error) if optional && multi::is_of_the_place(&error) => Ok(Attached {
                link: None,
                skipped: vec![Skipped { number: 0, error }],
            }),
            Err(error) => Err(NotAttached { number: 0, error }),
        },
    }
}

/// Attaches at one place, which the program knows by its cookie.
fn attach_one(program: BorrowedFd<'_>, attachment: &Attachment, cookie: u64) -> io::Result<Link> {
    match attachment {
        Attachment::RawTracepoint { name } => raw_tracepoint::attach(program, name, cookie),
        Attachment::Tracepoint { id, .. } => tracepoint::attach(program, *id, cookie),
        Attachment::Kprobe {
            function,
            offset,
            ret,
        } => kprobe::attach(program, function, *offset, *ret, cookie),
        Attachment::Fentry { .. } => fentry::attach(program),
        Attachment::Uprobe {
            path,
            place,
            ret,
            pid,
        } => uprobe::attach(program, path, *place, *ret, *pid, cookie),
        Attachment::Profile(clock) => profile::attach(program, *clock),
        Attachment::Interval { period_ns } => interval::attach(program, *period_ns),
        Attachment::Software(counting) => software::attach(program, counting),
        Attachment::Hardware(counting) => hardware::attach(program, counting),
        // They are no single places.
        Attachment::KprobeMulti { .. } | Attachment::UprobeMulti { .. } | Attachment::Each(_) => {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}

/// A name for the kernel; one with a NUL in it is none.
fn text(name: impl Into<Vec<u8>>) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
