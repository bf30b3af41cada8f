//! Generated code against plain Rust: thousands of random typed trees are run in the kernel and evaluated here.
//!
//! Needs root. `MOONTRACE_SEED` repeats a run, `MOONTRACE_COUNT` says how many programs of each kind are tried.

#![expect(clippy::print_stdout, reason = "a test says what it has tried")]

mod check;
mod known;
mod large;
mod machine;
mod mutation;
mod oracle;
mod random;
mod spans;
mod world;

use check::{Checker, Score};
use machine::Machine;
use moontrace::codegen::Code;
use mutation::Mutation;
use oracle::Identity;
use random::Rng;
use std::cell::Cell;
use world::World;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Tests that load programs are skipped, by name, where that isn't allowed.
fn may_load(test: &str) -> bool {
    // SAFETY: has no preconditions.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("skipped: {test} loads programs, which needs root");
    }
    root
}

/// On one CPU, as a user and group of their own, so that each number is another one.
fn settle() -> Identity {
    // SAFETY: plain system calls on this thread; the real ids alone change, so all rights are kept.
    unsafe {
        let mut cpus: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut cpus);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&cpus), &cpus), 0);
        assert_eq!(libc::syscall(libc::SYS_setregid, 1234, -1), 0);
        assert_eq!(libc::syscall(libc::SYS_setreuid, 77, -1), 0);
        Identity {
            pid: std::process::id(),
            tid: libc::syscall(libc::SYS_gettid) as u32,
            uid: 77,
            gid: 1234,
            ..Identity::default()
        }
    }
}

/// One round of what is tried, at that depth.
type Round = fn(&mut Checker<'_>, u32);

/// A tree in each kind of hole.
fn trees(checker: &mut Checker<'_>, depth: u32) {
    checker.steps(depth);
    checker.record(depth);
    checker.tally(depth);
}

/// Sequences of what uses spans.
fn spans(checker: &mut Checker<'_>, depth: u32) {
    checker.spans(depth.min(3));
}

/// `planted`: `change` makes mistakes, and the first one that shows is enough.
fn try_random(
    (seed, count): (u64, u64),
    round: Round,
    planted: bool,
    change: &dyn Fn(&mut Code),
) -> Score {
    let mut rng = Rng::new(seed);
    let identity = settle();
    let mut world = World::new(&mut rng);
    let mut machine = Machine::new(&world);
    let mut checker = Checker {
        machine: &mut machine,
        world: &mut world,
        rng: &mut rng,
        identity,
        change,
        score: Score::default(),
        inputs: 12,
    };
    checker.look_around();
    for number in 0..count {
        round(&mut checker, 1 + (number % 5) as u32);
        if planted && checker.score.is_bad() {
            break;
        }
    }
    checker.score
}

#[test]
fn random_trees_mean_the_same_in_the_kernel_and_here() {
    if !may_load("random_trees_mean_the_same_in_the_kernel_and_here") {
        return;
    }
    let seed = number("MOONTRACE_SEED", u64::from(std::process::id()));
    println!("MOONTRACE_SEED={seed}");
    let count = number("MOONTRACE_COUNT", 400);
    let score = try_random((seed, count), trees, false, &|_| {});
    assert_good(seed, &score);
}

/// Says what was tried; nothing of it may have gone wrong.
fn assert_good(seed: u64, score: &Score) {
    println!(
        "{} programs, {} runs, {} failed reads, longest function {} instructions, {} refused, {} rejected, {} mismatches",
        score.programs,
        score.runs,
        score.faults,
        score.most_insns,
        score.refused.len(),
        score.rejected.len(),
        score.mismatches.len()
    );
    let refused: std::collections::BTreeSet<&String> = score.refused.iter().collect();
    println!("refused: {refused:#?}");
    for why in score.rejected.iter().chain(&score.mismatches).take(3) {
        println!("{why}\n");
    }
    assert!(
        score.rejected.is_empty(),
        "seed {seed}: programs were rejected by the verifier"
    );
    assert!(
        score.mismatches.is_empty(),
        "seed {seed}: kernel and evaluator differ"
    );
    assert!(
        score.refused.len() as u64 * 20 < score.programs,
        "seed {seed}: too much is refused"
    );
}

#[test]
fn random_spans_hold_the_same_in_the_kernel_and_here() {
    if !may_load("random_spans_hold_the_same_in_the_kernel_and_here") {
        return;
    }
    let seed = number("MOONTRACE_SEED", u64::from(std::process::id()));
    println!("MOONTRACE_SEED={seed}");
    let count = (number("MOONTRACE_COUNT", 400) / 4).max(20);
    let score = try_random((seed, count), spans, false, &|_| {});
    println!("{:#?}", score.met);
    assert_good(seed, &score);
    for what in spans::MET {
        assert!(score.met.contains_key(what), "seed {seed}: never {what}");
    }
}

#[test]
fn planted_mistakes_are_seen() {
    if may_load("planted_mistakes_are_seen") {
        assert_seen(&mutation::ALL, (200, trees));
    }
}

#[test]
fn planted_mistakes_in_spans_are_seen() {
    if may_load("planted_mistakes_in_spans_are_seen") {
        assert_seen(&mutation::SPANS, (150, spans));
    }
}

fn assert_seen(all: &[Mutation], (count, round): (u64, Round)) {
    let seed = number("MOONTRACE_SEED", 1);
    let (mut planted, mut unseen) = (0, Vec::new());
    for mutation in all {
        let places = Cell::new(0u64);
        let score = try_random((seed, count), round, true, &|code| {
            places.set(places.get() + u64::from(mutation.plant(code)));
        });
        if places.get() == 0 {
            println!("{mutation:?} has no place in what was generated");
            continue;
        }
        planted += 1;
        if !score.is_bad() {
            unseen.push(mutation);
        }
    }
    println!(
        "{} of {planted} planted mistakes were seen; not these: {unseen:?}",
        planted - unseen.len()
    );
    assert!(
        planted * 10 >= all.len() * 9,
        "too few mistakes had a place"
    );
    assert!(
        unseen.len() * 20 <= planted,
        "seed {seed}: not seen: {unseen:?}"
    );
}
