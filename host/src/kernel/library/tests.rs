//! Linking, without a kernel: what comes out, and what is refused.

use super::*;
use crate::codegen::{self, FieldValue, SMALL_STACK, STACK, Target};
use crate::expr::tree::{Current, Glob, Node, Op, Part, Text};
use crate::expr::types::{Int, Space};
use crate::plan::Aggregate;

static OBJECT: &[u8] = include_bytes!("../../../../ebpf/moontrace.bpf.o");
const PROGRAMS: [&str; 7] = [
    "mt_fentry",
    "mt_raw_tracepoint",
    "mt_tracepoint",
    "mt_kprobe",
    "mt_uprobe",
    "mt_multi",
    "mt_perf_event",
];
const ACTIONS: [&str; 6] = [
    "act_emit",
    "act_emit_long",
    "act_tally",
    "act_tally_long",
    "act_add",
    "act_remove",
];

fn instance(
    library: &Library,
    program: &str,
    holes: &[(&str, Body<'_>)],
) -> Result<Instance, Report> {
    let maps: Vec<(&str, RawFd)> = library
        .map_definitions()
        .iter()
        .map(|map| (map.name.as_str(), 3))
        .collect();
    library.instance(program, holes, &maps, &|_, _| Some(4))
}

/// A string out of memory, and a value that calls what else generated code may call.
fn busy() -> (Text, Node) {
    let number = || {
        Box::new(Node::Context {
            offset: 8,
            int: Int::I64,
        })
    };
    let text = |space| Text::Read {
        space,
        address: number(),
        capacity: 16,
    };
    let glob = Glob {
        source: b"*".to_vec(),
        elements: Vec::new(),
    };
    let like = Node::Like(Box::new(text(Space::Kernel)), glob);
    let same = Node::Same(Box::new(text(Space::User)), Box::new(text(Space::Kernel)));
    let division = Node::Binary(Op::Div, Box::new(Node::Current(Current::Time)), number());
    let choice = Node::Select(
        Box::new(like),
        Box::new(division),
        Box::new(Node::Current(Current::Pid)),
    );
    (
        text(Space::User),
        Node::Select(Box::new(same), Box::new(choice), number()),
    )
}

#[test]
fn every_program_takes_every_action_as_one_function() {
    let library = Library::open(OBJECT).unwrap();
    for program in PROGRAMS {
        for action in ACTIONS {
            let instance = instance(&library, program, &[("act", Body::Is(action))]).unwrap();
            let calls = instance
                .insns
                .iter()
                .filter(|insn| crate::kernel::object::is_call(insn));
            assert_eq!(calls.count(), 0, "{program} with {action}");
            assert_eq!(instance.insns.len(), instance.origins.len());
        }
    }
}

/// The kernel keeps its own stacks from a program that holds a tail call, which is never made.
#[test]
fn a_program_asks_for_its_threads_stack_by_a_call_behind_a_jump() {
    let library = Library::open(OBJECT).unwrap();
    let stack = codegen::own_stack();
    let tail_calls = |program, holes: &[(&str, Body<'_>)]| {
        let insns = instance(&library, program, holes).unwrap().insns;
        let calls = (0..insns.len()).filter(|at| insns[*at].code == 0x85 && insns[*at].imm == 12);
        // Where a jump leads over it.
        calls.map(|at| insns[at - 1].off).collect::<Vec<i16>>()
    };
    let act = ("act", Body::Is("act_tally"));
    for program in ["mt_uprobe", "mt_multi"] {
        assert!(tail_calls(program, &[act]).is_empty(), "{program}");
        assert_eq!(
            tail_calls(program, &[act, ("stack", Body::Code(&stack))]),
            [1]
        );
    }
}

/// Kernels before 5.12 refuse atomic instructions that give a result (`BPF_FETCH`, the lowest bit of their immediate).
#[test]
fn old_kernels_get_no_atomic_results() {
    const ATOMIC: u8 = 0xdb;
    let with_results = |library: &Library, action| {
        let instance = instance(library, "mt_kprobe", &[("act", Body::Is(action))]).unwrap();
        let of = instance.insns.iter().filter(|insn| insn.code == ATOMIC);
        of.filter(|insn| insn.imm & 1 != 0).count()
    };
    let new = Library::open(OBJECT).unwrap();
    assert!(with_results(&new, "act_emit_long") > 0);
    let old = Library::open(OBJECT).unwrap();
    let old = old.made_for(Abilities::of((5, 10))).unwrap();
    for action in ACTIONS {
        assert_eq!(with_results(&old, action), 0, "{action}");
    }
}

/// What the code generator may take of the stack is there, in whichever hole, whatever it calls.
#[test]
fn the_stack_has_room_for_the_largest_functions() {
    let library = Library::open(OBJECT).unwrap();
    let target = Target {
        pid_namespace: Some((1, 2)),
    };
    let (text, value) = busy();
    let parts = [Part::Text(text.clone()), Part::Int(value.clone())];
    let condition = Node::Compare(
        crate::expr::tree::Relation::Ne,
        Box::new(value.clone()),
        Box::new(Node::Const(0)),
    );
    let sized = |mut code: Code, stack| {
        assert!(!code.calls.is_empty());
        code.stack = stack;
        code
    };
    let field = |bit, content| crate::plan::Field {
        name: String::new(),
        content,
        bit,
        shown: None,
        why: String::new(),
    };
    let layout = crate::plan::Layout {
        fields: vec![
            field(
                0,
                crate::plan::Content::Int {
                    offset: 24,
                    int: Int::I64,
                },
            ),
            field(
                1,
                crate::plan::Content::Text {
                    offset: 32,
                    slot: None,
                    capacity: 16,
                },
            ),
        ],
        size: 40,
        long: true,
    };
    let fields = [FieldValue::Int(value.clone()), FieldValue::Text(text)];
    let steps = sized(
        codegen::steps(&[(condition.into(), String::new())], &target).unwrap(),
        STACK,
    );
    let record = sized(codegen::record(&layout, &fields, &target).unwrap(), STACK);
    let member = sized(codegen::member(&parts, &target).unwrap(), SMALL_STACK);
    let columns = codegen::columns(&[(
        Aggregate::Hist {
            signed: true,
            bits: 0,
        },
        0,
        Some(0),
    )])
    .unwrap();
    for program in PROGRAMS {
        for (action, stack) in [("act_tally", SMALL_STACK), ("act_tally_long", STACK)] {
            let key = sized(codegen::key(16, &parts, &target).unwrap(), stack);
            let measure = sized(
                codegen::measure(std::slice::from_ref(&value), &target).unwrap(),
                stack,
            );
            let holes = [
                ("steps", Body::Code(&steps)),
                ("key", Body::Code(&key)),
                ("measure", Body::Code(&measure)),
                ("columns", Body::Code(&columns)),
                ("act", Body::Is(action)),
            ];
            instance(&library, program, &holes)
                .unwrap_or_else(|report| panic!("{action}: {report:?}"));
        }
        for (action, hole, code) in [
            ("act_emit", "record", &record),
            ("act_emit_long", "record", &record),
            ("act_add", "member", &member),
        ] {
            let holes = [("act", Body::Is(action)), (hole, Body::Code(code))];
            instance(&library, program, &holes)
                .unwrap_or_else(|report| panic!("{action}: {report:?}"));
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let library = Library::open(OBJECT).unwrap();
    let emit = [("act", Body::Is("act_emit"))];
    let report = library
        .instance("mt_raw_tracepoint", &emit, &[], &|_, _| None)
        .map(|_| ())
        .unwrap_err();
    assert!(
        report.message.contains(".data.control"),
        "{}",
        report.message
    );
    let report = instance(&library, "mt_iterator", &emit)
        .map(|_| ())
        .unwrap_err();
    assert!(report.message.contains("mt_iterator"), "{}", report.message);
    let key = codegen::key(16, &[], &Target::default()).unwrap();
    let maps: Vec<(&str, RawFd)> = library
        .map_definitions()
        .iter()
        .map(|map| (map.name.as_str(), 3))
        .collect();
    let holes = [("act", Body::Is("act_tally")), ("key", Body::Code(&key))];
    let report = library
        .instance("mt_raw_tracepoint", &holes, &maps, &|_, _| None)
        .map(|_| ())
        .unwrap_err();
    assert!(report.message.contains("Control"), "{}", report.message);
}

#[test]
fn an_object_that_is_cut_off_is_an_error() {
    for length in [0, 10, 1000, OBJECT.len() / 2] {
        assert!(Library::open(&OBJECT[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn lines_say_which_function_or_label_an_instruction_is_from() {
    let library = Library::open(OBJECT).unwrap();
    let mut steps = constant(1);
    steps.label = ":where 'true' @ x.lua:1".to_owned();
    let holes = [("steps", Body::Code(&steps)), ("act", Body::Is("act_emit"))];
    let lines = library
        .lines(&instance(&library, "mt_raw_tracepoint", &holes).unwrap())
        .unwrap();
    assert!(
        lines
            .btf
            .windows(23)
            .any(|bytes| bytes == steps.label.as_bytes())
    );
    assert_eq!(lines.func_info.len(), 8);
    let offsets: Vec<u32> = lines
        .line_info
        .chunks_exact(16)
        .map(|record| u32::from_le_bytes([record[0], record[1], record[2], record[3]]))
        .collect();
    assert_eq!(offsets[0], 0);
    assert!(offsets.is_sorted() && offsets.len() > 20);
}
