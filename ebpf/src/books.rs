//! Counting: shared words change by atomic add, since programs are nested and preempted even on one CPU.
//!
//! Where the kernel never runs a program while the same one is under way on that CPU, nobody else changes the words that
//! are its own on that CPU. There the host puts `lib_add_alone` in place of `lib_count` (books) and `lib_add` (rows).

use core::intrinsics::{AtomicOrdering, atomic_xadd};
use moontrace_abi::book::{NOTES, OUTCOMES};
use moontrace_abi::{Book, Note, State};

/// Adds to a word that others may be adding to. No result is used: kernels before 5.12 have only that.
#[inline(always)]
pub(crate) fn add(word: *mut u64, value: u64) {
    // SAFETY: the callers' words lie in map values, aligned to 8; the verifier checks the same.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(word, value) };
}

/// Adds to a word of the program's book.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_count(word: *mut u64, value: u64) -> u64 {
    add(word, value);
    0
}

/// Adds to a word of a row.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_add(word: *mut u64, value: u64) -> u64 {
    add(word, value);
    0
}

/// Adds to a word that no other run changes meanwhile.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_add_alone(word: *mut u64, value: u64) -> u64 {
    // SAFETY: as in `add`. Volatile: the host reads the word at any time.
    unsafe { word.write_volatile(word.read_volatile().wrapping_add(value)) };
    0
}

/// Enters how a run ended.
#[inline(always)]
pub(crate) fn enter(book: *mut Book, outcome: u64) {
    let outcome = outcome as usize & (OUTCOMES - 1);
    // SAFETY: `book` is a map value of that type, and the mask keeps the index inside.
    lib_count(
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
    lib_count(
        unsafe { (&raw mut (*(*state).book).notes).cast::<u64>().add(note) },
        1,
    );
    0
}
