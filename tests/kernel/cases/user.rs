//! Probes in user programs: this binary's own function.

use super::cases;
use crate::trace::Trace;
use crate::worker::{Worker, executable};

cases!(user: arguments_of_a_function, return_values, nothing_at_another_process);

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
