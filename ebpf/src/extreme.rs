//! Minimum and maximum: a word that only rises.

use super::books::note;
use core::intrinsics::{AtomicOrdering, atomic_cxchg};
use moontrace_abi::{Note, State};

/// How often an exchange is tried. Each failed one means that another run has just raised the word.
const TRIES: u32 = 64;

/// Raises a word to a value that is larger.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_raise(word: *mut u64, value: u64, state: *mut State) -> u64 {
    // SAFETY: the host passes a word of a map value, aligned to 8; the verifier checks the same.
    unsafe {
        let mut there = word.read_volatile();
        for _ in 0..TRIES {
            if there >= value {
                return 0;
            }
            let (seen, done) =
                atomic_cxchg::<u64, { AtomicOrdering::Relaxed }, { AtomicOrdering::Relaxed }>(
                    word, there, value,
                );
            if done {
                return 0;
            }
            there = seen;
        }
    }
    note(state, Note::Contended);
    0
}

/// The same for kernels before 5.12, which can't exchange: a run that interrupts this one between its look and its
/// change is overwritten.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_raise_plainly(word: *mut u64, value: u64, _: *mut State) -> u64 {
    // SAFETY: as above.
    unsafe {
        if word.read_volatile() < value {
            word.write_volatile(value);
        }
    }
    0
}
