//! Arithmetic and comparisons of integers, and what of it is known beforehand.

use super::checker::Checker;
use super::limits::{depth_of_row, join};
use super::term::{Term, binary, compare, known};
use super::{Refusal, Result};
use crate::expr::eval;
use crate::expr::syntax::{Kind, Syntax, Unary};
use crate::expr::tree::{Node, Op, Relation, common};
use crate::expr::types::{Int, Type};
use crate::report::Report;
use std::ops::Range;

impl Checker<'_> {
    pub(super) fn unary(&self, operator: Unary, of: &Syntax) -> Result<Term> {
        if operator == Unary::Not {
            let node = self.condition(of)?;
            return Ok(Term::Bool(Node::Not(Box::new(node))));
        }
        let (node, _) = self.number(of)?;
        Ok(Term::number(match (operator, node) {
            (Unary::Neg, Node::Const(value)) => {
                Node::Const(i128::from((value as u64).wrapping_neg() as i64))
            }
            (Unary::Neg, node) => Node::Neg(Box::new(node)),
            (_, node @ Node::Const(value)) => Node::Const(node.int().value(!(value as u64))),
            (_, node) => Node::Invert(Box::new(node)),
        }))
    }

    /// Operators of one precedence, one after the other.
    pub(super) fn chain(
        &self,
        first: &Syntax,
        rest: &[(Op, Syntax)],
        span: &Range<usize>,
    ) -> Result<Term> {
        let sum = rest.iter().all(|(op, _)| matches!(op, Op::Add | Op::Sub));
        let same = rest.windows(2).all(|pair| pair[0].0 == pair[1].0);
        let groups = sum || same && rest.first().is_some_and(|(op, _)| may_be_grouped(*op));
        let depth = match groups {
            true => depth_of_row(rest.len() + 1),
            false => rest.len().saturating_sub(1),
        };
        let _levels = self.within_limits(self.work.deeper(depth), span)?;

        let (node, mut ty) = self.number(first)?;
        let mut operands = vec![(Op::Add, node)];
        for (op, operand) in rest {
            let (node, other) = self.number(operand)?;
            ty = pointer_of(*op, ty, other);
            self.possible(*op, &node, operand)?;
            operands.push((*op, node));
        }
        let written = std::iter::once(first).chain(rest.iter().map(|(_, operand)| operand));
        let nodes = operands.iter_mut().map(|(_, node)| node);
        take_signs(&mut nodes.zip(written.map(is_hex)).collect::<Vec<_>>());

        let joined = if sum {
            join(operands, |(sign, a), (other, b)| {
                let op = if sign == other { Op::Add } else { Op::Sub };
                (sign, arithmetic(op, a, b))
            })
        } else if groups {
            join(operands, |(_, a), (op, b)| (op, arithmetic(op, a, b)))
        } else {
            let row = operands.into_iter();
            row.reduce(|(_, a), (op, b)| (op, arithmetic(op, a, b)))
        };
        let node = joined.map_or(Node::Const(0), |(_, node)| node);
        Ok(match ty {
            Type::Pointer { .. } => Term::Int(node, ty),
            _ => Term::number(node),
        })
    }

    /// What no value makes right is a mistake.
    fn possible(&self, op: Op, right: &Node, syntax: &Syntax) -> Result<()> {
        if matches!(op, Op::Div | Op::FloorDiv | Op::Mod) && *right == Node::Const(0) {
            return Err(self.refuse(&syntax.span, "this divides by zero").into());
        }
        Ok(())
    }

    /// `a == b` and the like.
    pub(super) fn comparison(
        &self,
        relation: Relation,
        a: &Syntax,
        b: &Syntax,
        span: &Range<usize>,
    ) -> Result<Term> {
        self.not_too_tight(a, span)?;
        let (left, right) = (self.term(a)?, self.term(b)?);
        if left.is_string() && right.is_string() {
            return self.compare_strings(relation, left, right, span);
        }
        let equality = matches!(relation, Relation::Eq | Relation::Ne);
        if left.is_string() || right.is_string() {
            return Err(self.unlike(&left, &right, (a, b), equality, span));
        }
        match (left, right) {
            (Term::Int(mut left, _), Term::Int(mut right, _)) => {
                take_signs(&mut [(&mut left, is_hex(a)), (&mut right, is_hex(b))]);
                Ok(Term::Bool(match (&left, &right) {
                    (Node::Const(a), Node::Const(b)) => known(eval::holds(relation, *a, *b)),
                    _ => compare(relation, left, right),
                }))
            }
            (Term::Bool(left), Term::Bool(right)) if equality => {
                Ok(Term::Bool(compare(relation, left, right)))
            }
            (left, right) => Err(self.unlike(&left, &right, (a, b), equality, span)),
        }
    }

    /// `not a == b` is `(not a) == b`, in Lua as here: what is meant by it is something else.
    pub(super) fn not_too_tight(&self, left: &Syntax, comparison: &Range<usize>) -> Result<()> {
        if let Kind::Unary(Unary::Not, of) = &left.kind
            && !matches!(self.term(of)?, Term::Bool(_))
        {
            let report = self.refuse(
                &left.span,
                "'not' binds tighter than the comparison behind it",
            );
            let text = self.quote(&(of.span.start..comparison.end));
            return Err(report.help(format!("write: not ({text})")).into());
        }
        Ok(())
    }

    /// Two sides of a comparison that have not one type.
    fn unlike(
        &self,
        left: &Term,
        right: &Term,
        sides: (&Syntax, &Syntax),
        equality: bool,
        span: &Range<usize>,
    ) -> Refusal {
        let (a, b) = (self.quote(&sides.0.span), self.quote(&sides.1.span));
        let (is_a, is_b) = (left.describe(), right.describe());
        let message = format!("'{a}' is {is_a} and '{b}' is {is_b}: they can't be compared");
        let report = self.refuse(span, message);
        let quoted = |term: &Term, text: &str| match term {
            Term::Int(Node::Const(_), _) if equality => {
                Some(format!("to compare it as a string: '{text}'"))
            }
            _ => None,
        };
        let address = |term: &Term, text: &str| match term {
            Term::Int(..) | Term::Memory { .. } if term.is_string() => {
                Some(format!("its address is ptr({text})"))
            }
            _ => None,
        };
        let zero = |term: &Term| matches!(term, Term::Int(Node::Const(0), _));
        let help = match (left.is_string(), right.is_string()) {
            (true, false) if zero(right) => address(left, &a),
            (false, true) if zero(left) => address(right, &b),
            (true, false) => quoted(right, &b).or_else(|| address(left, &a)),
            (false, true) => quoted(left, &a).or_else(|| address(right, &b)),
            _ => None,
        };
        Report { help, ..report }.into()
    }
}

/// May `a op b op c` be computed as `a op (b op c)`? All of these wrap.
fn may_be_grouped(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor)
}

/// The type of a sum or difference: a pointer that is moved stays one.
fn pointer_of(op: Op, left: Type, right: Type) -> Type {
    match (op, left, right) {
        (
            Op::Add | Op::Sub,
            pointer @ Type::Pointer { .. },
            Type::Int(_) | Type::Named(..) | Type::Char,
        ) => pointer,
        (Op::Add, Type::Int(_) | Type::Named(..) | Type::Char, pointer @ Type::Pointer { .. }) => {
            pointer
        }
        _ => Type::Int(Int::U64),
    }
}

/// The value of an operator, which is known when its operands are.
fn arithmetic(op: Op, a: Node, b: Node) -> Node {
    let (op, b) = match (op, b) {
        // As in Lua, a shift by less than 0 is one to the other side.
        (Op::Shl, Node::Const(count)) if count < 0 => (Op::Shr, Node::Const(-count)),
        (Op::Shr, Node::Const(count)) if count < 0 => (Op::Shl, Node::Const(-count)),
        (op, b) => (op, b),
    };
    fold(op, &a, &b).unwrap_or_else(|| binary(op, a, b))
}

/// A constant, where it has the type that the operator gives.
fn fold(op: Op, a: &Node, b: &Node) -> Option<Node> {
    let (Node::Const(x), Node::Const(y)) = (a, b) else {
        return None;
    };
    let int = match op {
        Op::Shl | Op::Shr => a.int().wide(),
        _ => common(a, b),
    };
    let pattern = eval::binary(op, int == Int::I64, *x as u64, *y as u64)?;
    let folded = Node::Const(int.value(pattern));
    (folded.int() == int).then_some(folded)
}

/// Is it a hexadecimal number?
pub(super) fn is_hex(syntax: &Syntax) -> bool {
    matches!(syntax.kind, Kind::Number { hex: true, .. })
}

/// In Lua, where no integer is unsigned, `0xffffffffffffffff` is -1; of an address it is the highest. So a hexadecimal
/// number that uses the highest bit is negative unless it meets an unsigned value. The operands, each with whether it is
/// written in hexadecimal.
pub(super) fn take_signs(operands: &mut [(&mut Node, bool)]) {
    let by_bits = |node: &Node, hex: bool| hex && matches!(node, Node::Const(_));
    let meets_unsigned = operands
        .iter()
        .any(|(node, hex)| !by_bits(node, *hex) && node.int().wide() == Int::U64);
    if meets_unsigned {
        return;
    }
    for (node, hex) in operands {
        if *hex && let Node::Const(value) = node {
            *value = i128::from(*value as u64 as i64);
        }
    }
}
