//! Matches whose programs come out alike, brought together: one program, hung up once for all of them where this kernel
//! can do so, else at each place with a number that tells which was hit.

use super::attachment::Hanging;
use super::site::Compiled;
use super::{Attachment, BinaryPlace, Ends, KernelFunction, Layout, call};
use crate::expr::tree::Part;
use crate::facts::{Facts, Match};
use std::path::PathBuf;

/// A match with what was decided and compiled for it.
pub(super) struct Ready {
    pub found: Match,
    /// It comes from a pattern, so that others may be attached without it.
    pub optional: bool,
    pub hanging: Hanging,
    pub compiled: Compiled,
}

/// Matches that share a program; one that shares with none is a group of its own.
pub(super) struct Group {
    /// In the order of the sites' numbers; never empty.
    pub members: Vec<Match>,
    /// How the records of each lie, in the same order; none where none are made.
    pub layouts: Vec<Layout>,
    pub optional: bool,
    pub hanging: Hanging,
    pub compiled: Compiled,
    pub told_by: ToldBy,
}

/// How the program knows which of its sites was hit.
pub(super) enum ToldBy {
    /// There is one.
    Nothing,
    /// The number of the system call: those of the members, in their order.
    SystemCall { numbers: Vec<u32>, exit: bool },
    /// The same, and another program has told them apart from those of all other programs.
    Dispatched { numbers: Vec<u32>, exit: bool },
    /// The number that the link was made with.
    Cookie,
}

/// What must be the same for two matches to hang at one program. Their code must be, too.
#[derive(PartialEq)]
enum Class {
    SystemCall {
        exit: bool,
    },
    Function {
        entry: bool,
        ret: bool,
    },
    Binary {
        path: PathBuf,
        ret: bool,
        pid: Option<u32>,
    },
    RawTracepoint,
    Tracepoint,
}

/// Brings together what can share a program, in the order of first members. With `exact`, each is hung up on its own.
pub(super) fn bring_together(facts: &Facts, exact: bool, all: Vec<Ready>) -> Vec<Group> {
    let mut gathered: Vec<(Option<Class>, Vec<Ready>)> = Vec::new();
    for ready in all {
        let class = Class::of(&ready.hanging);
        let there = gathered.iter_mut().find(|(of, members)| {
            class.is_some()
                && *of == class
                && members.first().is_some_and(|first| {
                    first.optional == ready.optional && first.compiled.runs_like(&ready.compiled)
                })
        });
        match there {
            Some((_, members)) => members.push(ready),
            None => gathered.push((class, vec![ready])),
        }
    }
    let mut groups = Vec::new();
    for (class, members) in gathered {
        let shared = class.and_then(|class| match members.as_slice() {
            [one] => class.of_one(facts, exact, one),
            many => class.attachment(facts, exact, many),
        });
        match shared {
            Some(shared) => groups.extend(shared.group(members)),
            None => groups.extend(members.into_iter().map(Ready::alone)),
        }
    }
    groups
}

impl ToldBy {
    /// The numbers of the members' system calls, in their order; none where they are no system calls.
    pub(super) fn numbers(&self) -> &[u32] {
        match self {
            Self::SystemCall { numbers, .. } | Self::Dispatched { numbers, .. } => numbers,
            Self::Nothing | Self::Cookie => &[],
        }
    }
}

impl Ready {
    fn alone(self) -> Group {
        let told_by = match self.hanging.system_call {
            Some((number, exit)) => ToldBy::SystemCall {
                numbers: vec![number],
                exit,
            },
            None => ToldBy::Nothing,
        };
        Group {
            members: vec![self.found],
            layouts: self.compiled.layout().cloned().into_iter().collect(),
            optional: self.optional,
            hanging: self.hanging,
            compiled: self.compiled,
            told_by,
        }
    }
}

/// An attachment for all of a class.
struct Shared {
    attachment: Attachment,
    told_by: ToldBy,
    why: String,
}

impl Shared {
    fn ends(&self) -> Option<Ends> {
        self.attachment.ends()
    }

    /// `None` of no members.
    fn group(self, members: Vec<Ready>) -> Option<Group> {
        let mut members = members.into_iter();
        let first = members.next()?;
        let mut hanging = first.hanging;
        (hanging.attachment, hanging.why) = (self.attachment, self.why);
        let mut layouts: Vec<Layout> = first.compiled.layout().cloned().into_iter().collect();
        let mut found = vec![first.found];
        for member in members {
            layouts.extend(member.compiled.layout().cloned());
            found.push(member.found);
        }
        let told_by = match found.len() {
            1 => ToldBy::Nothing,
            _ => self.told_by,
        };
        Some(Group {
            members: found,
            layouts,
            optional: first.optional,
            hanging,
            compiled: first.compiled,
            told_by,
        })
    }
}

impl Class {
    /// `None` for what is never shared.
    fn of(hanging: &Hanging) -> Option<Self> {
        if let Some((_, exit)) = hanging.system_call {
            return Some(Self::SystemCall { exit });
        }
        match &hanging.attachment {
            Attachment::Kprobe { offset, ret, .. } => Some(Self::Function {
                entry: *offset == 0,
                ret: *ret,
            }),
            Attachment::Uprobe { path, ret, pid, .. } => Some(Self::Binary {
                path: path.clone(),
                ret: *ret,
                pid: *pid,
            }),
            Attachment::RawTracepoint { .. } => Some(Self::RawTracepoint),
            Attachment::Tracepoint { .. } => Some(Self::Tracepoint),
            _ => None,
        }
    }

    /// A link for a single member: where it would need two events else, and of a binary, since closing an event there waits
    /// for the kernel behind all others, for some 100 ms each. `None` where it doesn't, or this kernel has none.
    fn of_one(&self, facts: &Facts, exact: bool, member: &Ready) -> Option<Shared> {
        let members = std::slice::from_ref(member);
        match self {
            Self::Function { .. } if !kept(members).is_empty() => {
                let in_reach = facts.is_notrace(&function(member)?.name) == Some(false);
                let shared = self.attachment(facts, exact, members);
                shared.filter(|shared| in_reach && shared.ends() == Some(Ends::Both))
            }
            Self::Binary { .. } => {
                let shared = self.attachment(facts, exact, members);
                shared.filter(|shared| shared.ends().is_some())
            }
            _ => None,
        }
    }

    /// The attachment that members of the class share; `None` where this kernel has none.
    fn attachment(&self, facts: &Facts, exact: bool, members: &[Ready]) -> Option<Shared> {
        let count = members.len();
        match self {
            Self::SystemCall { exit } => Some(Shared {
                attachment: members.first()?.hanging.attachment.clone(),
                told_by: ToldBy::SystemCall {
                    numbers: members
                        .iter()
                        .filter_map(|member| Some(member.hanging.system_call?.0))
                        .collect(),
                    exit: *exit,
                },
                why: format!("one program for {count} system calls, told apart by their numbers"),
            }),
            Self::Function { entry, ret } => {
                let in_one = *entry && !exact && facts.has_kprobe_multi();
                let ends = match kept(members) {
                    _ if !in_one => None,
                    [] => Some(Ends::one(*ret)),
                    // At the returns of other links no kernel says on which frame of the stack they are.
                    _ => facts.kprobe_session().map(|_| Ends::Both),
                };
                if let Some(ends) = ends {
                    let functions = members.iter().filter_map(function).collect();
                    return Some(one_link(Attachment::KprobeMulti { functions, ends }, count));
                }
                facts.has_event_cookies().then(|| at_each(members))
            }
            Self::Tracepoint => facts.has_event_cookies().then(|| at_each(members)),
            Self::RawTracepoint if facts.has_raw_tracepoint_cookies() => Some(at_each(members)),
            Self::Binary { path, ret, pid } => {
                let in_one = match pid {
                    None => facts.has_uprobe_multi(),
                    Some(_) => facts.has_uprobe_multi_of_process(),
                };
                if in_one && !exact {
                    let session =
                        call::fits_word(kept(members)) && facts.uprobe_session().is_some();
                    let attachment = Attachment::UprobeMulti {
                        path: path.clone(),
                        places: members.iter().filter_map(place).collect(),
                        ends: if session { Ends::Both } else { Ends::one(*ret) },
                        pid: *pid,
                    };
                    return Some(one_link(attachment, count));
                }
                facts.has_event_cookies().then(|| at_each(members))
            }
            _ => None,
        }
    }
}

/// What is kept of the calls' beginnings: the same of all members.
fn kept(members: &[Ready]) -> &[Part] {
    members.first().map_or(&[], |first| &first.compiled.kept)
}

fn one_link(attachment: Attachment, members: usize) -> Shared {
    let why = match attachment.ends() {
        Some(Ends::Both) => "one link for the beginnings and the returns of calls",
        _ if members == 1 => "a link of its own",
        _ => "one link for all of them",
    };
    Shared {
        attachment,
        told_by: ToldBy::Cookie,
        why: why.into(),
    }
}

fn at_each(members: &[Ready]) -> Shared {
    let each = members
        .iter()
        .map(|member| member.hanging.attachment.clone());
    Shared {
        attachment: Attachment::Each(each.collect()),
        told_by: ToldBy::Cookie,
        why: "one program for all of them".into(),
    }
}

/// Such links know functions by their names, without modules', or by their addresses.
fn function(member: &Ready) -> Option<KernelFunction> {
    match &member.hanging.attachment {
        Attachment::Kprobe { function, .. } => {
            let name = function.name.rsplit(':').next().unwrap_or_default();
            Some(KernelFunction {
                name: name.to_owned(),
                address: function.address,
            })
        }
        _ => None,
    }
}

fn place(member: &Ready) -> Option<BinaryPlace> {
    match &member.hanging.attachment {
        Attachment::Uprobe { place, .. } => Some(*place),
        _ => None,
    }
}
