//! What programs and maps may do on this kernel, where kernels that moontrace runs on differ.

/// The default is what the newest kernels can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Atomic instructions that give a result (5.12).
    pub atomic_results: bool,
    /// Hash maps that take memory for an entry when it is made (5.10 refuses them to programs at perf events, and before
    /// 6.1 a program that adds an entry may wait for a lock of the allocator that it has interrupted).
    pub late_allocation: bool,
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
        }
    }
}

impl Abilities {
    /// Those of a kernel's version, its first two numbers.
    pub fn of(version: (u32, u32)) -> Self {
        Self {
            atomic_results: version >= (5, 12),
            late_allocation: version >= (6, 1),
        }
    }

    /// Flags of a hash map: room for an entry is made when it is added, where programs may.
    pub(super) fn hash_flags(self) -> u32 {
        /// `BPF_F_NO_PREALLOC` of include/uapi/linux/bpf.h.
        const NO_PREALLOC: u32 = 1;
        if self.late_allocation { NO_PREALLOC } else { 0 }
    }
}
