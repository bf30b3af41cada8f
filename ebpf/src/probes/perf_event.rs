//! Profile and interval: perf's clock events. The 1 leaves the event visible to a perf that records beside us.

use crate::library::engine::hit;
use core::ffi::c_void;

/// Its context: `struct bpf_perf_event_data`.
#[unsafe(no_mangle)]
#[unsafe(link_section = "perf_event")]
pub(crate) extern "C" fn mt_perf_event(ctx: *mut c_void) -> u32 {
    hit(ctx);
    1
}
