//! Spans: what begins somewhere and ends elsewhere, counted exactly, with what its start has stored.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};
use serde_json::{Value, json};

cases!(spans: by_thread_on_all_cpus, by_one_key_from_all_cpus, by_keys_that_differ_by_side, by_strings_and_numbers,
    what_stands_on_both_sides_of_a_system_call, what_stands_on_both_sides_of_a_users_function,
    what_stands_on_both_sides_of_a_tracepoint, what_stands_on_both_sides_of_many_users_functions, what_stands_on_both_sides_of_a_kernel_function [Kprobes],
    what_stands_on_both_sides_of_many_kernel_functions [Kprobes],
    what_reads_the_record_and_what_does_not, begun_again_they_keep_the_rest, marks_add_to_what_has_begun, within_and_without, several_in_one_chain,
    what_was_never_closed_is_open, stacks_of_starts, stacks_that_find_no_room, say_when_they_are_full, more_than_fits_on_the_stack, what_could_not_be_read_is_nil,
    a_start_that_is_taken_down, of_a_process_that_the_script_names);

/// The line of books of the probe of that name.
fn books<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let mut books = outcome.of("books");
    let found = books.find(|line| line["probe"] == name);
    found.unwrap_or_else(|| panic!("no books of '{name}': {outcome:?}"))
}

/// Hits, filtered, delivered.
fn numbers(outcome: &Outcome, name: &str) -> [u64; 3] {
    let line = books(outcome, name);
    ["hits", "filtered", "delivered"].map(|word| line[word].as_u64().expect("a count"))
}

/// Workers that make so many calls of getppid on each CPU at once.
fn bursts(comm: &str, calls: u64) -> (Vec<Worker>, u64) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let words = |cpu: usize| {
        let (cpu, calls) = (cpu.to_string(), calls.to_string());
        Worker::start(&["as", comm, "burst", &cpu, &calls])
    };
    ((0..cpus).map(words).collect(), cpus as u64 * calls)
}

fn all_at_once(workers: &mut [Worker]) {
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| worker.go());
        }
    });
}

fn by_thread_on_all_cpus() {
    let (mut workers, calls) = bursts("mt-burst", 20_000);
    let code = r#"
        local calls = span()
        probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-burst"':name "starts":start(calls)
        probe "tracepoint:syscalls:sys_exit_getppid":finish(calls):name "ends"
          :by "from.comm, alike = from.tid == tid":tally "count(), wrong = count(elapsed ~= time - from.time or elapsed < 1)""#;
    let tracing = Trace::of(code).start();
    all_at_once(&mut workers);
    let outcome = tracing.stop();
    outcome.is_well();
    let [_, _, started] = numbers(&outcome, "starts");
    let [_, _, ended] = numbers(&outcome, "ends");
    let want = json!([{"comm": "mt-burst", "alike": true, "count": ended, "wrong": 0}]);
    assert_eq!(
        Value::from(outcome.rows("ends").to_vec()),
        want,
        "{outcome:?}"
    );
    // A kernel that can be preempted there skips what comes meanwhile, and counts it.
    let missed = |probe: &str| {
        let mut books = outcome.of("books").filter(|line| line["probe"] == probe);
        books
            .next()
            .and_then(|line| line["missed"].as_u64())
            .unwrap_or(0)
    };
    assert!(
        (started..=started + missed("starts")).contains(&calls),
        "{outcome:?}"
    );
    let skipped = missed("starts") + missed("ends");
    assert!((ended..=ended + skipped).contains(&calls), "{outcome:?}");
}

/// Every CPU starts and finishes the same thing: none is finished twice, and what is found is never another's.
fn by_one_key_from_all_cpus() {
    let (mut workers, calls) = bursts("mt-same", 20_000);
    let code = r#"
        local one = span()
        local ends = probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-same"':fetch "twice = time * 2, same = time":name "starts":start(one, "7")
        probe "tracepoint:syscalls:sys_exit_getppid":where 'comm == "mt-same"':finish(one, "7"):name "ends"
          :tally "count(), wrong = count(from.twice ~= from.same * 2 or from.same ~= from.time)"
        on_exit(function() printf("%d\n", #one:open()) end)"#;
    let tracing = Trace::of(code).start();
    all_at_once(&mut workers);
    let outcome = tracing.stop();
    outcome.is_well();
    let [hits, _, started] = numbers(&outcome, "starts");
    assert_eq!((hits >= calls, started), (true, calls), "{outcome:?}");
    let [_, _, ended] = numbers(&outcome, "ends");
    let row = &outcome.rows("ends")[0];
    assert_eq!(
        (row["count"].as_u64(), row["wrong"].as_u64()),
        (Some(ended), Some(0))
    );
    assert!(ended <= calls && ended > 0, "{outcome:?}");
    let open: u64 = outcome.text().trim().parse().expect("a number");
    assert!(open <= 1, "{outcome:?}");
}

/// As cpudist: who comes onto a CPU begins, who leaves it ends, at one tracepoint.
fn by_keys_that_differ_by_side() {
    let mut worker = Worker::start(&["nap", "20"]);
    let pid = worker.pid().to_string();
    let code = r#"
        local run = span()
        probe "tracepoint:sched:sched_switch":where "args.prev_pid == $1":finish(run, "args.prev_pid"):name "leaves"
          :tally "count(), low = min(elapsed)"
        probe "tracepoint:sched:sched_switch":where "args.next_pid == $1":name "comes":start(run, "args.next_pid")"#;
    let code = code.replace("$1", &pid);
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [_, _, comes] = numbers(&outcome, "comes");
    let row = &outcome.rows("leaves")[0];
    let leaves = row["count"].as_u64().expect("a count");
    // The worker waits when tracing begins, and may run or wait when it ends.
    assert!(
        leaves >= 20 && (leaves == comes || leaves + 1 == comes),
        "{outcome:?}"
    );
    assert!(row["low"].as_u64() > Some(0), "{outcome:?}");
}

fn by_strings_and_numbers() {
    let mut worker = Worker::start(&["as", "mt-key", "open", "/proc/self/status", "30"]);
    let code = r#"
        local opens = span()
        probe "tracepoint:syscalls:sys_enter_openat":where 'comm == "mt-key"':fetch "n = -3, who = comm, flags = args.flags"
          :start(opens, "tid, str(args.filename, 32), 'open'")
        probe "tracepoint:syscalls:sys_exit_openat":finish(opens, "thread = tid, path = str(args.filename, 32), 'open'"):name "ends"
          :by "from.n, from.who, small = from.n < 0, from.flags":count()"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("ends") else {
        panic!("{outcome:?}")
    };
    let want = json!([-3, "mt-key", true, 30]);
    let found = ["n", "who", "small", "count"].map(|name| row[name].clone());
    assert_eq!(Value::from(found.to_vec()), want, "{outcome:?}");
}

/// Two pairs of probes at one place that is passed so many times: where the finish is written first, the first pass ends
/// nothing; where the start is, each pass ends what it has begun.
fn both_sides(place: &str, condition: &str, words: &[&str], passes: u64) {
    for exact in [&[][..], &["--attach", "exact"]] {
        let mut worker = Worker::start(words);
        let code = format!(
            r#"
            local between, within = span(), span()
            local function at() return probe "{place}":where '{condition}' end
            at():finish(between, "pid"):name "ends first":count()
            at():start(between, "pid")
            at():start(within, "pid")
            at():finish(within, "pid"):name "starts first":count()"#
        );
        let tracing = Trace::with(&code, exact).start();
        worker.go();
        let outcome = tracing.stop();
        outcome.is_well();
        let counts = ["ends first", "starts first"].map(|name| numbers(&outcome, name)[2]);
        assert_eq!(
            counts,
            [passes - 1, passes],
            "{place} {exact:?}: {outcome:?}"
        );
    }
}

fn what_stands_on_both_sides_of_a_system_call() {
    let words = ["as", "mt-both", "getppid", "50"];
    both_sides(
        "tracepoint:syscalls:sys_enter_getppid",
        r#"comm == "mt-both""#,
        &words,
        50,
    );
}

fn what_stands_on_both_sides_of_a_users_function() {
    for kind in ["uprobe", "uretprobe"] {
        let place = format!("{kind}:{}:moontrace_target", executable());
        let words = ["as", "mt-both", "call", "50"];
        both_sides(&place, r#"comm == "mt-both""#, &words, 50);
    }
}

fn what_stands_on_both_sides_of_many_users_functions() {
    let words = ["as", "mt-both", "call", "50"];
    for kind in ["uprobe", "uretprobe"] {
        let place = format!("{kind}:{}:{{moontrace_target,brief_target}}", executable());
        both_sides(&place, r#"comm == "mt-both""#, &words, 100);
    }
}

fn what_stands_on_both_sides_of_many_kernel_functions() {
    let words = ["as", "mt-both", "open", "/proc/self/status", "50"];
    for kind in ["kprobe", "kretprobe"] {
        let place = format!("{kind}:{{vfs_open,vfs_fsync_range}}");
        both_sides(&place, r#"comm == "mt-both""#, &words, 50);
    }
}

fn what_stands_on_both_sides_of_a_tracepoint() {
    let words = ["as", "mt-both", "getppid", "50"];
    both_sides(
        "tracepoint:raw_syscalls:sys_enter",
        r#"comm == "mt-both" and args.id == 110"#,
        &words,
        50,
    );
    both_sides(
        "rawtracepoint:sys_enter",
        r#"comm == "mt-both" and arg1 == 110"#,
        &words,
        50,
    );
}

fn what_stands_on_both_sides_of_a_kernel_function() {
    let words = ["as", "mt-both", "open", "/proc/self/status", "50"];
    let condition = r#"comm == "mt-both" and args.path.dentry.d_name.name == "status""#;
    both_sides("kprobe:vfs_open", condition, &words, 50);
    both_sides("kretprobe:vfs_open", condition, &words, 50);
}

/// A chain that reads nothing of the record hangs at the tracepoint before one that does is made, and yet they keep their
/// order. What has no ending is declared last, and keeps it, too.
fn what_reads_the_record_and_what_does_not() {
    for (first, second) in [(true, false), (false, true)] {
        for (steps, ended) in [([":finish", ":start"], 2), ([":start", ":finish"], 3)] {
            let mut worker = Worker::start(&[
                "as", "mt-fork", "beside", "beside", "beside", "getppid", "1",
            ]);
            let chain = |reads: bool, step: &str| {
                let also = if reads { " and args.child_pid > 0" } else { "" };
                format!(
                    "probe \"tracepoint:sched:sched_process_fork\":where 'comm == \"mt-fork\"{also}':name \"{}\"{step}(s, \"pid\")\n",
                    &step[1..]
                )
            };
            let code = format!(
                "local s = span()\n{}{}",
                chain(first, steps[0]),
                chain(second, steps[1])
            );
            let tracing = Trace::of(&code).start();
            worker.go();
            let outcome = tracing.stop();
            outcome.is_well();
            assert_eq!(numbers(&outcome, "start")[2], 3, "{code}: {outcome:?}");
            assert_eq!(numbers(&outcome, "finish")[2], ended, "{code}: {outcome:?}");
        }
    }
}

/// The function is called with 0, 1, …, then another with the same, then a USDT probe is passed with it.
const CALLS: &str = r#"
    local function first() return probe "uprobe:EXE:moontrace_target" end
    local function second() return probe "uprobe:EXE:brief_target" end
    local function third() return probe "usdt:EXE:moontrace:called" end
    local s = span()
"#;

#[track_caller]
fn calls(body: &str, options: &[&str]) -> Outcome {
    let code = format!("{CALLS}{body}").replace("EXE", &executable());
    let worker = Worker::start(&["as", "mt-calls", "call", "10"]);
    worker.traced(&code, options)
}

fn begun_again_they_keep_the_rest() {
    let outcome = calls(
        r#"first():fetch "a = arg0, began = time, name = 'first'":start(s)
           second():fetch "b = arg0 * 2, name = 'second one'":start(s)
           third():finish(s):by "from.name":name "ends"
             :tally "count(), sum(from.a), twice = sum(from.b), late = count(from.time > from.began and elapsed < time - from.began)""#,
        &[],
    );
    let want = json!([{"name": "second one", "count": 10, "sum": 45, "twice": 90, "late": 10}]);
    assert_eq!(
        Value::from(outcome.rows("ends").to_vec()),
        want,
        "{outcome:?}"
    );
}

fn marks_add_to_what_has_begun() {
    let outcome = calls(
        r#"first():where "arg0 % 2 == 0":fetch "a = arg0, a_time = time":name "starts":start(s)
           second():fetch "b = arg0 * 2, was = comm":name "marks":mark(s)
           third():finish(s):by "from.was":name "ends":tally "count(), sum(from.a), twice = sum(from.b), same = count(from.time == from.a_time)""#,
        &[],
    );
    let want = json!([{"was": "mt-calls", "count": 5, "sum": 20, "twice": 40, "same": 5}]);
    assert_eq!(
        Value::from(outcome.rows("ends").to_vec()),
        want,
        "{outcome:?}"
    );
    assert_eq!(numbers(&outcome, "marks"), [10, 5, 5], "{outcome:?}");
    assert_eq!(numbers(&outcome, "ends"), [10, 5, 5], "{outcome:?}");
    assert_eq!(numbers(&outcome, "starts"), [10, 5, 5], "{outcome:?}");
}

fn within_and_without() {
    let outcome = calls(
        r#"first():where "arg0 < 4":fetch "n = arg0":start(s)
           second():within(s):where "elapsed > 0 and from.n == arg0":name "within":count()
           second():without(s):name "without":count()
           third():finish(s)"#,
        &[],
    );
    assert_eq!(numbers(&outcome, "within"), [10, 6, 4], "{outcome:?}");
    assert_eq!(numbers(&outcome, "without"), [10, 4, 6], "{outcome:?}");
}

/// Behind each step, `from` is what that step has bound.
fn several_in_one_chain() {
    let outcome = calls(
        r#"local t = span()
           first():fetch "n = arg0, long = comm":start(s)
           second():fetch "m = arg0 + 100, n = arg0 + 5":start(t, "tid, 1")
           third():within(s):where "from.n < 8":fetch "one = from.n, who = from.long":finish(t, "tid, 1"):where "from.n > 5":finish(s):name "ends"
             :on(function(e) printf("%d %s %d\n", e.one, e.who, e.from.n) end)"#,
        &[],
    );
    let want: String = (1..8).map(|n| format!("{n} mt-calls {n}\n")).collect();
    assert_eq!(outcome.text(), want, "{outcome:?}");
}

/// What is opened and not closed is found by its number, with where it was opened.
fn what_was_never_closed_is_open() {
    let mut worker = Worker::start(&["as", "mt-leak", "leak", "/proc/self/status", "20"]);
    let code = r#"
        local files = span "path = str(args.filename, 40)"
        probe "tracepoint:syscalls:sys_exit_openat":where 'comm == "mt-leak" and retval >= 0':start(files, "pid, fd = retval")
        probe "tracepoint:syscalls:sys_enter_close":finish(files, "pid, args.fd"):name "closes"
        local function show(open)
          for _, row in ipairs(open:rows()) do
            printf("%s %s %s\n", row.path, row.fd > 2, row.age > 0 and row.time > 0)
          end
        end
        on_exit(function()
          show(files:open())
          printf("%d old, %d by path: %d\n", #files:open("1h"), #files:open("0s"):group("path", "age"), files:open():group("path", "age"):rows()[1].count)
        end)"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let open = "/proc/self/status true true\n".repeat(10);
    assert_eq!(
        outcome.text(),
        open + "0 old, 1 by path: 10\n",
        "{outcome:?}"
    );
    assert_eq!(numbers(&outcome, "closes")[2], 10, "{outcome:?}");
}

fn say_when_they_are_full() {
    let outcome = calls(
        r#"local few = span{ keys = 4 }
           first():name "starts":start(few, "arg0")
           second():where "arg0 == 11":finish(few, "arg0"):name "ends""#,
        &[],
    );
    let line = books(&outcome, "starts");
    assert_eq!(line["delivered"], 4, "{outcome:?}");
    assert_eq!(line["lost"], json!({"full": 6}), "{outcome:?}");
}

fn more_than_fits_on_the_stack() {
    let mut worker = Worker::start(&["as", "mt-long", "open", "/proc/self/status", "30"]);
    let code = r#"
        local opens = span()
        probe "tracepoint:syscalls:sys_enter_openat":where 'comm == "mt-long"'
          :fetch "path = str(args.filename, 400), again = str(args.filename, 120), a = 1, b = 2, c = 3":start(opens, "tid, str(args.filename, 300)")
        probe "tracepoint:syscalls:sys_enter_openat":where 'comm == "mt-long"':fetch "d = 4":mark(opens, "tid, str(args.filename, 300)")
        probe "tracepoint:syscalls:sys_exit_openat":within(opens, "tid, str(args.filename, 300)"):where 'from.path == "/proc/self/status"':name "looks":count()
        probe "tracepoint:syscalls:sys_exit_openat":finish(opens, "tid, str(args.filename, 300)"):name "ends"
          :by "path = str(from.path, 200), str(from.again, 120), sum = from.a + from.b + from.c + from.d":count()"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("ends") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["path"], "/proc/self/status", "{outcome:?}");
    assert_eq!(
        (row["sum"].as_u64(), row["count"].as_u64()),
        (Some(10), Some(30)),
        "{outcome:?}"
    );
    assert_eq!(outcome.rows("looks")[0]["count"], 30, "{outcome:?}");
}

/// The first function's argument is no address; the second start stores no such field at all.
fn what_could_not_be_read_is_nil() {
    let outcome = calls(
        r#"local names = span()
           first():fetch "text = str(arg0), n = arg0":name "starts":start(names)
           second():within(names):where "from.text == 'x'":name "asked":count()
           third():finish(names):on(function(e) printf("%s %d\n", e.from.text, e.from.n) end)"#,
        &[],
    );
    let want: String = (0..10).map(|n| format!("nil {n}\n")).collect();
    assert_eq!(outcome.text(), want, "{outcome:?}");
    assert_eq!(
        books(&outcome, "starts")["notes"],
        json!({"fault": 10}),
        "{outcome:?}"
    );
    assert_eq!(
        books(&outcome, "asked")["lost"],
        json!({"read": 10}),
        "{outcome:?}"
    );
}

fn a_start_that_is_taken_down() {
    let mut worker = Worker::start(&["as", "mt-calls", "call", "10"]);
    let code = format!(
        r#"{CALLS}
        local starts = first():name "starts":start(s)
        third():finish(s):name "ends"
        on_signal("USR1", function() starts:detach() print("taken down") end)"#
    );
    let pid = worker.pid().to_string();
    let code = code.replace("EXE", &executable());
    let tracing = Trace::with(&code, &["-p", &pid]).start();
    tracing.tell(libc::SIGUSR1);
    tracing.hear("taken down");
    // The link is closed by another thread.
    std::thread::sleep(std::time::Duration::from_secs(2));
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(numbers(&outcome, "ends"), [10, 10, 0], "{outcome:?}");
    assert_eq!(numbers(&outcome, "starts")[2], 0, "{outcome:?}");
}

/// What has a key of its own is not tied to the running process: the script says whose are meant.
fn of_a_process_that_the_script_names() {
    // Of a hundred naps: where a CPU is another guest's meanwhile, a nap may be over before its thread has left.
    let mut worker = Worker::start(&["nap", "100"]);
    let pid = worker.pid().to_string();
    let script = |who: &str| {
        format!(
            r#"local off = span()
            probe "tracepoint:sched:sched_switch":where "{who}":name "leaves":start(off, "args.prev_pid")
            probe "tracepoint:sched:sched_switch":finish(off, "args.next_pid"):name "comes":count()"#
        )
    };
    let refused = Trace::with(&script("true"), &["-p", &pid]).run();
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let error = format!("{refused:?}");
    assert!(error.contains("pid in $target"), "{refused:?}");
    let tracing = Trace::with(&script("pid in $target"), &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let ([_, _, leaves], [_, _, comes]) = (numbers(&outcome, "leaves"), numbers(&outcome, "comes"));
    assert!(comes >= 10 && leaves - comes <= 1, "{outcome:?}");
}

/// What the start's stack is stands in a tally that another probe feeds, and in what is open.
fn stacks_of_starts() {
    let mut worker = Worker::start(&["pace", "7"]);
    let code = r#"
        local calls, naps = span "stack = ustack", span()
        probe "tracepoint:syscalls:sys_enter_getppid":start(calls)
        probe "tracepoint:syscalls:sys_enter_clock_nanosleep":start(naps)
        local taken = probe "tracepoint:syscalls:sys_exit_clock_nanosleep":finish(naps):by "from.ustack, from.kstack, tid":count()
        local function frames(stack)
            local names = {}
            for _, frame in ipairs(stack) do names[#names + 1] = frame.name end
            return table.concat(names, " ")
        end
        on_exit(function()
            local open, rows = calls:open():rows(), taken:take():rows()
            print(#open, frames(open[1].stack):find "syscall" ~= nil)
            print(#rows, rows[1].count, frames(rows[1].ustack):find "nanosleep" ~= nil, #rows[1].kstack > 0)
            print(#calls:open():group("stack", "age"))
        end)"#;
    let tracing = Trace::with(code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = "1\ttrue\n1\t7\ttrue\ttrue\n1\n";
    assert_eq!(outcome.text(), want, "{outcome:?}");
}

/// A start whose stack can't be kept is lost, and begins nothing.
fn stacks_that_find_no_room() {
    let mut worker = Worker::start(&["pace", "7"]);
    let code = r#"
        local naps = span("stack = ustack", { stacks = 1 })
        probe "tracepoint:syscalls:sys_enter_getppid,tracepoint:syscalls:sys_enter_clock_nanosleep":name "starts"
            :where "pid in $target":start(naps, "time")
        on_exit(function() printf("%d\n", #naps:open():group("stack", "age")) end)"#;
    let tracing = Trace::with(code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    let outcome = tracing.stop();
    let line = books(&outcome, "starts");
    assert_eq!(outcome.text(), "1\n", "{outcome:?}");
    // Of two stacks one has room.
    assert_eq!(line["delivered"], 70, "{outcome:?}");
    assert_eq!(line["lost"], json!({"stacks": 7}), "{outcome:?}");
}
