//! Tokens → syntax, with Lua's precedences (Lua manual §3.4.8).

use super::lex::{Spanned, Token, lex};
use super::syntax::{Binary, Kind, NamedSyntax, Syntax, Unary};
use super::tree::{Op, Relation};
use crate::report::Report;
use std::ops::Range;

/// Brackets and unary operators within each other.
pub const NESTING: usize = 500;
/// Bytes of a text.
pub const LENGTH: usize = 65_536;

const HANDLER: &str = "this can't run in the kernel: do it in the handler, :on(function(e) … end)";
/// What binds tighter than every binary operator.
const UNARY: u8 = 11;

/// A whole text as one expression.
pub(super) fn expression(text: &str) -> Result<Syntax, Report> {
    let mut parser = Parser::new(text)?;
    let syntax = parser.expression(0)?;
    parser.end()?;
    Ok(syntax)
}

/// A whole text as `[name =] expr, …`; an empty one is an empty list.
pub(super) fn list(text: &str) -> Result<Vec<NamedSyntax>, Report> {
    let mut parser = Parser::new(text)?;
    let mut items = Vec::new();
    if parser.peek() == &Token::End {
        return Ok(items);
    }
    loop {
        let name = match (parser.peek().clone(), parser.second()) {
            (Token::Name(name), Token::Symbol("=")) => {
                parser.at += 2;
                Some(name)
            }
            _ => None,
        };
        let syntax = parser.expression(0)?;
        items.push(NamedSyntax { name, syntax });
        if !parser.accept(",") {
            parser.end()?;
            return Ok(items);
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Spanned>,
    at: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Report> {
        if text.len() > LENGTH {
            let message = format!("the text has {} bytes, and {LENGTH} are the limit", text.len());
            return Err(Report::new(message).help("a long list of values goes into a set: x in $name"));
        }
        Ok(Self { text, tokens: lex(text)?, at: 0, nesting: 0 })
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn second(&self) -> &Token {
        self.tokens.get(self.at + 1).map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |(_, span)| span.clone())
    }

    fn previous_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |(_, span)| span.end)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let there = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.at += usize::from(there);
        there
    }

    fn refuse(&self, span: Range<usize>, message: impl Into<String>) -> Report {
        Report::new(message).pointing(self.text, span)
    }

    /// Wants the bracket that closes the one at `open`.
    fn close(&mut self, symbol: &'static str, open: Range<usize>) -> Result<(), Report> {
        if self.accept(symbol) {
            return Ok(());
        }
        if self.peek() == &Token::End {
            let message = format!("'{}' has no closing '{symbol}'", &self.text[open.clone()]);
            return Err(self.refuse(open, message));
        }
        Err(self.unexpected(&format!("'{symbol}' or an operator")))
    }

    fn end(&self) -> Result<(), Report> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Symbol(")") => Err(self.refuse(self.span(), "this ')' closes nothing")),
            _ => Err(self.unexpected("an operator")),
        }
    }

    /// What stands here instead of `wanted`, with the right thing for what people bring from other languages.
    fn unexpected(&self, wanted: &str) -> Report {
        let span = self.span();
        let report = |message: &str| self.refuse(span.clone(), message);
        match self.peek() {
            Token::Symbol("=") => report("'=' does not compare").help("write =="),
            Token::Symbol("&&") => report("'&&' is no operator here").help("write and"),
            Token::Symbol("||") => report("'||' is no operator here").help("write or"),
            Token::Symbol("!") => report("'!' is no operator here").help("write not"),
            Token::Symbol("->") => report("'->' is no operator here").help("write '.': pointers are followed by it, too"),
            Token::Symbol("..") => report("strings can't be joined in the kernel").help("join them in the handler"),
            Token::Symbol("^") => report("there are no powers in the kernel").help("'~' between two numbers is exclusive or"),
            Token::Symbol("?") => report("'?' is no operator here").help("write: condition and a or b"),
            Token::Symbol("#") => report("'#' can't be had in the kernel").help(HANDLER),
            Token::Symbol(":") => report("methods are Lua").help(HANDLER),
            Token::End => report(&format!("the text ends where {wanted} should stand")),
            _ => {
                let found = self.text[span.clone()].escape_debug();
                self.refuse(span.clone(), format!("'{found}' stands where {wanted} should"))
            }
        }
    }

    /// An operator at the cursor, with how tightly it binds its left and its right side.
    fn operator(&self) -> Option<(Operator, u8)> {
        let symbol = match self.peek() {
            Token::Symbol(symbol) => *symbol,
            Token::Name(name) if name == "and" => return Some((Operator::Binary(Binary::And), 2)),
            Token::Name(name) if name == "or" => return Some((Operator::Binary(Binary::Or), 1)),
            Token::Name(name) if name == "in" => return Some((Operator::In, 3)),
            _ => return None,
        };
        let compare = |relation| Some((Operator::Binary(Binary::Compare(relation)), 3));
        let op = |op, level| Some((Operator::Binary(Binary::Op(op)), level));
        match symbol {
            "==" => compare(Relation::Eq),
            "~=" | "!=" => compare(Relation::Ne),
            "<" => compare(Relation::Lt),
            "<=" => compare(Relation::Le),
            ">" => compare(Relation::Gt),
            ">=" => compare(Relation::Ge),
            "|" => op(Op::Or, 4),
            "~" => op(Op::Xor, 5),
            "&" => op(Op::And, 6),
            "<<" => op(Op::Shl, 7),
            ">>" => op(Op::Shr, 7),
            "+" => op(Op::Add, 9),
            "-" => op(Op::Sub, 9),
            "*" => op(Op::Mul, 10),
            "/" => op(Op::Div, 10),
            "//" => op(Op::FloorDiv, 10),
            "%" => op(Op::Mod, 10),
            _ => None,
        }
    }

    /// An expression of operators that bind tighter than `least`. All of them group from the left.
    fn expression(&mut self, least: u8) -> Result<Syntax, Report> {
        self.nesting += 1;
        if self.nesting > NESTING {
            let message = format!("more than {NESTING} brackets or operators within each other, which is the limit");
            return Err(self.refuse(self.span(), message));
        }
        let mut left = self.unary()?;
        while let Some((operator, level)) = self.operator() {
            if level <= least {
                break;
            }
            self.at += 1;
            left = match operator {
                Operator::Binary(binary) => {
                    let right = self.expression(level)?;
                    let span = left.span.start..right.span.end;
                    Syntax { kind: Kind::Binary(binary, Box::new(left), Box::new(right)), span }
                }
                Operator::In => self.members(left)?,
            };
        }
        self.nesting -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Syntax, Report> {
        let start = self.span().start;
        let operator = match self.peek() {
            Token::Symbol("-") => Unary::Neg,
            Token::Symbol("~") => Unary::Invert,
            Token::Name(name) if name == "not" => Unary::Not,
            _ => return self.path(),
        };
        self.at += 1;
        let of = self.expression(UNARY)?;
        Ok(Syntax { span: start..of.span.end, kind: Kind::Unary(operator, Box::new(of)) })
    }

    /// A primary with members, indices and calls behind it.
    fn path(&mut self) -> Result<Syntax, Report> {
        let mut base = self.primary()?;
        loop {
            let start = base.span.start;
            if self.accept(".") {
                let span = self.span();
                let Token::Name(name) = self.peek().clone() else { return Err(self.unexpected("a member's name")) };
                self.at += 1;
                base = Syntax { span: start..span.end, kind: Kind::Member(Box::new(base), name, span) };
            } else if matches!(self.peek(), Token::Symbol("[")) {
                let open = self.span();
                self.at += 1;
                let index = self.expression(0)?;
                self.close("]", open)?;
                base = Syntax { span: start..self.previous_end(), kind: Kind::Index(Box::new(base), Box::new(index)) };
            } else if matches!(self.peek(), Token::Symbol("(")) {
                base = self.call(base)?;
            } else if matches!(self.peek(), Token::Symbol(":" | "->" | "..")) {
                return Err(self.unexpected("an operator"));
            } else {
                return Ok(base);
            }
        }
    }

    fn call(&mut self, function: Syntax) -> Result<Syntax, Report> {
        let Kind::Name(name) = function.kind else {
            let name = &self.text[function.span.clone()];
            return Err(self.refuse(function.span.clone(), format!("'{name}' is no function of the kernel")).help(HANDLER));
        };
        let open = self.span();
        self.at += 1;
        let mut arguments = Vec::new();
        if !self.accept(")") {
            loop {
                arguments.push(self.expression(0)?);
                if !self.accept(",") {
                    self.close(")", open)?;
                    break;
                }
            }
        }
        Ok(Syntax { span: function.span.start..self.previous_end(), kind: Kind::Call(name, arguments) })
    }

    fn primary(&mut self) -> Result<Syntax, Report> {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Number(value) => Kind::Number(value),
            Token::Str(bytes) => Kind::Str(bytes),
            Token::Given(name) => Kind::Given(name),
            Token::Name(name) => match name.as_str() {
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                "nil" => {
                    let report = self.refuse(span, "nothing is nil in the kernel");
                    return Err(report.help("a pointer that points nowhere is 0"));
                }
                "function" => return Err(self.refuse(span, "functions are Lua").help(HANDLER)),
                "and" | "or" | "in" => return Err(self.unexpected("a value")),
                _ => Kind::Name(name),
            },
            Token::Symbol("(") => return self.brackets(),
            Token::Symbol("{") => {
                return Err(self.refuse(span, "a list stands behind 'in' only").help("write: x in {1, 2}"));
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(Syntax { kind, span })
    }

    /// `(expr)`, or a tuple.
    fn brackets(&mut self) -> Result<Syntax, Report> {
        let open = self.span();
        self.at += 1;
        let first = self.expression(0)?;
        if !self.accept(",") {
            self.close(")", open)?;
            return Ok(first);
        }
        let mut parts = vec![first];
        loop {
            parts.push(self.expression(0)?);
            if !self.accept(",") {
                break;
            }
        }
        self.close(")", open.clone())?;
        Ok(Syntax { kind: Kind::Tuple(parts), span: open.start..self.previous_end() })
    }

    /// What stands behind `in`.
    fn members(&mut self, value: Syntax) -> Result<Syntax, Report> {
        let start = value.span.start;
        let open = self.span();
        if let Token::Given(name) = self.peek().clone() {
            self.at += 1;
            return Ok(Syntax { span: start..open.end, kind: Kind::InGiven(Box::new(value), name, open) });
        }
        if !self.accept("{") {
            return Err(self.unexpected("a list in braces, or a set ($name),"));
        }
        let mut items = Vec::new();
        while !self.accept("}") {
            items.push(self.expression(0)?);
            if !self.accept(",") {
                self.close("}", open)?;
                break;
            }
        }
        Ok(Syntax { span: start..self.previous_end(), kind: Kind::InList(Box::new(value), items) })
    }
}

enum Operator {
    Binary(Binary),
    In,
}
