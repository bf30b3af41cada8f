//! What the kernel refuses, in the user's words.

use super::skipped::is_function;
use crate::facts::Facts;
use crate::kernel::LoadError;
use crate::kernel::control::Failure;
use crate::plan::ProbePlan;
use crate::report::{Place, Report, plainly};
use crate::sys::{ENOTSUPP, open_files};
use std::io;

/// A probe that failed at the program of that number.
pub(super) fn failed(facts: &Facts, error: Failure, plan: &ProbePlan, number: usize) -> Report {
    let Some(site) = plan.sites.get(number) else {
        return Report::new(format!("{} can't be attached", plan.name)).at(plan.place.clone());
    };
    match error {
        Failure::NotLoaded(error) => refused(error, Some(&plan.place)),
        Failure::NotAttached(error) => {
            let name = site.names().nth(error.number);
            let (name, function) =
                name.map_or((&*site.probe, &*site.func), |(_, name, func)| (name, func));
            match is_function(site.kind) {
                true => function_not_attached(facts, &error.error, (name, function), &plan.place),
                false => not_attached(&error.error, name, Some(&plan.place)),
            }
        }
    }
}

/// A program that could not be loaded.
pub(super) fn refused(error: LoadError, place: Option<&Place>) -> Report {
    let report = match error {
        LoadError::Link(report) => report,
        LoadError::Map(error) => no_maps(&error),
        LoadError::Rejected { error, .. } if error.raw_os_error() == Some(libc::EPERM) => {
            no_permission()
        }
        LoadError::Rejected { error, .. } if error.raw_os_error() == Some(libc::EMFILE) => {
            too_many_files()
        }
        LoadError::Rejected { probe, error, log } => {
            let message = format!(
                "the kernel refuses the program for {probe}: {}",
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
        Some(libc::EMFILE) => too_many_files(),
        Some(libc::EADDRNOTAVAIL) => Report::new(format!(
            "{} can't be attached: several functions of the kernel have this name",
            probe
        )),
        Some(libc::ENOENT) => Report::new(format!(
            "{} can't be attached: this kernel does not have it",
            probe
        )),
        Some(libc::EILSEQ) => Report::new(format!(
            "{} can't be attached: no instruction begins at that offset",
            probe
        )),
        Some(ENOTSUPP) => Report::new(format!(
            "{} can't be attached: the kernel takes no probe at the instruction there",
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
        Some(libc::EINVAL | libc::ESRCH | libc::ENOTSUP)
    )
}

pub(super) fn no_maps(error: &io::Error) -> Report {
    match error.raw_os_error() {
        Some(libc::EPERM) => no_permission(),
        Some(libc::EMFILE) => too_many_files(),
        _ => Report::new(format!("the kernel makes no map: {}", plainly(error))),
    }
}

/// What the kernel says to a user who may not load programs.
pub(super) fn no_permission() -> Report {
    Report::new("this user may not trace the kernel: it takes root, or CAP_BPF and CAP_PERFMON")
        .help("run it with sudo")
}

/// What probes keep open is more than this process may have.
fn too_many_files() -> Report {
    let most = open_files::most().map_or_else(|_| String::new(), |most| format!(" ({most})"));
    Report::new(format!(
        "the script's probes take more open files than a process may have here{most}"
    ))
    .help("as root, 'ulimit -n 65536' raises it for what the shell starts")
}
