//! Enums: integers whose values have names.

use super::types::{Typed, integer};
use super::unit::{Entry, Unit};
use super::{At, Debug, Value};
use crate::expr::types::Type;
use crate::rows::Shown;
use crate::rows::shown::Enumeration;
use std::sync::Arc;

impl Debug {
    /// The type that an entry describes which is an enum, as `depth` allows.
    pub(super) fn enumeration(&self, unit: &Unit, at: At, entry: &Entry, depth: u32) -> Typed {
        let named = self.enumerators(unit, at);
        let mut typed = self.underlying(unit, entry, depth).unwrap_or_else(|| {
            let size = entry.number(gimli::DW_AT_byte_size).unwrap_or(0);
            integer(named.iter().any(|(value, _)| *value < 0), size)
        });
        if let (Type::Int(int), false) = (&typed.ty, named.is_empty()) {
            let int = *int;
            // A value is kept in as many bits as it takes, and read by the type that the enum has.
            let values = named
                .into_iter()
                .map(|(value, name)| (int.value(int.fit(value as u64)), name));
            let of = Enumeration {
                name: self
                    .name_of(unit, entry)
                    .map_or_else(String::new, |name| format!("enum {name}")),
                values: values.collect(),
            };
            typed.ty = Type::Named(int, Shown::Enum(Arc::new(of)));
        }
        typed
    }

    /// The integer that an enum is, where compilers say so.
    fn underlying(&self, unit: &Unit, entry: &Entry, depth: u32) -> Option<Typed> {
        entry.get(gimli::DW_AT_type)?;
        let of = self.type_at(unit, entry, depth)?;
        of.ty.integer().is_some().then_some(of)
    }

    /// Values and names, in the order of the source.
    fn enumerators(&self, unit: &Unit, at: At) -> Vec<(i128, String)> {
        let children = self.children(unit, at).unwrap_or_default();
        let all = children
            .iter()
            .filter(|(_, child)| child.tag == gimli::DW_TAG_enumerator);
        all.filter_map(|(_, child)| {
            let value = constant(child.get(gimli::DW_AT_const_value)?)?;
            Some((value, self.name_of(unit, child)?))
        })
        .collect()
    }
}

/// The value of a constant. Compilers mark negative ones as such: bytes alone have no sign.
pub(super) fn constant(value: &Value) -> Option<i128> {
    let positive = value.udata_value().map(i128::from);
    positive.or_else(|| value.sdata_value().map(i128::from))
}
