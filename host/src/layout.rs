//! How records lie in the ring and columns in a row: made by plan, filled by codegen, read by event.

pub use crate::expr::shape::Shape;

use crate::expr::types::Int;
use crate::rows::{Shown, Value};
use moontrace_abi::bucket::{Linear, buckets};
use std::sync::Arc;

/// How a record is laid out: made by plan, used by codegen and by event.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Layout {
    pub fields: Vec<Field>,
    /// Bytes that are reserved (in place), or that the fixed part takes (long).
    pub size: u32,
    /// Built in scratch and sent with its real length.
    pub long: bool,
}

/// A field of a record. Those without a place in it are the same in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// As the script reads it: `pid`, `args.filename`, or the name that `:fetch` gave.
    pub name: String,
    pub content: Content,
    /// Its bit in `Header::valid`.
    pub bit: u8,
    /// What an integer stands for, for those who print it.
    pub shown: Option<Shown>,
    /// What asked for it: `:fetch`, or the line of the handler that reads it.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An integer at an offset from the record's start, which may be the low bits of what stands there.
    Int {
        offset: u32,
        int: Int,
    },
    Bool {
        offset: u32,
    },
    /// A `Span` at an offset from the record's start. Its bytes stand at `slot`, or packed behind the fixed part of a
    /// long record (only strings that are read from memory are).
    Text {
        offset: u32,
        slot: Option<u32>,
        capacity: u16,
    },
    /// A `Span` at an offset from the record's start, of the bytes copied to `slot`, or packed as strings are (of these,
    /// only buffers).
    Copied {
        offset: u32,
        slot: Option<u32>,
        capacity: u32,
        shape: Arc<Shape>,
    },
    /// Two words of the process, and behind them a `Span` of the frames, packed behind the fixed part of a long record;
    /// one of the length `FAILED` has an error's number in place of its offset.
    Stack {
        offset: u32,
        user: bool,
        frames: u8,
    },
    /// An address, and the process where it is not the kernel's.
    Symbol {
        offset: u32,
        user: bool,
    },
    /// Known when the probe is planned: nothing is stored.
    Constant(Value),
    /// Stands in the header.
    Time,
    Cpu,
    /// Names of the site, known to the host.
    Probe,
    Func,
}

/// What a column of a tally holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Count,
    Sum {
        signed: bool,
    },
    /// Kept as words that only rise, see [`Extreme`].
    Min(Extreme),
    Max(Extreme),
    /// A count and a sum.
    Avg {
        signed: bool,
    },
    /// A count, a sum, a minimum and a maximum.
    Stats(Extreme),
    /// Log2, each power of two in `2^bits` parts.
    Hist {
        signed: bool,
        bits: u8,
    },
    LinearHist {
        signed: bool,
        steps: Linear,
    },
}

/// How the values of a minimum or maximum are ordered. A row begins as zeros, so its word holds what only rises from 0:
/// the value, its sign bit turned where it has a sign, all bits turned of a minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    Signed,
    /// Of 64 bits without a sign; what is narrower is ordered as signed.
    Unsigned,
}

impl Extreme {
    fn turned(self) -> u64 {
        match self {
            Self::Signed => 1 << 63,
            Self::Unsigned => 0,
        }
    }

    /// What a value's bits are turned by for a maximum, and back.
    pub fn maximum(self) -> u64 {
        self.turned()
    }

    /// The same for a minimum.
    pub fn minimum(self) -> u64 {
        !self.turned()
    }
}

impl Aggregate {
    /// Words of a row.
    pub fn words(self) -> usize {
        match self {
            Self::Count | Self::Sum { .. } => 1,
            // The second says whether there was a value at all.
            Self::Min(_) | Self::Max(_) | Self::Avg { .. } => 2,
            Self::Stats(_) => 4,
            Self::Hist { bits, .. } => buckets(bits),
            Self::LinearHist { steps, .. } => steps.buckets(),
        }
    }
}
