//! What is known without the evaluator: times, parents, namespaces, histograms, and the log of a program that is refused.

use crate::check::namespace;
use crate::machine::{Machine, Table};
use crate::random::Rng;
use crate::world::World;
use crate::{may_load, settle};
use moontrace::codegen::{self, FieldValue, Target};
use moontrace::expr::tree::{Current, Node, Op, Part, Relation, TARGET};
use moontrace::expr::types::{Int, Space};
use moontrace::facts::Facts;
use moontrace::plan::{Aggregate, Content, Extreme, Field, Layout};
use moontrace_abi::bucket::{
    BUCKETS, FINEST, Linear, fine_of_signed, fine_of_unsigned, of_signed, of_unsigned,
};
use moontrace_abi::record::HEADER;
use moontrace_abi::{Control, Header, Outcome};

fn words(nodes: &[Node]) -> (Layout, Vec<FieldValue>) {
    let field = |bit: usize| Field {
        name: String::new(),
        content: Content::Int {
            offset: (HEADER + 8 * bit) as u32,
            int: Int::U64,
        },
        bit: bit as u8,
        shown: None,
        why: String::new(),
    };
    let fields = (0..nodes.len()).map(field).collect();
    let layout = Layout {
        fields,
        size: (HEADER + 8 * nodes.len()) as u32,
        long: false,
    };
    (layout, nodes.iter().cloned().map(FieldValue::Int).collect())
}

/// The values of nodes in a record of words, with the record's own time.
fn values(
    machine: &mut Machine,
    world: &World,
    nodes: &[Node],
    target: &Target,
) -> (u64, Vec<u64>) {
    let (layout, values) = words(nodes);
    let record = codegen::record(&layout, &values, target).unwrap();
    let size = codegen::constant(layout.size.into());
    let program = machine
        .link(
            &[("record", &record), ("record_size", &size)],
            "act_emit",
            None,
        )
        .unwrap();
    let run = machine.run(&program, &world.context);
    let word = |at: usize| u64::from_le_bytes(run.record[at..][..8].try_into().unwrap());
    (
        word(std::mem::offset_of!(Header, time)),
        (0..nodes.len())
            .map(|index| word(HEADER + 8 * index))
            .collect(),
    )
}

fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: fills one struct.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    assert_eq!(failed, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn world_and_machine() -> (World, Machine) {
    settle();
    let world = World::new(&mut Rng::new(5));
    let machine = Machine::new(&world);
    (world, machine)
}

#[test]
fn a_run_has_one_time() {
    if !may_load("a_run_has_one_time") {
        return;
    }
    let (world, mut machine) = world_and_machine();
    let time = || Node::Current(Current::Time);
    let twice = Node::Binary(Op::Sub, Box::new(time()), Box::new(time()));
    let before = now();
    let (header, got) = values(&mut machine, &world, &[time(), twice], &Target::default());
    assert_eq!(got, [header, 0]);
    assert!((before..=now()).contains(&header));
}

#[test]
fn parents_are_those_that_proc_names() {
    if !may_load("parents_are_those_that_proc_names") {
        return;
    }
    let (world, mut machine) = world_and_machine();
    let read = |base: Node, offset: u32, int: Int| Node::Read {
        space: Space::Kernel,
        base: Box::new(base),
        offset: offset as i32,
        int,
    };
    let (tgid, int) = world.task_fields[1];
    let mut task = Node::Current(Current::Task);
    let mut pid = std::process::id();
    for _ in 0..4 {
        let (_, got) = values(
            &mut machine,
            &world,
            &[read(task.clone(), tgid, int)],
            &Target::default(),
        );
        assert_eq!(got, [u64::from(pid)]);
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1))
            .unwrap();
        pid = parent.parse().unwrap();
        if pid == 0 {
            break;
        }
        task = read(task, world.task_parent, Int::U64);
    }
}

#[test]
fn pid_and_tid_are_those_of_the_namespace() {
    if !may_load("pid_and_tid_are_those_of_the_namespace") {
        return;
    }
    let (world, mut machine) = world_and_machine();
    let nodes = [Current::Pid, Current::Tid, Current::Pid].map(Node::Current);
    let (device, inode) = namespace();
    // SAFETY: has no preconditions.
    let tid = unsafe { libc::syscall(libc::SYS_gettid) } as u64;
    let here = Target {
        pid_namespace: Some((device, inode)),
    };
    let (_, got) = values(&mut machine, &world, &nodes, &here);
    assert_eq!(
        got,
        [std::process::id().into(), tid, std::process::id().into()]
    );
    // A namespace that the thread is not in has no number for it.
    let elsewhere = Target {
        pid_namespace: Some((device, inode + 1)),
    };
    let (_, got) = values(&mut machine, &world, &nodes, &elsewhere);
    assert_eq!(got, [0, 0, 0]);
}

#[test]
fn what_the_guard_stops_is_in_no_book() {
    if !may_load("what_the_guard_stops_is_in_no_book") {
        return;
    }
    let (mut world, mut machine) = world_and_machine();
    let target = Target::default();
    let ours = Node::InSet(TARGET, vec![Part::Int(Node::Current(Current::Pid))]);
    let number = Node::Context {
        offset: 8,
        int: Int::I64,
    };
    let call = Node::In(Box::new(number.clone()), vec![0, 1, 2, 257]);
    // Where nothing can be noted, a division by zero is 0 all the same.
    let zero = Node::Binary(
        Op::Div,
        Box::new(number.clone()),
        Box::new(Node::Context {
            offset: 0,
            int: Int::I64,
        }),
    );
    let zero = Node::Compare(Relation::Eq, Box::new(zero), Box::new(Node::Const(0)));
    let condition = Node::And(
        Box::new(ours),
        Box::new(Node::And(Box::new(call), Box::new(zero))),
    );
    let guard = codegen::guard(&condition, &target).unwrap();
    let size = codegen::constant(HEADER as u64);
    let record = codegen::record(&Layout::default(), &[], &target).unwrap();
    let holes = [
        ("guard", &guard),
        ("record", &record),
        ("record_size", &size),
    ];
    let program = machine.link(&holes, "act_emit", None).unwrap();
    world.context[0] = 0;
    for (number, outcome) in [
        (257, Some(Outcome::Delivered)),
        (3, None),
        (0, Some(Outcome::Delivered)),
        (256, None),
    ] {
        world.context[1] = number;
        assert_eq!(
            machine.run(&program, &world.context).outcome,
            outcome,
            "{number}"
        );
    }
}

#[test]
fn histograms_count_into_the_bucket_of_the_value() {
    if !may_load("histograms_count_into_the_bucket_of_the_value") {
        return;
    }
    let (mut world, mut machine) = world_and_machine();
    let target = Target::default();
    let value = |signed| Node::Context {
        offset: 8,
        int: Int::new(signed, 64),
    };
    let measure = codegen::measure(&[value(true), value(false)], &target).unwrap();
    let width = 8 * BUCKETS as u32;
    let columns = [
        (
            Aggregate::Hist {
                signed: true,
                bits: 0,
            },
            0,
            Some(0),
        ),
        (Aggregate::Count, width, None),
        (
            Aggregate::Hist {
                signed: false,
                bits: 0,
            },
            width + 8,
            Some(1),
        ),
    ];
    let columns = codegen::columns(&columns).unwrap();
    let key = codegen::key(
        Control::generation_offset(3),
        &[Part::Int(Node::Const(-7))],
        &target,
    )
    .unwrap();
    let holes = [("measure", &measure), ("columns", &columns), ("key", &key)];
    let program = machine
        .link(
            &holes,
            "act_tally",
            Some(Table {
                key: 16,
                value: 2 * width + 8,
            }),
        )
        .unwrap();
    let edges = (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1]);
    for number in edges.chain([0, u64::MAX]) {
        world.context[1] = number;
        let (key, row) = machine.run(&program, &world.context).row.unwrap();
        assert_eq!(key, [0u64.to_le_bytes(), (-7i64).to_le_bytes()].concat());
        let counted: Vec<usize> = row
            .chunks_exact(8)
            .enumerate()
            .filter(|(_, word)| *word != [0; 8])
            .map(|(index, _)| index)
            .collect();
        let wanted = [
            of_signed(number as i64) as usize,
            BUCKETS,
            BUCKETS + 1 + of_unsigned(number) as usize,
        ];
        assert_eq!(counted, wanted, "{number}");
    }
}

/// What the words of a row hold after one event, beside those that are 0.
fn words_after(aggregate: Aggregate, number: u64) -> Vec<(usize, u64)> {
    let one = |bucket| vec![(bucket, 1)];
    match aggregate {
        Aggregate::Count => one(0),
        Aggregate::Sum { .. } => vec![(0, number)],
        Aggregate::Avg { .. } => vec![(0, 1), (1, number)],
        Aggregate::Min(order) => vec![(0, number ^ order.minimum()), (1, 1)],
        Aggregate::Max(order) => vec![(0, number ^ order.maximum()), (1, 1)],
        Aggregate::Stats(order) => vec![
            (0, 1),
            (1, number),
            (2, number ^ order.minimum()),
            (3, number ^ order.maximum()),
        ],
        Aggregate::Hist { signed: true, bits } => {
            one(fine_of_signed(number as i64, bits.into()) as usize)
        }
        Aggregate::Hist { bits, .. } => one(fine_of_unsigned(number, bits.into()) as usize),
        Aggregate::LinearHist { signed, steps } => {
            let value = match signed {
                true => i128::from(number as i64),
                false => i128::from(number),
            };
            let holds = |bucket: &usize| {
                let (min, max) = steps.bounds(*bucket);
                min.is_none_or(|min| min <= value) && max.is_none_or(|max| value <= max)
            };
            one((0..steps.buckets()).find(holds).unwrap())
        }
    }
}

#[test]
fn every_column_keeps_what_its_value_says() {
    if !may_load("every_column_keeps_what_its_value_says") {
        return;
    }
    let (mut world, mut machine) = world_and_machine();
    let target = Target::default();
    let context = |signed| Node::Context {
        offset: 8,
        int: Int::new(signed, 64),
    };
    let measure = codegen::measure(&[context(true)], &target).unwrap();
    let steps = |min, max, step| Linear { min, max, step };
    let mut aggregates = vec![
        Aggregate::Avg { signed: true },
        Aggregate::Min(Extreme::Signed),
        Aggregate::Min(Extreme::Unsigned),
        Aggregate::Max(Extreme::Signed),
        Aggregate::Max(Extreme::Unsigned),
        Aggregate::Stats(Extreme::Signed),
        Aggregate::Stats(Extreme::Unsigned),
    ];
    for signed in [true, false] {
        aggregates.extend((1..=FINEST).map(|bits| Aggregate::Hist { signed, bits }));
        let all = [
            steps(0, 100, 10),
            steps(-7, 8, 4),
            steps(i64::MIN, i64::MAX, i64::MAX / 100),
            steps(1, 1001, 1),
        ];
        aggregates.extend(all.map(|steps| Aggregate::LinearHist { signed, steps }));
    }
    let edges = (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1, (3u64 << bit) - 1]);
    let numbers: Vec<u64> = edges
        .chain([u64::MAX, 99, 100, 101, -7i64 as u64])
        .collect();
    for aggregate in &aggregates {
        let columns = codegen::columns(&[(*aggregate, 8, Some(0))]).unwrap();
        let key = codegen::key(Control::generation_offset(3), &[], &target).unwrap();
        let holes = [("measure", &measure), ("columns", &columns), ("key", &key)];
        let table = Table {
            key: 4,
            value: 8 + 8 * aggregate.words() as u32,
        };
        let program = machine.link(&holes, "act_tally", Some(table)).unwrap();
        for number in &numbers {
            world.context[1] = *number;
            let (_, row) = machine.run(&program, &world.context).row.unwrap();
            let mut wanted = vec![0; 1 + aggregate.words()];
            for (word, value) in words_after(*aggregate, *number) {
                wanted[1 + word] = value;
            }
            let got: Vec<u64> = row
                .chunks_exact(8)
                .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
                .collect();
            assert!(got == wanted, "{aggregate:?} of {number}");
        }
    }
}

#[test]
fn the_log_of_a_refused_program_has_the_scripts_line() {
    if !may_load("the_log_of_a_refused_program_has_the_scripts_line") {
        return;
    }
    let (_, machine) = world_and_machine();
    let label = ":where 'arg0 == 1' @ script.lua:4";
    let beyond = Node::Context {
        offset: 4096,
        int: Int::I64,
    };
    let condition = Node::Compare(Relation::Eq, Box::new(beyond), Box::new(Node::Const(1)));
    let first = Node::Compare(
        Relation::Eq,
        Box::new(Node::Current(Current::Pid)),
        Box::new(Node::Const(1)),
    );
    let steps = [
        (first.into(), ":where 'pid == 1' @ script.lua:3".to_owned()),
        (condition.into(), label.to_owned()),
    ];
    let steps = codegen::steps(&steps, &Target::default()).unwrap();
    let why = machine
        .link(&[("steps", &steps)], "act_emit", None)
        .map(|_| ())
        .unwrap_err();
    let lines: Vec<&str> = why.lines().collect();
    let at = lines
        .iter()
        .rposition(|line| line.starts_with("; "))
        .unwrap();
    assert!(lines[at].contains(label), "{why}");
    // Older kernels print a line's text, which only generated code has, and not where it is from.
    assert!(
        why.contains("engine.rs") || !Facts::live().features().at_least(6, 9),
        "the library's own lines are missing: {why}"
    );
}
