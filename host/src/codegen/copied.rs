//! Structs and arrays, copied into a record as they lie.

use super::function::{Done, Function};
use super::instruction::{Alu, Helper, R0, R1, R2, R3, R7, R8, R9, Reg, When};
use crate::expr::Origin;
use crate::expr::tree::Node;
use crate::expr::types::Space;
use crate::report::Report;
use moontrace_abi::limits::RECORD;
use moontrace_abi::{Note, State};

impl Function<'_> {
    /// Copies to `slot` of the record, or behind what a long one has so far; r0 = the span of what is there. Nothing
    /// waits yet.
    pub(super) fn copied(&mut self, origin: &Origin, slot: Option<u32>) -> Done {
        match (origin, slot) {
            (
                Origin::At {
                    space,
                    address,
                    sizes,
                },
                Some(slot),
            ) => self.copy_first(*space, address, sizes, slot),
            (
                Origin::Counted {
                    space,
                    address,
                    bytes,
                    most,
                },
                slot,
            ) => {
                self.count(bytes, *most)?;
                self.value(address)?;
                match slot {
                    Some(slot) => self.copy_counted(*space, slot),
                    None => self.append_counted(*space),
                }
                Ok(())
            }
            (Origin::At { .. } | Origin::Words(_), None) => {
                Err(Report::new("a struct has no place in its record"))
            }
            (Origin::Words(words), Some(slot)) => {
                for (number, word) in words.iter().enumerate() {
                    self.value(word)?;
                    self.asm.store(8, R8, (slot + 8 * number as u32) as i16, R0);
                }
                self.span(slot, 8 * words.len() as u32);
                Ok(())
            }
        }
    }

    /// The first of some lengths that can be read. (The helper zeroes what it could not read.) Of what a pointer leads to,
    /// whose length isn't known, a null pointer is an answer: nothing.
    fn copy_first(&mut self, space: Space, address: &Node, sizes: &[u32], slot: u32) -> Done {
        let (done, null) = (self.asm.label(), self.asm.label());
        for (number, size) in sizes.iter().enumerate() {
            let shorter = self.asm.label();
            let last = number + 1 == sizes.len();
            self.value(address)?;
            if number == 0 && !last {
                self.asm.jump_if(When::Eq, R0, 0, null);
            }
            self.asm.mov(R3, R0);
            self.asm.mov(R2, *size as i32);
            self.point(R1, R8, slot as i16);
            self.asm.helper(read_helper(space));
            let failed = if last { self.fault } else { shorter };
            self.asm.jump_if(When::Ne, R0, 0, failed);
            self.span(slot, *size);
            if !last {
                self.asm.jump(done);
                self.asm.bind(shorter);
            }
        }
        if self.asm.is_used(null) {
            self.asm.jump(done);
            self.asm.bind(null);
            self.span(slot, 0);
        }
        self.asm.bind(done);
        Ok(())
    }

    /// A number of bytes waits in r9, which no call changes: the verifier knows its bounds there on every kernel.
    fn count(&mut self, bytes: &Node, most: u32) -> Done {
        let fits = self.asm.label();
        self.value(bytes)?;
        self.asm.jump_if(When::Le, R0, most as i32, fits);
        self.note(Note::Truncated);
        self.asm.mov(R0, most as i32);
        self.asm.bind(fits);
        self.wait()
    }

    /// Copies what is at r0 to a slot, as many bytes as wait.
    fn copy_counted(&mut self, space: Space, slot: u32) {
        self.asm.mov(R3, R0);
        self.resume(R2);
        self.point(R1, R8, slot as i16);
        self.copy(space);
        self.asm.mov(R0, R9);
        self.asm.alu(Alu::Shl, R0, 16);
        self.asm.alu(Alu::Or, R0, slot as i32);
    }

    /// The same behind what a long record has so far: its slot of the scratch has room for a longest string there.
    fn append_counted(&mut self, space: Space) {
        self.asm.mov(R3, R0);
        self.resume(R2);
        self.tail(R1);
        self.asm.alu(Alu::Add, R1, R8);
        self.copy(space);
        self.tail(R0);
        self.asm.mov(R1, R0);
        self.asm.alu(Alu::Add, R1, R9);
        self.asm.store(8, R7, State::TAIL, R1);
        self.asm.mov(R1, R9);
        self.asm.alu(Alu::Shl, R1, 16);
        self.asm.alu(Alu::Or, R0, R1);
    }

    /// register = where a long record ends so far.
    fn tail(&mut self, register: Reg) {
        self.asm.load(8, register, R7, State::TAIL);
        self.asm.alu(Alu::And, register, RECORD as i32 - 1);
    }

    /// Copies r2 bytes from r3 to r1.
    fn copy(&mut self, space: Space) {
        self.asm.helper(read_helper(space));
        self.asm.jump_if(When::Ne, R0, 0, self.fault);
    }

    /// r0 = the span of `size` bytes at `slot`.
    fn span(&mut self, slot: u32, size: u32) {
        self.asm.constant(R0, u64::from(size << 16 | slot));
    }
}

fn read_helper(space: Space) -> Helper {
    match space {
        Space::Kernel => Helper::ReadKernel,
        Space::User => Helper::ReadUser,
    }
}
