//! The books: how every run of a probe's program ended, and what was remarkable about it.

/// Outcomes a book has room for; a power of two, so that an index can be bounded by a mask.
pub const OUTCOMES: usize = 8;
/// Notes a book has room for.
pub const NOTES: usize = 4;

/// The book of one probe site on one CPU. Words only grow, by atomic adds.
///
/// `hits` is the sum of `outcomes`; notes stand beside that equation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Book {
    pub outcomes: [u64; OUTCOMES],
    pub notes: [u64; NOTES],
}

/// How a run ended. The discriminant is the index into [`Book::outcomes`].
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A condition was false.
    Filtered = 0,
    /// The action was done.
    Delivered = 1,
    /// The ring buffer was full (or its lock contended in an NMI).
    Ring = 2,
    /// Memory that a condition, a key or a column needs could not be read.
    Read = 3,
    /// The table has no room for another key.
    Full = 4,
    /// The kernel had no memory for another key.
    Memory = 5,
    /// The table or every scratch slot was in use by what this run interrupted.
    Busy = 6,
    /// There is no room for the frames of another stack.
    Stacks = 7,
}

impl Outcome {
    /// Every way to lose an event, with the name that the books use for it.
    pub const LOSSES: [(Self, &'static str); 6] = [
        (Self::Ring, "ring"),
        (Self::Read, "read"),
        (Self::Full, "full"),
        (Self::Memory, "memory"),
        (Self::Busy, "busy"),
        (Self::Stacks, "stacks"),
    ];
}

/// What is counted beside the outcome. The discriminant is the index into [`Book::notes`].
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A division by zero gave 0.
    Division = 0,
    /// A string did not fit into its field.
    Truncated = 1,
    /// A fetched field could not be read and is nil.
    Fault = 2,
    /// A minimum or maximum was being changed by other runs each time that it was to be changed, and was left as it was.
    Contended = 3,
}

impl Note {
    /// Every note, with the name that the books use for it.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Division, "division by zero"),
        (Self::Truncated, "truncated"),
        (Self::Fault, "fault"),
        (Self::Contended, "contended"),
    ];
}
