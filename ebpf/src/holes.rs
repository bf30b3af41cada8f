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
    /// What an event is: one of `engine`'s.
    event(ctx: *mut c_void, state: *mut State);
    /// Writes the key of a call that is under way, all of its bytes.
    frame(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Writes what is kept of a call's beginning, all of its bytes.
    stash(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// In a session: is it the return of a call? The lowest bit says it.
    session_return(ctx: *mut c_void);
    /// In a session: the address of the word that the kernel keeps of the call until it returns.
    session_word(ctx: *mut c_void);
    /// In a session: what is done when a call begins, one of `actions`; gives an `Outcome`.
    begin(ctx: *mut c_void, state: *mut State);
    /// Conditions and look-ups in the order written: 1 when the event passes, else 0, with `state.fault` set if it is lost.
    steps(ctx: *mut c_void, state: *mut State);
    /// The end of a run that has had something composed for it: `scratch::lib_done`.
    done(state: *mut State);
    /// One of `actions`; gives an `Outcome`.
    act(ctx: *mut c_void, state: *mut State);
    /// Writes the key of a tally or of a span, all of its bytes: 0, or the `Outcome` of an event that is lost by it.
    key(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Writes the columns' arguments, a word each: 0, or the `Outcome` of a failed read.
    measure(ctx: *mut c_void, state: *mut State, out: *mut u64);
    /// Adds what was measured to the columns of a tally's row.
    columns(value: *mut u8, measured: *const u64, state: *mut State);
    /// Writes the key of a set's member, all of its bytes: 0, or the `Outcome` of a failed read.
    member(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Bytes of a span's value that an open one keeps where this probe doesn't store them; 0 where it stores all. A constant.
    span_size();
    /// Writes what this probe stores of a span's value: 0, or the `Outcome` of an event that is lost by it.
    fields(ctx: *mut c_void, state: *mut State, out: *mut u8);
    /// Bytes of a record, or of the fixed part of a long one. A constant: the verifier wants to see it as one.
    record_size();
    /// Writes what follows the time of the record's header.
    record(ctx: *mut c_void, state: *mut State, out: *mut u8);
}
