//! Sets: the type that their use gives them, and their members as keys.

use super::site::{Compiled, CompiledEnding};
use super::{SetPart, SetShape};
use crate::expr::tree::{Node, Part, SetId, TARGET};
use crate::report::Report;
use crate::spec::Member;

/// Adds the shapes of all sets that texts look into or change to `shapes`.
pub(super) fn shapes(compiled: &Compiled, shapes: &mut Vec<SetShape>) -> Result<(), Report> {
    let mut used = Vec::new();
    compiled.visit(&mut |node| {
        if let Node::InSet(id, parts) = node {
            used.push((*id, parts.as_slice()));
        }
    });
    if let CompiledEnding::Change { set, parts, .. } = &compiled.ending {
        used.push((*set, parts));
    }
    let used = used.into_iter().filter(|(id, _)| *id != TARGET);
    used.map(|(id, parts)| shape(id, parts))
        .try_for_each(|shape| add(shape, shapes))
}

fn add(shape: SetShape, shapes: &mut Vec<SetShape>) -> Result<(), Report> {
    match shapes.iter().find(|there| there.id == shape.id) {
        None => shapes.push(shape),
        Some(there) if *there == shape => {}
        Some(there) => {
            let message = format!(
                "this set holds {} by its first use, and {} here",
                words(there),
                words(&shape)
            );
            return Err(
                Report::new(message).help("a set holds one type: make another for the other")
            );
        }
    }
    Ok(())
}

fn shape(id: SetId, parts: &[Part]) -> SetShape {
    let key_size = parts.iter().map(Part::size).sum();
    let parts = parts.iter().map(|part| match part {
        // Sets are looked into by numbers and strings only.
        Part::Int(_) | Part::Stack(_) | Part::Symbol(_) => SetPart::Int,
        Part::Text(text) => SetPart::Text {
            capacity: text.capacity().next_multiple_of(8),
        },
    });
    SetShape {
        id,
        parts: parts.collect(),
        key_size,
    }
}

fn words(shape: &SetShape) -> String {
    let word = |part: &SetPart| match part {
        SetPart::Int => String::from("numbers"),
        SetPart::Text { capacity } => format!("strings of {} bytes", capacity - 1),
    };
    match shape.parts.as_slice() {
        [one] => word(one),
        parts => format!(
            "tuples of {}",
            parts.iter().map(word).collect::<Vec<_>>().join(", ")
        ),
    }
}

impl SetShape {
    /// The key that a member has in the set's map.
    ///
    /// # Errors
    /// A member of another type, or a string that is too long to be one.
    pub fn key(&self, member: &Member) -> Result<Vec<u8>, Report> {
        let members = match member {
            Member::Tuple(members) => members.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut key = Vec::with_capacity(self.key_size as usize);
        if members.len() == self.parts.len() {
            for (part, member) in self.parts.iter().zip(members) {
                match (part, member) {
                    (SetPart::Int, Member::Int(value)) => key.extend(value.to_le_bytes()),
                    (SetPart::Text { capacity }, Member::Str(bytes))
                        if bytes.len() < usize::from(*capacity) =>
                    {
                        key.extend(bytes);
                        key.resize(key.len() + usize::from(*capacity) - bytes.len(), 0);
                    }
                    (SetPart::Text { capacity }, Member::Str(bytes)) => {
                        let message =
                            format!("a string of {} bytes can't be in this set", bytes.len());
                        return Err(Report::new(message)
                            .help(format!("its strings have at most {} bytes", capacity - 1)));
                    }
                    _ => break,
                }
            }
        }
        if key.len() == self.key_size as usize {
            return Ok(key);
        }
        Err(Report::new(format!("this set holds {}", words(self)))
            .help("that is the type its use in a probe gives it"))
    }
}
