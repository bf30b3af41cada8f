//! What texts read that is not the kernel's own business: whoever lets others' scripts run wants to know.

use super::tree::{Composition, Node, Text};
use super::types::Space;
use super::walk::Branch;
use crate::report::{Place, Report};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Memory of processes; and memory of the kernel at addresses that the text makes up, where anything may lie.
    Memory,
    /// The arguments that programs were started with.
    Arguments,
    /// What lies in packets.
    Packets,
    Stacks,
}

/// Where a text touches something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    text: String,
    span: Range<usize>,
    place: Place,
}

/// All that texts touch, each thing with the first spot where they do. Texts are told of it while they are checked; what
/// is refused may have left something here, too.
#[derive(Clone, Debug, Default)]
pub struct Touched(RefCell<BTreeMap<Touch, Spot>>);

impl Spot {
    /// A report on it.
    pub fn report(&self, message: impl Into<String>) -> Report {
        Report::new(message)
            .pointing(&self.text, self.span.clone())
            .at(self.place.clone())
    }
}

impl Touched {
    /// What there was until now.
    pub fn take(&self) -> BTreeMap<Touch, Spot> {
        self.0.take()
    }

    pub(super) fn note(&self, touch: Touch, text: &str, span: &Range<usize>, place: &Place) {
        let spot = || Spot {
            text: text.to_owned(),
            span: span.clone(),
            place: place.clone(),
        };
        self.0.borrow_mut().entry(touch).or_insert_with(spot);
    }
}

/// What a part of a checked text touches by itself, those within it left aside.
pub(super) fn of_branch(branch: Branch<'_>) -> Option<Touch> {
    match branch {
        Branch::Text(Text::Read { space, .. }) | Branch::Node(Node::Read { space, .. }) => {
            of_space(*space)
        }
        Branch::Node(Node::Composed { what, .. }) => match what {
            Composition::Arguments => Some(Touch::Arguments),
            Composition::Ipv6(space) => of_space(*space),
            Composition::Path(_) | Composition::Ipv4 => None,
        },
        _ => None,
    }
}

/// What is read there.
pub(super) fn of_space(space: Space) -> Option<Touch> {
    (space == Space::User).then_some(Touch::Memory)
}
