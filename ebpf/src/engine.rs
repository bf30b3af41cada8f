//! What happens at a hit, whatever the kind of attachment: guard, book, steps, action, and one entry in the book.

use super::call::{kept, let_go};
use super::holes::{act, cookie, done, guard, run, steps};
use super::{books, maps};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::{Outcome, State};

/// Runs a program's text. Ends in at most one entry in the book of its instance.
#[inline(always)]
pub(crate) fn hit(ctx: *mut c_void) {
    // SAFETY: the host changes the word at any time, hence volatile; it is never gone.
    if unsafe { (&raw const maps::CONTROL.armed).read_volatile() } == 0 {
        return;
    }
    let mut state = MaybeUninit::<State>::uninit();
    let state = state.as_mut_ptr();
    for word in 0..size_of::<State>() / 8 {
        // SAFETY: inside `state`; word by word, since a plain zeroed value becomes a call of memset.
        unsafe { state.cast::<u64>().add(word).write_volatile(0) };
    }
    if guard(ctx, state) == 0 {
        return;
    }
    let site = cookie(ctx);
    let Some(book) = maps::BOOKS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: `state` was zeroed above, which is a value of its type.
    unsafe {
        (*state).cookie = site;
        (*state).book = book;
    }
    run(ctx, state);
}

#[inline(always)]
fn event(ctx: *mut c_void, state: *mut State) {
    let outcome = if steps(ctx, state) != 0 {
        act(ctx, state)
    // SAFETY: `state` is the entry program's.
    } else if unsafe { (*state).fault } != 0 {
        Outcome::Read as u64
    } else {
        Outcome::Filtered as u64
    };
    // SAFETY: as above; its book is there before anything runs.
    books::enter(unsafe { (*state).book }, outcome);
    done(state);
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
    if kept(ctx, state) {
        event(ctx, state);
        let_go(ctx, state);
    }
    0
}
