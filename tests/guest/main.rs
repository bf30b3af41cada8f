//! The tests of `tests/kernel`, and random code, in guests with other kernels (tests/vm): one boot each, every test a line
//! here.
//!
//! A case that a kernel can't run must run on another of the matrix, or on this machine's: none may be skipped everywhere.

mod boot;
mod matrix;
mod report;

use libtest_mimic::{Arguments, Trial};
use matrix::Matrix;
use std::process::ExitCode;
use std::sync::Arc;

/// Names of tests/vm/kernels: two guests run beside each other, so those with as much to do stand together. What one can't
/// run is looked for on the last ones first.
const KERNELS: [&str; 4] = ["5.10", "6.12", "6.1", "7.3"];

/// Those that try the tools: one with the ways that old kernels offer, one with all that new ones do. Each of the tools'
/// cases starts programs by the dozen, which takes its time where the processor is emulated.
const KERNELS_OF_TOOLS: [&str; 2] = ["5.10", "6.12"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One boot answers for all of its tests.
    arguments.test_threads = Some(1);
    let tests = match boot::Tests::build() {
        Ok(tests) => tests,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let names = tests.names();
    let wanted = |kernel: &'static str| {
        let wanted = names
            .iter()
            .filter(|name| tries(kernel, name) && wants(&arguments, &title(kernel, name)));
        (kernel, wanted.cloned().collect())
    };
    let matrix = Arc::new(Matrix::new(tests, KERNELS.map(wanted).into()));
    let trials = KERNELS.iter().flat_map(|kernel| {
        let trial = |name: &String| {
            let (matrix, name) = (matrix.clone(), name.clone());
            // Not before a test is run: a list boots nothing.
            Trial::ignorable_test(title(kernel, &name), move || matrix.judge(kernel, &name))
        };
        let tried = names.iter().filter(|name| tries(kernel, name));
        tried.map(trial).collect::<Vec<_>>()
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn tries(kernel: &str, name: &str) -> bool {
    !name.starts_with("tools::") || KERNELS_OF_TOOLS.contains(&kernel)
}

fn title(kernel: &str, name: &str) -> String {
    format!("linux-{kernel}::{name}")
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
