//! The shape of a tally's table: fixed by the first site that feeds it, and held against all others.

use super::{Aggregate, Column, KeyContent, KeyField, Storage, TallyShape};
use crate::expr::tree::{Node, Part, Text};
use crate::expr::{Checked, ColumnFunction, ColumnItem, Item};
use crate::report::Report;
use crate::spec::TallyId;
use moontrace_abi::bucket::BUCKETS;
use moontrace_abi::limits::{COLUMNS, KEY, KEY_PARTS, KEY_STRING, STRING};

/// Bytes of a value up to which each CPU has its own.
const PER_CPU_VALUE: u32 = 64;

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
    id: TallyId,
    name: String,
    site: &Node,
    keys: &[Item],
    columns: &[ColumnItem],
) -> Result<(TallyShape, Stored), Report> {
    if keys.len() > KEY_PARTS {
        return Err(Report::new(format!(
            "a key of {} parts, and there may be {KEY_PARTS}",
            keys.len()
        )));
    }
    if columns.len() > COLUMNS {
        return Err(Report::new(format!(
            "{} columns, and a tally has at most {COLUMNS}",
            columns.len()
        )));
    }
    let (fields, parts, bytes) = key(site, keys)?;
    if bytes as usize > KEY {
        let message = format!("a key of {bytes} bytes, and there may be {KEY}");
        return Err(Report::new(message).help("give its strings a length: str(p, 64)"));
    }
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

fn key(site: &Node, items: &[Item]) -> Result<(Vec<KeyField>, Vec<Part>, u32), Report> {
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
                let text = shortened(text.clone());
                (
                    KeyContent::Text {
                        capacity: text.capacity(),
                    },
                    Part::Text(text),
                )
            }
            Checked::Copied(_) => {
                let report = Report::new(format!(
                    "'{}' is a struct or an array, which is no part of a key",
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
    Ok((fields, parts, offset))
}

/// A string whose length the script did not give is shorter in a key, which is hashed whole at each hit.
fn shortened(text: Text) -> Text {
    match text {
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
            Text::Select(condition, Box::new(shortened(*a)), Box::new(shortened(*b)))
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
            ColumnFunction::Hist(node) => Aggregate::Hist {
                signed: node.int().wide().signed,
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
        offset += 8 * if matches!(function, Aggregate::Hist { .. }) {
            BUCKETS as u32
        } else {
            1
        };
    }
    Measured {
        columns,
        arguments,
        size: offset,
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
                return Err(Report::new(message)
                    .help("give a string the same length everywhere: str(p, 64)"));
            }
        }
    }
    for (column, new) in there.columns.iter_mut().zip(&new.columns) {
        match (&mut column.function, new.function) {
            (Aggregate::Sum { signed }, Aggregate::Sum { signed: new })
            | (Aggregate::Hist { signed }, Aggregate::Hist { signed: new }) => *signed |= new,
            (a, b) if *a == b => {}
            _ => {
                let message = format!(
                    "the column '{}' is made by another function elsewhere in this tally",
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
