use super::sample::{Writer, kernel, module};
use super::*;
use crate::expr::names::Member;
use crate::expr::types::{Int, Space, StructType, Type};
use crate::facts::mutation::{mutated, soon};
use proptest::prelude::*;

fn read(writer: &Writer) -> Btf {
    Btf::new(writer.bytes().into(), None).unwrap()
}

fn compound(btf: &Btf, name: &str) -> StructType {
    match btf.named(name) {
        Some(Type::Struct(of)) => of,
        other => panic!("{name} is {other:?}"),
    }
}

fn member(btf: &Btf, of: &str, name: &str) -> Member {
    btf.member(&compound(btf, of), name)
        .unwrap_or_else(|| panic!("no {name} in {of}"))
}

/// This machine's types, where it has any.
fn here() -> Option<Btf> {
    Btf::of_kernel(Path::new("/")).ok()
}

#[test]
fn members_have_their_places_and_types() {
    let btf = read(&kernel());
    let of = |name| member(&btf, "struct task", name);
    assert_eq!(
        of("pid"),
        Member {
            bit_offset: 0,
            width: None,
            ty: Type::Int(Int::I32)
        }
    );
    assert_eq!(
        of("as_word"),
        Member {
            bit_offset: 32,
            width: None,
            ty: Type::Int(Int::U32)
        }
    );
    assert_eq!(
        of("low"),
        Member {
            bit_offset: 64,
            width: Some(3),
            ty: Type::Int(Int::U32)
        }
    );
    assert_eq!(
        of("high"),
        Member {
            bit_offset: 67,
            width: Some(29),
            ty: Type::Int(Int::I32)
        }
    );
    assert_eq!(
        of("comm").ty,
        Type::Array {
            of: Box::new(Type::Char),
            length: 16
        }
    );
    assert_eq!(of("dead").ty, Type::Bool);
    let text = Type::Pointer {
        to: Box::new(Type::Char),
        space: Space::User,
    };
    assert_eq!(of("path").ty, text);
    let names: Vec<_> = btf
        .members(&compound(&btf, "task"))
        .into_iter()
        .map(|of| of.name)
        .collect();
    assert_eq!(
        names,
        [
            "pid", "as_int", "as_word", "low", "high", "comm", "path", "dead"
        ]
    );
    assert_eq!(btf.member(&compound(&btf, "task"), ""), None);
}

#[test]
fn types_are_found_as_c_spells_them() {
    let btf = read(&kernel());
    assert_eq!(btf.named("u32"), Some(Type::Int(Int::U32)));
    assert_eq!(btf.named("struct nothing"), None);
    let wide = btf.named("enum wide").unwrap();
    assert_eq!(
        (wide.integer(), wide.to_string().as_str()),
        (Some(Int::U64), "enum wide")
    );
    let Some(Type::Pointer {
        to,
        space: Space::Kernel,
    }) = btf.named("const struct task *")
    else {
        panic!("no pointer");
    };
    assert_eq!(btf.size(&to), Some(40));
}

#[test]
fn prototypes_name_their_parameters() {
    let btf = read(&kernel());
    let wake = btf.function("wake").unwrap();
    assert_eq!(wake.returns, Type::Bool);
    assert_eq!(wake.parameters[1], ("how".to_owned(), Type::Int(Int::U32)));
    let woken = btf.raw_tracepoint("woken").unwrap();
    assert_eq!(woken.len(), 1);
    assert_eq!(woken[0].0, "task");
    assert_eq!(btf.function("task"), None);
}

#[test]
fn enumerators_have_their_sign() {
    // An enum of 64 bits shows that this kernel marks signed enums, and this one is not marked.
    let marked = read(&kernel());
    assert_eq!(marked.enumerator("STATE_GONE"), Some(i128::from(u32::MAX)));
    assert_eq!(marked.enumerator("WIDE"), Some(0x1_0000_0001));
    assert_eq!(marked.enumerator("task"), None);
    let mut old = Writer::new();
    let name = old.text("GONE");
    old.add("state", kind::ENUM, 1, 4, &[name, u32::MAX]);
    let old = read(&old);
    assert_eq!(old.enumerator("GONE"), Some(-1));
    assert_eq!(
        old.named("enum state").and_then(|ty| ty.integer()),
        Some(Int::I32)
    );
}

#[test]
fn bit_fields_of_old_compilers_are_integers_of_few_bits() {
    let mut w = Writer::new();
    let narrow = w.add("unsigned int", kind::INT, 0, 4, &[3 << 16 | 5]);
    w.compound("flags", kind::STRUCT, 4, 0, &[("five", narrow, 0)]);
    let five = member(&read(&w), "struct flags", "five");
    assert_eq!((five.bit_offset, five.width), (3, Some(5)));
}

#[test]
fn a_modules_types_stand_upon_the_kernels() {
    let base = read(&kernel());
    let btf = Btf::new(module().bytes().into(), Some(base.blob.clone())).unwrap();
    assert_eq!(member(&btf, "struct mine", "count").ty, Type::Int(Int::I64));
    assert_eq!(member(&btf, "struct mine", "pid").ty, Type::Int(Int::I32));
    assert_eq!(member(&btf, "struct task", "pid").ty, Type::Int(Int::I32));
    assert_eq!(base.named("struct mine"), None);
}

/// So many look-ups that all further ones are done by an index.
fn tire(btf: &Btf) {
    for number in 0..20 {
        assert_eq!(btf.named(&format!("struct nobody{number}")), None);
    }
}

#[test]
fn many_look_ups_find_what_few_do() {
    let fresh = || {
        let base = read(&kernel());
        Btf::new(module().bytes().into(), Some(base.blob.clone())).unwrap()
    };
    let tired = fresh();
    tire(&tired);
    for id in 1..tired.blob.end() {
        let Some(raw) = tired.blob.raw(id) else {
            continue;
        };
        let name = tired.blob.string(raw.name);
        let kinds = [raw.kind];
        assert_eq!(
            tired.find(name, &kinds),
            fresh().find(name, &kinds),
            "{name}"
        );
        assert_eq!(tired.own_function_id(name), fresh().own_function_id(name));
    }
    assert_eq!(tired.find("", &[kind::PTR]), None);
}

#[test]
fn types_that_go_in_circles_end() {
    let mut w = Writer::new();
    w.add("round", kind::TYPEDEF, 0, 1, &[]);
    w.pointer(2);
    w.array(3, u32::MAX);
    w.compound(
        "within",
        kind::STRUCT,
        8,
        0,
        &[("", 4, 0), ("", 4, 0), ("", 4, 0)],
    );
    let btf = read(&w);
    assert_eq!(btf.named("round"), Some(Type::Void));
    btf.typed(2);
    assert_eq!(btf.size(&btf.typed(3)), None);
    assert!(btf.members(&compound(&btf, "struct within")).is_empty());
}

#[test]
fn this_kernels_types_are_what_they_are_known_to_be() {
    let Some(btf) = here() else {
        return;
    };
    let task = |name| member(&btf, "struct task_struct", name).ty;
    assert_eq!(
        task("comm"),
        Type::Array {
            of: Box::new(Type::Char),
            length: 16
        }
    );
    assert_eq!(task("tgid"), Type::Int(Int::I32));
    assert!(matches!(task("mm"), Type::Pointer { to, .. } if to.to_string() == "struct mm_struct"));
    let bit = member(&btf, "struct task_struct", "in_execve");
    assert_eq!((bit.width, bit.ty), (Some(1), Type::Int(Int::U32)));
    // Two anonymous unions deep.
    let address = member(&btf, "struct sock_common", "skc_daddr");
    assert_eq!((address.bit_offset, address.ty), (0, Type::Int(Int::U32)));
    let read = btf.function("vfs_read").unwrap();
    let names: Vec<&str> = read
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        (names, read.returns),
        (vec!["file", "buf", "count", "pos"], Type::Int(Int::I64))
    );
    let switch = btf.raw_tracepoint("sched_switch").unwrap();
    assert_eq!(switch[0], ("preempt".to_owned(), Type::Bool));
    assert!(btf.has_raw_tracepoint("sys_enter") && !btf.has_raw_tracepoint("sys_entre"));
    assert_eq!(btf.enumerator("BPF_MAP_TYPE_ARRAY"), Some(2));
}

/// Asks everything of a BTF that there is to ask.
fn exercise(bytes: Vec<u8>) {
    let Some(btf) = Btf::new(bytes.into(), None) else {
        return;
    };
    for name in btf
        .struct_names()
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>()
    {
        if let Some(Type::Struct(of)) = btf.named(&format!("struct {name}")) {
            for listed in btf.members(&of) {
                btf.size(&listed.member.ty);
            }
            btf.member(&of, "pid");
        }
    }
    for name in ["wake", "task", "__traceiter_woken"] {
        btf.function(name);
    }
    tire(&btf);
    btf.function("wake");
    btf.raw_tracepoint("woken");
    btf.enumerator("STATE_GONE");
    for id in 0..btf.blob.end().saturating_add(3) {
        btf.size(&btf.typed(id));
    }
}

proptest! {
    #[test]
    fn mangled_bytes_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        let mut bytes = kernel().bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(bytes);
    }

    #[test]
    fn numbers_at_their_edges_never_panic(
        bytes in mutated(kernel().bytes(), vec![0..24, 24..kernel().bytes().len()], 6)
    ) {
        soon(|| exercise(bytes));
    }
}
