//! The head of every record in the ring buffer, and the descriptor of a string in it.

/// What each record begins with. Fields follow by falling alignment, then the strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The probe site: `instance.base + cookie`.
    pub site: u32,
    pub cpu: u16,
    pub flags: u16,
    /// CLOCK_MONOTONIC, ns.
    pub time: u64,
    /// A bit a field: set when it could be read.
    pub valid: u64,
}

/// Where a string of a record lies: a field of 4 bytes, offset from the record's start, and length without a NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub offset: u16,
    pub length: u16,
}

pub const HEADER: usize = size_of::<Header>();
const _: () = assert!(HEADER == 24);
const _: () = assert!(size_of::<Span>() == 4);
