//! Stacks of a program whose calls are known, and of the kernel.

use super::cases;
use crate::trace::{Outcome, Trace, Tracing};
use crate::worker::Worker;
use moontrace_described::{PROGRAM, SOURCE};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tempfile::TempDir;

cases!(stacks: lines_and_inlined_functions, of_a_process_that_has_ended, of_a_process_that_came_and_went, of_a_file_that_is_gone,
    of_a_file_in_another_mount_namespace,
    fields_of_events, in_handlers, of_two_processes, on_all_cpus, of_the_kernel, functions_of_the_kernel [Kprobes],
    where_fentry_is [Fentry], by_the_clock, made_at_run_time, more_than_there_is_room_for, taken_again_and_again,
    addresses_as_functions, addresses_of_the_kernel_as_functions [Kprobes], wrong_uses);

/// Of `program.c`: so many calls ask from four calls deep, so many from more than a stack has frames.
const SHALLOW: i64 = 5;
const DEEP: i64 = 3;

/// What asks for its parent.
const ASKED: &str = "tracepoint:syscalls:sys_enter_getppid";

/// The program, in a file that lives as long as this.
struct Program(TempDir);

impl Program {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let program = Self(directory);
        std::fs::write(program.path(), PROGRAM).expect("a file");
        let mode = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(program.path(), mode).expect("a file's mode");
        program
    }

    fn path(&self) -> String {
        let path = self.0.path().join("program");
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    fn start(&self) -> Worker {
        Worker::spawn(&mut Command::new(self.path()))
    }

    /// What `code` sees of one run of it.
    fn traced(&self, code: &str) -> Outcome {
        let (worker, tracing) = self.run(code);
        drop(worker);
        finish(tracing)
    }

    /// A run that is through, and traced.
    fn run(&self, code: &str) -> (Worker, Tracing) {
        let mut worker = self.start();
        let code = code
            .replace("PROGRAM", &self.path())
            .replace("ASKED", ASKED);
        let tracing = Trace::with(&code, &["-p", &worker.pid().to_string()]).start();
        worker.go();
        (worker, tracing)
    }
}

#[track_caller]
fn finish(tracing: Tracing) -> Outcome {
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

/// The line of the source that a text stands in, counted from 1.
fn line_of(text: &str) -> i64 {
    let number = SOURCE.lines().position(|line| line.contains(text));
    number.expect("the source has that line") as i64 + 1
}

fn symbols(stack: &Value) -> Vec<&str> {
    let frames = stack
        .as_array()
        .unwrap_or_else(|| panic!("no stack: {stack}"));
    frames
        .iter()
        .map(|frame| frame["symbol"].as_str().unwrap_or("?"))
        .collect()
}

/// The only row of these whose stack has so many frames of `descend`.
#[track_caller]
fn with_descents(rows: &[Value], descents: usize) -> &Value {
    let has = |row: &&Value| {
        let symbols = symbols(&row["ustack"]);
        symbols
            .iter()
            .filter(|symbol| **symbol == "descend")
            .count()
            == descents
    };
    let found: Vec<_> = rows.iter().filter(has).collect();
    assert_eq!(found.len(), 1, "{descents} descents in {rows:?}");
    found[0]
}

/// What all that know the program's file must see of its shallow calls.
#[track_caller]
fn is_shallow(row: &Value) {
    assert_eq!(row["count"], SHALLOW, "{row}");
    let stack = &row["ustack"];
    let want = [
        "call", "ask", "descend", "descend", "descend", "descend", "apply",
    ];
    assert_eq!(symbols(stack)[..7], want, "{stack}");
}

fn lines_and_inlined_functions() {
    let program = Program::new();
    let outcome = program.traced(r#"probe "ASKED":by "ustack":name "asked":count()"#);
    let rows = outcome.rows("asked");
    assert_eq!(rows.len(), 2, "{rows:?}");
    let shallow = with_descents(rows, 4);
    is_shallow(shallow);
    let frame = |number: usize| &shallow["ustack"][number];
    for (number, line, inlined) in [
        (1, line_of("return call(110"), true),
        (2, line_of("return ask()"), false),
        (3, line_of("return descend(depth"), false),
        (6, line_of("return function(argument)"), false),
    ] {
        let frame = frame(number);
        assert_eq!(frame["line"], line, "{frame}");
        assert_eq!(frame["inlined"] == true, inlined, "{frame}");
        let file = frame["file"].as_str().unwrap_or_default();
        assert!(file.ends_with("program.c"), "{frame}");
        assert_eq!(frame["module"], program.path(), "{frame}");
        assert!(inlined || frame["offset"].is_u64(), "{frame}");
    }
    // 127 frames, the inlined one, and the mark.
    let deep = rows
        .iter()
        .find(|row| row["count"] == DEEP)
        .expect("a deep stack");
    let symbols = symbols(&deep["ustack"]);
    assert_eq!(
        (symbols.len(), symbols[128]),
        (129, "[truncated]"),
        "{symbols:?}"
    );
    assert_eq!(symbols[127], "descend");
}

fn of_a_process_that_has_ended() {
    let program = Program::new();
    let (worker, tracing) = program.run(r#"probe "ASKED":by "ustack":name "asked":count()"#);
    // Killed and waited for, before anything is read.
    drop(worker);
    let outcome = finish(tracing);
    is_shallow(with_descents(outcome.rows("asked"), 4));
}

fn of_a_process_that_came_and_went() {
    let program = Program::new();
    let code = format!(r#"probe "{ASKED}":by "ustack":name "asked":count()"#);
    let command = format!("sh -c '{} > /dev/null'", program.path());
    let outcome = Trace::with(&code, &["-c", &command]).run();
    outcome.is_well();
    is_shallow(with_descents(outcome.rows("asked"), 4));
}

fn of_a_file_that_is_gone() {
    let program = Program::new();
    let mut worker = program.start();
    std::fs::remove_file(program.path()).expect("the file is there");
    let code = format!(r#"probe "{ASKED}":by "ustack":name "asked":count()"#);
    let tracing = Trace::with(&code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    drop(worker);
    let outcome = finish(tracing);
    let row = with_descents(outcome.rows("asked"), 4);
    is_shallow(row);
    assert_eq!(row["ustack"][0]["module"], program.path(), "{row}");
}

/// As a container's files are.
fn of_a_file_in_another_mount_namespace() {
    let program = Program::new();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let there = directory.path().to_str().expect("a path in UTF-8");
    let script = format!(
        "mount -t tmpfs none {there} && cp {} {there}/program && exec {there}/program",
        program.path()
    );
    let mut worker = Worker::spawn(Command::new("unshare").args(["-m", "sh", "-c", &script]));
    assert!(!directory.path().join("program").exists());
    let code = format!(r#"probe "{ASKED}":by "ustack":name "asked":count()"#);
    let tracing = Trace::with(&code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    drop(worker);
    let outcome = finish(tracing);
    let row = with_descents(outcome.rows("asked"), 4);
    is_shallow(row);
    assert_eq!(
        row["ustack"][0]["module"],
        format!("{there}/program"),
        "{row}"
    );
}

fn fields_of_events() {
    let program = Program::new();
    let outcome = program.traced(r#"probe "ASKED":print "pid, ustack, top = ustack(2), kstack""#);
    let events: Vec<&Value> = outcome.of("event").map(|line| &line["data"]).collect();
    assert_eq!(events.len() as i64, SHALLOW + DEEP);
    for (number, event) in events.iter().enumerate() {
        // Two frames, and what is inlined into the second.
        assert_eq!(
            symbols(&event["top"]),
            ["call", "ask", "descend"],
            "{event}"
        );
        let kernel = symbols(&event["kstack"]);
        assert!(kernel.contains(&"do_syscall_64"), "{kernel:?}");
        assert!(
            !kernel.iter().any(|symbol| symbol.starts_with("bpf_")),
            "{kernel:?}"
        );
        let last = *symbols(&event["ustack"]).last().expect("frames");
        assert_eq!(last == "[truncated]", number as i64 >= SHALLOW, "{last}");
    }
}

fn in_handlers() {
    let program = Program::new();
    let outcome = program.traced(
        r##"local t = probe "ASKED":by "ustack":count()
        local seen, first = {}, nil
        probe "ASKED":on(function(e)
            seen[e.ustack] = (seen[e.ustack] or 0) + 1
            first = first or e.ustack
        end)
        on_exit(function()
            local counts = {}
            for stack, count in pairs(seen) do counts[#counts + 1] = count .. "/" .. t:get(stack).count end
            table.sort(counts)
            print(table.concat(counts, " "))
            for _, row in ipairs(t:rows()) do print(row.ustack == first, seen[row.ustack], row.ustack.mark) end
            print(first[1].symbol, first[2].inlined, first[2].name, #first > 6, first[1000])
            local lines = 0
            for _ in tostring(first):gmatch("[^\n]+") do lines = lines + 1 end
            print(lines == #first, tostring(first):match("^call%+%d+ %(program%.c:%d+%)\nask %[inlined%]"))
        end)"##,
    );
    let text = outcome.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        format!("{DEEP}/{DEEP} {SHALLOW}/{SHALLOW}"),
        "{text}"
    );
    assert_eq!(lines[1], format!("false\t{DEEP}\t[truncated]"), "{text}");
    assert_eq!(lines[2], format!("true\t{SHALLOW}\tnil"), "{text}");
    assert_eq!(lines[3], "call\ttrue\task\ttrue\tnil", "{text}");
    assert!(lines[4].starts_with("true\tcall+"), "{text}");
}

fn of_two_processes() {
    let program = Program::new();
    let mut both = [program.start(), program.start()];
    let code = format!(
        r#"local t = probe "{ASKED}":where "pid in {{{}, {}}}":by "ustack":name "asked":count()
        on_exit(function() print(t:folded()) t:print() end)"#,
        both[0].pid(),
        both[1].pid()
    );
    let tracing = Trace::of(&code).start();
    both.iter_mut().for_each(Worker::go);
    let outcome = finish(tracing);
    let rows = outcome.rows("asked");
    let shallow: Vec<&Value> = rows.iter().filter(|row| row["count"] == SHALLOW).collect();
    assert_eq!((rows.len(), shallow.len()), (4, 2), "{rows:?}");
    shallow.iter().for_each(|row| is_shallow(row));
    // The same functions are one line, whosever they are.
    let text = outcome.text();
    let shallow = format!(
        ";apply;descend;descend;descend;descend;ask;call {}",
        2 * SHALLOW
    );
    assert!(text.lines().any(|line| line.ends_with(&shallow)), "{text}");
}

fn on_all_cpus() {
    const TIMES: u64 = 20_000;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut workers: Vec<Worker> = (0..cpus)
        .map(|cpu| {
            Worker::start(&[
                "as",
                "stackburst",
                "burst",
                &cpu.to_string(),
                &TIMES.to_string(),
            ])
        })
        .collect();
    let code =
        format!(r#"probe "{ASKED}":where "comm == 'stackburst'":by "kstack":name "asked":count()"#);
    let tracing = Trace::of(&code).start();
    workers.iter_mut().for_each(Worker::begin);
    workers.iter_mut().for_each(Worker::wait_until_done);
    let outcome = finish(tracing);
    let [row] = outcome.rows("asked") else {
        panic!("{outcome:?}")
    };
    // The kernel skips a program that it has interrupted on that CPU, and counts that.
    let (count, all) = (row["count"].as_u64().unwrap_or(0), TIMES * cpus as u64);
    let missed = &outcome.of("books").next().expect("books")["missed"];
    let missed = missed.as_u64().unwrap_or(0);
    assert!(count <= all && count + missed >= all, "{outcome:?}");
    let books = outcome.books();
    assert_eq!((books.delivered, books.lost), (count, 0), "{outcome:?}");
}

fn of_the_kernel() {
    let outcome = Worker::start(&["getppid", "7"]).traced(
        &format!(r#"probe "{ASKED}":by "kstack, short = kstack(1)":name "asked":count()"#),
        &[],
    );
    let [row] = outcome.rows("asked") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"], 7);
    let symbols = symbols(&row["kstack"]);
    assert!(symbols.contains(&"do_syscall_64"), "{symbols:?}");
    assert!(
        symbols
            .last()
            .is_some_and(|last| last.starts_with("entry_SYSCALL_64")),
        "{symbols:?}"
    );
    // BPF's own frames are none of those that are wanted.
    let short = self::symbols(&row["short"]);
    assert_eq!(short, symbols[..1], "{symbols:?}");
}

fn functions_of_the_kernel() {
    let code = r#"probe "kprobe:vfs_read":where "arg2 == 77":by "kstack":name "reads":count()"#;
    let outcome = Worker::start(&["read", "/proc/self/status", "77", "9"])
        .traced(code, &["--attach", "exact"]);
    let [row] = outcome.rows("reads") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"], 9, "{row}");
    let symbols = symbols(&row["kstack"]);
    assert_eq!(symbols[0], "vfs_read", "{symbols:?}");
    assert!(symbols.contains(&"do_syscall_64"), "{symbols:?}");
}

fn where_fentry_is() {
    let code =
        r#"probe "fentry:vfs_read":where "args.count == 77":by "kstack":name "reads":count()"#;
    let outcome = Worker::start(&["read", "/proc/self/status", "77", "9"]).traced(code, &[]);
    let [row] = outcome.rows("reads") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"], 9, "{row}");
    let symbols = symbols(&row["kstack"]);
    assert_eq!(symbols[0], "vfs_read", "{symbols:?}");
}

fn by_the_clock() {
    let code = r#"probe "profile:hz:99":by "comm, kstack, ustack":name "time":count()"#;
    let outcome = Worker::start(&["as", "spinner", "spin", "1000"]).traced(code, &[]);
    let rows = outcome.rows("time");
    let count: i64 = rows.iter().filter_map(|row| row["count"].as_i64()).sum();
    assert!(count > 0, "{outcome:?}");
    assert_eq!(count as u64, outcome.books().delivered);
    let known = rows.iter().filter(|row| {
        let symbols = [symbols(&row["kstack"]), symbols(&row["ustack"])].concat();
        symbols.iter().any(|symbol| *symbol != "?")
    });
    assert_eq!(known.count(), rows.len(), "{rows:?}");
}

fn made_at_run_time() {
    let code = format!(r#"probe "{ASKED}":by "ustack":name "asked":count()"#);
    let worker = Worker::start(&["jit", "6"]);
    let map = format!("/tmp/perf-{}.map", worker.pid());
    let outcome = worker.traced(&code, &[]);
    let _ = std::fs::remove_file(map);
    let rows = outcome.rows("asked");
    let made = |row: &&Value| row["ustack"][0]["symbol"] == "compiled_here";
    let row = rows.iter().find(made).unwrap_or_else(|| panic!("{rows:?}"));
    assert_eq!(
        (&row["count"], &row["ustack"][0]["offset"]),
        (&json!(6), &json!(11)),
        "{row}"
    );
}

fn more_than_there_is_room_for() {
    let program = Program::new();
    let outcome = program.traced(
        r#"local t = tally{ stacks = 1 }
        probe "ASKED":by "ustack":name "asked":tally(t, "count()")"#,
    );
    let [row] = outcome.rows("asked") else {
        panic!("{outcome:?}")
    };
    is_shallow(row);
    let books = outcome.of("books").next().expect("books");
    assert_eq!(books["lost"], json!({ "stacks": DEEP }), "{books}");
    outcome.books().balance();
}

fn taken_again_and_again() {
    let outcome = Worker::start(&["pace", "60"]).traced(
        &format!(
            r#"local t = tally{{ stacks = 2 }}
            probe "{ASKED}":by "kstack":tally(t, "count()")
            local sum, taken = 0, {{}}
            local function take()
                for _, row in ipairs(t:take():rows()) do
                    sum = sum + row.count
                    taken[row.kstack] = (taken[row.kstack] or 0) + 1
                end
            end
            every("20ms", take)
            on_exit(function()
                take()
                local kinds, times, frames = 0, 0, 0
                for stack, count in pairs(taken) do kinds, times, frames = kinds + 1, times + count, #stack end
                print(sum, kinds, times > 1, frames > 2)
            end)"#
        ),
        &[],
    );
    assert_eq!(outcome.text(), "600\t1\ttrue\ttrue\n", "{outcome:?}");
    let books = outcome.books();
    assert_eq!((books.delivered, books.lost), (600, 0), "{outcome:?}");
}

fn addresses_as_functions() {
    let program = Program::new();
    let code = r#"probe "uprobe:PROGRAM:apply":by "usym(arg0)":name "applied":count()
        probe "uprobe:PROGRAM:apply":on(function(e) print(usym(e.arg0, e.pid), usym(16, e.pid)) end)"#;
    let (_worker, tracing) = program.run(code);
    let all = SHALLOW + DEEP;
    (0..all).for_each(|_| tracing.hear("descend\t0x10"));
    let outcome = finish(tracing);
    assert_eq!(
        outcome.rows("applied"),
        [json!({"usym(arg0)": "descend", "count": all})]
    );
    assert_eq!(outcome.text(), "descend\t0x10\n".repeat(all as usize));
}

fn addresses_of_the_kernel_as_functions() {
    let code = r#"probe "kprobe:vfs_read":where "arg2 == 77":by "read = ksym(args.file.f_op.read_iter)":name "reads":count()
        probe "kprobe:vfs_read":where "arg2 == 77":fetch "address = args.file.f_op.read_iter, name = ksym(args.file.f_op.read_iter)"
            :on(function(e) print(e.name == ksym(e.address), ksym(1)) end)"#;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("UTF-8");
    let mut worker = Worker::start(&["read", path, "77", "3"]);
    let tracing = Trace::with(code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    (0..3).for_each(|_| tracing.hear("true\t0x1"));
    let outcome = finish(tracing);
    let [row] = outcome.rows("reads") else {
        panic!("{outcome:?}")
    };
    let name = row["read"].as_str().unwrap_or_default();
    assert!(name.ends_with("_read_iter"), "{row}");
    assert_eq!(outcome.text(), "true\t0x1\n".repeat(3), "{outcome:?}");
}

fn wrong_uses() {
    for (text, message) in [
        (
            ":by \"kstack(0)\":count()",
            "a stack has 1 to 127 frames, not 0",
        ),
        (
            ":by \"ustack(pid)\":count()",
            "how many frames are wanted must be known beforehand",
        ),
        (":where \"kstack == 1\"", "a stack"),
        (":sum \"ustack\"", "a stack"),
        (
            ":by \"comm\":count():flamegraph(\"/nowhere/x.svg\")",
            "/nowhere/x.svg can't be written",
        ),
        (
            ":by \"kstack\":tally(t, \"count()\") probe 'profile:hz:1':by \"kstack = kstack(3)\":tally(t, \"count()\")",
            "take as many frames everywhere",
        ),
    ] {
        let outcome = Trace::of(&format!("local t = tally() probe '{ASKED}'{text}")).run();
        assert_eq!(outcome.status, Some(1), "{text}");
        assert!(
            outcome.stderr.contains(message),
            "{text}: {}",
            outcome.stderr
        );
    }
}
