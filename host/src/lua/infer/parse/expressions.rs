//! Expressions.

use super::{Parsed, Parser};
use crate::lua::infer::tree::{Expression, Function, FunctionId, Link, LinkKind};
use crate::lua::lex::Token;

/// Binds tighter than every binary operator but `^`.
const UNARY: u8 = 12;

/// How tightly each operator binds to its left and right, as in Lua's lparser.c.
const BINARY: [(&str, u8, u8); 21] = [
    ("or", 1, 1),
    ("and", 2, 2),
    ("<", 3, 3),
    (">", 3, 3),
    ("<=", 3, 3),
    (">=", 3, 3),
    ("~=", 3, 3),
    ("==", 3, 3),
    ("|", 4, 4),
    ("~", 5, 5),
    ("&", 6, 6),
    ("<<", 7, 7),
    (">>", 7, 7),
    ("..", 9, 8),
    ("+", 10, 10),
    ("-", 10, 10),
    ("*", 11, 11),
    ("/", 11, 11),
    ("//", 11, 11),
    ("%", 11, 11),
    ("^", 14, 13),
];

/// What a suffixed expression may stand as.
#[derive(PartialEq)]
pub(super) enum Shape {
    Assignable,
    Call,
    Value,
}

impl<'a> Parser<'a> {
    pub(super) fn expressions(&mut self) -> Parsed<Vec<Expression<'a>>> {
        let mut list = vec![self.expression()?];
        while self.accept(",")? {
            list.push(self.expression()?);
        }
        Ok(list)
    }

    pub(super) fn expression(&mut self) -> Parsed<Expression<'a>> {
        self.operation(0)
    }

    /// Operators that bind tighter than `limit`.
    fn operation(&mut self, limit: u8) -> Parsed<Expression<'a>> {
        self.nested(|parser| {
            let mut left = match parser.token {
                Token::Fixed("not") => {
                    parser.advance()?;
                    Expression::Not(Box::new(parser.operation(UNARY)?))
                }
                Token::Fixed("-" | "#" | "~") => {
                    parser.advance()?;
                    Expression::Compute(vec![parser.operation(UNARY)?])
                }
                _ => parser.simple()?,
            };
            while let Token::Fixed(word) = parser.token {
                let Some((operator, _, right)) = BINARY
                    .into_iter()
                    .find(|(known, left, _)| *known == word && *left > limit)
                else {
                    break;
                };
                parser.advance()?;
                let operand = parser.operation(right)?;
                left = combine(left, operator, operand);
            }
            Ok(left)
        })
    }

    fn simple(&mut self) -> Parsed<Expression<'a>> {
        let constant = match &mut self.token {
            Token::Number | Token::Fixed("true" | "false") => Expression::Constant,
            Token::Fixed("nil") => Expression::Nil,
            Token::String(bytes) => Expression::String(std::mem::take(bytes)),
            Token::Fixed("...") => {
                if self
                    .current_function()
                    .is_none_or(|function| !function.variadic)
                {
                    return Err(self.error("cannot use '...' outside a vararg function"));
                }
                Expression::Constant
            }
            Token::Fixed("{") => return self.table(),
            Token::Fixed("function") => {
                self.advance()?;
                return Ok(Expression::Function(self.function_body(self.line, false)?));
            }
            _ => return Ok(self.suffixed()?.0),
        };
        self.advance()?;
        Ok(constant)
    }

    pub(super) fn suffixed(&mut self) -> Parsed<(Expression<'a>, Shape)> {
        let (mut chain, mut shape) = match self.token {
            Token::Name(name) => {
                self.advance()?;
                (self.resolve(name), Shape::Assignable)
            }
            Token::Fixed("(") => {
                self.advance()?;
                let inner = self.expression()?;
                self.expect(")")?;
                (inner, Shape::Value)
            }
            _ => return Err(self.unexpected("an expression")),
        };
        loop {
            let line = self.line;
            let kind = match self.token {
                Token::Fixed(".") => {
                    self.advance()?;
                    LinkKind::Field(self.name()?)
                }
                Token::Fixed("[") => {
                    self.advance()?;
                    let key = self.expression()?;
                    self.expect("]")?;
                    LinkKind::Index(key)
                }
                Token::Fixed(":") => {
                    self.advance()?;
                    let method = self.name()?;
                    LinkKind::Method(method, self.arguments()?)
                }
                Token::Fixed("(" | "{") | Token::String(_) => LinkKind::Call(self.arguments()?),
                _ => return Ok((chain, shape)),
            };
            shape = match kind {
                LinkKind::Field(_) | LinkKind::Index(_) => Shape::Assignable,
                LinkKind::Call(_) | LinkKind::Method(..) => Shape::Call,
            };
            chain = extend(chain, Link { kind, line });
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<Expression<'a>>> {
        match &mut self.token {
            Token::String(bytes) => {
                let string = Expression::String(std::mem::take(bytes));
                self.advance()?;
                Ok(vec![string])
            }
            Token::Fixed("{") => Ok(vec![self.table()?]),
            Token::Fixed("(") => {
                self.advance()?;
                let list = if self.is(")") {
                    Vec::new()
                } else {
                    self.expressions()?
                };
                self.expect(")")?;
                Ok(list)
            }
            _ => Err(self.unexpected("function arguments")),
        }
    }

    fn table(&mut self) -> Parsed<Expression<'a>> {
        let line = self.line;
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.is("}") {
            fields.push(self.table_field()?);
            if !self.accept(",")? && !self.accept(";")? {
                break;
            }
        }
        self.expect("}")?;
        Ok(Expression::Table { fields, line })
    }

    /// `[key] = value`, `name = value`, or a value.
    fn table_field(&mut self) -> Parsed<(Option<Expression<'a>>, Expression<'a>)> {
        if self.accept("[")? {
            let key = self.expression()?;
            self.expect("]")?;
            self.expect("=")?;
            return Ok((Some(key), self.expression()?));
        }
        if matches!(self.token, Token::Name(_)) && self.lexer.clone().next()?.0 == Token::Fixed("=")
        {
            self.advance()?;
            self.advance()?;
        }
        Ok((None, self.expression()?))
    }

    /// From the parameters' `(` to `end`. `first_line` is what Lua calls `linedefined`.
    pub(super) fn function_body(&mut self, first_line: u32, method: bool) -> Parsed<FunctionId> {
        let id = self.open_function();
        let mut parameters = Vec::new();
        if method {
            parameters.push(self.declare("self"));
        }
        self.expect("(")?;
        let mut variadic = false;
        while !self.is(")") {
            variadic = self.accept("...")?;
            if variadic {
                break;
            }
            let name = self.name()?;
            parameters.push(self.declare(name));
            if !self.accept(",")? {
                break;
            }
            if self.is(")") {
                return Err(self.unexpected("<name>"));
            }
        }
        self.expect(")")?;
        self.tree.functions[id.0].variadic = variadic;
        let body = self.block()?;
        let last_line = self.line;
        self.expect("end")?;
        self.scopes.pop();
        let function = &mut self.tree.functions[id.0];
        *function = Function {
            parameters,
            body,
            first_line,
            last_line,
            ..std::mem::take(function)
        };
        Ok(id)
    }
}

/// One more link on a chain, or the first behind a head.
pub(super) fn extend<'a>(head: Expression<'a>, link: Link<'a>) -> Expression<'a> {
    match head {
        Expression::Chain { head, mut links } => {
            links.push(link);
            Expression::Chain { head, links }
        }
        head => Expression::Chain {
            head: Box::new(head),
            links: vec![link],
        },
    }
}

/// Joins operands of one sort in one list, so that a long sum is not a deep tree.
fn combine<'a>(left: Expression<'a>, operator: &str, right: Expression<'a>) -> Expression<'a> {
    match (operator, left) {
        ("and", Expression::And(mut list)) => {
            list.push(right);
            Expression::And(list)
        }
        ("and", left) => Expression::And(vec![left, right]),
        ("or", Expression::Or(mut list)) => {
            list.push(right);
            Expression::Or(list)
        }
        ("or", left) => Expression::Or(vec![left, right]),
        (_, Expression::Compute(mut list)) => {
            list.push(right);
            Expression::Compute(list)
        }
        (_, left) => Expression::Compute(vec![left, right]),
    }
}
