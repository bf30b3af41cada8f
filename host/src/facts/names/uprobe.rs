//! `uprobe` and `uretprobe`: the context is the registers.

use super::value::word;
use super::{Offered, argument_number, no_return_value_yet, numbered, registers};
use crate::expr::names::Meaning;
use crate::expr::tree::Node;
use crate::expr::types::{Int, Type};

pub(super) struct Uprobe {
    pub(super) ret: bool,
}

impl Offered for Uprobe {
    fn argument(&self, _: &str) -> Option<Meaning> {
        None
    }

    fn arguments(&self) -> Vec<String> {
        Vec::new()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        if self.ret {
            let load = Node::Context {
                offset: registers::RETURNED,
                int: Int::I64,
            };
            return (name == "retval").then_some(Meaning::Value(load, Type::Int(Int::I64)));
        }
        let offset = *registers::FUNCTION.get(argument_number(name)?)?;
        Some(word(|int| Node::Context { offset, int }))
    }

    fn words(&self) -> Vec<String> {
        if self.ret {
            vec!["retval".to_owned()]
        } else {
            numbered(registers::FUNCTION.len()).collect()
        }
    }

    fn absent(&self, name: &str) -> Option<String> {
        Some(match (name, argument_number(name), self.ret) {
            ("retval", _, false) => no_return_value_yet("uretprobe"),
            (_, Some(_), true) => {
                "arguments at a return come with a later version: use uprobe, or retval here".to_owned()
            }
            (_, Some(_), false) => "arguments in registers are arg0 to arg5".to_owned(),
            _ => "names of a program's arguments need its debug information, which this version doesn't \
                  read: use arg0 to arg5"
                .to_owned(),
        })
    }
}
