//! Operators and what they take.

use super::{Checker, Refusal, Result, Term};
use crate::expr::syntax::{Binary, Kind, Syntax, Unary};
use crate::expr::tree::{Node, Op, Relation, Text};
use crate::expr::types::{Int, Type};
use moontrace_abi::limits::{COMPARED_STRING, STRING};
use std::ops::Range;

impl Checker<'_> {
    pub(super) fn unary(&self, operator: Unary, of: &Syntax) -> Result<Term> {
        let node = self.integer(of)?;
        let node = match (operator, node) {
            (Unary::Neg, Node::Const(value)) => return Ok(Term::constant(wrap(-value))),
            (Unary::Neg, node) => Node::Neg(Box::new(node)),
            (_, Node::Const(value)) => return Ok(Term::constant(!value)),
            (_, node) => Node::Invert(Box::new(node)),
        };
        let ty = Type::Int(node.int());
        Ok(Term::Int(node, ty))
    }

    pub(super) fn binary(&self, operator: Binary, a: &Syntax, b: &Syntax, span: &Range<usize>) -> Result<Term> {
        match operator {
            Binary::And => {
                let (left, right) = (self.condition(a)?, self.term(b)?);
                if !matches!(right, Term::Bool(_)) {
                    let report = self.refuse(span, "'and' wants a truth value on both sides");
                    let help = "to pick a value write: condition and a or b; to compare: x ~= 0";
                    return Err(report.help(help).into());
                }
                let right = self.truth(right, &b.span)?;
                Ok(Term::Bool(Node::And(Box::new(left), Box::new(right))))
            }
            Binary::Or => self.or(a, b),
            Binary::Compare(relation) => self.compare(relation, a, b, span),
            Binary::Op(op) => {
                let (left, right) = (self.integer(a)?, self.integer(b)?);
                if let (Node::Const(left), Node::Const(right)) = (&left, &right) {
                    return Ok(Term::constant(fold(op, *left, *right)));
                }
                let node = Node::Binary(op, Box::new(left), Box::new(right));
                let ty = Type::Int(node.int());
                Ok(Term::Int(node, ty))
            }
        }
    }

    /// `a or b` of truth values, or `c and a or b`, which picks one.
    fn or(&self, a: &Syntax, b: &Syntax) -> Result<Term> {
        if let Kind::Binary(Binary::And, condition, then) = &a.kind {
            let then_term = self.term(then)?;
            if !matches!(then_term, Term::Bool(_)) {
                let condition = self.condition(condition)?;
                return self.select(condition, then_term, then, b);
            }
        }
        let (left, right) = (self.condition(a)?, self.condition(b)?);
        Ok(Term::Bool(Node::Or(Box::new(left), Box::new(right))))
    }

    fn select(&self, condition: Node, then: Term, then_syntax: &Syntax, other: &Syntax) -> Result<Term> {
        let other_term = self.term(other)?;
        if let (Some(a), Some(b)) = (self.string_of(&then), self.string_of(&other_term)) {
            return Ok(Term::Text(Text::Select(Box::new(condition), Box::new(a), Box::new(b))));
        }
        let ty = match (&then, &other_term) {
            (Term::Int(_, a), Term::Int(_, b)) if a == b => Some(a.clone()),
            _ => None,
        };
        match (then, other_term) {
            (Term::Int(a, _), Term::Int(b, _)) => {
                let node = Node::Select(Box::new(condition), Box::new(a), Box::new(b));
                let ty = ty.unwrap_or_else(|| Type::Int(node.int()));
                Ok(Term::Int(node, ty))
            }
            (a, b) => {
                let message = format!("'and … or' picks between {} and {}", a.describe(), b.describe());
                let span = then_syntax.span.start..other.span.end;
                Err(self.refuse(&span, message).help("both must be of one type").into())
            }
        }
    }

    fn compare(&self, relation: Relation, a: &Syntax, b: &Syntax, span: &Range<usize>) -> Result<Term> {
        let (left, right) = (self.term(a)?, self.term(b)?);
        if let (Some(left), Some(right)) = (self.string_of(&left), self.string_of(&right)) {
            return self.compare_strings(relation, left, right, span);
        }
        match (left, right) {
            (Term::Int(left, _), Term::Int(right, _)) => {
                Ok(Term::Bool(Node::Compare(relation, Box::new(left), Box::new(right))))
            }
            (Term::Bool(left), Term::Bool(right)) if matches!(relation, Relation::Eq | Relation::Ne) => {
                Ok(Term::Bool(Node::Compare(relation, Box::new(left), Box::new(right))))
            }
            (left, right) => Err(self.unlike(&left, &right, (a, b), span)),
        }
    }

    /// Two sides of a comparison that have not one type.
    fn unlike(&self, left: &Term, right: &Term, sides: (&Syntax, &Syntax), span: &Range<usize>) -> Refusal {
        let text = |syntax: &Syntax| &self.text[syntax.span.clone()];
        let message = format!(
            "'{}' is {} and '{}' is {}: they can't be compared",
            text(sides.0),
            left.describe(),
            text(sides.1),
            right.describe()
        );
        let report = self.refuse(span, message);
        let pointer = |term: &Term| matches!(term, Term::Int(_, Type::Pointer { .. }));
        match (left, right) {
            (string, Term::Int(..)) if pointer(string) => report.help(format!("its address is ptr({})", text(sides.0))),
            (Term::Int(..), string) if pointer(string) => report.help(format!("its address is ptr({})", text(sides.1))),
            (_, Term::Int(Node::Const(_), _)) if self.string_of(left).is_some() => {
                report.help(format!("a string is compared with a string: '{}'", text(sides.1)))
            }
            _ => report,
        }
        .into()
    }

    fn compare_strings(&self, relation: Relation, left: Text, right: Text, span: &Range<usize>) -> Result<Term> {
        let equal = match relation {
            Relation::Eq => true,
            Relation::Ne => false,
            _ => {
                let report = self.refuse(span, "strings have no order in the kernel");
                return Err(report.help("they are compared with == ~= in startswith(s, t) like(s, pattern)").into());
            }
        };
        let same = self.same(left, right, span)?;
        Ok(Term::Bool(if equal { same } else { Node::Not(Box::new(same)) }))
    }

    /// Are two strings equal? Two that are both computed are compared up to a limit.
    pub(super) fn same(&self, left: Text, right: Text, span: &Range<usize>) -> Result<Node> {
        let cut = |text: Text| match text {
            Text::Read { space, address, capacity } => {
                Text::Read { space, address, capacity: capacity.min(COMPARED_STRING as u16) }
            }
            other => other,
        };
        let (left, right) = match (left, right) {
            (Text::Literal(a), Text::Literal(b)) => return Ok(super::truth_of(a == b)),
            (left, right @ Text::Literal(_)) | (right @ Text::Literal(_), left) => (left, right),
            (left, right) => (cut(left), cut(right)),
        };
        if let Text::Literal(bytes) = &right {
            self.short_enough(bytes, span)?;
        }
        Ok(Node::Same(Box::new(left), Box::new(right)))
    }

    pub(super) fn short_enough(&self, bytes: &[u8], span: &Range<usize>) -> Result<()> {
        if bytes.len() < STRING {
            return Ok(());
        }
        let message = format!("a string of {} bytes, and {} is the limit of what is compared", bytes.len(), STRING - 1);
        Err(self.refuse(span, message).into())
    }
}

/// A constant as 64 bits hold it: by its sign where it has one.
fn wrap(value: i128) -> i128 {
    if value > i128::from(i64::MAX) { i128::from(value as u64) } else { i128::from(value as i64) }
}

/// The value of an operator on two constants, as the kernel would compute it.
fn fold(op: Op, a: i128, b: i128) -> i128 {
    let (left, right) = (Node::Const(a), Node::Const(b));
    let (x, y) = (a as u64, b as u64);
    let int = crate::expr::tree::common(&left, &right);
    let int = if matches!(op, Op::Shl | Op::Shr) { left.int().wide() } else { int };
    let value = crate::expr::eval::binary(op, int == Int::I64, x, y).unwrap_or(0);
    int.value(value)
}
