//! Values and tables as every later stage hands them on: decoded by event, read by Lua, rendered by output.

pub mod shown;

pub use shown::Shown;

use std::sync::Arc;

/// A decoded value. Integers are exact to 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What could not be read, or isn't there.
    Nil,
    Bool(bool),
    Int(i64),
    /// What the kernel calls unsigned.
    Unsigned(u64),
    Str(Vec<u8>),
    Hist(Arc<Histogram>),
    /// An integer that stands for something: programs get the number, people read what it means.
    Named(i128, Shown),
    /// The elements of an array.
    List(Vec<Self>),
    /// The members of a struct by name, in their order.
    Struct(Vec<(Arc<str>, Self)>),
}

impl Value {
    /// The integer that it is. All that this program handles have 64 bits, with a sign or without.
    pub fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some((*value).into()),
            Self::Unsigned(value) => Some((*value).into()),
            Self::Named(value, _) => Some(*value),
            _ => None,
        }
    }
}

/// A histogram with its empty buckets left out, lowest first.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Histogram {
    pub count: u64,
    pub buckets: Vec<Bucket>,
}

/// `min..=max`; an open end is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    pub min: Option<i128>,
    pub max: Option<i128>,
    pub count: u64,
}

/// A tally as it was read: its rows' values stand in the order keys, columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    pub keys: Vec<String>,
    pub columns: Vec<String>,
    /// Smallest first, by the first column.
    pub rows: Vec<Vec<Value>>,
}

/// The books of one declaration, summed over its sites and CPUs.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Books {
    pub probe: String,
    pub filtered: u64,
    pub delivered: u64,
    /// By cause, only those that happened.
    pub lost: Vec<(&'static str, u64)>,
    /// Hits for which the kernel skipped the program; `None` where it can't tell.
    pub missed: Option<u64>,
    pub notes: Vec<(&'static str, u64)>,
}

impl Books {
    pub fn losses(&self) -> u64 {
        self.lost.iter().map(|(_, count)| count).sum()
    }

    pub fn hits(&self) -> u64 {
        self.filtered + self.delivered + self.losses()
    }
}
