//! What bytes of memory mean, once they are copied: the types of a struct or array, resolved down to integers.

use super::names::{Member, Names};
use super::types::{Int, StructType, Type};
use crate::rows::Shown;
use crate::rows::shown::AddressKind;
use std::sync::Arc;

/// The meaning of some bytes. It asks no [`Names`] any more, so that records can be read without the kernel's types.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Int(Int, Option<Shown>),
    Bool,
    /// An array of `char`: a string that ends at its first NUL, or with the array.
    Text,
    /// Any bytes, as they are.
    Bytes,
    Address(AddressKind),
    /// A `struct sockaddr` of whatever family it says.
    Socket,
    /// Elements of `each` bytes.
    Array {
        of: Box<Self>,
        each: u32,
        length: u32,
    },
    Struct(Vec<Part>),
}

/// A member of a struct; those of anonymous members stand among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: Arc<str>,
    pub bit_offset: u32,
    /// Bits of a bit-field.
    pub width: Option<u8>,
    /// Bytes that it takes.
    pub size: u32,
    pub shape: Shape,
}

/// Structs within structs that are told apart; deeper ones are left out.
const DEPTH: u32 = 16;
/// Members of all structs together: unions may have many in few bytes.
const PARTS: usize = 4096;

impl Shape {
    /// The shape of a type; `None` when it has no size, or too many parts.
    pub fn of(ty: &Type, names: &dyn Names) -> Option<Self> {
        let mut left = PARTS;
        let shape = shape(ty, names, DEPTH, &mut left)?;
        (left > 0).then_some(shape)
    }

    /// Is it a struct or an array, and no value by itself?
    pub fn has_parts(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::Array { .. })
    }
}

fn shape(ty: &Type, names: &dyn Names, depth: u32, left: &mut usize) -> Option<Shape> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    Some(match ty {
        Type::Bool => Shape::Bool,
        Type::Array { of, .. } if **of == Type::Char => Shape::Text,
        Type::Array { of, length } => match address(of, *length) {
            Some(kind) => Shape::Address(kind),
            None => Shape::Array {
                each: names.size(of)?,
                of: Box::new(shape(of, names, depth, left)?),
                length: *length,
            },
        },
        Type::Struct(of) if is_socket(of) => Shape::Socket,
        Type::Struct(of) => match of.name.as_str() {
            "struct in_addr" => Shape::Address(AddressKind::Ipv4),
            "struct in6_addr" => Shape::Address(AddressKind::Ipv6),
            _ => {
                let members = names.typed_members(of).into_iter();
                let part = |(name, member)| part(name, member, names, depth, left);
                Shape::Struct(members.filter_map(part).collect())
            }
        },
        ty => Shape::Int(ty.integer()?, ty.shown()),
    })
}

fn part(
    name: String,
    member: Member,
    names: &dyn Names,
    depth: u32,
    left: &mut usize,
) -> Option<Part> {
    Some(Part {
        name: name.into(),
        bit_offset: member.bit_offset,
        width: member.width,
        size: names.size(&member.ty)?,
        shape: shape(&member.ty, names, depth, left)?,
    })
}

/// Arrays of bytes that are an address: six are a MAC address, others where a tracepoint's format says so.
fn address(of: &Type, length: u32) -> Option<AddressKind> {
    match of {
        Type::Int(Int::U8) if length == AddressKind::Mac.bytes() => Some(AddressKind::Mac),
        Type::Named(_, Shown::Byte(kind)) if length == kind.bytes() => Some(*kind),
        _ => None,
    }
}

/// Is it a socket's address?
pub fn is_socket(of: &StructType) -> bool {
    matches!(
        of.name.as_str(),
        "struct sockaddr"
            | "struct sockaddr_in"
            | "struct sockaddr_in6"
            | "struct sockaddr_un"
            | "struct sockaddr_storage"
            | "struct __kernel_sockaddr_storage"
            | "struct sockaddr_unsized"
    )
}
