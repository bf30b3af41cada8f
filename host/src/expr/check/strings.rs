//! Strings: what is one, and what they are compared with.

use super::checker::Checker;
use super::term::{Term, known};
use super::{Refusal, Result};
use crate::expr::glob;
use crate::expr::syntax::Syntax;
use crate::expr::tree::{Glob, Node, Relation, Text};
use moontrace_abi::limits::{COMPARED_STRING, LONGEST_STRING, STRING};
use std::ops::Range;

impl Checker<'_> {
    /// A part that must be a string.
    pub(super) fn string(&self, syntax: &Syntax) -> Result<Text> {
        let term = self.term(syntax)?;
        let described = term.describe();
        let address = matches!(term, Term::Int(..));
        term.into_string().ok_or_else(|| {
            let message = format!("a string is wanted, and this is {described}");
            let report = self.refuse(&syntax.span, message);
            if !address {
                return report.into();
            }
            let text = self.quote(&syntax.span);
            report
                .help(format!("the string at an address is str({text})"))
                .into()
        })
    }

    /// A string that is known beforehand.
    fn known_string(&self, syntax: &Syntax) -> Result<Vec<u8>> {
        match self.string(syntax)? {
            Text::Literal(bytes) => Ok(bytes),
            _ => {
                let report = self.refuse(&syntax.span, "this string must be known beforehand");
                Err(report.help("write it in quotes, or give it: $name").into())
            }
        }
    }

    pub(super) fn compare_strings(
        &self,
        relation: Relation,
        left: Term,
        right: Term,
        span: &Range<usize>,
    ) -> Result<Term> {
        let equal = match relation {
            Relation::Eq => true,
            Relation::Ne => false,
            _ => {
                let report = self.refuse(span, "strings have no order in the kernel");
                let help = "there are == ~= in startswith contains like";
                return Err(report.help(help).into());
            }
        };
        let (Some(left), Some(right)) = (left.into_string(), right.into_string()) else {
            return Err(self.refuse(span, "this is no string").into());
        };
        let same = same(left, right);
        Ok(Term::Bool(match equal {
            true => same,
            false => Node::Not(Box::new(same)),
        }))
    }

    /// `startswith(string, 'text')`
    pub(super) fn starts_with(&self, string: &Syntax, start: &Syntax) -> Result<Term> {
        let (text, start) = (self.string(string)?, self.known_string(start)?);
        let text = Box::new(with_room(text, start.len()));
        Ok(Term::Bool(Node::StartsWith(text, start)))
    }

    /// `like(string, 'pattern')`
    pub(super) fn like(&self, string: &Syntax, pattern: &Syntax) -> Result<Term> {
        self.pattern(string, pattern, glob::parse)
    }

    /// `contains(string, 'text')`
    pub(super) fn contains(&self, string: &Syntax, part: &Syntax) -> Result<Term> {
        self.pattern(string, part, glob::containing)
    }

    fn pattern(
        &self,
        string: &Syntax,
        pattern: &Syntax,
        read: impl Fn(&[u8]) -> std::result::Result<Glob, String>,
    ) -> Result<Term> {
        let text = self.string(string)?.composed_within(STRING as u16);
        if usize::from(text.capacity()) > STRING {
            let capacity = text.capacity();
            let message =
                format!("a pattern is held against at most {STRING} bytes, not {capacity}");
            let report = self.refuse(&string.span, message);
            return Err(report
                .help(format!("give it a length: str(p, {STRING})"))
                .into());
        }
        let source = self.known_string(pattern)?;
        let glob =
            read(&source).map_err(|message| Refusal::from(self.refuse(&pattern.span, message)))?;
        Ok(Term::Bool(Node::Like(Box::new(text), glob)))
    }
}

/// Are two strings equal? Two that are both computed are compared up to a limit.
pub(super) fn same(left: Text, right: Text) -> Node {
    let (left, right) = match (left, right) {
        (Text::Literal(a), Text::Literal(b)) => return known(a == b),
        (text, Text::Literal(bytes)) | (Text::Literal(bytes), text) => {
            (with_room(text, bytes.len()), Text::Literal(bytes))
        }
        (left, right) => (cut(left), cut(right)),
    };
    Node::Same(Box::new(left), Box::new(right))
}

/// A string whose length the script did not give is long enough for what it is compared with, and one byte more.
fn with_room(text: Text, length: usize) -> Text {
    match text {
        Text::Read {
            space,
            address,
            capacity,
        } if usize::from(capacity) == STRING => {
            let capacity = (length + 2).clamp(STRING, LONGEST_STRING) as u16;
            Text::Read {
                space,
                address,
                capacity,
            }
        }
        Text::Select(condition, a, b) => {
            let (a, b) = (with_room(*a, length), with_room(*b, length));
            Text::Select(condition, Box::new(a), Box::new(b))
        }
        other => other,
    }
}

fn cut(text: Text) -> Text {
    match text {
        Text::Read {
            space,
            address,
            capacity,
        } => {
            let capacity = capacity.min(COMPARED_STRING as u16);
            Text::Read {
                space,
                address,
                capacity,
            }
        }
        Text::Select(condition, a, b) => {
            Text::Select(condition, Box::new(cut(*a)), Box::new(cut(*b)))
        }
        other => other,
    }
}
