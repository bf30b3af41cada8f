//! The binary operators: what they are written as, how tightly they bind, and how rows of them are kept.

use super::known::Known;
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

pub(super) struct Binary {
    pub(super) known: Known,
    operator: Operator,
    /// How tightly it binds. All group from the left.
    pub(super) level: u8,
}

/// From the loosest on.
pub(super) static BINARY: [Binary; 20] = [
    Binary {
        known: Known {
            name: "or",
            form: "a or b",
            doc: "Does one of them hold, or both? The right side is evaluated only where the left one doesn't hold. `c and a or b` is `a` where `c` holds, else `b`.",
            example: "retval < 0 or retval == 512",
        },
        operator: Operator::Or,
        level: 1,
    },
    Binary {
        known: Known {
            name: "and",
            form: "a and b",
            doc: "Do both hold? The right side is evaluated only where the left one holds.",
            example: "retval > 0 and comm ~= 'sshd'",
        },
        operator: Operator::And,
        level: 2,
    },
    Binary {
        known: Known {
            name: "==",
            form: "a == b",
            doc: "Are they equal? Numbers are compared by their values, whatever their signs, strings up to their NUL.",
            example: "comm == 'sshd'",
        },
        operator: Operator::Compare(Relation::Eq),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: "~=",
            form: "a ~= b",
            doc: "Are they different?",
            example: "comm ~= 'sshd'",
        },
        operator: Operator::Compare(Relation::Ne),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: "!=",
            form: "a != b",
            doc: "The same as `~=`.",
            example: "comm != 'sshd'",
        },
        operator: Operator::Compare(Relation::Ne),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: "<",
            form: "a < b",
            doc: "Is the left one less? Numbers are compared by their values, whatever their signs: -1 is less than any that has none.",
            example: "retval < 0",
        },
        operator: Operator::Compare(Relation::Lt),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: "<=",
            form: "a <= b",
            doc: "Is the left one less, or are they equal?",
            example: "retval <= 4KiB",
        },
        operator: Operator::Compare(Relation::Le),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: ">",
            form: "a > b",
            doc: "Is the left one more?",
            example: "elapsed > 10us",
        },
        operator: Operator::Compare(Relation::Gt),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: ">=",
            form: "a >= b",
            doc: "Is the left one more, or are they equal?",
            example: "retval >= 512",
        },
        operator: Operator::Compare(Relation::Ge),
        level: COMPARISON,
    },
    Binary {
        known: Known {
            name: "|",
            form: "a | b",
            doc: "The bits that are in one of them, or in both.",
            example: "args.fd | 0x100",
        },
        operator: Operator::Arithmetic(Op::Or),
        level: 4,
    },
    Binary {
        known: Known {
            name: "~",
            form: "a ~ b",
            doc: "The bits that are in one of them only; before a number, those that are not in it.",
            example: "args.fd ~ 0xff",
        },
        operator: Operator::Arithmetic(Op::Xor),
        level: 5,
    },
    Binary {
        known: Known {
            name: "&",
            form: "a & b",
            doc: "The bits that are in both.",
            example: "args.count & 0xfff == 0",
        },
        operator: Operator::Arithmetic(Op::And),
        level: 6,
    },
    Binary {
        known: Known {
            name: "<<",
            form: "a << b",
            doc: "The bits, so many places up; 0 from 64 on.",
            example: "1 << args.fd",
        },
        operator: Operator::Arithmetic(Op::Shl),
        level: 7,
    },
    Binary {
        known: Known {
            name: ">>",
            form: "a >> b",
            doc: "The bits, so many places down, filled with zeros; 0 from 64 on.",
            example: "args.count >> 12",
        },
        operator: Operator::Arithmetic(Op::Shr),
        level: 7,
    },
    Binary {
        known: Known {
            name: "+",
            form: "a + b",
            doc: "The sum, which wraps at 64 bits.",
            example: "args.fd + 1",
        },
        operator: Operator::Arithmetic(Op::Add),
        level: 8,
    },
    Binary {
        known: Known {
            name: "-",
            form: "a - b",
            doc: "The difference, which wraps at 64 bits; before a number, its negative.",
            example: "args.count - retval",
        },
        operator: Operator::Arithmetic(Op::Sub),
        level: 8,
    },
    Binary {
        known: Known {
            name: "*",
            form: "a * b",
            doc: "The product, which wraps at 64 bits.",
            example: "args.count * 8",
        },
        operator: Operator::Arithmetic(Op::Mul),
        level: 9,
    },
    Binary {
        known: Known {
            name: "/",
            form: "a / b",
            doc: "The quotient of integers, rounded towards 0 as in C. A division by zero gives 0 and a note.",
            example: "elapsed / 1us",
        },
        operator: Operator::Arithmetic(Op::Div),
        level: 9,
    },
    Binary {
        known: Known {
            name: "//",
            form: "a // b",
            doc: "The quotient, rounded towards negative infinity. A division by zero gives 0 and a note.",
            example: "args.count // 4KiB",
        },
        operator: Operator::Arithmetic(Op::FloorDiv),
        level: 9,
    },
    Binary {
        known: Known {
            name: "%",
            form: "a % b",
            doc: "What a division by `//` leaves.",
            example: "args.count % 4096",
        },
        operator: Operator::Arithmetic(Op::Mod),
        level: 9,
    },
];

/// Those that have a form of their own.
pub(super) static OTHERS: [Known; 2] = [
    Known {
        name: "in",
        form: "a in {b, …}",
        doc: "Is it one of these, or in the list or set that `$name` is, or in `$target`? Tuples stand in brackets.",
        example: "args.fd in {0, 1, 2}",
    },
    Known {
        name: "not",
        form: "not a",
        doc: "Does it not hold? `not a == b` means `(not a) == b`, as in Lua.",
        example: "not startswith(comm, 'kworker')",
    },
];

/// The operator that a token is, and how tightly it binds.
pub(super) fn operator(token: &Token) -> Option<(Operator, u8)> {
    let word = match token {
        Token::Symbol(symbol) => symbol,
        Token::Name(name) => name.as_str(),
        _ => return None,
    };
    let found = BINARY.iter().find(|binary| binary.known.name == word)?;
    Some((found.operator, found.level))
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
