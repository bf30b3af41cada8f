//! bpf(2), perf and tracefs calls: thin and safe.

pub mod bpf;
pub mod child;
pub mod map;
pub mod mapping;
pub mod perf;
pub mod rcu;
pub mod signals;
