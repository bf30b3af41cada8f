//! Programs, links and type information through bpf(2). Maps are in [`super::map`].

use super::trampoline::{self, Function};
use aya_obj::generated::{
    bpf_attach_type::{
        BPF_PERF_EVENT, BPF_TRACE_FENTRY, BPF_TRACE_FEXIT, BPF_TRACE_KPROBE_MULTI,
        BPF_TRACE_UPROBE_MULTI,
    },
    bpf_attr, bpf_cmd, bpf_insn, bpf_prog_info, bpf_prog_type,
    bpf_stats_type::BPF_STATS_RUN_TIME,
};
use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Once;

/// The license that the kernel is told: helpers like `bpf_probe_read_kernel` are for GPL programs only.
const LICENSE: &CStr = c"Dual MIT/GPL";
/// Bytes of a verifier log, the most that kernels before 5.1 take; pages that stay empty cost nothing.
const LOG: usize = 16 << 20;
/// So often a load that a signal has cut short is begun again.
const INTERRUPTIONS: u32 = 5;
/// What `BPF_PROG_LOAD` wants: bytes of a record of function and of line information.
const FUNC_INFO: u32 = 8;
const LINE_INFO: u32 = 16;

/// `BPF_TRACE_KPROBE_SESSION` and `BPF_TRACE_UPROBE_SESSION` of include/uapi/linux/bpf.h.
const TRACE_KPROBE_SESSION: u32 = 56;
const TRACE_UPROBE_SESSION: u32 = 57;

/// Types of programs that moontrace loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProgramType {
    RawTracepoint,
    Tracepoint,
    /// kprobes and uprobes, and their returns.
    Kprobe,
    /// Those of links that hold many.
    KprobeMulti,
    UprobeMulti,
    /// Those of links that hit both ends of calls.
    KprobeSession,
    UprobeSession,
    PerfEvent,
    /// fentry and fexit, of one function.
    Tracing(Function),
}

/// Where a program's functions and lines come from, for the verifier's log.
#[derive(Clone, Copy)]
pub struct ProgramTypes<'a> {
    /// What [`btf_load`] gave.
    pub btf: BorrowedFd<'a>,
    /// `bpf_func_info` records.
    pub func_info: &'a [u8],
    /// `bpf_line_info` records.
    pub line_info: &'a [u8],
}

/// What the kernel knows of a loaded program. Fields that an older kernel doesn't have are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramInfo {
    pub id: u32,
    /// Runs, while [`enable_stats`]'s file descriptor is open.
    pub run_cnt: u64,
    /// ns of those runs.
    pub run_time_ns: u64,
    /// Runs that were skipped (5.12).
    pub recursion_misses: u64,
    /// Instructions that the verifier looked at (5.16).
    pub verified_insns: u32,
    /// Bytes of machine code.
    pub jited_len: u32,
    /// Bytes of instructions after the verifier's rewriting.
    pub xlated_len: u32,
}

/// One call, with an attribute that is all zero but for what `fill` sets.
///
/// # Safety
/// Every address that `fill` stores must be valid for what the command does with it until this returns.
pub(super) unsafe fn call(
    command: bpf_cmd,
    fill: impl FnOnce(&mut bpf_attr),
) -> io::Result<libc::c_long> {
    // SAFETY: a union of integers; all zero is valid.
    let mut attr: bpf_attr = unsafe { zeroed() };
    fill(&mut attr);
    // SAFETY: the caller's promise.
    unsafe { call_with(command, &mut attr) }
}

/// The same with an attribute that the kernel answers in.
///
/// # Safety
/// Every address in it must be valid for what the command does with it until this returns.
pub(super) unsafe fn call_with(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<libc::c_long> {
    raise_memory_limit();
    let load = matches!(command, bpf_cmd::BPF_PROG_LOAD);
    let mut interruptions = 0;
    loop {
        // SAFETY: the attribute lives through the call; what it points to is the caller's promise.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                command as u32,
                &raw mut *attr,
                size_of::<bpf_attr>(),
            )
        };
        if result >= 0 {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        // A signal makes the verifier give up (kernel/bpf/verifier.c, do_check).
        let cut_short = load && error.raw_os_error() == Some(libc::EAGAIN);
        if !cut_short || interruptions == INTERRUPTIONS {
            return Err(error);
        }
        interruptions += 1;
    }
}

/// [`call`] for commands that make a file descriptor.
///
/// # Safety
/// As for [`call`], and the command must be one of those.
pub(super) unsafe fn open(
    command: bpf_cmd,
    fill: impl FnOnce(&mut bpf_attr),
) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { call(command, fill)? };
    let fd = i32::try_from(fd).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Kernels before 5.11 charge maps and programs to the limit of locked memory, which is small by default.
pub fn raise_memory_limit() {
    static RAISED: Once = Once::new();
    RAISED.call_once(|| {
        let limit = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: reads one struct. Where it is refused, the call that needs more memory says so itself.
        unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit) };
    });
}

/// A name as the kernel takes it: at most 15 characters, others than letters, digits, `_` and `.` replaced.
pub(super) fn object_name(name: &str) -> [libc::c_char; 16] {
    let mut out = [0; 16];
    for (to, byte) in out.iter_mut().take(15).zip(name.bytes()) {
        let allowed = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        *to = if allowed {
            byte as libc::c_char
        } else {
            b'_' as libc::c_char
        };
    }
    out
}

/// A length as bpf(2) counts it.
pub(super) fn count(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// A buffer for a log of the kernel.
fn log_buffer(log: &mut Vec<u8>) -> (u64, u32) {
    *log = vec![0; LOG];
    (log.as_mut_ptr() as u64, LOG as u32 - 1)
}

/// Leaves of a log what the kernel wrote.
fn end_log(log: &mut Vec<u8>) {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    log.truncate(end);
    log.shrink_to_fit();
}

impl ProgramType {
    fn number(self) -> u32 {
        (match self {
            Self::RawTracepoint => bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT,
            Self::Tracepoint => bpf_prog_type::BPF_PROG_TYPE_TRACEPOINT,
            Self::Kprobe
            | Self::KprobeMulti
            | Self::UprobeMulti
            | Self::KprobeSession
            | Self::UprobeSession => bpf_prog_type::BPF_PROG_TYPE_KPROBE,
            Self::PerfEvent => bpf_prog_type::BPF_PROG_TYPE_PERF_EVENT,
            Self::Tracing(_) => bpf_prog_type::BPF_PROG_TYPE_TRACING,
        }) as u32
    }
}

impl ProgramType {
    /// What links the program may be used in, where its type alone doesn't say it.
    pub(super) fn attach_type(self) -> u32 {
        match self {
            Self::KprobeSession => TRACE_KPROBE_SESSION,
            Self::UprobeSession => TRACE_UPROBE_SESSION,
            Self::KprobeMulti => BPF_TRACE_KPROBE_MULTI as u32,
            Self::UprobeMulti => BPF_TRACE_UPROBE_MULTI as u32,
            _ => 0,
        }
    }
}

/// Loads a program. With `log`, the verifier's whole log is left there, whether it accepts the program or not.
pub fn prog_load(
    of: ProgramType,
    insns: &[bpf_insn],
    name: &str,
    types: Option<ProgramTypes<'_>>,
    mut log: Option<&mut Vec<u8>>,
) -> io::Result<OwnedFd> {
    let length = count(insns.len())?;
    let function = match of {
        ProgramType::Tracing(function) => Some(function),
        _ => None,
    };
    let object = function.and_then(|function| function.object);
    let object = object.map(trampoline::open_object).transpose()?;
    let buffer = log.as_deref_mut().map(log_buffer);
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_PROG_LOAD reads this member of the union.
        let load = unsafe { &mut attr.__bindgen_anon_3 };
        load.prog_type = of.number();
        load.expected_attach_type = of.attach_type();
        load.insn_cnt = length;
        load.insns = insns.as_ptr() as u64;
        load.license = LICENSE.as_ptr() as u64;
        load.prog_name = object_name(name);
        if let Some(function) = function {
            let at = if function.exit {
                BPF_TRACE_FEXIT
            } else {
                BPF_TRACE_FENTRY
            };
            load.expected_attach_type = at as u32;
            load.attach_btf_id = function.id;
        }
        if let Some(object) = &object {
            load.__bindgen_anon_1.attach_btf_obj_fd = object.as_raw_fd() as u32;
        }
        if let Some((address, size)) = buffer {
            (load.log_buf, load.log_size, load.log_level) = (address, size, 1);
        }
        if let Some(types) = types {
            load.prog_btf_fd = types.btf.as_raw_fd() as u32;
            load.func_info_rec_size = FUNC_INFO;
            load.func_info = types.func_info.as_ptr() as u64;
            load.func_info_cnt = types.func_info.len() as u32 / FUNC_INFO;
            load.line_info_rec_size = LINE_INFO;
            load.line_info = types.line_info.as_ptr() as u64;
            load.line_info_cnt = types.line_info.len() as u32 / LINE_INFO;
        }
    };
    // SAFETY: every slice and the log's buffer outlive the call, with the lengths given.
    let program = unsafe { open(bpf_cmd::BPF_PROG_LOAD, fill) };
    if let Some(log) = log {
        end_log(log);
    }
    program
}

/// Loads type information. The log says why the kernel refuses it.
pub fn btf_load(btf: &[u8], mut log: Option<&mut Vec<u8>>) -> io::Result<OwnedFd> {
    let length = count(btf.len())?;
    let buffer = log.as_deref_mut().map(log_buffer);
    let fill = |attr: &mut bpf_attr| {
        // SAFETY: BPF_BTF_LOAD reads this member of the union.
        let load = unsafe { &mut attr.__bindgen_anon_7 };
        load.btf = btf.as_ptr() as u64;
        load.btf_size = length;
        if let Some((address, size)) = buffer {
            (load.btf_log_buf, load.btf_log_size, load.btf_log_level) = (address, size, 1);
        }
    };
    // SAFETY: the slice and the log's buffer outlive the call, with the lengths given.
    let loaded = unsafe { open(bpf_cmd::BPF_BTF_LOAD, fill) };
    if let Some(log) = log {
        end_log(log);
    }
    loaded
}

/// Attaches a raw tracepoint program; closing the result detaches it. A `cookie` other than 0 needs 6.10.
pub fn raw_tracepoint_open(program: impl AsFd, name: &CStr, cookie: u64) -> io::Result<OwnedFd> {
    let program = program.as_fd().as_raw_fd() as u32;
    let fill = |attr: &mut bpf_attr| {
        attr.raw_tracepoint.name = name.as_ptr() as u64;
        attr.raw_tracepoint.prog_fd = program;
        attr.raw_tracepoint.cookie = cookie;
    };
    // SAFETY: the name outlives the call and ends with NUL.
    unsafe { open(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, fill) }
}

/// Attaches a program to a perf event (5.15); closing the result detaches it. `cookie` needs 5.15 too, 0 is none.
pub fn link_create_perf_event(
    program: impl AsFd,
    event: impl AsFd,
    cookie: u64,
) -> io::Result<OwnedFd> {
    let (program, event) = (
        program.as_fd().as_raw_fd() as u32,
        event.as_fd().as_raw_fd() as u32,
    );
    let fill = |attr: &mut bpf_attr| {
        attr.link_create.__bindgen_anon_1.prog_fd = program;
        attr.link_create.__bindgen_anon_2.target_fd = event;
        attr.link_create.attach_type = BPF_PERF_EVENT as u32;
        attr.link_create.__bindgen_anon_3.perf_event.bpf_cookie = cookie;
    };
    // SAFETY: no addresses are given.
    unsafe { open(bpf_cmd::BPF_LINK_CREATE, fill) }
}

/// Runs a raw tracepoint program once over `context` (its arguments) and gives what it returned.
pub fn prog_test_run(program: impl AsFd, context: &[u64]) -> io::Result<u32> {
    let program = program.as_fd().as_raw_fd() as u32;
    let size = count(size_of_val(context))?;
    // SAFETY: a union of integers; all zero is valid.
    let mut attr: bpf_attr = unsafe { zeroed() };
    attr.test.prog_fd = program;
    attr.test.ctx_in = context.as_ptr() as u64;
    attr.test.ctx_size_in = size;
    // SAFETY: the attribute and the context, of the size given, live through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            bpf_cmd::BPF_PROG_TEST_RUN as u32,
            &raw mut attr,
            size_of::<bpf_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: BPF_PROG_TEST_RUN answers in this member of the union.
    Ok(unsafe { attr.test.retval })
}

/// Asks the kernel about a loaded program.
pub fn prog_info(program: impl AsFd) -> io::Result<ProgramInfo> {
    let program = program.as_fd().as_raw_fd() as u32;
    // SAFETY: a struct of integers; all zero is valid, and asks for none of the arrays.
    let mut info: bpf_prog_info = unsafe { zeroed() };
    let address = &raw mut info as u64;
    let fill = |attr: &mut bpf_attr| {
        attr.info.bpf_fd = program;
        attr.info.info_len = size_of::<bpf_prog_info>() as u32;
        attr.info.info = address;
    };
    // SAFETY: `info` outlives the call and has the size given.
    unsafe { call(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, fill)? };
    Ok(ProgramInfo {
        id: info.id,
        run_cnt: info.run_cnt,
        run_time_ns: info.run_time_ns,
        recursion_misses: info.recursion_misses,
        verified_insns: info.verified_insns,
        jited_len: info.jited_prog_len,
        xlated_len: info.xlated_prog_len,
    })
}

/// Has the kernel count the runs of all programs, until the result is closed.
pub fn enable_stats() -> io::Result<OwnedFd> {
    // SAFETY: no addresses are given.
    unsafe {
        open(bpf_cmd::BPF_ENABLE_STATS, |attr| {
            attr.enable_stats.type_ = BPF_STATS_RUN_TIME as u32
        })
    }
}
