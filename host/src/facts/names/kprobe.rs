//! `kprobe` and `kretprobe`: the context is the registers, BTF says what they hold.

use super::value::{value, word};
use super::{Offered, argument_number, no_return_value_yet, numbered, registers};
use crate::expr::names::Meaning;
use crate::expr::tree::Node;
use crate::expr::types::{Int, Space, Type};
use crate::facts::Facts;
use crate::facts::btf::{Btf, Prototype};
use crate::facts::functions::Known;
use std::cell::OnceCell;

pub(super) struct Kprobe<'a> {
    facts: &'a Facts,
    function: String,
    module: Option<String>,
    ret: bool,
    known: OnceCell<Option<Known>>,
}

impl<'a> Kprobe<'a> {
    pub(super) fn new(facts: &'a Facts, function: &str, module: Option<&str>, ret: bool) -> Self {
        Self {
            facts,
            function: function.to_owned(),
            module: module.map(str::to_owned),
            ret,
            known: OnceCell::new(),
        }
    }

    fn known(&self) -> Option<&Known> {
        let look_up = || {
            self.facts
                .known_function(&self.function, self.module.as_deref())
        };
        self.known.get_or_init(look_up).as_ref()
    }

    fn prototype(&self) -> Option<&Prototype> {
        self.known().map(|known| &known.prototype)
    }

    /// Parameters up to the first that no single register holds: behind it registers can't be told.
    fn in_registers(&self) -> impl Iterator<Item = &(String, Type)> {
        let parameters = self.prototype().map_or(&[][..], |of| &of.parameters);
        parameters
            .iter()
            .take_while(|(_, ty)| *ty == Type::Bool || ty.integer().is_some())
    }

    fn returned(&self) -> Type {
        self.prototype()
            .map_or(Type::Int(Int::I64), |of| of.returns.clone())
    }
}

impl Offered for Kprobe<'_> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        if self.ret {
            return None;
        }
        let (index, (_, ty)) = self
            .in_registers()
            .enumerate()
            .find(|(_, (known, _))| known == name && !known.is_empty())?;
        value(ty.clone(), |int| load(index, int))
    }

    fn arguments(&self) -> Vec<String> {
        if self.ret {
            return Vec::new();
        }
        let named = self.in_registers().filter(|(name, _)| !name.is_empty());
        named.map(|(name, _)| name.clone()).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        if self.ret {
            let load = |int| Node::Context {
                offset: registers::RETURNED,
                int,
            };
            return if name == "retval" {
                value(self.returned(), load)
            } else {
                None
            };
        }
        let offset = *registers::FUNCTION.get(argument_number(name)?)?;
        Some(word(|int| Node::Context { offset, int }))
    }

    fn words(&self) -> Vec<String> {
        match (self.ret, self.returned()) {
            (true, Type::Void) => Vec::new(),
            (true, _) => vec!["retval".to_owned()],
            (false, _) => numbered(registers::FUNCTION.len()).collect(),
        }
    }

    fn absent(&self, name: &str) -> Option<String> {
        let function = &self.function;
        if self.ret {
            return (name == "retval")
                .then(|| format!("{function} returns nothing that a register holds"));
        }
        if name == "retval" {
            return Some(no_return_value_yet("kretprobe"));
        }
        if argument_number(name).is_some() {
            return Some("arguments in registers are arg0 to arg5".to_owned());
        }
        if let Err(report) = self.facts.btf() {
            return Some(format!("{}: use arg0 to arg5", report.message));
        }
        let Some(prototype) = self.prototype() else {
            return Some(format!(
                "BTF doesn't know the arguments of {function}: use arg0 to arg5"
            ));
        };
        let there = prototype.parameters.iter().any(|(known, _)| known == name);
        there.then(|| {
            format!("{function} takes a struct by value, and what follows it can't be found")
        })
    }

    fn btf(&self) -> Option<&Btf> {
        self.known()?.module.as_ref()
    }
}

/// An argument as it stands at a function's first instruction.
fn load(index: usize, int: Int) -> Node {
    match registers::FUNCTION.get(index) {
        Some(offset) => Node::Context {
            offset: *offset,
            int,
        },
        None => {
            let stack = Node::Context {
                offset: registers::STACK,
                int: Int::U64,
            };
            // Behind the return address, 8 bytes each.
            let slot = (index - registers::FUNCTION.len() + 1) as i32 * 8;
            Node::Read {
                space: Space::Kernel,
                base: Box::new(stack),
                offset: slot,
                int,
            }
        }
    }
}
