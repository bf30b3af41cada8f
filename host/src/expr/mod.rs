//! The expression language: text → syntax → typed tree, and a plain evaluator of that tree, the oracle of its tests.
//!
//! Lua's own expression syntax with paths, sets, durations and casts (the reference is lua-stdlib/EXPRESSIONS.md).
//! Nothing here knows of a kernel: names and types come through [`Names`].

mod check;
pub mod eval;
mod glob;
pub mod known;
mod lex;
pub mod names;
mod operators;
mod parse;
pub mod shape;
mod strings;
mod syntax;
mod touched;
pub mod tree;
pub mod types;
pub mod walk;

pub use check::{
    Bound, Checked, ColumnFunction, ColumnItem, Copied, Entry, Item, OPERATIONS, Origin, Refusal,
    Refused, Scope, Wrong, columns, condition, list, member, path, type_of,
};
pub use names::Names;
pub use parse::{LENGTH, NESTING};
pub use shape::Shape;
pub use touched::{Spot, Touch, Touched};
pub use tree::{Node, Slot, Text};
pub use types::{Int, Space, Type};
