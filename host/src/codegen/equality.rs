//! Are strings equal? Literals are compared where the other string lies, no further than it takes.

use super::MapRef;
use super::asm::Label;
use super::function::{Done, Function};
use super::instruction::{Alu, FP, R0, R1, R2, R3, Reg, When, immediate};
use super::text::{Purpose, until_nul, word_of};
use crate::expr::tree::Text;
use crate::expr::types::Space;
use moontrace_abi::limits::COMPARED_STRING;

/// Bytes of a literal that are compared in one go; each wants as much of the stack.
const CHUNK: usize = 64;

impl Function<'_> {
    /// Jumps to `yes` or `no`: are two strings the same?
    pub(super) fn same(&mut self, a: &Text, b: &Text, yes: Label, no: Label) -> Done {
        match (a, b) {
            (text, Text::Literal(literal)) | (Text::Literal(literal), text) => {
                self.matches(text, literal, true, yes, no)
            }
            _ => self.same_computed(a, b, yes, no),
        }
    }

    /// As many bytes as the shorter one may have say whether they are the same: its NUL is among them.
    fn same_computed(&mut self, a: &Text, b: &Text, yes: Label, no: Label) -> Done {
        let room = |text: &Text| text.capacity().min(COMPARED_STRING as u16);
        let mark = self.mark();
        let left = self.place_text(a, room(a), Purpose::Compare)?;
        let right = self.place_text(b, room(b), Purpose::Compare)?;
        self.point_at(R1, &left);
        self.point_at(R2, &right);
        self.asm.mov(R3, i32::from(room(a).min(room(b))));
        self.asm.library("lib_same");
        self.release(mark);
        self.asm.jump_if(When::Ne, R0, 0, yes);
        self.asm.jump(no);
        Ok(())
    }

    /// Jumps to `yes` or `no`: is the string `literal`, or (not `whole`) does it begin with it?
    pub(super) fn matches(
        &mut self,
        text: &Text,
        literal: &[u8],
        whole: bool,
        yes: Label,
        no: Label,
    ) -> Done {
        let literal = until_nul(literal);
        let mark = self.mark();
        match text {
            Text::Literal(text) => {
                let text = until_nul(text);
                let holds = if whole {
                    text == literal
                } else {
                    text.starts_with(literal)
                };
                self.asm.jump(if holds { yes } else { no });
            }
            Text::Select(condition, a, b) => {
                let other = self.asm.label();
                self.condition(condition, other, false)?;
                self.matches(a, literal, whole, yes, no)?;
                self.asm.bind(other);
                self.matches(b, literal, whole, yes, no)?;
            }
            // What has no room for it is something else.
            Text::Comm(_) | Text::Variable(_) if literal.len() >= usize::from(text.capacity()) => {
                self.asm.jump(no)
            }
            Text::Comm(place) => {
                let comm = self.comm(*place)?;
                let mut wanted = literal.to_vec();
                if whole {
                    // It is zeroed behind its NUL, so whole words can be compared.
                    wanted.resize((literal.len() + 1).next_multiple_of(8), 0);
                }
                self.compare_bytes(FP, comm, &wanted, no);
                self.asm.jump(yes);
            }
            Text::Variable(slot) => {
                let mut wanted = literal.to_vec();
                wanted.extend(whole.then_some(0));
                self.asm.map(R2, MapRef::Variables { offset: slot.0 });
                self.compare_bytes(R2, 0, &wanted, no);
                self.asm.jump(yes);
            }
            Text::Read {
                space,
                address,
                capacity,
            } => {
                self.value(address)?;
                self.compare_memory(*space, literal, whole, (*capacity).into(), no)?;
                self.asm.jump(yes);
            }
        }
        self.release(mark);
        Ok(())
    }

    /// Goes on when the string at r0, cut to `capacity` with its NUL, is (or begins with) `literal`; else jumps to `no`.
    /// No more of it is read than that takes.
    fn compare_memory(
        &mut self,
        space: Space,
        literal: &[u8],
        whole: bool,
        capacity: usize,
        no: Label,
    ) -> Done {
        let longest = capacity.saturating_sub(1);
        let too_long = literal.len() > longest;
        let mut wanted = literal[..literal.len().min(longest)].to_vec();
        if whole && wanted.len() < longest {
            wanted.push(0);
        }
        let mark = self.mark();
        let address = match wanted.len() {
            0..=CHUNK => None,
            _ => Some(self.reserve(8)?),
        };
        if let Some(address) = address {
            self.asm.store(8, FP, address, R0);
        }
        // One byte more than is compared, for the NUL that the helper puts behind what it cuts.
        let room = wanted.len().min(CHUNK) as u16 + 1;
        let buffer = self.reserve(room.into())?;
        let chunks = wanted.chunks(CHUNK);
        // Where there is nothing to compare, whether it can be read is still to be seen.
        for (at, chunk) in chunks
            .chain(wanted.is_empty().then_some(&[][..]))
            .enumerate()
        {
            if let Some(address) = address
                && at > 0
            {
                self.asm.load(8, R0, FP, address);
                self.asm.alu(Alu::Add, R0, (at * CHUNK) as i32);
            }
            self.read_string(space, FP, buffer, (chunk.len() as u16 + 1).max(2));
            self.compare_bytes(FP, buffer, chunk, no);
        }
        if too_long {
            self.asm.jump(no);
        }
        self.release(mark);
        Ok(())
    }

    /// Goes on when the bytes are those; else jumps to `no`.
    fn compare_bytes(&mut self, base: Reg, offset: i16, mut wanted: &[u8], no: Label) {
        let mut at = offset;
        while !wanted.is_empty() {
            let count = [8, 4, 2]
                .into_iter()
                .find(|count| *count <= wanted.len())
                .unwrap_or(1);
            let (word, rest) = wanted.split_at(count);
            let value = word_of(word);
            self.asm.load(count as u8, R0, base, at);
            match immediate(value) {
                Some(imm) => self.asm.jump_if(When::Ne, R0, imm, no),
                None => {
                    self.asm.constant(R1, value);
                    self.asm.jump_if(When::Ne, R0, R1, no);
                }
            }
            at += count as i16;
            wanted = rest;
        }
    }
}
