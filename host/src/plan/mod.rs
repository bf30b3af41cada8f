//! Declaration × facts → plan: everything decided, nothing done. Pure, printable, snapshot-tested.
//!
//! A plan holds the generated code, so `check` and `explain` see every refusal without loading anything.

mod action;
mod attachment;
mod call;
mod dispatch;
mod explain;
mod follow;
mod function;
mod layout;
mod planner;
mod set;
mod sharing;
mod site;
mod span;
mod spans;
mod table;
mod told;

pub use crate::expr::{Spot, Touch};
pub use crate::layout::{Aggregate, Content, Extreme, Field, Layout};
pub use attachment::{AttachmentOf, attachment_of};
pub use explain::{attachment as attachment_words, explain};
pub use planner::{Allows, Options, Planner, Traced};
pub use span::{SpanField, SpanShape, StoredBy};

use crate::codegen::Code;
use crate::expr::tree::SetId;
use crate::report::Place;
use crate::rows::Shown;
use crate::spec::probe::Clock;
use crate::spec::{Kind, ProbeId, Room, SpanId, TallyId};
use std::path::PathBuf;

/// One declaration, resolved against this kernel.
#[derive(Clone)]
pub struct ProbePlan {
    pub id: ProbeId,
    pub place: Place,
    /// What output and books call it: what `:name` said, else the SPEC.
    pub name: String,
    pub sites: Vec<SitePlan>,
    pub output: Output,
    /// Why patterns of the SPEC have dropped out, beside others that are there.
    pub missing: Vec<String>,
}

/// Where the events of a probe go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Handler,
    Print,
    Tally(TallyId),
    /// Nowhere: all is done in the kernel.
    Nothing,
}

/// A number that names a probe site in records and keys, unique in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

/// One match of a declaration, or several whose programs come out alike: one attachment, one program.
#[derive(Clone)]
pub struct SitePlan {
    /// Of the first site; those of `others` follow it.
    pub id: SiteId,
    /// `tracepoint:syscalls:sys_enter_openat`: what `e.probe` gives.
    pub probe: String,
    /// The last part of it: what `func` gives.
    pub func: String,
    /// The other sites that share the program, in the order of their numbers.
    pub others: Vec<SiteName>,
    /// They come from a pattern: what can't be attached is left out, and said.
    pub optional: bool,
    pub kind: Kind,
    pub attachment: Attachment,
    /// Why this attachment, for `-v` and `explain`: empty where it is the kind's own.
    pub why: String,
    /// What must hold for a hit to become an event, as people read it: the guard's words, then the script's own texts.
    pub conditions: Vec<String>,
    pub program: Program,
    /// Where calls begin that return at the sites: the program that keeps what the return wants to know of it, where that
    /// is another one.
    pub entry: Option<Box<Self>>,
}

/// What `func` gives at a probe of that name: its last part.
fn func(probe: &str) -> String {
    probe.rsplit(':').next().unwrap_or_default().to_owned()
}

/// What output calls a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteName {
    pub probe: String,
    pub func: String,
    /// Its records lie as those of the program's other sites do, and may have names of their own for what is in them. Empty
    /// where none are made.
    pub layout: Layout,
}

impl SitePlan {
    /// How many sites share the program.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// Bytes that are kept of each call until it returns here; `None` where none are.
    pub fn kept(&self) -> Option<u32> {
        Some(match self.program.call.as_ref()? {
            Call::Key(call) => call.bytes,
            Call::Session(session) => session.enter.bytes,
        })
    }

    /// How the records of the first site lie; `None` where none are made.
    pub fn layout(&self) -> Option<&Layout> {
        match &self.program.action {
            Action::Emit { layout, .. } => Some(layout),
            Action::Dispatch(branches) => branches.first()?.site.layout(),
            Action::Tally { .. }
            | Action::Enter(_)
            | Action::Change { .. }
            | Action::Begin(_)
            | Action::Nothing => None,
        }
    }

    /// Has it to do with addresses of processes, which mean something as long as those are remembered?
    pub fn takes_user_stacks(&self, shape: &dyn Fn(TallyId) -> Option<bool>) -> bool {
        match &self.program.action {
            Action::Emit { layout, .. } => layout.fields.iter().any(|field| {
                matches!(
                    field.content,
                    Content::Stack { user: true, .. } | Content::Symbol { user: true, .. }
                )
            }),
            Action::Tally { tally, .. } => shape(*tally).unwrap_or(false),
            Action::Dispatch(branches) => {
                let mut branches = branches.iter();
                branches.any(|branch| branch.site.takes_user_stacks(shape))
            }
            Action::Begin(code) => code.user_stacks,
            Action::Enter(_) | Action::Change { .. } | Action::Nothing => false,
        }
    }

    /// The layouts of the sites' records, in the order of their numbers; none where none are made.
    pub fn layouts(&self) -> impl Iterator<Item = &Layout> {
        let all = self.layout().map(|first| {
            let others = self.others.iter().map(|name| &name.layout);
            std::iter::once(first).chain(others)
        });
        all.into_iter().flatten()
    }

    /// `probe` and `func` of the sites, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = (SiteId, &str, &str)> {
        let others = self
            .others
            .iter()
            .map(|name| (name.probe.as_str(), name.func.as_str()));
        std::iter::once((self.probe.as_str(), self.func.as_str()))
            .chain(others)
            .zip(self.id.0..)
            .map(|((probe, func), id)| (SiteId(id), probe, func))
    }
}

/// How the program is hung up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    RawTracepoint {
        name: String,
    },
    /// By perf_event_open; `id` is the tracepoint's number in tracefs, `event` its name.
    Tracepoint {
        id: u64,
        event: String,
    },
    Kprobe {
        function: KernelFunction,
        offset: u64,
        ret: bool,
    },
    /// By BPF's trampoline (fentry, or fexit with `exit`).
    Fentry {
        function: String,
        /// Its number among the types of the kernel, or of the module whose BTF object has the number `object`.
        id: u32,
        object: Option<u32>,
        exit: bool,
    },
    /// `pid` when it is hung into one process only.
    Uprobe {
        path: PathBuf,
        place: BinaryPlace,
        ret: bool,
        pid: Option<u32>,
    },
    /// In one link, in which functions are known by their place in the list.
    KprobeMulti {
        functions: Vec<KernelFunction>,
        ends: Ends,
    },
    /// In one link, in which places are known by their own place in the list.
    UprobeMulti {
        path: PathBuf,
        places: Vec<BinaryPlace>,
        ends: Ends,
        pid: Option<u32>,
    },
    /// At several places, each of which is known by its place in the list.
    Each(Vec<Self>),
    /// On every CPU.
    Profile(Clock),
    /// On one CPU.
    Interval {
        period_ns: u64,
    },
    Software(Counting),
    Hardware(Counting),
}

impl Attachment {
    /// Of a link that may hold many places: which ends of calls it hits.
    fn ends(&self) -> Option<Ends> {
        match self {
            Self::KprobeMulti { ends, .. } | Self::UprobeMulti { ends, .. } => Some(*ends),
            _ => None,
        }
    }
}

/// Which ends of calls a link hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Beginning,
    Return,
    /// A session: one program at both, which the kernel ties.
    Both,
}

impl Ends {
    /// Of links that hit one.
    fn one(ret: bool) -> Self {
        if ret { Self::Return } else { Self::Beginning }
    }
}

/// A function of the kernel, as those are told who put probes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelFunction {
    /// `MODULE:FUNCTION` where the module was asked for.
    pub name: String,
    /// Where it begins, where the name is not its own.
    pub address: Option<u64>,
}

/// A counter that runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    pub name: &'static str,
    /// The kernel's number of it, among those of its kind.
    pub number: u64,
    /// Events (ns, of the clocks) a hit.
    pub period: u64,
    /// Only those of this process; else each CPU counts its own.
    pub pid: Option<u32>,
}

/// A place in a binary, in bytes from the file's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryPlace {
    pub offset: u64,
    /// Of a USDT probe: where the counter stands that the kernel raises in each process while the place is probed.
    pub semaphore: Option<u64>,
}

/// What goes into the holes of the entry program.
#[derive(Clone)]
pub struct Program {
    /// Which of its sites was hit; `None` where there is one.
    pub cookie: Option<Code>,
    /// Is this a hit of the script at all? (The syscall's number, the target's pid; not counted when it isn't.)
    pub guard: Option<Code>,
    pub steps: Option<Code>,
    /// At a return: how it comes by what was kept of its call.
    pub call: Option<Call>,
    /// Where steps bind what they find of spans.
    pub binds: Binds,
    pub action: Action,
}

/// Where steps bind what they find of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binds {
    /// They bind nothing.
    Nothing,
    /// On the stack.
    Short,
    /// In scratch.
    Long,
}

#[derive(Clone)]
pub enum Action {
    Emit {
        record: Box<Code>,
        layout: Layout,
    },
    Tally {
        tally: TallyId,
        code: Box<TallyCode>,
    },
    /// Something of a call is kept until it returns.
    Enter(Box<EnterCode>),
    /// The hit is one of these programs', by the number that the cookie is.
    Dispatch(Vec<Branch>),
    /// A member comes into a set, or goes. (The set of traced processes is one.)
    Change {
        set: SetId,
        member: Box<Code>,
        /// What it is, as people read it.
        words: String,
        there: bool,
    },
    /// Something of a span begins, or more is known of it.
    Begin(Box<BeginCode>),
    /// The steps have done all.
    Nothing,
}

/// What a site stores in a span.
#[derive(Clone)]
pub struct BeginCode {
    pub span: SpanId,
    /// Only what has begun already is changed.
    pub marks: bool,
    pub key: Code,
    pub fields: Code,
    /// The numbers of the fields that it stores.
    pub stored: Vec<u8>,
    /// Bytes of a value, part of which an open one keeps; 0 where all of it is stored anew.
    pub kept: u32,
    /// Key or value don't fit on the stack.
    pub long: bool,
    /// Stacks of processes are among them.
    pub user_stacks: bool,
}

/// A program that another one hands hits on to.
#[derive(Clone)]
pub struct Branch {
    /// Those of its hits.
    pub numbers: Vec<u32>,
    pub site: SitePlan,
}

/// How a call that returns is found again.
#[derive(Clone)]
pub struct ReturnCode {
    /// The key of the call; `None` where it is the thread's only one, which has it.
    pub frame: Option<Code>,
    /// How much was kept of it.
    pub bytes: u32,
}

/// How a return comes by what was kept of its call.
#[derive(Clone)]
pub enum Call {
    /// The program at the beginning ([`SitePlan::entry`]) has kept it.
    Key(ReturnCode),
    /// This program has, which hits both ends.
    Session(Box<SessionCode>),
}

#[derive(Clone)]
pub struct SessionCode {
    /// Is it a return?
    pub is_return: Code,
    /// The address of the word that the kernel keeps of each call.
    pub word: Code,
    pub enter: EnterCode,
    /// It is one value that is never 0, kept in that word and nowhere else.
    pub in_word: bool,
}

/// What is kept of a call's beginning.
#[derive(Clone)]
pub struct EnterCode {
    /// The key of the call; `None` where it is the thread's only one, which has it.
    pub frame: Option<Code>,
    pub stash: Code,
    /// How much that is.
    pub bytes: u32,
}

/// What a site does to a tally.
#[derive(Clone)]
pub struct TallyCode {
    pub key: Code,
    /// The columns' arguments, where they have any.
    pub measure: Option<Code>,
    pub columns: Code,
    /// Key or measured words don't fit on the stack.
    pub long: bool,
}

/// A tally's table: fixed by the first probe that feeds it, the same for all others.
#[derive(Clone, Debug, PartialEq)]
pub struct TallyShape {
    pub id: TallyId,
    pub name: String,
    pub keys: Vec<KeyField>,
    pub columns: Vec<Column>,
    /// Bytes of the map's key: 4 without parts, else 8 for the generation and the parts.
    pub key_size: u32,
    /// Bytes of the map's value.
    pub value_size: u32,
    pub storage: Storage,
    pub room: Room,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyField {
    pub name: String,
    pub content: KeyContent,
    /// What an integer stands for, for those who print it.
    pub shown: Option<Shown>,
    /// Bytes from the start of the map's key.
    pub offset: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyContent {
    Int {
        signed: bool,
    },
    Bool,
    Text {
        capacity: u16,
    },
    /// The id of a stack, whose frames stand in the table's own map, or in that of the span which has stored it.
    Stack {
        user: bool,
        frames: u8,
    },
    /// An address, and the process where it is not the kernel's.
    Symbol {
        user: bool,
    },
    /// The number of a site, shown as its probe's or its function's name.
    Probe,
    Func,
}

impl KeyContent {
    /// Is it shown as something that several of it may mean: addresses in one function, places of one name?
    pub fn may_mean_the_same(self) -> bool {
        matches!(
            self,
            Self::Stack { .. } | Self::Symbol { .. } | Self::Probe | Self::Func
        )
    }

    /// What helps where it has another type elsewhere.
    pub(super) fn same_everywhere(self) -> &'static str {
        match self {
            Self::Stack { .. } => "take as many frames everywhere: kstack(5)",
            _ => "give a string the same length everywhere: str(p, 64)",
        }
    }
}

impl TallyShape {
    /// Are addresses of processes among its keys?
    pub fn has_user_addresses(&self) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|key| {
            matches!(
                key.content,
                KeyContent::Stack { user: true, .. } | KeyContent::Symbol { user: true }
            )
        })
    }

    /// Are stacks among its keys?
    pub fn has_stacks(&self) -> bool {
        !self.stack_places().is_empty()
    }

    /// Where the ids of stacks stand in its key, behind the generation.
    pub fn stack_places(&self) -> Vec<usize> {
        stack_places(self.keys.iter())
    }
}

/// Which of these are stacks.
fn stack_places<'a>(fields: impl Iterator<Item = &'a KeyField>) -> Vec<usize> {
    let stacks = fields.filter(|field| matches!(field.content, KeyContent::Stack { .. }));
    stacks.map(|field| field.offset as usize).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub function: Aggregate,
    /// Bytes from the start of the map's value.
    pub offset: u32,
}

/// Which kind of map holds a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// No key: two entries, one a generation.
    PerCpuArray,
    /// Keyed, values up to 64 bytes.
    PerCpuHash,
    /// Keyed, larger values: shared, by atomic adds.
    Hash,
}

/// A set's members, as the first text that looks into it wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetShape {
    pub id: SetId,
    pub parts: Vec<SetPart>,
    /// Bytes of the map's key.
    pub key_size: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetPart {
    Int,
    Text { capacity: u16 },
}
