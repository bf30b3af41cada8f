//! The product on a real kernel: `moontrace` runs with `--format json` while a workload of known counts works; and the tests
//! of its tools.
//!
//! The same binary runs here and in guests (tests/vm), where `MOONTRACE_BIN` names the product. It is its own workload,
//! too: `kernel --workload …`, or by the name `workload` (see `workload`).

mod attempt;
mod cases;
mod installed;
mod need;
mod terminal;
mod tools;
mod trace;
mod worker;
mod workload;

use cases::Case;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args();
    let name = words.next().unwrap_or_default();
    if name.rsplit('/').next() == Some(workload::NAME) {
        return workload::run(&words.collect::<Vec<_>>());
    }
    match words.next().as_deref() {
        Some("--workload") => return workload::run(&words.collect::<Vec<_>>()),
        Some("--attempt") => return attempt::run(&words.collect::<Vec<_>>()),
        Some("--attempt-nothing") => return ExitCode::SUCCESS,
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    // Counts are exact only as long as tests don't trace each other's workloads, and load makes overload.
    arguments.test_threads.get_or_insert(1);
    let workshop = tools::Workshop::open();
    let cases = cases::all().map(|case| Trial::ignorable_test(case.name, move || try_case(case)));
    let trials = cases.chain(workshop.trials()).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    workshop.tell_examples();
    conclusion.exit_code()
}

fn try_case(case: &Case) -> Result<Completion, Failed> {
    for need in case.needs {
        if let Some(missing) = need.missing() {
            return Ok(Completion::ignored_with(missing));
        }
    }
    (case.run)();
    Ok(Completion::Completed)
}
