//! How the fields of a record lie: fixed ones by falling alignment behind the header, then room for strings.

use super::{Content, Field, Layout};
use crate::codegen::FieldValue;
use crate::expr::tree::{Node, Stack, Text};
use crate::expr::{Checked, Copied, Int, Shape};
use crate::report::Report;
use crate::rows::Value;
use moontrace_abi::limits::{FIELDS, RECORD, SMALL_RECORD};
use moontrace_abi::record::{HEADER, Span};

/// A field that a record is to have, and why.
pub(super) struct Wanted {
    pub name: String,
    /// `None`: this site doesn't have it.
    pub value: Option<Checked>,
    pub why: String,
}

impl Wanted {
    fn is_stored_stack(&self) -> bool {
        matches!(&self.value, Some(Checked::Stack(stack)) if stack.stored().is_some())
    }
}

/// Lays out the record, and says in the same order what is stored in its fields.
pub(super) fn lay_out(wanted: Vec<Wanted>) -> Result<(Layout, Vec<FieldValue>), Report> {
    if wanted.len() > FIELDS {
        return Err(Report::new(format!(
            "{} fields, and an event has at most {FIELDS}",
            wanted.len()
        )));
    }
    if let Some(Wanted { name, .. }) = wanted.iter().find(|wanted| wanted.is_stored_stack()) {
        let message =
            format!("'{name}' is a stack that a span has stored, which is no field of an event");
        return Err(Report::new(message).help("make it a key of a table: :by \"from.kstack\""));
    }
    let mut fields: Vec<(Field, FieldValue)> = wanted.into_iter().enumerate().map(field).collect();
    let mut end = place(&mut fields, HEADER as u32);
    let strings: u32 = fields.iter().map(|(field, _)| room(field)).sum();
    let stacks = |(field, _): &(Field, FieldValue)| matches!(field.content, Content::Stack { .. });
    let long = (end + strings) as usize > SMALL_RECORD || fields.iter().any(stacks);
    if (end + strings) as usize > RECORD {
        let message = format!(
            "{} bytes of fields, and an event has at most {RECORD}",
            end + strings
        );
        return Err(Report::new(message).help(
            "give a length where a string is wanted, str(p, 64), and name members of structs",
        ));
    }
    for (field, value) in &mut fields {
        // In a long record, what is read from memory and has a length of its own is packed, and sent with that.
        let (slot, capacity, packed) = match &mut field.content {
            Content::Text { slot, capacity, .. } => {
                let read = matches!(value, FieldValue::Text(Text::Read { .. }));
                (slot, u32::from(*capacity), read)
            }
            Content::Copied {
                slot,
                capacity,
                shape,
                ..
            } => (slot, *capacity, **shape == Shape::Bytes),
            _ => continue,
        };
        if !(long && packed) {
            *slot = Some(end);
            end += capacity.next_multiple_of(8);
        }
    }
    let (fields, values) = fields.into_iter().unzip();
    Ok((
        Layout {
            fields,
            size: end,
            long,
        },
        values,
    ))
}

fn field((number, wanted): (usize, Wanted)) -> (Field, FieldValue) {
    let shown = match &wanted.value {
        Some(Checked::Int(_, ty)) => ty.shown(),
        _ => None,
    };
    let (content, value) = match wanted.value {
        None => (Content::Constant(Value::Nil), FieldValue::Nothing),
        Some(checked) => stored(checked),
    };
    (
        Field {
            name: wanted.name,
            content,
            bit: number as u8,
            shown,
            why: wanted.why,
        },
        value,
    )
}

fn stored(checked: Checked) -> (Content, FieldValue) {
    match checked {
        Checked::Int(Node::Const(value), _) => {
            (Content::Constant(constant(value)), FieldValue::Nothing)
        }
        Checked::Int(node, _) => (
            Content::Int {
                offset: 0,
                int: node.int(),
            },
            integer(node),
        ),
        Checked::Condition(node) => (Content::Bool { offset: 0 }, FieldValue::Bool(node)),
        Checked::Text(text) => (
            Content::Text {
                offset: 0,
                slot: None,
                capacity: text.capacity(),
            },
            FieldValue::Text(text),
        ),
        Checked::Copied(copied) => {
            let Copied { origin, shape, .. } = *copied;
            let content = Content::Copied {
                offset: 0,
                slot: None,
                capacity: origin.capacity(),
                shape,
            };
            (content, FieldValue::Copied(origin))
        }
        Checked::Stack(stack) => (
            Content::Stack {
                offset: 0,
                user: stack.user,
                frames: stack.frames,
            },
            FieldValue::Stack(stack),
        ),
        Checked::Symbol(symbol) => (
            Content::Symbol {
                offset: 0,
                user: symbol.user,
            },
            FieldValue::Symbol(symbol),
        ),
        Checked::Probe => (Content::Probe, FieldValue::Nothing),
        Checked::Func => (Content::Func, FieldValue::Nothing),
        Checked::Time => (Content::Time, FieldValue::Nothing),
        Checked::Cpu => (Content::Cpu, FieldValue::Nothing),
    }
}

/// Of a part of a word, the word is stored: whoever reads the field takes what is the value, and programs whose fields have
/// other parts of the same words are the same.
fn integer(node: Node) -> FieldValue {
    match node {
        Node::Cast(_, word) if word.int() == Int::U64 => FieldValue::Word(*word),
        word if word.int() == Int::U64 => FieldValue::Word(word),
        node => FieldValue::Int(node),
    }
}

/// A value that is known when the probe is planned.
fn constant(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(value) => Value::Int(value),
        Err(_) => Value::Unsigned(value as u64),
    }
}

/// Gives each fixed part its offset, the most aligned first; returns where they end.
fn place(fields: &mut [(Field, FieldValue)], start: u32) -> u32 {
    let mut end = start;
    for size in [24, 16, 8, 4, 2, 1] {
        for (field, value) in fields.iter_mut() {
            let (offset, bytes) = match &mut field.content {
                Content::Int { offset, int } => (offset, stored_bytes(value, *int)),
                Content::Bool { offset } => (offset, 1),
                Content::Stack { offset, .. } => (offset, 24),
                Content::Symbol { offset, .. } => (offset, 16),
                Content::Text { offset, .. } | Content::Copied { offset, .. } => {
                    (offset, size_of::<Span>() as u32)
                }
                _ => continue,
            };
            if bytes == size {
                *offset = end;
                end += size;
            }
        }
    }
    end.next_multiple_of(8)
}

/// Bytes that an integer takes.
fn stored_bytes(value: &FieldValue, int: Int) -> u32 {
    match value {
        FieldValue::Word(_) => 8,
        _ => int.bytes().into(),
    }
}

/// Bytes that a field's string may take.
fn room(field: &Field) -> u32 {
    match field.content {
        Content::Text { capacity, .. } => u32::from(capacity).next_multiple_of(8),
        Content::Copied { capacity, .. } => capacity.next_multiple_of(8),
        Content::Stack { user, frames, .. } => 8 * u32::from(Stack::taken(user, frames)),
        _ => 0,
    }
}
