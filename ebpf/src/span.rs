//! Spans: things that have begun, found by their key.
//!
//! What was found is copied before it is used: another run may take it out at any time, and the kernel gives the memory of
//! an entry that is gone to the next key at once.

use super::errors::{ENOENT, error};
use aya_ebpf::helpers::generated::{
    bpf_map_delete_elem, bpf_map_lookup_elem, bpf_probe_read_kernel,
};
use core::ffi::c_void;
use moontrace_abi::{Outcome, State};

/// Copies `size` bytes of a value, 8 at least. `false`: the entry became another one meanwhile. (Its first word is the time
/// that it began at, and the first to be written.)
#[inline(always)]
pub(crate) fn copy(value: *const u64, out: *mut u64, size: u64) -> bool {
    // SAFETY: a value of a span has a word at least, and `out` has room for `size` bytes: the verifier checks both.
    unsafe {
        let began = value.read_volatile();
        out.write(began);
        if size > 8 {
            let rest = size as u32 - 8;
            bpf_probe_read_kernel(out.add(1).cast(), rest, value.add(1).cast());
        }
        value.read_volatile() == began
    }
}

/// Copies what the key finds to byte `area` of what the run has bound. 1 when there is something, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_within(
    span: *mut c_void,
    key: *const c_void,
    state: *mut State,
    area: u64,
    size: u64,
) -> u64 {
    // SAFETY: the caller hands over a span and all bytes of its key; `state` is the entry program's, which has room there.
    unsafe {
        let value = bpf_map_lookup_elem(span, key).cast::<u64>();
        if value.is_null() {
            return 0;
        }
        let out = (*state).from.add(area as usize).cast();
        if !copy(value, out, size) {
            log!(warn, "span: what was found is gone");
            (*state).fault = Outcome::Busy as u64;
            return 0;
        }
    }
    1
}

/// The same, and takes it out. Of several runs that find it one does.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_finish(
    span: *mut c_void,
    key: *const c_void,
    state: *mut State,
    area: u64,
    size: u64,
) -> u64 {
    if lib_within(span, key, state, area, size) == 0 {
        return 0;
    }
    // SAFETY: as above.
    match error(unsafe { bpf_map_delete_elem(span, key) }) {
        0 => 1,
        ENOENT => 0,
        error => {
            log!(warn, "span: what was found can't be taken out: {}", error);
            // SAFETY: `state` is the entry program's.
            unsafe { (*state).fault = Outcome::Busy as u64 };
            0
        }
    }
}
