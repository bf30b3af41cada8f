//! Events reach their handlers with what was asked of them.

use super::cases;
use crate::trace::Trace;
use crate::worker::Worker;

cases!(events: opens_with_their_file_names, reads_of_a_named_process, printed_as_rows, arguments_at_the_return, sets_that_change, values_from_outside);

fn opens_with_their_file_names() {
    let mut worker = Worker::start(&["as", "mt-open", "open", "/proc/self/limits", "20"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_openat":where [[comm == "mt-open"]]:on(function(e)
        printf("%s %d %s\n", e.comm, e.pid, e.args.filename) end)"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(
        outcome.text(),
        format!("mt-open {} /proc/self/limits\n", worker.pid()).repeat(20)
    );
}

fn reads_of_a_named_process() {
    let mut worker = Worker::start(&["as", "mt-reader", "read", "/proc/self/status", "77", "15"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_pread64":where [[comm == "mt-reader"]]:on(function(e)
        print(e.args.count) end)"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "77\n".repeat(15));
}

fn printed_as_rows() {
    let mut worker = Worker::start(&["as", "mt-rows", "open", "/nowhere", "3"]);
    let code = r#"probe "tracepoint:syscalls:sys_exit_openat":where [[comm == "mt-rows"]]:print "pid, comm, failed = -retval""#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!({"pid": worker.pid(), "comm": "mt-rows", "failed": libc::ENOENT});
    let rows = outcome
        .of("event")
        .map(|event| &event["data"])
        .collect::<Vec<_>>();
    assert_eq!(rows, [&want, &want, &want]);
}

fn arguments_at_the_return() {
    let mut worker = Worker::start(&["as", "mt-return", "read", "/proc/self/status", "33", "8"]);
    let code = format!(
        r#"probe "tracepoint:raw_syscalls:sys_exit":where [[comm == "mt-return" and args.id == {}]]
          :by "asked = arg2, retval":name "reads":count()"#,
        libc::SYS_pread64
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!([{"asked": 33, "retval": 33, "count": 8}]);
    assert_eq!(outcome.rows("reads"), want.as_array().unwrap());
}

/// A set that a handler adds to filters what comes after.
fn sets_that_change() {
    let mut worker = Worker::start(&["as", "mt-set", "getppid", "10"]);
    let code = r#"
        local wanted = set{1}
        probe "tracepoint:syscalls:sys_enter_getppid":with{ wanted = wanted }
          :where [[comm == "mt-set" and pid in $wanted]]:name "calls":count()
        probe "tracepoint:syscalls:sys_enter_openat":where [[comm == "mt-opener"]]:on(function(e)
          wanted:add(tonumber(e.args.filename:match("%d+")))
          print "added" end)"#;
    let mut opener = Worker::start(&[
        "as",
        "mt-opener",
        "open",
        &format!("/proc/{}", worker.pid()),
        "1",
    ]);
    let tracing = Trace::of(code).start();
    worker_and_wait(&mut opener);
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "added\n");
    let [row] = outcome.rows("calls") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"], 10);
}

/// The handler runs a moment after the deed.
fn worker_and_wait(worker: &mut Worker) {
    worker.go();
    std::thread::sleep(std::time::Duration::from_millis(500));
}

fn values_from_outside() {
    let mut worker = Worker::start(&["as", "mt-with", "read", "/proc/self/status", "64", "5"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_pread64":with{ name = "mt-with", least = 64 }
        :where [[comm == $name and args.count >= $least]]:name "reads":count()"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("reads") else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["count"], 5);
}
