//! Kprobes and kretprobes, through perf: what the process leaves behind is nothing, even after SIGKILL.

use super::Link;
use crate::plan::KernelFunction;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_kprobe", ProgramType::Kprobe);

pub(super) fn attach(
    program: BorrowedFd<'_>,
    function: &KernelFunction,
    offset: u64,
    ret: bool,
    cookie: u64,
) -> io::Result<Link> {
    if let Some(start) = function.address {
        let address = start.saturating_add(offset);
        let event = Event::KprobeAt { address, ret };
        let attached = perf::attach_as(&event, program, cookie)?;
        return Ok(Link::Perf(vec![attached]));
    }
    let function = function.name.as_str();
    let at = |function: &str| {
        let event = Event::Kprobe {
            function: super::text(function)?,
            offset,
            ret,
        };
        perf::attach_as(&event, program, cookie)
    };
    let attached = match (at(function), function.rsplit_once(':')) {
        // Kernels that look how many functions have a name (6.6) look for it without the module: a name that more than
        // one has is refused by them, so that the bare one means the same.
        (Err(error), Some((_, bare))) if error.raw_os_error() == Some(libc::ENOENT) => at(bare)?,
        (attached, _) => attached?,
    };
    Ok(Link::Perf(vec![attached]))
}
