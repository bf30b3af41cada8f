//! Sessions: one program at the beginnings of calls and at their returns. The kernel ties the two, and keeps a word of each
//! call from one to the other.

use super::books;
use super::engine::run_return;
use super::holes::{begin, done, event, session_return, session_word, stash};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use moontrace_abi::{Outcome, State};

/// The return is wanted.
const WANTED: u64 = 0;
/// It is not, and the kernel spares it.
const UNWANTED: u64 = 1;

#[inline(always)]
fn returns(ctx: *mut c_void) -> bool {
    session_return(ctx) & 1 == 1
}

/// What is kept of a call's beginning is found under the address of the kernel's word.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_session(ctx: *mut c_void, state: *mut State) -> u64 {
    if returns(ctx) {
        return run_return(ctx, state);
    }
    let outcome = begin(ctx, state);
    done(state);
    if outcome == Outcome::Delivered as u64 {
        return WANTED;
    }
    // A call whose beginning could not be kept is lost; all others are counted where they return.
    // SAFETY: `state` is the entry program's, and its book is there before anything runs.
    books::enter(unsafe { (*state).book }, outcome);
    UNWANTED
}

/// What is kept is one value that is never 0, in the kernel's word itself. Kernels before 6.14 call a return whose beginning
/// they have skipped, with the word as an earlier call has left it: as 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn run_session_word(ctx: *mut c_void, state: *mut State) -> u64 {
    let word = session_word(ctx) as *mut u64;
    if !returns(ctx) {
        let mut kept = MaybeUninit::<[u64; 2]>::uninit();
        stash(ctx, state, kept.as_mut_ptr().cast());
        // SAFETY: the hole has written both words; the kernel's own is there until the call has returned.
        unsafe { *word = kept.assume_init()[1] };
        return WANTED;
    }
    // SAFETY: as above.
    let mut kept = [0, unsafe { *word }];
    if kept[1] != 0 {
        // SAFETY: as above; `kept` lives until the event is done.
        unsafe {
            *word = 0;
            (*state).call = kept.as_mut_ptr().cast();
        }
        event(ctx, state);
    }
    0
}
