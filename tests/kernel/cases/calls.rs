//! Returns are whole calls: what was passed, how long it took, what was true when they began.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};

cases!(calls: arguments_and_time_of_a_users_function, nested_calls_are_told_apart, time_of_a_system_call,
    of_many_system_calls, of_threads_that_come_and_go, what_was_true_at_the_beginning, of_a_kernel_function [Kprobes],
    of_many_kernel_functions [Kprobes], only_those_whose_beginning_was_seen);

fn arguments_and_time_of_a_users_function() {
    for exact in [&[][..], &["--attach", "exact"]] {
        let worker = Worker::start(&["call", "50"]);
        let code = format!(
            r#"probe "uretprobe:{}:moontrace_target":by "arg1":name "calls":tally "count(), sum(arg0), back = sum(retval), low = min(elapsed)""#,
            executable()
        );
        let outcome = worker.traced(&code, exact);
        let [row] = outcome.rows("calls") else {
            panic!("{outcome:?}")
        };
        let numbers = ["arg1", "count", "sum", "back"].map(|name| row[name].as_i64());
        assert_eq!(numbers, [Some(7), Some(50), Some(1225), Some(1225 - 350)]);
        assert!(row["low"].as_u64() > Some(0), "{row}");
        assert_eq!(outcome.books().lost, 0, "{outcome:?}");
    }
}

/// Each depth has its own beginning, and the outer takes longer than the inner.
fn nested_calls_are_told_apart() {
    let worker = Worker::start(&["recurse", "5", "20"]);
    let code = format!(
        r#"
        local took, wrong, calls = {{}}, 0, 0
        probe "uretprobe:{}:moontrace_recurse":on(function(e)
          calls = calls + 1
          if e.retval ~= e.arg0 * (e.arg0 + 1) // 2 then wrong = wrong + 1 end
          took[e.arg0] = e.elapsed
          if e.arg0 > 0 and e.elapsed <= took[e.arg0 - 1] then wrong = wrong + 1 end
        end)
        on_exit(function() printf("%d calls, %d wrong\n", calls, wrong) end)"#,
        executable()
    );
    let outcome = worker.traced(&code, &[]);
    assert_eq!(outcome.text(), "120 calls, 0 wrong\n", "{outcome:?}");
}

fn naps(outcome: &Outcome) {
    outcome.is_well();
    let [row] = outcome.rows("naps") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"].as_u64(), Some(10), "{outcome:?}");
    let (low, high) = (row["low"].as_u64().unwrap(), row["high"].as_u64().unwrap());
    assert!((1_000_000..=high).contains(&low), "{row}");
    assert!(high < 10_000_000_000, "{row}");
}

fn time_of_a_system_call() {
    for exact in [&[][..], &["--attach", "exact"]] {
        let mut worker = Worker::start(&["as", "mt-naps", "nap", "10"]);
        let code = r#"probe "tracepoint:syscalls:sys_exit_clock_nanosleep":where 'comm == "mt-naps"':name "naps":tally "count(), low = min(elapsed), high = max(elapsed)""#;
        let tracing = Trace::with(code, exact).start();
        worker.go();
        naps(&tracing.stop());
    }
}

fn of_many_system_calls() {
    let worker = Worker::start(&["as", "mt-many", "nap", "10"]);
    let code = r#"probe "tracepoint:syscalls:sys_exit_*":where 'func == "sys_exit_clock_nanosleep"':name "naps":tally "count(), low = min(elapsed), high = max(elapsed)""#;
    naps(&worker.traced(code, &[]));
}

/// What is kept of calls is each thread's own, and goes with it.
fn of_threads_that_come_and_go() {
    let worker = Worker::start(&["as", "mt-crowd", "crowd", "1000", "3"]);
    let code = r#"probe "tracepoint:syscalls:sys_exit_getppid":where 'comm == "mt-crowd"'
        :name "calls":tally "count(), same = count(entry(tid) == tid), low = min(elapsed)""#;
    let outcome = worker.traced(code, &[]);
    outcome.is_well();
    let [row] = outcome.rows("calls") else {
        panic!("{outcome:?}")
    };
    let numbers = ["count", "same"].map(|name| row[name].as_u64());
    assert_eq!(numbers, [Some(3000), Some(3000)], "{outcome:?}");
    assert!(row["low"].as_u64() > Some(0), "{row}");
}

fn what_was_true_at_the_beginning() {
    let worker = Worker::start(&["as", "mt-open", "open", "/proc/self/status", "20"]);
    let code = r#"probe "tracepoint:syscalls:sys_exit_openat":where "retval >= 0 and entry(args.filename) == '/proc/self/status'"
        :by "path = entry(str(args.filename, 64)), was = entry(comm), early = entry(time) < time":name "opened":count()"#;
    let outcome = worker.traced(code, &[]);
    let want = serde_json::json!([{"path": "/proc/self/status", "was": "mt-open", "early": true, "count": 20}]);
    let rows = serde_json::Value::from(outcome.rows("opened").to_vec());
    assert_eq!(rows, want, "{outcome:?}");
}

/// By fentry and fexit, and by kprobe and kretprobe.
fn of_a_kernel_function() {
    for exact in [&[][..], &["--attach", "exact"]] {
        let mut worker = Worker::start(&["as", "mt-open", "open", "/proc/self/status", "20"]);
        let code = r#"probe "kretprobe:vfs_open":where 'comm == "mt-open" and args.path.dentry.d_name.name == "status"'
            :name "opened":tally "count(), low = min(elapsed), same = count(entry(pid) == pid)""#;
        let tracing = Trace::with(code, exact).start();
        worker.go();
        let outcome = tracing.stop();
        outcome.is_well();
        let [row] = outcome.rows("opened") else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            (row["count"].as_u64(), row["same"].as_u64()),
            (Some(20), Some(20)),
            "{outcome:?}"
        );
        assert!(row["low"].as_u64() > Some(0), "{row}");
    }
}

fn of_many_kernel_functions() {
    let mut worker = Worker::start(&["as", "mt-open", "open", "/proc/self/status", "20"]);
    let code = r#"probe "kretprobe:vfs_{open,read,write,statx,getattr,fsync}":where 'comm == "mt-open" and func == "vfs_open" and elapsed > 0'
        :by "func":name "opened":count()"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert!(
        outcome.column("opened", ("func", "vfs_open"), "count") >= 20,
        "{outcome:?}"
    );
}

/// The worker waits in a read when tracing begins: that read's end is no event of whose beginning something is wanted.
fn only_those_whose_beginning_was_seen() {
    let worker = Worker::start(&["nap", "1"]);
    let code = r#"
        probe "tracepoint:syscalls:sys_exit_read":where "elapsed >= 0":name "whole":count()
        probe "tracepoint:syscalls:sys_exit_read":name "ends":count()"#;
    let outcome = worker.traced(code, &[]);
    // A table without rows has counted nothing.
    let count = |name: &str| {
        let first = outcome.rows(name).first();
        first.map_or(0, |row| row["count"].as_u64().unwrap())
    };
    assert_eq!(count("whole") + 1, count("ends"), "{outcome:?}");
}
