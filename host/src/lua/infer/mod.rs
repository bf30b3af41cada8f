//! Which fields of its event a handler reads, told from its own source.
//!
//! lex → parse → follow. Lua has compiled the text before, so what is checked here is the grammar only.

mod follow;
mod parse;
mod tree;

use thiserror::Error;

/// What a handler does with its event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inferred {
    /// Every path that is read, once, in alphabetical order.
    pub reads: Vec<Read>,
    /// The first place where the event gets out of sight. The chain then needs a `:fetch`; `reads` still holds what was seen.
    pub escape: Option<Escape>,
}

/// A path of the event, as it would stand in a `:fetch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// `pid`, `args.filename`, `from.time`; also what is always there (`probe`, `time`, `cpu`) and names that `:fetch` makes.
    pub path: String,
    /// Where it is written, counted from the chunk's first line as 1.
    pub line: u32,
}

/// Where the event, its `args` or its `from` is handed on as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escape {
    pub line: u32,
    /// A whole sentence, which names `:fetch` as the remedy.
    pub why: String,
}

/// Why there is nothing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    #[error("line {line}: {message}")]
    Syntax { line: u32, message: String },
    #[error(
        "the handler's source is not in this script: name the fields that it reads with :fetch"
    )]
    NoSuchFunction,
}

/// Follows the first parameter of the function that stands from `first_line` to `last_line` of `chunk`
/// (`linedefined` and `lastlinedefined` of `lua_getinfo`); of several there, what any of them reads.
///
/// An event's copy (`e:copy()`) is followed like the event. A path that is only bound to a name or tested
/// counts as read unless fields of it are read: `local sk = e.args.sk` before `sk.skc_family` reads no more than the latter.
pub fn reads(chunk: &str, first_line: u32, last_line: u32) -> Result<Inferred, Unreadable> {
    let tree = parse::parse(chunk)?;
    follow::follow(&tree, first_line, last_line).ok_or(Unreadable::NoSuchFunction)
}

#[cfg(test)]
mod tests;
