//! Multi links and sessions of kprobes and uprobes. Kernels from 6.6 to 6.11 take a uprobe out when its program returns 1.

use crate::library::engine::hit;
use crate::library::holes::stack;
use core::ffi::c_void;

/// Its context: `struct pt_regs`.
#[unsafe(no_mangle)]
#[unsafe(link_section = "kprobe/multi")]
pub(crate) extern "C" fn mt_multi(ctx: *mut c_void) -> u32 {
    stack();
    hit(ctx);
    0
}

/// The same at both ends of calls. The 1 has the kernel spare a call's return.
#[unsafe(no_mangle)]
#[unsafe(link_section = "kprobe/session")]
pub(crate) extern "C" fn mt_session(ctx: *mut c_void) -> u32 {
    u32::from(hit(ctx) != 0)
}
