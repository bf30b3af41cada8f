//! bpf(2), perf and tracefs calls: thin and safe.

pub mod bounded;
pub mod bpf;
pub mod cgroup;
pub mod child;
pub mod clock;
pub mod confine;
pub mod cpu_clock;
pub mod links;
pub mod map;
pub mod mapped_file;
pub mod mapping;
pub mod mappings;
pub mod memory;
pub mod network;
pub mod notify;
pub mod open_files;
pub mod perf;
pub mod rcu;
pub mod scribe;
pub mod signals;
pub mod terminal;
pub mod tracefs;
pub mod trampoline;

/// An error of the kernel's own (include/linux/errno.h), which uprobes give for an instruction that they can't do in its
/// place.
pub const ENOTSUPP: i32 = 524;
