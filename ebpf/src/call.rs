//! Whole calls: what is kept when a call begins, and found again when it returns.

use super::holes::{base, frame};
use super::maps;
use aya_ebpf::helpers::generated::{
    bpf_get_current_task_btf, bpf_map_delete_elem, bpf_map_lookup_elem, bpf_task_storage_get,
};
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

/// What a thread has of the call that it is in, where it is in one at a time: nothing is found by a key, put in or taken out.
#[repr(C)]
pub(crate) struct OfThread {
    /// Which site's call it is, by [`site`]; 0: none's.
    pub(crate) site: u64,
    pub(crate) kept: [u64; 1],
}

impl OfThread {
    /// The running thread's own; null where it has none, and with `BPF_LOCAL_STORAGE_GET_F_CREATE` where there is no memory.
    #[inline(always)]
    pub(crate) fn get(flags: u64) -> *mut Self {
        // SAFETY: the running thread is there, and what is new of its own is all zero.
        unsafe {
            let thread = bpf_get_current_task_btf();
            let calls = maps::address(&maps::CALLS);
            bpf_task_storage_get(calls, thread.cast(), core::ptr::null_mut(), flags).cast()
        }
    }
}

/// What tells the calls of the program's sites apart; never 0.
#[inline(always)]
pub(crate) fn site(state: *mut State) -> u64 {
    // SAFETY: `state` is the entry program's.
    unsafe { base() + (*state).cookie + 1 }
}

/// [`with_kept`] where the thread itself has it.
#[inline(always)]
pub(crate) fn with_threads_own(
    ctx: *mut c_void,
    state: *mut State,
    event: extern "C" fn(*mut c_void, *mut State) -> u64,
) {
    let call = OfThread::get(0);
    // SAFETY: what is there is the thread's until it ends, and nobody else changes it; `state` is the entry program's.
    unsafe {
        if call.is_null() || (*call).site != site(state) {
            return;
        }
        (*call).site = 0;
        (*state).call = (&raw mut (*call).kept).cast();
    }
    event(ctx, state);
}
