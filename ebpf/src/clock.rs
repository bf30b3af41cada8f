//! The time of a run.

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use moontrace_abi::State;

/// CLOCK_MONOTONIC in ns, read once a run: a record's time is the `time` of its conditions.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_time(state: *mut State) -> u64 {
    // SAFETY: `state` is the entry program's; the helper has no preconditions.
    unsafe {
        if (*state).time == 0 {
            (*state).time = bpf_ktime_get_ns();
        }
        (*state).time
    }
}
