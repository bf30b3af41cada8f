//! Names of types and constants, as the source of a function knows them: those of its own unit.

use super::enumeration::constant;
use super::function::Function;
use super::unit::Entry;
use super::{At, Debug};
use crate::expr::types::{Space, Type};
use crate::facts::ctype::{self, Spelling};
use gimli::DwTag;

/// Whatever kind of type has a name.
const NAMED: [DwTag; 7] = [
    gimli::DW_TAG_structure_type,
    gimli::DW_TAG_union_type,
    gimli::DW_TAG_class_type,
    gimli::DW_TAG_enumeration_type,
    gimli::DW_TAG_typedef,
    gimli::DW_TAG_base_type,
    gimli::DW_TAG_unspecified_type,
];

/// Structs among which a wrong name is looked for.
const NAMES: usize = 10_000;

impl Debug {
    /// A type as C writes it: `struct pair *`, `size_t`.
    pub(in crate::facts) fn type_named(&self, near: &Function, text: &str) -> Option<Type> {
        let Spelling { base, stars } = Spelling::parse(text)?;
        let (wanted, name): (&[DwTag], &str) = match base.split_once(' ') {
            Some(("struct", name)) => (&NAMED[..1], name),
            Some(("union", name)) => (&NAMED[1..2], name),
            Some(("class", name)) => (&NAMED[2..3], name),
            Some(("enum", name)) => (&NAMED[3..4], name),
            _ => (&NAMED, base.as_str()),
        };
        let (at, _) = self.find_named(near, wanted, name)?;
        let ty = self.named_type(at)?;
        Some(ctype::pointers(ty, stars, Space::User))
    }

    /// The value of an enumerator.
    pub(in crate::facts) fn enumerator(&self, near: &Function, name: &str) -> Option<i128> {
        let (_, entry) = self.find_named(near, &[gimli::DW_TAG_enumerator], name)?;
        constant(entry.get(gimli::DW_AT_const_value)?)
    }

    /// Names of structs, for messages.
    pub(in crate::facts) fn struct_names(&self, near: &Function) -> Vec<String> {
        let head = self.index().ok().and_then(|all| all.head_at(near.unit));
        let unit = head.and_then(|head| self.unit(head).ok());
        let mut found = Vec::new();
        let Some(unit) = unit else {
            return found;
        };
        let Ok(mut entries) = unit.entries(None) else {
            return found;
        };
        while !entries.is_empty() && found.len() < NAMES {
            let Ok(step) = entries.next_if(|tag| NAMED[..3].contains(&tag)) else {
                break;
            };
            let entry = step.entry.as_ref();
            found.extend(entry.and_then(|entry| self.name_of(&unit, entry)));
        }
        found
    }

    /// The first of that name that is more than a declaration.
    fn find_named(&self, near: &Function, wanted: &[DwTag], name: &str) -> Option<(At, Entry)> {
        let unit = self.unit(self.index().ok()?.head_at(near.unit)?).ok()?;
        let mut entries = unit.entries(None).ok()?;
        while !entries.is_empty() {
            let step = entries.next_if(|tag| wanted.contains(&tag)).ok()?;
            let Some(entry) = step.entry else {
                continue;
            };
            if entry.get(gimli::DW_AT_declaration).is_none()
                && self.name_of(&unit, &entry).as_deref() == Some(name)
            {
                let at = At {
                    unit: near.unit,
                    offset: step.offset,
                };
                return Some((at, entry));
            }
        }
        None
    }
}
