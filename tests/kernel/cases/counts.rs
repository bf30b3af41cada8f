//! Counts in the kernel are exact.

use super::cases;
use crate::trace::Trace;
use crate::worker::Worker;

cases!(counts: by_comm, system_calls_by_process, sums_and_columns, by_tuple, taken_while_it_counts, from_all_cpus, of_a_wildcard_by_probe);

fn by_comm() {
    let mut one = Worker::start(&["as", "mt-one", "getppid", "1000"]);
    let mut two = Worker::start(&["as", "mt-two", "getppid", "2500"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[startswith(comm, "mt-")]]:by "comm":name "calls":count()"#;
    let tracing = Trace::of(code).start();
    one.go();
    two.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let rows = outcome.rows("calls");
    assert_eq!(
        rows,
        serde_json::json!([{"comm": "mt-one", "count": 1000}, {"comm": "mt-two", "count": 2500}])
            .as_array()
            .unwrap()
    );
}

fn system_calls_by_process() {
    let mut worker = Worker::start(&["as", "mt-calls", "getppid", "3000"]);
    let code = format!(
        r#"probe "tracepoint:raw_syscalls:sys_enter":where "args.id == {}":by "comm":name "calls":count()"#,
        libc::SYS_getppid
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.column("calls", ("comm", "mt-calls"), "count"), 3000);
}

fn sums_and_columns() {
    let mut worker = Worker::start(&["as", "mt-sums", "read", "/proc/self/status", "24", "500"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_pread64":where 'comm == "mt-sums"':name "reads":tally "n = count(), bytes = sum(args.count), large = count(args.count > 24)""#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("reads") else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (
            row["n"].as_i64(),
            row["bytes"].as_i64(),
            row["large"].as_i64()
        ),
        (Some(500), Some(12_000), Some(0))
    );
}

fn by_tuple() {
    let mut worker = Worker::start(&["as", "mt-tuple", "read", "/proc/self/status", "100", "40"]);
    let code = r#"probe "tracepoint:syscalls:sys_exit_pread64":where 'comm == "mt-tuple"':by "pid, comm, size = retval // 10 * 10":name "reads":count()"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want =
        serde_json::json!([{"pid": worker.pid(), "comm": "mt-tuple", "size": 100, "count": 40}]);
    assert_eq!(outcome.rows("reads"), want.as_array().unwrap());
}

/// `take` while hits come in: the parts make up the whole.
fn taken_while_it_counts() {
    let mut worker = Worker::start(&["getppid", "200000"]);
    let code = r#"
        local calls, total, times = tally(), 0, 0
        probe "tracepoint:syscalls:sys_enter_getppid":tally(calls, "count()")
        local function take()
          times = times + 1
          for _, row in ipairs(calls:take():rows()) do total = total + row.count end
        end
        every("20ms", take)
        on_exit(function() take() printf("total=%d taken=%s\n", total, times > 1) end)"#;
    let pid = worker.pid().to_string();
    let tracing = Trace::with(code, &["-p", &pid]).start();
    worker.go();
    std::thread::sleep(std::time::Duration::from_millis(60));
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "total=200000 taken=true\n");
}

fn from_all_cpus() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut workers = (0..cpus)
        .map(|cpu| Worker::start(&["as", "mt-cpus", "burst", &cpu.to_string(), "50000"]))
        .collect::<Vec<_>>();
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-cpus"':by "cpu":name "calls":count()"#;
    let tracing = Trace::of(code).start();
    std::thread::scope(|scope| {
        for worker in &mut workers {
            scope.spawn(|| worker.go());
        }
    });
    let outcome = tracing.stop();
    outcome.is_well();
    for cpu in 0..cpus {
        assert_eq!(
            outcome.column("calls", ("cpu", cpu), "count"),
            50_000,
            "{outcome:?}"
        );
    }
}

fn of_a_wildcard_by_probe() {
    let code = r#"probe "tracepoint:sched:*":by "probe":name "sched":count()  after("1s", exit)"#;
    let outcome = Trace::of(code).run();
    outcome.is_well();
    assert!(
        outcome.column("sched", ("probe", "tracepoint:sched:sched_switch"), "count") > 0,
        "{outcome:?}"
    );
    assert!(outcome.rows("sched").len() > 1, "{outcome:?}");
}
