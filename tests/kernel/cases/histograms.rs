//! Power-of-two histograms, negative values included.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;
use serde_json::{Value, json};

cases!(histograms: of_return_values, of_vfs_read [Kprobes], of_arguments_at_a_kprobe [Kprobes]);

/// Reads a directory 6 times (EISDIR), 100 bytes of a file 9 times and nothing 4 times, under `code`.
fn traced_reads(code: &str) -> Outcome {
    let mut failing = Worker::start(&["as", "mt-hist", "read", "/proc", "10", "6"]);
    let mut reading = Worker::start(&["as", "mt-hist", "read", "/proc/self/status", "100", "9"]);
    let mut empty = Worker::start(&["as", "mt-hist", "read", "/dev/null", "100", "4"]);
    let tracing = Trace::of(code).start();
    failing.go();
    reading.go();
    empty.go();
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

fn buckets(outcome: &Outcome, name: &str, column: &str) -> Value {
    let [row] = outcome.rows(name) else {
        panic!("not one row: {outcome:?}")
    };
    row[column]["buckets"].clone()
}

fn expected() -> Value {
    json!([
        {"min": null, "max": -1, "count": 6},
        {"min": 0, "max": 0, "count": 4},
        {"min": 64, "max": 127, "count": 9},
    ])
}

fn of_return_values() {
    let code = r#"probe "tracepoint:syscalls:sys_exit_pread64":where 'comm == "mt-hist"':name "sizes":hist "retval""#;
    assert_eq!(buckets(&traced_reads(code), "sizes", "hist"), expected());
}

/// The workload's own talk goes through `vfs_read`, too (one byte or a few a line, from pipes): files are told by the size
/// that is asked for.
fn of_vfs_read() {
    let code = r#"probe "kretprobe:vfs_read":where 'comm == "mt-hist" and (retval == 100 or retval <= 0)':name "sizes":hist "retval""#;
    assert_eq!(buckets(&traced_reads(code), "sizes", "hist"), expected());
}

fn of_arguments_at_a_kprobe() {
    let code = r#"probe "kprobe:vfs_read":where 'comm == "mt-hist" and (arg2 == 100 or arg2 == 10)':name "asked":hist "args.count""#;
    let want = json!([{"min": 8, "max": 15, "count": 6}, {"min": 64, "max": 127, "count": 13}]);
    assert_eq!(buckets(&traced_reads(code), "asked", "hist"), want);
}
