//! From DWARF's types to those of the expression language.

use super::call::Class;
use super::unit::{Entry, Unit};
use super::{At, Damage, Debug};
use crate::expr::names::Member;
use crate::expr::types::{Int, Space, StructType, Type};
use gimli::DwTag;

/// More steps than any chain of typedefs, qualifiers and pointers has. What is deeper is cut.
const DEPTH: u32 = 32;
/// Structs in structs that members are looked for in.
const NESTED: u32 = 16;
/// The most members that are looked at: a damaged file may nest more than memory holds.
const MEMBERS: usize = 100_000;
/// Numbers of structs begin here, so that none is taken for one of the kernel's types.
const FIRST_STRUCT: u32 = 1 << 31;

/// A type that is one in C, too.
pub(super) struct Typed {
    pub(super) ty: Type,
    pub(super) class: Class,
}

/// A member by its name.
pub(in crate::facts) type NamedMember = (String, Member);

impl Debug {
    /// The type that an entry's `DW_AT_type` names; `void` where it names none.
    pub(super) fn type_of(&self, unit: &Unit, entry: &Entry) -> Typed {
        self.type_at(unit, entry, DEPTH)
            .unwrap_or_else(|| unclear(Type::Void, "of a type that is not known"))
    }

    pub(super) fn type_at(&self, unit: &Unit, entry: &Entry, depth: u32) -> Option<Typed> {
        let depth = depth.checked_sub(1)?;
        let Some(value) = entry.get(gimli::DW_AT_type) else {
            return Some(word(Type::Void));
        };
        self.typed(self.referred(unit, value)?, depth)
    }

    /// The type that an entry describes; `None` where that is no type of C's.
    pub(super) fn named_type(&self, at: At) -> Option<Type> {
        self.typed(at, DEPTH).map(|typed| typed.ty)
    }

    fn typed(&self, at: At, depth: u32) -> Option<Typed> {
        let (unit, entry) = self.entry(at).ok()?;
        let name = || self.name_of(&unit, &entry);
        Some(match entry.tag {
            gimli::DW_TAG_base_type => base(&name().unwrap_or_default(), &entry),
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type => {
                let to = match self.is_text(&unit, &entry) {
                    true => Type::Char,
                    false => self
                        .type_at(&unit, &entry, depth)
                        .map_or(Type::Void, |to| to.ty),
                };
                word(Type::Pointer {
                    to: Box::new(to),
                    space: Space::User,
                })
            }
            tag if is_struct(tag) => {
                let ty = StructType {
                    id: self.numbered(at)?,
                    name: struct_name(tag, name()),
                };
                match entry.number(gimli::DW_AT_byte_size) {
                    Some(0) => Typed {
                        ty: Type::Struct(ty),
                        class: Class::Empty,
                    },
                    _ => {
                        let what = format!("{} by value", ty.name);
                        unclear(Type::Struct(ty), &what)
                    }
                }
            }
            gimli::DW_TAG_enumeration_type => self.enumeration(&unit, at, &entry, depth),
            gimli::DW_TAG_array_type => {
                let of = self.type_at(&unit, &entry, depth)?.ty;
                let array = self.lengths(&unit, at).into_iter().rev();
                let array = array.fold(of, |of, length| Type::Array {
                    of: Box::new(of),
                    length,
                });
                unclear(array, "an array")
            }
            gimli::DW_TAG_typedef
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_atomic_type
            | gimli::DW_TAG_immutable_type
            | gimli::DW_TAG_subrange_type => self.type_at(&unit, &entry, depth)?,
            gimli::DW_TAG_unspecified_type if name().as_deref() == Some("decltype(nullptr)") => {
                word(Type::Pointer {
                    to: Box::new(Type::Void),
                    space: Space::User,
                })
            }
            gimli::DW_TAG_subroutine_type | gimli::DW_TAG_unspecified_type => word(Type::Void),
            _ => return None,
        })
    }

    /// Does a pointer point to text that is no `char`? `unsigned char` said in so many words is.
    fn is_text(&self, unit: &Unit, pointer: &Entry) -> bool {
        let Some(mut at) = pointer
            .get(gimli::DW_AT_type)
            .and_then(|value| self.referred(unit, value))
        else {
            return false;
        };
        for _ in 0..DEPTH {
            let Ok((unit, entry)) = self.entry(at) else {
                return false;
            };
            match entry.tag {
                gimli::DW_TAG_const_type | gimli::DW_TAG_volatile_type => {}
                gimli::DW_TAG_base_type => {
                    return self.name_of(&unit, &entry).as_deref() == Some("unsigned char");
                }
                _ => return false,
            }
            match entry
                .get(gimli::DW_AT_type)
                .and_then(|value| self.referred(&unit, value))
            {
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    }

    /// How many elements an array has in each of its dimensions; 0 where it isn't said.
    fn lengths(&self, unit: &Unit, at: At) -> Vec<u32> {
        let children = self.children(unit, at).unwrap_or_default();
        let lengths = children
            .iter()
            .filter(|(_, child)| child.tag == gimli::DW_TAG_subrange_type)
            .map(|(_, child)| {
                let count = child.number(gimli::DW_AT_count);
                let count = count.or_else(|| {
                    child
                        .number(gimli::DW_AT_upper_bound)
                        .and_then(|last| last.checked_add(1))
                });
                count
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or(0)
            });
        lengths.take(DEPTH as usize).collect()
    }

    /// The members of a struct, those of anonymous ones in their place.
    pub(in crate::facts) fn members(&self, of: &StructType) -> Vec<NamedMember> {
        let mut found = Vec::new();
        if let Some(at) = self.struct_at(of.id) {
            self.collect(at, 0, NESTED, &mut MEMBERS.clone(), &mut found);
        }
        found
    }

    pub(in crate::facts) fn member(&self, of: &StructType, name: &str) -> Option<Member> {
        let mut all = self.members(of).into_iter();
        all.find(|(known, _)| known == name)
            .map(|(_, member)| member)
    }

    pub(in crate::facts) fn member_names(&self, of: &StructType) -> Vec<String> {
        self.members(of).into_iter().map(|(name, _)| name).collect()
    }

    fn collect(
        &self,
        at: At,
        base: u32,
        depth: u32,
        left: &mut usize,
        found: &mut Vec<NamedMember>,
    ) {
        let (Ok((unit, _)), Some(depth)) = (self.entry(at), depth.checked_sub(1)) else {
            return;
        };
        let Ok(children) = self.children(&unit, at) else {
            return;
        };
        for (_, member) in &children {
            let inherited = member.tag == gimli::DW_TAG_inheritance;
            if !(member.tag == gimli::DW_TAG_member || inherited) {
                continue;
            }
            let Some(rest) = left.checked_sub(1) else {
                return;
            };
            *left = rest;
            let Some(bit_offset) = bit_offset(member).and_then(|at| base.checked_add(at)) else {
                continue;
            };
            let ty = self.type_of(&unit, member).ty;
            match (self.name_of(&unit, member), &ty) {
                (Some(name), _) if !inherited => {
                    let width = member.number(gimli::DW_AT_bit_size);
                    let width = width.map(|bits| bits.clamp(1, 64) as u8);
                    found.push((
                        name,
                        Member {
                            bit_offset,
                            width,
                            ty,
                        },
                    ));
                }
                (_, Type::Struct(of)) => {
                    if let Some(at) = self.struct_at(of.id) {
                        self.collect(at, bit_offset, depth, left, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// Bytes of a struct or array.
    pub(in crate::facts) fn size(&self, ty: &Type) -> Option<u32> {
        match ty {
            Type::Struct(of) => {
                let (_, entry) = self.entry(self.struct_at(of.id)?).ok()?;
                entry.number(gimli::DW_AT_byte_size)?.try_into().ok()
            }
            Type::Array { of, length } => self.size(of)?.checked_mul(*length),
            Type::Int(int) | Type::Named(int, _) => Some(u32::from(int.bytes())),
            Type::Char | Type::Bool => Some(1),
            Type::Pointer { .. } => Some(8),
            Type::Str | Type::Void => None,
        }
    }

    /// Is a struct copied by a function of its own? It is passed by its address then (`DW_CC_pass_by_reference`).
    pub(super) fn is_passed_by_reference(&self, of: &StructType) -> bool {
        let entry = self.struct_at(of.id).and_then(|at| self.entry(at).ok());
        entry.is_some_and(|(_, entry)| {
            matches!(
                entry.get(gimli::DW_AT_calling_convention),
                Some(super::Value::CallingConvention(
                    gimli::DW_CC_pass_by_reference
                ))
            )
        })
    }

    /// The entries directly below another, as they stand.
    pub(super) fn children(&self, unit: &Unit, of: At) -> Result<Vec<(At, Entry)>, Damage> {
        let mut entries = unit.entries(Some(of.offset))?;
        let mut found = Vec::new();
        if !entries.next_if(|_| false)?.has_children {
            return Ok(found);
        }
        while !entries.is_empty() && found.len() < MEMBERS {
            let step = entries.next_if(|_| true)?;
            match step.entry {
                None if step.depth <= 1 => break,
                Some(entry) if step.depth == 1 => {
                    let at = At {
                        unit: of.unit,
                        offset: step.offset,
                    };
                    found.push((at, entry));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// An entry's own name.
    pub(super) fn name_of(&self, unit: &Unit, entry: &Entry) -> Option<String> {
        unit.text(&self.sections, entry.get(gimli::DW_AT_name)?)
    }

    fn numbered(&self, at: At) -> Option<u32> {
        let mut structs = self.structs.borrow_mut();
        let number = match structs.iter().position(|known| *known == at) {
            Some(number) => number,
            None => {
                structs.push(at);
                structs.len() - 1
            }
        };
        FIRST_STRUCT.checked_add(u32::try_from(number).ok()?)
    }

    fn struct_at(&self, id: u32) -> Option<At> {
        let number = id.checked_sub(FIRST_STRUCT)?;
        self.structs.borrow().get(number as usize).copied()
    }
}

/// Is the struct one of debug information, and none of the kernel's?
pub(in crate::facts) fn is_ours(of: &StructType) -> bool {
    of.id >= FIRST_STRUCT
}

/// Is an array's element, or the type itself, such a struct?
pub(in crate::facts) fn has_ours(mut ty: &Type) -> bool {
    loop {
        match ty {
            Type::Array { of, .. } => ty = of,
            Type::Struct(of) => return is_ours(of),
            _ => return false,
        }
    }
}

fn is_struct(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type | gimli::DW_TAG_class_type
    )
}

fn struct_name(tag: DwTag, name: Option<String>) -> String {
    let word = if tag == gimli::DW_TAG_union_type {
        "union"
    } else {
        "struct"
    };
    match name {
        Some(name) => format!("{word} {name}"),
        None => format!("{word} (anonymous)"),
    }
}

/// A type that C calls by one word.
fn base(name: &str, entry: &Entry) -> Typed {
    let size = entry.number(gimli::DW_AT_byte_size).unwrap_or(0);
    let encoding = match entry.get(gimli::DW_AT_encoding) {
        Some(super::Value::Encoding(encoding)) => *encoding,
        _ => return unclear(Type::Void, name),
    };
    match encoding {
        gimli::DW_ATE_boolean if size == 1 => word(Type::Bool),
        gimli::DW_ATE_float if size == 4 || size == 8 => Typed {
            ty: Type::Void,
            class: Class::Float,
        },
        gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char if name == "char" => {
            word(Type::Char)
        }
        gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => integer(true, size),
        gimli::DW_ATE_unsigned
        | gimli::DW_ATE_unsigned_char
        | gimli::DW_ATE_address
        | gimli::DW_ATE_boolean
        | gimli::DW_ATE_UTF => integer(false, size),
        _ => unclear(Type::Void, name),
    }
}

pub(super) fn integer(signed: bool, bytes: u64) -> Typed {
    match bytes {
        0 => Typed {
            ty: Type::Void,
            class: Class::Empty,
        },
        1 | 2 | 4 | 8 => word(Type::Int(Int::new(signed, bytes as u8 * 8))),
        _ => unclear(
            Type::Array {
                of: Box::new(Type::Int(Int::U64)),
                length: u32::try_from(bytes / 8).unwrap_or(0),
            },
            "an integer of more than 8 bytes",
        ),
    }
}

fn word(ty: Type) -> Typed {
    Typed {
        ty,
        class: Class::Word,
    }
}

fn unclear(ty: Type, what: &str) -> Typed {
    Typed {
        ty,
        class: Class::Unclear(what.to_owned()),
    }
}

/// Where a member begins in its struct.
fn bit_offset(member: &Entry) -> Option<u32> {
    if let Some(bits) = member.number(gimli::DW_AT_data_bit_offset) {
        return u32::try_from(bits).ok();
    }
    // Members of unions have none.
    let bytes = match member.get(gimli::DW_AT_data_member_location) {
        None => 0,
        Some(value) => u32::try_from(value.udata_value()?).ok()?,
    };
    let bits = bytes.checked_mul(8)?;
    // As DWARF 2 and 3 said it: bits from the high end of a storage unit.
    match (
        member.number(gimli::DW_AT_bit_offset),
        member.number(gimli::DW_AT_bit_size),
    ) {
        (Some(high), Some(width)) => {
            let storage = member.number(gimli::DW_AT_byte_size)?.checked_mul(8)?;
            let low = storage.checked_sub(high)?.checked_sub(width)?;
            bits.checked_add(u32::try_from(low).ok()?)
        }
        _ => Some(bits),
    }
}
