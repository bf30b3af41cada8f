//! The functions of the language, and those that scripts define.

use super::{Checker, Refusal, Result, Term};
use crate::expr::glob;
use crate::expr::parse;
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::{Glob, Node, Text};
use crate::expr::types::{Int, Space, Type};
use crate::report::{Report, did_you_mean};
use moontrace_abi::limits::{LONGEST_STRING, STRING};
use std::ops::Range;

/// Each function with what it takes, for messages.
const FUNCTIONS: [(&str, &str); 9] = [
    ("str", "str(pointer[, bytes])"),
    ("ptr", "ptr(pointer)"),
    ("as", "as('type', value)"),
    ("first", "first(a, b, …)"),
    ("startswith", "startswith(string, 'text')"),
    ("contains", "contains(string, 'text')"),
    ("like", "like(string, 'pattern')"),
    ("log2", "log2(number)"),
    ("bswap", "bswap(number)"),
];

/// What the design names and this version lacks.
const LATER: [&str; 9] = ["entry", "kstack", "ustack", "path", "argv", "buf", "ksym", "usym", "ntop"];

impl<'a> Checker<'a> {
    pub(super) fn call(&self, name: &str, arguments: &[Syntax], span: &Range<usize>) -> Result<Term> {
        match (name, arguments) {
            ("str", [pointer]) => self.str(pointer, None),
            ("str", [pointer, length]) => self.str(pointer, Some(length)),
            ("ptr", [pointer]) => self.ptr(pointer),
            ("as", [ty, value]) => self.cast(ty, value),
            ("first", [_, ..]) => self.first(arguments),
            ("startswith", [string, prefix]) => {
                let (string, prefix) = (self.string(string)?, self.literal(prefix)?);
                self.short_enough(&prefix, span)?;
                Ok(Term::Bool(Node::StartsWith(Box::new(string), prefix)))
            }
            ("like", [string, pattern]) => self.pattern(string, pattern, glob::parse),
            ("contains", [string, part]) => self.pattern(string, part, glob::containing),
            ("log2", [of]) => {
                let node = Node::Log2(Box::new(self.integer(of)?));
                Ok(Term::Int(node, Type::Int(Int::I64)))
            }
            ("bswap", [of]) => self.swap(of),
            _ => self.other_call(name, arguments, span),
        }
    }

    fn other_call(&self, name: &str, arguments: &[Syntax], span: &Range<usize>) -> Result<Term> {
        if let Some(position) = self.scope.definitions.iter().rposition(|definition| definition.name == name) {
            return self.expand(position, arguments, span);
        }
        if let Some((_, form)) = FUNCTIONS.iter().find(|(function, _)| *function == name) {
            let message = format!("{name} does not take {} values", arguments.len());
            return Err(self.refuse(span, message).help(format!("write: {form}")).into());
        }
        if LATER.contains(&name) {
            return Err(self.refuse(span, format!("{name}() is not in this version yet")).into());
        }
        let known = FUNCTIONS.iter().map(|(function, _)| *function);
        let known = known.chain(self.scope.definitions.iter().map(|definition| definition.name.as_str()));
        let report = self.refuse(span, format!("there is no function '{name}' in the kernel"));
        let help = did_you_mean(name, known).unwrap_or_else(|| {
            format!("what only Lua has goes into the handler, :on(function(e) … {name}(…) … end)")
        });
        Err(report.help(help).into())
    }

    /// A string at a pointer. A bare number is an address of the process, unless `as` said otherwise.
    fn str(&self, pointer: &Syntax, length: Option<&Syntax>) -> Result<Term> {
        let capacity = match length {
            None => STRING as u16,
            Some(length) => match self.integer(length)? {
                Node::Const(bytes) if (2..=LONGEST_STRING as i128).contains(&bytes) => bytes as u16,
                Node::Const(bytes) => {
                    let message = format!("a string has 2 to {LONGEST_STRING} bytes with its NUL, not {bytes}");
                    return Err(self.refuse(&length.span, message).into());
                }
                _ => return Err(self.refuse(&length.span, "the length of a string must be a constant").into()),
            },
        };
        let term = self.term(pointer)?;
        match term {
            Term::Int(address, ty) => {
                let space = if let Type::Pointer { space, .. } = ty { space } else { Space::User };
                Ok(Term::Text(Text::Read { space, address: Box::new(address), capacity }))
            }
            term => match self.string_of(&term) {
                Some(Text::Read { space, address, .. }) => Ok(Term::Text(Text::Read { space, address, capacity })),
                Some(text) => Ok(Term::Text(text)),
                None => {
                    let message = format!("str wants a pointer, and this is {}", term.describe());
                    Err(self.refuse(&pointer.span, message).into())
                }
            },
        }
    }

    /// The address that a pointer or a place in memory has.
    fn ptr(&self, pointer: &Syntax) -> Result<Term> {
        match self.term(pointer)? {
            Term::Int(node, _) => Ok(Term::Int(node, Type::Int(Int::U64))),
            Term::Memory { base, offset, .. } => {
                Ok(Term::Int(super::plus(base, i64::from(offset)), Type::Int(Int::U64)))
            }
            Term::Text(Text::Read { address, .. }) => Ok(Term::Int(*address, Type::Int(Int::U64))),
            other => {
                let message = format!("this is {}, which has no address", other.describe());
                Err(self.refuse(&pointer.span, message).into())
            }
        }
    }

    /// `as('struct sock', x)` is a pointer to that, `as('u32', x)` the number cut to it.
    fn cast(&self, name: &Syntax, value: &Syntax) -> Result<Term> {
        let Kind::Str(bytes) = &name.kind else {
            let report = self.refuse(&name.span, "a type stands in quotes");
            return Err(report.help(format!("write: as('{}', …)", &self.text[name.span.clone()])).into());
        };
        let wanted = String::from_utf8_lossy(bytes);
        let Some(ty) = self.scope.names.type_named(&wanted) else {
            let near = self.scope.names.types_like(&wanted);
            let report = Report {
                help: did_you_mean(&wanted, near.iter().map(String::as_str)),
                ..self.refuse(&name.span, format!("there is no type '{wanted}' here"))
            };
            return Err(Refusal { report, missing: true });
        };
        let (node, space) = match self.term(value)? {
            Term::Int(node, Type::Pointer { space, .. }) => (node, space),
            Term::Int(node, _) => (node, Space::Kernel),
            Term::Memory { base, offset, space, .. } => (super::plus(base, i64::from(offset)), space),
            other => {
                let message = format!("as wants a number or a pointer, and this is {}", other.describe());
                return Err(self.refuse(&value.span, message).into());
            }
        };
        match ty {
            Type::Pointer { to, .. } => Ok(Term::Int(node, Type::Pointer { to, space })),
            Type::Bool => {
                let zero = Box::new(Node::Const(0));
                let low = Node::Cast(Int::U8, Box::new(node));
                Ok(Term::Bool(Node::Compare(crate::expr::tree::Relation::Ne, Box::new(low), zero)))
            }
            ty => match ty.integer() {
                Some(int) => Ok(Term::Int(Node::Cast(int, Box::new(node)), ty)),
                None => Ok(Term::Int(node, Type::Pointer { to: Box::new(ty), space })),
            },
        }
    }

    /// The first alternative whose names are all there.
    fn first(&self, alternatives: &[Syntax]) -> Result<Term> {
        let mut last = None;
        for alternative in alternatives {
            match self.term(alternative) {
                Err(refusal) if refusal.missing => last = Some(refusal),
                decided => return decided,
            }
        }
        Err(last.unwrap_or_else(|| Report::new("first wants an alternative").into()))
    }

    /// The text of a constant string.
    fn literal(&self, syntax: &Syntax) -> Result<Vec<u8>> {
        match self.string(syntax)? {
            Text::Literal(bytes) => Ok(bytes),
            _ => Err(self.refuse(&syntax.span, "this string must be known beforehand").help("write it in quotes, or give it: $name").into()),
        }
    }

    fn pattern(
        &self,
        string: &Syntax,
        pattern: &Syntax,
        read: impl Fn(&[u8]) -> std::result::Result<Glob, String>,
    ) -> Result<Term> {
        let text = self.string(string)?;
        if usize::from(text.capacity()) > STRING {
            let message = format!("a pattern looks at strings of at most {STRING} bytes, not {}", text.capacity());
            return Err(self.refuse(&string.span, message).into());
        }
        let glob = read(&self.literal(pattern)?);
        let glob = glob.map_err(|message| Refusal::from(self.refuse(&pattern.span, message)))?;
        Ok(Term::Bool(Node::Like(Box::new(text), glob)))
    }

    fn swap(&self, of: &Syntax) -> Result<Term> {
        let node = self.integer(of)?;
        let bits = node.int().bits;
        if !matches!(bits, 16 | 32 | 64) {
            let message = format!("bswap wants 16, 32 or 64 bits, and this has {bits}");
            return Err(self.refuse(&of.span, message).help("say how many: bswap(as('u16', x))").into());
        }
        Ok(Term::Int(Node::Swap { bits, of: Box::new(node) }, Type::Int(Int::new(false, bits))))
    }

    /// A defined function: its body, checked with its parameters standing for the arguments' values.
    fn expand(&self, position: usize, arguments: &[Syntax], span: &Range<usize>) -> Result<Term> {
        let definitions: &'a [crate::spec::Definition] = self.scope.definitions;
        let Some(definition) = definitions.get(position) else {
            return Err(self.refuse(span, "there is no such definition").into());
        };
        if definition.parameters.len() != arguments.len() {
            let form = format!("{}({})", definition.name, definition.parameters.join(", "));
            let message = format!("{} does not take {} values", definition.name, arguments.len());
            return Err(self.refuse(span, message).help(format!("write: {form}")).into());
        }
        if self.expanding.contains(&definition.name.as_str()) {
            return Err(self.refuse(span, format!("the definition of {} uses itself", definition.name)).into());
        }
        let values = arguments.iter().map(|argument| self.term(argument)).collect::<Result<Vec<_>>>()?;
        let inner = Checker {
            text: &definition.body,
            scope: self.scope,
            parameters: definition.parameters.iter().cloned().zip(values).collect(),
            expanding: self.expanding.iter().copied().chain([definition.name.as_str()]).collect(),
        };
        let syntax = parse::expression(&definition.body).map_err(|report| report.at(definition.place.clone()))?;
        inner.term(&syntax).map_err(|refusal| Refusal {
            report: refusal.report.at(definition.place.clone()),
            missing: refusal.missing,
        })
    }
}
