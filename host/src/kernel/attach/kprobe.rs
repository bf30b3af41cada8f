//! Kprobes and kretprobes, through perf: what the process leaves behind is nothing, even after SIGKILL.

use super::Link;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_kprobe", ProgramType::Kprobe);

pub(super) fn attach(
    program: BorrowedFd<'_>,
    function: &str,
    offset: u64,
    ret: bool,
    cookie: u64,
) -> io::Result<Link> {
    let event = Event::Kprobe {
        function: super::text(function)?,
        offset,
        ret,
    };
    Ok(Link::Perf(vec![perf::attach_as(&event, program, cookie)?]))
}
