//! What programs and maps may do on this kernel, where kernels that moontrace runs on differ.

use crate::plan::Attachment;
use crate::sys::map::NO_PREALLOC;

/// The default is what the newest kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Atomic instructions that give a result (5.12).
    pub atomic_results: bool,
    /// Hash maps that take memory for an entry when it is made (5.10 refuses them to programs at perf events, and before
    /// 6.1 a program that adds an entry may wait for a lock of the allocator that it has interrupted).
    pub late_allocation: bool,
    /// A program at a raw tracepoint is skipped while it is under way on that CPU (6.1; kernel/trace/bpf_trace.c,
    /// `__bpf_trace_run`).
    pub alone_at_raw_tracepoints: bool,
    /// The same of fentry and fexit (5.12; kernel/bpf/trampoline.c, `__bpf_prog_enter_recur`).
    pub alone_at_functions: bool,
}

/// Functions of the library, and those that stand in their place on kernels without [`Abilities::atomic_results`].
pub(super) const WITHOUT_ATOMIC_RESULTS: [(&str, &str); 3] = [
    ("lib_claim", "lib_claim_by_adding"),
    ("lib_release", "lib_release_by_adding"),
    ("lib_raise", "lib_raise_plainly"),
];

impl Default for Abilities {
    fn default() -> Self {
        Self {
            atomic_results: true,
            late_allocation: true,
            alone_at_raw_tracepoints: true,
            alone_at_functions: true,
        }
    }
}

impl Abilities {
    /// Those of a kernel's version, its first two numbers.
    pub fn of(version: (u32, u32)) -> Self {
        Self {
            atomic_results: version >= (5, 12),
            late_allocation: version >= (6, 1),
            alone_at_raw_tracepoints: version >= (6, 1),
            alone_at_functions: version >= (5, 12),
        }
    }

    /// Is a program that hangs there never run while it is under way on the same CPU, be it interrupted or preempted? The
    /// kernel skips it then, and counts it as missed.
    pub(super) fn is_alone(self, attachment: &Attachment) -> bool {
        match attachment {
            Attachment::RawTracepoint { .. } => self.alone_at_raw_tracepoints,
            Attachment::Fentry { .. } => self.alone_at_functions,
            // No BPF program of perf's is run while one is (kernel/trace/bpf_trace.c, `trace_call_bpf` and
            // `kprobe_multi_link_prog_run`; kernel/events/core.c, `bpf_overflow_handler`).
            Attachment::Tracepoint { .. }
            | Attachment::Kprobe { .. }
            | Attachment::KprobeMulti { .. }
            | Attachment::Profile(_)
            | Attachment::Interval { .. }
            | Attachment::Software(_)
            | Attachment::Hardware(_) => true,
            // Since 6.0 programs at them are preempted, and not skipped.
            Attachment::Uprobe { .. } | Attachment::UprobeMulti { .. } => false,
            Attachment::Each(all) => all.iter().all(|one| self.is_alone(one)),
        }
    }

    /// Flags of a hash map: room for an entry is made when it is added, where programs may.
    pub(super) fn hash_flags(self) -> u32 {
        if self.late_allocation { NO_PREALLOC } else { 0 }
    }
}
