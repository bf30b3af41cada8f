//! Integers: a value ends up in r0, as the 64-bit pattern of its type.

use super::MapRef;
use super::function::{Done, Function};
use super::instruction::{Alu, FP, Helper, R0, R1, R2, R3, R6, R7, Reg, When};
use super::weights::is_simple;
use crate::expr::tree::{Keeper, Kept, Node};
use crate::expr::types::{Int, Space};
use moontrace_abi::State;

impl Function<'_> {
    /// r0 = the node's value.
    ///
    /// Of each operation the heavier operand is computed first, and those are followed by a loop: only second operands
    /// recurse, so that a chain of any length takes no stack of ours.
    pub(super) fn value(&mut self, node: &Node) -> Done {
        let mut open = Vec::new();
        let mut at = node;
        while let Some(first) = self.first(at) {
            open.push(at);
            at = first;
        }
        self.leaf(at)?;
        while let Some(outer) = open.pop() {
            self.complete(outer)?;
        }
        Ok(())
    }

    /// The operand that a node computes first and has in r0 then.
    fn first<'n>(&self, node: &'n Node) -> Option<&'n Node> {
        match node {
            Node::Read { base: of, .. }
            | Node::Bits { of, .. }
            | Node::Swap { of, .. }
            | Node::Cast(_, of)
            | Node::Neg(of)
            | Node::Invert(of)
            | Node::Entry(_, of)
            | Node::Composed { of, .. }
            | Node::Log2(of) => Some(of),
            Node::Binary(_, a, b) => Some(if self.weights.left_first(a, b) { a } else { b }),
            _ => None,
        }
    }

    /// What remains to be done of a node once [`Self::first`] of it is in r0.
    fn complete(&mut self, node: &Node) -> Done {
        match node {
            Node::Read {
                space, offset, int, ..
            } => self.read(*space, *offset, *int)?,
            Node::Bits {
                shift,
                width,
                signed,
                ..
            } => self.bits(*shift, *width, *signed),
            Node::Swap { bits, .. } => self.asm.swap(R0, *bits),
            Node::Cast(int, of) if !is_within(self.weights.int(of), *int) => self.fit(R0, *int),
            Node::Neg(_) => self.asm.negate(R0),
            Node::Invert(_) => self.asm.alu(Alu::Xor, R0, -1),
            Node::Log2(of) => self.log2(!self.weights.unsigned(of)),
            Node::Entry(table, _) => self.entry(table),
            Node::Composed { what, room, .. } => self.compose(what, *room),
            Node::Binary(op, a, b) => self.binary(*op, a, b)?,
            _ => {}
        }
        Ok(())
    }

    fn leaf(&mut self, node: &Node) -> Done {
        match node {
            _ if is_simple(node) => self.simple(R0, node),
            Node::ContextAddress => self.asm.mov(R0, R6),
            Node::Kept(
                Kept {
                    by, bit: Some(bit), ..
                },
                _,
            )
            | Node::KeptAddress(Kept {
                by, bit: Some(bit), ..
            }) => {
                self.is_there(*by, *bit);
                self.simple(R0, node);
            }
            Node::Current(current) => self.current(*current),
            Node::Select(condition, a, b) => {
                let (other, end) = (self.asm.label(), self.asm.label());
                self.condition(condition, other, false)?;
                self.value(a)?;
                self.asm.jump(end);
                self.asm.bind(other);
                self.value(b)?;
                self.asm.bind(end);
                self.forget();
            }
            _ => {
                let (no, end) = (self.asm.label(), self.asm.label());
                self.condition(node, no, false)?;
                self.asm.mov(R0, 1);
                self.asm.jump(end);
                self.asm.bind(no);
                self.asm.mov(R0, 0);
                self.asm.bind(end);
                self.forget();
            }
        }
        Ok(())
    }

    /// Makes the verifier forget what it knows of r0: it would follow the rest of the program once for every combination
    /// of the values that were picked before. The word is one that it can't know; armed or not, it is the same one twice.
    fn forget(&mut self) {
        self.asm.map(R1, MapRef::Control { offset: 0 });
        self.asm.load(8, R1, R1, 0);
        self.asm.alu(Alu::Xor, R0, R1);
        self.asm.alu(Alu::Xor, R0, R1);
    }

    /// register = the value of a node that needs no other register and no call.
    pub(super) fn simple(&mut self, register: Reg, node: &Node) {
        match node {
            Node::Const(value) => self.asm.constant(register, *value as u64),
            Node::Context { offset, int } => self.load(register, R6, *offset, *int),
            Node::Variable { slot, int } => {
                self.asm.map(register, MapRef::Variables { offset: slot.0 });
                self.load(register, register, 0, *int);
            }
            Node::Kept(kept, _) => {
                let offset = self.keeper(register, kept.by) + kept.offset as i32;
                self.asm.load(8, register, register, offset as i16);
            }
            Node::KeptAddress(kept) => {
                let offset = self.keeper(register, kept.by) + kept.offset as i32;
                self.asm.alu(Alu::Add, register, offset);
            }
            Node::Cookie => self.asm.load(8, register, R7, State::COOKIE),
            _ => {}
        }
    }

    /// register = the address of a keeper's room; gives where in it what was kept begins.
    fn keeper(&mut self, register: Reg, by: Keeper) -> i32 {
        let (pointer, area) = match by {
            Keeper::Call => (State::CALL, 0),
            Keeper::Span(area) => (State::FROM, area as i32),
        };
        self.asm.load(8, register, R7, pointer);
        area
    }

    /// Goes on when what has that bit is there; else fails.
    fn is_there(&mut self, by: Keeper, bit: u8) {
        let area = self.keeper(R1, by);
        let (word, missing) = match by {
            Keeper::Call => (0, When::Ne),
            Keeper::Span(_) => (8, When::Eq),
        };
        self.asm.load(8, R1, R1, (area + word) as i16);
        self.asm.alu(Alu::And, R1, 1 << bit);
        self.asm.jump_if(missing, R1, 0, self.fault);
    }

    /// Computes both operands into r0 and r1. The first one is in r0 already; `left_first` says which that is.
    pub(super) fn pair(&mut self, a: &Node, b: &Node, left_first: bool) -> Done {
        let second = if left_first { b } else { a };
        if is_simple(second) {
            if left_first {
                self.simple(R1, second);
            } else {
                self.asm.mov(R1, R0);
                self.simple(R0, second);
            }
            return Ok(());
        }
        self.wait()?;
        self.value(second)?;
        if left_first {
            self.asm.mov(R1, R0);
            self.resume(R0);
        } else {
            self.resume(R1);
        }
        Ok(())
    }

    /// r0 = the integer at r0 + offset.
    fn read(&mut self, space: Space, offset: i32, int: Int) -> Done {
        let mark = self.mark();
        let slot = self.reserve(8)?;
        self.asm.mov(R3, R0);
        if offset != 0 {
            self.asm.alu(Alu::Add, R3, offset);
        }
        self.asm.mov(R2, i32::from(int.bytes()));
        self.point(R1, FP, slot);
        self.asm.helper(match space {
            Space::Kernel => Helper::ReadKernel,
            Space::User => Helper::ReadUser,
        });
        self.asm.jump_if(When::Ne, R0, 0, self.fault);
        self.load(R0, FP, slot, int);
        self.release(mark);
        Ok(())
    }

    fn load(&mut self, register: Reg, base: Reg, offset: i16, int: Int) {
        self.asm.load(int.bytes(), register, base, offset);
        if int.signed || int.bits < int.bytes() * 8 {
            self.fit(register, int);
        }
    }

    /// Widens the low bits by the type's sign.
    fn fit(&mut self, register: Reg, int: Int) {
        match (int.bits, int.signed) {
            (64.., _) => {}
            (32, false) => self.asm.low_half(register),
            (bits, signed) => {
                let shift = 64 - i32::from(bits);
                self.asm.alu(Alu::Shl, register, shift);
                self.asm
                    .alu(if signed { Alu::Sar } else { Alu::Shr }, register, shift);
            }
        }
    }

    /// r0 = the word of a table at the index r0, 0 behind its end.
    fn entry(&mut self, table: &[u64]) {
        let (behind, end) = (self.asm.label(), self.asm.label());
        let offset = self.asm.pattern(table);
        self.asm.constant(R1, table.len() as u64);
        self.asm.jump_if(When::Ge, R0, R1, behind);
        self.asm.alu(Alu::Shl, R0, 3);
        self.asm.map(R1, MapRef::Patterns { offset });
        self.asm.alu(Alu::Add, R1, R0);
        self.asm.load(8, R0, R1, 0);
        self.asm.jump(end);
        self.asm.bind(behind);
        self.asm.mov(R0, 0);
        self.asm.bind(end);
    }

    fn bits(&mut self, shift: u8, width: u8, signed: bool) {
        let above = 64 - i32::from(shift) - i32::from(width);
        if above > 0 {
            self.asm.alu(Alu::Shl, R0, above);
        }
        if width < 64 {
            self.asm.alu(
                if signed { Alu::Sar } else { Alu::Shr },
                R0,
                64 - i32::from(width),
            );
        }
    }

    /// r0 = floor(log2(r0)), without a branch.
    fn log2(&mut self, signed: bool) {
        if signed {
            self.asm.mov(R1, R0);
            self.asm.alu(Alu::Sar, R1, 63);
            self.asm.alu(Alu::Xor, R1, -1);
            self.asm.alu(Alu::And, R0, R1);
        }
        self.asm.mov(R1, 0);
        for exponent in (0..6).rev() {
            // r2 = the step when something stands above it, else 0: the sign of what is less than 0 when it isn't 0.
            self.asm.mov(R2, R0);
            self.asm.alu(Alu::Shr, R2, 1 << exponent);
            self.asm.negate(R2);
            self.asm.alu(Alu::Shr, R2, 63);
            self.asm.alu(Alu::Shl, R2, exponent);
            self.asm.alu(Alu::Shr, R0, R2);
            self.asm.alu(Alu::Add, R1, R2);
        }
        self.asm.mov(R0, R1);
    }
}

/// Is every value of one type a value of the other, with the same pattern?
fn is_within(int: Int, of: Int) -> bool {
    of.bits == 64
        || (int.signed == of.signed && int.bits <= of.bits)
        || (!int.signed && int.bits < of.bits)
}
