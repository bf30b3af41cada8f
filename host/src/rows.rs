//! Values and tables as every later stage hands them on: decoded by event, read by Lua, rendered by output.

pub mod escape;
pub mod picture;
pub mod shown;
pub mod stack;

pub use picture::Flame;
pub use shown::Shown;
pub use stack::{Frame, RawEnd, RawStack, Stack, Symbols};

use std::cmp::Ordering;
use std::sync::Arc;

/// A decoded value. Integers are exact to 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What could not be read, or isn't there.
    Nil,
    /// What a null pointer leads to.
    Null,
    Bool(bool),
    Int(i64),
    /// What the kernel calls unsigned.
    Unsigned(u64),
    Str(Vec<u8>),
    /// What need not be text.
    Bytes(Vec<u8>),
    /// An average.
    Float(f64),
    Stats(Stats),
    Hist(Arc<Histogram>),
    /// An integer that stands for something: programs get the number, people read what it means.
    Named(i128, Shown),
    /// The elements of an array.
    List(Vec<Self>),
    /// The members of a struct by name, in their order.
    Struct(Vec<(Arc<str>, Self)>),
    Stack(Arc<Stack>),
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

    /// An integer that may lie outside of 64 bits with a sign.
    pub fn of_integer(value: i128) -> Self {
        i64::try_from(value).map_or(Self::Unsigned(value as u64), Self::Int)
    }

    /// How rows are sorted: numbers by value, strings by their bytes, statistics and histograms by how much is in them;
    /// nothing before numbers before strings.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Stack(a), Self::Stack(b)) => a.order(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            _ => match (self.amount(), other.amount()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// What a value adds to a sum: how much is in it, where it isn't a number itself.
    pub fn amount(&self) -> Option<i128> {
        match self {
            Self::Hist(histogram) => Some(histogram.count.into()),
            Self::Stats(stats) => Some(stats.count.into()),
            other => other.integer(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nil | Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_)
            | Self::Unsigned(_)
            | Self::Named(..)
            | Self::Float(_)
            | Self::Stats(_)
            | Self::Hist(_) => 2,
            Self::Str(_) | Self::Bytes(_) => 3,
            Self::List(_) | Self::Struct(_) | Self::Stack(_) => 4,
        }
    }
}

/// Count, sum, and the smallest and largest of all values, where there were any.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Stats {
    pub count: u64,
    /// Wraps at 64 bits, as in the kernel.
    pub sum: i128,
    /// The smallest and the largest.
    pub ends: Option<(i128, i128)>,
}

impl Stats {
    /// `None` of no values.
    pub fn average(&self) -> Option<f64> {
        average(self.count, self.sum)
    }
}

/// The average of so many values; `None` of none.
pub fn average(count: u64, sum: i128) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

/// A histogram, lowest bucket first, from the first to the last that has anything; empty ones between them are there.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub name: String,
    pub keys: Vec<String>,
    pub columns: Vec<String>,
    /// What the columns of a row are that isn't there.
    pub absent: Vec<Value>,
    /// Smallest first, by the first column.
    pub rows: Vec<Vec<Value>>,
    /// Which columns grow with time: counts and sums, of which there is so much a second.
    pub growing: Vec<bool>,
    /// How long it took the rows to become what they are, measured.
    pub seconds: f64,
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

/// A large number as people read it: `12,340`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn large_numbers_are_written_in_groups() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
