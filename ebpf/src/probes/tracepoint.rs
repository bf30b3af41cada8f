//! Tracepoints through perf: the record that the event's format describes. The 1 leaves the event visible to a perf that records beside us.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: that record, its first 8 bytes out of reach.
#[unsafe(no_mangle)]
#[unsafe(link_section = "tracepoint")]
pub(crate) extern "C" fn mt_tracepoint(ctx: *mut c_void) -> u32 {
    hit(ctx);
    1
}
