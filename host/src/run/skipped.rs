//! What of a pattern could not be attached, in words.

use super::refusal::is_about_the_function;
use crate::facts::notrace::Untraceable;
use crate::kernel::Instance;
use crate::plan::ProbePlan;
use crate::spec::Kind;
use crate::sys::ENOTSUPP;
use std::collections::BTreeMap;
use std::io;

/// `kprobe:vfs_*: attached 61 of 64 (3 skipped: 2 notrace, 1 busy)`, with `names` one more line for each; `None` where
/// nothing was skipped. `why` tells of a kernel function why no probe can be in it.
pub(super) fn report(
    plan: &ProbePlan,
    instances: &[Instance],
    names: bool,
    why: &dyn Fn(&str) -> Option<Untraceable>,
) -> Option<String> {
    let (mut all, mut attached) = (0, 0);
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (site, instance) in plan.sites.iter().zip(instances) {
        all += site.count();
        attached += instance.attached();
        for skipped in &instance.skipped {
            let name = site.names().nth(skipped.number);
            let (name, function) = name.map_or(("", ""), |(_, probe, func)| (probe, func));
            let untraceable = (is_function(site.kind) && is_about_the_function(&skipped.error))
                .then(|| why(function))
                .flatten();
            let reason = untraceable.map_or_else(|| reason(&skipped.error), Untraceable::word);
            by_reason.entry(reason).or_default().push(name);
        }
    }
    if by_reason.is_empty() {
        return None;
    }
    let reasons: Vec<String> = by_reason
        .iter()
        .map(|(reason, skipped)| format!("{} {reason}", skipped.len()))
        .collect();
    let mut words = format!(
        "{}: attached {attached} of {all} ({} skipped: {})",
        plan.name,
        all - attached,
        reasons.join(", ")
    );
    if names {
        for (reason, skipped) in by_reason {
            for name in skipped {
                words.push_str(&format!("\n  {name}: {reason}"));
            }
        }
    }
    Some(words)
}

/// Why the kernel takes no probe at a place.
fn reason(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        // What the tracer, or kprobes themselves, stand on.
        Some(libc::EINVAL | libc::ESRCH | libc::ENOTSUP) => "notrace",
        Some(libc::ENOENT | libc::ENODEV) => "not there",
        Some(libc::EBUSY | libc::EEXIST) => "busy",
        Some(libc::EADDRNOTAVAIL) => "of a name that several functions have",
        Some(libc::EILSEQ) => "no instruction",
        Some(ENOTSUPP) => "at an instruction that takes none",
        _ => "refused",
    }
}

/// Are these probes in functions of the kernel?
pub(super) fn is_function(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Kprobe | Kind::Kretprobe | Kind::Fentry | Kind::Fexit
    )
}
