//! The shape of a tally's table: fixed by the first site that feeds it, and held against all others.

use super::{Aggregate, Column, Extreme, KeyContent, KeyField, Storage, TallyShape};
use crate::expr::tree::{Node, Part, Text};
use crate::expr::{Checked, ColumnFunction, ColumnItem, Item};
use crate::report::Report;
use crate::spec::{Room, TallyId};
use moontrace_abi::limits::{COLUMNS, KEY, KEY_PARTS, KEY_STRING, STRING};

/// Bytes of a value up to which each CPU has its own.
const PER_CPU_VALUE: u32 = 64;

/// Bytes that a word of the script takes in a key, or a multiple of that: as many as `comm`.
const WORD: usize = 16;

/// What a site stores for the shape's keys and columns.
pub(super) struct Stored {
    pub parts: Vec<Part>,
    /// What the columns are measured from.
    pub arguments: Vec<Node>,
    /// For each column its function, its offset, and which argument it is measured from.
    pub columns: Vec<(Aggregate, u32, Option<usize>)>,
}

/// The shape that a site's keys and columns make, and what it stores; `site` is its number.
pub(super) fn shape(
    (id, room): (TallyId, Room),
    name: String,
    site: &Node,
    keys: &[Item],
    columns: &[ColumnItem],
) -> Result<(TallyShape, Stored), Report> {
    if columns.len() > COLUMNS {
        return Err(Report::new(format!(
            "{} columns, and a tally has at most {COLUMNS}",
            columns.len()
        )));
    }
    let (fields, parts, bytes) = key_fields(site, keys)?;
    let Measured {
        columns,
        arguments,
        size: value_size,
    } = value(columns);
    let stored = columns
        .iter()
        .map(|(column, argument)| (column.function, column.offset, *argument))
        .collect();
    let columns = columns.into_iter().map(|(column, _)| column).collect();
    let storage = match (fields.is_empty(), value_size <= PER_CPU_VALUE) {
        (true, _) => Storage::PerCpuArray,
        (false, true) => Storage::PerCpuHash,
        (false, false) => Storage::Hash,
    };
    let key_size = if fields.is_empty() { 4 } else { 8 + bytes };
    let shape = TallyShape {
        id,
        name,
        keys: fields,
        columns,
        key_size,
        value_size,
        storage,
        room,
    };
    Ok((
        shape,
        Stored {
            parts,
            arguments,
            columns: stored,
        },
    ))
}

/// The fields of a key, what is stored for them, and the bytes that it takes; `site` is the site's number.
pub(super) fn key_fields(
    site: &Node,
    items: &[Item],
) -> Result<(Vec<KeyField>, Vec<Part>, u32), Report> {
    if items.len() > KEY_PARTS {
        return Err(Report::new(format!(
            "a key of {} parts, and there may be {KEY_PARTS}",
            items.len()
        )));
    }
    let (mut fields, mut parts, mut offset) = (Vec::new(), Vec::new(), 0);
    for item in items {
        let (content, part) = match &item.checked {
            Checked::Int(node, _) => (
                KeyContent::Int {
                    signed: node.int().wide().signed,
                },
                Part::Int(node.clone()),
            ),
            Checked::Condition(node) => (KeyContent::Bool, Part::Int(node.clone())),
            Checked::Text(text) => {
                let part = Part::Text(in_key(text.clone()));
                let capacity = part.size() as u16;
                (KeyContent::Text { capacity }, part)
            }
            Checked::Stack(stack) => (
                KeyContent::Stack {
                    user: stack.user,
                    frames: stack.frames,
                },
                Part::Stack(stack.clone()),
            ),
            Checked::Symbol(symbol) => (
                KeyContent::Symbol { user: symbol.user },
                Part::Symbol(symbol.clone()),
            ),
            Checked::Copied(_) => {
                let report = Report::new(format!(
                    "'{}' is a struct, an array or a buffer, which is no part of a key",
                    item.name
                ));
                return Err(report.help("name a member or an element of it"));
            }
            Checked::Probe => (KeyContent::Probe, Part::Int(site.clone())),
            Checked::Func => (KeyContent::Func, Part::Int(site.clone())),
            Checked::Time => {
                let node = Node::Current(crate::expr::tree::Current::Time);
                (KeyContent::Int { signed: false }, Part::Int(node))
            }
            Checked::Cpu => {
                let node = Node::Current(crate::expr::tree::Current::Cpu);
                (KeyContent::Int { signed: true }, Part::Int(node))
            }
        };
        let shown = match &item.checked {
            Checked::Int(_, ty) => ty.shown(),
            _ => None,
        };
        fields.push(KeyField {
            name: item.name.clone(),
            content,
            shown,
            offset,
        });
        offset += part.size();
        parts.push(part);
    }
    if offset as usize > KEY {
        let message = format!("a key of {offset} bytes, and there may be {KEY}");
        return Err(Report::new(message).help("give its strings a length: str(p, 64)"));
    }
    Ok((fields, parts, offset))
}

/// A string whose length the script did not give is shorter in a key, which is hashed whole at each hit. What the script
/// says itself takes as much as other such words do, and so meets them in one table.
pub(super) fn in_key(text: Text) -> Text {
    match text.composed_within(STRING as u16) {
        Text::Literal(mut bytes) => {
            bytes.resize((bytes.len() + 1).next_multiple_of(WORD) - 1, 0);
            Text::Literal(bytes)
        }
        Text::Read {
            space,
            address,
            capacity,
        } if usize::from(capacity) == STRING => Text::Read {
            space,
            address,
            capacity: KEY_STRING as u16,
        },
        Text::Select(condition, a, b) => {
            Text::Select(condition, Box::new(in_key(*a)), Box::new(in_key(*b)))
        }
        other => other,
    }
}

/// A row's value.
struct Measured {
    /// Each column with the number of its argument.
    columns: Vec<(Column, Option<usize>)>,
    arguments: Vec<Node>,
    /// Bytes of the value.
    size: u32,
}

fn value(items: &[ColumnItem]) -> Measured {
    let (mut columns, mut arguments, mut offset) = (Vec::new(), Vec::new(), 0);
    for item in items {
        let function = match &item.function {
            ColumnFunction::Count(_) => Aggregate::Count,
            ColumnFunction::Sum(node) => Aggregate::Sum {
                signed: node.int().wide().signed,
            },
            ColumnFunction::Avg(node) => Aggregate::Avg {
                signed: node.int().wide().signed,
            },
            ColumnFunction::Min(node) => Aggregate::Min(extreme(node)),
            ColumnFunction::Max(node) => Aggregate::Max(extreme(node)),
            ColumnFunction::Stats(node) => Aggregate::Stats(extreme(node)),
            ColumnFunction::Hist(node, bits) => Aggregate::Hist {
                signed: node.int().wide().signed,
                bits: *bits,
            },
            ColumnFunction::LinearHist(node, steps) => Aggregate::LinearHist {
                signed: node.int().wide().signed,
                steps: *steps,
            },
        };
        let argument = item.function.argument().map(|node| {
            arguments.push(node.clone());
            arguments.len() - 1
        });
        columns.push((
            Column {
                name: item.name.clone(),
                function,
                offset,
            },
            argument,
        ));
        offset += 8 * function.words() as u32;
    }
    Measured {
        columns,
        arguments,
        size: offset,
    }
}

/// What is narrower than 64 bits is ordered as signed: sites of both kinds may then feed one column.
fn extreme(node: &Node) -> Extreme {
    let int = node.int();
    match int.signed || int.bytes() < 8 {
        true => Extreme::Signed,
        false => Extreme::Unsigned,
    }
}

/// Holds a further site, or probe, against the shape that its tally has, and widens signs to what holds both. The first
/// difference is the message.
pub(super) fn meet(there: &mut TallyShape, new: &TallyShape) -> Result<(), Report> {
    let keys = |shape: &TallyShape| join(shape.keys.iter().map(|key| key.name.as_str()));
    let columns =
        |shape: &TallyShape| join(shape.columns.iter().map(|column| column.name.as_str()));
    if keys(there) != keys(new) {
        return Err(Report::new(format!(
            "this tally's keys are '{}', not '{}'",
            keys(there),
            keys(new)
        )));
    }
    if columns(there) != columns(new) {
        return Err(Report::new(format!(
            "this tally's columns are '{}', not '{}'",
            columns(there),
            columns(new)
        )));
    }
    for (key, new) in there.keys.iter_mut().zip(&new.keys) {
        match (&mut key.content, new.content) {
            (KeyContent::Int { signed }, KeyContent::Int { signed: new }) => *signed |= new,
            (a, b) if *a == b => {}
            _ => {
                let message = format!(
                    "the key '{}' has another type elsewhere in this tally",
                    key.name
                );
                return Err(Report::new(message).help(new.content.same_everywhere()));
            }
        }
    }
    for (column, new) in there.columns.iter_mut().zip(&new.columns) {
        match (&mut column.function, new.function) {
            (a, b) if *a == b => {}
            (Aggregate::Sum { signed }, Aggregate::Sum { signed: new })
            | (Aggregate::Avg { signed }, Aggregate::Avg { signed: new }) => *signed |= new,
            (Aggregate::Hist { bits, .. }, Aggregate::Hist { bits: new, .. }) if *bits == new => {}
            (Aggregate::LinearHist { steps, .. }, Aggregate::LinearHist { steps: new, .. })
                if *steps == new => {}
            (Aggregate::Min(_), Aggregate::Min(_))
            | (Aggregate::Max(_), Aggregate::Max(_))
            | (Aggregate::Stats(_), Aggregate::Stats(_)) => {
                let message = format!(
                    "the column '{}' has 64 bits without a sign at one probe and a signed value at another, which have no common order",
                    column.name
                );
                return Err(Report::new(message));
            }
            _ => {
                let message = format!(
                    "the column '{}' is made in another way elsewhere in this tally",
                    column.name
                );
                return Err(Report::new(message));
            }
        }
    }
    Ok(())
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
