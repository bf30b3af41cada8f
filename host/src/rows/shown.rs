//! How people read an integer that stands for something: decided by its type, used where text is made.

use std::sync::Arc;

/// What an integer stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An address: `0xffff888000001000`.
    Address,
    /// One of several values with names.
    Enum(Arc<Enumeration>),
    /// Bits with names: `O_WRONLY|O_CREAT`.
    Flags(Arc<Flags>),
    /// The kernel's own `dev_t`, 12 bits of major and 20 of minor number (include/linux/kdev_t.h): `8:1`.
    Device,
    /// `ktime_t`, ns: `12.500000000s`.
    Time,
    /// The mode of a file, in octal: `0100644`.
    Mode,
    /// A byte of an address: a plain number, and an array of them is the address.
    Byte(AddressKind),
}

/// Addresses that are arrays of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    Ipv4,
    Ipv6,
    Mac,
}

impl AddressKind {
    /// Bytes that it has.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
            Self::Mac => 6,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Enumeration {
    /// As C writes the type, `enum pid_type`; empty where the names are only said for one field.
    pub name: String,
    /// Of several names for a value the first is shown.
    pub values: Vec<(i128, String)>,
}

/// Names of bits. What has none is shown in hexadecimal behind those that have.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Flags {
    /// The first that fit are taken: those of several bits stand before the bits that they are made of.
    pub names: Vec<(u64, String)>,
    /// Bits that hold a number with a name: the mask, and the names of what is in it (`O_ACCMODE`).
    pub field: Option<(u64, Vec<(u64, String)>)>,
    /// What no bit at all is called.
    pub none: Option<String>,
    /// Marks that stand behind it all, without anything between (`R+`).
    pub marks: Vec<(u64, String)>,
}

impl Enumeration {
    /// The name of a value.
    pub fn name_of(&self, value: i128) -> Option<&str> {
        let named = self.values.iter().find(|(known, _)| *known == value);
        named.map(|(_, name)| name.as_str())
    }
}
