//! Links that hang one program up at many places, through bpf(2).

use super::bpf::{ProgramType, count, open};
use aya_obj::generated::{bpf_attr, bpf_cmd};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// `BPF_F_KPROBE_MULTI_RETURN` and `BPF_F_UPROBE_MULTI_RETURN` (include/uapi/linux/bpf.h)
const RETURN: u32 = 1;

/// Which ends of calls a link hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Beginning,
    Return,
    /// A session (6.10 of kernel functions, 6.13 of places in a file): the kernel ties the two, and the program may spare a
    /// call's return.
    Both,
}

impl Ends {
    fn flags(self) -> u32 {
        match self {
            Self::Return => RETURN,
            Self::Beginning | Self::Both => 0,
        }
    }

    /// The type of the programs of such links to kernel functions.
    pub fn of_kernel(self) -> ProgramType {
        match self {
            Self::Beginning | Self::Return => ProgramType::KprobeMulti,
            Self::Both => ProgramType::KprobeSession,
        }
    }

    /// The same to places in a file.
    pub fn of_file(self) -> ProgramType {
        match self {
            Self::Beginning | Self::Return => ProgramType::UprobeMulti,
            Self::Both => ProgramType::UprobeSession,
        }
    }
}

/// Kernel functions.
#[derive(Clone, Copy)]
pub enum Functions<'a> {
    /// Of several that have one, the first.
    Names(&'a [CString]),
    /// Where they begin.
    Addresses(&'a [u64]),
}

/// Hangs a program up at kernel functions (5.18), each of which has its cookie; closing the result detaches it.
pub fn kprobe_multi(
    program: impl AsFd,
    functions: Functions<'_>,
    cookies: &[u64],
    ends: Ends,
) -> io::Result<OwnedFd> {
    let count = match functions {
        Functions::Names(names) => names.len(),
        Functions::Addresses(addresses) => addresses.len(),
    };
    let length = same_length(count, cookies.len())?;
    let program = program.as_fd().as_raw_fd() as u32;
    let names: Vec<u64> = match functions {
        Functions::Names(names) => names.iter().map(|name| name.as_ptr() as u64).collect(),
        Functions::Addresses(_) => Vec::new(),
    };
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_LINK_CREATE reads this member of the union.
        let link = unsafe { &mut attr.link_create };
        link.__bindgen_anon_1.prog_fd = program;
        link.attach_type = ends.of_kernel().attach_type();
        // SAFETY: what is written is integers, and for this attach type the member that is read.
        let multi = unsafe { &mut link.__bindgen_anon_3.kprobe_multi };
        multi.flags = ends.flags();
        multi.cnt = length;
        match functions {
            Functions::Names(_) => multi.syms = names.as_ptr() as u64,
            Functions::Addresses(addresses) => multi.addrs = addresses.as_ptr() as u64,
        }
        multi.cookies = cookies.as_ptr() as u64;
    };
    // SAFETY: functions and cookies outlive the call, as many of each as said; names end in NUL.
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
    ends: Ends,
    pid: Option<u32>,
) -> io::Result<OwnedFd> {
    let length = same_length(places.offsets.len(), places.cookies.len())?;
    same_length(places.offsets.len(), places.semaphores.len())?;
    let program = program.as_fd().as_raw_fd() as u32;
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_LINK_CREATE reads this member of the union.
        let link = unsafe { &mut attr.link_create };
        link.__bindgen_anon_1.prog_fd = program;
        link.attach_type = ends.of_file().attach_type();
        // SAFETY: what is written is integers, and for this attach type the member that is read.
        let multi = unsafe { &mut link.__bindgen_anon_3.uprobe_multi };
        multi.path = places.path.as_ptr() as u64;
        multi.offsets = places.offsets.as_ptr() as u64;
        multi.ref_ctr_offsets = places.semaphores.as_ptr() as u64;
        multi.cookies = places.cookies.as_ptr() as u64;
        multi.cnt = length;
        multi.flags = ends.flags();
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
