//! One program: linked with its maps, and loaded.

use super::calls::{Calls, Kept};
use super::library::Body;
use super::maps::Maps;
use super::{array, attach};
use crate::codegen::{Code, MapRef, constant, own_stack};
use crate::plan::{Action, Binds, Call, EnterCode, SitePlan};
use crate::sys::map::{Map, MapType, Update};
use moontrace_abi::limits::SMALL_KEPT;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// Why a program could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Link(crate::report::Report),
    /// The kernel refuses the program for that site. Where it is no lack of rights or memory, it is a bug of ours.
    #[error("{error}")]
    Rejected {
        probe: String,
        error: io::Error,
        log: String,
    },
    #[error("{0}")]
    Map(#[from] io::Error),
}

/// What a program is given beside what a script's programs all share.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub books: &'a Map,
    /// For one that [`wants_scratch`].
    pub scratch: Option<&'a Map>,
    pub calls: &'a Calls,
    /// What it hands hits on to.
    pub branches: Option<&'a Map>,
}

/// Does the program, or one that it hands hits on to, build anything that is too long for the stack or the ring?
pub(super) fn wants_scratch(plan: &SitePlan) -> bool {
    match &plan.program.action {
        Action::Dispatch(branches) => branches.iter().any(|branch| wants_scratch(&branch.site)),
        _ => Holes::of(plan).long,
    }
}

/// Links and loads a site's program. The maps that it shares with others must be there. It holds them open.
pub(super) fn load(shared: &Maps, plan: &SitePlan, given: Given<'_>) -> Result<OwnedFd, LoadError> {
    let holes = Holes::of(plan);
    let patterns = holes.patterns()?;
    let kept = match (&plan.program.action, &plan.program.call) {
        (Action::Enter(code), _) => Some(Kept::of(code.frame.as_ref(), code.bytes)),
        (_, Some(Call::Key(call))) => Some(Kept::of(call.frame.as_ref(), call.bytes)),
        // The kernel keeps it.
        (_, Some(Call::Session(session))) if session.in_word => None,
        (_, Some(Call::Session(session))) => Some(Kept::ByKey(session.enter.bytes)),
        (_, None) => None,
    };
    let calls = kept.map(|kept| given.calls.of(kept)).transpose()?;
    let mut maps = shared.of_library();
    maps.push(("BOOKS", number(given.books)));
    maps.extend(calls.as_deref().map(|map| ("CALLS", number(map))));
    maps.extend(given.scratch.map(|map| ("SCRATCH", number(map))));
    maps.extend(given.branches.map(|map| ("PROGRAMS", number(map))));
    match &plan.program.action {
        Action::Emit { .. } => maps.extend(shared.ring().map(|ring| ("EVENTS", ring))),
        Action::Tally { tally, code } => {
            maps.extend(shared.table(*tally)?.map(|table| ("TALLY", table)));
            if takes_stack(&code.key) {
                maps.extend(shared.stacks(*tally)?.map(|stacks| ("STACKS", stacks)));
            }
        }
        Action::Begin(code) => {
            maps.extend(shared.span(code.span).map(|span| ("SPAN", span)));
            let stacks = shared.span_stacks(code.span)?;
            maps.extend(stacks.map(|stacks| ("STACKS", stacks)));
        }
        Action::Enter(_) | Action::Dispatch(_) | Action::Nothing => {}
        Action::Change { set, .. } => {
            let set = shared.reference(MapRef::of_set(*set));
            maps.extend(set.map(|set| ("SET", set)));
        }
    }
    let refs = |hole: &str, map: MapRef| match map {
        MapRef::Patterns { .. } => patterns
            .iter()
            .find(|(of, _)| *of == hole)
            .map(|(_, map)| number(map)),
        shared_map => shared.reference(shared_map),
    };
    let (entry, program_type) = attach::entry(&plan.attachment);
    let mut bodies = holes.bodies();
    if shared.library.abilities().is_alone(&plan.attachment) {
        bodies.push(("lib_count", Body::Is("lib_add_alone")));
        if let Action::Tally { tally, .. } = &plan.program.action
            && shared.is_of_one(*tally)
        {
            bodies.push(("lib_add", Body::Is("lib_add_alone")));
        }
    }
    let linked = shared
        .library
        .instance(entry, &bodies, &maps, &refs)
        .map_err(LoadError::Link)?;
    let name = match &plan.program.action {
        Action::Dispatch(_) => "mt_dispatch".to_owned(),
        _ => format!("mt_{}", plan.func),
    };
    shared
        .library
        .load(&linked, program_type, &name)
        .map_err(|rejection| LoadError::Rejected {
            probe: plan.probe.clone(),
            error: rejection.error,
            log: rejection.log,
        })
}

fn number(map: impl AsFd) -> RawFd {
    map.as_fd().as_raw_fd()
}

/// Has it a stack's frames kept, which are built in scratch?
fn takes_stack(code: &Code) -> bool {
    code.calls.iter().any(|(_, name)| *name == "lib_stack")
}

/// The action that keeps what a call begins with, and whether that wants scratch.
fn enter_action(code: &EnterCode) -> (&'static str, bool) {
    if code.frame.is_none() {
        return ("act_enter_of_thread", false);
    }
    match code.bytes as usize > SMALL_KEPT || code.stash.is_deep() {
        true => ("act_enter_long", true),
        false => ("act_enter", false),
    }
}

/// What goes into the holes of one program.
struct Holes<'a> {
    generated: Vec<(&'static str, &'a Code)>,
    constants: Vec<(&'static str, Code)>,
    /// Functions of the library.
    chosen: Vec<(&'static str, &'static str)>,
    /// Is scratch wanted?
    long: bool,
}

impl<'a> Holes<'a> {
    fn of(plan: &'a SitePlan) -> Self {
        let program = &plan.program;
        let mut generated = Vec::new();
        generated.extend(program.cookie.as_ref().map(|code| ("cookie", code)));
        generated.extend(program.guard.as_ref().map(|code| ("guard", code)));
        generated.extend(program.steps.as_ref().map(|code| ("steps", code)));
        let mut chosen = Vec::new();
        let mut enter_long = false;
        match &program.call {
            None => {}
            Some(Call::Key(call)) => {
                generated.extend(call.frame.as_ref().map(|code| ("frame", code)));
                let run = match call.frame {
                    Some(_) => "run_return",
                    None => "run_return_of_thread",
                };
                chosen.push(("run", run));
            }
            Some(Call::Session(session)) => {
                generated.push(("session_return", &session.is_return));
                generated.push(("session_word", &session.word));
                generated.extend(session.enter.frame.as_ref().map(|code| ("frame", code)));
                generated.push(("stash", &session.enter.stash));
                let (begin, long) = enter_action(&session.enter);
                enter_long = long && !session.in_word;
                chosen.push(("begin", begin));
                let run = match session.in_word {
                    true => "run_session_word",
                    false => "run_session",
                };
                chosen.push(("run", run));
            }
        }
        let mut constants = vec![("base", constant(plan.id.0.into()))];
        if attach::can_be_preempted(&plan.attachment) {
            constants.push(("stack", own_stack()));
        }
        let (action, long) = match &program.action {
            Action::Emit { record, layout } => {
                generated.push(("record", record.as_ref()));
                constants.push(("record_size", constant(layout.size.into())));
                (
                    if layout.long {
                        "act_emit_long"
                    } else {
                        "act_emit"
                    },
                    layout.long,
                )
            }
            Action::Tally { code, .. } => {
                generated.push(("key", &code.key));
                generated.push(("columns", &code.columns));
                generated.extend(code.measure.as_ref().map(|code| ("measure", code)));
                let action = if code.long {
                    "act_tally_long"
                } else {
                    "act_tally"
                };
                (action, code.long || takes_stack(&code.key))
            }
            Action::Enter(code) => {
                generated.extend(code.frame.as_ref().map(|code| ("frame", code)));
                generated.push(("stash", &code.stash));
                enter_action(code)
            }
            // Nothing is done but by the program that it hands the hit on to.
            Action::Dispatch(_) => {
                chosen.push(("run", "run_dispatch"));
                ("act", false)
            }
            Action::Change { member, there, .. } => {
                generated.push(("member", member.as_ref()));
                (if *there { "act_add" } else { "act_remove" }, false)
            }
            Action::Begin(code) => {
                generated.push(("key", &code.key));
                generated.push(("fields", &code.fields));
                constants.push(("span_size", constant(code.kept.into())));
                let action = match (code.marks, code.long) {
                    (false, false) => "act_start",
                    (false, true) => "act_start_long",
                    (true, false) => "act_mark",
                    (true, true) => "act_mark_long",
                };
                (action, code.long || takes_stack(&code.fields))
            }
            Action::Nothing => ("act_nothing", false),
        };
        chosen.push(("act", action));
        match program.binds {
            Binds::Nothing => {}
            Binds::Short => chosen.push(("event", "event_in_span")),
            Binds::Long => chosen.push(("event", "event_in_long_span")),
        }
        let composes = generated.iter().any(|(_, code)| code.composes());
        if composes {
            chosen.push(("done", "lib_done"));
        }
        Self {
            generated,
            constants,
            chosen,
            long: long || enter_long || composes || program.binds == Binds::Long,
        }
    }

    fn bodies(&self) -> Vec<(&str, Body<'_>)> {
        let generated = self
            .generated
            .iter()
            .map(|(hole, code)| (*hole, Body::Code(code)));
        let constants = self
            .constants
            .iter()
            .map(|(hole, code)| (*hole, Body::Code(code)));
        let chosen = self
            .chosen
            .iter()
            .map(|(hole, function)| (*hole, Body::Is(function)));
        generated.chain(constants).chain(chosen).collect()
    }

    /// The tables of each hole's patterns, in a map of its own.
    fn patterns(&self) -> io::Result<Vec<(&'static str, Map)>> {
        let with = self
            .generated
            .iter()
            .filter(|(_, code)| !code.patterns.is_empty());
        with.map(|(hole, code)| {
            let bytes: Vec<u8> = code
                .patterns
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect();
            let tables = array("mt_patterns", MapType::Array, bytes.len(), 1)?;
            tables.update(&0u32.to_le_bytes(), &bytes, Update::Any)?;
            Ok((*hole, tables))
        })
        .collect()
    }
}
