//! bpf(2), perf and tracefs calls: thin and safe.
