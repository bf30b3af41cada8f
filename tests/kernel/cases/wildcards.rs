//! Patterns of kernel functions: each function counted, in whatever way they are attached.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;
use serde_json::{Value, json};

cases!(wildcards:
    each_function_in_one_link [Kprobes, KprobeMulti],
    one_link_counts_what_single_probes_count [Kprobes],
    one_link_counts_what_single_return_probes_count [Kprobes],
    functions_that_take_no_probe_are_left_out [Kprobes],
);

const READS: i64 = 40;
/// The worker waits for its next line when it has said that it is done: such a read is begun soon, but when is open.
const NO_TALK: &str = "arg2 ~= 8192";

fn reading() -> Worker {
    Worker::start(&["read", "/proc/self/status", "100", &READS.to_string()])
}

fn each_function_in_one_link() {
    let code = format!(r#"probe "kprobe:vfs_*":where "{NO_TALK}":by "func":name "calls":count()"#);
    let outcome = reading().traced(&code, &["-v"]);
    assert_eq!(reads(&outcome), READS, "{outcome:?}");
    assert_eq!(
        outcome.column("calls", ("func", "vfs_write"), "count"),
        1,
        "{outcome:?}"
    );
    assert!(
        outcome.stderr.contains("one link for all of them"),
        "{outcome:?}"
    );
}

fn one_link_counts_what_single_probes_count() {
    let code = format!(r#"probe "kprobe:vfs_*":where "{NO_TALK}":by "func":name "calls":count()"#);
    let counts = counted_both_ways(&code, reading());
    assert!(
        counts.contains(&json!({"func": "vfs_read", "count": READS})),
        "{counts:?}"
    );
}

/// Functions that return soon: before 6.1, only as many calls as there are CPUs may be under way at once, and reads of
/// pipes would take them all.
fn one_link_counts_what_single_return_probes_count() {
    let code = r#"probe "kretprobe:vfs_{open,write,get*,fs*}":by "func":name "calls":count()"#;
    let opening = Worker::start(&["open", "/dev/null", &READS.to_string()]);
    let counts = counted_both_ways(code, opening);
    assert!(
        counts.contains(&json!({"func": "vfs_open", "count": READS})),
        "{counts:?}"
    );
}

/// Two runs trace the same process at the same time, the second with `--attach exact`.
fn counted_both_ways(code: &str, mut worker: Worker) -> Vec<Value> {
    let pid = worker.pid().to_string();
    let cheapest = Trace::with(code, &["-p", &pid]).start();
    let exact = Trace::with(code, &["-p", &pid, "--attach", "exact"]).start();
    worker.go();
    let (cheapest, exact) = (cheapest.stop(), exact.stop());
    cheapest.is_well();
    exact.is_well();
    let counts = exact.rows("calls").to_vec();
    let sorted = |rows: &[Value]| -> Vec<String> {
        let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(sorted(cheapest.rows("calls")), sorted(&counts));
    counts
}

fn reads(outcome: &Outcome) -> i64 {
    outcome.column("calls", ("func", "vfs_read"), "count")
}

/// The entries of exceptions are what kprobes themselves stand on.
fn functions_that_take_no_probe_are_left_out() {
    let functions = "vfs_rea?,exc_page_fault,vfs_write,exc_divide_error";
    let code = format!(
        r#"probe "kprobe:{{{functions}}}":where "{NO_TALK}":by "func":name "calls":count()"#
    );
    let outcome = reading().traced(&code, &[]);
    assert_eq!(reads(&outcome), READS, "{outcome:?}");
    assert_eq!(
        outcome.column("calls", ("func", "vfs_write"), "count"),
        1,
        "{outcome:?}"
    );
    // The blacklist has them; where that can't be read, the refusal says as much.
    let told = ["2 blacklisted", "2 notrace"];
    let told = told.map(|why| format!("attached 2 of 4 (2 skipped: {why})"));
    assert!(
        told.iter().any(|told| outcome.stderr.contains(told)),
        "{outcome:?}"
    );
}
