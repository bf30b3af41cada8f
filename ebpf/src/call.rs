//! Whole calls: what is kept when a call begins, and found again when it returns.

use super::holes::frame;
use super::maps;
use aya_ebpf::helpers::generated::{bpf_map_delete_elem, bpf_map_lookup_elem};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::State;
use moontrace_abi::limits::CALL_KEY;

/// Finds what was kept of the call that returns. `false`: its beginning was not seen.
#[inline(always)]
pub(crate) fn kept(ctx: *mut c_void, state: *mut State) -> bool {
    let mut key = MaybeUninit::<[u64; CALL_KEY]>::uninit();
    frame(ctx, state, key.as_mut_ptr().cast());
    // SAFETY: the hole has written all of the key; `state` is the entry program's.
    unsafe {
        let kept = bpf_map_lookup_elem(maps::address(&maps::CALLS), key.as_ptr().cast());
        if kept.is_null() {
            return false;
        }
        (*state).call = kept.cast();
    }
    true
}

/// Lets go of it. Nobody but this call knows the key, so that what was found stayed as it was until now.
#[inline(always)]
pub(crate) fn let_go(ctx: *mut c_void, state: *mut State) {
    let mut key = MaybeUninit::<[u64; CALL_KEY]>::uninit();
    frame(ctx, state, key.as_mut_ptr().cast());
    // SAFETY: as above.
    unsafe { bpf_map_delete_elem(maps::address(&maps::CALLS), key.as_ptr().cast()) };
}
