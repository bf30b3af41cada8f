//! Kprobes and kretprobes. The 1 leaves the event visible to a perf that records beside us.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: `struct pt_regs`.
#[unsafe(no_mangle)]
#[unsafe(link_section = "kprobe")]
pub(crate) extern "C" fn mt_kprobe(ctx: *mut c_void) -> u32 {
    hit(ctx);
    1
}
