//! `uprobe` and `uretprobe`: the context is the registers, the program's debug information says what they hold.

use super::value::{value, word};
use super::{Offered, argument_number, no_return_value_yet, numbered, registers};
use crate::expr::names::Meaning;
use crate::expr::tree::Node;
use crate::expr::types::{Int, Space, Type};
use crate::facts::Facts;
use crate::facts::dwarf::{Debug, Function, Parameter, Place, Returned};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub(super) struct Uprobe<'a> {
    facts: &'a Facts,
    path: PathBuf,
    /// Bytes from the start of the file.
    offset: u64,
    ret: bool,
    known: OnceCell<Result<Known, String>>,
}

struct Known {
    debug: Rc<Debug>,
    function: Rc<Function>,
}

impl<'a> Uprobe<'a> {
    pub(super) fn new(facts: &'a Facts, path: &Path, offset: u64, ret: bool) -> Self {
        Self {
            facts,
            path: path.to_owned(),
            offset,
            ret,
            known: OnceCell::new(),
        }
    }

    /// What debug information says of the function, or why it says nothing.
    fn known(&self) -> Result<&Known, &String> {
        self.known.get_or_init(|| self.look_up()).as_ref()
    }

    fn look_up(&self) -> Result<Known, String> {
        let debug = self.facts.debug(&self.path).map_err(|report| {
            let help = report.help.map(|help| format!(" ({help})"));
            format!("{}{}", report.message, help.unwrap_or_default())
        })?;
        let shown = debug.path().display();
        let found = debug.function_at(self.offset);
        match found
            .map_err(|damage| format!("the debug information of {shown} is damaged: {damage}"))?
        {
            Some(function) => Ok(Known {
                debug: debug.clone(),
                function,
            }),
            None => Err(format!(
                "the debug information of {shown} knows no arguments of the code here"
            )),
        }
    }

    fn parameters(&self) -> &[Parameter] {
        match self.known() {
            Ok(known) if !self.ret => &known.function.parameters,
            _ => &[],
        }
    }

    fn returned(&self) -> Option<Meaning> {
        let load = |int| Node::Context {
            offset: registers::RETURNED,
            int,
        };
        match self.known().map(|known| &known.function.returns) {
            Ok(Returned::Value(ty)) => value(ty.clone(), load),
            Ok(_) => None,
            Err(_) => Some(word_as(Int::I64, load)),
        }
    }
}

impl Offered for Uprobe<'_> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        let mut all = self.parameters().iter();
        let parameter = all.find(|parameter| parameter.name == name && !name.is_empty())?;
        let ty = parameter.ty.clone();
        match &parameter.place {
            Place::Register(number) => {
                let offset = *registers::FUNCTION.get(*number)?;
                value(ty, |int| Node::Context { offset, int })
            }
            Place::Stack(slot) => {
                let slot = i32::try_from(*slot).ok()?;
                // Behind the return address.
                let offset = slot.checked_add(1)?.checked_mul(8)?;
                value(ty, |int| stacked(offset, int))
            }
            Place::Nowhere(_) => None,
        }
    }

    fn arguments(&self) -> Vec<String> {
        let readable = self
            .parameters()
            .iter()
            .filter(|parameter| self.argument(&parameter.name).is_some());
        readable.map(|parameter| parameter.name.clone()).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        if self.ret {
            return if name == "retval" {
                self.returned()
            } else {
                None
            };
        }
        let offset = *registers::FUNCTION.get(argument_number(name)?)?;
        Some(word(|int| Node::Context { offset, int }))
    }

    fn words(&self) -> Vec<String> {
        if !self.ret {
            return numbered(registers::FUNCTION.len()).collect();
        }
        let returned = self.returned().map(|_| "retval".to_owned());
        returned.into_iter().collect()
    }

    fn space(&self) -> Space {
        Space::User
    }

    fn absent(&self, name: &str) -> Option<String> {
        if self.ret {
            return match (name, self.known()) {
                ("retval", Ok(known)) => Some(match &known.function.returns {
                    Returned::Elsewhere(what) => {
                        format!("what it returns is {what}, which probes can't read")
                    }
                    _ => "the function returns nothing".to_owned(),
                }),
                _ => None,
            };
        }
        if name == "retval" {
            return Some(no_return_value_yet("uretprobe"));
        }
        if argument_number(name).is_some() {
            return Some("arguments in registers are arg0 to arg5".to_owned());
        }
        let known = match self.known() {
            Ok(known) => known,
            Err(why) => return Some(format!("{why}: use arg0 to arg5")),
        };
        let parameters = &known.function.parameters;
        let there = parameters.iter().find(|parameter| parameter.name == name);
        match there.map(|parameter| &parameter.place) {
            Some(Place::Nowhere(why)) => Some(format!("{why}, which probes can't read")),
            Some(_) => Some("its type is one that probes can't read".to_owned()),
            None if parameters.is_empty() => Some("the function takes no arguments".to_owned()),
            None => None,
        }
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        let known = self.known().ok()?;
        known.debug.type_named(&known.function, name)
    }

    fn struct_names(&self) -> Vec<String> {
        let known = self.known().ok();
        known.map_or_else(Vec::new, |known| known.debug.struct_names(&known.function))
    }

    fn constant(&self, name: &str) -> Option<i128> {
        let known = self.known().ok()?;
        known.debug.enumerator(&known.function, name)
    }

    fn debug(&self) -> Option<&Debug> {
        self.known().ok().map(|known| known.debug.as_ref())
    }
}

fn word_as(int: Int, load: impl FnOnce(Int) -> Node) -> Meaning {
    Meaning::Value(load(int), Type::Int(int))
}

/// What the caller has put on the stack, so many bytes above its end.
fn stacked(offset: i32, int: Int) -> Node {
    let stack = Node::Context {
        offset: registers::STACK,
        int: Int::U64,
    };
    Node::Read {
        space: Space::User,
        base: Box::new(stack),
        offset,
        int,
    }
}
