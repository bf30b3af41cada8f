//! Counting: shared words change by atomic add, since programs are nested and preempted even on one CPU.

use core::intrinsics::{AtomicOrdering, atomic_xadd};
use moontrace_abi::book::{NOTES, OUTCOMES};
use moontrace_abi::{Book, Note, State};

/// Adds to a word that others may be adding to. No result is used: kernels before 5.12 have only that.
#[inline(always)]
pub(crate) fn add(word: *mut u64, value: u64) {
    // SAFETY: the callers' words lie in map values, aligned to 8; the verifier checks the same.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(word, value) };
}

/// Enters how a run ended.
#[inline(always)]
pub(crate) fn enter(book: *mut Book, outcome: u64) {
    let outcome = outcome as usize & (OUTCOMES - 1);
    // SAFETY: `book` is a map value of that type, and the mask keeps the index inside.
    add(
        unsafe { (&raw mut (*book).outcomes).cast::<u64>().add(outcome) },
        1,
    );
}

/// Counts something remarkable.
#[inline(always)]
pub(crate) fn note(state: *mut State, note: Note) {
    lib_note(state, note as u32);
}

/// The same, for generated code.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_note(state: *mut State, note: u32) -> u64 {
    let note = note as usize & (NOTES - 1);
    // SAFETY: `state` is the entry program's, and its book a map value; the mask keeps the index inside.
    add(
        unsafe { (&raw mut (*(*state).book).notes).cast::<u64>().add(note) },
        1,
    );
    0
}
