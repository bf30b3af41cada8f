//! The functions of the language.

use super::checker::Checker;
use super::definitions::values;
use super::term::{Term, not_zero, plus, room};
use super::{Refusal, Result};
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::{Node, Text};
use crate::expr::types::{Int, Space, Type};
use crate::report::{Report, did_you_mean};
use moontrace_abi::limits::{LONGEST_STRING, STRING};
use std::ops::Range;

/// Each function with what it takes, for messages.
const FUNCTIONS: [(&str, &str); 18] = [
    ("entry", "entry(expression)"),
    ("str", "str(pointer[, bytes])"),
    ("buf", "buf(pointer, bytes[, most])"),
    ("path", "path(file[, bytes])"),
    ("argv", "argv(array[, bytes])"),
    ("ntop", "ntop(address)"),
    ("ptr", "ptr(pointer)"),
    ("as", "as('type', value)"),
    ("first", "first(a, b, …)"),
    ("startswith", "startswith(string, 'text')"),
    ("contains", "contains(string, 'text')"),
    ("like", "like(string, 'pattern')"),
    ("log2", "log2(number)"),
    ("bswap", "bswap(number)"),
    ("kstack", "kstack(frames)"),
    ("ustack", "ustack(frames)"),
    ("ksym", "ksym(address)"),
    ("usym", "usym(address)"),
];

/// What bpftrace calls otherwise, with what would do here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("join", "argv(array)"),
    ("strncmp", "startswith(string, 'text')"),
    ("strcontains", "contains(string, 'text')"),
];

/// What makes a column of a tally.
const COLUMNS: [&str; 8] = [
    "count", "sum", "hist", "lhist", "avg", "min", "max", "stats",
];

impl Checker<'_> {
    pub(super) fn call(
        &self,
        name: &str,
        arguments: &[Syntax],
        span: &Range<usize>,
    ) -> Result<Term> {
        match (name, arguments) {
            ("entry", [of]) => self.at_entry(of, span),
            ("str", [pointer]) => self.string_at(pointer, None),
            ("str", [pointer, length]) => {
                let length = self.length(length)?;
                self.string_at(pointer, Some(length))
            }
            ("path", [of]) => self.path_of(of, None, span),
            ("path", [of, length]) => self.path_of(of, Some(length), span),
            ("argv", [of]) => self.arguments_at(of, None),
            ("argv", [of, length]) => self.arguments_at(of, Some(length)),
            ("ntop", [of]) => self.address_text(of),
            ("buf", [pointer, bytes]) => self.buffer(pointer, bytes, None),
            ("buf", [pointer, bytes, most]) => self.buffer(pointer, bytes, Some(most)),
            ("ptr", [pointer]) => self.address(pointer),
            ("as", [ty, value]) => self.cast(ty, value),
            ("first", [_, ..]) => self.first(arguments),
            ("startswith", [string, start]) => self.starts_with(string, start),
            ("contains", [string, part]) => self.contains(string, part),
            ("like", [string, pattern]) => self.like(string, pattern),
            ("log2", [of]) => Ok(Term::number(Node::Log2(Box::new(self.number(of)?.0)))),
            ("bswap", [of]) => self.swap(of),
            ("kstack" | "ustack", []) => self.stack(name == "ustack", None, span),
            ("kstack" | "ustack", [frames]) => self.stack(name == "ustack", Some(frames), span),
            ("ksym" | "usym", [address]) => self.symbol(name == "usym", address),
            _ => self.other_call(name, arguments, span),
        }
    }

    /// How a function is written, the script's own among them.
    pub(super) fn form_of(&self, name: &str) -> Option<&'static str> {
        let (_, form) = FUNCTIONS.iter().find(|(function, _)| *function == name)?;
        Some(form)
    }

    fn other_call(&self, name: &str, arguments: &[Syntax], span: &Range<usize>) -> Result<Term> {
        if let Some(form) = self.form_of(name) {
            let message = format!("'{name}' does not take {}", values(arguments.len()));
            return Err(self
                .refuse(span, message)
                .help(format!("write: {form}"))
                .into());
        }
        if let Some(number) = self.definition_named(name) {
            return self.expand(number, arguments, span);
        }
        if let Some(refusal) = self.defined_too_late(name, span) {
            return Err(refusal);
        }
        if COLUMNS.contains(&name) {
            let report = self.refuse(
                span,
                format!("'{name}' makes a column of a table, and is no value"),
            );
            return Err(report
                .help(format!("end the chain with it: :{name}(…)"))
                .into());
        }
        let known = FUNCTIONS
            .iter()
            .map(|(function, _)| *function)
            .chain(self.definitions());
        let elsewhere = ELSEWHERE.iter().find(|(function, _)| *function == name);
        let help = match elsewhere {
            Some((_, form)) => format!("write: {form}"),
            None => did_you_mean(name, known).unwrap_or_else(|| {
                format!(
                    "what only Lua has goes into the handler: :on(function(e) … {name}(…) … end)"
                )
            }),
        };
        let report = self.refuse(span, format!("there is no function '{name}' in the kernel"));
        Err(report.help(help).into())
    }

    /// Bytes that a string may have, with its NUL.
    pub(super) fn length(&self, syntax: &Syntax) -> Result<u16> {
        match self.number(syntax)?.0 {
            Node::Const(bytes) if (2..=LONGEST_STRING as i128).contains(&bytes) => Ok(bytes as u16),
            Node::Const(bytes) => {
                let message =
                    format!("a string has 2 to {LONGEST_STRING} bytes with its NUL, not {bytes}");
                Err(self.refuse(&syntax.span, message).into())
            }
            _ => {
                let message = "the length of a string must be known beforehand";
                Err(self.refuse(&syntax.span, message).into())
            }
        }
    }

    /// The string at a pointer. A bare number is an address of the process, unless `as` said otherwise.
    fn string_at(&self, pointer: &Syntax, length: Option<u16>) -> Result<Term> {
        let wanted = length.unwrap_or(STRING as u16);
        let (space, address, capacity) = match self.term(pointer)?.decayed() {
            Term::Int(address, Type::Pointer { space, .. }) => (space, address, wanted),
            Term::Int(address, _) => (Space::User, address, wanted),
            Term::Memory {
                base,
                offset,
                space,
                ty,
            } => {
                let capacity = match ty {
                    Type::Array { length, .. } => room(length, wanted),
                    _ => wanted,
                };
                (space, plus(base, offset.into()), capacity)
            }
            // One of a fixed length is an array, behind which something else lies.
            Term::Text(Text::Read {
                space,
                address,
                capacity,
            }) => {
                let fixed = usize::from(capacity) < STRING;
                (
                    space,
                    *address,
                    if fixed { capacity.min(wanted) } else { wanted },
                )
            }
            Term::Text(text) if length.is_none() => return Ok(Term::Text(text)),
            other => {
                let message = format!("a pointer is wanted, and this is {}", other.describe());
                return Err(self.refuse(&pointer.span, message).into());
            }
        };
        let address = Box::new(address);
        Ok(Term::Text(Text::Read {
            space,
            address,
            capacity,
        }))
    }

    /// The address that a pointer or a place in memory has: a pointer to who knows what.
    fn address(&self, pointer: &Syntax) -> Result<Term> {
        let (address, space) = match self.term(pointer)?.decayed() {
            Term::Int(node, Type::Pointer { space, .. }) => (node, space),
            Term::Memory {
                base,
                offset,
                space,
                ..
            } if !of_context(&base) => (plus(base, offset.into()), space),
            Term::Text(Text::Read { space, address, .. }) if !of_context(&address) => {
                (*address, space)
            }
            other => {
                let message = format!("this is {}, which has no address", other.describe());
                return Err(self.refuse(&pointer.span, message).into());
            }
        };
        let to = Box::new(Type::Void);
        Ok(Term::Int(address, Type::Pointer { to, space }))
    }

    /// `as('struct sock', x)` is a pointer to that, `as('u32', x)` the number cut to it.
    fn cast(&self, name: &Syntax, value: &Syntax) -> Result<Term> {
        let Kind::Str(bytes) = &name.kind else {
            let report = self.refuse(&name.span, "a type stands in quotes");
            return Err(report
                .help(format!("write: as('{}', …)", self.quote(&name.span)))
                .into());
        };
        let wanted = String::from_utf8_lossy(bytes);
        let wanted = wanted.trim();
        let Some(ty) = self.scope.names.type_named(wanted) else {
            let near = self.scope.names.types_like(wanted);
            let help = did_you_mean(wanted, near.iter().map(String::as_str));
            return Err(self.missing(
                &name.span,
                format!("there is no type '{wanted}' here"),
                help,
            ));
        };
        let (node, space) = match self.term(value)?.decayed() {
            Term::Int(node, Type::Pointer { space, .. }) => (node, space),
            Term::Int(node, _) => (node, self.scope.names.space()),
            Term::Memory {
                base,
                offset,
                space,
                ..
            } => (plus(base, offset.into()), space),
            other => {
                let message = format!(
                    "a number or a pointer is wanted, and this is {}",
                    other.describe()
                );
                return Err(self.refuse(&value.span, message).into());
            }
        };
        let said = |word| wanted.split([' ', '*']).any(|part| part == word);
        let space = if said("__user") { Space::User } else { space };
        Ok(match (ty.integer(), ty) {
            (_, Type::Pointer { to, .. }) => Term::Int(node, Type::Pointer { to, space }),
            (_, Type::Bool) => Term::Bool(not_zero(node)),
            (Some(int), ty) => Term::Int(cut(int, node), ty),
            (None, Type::Array { of, length }) => {
                let ty = Type::Array { of, length };
                Term::Memory {
                    base: node,
                    offset: 0,
                    space,
                    ty,
                }
            }
            (None, ty) => Term::Int(
                node,
                Type::Pointer {
                    to: Box::new(ty),
                    space,
                },
            ),
        })
    }

    /// The first alternative whose names are all there.
    fn first(&self, alternatives: &[Syntax]) -> Result<Term> {
        let mut missing = None;
        for alternative in alternatives {
            match self.term(alternative) {
                Err(refusal) if refusal.missing => missing = missing.or(Some(refusal)),
                decided => return decided,
            }
        }
        Err(missing.unwrap_or_else(|| Refusal::from(Report::new("'first' wants alternatives"))))
    }

    fn swap(&self, of: &Syntax) -> Result<Term> {
        let (node, ty) = self.number(of)?;
        let bits = ty.integer().unwrap_or(node.int()).bits;
        if !matches!(bits, 16 | 32 | 64) {
            let report = self.refuse(
                &of.span,
                format!("16, 32 or 64 bits can be swapped, and this has {bits}"),
            );
            let help = format!("say how many: bswap(as('u16', {}))", self.quote(&of.span));
            return Err(report.help(help).into());
        }
        let ty = Type::Int(Int::new(false, bits));
        let node = match node {
            Node::Const(value) => {
                let swapped = (value as u64).swap_bytes() >> (64 - u32::from(bits));
                Node::Const(swapped.into())
            }
            node => Node::Swap {
                bits,
                of: Box::new(node),
            },
        };
        Ok(Term::Int(node, ty))
    }
}

/// The low bits of a value, by the type's sign.
fn cut(int: Int, node: Node) -> Node {
    match node {
        // A small one without a sign has the type of its value.
        Node::Const(value) if int != Int::U64 || value > i128::from(i64::MAX) => {
            Node::Const(int.value(int.fit(value as u64)))
        }
        node => Node::Cast(int, Box::new(node)),
    }
}

/// Is it an address within the context, or of what is composed? That may be read from, and is no value.
fn of_context(address: &Node) -> bool {
    let mut found = address.is_composed();
    address.visit(&mut |node| found |= *node == Node::ContextAddress);
    found
}
