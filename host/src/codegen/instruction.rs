//! The machine: registers, operations, and instructions from their fields.

use aya_obj::generated::bpf_insn;

/// A register of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reg(pub(super) u8);

pub(super) const R0: Reg = Reg(0);
pub(super) const R1: Reg = Reg(1);
pub(super) const R2: Reg = Reg(2);
pub(super) const R3: Reg = Reg(3);
pub(super) const R4: Reg = Reg(4);
pub(super) const R5: Reg = Reg(5);
pub(super) const R6: Reg = Reg(6);
pub(super) const R7: Reg = Reg(7);
pub(super) const R8: Reg = Reg(8);
pub(super) const R9: Reg = Reg(9);
/// The frame pointer; the stack lies below it.
pub(super) const FP: Reg = Reg(10);

/// Operations on 64 bits; the discriminant is the operation's part of the opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    /// Without sign, as `Mod`.
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Shl = 0x60,
    Shr = 0x70,
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
    /// Fills with the sign.
    Sar = 0xc0,
}

/// When a jump is taken; the discriminant is the operation's part of the opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Eq = 0x10,
    Gt = 0x20,
    Ge = 0x30,
    Ne = 0x50,
    SignedGt = 0x60,
    SignedGe = 0x70,
    Lt = 0xa0,
    Le = 0xb0,
    SignedLt = 0xc0,
    SignedLe = 0xd0,
}

impl When {
    pub(super) fn not(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::SignedGt => Self::SignedLe,
            Self::SignedLe => Self::SignedGt,
            Self::SignedGe => Self::SignedLt,
            Self::SignedLt => Self::SignedGe,
        }
    }
}

/// What an operation takes beside its destination.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Reg(Reg),
    /// Widened to 64 bits by its sign.
    Imm(i32),
}

impl From<Reg> for Operand {
    fn from(register: Reg) -> Self {
        Self::Reg(register)
    }
}

impl From<i32> for Operand {
    fn from(value: i32) -> Self {
        Self::Imm(value)
    }
}

/// A constant as an operand where it fits: immediates have 32 bits and a sign.
pub(super) fn immediate(value: u64) -> Option<i32> {
    i32::try_from(value as i64).ok()
}

/// Helper functions of the kernel, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helper {
    MapLookup = 1,
    ProcessorId = 8,
    TailCall = 12,
    PidTgid = 14,
    UidGid = 15,
    Comm = 16,
    Task = 35,
    Cgroup = 80,
    ReadUser = 112,
    ReadKernel = 113,
    /// `bpf_get_current_task_btf`
    TypedTask = 158,
    ReadUserString = 114,
    ReadKernelString = 115,
    /// Since 5.15
    AttachCookie = 174,
}

pub(super) const CALL: u8 = 0x85;
pub(super) const EXIT: u8 = 0x95;
pub(super) const JUMP: u8 = 0x05;
/// The first of the two instructions that load 64 bits.
pub(super) const LOAD_64: u8 = 0x18;
/// In the source register of a call: of another function of the program.
pub(super) const PSEUDO_CALL: u8 = 1;
/// There: of a function of the kernel that is no helper, by its number in the kernel's BTF.
pub(super) const PSEUDO_KFUNC_CALL: u8 = 2;

/// An instruction from its fields.
pub(crate) fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> bpf_insn {
    bpf_insn {
        code,
        _bitfield_align_1: [],
        _bitfield_1: bpf_insn::new_bitfield_1(dst, src),
        off,
        imm,
    }
}

/// The size field of loads and stores.
pub(super) fn size(bytes: u8) -> u8 {
    match bytes {
        1 => 0x10,
        2 => 0x08,
        4 => 0x00,
        _ => 0x18,
    }
}
