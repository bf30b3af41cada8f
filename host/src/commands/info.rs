//! `moontrace info`: what this kernel, this user and this machine offer, what is missing and how to get it.

use crate::facts::{Facts, Features};
use crate::report::Report;

/// The first kernel that has all that every script needs: ring buffers (5.8) and what the library's programs are
/// built of.
const OLDEST: (u32, u32) = (5, 10);

/// A line a thing: its name, whether it is there, and what helps where it is not.
pub(super) fn info(facts: &Facts) -> String {
    let features = facts.features();
    let mut rows = vec![
        row("moontrace", env!("CARGO_PKG_VERSION"), ""),
        kernel(features),
        row("CPUs", &features.cpus.len().to_string(), ""),
        user(features),
        offered(
            "tracepoints",
            facts
                .tracefs()
                .map(|tracefs| tracefs.tracepoints().len().to_string()),
        ),
        offered("types (BTF)", facts.btf().map(|_| "yes".into())),
        there(
            features.kprobe.is_some(),
            "kprobes",
            "they need a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS",
        ),
        offered(
            "fentry, fexit",
            facts
                .trampolines()
                .map(|()| "yes".into())
                .map_err(Report::new),
        ),
        there(
            features.uprobe.is_some(),
            "uprobes",
            "they need a kernel with CONFIG_UPROBE_EVENTS",
        ),
    ];
    rows.extend(links(facts));
    rows.extend(hindrances(features));
    rows.concat()
}

/// What spares patterns an event a function, or two.
fn links(facts: &Facts) -> [String; 4] {
    let of_kernel = |version: &str| format!("it takes Linux {version} with CONFIG_FPROBE");
    let of_programs = |version: &str| format!("it takes Linux {version}");
    [
        there(facts.has_kprobe_multi(), "kprobe.multi", &of_kernel("5.18")),
        there(
            facts.kprobe_session().is_some(),
            "kprobe.session",
            &of_kernel("6.10"),
        ),
        there(
            facts.has_uprobe_multi(),
            "uprobe.multi",
            &of_programs("6.6"),
        ),
        there(
            facts.uprobe_session().is_some(),
            "uprobe.session",
            &of_programs("6.13"),
        ),
    ]
}

fn row(what: &str, value: &str, remark: &str) -> String {
    let remark = if remark.is_empty() {
        String::new()
    } else {
        format!(" ({remark})")
    };
    format!("{what:<14} {value}{remark}\n")
}

fn there(there: bool, what: &str, help: &str) -> String {
    if there {
        row(what, "yes", "")
    } else {
        row(what, "no", help)
    }
}

fn offered(what: &str, value: Result<String, Report>) -> String {
    match value {
        Ok(value) => row(what, &value, ""),
        Err(Report { message, help, .. }) => {
            let remark = help.map_or_else(|| message.clone(), |help| format!("{message}: {help}"));
            row(what, "no", &remark)
        }
    }
}

fn kernel(features: &Features) -> String {
    let (major, minor) = OLDEST;
    let old = format!("scripts need {major}.{minor} or newer");
    row(
        "kernel",
        &features.release,
        if features.at_least(major, minor) {
            ""
        } else {
            &old
        },
    )
}

fn user(features: &Features) -> String {
    let missing: Vec<&str> = [
        ("CAP_BPF", features.cap_bpf()),
        ("CAP_PERFMON", features.cap_perfmon()),
    ]
    .into_iter()
    .filter_map(|(name, has)| (!has).then_some(name))
    .collect();
    match missing.as_slice() {
        [] => row("this user", "may trace", ""),
        missing => row(
            "this user",
            "may not trace",
            &format!("{} missing: use sudo", missing.join(" and ")),
        ),
    }
}

/// What is worth a line only where it is in the way.
fn hindrances(features: &Features) -> Vec<String> {
    let mut rows = Vec::new();
    if features.bpf_jit == Some(false) {
        rows.push(row(
            "BPF compiler",
            "off",
            "programs run slowly: sysctl net.core.bpf_jit_enable=1",
        ));
    }
    match features.lockdown.as_deref() {
        None | Some("none") => {}
        Some("confidentiality") => rows.push(row(
            "lockdown",
            "confidentiality",
            "programs may not read kernel memory: boot with lockdown=integrity, or without Secure Boot",
        )),
        Some(other) => rows.push(row("lockdown", other, "no hindrance: kernel memory may be read")),
    }
    if features
        .pid_namespace
        .is_some_and(|namespace| !namespace.is_initial())
    {
        rows.push(row(
            "pid namespace",
            "its own",
            "pid and tid are its numbers; processes outside have none",
        ));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;

    #[test]
    fn what_is_missing_comes_with_what_helps() {
        let machine = Machine::new();
        let whole = info(&machine.facts());
        assert!(whole.contains("\ntypes (BTF)    yes\n"), "{whole}");
        assert!(
            whole.contains(&format!("moontrace      {}\n", env!("CARGO_PKG_VERSION"))),
            "{whole}"
        );
        machine.remove("sys/kernel/btf/vmlinux");
        machine.remove("sys/kernel/tracing");
        let poor = info(&machine.facts());
        assert!(poor.contains("\ntypes (BTF)    no ("), "{poor}");
        assert!(poor.contains("\ntracepoints    no ("), "{poor}");
        assert!(
            poor.contains("\nkprobe.session no (it takes Linux 6.10"),
            "{poor}"
        );
    }

    #[test]
    fn rights_and_kernels_are_judged() {
        let of = |capabilities, version| Features {
            capabilities,
            version,
            ..Features::default()
        };
        assert_eq!(user(&of(1 << 21, (6, 1))), "this user      may trace\n");
        assert_eq!(
            user(&of(1 << 39, (6, 1))),
            "this user      may not trace (CAP_PERFMON missing: use sudo)\n"
        );
        assert!(kernel(&of(0, (5, 4))).contains("5.10 or newer"));
        assert!(!kernel(&of(0, (5, 10))).contains("newer"));
    }

    #[test]
    fn lockdown_says_whether_it_is_in_the_way() {
        let of = |mode: &str| {
            hindrances(&Features {
                lockdown: Some(mode.into()),
                ..Features::default()
            })
            .concat()
        };
        assert_eq!(of("none"), "");
        assert!(of("integrity").contains("no hindrance"));
        assert!(of("confidentiality").contains("may not read"));
    }
}
