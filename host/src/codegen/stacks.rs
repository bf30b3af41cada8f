//! Stacks, and addresses with whose they are.

use super::asm::Asm;
use super::function::{Done, Function};
use super::instruction::{R0, R1, R2, R3, R4, R5, R6, R7, R8, Reg, When};
use crate::expr::tree::{Current, Kept, Node, Stack, Symbol};
use crate::expr::types::Int;
use moontrace_abi::stack::USER;

impl Function<'_> {
    /// Writes the id of a stack into a key, whose first word is the generation that it is written for. What can't be had
    /// ends the function with the outcome that it means.
    pub(super) fn stack_id(&mut self, stack: &Stack, base: Reg, offset: i16) -> Done {
        match stack.stored() {
            Some(kept) => self.stored_id(kept, base, offset),
            None => self.take_stack(stack, base, offset, |asm| asm.load(8, R3, base, 0)),
        }
    }

    /// The same into what a span stores: there the stacks have one generation.
    pub(super) fn stack_id_in_span(&mut self, stack: &Stack, base: Reg, offset: i16) -> Done {
        match stack.stored() {
            Some(kept) => self.stored_id(kept, base, offset),
            None => self.take_stack(stack, base, offset, |asm| asm.mov(R3, 0)),
        }
    }

    /// Copies the id of a stack that a span has stored.
    fn stored_id(&mut self, kept: Kept, base: Reg, offset: i16) -> Done {
        for word in [0, 8] {
            let kept = Kept {
                offset: kept.offset + word,
                ..kept
            };
            self.value(&Node::Kept(kept, Int::U64))?;
            self.asm.store(8, base, offset + word as i16, R0);
        }
        Ok(())
    }

    /// `generation` has it in r3.
    fn take_stack(
        &mut self,
        stack: &Stack,
        base: Reg,
        offset: i16,
        generation: impl FnOnce(&mut Asm),
    ) -> Done {
        self.process_of(stack, base, offset)?;
        self.asm.mov(R1, R6);
        self.asm.mov(R2, R7);
        generation(&mut self.asm);
        self.point(R4, base, offset);
        self.asm.mov(R5, what(stack));
        self.asm.library("lib_stack");
        let there = self.asm.label();
        self.asm.jump_if(When::Eq, R0, 0, there);
        self.asm.leave();
        self.asm.bind(there);
        Ok(())
    }

    /// Appends a stack to a record, in which its process and its span stand at `offset`.
    pub(super) fn stack_behind(&mut self, stack: &Stack, offset: i16) -> Done {
        self.process_of(stack, R8, offset)?;
        self.asm.mov(R1, R6);
        self.asm.mov(R2, R7);
        self.asm.mov(R3, R8);
        self.asm.mov(R4, what(stack));
        self.asm.library("lib_tail_stack");
        self.asm.store(4, R8, offset + 16, R0);
        Ok(())
    }

    /// Writes the two words that tell whose stack it is.
    fn process_of(&mut self, stack: &Stack, base: Reg, offset: i16) -> Done {
        if !stack.user {
            self.clear(base, offset, 16);
            return Ok(());
        }
        self.current(Current::Pid);
        self.asm.store(8, base, offset, R0);
        self.value(&stack.word)?;
        self.asm.store(8, base, offset + 8, R0);
        Ok(())
    }

    /// Writes an address, and the process that it is of.
    pub(super) fn symbol(&mut self, symbol: &Symbol, base: Reg, offset: i16) -> Done {
        self.value(&symbol.address)?;
        self.asm.store(8, base, offset, R0);
        if symbol.user {
            self.current(Current::Pid);
            self.asm.store(8, base, offset + 8, R0);
        } else {
            self.asm.store(8, base, offset + 8, 0);
        }
        Ok(())
    }
}

/// What the library is told of a stack.
fn what(stack: &Stack) -> i32 {
    let taken = Stack::taken(stack.user, stack.frames);
    i32::from(taken) | if stack.user { USER as i32 } else { 0 }
}
