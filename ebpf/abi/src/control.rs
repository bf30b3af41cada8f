//! What the host steers running programs with: one value, mapped into the host, shared by a script's instances.

use crate::limits::TALLIES;

/// The control word and the words beside it. All zero at first: nothing runs.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Not 0: the script's programs run. Set when the last link is live, cleared before the first is closed.
    pub armed: u64,
    /// Not 0: the reader of the ring sleeps and wants to be woken. Set by the host, cleared by whoever wakes it.
    pub asleep: u64,
    /// The generation, 0 or 1, that each tally's programs write to.
    pub generation: [u64; TALLIES],
}

impl Control {
    /// Where the generation word of a tally lies within the value, in bytes.
    pub const fn generation_offset(tally: u32) -> u32 {
        core::mem::offset_of!(Self, generation) as u32 + 8 * tally
    }
}
