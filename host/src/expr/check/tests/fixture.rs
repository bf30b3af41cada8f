//! A probe with everything that texts may reach, and a machine to evaluate them on.

use crate::expr::Touched;
use crate::expr::check::{
    Checked, ColumnItem, Item, Refusal, Refused, Scope, columns, condition, list, path,
};
use crate::expr::eval::{self, Fault, Input, Memory};
use crate::expr::names::{Meaning, Member, Names};
use crate::expr::tree::{Node, Slot, Text};
use crate::expr::types::{Int, Space, StructType, Type};
use crate::report::Place;
use crate::spec::{self, Definition, Given, SetId, Source, VarId};
use std::cell::Cell;
use std::collections::BTreeMap;

pub(super) const SOCK: u64 = 0xffff_8880_0000_1000;
const PEER: u64 = 0xffff_8880_0000_2000;
const PATH: u64 = 0x7fff_0000_1000;
const LONG: u64 = 0x7fff_0000_2000;

/// The names at a probe. `lean`: one of an older kernel, with less of them.
#[derive(Default)]
pub(super) struct Probe {
    pub lean: bool,
}

fn sock() -> Type {
    Type::Struct(StructType {
        id: 0,
        name: "struct sock".into(),
    })
}

fn common() -> Type {
    Type::Struct(StructType {
        id: 1,
        name: "struct sock_common".into(),
    })
}

fn task() -> Type {
    Type::Struct(StructType {
        id: 2,
        name: "struct task_struct".into(),
    })
}

fn pointer(to: Type, space: Space) -> Type {
    Type::Pointer {
        to: Box::new(to),
        space,
    }
}

fn array(of: Type, length: u32) -> Type {
    Type::Array {
        of: Box::new(of),
        length,
    }
}

const U16: Type = Type::Int(Int::new(false, 16));
const U32: Type = Type::Int(Int::U32);
const U64: Type = Type::Int(Int::U64);

/// Name, first bit, width of a bit-field, type.
type Layout = Vec<(&'static str, u32, Option<u8>, Type)>;

/// Those of `sock_common` are reached through an anonymous member, too.
fn layout(id: u32) -> Layout {
    let signed = Type::Int(Int::I32);
    let common_members = vec![("skc_daddr", 0, None, U32), ("skc_dport", 32, None, U16)];
    match id {
        0 => [
            vec![
                ("__sk_common", 0, None, common()),
                ("sk_flags", 64, Some(3), U32),
                ("sk_kern", 67, Some(1), U32),
                ("sk_delta", 70, Some(5), signed),
                ("sk_wide", 120, Some(20), U32),
                ("sk_name", 24 * 8, None, array(Type::Char, 8)),
                ("sk_data", 32 * 8, None, pointer(Type::Void, Space::Kernel)),
                ("sk_peer", 40 * 8, None, pointer(sock(), Space::Kernel)),
                ("sk_path", 48 * 8, None, pointer(Type::Char, Space::User)),
                ("sk_counts", 56 * 8, None, array(U32, 4)),
                ("sk_ok", 72 * 8, None, Type::Bool),
                ("sk_bytes", 80 * 8, None, U64),
            ],
            common_members,
        ]
        .concat(),
        1 => common_members,
        _ => vec![
            ("real_parent", 0, None, pointer(task(), Space::Kernel)),
            ("tgid", 64, None, signed),
        ],
    }
}

fn load(offset: i16, int: Int) -> Node {
    Node::Context { offset, int }
}

impl Names for Probe {
    fn argument(&self, name: &str) -> Option<Meaning> {
        let value = |offset, ty: Type| {
            let int = ty.integer()?;
            Some(Meaning::Value(load(offset, int), ty))
        };
        match name {
            "sk" => value(0, pointer(sock(), Space::Kernel)),
            "filename" => value(8, pointer(Type::Char, Space::User)),
            "long" => value(16, pointer(Type::Char, Space::User)),
            "flags" => value(24, Type::Int(Int::I32)),
            "count" => value(32, U64),
            "small" => value(40, Type::Int(Int::new(true, 8))),
            "argv" => value(48, pointer(pointer(Type::Char, Space::User), Space::User)),
            "mode" if !self.lean => value(56, U16),
            "prev_comm" => Some(Meaning::String(Text::Read {
                space: Space::Kernel,
                address: Box::new(Node::ContextAddress),
                capacity: 16,
            })),
            _ => None,
        }
    }

    fn arguments(&self) -> Vec<String> {
        let all = [
            "sk",
            "filename",
            "long",
            "flags",
            "count",
            "small",
            "argv",
            "mode",
            "prev_comm",
        ];
        let known = all.iter().filter(|name| self.argument(name).is_some());
        known.map(|name| (*name).into()).collect()
    }

    fn builtin(&self, name: &str) -> Option<Meaning> {
        let number = |offset| {
            let node = load(offset, Int::I64);
            Some(Meaning::Value(node, Type::Int(Int::I64)))
        };
        match name {
            "retval" => number(64),
            "x" => number(72),
            "y" => number(80),
            "func" => Some(Meaning::String(Text::Literal(b"sys_enter_openat".to_vec()))),
            _ => None,
        }
    }

    fn builtins(&self) -> Vec<String> {
        ["retval", "x", "y", "func"].map(String::from).to_vec()
    }

    fn absent(&self, name: &str) -> Option<String> {
        (name == "arg9").then(|| "there are 6 arguments".into())
    }

    fn member(&self, of: &StructType, name: &str) -> Option<Member> {
        let (_, bit_offset, width, ty) = layout(of.id)
            .into_iter()
            .find(|(known, ..)| *known == name)?;
        Some(Member {
            bit_offset,
            width,
            ty,
        })
    }

    fn members(&self, of: &StructType) -> Vec<String> {
        layout(of.id)
            .into_iter()
            .map(|(name, ..)| name.into())
            .collect()
    }

    fn size(&self, ty: &Type) -> Option<u32> {
        match ty {
            Type::Struct(of) if of.id == 0 => Some(88),
            Type::Struct(_) => Some(16),
            Type::Void | Type::Str => None,
            other => other.integer().map(|int| int.bytes().into()),
        }
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        match name {
            "struct sock" => Some(sock()),
            "u16" => Some(U16),
            "u32" => Some(U32),
            "u64" => Some(U64),
            "char *" => Some(pointer(Type::Char, Space::Kernel)),
            "u16 __user *" => Some(pointer(U16, Space::Kernel)),
            "u64 *" => Some(pointer(U64, Space::Kernel)),
            _ => None,
        }
    }

    fn types_like(&self, _: &str) -> Vec<String> {
        vec!["struct sock".into(), "struct sock_common".into()]
    }

    fn constant(&self, name: &str) -> Option<i128> {
        match name {
            "O_CREAT" => Some(0o100),
            "TCP_CLOSE" => Some(7),
            _ => None,
        }
    }

    fn task(&self) -> Option<Type> {
        (!self.lean).then(|| pointer(task(), Space::Kernel))
    }

    fn site(&self) -> &str {
        "tracepoint:syscalls:sys_enter_openat"
    }
}

pub(super) fn place(line: u32) -> Place {
    Place {
        file: "t.lua".into(),
        line,
    }
}

/// What a text is checked with.
#[derive(Default)]
pub(super) struct World {
    pub probe: Probe,
    pub given: BTreeMap<String, Given>,
    pub definitions: Vec<Definition>,
    pub bound: Vec<(String, Checked)>,
    pub touched: Touched,
}

impl World {
    pub(super) fn given(mut self, name: &str, value: Given) -> Self {
        self.given.insert(name.into(), value);
        self
    }

    pub(super) fn define(mut self, name: &str, parameters: &[&str], body: &str) -> Self {
        let line = 100 + self.definitions.len() as u32;
        self.definitions.push(Definition {
            name: name.into(),
            parameters: parameters.iter().map(|name| (*name).into()).collect(),
            body: body.into(),
            place: place(line),
        });
        self
    }

    pub(super) fn with<T>(&self, text: &str, check: impl FnOnce(&Source, &Scope<'_>) -> T) -> T {
        let source = Source {
            text: text.into(),
            place: place(4),
        };
        let scope = Scope {
            entry: None,
            span: None,
            names: &self.probe,
            given: &self.given,
            definitions: &self.definitions,
            bound: &self.bound,
            refused: Refused::nothing(),
            slots: &|id: VarId| Slot(8 * id.0),
            touched: &self.touched,
        };
        check(&source, &scope)
    }

    pub(super) fn condition(&self, text: &str) -> Result<Node, Refusal> {
        self.with(text, condition)
    }

    pub(super) fn list(&self, text: &str) -> Result<Vec<Item>, Vec<Refusal>> {
        self.with(text, list).map_err(|wrong| wrong.refusals)
    }

    pub(super) fn columns(&self, text: &str) -> Result<Vec<ColumnItem>, Vec<Refusal>> {
        self.with(text, columns)
    }

    pub(super) fn item(&self, text: &str) -> Result<Checked, Refusal> {
        self.with(text, path)
    }

    /// What a text is worth on the machine.
    pub(super) fn value(&self, text: &str) -> Outcome {
        match self.item(text) {
            Ok(Checked::Int(node, _)) => {
                let value = evaluate(|input| eval::node(&node, input));
                value.map_or(Outcome::Fault, |value| {
                    Outcome::Int(node.int().value(value))
                })
            }
            Ok(Checked::Condition(node)) => {
                let value = evaluate(|input| eval::node(&node, input));
                value.map_or(Outcome::Fault, |value| Outcome::Bool(value != 0))
            }
            Ok(Checked::Text(text)) => {
                let value = evaluate(|input| eval::text(&text, input));
                value.map_or(Outcome::Fault, |bytes| {
                    Outcome::Text(String::from_utf8_lossy(&bytes).into())
                })
            }
            Ok(other) => panic!("'{text}' is {other:?}"),
            Err(refusal) => panic!("{}", refusal.report),
        }
    }

    /// The message that a condition gets.
    pub(super) fn refusal(&self, text: &str) -> String {
        match self.condition(text) {
            Err(refusal) => refusal.report.to_string(),
            Ok(node) => panic!("'{text}' is {node:?}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Int(i128),
    Bool(bool),
    Text(String),
    Fault,
}

/// Evaluates on a machine where process 42 (its threads 43) runs `sshd`.
fn evaluate<T>(of: impl FnOnce(&Input<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut context = [0u8; 88];
    let mut put = |at: usize, value: i64| context[at..at + 8].copy_from_slice(&value.to_le_bytes());
    put(0, SOCK as i64);
    put(8, PATH as i64);
    put(16, LONG as i64);
    put(24, 0x1_0000_0241);
    put(32, -1);
    put(40, 0xff);
    put(56, 0xff_8180);
    put(64, -2);
    put(72, 7);
    put(80, -3);
    let input = Input {
        context: &context,
        context_address: 0xffff_c900_0000_0000,
        comm: b"sshd\0\0\0\0\0\0\0\0\0\0\0\0",
        pid: 42,
        tid: 43,
        uid: 1000,
        gid: 100,
        cpu: 1,
        time: 1_000_000_000,
        task: PEER,
        cgroup: 5,
        variables: &[9, 0, 0, 0, 0, 0, 0, 0, 1],
        sets: &|set, parts| set == SetId(3) && parts == [eval::PartValue::Int(42)],
        memory: &Machine,
        divisions: Cell::new(0),
        truncated: Cell::new(0),
    };
    of(&input)
}

struct Machine;

impl Machine {
    /// Kernel memory: a socket and its peer, which is a task as well (its own parent).
    fn kernel() -> Vec<(u64, Vec<u8>)> {
        let mut sock = vec![0u8; 88];
        let mut put = |at: usize, bytes: &[u8]| sock[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &[127, 0, 0, 1, 0x01, 0xbb]);
        // flags 5, kern 1, delta -2 (from bit 70), wide 0xabcde (from bit 120)
        put(
            8,
            &(5u64 | 1 << 3 | 0b11110 << 6 | 0xde << 56).to_le_bytes(),
        );
        put(16, &[0xbc, 0x0a]);
        put(24, b"eth0\0xyz");
        put(32, &PEER.to_le_bytes());
        put(40, &PEER.to_le_bytes());
        put(48, &PATH.to_le_bytes());
        put(
            56,
            &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        );
        put(72, &[1]);
        put(80, &u64::MAX.to_le_bytes());
        let mut peer = vec![0u8; 88];
        peer[..8].copy_from_slice(&PEER.to_le_bytes());
        peer[8..12].copy_from_slice(&77i32.to_le_bytes());
        vec![(SOCK, sock), (PEER, peer)]
    }

    fn user() -> Vec<(u64, Vec<u8>)> {
        let mut long = vec![b'a'; 400];
        long.push(0);
        vec![(PATH, b"/etc/passwd\0".to_vec()), (LONG, long)]
    }
}

impl Memory for Machine {
    fn read(&self, space: Space, address: u64, out: &mut [u8]) -> bool {
        let regions = match space {
            Space::Kernel => Self::kernel(),
            Space::User => Self::user(),
        };
        regions.iter().any(|(start, bytes)| {
            let at = address.wrapping_sub(*start) as usize;
            let end = at.checked_add(out.len());
            let found = end.and_then(|end| bytes.get(at..end));
            found.is_some_and(|found| {
                out.copy_from_slice(found);
                true
            })
        })
    }
}

pub(super) fn set(id: u32) -> Given {
    Given::Set(SetId(id))
}

pub(super) fn numbers(values: &[i64]) -> Given {
    Given::List(
        values
            .iter()
            .map(|value| spec::Member::Int(*value))
            .collect(),
    )
}
