//! The kernel half's own diagnostics, in a build for its developers.

use super::cases;
use crate::need::ENGINE;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;
use std::time::Duration;

cases!(engine_log:
    what_is_lost_is_said[EngineLog],
    the_products_own_object_has_none,
);

/// Of so many calls of getppid, with a kernel half of that file.
fn traced(object: &str, code: &str, calls: &str) -> Outcome {
    let mut worker = Worker::start(&["getppid", calls]);
    let pid = worker.pid().to_string();
    let tracing = Trace::with(code, &["--engine-log", object, "-p", &pid]).start();
    worker.go();
    std::thread::sleep(Duration::from_millis(300));
    tracing.stop()
}

/// Counts stay exact in such a build, and each event that is lost has its line.
fn what_is_lost_is_said() {
    let object = std::env::var(ENGINE).unwrap_or_default();
    // No string is at that address.
    let code =
        r#"probe "tracepoint:syscalls:sys_enter_getppid":name "n":by "word = str(8)":count()"#;
    let outcome = traced(&object, code, "10");
    outcome.is_well();
    let books = outcome.books();
    assert_eq!((books.hits, books.lost), (10, 10), "{outcome:?}");
    let said = |words: &str| {
        let lines = outcome.stderr.lines();
        lines
            .filter(|line| line.starts_with("engine: debug ebpf/src/") && line.ends_with(words))
            .count()
    };
    assert_eq!(said("string at 8: -14"), 10, "{outcome:?}");
    assert_eq!(said("tally: the key can't be had: 3"), 10, "{outcome:?}");
}

fn the_products_own_object_has_none() {
    let object = concat!(env!("CARGO_MANIFEST_DIR"), "/../ebpf/moontrace.bpf.o");
    let outcome = traced(object, r#"probe "profile:hz:9":count()"#, "1");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.of("attached").next().is_none(), "{outcome:?}");
}
