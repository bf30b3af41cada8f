//! System calls at the raw tracepoints that all of them pass: `sys_enter(regs, id)` and `sys_exit(regs, ret)`.
//!
//! A raw tracepoint costs less than half of what a system call's own tracepoint does, and at the exit the registers still
//! hold the arguments. The names are the same as there.

use super::tracepoint::field_type;
use super::value::{value, word};
use super::{Offered, argument_number, no_return_value_yet, numbered, registers};
use crate::expr::names::Meaning;
use crate::expr::tree::{Current, Node, Op, Relation};
use crate::expr::types::{Int, Space, Type};
use crate::facts::{Facts, FieldKind, Format, syscall_values};
use std::cell::OnceCell;

/// Of `thread_info.status`: the call came the 32-bit way (TS_COMPAT of arch/x86/include/asm/thread_info.h).
const COMPAT: i128 = 0x2;

/// Kernels from which on the running task is had with its type (bpf_get_current_task_btf).
const TYPED_TASK: (u32, u32) = (5, 11);

impl Facts {
    /// Is this a call of that number, made the 64-bit way? System calls' own tracepoints leave out all others.
    /// `None` where BTF doesn't say how a 32-bit caller is known.
    pub fn syscall_guard(&self, number: u32, exit: bool) -> Option<Node> {
        let number = Box::new(Node::Const(i128::from(number)));
        let same = Node::Compare(Relation::Eq, Box::new(syscall_number(exit)), number);
        Some(Node::And(Box::new(same), Box::new(self.native_caller()?)))
    }

    /// Did the running thread make its system call the 64-bit way?
    pub fn native_caller(&self) -> Option<Node> {
        let info = self.offset_of("struct task_struct", "thread_info")?;
        let status = self.offset_of("struct thread_info", "status")?;
        let offset = info.checked_add(status)?;
        let status = match i16::try_from(offset) {
            Ok(offset) if self.version() >= TYPED_TASK => Node::Current(Current::TaskWord(offset)),
            _ => Node::Read {
                space: Space::Kernel,
                base: Box::new(Node::Current(Current::Task)),
                offset,
                int: Int::U32,
            },
        };
        let compat = Node::Binary(Op::And, Box::new(status), Box::new(Node::Const(COMPAT)));
        Some(Node::Compare(
            Relation::Eq,
            Box::new(compat),
            Box::new(Node::Const(0)),
        ))
    }

    /// Where the running thread ends: are all of its process's threads gone with it? `None` where BTF doesn't say how many
    /// are left.
    pub fn ends_process(&self) -> Option<Node> {
        let read = |base, offset, int| Node::Read {
            space: Space::Kernel,
            base: Box::new(base),
            offset,
            int,
        };
        let signal = self.offset_of("struct task_struct", "signal")?;
        let live = self.offset_of("struct signal_struct", "live")?;
        let process = read(Node::Current(Current::Task), signal, Int::U64);
        Some(Node::Compare(
            Relation::Eq,
            Box::new(read(process, live, Int::I32)),
            Box::new(Node::Const(0)),
        ))
    }
}

/// The number of the system call, at the raw tracepoint of its entry or exit.
pub fn syscall_number(exit: bool) -> Node {
    if exit {
        saved(registers::NUMBER, Int::I64)
    } else {
        Node::Context {
            offset: 8,
            int: Int::I64,
        }
    }
}

/// A saved register: the first argument of both tracepoints points to them.
fn saved(offset: i16, int: Int) -> Node {
    let regs = Box::new(Node::Context {
        offset: 0,
        int: Int::U64,
    });
    Node::Read {
        space: Space::Kernel,
        base: regs,
        offset: i32::from(offset),
        int,
    }
}

fn returned() -> Meaning {
    Meaning::Value(
        Node::Context {
            offset: 8,
            int: Int::I64,
        },
        Type::Int(Int::I64),
    )
}

fn register(name: &str) -> Option<Meaning> {
    let offset = *registers::SYSTEM_CALL.get(argument_number(name)?)?;
    Some(word(|int| saved(offset, int)))
}

fn words(exit: bool) -> Vec<String> {
    let returned = exit.then(|| "retval".to_owned());
    returned
        .into_iter()
        .chain(numbered(registers::SYSTEM_CALL.len()))
        .collect()
}

/// `tracepoint:syscalls:sys_{enter,exit}_NAME`
pub(super) struct Syscall<'a> {
    facts: &'a Facts,
    name: String,
    exit: bool,
    /// Of the entry's tracepoint: it alone names the arguments.
    format: OnceCell<Option<Format>>,
}

impl<'a> Syscall<'a> {
    pub(super) fn new(facts: &'a Facts, name: &str, exit: bool) -> Self {
        Self {
            facts,
            name: name.to_owned(),
            exit,
            format: OnceCell::new(),
        }
    }

    fn format(&self) -> Option<&Format> {
        let read = || {
            let event = format!("sys_enter_{}", self.name);
            self.facts.tracefs().ok()?.format("syscalls", &event).ok()
        };
        self.format.get_or_init(read).as_ref()
    }

    /// Some calls return with other registers than they were made with.
    fn keeps_registers(&self) -> bool {
        !self.exit || !matches!(self.name.as_str(), "execve" | "execveat" | "rt_sigreturn")
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self
            .format()
            .map(|format| format.fields.as_slice())
            .unwrap_or_default();
        fields
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| *name != NUMBER)
    }
}

/// What a system call's tracepoint calls the call's number. It can be read, and is none of the call's arguments.
pub(super) const NUMBER: &str = "__syscall_nr";

impl Offered for Syscall<'_> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        if name == "ret" && self.exit {
            return Some(returned());
        }
        if name == NUMBER {
            return Some(Meaning::Value(
                syscall_number(self.exit),
                Type::Int(Int::I64),
            ));
        }
        if !self.keeps_registers() {
            return None;
        }
        let offset = *registers::SYSTEM_CALL.get(self.names().position(|known| known == name)?)?;
        let field = self.format()?.field(name)?;
        let FieldKind::Value(of) = &field.kind else {
            return None;
        };
        let ty = field_type(self.facts, field, of, true)?;
        let ty = match (syscall_values::of(&self.name, name), ty) {
            (Some(shown), Type::Int(int)) => Type::Named(int, shown),
            (_, ty) => ty,
        };
        // All of the register, of which the argument is the low bits: programs that store it are the same then, whatever
        // their calls' arguments are.
        value(ty, |int| match saved(offset, Int::U64) {
            register if int == Int::U64 => register,
            register => Node::Cast(int, Box::new(register)),
        })
    }

    fn arguments(&self) -> Vec<String> {
        let returned = self.exit.then(|| "ret".to_owned());
        let passed = self
            .names()
            .filter(|_| self.keeps_registers())
            .map(str::to_owned);
        returned.into_iter().chain(passed).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        match name {
            "retval" if self.exit => Some(returned()),
            name if self.keeps_registers() => register(name),
            _ => None,
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = words(self.exit);
        words.retain(|word| word == "retval" || self.keeps_registers());
        words
    }

    fn absent(&self, name: &str) -> Option<String> {
        if let Some(report) = self.facts.tracefs().err() {
            return Some(report.message);
        }
        if name == "retval" {
            return Some(no_return_value_yet(&format!(
                "tracepoint:syscalls:sys_exit_{}",
                self.name
            )));
        }
        if argument_number(name).is_some() && self.keeps_registers() {
            return Some("a system call has six arguments: arg0 to arg5".to_owned());
        }
        None
    }
}

/// `tracepoint:raw_syscalls:sys_{enter,exit}`: as its format reads, and the argument registers at the exit, too.
pub(super) struct Any {
    pub(super) exit: bool,
}

impl Offered for Any {
    fn argument(&self, name: &str) -> Option<Meaning> {
        match name {
            "id" => Some(Meaning::Value(
                syscall_number(self.exit),
                Type::Int(Int::I64),
            )),
            "ret" if self.exit => Some(returned()),
            "args" => {
                let load = |offset: &i16| saved(*offset, Int::U64);
                let registers = registers::SYSTEM_CALL.iter().map(load).collect();
                Some(Meaning::Elements(registers, Type::Int(Int::U64)))
            }
            _ => None,
        }
    }

    fn arguments(&self) -> Vec<String> {
        let names: &[&str] = if self.exit {
            &["id", "ret", "args"]
        } else {
            &["id", "args"]
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        match name {
            "retval" if self.exit => Some(returned()),
            name => register(name),
        }
    }

    fn words(&self) -> Vec<String> {
        words(self.exit)
    }

    fn absent(&self, name: &str) -> Option<String> {
        if matches!(name, "retval" | "ret") {
            return Some(no_return_value_yet("tracepoint:raw_syscalls:sys_exit"));
        }
        argument_number(name).map(|_| "a system call has six arguments: arg0 to arg5".to_owned())
    }
}
