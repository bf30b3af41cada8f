//! What the VM asks of the running program: the one way back. run implements it.

use crate::permission::Permission;
use crate::plan::Layout;
use crate::report::Report;
use crate::rows::{Books, Flame, Symbols, Table, Value};
use crate::spec::{Declaration, Member, ProbeId, SetId, SpanId, TallyId, VarId};
use std::rc::Rc;

/// The site that an event came from, with the layout of its records.
#[derive(Clone, Debug)]
pub struct Site {
    /// The declaration it belongs to: its handler gets the events.
    pub id: ProbeId,
    /// What output calls the declaration.
    pub name: String,
    /// What `e.probe` gives.
    pub probe: String,
    pub func: String,
    pub layout: Layout,
}

/// Where a probe stands.
#[derive(Clone, Debug)]
pub struct Standing {
    pub id: ProbeId,
    /// What it feeds.
    pub tally: Option<TallyId>,
    pub name: String,
    pub state: State,
    pub books: Books,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Attaching,
    /// At so many places.
    Attached(usize),
    Detached,
}

/// All of it may be called from the body of a script and from handlers. Errors are the user's, ready to be shown.
pub trait Session: Symbols {
    /// Checks a declaration against this kernel. It is attached, with all others of its chunk or handler, when that returns.
    fn declare(&self, declaration: Declaration) -> Result<(), Vec<Report>>;
    /// Do `-p` or `-c` say which processes are traced?
    fn has_target(&self) -> bool;
    /// May the script do this?
    fn permit(&self, wanted: &Permission) -> Result<(), Report>;
    /// Is there anything that SPEC matches?
    fn exists(&self, spec: &str) -> Result<bool, Report>;
    /// Reads a tally; `take` also empties it, with nothing lost between. Empty when no probe has fed it yet.
    fn read_tally(&self, tally: TallyId, take: bool) -> Result<Table, Report>;
    /// What is open of a span, at least so old (ns), oldest last; its columns are `age` and `time`.
    fn read_span(&self, span: SpanId, at_least: u64) -> Result<Table, Report>;
    /// Makes a set, with room for so many members.
    fn make_set(&self, set: SetId, keys: u32);
    /// Is it a member, put there by the script or by the kernel?
    fn is_in_set(&self, set: SetId, member: &Member) -> Result<bool, Report>;
    /// How many members there are.
    fn size_of_set(&self, set: SetId) -> Result<usize, Report>;
    fn add_to_set(&self, set: SetId, member: &Member) -> Result<(), Report>;
    fn remove_from_set(&self, set: SetId, member: &Member) -> Result<(), Report>;
    /// Changes a `var` in the running programs; the type must stay what it was.
    fn set_variable(&self, variable: VarId, value: &Member) -> Result<(), Report>;
    /// Text that the script prints, as it is (a newline included where there is one).
    fn print(&self, text: &[u8]);
    /// What is printed from here on, until the script returns, is a screen: it takes the place of the one before.
    fn screen(&self);
    /// A row of `:print`.
    fn event(&self, probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]);
    /// A table that is printed now.
    fn table(&self, table: &Table, title: Option<&str>);
    /// The stacks of a table as folded text.
    fn folded(&self, table: &Table, flame: &Flame) -> Result<String, Report>;
    /// Writes a flame graph of a table to a file.
    fn draw(&self, table: &Table, flame: &Flame, file: &str) -> Result<(), Report>;
    /// Can a file be made there?
    fn may_write(&self, file: &str) -> Result<(), Report>;
    /// Writes text to a file.
    fn write_file(&self, file: &str, text: &str) -> Result<(), Report>;
    /// Every probe as it is now, in the order of their declarations.
    fn standings(&self) -> Result<Vec<Standing>, Report>;
    /// Detaches a probe; its tally stays readable.
    fn detach(&self, probe: ProbeId) -> Result<(), Report>;
    /// Gives the script a signal by its name (`USR1`): it no longer does what it does by default. Its number is what
    /// [`super::Vm::signal`] is called with.
    fn catch_signal(&self, name: &str) -> Result<i32, Report>;
    /// A value as people read it.
    fn shown(&self, value: &Value) -> String;
    /// The layout of the records of a site.
    fn site(&self, site: u32) -> Option<Rc<Site>>;
    /// The name of a system call, by its number on this machine.
    fn syscall_name(&self, number: i64) -> Option<&'static str>;
    /// The number of the cgroup with that folder; `None` where there is none.
    fn cgroup(&self, folder: &str) -> Option<u64>;
    /// CLOCK_MONOTONIC, ns: the clock of `e.time`.
    fn now(&self) -> u64;
    /// The time of day: ns since 1970, UTC.
    fn time_of_day(&self) -> u64;
}
