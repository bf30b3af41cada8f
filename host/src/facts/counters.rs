//! The kernel's counters, software and hardware: the names that bpftrace has for them, and how often they call by default.

/// A counter that calls a program each time it has counted so many.
#[derive(Debug, PartialEq, Eq)]
pub struct Counter {
    pub name: &'static str,
    /// A shorter name, empty where there is none.
    pub alias: &'static str,
    /// `config` of perf_event_attr: a number of `perf_sw_ids` or `perf_hw_id` (linux/perf_event.h).
    pub number: u64,
    /// Events (ns, of the clocks) between two calls when the SPEC does not say.
    pub period: u64,
}

/// Of the type PERF_TYPE_SOFTWARE: any machine has them.
pub const SOFTWARE: &[Counter] = &[
    counter("alignment-faults", "", 7, 1),
    counter("bpf-output", "", 10, 1),
    counter("context-switches", "cs", 3, 1_000),
    counter("cpu-clock", "cpu", 0, 1_000_000),
    counter("cpu-migrations", "", 4, 1),
    counter("dummy", "", 9, 1),
    counter("emulation-faults", "", 8, 1),
    counter("major-faults", "", 6, 1),
    counter("minor-faults", "", 5, 100),
    counter("page-faults", "faults", 2, 100),
    counter("task-clock", "", 1, 1),
];

/// Of the type PERF_TYPE_HARDWARE: they need a processor's performance monitoring unit.
pub const HARDWARE: &[Counter] = &[
    counter("backend-stalls", "", 8, 1_000_000),
    counter("branch-instructions", "branches", 4, 100_000),
    counter("branch-misses", "", 5, 100_000),
    counter("bus-cycles", "", 6, 100_000),
    counter("cache-misses", "", 3, 1_000_000),
    counter("cache-references", "", 2, 1_000_000),
    counter("cpu-cycles", "cycles", 0, 1_000_000),
    counter("frontend-stalls", "", 7, 1_000_000),
    counter("instructions", "", 1, 1_000_000),
    counter("ref-cycles", "", 9, 1_000_000),
];

const fn counter(name: &'static str, alias: &'static str, number: u64, period: u64) -> Counter {
    Counter {
        name,
        alias,
        number,
        period,
    }
}

impl Counter {
    /// Is this its name or its alias?
    pub fn is_called(&self, word: &str) -> bool {
        self.name == word || !self.alias.is_empty() && self.alias == word
    }
}
