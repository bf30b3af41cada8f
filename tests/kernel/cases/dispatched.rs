//! Many system calls whose programs differ: one program at one tracepoint hands each on to its own.

use super::cases;
use crate::trace::{Outcome, Trace, product};
use crate::worker::Worker;
use crate::workload::{ASSORTED, Passed};
use serde_json::Value;
use std::process::Command;

cases!(dispatched:
    events_are_those_of_the_calls_own_tracepoints,
    each_call_has_its_own_fields,
    returns_know_what_was_passed_and_how_long_it_took,
    what_was_true_at_the_beginning_of_each,
    one_is_detached_while_another_counts_on,
    all_system_calls_are_one_attachment,
);

const TIMES: u64 = 25;

/// All calls of the workload, at their tracepoints of that name: `enter` or `exit`.
fn all(which: &str) -> String {
    let names: Vec<&str> = ASSORTED.iter().map(|call| call.name).collect();
    format!("tracepoint:syscalls:sys_{which}_{{{}}}", names.join(","))
}

fn working() -> Worker {
    Worker::start(&["assorted", &TIMES.to_string()])
}

/// Every call of the workload was one hit, and one event.
#[track_caller]
fn each_was_one_hit(outcome: &Outcome) {
    let books = outcome.books();
    let calls = TIMES * ASSORTED.len() as u64;
    assert_eq!((books.hits, books.delivered), (calls, calls), "{outcome:?}");
}

/// Two runs trace the same process at the same time, the second with `--attach exact`.
fn events_are_those_of_the_calls_own_tracepoints() {
    for which in ["enter", "exit"] {
        let mut worker = working();
        let pid = worker.pid().to_string();
        let code = format!(r#"probe "{}":print()"#, all(which));
        let cheapest = Trace::with(&code, &["-p", &pid, "-v"]).start();
        let exact = Trace::with(&code, &["-p", &pid, "--attach", "exact", "-v"]).start();
        worker.go();
        let (cheapest, exact) = (cheapest.stop(), exact.stop());
        for outcome in [&cheapest, &exact] {
            outcome.is_well();
            each_was_one_hit(outcome);
        }
        let told = "one raw tracepoint that dispatches to";
        assert!(cheapest.stderr.contains(told), "{cheapest:?}");
        assert!(!exact.stderr.contains(told), "{exact:?}");
        assert_eq!(events(&cheapest), events(&exact));
    }
}

/// What the events say, without the times at which they were seen.
fn events(outcome: &Outcome) -> Vec<Value> {
    let timeless = |line: &Value| {
        let mut data = line["data"].clone();
        data.as_object_mut().expect("an object").remove("time");
        data
    };
    outcome.of("event").map(timeless).collect()
}

/// The first argument of each, by its name, call by call in the order that they were made.
fn each_call_has_its_own_fields() {
    let code = format!(r#"probe "{}":print()"#, all("enter"));
    let outcome = working().traced(&code, &[]);
    each_was_one_hit(&outcome);
    let calls = (0..TIMES).flat_map(|_| ASSORTED);
    for (call, event) in calls.zip(events(&outcome)) {
        let seen = call.first.map_or(&Value::Null, |(field, _)| &event[field]);
        let same = match call.first {
            None => true,
            Some((_, Passed::Text(text))) => seen.as_str() == text.to_str().ok(),
            // Some have no sign, and no more bits than a descriptor.
            Some((_, Passed::Int(passed))) => seen
                .as_i64()
                .is_some_and(|seen| seen == passed || seen == i64::from(passed as u32)),
        };
        assert!(same, "{}: {event}", call.name);
    }
}

/// Some have a path of that name, and are told from the others by their programs.
fn returns_know_what_was_passed_and_how_long_it_took() {
    let code = format!(
        r#"
        local calls, paths, wrong = 0, 0, 0
        probe "{}":on(function(e)
          calls = calls + 1
          if e.elapsed <= 0 or e.elapsed > 1e10 or e.retval > 1e6 then wrong = wrong + 1 end
          if e.args.filename == "/moontrace/nowhere" then paths = paths + 1 end
        end)
        on_exit(function() printf("%d calls, %d paths, %d wrong\n", calls, paths, wrong) end)"#,
        all("exit")
    );
    let outcome = working().traced(&code, &[]);
    each_was_one_hit(&outcome);
    let calls = TIMES * ASSORTED.len() as u64;
    let named = ASSORTED.iter().filter_map(|call| call.first);
    let paths = TIMES * named.filter(|(field, _)| *field == "filename").count() as u64;
    let want = format!("{calls} calls, {paths} paths, 0 wrong\n");
    assert_eq!(outcome.text(), want, "{outcome:?}");
}

/// Each keeps what its own text asks for: a string of some length, a number, or nothing but when it began.
fn what_was_true_at_the_beginning_of_each() {
    let code = format!(
        r#"
        local calls, right = {{}}, 0
        probe "{}":fetch "passed = first(entry(str(args.filename, 32)), entry(str(args.pathname, 48)), entry(comm)), elapsed":on(function(e)
          calls[e.func] = (calls[e.func] or 0) + 1
          if e.elapsed > 0 and (e.passed == "/moontrace/nowhere" or e.passed == "mt-calls") then right = right + 1 end
        end)
        on_exit(function()
          local exact = 0
          for _, count in pairs(calls) do if count == {TIMES} then exact = exact + 1 end end
          printf("%d calls, %d right\n", exact, right)
        end)"#,
        all("exit")
    );
    let worker = Worker::start(&["as", "mt-calls", "assorted", &TIMES.to_string()]);
    let outcome = worker.traced(&code, &[]);
    each_was_one_hit(&outcome);
    let others = ASSORTED
        .iter()
        .filter(|call| call.name == "mkdirat")
        .count();
    let calls = ASSORTED.len();
    let right = TIMES as usize * (calls - others);
    let want = format!("{calls} calls, {right} right\n");
    assert_eq!(outcome.text(), want, "{outcome:?}");
}

/// Both are dispatched, each by a program of its own. The second worker begins when one of them is gone for long.
fn one_is_detached_while_another_counts_on() {
    let code = format!(
        r#"
        local seen, brief = 0
        probe "{all}":where "comm == 'mt-calls'":name "steady":on(function(e)
          local _ = e.elapsed, e.args.filename
          seen = seen + 1
          if seen == 100 then
            brief:detach()
            after("2s", function() print "gone" end)
          end
        end)
        brief = probe "{all}"
        brief:where "comm == 'mt-calls'":name("brief"):on(function(e) local _ = e.elapsed, e.args.pathname end)
        on_exit(function() printf("%d seen\n", seen) end)"#,
        all = all("exit")
    );
    let times = TIMES.to_string();
    let deed = ["as", "mt-calls", "assorted", &times];
    let (mut first, mut second) = (Worker::start(&deed), Worker::start(&deed));
    let tracing = Trace::with(&code, &["-v"]).start();
    first.go();
    tracing.hear("gone");
    second.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let calls = TIMES * ASSORTED.len() as u64;
    let text = outcome.text();
    let seen = text.lines().find_map(|line| line.strip_suffix(" seen"));
    let seen = seen.and_then(|seen| seen.parse().ok());
    outcome.has_seen_all("steady", seen.expect("a number"), 2 * calls);
    let brief = outcome.of("books").find(|line| line["probe"] == "brief");
    let brief = brief.map(|line| line["delivered"].as_u64());
    assert!(
        (1..=calls).contains(&brief.flatten().unwrap_or(0)),
        "{outcome:?}"
    );
    let dispatchers = outcome.stderr.matches("dispatches to").count();
    assert_eq!(dispatchers, 2, "{outcome:?}");
}

/// Also of those that this kernel is the first to have.
fn all_system_calls_are_one_attachment() {
    let explained = |spec: &str| {
        let code = format!(r#"probe "tracepoint:syscalls:{spec}":print()"#);
        let mut command = Command::new(product());
        let output = command.args(["explain", "-e", &code]).output();
        let output = output.expect("the product runs");
        String::from_utf8(output.stdout).expect("it writes UTF-8")
    };
    for (spec, attachments) in [("sys_enter_*", 1), ("sys_exit_*", 1), ("sys_e*", 2)] {
        let text = explained(spec);
        let lines = text
            .lines()
            .filter(|line| line.starts_with("    attached "));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), attachments, "{spec}: {lines:?}");
        for line in lines {
            let told = line.split("dispatches to ").nth(1);
            let programs = told.and_then(|rest| rest.split(' ').next()?.parse().ok());
            // What differs is what they take: integers, strings and addresses, in some order.
            assert!(
                programs.is_some_and(|programs: u32| programs < 50),
                "{line}"
            );
        }
    }
}
