//! Arguments of a program's functions, as its debug information describes them.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;
use moontrace_described::PROGRAM;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

cases!(described: arguments_by_name, arguments_are_printed_by_default, a_whole_struct, typed_return_values,
    returns_show_what_was_passed_by_default, wrong_names);

/// Of `described`.
const CALLS: i64 = 20;

/// A run of the program while `code` traces it; PROGRAM in it is the program's path.
fn traced(code: &str) -> Outcome {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("program");
    std::fs::write(&path, PROGRAM).expect("a file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a file's mode");
    let mut worker = Worker::spawn(&mut Command::new(&path));
    let code = code.replace("PROGRAM", path.to_str().expect("a path in UTF-8"));
    let tracing = Trace::with(&code, &["-p", &worker.pid().to_string()]).start();
    worker.go();
    tracing.stop()
}

fn arguments_by_name() {
    let outcome = traced(
        r#"probe "uprobe:PROGRAM:described":where "number > 15 and name == 'odd' and step == BACK"
            :print "number, small, name, second = pair.second, third = pair.next.third, cast = as('struct pair', arg3).first, even, step, stacked""#,
    );
    outcome.is_well();
    let rows: Vec<_> = outcome
        .of("event")
        .map(|line| line["data"].clone())
        .collect();
    let want = |number: i64| {
        json!({
            "number": number, "small": -3, "name": "odd", "second": 4095, "third": 9, "cast": 7, "even": false, "step": -1,
            "stacked": u64::MAX - number as u64,
        })
    };
    assert_eq!(rows, [17, 19].map(want), "{outcome:?}");
    let named = outcome.of("event").next().expect("an event")["names"].clone();
    assert_eq!(named, json!({"step": "BACK"}), "{outcome:?}");
    assert_eq!(outcome.books().hits, CALLS as u64);
}

fn arguments_are_printed_by_default() {
    let outcome = traced(r#"probe "uprobe:PROGRAM:described""#);
    outcome.is_well();
    let first = &outcome.of("event").next().expect("an event")["data"];
    let arguments =
        ["number", "small", "name", "even", "step", "stacked"].map(|name| first[name].clone());
    assert_eq!(
        arguments,
        [
            json!(0),
            json!(-3),
            json!("even"),
            json!(true),
            json!(1),
            json!(u64::MAX)
        ],
        "{outcome:?}"
    );
}

fn a_whole_struct() {
    let outcome =
        traced(r#"probe "uprobe:PROGRAM:described":where "number == 1":print "whole = pair[0]""#);
    outcome.is_well();
    let whole = &outcome.of("event").next().expect("an event")["data"]["whole"];
    let members = ["first", "second", "third"].map(|name| whole[name].as_i64());
    assert_eq!(members, [Some(7), Some(4095), Some(9)], "{outcome:?}");
}

fn typed_return_values() {
    let outcome = traced(
        r#"probe "uretprobe:PROGRAM:described":name "returned":tally "count(), small = count(retval == 3), sum(retval)""#,
    );
    outcome.is_well();
    let sum = CALLS * (CALLS - 1) / 2 + 3 * CALLS;
    let want = json!([{"count": CALLS, "small": 1, "sum": sum}]);
    assert_eq!(outcome.rows("returned"), want.as_array().unwrap());
}

fn returns_show_what_was_passed_by_default() {
    let outcome = traced(r#"probe "uretprobe:PROGRAM:described""#);
    outcome.is_well();
    // Of the second call: values that need all the bits and the sign of their types.
    let event = outcome.of("event").nth(1).expect("two events");
    let names = ["number", "small", "name", "step", "stacked", "retval"];
    let shown = names.map(|name| event["data"][name].clone());
    let want = [
        json!(1),
        json!(-3),
        json!("odd"),
        json!(-1),
        json!(u64::MAX - 1),
        json!(4),
    ];
    assert_eq!(shown, want, "{outcome:?}");
    assert_eq!(event["names"], json!({"step": "BACK"}), "{outcome:?}");
}

fn wrong_names() {
    for (code, message) in [
        (
            r#"probe "uprobe:PROGRAM:described":print "args.nme""#,
            "did you mean 'args.name' or 'args.number'?",
        ),
        (
            r#"probe "uprobe:PROGRAM:described":print "ratio""#,
            "it is a floating-point number, which probes can't read",
        ),
        (
            r#"probe "uprobe:PROGRAM:described":print "pair.frist""#,
            "did you mean 'first'?",
        ),
        (
            r#"probe "uprobe:PROGRAM:described":print "as('struct pear', arg3).first""#,
            "did you mean 'struct pair'?",
        ),
    ] {
        let outcome = traced(code);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        let said = format!("{} {:?}", outcome.stderr, outcome.lines);
        assert!(said.contains(message), "{outcome:?}");
    }
}
