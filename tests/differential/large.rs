//! Texts that are long or deep, and what they cost, in instructions: nothing here looks at a clock.

use crate::machine::{Machine, OBJECT, Program, Table};
use crate::oracle::Oracle;
use crate::random::Rng;
use crate::world::World;
use crate::{may_load, settle};
use moontrace::codegen::{self, Code, Target};
use moontrace::expr::tree::{Current, Node, Op, Part, Relation, Text};
use moontrace::expr::types::{Int, Space};
use moontrace::kernel::library::{Body, Library};
use moontrace::plan::Aggregate;
use moontrace::sys::bpf::prog_info;
use moontrace_abi::{Control, Outcome};

fn context(word: i16) -> Node {
    Node::Context {
        offset: 8 * word,
        int: Int::I64,
    }
}

fn op(op: Op, a: Node, b: Node) -> Node {
    Node::Binary(op, Box::new(a), Box::new(b))
}

fn compare(relation: Relation, a: Node, b: Node) -> Node {
    Node::Compare(relation, Box::new(a), Box::new(b))
}

/// A tree of two operands everywhere.
fn balanced(
    depth: u32,
    leaf: &mut dyn FnMut() -> Node,
    node: &mut dyn FnMut(Node, Node) -> Node,
) -> Node {
    if depth == 0 {
        return leaf();
    }
    let (a, b) = (
        balanced(depth - 1, leaf, node),
        balanced(depth - 1, leaf, node),
    );
    node(a, b)
}

/// `a op b op c …`, or `a op (b op (c …`.
fn chain(
    length: usize,
    left: bool,
    mut leaf: impl FnMut(usize) -> Node,
    node: impl Fn(Node, Node) -> Node,
) -> Node {
    let first = leaf(0);
    (1..length).fold(first, |chain, index| match left {
        true => node(chain, leaf(index)),
        false => node(leaf(index), chain),
    })
}

/// Counts events that pass a condition.
fn counting(machine: &Machine, condition: Node) -> Result<Program, String> {
    let target = Target::default();
    let steps = codegen::steps(&[(condition.into(), "condition".to_owned())], &target)
        .map_err(|report| report.message)?;
    let key = codegen::key(Control::generation_offset(0), &[], &target).unwrap();
    let columns = codegen::columns(&[(Aggregate::Count, 0, None)]).unwrap();
    let holes: [(&str, &Code); 3] = [("steps", &steps), ("key", &key), ("columns", &columns)];
    machine.link(&holes, "act_tally", Some(Table { key: 4, value: 8 }))
}

#[test]
fn long_and_deep_texts_load_and_mean_what_they_say() {
    if !may_load("long_and_deep_texts_load_and_mean_what_they_say") {
        return;
    }
    // The evaluator recurses.
    with_stack(512 << 20, try_long_and_deep);
}

fn with_stack<T: Send>(bytes: usize, run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(bytes)
            .spawn_scoped(scope, run)
            .unwrap()
            .join()
            .unwrap()
    })
}

fn try_long_and_deep() {
    let identity = settle();
    let mut rng = Rng::new(3);
    let mut world = World::new(&mut rng);
    let mut machine = Machine::new(&world);
    let mut word = 0;
    let mut leaf = || {
        word = (word + 1) % 8;
        context(word)
    };
    let above = |value: Node| compare(Relation::Gt, value, Node::Const(5));
    let pair = |kind: Op| move |a: Node, b: Node| op(kind, a, b);
    let mut turn = 0;
    let mut and_or = |a: Node, b: Node| {
        turn += 1;
        let (a, b) = (Box::new(a), Box::new(b));
        if turn % 2 == 0 {
            Node::And(a, b)
        } else {
            Node::Or(a, b)
        }
    };
    let pid = || Node::Current(Current::Pid);
    let texts: Vec<(&str, Node)> = vec![
        (
            "4,096 operands, balanced",
            above(balanced(12, &mut leaf, &mut |a, b| op(Op::Add, a, b))),
        ),
        (
            "calls, balanced",
            above(balanced(10, &mut || pid(), &mut |a, b| op(Op::Add, a, b))),
        ),
        (
            "conditions, balanced",
            balanced(11, &mut || above(context(3)), &mut and_or),
        ),
        (
            "truth values that are computed with",
            above(balanced(10, &mut || above(context(3)), &mut |a, b| {
                op(Op::Add, a, b)
            })),
        ),
        (
            "signed divisions",
            above(balanced(8, &mut leaf, &mut |a, b| op(Op::FloorDiv, a, b))),
        ),
        (
            "shifts",
            above(balanced(8, &mut leaf, &mut |a, b| op(Op::Shl, a, b))),
        ),
        (
            "10,000 operands from the left",
            above(chain(
                10_000,
                true,
                |at| context(at as i16 % 8),
                pair(Op::Sub),
            )),
        ),
        (
            "5,000 operands from the right",
            above(chain(
                5_000,
                false,
                |at| context(at as i16 % 8),
                pair(Op::Sub),
            )),
        ),
        (
            "calls from the right",
            above(chain(2_000, false, |_| pid(), pair(Op::Sub))),
        ),
        (
            "6,000 alternatives",
            chain(
                6_000,
                true,
                |at| compare(Relation::Eq, context(2), Node::Const(at as i128 * 3)),
                |a, b| Node::Or(Box::new(a), Box::new(b)),
            ),
        ),
        (
            "6,000 demands",
            chain(
                6_000,
                false,
                |at| compare(Relation::Ne, context(2), Node::Const(at as i128 * 3)),
                |a, b| Node::And(Box::new(a), Box::new(b)),
            ),
        ),
        (
            "a list of 8,000",
            Node::In(
                Box::new(context(2)),
                (0..8_000).map(|value| value * 3).collect(),
            ),
        ),
        (
            "3,000 pointers",
            above(chain(
                3_000,
                true,
                |_| Node::Const(8),
                |base, _| Node::Read {
                    space: Space::User,
                    base: Box::new(base),
                    offset: 8,
                    int: Int::U64,
                },
            )),
        ),
        (
            "3,000 negations",
            (0..3_001).fold(above(context(1)), |of, _| Node::Not(Box::new(of))),
        ),
        (
            "300 choices, one in the other",
            above((0..300).fold(Node::Const(7), |other, at| {
                let condition = compare(Relation::Eq, context(2), Node::Const(at));
                Node::Select(
                    Box::new(condition),
                    Box::new(Node::Const(at)),
                    Box::new(other),
                )
            })),
        ),
    ];
    for (name, node) in &texts {
        let program =
            counting(&machine, node.clone()).unwrap_or_else(|why| panic!("{name}: {why}"));
        for _ in 0..3 {
            world.change(&mut rng);
            let wanted = match Oracle::new(&world, &identity).value(node) {
                Ok(0) => Outcome::Filtered,
                Ok(_) => Outcome::Delivered,
                Err(_) => Outcome::Read,
            };
            assert_eq!(
                machine.run(&program, &world.context).outcome,
                Some(wanted),
                "{name}"
            );
        }
        println!("{name}: {} instructions", program.instance.insns.len());
    }
}

/// Neither the left nor the right operand of anything makes the generator recurse.
#[test]
fn chains_take_no_stack_of_ours() {
    let pair = |a: Node, b: Node| op(Op::Sub, a, b);
    let either = |a: Node, b: Node| Node::Or(Box::new(a), Box::new(b));
    let equal = |at: usize| compare(Relation::Eq, context(2), Node::Const(at as i128));
    with_stack(512 << 20, || {
        for node in [
            compare(
                Relation::Gt,
                chain(10_000, true, |at| context(at as i16 % 8), pair),
                Node::Const(5),
            ),
            compare(
                Relation::Gt,
                chain(10_000, false, |at| context(at as i16 % 8), pair),
                Node::Const(5),
            ),
            chain(6_000, true, equal, either),
            chain(6_000, false, equal, either),
        ] {
            let steps = [(node.into(), String::new())];
            let code = with_stack(256 << 10, || codegen::steps(&steps, &Target::default()));
            assert!(code.is_ok_and(|code| code.insns.len() > 10_000));
        }
    });
}

/// What is beyond a limit is an error that says so, not a rejection.
#[test]
fn a_text_that_is_too_long_is_refused_with_the_limit() {
    with_stack(512 << 20, refuse_long_texts);
}

fn refuse_long_texts() {
    let longer = chain(
        40_000,
        true,
        |at| context(at as i16 % 8),
        |a, b| op(Op::Sub, a, b),
    );
    let long = compare(
        Relation::Gt,
        op(Op::Mul, longer.clone(), Node::Const(3)),
        Node::Const(5),
    );
    let either = Node::Or(
        Box::new(compare(Relation::Eq, context(1), Node::Const(1))),
        Box::new(long),
    );
    let report = codegen::steps(&[(either.into(), String::new())], &Target::default())
        .map(|_| ())
        .unwrap_err();
    assert!(report.message.contains("32,767"), "{}", report.message);
    assert!(report.help.is_some());

    let read = |word| Text::Read {
        space: Space::User,
        address: Box::new(context(word)),
        capacity: 256,
    };
    let glob = moontrace::expr::tree::Glob {
        source: b"*".to_vec(),
        elements: Vec::new(),
    };
    let wide = Part::Text(read(1));
    let member = Node::InSet(moontrace::expr::tree::SetId(0), vec![wide]);
    let report = codegen::steps(&[(member.into(), String::new())], &Target::default())
        .map(|_| ())
        .unwrap_err();
    assert!(report.message.contains("64 bytes"), "{}", report.message);
    let deep = (0..3).fold(
        Node::Like(Box::new(read(2)), glob.clone()),
        |inner, word| {
            let address = Box::new(Node::Select(
                Box::new(inner),
                Box::new(context(word)),
                Box::new(context(1)),
            ));
            let text = Text::Read {
                space: Space::User,
                address,
                capacity: 256,
            };
            Node::Like(Box::new(text), glob.clone())
        },
    );
    match codegen::steps(&[(deep.into(), String::new())], &Target::default()) {
        Ok(code) => assert!(code.stack <= codegen::STACK),
        Err(report) => assert!(report.message.contains("352"), "{}", report.message),
    }
}

/// What a simple probe costs is held in instructions; a change of these numbers is a change of the product.
#[test]
fn instances_stay_as_small_as_they_are() {
    let library = Library::open(OBJECT).unwrap();
    let maps: Vec<(&str, i32)> = library
        .map_definitions()
        .iter()
        .enumerate()
        .map(|(fd, map)| (map.name.as_str(), fd as i32))
        .collect();
    let target = Target::default();
    let columns = codegen::columns(&[(Aggregate::Count, 8, None)]).unwrap();
    let key = codegen::key(
        Control::generation_offset(0),
        &[Part::Text(Text::Comm(None))],
        &target,
    )
    .unwrap();
    let length = |condition: Node| {
        let steps = codegen::steps(&[(condition.into(), String::new())], &target).unwrap();
        let holes = [
            ("steps", Body::Code(&steps)),
            ("key", Body::Code(&key)),
            ("columns", Body::Code(&columns)),
            ("act", Body::Is("act_tally")),
        ];
        library
            .instance("mt_raw_tracepoint", &holes, &maps, &|_, _| Some(0))
            .unwrap()
            .insns
            .len()
    };
    let simple = length(compare(Relation::Eq, context(1), Node::Const(257)));
    let mut word = 0;
    let mut leaf = || {
        word = (word + 1) % 8;
        context(word)
    };
    let tree = balanced(6, &mut leaf, &mut |a, b| {
        op(Op::Add, op(Op::Mul, a, Node::Const(3)), b)
    });
    let large = length(compare(Relation::Gt, tree, Node::Const(9)));
    println!("filter and count: {simple} instructions; a filter of 255 nodes: {large}");
    assert!(
        simple <= 130,
        "filter and count takes {simple} instructions"
    );
    assert!(
        large <= 600,
        "a filter of 255 nodes takes {large} instructions"
    );
}

/// The verifier follows each instruction of such a program about once.
#[test]
fn the_verifier_has_little_to_do() {
    if !may_load("the_verifier_has_little_to_do") {
        return;
    }
    let world = World::new(&mut Rng::new(4));
    let machine = Machine::new(&world);
    let tree = balanced(10, &mut || context(1), &mut |a, b| op(Op::Add, a, b));
    let truths = balanced(
        8,
        &mut || compare(Relation::Gt, context(1), Node::Const(5)),
        &mut |a, b| op(Op::Add, a, b),
    );
    let shifts = balanced(7, &mut || context(1), &mut |a, b| op(Op::Shr, a, b));
    for (name, value, most) in [
        ("sums", tree, 2),
        ("truth values", truths, 4),
        ("shifts", shifts, 4),
    ] {
        let program = counting(&machine, compare(Relation::Gt, value, Node::Const(5))).unwrap();
        let info = prog_info(&program).unwrap();
        let length = program.instance.insns.len() as u32;
        println!(
            "{name}: {length} instructions, {} verified",
            info.verified_insns
        );
        if info.verified_insns > 0 {
            assert!(
                info.verified_insns <= most * length,
                "{name}: {} of {length}",
                info.verified_insns
            );
        }
    }
}
