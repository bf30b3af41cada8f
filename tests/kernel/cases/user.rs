//! Probes in user programs: this binary's own function.

use super::cases;
use crate::trace::Trace;
use crate::worker::{Worker, executable};
use std::time::{Duration, Instant};

cases!(user:
    arguments_of_a_function,
    return_values,
    nothing_at_another_process,
    killed_it_leaves_no_counter_raised,
);

const CALLS: i64 = 50;

fn arguments_of_a_function() {
    let mut worker = Worker::start(&["call", &CALLS.to_string()]);
    let code = format!(
        r#"probe "uprobe:{}:moontrace_target":where "pid == {}":by "arg1":name "calls":tally "count(), sum(arg0)""#,
        executable(),
        worker.pid()
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!([{"arg1": 7, "count": CALLS, "sum": CALLS * (CALLS - 1) / 2}]);
    assert_eq!(outcome.rows("calls"), want.as_array().unwrap());
}

fn return_values() {
    let mut worker = Worker::start(&["call", &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let code = format!(
        r#"probe "uretprobe:{}:moontrace_target":name "calls":tally "count(), below = count(retval < 0), sum(retval)""#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("calls") else {
        panic!("{outcome:?}")
    };
    let sum = CALLS * (CALLS - 1) / 2 - 7 * CALLS;
    assert_eq!(
        (
            row["count"].as_i64(),
            row["below"].as_i64(),
            row["sum"].as_i64()
        ),
        (Some(CALLS), Some(7), Some(sum))
    );
}

fn nothing_at_another_process() {
    let mut worker = Worker::start(&["call", "10"]);
    let other = Worker::start(&["call", "10"]);
    let pid = other.pid().to_string();
    let code = format!(
        r#"probe "uprobe:{}:moontrace_target":name "calls":count()"#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.books().delivered, 0, "{outcome:?}");
}

/// The program that is traced goes on as before: the kernel lowers what it raised in its memory for the tracer.
fn killed_it_leaves_no_counter_raised() {
    let mut worker = Worker::start(&["counter"]);
    worker.begin();
    assert_eq!(worker.ask(), "0");
    let code = r#"
        probe "usdt:EXE:moontrace:asked":count()
        probe "uprobe:EXE:moontrace_target":count()"#;
    let pid = worker.pid().to_string();
    let tracing = Trace::with(&code.replace("EXE", &executable()), &["-p", &pid]).start();
    assert_ne!(worker.ask(), "0", "it is probed");
    let outcome = tracing.signal(libc::SIGKILL);
    assert_eq!(outcome.status, None, "{outcome:?}");
    let began = Instant::now();
    while worker.ask() != "0" {
        assert!(began.elapsed() < Duration::from_secs(20), "{outcome:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    // And the same can be traced again.
    let again = Trace::with(&code.replace("EXE", &executable()), &["-p", &pid]).start();
    assert_ne!(worker.ask(), "0", "it is probed");
    again.stop().is_well();
    assert_eq!(worker.ask(), "0");
}
