use super::*;
use crate::expr::shape::Shape;
use crate::expr::tree::{Node, Op, Relation};
use crate::expr::types::{Int, Space};
use crate::facts::btf::sample;
use crate::facts::fixture::Machine;
use crate::facts::syscall_values;
use crate::rows::Shown;
use proptest::collection;
use proptest::prelude::*;
use proptest::sample::Index;

fn context(offset: i16, int: Int) -> Node {
    Node::Context { offset, int }
}

/// A part of a register.
fn low(int: Int, register: Node) -> Node {
    Node::Cast(int, Box::new(register))
}

fn saved(offset: i32, int: Int) -> Node {
    let base = Box::new(context(0, Int::U64));
    Node::Read {
        space: Space::Kernel,
        base,
        offset,
        int,
    }
}

fn plus(a: Node, b: Node) -> Node {
    Node::Binary(Op::Add, Box::new(a), Box::new(b))
}

fn int(load: Node, int: Int) -> Option<Meaning> {
    Some(Meaning::Value(load, Type::Int(int)))
}

fn user_string(load: Node) -> Option<Meaning> {
    Some(Meaning::Value(
        load,
        Type::Pointer {
            to: Box::new(Type::Char),
            space: Space::User,
        },
    ))
}

fn tracepoint(category: &str, event: &str) -> Site {
    Site::Tracepoint {
        category: category.into(),
        event: event.into(),
    }
}

fn syscall(name: &str, exit: bool) -> Site {
    Site::Syscall {
        name: name.into(),
        exit,
    }
}

fn kprobe(function: &str, ret: bool) -> Site {
    Site::Kprobe {
        function: function.into(),
        module: None,
        ret,
    }
}

#[test]
fn a_tracepoints_fields_are_read_from_its_record() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(
        &tracepoint("sched", "sched_switch"),
        "tracepoint:sched:sched_switch",
    );
    assert_eq!(
        names.argument("prev_pid"),
        int(context(24, Int::I32), Int::I32)
    );
    let comm = Text::Read {
        space: Space::Kernel,
        address: Box::new(plus(Node::ContextAddress, Node::Const(8))),
        capacity: 17,
    };
    assert_eq!(names.argument("prev_comm"), Some(Meaning::String(comm)));
    let odd = Node::Read {
        space: Space::Kernel,
        base: Box::new(Node::ContextAddress),
        offset: 43,
        int: Int::new(true, 16),
    };
    assert_eq!(names.argument("odd"), int(odd, Int::new(true, 16)));
    let one = Box::new(context(40, Int::U8));
    let truth = Node::Compare(Relation::Ne, one, Box::new(Node::Const(0)));
    assert_eq!(
        names.argument("preempt"),
        Some(Meaning::Value(truth, Type::Bool))
    );
    let Some(Meaning::Value(
        _,
        Type::Pointer {
            to,
            space: Space::Kernel,
        },
    )) = names.argument("prev")
    else {
        panic!("no pointer");
    };
    assert_eq!(to.to_string(), "struct task");
    let bytes = Type::Array {
        of: Box::new(Type::Int(Int::U8)),
        length: 4,
    };
    assert!(matches!(names.argument("bytes"), Some(Meaning::Memory { ty, .. }) if ty == bytes));
    assert_eq!(names.argument("common_pid"), None);
    assert!(names.absent("args.arg0").unwrap().contains("args.NAME"));
}

#[test]
fn strings_behind_a_record_are_found_through_their_word() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(&tracepoint("sched", "sched_process_exec"), "x");
    let address = |name| match names.argument(name) {
        Some(Meaning::String(Text::Read { address, .. })) => *address,
        other => panic!("{other:?}"),
    };
    let low = |offset| {
        let word = Box::new(context(offset, Int::U32));
        Node::Binary(Op::And, word, Box::new(Node::Const(0xffff)))
    };
    assert_eq!(address("filename"), plus(Node::ContextAddress, low(8)));
    let behind_its_word = plus(Node::ContextAddress, Node::Const(16));
    assert_eq!(address("last"), plus(behind_its_word, low(12)));
}

#[test]
fn a_system_call_means_the_same_at_its_tracepoint_and_at_the_raw_one() {
    let machine = Machine::new();
    let facts = machine.facts();
    let own = facts.names(&tracepoint("syscalls", "sys_enter_openat"), "x");
    let raw = facts.names(&syscall("openat", false), "x");
    let descriptor = |load| match syscall_values::of("openat", "dfd") {
        Some(shown) => Some(Meaning::Value(load, Type::Named(Int::I32, shown))),
        None => panic!("dfd has a name for -100"),
    };
    let arguments = ["dfd", "filename", "flags", "mode"];
    assert_eq!([own.arguments(), raw.arguments()], [arguments, arguments]);
    // What the kernel adds to the record is not there for programs.
    assert_eq!(own.argument("__filename_val"), None);
    assert_eq!(own.argument("dfd"), descriptor(context(16, Int::I32)));
    assert_eq!(
        raw.argument("dfd"),
        descriptor(low(Int::I32, saved(112, Int::U64)))
    );
    assert_eq!(
        own.argument("mode"),
        Some(Meaning::Value(
            context(40, Int::new(false, 16)),
            Type::Named(Int::new(false, 16), Shown::Mode)
        ))
    );
    assert_eq!(
        raw.argument("mode"),
        Some(Meaning::Value(
            low(Int::new(false, 16), saved(56, Int::U64)),
            Type::Named(Int::new(false, 16), Shown::Mode)
        ))
    );
    assert_eq!(own.argument("filename"), user_string(context(24, Int::U64)));
    assert_eq!(raw.argument("filename"), user_string(saved(104, Int::U64)));
    assert_eq!(raw.builtin("arg3"), int(saved(56, Int::U64), Int::U64));
    assert!(raw.absent("retval").unwrap().contains("sys_exit_openat"));
    assert!(
        own.absent("retval")
            .unwrap()
            .contains("tracepoint:syscalls:sys_exit_openat")
    );
}

#[test]
fn at_the_exit_of_a_system_call_its_arguments_are_still_there() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(&syscall("openat", true), "x");
    assert_eq!(names.builtin("retval"), int(context(8, Int::I64), Int::I64));
    assert_eq!(names.argument("ret"), int(context(8, Int::I64), Int::I64));
    assert_eq!(
        names.argument("filename"),
        user_string(saved(104, Int::U64))
    );
    let own = facts.names(&tracepoint("syscalls", "sys_exit_openat"), "x");
    assert_eq!(own.builtin("retval"), int(context(16, Int::I64), Int::I64));
    let execve = facts.names(&syscall("execve", true), "x");
    assert_eq!(
        (execve.argument("filename"), execve.builtin("arg0")),
        (None, None)
    );
    assert!(execve.builtin("retval").is_some());
}

#[test]
fn a_guard_counts_what_the_tracepoint_of_the_call_would() {
    let machine = Machine::new();
    let guard = machine.facts().syscall_guard(257, true).unwrap();
    let Node::And(number, native) = guard else {
        panic!("{guard:?}");
    };
    let wanted = Box::new(Node::Const(257));
    assert_eq!(
        *number,
        Node::Compare(Relation::Eq, Box::new(saved(120, Int::I64)), wanted)
    );
    // thread_info.status stands at byte 8 of the sample's task_struct.
    assert!(format!("{native:?}").contains("offset: 8"), "{native:?}");
    machine.remove("sys/kernel/btf/vmlinux");
    assert_eq!(machine.facts().syscall_guard(257, true), None);
}

#[test]
fn all_system_calls_read_as_their_tracepoints_format() {
    let machine = Machine::new();
    machine.remove("sys/kernel/btf/vmlinux");
    let facts = machine.facts();
    let enter = facts.names(&Site::RawSyscalls { exit: false }, "x");
    let exit = facts.names(&Site::RawSyscalls { exit: true }, "x");
    assert_eq!(enter.argument("id"), int(context(8, Int::I64), Int::I64));
    assert_eq!(exit.argument("id"), int(saved(120, Int::I64), Int::I64));
    assert_eq!(exit.argument("ret"), exit.builtin("retval"));
    let Some(Meaning::Elements(registers, _)) = enter.argument("args") else {
        panic!("no list");
    };
    assert_eq!((registers.len(), &registers[3]), (6, &saved(56, Int::U64)));
    assert!(enter.absent("retval").is_some());
}

#[test]
fn a_functions_arguments_are_registers_typed_by_btf() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(&kprobe("vfs_read", false), "kprobe:vfs_read");
    assert_eq!(names.argument("buf"), user_string(context(104, Int::U64)));
    assert_eq!(
        names.argument("count"),
        int(context(96, Int::U64), Int::U64)
    );
    assert_eq!(names.arguments(), ["task", "buf", "count"]);
    assert!(names.absent("args.last").unwrap().contains("by value"));
    assert_eq!(names.builtin("arg5"), int(context(64, Int::U64), Int::U64));
    assert_eq!(
        (
            names.builtin("arg6"),
            names.builtin("arg00"),
            names.builtin("arg+1")
        ),
        (None, None, None)
    );
    assert_eq!(
        names.builtin("func"),
        Some(Meaning::String(Text::Literal(b"vfs_read".to_vec())))
    );
    let many = facts.names(&kprobe("vfs_many", false), "x");
    let stack = Box::new(context(152, Int::U64));
    let seventh = Node::Read {
        space: Space::Kernel,
        base: stack,
        offset: 8,
        int: Int::I32,
    };
    assert_eq!(many.argument("g"), int(seventh, Int::I32));
}

#[test]
fn what_a_function_returns_has_its_type() {
    let machine = Machine::new();
    let facts = machine.facts();
    let returned = |function| facts.names(&kprobe(function, true), "x").builtin("retval");
    assert_eq!(returned("vfs_read"), int(context(80, Int::I64), Int::I64));
    assert_eq!(returned("not_in_btf"), int(context(80, Int::I64), Int::I64));
    assert!(matches!(
        returned("wake"),
        Some(Meaning::Value(_, Type::Bool))
    ));
    assert_eq!(returned("vfs_many"), None);
    let entry = facts.names(&kprobe("vfs_read", false), "x");
    assert!(entry.absent("retval").unwrap().contains("kretprobe"));
    let uretprobe = facts.names(&uprobe(true), "x");
    assert_eq!(
        uretprobe.builtin("retval"),
        int(context(80, Int::I64), Int::I64)
    );
    assert_eq!(uretprobe.builtin("arg0"), None);
}

#[test]
fn raw_tracepoints_pass_words() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(
        &Site::RawTracepoint {
            name: "woken".into(),
        },
        "rawtracepoint:woken",
    );
    assert_eq!(names.arguments(), ["task"]);
    assert!(matches!(
        names.argument("task"),
        Some(Meaning::Value(Node::Context { offset: 0, .. }, _))
    ));
    assert_eq!(
        (names.builtin("arg0").is_some(), names.builtin("arg1")),
        (true, None)
    );
}

#[test]
fn types_and_constants_are_everywhere() {
    let machine = Machine::new();
    let facts = machine.facts();
    let names = facts.names(&Site::Timer, "interval:s:1");
    assert_eq!(names.constant("O_CREAT"), Some(0o100));
    assert_eq!(names.constant("WIDE"), Some(0x1_0000_0001));
    assert_eq!(names.task().unwrap().to_string(), "struct task_struct *");
    assert_eq!(
        names.types_like("struct tsk_struct"),
        ["struct task_struct"]
    );
    assert!(names.absent("retval").is_some());
    machine.remove("sys/kernel/btf/vmlinux");
    let bare = machine.facts();
    let names = bare.names(&Site::Timer, "interval:s:1");
    assert_eq!(names.type_named("unsigned long"), Some(Type::Int(Int::U64)));
    assert_eq!((names.task(), names.constant("WIDE")), (None, None));
}

/// In a file that there isn't.
fn uprobe(ret: bool) -> Site {
    Site::Uprobe {
        path: "/nonexistent".into(),
        offset: 0,
        ret,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn shapes_of_mangled_types_end(changes in collection::vec((any::<Index>(), any::<u8>()), 1..40)) {
        let machine = Machine::new();
        let mut bytes = sample::kernel().bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        machine.write("sys/kernel/btf/vmlinux", &bytes);
        let facts = machine.facts();
        let names = facts.names(&Site::Timer, "x");
        for ty in ["struct task", "struct task_struct", "state"] {
            names.type_named(ty).and_then(|ty| Shape::of(&ty, &*names));
        }
    }
}
