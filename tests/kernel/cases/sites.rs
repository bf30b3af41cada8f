//! One declaration at many sites: told apart by their names, whichever way they share a program.

use super::cases;
use crate::trace::Trace;
use crate::worker::{Worker, executable};

cases!(sites: system_calls_by_one_program, system_calls_by_their_own_tracepoints, functions_of_a_binary, places_of_a_usdt_probe, places_that_ask_whether_they_are_probed);

const CALLS: i64 = 500;

fn system_calls_by_one_program() {
    count_system_calls(&[]);
}

fn system_calls_by_their_own_tracepoints() {
    count_system_calls(&["--attach", "exact"]);
}

fn count_system_calls(options: &[&str]) {
    let mut worker = Worker::start(&["getppid", &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let code = r#"probe "tracepoint:syscalls:sys_enter_getp*":by "func":name "calls":count()"#;
    let options: Vec<&str> = [&["-p", &pid], options].concat();
    let tracing = Trace::with(code, &options).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!([{"func": "sys_enter_getppid", "count": CALLS}]);
    assert_eq!(outcome.rows("calls"), want.as_array().unwrap());
}

fn functions_of_a_binary() {
    let mut worker = Worker::start(&["call", &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let code = format!(
        r#"probe "uprobe:{}:{{moontrace,brief}}_target":by "func":name "calls":count()"#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    for function in ["moontrace_target", "brief_target"] {
        let count = outcome.column("calls", ("func", function), "count");
        assert_eq!(count, CALLS, "{function}: {outcome:?}");
    }
}

fn places_of_a_usdt_probe() {
    let mut worker = Worker::start(&["call", &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let code = format!(
        r#"probe "usdt:{}:moontrace:called":by "arg1":name "calls":tally "count(), sum(arg0)""#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let sum = CALLS * (CALLS - 1) / 2;
    let want = serde_json::json!([{"arg1": -7, "count": CALLS, "sum": sum}]);
    assert_eq!(outcome.rows("calls"), want.as_array().unwrap());
}

/// The program passes them only while the kernel holds their counter up, also where both hang at one link.
fn places_that_ask_whether_they_are_probed() {
    let mut worker = Worker::start(&["ask", &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let code = format!(
        r#"probe "usdt:{}:moontrace:asked":name "calls":tally "count(), sum(arg0)""#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!([{"count": 2 * CALLS, "sum": 3 * 2 * CALLS}]);
    assert_eq!(outcome.rows("calls"), want.as_array().unwrap());
}
