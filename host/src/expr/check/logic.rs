//! `and`, `or`, and the choice that they make together.

use super::checker::Checker;
use super::limits::{Levels, depth_of_row, join};
use super::term::{Term, and, known, or};
use super::{Refusal, Result};
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::{Node, Text};
use crate::expr::types::Type;
use std::ops::Range;

/// An operand of `or`.
enum Alternative {
    Truth(Node),
    /// `condition and value`
    Choice(Node, Term),
    /// A value by itself.
    Value(Term),
}

impl Checker<'_> {
    /// `a and b and …`, all of them truth values.
    pub(super) fn and(&self, operands: &[Syntax], span: &Range<usize>) -> Result<Term> {
        match self.conjunction(operands, span)? {
            Alternative::Truth(node) => Ok(Term::Bool(node)),
            Alternative::Choice(..) | Alternative::Value(_) => {
                let report = self.refuse(span, "'and' wants truth values: here it has no value when the first is false");
                Err(report.help("to choose write: condition and a or b; to compare: x ~= 0").into())
            }
        }
    }

    /// Operands of `and`, the last of which may be a value that they choose.
    fn conjunction(&self, operands: &[Syntax], span: &Range<usize>) -> Result<Alternative> {
        let _levels = self.within_limits(self.work.deeper(depth_of_row(operands.len())), span)?;
        let Some((last, first)) = operands.split_last() else {
            return Ok(Alternative::Truth(known(true)));
        };
        let conditions = first.iter().map(|operand| self.condition(operand));
        let mut conditions = conditions.collect::<Result<Vec<_>>>()?;
        let chosen = match self.term(last)? {
            Term::Bool(node) => {
                conditions.push(node);
                None
            }
            value => Some(value),
        };
        let condition = join(conditions, and).unwrap_or_else(|| known(true));
        Ok(match chosen {
            None => Alternative::Truth(condition),
            Some(value) => Alternative::Choice(condition, value),
        })
    }

    /// `a or b or …` of truth values, or `c and a or d and b or … z`, which chooses a value.
    pub(super) fn or(&self, operands: &[Syntax], span: &Range<usize>) -> Result<Term> {
        let _levels = self.within_limits(self.work.deeper(depth_of_row(operands.len())), span)?;
        let mut truths = Vec::new();
        let mut choices = Vec::new();
        for (number, operand) in operands.iter().enumerate() {
            let alternative = match &operand.kind {
                Kind::And(parts) => self.conjunction(parts, &operand.span)?,
                _ => match self.term(operand)? {
                    Term::Bool(node) => Alternative::Truth(node),
                    value => Alternative::Value(value),
                },
            };
            let is_last = number + 1 == operands.len();
            match alternative {
                Alternative::Truth(node) if choices.is_empty() => truths.push(node),
                Alternative::Choice(condition, value) if truths.is_empty() && !is_last => {
                    // What follows stands within it.
                    let level = self.within_limits(self.work.deeper(1), span)?;
                    choices.push((condition, value, operand, level));
                }
                Alternative::Value(value) if is_last && !choices.is_empty() => {
                    return self.choose(choices, value, operand);
                }
                Alternative::Value(value) => return self.truth(value, &operand.span).map(Term::Bool),
                Alternative::Choice(..) if is_last => return Err(self.no_else(operand)),
                Alternative::Truth(_) | Alternative::Choice(..) => {
                    let before = operands[0].span.start..operand.span.end;
                    let report = self.refuse(&before, "'or' stands between a truth value and another value");
                    return Err(report.help("to choose write: condition and a or b").into());
                }
            }
        }
        let truth = join(truths, or).unwrap_or_else(|| known(false));
        Ok(Term::Bool(truth))
    }

    fn no_else(&self, choice: &Syntax) -> Refusal {
        let report = self.refuse(&choice.span, "this has no value when its condition is false");
        report.help("say what then: condition and a or b").into()
    }

    /// The value of the first choice whose condition holds, else `last`.
    fn choose(
        &self,
        choices: Vec<(Node, Term, &Syntax, Levels<'_>)>,
        last: Term,
        last_syntax: &Syntax,
    ) -> Result<Term> {
        let end = last_syntax.span.end;
        let mut otherwise = last;
        for (condition, value, syntax, _) in choices.into_iter().rev() {
            let span = syntax.span.start..end;
            otherwise = self.select(condition, value, otherwise, &span)?;
        }
        Ok(otherwise)
    }

    fn select(&self, condition: Node, a: Term, b: Term, span: &Range<usize>) -> Result<Term> {
        let described = (a.describe(), b.describe());
        let strings = (a.is_string(), b.is_string());
        match (a, b) {
            (a, b) if strings == (true, true) => {
                let (Some(a), Some(b)) = (a.into_string(), b.into_string()) else {
                    return Err(self.refuse(span, "this is no string").into());
                };
                let (condition, a, b) = (Box::new(condition), Box::new(a), Box::new(b));
                Ok(Term::Text(Text::Select(condition, a, b)))
            }
            (Term::Int(a, a_type), Term::Int(b, b_type)) if strings == (false, false) => {
                let ty = common_type((&a, a_type), (&b, b_type));
                let node = Node::Select(Box::new(condition), Box::new(a), Box::new(b));
                Ok(match ty {
                    Some(ty) => Term::Int(node, ty),
                    None => Term::number(node),
                })
            }
            _ => {
                let (a, b) = described;
                let message = format!("'and … or' chooses between {a} and {b}");
                let report = self.refuse(span, message);
                Err(report.help("both must be of one type").into())
            }
        }
    }
}

/// What two values both are: a pointer and the 0 that stands for none are a pointer.
fn common_type(a: (&Node, Type), b: (&Node, Type)) -> Option<Type> {
    match (a, b) {
        ((_, a), (_, b)) if a == b => Some(a),
        ((_, pointer @ Type::Pointer { .. }), (Node::Const(0), _))
        | ((Node::Const(0), _), (_, pointer @ Type::Pointer { .. })) => Some(pointer),
        _ => None,
    }
}
