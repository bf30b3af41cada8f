//! Arithmetic on two operands. Everything wraps at 64 bits; a division by zero gives 0 and a note.

use super::function::{Done, Function, Rare};
use super::instruction::{Alu, R0, R1, R2, R3, R4, R5, When, immediate};
use crate::expr::tree::{Node, Op};

impl Function<'_> {
    /// r0 = a op b, with the operand that goes first in r0.
    pub(super) fn binary(&mut self, op: Op, a: &Node, b: &Node) -> Done {
        let signed = !self.weights.unsigned(a) && !self.weights.unsigned(b);
        let mut left_first = self.weights.left_first(a, b);
        let (mut a, mut b) = (a, b);
        if !left_first && commutes(op) {
            std::mem::swap(&mut a, &mut b);
            left_first = true;
        }
        if left_first
            && let Node::Const(value) = b
            && self.by_constant(op, *value as u64, signed)
        {
            return Ok(());
        }
        self.pair(a, b, left_first)?;
        match op {
            Op::Shl | Op::Shr => self.shift(op),
            Op::Div | Op::FloorDiv | Op::Mod => self.divide(op, signed),
            Op::Add => self.asm.alu(Alu::Add, R0, R1),
            Op::Sub => self.asm.alu(Alu::Sub, R0, R1),
            Op::Mul => self.asm.alu(Alu::Mul, R0, R1),
            Op::And => self.asm.alu(Alu::And, R0, R1),
            Op::Or => self.asm.alu(Alu::Or, R0, R1),
            Op::Xor => self.asm.alu(Alu::Xor, R0, R1),
        }
        Ok(())
    }

    /// r0 = r0 op value, where there is a shorter way than by a register; `false`: there isn't.
    fn by_constant(&mut self, op: Op, value: u64, signed: bool) -> bool {
        let power = value
            .is_power_of_two()
            .then(|| value.trailing_zeros() as i32);
        match (op, immediate(value)) {
            (Op::Add, Some(imm)) => self.asm.alu(Alu::Add, R0, imm),
            (Op::Sub, Some(imm)) => self.asm.alu(Alu::Sub, R0, imm),
            (Op::Mul, Some(imm)) => self.asm.alu(Alu::Mul, R0, imm),
            (Op::And, Some(imm)) => self.asm.alu(Alu::And, R0, imm),
            (Op::Or, Some(imm)) => self.asm.alu(Alu::Or, R0, imm),
            (Op::Xor, Some(imm)) => self.asm.alu(Alu::Xor, R0, imm),
            (Op::Shl | Op::Shr, _) if value > 63 => self.asm.mov(R0, 0),
            (Op::Shl, Some(imm)) => self.asm.alu(Alu::Shl, R0, imm),
            (Op::Shr, Some(imm)) => self.asm.alu(Alu::Shr, R0, imm),
            (Op::Div | Op::FloorDiv | Op::Mod, imm) => {
                return self.divide_by(op, value, imm, power, signed);
            }
            _ => return false,
        }
        true
    }

    fn divide_by(
        &mut self,
        op: Op,
        value: u64,
        imm: Option<i32>,
        power: Option<i32>,
        signed: bool,
    ) -> bool {
        match (op, power, imm) {
            // The highest bit is no power of two for who has a sign.
            (_, Some(63), _) if signed => return false,
            (Op::Mod, Some(_), _) => match immediate(value - 1) {
                Some(mask) => self.asm.alu(Alu::And, R0, mask),
                None => {
                    self.asm.constant(R1, value - 1);
                    self.asm.alu(Alu::And, R0, R1);
                }
            },
            (Op::FloorDiv, Some(power), _) => {
                self.asm
                    .alu(if signed { Alu::Sar } else { Alu::Shr }, R0, power)
            }
            (Op::Div, Some(power), _) if signed => {
                if power > 0 {
                    // Towards zero: what is below it is rounded up first.
                    self.asm.mov(R1, R0);
                    self.asm.alu(Alu::Sar, R1, 63);
                    self.asm.alu(Alu::Shr, R1, 64 - power);
                    self.asm.alu(Alu::Add, R0, R1);
                    self.asm.alu(Alu::Sar, R0, power);
                }
            }
            (Op::Div, Some(power), _) => self.asm.alu(Alu::Shr, R0, power),
            (Op::Mod, None, Some(imm)) if !signed && imm > 0 => self.asm.alu(Alu::Mod, R0, imm),
            (_, None, Some(imm)) if !signed && imm > 0 => self.asm.alu(Alu::Div, R0, imm),
            _ => return false,
        }
        true
    }

    /// The machine takes the count modulo 64: what is more gives 0.
    fn shift(&mut self, op: Op) {
        let out = self.asm.label();
        self.asm
            .alu(if op == Op::Shl { Alu::Shl } else { Alu::Shr }, R0, R1);
        self.asm.jump_if(When::Gt, R1, 63, out);
        self.come_back(out, Rare::Zero);
    }

    fn divide(&mut self, op: Op, signed: bool) {
        let zero = self.asm.label();
        self.asm.jump_if(When::Eq, R1, 0, zero);
        match (signed, op) {
            (true, _) => self.signed_division(op),
            (false, Op::Mod) => self.asm.alu(Alu::Mod, R0, R1),
            (false, _) => self.asm.alu(Alu::Div, R0, R1),
        }
        self.come_back(zero, Rare::DivisionByZero);
    }

    /// From the division without sign (the other came with 6.6), and without a branch.
    fn signed_division(&mut self, op: Op) {
        let asm = &mut self.asm;
        // r2, r3: -1 where a, b are below 0.
        asm.mov(R2, R0);
        asm.alu(Alu::Sar, R2, 63);
        asm.mov(R3, R1);
        asm.alu(Alu::Sar, R3, 63);
        // r4 = |a|, r5 = |b|.
        asm.mov(R4, R0);
        asm.alu(Alu::Xor, R4, R2);
        asm.alu(Alu::Sub, R4, R2);
        asm.mov(R5, R1);
        asm.alu(Alu::Xor, R5, R3);
        asm.alu(Alu::Sub, R5, R3);
        // r4 = a / b towards zero.
        asm.alu(Alu::Xor, R3, R2);
        asm.alu(Alu::Div, R4, R5);
        asm.alu(Alu::Xor, R4, R3);
        asm.alu(Alu::Sub, R4, R3);
        if op == Op::Div {
            return asm.mov(R0, R4);
        }
        // r0 = the remainder, with a's sign.
        asm.mov(R2, R4);
        asm.alu(Alu::Mul, R2, R1);
        asm.alu(Alu::Sub, R0, R2);
        // r3 = -1 where there is a remainder and it has not b's sign.
        asm.mov(R3, R0);
        asm.negate(R3);
        asm.alu(Alu::Or, R3, R0);
        asm.mov(R2, R0);
        asm.alu(Alu::Xor, R2, R1);
        asm.alu(Alu::And, R3, R2);
        asm.alu(Alu::Sar, R3, 63);
        if op == Op::FloorDiv {
            asm.alu(Alu::Add, R4, R3);
            asm.mov(R0, R4);
        } else {
            asm.alu(Alu::And, R3, R1);
            asm.alu(Alu::Add, R0, R3);
        }
    }
}

fn commutes(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor)
}
