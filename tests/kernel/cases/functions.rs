//! Functions of the kernel: by kprobe, by fentry, and one in the place of the other.

use super::cases;
use crate::trace::{Outcome, Trace, product};
use crate::worker::Worker;
use serde_json::{Value, json};
use std::process::Command;

cases!(functions:
    by_trampoline[Fentry],
    kprobes_that_fentry_stands_in_for[Kprobes],
    returns_that_fexit_stands_in_for[Kprobes],
    arguments_at_the_return[Kprobes, Fentry],
    registers_are_read_by_kprobes[Kprobes],
    a_bare_name_beside_a_path[Kprobes],
    paths_through_structs[Kprobes],
    looking_loads_nothing[Fentry],
);

const READS: i64 = 300;
/// What is asked for, and what there is: no other read of the worker's is like it.
const ASKED: i64 = 777;
const THERE: i64 = 100;

/// A file of [`THERE`] bytes, with a name of its own.
fn file() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("moontrace-is-read");
    std::fs::write(&path, [b'x'; THERE as usize]).expect("a file");
    let path = path.into_os_string().into_string().expect("UTF-8");
    (directory, path)
}

/// Traces a worker that reads; with `-v`, so that what was chosen is told.
fn reading(code: &str, options: &[&str]) -> Outcome {
    let (_directory, path) = file();
    working(code, options, &reads(&path))
}

/// [`READS`] reads that ask for [`ASKED`] bytes.
fn reads(path: &str) -> [&str; 4] {
    ["read", path, "777", "300"]
}

fn working(code: &str, options: &[&str], words: &[&str]) -> Outcome {
    Worker::start(words).traced(code, &[&["-v"], options].concat())
}

#[track_caller]
fn has(outcome: &Outcome, name: &str, rows: Value) {
    assert_eq!(outcome.rows(name), rows.as_array().unwrap(), "{outcome:?}");
}

fn by_trampoline() {
    let code = r#"
        probe "fentry:vfs_read":where "args.count == 777":by "bytes = args.count":name "in":count()
        probe "fexit:vfs_read":where "args.count == 777":by "bytes = args.count, retval":name "out":count()"#;
    let outcome = reading(code, &[]);
    has(&outcome, "in", json!([{"bytes": ASKED, "count": READS}]));
    has(
        &outcome,
        "out",
        json!([{"bytes": ASKED, "retval": THERE, "count": READS}]),
    );
}

/// Both ways give the same of what a worker does to a file; `said` is what `-v` says of each.
#[track_caller]
fn both_ways(code: &str, deed: impl Fn(&str) -> Vec<String>, rows: Value, said: [&str; 2]) {
    let (_directory, path) = file();
    let words = deed(&path);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (options, said) in [&[][..], &["--attach", "exact"]].into_iter().zip(said) {
        let outcome = working(code, options, &words);
        has(&outcome, "n", rows.clone());
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

fn kprobes_that_fentry_stands_in_for() {
    both_ways(
        r#"probe "kprobe:vfs_read":where "args.count == 777":by "bytes = arg2, func":name "n":count()"#,
        |path| reads(path).map(str::to_owned).to_vec(),
        json!([{"bytes": ASKED, "func": "vfs_read", "count": READS}]),
        [
            "fentry at vfs_read (cheaper than a kprobe",
            "kprobe at vfs_read,",
        ],
    );
}

/// Of a function that never sleeps: old kernels have few places for calls that a kretprobe waits for.
fn returns_that_fexit_stands_in_for() {
    both_ways(
        r#"probe "kretprobe:vfs_open":by "retval":name "n":count()"#,
        |path| ["open", path, "300"].map(str::to_owned).to_vec(),
        json!([{"retval": 0, "count": READS}]),
        [
            "fexit at vfs_open (cheaper than a kretprobe",
            "kretprobe at vfs_open,",
        ],
    );
}

/// Of few functions as of many: what kretprobes can't give, fexit does.
fn arguments_at_the_return() {
    let rows = json!([{"func": "vfs_read", "bytes": ASKED, "count": READS}]);
    for spec in [
        "vfs_read",
        "vfs_{read,write,llseek,fallocate,getattr,fsync_range}",
    ] {
        let code = format!(
            r#"probe "kretprobe:{spec}":where "retval == 100":by "func, bytes = arg2":name "n":count()"#
        );
        let outcome = reading(&code, &[]);
        has(&outcome, "n", rows.clone());
        assert!(
            outcome.stderr.contains("as they were passed"),
            "{spec}: {outcome:?}"
        );
    }
}

/// What no argument is, is still in its register.
fn registers_are_read_by_kprobes() {
    let code =
        r#"probe "kprobe:vfs_read":where "arg2 == 777":by "some = arg5 == arg5":name "n":count()"#;
    let outcome = reading(code, &[]);
    has(&outcome, "n", json!([{"some": true, "count": READS}]));
    assert!(
        outcome.stderr.contains("in registers only"),
        "{}",
        outcome.stderr
    );
}

fn a_bare_name_beside_a_path() {
    let code = r#"probe "kprobe:icmp_out_count":where "type == 8":print "args.net.ifindex, type""#;
    let outcome = working(code, &[], &["ping", "7"]);
    let rows: Vec<&Value> = outcome.of("event").map(|event| &event["data"]).collect();
    assert_eq!(rows.len(), 7, "{outcome:?}");
    for row in rows {
        assert_eq!(row["type"], 8, "{outcome:?}");
        assert!(row["ifindex"].as_i64() > Some(0), "{outcome:?}");
    }
}

fn paths_through_structs() {
    let code = r#"
        probe "kprobe:vfs_read":where "args.count == 777":by "file = args.file.f_path.dentry.d_name.name":name "read":count()
        probe "kprobe:vfs_open":where "args.path.dentry.d_name.name == 'moontrace-is-read'":name "opened":count()"#;
    let outcome = reading(code, &[]);
    has(
        &outcome,
        "read",
        json!([{"file": "moontrace-is-read", "count": READS}]),
    );
    has(&outcome, "opened", json!([{"count": 1}]));
}

/// The number of the newest program that a run has loaded.
fn newest_program() -> u64 {
    let tracing = Trace::of(r#"probe "rawtracepoint:task_rename":count()"#).start();
    let files = std::fs::read_dir(format!("/proc/{}/fdinfo", tracing.pid()));
    let number = |text: String| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("prog_id:"))?;
        line.trim().parse::<u64>().ok()
    };
    let numbers = files
        .expect("the process runs")
        .flatten()
        .filter_map(|file| number(std::fs::read_to_string(file.path()).ok()?));
    let newest = numbers.max();
    tracing.stop().is_well();
    newest.expect("it has a program")
}

/// Programs are numbered: what is loaded in between is missing in the row.
fn looking_loads_nothing() {
    let (first, second) = (newest_program(), newest_program());
    let code = r#"
        probe "kprobe:vfs_read":count()
        probe "kretprobe:vfs_read":by "args.count":name "n":count()
        probe "fexit:vfs_write":count()"#;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("script.lua");
    std::fs::write(&script, code).expect("a file");
    let script = script.to_str().expect("UTF-8");
    let mut said = String::new();
    for words in [
        ["check", script],
        ["explain", script],
        ["describe", "kretprobe:vfs_read"],
    ] {
        let output = Command::new(product()).args(words).output();
        let output = output.expect("the product starts");
        assert!(output.status.success(), "{words:?}: {output:?}");
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(newest_program() - second, second - first, "{said}");
    for words in [
        "fentry at vfs_read",
        "fexit at vfs_read: cheaper than",
        "fexit at vfs_write",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
