//! What the script asked for, as plain data. Nothing here knows a kernel: whether it can be had is for plan to say.

pub mod duration;
pub mod probe;

pub use probe::{Kind, Pattern};

use crate::report::Place;
use std::collections::BTreeMap;

/// A text of the expression language, with where the script says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub text: String,
    pub place: Place,
}

/// Numbers by which the script's things are known on the way through the program and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TallyId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);
/// A set of the script that programs look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub u32);

/// One `probe` chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    pub id: ProbeId,
    /// The line of its `probe` call.
    pub place: Place,
    /// `"SPEC"` as written, and its alternatives.
    pub spec: String,
    pub patterns: Vec<Pattern>,
    pub steps: Vec<Step>,
    pub ending: Ending,
    /// What `:name` said.
    pub name: Option<String>,
    /// What `$name` in its texts means: `:with`'s values before the script's options.
    pub given: BTreeMap<String, Given>,
    /// `define`d names that its texts may use, in the order they were defined.
    pub definitions: Vec<Definition>,
}

/// What stands between the probe and its ending, in the order written.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `:where`
    Where(Source),
    /// `:fetch`
    Fetch(Source),
    /// `:by`
    By(Source),
    /// `:within`, `:without` and `:finish` of a span.
    Look(Look, Tie),
    /// `:within(set, key)`, and `:without`, which wants the key not to be there.
    Member {
        set: SetId,
        key: Source,
        there: bool,
    },
}

/// What is done with a thing of a span that a step looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is to be there, and stays.
    Within,
    /// There is to be none.
    Without,
    /// It is to be there, and is taken out.
    Finish,
}

/// How a chain finds things of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    pub span: Span,
    /// `tid` where the script says no other.
    pub key: Option<Source>,
    /// The line of the step or ending.
    pub place: Place,
}

/// `span([list])`
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub id: SpanId,
    /// What each start stores, whether a text reads it or not.
    pub fields: Option<Source>,
    /// How many things may be open at once.
    pub keys: u32,
    /// How many different stacks may be stored.
    pub stacks: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// `:on(fn)`: the paths that the function reads of its event, each a text of its own.
    Handler { reads: Vec<Source> },
    /// `:print([list])`, and no ending at all.
    Print(Option<Source>),
    /// `:count()`, `:hist(e)`, `:tally(columns)`: all are columns of a table.
    Tally {
        tally: TallyId,
        columns: Source,
        room: Room,
    },
    /// `:start`, and `:mark` of what has begun.
    Begin { marks: bool, tie: Tie },
    /// None, where finishing a span is all that is wanted.
    Nothing,
    /// `:add(set, key)`, and `:remove`, after which the key is not there.
    Change {
        set: SetId,
        key: Source,
        there: bool,
    },
}

impl Span {
    /// The `keys` of a span that says nothing else.
    pub const KEYS: u32 = 16_384;
}

/// What a tally has room for, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many keys there may be. While a tally is taken, those of both generations count.
    pub keys: u32,
    /// Where there is no room for a new key, the one that was used least recently goes, instead of the new one's update.
    pub lru: bool,
    /// How many stacks there may be among the keys, those of both generations as above.
    pub stacks: u32,
    /// Further probes may come to feed it at any time: `tally()`. Else it is the ending of one.
    pub open: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            keys: 4096,
            lru: false,
            stacks: STACKS,
            open: false,
        }
    }
}

/// Stacks of a tally or a span, unless the script says otherwise.
pub const STACKS: u32 = 8192;

/// Members of a set, unless the script says otherwise.
pub const SET_KEYS: u32 = 65_536;

/// A value that the script gives to its texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Int(i64),
    Bool(bool),
    Str(Vec<u8>),
    /// For `in $name`.
    List(Vec<Member>),
    Set(SetId),
    /// A `var`, with the value it has now (its type is taken from it).
    Var(VarId, Member),
    /// `$target`: what `-p` and `-c` trace; everything when there is neither.
    Target,
    /// An option that the script declares and the user did not give.
    Nil,
}

/// A member of a set or list, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Member {
    Int(i64),
    Str(Vec<u8>),
    Tuple(Vec<Self>),
}

/// `define "f(x) = expr"`
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub name: String,
    pub parameters: Vec<String>,
    pub body: String,
    pub place: Place,
}
