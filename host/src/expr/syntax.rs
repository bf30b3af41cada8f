//! What the parser makes of a text: names not yet looked up, types not yet known.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Syntax {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(i128),
    Str(Vec<u8>),
    Bool(bool),
    Name(String),
    Given(String),
    /// `base.name`; the range is the name's.
    Member(Box<Syntax>, String, Range<usize>),
    Index(Box<Syntax>, Box<Syntax>),
    /// A function of the language by its name.
    Call(String, Vec<Syntax>),
    Unary(Unary, Box<Syntax>),
    Binary(Binary, Box<Syntax>, Box<Syntax>),
    /// `x in {…}`
    InList(Box<Syntax>, Vec<Syntax>),
    /// `x in $name`
    InGiven(Box<Syntax>, String, Range<usize>),
    /// `(a, b)`: only before `in`, and within its list.
    Tuple(Vec<Syntax>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Neg,
    Invert,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Op(super::tree::Op),
    Compare(super::tree::Relation),
    And,
    Or,
}

/// `[name =] expr`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedSyntax {
    pub name: Option<String>,
    pub syntax: Syntax,
}
