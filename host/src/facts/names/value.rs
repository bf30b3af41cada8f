//! From a place and a type to what a name means.

use crate::expr::names::Meaning;
use crate::expr::tree::{Node, Op, Relation};
use crate::expr::types::{Int, Space, Type};
use crate::facts::{Btf, Facts, ctype};

/// A value of a type that is loaded by `load`; `None` of what no register holds: structs, arrays, nothing.
pub(super) fn value(ty: Type, load: impl FnOnce(Int) -> Node) -> Option<Meaning> {
    if ty == Type::Bool {
        let byte = Box::new(load(Int::U8));
        return Some(Meaning::Value(
            Node::Compare(Relation::Ne, byte, Box::new(Node::Const(0))),
            ty,
        ));
    }
    let int = ty.integer()?;
    Some(Meaning::Value(load(int), ty))
}

/// An unsigned word.
pub(super) fn word(load: impl FnOnce(Int) -> Node) -> Meaning {
    Meaning::Value(load(Int::U64), Type::Int(Int::U64))
}

/// `context + offset`, for what is read from memory.
pub(super) fn context_plus(offset: u16) -> Node {
    plus(Node::ContextAddress, Node::Const(i128::from(offset)))
}

pub(super) fn plus(a: Node, b: Node) -> Node {
    Node::Binary(Op::Add, Box::new(a), Box::new(b))
}

/// The type that a format's words spell. Without BTF a struct that is pointed to is unknown, and so is any other name.
pub(super) fn spelled(facts: &Facts, of: &ctype::Spelling, space: Space) -> Option<Type> {
    let base = ctype::plain(&of.base);
    let base = base.or_else(|| facts.btf().ok().and_then(|btf: &Btf| btf.named(&of.base)));
    match base {
        Some(base) => Some(ctype::pointers(base, of.stars, space)),
        None if of.stars > 0 => Some(ctype::pointers(Type::Void, of.stars, space)),
        None => None,
    }
}
