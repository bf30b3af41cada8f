//! software and hardware.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;

cases!(counters: page_faults_of_a_process, of_a_thread_made_later, system_wide, context_switches, no_pmu);

/// Pages that the workload touches, and how many more faults its own code may take.
const PAGES: i64 = 1_000;
const OTHERS: i64 = 300;

fn faults(code: &str, deed: &[&str], bound: bool) -> Outcome {
    let mut worker = Worker::start(deed);
    let pid = worker.pid().to_string();
    let code = code.replace("PID", &pid);
    let options: &[&str] = if bound { &["-p", &pid] } else { &[] };
    let tracing = Trace::with(&code, options).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

fn counted(outcome: &Outcome) -> i64 {
    outcome
        .rows("n")
        .iter()
        .filter_map(|row| row["count"].as_i64())
        .sum()
}

fn page_faults_of_a_process() {
    let code = r#"probe "software:faults:1":name "n":count()"#;
    let count = counted(&faults(code, &["touch", "1000"], true));
    assert!((PAGES..PAGES + OTHERS).contains(&count), "{count}");
}

/// Threads inherit the counter.
fn of_a_thread_made_later() {
    let code = r#"probe "software:page-faults:1":name "n":count()"#;
    let count = counted(&faults(code, &["beside", "touch", "1000"], true));
    assert!((PAGES..PAGES + OTHERS).contains(&count), "{count}");
}

/// Each CPU counts, and the filter tells processes apart; every tenth event is a hit.
fn system_wide() {
    let code = r#"probe "s:minor-faults:1":where "pid == PID":name "n":count()"#;
    let count = counted(&faults(code, &["touch", "1000"], false));
    assert!((PAGES..PAGES + OTHERS).contains(&count), "{count}");
    let tenth = r#"probe "s:minor-faults:10":name "n":count()"#;
    let count = counted(&faults(tenth, &["touch", "1000"], true));
    assert!(
        (PAGES / 10 - 1..(PAGES + OTHERS) / 10).contains(&count),
        "{count}"
    );
}

fn context_switches() {
    let code = r#"probe "software:cs:1":by "comm":name "n":count()"#;
    let outcome = faults(code, &["as", "mt-nap", "nap", "50"], true);
    let count = outcome.column("n", ("comm", "mt-nap"), "count");
    assert!((50..100).contains(&count), "{outcome:?}");
}

/// On a machine without a PMU the message says so, and what would do; on one that has it the probe attaches.
fn no_pmu() {
    let outcome = Trace::of(r#"probe "hardware:cycles":count() after("10ms", exit)"#).run();
    if outcome.status == Some(0) {
        return;
    }
    let said = format!("{outcome:?}");
    assert!(said.contains("no performance monitoring unit"), "{said}");
    assert!(said.contains("software:cpu-clock"), "{said}");
    let exists = Trace::of(r#"print(exists "hardware:cycles", exists "software:cpu")"#).run();
    assert_eq!(exists.text(), "false\ttrue\n", "{exists:?}");
}
