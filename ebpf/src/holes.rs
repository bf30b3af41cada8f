//! The holes: placeholder functions that the host replaces before it loads a program.
//!
//! A body of `black_box` calls is opaque to LLVM, so each call stays a call with its arguments set up. (An undefined
//! `extern "C"` would not do: its arguments are dropped.)

use core::ffi::c_void;
use core::hint::black_box;
use moontrace_abi::State;

macro_rules! holes {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $ty:ty),*);)*) => {$(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub(crate) extern "C" fn $name($($argument: $ty),*) -> u64 {
            $(black_box($argument);)*
            black_box(0)
        }
    )*};
}

holes! {
    /// Which stack the program runs on: the thread's own where `own_stack` of the host's code generator stands here, else
    /// what the kernel likes.
    stack();
    /// Is this a hit of the script at all? 1 or 0. What is not a hit is not counted.
    guard(ctx: *mut c_void, state: *mut State);
    /// Which of the instance's sites was hit: 0 where there is one.
    cookie(ctx: *mut c_void);
    /// The number of the instance's first site.
    base();
    /// What a hit is: one of `engine`'s.
    run(ctx: *mut c_void, state: *mut State);
    /// Writes the key of a call that is under way, all of its bytes.
    frame(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Writes what is kept of a call's beginning, all of its bytes.
    stash(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Conditions and look-ups in the order written: 1 when the event passes, else 0, with `state.fault` set if for a failed read.
    steps(ctx: *mut c_void, state: *mut State);
    /// The end of a run that has had something composed for it: `scratch::lib_done`.
    done(state: *mut State);
    /// One of `actions`; gives an `Outcome`.
    act(ctx: *mut c_void, state: *mut State);
    /// Writes the key of a tally, all of its bytes: 0, or 1 for a failed read.
    key(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Writes the columns' arguments, a word each: 0, or 1 for a failed read.
    measure(ctx: *mut c_void, state: *mut State, out: *mut u64);
    /// Adds what was measured to the columns of a tally's row.
    columns(value: *mut u8, measured: *const u64, state: *mut State);
    /// Writes the key of a set's member, all of its bytes: 0, or 1 for a failed read.
    member(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Bytes of a record, or of the fixed part of a long one. A constant: the verifier wants to see it as one.
    record_size();
    /// Writes what follows the time of the record's header.
    record(ctx: *mut c_void, state: *mut State, out: *mut u8);
}
