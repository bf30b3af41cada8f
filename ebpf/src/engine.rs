//! What happens at a hit, whatever the kind of attachment: guard, book, steps, action, and one entry in the book. Or the
//! hit is handed on to a program for which the same happens.

use super::call::{with_kept, with_threads_own};
use super::holes::{act, cookie, done, event, guard, run, steps};
use super::scratch::Slot;
use super::{books, maps};
use aya_ebpf::helpers::generated::bpf_tail_call;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::limits::SMALL_SPAN;
use moontrace_abi::{Outcome, State};

/// Runs a program's text. Ends in at most one entry in the book of its instance. Gives what a session's program answers
/// with: 1 when a call's return is not wanted.
#[inline(always)]
pub(crate) fn hit(ctx: *mut c_void) -> u64 {
    // SAFETY: the host changes the word at any time, hence volatile; it is never gone.
    if unsafe { (&raw const maps::CONTROL.armed).read_volatile() } == 0 {
        return 1;
    }
    let mut state = MaybeUninit::<State>::uninit();
    let state = state.as_mut_ptr();
    // SAFETY: inside of `state`. All else is written before it is read, which the verifier checks.
    unsafe {
        (&raw mut (*state).time).write_volatile(0);
        (&raw mut (*state).fault).write_volatile(0);
        (&raw mut (*state).scratch).write_volatile(core::ptr::null_mut());
    }
    if guard(ctx, state) == 0 {
        return 1;
    }
    let site = cookie(ctx);
    let Some(book) = maps::BOOKS.get_ptr_mut(0) else {
        return 1;
    };
    // SAFETY: these are inside of `state`.
    unsafe {
        (*state).cookie = site;
        (*state).book = book;
    }
    run(ctx, state)
}

#[inline(always)]
fn pass(ctx: *mut c_void, state: *mut State) {
    // SAFETY: `state` is the entry program's; its book is there before anything runs.
    unsafe {
        let outcome = if steps(ctx, state) != 0 {
            act(ctx, state)
        } else if (*state).fault != 0 {
            (*state).fault
        } else {
            Outcome::Filtered as u64
        };
        books::enter((*state).book, outcome);
    }
    done(state);
}

/// An event whose steps bind nothing.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn event_alone(ctx: *mut c_void, state: *mut State) -> u64 {
    pass(ctx, state);
    0
}

/// An event whose steps bind what fits on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn event_in_span(ctx: *mut c_void, state: *mut State) -> u64 {
    let mut bound = MaybeUninit::<[u64; SMALL_SPAN / 8]>::uninit();
    // SAFETY: `state` is the entry program's, and this outlives what it runs.
    unsafe { (*state).from = bound.as_mut_ptr().cast() };
    pass(ctx, state);
    0
}

/// All other events whose steps bind something, or look by a key that is too long for the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn event_in_long_span(ctx: *mut c_void, state: *mut State) -> u64 {
    let Some(slot) = Slot::take() else {
        log!(warn, "span: all scratch slots of this CPU are in use");
        // SAFETY: as in `pass`.
        books::enter(unsafe { (*state).book }, Outcome::Busy as u64);
        return 0;
    };
    // SAFETY: the slot is this run's until it is given back.
    unsafe { (*state).from = (&raw mut (*slot).bytes).cast() };
    pass(ctx, state);
    Slot::give_back(slot);
    0
}

/// A hit is an event.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_event(ctx: *mut c_void, state: *mut State) -> u64 {
    event(ctx, state);
    0
}

/// A hit is the return of a call: an event if its beginning was seen.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_return(ctx: *mut c_void, state: *mut State) -> u64 {
    with_kept(ctx, state, event);
    0
}

/// The same where a thread is in one such call at a time.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_return_of_thread(ctx: *mut c_void, state: *mut State) -> u64 {
    with_threads_own(ctx, state, event);
    0
}

/// A hit is another program's, by the number that the cookie is: that program runs in place of this one, and nothing of
/// this one is counted. Where there is none for a number, it is nobody's hit.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_dispatch(ctx: *mut c_void, state: *mut State) -> u64 {
    // SAFETY: `state` is the entry program's; the helper looks into the map, whatever the number.
    unsafe { bpf_tail_call(ctx, maps::address(&maps::PROGRAMS), (*state).cookie as u32) };
    0
}
