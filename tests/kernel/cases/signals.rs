//! on_signal, and what ends a script that does not end by itself.

use super::cases;
use crate::trace::Trace;
use std::time::{Duration, Instant};

cases!(signals: run_functions, of_our_own_are_refused, duration_ends_a_loop, duration_ends_a_match, on_exit_runs_after_an_error);

fn run_functions() {
    let code = r#"
        local n = 0
        on_signal("USR1", function() n = n + 1 printf("usr1 %d\n", n) if n == 2 then exit(4) end end)
        on_signal("SIGHUP", function() print "hup" end)
        on_exit(function() print "bye" end)"#;
    let tracing = Trace::of(code).start();
    for signal in [libc::SIGUSR1, libc::SIGHUP, libc::SIGUSR1] {
        tracing.tell(signal);
        std::thread::sleep(Duration::from_millis(100));
    }
    let outcome = tracing.wait();
    assert_eq!(outcome.text(), "usr1 1\nhup\nusr1 2\nbye\n", "{outcome:?}");
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
}

fn of_our_own_are_refused() {
    let outcome = Trace::of(r#"on_signal("INT", print)"#).run();
    assert_eq!(outcome.status, Some(1));
    assert!(
        format!("{outcome:?}").contains("it ends the run"),
        "{outcome:?}"
    );
}

fn duration_ends_a_loop() {
    let began = Instant::now();
    let code = r#"on_start(function() while true do end end) on_exit(function() print "bye" end)"#;
    let outcome = Trace::with(code, &["--duration", "100ms"]).run();
    outcome.is_well();
    assert_eq!(outcome.text(), "bye\n", "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

fn duration_ends_a_match() {
    let began = Instant::now();
    let code = r#"
        local s, p = ("a"):rep(40), ("a*"):rep(30) .. "b"
        on_start(function() while true do pcall(string.find, s, p) end end)
        on_exit(function() print "bye" end)"#;
    let outcome = Trace::with(code, &["--duration", "300ms"]).run();
    outcome.is_well();
    assert_eq!(outcome.text(), "bye\n", "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

fn on_exit_runs_after_an_error() {
    let code = r#"on_exit(function() print "bye" end) after("1ms", function() error "boom" end)"#;
    let outcome = Trace::of(code).run();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.text(), "bye\n", "{outcome:?}");
    assert_eq!(outcome.of("error").count(), 1, "{outcome:?}");
}
