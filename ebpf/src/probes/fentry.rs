//! Kernel functions through BPF's trampoline, at entry (fentry) and at exit (fexit).

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: the function's arguments, 8 bytes each; at exit what it returned behind them. The kernel takes no
/// other answer than 0.
#[unsafe(no_mangle)]
#[unsafe(link_section = "fentry")]
pub(crate) extern "C" fn mt_fentry(ctx: *mut c_void) -> u32 {
    hit(ctx);
    0
}
