//! How a run starts and ends.

use super::cases;
use crate::trace::{Trace, product};
use crate::worker::{Worker, executable};
use std::process::Command;

cases!(command_line: the_product_runs, it_is_static, a_command_from_its_first_instruction, a_command_that_a_thread_replaces, a_commands_status, signals_end_it_well, a_duration_ends_it, two_runs_at_once, many_probes_take_many_files, what_wants_arguments_is_checked_without);

fn the_product_runs() {
    let output = Command::new(product())
        .arg("--version")
        .output()
        .expect("the product starts");
    assert!(output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("moontrace "),
        "{output:?}"
    );
}

/// RUSTFLAGS in the environment would silently replace the flag that makes it so.
fn it_is_static() {
    use object::Object as _;
    let bytes = std::fs::read(product()).expect("the product can be read");
    let file = object::File::parse(&*bytes).expect("it is an ELF file");
    assert!(
        file.section_by_name(".interp").is_none(),
        "it wants a dynamic loader"
    );
}

fn a_command_from_its_first_instruction() {
    let command = format!(
        "{} --workload as mt-child at-once getppid 500",
        executable()
    );
    let code = r#"
        probe "tracepoint:syscalls:sys_enter_getppid":by "comm":name "calls":count()
        probe "tracepoint:syscalls:sys_exit_execve":where "retval == 0":name "execs":count()"#;
    let outcome = Trace::with(code, &["-c", &command]).run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(
        outcome.rows("calls"),
        serde_json::json!([{"comm": "mt-child", "count": 500}])
            .as_array()
            .unwrap()
    );
    assert_eq!(outcome.rows("execs")[0]["count"], 1, "{outcome:?}");
}

/// The thread that calls execve takes the place of the first one, which ends.
fn a_command_that_a_thread_replaces() {
    let this = executable();
    let command = format!(
        "{this} --workload at-once exec-by beside {this} x --workload as mt-thread at-once getppid 300"
    );
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":by "comm":name "calls":count()"#;
    let outcome = Trace::with(code, &["-c", &command]).run();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(
        outcome.rows("calls"),
        serde_json::json!([{"comm": "mt-thread", "count": 300}])
            .as_array()
            .unwrap()
    );
}

fn a_commands_status() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":count()"#;
    for (command, status) in [
        ("sh -c 'exit 5'", 5),
        ("sh -c 'kill -9 $$'", 128 + libc::SIGKILL),
        ("true", 0),
    ] {
        let outcome = Trace::with(code, &["-c", command]).run();
        assert_eq!(outcome.status, Some(status), "{command}: {outcome:?}");
    }
}

fn signals_end_it_well() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let mut worker = Worker::start(&["as", "mt-signal", "getppid", "100"]);
        let code = r#"
            local n = 0
            probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-signal"':on(function(e) n = n + 1 end)
            on_exit(function() printf("%d\n", n) end)"#;
        let tracing = Trace::of(code).start();
        worker.go();
        // At once: what waits in the ring is drained.
        let outcome = tracing.signal(signal);
        outcome.is_well();
        assert_eq!(outcome.text(), "100\n");
    }
}

fn a_duration_ends_it() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":name "calls":count()  on_exit(function() print "over" end)"#;
    let outcome = Trace::with(code, &["--duration", "200ms"]).run();
    outcome.is_well();
    assert_eq!(outcome.text(), "over\n");
}

/// Each has a ring of its own.
fn two_runs_at_once() {
    let mut worker = Worker::start(&["as", "mt-both", "getppid", "60"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-both"':on(function(e) print(e.comm) end)"#;
    let (one, two) = (Trace::of(code).start(), Trace::of(code).start());
    worker.go();
    for outcome in [one.stop(), two.stop()] {
        outcome.is_well();
        assert_eq!(outcome.text(), "mt-both\n".repeat(60));
    }
}

/// The limit that a shell sets is raised where that is allowed; it is the command's own again.
fn many_probes_take_many_files() {
    let code = r#"
        for call = 1, 60 do probe "rawtracepoint:sys_enter":where("args.id == " .. 9000 + call):name "n":count() end"#;
    let raised = Trace::with(code, &["-c", "sh -c 'exit $(ulimit -n)'"]);
    let outcome = raised.may_open(64, 4096).run();
    assert_eq!(outcome.status, Some(64), "{outcome:?}");
    let outcome = Trace::of(code).may_open(64, 64).start().wait();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let errors: Vec<&str> = outcome
        .of("error")
        .filter_map(|error| error["message"].as_str())
        .collect();
    let wanted = "more open files than a process may have here (64)";
    assert!(
        errors.iter().any(|error| error.contains(wanted)),
        "{outcome:?}"
    );
}

/// What it traces depends on them: the rest of it is checked.
fn what_wants_arguments_is_checked_without() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let script = |body: &str| {
        let path = folder.path().join("wants.lua");
        let text = format!(
            "--- Counts.\n--\n-- Usage: wants PATTERN\n--   PATTERN   what to count\n{body}"
        );
        std::fs::write(&path, text).expect("a file");
        let output = Command::new(product()).arg("check").arg(&path).output();
        let output = output.expect("the product starts");
        (
            output.status.code(),
            String::from_utf8(output.stderr).expect("UTF-8"),
        )
    };
    let (status, said) = script("probe(options().pattern):count()");
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("wants.lua: header and Lua are well") && said.contains("PATTERN"),
        "{said}"
    );
    let (status, said) = script("probe(options().pattern:count()");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("wants.lua:5:"), "{said}");
}
