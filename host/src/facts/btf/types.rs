//! From BTF's types to those of the expression language.

use super::blob::{Raw, kind, word};
use super::{Btf, DEPTH};
use crate::expr::types::{Int, Space, StructType, Type};
use crate::facts::ctype::{self, Spelling};
use crate::rows::Shown;
use crate::rows::shown::Enumeration;
use std::sync::Arc;

/// A function's parameters by name and type, and what it returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Prototype {
    /// Unnamed parameters have empty names.
    pub parameters: Vec<(String, Type)>,
    pub returns: Type,
}

impl Prototype {
    /// Does it end in `...`? (A parameter without a name and a type.)
    pub fn is_variadic(&self) -> bool {
        let last = self.parameters.last();
        last.is_some_and(|(name, ty)| name.is_empty() && *ty == Type::Void)
    }
}

impl Btf {
    /// The type of a number in the expression language.
    pub(super) fn typed(&self, id: u32) -> Type {
        self.typed_at(id, DEPTH)
    }

    fn typed_at(&self, id: u32, depth: u32) -> Type {
        let typedef = self.known_typedef(id);
        let Some((id, raw)) = self.resolve(id) else {
            return Type::Void;
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Type::Void;
        };
        match raw.kind {
            kind::INT => match (self.int(raw), typedef) {
                (Type::Int(int), Some(shown)) => Type::Named(int, shown),
                (ty, _) => ty,
            },
            kind::PTR => {
                let space = self.space(raw.size_or_type);
                let to = if self.is_text(raw.size_or_type) {
                    Type::Char
                } else {
                    self.typed_at(raw.size_or_type, depth)
                };
                Type::Pointer {
                    to: Box::new(to),
                    space,
                }
            }
            kind::ARRAY => {
                let (Some(of), Some(length)) = (word(raw.body, 0), word(raw.body, 8)) else {
                    return Type::Void;
                };
                Type::Array {
                    of: Box::new(self.typed_at(of, depth)),
                    length,
                }
            }
            kind::STRUCT | kind::UNION => Type::Struct(self.struct_type(id, raw)),
            kind::FWD => self.declared_elsewhere(id, raw),
            kind::ENUM | kind::ENUM64 => {
                let negative = || enumerators(raw, false).any(|(_, value)| value < 0);
                let signed = raw.flag || negative() && !self.marks_signed_enums();
                match sized(signed, raw.size_or_type) {
                    Type::Int(int) => self.enumeration(raw, int),
                    ty => ty,
                }
            }
            _ => Type::Void,
        }
    }

    /// Behind typedefs, qualifiers and tags: the type itself and its number.
    pub(super) fn resolve(&self, mut id: u32) -> Option<(u32, Raw<'_>)> {
        for _ in 0..DEPTH {
            let raw = self.blob.raw(id)?;
            match raw.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = raw.size_or_type;
                }
                _ => return Some((id, raw)),
            }
        }
        None
    }

    /// Does a pointer to this type point to text? `unsigned char` said in so many words does (the names of files are
    /// such), `u8` doesn't: that is a number.
    fn is_text(&self, mut id: u32) -> bool {
        for _ in 0..DEPTH {
            match self.blob.raw(id) {
                Some(raw) if matches!(raw.kind, kind::VOLATILE | kind::CONST) => {
                    id = raw.size_or_type
                }
                Some(raw) if raw.kind == kind::INT => {
                    return self.blob.string(raw.name) == "unsigned char";
                }
                _ => break,
            }
        }
        false
    }

    /// Where a pointer to this type points: the kernel marks those to user memory with a tag (if its compiler could).
    fn space(&self, mut id: u32) -> Space {
        for _ in 0..DEPTH {
            match self.blob.raw(id) {
                Some(raw) if raw.kind == kind::TYPE_TAG => {
                    if self.blob.string(raw.name) == "user" {
                        return Space::User;
                    }
                    id = raw.size_or_type;
                }
                Some(raw) if matches!(raw.kind, kind::VOLATILE | kind::CONST | kind::RESTRICT) => {
                    id = raw.size_or_type;
                }
                _ => break,
            }
        }
        Space::Kernel
    }

    fn int(&self, raw: Raw<'_>) -> Type {
        /// Of the word behind an integer: it is signed, it is a truth value.
        const SIGNED: u32 = 1 << 24;
        const BOOL: u32 = 1 << 26;
        let encoding = word(raw.body, 0).unwrap_or(0);
        if encoding & BOOL != 0 && raw.size_or_type == 1 {
            return Type::Bool;
        }
        if self.blob.string(raw.name) == "char" && raw.size_or_type == 1 {
            return Type::Char;
        }
        sized(encoding & SIGNED != 0, raw.size_or_type)
    }

    /// What a typedef on the way to a type says its numbers are.
    fn known_typedef(&self, mut id: u32) -> Option<Shown> {
        for _ in 0..DEPTH {
            let raw = self.blob.raw(id)?;
            let known = match raw.kind {
                kind::TYPEDEF => ctype::known(self.blob.string(raw.name)),
                kind::VOLATILE | kind::CONST | kind::TYPE_TAG => None,
                _ => return None,
            };
            if known.is_some() {
                return known;
            }
            id = raw.size_or_type;
        }
        None
    }

    /// An enum with its names.
    fn enumeration(&self, raw: Raw<'_>, int: Int) -> Type {
        let marked = self.marks_signed_enums();
        let values: Vec<_> = enumerators(raw, marked)
            .map(|(name, value)| (value, self.blob.string(name).to_owned()))
            .collect();
        if values.is_empty() {
            return Type::Int(int);
        }
        let name = match self.blob.string(raw.name) {
            "" => String::new(),
            name => format!("enum {name}"),
        };
        let of = Enumeration { name, values };
        Type::Named(int, Shown::Enum(Arc::new(of)))
    }

    fn struct_type(&self, id: u32, raw: Raw<'_>) -> StructType {
        let union = raw.kind == kind::UNION || raw.kind == kind::FWD && raw.flag;
        let word = if union { "union" } else { "struct" };
        let name = match self.blob.string(raw.name) {
            "" => format!("{word} (anonymous)"),
            name => format!("{word} {name}"),
        };
        StructType { id, name }
    }

    /// A forward declaration: the struct may be another module's or the kernel's.
    fn declared_elsewhere(&self, id: u32, raw: Raw<'_>) -> Type {
        let wanted = if raw.flag { kind::UNION } else { kind::STRUCT };
        let found = self.find(self.blob.string(raw.name), &[wanted]);
        Type::Struct(self.struct_type(found.unwrap_or(id), raw))
    }

    /// A type as C writes it: `struct sock *`, `u32`, `enum pid_type`. A name alone is a typedef's, else a struct's.
    pub fn named(&self, text: &str) -> Option<Type> {
        let Spelling { base, stars } = Spelling::parse(text)?;
        let plain = ctype::plain(&base);
        let ty = plain.or_else(|| self.find_named(&base).map(|id| self.typed(id)))?;
        Some(ctype::pointers(ty, stars, Space::Kernel))
    }

    fn find_named(&self, base: &str) -> Option<u32> {
        match base.split_once(' ') {
            Some(("struct", name)) => self.find(name, &[kind::STRUCT]),
            Some(("union", name)) => self.find(name, &[kind::UNION]),
            Some(("enum", name)) => self.find(name, &[kind::ENUM, kind::ENUM64]),
            Some(_) => None,
            None => self.find(base, &[kind::TYPEDEF, kind::INT]).or_else(|| {
                self.find(base, &[kind::STRUCT, kind::UNION, kind::ENUM, kind::ENUM64])
            }),
        }
    }

    /// A function's prototype.
    pub fn function(&self, name: &str) -> Option<Prototype> {
        self.prototype_of(self.function_id(name)?)
    }

    /// The prototype of a function by its number.
    pub fn prototype_of(&self, function: u32) -> Option<Prototype> {
        let function = self.blob.raw(function)?;
        self.prototype(function.size_or_type)
    }

    /// What a raw tracepoint passes, in order. Names come from `__traceiter_NAME`; where the kernel has none, they are empty.
    pub fn raw_tracepoint(&self, name: &str) -> Option<Vec<(String, Type)>> {
        let named = self.function(&format!("__traceiter_{name}"));
        let prototype = named.or_else(|| {
            let pointer = self.find(&format!("btf_trace_{name}"), &[kind::TYPEDEF])?;
            let (_, pointer) = self.resolve(pointer)?;
            self.prototype(pointer.size_or_type)
        })?;
        // The first is the tracepoint's own data, and never the program's.
        Some(prototype.parameters.into_iter().skip(1).collect())
    }

    fn prototype(&self, id: u32) -> Option<Prototype> {
        let (_, raw) = self.resolve(id)?;
        if raw.kind != kind::FUNC_PROTO {
            return None;
        }
        let parameter = |entry: &[u8]| {
            let name = word(entry, 0)
                .map_or("", |at| self.blob.string(at))
                .to_owned();
            (name, word(entry, 4).map_or(Type::Void, |id| self.typed(id)))
        };
        let parameters = raw.body.chunks_exact(8).map(parameter).collect();
        Some(Prototype {
            parameters,
            returns: self.typed(raw.size_or_type),
        })
    }

    /// Bytes of a type in memory; `None` of one that has no size.
    pub fn size(&self, ty: &Type) -> Option<u32> {
        match ty {
            Type::Int(int) | Type::Named(int, _) => Some(int.bytes() as u32),
            Type::Char | Type::Bool => Some(1),
            Type::Pointer { .. } => Some(8),
            Type::Array { of, length } => self.size(of)?.checked_mul(*length),
            Type::Struct(of) => {
                let raw = self.blob.raw(of.id)?;
                matches!(raw.kind, kind::STRUCT | kind::UNION).then_some(raw.size_or_type)
            }
            Type::Str | Type::Void => None,
        }
    }
}

/// An integer of so many bytes; wider ones are two words.
fn sized(signed: bool, bytes: u32) -> Type {
    match bytes {
        1 | 2 | 4 | 8 => Type::Int(Int::new(signed, bytes as u8 * 8)),
        16 => Type::Array {
            of: Box::new(Type::Int(Int::U64)),
            length: 2,
        },
        _ => Type::Void,
    }
}

/// An enum's values with the offsets of their names; none of another type. Where the kernel has `marked` signed enums,
/// the others' values have no sign.
pub(super) fn enumerators(raw: Raw<'_>, marked: bool) -> impl Iterator<Item = (u32, i128)> {
    let step = match raw.kind {
        kind::ENUM => 8,
        kind::ENUM64 => 12,
        _ => usize::MAX,
    };
    raw.body.chunks_exact(step).filter_map(move |entry| {
        let low = word(entry, 4)?;
        let value = match word(entry, 8) {
            Some(high) => {
                let value = u64::from(high) << 32 | u64::from(low);
                if raw.flag {
                    value as i64 as i128
                } else {
                    i128::from(value)
                }
            }
            None if raw.flag || !marked => i128::from(low as i32),
            None => i128::from(low),
        };
        Some((word(entry, 0)?, value))
    })
}
