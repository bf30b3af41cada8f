//! Probes that handlers attach and detach while others go on.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};
use std::time::{Duration, Instant};

cases!(coming_and_going:
    another_count_stays_exact,
    a_hundred_probes_come_and_go_beside_a_steady_one,
    a_handler_detaches_its_own_probe,
    cycles_leave_nothing,
    killed_it_leaves_nothing,
    killed_it_leaves_nothing_in_the_kernel [Kprobes],
    a_wildcard_of_a_handler,
    an_error_in_a_probe_of_a_handler,
    names_that_are_missing_drop_out,
);

/// Named after what no other test probes, `brief_target` (15 characters are kept).
const BRIEF: &str = "mt_brief_target";

/// Programs of the kernel that are called so.
fn left_over(name: &str) -> usize {
    let programs = aya::programs::loaded_programs().flatten();
    programs
        .filter(|program| program.name_as_str() == Some(name))
        .count()
}

/// The kernel takes programs down a moment after their last user is gone.
#[track_caller]
fn nothing_is_left(name: &str) {
    let began = Instant::now();
    while left_over(name) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            left_over(name)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn traced(code: &str, deed: &[&str]) -> Outcome {
    let mut worker = Worker::start(deed);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(&code.replace("EXE", &executable()), &["-p", &pid]).start();
    worker.go();
    std::thread::sleep(Duration::from_millis(300));
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

/// While a timer opens and detaches probes all the time, no event of another probe is lost.
fn another_count_stays_exact() {
    let code = r#"
        local seen, opened = 0, 0
        probe "tracepoint:syscalls:sys_enter_getppid":name "steady":on(function(e) seen = seen + 1 end)
        local last
        every("5ms", function()
            if last then last:detach() end
            opened = opened + 1
            last = probe "tracepoint:syscalls:sys_exit_getppid"
            last:name("brief"):on(function(e) local _ = e.retval end)
        end)
        on_exit(function() printf("%d %s\n", seen, opened > 3) end)"#;
    let outcome = traced(code, &["pace", "500"]);
    let text = outcome.text();
    let seen = text
        .strip_suffix(" true\n")
        .and_then(|seen| seen.parse().ok());
    let seen = seen.unwrap_or_else(|| panic!("{outcome:?}"));
    outcome.has_seen_all("steady", seen, 5000);
}

/// What waits in the ring when the others have been declared is less than what came while they were: the VM did not wait
/// until they were loaded. (Where others keep the processors busy, this holds in one of three times.)
fn a_hundred_probes_come_and_go_beside_a_steady_one() {
    let code = r#"
        local seen, batch, others = 0, 0, {}
        local last, declaring, waiting
        local function open()
            for i = 1, 100 do
                local other = probe "tracepoint:syscalls:sys_exit_getppid"
                last = other:name("other"):where("retval ~= " .. -i):by "comm":count()
                others[i] = other
            end
            batch = 0
        end
        probe "tracepoint:syscalls:sys_enter_getppid":name "steady":on(function(e)
            seen, batch = seen + 1, batch + 1
            if seen == 100 then open() end
        end)
        every("1ms", function()
            if not last then return end
            if declaring then waiting = waiting or batch else declaring = batch end
            batch = 0
        end)
        local gone
        every("50ms", function()
            if gone or not last or #last:rows() == 0 then return end
            gone = true
            after("100ms", function() for _, other in ipairs(others) do other:detach() end end)
        end)
        on_exit(function()
            printf("%d %s %s\n", seen, gone and "gone" or "slow", waiting and waiting < declaring and "beside" or waiting or "soon")
        end)"#;
    let run = || {
        let mut worker = Worker::start(&["pace", "2000"]);
        let pid = worker.pid().to_string();
        let tracing = Trace::with(code, &["-p", &pid]).start();
        worker.go();
        std::thread::sleep(Duration::from_millis(300));
        let outcome = tracing.stop();
        outcome.is_well();
        let others = outcome.of("books").filter(|line| line["probe"] == "other");
        let hits = others.map(|line| line["hits"].as_u64());
        let hits: Vec<u64> = hits.flatten().collect();
        assert_eq!(hits.len(), 100);
        let text = outcome.text();
        let seen = text.split(' ').next().and_then(|seen| seen.parse().ok());
        outcome.has_seen_all("steady", seen.unwrap_or(0), 20_000);
        // An emulated processor may have done all of its work before they are there.
        let least = if text.contains(" gone ") { 1 } else { 0 };
        let came_and_went = hits.iter().all(|hits| (least..20_000).contains(hits));
        assert!(came_and_went, "{hits:?}");
        text
    };
    let runs: Vec<String> = (0..3).map(|_| run()).collect();
    assert!(
        runs.iter().any(|text| text.ends_with("beside\n")),
        "{runs:?}"
    );
}

fn a_handler_detaches_its_own_probe() {
    let code = r#"
        local n, p = 0
        p = probe "tracepoint:syscalls:sys_enter_getppid"
        p:on(function(e) n = n + 1 if n == 1 then p:detach() end end)
        every("1s", function() end)
        on_exit(function() printf("%s\n", n >= 1) end)"#;
    let outcome = traced(code, &["getppid", "1000"]);
    assert_eq!(outcome.text(), "true\n", "{outcome:?}");
    outcome.books().balance();
}

/// Open files of a process.
fn descriptors(pid: u32) -> usize {
    let listed = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    listed.count()
}

fn cycles_leave_nothing() {
    let code = r#"
        local cycles, last = 0
        every("2ms", function()
            if cycles >= 30 then return end
            if last then last:detach() last = nil cycles = cycles + 1 if cycles == 30 then print "enough" end return end
            last = probe "rawtracepoint:task_rename"
            last:on(function(e) end)
        end)
        on_signal("USR1", exit)"#;
    let tracing = Trace::of(code).start();
    tracing.hear("enough");
    // The run's own, and those of a few probes that are on their way: they are closed on other threads, and the kernel takes
    // its time. Link, program and books left by each of so many cycles would be more than 60.
    let began = Instant::now();
    while descriptors(tracing.pid()) >= 40 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let open = descriptors(tracing.pid());
    let outcome = tracing.stop();
    outcome.is_well();
    assert!(open < 40, "{open} {outcome:?}");
}

fn killed_it_leaves_nothing() {
    nothing_is_left(BRIEF);
    let mut worker = Worker::start(&["call", "1000"]);
    let pid = worker.pid().to_string();
    let code = format!(
        r#"probe "uprobe:{}:brief_target":on(function(e) end)"#,
        executable()
    );
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    assert!(left_over(BRIEF) > 0, "the program is there");
    let outcome = tracing.signal(libc::SIGKILL);
    assert_eq!(outcome.status, None);
    nothing_is_left(BRIEF);
    // The target runs on, as if nothing had been there.
    worker.go();
}

/// By fexit, by single kprobes, and by one link for many, where this kernel has such.
fn killed_it_leaves_nothing_in_the_kernel() {
    const PROGRAM: &str = "mt_do_nanosleep";
    let many = "{hrtimer_nanosleep,do_nanosleep,vfs_open,vfs_fstat,vfs_fsync,vfs_truncate}";
    for (functions, options) in [
        ("do_nanosleep", &[][..]),
        ("do_nanosleep", &["--attach", "exact"]),
        (many, &[]),
    ] {
        let worker = Worker::start(&["nap", "5"]);
        let pid = worker.pid().to_string();
        let code = format!(r#"probe "kretprobe:{functions}":sum "elapsed""#);
        let tracing = Trace::with(&code, &[&["-p", &pid], options].concat()).start();
        assert!(left_over(PROGRAM) > 0, "the program is there");
        let outcome = tracing.signal(libc::SIGKILL);
        assert_eq!(outcome.status, None, "{outcome:?}");
        nothing_is_left(PROGRAM);
    }
}

/// Its sites hang in one link, where this kernel has such.
fn a_wildcard_of_a_handler() {
    let code = r#"
        local targets
        probe "tracepoint:syscalls:sys_enter_getppid":on(function(e)
            targets = targets or probe "uprobe:EXE:{brief,moontrace}_target":by "func":count()
        end)
        every("20ms", function()
            local rows = targets and targets:rows() or {}
            if #rows == 2 then exit(10) end
        end)"#;
    let mut tracing = Trace::of(&code.replace("EXE", &executable())).start();
    let began = Instant::now();
    while !tracing.has_ended() && began.elapsed() < Duration::from_secs(30) {
        Worker::start(&["getppid", "1"]).go();
        Worker::start(&["call", "100"]).go();
        std::thread::sleep(Duration::from_millis(200));
    }
    let outcome = tracing.wait();
    assert_eq!(outcome.status, Some(10), "{outcome:?}");
}

fn an_error_in_a_probe_of_a_handler() {
    let code = r#"
        local n = 0
        probe "tracepoint:syscalls:sys_enter_getppid":on(function(e)
            n = n + 1
            if n == 1 then probe "tracepoint:syscalls:no_such":count() end
        end)
        on_exit(function() print(n) end)"#;
    let mut worker = Worker::start(&["getppid", "10"]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(code, &["-p", &pid, "--on-error", "continue"]).start();
    worker.go();
    std::thread::sleep(Duration::from_millis(300));
    let outcome = tracing.stop();
    assert_eq!(outcome.text(), "10\n", "{outcome:?}");
    let errors: Vec<_> = outcome.of("error").collect();
    assert_eq!(errors.len(), 1, "{outcome:?}");
    assert_eq!(errors[0]["line"], 5, "{outcome:?}");
}

fn names_that_are_missing_drop_out() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_{getppid,no_such}, kprobe:moontrace_no_such":name "n":count()"#;
    let outcome = traced(code, &["getppid", "10"]);
    assert_eq!(outcome.rows("n")[0]["count"], 10, "{outcome:?}");
}
