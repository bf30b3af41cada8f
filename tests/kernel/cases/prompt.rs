//! The prompt: what a person types, sees, and does at the wrong moment; and transcripts.

use super::cases;
use crate::terminal::{Home, Prompt, home};
use crate::trace::product;
use crate::worker::Worker;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

cases!(prompt:
    values_are_shown_and_kept,
    a_statement_may_have_many_lines,
    a_mistake_is_pointed_at_and_changes_nothing,
    a_tally_counts_while_the_prompt_is_free,
    what_runs_is_listed_and_ends,
    events_stand_above_the_line_that_is_typed,
    many_events_are_counted_and_a_person_can_type,
    a_tally_is_watched_until_a_key_is_pressed,
    ctrl_c_stops_what_runs_and_never_the_session,
    ctrl_c_stops_a_match,
    a_signal_beside_a_line_leaves_handlers_alone,
    keys_that_are_typed_ahead_are_kept,
    tab_completes,
    what_was_typed_is_remembered,
    the_window_changes_its_width,
    a_narrow_window_and_a_long_paste,
    a_long_line_that_is_typed,
    strings_of_traced_processes_steer_no_terminal,
    a_start_up_file_is_run_and_its_mistakes_are_told,
    a_history_that_can_not_be_written_is_told,
    a_session_is_saved_and_loaded,
    a_signal_that_ends_it_leaves_the_terminal_as_it_was,
    questions_are_answered,
    a_transcript_is_run_to_its_end,
);

/// Calls that a worker makes.
const CALLS: u64 = 1_000;

fn counting(pid: u32) -> String {
    format!(
        r#"p = probe "tracepoint:syscalls:sys_enter_getppid":where "pid == {pid}":by "comm":count()"#
    )
}

fn values_are_shown_and_kept() {
    let mut prompt = Prompt::open();
    assert_eq!(prompt.says("6*7"), "42");
    assert_eq!(prompt.says("_ + 1"), "43");
    assert_eq!(prompt.says("'mul' .. 'ti', nil"), "\"multi\"\nnil");
    assert_eq!(prompt.says("t = { 1, x = 'a' }"), "");
    assert_eq!(prompt.says("t"), "{ 1, x = \"a\" }");
    prompt.press("exit(3)\r");
    assert_eq!(prompt.ends(), 3);
    assert!(prompt.is_restored());
}

fn a_statement_may_have_many_lines() {
    let mut prompt = Prompt::open();
    prompt.press("function f(x)\r");
    prompt.press("return x * 2\r");
    let from = prompt.written();
    prompt.press("end\r");
    assert_eq!(prompt.answer(from), "");
    assert_eq!(prompt.says("f(21)"), "42");
    assert_eq!(prompt.leave(), 0);
}

fn a_mistake_is_pointed_at_and_changes_nothing() {
    let mut worker = Worker::start(&["getppid", "10"]);
    let mut prompt = Prompt::open();
    prompt.says(&counting(worker.pid()));
    let wrong = prompt
        .says(r#"p = probe "tracepoint:syscalls:sys_enter_openat":by "args.filname":count()"#);
    assert!(
        wrong.contains("args.filname\n") && wrong.contains("^^^^^^^"),
        "{wrong}"
    );
    assert!(wrong.contains("did you mean 'args.filename'"), "{wrong}");
    let two = prompt.says(r#"q = probe "tracepoint:sched:sched_switch":count() q.x.y = 1"#);
    assert!(two.contains("is not attached either"), "{two}");
    worker.go();
    let shown = prompt.says("p");
    assert!(shown.lines().any(|line| line.ends_with(" 10")), "{shown}");
    assert!(shown.contains("none lost"), "{shown}");
    let listed = prompt.says("probes()");
    assert!(
        listed.contains("getppid") && !listed.contains("sched_switch"),
        "{listed}"
    );
    assert_eq!(prompt.leave(), 0);
}

fn a_tally_counts_while_the_prompt_is_free() {
    let mut worker = Worker::start(&["as", "mt-typed", "getppid", &CALLS.to_string()]);
    let mut prompt = Prompt::open();
    assert_eq!(prompt.says(&counting(worker.pid())), "attached 1 probe");
    worker.go();
    let shown = prompt.says("p");
    let row = shown.lines().find(|line| line.starts_with("mt-typed"));
    assert_eq!(
        row.and_then(|row| row.split_whitespace().last()),
        Some("1000"),
        "{shown}"
    );
    assert!(
        shown.contains("attached") && shown.contains("none lost"),
        "{shown}"
    );
    assert_eq!(prompt.says("p:get('mt-typed').count"), CALLS.to_string());
    prompt.says("p:clear()");
    assert!(prompt.says("p").contains("nothing yet"));
    assert_eq!(prompt.leave(), 0);
}

fn what_runs_is_listed_and_ends() {
    let mut prompt = Prompt::open();
    let pid = prompt.pid();
    prompt.says(&counting(pid));
    let probe = prompt.says(&format!(
        r#"probe "tracepoint:syscalls:sys_enter_getpgid":where "pid == {pid}":print()"#
    ));
    assert!(probe.contains("attached, 0 hits, none lost"), "{probe}");
    let listed = prompt.says("#probes():rows()");
    assert_eq!(listed, "2");
    prompt.says("p:detach()");
    assert!(prompt.says("p").contains("detached"));
    prompt.says("_");
    let listed = prompt.says("probes()");
    assert!(
        listed.contains("getpgid") && !listed.contains("getppid"),
        "{listed}"
    );
    assert_eq!(prompt.leave(), 0);
}

fn events_stand_above_the_line_that_is_typed() {
    let mut worker = Worker::start(&["getppid", "3"]);
    let mut prompt = Prompt::open();
    prompt.says(&format!(
        r#"n = 0 probe "tracepoint:syscalls:sys_enter_getppid":where "pid == {}":on(function(e) n = n + 1 print("event", n) end)"#,
        worker.pid()
    ));
    prompt.press("'half and ");
    prompt.sees("> 'half and");
    worker.go();
    prompt.sees("event   3");
    prompt.sees_what("the line below the events", |screen| {
        let mut lines = screen.lines().rev();
        lines
            .next()
            .is_some_and(|last| last.trim_end() == "> 'half and")
            && lines.next() == Some("event   3")
    });
    let from = prompt.written();
    prompt.press("whole'\r");
    assert_eq!(prompt.answer(from), "\"half and whole\"");
    assert_eq!(prompt.leave(), 0);
}

fn many_events_are_counted_and_a_person_can_type() {
    let mut worker = Worker::start(&["getppid", "1500000"]);
    let mut prompt = Prompt::open();
    prompt.says(&format!(
        r#"e = probe "tracepoint:syscalls:sys_enter_getppid":where "pid == {}":print "pid""#,
        worker.pid()
    ));
    worker.begin();
    prompt.sees(" more, ");
    let mut text = String::new();
    for key in "'typed under a stream'".chars() {
        prompt.press(&key.to_string());
        text.push(key);
        prompt.rest(Duration::from_millis(50));
    }
    let from = prompt.written();
    prompt.press("\r");
    assert!(prompt.answer(from).contains("\"typed under a stream\""));
    let shown = prompt.says("e");
    assert!(shown.contains(" hits"), "{shown}");
    let rows = memchr::memmem::find_iter(prompt.raw(), worker.pid().to_string().as_bytes()).count();
    assert!(rows < 1_000, "{rows} lines are more than a person reads");
    assert_eq!(prompt.leave(), 0);
}

fn a_tally_is_watched_until_a_key_is_pressed() {
    let mut worker = Worker::start(&["as", "mt-watched", "getppid", "1234"]);
    let mut prompt = Prompt::open();
    prompt.says(&counting(worker.pid()));
    prompt.press("watch(p, '100ms')\r");
    prompt.sees("nothing yet");
    worker.go();
    prompt.sees_what("the count", |screen| {
        screen
            .lines()
            .any(|line| line.starts_with("mt-watched") && line.ends_with("1234"))
    });
    let from = prompt.written();
    prompt.press("q");
    prompt.rest(Duration::from_millis(300));
    assert_eq!(
        prompt.says("'after'"),
        "\"after\"",
        "the key is no part of the next line"
    );
    prompt.rest(Duration::from_millis(300));
    let quiet = prompt.written();
    prompt.rest(Duration::from_millis(400));
    assert_eq!(prompt.written(), quiet, "nothing is drawn any more");
    assert!(from < quiet);
    // A function, and Ctrl-C in place of a key.
    prompt.press("watch(function() return 'drawn ' .. p:get('mt-watched').count end, '100ms')\r");
    prompt.sees("\"drawn 1234\"");
    prompt.press("\x03");
    prompt.rest(Duration::from_millis(300));
    assert_eq!(prompt.says("'alive'"), "\"alive\"");
    assert_eq!(prompt.leave(), 0);
}

fn ctrl_c_stops_what_runs_and_never_the_session() {
    let mut worker = Worker::start(&["getppid", "5"]);
    let mut prompt = Prompt::open();
    prompt.says(&counting(worker.pid()));
    let from = prompt.written();
    prompt.press("while true do pcall(function() while true do end end) end\r");
    prompt.rest(Duration::from_millis(300));
    prompt.press("\x03");
    assert_eq!(prompt.answer(from), "stopped");
    // At an empty line, in a half-typed one, in an open statement, and twice.
    for keys in [
        "\x03",
        "'half\x03",
        "function f()\r\x03",
        "\x03\x03",
        "(\r\x03",
    ] {
        prompt.press(keys);
        prompt.rest(Duration::from_millis(100));
    }
    prompt.signal(libc::SIGINT);
    prompt.rest(Duration::from_millis(100));
    assert_eq!(prompt.says("'ali' .. 've'"), "\"alive\"");
    // In a handler, while nothing is being typed.
    prompt.says(&format!(
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where "pid == {}":on(function(e) while true do end end)"#,
        worker.pid()
    ));
    worker.go();
    prompt.sees_what("the prompt", |screen| screen.trim_end().ends_with('>'));
    prompt.rest(Duration::from_millis(300));
    let from = prompt.written();
    // It waits behind the handler.
    prompt.press("p\r");
    prompt.rest(Duration::from_millis(300));
    prompt.press("\x03");
    let shown = prompt.answer(from);
    assert!(shown.lines().any(|line| line.ends_with(" 5")), "{shown}");
    assert!(
        prompt
            .screen()
            .contains("stopped: the handler of tracepoint:syscalls:sys_enter_getppid")
    );
    assert_eq!(prompt.says("'here'"), "\"here\"");
    assert_eq!(prompt.leave(), 0);
}

fn ctrl_c_stops_a_match() {
    let mut prompt = Prompt::open();
    let from = prompt.written();
    prompt.press("('a'):rep(40):find(('a*'):rep(30) .. 'b')\r");
    prompt.rest(Duration::from_millis(300));
    prompt.press("\x03");
    assert_eq!(prompt.answer(from), "stopped");
    assert_eq!(prompt.says("('a=b'):match('(%w)=(%w)')"), "\"a\"\n\"b\"");
    assert_eq!(prompt.leave(), 0);
}

/// What nobody waits for is not stopped.
fn a_signal_beside_a_line_leaves_handlers_alone() {
    let mut worker = Worker::start(&["pace", "1000"]);
    let mut prompt = Prompt::open();
    prompt.says(&format!(
        r#"n = 0 probe "tracepoint:syscalls:sys_enter_getppid":where "pid == {}":on(function(e) for i = 1, 1000 do n = n + 1 end end)"#,
        worker.pid()
    ));
    worker.begin();
    for _ in 0..20 {
        prompt.signal(libc::SIGINT);
        prompt.rest(Duration::from_millis(10));
    }
    worker.finish();
    assert_eq!(prompt.says("#probes():rows()"), "1");
    assert!(!prompt.screen().contains("stopped"), "{}", prompt.screen());
    assert_eq!(prompt.leave(), 0);
}

fn keys_that_are_typed_ahead_are_kept() {
    let mut prompt = Prompt::open();
    prompt.press("a = 1\ra = a + 1\ra = a * 10\r\x03'a is ' .. a\r");
    prompt.sees("\"a is 20\"");
    assert_eq!(prompt.leave(), 0);
}

/// Presses Tab, and again where the machine was too slow for the first, as a person does.
#[track_caller]
fn completes(prompt: &mut Prompt, typed: &str, whole: &str) {
    prompt.press(typed);
    for _ in 0..30 {
        prompt.press("\t");
        prompt.rest(Duration::from_millis(1500));
        if prompt.screen().contains(whole) {
            return;
        }
    }
    panic!("{typed} is not completed:\n{}", prompt.screen());
}

fn tab_completes() {
    let mut prompt = Prompt::open();
    completes(&mut prompt, "prob", "> probe");
    prompt.press("\x15");
    completes(
        &mut prompt,
        "probe \"tracepoint:syscalls:sys_enter_getppi",
        "sys_enter_getppid",
    );
    prompt.press("\x15");
    completes(
        &mut prompt,
        "probe \"tracepoint:syscalls:sys_enter_openat\":by \"args.filen",
        "args.filename",
    );
    prompt.press("\x03");
    prompt.says("tally_of_mine = { first = 1 }");
    completes(&mut prompt, "tally_of_mine.fi", "tally_of_mine.first");
    let from = prompt.written();
    prompt.press("\r");
    assert_eq!(prompt.answer(from), "1");
    assert_eq!(prompt.leave(), 0);
}

fn what_was_typed_is_remembered() {
    let home = home();
    let mut first = Prompt::at(&home, 80);
    first.says("first = 1");
    first.says("function two()\r  return 2\rend");
    assert_eq!(first.leave(), 0);
    let mut second = Prompt::at(&home, 80);
    second.press("\x1b[A");
    second.sees("return 2");
    let from = second.written();
    second.press("\r");
    assert_eq!(second.answer(from), "");
    assert_eq!(second.says("two()"), "2");
    // Ctrl-R, as shells have it.
    second.press("\x12first\r");
    second.rest(Duration::from_millis(300));
    assert_eq!(second.says("first"), "1");
    assert_eq!(second.leave(), 0);
}

fn the_window_changes_its_width() {
    let mut prompt = Prompt::open();
    prompt.press("'a text that is longer than twenty columns");
    prompt.sees("columns");
    prompt.resize(20);
    prompt.rest(Duration::from_millis(200));
    let from = prompt.written();
    prompt.press("!'\r");
    let answer = prompt.answer(from);
    assert!(
        answer
            .replace('\n', "")
            .contains("longer than twenty columns!"),
        "{answer}"
    );
    assert_eq!(prompt.leave(), 0);
}

fn a_narrow_window_and_a_long_paste() {
    let mut prompt = Prompt::at(&home(), 20);
    assert_eq!(prompt.says("1 + 1"), "2");
    let long = "x".repeat(1 << 20);
    let from = prompt.written();
    prompt.press(&format!("\x1b[200~#'{long}'\x1b[201~\r"));
    assert_eq!(prompt.answer(from), (1 << 20).to_string());
    // A terminal that does not mark it types it.
    let from = prompt.written();
    prompt.press(&format!("#'{}'\r", &long[..40_000]));
    assert!(
        prompt
            .answer(from)
            .replace('\n', "")
            .contains("the line is too long")
    );
    assert_eq!(prompt.says("'alive'"), "\"alive\"");
    assert_eq!(prompt.leave(), 0);
}

/// A terminal that does not mark what is pasted types it.
fn a_long_line_that_is_typed() {
    let mut prompt = Prompt::open();
    let told = prompt.says(&format!("#'{}'", "x".repeat(20_000)));
    assert!(told.contains("the line is too long"), "{told}");
    assert_eq!(prompt.says("'alive'"), "\"alive\"");
    assert_eq!(prompt.leave(), 0);
}

fn strings_of_traced_processes_steer_no_terminal() {
    let path = "/nonexistent/\x1b]0;title\x07\x1b[2J";
    let mut worker = Worker::start(&["open", path, "1"]);
    let mut prompt = Prompt::open();
    prompt.says(&format!(
        r#"probe "tracepoint:syscalls:sys_enter_openat":where "pid == {}":on(function(e) last = e.args.filename print("seen", e.args.filename) end)"#,
        worker.pid()
    ));
    worker.go();
    prompt.sees("seen    /nonexistent/\\x1b]0;title");
    assert!(prompt.says("last").contains("\\x1b]0;title\\x07"));
    let wrong = prompt.says("error(last)");
    assert!(wrong.contains("\\x1b]0;title"), "{wrong}");
    for bytes in [&b"\x1b]0;"[..], b"title\x07", b"\x1b[2J"] {
        assert_eq!(memchr::memmem::find(prompt.raw(), bytes), None);
    }
    assert_eq!(prompt.leave(), 0);
}

fn with_startup(text: &str) -> Home {
    let home = home();
    let folder = home.path().join(".config/moontrace");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("init.lua"), text).expect("a file");
    home
}

fn a_start_up_file_is_run_and_its_mistakes_are_told() {
    let mut prompt = Prompt::at(
        &with_startup("function mine() return 'from the start' end"),
        80,
    );
    assert_eq!(prompt.says("mine()"), "\"from the start\"");
    assert_eq!(prompt.leave(), 0);
    let mut prompt = Prompt::at(&with_startup("a = 1\nb = nothing.here"), 80);
    assert!(
        prompt.screen().contains("init.lua:2: no global 'nothing'"),
        "{}",
        prompt.screen()
    );
    assert_eq!(prompt.says("a"), "1");
    assert_eq!(prompt.leave(), 0);
}

fn a_history_that_can_not_be_written_is_told() {
    let home = home();
    // A file where a folder has to be.
    std::fs::write(home.path().join(".local"), "").expect("a file");
    let mut prompt = Prompt::at(&home, 80);
    assert!(
        prompt.screen().contains("will not be remembered"),
        "{}",
        prompt.screen()
    );
    assert_eq!(prompt.says("'alive'"), "\"alive\"");
    assert_eq!(prompt.leave(), 0);
}

fn a_session_is_saved_and_loaded() {
    let mut prompt = Prompt::open();
    prompt.says("x = 20");
    prompt.says("x.y.z");
    prompt.says("probes()");
    prompt.says("x + 1");
    assert_eq!(prompt.says(".save mine.lua"), "saved: moontrace ./mine.lua");
    let file = prompt.home().join("mine.lua");
    let run = Command::new(product())
        .arg(&file)
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&run.stdout), "21\n", "{run:?}");
    assert_eq!(run.status.code(), Some(0));
    assert!(prompt.says(".save mine.lua").contains("is there already"));
    assert_eq!(prompt.says(".load mine.lua"), "21");
    assert!(
        prompt
            .says(".load none.lua")
            .contains("none.lua can't be read: no such file")
    );
    assert!(prompt.says(".lod x").contains("did you mean 'load'"));
    assert_eq!(prompt.leave(), 0);
}

fn a_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let mut prompt = Prompt::open();
        assert!(!prompt.is_restored());
        prompt.says(&counting(prompt.pid()));
        prompt.press("half");
        prompt.rest(Duration::from_millis(100));
        prompt.signal(signal);
        assert_eq!(prompt.ends(), 0);
        assert!(prompt.is_restored());
    }
}

fn questions_are_answered() {
    let mut prompt = Prompt::open();
    let probe = prompt.says("?probe");
    assert!(
        probe.contains("probe(spec)") && probe.contains("Begins a chain"),
        "{probe}"
    );
    assert!(prompt.says("?:where").contains(":where(condition)"));
    let event = prompt.says("?tracepoint:syscalls:sys_enter_openat");
    assert!(
        event.contains("attached as") && event.contains("args.filename"),
        "{event}"
    );
    let listed = prompt.says("?tracepoint:sched:sched_wak*");
    assert!(listed.contains("tracepoint:sched:sched_waking"), "{listed}");
    assert!(prompt.says("?opensnoop").contains("Usage: opensnoop"));
    assert!(
        prompt
            .says("??opensnoop")
            .contains("#!/usr/bin/env -S moontrace")
    );
    prompt.says("function mine(x) return x end");
    assert!(
        prompt
            .says("??mine")
            .contains("function mine(x) return x end")
    );
    prompt.says(&counting(prompt.pid()));
    assert!(prompt.says("?p").contains("p is a tally"));
    assert!(prompt.says("?prob").contains("did you mean 'probe'"));
    assert!(prompt.says(".help").contains(".save FILE"));
    assert_eq!(prompt.leave(), 0);
}

fn transcript(text: &str) -> Output {
    let mut child = Command::new(product())
        .arg("repl")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the product starts");
    let mut input = child.stdin.take().expect("its input is a pipe");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    child.wait_with_output().expect("it ends")
}

fn a_transcript_is_run_to_its_end() {
    let mut worker = Worker::start(&["getppid", "7"]);
    let text = format!(
        "6*7\nfunction f()\n  return 'multi'\nend\nf()\n{}\n.sleep 100ms\nprobes()\n",
        counting(worker.pid())
    );
    let well = transcript(&text);
    let stdout = String::from_utf8_lossy(&well.stdout);
    assert!(
        stdout.starts_with("42\n\"multi\"\n") && stdout.contains("getppid"),
        "{well:?}"
    );
    assert_eq!(
        (well.status.code(), well.stderr.as_slice()),
        (Some(0), &b""[..]),
        "{well:?}"
    );
    worker.go();
    let wrong = transcript("x.y\n'still here'\nfunction f()\n");
    assert_eq!(String::from_utf8_lossy(&wrong.stdout), "\"still here\"\n");
    let stderr = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        stderr.contains("[1]:1: no global 'x'") && stderr.contains("'end' expected"),
        "{stderr}"
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(transcript("exit(5)\n6*7\n").status.code(), Some(5));
    assert_eq!(transcript("").status.code(), Some(0));
    let gone = Command::new(product())
        .args(["repl", "-p", "4194303"])
        .stdin(Stdio::null())
        .output()
        .expect("the product starts");
    let stderr = String::from_utf8_lossy(&gone.stderr);
    assert!(stderr.contains("4194303"), "{gone:?}");
    assert_eq!(gone.status.code(), Some(1));
}
