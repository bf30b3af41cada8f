//! Stacks, and addresses that are shown as what they are in.

use super::Result;
use super::checker::Checker;
use super::term::Term;
use crate::expr::syntax::Syntax;
use crate::expr::tree::{Node, Stack, Symbol};
use moontrace_abi::stack::FRAMES;
use std::ops::Range;

impl Checker<'_> {
    /// `kstack`, `ustack`, and so many of its innermost frames.
    pub(super) fn stack(
        &self,
        user: bool,
        frames: Option<&Syntax>,
        span: &Range<usize>,
    ) -> Result<Term> {
        let frames = match frames {
            None => FRAMES as u8,
            Some(frames) => self.frames(frames)?,
        };
        let word = Box::new(match user {
            true => self.memory(span)?,
            false => Node::Const(0),
        });
        Ok(Term::Stack(Stack { user, frames, word }))
    }

    fn frames(&self, syntax: &Syntax) -> Result<u8> {
        match self.number(syntax)?.0 {
            Node::Const(frames) if (1..=FRAMES as i128).contains(&frames) => Ok(frames as u8),
            Node::Const(frames) => {
                let message = format!("a stack has 1 to {FRAMES} frames, not {frames}");
                Err(self.refuse(&syntax.span, message).into())
            }
            _ => {
                let message = "how many frames are wanted must be known beforehand";
                Err(self.refuse(&syntax.span, message).into())
            }
        }
    }

    /// `curtask.mm`: a program that a process becomes has another. Without the kernel's types, the process has to do.
    fn memory(&self, span: &Range<usize>) -> Result<Node> {
        if self.scope.names.task().is_none() {
            return Ok(Node::Const(0));
        }
        match self.member(self.own_word("curtask", span)?, "mm", span, span)? {
            Term::Int(node, _) => Ok(node),
            _ => Ok(Node::Const(0)),
        }
    }

    /// `ksym(address)`, `usym(address)`
    pub(super) fn symbol(&self, user: bool, address: &Syntax) -> Result<Term> {
        let address = match self.term(address)?.decayed() {
            Term::Int(node, _) => node,
            other => {
                let message = format!("an address is wanted, and this is {}", other.describe());
                return Err(self.refuse(&address.span, message).into());
            }
        };
        let address = Box::new(address);
        Ok(Term::Symbol(Symbol { user, address }))
    }
}
