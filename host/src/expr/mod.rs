//! The expression language: text → syntax → typed tree, and a plain evaluator of that tree, the oracle of its tests.
//!
//! Lua's own expression syntax with paths, sets, durations and casts (the reference is lua-stdlib/EXPRESSIONS.md).
//! Nothing here knows of a kernel: names and types come through [`Names`].

pub mod names;
pub mod tree;
pub mod types;

pub use names::Names;
pub use tree::{Node, Text};
pub use types::{Int, Space, Type};
