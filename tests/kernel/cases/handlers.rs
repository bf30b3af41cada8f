//! Handlers that fail, and handlers that never return.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;
use std::time::{Duration, Instant};

cases!(handlers: an_error_stops_the_run, an_error_can_be_survived, an_endless_one_is_interrupted, exit_in_one_ends_the_run);

/// Its handler fails at its second event, on line 5.
const FAILING: &str = r#"local n = 0
probe "tracepoint:syscalls:sys_enter_getppid":on(function(e)
  n = n + 1
  print(n)
  if n == 2 then error("boom at " .. e.comm) end
end)"#;

fn failing(policy: &[&str]) -> Outcome {
    let mut worker = Worker::start(&["as", "mt-boom", "getppid", "5"]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(FAILING, &[&["-p", &pid], policy].concat()).start();
    worker.go();
    std::thread::sleep(Duration::from_millis(300));
    tracing.stop()
}

fn names_the_line(outcome: &Outcome) {
    let errors = outcome.of("error").collect::<Vec<_>>();
    let [error] = errors[..] else {
        panic!("not one error: {outcome:?}")
    };
    assert_eq!(error["line"], 5, "{outcome:?}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains("boom at mt-boom")),
        "{outcome:?}"
    );
}

fn an_error_stops_the_run() {
    let outcome = failing(&[]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    names_the_line(&outcome);
    assert_eq!(outcome.text(), "1\n2\n", "{outcome:?}");
}

fn an_error_can_be_survived() {
    let outcome = failing(&["--on-error", "continue"]);
    names_the_line(&outcome);
    assert_eq!(outcome.text(), "1\n2\n3\n4\n5\n", "{outcome:?}");
}

fn an_endless_one_is_interrupted() {
    let code =
        r#"probe "tracepoint:syscalls:sys_enter_getppid":on(function() while true do end end)"#;
    let mut worker = Worker::start(&["getppid", "5"]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(code, &["-p", &pid]).start();
    worker.go();
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    let _ = tracing.stop();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        began.elapsed()
    );
}

fn exit_in_one_ends_the_run() {
    let code = r#"
        local n = 0
        probe "tracepoint:syscalls:sys_enter_getppid":on(function() n = n + 1 if n == 3 then exit(9) end end)
        on_exit(function() printf("n=%d\n", n) end)"#;
    let mut worker = Worker::start(&["getppid", "50"]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(code, &["-p", &pid]).start();
    worker.go();
    let outcome = tracing.wait();
    assert_eq!(outcome.status, Some(9), "{outcome:?}");
    assert_eq!(outcome.text(), "n=3\n");
    outcome.books().balance();
}
