//! The tests of `tests/kernel` in guests with other kernels (tests/vm): one boot each, every test a line here.
//!
//! A case that a guest's kernel can't run must run on this machine's: none may be skipped everywhere.

mod boot;
mod report;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use report::Verdict;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

/// Names of tests/vm/kernels.
const KERNELS: [&str; 1] = ["6.1"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One boot answers for all of its tests.
    arguments.test_threads = Some(1);
    let tests = match boot::Tests::build() {
        Ok(tests) => Arc::new(tests),
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let trials = KERNELS
        .iter()
        .flat_map(|kernel| trials(kernel, &tests, &arguments))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(kernel: &'static str, tests: &Arc<boot::Tests>, arguments: &Arguments) -> Vec<Trial> {
    let title = |name: &str| format!("linux-{kernel}::{name}");
    let wanted = tests
        .names
        .iter()
        .filter(|name| wants(arguments, &title(name)))
        .cloned()
        .collect::<Vec<_>>();
    // Not before a test is run: a list boots nothing.
    let verdicts = Arc::new(LazyLock::new({
        let tests = tests.clone();
        move || report::read(&tests.run_in_guest(kernel, &wanted))
    }));
    let trial = |name: &String| {
        let (name, tests, verdicts) = (name.clone(), tests.clone(), verdicts.clone());
        Trial::ignorable_test(title(&name), move || {
            judge(verdicts.get(&name), &tests, &name)
        })
    };
    tests.names.iter().map(trial).collect()
}

/// As libtest filters.
fn wants(arguments: &Arguments, title: &str) -> bool {
    let matches = |pattern: &String| {
        if arguments.exact {
            title == pattern
        } else {
            title.contains(pattern.as_str())
        }
    };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

fn judge(verdict: Option<&Verdict>, tests: &boot::Tests, name: &str) -> Result<Completion, Failed> {
    match verdict {
        Some(Verdict::Passed) => Ok(Completion::Completed),
        Some(Verdict::Failed(message)) => Err(message.into()),
        Some(Verdict::Skipped(reason)) => match report::read(&tests.run_here(name)).get(name) {
            Some(Verdict::Passed) => Ok(Completion::ignored_with(reason)),
            here => Err(format!(
                "skipped in the guest ({reason}), and did not pass on this machine: {here:?}"
            )
            .into()),
        },
        None => Err("the guest gave no answer for it".into()),
    }
}
