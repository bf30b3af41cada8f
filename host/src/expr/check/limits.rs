//! How much a text may grow to: the depth and the size of the tree that is made of it.
//!
//! Both are counted while the tree is made, so that no walk over it can run out of stack or of time.

use super::{Refusal, Result};
use crate::expr::parse::NESTING;
use crate::report::Report;
use std::cell::Cell;

/// Operations of the tree that a text becomes, its definitions and the names that it uses written out.
pub const OPERATIONS: usize = 200_000;

/// What the text that is being checked has become so far.
#[derive(Default)]
pub(super) struct Work {
    nesting: Cell<usize>,
    operations: Cell<usize>,
}

/// Levels of nesting that end where this is dropped.
pub(super) struct Levels<'w> {
    work: &'w Work,
    count: usize,
}

impl Work {
    /// Goes down some levels, until the result is dropped.
    pub(super) fn deeper(&self, count: usize) -> Result<Levels<'_>> {
        let nesting = self.nesting.get().saturating_add(count);
        if nesting > NESTING {
            let message =
                format!("more than {NESTING} operations within each other, which is the limit");
            return Err(Refusal::from(Report::new(message)));
        }
        self.nesting.set(nesting);
        Ok(Levels { work: self, count })
    }

    /// Counts operations.
    pub(super) fn spend(&self, count: usize) -> Result<()> {
        let operations = self.operations.get().saturating_add(count);
        if operations > OPERATIONS {
            let message =
                format!("this becomes more than {OPERATIONS} operations, which is the limit");
            return Err(Refusal::from(Report::new(message)));
        }
        self.operations.set(operations);
        Ok(())
    }
}

impl Drop for Levels<'_> {
    fn drop(&mut self) {
        let nesting = self.work.nesting.get();
        self.work.nesting.set(nesting.saturating_sub(self.count));
    }
}

/// What stands in a row is joined in groups of so many, so that the depth of the tree grows with the number of groups.
const GROUP: usize = 64;

/// The depth that [`join`] gives a row.
pub(super) fn depth_of_row(length: usize) -> usize {
    if length <= GROUP {
        length
    } else {
        GROUP + length.div_ceil(GROUP)
    }
}

/// Joins a row with an operator that may be grouped in any way; `None` for an empty row.
pub(super) fn join<T>(row: Vec<T>, mut with: impl FnMut(T, T) -> T) -> Option<T> {
    if row.len() <= GROUP {
        return row.into_iter().reduce(with);
    }
    let mut row = row.into_iter().peekable();
    let mut joined: Option<T> = None;
    while row.peek().is_some() {
        let group = row.by_ref().take(GROUP).reduce(&mut with);
        joined = match (joined, group) {
            (Some(left), Some(right)) => Some(with(left, right)),
            (left, right) => left.or(right),
        };
    }
    joined
}
