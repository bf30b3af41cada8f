//! Whole calls: a program at the beginning keeps what only it knows, and the one at the return takes it up.

use super::sharing::Group;
use super::{
    Action, Attachment, Binds, Call, Ends, EnterCode, Program, ReturnCode, SessionCode, SiteId,
    SitePlan, func, told,
};
use crate::codegen::{self, CallKey};
use crate::expr::Names;
use crate::expr::tree::{Current, Node, Part};
use crate::facts::{Facts, Location, Match, Session, names};
use crate::report::Report;

/// What names mean at a site, and at the beginning of the calls that return there.
pub(super) struct BothNames<'a> {
    pub here: Box<dyn Names + 'a>,
    pub at_entry: Option<Box<dyn Names + 'a>>,
}

impl BothNames<'_> {
    pub(super) fn both(&self) -> (&dyn Names, Option<&dyn Names>) {
        (&*self.here, self.at_entry.as_deref())
    }
}

/// Where the calls begin that return at a site; `None` where none do.
pub(super) fn beginning(site: &names::Site) -> Option<names::Site> {
    match site {
        names::Site::Syscall { name, exit: true } => Some(names::Site::Syscall {
            name: name.clone(),
            exit: false,
        }),
        names::Site::RawSyscalls { exit: true } => Some(names::Site::RawSyscalls { exit: false }),
        names::Site::Tracepoint { category, event } => Some(names::Site::Tracepoint {
            category: category.clone(),
            event: event_at_entry(category, event)?,
        }),
        names::Site::Kprobe {
            function,
            module,
            ret: true,
        } => Some(names::Site::Kprobe {
            function: function.clone(),
            module: module.clone(),
            ret: false,
        }),
        names::Site::Fentry {
            function,
            module,
            exit: true,
        } => Some(names::Site::Fentry {
            function: function.clone(),
            module: module.clone(),
            exit: false,
        }),
        names::Site::Uprobe {
            path,
            offset,
            ret: true,
        } => Some(names::Site::Uprobe {
            path: path.clone(),
            offset: *offset,
            ret: false,
        }),
        _ => None,
    }
}

/// How a call that begins is known again when it returns.
fn key(attachment: &Attachment) -> CallKey {
    match attachment {
        // A thread is in one system call at a time.
        Attachment::RawTracepoint { .. } | Attachment::Tracepoint { .. } => CallKey::Thread,
        // Both programs are called from one frame.
        Attachment::Fentry { .. } => CallKey::Context,
        Attachment::Kprobe { ret, .. } => frame(*ret, false),
        Attachment::Uprobe { ret, .. } => frame(*ret, true),
        Attachment::UprobeMulti { ends, .. } => frame(*ends == Ends::Return, true),
        Attachment::Each(all) => all.first().map_or(CallKey::Thread, key),
        _ => CallKey::Thread,
    }
}

/// At the return, the address to return to is gone from the stack.
fn frame(ret: bool, of_thread: bool) -> CallKey {
    CallKey::Stack {
        pointer: names::STACK_POINTER,
        above: if ret { 8 } else { 0 },
        of_thread,
    }
}

/// Can a program at the return be handed what one at the beginning has kept? By fentry and fexit, an address on the
/// kernel's stack is a part of a key, which kernels take since 5.12.
pub(super) fn is_possible(facts: &Facts, at_return: &Attachment) -> bool {
    !matches!(at_return, Attachment::Fentry { .. }) || facts.version() >= (5, 12)
}

/// The attachment at the beginning of one of the members.
fn attachment(
    facts: &Facts,
    at_return: &Attachment,
    members: &[Match],
) -> Result<Attachment, Report> {
    if !is_possible(facts, at_return) {
        let report = Report::new("what a call began with is known at fexit since Linux 5.12");
        return Err(report.help("a kretprobe has it"));
    }
    Ok(match at_return {
        Attachment::RawTracepoint { .. } => Attachment::RawTracepoint {
            name: "sys_enter".into(),
        },
        Attachment::Tracepoint { .. } => {
            let event = record_at_entry(members.first())?;
            Attachment::Tracepoint {
                id: facts.tracefs()?.format("syscalls", &event)?.id,
                event,
            }
        }
        Attachment::Kprobe {
            function, offset, ..
        } => Attachment::Kprobe {
            function: function.clone(),
            offset: *offset,
            ret: false,
        },
        Attachment::Fentry {
            function,
            id,
            object,
            ..
        } => Attachment::Fentry {
            function: function.clone(),
            id: *id,
            object: *object,
            exit: false,
        },
        Attachment::Uprobe {
            path, place, pid, ..
        } => Attachment::Uprobe {
            path: path.clone(),
            place: *place,
            ret: false,
            pid: *pid,
        },
        Attachment::UprobeMulti {
            path, places, pid, ..
        } => Attachment::UprobeMulti {
            path: path.clone(),
            places: places.clone(),
            ends: Ends::Beginning,
            pid: *pid,
        },
        Attachment::Each(all) => {
            let all = all.iter().zip(members);
            let all = all.map(|(one, member)| attachment(facts, one, std::slice::from_ref(member)));
            Attachment::Each(all.collect::<Result<_, _>>()?)
        }
        other => {
            let words = super::attachment_words(other);
            return Err(Report::new(format!("a call has no beginning at {words}")));
        }
    })
}

/// The tracepoint at which the system call begins that ends at this one.
fn event_at_entry(category: &str, event: &str) -> Option<String> {
    let call = event
        .strip_prefix("sys_exit_")
        .filter(|_| category == "syscalls")?;
    Some(format!("sys_enter_{call}"))
}

/// The same of a match.
fn record_at_entry(member: Option<&Match>) -> Result<String, Report> {
    let event = member.and_then(|member| match &member.location {
        Location::Tracepoint { category, event } => event_at_entry(category, event),
        _ => None,
    });
    event.ok_or_else(|| Report::new("a call has no beginning at this tracepoint"))
}

/// Is something kept, and nothing but what was passed? That fexit has, too.
pub(super) fn has_arguments_alone(kept: &[Part]) -> bool {
    let mut more = false;
    for part in kept {
        more |= matches!(part, Part::Text(_));
        part.visit(&mut |node| more |= matches!(node, Node::Current(_)));
    }
    !kept.is_empty() && !more
}

/// Is it one value that is never 0? A session's word takes that.
pub(super) fn fits_word(kept: &[Part]) -> bool {
    matches!(kept, [Part::Int(Node::Current(Current::Time))])
}

/// The session that a group hangs at.
fn session(facts: &Facts, group: &Group) -> Option<Session> {
    let attachment = &group.hanging.attachment;
    match attachment.ends() {
        Some(Ends::Both) if matches!(attachment, Attachment::KprobeMulti { .. }) => {
            facts.kprobe_session()
        }
        Some(Ends::Both) => facts.uprobe_session(),
        _ => None,
    }
}

/// How the program at the return comes by what is kept of its call.
pub(super) fn returned(
    facts: &Facts,
    id: SiteId,
    group: &Group,
    target: &codegen::Target,
) -> Result<Option<Call>, Report> {
    let kept = &group.compiled.kept;
    if kept.is_empty() {
        return Ok(None);
    }
    let Some(session) = session(facts, group) else {
        return Ok(Some(Call::Key(ReturnCode {
            frame: frame_of(facts, key(&group.hanging.attachment), id, target)?,
            bytes: kept_bytes(kept),
        })));
    };
    Ok(Some(Call::Session(Box::new(SessionCode {
        is_return: codegen::kernel_function(session.is_return),
        word: codegen::kernel_function(session.word),
        enter: enter(facts, CallKey::Word(session.word), id, kept, target)?,
        in_word: fits_word(kept),
    }))))
}

/// The key's code; none where the thread itself has what is kept. Since Linux 6.2 nothing of others' is in the way of what it
/// has (kernel/bpf/bpf_task_storage.c, `bpf_task_storage_get_recur`).
fn frame_of(
    facts: &Facts,
    key: CallKey,
    id: SiteId,
    target: &codegen::Target,
) -> Result<Option<codegen::Code>, Report> {
    if key == CallKey::Thread && facts.version() >= (6, 2) {
        return Ok(None);
    }
    codegen::frame(key, id.0, target).map(Some)
}

fn enter(
    facts: &Facts,
    key: CallKey,
    id: SiteId,
    kept: &[Part],
    target: &codegen::Target,
) -> Result<EnterCode, Report> {
    Ok(EnterCode {
        frame: frame_of(facts, key, id, target)?,
        stash: codegen::stash(kept, target)?,
        bytes: kept_bytes(kept),
    })
}

/// The program at the beginning, where something is kept and it is not the one at the return.
pub(super) fn entered(
    facts: &Facts,
    id: SiteId,
    group: &Group,
    target: &codegen::Target,
) -> Result<Option<Box<SitePlan>>, Report> {
    let kept = &group.compiled.kept;
    if kept.is_empty() || session(facts, group).is_some() {
        return Ok(None);
    }
    let Some(first) = group.members.first() else {
        return Ok(None);
    };
    let attachment = attachment(facts, &group.hanging.attachment, &group.members)?;
    let guards = told::guards_at_entry(facts, group);
    let program = Program {
        cookie: told::cookie_at_entry(group, target)?,
        guard: told::guard(&guards, target)?,
        steps: None,
        call: None,
        binds: Binds::Nothing,
        action: Action::Enter(Box::new(enter(facts, key(&attachment), id, kept, target)?)),
    };
    Ok(Some(Box::new(SitePlan {
        id,
        probe: first.probe.clone(),
        func: func(&first.probe),
        others: Vec::new(),
        optional: group.optional,
        kind: first.kind,
        attachment,
        why: String::new(),
        conditions: guards.into_iter().map(|(_, words)| words).collect(),
        program,
        entry: None,
    })))
}

/// Bytes of what is kept.
fn kept_bytes(kept: &[Part]) -> u32 {
    8 + kept.iter().map(Part::size).sum::<u32>()
}
