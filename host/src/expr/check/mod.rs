//! Syntax + names → typed tree. Every mistake that a text can have is found here, with its place in it.

mod arithmetic;
mod checker;
mod columns;
mod composed;
mod copied;
mod definitions;
mod entry;
mod functions;
mod items;
mod limits;
mod logic;
mod members;
mod memory;
mod offered;
mod paths;
mod span;
mod stacks;
mod strings;
mod term;
mod words;

#[cfg(test)]
mod tests;

pub(super) use columns::FUNCTIONS as COLUMNS;
pub use columns::{ColumnFunction, ColumnItem, columns};
pub use copied::{Copied, Origin};
pub use entry::Entry;
pub(super) use functions::FUNCTIONS;
pub use items::{Checked, Item, Wrong, list, path};
pub use limits::OPERATIONS;
pub use members::member;
pub use offered::type_of;
pub use span::Bound;
pub(super) use words::{OTHERS, WORDS};

use super::names::Names;
use super::parse;
use super::touched::Touched;
use super::tree::{Node, Slot};
use super::walk::Branch;
use crate::report::Report;
use crate::spec::{Definition, Given, Source, VarId};
use checker::Checker;
use limits::Work;
use std::collections::BTreeMap;

/// What the names in a text may mean.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub names: &'a dyn Names,
    /// `$name`
    pub given: &'a BTreeMap<String, Given>,
    /// A definition may use those before it.
    pub definitions: &'a [Definition],
    /// What earlier texts of the chain gave names to.
    pub bound: &'a [(String, Checked)],
    /// What they gave names to and what is refused.
    pub refused: &'a Refused,
    /// Where the probe sees calls return: their beginning.
    pub entry: Option<&'a Entry<'a>>,
    /// The span that the last step before has bound.
    pub span: Option<&'a dyn Bound>,
    /// Where a `var` lies.
    pub slots: &'a dyn Fn(VarId) -> Slot,
    /// Is told what the text touches.
    pub touched: &'a Touched,
}

/// Names of what is refused. Who uses one makes no mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub names: Vec<String>,
    /// A text could not be read, which may have given any name.
    pub any: bool,
}

impl Refused {
    /// Where nothing is.
    pub fn nothing() -> &'static Self {
        static NOTHING: Refused = Refused {
            names: Vec::new(),
            any: false,
        };
        &NOTHING
    }
}

/// Why a text can't be had.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub report: Report,
    /// The only mistake is a field that this probe doesn't have: another match of the same pattern may.
    pub missing: bool,
    /// The mistake is in an earlier text ([`Refused`]), and said there.
    pub said: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

impl From<Report> for Refusal {
    fn from(report: Report) -> Self {
        Self {
            report,
            missing: false,
            said: false,
        }
    }
}

/// A text that must be a truth value.
///
/// # Errors
/// One refusal, placed.
pub fn condition(source: &Source, scope: &Scope<'_>) -> Result<Node> {
    let syntax =
        parse::expression(&source.text).map_err(|report| report.at(source.place.clone()))?;
    let work = Work::default();
    let checker = Checker::new(source, scope, &work);
    let node = checker.condition(&syntax)?;
    checker.note(Branch::Node(&node), &syntax.span);
    Ok(node)
}
