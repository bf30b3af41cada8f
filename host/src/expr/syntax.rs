//! What the parser makes of a text: names not yet looked up, types not yet known.
//!
//! What people write in rows (operands of one precedence, steps of a path) stands in rows here, too, so that its length is
//! no depth: only brackets and unary operators nest, and the parser bounds those.

use super::tree::{Op, Relation};
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Syntax {
    pub kind: Kind,
    /// Bytes of the text.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// `hex`: written by its bits, so that it takes the sign of what it meets, as in Lua.
    Number {
        value: i128,
        hex: bool,
    },
    Str(Vec<u8>),
    Bool(bool),
    Name(String),
    /// `$name`
    Given(String),
    /// `root.member[index]…`: at least one step.
    Path {
        root: Box<Syntax>,
        steps: Vec<Step>,
    },
    /// A function by its name.
    Call(String, Vec<Syntax>),
    Unary(Unary, Box<Syntax>),
    /// Arithmetic of one precedence: the first operand, then each with its operator, grouping from the left.
    Chain(Box<Syntax>, Vec<(Op, Syntax)>),
    Compare(Relation, Box<Syntax>, Box<Syntax>),
    /// `a and b and …`: at least two.
    And(Vec<Syntax>),
    /// `a or b or …`: at least two.
    Or(Vec<Syntax>),
    In(Box<Syntax>, Members),
    /// `(a, b)`: only before `in`, and within its list.
    Tuple(Vec<Syntax>),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// `.name`; the range is the name's.
    Member(String, Range<usize>),
    /// `[index]`
    Index(Syntax),
}

/// What stands behind `in`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Members {
    List(Vec<Syntax>),
    /// `$name`, with its range.
    Given(String, Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Neg,
    Invert,
    Not,
}

/// `[name =] expr`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub name: Option<String>,
    pub syntax: Syntax,
}
