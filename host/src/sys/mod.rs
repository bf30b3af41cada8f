//! bpf(2), perf and tracefs calls: thin and safe.

pub mod mapped_file;
pub mod tracefs;
