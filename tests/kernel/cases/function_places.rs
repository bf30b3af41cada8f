//! Which functions of the kernel can be probed: in modules, at offsets, and those that can't.

use super::cases;
use crate::trace::{Outcome, Trace, product};
use crate::worker::Worker;
use serde_json::json;
use std::process::Command;

cases!(function_places:
    functions_of_modules[Kprobes, Modules],
    types_of_modules[Fentry, Modules, ModuleTypes],
    all_of_a_module[Kprobes, Modules],
    offsets_are_decoded[Kprobes],
    functions_that_kprobes_run_through[Kprobes],
    functions_that_are_marked_notrace[Kprobes],
    of_a_pattern_they_are_skipped[Kprobes],
    what_the_compiler_renamed[Kprobes],
    all_that_share_a_name[Kprobes],
    where_they_are_may_be_hidden[Kprobes],
    every_function_of_tcp[Kprobes],
    without_kprobes_the_nearest_kind_is_named[NoKprobes],
);

/// Loads the modules, and gives this machine a network that ends in one of them.
fn network() {
    for command in [
        "modprobe dummy",
        "modprobe veth",
        "ip addr add 10.99.0.1/24 dev dummy0",
        "ip link set dummy0 up",
    ] {
        let mut words = command.split(' ');
        let program = words.next().unwrap_or_default();
        // What an earlier test has set up fails here, and is there.
        let _ = Command::new(program).args(words).output();
    }
    let there = std::path::Path::new("/sys/class/net/dummy0").exists();
    assert!(there, "the module dummy makes a network interface");
}

fn sending(code: &str, options: &[&str]) -> Outcome {
    network();
    let worker = Worker::start(&["send", "10.99.0.2", "50"]);
    worker.traced(code, &[&["-v"], options].concat())
}

fn functions_of_modules() {
    let outcome = sending(
        r#"probe "kprobe:dummy_xmit":by "func":name "plain":count()
        probe "kprobe:dummy:dummy_xmit":by "func":name "in a module":count()
        probe "kretprobe:dummy:dummy_x*":by "func":name "pattern":count()"#,
        &[],
    );
    let rows = json!([{"func": "dummy_xmit", "count": 50}]);
    for name in ["plain", "in a module", "pattern"] {
        assert_eq!(outcome.rows(name), rows.as_array().unwrap(), "{outcome:?}");
    }
    let code = r#"probe "kprobe:dummy:dummy_xmit":name "n":count()"#;
    let outcome = sending(code, &["--attach", "exact"]);
    assert_eq!(outcome.rows("n")[0]["count"], 50, "{outcome:?}");
}

/// Its own prototypes, and the kernel's structs through them.
fn types_of_modules() {
    // 100 bytes behind the headers of UDP (8), IP (20) and Ethernet (14). Behind the return, the buffer is given back.
    let code = r#"probe "fexit:dummy:dummy_xmit":by "dev = args.dev.name, retval":name "n":count()
        probe "kprobe:dummy_xmit":where "args.skb.len == 142":name "k":count()"#;
    let outcome = sending(code, &[]);
    let rows = json!([{"dev": "dummy0", "retval": 0, "count": 50}]);
    assert_eq!(outcome.rows("n"), rows.as_array().unwrap(), "{outcome:?}");
    assert_eq!(outcome.rows("k")[0]["count"], 50, "{outcome:?}");
}

fn all_of_a_module() {
    network();
    let outcome = Trace::with(
        r#"probe "kprobe:veth:*":by "func":count()"#,
        &["--max-probes", "500"],
    )
    .start()
    .stop();
    outcome.is_well();
}

/// What a run that can't be attached says.
fn refused(code: &str) -> String {
    let outcome = Trace::of(code).run();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    outcome
        .lines
        .iter()
        .filter_map(|line| line["message"].as_str())
        .chain([outcome.stderr.as_str()])
        .collect()
}

/// The middle of an instruction is refused with the places beside it, which can be probed.
fn offsets_are_decoded() {
    let said = refused(r#"probe "kprobe:vfs_read+1":count()"#);
    assert!(
        said.contains("vfs_read+1 is inside of an instruction"),
        "{said}"
    );
    let next = said
        .split("'vfs_read+")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let next = next.unwrap_or_else(|| panic!("no place behind it: {said}"));
    let mut worker = Worker::start(&["read", "/proc/self/comm", "777", "40"]);
    let pid = worker.pid().to_string();
    let code = format!(r#"probe "kprobe:vfs_read+{next}":where "arg2 == 777":name "n":count()"#);
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.rows("n")[0]["count"], 40, "{outcome:?}");
    let said = refused(r#"probe "kprobe:vfs_read+100000":count()"#);
    assert!(said.contains("behind the function's end"), "{said}");
}

fn functions_that_kprobes_run_through() {
    let said = refused(r#"probe "kprobe:kprobe_dispatcher":count()"#);
    assert!(said.contains("kprobes/blacklist"), "{said}");
}

fn functions_that_are_marked_notrace() {
    // The tracer's own files are built without its hooks.
    let said = refused(r#"probe "kprobe:ring_buffer_lock_reserve":count()"#);
    assert!(said.contains("notrace"), "{said}");
    // Older kernels have types of what the tracer reaches alone.
    let said = refused(r#"probe "fentry:ring_buffer_lock_reserve":count()"#);
    assert!(
        said.contains("notrace") || said.contains("BTF doesn't know"),
        "{said}"
    );
}

/// `atomic_notifier_call_chain` is on the kernel's list, others of the pattern are not.
fn of_a_pattern_they_are_skipped() {
    let code = r#"probe "kprobe:atomic_notifier_c*":count()"#;
    let outcome = Trace::with(code, &["-v", "--attach", "exact"])
        .start()
        .stop();
    outcome.is_well();
    let skipped = outcome.stderr.contains(" blacklisted)");
    // The list is for breakpoints: what hooks into the tracer alone doesn't mind it.
    let in_one_link = outcome.stderr.contains("one link");
    assert!(skipped || in_one_link, "{outcome:?}");
}

fn what_the_compiler_renamed() {
    let tracing = Trace::of(r#"probe "kprobe:finish_task_switch":name "n":count()"#).start();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let outcome = tracing.stop();
    outcome.is_well();
    assert!(
        outcome.rows("n")[0]["count"].as_i64() > Some(0),
        "{outcome:?}"
    );
}

fn every_function_of_tcp() {
    let code = r#"probe "kprobe:tcp_*":by "func":count()"#;
    let outcome = Trace::with(code, &["--max-probes", "2000"]).start().stop();
    outcome.is_well();
    let attached = outcome.of("attached").count();
    assert_eq!(attached, 1, "{outcome:?}");
}

fn without_kprobes_the_nearest_kind_is_named() {
    let said = refused(r#"probe "kprobe:vfs_read":count()"#);
    for words in ["CONFIG_KPROBES", "tracepoint or rawtracepoint would do"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// Files of three buses, each of which has a function of its own that is called `modalias_show`.
fn modaliases() -> Vec<String> {
    let mut all = Vec::new();
    for bus in ["pci", "acpi", "platform"] {
        let folder = std::fs::read_dir(format!("/sys/bus/{bus}/devices"));
        let files = folder.expect("the bus").flatten();
        let files = files.map(|device| device.path().join("modalias"));
        let before = all.len();
        all.extend(files.filter_map(|file| {
            file.canonicalize()
                .ok()?
                .into_os_string()
                .into_string()
                .ok()
        }));
        assert!(all.len() > before, "{bus} has devices with names");
    }
    all
}

/// A read of a file in /sys calls its function once.
fn all_that_share_a_name() {
    let files = modaliases();
    let command = format!("sh -c 'cat {} >/dev/null'", files.join(" "));
    for kind in ["kprobe", "kretprobe", "fentry", "fexit"] {
        let code = format!(
            r#"probe "{kind}:modalias_show":by "probe, func":name "n":count()
            probe "{kind}:modalias_sho*":by "probe, func":name "pattern":count()"#
        );
        let rows = json!([{"probe": format!("{kind}:modalias_show"), "func": "modalias_show", "count": files.len()}]);
        let mut ways = vec![&[][..]];
        if kind == "kprobe" {
            ways.push(&["--attach", "exact"]);
        }
        for way in ways {
            let outcome = Trace::with(&code, &[&["-c", &command], way].concat()).run();
            for name in ["n", "pattern"] {
                assert_eq!(outcome.rows(name), rows.as_array().unwrap(), "{outcome:?}");
            }
        }
    }
    let code = r#"probe "kretprobe:modalias_show":by "ok = entry(arg2) == ptr(args.buf) and elapsed > 0":name "n":count()"#;
    let outcome = Trace::with(code, &["-c", &command]).run();
    let rows = json!([{"ok": true, "count": files.len()}]);
    assert_eq!(outcome.rows("n"), rows.as_array().unwrap(), "{outcome:?}");
    let listed = listed("kprobe:modalias_show");
    assert_eq!(listed, "kprobe:modalias_show\n");
}

fn listed(spec: &str) -> String {
    let output = Command::new(product()).args(["list", spec]).output();
    String::from_utf8(output.expect("the product starts").stdout).expect("UTF-8")
}

/// One of them alone would be a wrong answer.
fn where_they_are_may_be_hidden() {
    const HIDES: &str = "/proc/sys/kernel/kptr_restrict";
    let before = std::fs::read_to_string(HIDES).expect("a number");
    std::fs::write(HIDES, "2").expect("root may hide addresses");
    let outcome = Trace::of(r#"probe "kprobe:modalias_show":count()"#).run();
    let others = Trace::of(
        r#"probe "kprobe:{vfs_open,modalias_show}":name "n":count() after("100ms", exit)"#,
    )
    .run();
    std::fs::write(HIDES, before).expect("root may show addresses");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains("functions are called 'modalias_show', and the kernel hides"),
        "{outcome:?}"
    );
    others.is_well();
}
