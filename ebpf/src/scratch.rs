//! Room for what is too long for the stack: a few slots an instance and CPU, each for one run at a time.

use super::maps::SCRATCH;
use core::intrinsics::{AtomicOrdering, atomic_xchg};
use moontrace_abi::limits;

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
            if unsafe { atomic_xchg::<u64, { AtomicOrdering::Relaxed }>(&raw mut (*slot).busy, 1) }
                == 0
            {
                return Some(slot);
            }
        }
        None
    }

    #[inline(always)]
    pub(crate) fn give_back(slot: *mut Self) {
        // SAFETY: as in `take`. Volatile, so that no earlier use of the slot moves behind it.
        unsafe { (&raw mut (*slot).busy).write_volatile(0) };
    }
}
