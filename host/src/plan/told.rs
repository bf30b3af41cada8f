//! What a program asks first: is this a hit of its own, and of which of its sites?

use super::Ends;
use super::sharing::{Group, ToldBy};
use crate::codegen::{self, Code};
use crate::expr::tree::{Node, Op, Relation};
use crate::facts::{Facts, syscall_number};
use crate::report::Report;

/// In place of a number: no system call.
const NONE: u32 = u32::MAX;
/// System calls that never return, by their numbers: exit and exit_group
/// (arch/x86/entry/syscalls/syscall_64.tbl). What is kept of them would stay.
const ENDLESS: [u32; 2] = [60, 231];

/// Does the system call of that number return?
pub(super) fn returns(number: &u32) -> bool {
    !ENDLESS.contains(number)
}

/// What must hold for a hit to be counted at all, with its words. Where something is kept of each call, its beginning has
/// been asked already: what is not kept is no hit.
pub(super) fn guards(facts: &Facts, group: &Group) -> Vec<(Node, String)> {
    let is_session = group.hanging.attachment.ends() == Some(Ends::Both);
    if !group.compiled.kept.is_empty() && group.members.len() == 1 && !is_session {
        return Vec::new();
    }
    let at_exit = matches!(group.told_by, ToldBy::SystemCall { exit: true, .. });
    guards_of(facts, group, group.told_by.numbers(), at_exit)
}

/// The same for where the calls begin that return at a group's sites.
pub(super) fn guards_at_entry(facts: &Facts, group: &Group) -> Vec<(Node, String)> {
    let numbers: Vec<u32> = match group.told_by.numbers() {
        [one] => vec![*one],
        // Their places stay those of the sites.
        many => many
            .iter()
            .map(|number| if returns(number) { *number } else { NONE })
            .collect(),
    };
    guards_of(facts, group, &numbers, false)
}

fn guards_of(facts: &Facts, group: &Group, numbers: &[u32], exit: bool) -> Vec<(Node, String)> {
    let call = match &group.told_by {
        ToldBy::SystemCall { .. } => match numbers {
            [number] => facts.syscall_guard(*number, exit).map(|guard| {
                let words = format!("system call {number}, made the 64-bit way");
                (guard, words)
            }),
            _ => facts.native_caller().map(|native| {
                let zero = Box::new(Node::Const(0));
                let known = Node::Compare(Relation::Ne, Box::new(entry(numbers, exit)), zero);
                let words = format!("one of {} system calls, made the 64-bit way", numbers.len());
                (Node::And(Box::new(known), Box::new(native)), words)
            }),
        },
        ToldBy::Dispatched { .. } | ToldBy::Nothing | ToldBy::Cookie => None,
    };
    call.into_iter()
        .chain(group.hanging.guards.iter().cloned())
        .collect()
}

/// The guards as code.
pub(super) fn guard(
    guards: &[(Node, String)],
    target: &codegen::Target,
) -> Result<Option<Code>, Report> {
    let nodes = guards.iter().map(|(node, _)| node.clone());
    let all = nodes.reduce(|a, b| Node::And(Box::new(a), Box::new(b)));
    all.map(|all| codegen::guard(&all, target)).transpose()
}

/// Which of the sites was hit, as code; `None` where there is one.
pub(super) fn cookie(group: &Group, target: &codegen::Target) -> Result<Option<Code>, Report> {
    let at_exit = matches!(
        group.told_by,
        ToldBy::SystemCall { exit: true, .. } | ToldBy::Dispatched { exit: true, .. }
    );
    cookie_at(group, at_exit, target)
}

/// Which of the sites a call that begins belongs to.
pub(super) fn cookie_at_entry(
    group: &Group,
    target: &codegen::Target,
) -> Result<Option<Code>, Report> {
    cookie_at(group, false, target)
}

fn cookie_at(group: &Group, exit: bool, target: &codegen::Target) -> Result<Option<Code>, Report> {
    match &group.told_by {
        ToldBy::SystemCall { numbers, .. } | ToldBy::Dispatched { numbers, .. }
            if numbers.len() > 1 =>
        {
            let one = Box::new(Node::Const(1));
            let number = Node::Binary(Op::Sub, Box::new(entry(numbers, exit)), one);
            // Guard or dispatcher have read the same: no read in it fails.
            codegen::cookie(&number, 0, target).map(Some)
        }
        ToldBy::Cookie => codegen::attach_cookie(target).map(Some),
        ToldBy::SystemCall { .. } | ToldBy::Dispatched { .. } | ToldBy::Nothing => Ok(None),
    }
}

/// The number of the site that a system call belongs to, counted from 1; 0 for none.
fn entry(numbers: &[u32], exit: bool) -> Node {
    let known = numbers.iter().filter(|number| **number != NONE);
    let end = known.max().map_or(0, |last| *last as usize + 1);
    let mut table = vec![0; end];
    for (site, number) in numbers.iter().enumerate() {
        if let Some(entry) = table.get_mut(*number as usize) {
            *entry = site as u64 + 1;
        }
    }
    Node::Entry(table, Box::new(syscall_number(exit)))
}
