//! Tokens → syntax, with Lua's precedences (Lua manual §3.4.8).

use super::lex::{Spanned, Token, lex};
use super::operators::{COMPARISON, LOOSEST, UNARY, operator};
use super::syntax::{Kind, Members, Named, Step, Syntax, Unary};
use crate::report::Report;
use std::ops::Range;

/// Brackets and operators within each other. It bounds the stack that parsing, checking, generating code and dropping a
/// tree take: 32 MiB are enough in an unoptimised build, which a test shows. What stands in a row counts little towards it.
pub const NESTING: usize = 2_000;
/// Bytes of a text.
pub const LENGTH: usize = 1 << 20;

const HANDLER: &str = "this can't run in the kernel: do it in the handler, :on(function(e) … end)";

/// A whole text as one expression.
///
/// # Errors
/// A report that points into the text.
pub(super) fn expression(text: &str) -> Result<Syntax, Report> {
    let mut parser = Parser::new(text)?;
    let syntax = parser.expression(LOOSEST)?;
    parser.end()?;
    Ok(syntax)
}

/// A whole text as `[name =] expr, …`; an empty one is an empty list.
///
/// # Errors
/// A report that points into the text.
pub(super) fn list(text: &str) -> Result<Vec<Named>, Report> {
    let mut parser = Parser::new(text)?;
    let mut items = Vec::new();
    if parser.peek() == &Token::End {
        return Ok(items);
    }
    loop {
        let name = parser.item_name();
        let syntax = parser.expression(LOOSEST)?;
        items.push(Named { name, syntax });
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
            let message = format!(
                "the text has {} bytes, and {LENGTH} are the limit",
                text.len()
            );
            return Err(Report::new(message).help("many values go into a set: x in $name"));
        }
        Ok(Self {
            text,
            tokens: lex(text)?,
            at: 0,
            nesting: 0,
        })
    }

    fn peek(&self) -> &Token {
        self.token(0)
    }

    fn token(&self, ahead: usize) -> &Token {
        let token = self.tokens.get(self.at + ahead);
        token.map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Range<usize> {
        let token = self.tokens.get(self.at);
        token.map_or(self.text.len()..self.text.len(), |(_, span)| span.clone())
    }

    /// Where the token before the cursor ends.
    fn behind(&self) -> usize {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or(0, |(_, span)| span.end)
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let there = self.is(symbol);
        self.at += usize::from(there);
        there
    }

    fn refuse(&self, span: Range<usize>, message: impl Into<String>) -> Report {
        Report::new(message).pointing(self.text, span)
    }

    /// Takes `name =`, when that stands here.
    fn item_name(&mut self) -> Option<String> {
        let (Token::Name(name), Token::Symbol("=")) = (self.token(0), self.token(1)) else {
            return None;
        };
        let name = name.clone();
        self.at += 2;
        Some(name)
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
        Err(self.unexpected(&format!("an operator or '{symbol}'")))
    }

    fn end(&self) -> Result<(), Report> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Symbol(closing @ (")" | "]" | "}")) => {
                Err(self.refuse(self.span(), format!("this '{closing}' closes nothing")))
            }
            _ => Err(self.unexpected("an operator")),
        }
    }

    /// What stands here instead of `wanted`, with the right thing for what people bring from other languages.
    fn unexpected(&self, wanted: &str) -> Report {
        let span = self.span();
        let report = |message: &str, help: &str| self.refuse(span.clone(), message).help(help);
        match self.peek() {
            Token::Symbol("=") => report(
                "'=' gives an item of a list its name",
                "to compare write ==",
            ),
            Token::Symbol("&&") => report("'&&' is no operator here", "write and"),
            Token::Symbol("||") => report("'||' is no operator here", "write or"),
            Token::Symbol("!") => report("'!' is no operator here", "write not"),
            Token::Symbol("->") => report(
                "'->' is no operator here",
                "write '.', which follows pointers, too",
            ),
            Token::Symbol("..") => report(
                "strings can't be joined in the kernel",
                "join them in the handler",
            ),
            Token::Symbol("^") => report(
                "there are no powers in the kernel",
                "exclusive or is '~', 2 to the power of n is 1 << n",
            ),
            Token::Symbol("?") => report("'?' is no operator here", "write: condition and a or b"),
            Token::Symbol("#") => report("'#' can't be had in the kernel", HANDLER),
            Token::Symbol(":") => report("methods are Lua", HANDLER),
            Token::End => self.refuse(
                span.clone(),
                format!("the text ends where {wanted} should stand"),
            ),
            _ => {
                let found = self.text[span.clone()].escape_debug();
                let message = format!("'{found}' stands where {wanted} should");
                self.refuse(span.clone(), message)
            }
        }
    }

    /// An expression of operators that bind tighter than `least`.
    fn expression(&mut self, least: u8) -> Result<Syntax, Report> {
        self.nesting += 1;
        if self.nesting > NESTING {
            let message = format!(
                "more than {NESTING} brackets and operators within each other, which is the limit"
            );
            return Err(self.refuse(self.span(), message));
        }
        let mut left = self.unary()?;
        // The precedence of the operators that `left` is a row of, so far.
        let mut row = None;
        loop {
            let is_in = matches!(self.peek(), Token::Name(name) if name == "in");
            let (operator, level) = match operator(self.peek()) {
                Some((operator, level)) => (Some(operator), level),
                None if is_in => (None, COMPARISON),
                None => break,
            };
            if level <= least {
                break;
            }
            if level == COMPARISON && row == Some(level) {
                let report = self.refuse(left.span, "a comparison can't be compared");
                return Err(report.help("write: a < b and b < c"));
            }
            self.at += 1;
            left = match operator {
                Some(operator) => operator.join(left, self.expression(level)?, row == Some(level)),
                None => self.members(left)?,
            };
            row = Some(level);
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
        Ok(Syntax {
            span: start..of.span.end,
            kind: Kind::Unary(operator, Box::new(of)),
        })
    }

    /// A primary with members, indices and calls behind it.
    fn path(&mut self) -> Result<Syntax, Report> {
        let mut root = self.primary()?;
        if self.is("(") {
            root = self.call(root)?;
        }
        let start = root.span.start;
        let mut steps = Vec::new();
        loop {
            if self.accept(".") {
                let span = self.span();
                let Token::Name(name) = self.peek().clone() else {
                    return Err(self.unexpected("a member's name"));
                };
                self.at += 1;
                steps.push(Step::Member(name, span));
            } else if self.is("[") {
                let open = self.span();
                self.at += 1;
                let index = self.expression(LOOSEST)?;
                self.close("]", open)?;
                steps.push(Step::Index(index));
            } else if self.is("(") {
                let span = start..self.behind();
                let message = format!(
                    "'{}' is no function of the kernel",
                    &self.text[span.clone()]
                );
                return Err(self.refuse(span, message).help(HANDLER));
            } else if matches!(self.peek(), Token::Symbol(":" | "->" | "..")) {
                return Err(self.unexpected("an operator"));
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return Ok(root);
        }
        Ok(Syntax {
            span: start..self.behind(),
            kind: Kind::Path {
                root: Box::new(root),
                steps,
            },
        })
    }

    fn call(&mut self, function: Syntax) -> Result<Syntax, Report> {
        let Kind::Name(name) = function.kind else {
            let text = &self.text[function.span.clone()];
            let report = self.refuse(function.span.clone(), format!("'{text}' is no function"));
            return Err(report.help("an operator is missing before '('"));
        };
        let arguments = self.row("(", ")")?;
        Ok(Syntax {
            span: function.span.start..self.behind(),
            kind: Kind::Call(name, arguments),
        })
    }

    /// Expressions between brackets, the opening one of which stands here.
    fn row(&mut self, opening: &str, closing: &'static str) -> Result<Vec<Syntax>, Report> {
        let open = self.span();
        let mut items = Vec::new();
        if !self.accept(opening) || self.accept(closing) {
            return Ok(items);
        }
        loop {
            items.push(self.expression(LOOSEST)?);
            if !self.accept(",") {
                self.close(closing, open)?;
                return Ok(items);
            }
        }
    }

    fn primary(&mut self) -> Result<Syntax, Report> {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Number { value, hex } => Kind::Number { value, hex },
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
                let report = self.refuse(span, "a list stands behind 'in' only");
                return Err(report.help("write: x in {1, 2}"));
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(Syntax { kind, span })
    }

    /// `(expr)`, or a tuple.
    fn brackets(&mut self) -> Result<Syntax, Report> {
        let open = self.span();
        let mut parts = self.row("(", ")")?;
        let span = open.start..self.behind();
        match parts.pop() {
            None => Err(self.refuse(span, "nothing stands between these brackets")),
            Some(only) if parts.is_empty() => Ok(Syntax { span, ..only }),
            Some(last) => {
                parts.push(last);
                Ok(Syntax {
                    kind: Kind::Tuple(parts),
                    span,
                })
            }
        }
    }

    /// What stands behind `in`.
    fn members(&mut self, value: Syntax) -> Result<Syntax, Report> {
        let start = value.span.start;
        let members = match self.peek().clone() {
            Token::Given(name) => {
                let span = self.span();
                self.at += 1;
                Members::Given(name, span)
            }
            Token::Symbol("{") => Members::List(self.row("{", "}")?),
            _ => return Err(self.unexpected("a list in braces or a set ($name)")),
        };
        Ok(Syntax {
            span: start..self.behind(),
            kind: Kind::In(Box::new(value), members),
        })
    }
}
