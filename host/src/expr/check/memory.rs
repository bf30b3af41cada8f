//! What lies in memory: values, bit-fields, and what has members or elements of its own.

use super::checker::Checker;
use super::term::{Term, binary, not_zero};
use super::{Refusal, Result};
use crate::expr::names::Member;
use crate::expr::tree::{Node, Op};
use crate::expr::types::{Int, Space, Type};
use crate::expr::walk::Branch;
use std::ops::Range;

impl Checker<'_> {
    /// A member of the struct at `base + offset`.
    pub(super) fn load(
        &self,
        base: Node,
        offset: i64,
        space: Space,
        member: Member,
        span: &Range<usize>,
    ) -> Result<Term> {
        let Some(width) = member.width else {
            let at = offset + i64::from(member.bit_offset / 8);
            return self.place(base, at, space, member.ty, span);
        };
        let signed = member.ty.integer().is_some_and(|int| int.signed);
        let (first, last) = (
            member.bit_offset,
            member.bit_offset + u32::from(width.max(1)) - 1,
        );
        let unit = [8u8, 16, 32, 64].into_iter().find(|bits| {
            let bits = u32::from(*bits);
            first / bits == last / bits
        });
        let node = match unit {
            Some(bits) => {
                let at = offset + i64::from(first / u32::from(bits) * u32::from(bits / 8));
                let of = self.read(base, at, space, Int::new(false, bits), span)?;
                let shift = (first % u32::from(bits)) as u8;
                Node::Bits {
                    of: Box::new(of),
                    shift,
                    width,
                    signed,
                }
            }
            None => self.straddling(base, offset, space, (first, width, signed), span)?,
        };
        Ok(match member.ty {
            Type::Bool => Term::Bool(not_zero(node)),
            ty => Term::Int(node, ty),
        })
    }

    /// A bit-field (first bit, width, sign) that lies in two words.
    fn straddling(
        &self,
        base: Node,
        offset: i64,
        space: Space,
        (first, width, signed): (u32, u8, bool),
        span: &Range<usize>,
    ) -> Result<Node> {
        self.within_limits(self.work.spend(Branch::Node(&base).size()), span)?;
        let at = offset + i64::from(first / 64 * 8);
        let shift = first % 64;
        let low = self.read(base.clone(), at, space, Int::U64, span)?;
        // No more of the second word than the field reaches into.
        let bits = (shift + u32::from(width) - 64)
            .next_multiple_of(8)
            .next_power_of_two();
        let high = self.read(base, at + 8, space, Int::new(false, bits as u8), span)?;
        let low = binary(Op::Shr, low, Node::Const(shift.into()));
        let high = binary(Op::Shl, high, Node::Const((64 - shift).into()));
        let of = Box::new(binary(Op::Or, low, high));
        Ok(Node::Bits {
            of,
            shift: 0,
            width,
            signed,
        })
    }

    /// What lies at `base + offset`: its value, or, of what has members or elements, its place.
    pub(super) fn place(
        &self,
        base: Node,
        offset: i64,
        space: Space,
        ty: Type,
        span: &Range<usize>,
    ) -> Result<Term> {
        // What user memory holds are user pointers, whatever the type says.
        let ty = match ty {
            Type::Pointer { to, .. } if space == Space::User => Type::Pointer { to, space },
            other => other,
        };
        match (ty.integer(), ty) {
            (_, Type::Bool) => {
                let byte = self.read(base, offset, space, Int::U8, span)?;
                Ok(Term::Bool(not_zero(byte)))
            }
            (Some(int), ty) => Ok(Term::Int(self.read(base, offset, space, int, span)?, ty)),
            (None, ty) => {
                let offset = self.offset(offset, span)?;
                Ok(Term::Memory {
                    base,
                    offset,
                    space,
                    ty,
                })
            }
        }
    }

    fn read(
        &self,
        base: Node,
        offset: i64,
        space: Space,
        int: Int,
        span: &Range<usize>,
    ) -> Result<Node> {
        let offset = self.offset(offset, span)?;
        Ok(Node::Read {
            space,
            base: Box::new(base),
            offset,
            int,
        })
    }

    fn offset(&self, offset: i64, span: &Range<usize>) -> Result<i32> {
        i32::try_from(offset)
            .map_err(|_| Refusal::from(self.refuse(span, "this is more than 2 GiB away")))
    }
}
