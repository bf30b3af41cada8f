//! Room for what is too long for the stack: a few slots an instance and CPU, each for one run at a time.
//!
//! Kernels before 5.12 have no atomic instruction that gives a result. There the host puts `lib_claim_by_adding` and
//! `lib_release_by_adding` in place of `lib_claim` and `lib_release`.

use super::books;
use super::maps::SCRATCH;
use core::intrinsics::{AtomicOrdering, atomic_xchg};
use moontrace_abi::{State, limits};

/// A run that is nested into another, or preempted by one on its CPU, finds the first one's slot busy and takes the next.
#[repr(C)]
pub(crate) struct Slot {
    busy: u64,
    pub(crate) bytes: [u8; limits::SCRATCH],
}

impl Slot {
    /// Takes a free slot. `None`: all are in use by what this run interrupted.
    #[inline(always)]
    pub(crate) fn take() -> Option<*mut Self> {
        for number in 0..limits::SCRATCH_SLOTS as u32 {
            let slot = SCRATCH.get_ptr_mut(number)?;
            // SAFETY: a map value of that type, valid while the program runs.
            if lib_claim(unsafe { &raw mut (*slot).busy }) == 0 {
                return Some(slot);
            }
        }
        None
    }

    #[inline(always)]
    pub(crate) fn give_back(slot: *mut Self) {
        // SAFETY: as in `take`.
        lib_release(unsafe { &raw mut (*slot).busy });
    }
}

/// The slot in which strings of this run are composed, one after the other: each is read before the next is begun. `None`:
/// all are in use by what this run interrupted.
#[inline(always)]
pub(crate) fn of_run(state: *mut State) -> Option<*mut u8> {
    // SAFETY: `state` is the entry program's; what it holds is a slot, which is this run's until `lib_done`.
    unsafe {
        if (*state).scratch.is_null() {
            (*state).scratch = Slot::take()?.cast();
        }
        let slot = (*state).scratch.cast::<Slot>();
        Some((&raw mut (*slot).bytes).cast())
    }
}

/// Gives back what [`of_run`] has taken.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_done(state: *mut State) -> u64 {
    // SAFETY: as above.
    unsafe {
        if !(*state).scratch.is_null() {
            Slot::give_back((*state).scratch.cast());
        }
    }
    0
}

/// Marks a slot as busy: 0 when it was free, and is the caller's now.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_claim(busy: *mut u64) -> u64 {
    // SAFETY: the word of a slot, aligned to 8.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::Relaxed }>(busy, 1) }
}

/// Marks a slot that the caller has claimed as free.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_release(busy: *mut u64) -> u64 {
    // SAFETY: the word of a slot, aligned to 8. Volatile, so that no earlier use of the slot moves behind it.
    unsafe { busy.write_volatile(0) };
    0
}

/// [`lib_claim`] without an atomic's result. Whoever reads more than its own 1 is not alone, and leaves again: of two at
/// the same time at most one stays.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_claim_by_adding(busy: *mut u64) -> u64 {
    books::add(busy, 1);
    // SAFETY: the word of a slot, aligned to 8. Volatile: another run may have changed it since.
    let others = unsafe { busy.read_volatile() }.wrapping_sub(1);
    if others != 0 {
        books::add(busy, u64::MAX);
    }
    others
}

/// [`lib_release`] of what [`lib_claim_by_adding`] has claimed: the word may hold others' attempts.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lib_release_by_adding(busy: *mut u64) -> u64 {
    books::add(busy, u64::MAX);
    0
}
