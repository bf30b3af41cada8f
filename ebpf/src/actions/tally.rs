//! Tally: a row of a table, found or made by its key, to which columns add.

use crate::library::errors::{E2BIG, EEXIST, ENOMEM, error};
use crate::library::holes::{columns, key, measure};
use crate::library::maps;
use crate::library::scratch::Slot;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::{bpf_map_lookup_elem, bpf_map_update_elem};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::limits::{COLUMNS, SMALL_COLUMNS, SMALL_KEY};
use moontrace_abi::{Outcome, State};

/// Measures, then finds the row, then adds: a row is not made for what could not be measured.
#[inline(always)]
fn tally(ctx: *mut c_void, state: *mut State, measured: *mut u64, at: *mut u8) -> u64 {
    let lost = measure(ctx, state, measured);
    if lost != 0 {
        log!(debug, "tally: columns can't be read");
        return lost;
    }
    let lost = key(ctx, state, at);
    if lost != 0 {
        log!(debug, "tally: the key can't be had: {}", lost);
        return lost;
    }
    let table = maps::address(&maps::TALLY);
    // SAFETY: the key hole has written all bytes of a key, and `ZEROS` has those of any value.
    unsafe {
        let mut row = bpf_map_lookup_elem(table, at.cast());
        if row.is_null() {
            let zeros = (&raw const maps::ZEROS).cast();
            let made = bpf_map_update_elem(table, at.cast(), zeros, u64::from(BPF_NOEXIST));
            match error(made) {
                0 | EEXIST => {}
                E2BIG => {
                    log!(warn, "tally: the table is full");
                    return Outcome::Full as u64;
                }
                ENOMEM => {
                    log!(warn, "tally: there is no memory for a row");
                    return Outcome::Memory as u64;
                }
                error => {
                    log!(warn, "tally: no row can be made: {}", error);
                    return Outcome::Busy as u64;
                }
            }
            row = bpf_map_lookup_elem(table, at.cast());
            if row.is_null() {
                log!(warn, "tally: a row that was made is gone");
                return Outcome::Busy as u64;
            }
        }
        columns(row.cast(), measured, state);
    }
    Outcome::Delivered as u64
}

/// For keys and columns that fit on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_tally(ctx: *mut c_void, state: *mut State) -> u64 {
    let mut measured = MaybeUninit::<[u64; SMALL_COLUMNS]>::uninit();
    let mut at = MaybeUninit::<[u64; SMALL_KEY / 8]>::uninit();
    tally(
        ctx,
        state,
        measured.as_mut_ptr().cast(),
        at.as_mut_ptr().cast(),
    )
}

/// For all others.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_tally_long(ctx: *mut c_void, state: *mut State) -> u64 {
    let Some(slot) = Slot::take() else {
        log!(warn, "tally: all scratch slots of this CPU are in use");
        return Outcome::Busy as u64;
    };
    // SAFETY: the slot is this run's until it is given back, and has room for both.
    let outcome = unsafe {
        let bytes = (&raw mut (*slot).bytes).cast::<u8>();
        tally(ctx, state, bytes.cast(), bytes.add(8 * COLUMNS))
    };
    Slot::give_back(slot);
    outcome
}
