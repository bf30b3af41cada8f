//! Walks over typed trees, without recursion: trees may be deep.

use super::tree::{Node, Part, Text};

/// Something that a tree consists of.
#[derive(Clone, Copy, Debug)]
pub enum Branch<'a> {
    Node(&'a Node),
    Text(&'a Text),
}

impl<'a> From<&'a Part> for Branch<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Int(node) => Self::Node(node),
            Part::Text(text) => Self::Text(text),
            Part::Stack(stack) => Self::Node(&stack.word),
            Part::Symbol(symbol) => Self::Node(&symbol.address),
        }
    }
}

impl<'a> Branch<'a> {
    /// Hands itself and everything below to `each`, with the depth it has: the outer before the inner, from left to right.
    pub fn walk(self, each: &mut dyn FnMut(Self, usize)) {
        let mut open = vec![(self, 0)];
        while let Some((branch, depth)) = open.pop() {
            each(branch, depth);
            let first = open.len();
            branch.below(&mut |child| open.push((child, depth + 1)));
            open[first..].reverse();
        }
    }

    /// How many nodes and strings it is made of.
    pub fn size(self) -> usize {
        let mut size = 0;
        self.walk(&mut |_, _| size += 1);
        size
    }

    /// How many stand within each other.
    pub fn depth(self) -> usize {
        let mut deepest = 0;
        self.walk(&mut |_, depth| deepest = deepest.max(depth + 1));
        deepest
    }

    /// Hands what stands directly below to `each`.
    pub fn below(self, each: &mut dyn FnMut(Self)) {
        match self {
            Self::Text(Text::Literal(_) | Text::Comm(_) | Text::Variable(_)) => {}
            Self::Text(Text::Read { address, .. }) => each(Self::Node(address)),
            Self::Text(Text::Select(condition, a, b)) => {
                each(Self::Node(condition));
                each(Self::Text(a));
                each(Self::Text(b));
            }
            Self::Node(node) => node.below(each),
        }
    }
}

impl Node {
    fn below<'a>(&'a self, each: &mut dyn FnMut(Branch<'a>)) {
        match self {
            Self::Const(_)
            | Self::Context { .. }
            | Self::ContextAddress
            | Self::Current(_)
            | Self::Kept(..)
            | Self::KeptAddress(_)
            | Self::Cookie
            | Self::Variable { .. } => {}
            Self::Read { base: of, .. }
            | Self::Bits { of, .. }
            | Self::Cast(_, of)
            | Self::Neg(of)
            | Self::Invert(of)
            | Self::Not(of)
            | Self::In(of, _)
            | Self::Entry(_, of)
            | Self::Swap { of, .. }
            | Self::Composed { of, .. }
            | Self::Log2(of) => each(Branch::Node(of)),
            Self::Binary(_, a, b) | Self::Compare(_, a, b) | Self::And(a, b) | Self::Or(a, b) => {
                each(Branch::Node(a));
                each(Branch::Node(b));
            }
            Self::Select(condition, a, b) => {
                each(Branch::Node(condition));
                each(Branch::Node(a));
                each(Branch::Node(b));
            }
            Self::InSet(_, parts) => parts.iter().for_each(|part| each(part.into())),
            Self::Same(a, b) => {
                each(Branch::Text(a));
                each(Branch::Text(b));
            }
            Self::StartsWith(of, _) | Self::Like(of, _) => each(Branch::Text(of)),
        }
    }

    /// Hands every node of the tree to `each`, those within its strings included.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Self)) {
        visit(Branch::Node(self), each);
    }
}

impl Text {
    /// Hands every node within to `each`.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        visit(Branch::Text(self), each);
    }
}

impl Part {
    /// Hands every node within to `each`.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        visit(self.into(), each);
    }
}

fn visit<'a>(branch: Branch<'a>, each: &mut dyn FnMut(&'a Node)) {
    branch.walk(&mut |branch, _| {
        if let Branch::Node(node) = branch {
            each(node);
        }
    });
}
