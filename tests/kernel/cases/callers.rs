//! 32-bit system calls have numbers of their own, which mean other calls to 64-bit programs: whatever a system call's probe
//! hangs at, they are not its hits, as they are none of its own tracepoint's.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::Worker;

cases!(callers:
    of_one_call [Compat],
    of_several_calls [Compat],
    of_returns [Compat],
    of_calls_with_programs_of_their_own [Compat],
    of_all_calls [Compat],
);

const TIMES: u64 = 30;
/// Numbers of a 32-bit program, which the calls below have in a 64-bit one: getppid, semget, getpgrp.
const ALIKE: [&str; 3] = ["110", "64", "111"];

/// What two runs say of the same process, the second with `--attach exact`: it calls getppid, and makes 32-bit calls.
fn both(code: &str) -> [Outcome; 2] {
    let times = TIMES.to_string();
    let mut worker = Worker::start(&["compat", &times, ALIKE[0], ALIKE[1], ALIKE[2]]);
    let pid = worker.pid().to_string();
    let cheapest = Trace::with(code, &["-p", &pid]).start();
    let exact = Trace::with(code, &["-p", &pid, "--attach", "exact"]).start();
    worker.go();
    let outcomes = [cheapest.stop(), exact.stop()];
    outcomes.iter().for_each(Outcome::is_well);
    outcomes
}

/// Of both runs, the hits are those of the 64-bit call.
#[track_caller]
fn only_the_64_bit_calls_are_hits(code: &str) {
    for outcome in both(code) {
        let [row] = outcome.rows("calls") else {
            panic!("not one row: {outcome:?}")
        };
        assert_eq!(row["count"], TIMES, "{outcome:?}");
        assert_eq!(outcome.books().hits, TIMES, "{outcome:?}");
    }
}

fn of_one_call() {
    only_the_64_bit_calls_are_hits(r#"probe "syscall:getppid":name "calls":count()"#);
}

fn of_several_calls() {
    let code = r#"probe "syscall:{getppid,semget,getpgrp}":by "func":name "calls":count()"#;
    only_the_64_bit_calls_are_hits(code);
}

fn of_returns() {
    let code = r#"probe "syscall:{getppid,semget}:return":by "func":name "calls":count()"#;
    only_the_64_bit_calls_are_hits(code);
}

/// getppid takes nothing, semget three numbers.
fn of_calls_with_programs_of_their_own() {
    for end in ["", ":return"] {
        let code = format!(r#"probe "syscall:{{getppid,semget,getpgrp}}{end}":print()"#);
        for outcome in both(&code) {
            assert_eq!(outcome.of("event").count() as u64, TIMES, "{outcome:?}");
            assert_eq!(outcome.books().hits, TIMES, "{outcome:?}");
        }
    }
}

/// Where all calls pass, they are hits by their own numbers.
fn of_all_calls() {
    let code = r#"probe "tracepoint:raw_syscalls:sys_enter":where "args.id in {64, 110, 111}":by "id = args.id":name "calls":count()"#;
    for outcome in both(code) {
        for (id, count) in [(64, TIMES), (110, 2 * TIMES), (111, TIMES)] {
            let counted = outcome.column("calls", ("id", id), "count");
            assert_eq!(counted, count as i64, "{id}: {outcome:?}");
        }
    }
}
