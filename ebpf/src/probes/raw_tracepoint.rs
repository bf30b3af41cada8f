//! Raw tracepoints: the arguments that the kernel passes to a tracepoint, before any record is made of them.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: up to 12 words of 8 bytes.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn mt_raw_tracepoint(ctx: *mut c_void) -> u32 {
    hit(ctx);
    0
}
