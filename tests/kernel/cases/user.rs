//! Probes in user programs: this binary's own function.

use super::cases;
use crate::trace::Trace;
use crate::worker::{Worker, executable};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

cases!(user:
    arguments_of_a_function,
    return_values,
    nothing_at_another_process,
    killed_it_leaves_no_counter_raised,
    exact_while_processes_take_turns,
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

/// More processes than processors at the same places: the kernel switches from one to the other wherever it likes to, in
/// the middle of a program as well, and what a program has on its stack stays its own.
fn exact_while_processes_take_turns() {
    const CALLS: u64 = 4000;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let start = |_| Worker::start(&["as", "mt-turns", "call", &CALLS.to_string()]);
    let mut workers: Vec<Worker> = (0..2 * processors + 1).map(start).collect();
    let code = r#"
        local function counted(name, pattern, n)
          return probe(pattern):name(name):where 'comm == "mt-turns"':where(n .. " % 3 == 1"):by("pid, rest = " .. n .. " % 7")
            :tally("count(), sum = sum(" .. n .. ")")
        end
        counted("one", "uprobe:EXE:moontrace_target", "arg0")
        counted("many", "uprobe:EXE:*{moontrace,brief}_target", "arg0")
        counted("back", "uretprobe:EXE:moontrace_target", "(retval + 7)")
        counted("usdt", "usdt:EXE:moontrace:called", "arg0")"#;
    let tracing = Trace::of(&code.replace("EXE", &executable())).start();
    workers.iter_mut().for_each(Worker::begin);
    workers.iter_mut().for_each(Worker::finish);
    let outcome = tracing.stop();
    outcome.is_well();
    for (probe, places) in [("one", 1), ("many", 2), ("back", 1), ("usdt", 1)] {
        let numbers = |row: &Value| {
            ["pid", "rest", "count", "sum"].map(|name| row[name].as_u64().unwrap_or(u64::MAX))
        };
        let counted: BTreeSet<[u64; 4]> = outcome.rows(probe).iter().map(numbers).collect();
        let made = |pid: u32, rest: u64| {
            let made = (0..CALLS).filter(|n| n % 3 == 1 && n % 7 == rest);
            let (count, sum) = made.fold((0, 0), |(count, sum), n| (count + 1, sum + n));
            [pid.into(), rest, count * places, sum * places]
        };
        let pids = workers.iter().map(Worker::pid);
        let made = pids.flat_map(|pid| (0..7).map(move |rest| made(pid, rest)));
        let made: BTreeSet<[u64; 4]> = made.collect();
        let wrong: Vec<_> = counted.symmetric_difference(&made).collect();
        assert!(
            wrong.is_empty(),
            "{probe}: counted and made differ in {wrong:?}"
        );
    }
}
