//! `from`: what the start of a span has stored, where a step has bound one.

use super::Result;
use super::checker::Checker;
use super::term::Term;
use crate::expr::names::{Meaning, Names};
use crate::expr::tree::Node;
use crate::expr::types::{Int, Type};
use crate::report::Report;
use std::ops::Range;

/// A span that a step has bound.
pub trait Bound {
    /// When it began.
    fn time(&self) -> Node;
    /// What its starts have stored under a name, with types as `names` know them.
    ///
    /// # Errors
    /// A report without a place: nothing is, nor will be, stored under it.
    fn field(&self, name: &str, names: &dyn Names) -> std::result::Result<Meaning, Report>;
}

impl Checker<'_> {
    /// `from.NAME`. A mistake is shown under the whole path.
    pub(super) fn stored(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let Some(bound) = self.scope.span else {
            return Err(self.no_span(span).into());
        };
        if name == "time" {
            return Ok(Term::Int(bound.time(), Type::Int(Int::U64)));
        }
        match bound.field(name, self.scope.names) {
            Ok(meaning) => Ok(meaning.into()),
            Err(Report { message, help, .. }) => {
                let report = self.refuse(span, message);
                Err(Report { help, ..report }.into())
            }
        }
    }

    /// `from` by itself.
    pub(super) fn bare_from(&self, span: &Range<usize>) -> Report {
        match self.scope.span {
            None => self.no_span(span),
            Some(_) => {
                let report = self.refuse(span, "what a span has stored has names: from.NAME");
                report.help("there are from.time and what its starts know")
            }
        }
    }

    fn no_span(&self, span: &Range<usize>) -> Report {
        let report = self.refuse(
            span,
            "'from' is what a span has stored, and none is bound here",
        );
        report.help(":finish(span) or :within(span) binds one for what stands behind it")
    }
}
