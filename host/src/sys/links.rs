//! Links that hang one program up at many places, through bpf(2).

use super::bpf::{count, open};
use aya_obj::generated::{
    bpf_attach_type::{BPF_TRACE_KPROBE_MULTI, BPF_TRACE_UPROBE_MULTI},
    bpf_attr, bpf_cmd,
};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// `BPF_F_KPROBE_MULTI_RETURN` and `BPF_F_UPROBE_MULTI_RETURN` (include/uapi/linux/bpf.h)
const RETURN: u32 = 1;

/// Hangs a program up at kernel functions (5.18), each of which has its cookie; closing the result detaches it.
pub fn kprobe_multi(
    program: impl AsFd,
    functions: &[CString],
    cookies: &[u64],
    ret: bool,
) -> io::Result<OwnedFd> {
    let length = same_length(functions.len(), cookies.len())?;
    let program = program.as_fd().as_raw_fd() as u32;
    let names: Vec<u64> = functions.iter().map(|name| name.as_ptr() as u64).collect();
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_LINK_CREATE reads this member of the union.
        let link = unsafe { &mut attr.link_create };
        link.__bindgen_anon_1.prog_fd = program;
        link.attach_type = BPF_TRACE_KPROBE_MULTI as u32;
        // SAFETY: what is written is integers, and for this attach type the member that is read.
        let multi = unsafe { &mut link.__bindgen_anon_3.kprobe_multi };
        multi.flags = if ret { RETURN } else { 0 };
        multi.cnt = length;
        multi.syms = names.as_ptr() as u64;
        multi.cookies = cookies.as_ptr() as u64;
    };
    // SAFETY: names and cookies outlive the call, as many of each as said; names end in NUL.
    unsafe { open(bpf_cmd::BPF_LINK_CREATE, fill) }
}

/// Where in a file a link of [`uprobe_multi`] hits.
pub struct Places<'a> {
    pub path: &'a CStr,
    /// Bytes from the file's start.
    pub offsets: &'a [u64],
    /// Of each place: where its semaphore is, bytes from the file's start; 0 for none.
    pub semaphores: &'a [u64],
    pub cookies: &'a [u64],
}

/// Hangs a program up at places of a file (6.6), in all processes or in one; closing the result detaches it.
pub fn uprobe_multi(
    program: impl AsFd,
    places: &Places<'_>,
    ret: bool,
    pid: Option<u32>,
) -> io::Result<OwnedFd> {
    let length = same_length(places.offsets.len(), places.cookies.len())?;
    same_length(places.offsets.len(), places.semaphores.len())?;
    let program = program.as_fd().as_raw_fd() as u32;
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_LINK_CREATE reads this member of the union.
        let link = unsafe { &mut attr.link_create };
        link.__bindgen_anon_1.prog_fd = program;
        link.attach_type = BPF_TRACE_UPROBE_MULTI as u32;
        // SAFETY: what is written is integers, and for this attach type the member that is read.
        let multi = unsafe { &mut link.__bindgen_anon_3.uprobe_multi };
        multi.path = places.path.as_ptr() as u64;
        multi.offsets = places.offsets.as_ptr() as u64;
        multi.ref_ctr_offsets = places.semaphores.as_ptr() as u64;
        multi.cookies = places.cookies.as_ptr() as u64;
        multi.cnt = length;
        multi.flags = if ret { RETURN } else { 0 };
        multi.pid = pid.unwrap_or(0);
    };
    // SAFETY: path and lists outlive the call, as many of each as said; the path ends in NUL.
    unsafe { open(bpf_cmd::BPF_LINK_CREATE, fill) }
}

fn same_length(one: usize, other: usize) -> io::Result<u32> {
    if one == other {
        count(one)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}
