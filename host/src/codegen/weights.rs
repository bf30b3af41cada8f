//! What is known of a function's trees before code is made of them: how many values wait where, and what is used twice.

use super::current::Source;
use crate::expr::tree::{Kept, Node, Op, Part, Text};
use crate::expr::types::Int;
use std::collections::{HashMap, HashSet};

/// Made once a function, in one walk without recursion: trees may be deep.
#[derive(Default)]
pub(super) struct Weights {
    /// Values that wait at once while a node is computed; nodes that are not here need none.
    waiting: HashMap<*const Node, u32>,
    /// Nodes that have the type of their operands, and it is `U64`.
    unsigned: HashSet<*const Node>,
    uses: [u32; Source::COUNT],
}

/// Something that code is made of.
#[derive(Clone, Copy)]
pub(super) enum Root<'a> {
    Node(&'a Node),
    Text(&'a Text),
}

impl<'a> From<&'a Part> for Root<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Int(node) => Root::Node(node),
            Part::Text(text) => Root::Text(text),
            Part::Stack(stack) => Root::Node(&stack.word),
            Part::Symbol(symbol) => Root::Node(&symbol.address),
        }
    }
}

impl Weights {
    pub(super) fn of<'a>(roots: impl IntoIterator<Item = Root<'a>>) -> Self {
        let mut weights = Self::default();
        let mut open: Vec<Root<'a>> = roots.into_iter().collect();
        let mut nodes = Vec::new();
        while let Some(root) = open.pop() {
            match root {
                Root::Node(node) => {
                    nodes.push(node);
                    if let Node::Current(current) = node
                        && let Some(source) = Source::of(*current)
                    {
                        weights.uses[source as usize] += 1;
                    }
                }
                Root::Text(Text::Comm(_)) => weights.uses[Source::Comm as usize] += 1,
                Root::Text(_) => {}
            }
            below(root, &mut |child| open.push(child));
        }
        // Every node stands behind those that it is part of.
        for node in nodes.into_iter().rev() {
            let need = weights.weigh(node);
            if need > 0 {
                weights.waiting.insert(node, need);
            }
            if passed_on(node)
                .iter()
                .flatten()
                .any(|of| weights.int(of).wide() == Int::U64)
            {
                weights.unsigned.insert(node);
            }
        }
        weights
    }

    /// [`Node::int`], without going down the tree for it.
    pub(super) fn int(&self, node: &Node) -> Int {
        match passed_on(node) {
            [None, None] => node.int(),
            _ if self.unsigned.contains(&std::ptr::from_ref(node)) => Int::U64,
            _ => Int::I64,
        }
    }

    /// Does a node compare and divide as one without a sign?
    pub(super) fn unsigned(&self, node: &Node) -> bool {
        self.int(node).wide() == Int::U64
    }

    fn need(&self, node: &Node) -> u32 {
        self.waiting
            .get(&std::ptr::from_ref(node))
            .copied()
            .unwrap_or(0)
    }

    fn weigh(&self, node: &Node) -> u32 {
        if let Node::Binary(_, a, b) | Node::Compare(_, a, b) = node {
            let (first, second) = if self.left_first(a, b) {
                (a, b)
            } else {
                (b, a)
            };
            let waits = if is_simple(second) {
                0
            } else {
                self.need(second) + 1
            };
            return self.need(first).max(waits);
        }
        let mut need = 0;
        nodes_below(Root::Node(node), &mut |child| {
            need = need.max(self.need(child))
        });
        need
    }

    /// Of two operands, is the left one computed first?
    pub(super) fn left_first(&self, a: &Node, b: &Node) -> bool {
        is_simple(b) || !is_simple(a) && self.need(a) >= self.need(b)
    }

    /// How often the function's text has what a source gives.
    pub(super) fn uses(&self, source: Source) -> u32 {
        self.uses[source as usize]
    }
}

/// The operands that a node has its type from.
fn passed_on(node: &Node) -> [Option<&Node>; 2] {
    match node {
        Node::Binary(Op::Shl | Op::Shr, of, _) | Node::Invert(of) => [Some(of), None],
        Node::Binary(_, a, b) | Node::Select(_, a, b) => [Some(a), Some(b)],
        _ => [None, None],
    }
}

/// Can it be loaded into any register, without a call?
pub(super) fn is_simple(node: &Node) -> bool {
    matches!(
        node,
        Node::Const(_)
            | Node::Context { .. }
            | Node::Variable { .. }
            | Node::Kept(Kept { bit: None, .. }, _)
            | Node::KeptAddress(Kept { bit: None, .. })
            | Node::Cookie
    )
}

/// The nodes that stand directly in another, those in its strings included.
fn nodes_below<'a>(root: Root<'a>, each: &mut dyn FnMut(&'a Node)) {
    let mut open = vec![root];
    while let Some(root) = open.pop() {
        below(root, &mut |child| match child {
            Root::Node(node) => each(node),
            Root::Text(_) => open.push(child),
        });
    }
}

fn below<'a>(root: Root<'a>, each: &mut dyn FnMut(Root<'a>)) {
    match root {
        Root::Text(Text::Literal(_) | Text::Comm(_) | Text::Variable(_)) => {}
        Root::Text(Text::Read { address, .. }) => each(Root::Node(address)),
        Root::Text(Text::Select(condition, a, b)) => {
            each(Root::Node(condition));
            each(Root::Text(a));
            each(Root::Text(b));
        }
        Root::Node(node) => match node {
            Node::Const(_)
            | Node::Context { .. }
            | Node::ContextAddress
            | Node::Current(_)
            | Node::Kept(..)
            | Node::KeptAddress(_)
            | Node::Cookie
            | Node::Variable { .. } => {}
            Node::Read { base: of, .. }
            | Node::Bits { of, .. }
            | Node::Swap { of, .. }
            | Node::Composed { of, .. }
            | Node::Cast(_, of)
            | Node::Neg(of)
            | Node::Invert(of)
            | Node::Not(of)
            | Node::In(of, _)
            | Node::Entry(_, of)
            | Node::Log2(of) => each(Root::Node(of)),
            Node::Binary(_, a, b) | Node::Compare(_, a, b) | Node::And(a, b) | Node::Or(a, b) => {
                each(Root::Node(a));
                each(Root::Node(b));
            }
            Node::Select(condition, a, b) => {
                each(Root::Node(condition));
                each(Root::Node(a));
                each(Root::Node(b));
            }
            Node::InSet(_, parts) => parts.iter().for_each(|part| each(part.into())),
            Node::Same(a, b) => {
                each(Root::Text(a));
                each(Root::Text(b));
            }
            Node::StartsWith(text, _) | Node::Like(text, _) => each(Root::Text(text)),
        },
    }
}
