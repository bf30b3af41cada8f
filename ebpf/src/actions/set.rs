//! Set: a member put into a set, or taken out, by the kernel itself: what follows sees it before its first event.

use crate::library::errors::{E2BIG, ENOENT, ENOMEM, error};
use crate::library::holes::member;
use crate::library::maps;
use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::helpers::generated::{bpf_map_delete_elem, bpf_map_update_elem};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::limits::SET_KEY;
use moontrace_abi::{Outcome, State};

/// Runs `change` with the member that the hole writes.
#[inline(always)]
fn with_member(
    ctx: *mut c_void,
    state: *mut State,
    change: impl FnOnce(*const c_void) -> i64,
) -> u64 {
    let mut key = MaybeUninit::<[u64; SET_KEY / 8]>::uninit();
    let lost = member(ctx, state, key.as_mut_ptr().cast());
    if lost != 0 {
        log!(debug, "set: no member: {}", lost);
        return lost;
    }
    match error(change(key.as_ptr().cast())) {
        0 | ENOENT => Outcome::Delivered as u64,
        E2BIG => {
            log!(warn, "set: it is full");
            Outcome::Full as u64
        }
        ENOMEM => {
            log!(warn, "set: there is no memory for a member");
            Outcome::Memory as u64
        }
        error => {
            log!(warn, "set: it can't be changed: {}", error);
            Outcome::Busy as u64
        }
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_add(ctx: *mut c_void, state: *mut State) -> u64 {
    let there = 1u8;
    with_member(ctx, state, |key| {
        // SAFETY: the member hole has written all bytes of a key; a value is one byte.
        unsafe {
            bpf_map_update_elem(
                maps::address(&maps::SET),
                key,
                (&raw const there).cast(),
                u64::from(BPF_ANY),
            )
        }
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_remove(ctx: *mut c_void, state: *mut State) -> u64 {
    // SAFETY: as above.
    with_member(ctx, state, |key| unsafe {
        bpf_map_delete_elem(maps::address(&maps::SET), key)
    })
}
