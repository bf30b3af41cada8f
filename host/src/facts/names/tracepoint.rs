//! `tracepoint`: the context is the record that the event's format describes.

use super::syscall::NUMBER;
use super::value::{context_plus, plus, spelled, value};
use super::{Offered, no_return_value_yet};
use crate::expr::names::Meaning;
use crate::expr::tree::{Node, Op, Text};
use crate::expr::types::{Int, Space, Type};
use crate::facts::ctype::{self, Spelling};
use crate::facts::{Facts, FieldKind, Format, FormatField, print_format, syscall_values};
use crate::rows::Shown;
use moontrace_abi::limits;
use std::cell::OnceCell;
use std::collections::BTreeMap;

pub(super) struct Record<'a> {
    facts: &'a Facts,
    category: String,
    event: String,
    format: OnceCell<Option<Format>>,
    /// What its `print fmt` says of fields.
    said: OnceCell<BTreeMap<String, Shown>>,
}

/// Bytes at the front of a record that programs can't load: there the kernel keeps a pointer of its own.
const HIDDEN: u16 = 8;

impl<'a> Record<'a> {
    pub(super) fn new(facts: &'a Facts, category: &str, event: &str) -> Self {
        Self {
            facts,
            category: category.to_owned(),
            event: event.to_owned(),
            format: OnceCell::new(),
            said: OnceCell::new(),
        }
    }

    fn format(&self) -> Option<&Format> {
        let read = || {
            self.facts
                .tracefs()
                .ok()?
                .format(&self.category, &self.event)
                .ok()
        };
        self.format.get_or_init(read).as_ref()
    }

    /// What a field's values stand for, where the kernel's own text of the event or our table says so.
    fn said(&self, field: &str) -> Option<Shown> {
        let enumerator = |name: &str| self.facts.btf().ok()?.enumerator(name);
        let read = || {
            let line = self.format().map_or("", |format| format.print.as_str());
            print_format::shown(line, &enumerator)
        };
        let said = self.said.get_or_init(read).get(field).cloned();
        said.or_else(|| match self.category.as_str() {
            "signal" if field == "sig" => Some(syscall_values::signal()),
            "syscalls" => syscall_values::of(self.event.strip_prefix("sys_enter_")?, field),
            _ => None,
        })
    }

    /// A field's type with what is said of its values.
    fn with_names(&self, field: &FormatField, ty: Type) -> Type {
        match (self.said(&field.name), ty) {
            (Some(shown), Type::Int(int) | Type::Named(int, _)) => Type::Named(int, shown),
            (_, ty) => ty,
        }
    }

    fn is_system_call(&self) -> bool {
        self.category == "syscalls"
    }

    fn is_return(&self) -> bool {
        let any = self.category == "raw_syscalls" && self.event == "sys_exit";
        any || self.is_system_call() && self.event.starts_with("sys_exit_")
    }

    fn meaning(&self, field: &FormatField) -> Option<Meaning> {
        let offset = field.offset;
        match &field.kind {
            FieldKind::Value(of) => {
                let ty = field_type(self.facts, field, of, self.is_system_call())?;
                match self.with_names(field, ty) {
                    ty @ Type::Struct(_) => Some(memory(offset, ty)),
                    ty => value(ty, |int| load(offset, int)),
                }
            }
            FieldKind::Array { of, length } if is_char(of) => {
                // One more than it has: a full array has no NUL.
                let capacity = length.saturating_add(1).min(limits::LONGEST_STRING as u16);
                Some(Meaning::String(text(context_plus(offset), capacity)))
            }
            FieldKind::Array { of, length } => {
                let each = u32::from(field.size) / u32::from(*length).max(1);
                let of = match spelled(self.facts, of, Space::Kernel) {
                    Some(ty @ (Type::Pointer { .. } | Type::Struct(_))) => ty,
                    Some(ty)
                        if ty
                            .integer()
                            .is_some_and(|int| u32::from(int.bytes()) == each) =>
                    {
                        ty
                    }
                    _ => Type::Int(sized(each, field.signed)?),
                };
                let ty = Type::Array {
                    of: Box::new(self.with_names(field, of)),
                    length: u32::from(*length),
                };
                Some(memory(offset, ty))
            }
            FieldKind::Dynamic { of, relative } => {
                let start = dynamic_start(offset, *relative);
                if is_char(of) {
                    return Some(Meaning::String(text(start, limits::STRING as u16)));
                }
                let of = match of.base.as_str() {
                    // As many words of it as the machine's CPUs need: the type has room for all that there could be.
                    "cpumask_t" => Type::Int(Int::U64),
                    _ => spelled(self.facts, of, Space::Kernel).unwrap_or(Type::Void),
                };
                Some(Meaning::Counted {
                    start,
                    bytes: dynamic_bytes(offset),
                    of,
                })
            }
            FieldKind::Opaque => None,
        }
    }
}

impl Offered for Record<'_> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        self.meaning(self.format()?.field(name)?)
    }

    fn arguments(&self) -> Vec<String> {
        let fields = self
            .format()
            .map(|format| format.fields.as_slice())
            .unwrap_or_default();
        let names = fields.iter().map(|field| field.name.as_str());
        let names = names.filter(|name| *name != NUMBER || self.category != "syscalls");
        names.map(str::to_owned).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        if name == "retval" && self.is_return() {
            self.argument("ret")
        } else {
            None
        }
    }

    fn words(&self) -> Vec<String> {
        if self.is_return() {
            vec!["retval".to_owned()]
        } else {
            Vec::new()
        }
    }

    fn absent(&self, name: &str) -> Option<String> {
        if let Some(report) = self.facts.tracefs().err() {
            return Some(report.message);
        }
        if self.format()?.field(name).is_some() {
            return Some("this field's type can't be used in an expression".to_owned());
        }
        if name == "retval" {
            let enter = self.event.strip_prefix("sys_enter");
            return Some(match enter {
                Some(call) => {
                    no_return_value_yet(&format!("tracepoint:{}:sys_exit{call}", self.category))
                }
                None => "a tracepoint has no return value".to_owned(),
            });
        }
        if name.starts_with("arg") {
            return Some("a tracepoint's arguments have names: args.NAME".to_owned());
        }
        self.is_return().then(|| {
            "arguments at a system call's exit need this kernel's BTF, and the attachment that it allows".to_owned()
        })
    }
}

/// A field's type: of a system call's, what C spells (all take 8 bytes of the record); of others, what the record has.
pub(super) fn field_type(
    facts: &Facts,
    field: &FormatField,
    of: &Spelling,
    system_call: bool,
) -> Option<Type> {
    let space = if system_call {
        Space::User
    } else {
        Space::Kernel
    };
    if of.stars > 0 {
        return spelled(facts, of, space);
    }
    let by_size = sized(u32::from(field.size), field.signed).map(Type::Int);
    if system_call {
        return spelled(facts, of, space)
            .filter(|ty| ty.integer().is_some())
            .or(by_size);
    }
    match (ctype::plain(&of.base), by_size) {
        (Some(Type::Bool), _) if field.size == 1 => Some(Type::Bool),
        (Some(Type::Char), _) if field.size == 1 => Some(Type::Char),
        (Some(Type::Named(_, shown)), Some(Type::Int(int))) => Some(Type::Named(int, shown)),
        (None, Some(Type::Int(int))) => match spelled(facts, of, space) {
            Some(Type::Named(_, shown)) => Some(Type::Named(int, shown)),
            _ => Some(Type::Int(int)),
        },
        (_, Some(ty)) => Some(ty),
        (_, None) => spelled(facts, of, space),
    }
}

fn sized(bytes: u32, signed: bool) -> Option<Int> {
    matches!(bytes, 1 | 2 | 4 | 8).then(|| Int::new(signed, bytes as u8 * 8))
}

fn is_char(of: &Spelling) -> bool {
    of.base == "char" && of.stars == 0
}

/// An integer of the record: loaded directly where the verifier allows that.
fn load(offset: u16, int: Int) -> Node {
    if offset >= HIDDEN
        && offset.is_multiple_of(u16::from(int.bytes()))
        && offset <= i16::MAX as u16
    {
        return Node::Context {
            offset: offset as i16,
            int,
        };
    }
    let base = Box::new(Node::ContextAddress);
    Node::Read {
        space: Space::Kernel,
        base,
        offset: i32::from(offset),
        int,
    }
}

/// Where a `__data_loc` or `__rel_loc` field's data begins.
fn dynamic_start(offset: u16, relative: bool) -> Node {
    let low = Node::Binary(
        Op::And,
        Box::new(load(offset, Int::U32)),
        Box::new(Node::Const(0xffff)),
    );
    // A relative one counts from the end of its own word.
    let from = if relative {
        context_plus(offset.saturating_add(4))
    } else {
        Node::ContextAddress
    };
    plus(from, low)
}

/// How many bytes a `__data_loc` or `__rel_loc` field's data has.
fn dynamic_bytes(offset: u16) -> Node {
    let word = load(offset, Int::U32);
    Node::Binary(Op::Shr, Box::new(word), Box::new(Node::Const(16)))
}

fn text(address: Node, capacity: u16) -> Text {
    Text::Read {
        space: Space::Kernel,
        address: Box::new(address),
        capacity,
    }
}

fn memory(offset: u16, ty: Type) -> Meaning {
    Meaning::Memory {
        address: context_plus(offset),
        space: Space::Kernel,
        ty,
    }
}
