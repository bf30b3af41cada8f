//! Kernel functions through BPF's trampoline: a call where a kprobe is a trap, with the arguments at the return, too.

use super::Link;
use crate::sys::bpf::ProgramType;
use crate::sys::trampoline::{self, Function};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) fn entry(function: Function) -> (&'static str, ProgramType) {
    ("mt_fentry", ProgramType::Tracing(function))
}

/// To the function that it was loaded for.
pub(super) fn attach(program: BorrowedFd<'_>) -> io::Result<Link> {
    trampoline::attach(program).map(Link::Bpf)
}
