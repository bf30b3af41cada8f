//! What the kernel refuses, in the user's words.

use crate::facts::Facts;
use crate::kernel::LoadError;
use crate::plan::SitePlan;
use crate::report::{Place, Report};
use std::io;

/// A program that could not be loaded.
pub(super) fn refused(error: LoadError, plan: &SitePlan, place: Option<&Place>) -> Report {
    let report = match error {
        LoadError::Link(report) => report,
        LoadError::Map(error) => {
            Report::new(format!("the kernel makes no map: {}", plainly(&error)))
        }
        LoadError::Rejected { error, .. } if error.raw_os_error() == Some(libc::EPERM) => {
            no_permission()
        }
        LoadError::Rejected { error, log } => {
            let message = format!(
                "the kernel refuses the program for {}: {}",
                plan.probe,
                plainly(&error)
            );
            Report::new(message).help(format!(
                "this is a bug of moontrace, not of the script. Please report it with this:\n{}",
                end_of(&log)
            ))
        }
    };
    place.map_or(report.clone(), |place| report.at(place.clone()))
}

/// The part of a verifier's log that says what is wrong.
fn end_of(log: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

pub(super) fn not_attached(error: &io::Error, probe: &str, place: Option<&Place>) -> Report {
    let report = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => no_permission(),
        Some(libc::ENOENT) => Report::new(format!(
            "{} can't be attached: this kernel does not have it",
            probe
        )),
        Some(libc::EILSEQ) => Report::new(format!(
            "{} can't be attached: no instruction begins at that offset",
            probe
        )),
        Some(libc::EINVAL) => Report::new(format!(
            "{} can't be attached: the kernel does not allow it there",
            probe
        )),
        _ => Report::new(format!("{} can't be attached: {}", probe, plainly(error))),
    };
    place.map_or(report.clone(), |place| report.at(place.clone()))
}

/// A probe of a kernel function that could not be attached, with the reason that the kernel's own lists have.
pub(super) fn function_not_attached(
    facts: &Facts,
    error: &io::Error,
    (probe, function): (&str, &str),
    place: &Place,
) -> Report {
    let function = function.split('+').next().unwrap_or(function);
    let listed = is_about_the_function(error).then(|| facts.untraceable(function));
    if let Some(why) = listed.flatten() {
        let message = format!("{probe} can't be attached: {}", why.reason());
        return Report::new(message).at(place.clone());
    }
    let report = not_attached(error, probe, Some(place));
    let made = (error.raw_os_error() == Some(libc::ENOENT)).then(|| facts.made_of(function));
    match made.flatten() {
        Some(made) => report.help(made),
        None => report,
    }
}

/// Is it a refusal that the kernel's lists of functions may explain?
pub(super) fn is_about_the_function(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::ESRCH | libc::ENOTSUP | libc::EADDRNOTAVAIL)
    )
}

pub(super) fn no_maps(error: &io::Error) -> Report {
    match error.raw_os_error() {
        Some(libc::EPERM) => no_permission(),
        _ => Report::new(format!("the kernel makes no map: {}", plainly(error))),
    }
}

/// What the kernel says to a user who may not load programs.
pub(super) fn no_permission() -> Report {
    Report::new("this user may not trace the kernel: it takes root, or CAP_BPF and CAP_PERFMON")
        .help("run it with sudo")
}

/// An error of the system without Rust's number behind it.
pub(super) fn plainly(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
