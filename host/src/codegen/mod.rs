//! Typed expression → eBPF instructions: the bodies of the library's holes.

use crate::expr::tree::SetId;
use aya_obj::generated::bpf_insn;

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
}

/// A map that generated code refers to; the linker knows the file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// A script's set.
    Set(SetId),
    /// The pids that `-p` and `-c` trace: a hash of u64.
    Target,
    /// Byte `offset` of the value of the script's control words.
    Control { offset: u32 },
    /// Byte `offset` of the value of the script's variables.
    Variables { offset: u32 },
    /// The tables of a pattern of `like`: byte `offset` of this code's own pattern value.
    Patterns { offset: u32 },
}
