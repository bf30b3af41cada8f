//! Exact under a storm of signals, on all CPUs at once: what is nested and interrupted counts as often as it happened.
//!
//! The guest with Linux 6.12 is booted with `preempt=full` (tests/guest), so that programs are preempted, too.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};

cases!(storm: of_system_calls, of_functions);

/// What a script sees of workers on all CPUs that are interrupted all the time, and how often each did its work.
fn in_a_storm(code: &str, times: u64) -> (Outcome, u64) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let times = times.to_string();
    let start = |cpu: usize| Worker::start(&["as", "mt-storm", "storm", &cpu.to_string(), &times]);
    let mut workers: Vec<Worker> = (0..cpus).map(start).collect();
    let done = r#"probe "tracepoint:syscalls:sys_enter_getpgid":where 'comm == "mt-storm"':name "done":tally "sum(args.pid)""#;
    let tracing = Trace::of(&format!("{code}\n{done}")).start();
    std::thread::scope(|scope| {
        for worker in &mut workers {
            scope.spawn(|| worker.go());
        }
    });
    let outcome = tracing.stop();
    outcome.is_well();
    let done = outcome.rows("done")[0]["sum"].as_u64();
    let done = done.unwrap_or_else(|| panic!("{outcome:?}"));
    let asked: u64 = cpus as u64 * times.parse::<u64>().expect("a number");
    assert!(done > asked, "there was no storm: {outcome:?}");
    (outcome, done)
}

/// A kernel that switches threads in the middle of a program skips it for the others on that processor, and counts that;
/// nothing else may be missing.
#[track_caller]
fn is_exact(outcome: &Outcome, probe: &str, counted: Option<u64>, done: u64) {
    let counted = counted.unwrap_or_else(|| panic!("no count of {probe}: {outcome:?}"));
    let books = outcome.of("books").find(|line| line["probe"] == probe);
    let books = books.unwrap_or_else(|| panic!("no books of {probe}: {outcome:?}"));
    let missed = books["missed"].as_u64().unwrap_or(0);
    let short = done.checked_sub(counted);
    assert!(
        short.is_some_and(|short| short <= missed),
        "{probe}: {counted} of {done}, {books}"
    );
    assert_eq!(books["lost"], serde_json::json!({}), "{books}");
}

fn of_system_calls() {
    let code = r#"
        local call, mine = "tracepoint:syscalls:sys_enter_getppid", 'comm == "mt-storm"'
        probe(call):where(mine):name "count":count()
        probe(call):where(mine):by "comm":name "keyed":tally "count(), avg(tid), max(tid)"
        probe(call):where(mine):name "hist":hist "tid"
        probe(call):where(mine):by "comm, cpu":name "keyed hist":hist "tid"
        probe "tracepoint:syscalls:sys_exit_getppid":where(mine):name "took":hist "elapsed""#;
    let (outcome, done) = in_a_storm(code, 8_000);
    for (name, column) in [
        ("count", "count"),
        ("keyed", "count"),
        ("hist", "hist"),
        ("keyed hist", "hist"),
        ("took", "hist"),
    ] {
        let rows = outcome.rows(name).iter();
        let counts = rows.map(|row| match column {
            "hist" => row["hist"]["count"].as_u64(),
            column => row[column].as_u64(),
        });
        is_exact(&outcome, name, counts.sum(), done);
    }
}

/// A handler may interrupt the function that it calls itself.
fn of_functions() {
    let code = r#"
        local mine = 'comm == "mt-storm"'
        probe "uprobe:EXE:moontrace_target":where(mine):name "count":by "comm":count()
        probe "uretprobe:EXE:moontrace_target":where(mine):name "took":tally "stats(elapsed), hist(retval)""#;
    let (outcome, done) = in_a_storm(&code.replace("EXE", &executable()), 2_000);
    let count = outcome.rows("count")[0]["count"].as_u64();
    is_exact(&outcome, "count", count, done);
    let took = &outcome.rows("took")[0];
    is_exact(&outcome, "took", took["stats"]["count"].as_u64(), done);
    let returned = took["hist"]["buckets"].as_array().map(Vec::len);
    assert_eq!(returned, Some(1), "every call returned 2: {took}");
}
