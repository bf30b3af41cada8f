//! The walls around a stranger's script: each way out is tried with them and without, and what a tool needs goes on.

use super::cases;
use crate::attempt::{Answer, Attempt, CHANGES, DOORS, ELSEWHERE, LOOKS, WORKS, Walls, answer};
use crate::installed::{Installed, printed, refusal};
use crate::terminal::{Prompt, home};
use crate::trace::product;
use std::process::Command;
use std::time::{Duration, Instant};

cases!(sandbox:
    files_are_not_changed,
    nothing_else_is_reached,
    what_tracing_needs_goes_on,
    landlock_alone_keeps_files [Landlock],
    a_tool_runs_within,
    a_tool_has_its_kinds_of_probes,
    kernel_functions_are_reached_from_within [Kprobes],
    a_command_is_outside_and_ends,
    files_that_were_allowed_are_written_and_no_others,
    no_part_of_a_script_runs_for_ever,
    what_is_printed_has_an_end,
    a_terminal_is_not_steered,
);

/// Without the walls, each of these is answered in another way.
#[track_caller]
fn denied(attempts: &[Attempt], walls: &[Walls]) {
    for (name, _) in attempts {
        assert_ne!(
            answer(Walls::None, name),
            Answer::Denied,
            "{name} without walls"
        );
        for walls in walls {
            assert_eq!(answer(*walls, name), Answer::Denied, "{name}, {walls:?}");
        }
    }
}

fn files_are_not_changed() {
    denied(CHANGES, &[Walls::Seeing]);
}

fn nothing_else_is_reached() {
    denied(ELSEWHERE, &[Walls::Seeing]);
}

fn what_tracing_needs_goes_on() {
    for (name, _) in WORKS.iter().chain(LOOKS) {
        assert_eq!(answer(Walls::Seeing, name), Answer::Done, "{name}");
    }
    for (name, _) in WORKS {
        assert_eq!(answer(Walls::Blind, name), Answer::Done, "{name}");
    }
}

/// Where a folder is open, the filter of system calls lets files be opened for writing, and Landlock says which.
fn landlock_alone_keeps_files() {
    for name in [
        "create",
        "overwrite",
        "append",
        "open_to_truncate",
        "open_to_make",
        "unlink",
    ] {
        assert_eq!(answer(Walls::Writing, name), Answer::Denied, "{name}");
    }
    for (name, _) in DOORS {
        assert_eq!(answer(Walls::Writing, name), Answer::Done, "{name}");
    }
    for (name, _) in LOOKS {
        assert_eq!(answer(Walls::Blind, name), Answer::Denied, "{name}");
    }
}

/// A tool that does this, and may attach and do what stands there.
fn tool(declared: &str, code: &str) -> Installed {
    let text = format!("--- Try.\n-- Usage: try\n{declared}\n{code}\n");
    Installed::with(&[("try.lua", &text)])
}

const ALLOWED: [&str; 2] = ["--allow", "declared"];

fn run(tool: &Installed, options: &[&str]) -> std::process::Output {
    tool.run(&[&ALLOWED, options, &["net/try"]].concat())
}

fn a_tool_runs_within() {
    let tool = tool(
        "-- Permissions: read=/proc/self/status",
        "print(readfile '/proc/self/status') exit()",
    );
    let output = run(&tool, &["-v"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("sandbox: capabilities, seccomp"), "{said}");
    let status = printed(output);
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {status}"))
            .trim()
    };
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(value("Seccomp:"), "2");
    let kept = u64::from_str_radix(value("CapEff:"), 16).unwrap();
    for set in ["CapPrm:", "CapBnd:"] {
        assert_eq!(u64::from_str_radix(value(set), 16).unwrap(), kept, "{set}");
    }
    assert_eq!(
        (value("CapInh:"), value("CapAmb:")),
        (&*"0".repeat(16), &*"0".repeat(16))
    );
    // CAP_SYS_ADMIN stays where the kernel opens no perf event without.
    let admin = 1 << 21;
    assert_eq!(kept & !admin, 0x1c4_0008_0004);
    assert_eq!(
        kept & admin != 0,
        said.contains("CAP_SYS_ADMIN stays"),
        "{said}"
    );
}

fn a_tool_has_its_kinds_of_probes() {
    let workload = format!(
        "{} --workload at-once getppid 10",
        crate::worker::executable()
    );
    for (spec, count) in [
        ("tracepoint:syscalls:sys_enter_getppid", 10),
        ("syscall:getppid:return", 10),
        ("software:task-clock:100000", 0),
        ("profile:hz:99", 0),
    ] {
        let tool = tool(
            &format!("-- Probes: {spec}"),
            &format!(
                "t = probe '{spec}' :count() on_exit(function() local r = t:rows()[1] print(r and r.count or 0) end)"
            ),
        );
        let counted = printed(run(&tool, &["-c", &workload]));
        let counted: u64 = counted.trim().parse().expect("a number");
        assert!(counted == count || count == 0, "{spec}: {counted}");
    }
    // What is declared later is attached, too.
    let tool = tool(
        "-- Probes: rawtracepoint:sched_switch, interval:50ms",
        "after('10ms', function() probe 'rawtracepoint:sched_switch' :where 'pid == 1' :count() print 'later' end)
         after('500ms', exit)",
    );
    assert!(printed(run(&tool, &[])).contains("later"));
}

fn kernel_functions_are_reached_from_within() {
    let workload = format!(
        "{} --workload at-once getppid 10",
        crate::worker::executable()
    );
    for spec in ["kprobe:__x64_sys_getppid", "kretprobe:__x64_sys_getppid"] {
        let tool = tool(
            &format!("-- Probes: {spec}"),
            &format!(
                "t = probe '{spec}' :count() on_exit(function() print(t:rows()[1].count) end)"
            ),
        );
        assert_eq!(printed(run(&tool, &["-c", &workload])), "10\n", "{spec}");
    }
}

/// It has what it is started with, and ends with the run.
fn a_command_is_outside_and_ends() {
    let tool = tool(
        "-- Probes: tracepoint:syscalls:sys_enter_getppid",
        "probe 'tracepoint:syscalls:sys_enter_getppid' :count()",
    );
    let status = printed(run(&tool, &["-c", "cat /proc/self/status"]));
    assert!(status.contains("NoNewPrivs:\t0"), "{status}");
    assert!(status.contains("Seccomp:\t0"), "{status}");
    let began = Instant::now();
    printed(run(&tool, &["-c", "sleep 1000", "--duration", "200ms"]));
    assert!(began.elapsed() < Duration::from_secs(60));
}

fn files_that_were_allowed_are_written_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let code = |file: &str| {
        format!(
            "t = probe 'profile:hz:99' :by 'kstack' :count() :flamegraph '{file}' after('300ms', exit)"
        )
    };
    let declared = format!("-- Probes: profile:hz:99\n-- Permissions: stacks, write={path}/*.svg");
    let there = format!("{path}/cpu.svg");
    printed(run(&tool(&declared, &code(&there)), &[]));
    let drawn = std::fs::read_to_string(&there).expect("it was drawn");
    assert!(drawn.starts_with("<?xml") || drawn.contains("<svg"));
    // A link does not lead out of what is allowed.
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link.svg")).unwrap();
    let said = refusal(run(
        &tool(&declared, &code(&format!("{path}/link.svg"))),
        &[],
    ));
    assert!(said.contains("can't be written"), "{said}");
    assert_eq!(std::fs::read(outside.path()).unwrap(), b"");
    // Output that the user asked for is where they said.
    let out = folder.path().join("out.txt");
    let hello = tool("-- Probes: interval:1s", "print 'hello' exit()");
    printed(run(&hello, &["-o", &out.display().to_string()]));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "hello\n");
}

fn no_part_of_a_script_runs_for_ever() {
    for (code, said) in [
        (
            "after('1ms', function() while true do end end)",
            "a function of the script's has run for 2 s and was stopped",
        ),
        (
            "probe 'tracepoint:syscalls:sys_enter_getppid' :on(function(e) while true do pcall(error) end end)",
            "net/try.lua:4: the handler of tracepoint:syscalls:sys_enter_getppid has run for 2 s and was stopped",
        ),
        (
            "local s = ('a'):rep(40) after('1ms', function() s:find(('a*'):rep(30) .. 'b') end)",
            "has run for 2 s and was stopped",
        ),
        (
            "on_exit(function() local t = setmetatable({}, { __index = function(t, k) return t[k] end }) while true do pcall(function() return t[1] end) end end) exit()",
            "has run for 2 s and was stopped",
        ),
        (
            "while true do end",
            "net/try.lua:4: the script has run for 10 s and was stopped",
        ),
    ] {
        let tool = tool("-- Probes: tracepoint:syscalls:sys_enter_getppid", code);
        let workload = format!(
            "{} --workload at-once getppid 10",
            crate::worker::executable()
        );
        let command = match code.contains("probe") {
            true => vec!["-c", &*workload],
            false => Vec::new(),
        };
        let output = run(&tool, &command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(said), "{code}: {errors}");
    }
}

fn what_is_printed_has_an_end() {
    let tool = tool(
        "-- Probes: interval:1s",
        "for i = 1, 1e9 do print(('x'):rep(100000)) end",
    );
    let output = run(&tool, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.len() < 17 << 20);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("net/try.lua:4: more than 16 MiB are printed in one call"),
        "{said}"
    );
}

/// Not by what scripts print, one's own included; a pipe gets the bytes.
fn a_terminal_is_not_steered() {
    let code = r"print('a\27[2Jb\7', '\u{9b}c') error('\27[31mred')";
    let output = Command::new(product()).args(["-e", code]).output().unwrap();
    assert_eq!(output.stdout, "a\x1b[2Jb\x07\t\u{9b}c\n".as_bytes());
    let mut screen = Prompt::of(&home(), &["-e", code], &[]);
    screen.ends();
    let raw = String::from_utf8_lossy(screen.raw()).into_owned();
    assert!(raw.contains("a\\x1b[2Jb\\x07\t\\u{9b}c\r\n"), "{raw:?}");
    assert!(raw.contains("\\x1b[31mred"), "{raw:?}");
    assert!(!raw.contains(['\x1b', '\x07', '\u{9b}']), "{raw:?}");
}
