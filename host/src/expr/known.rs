//! What is to be said of the language's names. It stands in the tables by which they are found, so that messages and
//! documentation know all of them and no other.

use super::check::{COLUMNS, FUNCTIONS, OTHERS, WORDS};
use super::operators::{BINARY, OTHERS as MORE_OPERATORS};

/// The words, those of every probe first.
pub fn words() -> impl Iterator<Item = &'static Word> {
    WORDS.iter().chain(&OTHERS)
}

/// The functions whose value a text is.
pub fn functions() -> &'static [Known] {
    &FUNCTIONS
}

/// The functions that make columns of a tally.
pub fn columns() -> &'static [Known] {
    &COLUMNS
}

/// The operators, from the loosest on. Their examples are texts that stand at `sys_exit_read`.
pub fn operators() -> impl Iterator<Item = &'static Known> {
    BINARY
        .iter()
        .map(|binary| &binary.known)
        .chain(&MORE_OPERATORS)
}

/// A function, a word or an operator.
pub struct Known {
    pub name: &'static str,
    /// How it is written: `str(pointer[, bytes])`.
    pub form: &'static str,
    /// Whole sentences.
    pub doc: &'static str,
    /// A script, which works as it stands. Of an operator, a text.
    pub example: &'static str,
}

/// A word, and what a handler has when it reads it of an event.
pub struct Word {
    pub known: Known,
    /// In the words of the Lua language server; "" where no event has it.
    pub lua: &'static str,
}

/// The entry of a name.
pub(super) fn find<'a>(among: &'a [Known], name: &str) -> Option<&'a Known> {
    among.iter().find(|known| known.name == name)
}
