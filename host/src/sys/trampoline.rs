//! Functions of the kernel as BPF's trampolines know them, and programs on those: fentry and fexit.

use super::bpf::{self, ProgramType, prog_load};
use aya_obj::generated::{bpf_btf_info, bpf_cmd, bpf_insn};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;

/// A function, by its number in the BTF of the kernel or of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    pub id: u32,
    /// The number of the module's BTF object ([`object_of`]); `None` for the kernel's.
    pub object: Option<u32>,
    /// Does the program run when the function returns?
    pub exit: bool,
}

/// Attaches a program that was loaded for a function; closing the result detaches it.
pub fn attach(program: impl AsFd) -> io::Result<OwnedFd> {
    let program = program.as_fd().as_raw_fd() as u32;
    // SAFETY: no addresses are given: what it is attached to is known since it was loaded.
    unsafe {
        bpf::open(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, |attr| {
            attr.raw_tracepoint.prog_fd = program;
        })
    }
}

/// Loads a program that does nothing for a function.
fn load_nothing(function: Function) -> io::Result<OwnedFd> {
    // r0 = 0; exit
    let insns = [0xb7, 0x95].map(|code| {
        // SAFETY: a struct of integers; all zero is valid.
        let zero: bpf_insn = unsafe { zeroed() };
        bpf_insn { code, ..zero }
    });
    prog_load(ProgramType::Tracing(function), &insns, "mt_try", None, None)
}

/// Attaches such a program for a moment: only then the kernel says whether the function can be patched.
pub fn attempt(function: Function) -> io::Result<()> {
    attach(load_nothing(function)?).map(drop)
}

/// A module's BTF object that was opened ahead.
struct Ahead {
    module: Vec<u8>,
    id: u32,
    object: OwnedFd,
}

static AHEAD: OnceLock<Vec<Ahead>> = OnceLock::new();

/// Opens the BTF objects of all modules now, for when that may no longer be done: it takes CAP_SYS_ADMIN. Some 10 µs a
/// module.
pub fn open_objects_ahead() {
    AHEAD.get_or_init(|| {
        let mut ahead = Vec::new();
        let mut last = 0;
        while let Ok(id) = next_object(last) {
            last = id;
            let Ok(object) = open_object(id) else {
                continue;
            };
            match name_of(&object) {
                // Those of programs have no names, and the kernel's own is known.
                Ok(module) if !module.is_empty() && module != b"vmlinux" => {
                    ahead.push(Ahead { module, id, object });
                }
                _ => {}
            }
        }
        ahead
    });
}

/// The number of a module's BTF object.
///
/// # Errors
/// When the kernel has no such object (before 5.11 modules have none), or this user may not ask.
pub fn object_of(module: &str) -> io::Result<u32> {
    let mut ahead = AHEAD.get().into_iter().flatten();
    if let Some(known) = ahead.find(|ahead| ahead.module == module.as_bytes()) {
        return Ok(known.id);
    }
    let mut last = 0;
    loop {
        last = next_object(last)?;
        let object = match open_object(last) {
            // It went away meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => continue,
            object => object?,
        };
        if name_of(&object)? == module.as_bytes() {
            return Ok(last);
        }
    }
}

/// ENOENT behind the last.
fn next_object(behind: u32) -> io::Result<u32> {
    // SAFETY: a union of integers; all zero is valid.
    let mut attr: aya_obj::generated::bpf_attr = unsafe { zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = behind;
    // SAFETY: the attribute lives through the call, which stores no address.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            bpf_cmd::BPF_BTF_GET_NEXT_ID as u32,
            &raw mut attr,
            size_of_val(&attr),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: BPF_BTF_GET_NEXT_ID answers in this member of the union.
    Ok(unsafe { attr.__bindgen_anon_6.next_id })
}

/// Opens a BTF object by its number.
pub(super) fn open_object(id: u32) -> io::Result<OwnedFd> {
    let mut ahead = AHEAD.get().into_iter().flatten();
    if let Some(known) = ahead.find(|ahead| ahead.id == id) {
        return known.object.try_clone();
    }
    // SAFETY: no addresses are given.
    unsafe {
        bpf::open(bpf_cmd::BPF_BTF_GET_FD_BY_ID, |attr| {
            attr.__bindgen_anon_6.__bindgen_anon_1.btf_id = id;
        })
    }
}

/// The name of a BTF object: a module's, `vmlinux`, or none for that of a program.
fn name_of(object: &OwnedFd) -> io::Result<Vec<u8>> {
    // Names of modules are shorter (MODULE_NAME_LEN of include/linux/module.h).
    let mut name = [0u8; 64];
    // SAFETY: a struct of integers; all zero is valid, and asks for no types.
    let mut info: bpf_btf_info = unsafe { zeroed() };
    info.name = name.as_mut_ptr() as u64;
    info.name_len = name.len() as u32;
    let (fd, address) = (object.as_raw_fd() as u32, &raw mut info as u64);
    let fill = |attr: &mut aya_obj::generated::bpf_attr| {
        attr.info.bpf_fd = fd;
        attr.info.info_len = size_of::<bpf_btf_info>() as u32;
        attr.info.info = address;
    };
    // SAFETY: `info` and the name's buffer outlive the call and have the sizes given.
    unsafe { bpf::call(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, fill)? };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    Ok(name[..end].to_vec())
}
