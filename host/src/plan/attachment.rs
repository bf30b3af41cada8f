//! Match → attachment: the cheapest that gives the same answer, and what must hold for a hit to be one of the script's.

use super::call::beginning;
use super::function;
use super::{Attachment, BinaryPlace, Counting, Options, Traced};
use crate::expr::tree::{Current, Node, Part, Relation, TARGET};
use crate::facts::matching::is_traced;
use crate::facts::{Facts, Location, Match, names, syscalls};
use crate::report::Report;
use crate::spec::Kind;
use crate::spec::probe::{Clock, Pattern, period};

/// What is decided for a match before its texts are compiled.
pub(super) struct Hanging {
    pub attachment: Attachment,
    pub site: names::Site,
    /// The number of the system call at the raw tracepoint that all calls pass, and whether that is of exits.
    pub system_call: Option<(u32, bool)>,
    /// What else must hold for a hit to be counted at all, with its words.
    pub guards: Vec<(Node, String)>,
    /// Why not the kind's own attachment; empty where it is that.
    pub why: String,
}

/// Decides for a match that is one of `together`: more are cheaper in another way.
pub(super) fn hang(
    facts: &Facts,
    options: &Options,
    found: &Match,
    together: usize,
) -> Result<Hanging, Report> {
    let mut hanging = match &found.location {
        Location::Tracepoint { category, event } => tracepoint(facts, options, category, event)?,
        Location::RawTracepoint { name } => Hanging::own(
            Attachment::RawTracepoint { name: name.clone() },
            names::Site::RawTracepoint { name: name.clone() },
        ),
        Location::Function { .. } => function::hang(facts, options, found, together)?,
        Location::Binary { path, offset, .. } => {
            let ret = found.kind == Kind::Uretprobe;
            Hanging::own(
                Attachment::Uprobe {
                    path: path.clone(),
                    place: BinaryPlace {
                        offset: *offset,
                        semaphore: None,
                    },
                    ret,
                    pid: options.traced.process(),
                },
                names::Site::Uprobe {
                    path: path.clone(),
                    offset: *offset,
                    ret,
                },
            )
        }
        Location::Usdt { path, place } => Hanging::own(
            Attachment::Uprobe {
                path: path.clone(),
                place: BinaryPlace {
                    offset: place.offset,
                    semaphore: place.semaphore,
                },
                ret: false,
                pid: options.traced.process(),
            },
            names::Site::Usdt {
                arguments: place.arguments.clone(),
            },
        ),
        Location::Counter {
            name,
            number,
            period,
        } => {
            let counting = Counting {
                name,
                number: *number,
                period: *period,
                pid: options.traced.process(),
            };
            let attachment = match found.kind {
                Kind::Hardware => Attachment::Hardware(counting),
                _ => Attachment::Software(counting),
            };
            Hanging::own(attachment, names::Site::Timer)
        }
        Location::Timer { parts } => {
            let clock = period(&Pattern {
                kind: found.kind,
                parts: parts.clone(),
            })?;
            let attachment = match (found.kind, clock) {
                (Kind::Profile, clock) => Attachment::Profile(clock),
                (_, Clock::Period(period_ns)) => Attachment::Interval { period_ns },
                (_, Clock::Hertz(hertz)) => Attachment::Interval {
                    period_ns: 1_000_000_000 / hertz,
                },
            };
            Hanging::own(attachment, names::Site::Timer)
        }
    };
    hanging.only_of(options.traced);
    Ok(hanging)
}

/// Another way to a match whose texts read what the one that was chosen lacks.
pub(super) fn otherwise(
    facts: &Facts,
    options: &Options,
    found: &Match,
    chosen: &Hanging,
) -> Option<Hanging> {
    let mut other = function::otherwise(facts, options, found, &chosen.attachment)?;
    other.only_of(options.traced);
    Some(other)
}

/// How a match would be attached, for people who ask.
pub struct AttachmentOf {
    pub site: names::Site,
    /// Where the calls begin that return there.
    pub beginning: Option<names::Site>,
    pub words: String,
    /// What a hit costs, where it was measured.
    pub cost: &'static str,
}

/// How a match would be attached, as far as it does not depend on what is read there.
pub fn attachment_of(
    facts: &Facts,
    options: &Options,
    found: &Match,
) -> Result<AttachmentOf, Report> {
    let hanging = hang(facts, options, found, 1)?;
    let why = if hanging.why.is_empty() {
        String::new()
    } else {
        format!(": {}", hanging.why)
    };
    // Measured on 6.18, ns a hit of an empty program.
    let cost = match hanging.attachment {
        Attachment::RawTracepoint { .. } => ", about 60 ns a hit",
        Attachment::Tracepoint { .. } => ", about 150 ns a hit (60 when no argument is read)",
        Attachment::Fentry { .. } => ", a call where a kprobe is a trap",
        Attachment::Uprobe { .. } => ", 0.3 to 10 µs a hit: each is a trap",
        _ => "",
    };
    Ok(AttachmentOf {
        beginning: beginning(&hanging.site),
        site: hanging.site,
        words: super::attachment_words(&hanging.attachment) + &why,
        cost,
    })
}

impl Hanging {
    pub(super) fn own(attachment: Attachment, site: names::Site) -> Self {
        Self {
            attachment,
            site,
            system_call: None,
            guards: Vec::new(),
            why: String::new(),
        }
    }

    fn only_of(&mut self, which: Traced) {
        // A timer's hits are nobody's, but a profile's are those of the process it finds on the CPU.
        if !matches!(self.attachment, Attachment::Interval { .. }) {
            self.guards.extend(traced(which));
        }
    }

    /// A tracepoint whose record nobody reads is hung up before the record is made.
    pub(super) fn without_record(&mut self) {
        if let (Attachment::Tracepoint { .. }, names::Site::Tracepoint { category, event }) =
            (&self.attachment, &self.site)
            && is_traced(category)
        {
            self.attachment = Attachment::RawTracepoint {
                name: event.clone(),
            };
            self.why = "no field of its record is read".into();
        }
    }
}

fn tracepoint(
    facts: &Facts,
    options: &Options,
    category: &str,
    event: &str,
) -> Result<Hanging, Report> {
    if !options.exact {
        let raw = |name: &str| Attachment::RawTracepoint { name: name.into() };
        match (category, event) {
            ("raw_syscalls", "sys_enter" | "sys_exit") => {
                let site = names::Site::RawSyscalls {
                    exit: event == "sys_exit",
                };
                let why = "the same arguments, for less than half the cost".into();
                return Ok(Hanging {
                    attachment: raw(event),
                    site,
                    system_call: None,
                    guards: Vec::new(),
                    why,
                });
            }
            ("syscalls", _) => {
                if let Some(hanging) = syscall(facts, event) {
                    return Ok(hanging);
                }
            }
            _ => {}
        }
    }
    let id = facts.tracefs()?.format(category, event)?.id;
    let site = names::Site::Tracepoint {
        category: category.into(),
        event: event.into(),
    };
    Ok(Hanging::own(
        Attachment::Tracepoint {
            id,
            event: event.into(),
        },
        site,
    ))
}

/// One system call, told from all others at the raw tracepoint that they pass.
fn syscall(facts: &Facts, event: &str) -> Option<Hanging> {
    let (name, exit) = match event.strip_prefix("sys_enter_") {
        Some(name) => (name, false),
        None => (event.strip_prefix("sys_exit_")?, true),
    };
    let number = syscalls::number(name)?;
    facts.native_caller()?;
    let tracepoint = if exit { "sys_exit" } else { "sys_enter" };
    let why = if exit {
        "less than half the cost, and the arguments are still there"
    } else {
        "less than half the cost of its own tracepoint"
    };
    Some(Hanging {
        attachment: Attachment::RawTracepoint {
            name: tracepoint.into(),
        },
        site: names::Site::Syscall {
            name: name.into(),
            exit,
        },
        system_call: Some((number, exit)),
        guards: Vec::new(),
        why: why.into(),
    })
}

/// Only the processes that `-p` and `-c` trace.
fn traced(traced: Traced) -> Option<(Node, String)> {
    let pid = Node::Current(Current::Pid);
    match traced {
        Traced::All => None,
        Traced::Process(process) => {
            let process_node = Box::new(Node::Const(i128::from(process)));
            Some((
                Node::Compare(Relation::Eq, Box::new(pid), process_node),
                format!("pid == {process}"),
            ))
        }
        Traced::Set => Some((
            Node::InSet(TARGET, vec![Part::Int(pid)]),
            "pid in $target".into(),
        )),
    }
}
