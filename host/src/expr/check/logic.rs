//! `and`, `or`, and the choice that they make together.

use super::arithmetic::{is_hex, take_signs};
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
    Choice(Node, Value),
    /// A value by itself.
    Value(Value),
}

/// A value that may be chosen.
struct Value {
    term: Term,
    /// Is it a hexadecimal number?
    hex: bool,
}

/// What is chosen when a condition holds, and where it begins in the text.
struct Choice<'w> {
    condition: Node,
    value: Value,
    start: usize,
    /// What follows stands within it.
    _level: Levels<'w>,
}

impl Checker<'_> {
    /// `a and b and …`, all of them truth values.
    pub(super) fn and(&self, operands: &[Syntax], span: &Range<usize>) -> Result<Term> {
        match self.conjunction(operands, span)? {
            Alternative::Truth(node) => Ok(Term::Bool(node)),
            Alternative::Choice(..) | Alternative::Value(_) => {
                let report = self.refuse(
                    span,
                    "'and' wants truth values: here it has no value when the first is false",
                );
                Err(report
                    .help("to choose write: condition and a or b; to compare: x ~= 0")
                    .into())
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
            term => Some(Value {
                term,
                hex: is_hex(last),
            }),
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
                    term => Alternative::Value(Value {
                        term,
                        hex: is_hex(operand),
                    }),
                },
            };
            let is_last = number + 1 == operands.len();
            match alternative {
                Alternative::Truth(node) if choices.is_empty() => truths.push(node),
                Alternative::Choice(condition, value) if truths.is_empty() && !is_last => {
                    choices.push(Choice {
                        condition,
                        value,
                        start: operand.span.start,
                        _level: self.within_limits(self.work.deeper(1), span)?,
                    });
                }
                Alternative::Value(value) if is_last && !choices.is_empty() => {
                    return self.choose(choices, value, operand.span.end);
                }
                Alternative::Value(value) => {
                    return self.truth(value.term, &operand.span).map(Term::Bool);
                }
                Alternative::Choice(..) if is_last => return Err(self.no_else(operand)),
                Alternative::Truth(_) | Alternative::Choice(..) => {
                    let before = operands[0].span.start..operand.span.end;
                    let report = self.refuse(
                        &before,
                        "'or' stands between a truth value and another value",
                    );
                    return Err(report.help("to choose write: condition and a or b").into());
                }
            }
        }
        let truth = join(truths, or).unwrap_or_else(|| known(false));
        Ok(Term::Bool(truth))
    }

    fn no_else(&self, choice: &Syntax) -> Refusal {
        let report = self.refuse(
            &choice.span,
            "this has no value when its condition is false",
        );
        report.help("say what then: condition and a or b").into()
    }

    /// The value of the first choice whose condition holds, else `last`, with which the text ends.
    fn choose(&self, choices: Vec<Choice<'_>>, last: Value, end: usize) -> Result<Term> {
        let mut otherwise = last;
        for Choice {
            condition,
            value,
            start,
            ..
        } in choices.into_iter().rev()
        {
            let term = self.select(condition, value, otherwise, &(start..end))?;
            otherwise = Value { term, hex: false };
        }
        Ok(otherwise.term)
    }

    fn select(&self, condition: Node, a: Value, b: Value, span: &Range<usize>) -> Result<Term> {
        let condition = Box::new(condition);
        let strings = (a.term.is_string(), b.term.is_string());
        let described = (a.term.describe(), b.term.describe());
        match (a.term, b.term) {
            (Term::Int(mut left, left_type), Term::Int(mut right, right_type))
                if strings == (false, false) =>
            {
                let ty = common_type((&left, left_type), (&right, right_type));
                take_signs(&mut [(&mut left, a.hex), (&mut right, b.hex)]);
                let node = Node::Select(condition, Box::new(left), Box::new(right));
                Ok(match ty {
                    Some(ty) => Term::Int(node, ty),
                    None => Term::number(node),
                })
            }
            (left, right) => {
                let both = strings == (true, true);
                let texts = both.then(|| left.into_string().zip(right.into_string()));
                if let Some((left, right)) = texts.flatten() {
                    let (left, right) = (Box::new(left), Box::new(right));
                    return Ok(Term::Text(Text::Select(condition, left, right)));
                }
                let (a, b) = described;
                let message = format!("'and … or' chooses between {a} and {b}");
                let report = self.refuse(span, message);
                Err(report.help("both must be of one type").into())
            }
        }
    }
}

/// What two values both are, where it is more than a number. A pointer and the 0 that stands for none are a pointer.
fn common_type(a: (&Node, Type), b: (&Node, Type)) -> Option<Type> {
    match (a, b) {
        ((Node::Const(0), _), (_, pointer @ Type::Pointer { .. }))
        | ((_, pointer @ Type::Pointer { .. }), (Node::Const(0), _)) => Some(pointer),
        ((Node::Const(_), _), _) | (_, (Node::Const(_), _)) => None,
        ((_, a), (_, b)) if a == b => Some(a),
        _ => None,
    }
}
