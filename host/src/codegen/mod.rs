//! Typed expression → eBPF instructions: the bodies of the library's holes.
//!
//! No optimiser and no allocator beyond this: the accumulator is r0; r1 to r5 are scratch within one operation; r6 is
//! the context, r7 the state, r8 the output. A value that waits for another goes into r9, then onto the stack; of two
//! operands the one with more waiting values goes first (Sethi–Ullman), so that n leaves need at most log2(n) of them.
//! Conditions are jumps, so they stop early and leave nothing behind for the verifier to track.

mod arithmetic;
mod asm;
mod call;
mod columns;
mod composed;
mod condition;
mod cookie;
mod copied;
mod current;
mod equality;
mod function;
mod holes;
mod instruction;
mod list;
mod pattern;
mod record;
mod span;
mod stacks;
mod text;
mod value;
mod weights;

pub use call::{CallKey, frame, stash};
pub use columns::columns;
pub use cookie::{attach_cookie, cookie};
pub use holes::{constant, guard, kernel_function, key, measure, member, own_stack, steps};
pub use record::{FieldValue, record};
pub use span::{LookUp, Step, StoredPart, Then, fields, span_key};

pub(crate) use instruction::insn;

use crate::expr::tree::{SetId, SpanId, TARGET};
use aya_obj::generated::bpf_insn;

/// Bytes of stack that a generated function may take: what 512 leave behind the deepest entry of the library.
pub const STACK: u32 = 352;
/// The same for `key` and `measure` of an action that keeps key and measured values on its own stack.
pub const SMALL_STACK: u32 = 176;

/// What of the machine the code depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Device and inode of moontrace's pid namespace, when that isn't the first one: pid and tid are its numbers.
    pub pid_namespace: Option<(u64, u64)>,
}

/// A generated function: what the linker puts in place of a hole.
#[derive(Clone, Default)]
pub struct Code {
    pub insns: Vec<bpf_insn>,
    /// Calls of library functions: (instruction, function's name).
    pub calls: Vec<(usize, &'static str)>,
    /// Addresses of maps: (the first instruction of an `ld_imm64`, which map).
    pub maps: Vec<(usize, MapRef)>,
    /// The values that [`MapRef::Patterns`] points into.
    pub patterns: Vec<u64>,
    /// What the verifier's log and bug reports call it: `:where 'pid == 3' @ opensnoop.lua:4`.
    pub label: String,
    /// Parts with a label of their own: (first instruction, label).
    pub lines: Vec<(usize, String)>,
    /// Bytes of stack that it takes; more than [`SMALL_STACK`] in a key or a measure wants the action for long ones.
    pub stack: u32,
}

impl Code {
    /// Does it have strings composed in the run's scratch?
    pub fn composes(&self) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|(_, name)| composed::COMPOSERS.contains(name))
    }

    /// Does it take so much stack, itself or by what it calls, that an action keeps nothing of its own there?
    pub fn is_deep(&self) -> bool {
        self.stack > SMALL_STACK || self.composes()
    }
}

/// A map that generated code refers to; the linker knows the file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// A script's set.
    Set(SetId),
    /// A script's span.
    Span(SpanId),
    /// The pids that `-p` and `-c` trace: a hash of u64.
    Target,
    /// Byte `offset` of the value of the script's control words.
    Control { offset: u32 },
    /// Byte `offset` of the value of the script's variables.
    Variables { offset: u32 },
    /// The tables of a pattern of `like` and the like: byte `offset` of this code's own pattern value.
    Patterns { offset: u32 },
}

impl MapRef {
    /// The map that a set's members lie in.
    pub fn of_set(set: SetId) -> Self {
        match set {
            TARGET => Self::Target,
            set => Self::Set(set),
        }
    }
}
