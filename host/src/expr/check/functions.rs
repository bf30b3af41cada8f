//! The functions of the language.

use super::checker::Checker;
use super::definitions::values;
use super::term::{Term, not_zero, plus, room};
use super::{Refusal, Result, columns};
use crate::expr::known::{Known, find};
use crate::expr::names::Names;
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::touched::Touch;
use crate::expr::tree::{Current, Node, Text};
use crate::expr::types::{Int, Space, StructType, Type};
use crate::report::{Report, did_you_mean};
use moontrace_abi::limits::{LONGEST_STRING, STRING};
use std::ops::Range;

/// Each function.
pub(in crate::expr) static FUNCTIONS: [Known; 18] = [
    Known {
        name: "entry",
        form: "entry(expression)",
        doc: "At a return: what the expression was when the call began, a number or a string.",
        example: r#"probe "tracepoint:syscalls:sys_exit_execve"
  :where "retval == 0" :print "entry(comm), comm""#,
    },
    Known {
        name: "str",
        form: "str(pointer[, bytes])",
        doc: "The string at an address, at most so many bytes with its NUL. A number is an address in the process; a pointer says itself where it points.",
        example: r#"probe "tracepoint:raw_syscalls:sys_enter" :where "args.id == 257"
  :print "comm, file = str(args.args[1], 64)""#,
    },
    Known {
        name: "buf",
        form: "buf(pointer, bytes[, most])",
        doc: "So many bytes at an address, whatever they are; the number may be computed. It is a field of an event, and no key or condition.",
        example: r#"probe "tracepoint:syscalls:sys_enter_write"
  :print "comm, data = buf(args.buf, args.count, 32)""#,
    },
    Known {
        name: "path",
        form: "path(file[, bytes])",
        doc: "The whole path of a `struct file` or `struct path` of the kernel's, or of a pointer to one.",
        example: r#"probe "tracepoint:syscalls:sys_enter_execve"
  :print "pid, cwd = path(curtask.fs.pwd)""#,
    },
    Known {
        name: "argv",
        form: "argv(array[, bytes])",
        doc: "What an array of strings in the process says, as `execve` takes it: its elements, joined by blanks.",
        example: r#"probe "tracepoint:syscalls:sys_enter_execve" :print "pid, argv(args.argv)""#,
    },
    Known {
        name: "ntop",
        form: "ntop(address)",
        doc: "An IP address as text, in keys and conditions, too: of a `__be32`, a `struct in_addr` or `in6_addr`, of a pointer to one of these, or of 4 or 16 bytes.",
        example: r#"probe "tracepoint:sock:inet_sock_set_state"
  :print "from = ntop(args.saddr), to = ntop(args.daddr)""#,
    },
    Known {
        name: "ptr",
        form: "ptr(pointer)",
        doc: "The address of a string, of a struct or array, or that a pointer has, as a `void *`.",
        example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :by "space = ptr(curtask.mm)" :count()"#,
    },
    Known {
        name: "as",
        form: "as('type', value)",
        doc: "With the name of a struct, that struct at an address, and its members by `.`; with that of a number, the low bits of a value, with the type's sign.",
        example: r#"probe "tracepoint:sock:inet_sock_set_state"
  :print "buffer = as('struct sock', args.skaddr).sk_rcvbuf""#,
    },
    Known {
        name: "first",
        form: "first(a, b, …)",
        doc: "The first whose names this kernel and this probe have.",
        example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :print "comm, state = first(curtask.__state, curtask.state)""#,
    },
    Known {
        name: "startswith",
        form: "startswith(string, 'text')",
        doc: "Does the string begin so? The text is known beforehand: in quotes, or `$name`.",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "startswith(args.filename, '/etc/')" :print "comm, args.filename""#,
    },
    Known {
        name: "contains",
        form: "contains(string, 'text')",
        doc: "Is the text in the string? It is known beforehand: in quotes, or `$name`.",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "contains(args.filename, 'lib')" :by "comm" :count()"#,
    },
    Known {
        name: "like",
        form: "like(string, 'pattern')",
        doc: r#"Is the whole string like the pattern? `*` and `?` stand for others, `[a-z]` and `[!a-z]` for one of these or of all others, and what stands behind `\` for itself."#,
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "like(args.filename, '/etc/*.conf')" :print "comm, args.filename""#,
    },
    Known {
        name: "log2",
        form: "log2(number)",
        doc: "The logarithm, rounded down; 0 for what is below 1.",
        example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :by "comm, size = log2(args.count)" :count()"#,
    },
    Known {
        name: "bswap",
        form: "bswap(number)",
        doc: "The bytes in the other order, of a value of 16, 32 or 64 bits.",
        example: r#"probe "tracepoint:sock:inet_sock_set_state"
  :by "port = bswap(as('struct sock_common', args.skaddr).skc_dport)"
  :count()"#,
    },
    Known {
        name: "kstack",
        form: "kstack(frames)",
        doc: "So many of the innermost frames of the kernel's stack.",
        example: r#"probe "profile:hz:99" :by "kstack(5)" :count()"#,
    },
    Known {
        name: "ustack",
        form: "ustack(frames)",
        doc: "So many of the innermost frames of the process's stack.",
        example: r#"probe "profile:hz:99" :by "comm, ustack(5)" :count()"#,
    },
    Known {
        name: "ksym",
        form: "ksym(address)",
        doc: "The name of the kernel's function that an address is in. It stands in lists only.",
        example: r#"probe "tracepoint:exceptions:page_fault_kernel"
  :by "ksym(args.ip)" :count()"#,
    },
    Known {
        name: "usym",
        form: "usym(address)",
        doc: "The name of the function that an address of the process is in. It stands in lists only.",
        example: r#"probe "tracepoint:exceptions:page_fault_user"
  :by "comm, usym(args.ip)" :count()"#,
    },
];

/// What bpftrace calls otherwise, with what would do here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("join", "argv(array)"),
    ("strncmp", "startswith(string, 'text')"),
    ("strcontains", "contains(string, 'text')"),
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
        find(&FUNCTIONS, name).map(|known| known.form)
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
        if find(&columns::FUNCTIONS, name).is_some() {
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
            .map(|known| known.name)
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
        let term = self.term(pointer)?.decayed();
        let is_text = term.is_string();
        let (space, address, capacity) = match term {
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
        if space == Space::Kernel && !is_text {
            self.touch(Touch::Memory, &pointer.span);
        }
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
        // The probe did not hand it out as such: `as` can tell.
        let address = Node::Cast(Int::U64, Box::new(address));
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
        let term = self.term(value)?.decayed();
        let (node, space) = match term.clone() {
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
        if space == Space::Kernel && leads_on(&ty) && !is_object(self.scope.names, &term, &ty) {
            self.touch(Touch::Memory, &value.span);
        }
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

/// Does a value of that type lead to memory?
fn leads_on(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Pointer { .. } | Type::Struct(_) | Type::Array { .. }
    )
}

/// Is it known that a thing of that type is there? It is pointed to as such, or as one that begins with it or that it begins
/// with (`sock` and `sock_common`); or the probe hands out the pointer, and says no more of it. Anything else is an address
/// that the text makes up.
fn is_object(names: &dyn Names, term: &Term, wanted: &Type) -> bool {
    let (found, is_handed_out) = match term {
        Term::Int(node, Type::Pointer { to, .. }) => (&**to, is_handed_out(node)),
        Term::Memory { ty, .. } => (ty, false),
        _ => return false,
    };
    let wanted = match wanted {
        Type::Pointer { to, .. } => to,
        other => other,
    };
    match (found, wanted) {
        (Type::Void, _) => is_handed_out,
        (Type::Struct(one), Type::Struct(other)) => {
            begins_with(names, one, other) || begins_with(names, other, one)
        }
        (found, wanted) => found == wanted,
    }
}

fn is_handed_out(node: &Node) -> bool {
    match node {
        Node::Context { .. } | Node::Kept(..) | Node::Current(Current::Task) => true,
        Node::Read { base, .. } => **base == Node::ContextAddress,
        _ => false,
    }
}

/// Is the other struct, or one of that name, the first thing in the first thing … of this one?
fn begins_with(names: &dyn Names, outer: &StructType, inner: &StructType) -> bool {
    outer.name == inner.name
        || names.members(outer).iter().any(|member| {
            let member = names.member(outer, member);
            let first = member.filter(|member| member.bit_offset == 0);
            matches!(first.map(|first| first.ty), Some(Type::Struct(of)) if begins_with(names, &of, inner))
        })
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
