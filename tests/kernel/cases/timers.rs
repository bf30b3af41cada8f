//! What time brings: profile, interval, every, after.

use super::cases;
use crate::trace::Trace;
use crate::worker::Worker;

cases!(timers: what_is_left_at_the_end, profile_of_a_process, profile_of_a_set, interval, order_of_a_run);

/// One second of CPU time at 99 Hz; a busy machine takes some of it away, and nothing adds any.
fn profile_of_a_process() {
    let mut worker = Worker::start(&["as", "mt-spin", "spin", "1000"]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(
        r#"probe "profile:hz:99":by "comm":name "samples":count()"#,
        &["-p", &pid],
    )
    .start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let samples = outcome.column("samples", ("comm", "mt-spin"), "count");
    assert!((10..=120).contains(&samples), "{outcome:?}");
}

/// The kernel minds what kinds of maps such programs look into.
fn profile_of_a_set() {
    let mut worker = Worker::start(&["as", "mt-set", "spin", "1000"]);
    let code = format!(
        r#"
        local spinning = set{{{}}}
        probe "profile:hz:99":with{{ spinning = spinning }}
          :where "pid in $spinning":by "comm":name "samples":count()"#,
        worker.pid()
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.rows("samples").len(), 1, "{outcome:?}");
    let samples = outcome.column("samples", ("comm", "mt-set"), "count");
    assert!((10..=120).contains(&samples), "{outcome:?}");
}

fn interval() {
    let code = r#"
        local n = 0
        probe "interval:ms:50":on(function() n = n + 1 if n == 5 then exit() end end)
        on_exit(function() printf("%d\n", n) end)"#;
    let outcome = Trace::of(code).run();
    outcome.is_well();
    assert_eq!(outcome.text(), "5\n");
}

fn order_of_a_run() {
    let code = r#"
        local ticks = 0
        print "body"
        on_start(function() print "start" end)
        every("100ms", function() ticks = ticks + 1 if ticks == 1 then print "every" end end)
        after("250ms", function() print "after" end)
        after("400ms", function() printf("%s\n", ticks >= 2) exit(7) end)
        on_exit(function() print "exit" end)"#;
    let outcome = Trace::of(code).run();
    assert_eq!(
        outcome.text(),
        "body\nstart\nevery\nafter\ntrue\nexit\n",
        "{outcome:?}"
    );
    assert_eq!(outcome.status, Some(7));
}

/// No hour is over when the run ends.
fn what_is_left_at_the_end() {
    let worker = Worker::start(&["getppid", "30"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":name "calls":count():every "1h""#;
    let outcome = worker.traced(code, &[]);
    assert_eq!(outcome.rows("calls")[0]["count"], 30, "{outcome:?}");
    let nothing = Worker::start(&["getppid", "0"]).traced(code, &[]);
    assert_eq!(nothing.of("tally").count(), 0, "{nothing:?}");
}
