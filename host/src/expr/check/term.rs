//! What a part of a text is, before it is known what it is wanted for.

use crate::expr::names::Meaning;
use crate::expr::tree::{Node, Op, Relation, Stack, Symbol, Text};
use crate::expr::types::{Int, Space, Type};
use moontrace_abi::limits::STRING;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// An integer, or a pointer: one to `char` reads as a string where one is wanted.
    Int(Node, Type),
    Bool(Node),
    Text(Text),
    /// Memory at `base + offset`.
    Memory {
        base: Node,
        offset: i32,
        space: Space,
        ty: Type,
    },
    /// An array whose elements don't lie side by side.
    Elements(Vec<Node>, Type),
    /// Elements side by side in the kernel's memory, as many as fit into `bytes` of it.
    Counted {
        start: Node,
        bytes: Node,
        of: Type,
    },
    Stack(Stack),
    Symbol(Symbol),
    /// Some bytes at an address, at most so many.
    Bytes {
        space: Space,
        address: Node,
        bytes: Node,
        most: u16,
    },
}

impl Term {
    /// An array of unknown length as what it is to everything but a record: the pointer to its first element.
    pub(super) fn decayed(self) -> Self {
        match self {
            Self::Counted { start, of, .. } => {
                let (to, space) = (Box::new(of), Space::Kernel);
                Self::Int(start, Type::Pointer { to, space })
            }
            other => other,
        }
    }

    pub(super) fn constant(value: i128) -> Self {
        Self::number(Node::Const(value))
    }

    pub(super) fn number(node: Node) -> Self {
        let ty = Type::Int(node.int());
        Self::Int(node, ty)
    }

    /// As messages call it.
    pub(super) fn describe(&self) -> String {
        match self {
            _ if self.is_string() => "a string".into(),
            Self::Int(_, ty @ Type::Pointer { .. }) => format!("a pointer ({ty})"),
            Self::Bool(_) => "a truth value".into(),
            Self::Memory {
                ty: Type::Array { of, .. },
                ..
            } => format!("an array of {of}"),
            Self::Memory { ty, .. } => format!("a {ty}"),
            Self::Elements(_, of) | Self::Counted { of, .. } => format!("an array of {of}"),
            Self::Stack(_) => "a stack".into(),
            Self::Symbol(_) => "a symbol".into(),
            Self::Bytes { .. } => "a buffer".into(),
            Self::Int(..) | Self::Text(_) => "a number".into(),
        }
    }

    pub(super) fn is_string(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Int(_, Type::Pointer { to: of, .. })
            | Self::Memory {
                ty: Type::Array { of, .. },
                ..
            } => **of == Type::Char,
            _ => false,
        }
    }

    /// The string that it is, where it is one.
    pub(super) fn into_string(self) -> Option<Text> {
        if !self.is_string() {
            return None;
        }
        match self {
            Self::Text(text) => Some(text),
            Self::Int(node, Type::Pointer { space, .. }) => {
                let (address, capacity) = (Box::new(node), STRING as u16);
                Some(Text::Read {
                    space,
                    address,
                    capacity,
                })
            }
            Self::Memory {
                base,
                offset,
                space,
                ty: Type::Array { length, .. },
            } => Some(Text::Read {
                space,
                address: Box::new(plus(base, offset.into())),
                capacity: room(length, STRING as u16),
            }),
            _ => None,
        }
    }
}

impl From<Meaning> for Term {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Value(node, Type::Bool) if node.is_condition() => Self::Bool(node),
            Meaning::Value(node, Type::Bool) => Self::Bool(not_zero(node)),
            Meaning::Value(node, ty) => Self::Int(node, ty),
            Meaning::String(text) => Self::Text(text),
            Meaning::Memory { address, space, ty } => Self::Memory {
                base: address,
                offset: 0,
                space,
                ty,
            },
            Meaning::Elements(nodes, ty) => Self::Elements(nodes, ty),
            Meaning::Counted { start, bytes, of } => Self::Counted { start, bytes, of },
            Meaning::Stack(stack) => Self::Stack(stack),
        }
    }
}

/// Bytes of the string in an array, at most `wanted`. One of no or one element goes on behind its struct.
pub(super) fn room(length: u32, wanted: u16) -> u16 {
    match u16::try_from(length) {
        Ok(0 | 1) | Err(_) => wanted,
        Ok(length) => length.min(wanted),
    }
}

/// A truth value that is known.
pub(super) fn known(value: bool) -> Node {
    let relation = if value { Relation::Eq } else { Relation::Ne };
    compare(relation, Node::Const(0), Node::Const(0))
}

pub(super) fn not_zero(node: Node) -> Node {
    compare(Relation::Ne, node, Node::Const(0))
}

pub(super) fn compare(relation: Relation, a: Node, b: Node) -> Node {
    Node::Compare(relation, Box::new(a), Box::new(b))
}

pub(super) fn and(a: Node, b: Node) -> Node {
    Node::And(Box::new(a), Box::new(b))
}

pub(super) fn or(a: Node, b: Node) -> Node {
    Node::Or(Box::new(a), Box::new(b))
}

pub(super) fn binary(op: Op, a: Node, b: Node) -> Node {
    Node::Binary(op, Box::new(a), Box::new(b))
}

/// An address some bytes on.
pub(super) fn plus(base: Node, offset: i64) -> Node {
    if offset == 0 {
        return base;
    }
    binary(Op::Add, base, Node::Const(offset.into()))
}

/// What `&`, `~` and the like may be done with beside numbers: addresses of single bytes.
pub(super) fn is_byte_pointer(ty: &Type) -> bool {
    match ty {
        Type::Pointer { to, .. } => match &**to {
            Type::Void => true,
            Type::Int(Int { bits, .. }) => *bits == 8,
            _ => false,
        },
        _ => false,
    }
}
