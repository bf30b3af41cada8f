//! One program, of a site or of several: linked, loaded, attached, and its books.

use super::attach::{self, Link, NotAttached, Skipped};
use super::library::{Body, Library};
use super::maps::Maps;
use crate::codegen::{Code, MapRef, SMALL_STACK, constant, own_stack};
use crate::plan::{Action, Attachment, SiteId, SitePlan};
use crate::sys::bpf;
use crate::sys::map::{Map, MapSpec, MapType, Update};
use moontrace_abi::limits::{CALL_KEY, SCRATCH, SCRATCH_SLOTS, SMALL_KEPT};
use moontrace_abi::{Book, Outcome};
use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// A program of the script: load → attach → (armed, disarmed with all others) → read the books → drop.
pub struct Instance {
    pub site: SiteId,
    attachment: Attachment,
    /// How many sites share the program.
    count: usize,
    optional: bool,
    program: OwnedFd,
    books: Map,
    link: Option<Link>,
    /// Where the calls begin that return here: the program that keeps what is to be known of them.
    entry: Option<Box<Self>>,
    /// What the kernel does not take, of a pattern's sites.
    pub skipped: Vec<Skipped>,
    /// How long it took to link and load, and to attach.
    pub took: (Duration, Duration),
}

/// Why a program could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Link(crate::report::Report),
    /// The kernel refuses the program. Where it is no lack of rights or memory, it is a bug of ours.
    #[error("{error}")]
    Rejected { error: io::Error, log: String },
    #[error("{0}")]
    Map(#[from] io::Error),
}

impl Instance {
    /// Links and loads a site's program. The maps that it shares with others must be there.
    pub fn load(shared: &Maps, plan: &SitePlan) -> Result<Self, LoadError> {
        let (Some(entry), Some(kept)) = (&plan.entry, plan.kept()) else {
            return Self::load_one(shared, plan, None);
        };
        let calls = calls(kept, &shared.library)?;
        let mut instance = Self::load_one(shared, plan, Some(&calls))?;
        let entry = Self::load_one(shared, entry, Some(&calls))?;
        instance.took.0 += entry.took.0;
        instance.entry = Some(Box::new(entry));
        Ok(instance)
    }

    /// `calls`: those that are under way, of which something is kept.
    fn load_one(shared: &Maps, plan: &SitePlan, calls: Option<&Map>) -> Result<Self, LoadError> {
        let start = Instant::now();
        let books = map("mt_books", MapType::PerCpuArray, size_of::<Book>(), 1)?;
        let holes = Holes::of(plan);
        let scratch = match holes.long || holes.composes {
            true => Some(map(
                "mt_scratch",
                MapType::PerCpuArray,
                8 + SCRATCH,
                SCRATCH_SLOTS as u32,
            )?),
            false => None,
        };
        let patterns = holes.patterns()?;
        let mut maps = shared.of_library();
        maps.push(("BOOKS", number(&books)));
        maps.extend(calls.map(|map| ("CALLS", number(map))));
        maps.extend(scratch.as_ref().map(|map| ("SCRATCH", number(map))));
        match &plan.program.action {
            Action::Emit { .. } => maps.extend(shared.ring().map(|ring| ("EVENTS", ring))),
            Action::Tally { tally, .. } => {
                maps.extend(shared.table(*tally)?.map(|table| ("TALLY", table)))
            }
            Action::Enter(_) => {}
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
        let linked = shared
            .library
            .instance(entry, &holes.bodies(), &maps, &refs)
            .map_err(LoadError::Link)?;
        let program = shared
            .library
            .load(&linked, program_type, &format!("mt_{}", plan.func))
            .map_err(|rejection| LoadError::Rejected {
                error: rejection.error,
                log: rejection.log,
            })?;
        // The program holds its maps; of ours, only the books are read.
        Ok(Self {
            site: plan.id,
            attachment: plan.attachment.clone(),
            count: plan.count(),
            optional: plan.optional,
            program,
            books,
            link: None,
            entry: None,
            skipped: Vec::new(),
            took: (start.elapsed(), Duration::ZERO),
        })
    }

    /// Hangs the program up. It does nothing before the script is armed.
    pub fn attach(&mut self) -> Result<(), NotAttached> {
        let start = Instant::now();
        let attached = attach::attach(self.program.as_fd(), &self.attachment, self.optional)?;
        (self.link, self.skipped) = (attached.link, attached.skipped);
        if let (Some(entry), Some(_)) = (&mut self.entry, &self.link) {
            entry.attach()?;
        }
        self.took.1 = start.elapsed();
        Ok(())
    }

    /// Takes the program down; its books stay readable.
    pub fn detach(&mut self) {
        self.link = None;
        if let Some(entry) = &mut self.entry {
            entry.detach();
        }
    }

    pub fn is_attached(&self) -> bool {
        self.link.is_some()
    }

    /// How many of its sites are attached.
    pub fn attached(&self) -> usize {
        match self.link {
            Some(_) => self.count.saturating_sub(self.skipped.len()),
            None => 0,
        }
    }

    /// How its runs ended, summed over all CPUs, and the hits for which the kernel skipped it.
    pub fn books(&self) -> io::Result<(Book, u64)> {
        let mut bytes = vec![0; self.books.lookup_size()];
        self.books.lookup(&0u32.to_le_bytes(), &mut bytes)?;
        let mut sum = Book::default();
        for cpu in bytes.chunks_exact(size_of::<Book>()) {
            add_words(&mut sum.outcomes, &cpu[offset_of!(Book, outcomes)..]);
            add_words(&mut sum.notes, &cpu[offset_of!(Book, notes)..]);
        }
        let mut missed = bpf::prog_info(&self.program)?.recursion_misses;
        if let Some(entry) = &self.entry {
            let (of_entry, missed_there) = entry.books()?;
            missed += missed_there;
            // A call whose beginning could not be kept is lost; all others are counted where they return.
            for (loss, _) in Outcome::LOSSES {
                sum.outcomes[loss as usize] += of_entry.outcomes[loss as usize];
            }
            for (note, more) in sum.notes.iter_mut().zip(of_entry.notes) {
                *note += more;
            }
        }
        Ok((sum, missed))
    }

    /// Is it a raw tracepoint? Kernels count skipped runs of those earlier than of all others.
    pub fn is_raw_tracepoint(&self) -> bool {
        let first = match &self.attachment {
            Attachment::Each(all) => all.first(),
            one => Some(one),
        };
        matches!(first, Some(Attachment::RawTracepoint { .. }))
    }
}

fn add_words(sums: &mut [u64], bytes: &[u8]) {
    for (sum, word) in sums.iter_mut().zip(bytes.chunks_exact(8)) {
        *sum += word.try_into().map_or(0, u64::from_ne_bytes);
    }
}

fn number(map: impl AsFd) -> RawFd {
    map.as_fd().as_raw_fd()
}

fn map(name: &str, of: MapType, value_size: usize, entries: u32) -> io::Result<Map> {
    Map::create(&MapSpec {
        name,
        of,
        key_size: 4,
        value_size: value_size as u32,
        entries,
        flags: 0,
    })
}

/// Calls that may be under way at a site at once. A thread that is killed in one leaves it there.
const CALLS: u32 = 16_384;

/// The map of those.
fn calls(kept: u32, library: &Library) -> io::Result<Map> {
    Map::create(&MapSpec {
        name: "mt_calls",
        of: MapType::Hash,
        key_size: 8 * CALL_KEY as u32,
        value_size: kept,
        entries: CALLS,
        flags: library.abilities().hash_flags(),
    })
}

/// What goes into the holes of one program.
struct Holes<'a> {
    generated: Vec<(&'static str, &'a Code)>,
    constants: Vec<(&'static str, Code)>,
    action: &'static str,
    /// Does the action want scratch?
    long: bool,
    /// Are strings composed there?
    composes: bool,
    /// Was something kept when the call began?
    returns: bool,
}

impl<'a> Holes<'a> {
    fn of(plan: &'a SitePlan) -> Self {
        let program = &plan.program;
        let mut generated = Vec::new();
        generated.extend(program.cookie.as_ref().map(|code| ("cookie", code)));
        generated.extend(program.guard.as_ref().map(|code| ("guard", code)));
        generated.extend(program.steps.as_ref().map(|code| ("steps", code)));
        generated.extend(program.call.as_ref().map(|code| ("frame", code)));
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
                (action, code.long)
            }
            Action::Enter(code) => {
                generated.push(("frame", &code.frame));
                generated.push(("stash", &code.stash));
                let deep = code.stash.stack > SMALL_STACK || code.stash.composes();
                let long = code.bytes as usize > SMALL_KEPT || deep;
                let action = if long { "act_enter_long" } else { "act_enter" };
                (action, long)
            }
            Action::Change { member, there, .. } => {
                generated.push(("member", member.as_ref()));
                (if *there { "act_add" } else { "act_remove" }, false)
            }
        };
        Self {
            composes: generated.iter().any(|(_, code)| code.composes()),
            generated,
            constants,
            action,
            long,
            returns: program.call.is_some(),
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
        let mut bodies: Vec<(&str, Body<'_>)> = generated.chain(constants).collect();
        bodies.push(("act", Body::Is(self.action)));
        if self.composes {
            bodies.push(("done", Body::Is("lib_done")));
        }
        if self.returns {
            bodies.push(("run", Body::Is("run_return")));
        }
        bodies
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
            let tables = map("mt_patterns", MapType::Array, bytes.len(), 1)?;
            tables.update(&0u32.to_le_bytes(), &bytes, Update::Any)?;
            Ok((*hole, tables))
        })
        .collect()
    }
}
