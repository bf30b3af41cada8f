//! Kprobes and kretprobes. Each is an event of its own, which no perf beside us sees: the 0 spares a sample that nobody
//! reads.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: `struct pt_regs`.
#[unsafe(no_mangle)]
#[unsafe(link_section = "kprobe")]
pub(crate) extern "C" fn mt_kprobe(ctx: *mut c_void) -> u32 {
    hit(ctx);
    0
}
