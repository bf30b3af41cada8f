//! Strings, written into keys, records and the stack.

use super::MapRef;
use super::function::{Done, Function};
use super::instruction::{Alu, FP, Helper, R0, R1, R2, R3, R4, R7, Reg, When, immediate};
use crate::expr::tree::{Slot, Text};
use crate::expr::types::Space;
use moontrace_abi::limits::VARIABLE_STRING;

/// What a string is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Zeroed behind its NUL.
    Key,
    /// With its length (without the NUL) in r0.
    Record,
    /// To be compared: all bytes are something.
    Compare,
}

/// Where the bytes of a string are to be found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Stack(i16),
    Variable(Slot),
}

impl Function<'_> {
    /// Reads the string at r0, cut to `capacity`, without a note. r0 = its length with the NUL.
    pub(super) fn read_string(&mut self, space: Space, base: Reg, offset: i16, capacity: u16) {
        self.asm.mov(R3, R0);
        self.asm.mov(R2, i32::from(capacity.max(1)));
        self.point(R1, base, offset);
        self.asm.helper(match space {
            Space::Kernel => Helper::ReadKernelString,
            Space::User => Helper::ReadUserString,
        });
        self.asm.jump_if(When::SignedLt, R0, 0, self.fault);
    }

    /// Reads the string at r0, cut to `capacity`, which is noted. r0 = its length without the NUL.
    fn fetch_string(&mut self, space: Space, base: Reg, offset: i16, capacity: u16) {
        if !self.notes {
            return self.read_string(space, base, offset, capacity);
        }
        self.asm.mov(R4, R0);
        self.asm.mov(R3, i32::from(capacity.max(1)));
        self.point(R2, base, offset);
        self.asm.mov(R1, R7);
        self.asm.library(match space {
            Space::Kernel => "lib_string_kernel",
            Space::User => "lib_string_user",
        });
        self.asm.jump_if(When::SignedLt, R0, 0, self.fault);
    }

    /// Has a string's first `capacity` bytes somewhere; the caller releases what that takes of the stack.
    pub(super) fn place_text(
        &mut self,
        text: &Text,
        capacity: u16,
        purpose: Purpose,
    ) -> Done<Place> {
        match text {
            Text::Comm(place) => Ok(Place::Stack(self.comm(*place)?)),
            Text::Variable(slot) => Ok(Place::Variable(*slot)),
            _ => {
                let room = u32::from(capacity).next_multiple_of(8);
                let at = self.reserve(room)?;
                self.write_cut(text, FP, at, room, capacity, purpose)?;
                Ok(Place::Stack(at))
            }
        }
    }

    pub(super) fn point_at(&mut self, register: Reg, place: &Place) {
        match place {
            Place::Stack(offset) => self.point(register, FP, *offset),
            Place::Variable(slot) => self.asm.map(register, MapRef::Variables { offset: slot.0 }),
        }
    }

    /// Writes a string with its NUL to `base + offset`, where there are `room` bytes, whole words.
    pub(super) fn write_text(
        &mut self,
        text: &Text,
        base: Reg,
        offset: i16,
        room: u32,
        purpose: Purpose,
    ) -> Done {
        self.write_cut(text, base, offset, room, text.capacity(), purpose)
    }

    /// The same, cut to `capacity` bytes with its NUL.
    fn write_cut(
        &mut self,
        text: &Text,
        base: Reg,
        offset: i16,
        room: u32,
        capacity: u16,
        purpose: Purpose,
    ) -> Done {
        match text {
            Text::Literal(bytes) => {
                let bytes = until_nul(bytes);
                let bytes = &bytes[..bytes.len().min(usize::from(capacity.saturating_sub(1)))];
                self.write_bytes(
                    base,
                    offset,
                    bytes,
                    if purpose == Purpose::Record { 0 } else { room },
                );
                if purpose == Purpose::Record {
                    self.asm.mov(R0, bytes.len() as i32);
                }
            }
            Text::Comm(place) => {
                self.write_comm(*place, base, offset);
                match purpose {
                    Purpose::Record => self.length_of_comm(base, offset),
                    _ => self.clear(base, offset + 16, room.saturating_sub(16)),
                }
            }
            Text::Read {
                space,
                address,
                capacity: own,
            } => {
                if purpose != Purpose::Record {
                    self.clear(base, offset, room);
                }
                self.value(address)?;
                self.fetch_string(*space, base, offset, capacity.min(*own));
            }
            Text::Variable(slot) => {
                if purpose != Purpose::Record {
                    self.clear(base, offset, room);
                }
                self.asm.map(R0, MapRef::Variables { offset: slot.0 });
                self.fetch_string(
                    Space::Kernel,
                    base,
                    offset,
                    capacity.min(VARIABLE_STRING as u16),
                );
            }
            Text::Select(condition, a, b) => {
                let (other, end) = (self.asm.label(), self.asm.label());
                self.condition(condition, other, false)?;
                self.write_cut(a, base, offset, room, capacity, purpose)?;
                self.asm.jump(end);
                self.asm.bind(other);
                self.write_cut(b, base, offset, room, capacity, purpose)?;
                self.asm.bind(end);
            }
        }
        Ok(())
    }

    /// Writes bytes and a NUL, and zeroes up to `room`.
    fn write_bytes(&mut self, base: Reg, offset: i16, bytes: &[u8], room: u32) {
        let mut padded = bytes.to_vec();
        padded.resize((bytes.len() + 1).next_multiple_of(8).max(room as usize), 0);
        for (at, word) in padded.chunks(8).enumerate() {
            let (to, value) = (offset + 8 * at as i16, word_of(word));
            match immediate(value) {
                Some(imm) => self.asm.store(8, base, to, imm),
                None => {
                    self.asm.constant(R1, value);
                    self.asm.store(8, base, to, R1);
                }
            }
        }
    }

    /// r0 = the length of 16 bytes that are zeroed behind their NUL: where the last byte lies that isn't 0.
    fn length_of_comm(&mut self, base: Reg, offset: i16) {
        let (word, none) = (self.asm.label(), self.asm.label());
        self.asm.mov(R0, 8);
        self.asm.load(8, R1, base, offset + 8);
        self.asm.jump_if(When::Ne, R1, 0, word);
        self.asm.mov(R0, 0);
        self.asm.load(8, R1, base, offset);
        self.asm.jump_if(When::Eq, R1, 0, none);
        self.asm.bind(word);
        for bytes in [4, 2, 1] {
            let low = self.asm.label();
            self.asm.mov(R2, R1);
            self.asm.alu(Alu::Shr, R2, 8 * bytes);
            self.asm.jump_if(When::Eq, R2, 0, low);
            self.asm.alu(Alu::Add, R0, bytes);
            self.asm.mov(R1, R2);
            self.asm.bind(low);
        }
        self.asm.alu(Alu::Add, R0, 1);
        self.asm.bind(none);
    }
}

/// A string ends at its first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Up to 8 bytes as the machine loads them.
pub(super) fn word_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}
