//! How records lie in the ring and columns in a row: made by plan, filled by codegen, read by event.

use crate::expr::shape::Shape;
use crate::expr::types::Int;
use crate::rows::{Shown, Value};
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
    /// An integer at an offset from the record's start.
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
    /// A `Span` at an offset from the record's start, of the bytes copied to `slot`.
    Copied {
        offset: u32,
        slot: u32,
        capacity: u32,
        shape: Arc<Shape>,
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
    /// Log2, `BUCKETS` words.
    Hist {
        signed: bool,
    },
}
