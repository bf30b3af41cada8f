//! Enter: what a call begins with is kept until it returns.

use crate::library::call::{OfThread, site};
use crate::library::errors::{E2BIG, ENOMEM, error};
use crate::library::holes::{frame, stash};
use crate::library::maps;
use crate::library::scratch::Slot;
use aya_ebpf::bindings::{BPF_ANY, BPF_LOCAL_STORAGE_GET_F_CREATE};
use aya_ebpf::helpers::generated::bpf_map_update_elem;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::limits::{CALL_KEY, SMALL_KEPT};
use moontrace_abi::{Outcome, State};

#[inline(always)]
fn enter(ctx: *mut c_void, state: *mut State, kept: *mut u8) -> u64 {
    let mut key = MaybeUninit::<[u64; CALL_KEY]>::uninit();
    frame(ctx, state, key.as_mut_ptr().cast());
    stash(ctx, state, kept);
    // SAFETY: the holes have written all bytes of the key and of what is kept.
    let done = unsafe {
        bpf_map_update_elem(
            maps::address(&maps::CALLS),
            key.as_ptr().cast(),
            kept.cast(),
            u64::from(BPF_ANY),
        )
    };
    match error(done) {
        0 => Outcome::Delivered as u64,
        E2BIG => Outcome::Full as u64,
        ENOMEM => Outcome::Memory as u64,
        _ => Outcome::Busy as u64,
    }
}

/// For what fits on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_enter(ctx: *mut c_void, state: *mut State) -> u64 {
    let mut kept = MaybeUninit::<[u64; SMALL_KEPT / 8]>::uninit();
    enter(ctx, state, kept.as_mut_ptr().cast())
}

/// For all else.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_enter_long(ctx: *mut c_void, state: *mut State) -> u64 {
    let Some(slot) = Slot::take() else {
        return Outcome::Busy as u64;
    };
    // SAFETY: the slot is this run's until it is given back.
    let outcome = unsafe { enter(ctx, state, (&raw mut (*slot).bytes).cast()) };
    Slot::give_back(slot);
    outcome
}

/// For threads that are in one such call at a time: it is kept where it stays.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_enter_of_thread(ctx: *mut c_void, state: *mut State) -> u64 {
    let call = OfThread::get(u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE));
    if call.is_null() {
        log!(warn, "call: there is no memory for what the thread keeps");
        return Outcome::Memory as u64;
    }
    // SAFETY: it is the running thread's own, with room for what the hole writes.
    unsafe {
        stash(ctx, state, (&raw mut (*call).kept).cast());
        (*call).site = site(state);
    }
    Outcome::Delivered as u64
}
