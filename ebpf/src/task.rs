//! The running thread, as moontrace's own pid namespace numbers it.

use aya_ebpf::bindings::bpf_pidns_info;
use aya_ebpf::helpers::generated::bpf_get_ns_current_pid_tgid;

/// Process in the upper 32 bits, thread in the lower; 0 for a thread that the namespace does not have.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_task(device: u64, inode: u64) -> u64 {
    let mut ids = bpf_pidns_info { pid: 0, tgid: 0 };
    // SAFETY: the helper fills the 8 bytes it is told of.
    let failed = unsafe {
        bpf_get_ns_current_pid_tgid(
            device,
            inode,
            &raw mut ids,
            size_of::<bpf_pidns_info>() as u32,
        )
    };
    if failed != 0 {
        0
    } else {
        u64::from(ids.tgid) << 32 | u64::from(ids.pid)
    }
}
