//! What tables keep: every column, and the keys that they have room for.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};
use serde_json::json;

cases!(tallies: every_column, finer_and_equal_buckets, extremes_by_key_from_all_cpus, of_several_probes,
    say_when_they_are_full, forget_the_oldest, are_taken_with_the_time_they_took, keep_their_time_when_a_probe_comes_later);

/// Reads a directory 6 times (-EISDIR), 100 bytes of a file 9 times and nothing 4 times.
fn traced_reads(columns: &str) -> Outcome {
    let mut workers = [
        Worker::start(&["as", "mt-columns", "read", "/proc", "10", "6"]),
        Worker::start(&["as", "mt-columns", "read", "/proc/self/status", "100", "9"]),
        Worker::start(&["as", "mt-columns", "read", "/dev/null", "100", "4"]),
    ];
    let code = format!(
        r#"probe "tracepoint:syscalls:sys_exit_pread64":where 'comm == "mt-columns"':name "reads":tally "{columns}""#
    );
    let tracing = Trace::of(&code).start();
    workers.iter_mut().for_each(Worker::go);
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

fn every_column() {
    let outcome = traced_reads(
        "count(), bad = count(retval < 0), sum(retval), avg(retval), min(retval), max(retval), stats(retval)",
    );
    let average = f64::from(9 * 100 - 6 * 21) / 19.0;
    let want = json!([{
        "count": 19, "bad": 6, "sum": 774, "avg": average, "min": -21, "max": 100,
        "stats": {"count": 19, "sum": 774, "avg": average, "min": -21, "max": 100},
    }]);
    assert_eq!(outcome.rows("reads"), want.as_array().unwrap());
}

fn finer_and_equal_buckets() {
    let outcome =
        traced_reads("hist(retval, 2), lhist(retval, 0, 150, 50), of = lhist(retval, 90, 100, 4)");
    let bucket = |min: Option<i64>, max: Option<i64>, count: u64| json!({"min": min, "max": max, "count": count});
    let want = json!([{
        "hist": {"count": 19, "buckets": [
            bucket(None, Some(-1), 6), bucket(Some(0), Some(0), 4), bucket(Some(96), Some(111), 9),
        ]},
        "lhist": {"count": 19, "buckets": [
            bucket(None, Some(-1), 6), bucket(Some(0), Some(49), 4), bucket(Some(100), Some(149), 9),
        ]},
        "of": {"count": 19, "buckets": [bucket(None, Some(89), 10), bucket(Some(100), None, 9)]},
    }]);
    assert_eq!(outcome.rows("reads"), want.as_array().unwrap());
}

/// Rows with a histogram are one value for all CPUs, which raise the same words at once.
fn extremes_by_key_from_all_cpus() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let calls = 20_000;
    let mut workers = (0..cpus)
        .map(|cpu| {
            Worker::start(&[
                "as",
                "mt-extreme",
                "burst",
                &cpu.to_string(),
                &calls.to_string(),
            ])
        })
        .collect::<Vec<_>>();
    let code = r#"
        probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-extreme"':by "comm":name "times"
          :tally "count(), hist(cpu), low = min(time), high = max(time), spread = stats(cpu)""#;
    let tracing = Trace::of(code).start();
    std::thread::scope(|scope| {
        for worker in &mut workers {
            scope.spawn(|| worker.go());
        }
    });
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = outcome.rows("times") else {
        panic!("{outcome:?}")
    };
    let all = calls * cpus;
    assert_eq!(
        (row["count"].as_u64(), row["hist"]["count"].as_u64()),
        (Some(all as u64), Some(all as u64))
    );
    let sum = calls * (0..cpus).sum::<usize>();
    let average = sum as f64 / all as f64;
    let spread = json!({"count": all, "sum": sum, "avg": average, "min": 0, "max": cpus - 1});
    assert_eq!(row["spread"], spread);
    assert!(row["low"].as_u64() < row["high"].as_u64(), "{row}");
}

fn of_several_probes() {
    let worker = Worker::start(&["call", "30"]);
    let code = format!(
        r#"
        local t = tally():name "both"
        probe "uprobe:{0}:moontrace_target":by "who = 'entry'":tally(t, "n = count(), all = sum(arg0)")
        probe "uretprobe:{0}:moontrace_target":by "who = 'exit'":tally(t, "n = count(), all = sum(retval)")"#,
        executable()
    );
    let outcome = worker.traced(&code, &[]);
    for (who, all) in [("entry", 435), ("exit", 225)] {
        assert_eq!(outcome.column("both", ("who", who), "n"), 30, "{outcome:?}");
        assert_eq!(
            outcome.column("both", ("who", who), "all"),
            all,
            "{outcome:?}"
        );
    }
}

/// Calls with as many keys.
fn many_keys(calls: u32, room: &str) -> Outcome {
    let worker = Worker::start(&["call", &calls.to_string()]);
    let code = format!(
        r#"local t = tally{{ {room} }}:name "keys" probe "uprobe:{}:moontrace_target":by "arg0":tally(t, "count()")"#,
        executable()
    );
    worker.traced(&code, &[])
}

fn say_when_they_are_full() {
    let outcome = many_keys(1000, "keys = 300");
    let books = outcome.books();
    books.balance();
    assert_eq!(
        (books.hits, books.delivered, books.lost),
        (1000, 300, 700),
        "{outcome:?}"
    );
    assert_eq!(outcome.rows("keys").len(), 300);
    let line = outcome.of("books").next().unwrap();
    assert_eq!(line["lost"], json!({"full": 700}));
}

fn forget_the_oldest() {
    let outcome = many_keys(1000, "keys = 300, lru = true");
    let books = outcome.books();
    assert_eq!((books.hits, books.delivered), (1000, 1000), "{outcome:?}");
    let rows = outcome.rows("keys");
    assert!(!rows.is_empty() && rows.len() <= 300, "{} rows", rows.len());
    assert_eq!(
        outcome.column("keys", ("arg0", 999), "count"),
        1,
        "the newest is there"
    );
}

/// A writer at work all the time: readings add up to what it did, and the times of the readings to the whole time.
fn are_taken_with_the_time_they_took() {
    let calls = 200_000;
    let mut worker = Worker::start(&["as", "mt-rates", "burst", "0", &calls.to_string()]);
    let code = r#"
        local t = probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "mt-rates"':count()
        local began, seconds, count = 0, 0, 0
        local function take()
          local taken = t:take()
          seconds = seconds + taken.seconds
          count = count + (taken:rows()[1] or { count = 0 }).count
          return taken
        end
        on_start(function() began = now() end)
        every("20ms", take)
        on_exit(function()
          take()
          printf("%d %.3f %.3f", count, seconds, (now() - began) / 1e9)
        end)"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let printed = outcome.text();
    let numbers: Vec<f64> = printed
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let [count, seconds, whole] = numbers[..] else {
        panic!("{printed}")
    };
    assert_eq!(count, f64::from(calls));
    // Both ends lie between two lines of the script.
    assert!(seconds > 0.0 && (whole - seconds).abs() < 0.2, "{printed}");
}

fn keep_their_time_when_a_probe_comes_later() {
    let code = r#"
        local t = probe "tracepoint:syscalls:sys_enter_getppid":where 'comm == "nobody"':count()
        local began, later = 0, nil
        on_start(function() began = now() end)
        after("500ms", function()
          later = probe("tracepoint:syscalls:sys_exit_getppid"):where('comm == "nobody"'):by("pid"):count()
        end)
        after("900ms", function()
          local taken = t:take().seconds
          printf("%s %.3f %.3f", later ~= nil, taken, (now() - began) / 1e9)
          exit()
        end)"#;
    let outcome = Trace::of(code).run();
    outcome.is_well();
    let text = outcome.text();
    let words: Vec<&str> = text.split_whitespace().collect();
    let [later, seconds, whole] = words[..] else {
        panic!("{text}")
    };
    let (seconds, whole): (f64, f64) = (seconds.parse().unwrap(), whole.parse().unwrap());
    assert!(
        later == "true" && seconds >= 0.85 && (whole - seconds).abs() < 0.2,
        "{text}"
    );
}
