//! Stacks: what tells one from all others, and how its frames are kept once for many events.

/// Frames of a stack at most: what the kernel gives of its own accord (`kernel.perf_event_max_stack`).
pub const FRAMES: usize = 127;
/// Frames of BPF's own at most that stand innermost in a kernel's stack, where a program was run by a tracepoint or by a
/// trampoline: so many more are taken, and the host leaves them out.
pub const OWN: usize = 8;
/// Of what the kernel half is told of a stack: it is the process's, not the kernel's. (`BPF_F_USER_STACK`)
pub const USER: u64 = 1 << 8;
/// How many frames are wanted.
pub const WANTED: u64 = 0x7f;
/// Frames that are hashed at once.
pub const BLOCK: usize = 16;
/// In a record: the length that says that the offset is an error's number.
pub const FAILED: u16 = u16::MAX;

/// The key of an interned stack. Each generation of a tally has its own.
///
/// 127 bits of hash tell stacks apart, so that their frames are not compared: of a million stacks, two are taken for one
/// with a chance of 10^-26. An id whose first word is 0 is no stack: the second is 0 of an empty one, else an error's number.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackKey {
    pub generation: u64,
    pub id: [u64; 2],
}

/// An interned stack, without its frames, which stand behind it: `FRAMES` words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StackHead {
    /// When it was first seen: CLOCK_MONOTONIC, ns.
    pub time: u64,
    /// Of a user's stack: the process, and what tells its memory from that of others; else zeros.
    pub process: [u64; 2],
    /// Bytes of its frames.
    pub length: u64,
}

/// Bytes of an interned stack.
pub const INTERNED: usize = size_of::<StackHead>() + 8 * FRAMES;

const _: () = assert!(size_of::<StackKey>() == 24);
const _: () = assert!(size_of::<StackHead>() == 32);
// The last block may be hashed as a whole, and a stack's frames are as many as the mask lets through.
const _: () = assert!(FRAMES < 8 * BLOCK && FRAMES as u64 == WANTED);
