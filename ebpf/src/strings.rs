//! Strings out of kernel and user memory.

use super::books::note;
use aya_ebpf::helpers::generated::{
    bpf_probe_read_kernel, bpf_probe_read_kernel_str, bpf_probe_read_user, bpf_probe_read_user_str,
};
use core::ffi::c_void;
use moontrace_abi::limits::RECORD;
use moontrace_abi::{Note, State};

type ReadString = unsafe fn(*mut c_void, u32, *const c_void) -> i64;

/// Reads a string and its NUL into `out`; gives its length without the NUL, or less than 0 when it can't be read.
#[inline(always)]
fn read(
    state: *mut State,
    out: *mut u8,
    capacity: u32,
    address: u64,
    string: ReadString,
    bytes: ReadString,
) -> i64 {
    // SAFETY: `out` has room for `capacity` bytes, which the verifier checks; the address may be anything.
    let length = unsafe { string(out.cast(), capacity, address as *const c_void) };
    if length <= 0 {
        // Of an empty string, many kernels give 0 when it is the user's (mm/maccess.c, strncpy_from_user_nofault).
        if length == 0 {
            return 0;
        }
        log!(debug, "string at {:x}: {}", address, length);
        return -1;
    }
    if length == i64::from(capacity) {
        // A string that fits to the byte and one that was cut read the same: look at the byte that the NUL stands on.
        let mut last = 0u8;
        let at = address + u64::from(capacity) - 1;
        // SAFETY: one byte into a local.
        let read = unsafe { bytes((&raw mut last).cast(), 1, at as *const c_void) };
        if read != 0 || last != 0 {
            note(state, Note::Truncated);
        }
    }
    length - 1
}

/// The same behind the fixed part of a long record; gives the packed `Span`, or less than 0.
#[inline(always)]
fn append(
    state: *mut State,
    record: *mut u8,
    capacity: u32,
    address: u64,
    string: ReadString,
    bytes: ReadString,
) -> i64 {
    // SAFETY: `state` is the entry program's.
    let tail = unsafe { (*state).tail } & (RECORD as u64 - 1);
    // SAFETY: a slot has room for a longest string behind every offset that the mask lets through.
    let length = read(
        state,
        unsafe { record.add(tail as usize) },
        capacity,
        address,
        string,
        bytes,
    );
    if length < 0 {
        return -1;
    }
    // SAFETY: as above.
    unsafe { (*state).tail = tail + length as u64 + 1 };
    (tail as i64) | (length << 16)
}

macro_rules! strings {
    ($($read:ident, $append:ident, $string:ident, $bytes:ident;)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub(crate) extern "C" fn $read(state: *mut State, out: *mut u8, capacity: u32, address: u64) -> i64 {
            read(state, out, capacity, address, $string, $bytes)
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        pub(crate) extern "C" fn $append(state: *mut State, record: *mut u8, capacity: u32, address: u64) -> i64 {
            append(state, record, capacity, address, $string, $bytes)
        }
    )*};
}

strings! {
    lib_string_kernel, lib_tail_kernel, bpf_probe_read_kernel_str, bpf_probe_read_kernel;
    lib_string_user, lib_tail_user, bpf_probe_read_user_str, bpf_probe_read_user;
}
