//! The typed tree: what `check` makes of a text, what `codegen` turns into instructions and `eval` into a value.
//!
//! It is closed under nothing but itself: no names, no kernel types, no choices are left in it. Every [`Node`] is a
//! 64-bit pattern with an [`Int`] type (truth values are 0 and 1); every [`Text`] is bytes up to a NUL.

use super::types::{Int, Space};
use moontrace_abi::limits::{ADDRESS, ARGV, PATH};
use moontrace_abi::stack::{FRAMES, OWN};

/// An arithmetic operator, as in Lua but for `Div`, which truncates as C's does. All wrap at 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    /// `/`: truncates towards 0. By zero gives 0 and a note, as the next two.
    Div,
    /// `//`: floors.
    FloorDiv,
    /// `%`: the remainder of `//`.
    Mod,
    And,
    Or,
    Xor,
    /// Shifts of 64 and more (or less than 0: the count is taken without sign) give 0.
    Shl,
    /// Fills with zeros, as Lua's does.
    Shr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What the running CPU knows without reading memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// The process (thread group) and the thread, in moontrace's own pid namespace.
    Pid,
    Tid,
    Uid,
    Gid,
    Cpu,
    /// CLOCK_MONOTONIC, ns; one value a run.
    Time,
    /// The address of the running `task_struct`.
    Task,
    /// The id of the cgroup (v2).
    Cgroup,
    /// The u32 at that offset of the running `task_struct`, which must be one by its BTF: read without a helper (5.11).
    TaskWord(i16),
}

pub use crate::spec::{SetId, SpanId};

/// The set of the processes that `-p` and `-c` trace.
pub const TARGET: SetId = SetId(u32::MAX);

/// A word or string of the script's variables: its offset in their map's value, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// A part of what an earlier run has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub by: Keeper,
    /// Bytes from the start of what is kept.
    pub offset: u32,
    /// Its bit in the word that says whether it is there; `None` of what always is.
    pub bit: Option<u8>,
}

/// Who has kept something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The beginning of the call that returns here. In front is the word of bits, set of what could not be read.
    Call,
    /// The start of a span that a step has bound: the copy at that byte of the run's room for them. In front is the time;
    /// then the word of bits, set of what is there.
    Span(u32),
}

/// A string that is made of many reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Composition {
    /// Of the `struct path` at an address of the kernel's; with where things stand in its structs (ebpf/src/path.rs).
    Path(Vec<u64>),
    /// Of the strings to which an array of the process points, up to a null pointer, joined by blanks.
    Arguments,
    /// Of the number that an IPv4 address is to the kernel (a `__be32`).
    Ipv4,
    /// Of the 16 bytes of an IPv6 address that lies there.
    Ipv6(Space),
}

impl Composition {
    /// Bytes that it may have with its NUL, unless the script says another length.
    pub fn usual_room(&self) -> u16 {
        (match self {
            Self::Path(_) => PATH,
            Self::Arguments => ARGV,
            Self::Ipv4 | Self::Ipv6(_) => ADDRESS,
        }) as u16
    }
}

/// An integer or truth value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Const(i128),
    /// A naturally aligned integer of the program's context, loaded directly.
    Context {
        offset: i16,
        int: Int,
    },
    /// The address of the context: only below a [`Node::Read`], for what can't be loaded directly.
    ContextAddress,
    /// The integer at `base + offset`. When it can't be read the whole expression has no value (a fault).
    Read {
        space: Space,
        base: Box<Self>,
        offset: i32,
        int: Int,
    },
    Current(Current),
    /// What was kept when the call or the span began. When it is not there, the whole expression has no value.
    Kept(Kept, Int),
    /// Where that stands, in memory of the kernel's.
    KeptAddress(Kept),
    /// Which of the sites that share the program was hit: 0 for the first.
    Cookie,
    /// The word of a table at that index; 0 behind its end.
    Entry(Vec<u64>, Box<Self>),
    /// A `var`: an integer that the script may change while programs run.
    Variable {
        slot: Slot,
        int: Int,
    },
    /// `width` bits of a value, from bit `shift` up.
    Bits {
        of: Box<Self>,
        shift: u8,
        width: u8,
        signed: bool,
    },
    /// The low bits of a value, widened again by the type's sign.
    Cast(Int, Box<Self>),
    Neg(Box<Self>),
    /// Bitwise `~`.
    Invert(Box<Self>),
    Binary(Op, Box<Self>, Box<Self>),
    /// By value: -1 is less than any unsigned value.
    Compare(Relation, Box<Self>, Box<Self>),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    /// `c and a or b`: only the branch that is picked is evaluated.
    Select(Box<Self>, Box<Self>, Box<Self>),
    /// Is the value one of these?
    In(Box<Self>, Vec<i128>),
    /// Is the tuple a member of the set? Its parts stand one behind the other as [`Part`] says.
    InSet(SetId, Vec<Part>),
    /// Are two strings equal, up to their NUL?
    Same(Box<Text>, Box<Text>),
    StartsWith(Box<Text>, Vec<u8>),
    /// Does the whole string match?
    Like(Box<Text>, Glob),
    /// Bytes in the other order, for 16, 32 and 64 bits.
    Swap {
        bits: u8,
        of: Box<Self>,
    },
    /// The address of a string that the library composes: only as the address of a [`Text::Read`], which reads it before
    /// the next one is composed. When it can't be, the whole expression has no value.
    Composed {
        what: Composition,
        of: Box<Self>,
        /// Bytes that it may have with its NUL.
        room: u16,
    },
    /// floor(log2(x)); 0 for 0 and, by its sign, for what is below.
    Log2(Box<Self>),
}

/// A string. `capacity` counts its NUL; what is longer is cut there and noted.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    Literal(Vec<u8>),
    /// The running thread's name, 16 bytes with its NUL; where it lies in the thread's `task_struct`, in bytes, when it is zeroed
    /// behind its NUL there and that was looked up.
    Comm(Option<i16>),
    /// The NUL-terminated string at an address. When it can't be read the whole expression has no value.
    Read {
        space: Space,
        address: Box<Node>,
        capacity: u16,
    },
    /// A string `var`.
    Variable(Slot),
    Select(Box<Node>, Box<Self>, Box<Self>),
}

/// The stack of the running thread, or one that a span has stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The process's, not the kernel's.
    pub user: bool,
    /// How many frames are wanted, the innermost ones.
    pub frames: u8,
    /// Of one that is taken, what tells the memory of the process from that of others (0 for the kernel's stack); of one
    /// that is stored, the first word of its id, a [`Node::Kept`].
    pub word: Box<Node>,
}

impl Stack {
    /// Where its id is, if a span has stored it.
    pub fn stored(&self) -> Option<Kept> {
        match &*self.word {
            Node::Kept(kept, _) => Some(*kept),
            _ => None,
        }
    }

    /// How many frames of a stack are taken of which so many are wanted: BPF's own come on top of the kernel's.
    pub fn taken(user: bool, frames: u8) -> u8 {
        match user {
            true => frames,
            false => (usize::from(frames) + OWN).min(FRAMES) as u8,
        }
    }
}

/// An address that is shown as the function that it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// Of the running process, not of the kernel.
    pub user: bool,
    pub address: Box<Node>,
}

/// One part of a key: of a tally, a set or a span.
///
/// Integers take 8 bytes (by their own sign), strings their capacity rounded up to 8, zeroed behind the NUL; a stack takes
/// the two words of its id, a symbol its address and the process (0 for the kernel's).
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Int(Node),
    Text(Text),
    /// Of a tally, and of what a span stores.
    Stack(Stack),
    /// Of a tally only.
    Symbol(Symbol),
}

/// One element of a pattern: matches one byte, or (when `star`) any number of any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobElement {
    /// The bytes that match, a bit each.
    pub bytes: [u64; 4],
    pub star: bool,
}

/// A glob: `*`, `?`, `[a-z]`, `[!a-z]`, `\` before a byte that stands for itself. At most `limits::PATTERN` elements that aren't stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    pub source: Vec<u8>,
    pub elements: Vec<GlobElement>,
}

impl Node {
    /// The type of the value.
    pub fn int(&self) -> Int {
        match self {
            Self::Const(value) => {
                if *value > i64::MAX as i128 {
                    Int::U64
                } else {
                    Int::I64
                }
            }
            Self::Context { int, .. }
            | Self::Read { int, .. }
            | Self::Variable { int, .. }
            | Self::Kept(_, int)
            | Self::Cast(int, _) => *int,
            Self::ContextAddress
            | Self::KeptAddress(_)
            | Self::Cookie
            | Self::Entry(..)
            | Self::Composed { .. } => Int::U64,
            Self::Current(current) => match current {
                Current::Pid
                | Current::Tid
                | Current::Uid
                | Current::Gid
                | Current::Cpu
                | Current::TaskWord(_) => Int::U32,
                Current::Time | Current::Task | Current::Cgroup => Int::U64,
            },
            Self::Bits { width, signed, .. } => Int::new(*signed, *width),
            Self::Neg(_) | Self::Log2(_) => Int::I64,
            Self::Invert(of) => of.int().wide(),
            Self::Swap { bits, .. } => Int::new(false, *bits),
            Self::Binary(Op::Shl | Op::Shr, value, _) => value.int().wide(),
            Self::Binary(_, a, b) | Self::Select(_, a, b) => common(a, b),
            _ => Int::U8,
        }
    }

    /// Is it the address of what the library composes?
    pub fn is_composed(&self) -> bool {
        matches!(self, Self::Composed { .. })
    }

    /// Is it a truth value (0 or 1)?
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::Compare(..)
                | Self::Not(_)
                | Self::And(..)
                | Self::Or(..)
                | Self::In(..)
                | Self::InSet(..)
                | Self::Same(..)
                | Self::StartsWith(..)
                | Self::Like(..)
        )
    }
}

/// The type that two operands are brought to: unsigned when one of them is, as C does; comparisons alone are exact.
pub fn common(a: &Node, b: &Node) -> Int {
    if a.int().wide() == Int::U64 || b.int().wide() == Int::U64 {
        Int::U64
    } else {
        Int::I64
    }
}

impl Text {
    /// Bytes it may take with its NUL.
    pub fn capacity(&self) -> u16 {
        match self {
            Self::Literal(bytes) => bytes.len() as u16 + 1,
            Self::Comm(_) => 16,
            Self::Read { capacity, .. } => *capacity,
            Self::Variable(_) => moontrace_abi::limits::VARIABLE_STRING as u16,
            Self::Select(_, a, b) => a.capacity().max(b.capacity()),
        }
    }

    /// The same, if it is composed and the script did not say how long it is, in no more than so many bytes.
    pub fn composed_within(self, most: u16) -> Self {
        match self {
            Self::Read {
                space,
                mut address,
                mut capacity,
            } => {
                if let Node::Composed { what, room, .. } = &mut *address
                    && *room == what.usual_room()
                {
                    *room = most.min(*room);
                    capacity = *room;
                }
                Self::Read {
                    space,
                    address,
                    capacity,
                }
            }
            Self::Select(condition, a, b) => Self::Select(
                condition,
                Box::new(a.composed_within(most)),
                Box::new(b.composed_within(most)),
            ),
            other => other,
        }
    }
}

impl Part {
    /// Bytes in a key.
    pub fn size(&self) -> u32 {
        match self {
            Self::Int(_) => 8,
            Self::Text(text) => (text.capacity() as u32).next_multiple_of(8),
            Self::Stack(_) | Self::Symbol(_) => 16,
        }
    }
}
