//! `usdt`: the context is the registers, the note says which of them, or what memory, has an argument.

use super::value::plus;
use super::{Offered, argument_number, numbered};
use crate::expr::names::Meaning;
use crate::expr::tree::{Node, Op};
use crate::expr::types::{Int, Space, Type};
use crate::facts::elf::{Argument, Operand, Register};

/// ip of `struct pt_regs` (arch/x86/include/asm/ptrace.h): at a hit, where the probe stands.
const INSTRUCTION: i16 = 128;

pub(super) struct Usdt {
    pub(super) arguments: Vec<Argument>,
}

impl Offered for Usdt {
    /// A note has no names: `args.arg0` is `arg0`, so that all arguments can be printed.
    fn argument(&self, name: &str) -> Option<Meaning> {
        self.word(name)
    }

    fn arguments(&self) -> Vec<String> {
        self.words()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        let argument = self.arguments.get(argument_number(name)?)?;
        Some(Meaning::Value(load(argument)?, Type::Int(argument.int)))
    }

    fn words(&self) -> Vec<String> {
        numbered(self.arguments.len())
            .zip(&self.arguments)
            .filter(|(_, argument)| !matches!(argument.operand, Operand::Unreadable(_)))
            .map(|(name, _)| name)
            .collect()
    }

    fn space(&self) -> Space {
        Space::User
    }

    fn absent(&self, name: &str) -> Option<String> {
        let count = self.arguments.len();
        Some(match (name, argument_number(name)) {
            ("retval", _) => "a USDT probe has no return value".to_owned(),
            (_, Some(number)) => match self.arguments.get(number) {
                Some(Argument {
                    operand: Operand::Unreadable(why),
                    ..
                }) => format!("{why}, which can't be read here"),
                _ if count == 1 => "it has one argument, arg0".to_owned(),
                _ => format!("it has {count} arguments"),
            },
            _ if count == 0 => "it has no arguments".to_owned(),
            _ => format!(
                "a USDT probe's arguments have no names: use arg0 to arg{}",
                count - 1
            ),
        })
    }
}

/// The argument's value; `None` where it can't be read.
fn load(argument: &Argument) -> Option<Node> {
    let read = |base: Node, offset: i64| {
        // What does not fit into a read's own offset is added before.
        let (base, offset) = match i32::try_from(offset) {
            Ok(offset) => (base, offset),
            Err(_) => (plus(base, Node::Const(offset.into())), 0),
        };
        Node::Read {
            space: Space::User,
            base: Box::new(base),
            offset,
            int: argument.int,
        }
    };
    Some(match &argument.operand {
        Operand::Constant(value) => {
            let pattern = argument.int.fit(value.cast_unsigned());
            Node::Const(argument.int.value(pattern))
        }
        Operand::Register(from) => {
            // A sign is that of the note's size, which may be narrower than the register.
            let bits = from.bits.min(argument.int.bits);
            let whole = register(*from, Int::new(argument.int.signed, bits));
            Node::Cast(argument.int, Box::new(whole))
        }
        Operand::Memory {
            base,
            index,
            displacement,
        } => {
            let base = base.map(|base| register(base, Int::U64));
            let index = index.map(|(index, scale)| {
                let scale = Box::new(Node::Const(scale.into()));
                Node::Binary(Op::Mul, Box::new(register(index, Int::U64)), scale)
            });
            let address = match (base, index) {
                (Some(base), Some(index)) => plus(base, index),
                (Some(address), None) | (None, Some(address)) => address,
                (None, None) => return None,
            };
            read(address, *displacement)
        }
        Operand::Relative(distance) => {
            let here = Node::Context {
                offset: INSTRUCTION,
                int: Int::U64,
            };
            read(here, *distance)
        }
        Operand::Unreadable(_) => return None,
    })
}

fn register(of: Register, int: Int) -> Node {
    Node::Context {
        offset: of.offset,
        int,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(int: Int, operand: Operand) -> Argument {
        Argument { int, operand }
    }

    #[test]
    fn arguments_have_the_types_of_the_note() {
        let constant = argument(Int::new(true, 8), Operand::Constant(255));
        assert_eq!(load(&constant), Some(Node::Const(-1)));
        let far = argument(Int::U32, Operand::Relative(1 << 40));
        let Some(Node::Read { offset, int, .. }) = load(&far) else {
            panic!("it is read")
        };
        assert_eq!((offset, int), (0, Int::U32));
    }

    #[test]
    fn what_is_absent_is_explained() {
        let float = Operand::Unreadable("'8f@%xmm0' is a floating-point number".into());
        let usdt = Usdt {
            arguments: vec![
                argument(Int::I32, Operand::Constant(1)),
                argument(Int::U64, float),
            ],
        };
        assert_eq!(usdt.words(), ["arg0"]);
        assert!(usdt.absent("arg1").unwrap().contains("floating"));
        assert!(usdt.absent("arg7").unwrap().contains("2 arguments"));
        assert!(usdt.absent("filename").unwrap().contains("arg0 to arg1"));
    }
}
