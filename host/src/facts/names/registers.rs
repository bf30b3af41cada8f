//! Where `struct pt_regs` of x86_64 has arguments (arch/x86/include/asm/ptrace.h): offsets in bytes.

/// Of a function: di, si, dx, cx, r8, r9. Further ones are on the stack.
pub(super) const FUNCTION: [i16; 6] = [112, 104, 96, 88, 72, 64];
/// Of a system call: di, si, dx, r10, r8, r9.
pub(super) const SYSTEM_CALL: [i16; 6] = [112, 104, 96, 56, 72, 64];
/// ax: what was returned.
pub(super) const RETURNED: i16 = 80;
/// orig_ax: a system call's number, still there when it returns.
pub(super) const NUMBER: i16 = 120;
/// sp: the return address, then the arguments that have no register.
pub const STACK: i16 = 152;
