//! Uprobes and uretprobes. Each is an event of its own, which no perf beside us sees: the 0 spares a sample that nobody
//! reads, some 400 ns.

use crate::library::engine::hit;
use crate::library::holes::stack;
use core::ffi::c_void;

/// Its context: `struct pt_regs` of the process.
#[unsafe(no_mangle)]
#[unsafe(link_section = "uprobe")]
pub(crate) extern "C" fn mt_uprobe(ctx: *mut c_void) -> u32 {
    stack();
    hit(ctx);
    0
}
