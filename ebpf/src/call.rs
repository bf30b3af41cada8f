//! Whole calls: what is kept when a call begins, and found again when it returns.

use super::holes::frame;
use super::maps;
use aya_ebpf::helpers::generated::{bpf_map_delete_elem, bpf_map_lookup_elem};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::State;
use moontrace_abi::limits::CALL_KEY;

/// Runs `event` with what was kept of the call that returns, and lets go of it. Not at all where its beginning was not
/// seen. Nobody but this call knows the key, so that what is found stays as it is until then.
#[inline(always)]
pub(crate) fn with_kept(
    ctx: *mut c_void,
    state: *mut State,
    event: extern "C" fn(*mut c_void, *mut State) -> u64,
) {
    let mut key = MaybeUninit::<[u64; CALL_KEY]>::uninit();
    frame(ctx, state, key.as_mut_ptr().cast());
    let calls = maps::address(&maps::CALLS);
    // SAFETY: the hole has written all of the key; `state` is the entry program's.
    unsafe {
        let kept = bpf_map_lookup_elem(calls, key.as_ptr().cast());
        if kept.is_null() {
            return;
        }
        (*state).call = kept.cast();
        event(ctx, state);
        bpf_map_delete_elem(calls, key.as_ptr().cast());
    }
}
