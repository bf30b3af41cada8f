//! `moontrace info`: what this kernel, this user and this machine offer, what is missing and how to get it.

use super::say;
use crate::facts::{Facts, Features};

pub fn info() -> i32 {
    let facts = Facts::live();
    let features = facts.features();
    let mut lines = vec![
        row("kernel", &features.release, ""),
        row("CPUs", &features.cpus.len().to_string(), ""),
        user(features),
        yes_or(features.btf, "type information", "struct paths, curtask, kernel arguments by name: CONFIG_DEBUG_INFO_BTF"),
        tracefs(&facts),
        yes_or(features.kprobe.is_some(), "kprobes", "a kernel with CONFIG_KPROBE_EVENTS; tracepoints do without"),
        yes_or(features.uprobe.is_some(), "uprobes", "a kernel with CONFIG_UPROBE_EVENTS"),
    ];
    if features.bpf_jit == Some(false) {
        lines.push(row("BPF compiler", "off", "sysctl net.core.bpf_jit_enable=1 makes programs several times faster"));
    }
    if let Some(lockdown) = features.lockdown.as_deref().filter(|lockdown| *lockdown != "none") {
        lines.push(row("lockdown", lockdown, "confidentiality forbids reading kernel memory, integrity does not"));
    }
    if features.pid_namespace.is_some_and(|namespace| !namespace.is_initial()) {
        lines.push(row("pid namespace", "of its own", "pid and tid are its numbers; other processes have pid 0"));
    }
    say((lines.join("\n") + "\n").as_bytes())
}

fn row(what: &str, value: &str, remark: &str) -> String {
    let remark = if remark.is_empty() { String::new() } else { format!("  ({remark})") };
    format!("{what:18}{value}{remark}")
}

fn yes_or(there: bool, what: &str, missing: &str) -> String {
    if there { row(what, "yes", "") } else { row(what, "no", missing) }
}

fn user(features: &Features) -> String {
    if features.cap_bpf() && features.cap_perfmon() {
        row("this user", "may trace", "")
    } else {
        row("this user", "may not trace", "it takes root, or CAP_BPF and CAP_PERFMON: run it with sudo")
    }
}

fn tracefs(facts: &Facts) -> String {
    match facts.tracefs() {
        Ok(tracefs) => row("tracepoints", &tracefs.tracepoints().len().to_string(), ""),
        Err(report) => row("tracepoints", "no", &report.help.unwrap_or(report.message)),
    }
}
