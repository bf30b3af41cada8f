//! Emit: a record in the ring buffer.

use crate::library::holes::{base, record, record_size};
use crate::library::scratch::Slot;
use crate::library::{clock, maps};
use aya_ebpf::bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::{
    bpf_get_smp_processor_id, bpf_ringbuf_output, bpf_ringbuf_reserve, bpf_ringbuf_submit,
};
use core::ffi::c_void;
use moontrace_abi::limits::RECORD;
use moontrace_abi::{Header, Outcome, State};

/// Wakes the reader when it sleeps; a reader that is at work finds the record by itself.
#[inline(always)]
fn wake() -> u64 {
    // SAFETY: a word that host and programs change at any time, hence volatile.
    unsafe {
        let asleep = &raw mut maps::CONTROL.asleep;
        if asleep.read_volatile() == 0 {
            return u64::from(BPF_RB_NO_WAKEUP);
        }
        asleep.write_volatile(0);
    }
    u64::from(BPF_RB_FORCE_WAKEUP)
}

/// Fills the header but for `valid`, which the record's own code knows.
#[inline(always)]
fn begin(state: *mut State, out: *mut u8) {
    let header = out.cast::<Header>();
    // SAFETY: every record has room for its header and is aligned to 8; `state` is the entry program's.
    unsafe {
        (*header).site = (base() + (*state).cookie) as u32;
        (*header).cpu = bpf_get_smp_processor_id() as u16;
        (*header).flags = 0;
        (*header).time = clock::lib_time(state);
    }
}

/// Fills the record where it is reserved.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_emit(ctx: *mut c_void, state: *mut State) -> u64 {
    // SAFETY: the helper gives room for a record, or null.
    let out = unsafe { bpf_ringbuf_reserve(maps::address(&maps::EVENTS), record_size(), 0) };
    if out.is_null() {
        log!(warn, "emit: the ring is full, or contended");
        return Outcome::Ring as u64;
    }
    begin(state, out.cast());
    record(ctx, state, out.cast());
    // SAFETY: `out` was reserved above and is not used again.
    unsafe { bpf_ringbuf_submit(out, wake()) };
    Outcome::Delivered as u64
}

/// Fills the record in scratch and sends what it has.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn act_emit_long(ctx: *mut c_void, state: *mut State) -> u64 {
    let Some(slot) = Slot::take() else {
        log!(warn, "emit: all scratch slots of this CPU are in use");
        return Outcome::Busy as u64;
    };
    // SAFETY: the slot is this run's until it is given back; `state` is the entry program's.
    let full = unsafe {
        let out = (&raw mut (*slot).bytes).cast::<u8>();
        (*state).tail = record_size();
        begin(state, out);
        record(ctx, state, out);
        let length = ((*state).tail & (2 * RECORD as u64 - 1)).min(RECORD as u64);
        bpf_ringbuf_output(maps::address(&maps::EVENTS), out.cast(), length, wake())
    };
    Slot::give_back(slot);
    if full != 0 {
        log!(warn, "emit: a long record was refused: {}", full);
        Outcome::Ring as u64
    } else {
        Outcome::Delivered as u64
    }
}
