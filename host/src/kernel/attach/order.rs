//! Which programs the kernel runs first where several hang at one place: those of a script are to run in the order of its
//! `probe` calls.

use crate::plan::{Attachment, BinaryPlace, Ends};
use std::collections::HashMap;
use std::path::Path;

/// What programs of several attachments may meet at.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place<'a> {
    Tracepoint(&'a str),
    /// At its beginning (its offset), or where it returns.
    Function(&'a str, Option<u64>),
    Binary(&'a Path, u64, bool),
}

/// The numbers of attachments that are to be made one after the other, those of a list in that order; lists have nothing to
/// do with each other. What was attached first runs first at tracepoints and where kretprobes return, last everywhere else
/// (kernel/tracepoint.c, func_add; kernel/kprobes.c, add_new_kprobe and the list of return instances; kernel/bpf/trampoline.c;
/// kernel/events/uprobes.c, consumer_add).
pub fn in_order(attachments: &[&Attachment]) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = (0..attachments.len()).map(|number| vec![number]).collect();
    let mut list_of: Vec<usize> = (0..attachments.len()).collect();
    let mut first: HashMap<Place<'_>, usize> = HashMap::new();
    for (number, attachment) in attachments.iter().enumerate() {
        for place in places(attachment) {
            let there = *first.entry(place).or_insert(number);
            let (into, from) = (list_of[there], list_of[number]);
            if into != from {
                let moved = std::mem::take(&mut lists[from]);
                moved.iter().for_each(|number| list_of[*number] = into);
                lists[into].extend(moved);
            }
        }
    }
    lists.retain(|list| !list.is_empty());
    for list in &mut lists {
        list.sort_unstable();
        if list.iter().any(|number| runs_last(attachments[*number])) {
            list.reverse();
        }
    }
    lists
}

fn places(attachment: &Attachment) -> Vec<Place<'_>> {
    let place = |at: &BinaryPlace| at.offset;
    match attachment {
        Attachment::RawTracepoint { name } => vec![Place::Tracepoint(name)],
        Attachment::Tracepoint { event, .. } => vec![Place::Tracepoint(passed(event))],
        Attachment::Kprobe {
            function,
            offset,
            ret,
        } => vec![Place::Function(&function.name, (!ret).then_some(*offset))],
        Attachment::Fentry { function, exit, .. } => {
            vec![Place::Function(function, (!exit).then_some(0))]
        }
        Attachment::KprobeMulti { functions, ends } => {
            let at = |ret: &bool| (!ret).then_some(0);
            let places = functions.iter().flat_map(|function| {
                returns(*ends)
                    .iter()
                    .map(move |ret| Place::Function(&function.name, at(ret)))
            });
            places.collect()
        }
        Attachment::Uprobe {
            path,
            place: at,
            ret,
            ..
        } => vec![Place::Binary(path, place(at), *ret)],
        Attachment::UprobeMulti {
            path, places, ends, ..
        } => {
            let at = places.iter().map(place);
            at.flat_map(|at| {
                returns(*ends)
                    .iter()
                    .map(move |ret| Place::Binary(path, at, *ret))
            })
            .collect()
        }
        Attachment::Each(all) => all.iter().flat_map(places).collect(),
        Attachment::Profile(_)
        | Attachment::Interval { .. }
        | Attachment::Software(_)
        | Attachment::Hardware(_) => Vec::new(),
    }
}

/// Which of its ends a link hits of a call: is it the return?
fn returns(ends: Ends) -> &'static [bool] {
    match ends {
        Ends::Beginning => &[false],
        Ends::Return => &[true],
        Ends::Both => &[false, true],
    }
}

/// What is passed where an event's record is made: those of system calls are made where all calls pass.
fn passed(event: &str) -> &str {
    let all_pass = ["sys_enter", "sys_exit"];
    let all_pass = all_pass.into_iter().find(|all| event.starts_with(all));
    all_pass.unwrap_or(event)
}

/// Does what was attached first run last?
fn runs_last(attachment: &Attachment) -> bool {
    match attachment {
        Attachment::Kprobe { ret, .. } => !ret,
        Attachment::KprobeMulti { .. }
        | Attachment::Fentry { .. }
        | Attachment::Uprobe { .. }
        | Attachment::UprobeMulti { .. } => true,
        Attachment::Each(all) => all.first().is_some_and(runs_last),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::KernelFunction;

    #[test]
    fn what_meets_at_a_place_is_made_in_order_and_all_else_apart() {
        let raw = |name: &str| Attachment::RawTracepoint { name: name.into() };
        let function = |name: &str| KernelFunction {
            name: name.into(),
            address: None,
        };
        let kprobe = |name: &str, ret| Attachment::Kprobe {
            function: function(name),
            offset: 0,
            ret,
        };
        let record = |event: &str| Attachment::Tracepoint {
            id: 7,
            event: event.into(),
        };
        let multi = |functions: &[&str]| Attachment::KprobeMulti {
            functions: functions.iter().map(|name| function(name)).collect(),
            ends: Ends::Beginning,
        };
        let all = [
            raw("sys_enter"),
            kprobe("a", false),
            raw("sys_exit"),
            multi(&["b", "c"]),
            kprobe("a", true),
            raw("sys_enter"),
            multi(&["c", "a"]),
            kprobe("a", true),
            record("sys_enter_read"),
        ];
        let lists = in_order(&all.iter().collect::<Vec<_>>());
        assert_eq!(lists, [vec![0, 5, 8], vec![6, 3, 1], vec![2], vec![4, 7]]);
    }
}
