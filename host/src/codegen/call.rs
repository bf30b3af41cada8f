//! Calls that are under way: what they are told apart by, and what is kept of their beginning.

use super::function::{Failure, Function};
use super::instruction::{Alu, Helper, R0, R1, R6, R7, R8};
use super::weights::Root;
use super::{Code, Target};
use crate::expr::tree::Part;
use crate::report::Report;
use moontrace_abi::State;

/// What tells a call apart from all others at its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKey {
    /// The thread: it makes one at a time.
    Thread,
    /// Where its frame is on the stack: the register that stands at `pointer` in the context, less the bytes `above`. A stack
    /// of the kernel's is one thread's, a program's has its thread beside it.
    Stack {
        pointer: i16,
        above: i32,
        of_thread: bool,
    },
    /// The address of the context, which stands in the call's own frame.
    Context,
    /// The address of the word that the kernel keeps of each call of a session: what this function of the kernel gives.
    Word(u32),
}

/// The body of `frame(ctx, state, out)`: a call's key, three words: thread, frame, site. `first` is the number of the
/// program's first site: programs whose calls are in one map have none in common.
pub fn frame(key: CallKey, first: u32, target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(target, [], true, Failure::Own)?;
    let asm = &mut function.asm;
    match key {
        CallKey::Thread
        | CallKey::Stack {
            of_thread: true, ..
        } => {
            asm.helper(Helper::PidTgid);
            asm.store(8, R8, 0, R0);
        }
        CallKey::Stack { .. } | CallKey::Context | CallKey::Word(_) => asm.store(8, R8, 0, 0),
    }
    match key {
        CallKey::Thread => asm.store(8, R8, 8, 0),
        CallKey::Stack { pointer, above, .. } => {
            asm.load(8, R0, R6, pointer);
            asm.alu(Alu::Sub, R0, above);
            asm.store(8, R8, 8, R0);
        }
        CallKey::Context => asm.store(8, R8, 8, R6),
        CallKey::Word(function) => {
            asm.mov(R1, R6);
            asm.kernel_function(function);
            asm.store(8, R8, 8, R0);
        }
    }
    asm.load(8, R0, R7, State::COOKIE);
    asm.alu(Alu::Add, R0, first as i32);
    asm.store(8, R8, 16, R0);
    asm.exit(0);
    function.finish()
}

/// The body of `stash(ctx, state, out)`: what is kept of a call's beginning, all of its bytes. A word comes first, with a bit
/// for each part that could not be read, which is zeros then.
pub fn stash(kept: &[Part], target: &Target) -> Result<Code, Report> {
    let roots = kept.iter().map(Root::from);
    let mut function = Function::new(target, roots, true, Failure::Own)?;
    function.asm.store(8, R8, 0, 0);
    let mut offset = 8;
    for (number, part) in kept.iter().enumerate() {
        function.fault = function.asm.label();
        function.part(part, R8, offset as i16)?;
        function.unless_read(number, (offset as i16, part.size()));
        offset += part.size();
    }
    function.asm.exit(0);
    function.finish()
}

impl Function<'_> {
    /// What could not be read is marked, and zeroed.
    fn unless_read(&mut self, number: usize, (offset, bytes): (i16, u32)) {
        if !self.asm.is_used(self.fault) {
            return;
        }
        let (fault, end) = (self.fault, self.asm.label());
        self.asm.jump(end);
        self.asm.bind(fault);
        self.asm.load(8, R0, R8, 0);
        self.asm.alu(Alu::Or, R0, 1 << number);
        self.asm.store(8, R8, 0, R0);
        self.clear(R8, offset, bytes);
        self.asm.bind(end);
    }
}
