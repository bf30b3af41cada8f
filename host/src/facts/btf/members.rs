//! Members of structs and unions.

use super::blob::{Raw, kind, word};
use super::{Btf, DEPTH};
use crate::expr::names::Member;
use crate::expr::types::{StructType, Type};

/// A member as `describe` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub member: Member,
}

/// The most members that a walk visits: a hostile BTF may nest more than memory holds.
const VISITED: u32 = 100_000;

impl Btf {
    /// The member of a name, in the struct itself or in an anonymous member of it.
    pub fn member(&self, of: &StructType, name: &str) -> Option<Member> {
        let mut found = None;
        self.walk(of.id, 0, DEPTH, &mut VISITED.clone(), &mut |at, member| {
            if self.blob.string(at) == name {
                found = Some(member());
            }
            found.is_none()
        });
        found
    }

    /// All members, those of anonymous ones in their place.
    pub fn members(&self, of: &StructType) -> Vec<Listed> {
        let mut listed = Vec::new();
        self.walk(of.id, 0, DEPTH, &mut VISITED.clone(), &mut |at, member| {
            listed.push(Listed {
                name: self.blob.string(at).to_owned(),
                member: member(),
            });
            true
        });
        listed
    }

    /// Shows each named member to `visit`, with its name's offset and a way to its type, until that says `false`.
    fn walk(
        &self,
        id: u32,
        base: u32,
        depth: u32,
        left: &mut u32,
        visit: &mut impl FnMut(u32, &dyn Fn() -> Member) -> bool,
    ) -> bool {
        let (Some((_, raw)), Some(depth)) = (self.resolve(id), depth.checked_sub(1)) else {
            return true;
        };
        if !matches!(raw.kind, kind::STRUCT | kind::UNION) {
            return true;
        }
        for entry in raw.body.chunks_exact(12) {
            let Some(rest) = left.checked_sub(1) else {
                return false;
            };
            *left = rest;
            let Some(place) = Place::read(entry, raw, base) else {
                continue;
            };
            let more = match place.name {
                0 => self.walk(place.ty, place.bit_offset, depth, left, visit),
                name => visit(name, &|| self.placed(place)),
            };
            if !more {
                return false;
            }
        }
        true
    }

    fn placed(&self, place: Place) -> Member {
        let Place {
            bit_offset,
            width,
            ty,
            ..
        } = place;
        match width {
            Some(_) => Member {
                bit_offset,
                width,
                ty: self.typed(ty),
            },
            None => self.old_bit_field(place).unwrap_or_else(|| Member {
                bit_offset,
                width,
                ty: self.typed(ty),
            }),
        }
    }

    /// A bit-field as compilers wrote it before members had widths: an integer of fewer bits than its bytes have.
    fn old_bit_field(&self, place: Place) -> Option<Member> {
        let (_, raw) = self.resolve(place.ty)?;
        if raw.kind != kind::INT {
            return None;
        }
        let encoding = word(raw.body, 0)?;
        let bits = (encoding & 0xff) as u8;
        let ty = self.typed(place.ty);
        let narrow = matches!(&ty, Type::Int(int) if bits > 0 && bits < int.bits);
        let bit_offset = place.bit_offset.checked_add(encoding >> 16 & 0xff)?;
        narrow.then_some(Member {
            bit_offset,
            width: Some(bits),
            ty,
        })
    }
}

/// Where a member stands, its type not yet looked at.
#[derive(Clone, Copy)]
struct Place {
    name: u32,
    bit_offset: u32,
    width: Option<u8>,
    ty: u32,
}

impl Place {
    fn read(entry: &[u8], of: Raw<'_>, base: u32) -> Option<Self> {
        let (name, ty, offset) = (word(entry, 0)?, word(entry, 4)?, word(entry, 8)?);
        let (offset, width) = match (of.flag, offset >> 24) {
            (false, _) => (offset, None),
            (true, 0) => (offset & 0xff_ffff, None),
            (true, width) => (offset & 0xff_ffff, Some(width.min(64) as u8)),
        };
        Some(Self {
            name,
            bit_offset: base.checked_add(offset)?,
            width,
            ty,
        })
    }
}
