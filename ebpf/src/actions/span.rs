//! Start and mark: what begins is put into a span, and what is known of it later is added.

use crate::library::errors::{E2BIG, ENOENT, ENOMEM, error};
use crate::library::holes::{fields, key, span_size};
use crate::library::maps;
use crate::library::scratch::Slot;
use crate::library::span::copy;
use aya_ebpf::bindings::{BPF_ANY, BPF_EXIST};
use aya_ebpf::helpers::generated::{bpf_map_lookup_elem, bpf_map_update_elem};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::limits::{KEY, SMALL_KEY, SMALL_SPAN};
use moontrace_abi::{Outcome, State};

/// Changes a copy and puts it in place of what was there: whoever looks sees the one or the other.
#[inline(always)]
fn store(ctx: *mut c_void, state: *mut State, at: *mut u8, value: *mut u64, marks: bool) -> u64 {
    let lost = key(ctx, state, at);
    if lost != 0 {
        log!(debug, "span: no key: {}", lost);
        return lost;
    }
    let span = maps::address(&maps::SPAN);
    let size = span_size();
    if size != 0 {
        // SAFETY: the key hole has written all bytes of a key.
        let there = unsafe { bpf_map_lookup_elem(span, at.cast()) }.cast::<u64>();
        if there.is_null() {
            if marks {
                return Outcome::Filtered as u64;
            }
            copy((&raw const maps::ZEROS).cast(), value, size);
        } else if !copy(there, value, size) {
            log!(warn, "span: what was found is gone");
            return Outcome::Busy as u64;
        }
    }
    let lost = fields(ctx, state, value.cast());
    if lost != 0 {
        log!(debug, "span: what is stored can't be had: {}", lost);
        return lost;
    }
    let how = if marks { BPF_EXIST } else { BPF_ANY };
    // SAFETY: as above; all bytes of a value have been written, too.
    let done = unsafe { bpf_map_update_elem(span, at.cast(), value.cast(), u64::from(how)) };
    match error(done) {
        0 => Outcome::Delivered as u64,
        ENOENT => Outcome::Filtered as u64,
        E2BIG => {
            log!(warn, "span: it is full");
            Outcome::Full as u64
        }
        ENOMEM => {
            log!(warn, "span: there is no memory");
            Outcome::Memory as u64
        }
        error => {
            log!(warn, "span: nothing can be stored: {}", error);
            Outcome::Busy as u64
        }
    }
}

/// For keys and values that fit on the stack.
#[inline(always)]
fn short(ctx: *mut c_void, state: *mut State, marks: bool) -> u64 {
    let mut at = MaybeUninit::<[u64; SMALL_KEY / 8]>::uninit();
    let mut value = MaybeUninit::<[u64; SMALL_SPAN / 8]>::uninit();
    let (at, value) = (at.as_mut_ptr().cast(), value.as_mut_ptr().cast());
    store(ctx, state, at, value, marks)
}

/// For all others.
#[inline(always)]
fn long(ctx: *mut c_void, state: *mut State, marks: bool) -> u64 {
    let Some(slot) = Slot::take() else {
        log!(warn, "span: all scratch slots of this CPU are in use");
        return Outcome::Busy as u64;
    };
    // SAFETY: the slot is this run's until it is given back, and has room for both.
    let outcome = unsafe {
        let bytes = (&raw mut (*slot).bytes).cast::<u8>();
        store(ctx, state, bytes, bytes.add(KEY).cast(), marks)
    };
    Slot::give_back(slot);
    outcome
}

macro_rules! actions {
    ($($name:ident: $how:ident($marks:literal);)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub(crate) extern "C" fn $name(ctx: *mut c_void, state: *mut State) -> u64 {
            $how(ctx, state, $marks)
        }
    )*};
}

actions! {
    act_start: short(false);
    act_start_long: long(false);
    act_mark: short(true);
    act_mark_long: long(true);
}
