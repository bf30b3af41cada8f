//! Uprobes and uretprobes. The 1 leaves the event visible to a perf that records beside us.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: `struct pt_regs` of the process.
#[unsafe(no_mangle)]
#[unsafe(link_section = "uprobe")]
pub(crate) extern "C" fn mt_uprobe(ctx: *mut c_void) -> u32 {
    hit(ctx);
    1
}
