use super::*;
use crate::facts::elf::sample::Sample;
use crate::facts::fixture::Machine;

fn pattern(kind: Kind, parts: &str) -> Pattern {
    Pattern {
        kind,
        parts: parts.split(':').map(str::to_owned).collect(),
    }
}

fn probes(facts: &Facts, kind: Kind, parts: &str) -> Vec<String> {
    let found = facts.matches(&pattern(kind, parts), None).unwrap();
    found.into_iter().map(|found| found.probe).collect()
}

fn refused(facts: &Facts, kind: Kind, parts: &str) -> String {
    facts
        .matches(&pattern(kind, parts), None)
        .unwrap_err()
        .to_string()
}

#[test]
fn patterns_match_and_plain_names_must_exist() {
    let machine = Machine::new();
    let facts = machine.facts();
    let of = |parts| probes(&facts, Kind::Tracepoint, parts);
    assert_eq!(
        of("syscalls:sys_{enter,exit}_openat"),
        [
            "tracepoint:syscalls:sys_enter_openat",
            "tracepoint:syscalls:sys_exit_openat"
        ]
    );
    assert_eq!(
        of("sched:*"),
        [
            "tracepoint:sched:sched_process_exec",
            "tracepoint:sched:sched_switch"
        ]
    );
    assert_eq!(of("*:sched_switch"), ["tracepoint:sched:sched_switch"]);
    let no = |parts| refused(&facts, Kind::Tracepoint, parts);
    assert!(no("syscals:sys_enter_openat").contains("'syscalls'"));
    assert!(no("syscalls:sys_enter_opnat").contains("'sys_enter_openat'"));
    assert!(no("syscalls:sched_switch").contains("'tracepoint:sched:sched_switch'"));
    // Of braces, what is not there drops out.
    assert_eq!(
        of("{syscals,syscalls}:sys_enter_{openat,opnat}"),
        ["tracepoint:syscalls:sys_enter_openat"]
    );
    assert!(no("syscalls:sys_enter_{opnat,opna}").contains("'sys_enter_openat'"));
    assert!(no("sched:x*").contains("nothing matches"));
    assert!(no("sched").contains("CATEGORY:EVENT"));
}

#[test]
fn functions_come_from_btf_or_kallsyms() {
    let machine = Machine::new();
    let facts = machine.facts();
    assert_eq!(
        probes(&facts, Kind::Kprobe, "vfs_read+0x10"),
        ["kprobe:vfs_read+16"]
    );
    assert_eq!(
        probes(&facts, Kind::Kretprobe, "vfs_*"),
        ["kretprobe:vfs_read", "kretprobe:vfs_write"]
    );
    assert_eq!(
        probes(&facts, Kind::Kprobe, "ext4:*"),
        ["kprobe:ext4:ext4_sync_file"]
    );
    assert!(refused(&facts, Kind::Kprobe, "vfs_raed").contains("'vfs_read'"));
    assert_eq!(
        probes(&facts, Kind::Kprobe, "{vfs_read,vfs_raed}"),
        ["kprobe:vfs_read"]
    );
    assert!(refused(&facts, Kind::Kretprobe, "vfs_read+4").contains("no offset"));
    assert!(refused(&facts, Kind::Kprobe, "ext4:ext4_snyc_file").contains("'ext4_sync_file'"));
    assert!(refused(&facts, Kind::Kprobe, "ext4:vfs_read").contains("vmlinux:vfs_read"));
}

#[test]
fn a_kernel_without_kprobes_says_so_behind_a_wrong_name() {
    let machine = Machine::new();
    machine.remove("sys/bus/event_source/devices/kprobe/type");
    let facts = machine.facts();
    assert!(refused(&facts, Kind::Kprobe, "vfs_raed").contains("'vfs_read'"));
    assert!(refused(&facts, Kind::Kprobe, "vfs_read").contains("CONFIG_KPROBES"));
}

#[test]
fn what_the_compiler_made_of_a_function_is_named() {
    let machine = Machine::new();
    machine.write("proc/kallsyms", b"ffffffff81000000 t wake.isra.0\n");
    assert!(refused(&machine.facts(), Kind::Kprobe, "wake").contains("'wake.isra.0'"));
}

#[test]
fn fentry_matches_what_has_types() {
    let machine = Machine::with_trampolines();
    let facts = machine.facts();
    assert_eq!(probes(&facts, Kind::Fentry, "vfs_*"), ["fentry:vfs_read"]);
    assert!(
        refused(&Machine::new().facts(), Kind::Fexit, "vfs_read").contains("kretprobe would do")
    );
}

#[test]
fn raw_tracepoints_are_events_too() {
    let machine = Machine::new();
    let facts = machine.facts();
    assert_eq!(
        probes(&facts, Kind::RawTracepoint, "sched_switch"),
        ["rawtracepoint:sched_switch"]
    );
    assert_eq!(
        probes(&facts, Kind::RawTracepoint, "sys_*"),
        ["rawtracepoint:sys_enter", "rawtracepoint:sys_exit"]
    );
    assert!(refused(&facts, Kind::RawTracepoint, "sched_swich").contains("'sched_switch'"));
    assert!(refused(&facts, Kind::RawTracepoint, "sys_enter_openat").contains("no raw tracepoint"));
}

#[test]
fn functions_of_programs_are_found_in_their_files() {
    let facts = Facts::at("/");
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let found = probes(
        &facts,
        Kind::Uprobe,
        &format!("{own}:moontrace_a_function_*"),
    );
    assert_eq!(
        found,
        [format!("uprobe:{own}:moontrace_a_function_to_find")]
    );
    let wrong = refused(
        &facts,
        Kind::Uprobe,
        &format!("{own}:moontrace_a_function_to_fid"),
    );
    assert!(wrong.contains("moontrace_a_function_to_find"), "{wrong}");
    let nowhere = refused(&facts, Kind::Uprobe, "/nonexistent:main");
    assert_eq!(nowhere, "there is no file /nonexistent");
}

#[test]
fn a_binary_that_names_nothing_is_why_a_pattern_matches_nothing() {
    let facts = Facts::at("/");
    let sample = Sample::compile(&["-s"]);
    let stripped = refused(
        &facts,
        Kind::Uprobe,
        &format!("{}:*", sample.path.display()),
    );
    assert!(
        stripped.contains("it is stripped and names no functions"),
        "{stripped}"
    );
    let own = std::env::current_exe().unwrap();
    let without = refused(&facts, Kind::Usdt, &format!("{}:*", own.display()));
    assert!(without.contains("has no USDT probes"), "{without}");
}

#[test]
fn counters_have_names_periods_and_need_a_pmu() {
    let machine = Machine::new();
    let facts = machine.facts();
    let software = |parts| probes(&facts, Kind::Software, parts);
    assert_eq!(software("faults"), ["software:page-faults:100"]);
    assert_eq!(software("page-faults:1"), ["software:page-faults:1"]);
    assert_eq!(
        software("*-clock"),
        ["software:cpu-clock:1000000", "software:task-clock:1"]
    );
    assert!(refused(&facts, Kind::Software, "fault").contains("'faults'"));
    let none = refused(&facts, Kind::Hardware, "cycles");
    assert!(none.contains("no performance monitoring unit") && none.contains("software:cpu-clock"));
    assert!(refused(&facts, Kind::Hardware, "cycels").contains("'cycles'"));
    machine.write("sys/bus/event_source/devices/cpu_core/type", b"10\n");
    assert_eq!(
        probes(&facts, Kind::Hardware, "cycles"),
        ["hardware:cpu-cycles:1000000"]
    );
}
