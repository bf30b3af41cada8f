//! The types that expressions have.

use crate::rows::Shown;
use std::fmt;

/// Which address space a pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    Kernel,
    User,
}

/// An integer as the kernel stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Int {
    pub signed: bool,
    /// 8, 16, 32 or 64 in memory; 1 to 64 for a bit-field's value.
    pub bits: u8,
}

impl Int {
    pub const I64: Self = Self {
        signed: true,
        bits: 64,
    };
    pub const U64: Self = Self {
        signed: false,
        bits: 64,
    };
    pub const I32: Self = Self {
        signed: true,
        bits: 32,
    };
    pub const U32: Self = Self {
        signed: false,
        bits: 32,
    };
    pub const U8: Self = Self {
        signed: false,
        bits: 8,
    };

    pub const fn new(signed: bool, bits: u8) -> Self {
        Self { signed, bits }
    }

    /// What arithmetic is done in. Narrower than 64 bits, every integer is exact as `I64`, so there are two such types.
    pub const fn wide(self) -> Self {
        if self.bits == 64 { self } else { Self::I64 }
    }

    /// The 64-bit pattern of the low `bits` of `value`, widened by this type's own sign.
    pub const fn fit(self, value: u64) -> u64 {
        let shift = 64 - self.bits as u32;
        if self.signed {
            (((value << shift) as i64) >> shift) as u64
        } else {
            (value << shift) >> shift
        }
    }

    /// Bytes in memory.
    pub const fn bytes(self) -> u8 {
        match self.bits {
            0..=8 => 1,
            9..=16 => 2,
            17..=32 => 4,
            _ => 8,
        }
    }

    /// The value that a 64-bit pattern of this type stands for.
    pub const fn value(self, pattern: u64) -> i128 {
        if self.wide().signed {
            pattern as i64 as i128
        } else {
            pattern as i128
        }
    }
}

/// A struct or union, by the number its [`Names`](super::Names) knows it by, and its name (`struct sock`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructType {
    pub id: u32,
    pub name: String,
}

/// What a name or a path refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Int(Int),
    /// An integer that stands for something: an enum, flags, a `dev_t`. Texts compute with it as with any other.
    Named(Int, Shown),
    /// A truth value: what `==` and `and` give. No integer is one.
    Bool,
    Str,
    /// A pointer; `to` says what it points at.
    Pointer {
        to: Box<Self>,
        space: Space,
    },
    Struct(StructType),
    Array {
        of: Box<Self>,
        length: u32,
    },
    /// `char`: an integer that, pointed to or in an array, makes a string.
    Char,
    /// `void`, functions, and what has no size.
    Void,
}

impl Type {
    /// The integer that a value of this type is computed with, where there is one: pointers are 64 bits without a sign.
    pub fn integer(&self) -> Option<Int> {
        match self {
            Self::Int(int) | Self::Named(int, _) => Some(*int),
            Self::Char => Some(Int::new(true, 8)),
            Self::Pointer { .. } => Some(Int::U64),
            _ => None,
        }
    }

    /// How people read its values, where that isn't as plain numbers.
    pub fn shown(&self) -> Option<Shown> {
        match self {
            Self::Named(_, Shown::Byte(_)) => None,
            Self::Named(_, shown) => Some(shown.clone()),
            Self::Pointer { .. } => Some(Shown::Address),
            _ => None,
        }
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.signed { 'i' } else { 'u' }, self.bits)
    }
}

/// As messages and `describe` say it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Named(int, shown) => match shown {
                Shown::Enum(of) if !of.name.is_empty() => f.write_str(&of.name),
                Shown::Enum(_) => write!(f, "{int} (names)"),
                Shown::Flags(_) => write!(f, "{int} (flags)"),
                Shown::Device => f.write_str("dev_t"),
                Shown::Time => f.write_str("ktime_t"),
                Shown::Mode => f.write_str("umode_t"),
                Shown::Address => write!(f, "{int} (address)"),
                Shown::Byte(_) => write!(f, "{int}"),
            },
            Self::Bool => f.write_str("truth value"),
            Self::Str => f.write_str("string"),
            Self::Pointer {
                to,
                space: Space::Kernel,
            } => write!(f, "{to} *"),
            Self::Pointer {
                to,
                space: Space::User,
            } => write!(f, "{to} * (user)"),
            Self::Struct(of) => f.write_str(&of.name),
            Self::Array { of, length } => write!(f, "{of}[{length}]"),
            Self::Char => f.write_str("char"),
            Self::Void => f.write_str("void"),
        }
    }
}
