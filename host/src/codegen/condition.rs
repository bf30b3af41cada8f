//! Conditions: jumps to where the answer leads.

use super::asm::Label;
use super::function::{Done, Function};
use super::instruction::{R0, R1, When, immediate};
use crate::expr::tree::{Node, Relation};

/// What is still to be done of a tree of conditions.
enum Task<'n> {
    /// Jump to the label when the node is this; go on else.
    Test(&'n Node, Label, bool),
    Bind(Label),
    Jump(Label),
}

impl Function<'_> {
    /// Jumps to `to` when the node is `when`; else goes on. A loop, so that long chains take no stack of ours.
    pub(super) fn condition(&mut self, node: &Node, to: Label, when: bool) -> Done {
        let mut tasks = vec![Task::Test(node, to, when)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Bind(label) => self.asm.bind(label),
                Task::Jump(label) => self.asm.jump(label),
                Task::Test(Node::Not(of), to, when) => tasks.push(Task::Test(of, to, !when)),
                Task::Test(Node::And(a, b), to, true) => {
                    let skip = self.asm.label();
                    tasks.extend([
                        Task::Bind(skip),
                        Task::Test(b, to, true),
                        Task::Test(a, skip, false),
                    ]);
                }
                Task::Test(Node::Or(a, b), to, false) => {
                    let skip = self.asm.label();
                    tasks.extend([
                        Task::Bind(skip),
                        Task::Test(b, to, false),
                        Task::Test(a, skip, true),
                    ]);
                }
                Task::Test(Node::And(a, b) | Node::Or(a, b), to, when) => {
                    tasks.extend([Task::Test(b, to, when), Task::Test(a, to, when)]);
                }
                Task::Test(Node::Select(condition, a, b), to, when) => {
                    let (other, end) = (self.asm.label(), self.asm.label());
                    tasks.extend([
                        Task::Bind(end),
                        Task::Test(b, to, when),
                        Task::Bind(other),
                        Task::Jump(end),
                    ]);
                    tasks.extend([Task::Test(a, to, when), Task::Test(condition, other, false)]);
                }
                Task::Test(node, to, when) => self.test(node, to, when)?,
            }
        }
        Ok(())
    }

    fn test(&mut self, node: &Node, to: Label, when: bool) -> Done {
        let done = self.asm.label();
        let (yes, no) = if when { (to, done) } else { (done, to) };
        match node {
            Node::Const(value) => self.asm.jump(if *value != 0 { yes } else { no }),
            Node::Compare(relation, a, b) => self.compare(*relation, a, b, to, when)?,
            Node::In(of, values) => {
                self.value(of)?;
                self.one_of(values, !self.weights.unsigned(of), yes, no);
            }
            Node::InSet(set, parts) => {
                self.look_up(*set, parts)?;
                self.asm
                    .jump_if(if when { When::Ne } else { When::Eq }, R0, 0, to);
            }
            Node::Same(a, b) => self.same(a, b, yes, no)?,
            Node::StartsWith(text, start) => self.matches(text, start, false, yes, no)?,
            Node::Like(text, glob) => {
                self.like(text, glob)?;
                self.asm
                    .jump_if(if when { When::Ne } else { When::Eq }, R0, 0, to);
            }
            _ => {
                self.value(node)?;
                self.asm
                    .jump_if(if when { When::Ne } else { When::Eq }, R0, 0, to);
            }
        }
        self.asm.bind(done);
        Ok(())
    }

    /// By value, whatever the signs.
    fn compare(&mut self, relation: Relation, a: &Node, b: &Node, to: Label, when: bool) -> Done {
        let unsigned = |node: &Node| self.weights.unsigned(node);
        // A constant that isn't below 0 is right with either sign.
        let neutral = |node: &Node| matches!(node, Node::Const(0..));
        let turn = (neutral(a) && !neutral(b)) || (unsigned(a) && !unsigned(b) && !neutral(b));
        let (relation, a, b) = if turn {
            (turned(relation), b, a)
        } else {
            (relation, a, b)
        };
        let relation = if when { relation } else { opposite(relation) };
        let across = unsigned(b) && !unsigned(a) && !neutral(a);
        let jump = jump_of(relation, unsigned(a) || unsigned(b));

        let left_first = self.weights.left_first(a, b);
        self.value(if left_first { a } else { b })?;
        if let (true, false, Node::Const(value)) = (left_first, across, b)
            && let Some(imm) = immediate(*value as u64)
        {
            self.asm.jump_if(jump, R0, imm, to);
            return Ok(());
        }
        self.pair(a, b, left_first)?;
        if !across {
            self.asm.jump_if(jump, R0, R1, to);
            return Ok(());
        }
        // A signed value against an unsigned one: below 0 it is less than any.
        let (plain, done) = (self.asm.label(), self.asm.label());
        self.asm.jump_if(When::SignedGe, R0, 0, plain);
        let less = matches!(relation, Relation::Lt | Relation::Le | Relation::Ne);
        self.asm.jump(if less { to } else { done });
        self.asm.bind(plain);
        self.asm.jump_if(jump, R0, R1, to);
        self.asm.bind(done);
        Ok(())
    }
}

/// The relation of the operands the other way round.
fn turned(relation: Relation) -> Relation {
    match relation {
        Relation::Lt => Relation::Gt,
        Relation::Le => Relation::Ge,
        Relation::Gt => Relation::Lt,
        Relation::Ge => Relation::Le,
        Relation::Eq | Relation::Ne => relation,
    }
}

fn opposite(relation: Relation) -> Relation {
    match relation {
        Relation::Eq => Relation::Ne,
        Relation::Ne => Relation::Eq,
        Relation::Lt => Relation::Ge,
        Relation::Le => Relation::Gt,
        Relation::Gt => Relation::Le,
        Relation::Ge => Relation::Lt,
    }
}

fn jump_of(relation: Relation, unsigned: bool) -> When {
    match (relation, unsigned) {
        (Relation::Eq, _) => When::Eq,
        (Relation::Ne, _) => When::Ne,
        (Relation::Lt, true) => When::Lt,
        (Relation::Le, true) => When::Le,
        (Relation::Gt, true) => When::Gt,
        (Relation::Ge, true) => When::Ge,
        (Relation::Lt, false) => When::SignedLt,
        (Relation::Le, false) => When::SignedLe,
        (Relation::Gt, false) => When::SignedGt,
        (Relation::Ge, false) => When::SignedGe,
    }
}
