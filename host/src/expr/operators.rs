//! The binary operators: what they are written as, how tightly they bind, and how rows of them are kept.

use super::lex::Token;
use super::syntax::{Kind, Syntax};
use super::tree::{Op, Relation};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Arithmetic(Op),
    Compare(Relation),
    And,
    Or,
}

/// Looser than every operator.
pub(super) const LOOSEST: u8 = 0;
/// How tightly comparisons and `in` bind.
pub(super) const COMPARISON: u8 = 3;
/// Tighter than every binary operator.
pub(super) const UNARY: u8 = 10;

/// The operator that a token is, and how tightly it binds. All group from the left.
pub(super) fn operator(token: &Token) -> Option<(Operator, u8)> {
    let word = match token {
        Token::Symbol(symbol) => symbol,
        Token::Name(name) => name.as_str(),
        _ => return None,
    };
    let (operator, level) = match word {
        "or" => (Operator::Or, 1),
        "and" => (Operator::And, 2),
        "==" => (Operator::Compare(Relation::Eq), COMPARISON),
        "~=" | "!=" => (Operator::Compare(Relation::Ne), COMPARISON),
        "<" => (Operator::Compare(Relation::Lt), COMPARISON),
        "<=" => (Operator::Compare(Relation::Le), COMPARISON),
        ">" => (Operator::Compare(Relation::Gt), COMPARISON),
        ">=" => (Operator::Compare(Relation::Ge), COMPARISON),
        "|" => (Operator::Arithmetic(Op::Or), 4),
        "~" => (Operator::Arithmetic(Op::Xor), 5),
        "&" => (Operator::Arithmetic(Op::And), 6),
        "<<" => (Operator::Arithmetic(Op::Shl), 7),
        ">>" => (Operator::Arithmetic(Op::Shr), 7),
        "+" => (Operator::Arithmetic(Op::Add), 8),
        "-" => (Operator::Arithmetic(Op::Sub), 8),
        "*" => (Operator::Arithmetic(Op::Mul), 9),
        "/" => (Operator::Arithmetic(Op::Div), 9),
        "//" => (Operator::Arithmetic(Op::FloorDiv), 9),
        "%" => (Operator::Arithmetic(Op::Mod), 9),
        _ => return None,
    };
    Some((operator, level))
}

impl Operator {
    /// The operands as one: appended, when `left` is a row of operators of this precedence already.
    pub(super) fn join(self, left: Syntax, right: Syntax, row: bool) -> Syntax {
        let span = left.span.start..right.span.end;
        let kind = match (self, left) {
            (
                Self::Arithmetic(op),
                Syntax {
                    kind: Kind::Chain(first, mut rest),
                    ..
                },
            ) if row => {
                rest.push((op, right));
                Kind::Chain(first, rest)
            }
            (
                Self::And,
                Syntax {
                    kind: Kind::And(mut operands),
                    ..
                },
            ) if row => {
                operands.push(right);
                Kind::And(operands)
            }
            (
                Self::Or,
                Syntax {
                    kind: Kind::Or(mut operands),
                    ..
                },
            ) if row => {
                operands.push(right);
                Kind::Or(operands)
            }
            (Self::Arithmetic(op), left) => Kind::Chain(Box::new(left), vec![(op, right)]),
            (Self::And, left) => Kind::And(vec![left, right]),
            (Self::Or, left) => Kind::Or(vec![left, right]),
            (Self::Compare(relation), left) => {
                Kind::Compare(relation, Box::new(left), Box::new(right))
            }
        };
        Syntax { kind, span }
    }
}
