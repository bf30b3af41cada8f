//! Returns of many functions that know of their beginnings: by sessions where the kernel has them, and by single probes.

use super::cases;
use crate::trace::{Outcome, Trace};
use crate::worker::{Worker, executable};

cases!(sessions:
    one_link_has_both_ends [Kprobes, KprobeSession],
    times_of_many_functions [Kprobes],
    what_many_functions_began_with [Kprobes],
    a_call_takes_longer_than_the_one_in_it [Kprobes],
    two_probes_of_the_same_functions [Kprobes],
    a_function_with_types_of_its_own [Kprobes, KprobeSession],
    what_takes_no_probe_is_left_out [Kprobes],
    a_users_functions_in_one_link [UprobeSession],
    a_users_nested_calls_are_told_apart,
);

/// More functions than trampolines are put on, and in them, of the worker's own calls, only those of its naps.
const NAPS: &str = r#"probe "kretprobe:{hrtimer_nanosleep,do_nanosleep,vfs_open,vfs_fstat,vfs_fsync,vfs_truncate}""#;
const COUNT: u64 = 10;

/// A script's view of the naps, and that of the same script with single probes; both trace the same process at once.
fn napping(code: &str) -> [Outcome; 2] {
    let mut worker = Worker::start(&["as", "mt-naps", "nap", &COUNT.to_string()]);
    let pid = worker.pid().to_string();
    let cheapest = Trace::with(code, &["-v", "-p", &pid]).start();
    let exact = Trace::with(code, &["-p", &pid, "--attach", "exact"]).start();
    worker.go();
    let outcomes = [cheapest.stop(), exact.stop()];
    outcomes.iter().for_each(Outcome::is_well);
    outcomes
}

/// A row's columns of a function.
fn columns<const N: usize>(outcome: &Outcome, func: &str, names: [&str; N]) -> [u64; N] {
    names.map(|name| {
        let value = outcome.column("naps", ("func", func), name);
        u64::try_from(value).expect("no column is negative")
    })
}

fn is_a_nap(ns: u64) -> bool {
    (1_000_000..10_000_000_000).contains(&ns)
}

fn one_link_has_both_ends() {
    let code = format!(r#"{NAPS}:by "func":hist "elapsed""#);
    let [cheapest, _] = napping(&code);
    let told =
        "kprobe.session at 6 functions (one link for the beginnings and the returns of calls)";
    assert!(cheapest.stderr.contains(told), "{cheapest:?}");
}

/// The time alone is kept.
fn times_of_many_functions() {
    let code = format!(
        r#"{NAPS}:by "func":name "naps":tally "count(), low = min(elapsed), high = max(elapsed)""#
    );
    for outcome in napping(&code) {
        for func in ["hrtimer_nanosleep", "do_nanosleep"] {
            let [count, low, high] = columns(&outcome, func, ["count", "low", "high"]);
            assert_eq!(count, COUNT, "{outcome:?}");
            assert!(is_a_nap(low) && is_a_nap(high), "{outcome:?}");
        }
        let books = outcome.books();
        assert_eq!((books.hits, books.lost), (2 * COUNT, 0), "{outcome:?}");
    }
}

/// More is kept: a few words, and what is too long for the stack. What can't be read at the other functions' beginnings
/// is no matter.
fn what_many_functions_began_with() {
    for more in [
        "",
        " and entry(str(as('struct path', arg0).dentry.d_name.name, 200)) ~= ''",
    ] {
        let code = format!(
            r#"{NAPS}:where "func == 'hrtimer_nanosleep' or func == 'do_nanosleep' or (func == 'vfs_open'{more})"
                :by "func, was = entry(comm)":name "naps"
                :tally "count(), low = min(elapsed), same = count(entry(tid) == tid and entry(time) + elapsed == time)""#
        );
        for outcome in napping(&code) {
            for func in ["hrtimer_nanosleep", "do_nanosleep"] {
                let [count, low, same] = columns(&outcome, func, ["count", "low", "same"]);
                assert_eq!((count, same), (COUNT, COUNT), "{outcome:?}");
                assert!(is_a_nap(low), "{outcome:?}");
            }
            assert!(
                outcome
                    .rows("naps")
                    .iter()
                    .all(|row| row["was"] == "mt-naps")
            );
            assert_eq!(outcome.books().lost, 0, "{outcome:?}");
        }
    }
}

fn a_call_takes_longer_than_the_one_in_it() {
    let code = format!(
        r#"
        local inner, wrong, calls = 0, 0, 0
        {NAPS}:on(function(e)
          calls = calls + 1
          if e.func == "do_nanosleep" then inner = e.elapsed
          elseif e.elapsed <= inner then wrong = wrong + 1 end
        end)
        on_exit(function() printf("%d calls, %d wrong\n", calls, wrong) end)"#
    );
    for outcome in napping(&code) {
        let told = format!("{} calls, 0 wrong\n", 2 * COUNT);
        assert_eq!(outcome.text(), told, "{outcome:?}");
    }
}

/// Each keeps its own.
fn two_probes_of_the_same_functions() {
    let code = format!(
        r#"{NAPS}:by "func":name "naps":tally "count(), low = min(elapsed)"
        {NAPS}:where "elapsed > 0 and entry(pid) == pid":by "func":name "same":count()"#
    );
    for outcome in napping(&code) {
        for func in ["hrtimer_nanosleep", "do_nanosleep"] {
            let [count, low] = columns(&outcome, func, ["count", "low"]);
            assert_eq!(count, COUNT, "{outcome:?}");
            assert!(is_a_nap(low), "{outcome:?}");
            let same = outcome.column("same", ("func", func), "count");
            assert_eq!(same, COUNT as i64, "{outcome:?}");
        }
    }
}

/// What only one of them has makes a program of its own: it is one link, too.
fn a_function_with_types_of_its_own() {
    let code = format!(
        r#"
        local wrong, calls = 0, 0
        {NAPS}:where "func == 'hrtimer_nanosleep'":on(function(e)
          calls = calls + 1
          if e.args.rqtp ~= 1000000 or e.elapsed < 1000000 then wrong = wrong + 1 end
        end)
        on_exit(function() printf("%d calls, %d wrong\n", calls, wrong) end)"#
    );
    let [cheapest, exact] = napping(&code);
    let told = "kprobe.session at hrtimer_nanosleep (";
    assert!(cheapest.stderr.contains(told), "{cheapest:?}");
    for outcome in [cheapest, exact] {
        let told = format!("{COUNT} calls, 0 wrong\n");
        assert_eq!(outcome.text(), told, "{outcome:?}");
    }
}

fn what_takes_no_probe_is_left_out() {
    let functions =
        "do_nanoslee?,hrtimer_nanosleep,exc_page_fault,vfs_open,vfs_fsync,exc_divide_error";
    let code = format!(
        r#"probe "kretprobe:{{{functions}}}":by "func":name "naps":tally "count(), low = min(elapsed)""#
    );
    let [outcome, _] = napping(&code);
    let [count, low] = columns(&outcome, "do_nanosleep", ["count", "low"]);
    assert_eq!(count, COUNT, "{outcome:?}");
    assert!(is_a_nap(low), "{outcome:?}");
    assert!(outcome.stderr.contains("attached 4 of 6"), "{outcome:?}");
}

fn users() -> String {
    let functions = "moontrace_{recurse,target}";
    format!(r#"probe "uretprobe:{}:{functions}""#, executable())
}

fn a_users_functions_in_one_link() {
    let worker = Worker::start(&["recurse", "5", "20"]);
    let code = format!(
        r#"{}:by "func":name "calls":tally "count(), low = min(elapsed)""#,
        users()
    );
    let outcome = worker.traced(&code, &["-v"]);
    assert!(
        outcome.stderr.contains("uprobe.session at 2 places"),
        "{outcome:?}"
    );
    let func = ("func", "moontrace_recurse");
    assert_eq!(outcome.column("calls", func, "count"), 120, "{outcome:?}");
    assert!(outcome.column("calls", func, "low") > 0, "{outcome:?}");
}

/// What is returned says how deep a call was; the outer takes longer than the inner.
fn a_users_nested_calls_are_told_apart() {
    let code = format!(
        r#"
        local took, last, wrong, calls = 0, -1, 0, 0
        {}:on(function(e)
          calls = calls + 1
          if e.retval <= last then took = 0 end
          if e.elapsed <= took then wrong = wrong + 1 end
          took, last = e.elapsed, e.retval
        end)
        on_exit(function() printf("%d calls, %d wrong\n", calls, wrong) end)"#,
        users()
    );
    for exact in [&[][..], &["--attach", "exact"]] {
        let worker = Worker::start(&["recurse", "5", "20"]);
        let outcome = worker.traced(&code, exact);
        assert_eq!(outcome.text(), "120 calls, 0 wrong\n", "{outcome:?}");
    }
}
