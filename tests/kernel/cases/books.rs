//! `hits = filtered + delivered + lost`, whatever happens.

use super::cases;
use crate::trace::{Books, Outcome, Trace};
use crate::worker::Worker;

cases!(books: balance_under_overload_on_each_cpu, balance_when_cut_off, count_what_is_filtered, strict_makes_loss_an_error);

/// More than a small ring holds, faster than Lua takes it.
const CALLS: u64 = 100_000;
const COUNTING: &str = r#"
    local n = 0
    probe "tracepoint:syscalls:sys_enter_getppid":on(function(e) if e.pid > 0 then n = n + 1 end end)
    on_exit(function() printf("%d\n", n) end)"#;

fn cpus() -> std::ops::Range<usize> {
    0..std::thread::available_parallelism().map_or(1, usize::from)
}

fn handled(outcome: &Outcome) -> u64 {
    outcome
        .text()
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("no count: {outcome:?}"))
}

fn overloaded(cpu: usize, more: &[&str]) -> (Outcome, Books) {
    let mut worker = Worker::start(&["burst", &cpu.to_string(), &CALLS.to_string()]);
    let pid = worker.pid().to_string();
    let options = [&["-p", &pid, "--ring", "4KiB"], more].concat();
    let tracing = Trace::with(COUNTING, &options).start();
    worker.go();
    let outcome = tracing.stop();
    let books = outcome.books();
    books.balance();
    assert_eq!(books.hits, CALLS, "{outcome:?}");
    assert_eq!(handled(&outcome), books.delivered, "{outcome:?}");
    (outcome, books)
}

fn balance_under_overload_on_each_cpu() {
    for cpu in cpus() {
        let (outcome, _) = overloaded(cpu, &[]);
        outcome.is_well();
    }
}

/// Ctrl-C amid the events: what was delivered was handled; what the time at the end did not suffice for is told.
fn balance_when_cut_off() {
    for cpu in cpus() {
        let mut worker = Worker::start(&["burst", &cpu.to_string(), "100000000"]);
        let pid = worker.pid().to_string();
        let tracing = Trace::with(COUNTING, &["-p", &pid]).start();
        worker.begin();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let outcome = tracing.stop();
        outcome.is_well();
        let books = outcome.books();
        books.balance();
        assert!(books.hits > 0, "{outcome:?}");
        let unread = outcome.of("books").next();
        let unread = unread.and_then(|line| line["notes"]["unread"].as_u64());
        let left = books.delivered.checked_sub(handled(&outcome));
        match unread {
            None => assert_eq!(left, Some(0), "{outcome:?}"),
            // A handler is cut off, too.
            Some(unread) => assert!(
                left == Some(unread) || left == Some(unread + 1),
                "{outcome:?}"
            ),
        }
    }
}

fn count_what_is_filtered() {
    let mut worker = Worker::start(&["getppid", "700"]);
    let pid = worker.pid().to_string();
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "nobody"]]:name "none":count()"#;
    let tracing = Trace::with(code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(
        outcome.books(),
        Books {
            hits: 700,
            filtered: 700,
            delivered: 0,
            lost: 0
        }
    );
}

fn strict_makes_loss_an_error() {
    let (outcome, books) = overloaded(0, &["--strict"]);
    assert!(books.lost > 0, "nothing was lost: {outcome:?}");
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
}
